//! The outline: of what is not shown, the lines in which the definitions begin that fit best.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use super::candidate::Candidate;
use super::fit::{self, Fitted};
use super::map::as_a_line;
use super::piece::Piece;
use crate::repo::{RepoPath, is_control_or_invisible};
use crate::secret;
use crate::tokens;

/// No definition begins in a line of fewer tokens, with its number.
const LEAST_TOKENS: usize = 6;
/// A line of more tokens is data, or written for machines.
const MOST_TOKENS: usize = 80;

/// The line in which a definition begins that is not shown, with the annotations right above it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Signature {
    /// The file.
    pub path: RepoPath,
    /// The lines, from 1, both ends included; mostly one.
    pub lines: RangeInclusive<usize>,
    /// The text of these lines, without the last break.
    pub text: String,
    /// How well the definition fits the task, as a part of how well its file does; only the order means something.
    pub score: f64,
    /// Tokens of the text with the numbers of its lines.
    pub tokens: usize,
}

/// A definition that may be told.
struct Hidden<'c> {
    rank: usize,
    path: &'c RepoPath,
    lines: RangeInclusive<usize>,
    text: &'c str,
    score: f64,
}

/// Chooses the definitions that fit best of those that no excerpt shows, in at most `max_tokens` of [`tell`]; the best file
/// first, and within a file in the order of the lines.
pub(super) fn draw(
    candidates: &[Candidate<'_>],
    fitted: &Fitted<'_>,
    everything: bool,
    max_tokens: usize,
) -> Vec<Signature> {
    let mut shown = BTreeMap::<&RepoPath, Vec<&RangeInclusive<usize>>>::new();
    for excerpt in &fitted.excerpts {
        shown.entry(&excerpt.path).or_default().push(&excerpt.lines);
    }
    let mut all = Vec::new();
    for (rank, (candidate, fits)) in fit::wanted(candidates, everything).enumerate() {
        let path = candidate.file.facts.path;
        let holds_secret = fitted.withheld.iter().any(|(withheld, _)| *withheld == path);
        if !holds_secret && secret::find_credential(path.as_str()).is_none() {
            let shown = shown.get(path).map_or(&[][..], Vec::as_slice);
            all.extend(hidden(candidate, shown).map(|(lines, text, share)| Hidden {
                rank,
                path,
                lines,
                text,
                score: fits * share,
            }));
        }
    }
    all.sort_by(|a, b| b.score.total_cmp(&a.score));
    let mut chosen = as_far_as_they_fit(all, max_tokens);
    chosen.sort_by_key(|(rank, signature)| (*rank, *signature.lines.start()));
    let mut outline: Vec<Signature> = chosen.into_iter().map(|(_, signature)| signature).collect();
    // Costs are added up line by line; the whole text decides.
    while tokens::count(&tell(&outline)) > max_tokens {
        outline.pop();
    }
    outline
}

/// Returns the lines of a file in which definitions begin and that are not shown, with their texts and how well each fits beside
/// the best piece.
fn hidden<'c>(
    candidate: &'c Candidate<'_>,
    shown: &'c [&RangeInclusive<usize>],
) -> impl Iterator<Item = (RangeInclusive<usize>, &'c str, f64)> {
    let best = Piece::most_wanted(&candidate.pieces).max(f64::MIN_POSITIVE);
    candidate.pieces.iter().filter_map(move |piece| {
        let last = piece.name_line.filter(|line| !shown.iter().any(|lines| lines.contains(line)))?;
        let is_annotation = |line: &usize| candidate.source.slice(&(*line..=*line)).trim_start().starts_with('@');
        let first = (*piece.lines.start()..last).rev().take_while(is_annotation).last().unwrap_or(last);
        let lines = first..=last;
        let text = candidate.source.slice(&lines).trim_end();
        let is_plain = !text.chars().any(|c| !matches!(c, '\t' | '\r' | '\n') && is_control_or_invisible(c));
        is_plain.then_some((lines, text, piece.wanted() / best))
    })
}

fn as_far_as_they_fit(all: Vec<Hidden<'_>>, max_tokens: usize) -> Vec<(usize, Signature)> {
    let (mut left, mut chosen) = (max_tokens, Vec::<(usize, Signature)>::new());
    for Hidden { rank, path, lines, text, score } in all {
        if left < LEAST_TOKENS {
            break;
        }
        let tokens = tokens::count(&numbered(*lines.start(), text));
        let is_first = chosen.iter().all(|(other, _)| *other != rank);
        let cost = tokens + if is_first { tokens::count(&as_a_line(path.as_str())) } else { 0 };
        if tokens <= MOST_TOKENS && cost <= left {
            left -= cost;
            chosen.push((rank, Signature { path: path.clone(), lines, text: text.to_owned(), score, tokens }));
        }
    }
    chosen
}

/// Tells an outline: each file in a line, and below it its lines with their numbers.
pub fn tell(outline: &[Signature]) -> String {
    let tell_file = |signatures: &[Signature]| {
        let lines = signatures.iter().map(|signature| numbered(*signature.lines.start(), &signature.text));
        as_a_line(signatures[0].path.as_str()) + &lines.collect::<String>()
    };
    outline.chunk_by(|a, b| a.path == b.path).map(tell_file).collect()
}

fn numbered(first: usize, text: &str) -> String {
    text.lines().zip(first..).map(|(line, number)| format!("{number}: {line}\n")).collect()
}
