//! Ranking whole files by what the scan found, before anything is parsed.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use super::kind::{FileKind, stem, tested_stem};
use super::mention::Mention;
use super::question::Question;
use super::scan::{FileFacts, Scan};
use super::weights;

/// How sure it is that a file belongs to the task, apart from its words. Later is surer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Tier {
    /// Only its words speak for it.
    Matched,
    /// The task names it.
    Named,
    /// The user hinted at it.
    Hinted,
}

/// A file in its place.
#[derive(Clone, Debug)]
pub(super) struct RankedFile<'a> {
    /// What the scan found.
    pub facts: &'a FileFacts<'a>,
    /// How sure it is.
    pub tier: Tier,
    /// BM25 over its words and its path, with the prior of its kind.
    pub score: f64,
    /// Lines of it that the task names, from 1.
    pub lines: Vec<usize>,
}

impl RankedFile<'_> {
    /// Returns the score with the tier in it, so that sorting by it alone keeps the order.
    pub(super) fn full_score(&self) -> f64 {
        self.score + TIER_STEP * f64::from(self.tier as u8)
    }
}

/// More than any sum of words reaches.
const TIER_STEP: f64 = 1e6;

/// How rare the terms are, and how long the files.
#[derive(Debug)]
pub(super) struct Rarity {
    /// The inverse document frequency of each term, times the weight of the term in the task.
    pub worth: Vec<f64>,
    average_words: f64,
}

impl Rarity {
    /// Counts the files that hold each term.
    pub(super) fn of(question: &Question, files: &[FileFacts<'_>]) -> Self {
        let mut holding = vec![0_u32; question.terms.len()];
        let mut words = 0_u64;
        for file in files {
            words += u64::from(file.words);
            for count in &file.counts {
                holding[count.term] += 1;
            }
        }
        let all = files.len() as f64;
        let worth = holding.iter().zip(&question.terms).map(|(holding, term)| {
            let holding = f64::from(*holding);
            term.weight * (1.0 + (all - holding + 0.5) / (holding + 0.5)).ln()
        });
        Self { worth: worth.collect(), average_words: (words as f64 / all.max(1.0)).max(1.0) }
    }

    /// Returns BM25's part for one term of a text of the given relative length.
    pub(super) fn part(&self, term: usize, in_text: f64, extra: f64, relative_length: f64) -> f64 {
        let length = 1.0 - weights::LENGTH + weights::LENGTH * relative_length;
        let occurrences = in_text / length + extra;
        self.worth[term] * occurrences * (weights::SATURATION + 1.0) / (occurrences + weights::SATURATION)
    }

    fn score(&self, file: &FileFacts<'_>) -> f64 {
        let relative_length = f64::from(file.words) / self.average_words;
        file.counts.iter().map(|c| self.part(c.term, f64::from(c.in_text), c.extra, relative_length)).sum()
    }
}

/// Returns the factor for files of a kind.
pub(super) fn prior(kind: FileKind) -> f64 {
    match kind {
        FileKind::Source => 1.0,
        FileKind::Test => weights::TEST_PRIOR,
        FileKind::Docs => weights::DOCS_PRIOR,
        FileKind::Data => weights::DATA_PRIOR,
    }
}

/// Ranks all files, best first; files of equal score by kind and path.
pub(super) fn rank<'a>(question: &Question, scan: &'a Scan<'a>, rarity: &Rarity) -> Vec<RankedFile<'a>> {
    let own: Vec<f64> = scan.files.iter().map(|file| rarity.score(file)).collect();
    let mut ranked: Vec<RankedFile<'_>> = scan
        .files
        .iter()
        .zip(&own)
        .map(|(facts, own)| RankedFile {
            facts,
            tier: if facts.hinted { Tier::Hinted } else { Tier::Matched },
            score: own * prior(facts.kind),
            lines: Vec::new(),
        })
        .collect();
    lift_named(&question.mentions, &mut ranked);
    lift_sources_of_tests(&own, &mut ranked);
    ranked.sort_by(compare);
    ranked
}

/// Compares by tier and score, best first; the path breaks ties, so that the same tree always gives the same order.
pub(super) fn compare(a: &RankedFile<'_>, b: &RankedFile<'_>) -> Ordering {
    b.tier
        .cmp(&a.tier)
        .then(b.score.total_cmp(&a.score))
        .then(a.facts.kind.cmp(&b.facts.kind))
        .then(a.facts.path.cmp(b.facts.path))
}

/// Most files that one name may stand for and still say something.
const MAX_NAMESAKES: usize = 5;
/// Names that stand in texts for a file of the reader's own.
const COMMON_STEMS: [&str; 12] =
    ["main", "index", "mod", "lib", "app", "test", "example", "__init__", "setup", "conftest", "config", "package"];

fn lift_named(mentions: &[Mention], ranked: &mut [RankedFile<'_>]) {
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
        let meant: Vec<usize> =
            places.iter().copied().filter(|at| is_meant(&mention.path, ranked[*at].facts.path.as_str())).collect();
        for at in meant.iter().copied().filter(|_| meant.len() <= MAX_NAMESAKES) {
            let file = &mut ranked[at];
            file.lines.extend(&mention.lines);
            let by_path = mention.path.contains('/');
            let by_rare_name = file.facts.kind <= FileKind::Test && !COMMON_STEMS.contains(&stem(file.facts.path));
            if meant.len() == 1 && (by_path || by_rare_name) {
                file.tier = file.tier.max(Tier::Named);
            } else {
                file.score *= weights::LOOSELY_NAMED;
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

/// A test that fits the task points at the file that it tests.
fn lift_sources_of_tests(own: &[f64], ranked: &mut [RankedFile<'_>]) {
    let mut tests: Vec<usize> = (0..ranked.len())
        .filter(|at| ranked[*at].facts.kind == FileKind::Test && (own[*at] > 0.0 || ranked[*at].tier > Tier::Matched))
        .collect();
    tests.sort_by(|a, b| ranked[*b].tier.cmp(&ranked[*a].tier).then(own[*b].total_cmp(&own[*a])).then(a.cmp(b)));
    tests.truncate(weights::PAIRED_TESTS);
    let mut wanted = BTreeMap::<String, (f64, usize)>::new();
    for at in tests {
        let path = ranked[at].facts.path;
        let tested = tested_stem(path).unwrap_or_else(|| stem(path)).to_lowercase();
        let entry = wanted.entry(tested).or_default();
        entry.0 = entry.0.max(own[at] * weights::PAIR);
    }
    let is_pair =
        |file: &RankedFile<'_>| (file.facts.kind == FileKind::Source).then(|| stem(file.facts.path).to_lowercase());
    for file in ranked.iter() {
        if let Some(pair) = is_pair(file).and_then(|stem| wanted.get_mut(&stem)) {
            pair.1 += 1;
        }
    }
    for file in ranked.iter_mut() {
        if let Some((lift, namesakes)) = is_pair(file).and_then(|stem| wanted.get(&stem))
            && *namesakes <= MAX_NAMESAKES
        {
            file.score += lift;
        }
    }
}
