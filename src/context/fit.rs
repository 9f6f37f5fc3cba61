//! Fitting the best pieces of the best files to a budget of tokens.
//!
//! A small file is shown whole. Of a larger one the best definitions are shown, and of a long definition its beginning
//! and the lines around what matches. Adjacent lines become one excerpt.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use super::candidate::Candidate;
use super::piece::Piece;
use super::question::Question;
use super::rank::Tier;
use super::rarity::Rarity;
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
    let mut chosen: Vec<Choice<'_, 'a>> = Vec::new();
    for (candidate, fits) in wanted(candidates, allowance.everything) {
        let file = &candidate.file;
        let credential = secret::find_credential(&candidate.source.text);
        if let Some(shape) = credential {
            fitted.withheld.push((file.facts.path, Reason::SecretByContent(shape)));
            if candidate.definitions.is_empty() || shape == "private key" {
                continue;
            }
        }
        chosen.push(Choice::new(candidate, allowance, credential.is_some(), fits));
    }
    take_turns(&mut chosen, allowance);
    for choice in &chosen {
        fitted.excerpts.extend(choice.excerpts(question, rarity));
    }
    drop_what_does_not_fit(&mut fitted.excerpts, allowance.tokens);
    fitted
}

/// Returns the files that may be shown, and how well they fit: those that do, and what a person hinted at above all.
pub(super) fn wanted<'c, 'a>(
    candidates: &'c [Candidate<'a>],
    everything: bool,
) -> impl Iterator<Item = (&'c Candidate<'a>, f64)> {
    let best = candidates.iter().map(|candidate| candidate.file.score).fold(0.0, f64::max);
    candidates.iter().filter_map(move |candidate| {
        let file = &candidate.file;
        let matches = file.score > 0.0 && file.score >= best * weights::LEAST_SHARE;
        let fits = match file.tier {
            Tier::Hinted => 2.0 * best.max(1.0),
            Tier::Named | Tier::Matched => file.score,
        };
        (matches || file.tier > Tier::Matched || everything).then_some((candidate, fits))
    })
}

/// Lets the files take turns: each turn of a file makes its next one less urgent, so that the best file shows most, and many
/// files show their best.
fn take_turns(chosen: &mut [Choice<'_, '_>], allowance: Allowance) {
    let mut left = allowance.tokens;
    let turn = (allowance.tokens / weights::TURNS).clamp(weights::LEAST_TURN_TOKENS, weights::MOST_TURN_TOKENS);
    while left >= LEAST_USEFUL_TOKENS {
        // The first of equals, so that the order of the files decides.
        let next = chosen
            .iter_mut()
            .filter(|choice| !choice.is_done)
            .reduce(|best, choice| if choice.urgency() > best.urgency() { choice } else { best });
        let Some(next) = next else { return };
        let turn = if next.candidate.file.tier > Tier::Matched { turn * weights::NAMED_TURNS } else { turn };
        let spent = next.turn(turn.min(left), left).min(left);
        left -= spent;
        next.turns += 1;
        next.is_done = spent == 0;
    }
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
    /// How well the file fits.
    fits: f64,
    /// How well its best piece fits.
    best: f64,
    /// How many turns it had.
    turns: i32,
    /// Whether nothing more of it fits.
    is_done: bool,
}

impl<'c, 'a> Choice<'c, 'a> {
    fn new(candidate: &'c Candidate<'a>, allowance: Allowance, has_credential: bool, fits: f64) -> Self {
        let shows_all = allowance.everything
            || candidate.file.tier == Tier::Hinted
            || candidate.pieces.iter().all(|piece| piece.score == 0.0);
        let mut waiting: Vec<&Piece> = candidate.pieces.iter().filter(|piece| piece.score > 0.0 || shows_all).collect();
        waiting.sort_by(|a, b| a.wanted().total_cmp(&b.wanted()).then(b.lines.start().cmp(a.lines.start())));
        Self {
            candidate,
            overhead: overhead(candidate.file.facts.path),
            excerpt_tokens: allowance.excerpt_tokens,
            has_credential,
            lines: BTreeSet::new(),
            waiting,
            fits,
            best: Piece::most_wanted(&candidate.pieces),
            turns: 0,
            is_done: false,
        }
    }

    /// How much it is wanted that the file has the next turn.
    fn urgency(&self) -> f64 {
        let piece = self.waiting.last().map_or(0.0, |piece| piece.wanted());
        let share = if self.best > 0.0 { piece / self.best } else { 1.0 };
        self.fits.max(0.0).powf(weights::BETTER_FILE) * weights::NEXT_TURN.powi(self.turns) * share
    }

    /// Takes the whole file if it is small, or else the best pieces that are left; returns the tokens spent.
    ///
    /// A piece longer than a turn is taken whole if it is the first of its file and little of what is `left`.
    fn turn(&mut self, turn: usize, left: usize) -> usize {
        let source = &self.candidate.source;
        let most = self.excerpt_tokens.min(turn.saturating_mul(weights::WHOLE_FILE_TURNS).min(left));
        if self.lines.is_empty()
            && !self.has_credential
            && source.lines() > 0
            && let Some(tokens) = tokens::count_within(&source.text, most.saturating_sub(self.overhead))
        {
            self.waiting.clear();
            self.lines.extend(1..=source.lines());
            return tokens + self.overhead;
        }
        self.take(turn, left)
    }

    /// Takes the best pieces that are left as long as they fit into `turn` tokens; returns the tokens spent.
    ///
    /// The first piece may be longer than a turn; of one that is far longer, the beginning and what matches is taken.
    fn take(&mut self, turn: usize, left: usize) -> usize {
        let (mut spent, mut misses) = (0, 0);
        while misses < MAX_MISSES && spent + LEAST_USEFUL_TOKENS < turn {
            let Some(piece) = self.waiting.pop() else { break };
            let most = if spent == 0 { left.min(turn * weights::LONG_PIECE_TURNS) } else { turn - spent };
            let mut cost = self.try_lines(&piece.lines, most);
            if cost == 0 && spent > 0 && self.is_worth_a_turn(piece) {
                self.waiting.push(piece);
                break;
            }
            if cost == 0 {
                cost = self.take_parts(piece, turn.min(left) - spent);
            }
            if cost == 0 {
                misses += 1;
                continue;
            }
            spent += cost;
            if let Some(head) = &piece.head {
                spent += self.try_lines(head, left.min(turn.saturating_sub(spent)));
            }
        }
        spent
    }

    /// Tells whether lines of a piece are not shown yet, so that it may have the next turn for itself.
    fn is_worth_a_turn(&self, piece: &Piece) -> bool {
        piece.lines.clone().any(|line| !self.lines.contains(&line))
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
                score: file.score,
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
