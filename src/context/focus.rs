//! What is left of the files for a model that is shown few of them.
//!
//! A small model reads slowly and loses its way in many files. So where the task or a failure names a source, what neither of
//! them names must fit nearly as well to be shown; and a test that the failure shows in full is not shown once more.

use std::collections::HashSet;

use super::candidate::Candidate;
use super::kind::FileKind;
use super::rank::Tier;
use super::weights;

/// The lines of a test that must stand in the text, where it has so many.
const LEAST_TOLD_LINES: usize = 3;

/// Leaves the best `most` of the candidates, which come best first, for a task with these texts.
pub(super) fn focus(candidates: &mut Vec<Candidate<'_>>, texts: &[&str], most: usize) {
    let told: HashSet<&str> = texts.iter().flat_map(|text| text.lines()).map(code_of).collect();
    candidates.retain(|candidate| !tells_test(&told, candidate));
    let best = candidates.iter().map(|candidate| candidate.file.score).fold(0.0, f64::max);
    let is_named = |candidate: &Candidate<'_>| candidate.file.tier > Tier::Matched;
    let names_source = |candidate: &Candidate<'_>| is_named(candidate) && candidate.file.facts.kind == FileKind::Source;
    if candidates.iter().any(names_source) {
        candidates.retain(|candidate| is_named(candidate) || candidate.file.score >= best * weights::FOCUS_SHARE);
    }
    candidates.truncate(most);
}

/// Tells whether the text holds a test of a file from its first line on, as pytest prints one that fails.
fn tells_test(told: &HashSet<&str>, candidate: &Candidate<'_>) -> bool {
    let is_told = |lines: &std::ops::RangeInclusive<usize>| {
        let lines: Vec<&str> =
            candidate.source.slice(lines).lines().map(code_of).filter(|line| !line.is_empty()).collect();
        let told_of_it = lines.iter().filter(|line| told.contains(*line)).count();
        lines.first().is_some_and(|first| told.contains(first))
            && told_of_it >= LEAST_TOLD_LINES.min(lines.len()).max(2)
    };
    candidate.file.facts.kind == FileKind::Test
        && candidate.file.tier != Tier::Hinted
        && candidate.pieces.iter().any(|piece| piece.name.is_some() && is_told(&piece.lines))
}

/// Returns a line without its indentation and the mark with which pytest begins the one that failed.
fn code_of(line: &str) -> &str {
    line.trim_start_matches(['>', ' ', '\t']).trim_end()
}
