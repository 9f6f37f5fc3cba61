//! Which lines of a file come nearest to a search text that is not in it. For feedback only, never for applying.

use std::collections::HashMap;

use similar::{Algorithm, DiffOp, capture_diff_slices};

use super::document::{Document, Keys, without_end};

/// The nearest lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Nearest {
    /// Their first line, from 0.
    pub(super) at: usize,
    /// The first line of the search text, from 0, that is not the same there.
    pub(super) first_difference: usize,
}

/// The least share of common words for lines to be worth showing.
const MIN_SHARE: f64 = 0.4;
/// How many windows with many common words are compared line by line.
const CANDIDATES: usize = 4;
/// How many lines around a window are taken into that comparison.
const SLACK: usize = 4;
/// How many lines of the search text are taken into it, so that its time stays bounded.
const MAX_COMPARED: usize = 300;

/// Finds the lines of `document` that share most words with `search`.
///
/// A window of as many lines as `search` slides over the file while the common words are counted, so that the time is
/// linear in the words of both; only the best few windows are then compared line by line.
pub(super) fn nearest(document: &Document, search: &[&str]) -> Option<Nearest> {
    let shares = shares(document, search);
    let keys: Vec<u64> = document.texts().map(|text| Keys::of(text.trim_end()).begun).collect();
    let wanted: Vec<u64> = search.iter().take(MAX_COMPARED).map(|line| Keys::of(line.trim_end()).begun).collect();
    let windows = best_windows(&shares, search.len());
    let aligned = windows.into_iter().filter(|at| shares[*at] >= MIN_SHARE).map(|at| {
        let (equal, moved) = align(&keys, &wanted, at);
        (equal, shares[at], moved)
    });
    let (_, _, at) = aligned.max_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)).then(b.2.cmp(&a.2)))?;
    let differs = |offset: &usize| {
        document.text(at + offset).is_none_or(|text| without_end(text) != without_end(search[*offset]))
    };
    Some(Nearest { at, first_difference: (0..search.len()).find(differs).unwrap_or(0) })
}

/// Counts the lines that are the same near the window at `at`, and moves the window to where they begin.
fn align(keys: &[u64], wanted: &[u64], at: usize) -> (usize, usize) {
    let start = at.saturating_sub(SLACK);
    let region = &keys[start..(at + wanted.len() + SLACK).min(keys.len())];
    let kept = capture_diff_slices(Algorithm::Myers, wanted, region).into_iter().filter_map(|op| match op {
        DiffOp::Equal { old_index, new_index, len } => Some((old_index, new_index, len)),
        _ => None,
    });
    let kept: Vec<(usize, usize, usize)> = kept.collect();
    let equal = kept.iter().map(|(_, _, len)| len).sum();
    let begin = kept.first().map_or(at, |(old, new, _)| (start + new).saturating_sub(*old));
    (equal, begin)
}

/// Returns for each line the share of words that the window from there has in common with `search`, from 0 to 1.
fn shares(document: &Document, search: &[&str]) -> Vec<f64> {
    let mut wanted: HashMap<&str, (usize, usize)> = HashMap::new();
    let mut wanted_total = 0;
    for word in search.iter().flat_map(|line| words(line)) {
        let next = wanted.len();
        wanted.entry(word).or_insert((next, 0)).1 += 1;
        wanted_total += 1;
    }
    let mut counts = vec![0_usize; wanted.len()];
    for (id, count) in wanted.values() {
        counts[*id] = *count;
    }
    let lines: Vec<(Vec<usize>, usize)> = document
        .texts()
        .map(|text| {
            let known = words(text).filter_map(|word| wanted.get(word).map(|(id, _)| *id)).collect();
            (known, words(text).count())
        })
        .collect();
    let width = search.len().min(lines.len()).max(1);
    let (mut have, mut common, mut total) = (vec![0_usize; counts.len()], 0_usize, 0);
    let mut shares = vec![0.0; lines.len()];
    for end in 0..lines.len() + width - 1 {
        if let Some((known, all)) = lines.get(end) {
            total += all;
            for id in known {
                have[*id] += 1;
                common += usize::from(have[*id] <= counts[*id]);
            }
        }
        let Some(start) = (end + 1).checked_sub(width) else { continue };
        shares[start] = 2.0 * common as f64 / (total + wanted_total).max(1) as f64;
        total -= lines[start].1;
        for id in &lines[start].0 {
            common -= usize::from(have[*id] <= counts[*id]);
            have[*id] -= 1;
        }
    }
    shares
}

/// Splits into runs of letters, digits and underscores; other signs are alike in all lines of a language.
fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty())
}

fn best_windows(shares: &[f64], width: usize) -> Vec<usize> {
    let mut best: Vec<usize> = Vec::new();
    let near = |a: usize, b: usize| a.abs_diff(b) <= width / 2;
    for _ in 0..CANDIDATES {
        let open = (0..shares.len()).filter(|at| shares[*at] > 0.0 && !best.iter().any(|taken| near(*taken, *at)));
        match open.max_by(|a, b| shares[*a].total_cmp(&shares[*b]).then(b.cmp(a))) {
            Some(at) => best.push(at),
            None => break,
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(file: &str, search: &str, expected: Option<(usize, usize)>) {
        let lines: Vec<&str> = search.lines().collect();
        let found = nearest(&Document::of(file), &lines);
        assert_eq!(found.map(|near| (near.at + 1, near.first_difference + 1)), expected, "{search:?} in {file:?}");
    }

    #[test]
    fn the_nearest_lines_are_those_that_share_most() {
        let file = "fn one() {\n    let a = 1;\n}\n\nfn two() {\n    let a = 2;\n    call(a);\n}\n";
        check(file, "fn two() {\n    let b = 2;\n    call(b);\n}\n", Some((5, 2)));
        check(file, "fn two() {\n    let a = 2;\n    extra();\n    call(a);\n}\n", Some((5, 3)));
        check(file, "    call(aa);\n", Some((7, 1)));
        check(file, "class Unknown\n", None);
        check(file, "    let a = 2;\n    call(a);\n}\n// end\n", Some((6, 4)));
        check("\nfn two() {\n    call(a);\n}\n", "fn two() {\n    let b = 2;\n    call(a);\n}\n", Some((2, 2)));
        check("", "a\n", None);
    }
}
