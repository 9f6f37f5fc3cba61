//! Fitting the best pieces of the best files to a budget of tokens.
//!
//! A small file is shown whole. Of a larger one the best definitions are shown, and of a long definition its beginning
//! and the lines around what matches. Adjacent lines become one excerpt.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use super::candidate::Candidate;
use super::piece::Piece;
use super::question::Question;
use super::rank::{Rarity, Tier};
use super::reason;
use super::weights;
use super::withhold::Reason;
use super::{EXCERPT_OVERHEAD_TOKENS, Excerpt};
use crate::repo::RepoPath;
use crate::secret;
use crate::tokens;

/// Less than this is not worth an excerpt.
const LEAST_USEFUL_TOKENS: usize = 48;
/// Pieces of one file that may be too long before the next file has its turn.
const MAX_MISSES: usize = 8;
/// Lines between two excerpts that are shown too, because an excerpt of its own costs more than they do.
const BRIDGED: usize = 2;
/// Lines shown before and behind a line that matches, in a definition too long to be shown.
const AROUND: usize = 3;
/// Lines at the beginning of such a definition.
const BEGINNING: usize = 6;

/// What may be spent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Allowance {
    /// Tokens for all excerpts with what surrounds them.
    pub tokens: usize,
    /// Tokens for one excerpt.
    pub excerpt_tokens: usize,
    /// Whether files that match little or not at all are shown too, because everything fits.
    pub everything: bool,
}

/// What is shown, and what was found not to be fit for it.
#[derive(Debug, Default)]
pub(super) struct Fitted<'a> {
    /// The excerpts, best first.
    pub excerpts: Vec<Excerpt>,
    /// Files that hold what looks like a secret.
    pub withheld: Vec<(&'a RepoPath, Reason)>,
}

/// Chooses excerpts of `candidates`, which come best first.
pub(super) fn fit<'a>(
    candidates: &[Candidate<'a>],
    question: &Question,
    rarity: &Rarity,
    allowance: Allowance,
) -> Fitted<'a> {
    let mut fitted = Fitted::default();
    let mut left = allowance.tokens;
    let best = candidates.iter().map(|candidate| candidate.file.score).fold(0.0, f64::max);
    let wanted: Vec<&Candidate<'a>> = candidates
        .iter()
        .filter(|candidate| {
            let file = &candidate.file;
            let matches = file.score > 0.0 && file.score >= best * weights::LEAST_SHARE;
            matches || file.tier > Tier::Matched || allowance.everything
        })
        .collect();
    let least_share = if allowance.everything { 1.0 } else { 1.0 / wanted.len() as f64 };
    let mut chosen: Vec<Choice<'_, 'a>> = Vec::new();
    for candidate in wanted {
        if left < LEAST_USEFUL_TOKENS {
            break;
        }
        let file = &candidate.file;
        let credential = secret::find_credential(&candidate.source.text);
        if let Some(shape) = credential {
            fitted.withheld.push((file.facts.path, Reason::SecretByContent(shape)));
            if candidate.definitions.is_empty() || shape == "private key" {
                continue;
            }
        }
        let share = if file.tier > Tier::Matched { weights::NAMED_FILE_SHARE } else { weights::FILE_SHARE };
        let turn = (left as f64 * share.max(least_share)) as usize;
        let mut choice = Choice::new(candidate, allowance, credential.is_some());
        left -= choice.first_turn(turn).min(left);
        chosen.push(choice);
    }
    for choice in &mut chosen {
        left -= choice.take(left).min(left);
    }
    for choice in &chosen {
        fitted.excerpts.extend(choice.excerpts(question, rarity));
    }
    drop_what_does_not_fit(&mut fitted.excerpts, allowance.tokens);
    fitted
}

/// Returns the tokens that an excerpt takes with its path and what surrounds it.
pub(super) fn cost(excerpt: &Excerpt) -> usize {
    excerpt.tokens + overhead(&excerpt.path)
}

fn overhead(path: &RepoPath) -> usize {
    EXCERPT_OVERHEAD_TOKENS + tokens::count(path.as_str())
}

/// Costs are added up piece by piece on the way; the sum over whole excerpts decides.
fn drop_what_does_not_fit(excerpts: &mut Vec<Excerpt>, allowed: usize) {
    let mut total: usize = excerpts.iter().map(cost).sum();
    while total > allowed {
        let Some(last) = excerpts.pop() else { return };
        total -= cost(&last);
    }
}

/// What is shown of one file, as it grows.
struct Choice<'c, 'a> {
    candidate: &'c Candidate<'a>,
    overhead: usize,
    excerpt_tokens: usize,
    has_credential: bool,
    lines: BTreeSet<usize>,
    /// The pieces that are not looked at yet, best last.
    waiting: Vec<&'c Piece>,
}

