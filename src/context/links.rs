//! What points at a file from outside of it: a path in the text, a test that is about it.

use std::collections::BTreeMap;

use super::kind::{FileKind, stem, tested_stem};
use super::mention::Mention;
use super::rank::{RankedFile, Tier};
use super::rarity::Own;
use super::signals::Signal;
use super::weights;

/// Most files that one name may stand for and still say something.
const MAX_NAMESAKES: usize = 5;
/// Names that stand in texts for a file of the reader's own.
pub(super) const COMMON_STEMS: [&str; 12] =
    ["main", "index", "mod", "lib", "app", "test", "example", "__init__", "setup", "conftest", "config", "package"];

/// Marks the files that the text names, with the lines.
pub(super) fn name(mentions: &[Mention], ranked: &mut [RankedFile<'_>]) {
    let mut by_name = BTreeMap::<&str, Vec<usize>>::new();
    for mention in mentions {
        by_name.entry(last_component(&mention.path)).or_default();
    }
    for (at, file) in ranked.iter().enumerate() {
        if let Some(places) = by_name.get_mut(file.facts.path.file_name()) {
            places.push(at);
        }
    }
    for mention in mentions {
        let places = by_name.get(last_component(&mention.path)).map_or(&[][..], Vec::as_slice);
        let path = |at: &usize| ranked[*at].facts.path.as_str();
        let mut meant: Vec<usize> = places.iter().copied().filter(|at| is_meant(&mention.path, path(at))).collect();
        // What is no folder here says as little as a bare name.
        let by_name_alone = meant.is_empty() && mention.in_package;
        if by_name_alone {
            meant = places.to_vec();
        } else if meant.is_empty() && is_frame_of_ones_own(mention) {
            meant = places.iter().copied().filter(|at| !path(at).contains('/')).collect();
        }
        for at in meant.iter().copied().filter(|_| meant.len() <= MAX_NAMESAKES) {
            let file = &mut ranked[at];
            file.lines.extend(&mention.lines);
            let by_path = mention.path.contains('/') && !by_name_alone;
            let by_rare_name = file.facts.kind <= FileKind::Test && !COMMON_STEMS.contains(&stem(file.facts.path));
            if meant.len() == 1 && (by_path || by_rare_name) {
                file.tier = file.tier.max(Tier::Named);
                file.signals.set(Signal::Named, 1.0);
            } else {
                file.signals.set(Signal::LooselyNamed, 1.0);
            }
        }
    }
}

fn last_component(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// A text means a file when one of the two is the end of the other; a bare file at the top is not what a long path of
/// another machine means.
fn is_meant(text: &str, path: &str) -> bool {
    let ends_with = |long: &str, short: &str| long.strip_suffix(short).is_some_and(|rest| rest.ends_with('/'));
    text == path || ends_with(path, text) || (path.contains('/') && ends_with(text, path))
}

/// Tells whether a line of a file was met, and not in the code of others: then a file at the top may be meant, whatever folder
/// of another machine it stood in.
fn is_frame_of_ones_own(mention: &Mention) -> bool {
    const OF_OTHERS: [&str; 8] =
        ["/usr/", "/lib/", "-packages/", "node_modules/", "/.cargo/", "/pkg/mod/", "/rustc/", "/vendor/"];
    let name = last_component(&mention.path);
    let stem = name.split_once('.').map_or(name, |(stem, _)| stem);
    !mention.lines.is_empty()
        && !COMMON_STEMS.contains(&stem)
        && !OF_OTHERS.iter().any(|part| mention.path.contains(part))
}

/// Returns for each file how well the best test fits that is about it.
pub(super) fn sources_of_tests(own: &[Own], ranked: &[RankedFile<'_>]) -> Vec<f64> {
    let mut tests: Vec<usize> = (0..ranked.len())
        .filter(|at| {
            let is_meant = own[*at].words > 0.0 || ranked[*at].tier > Tier::Matched;
            ranked[*at].facts.kind == FileKind::Test && is_meant
        })
        .collect();
    tests.sort_by(|a, b| {
        ranked[*b].tier.cmp(&ranked[*a].tier).then(own[*b].words.total_cmp(&own[*a].words)).then(a.cmp(b))
    });
    tests.truncate(weights::PAIRED_TESTS);
    let mut wanted = BTreeMap::<String, (f64, usize)>::new();
    for at in tests {
        let path = ranked[at].facts.path;
        let tested = tested_stem(path).unwrap_or_else(|| stem(path)).to_lowercase();
        let entry = wanted.entry(tested).or_default();
        entry.0 = entry.0.max(own[at].words);
    }
    let pair =
        |file: &RankedFile<'_>| (file.facts.kind == FileKind::Source).then(|| stem(file.facts.path).to_lowercase());
    for file in ranked {
        if let Some(pair) = pair(file).and_then(|stem| wanted.get_mut(&stem)) {
            pair.1 += 1;
        }
    }
    let lift = |file: &RankedFile<'_>| match pair(file).and_then(|stem| wanted.get(&stem)) {
        Some((lift, namesakes)) if *namesakes <= MAX_NAMESAKES => *lift,
        _ => 0.0,
    };
    ranked.iter().map(lift).collect()
}
