//! Why an excerpt was chosen, in words for people.

use std::ops::RangeInclusive;

use super::candidate::Candidate;
use super::question::Question;
use super::rank::Tier;
use super::rarity::Rarity;
use super::signals::Signal;
use super::weights;

/// Words and names told of one excerpt, at most.
const MAX_TOLD: usize = 4;

/// What is told of signals that no line of the file shows.
const OUTSIDE: [(Signal, &str); 2] =
    [(Signal::Tested, "a test that fits is about it"), (Signal::Alike, "an earlier commit like this touched it")];

/// Tells why these lines are shown: `defines `parse_header`; matches: header, timeout`.
pub(super) fn tell(
    candidate: &Candidate<'_>,
    lines: &RangeInclusive<usize>,
    question: &Question,
    rarity: &Rarity,
) -> String {
    let mut parts = Vec::new();
    match candidate.file.tier {
        Tier::Hinted => parts.push("hinted at".to_owned()),
        Tier::Named => parts.push("named in the task".to_owned()),
        Tier::Matched => {}
    }
    let traced: Vec<String> =
        candidate.file.lines.iter().filter(|line| lines.contains(line)).take(MAX_TOLD).map(usize::to_string).collect();
    if !traced.is_empty() {
        parts.push(format!("the task names line {}", traced.join(", ")));
    }
    let mut names: Vec<String> = Vec::new();
    for definition in &candidate.definitions {
        let told = format!("`{}`", definition.name);
        let is_meant = lines.contains(&definition.name_line) && question.term(definition.name.as_bytes()).is_some();
        if is_meant && names.len() < MAX_TOLD && !names.contains(&told) {
            names.push(told);
        }
    }
    if !names.is_empty() {
        parts.push(format!("defines {}", names.join(", ")));
    }
    let words = heaviest_words(candidate, lines, question, rarity);
    if !words.is_empty() {
        parts.push(format!("matches: {}", words.join(", ")));
    }
    for (signal, told) in OUTSIDE {
        if candidate.file.signals.get(signal) >= weights::TOLD_SHARE {
            parts.push(told.to_owned());
        }
    }
    if parts.is_empty() {
        let matches = candidate.file.score > 0.0;
        parts.push(if matches { "stands around what matches" } else { "everything fits" }.to_owned());
    }
    parts.join("; ")
}

fn heaviest_words<'q>(
    candidate: &Candidate<'_>,
    lines: &RangeInclusive<usize>,
    question: &'q Question,
    rarity: &Rarity,
) -> Vec<&'q str> {
    let mut occurrences = vec![0_u32; question.terms.len()];
    for (_, term) in candidate.source.hits(lines) {
        occurrences[*term] += 1;
    }
    let mut held: Vec<(f64, usize)> = occurrences
        .iter()
        .enumerate()
        .filter(|(_, count)| **count > 0)
        .map(|(term, count)| (rarity.part(term, f64::from(*count), 0.0, 1.0), term))
        .collect();
    held.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    held.iter().take(MAX_TOLD).map(|(_, term)| question.terms[*term].shown.as_str()).collect()
}