impl<'c, 'a> Choice<'c, 'a> {
    fn new(candidate: &'c Candidate<'a>, allowance: Allowance, has_credential: bool) -> Self {
        let shows_all = allowance.everything
            || candidate.file.tier == Tier::Hinted
            || candidate.pieces.iter().all(|piece| piece.score == 0.0);
        let mut waiting: Vec<&Piece> = candidate.pieces.iter().filter(|piece| piece.score > 0.0 || shows_all).collect();
        waiting.sort_by(|a, b| a.score.total_cmp(&b.score).then(b.lines.start().cmp(a.lines.start())));
        Self {
            candidate,
            overhead: overhead(candidate.file.facts.path),
            excerpt_tokens: allowance.excerpt_tokens,
            has_credential,
            lines: BTreeSet::new(),
            waiting,
        }
    }

    /// Takes the whole file if it fits, or else the best pieces; returns the tokens spent.
    fn first_turn(&mut self, turn: usize) -> usize {
        let source = &self.candidate.source;
        let most = self.excerpt_tokens.min(turn.saturating_sub(self.overhead));
        if !self.has_credential
            && source.lines() > 0
            && let Some(tokens) = tokens::count_within(&source.text, most)
        {
            self.waiting.clear();
            self.lines.extend(1..=source.lines());
            return tokens + self.overhead;
        }
        self.take(turn)
    }

    /// Takes the best pieces that are left as long as they fit into `turn` tokens; returns the tokens spent.
    fn take(&mut self, turn: usize) -> usize {
        let (mut spent, mut misses) = (0, 0);
        while misses < MAX_MISSES && spent + LEAST_USEFUL_TOKENS < turn {
            let Some(piece) = self.waiting.pop() else { break };
            let cost = self.try_lines(&piece.lines, turn - spent);
            if cost == 0 {
                misses += 1;
                if self.lines.is_empty() {
                    spent += self.take_parts(piece, turn - spent);
                }
                continue;
            }
            spent += cost;
            if let Some(head) = &piece.head {
                spent += self.try_lines(head, turn - spent);
            }
        }
        spent
    }

    /// Shows the beginning of a piece that is too long, and the lines around what matches in it.
    fn take_parts(&mut self, piece: &Piece, turn: usize) -> usize {
        let (first, last) = (*piece.lines.start(), *piece.lines.end());
        let most = turn.min(self.excerpt_tokens);
        let mut spent = self.try_lines(&(first..=last.min(first + BEGINNING - 1)), most);
        let mut matching: Vec<usize> = self.candidate.source.hits(&piece.lines).iter().map(|(line, _)| *line).collect();
        matching.splice(0..0, self.candidate.file.lines.iter().copied().filter(|line| piece.lines.contains(line)));
        for line in matching {
            if !self.lines.contains(&line) && spent < most {
                let around = first.max(line.saturating_sub(AROUND))..=last.min(line + AROUND);
                spent += self.try_lines(&around, most - spent);
            }
        }
        spent
    }

    /// Adds lines if they cost at most `allowed` tokens and hold no secret; returns what they cost, 0 when not added.
    fn try_lines(&mut self, lines: &RangeInclusive<usize>, allowed: usize) -> usize {
        let mut new = lines.clone().filter(|line| !self.lines.contains(line));
        let Some(first) = new.next() else { return 0 };
        let last = new.next_back().unwrap_or(first);
        let before = self.lines.range(..first).next_back().filter(|line| first - **line <= BRIDGED + 1);
        let behind = self.lines.range(last + 1..).next().filter(|line| **line - last <= BRIDGED + 1);
        let new = before.map_or(first, |line| line + 1)..=behind.map_or(last, |line| line - 1);
        let overhead = if before.or(behind).is_some() { 0 } else { self.overhead };
        let text = self.candidate.source.slice(&new);
        let most = allowed.min(self.excerpt_tokens);
        let Some(tokens) = most.checked_sub(overhead).and_then(|most| tokens::count_within(text, most)) else {
            return 0;
        };
        if self.has_credential && secret::find_credential(text).is_some() {
            return 0;
        }
        self.lines.extend(new);
        tokens + overhead
    }

    fn excerpts(&self, question: &Question, rarity: &Rarity) -> Vec<Excerpt> {
        let source = &self.candidate.source;
        let file = &self.candidate.file;
        let shown: Vec<RangeInclusive<usize>> = runs(&self.lines)
            .filter(|lines| !self.has_credential || secret::find_credential(source.slice(lines)).is_none())
            .collect();
        shown
            .into_iter()
            .map(|lines| Excerpt {
                path: file.facts.path.clone(),
                whole_file: lines == (1..=source.lines()),
                text: source.slice(&lines).to_owned(),
                score: file.full_score(),
                tokens: tokens::count(source.slice(&lines)),
                reason: reason::tell(self.candidate, &lines, question, rarity),
                lines,
            })
            .collect()
    }
}

/// Returns the stretches of adjacent lines.
fn runs(lines: &BTreeSet<usize>) -> impl Iterator<Item = RangeInclusive<usize>> {
    let mut lines = lines.iter().copied().peekable();
    std::iter::from_fn(move || {
        let first = lines.next()?;
        let mut last = first;
        while let Some(next) = lines.next_if_eq(&(last + 1)) {
            last = next;
        }
        Some(first..=last)
    })
}
