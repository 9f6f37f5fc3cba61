//! Ranking whole files by what the scan found, before anything is parsed.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use super::candidate::Candidate;
use super::graph;
use super::history::{self, Earlier, Past};
use super::kind::FileKind;
use super::links;
use super::neighbours;
use super::passage;
use super::piece::Piece;
use super::question::Question;
use super::rarity::{Own, Rarity};
use super::scan::{FileFacts, Scan};
use super::signals::{Round, Signal, Signals, spread};
use super::{Similar, weights};
use crate::repo::RepoPath;

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
    /// What speaks for it.
    pub signals: Signals,
    /// The sum of the signals by their weights, with the prior of its kind.
    pub score: f64,
    /// Lines of it that the task names, from 1.
    pub lines: Vec<usize>,
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
pub(super) fn rank<'a>(
    question: &Question,
    scan: &'a Scan<'a>,
    rarity: &Rarity,
    earlier: &[Earlier<'_>],
) -> Vec<RankedFile<'a>> {
    let own: Vec<Own> = scan.files.iter().map(|file| rarity.own(question, file)).collect();
    let mut ranked: Vec<RankedFile<'_>> = scan
        .files
        .iter()
        .map(|facts| RankedFile {
            facts,
            tier: if facts.hinted { Tier::Hinted } else { Tier::Matched },
            signals: Signals::default(),
            score: 0.0,
            lines: Vec::new(),
        })
        .collect();
    let past = history::weigh(question, earlier);
    let past = |file: &FileFacts<'_>| past.get(file.path).copied().unwrap_or_default();
    let mut set = |signal: Signal, of: &dyn Fn(usize) -> f64| {
        let values: Vec<f64> = (0..own.len()).map(of).collect();
        spread_by_kind(&mut ranked, signal, &values);
    };
    set(Signal::Words, &|at| own[at].words);
    set(Signal::Title, &|at| own[at].title);
    set(Signal::Name, &|at| own[at].name);
    set(Signal::Folder, &|at| own[at].folder);
    set(Signal::Defines, &|at| own[at].defines);
    set(Signal::Rare, &|at| own[at].rare);
    set(Signal::Code, &|at| own[at].code);
    set(Signal::Scope, &|at| {
        f64::from(u8::from(question.scope.as_ref().is_some_and(|scope| scope.is_of(scan.files[at].path))))
    });
    set(Signal::NameCover, &|at| own[at].name_cover);
    let mut by_extension = BTreeMap::<&str, f64>::new();
    for file in scan.files.iter().filter(|file| file.kind == FileKind::Source) {
        *by_extension.entry(file.path.extension().unwrap_or_default()).or_default() += 1.0;
    }
    set(Signal::Common, &|at| {
        by_extension.get(scan.files[at].path.extension().unwrap_or_default()).copied().unwrap_or_default()
    });
    let of_past = |value: fn(Past) -> f64| move |at: usize| value(past(&scan.files[at]));
    set(Signal::History, &of_past(|past| past.history));
    set(Signal::Alike, &of_past(|past| past.alike));
    let tested = links::sources_of_tests(&own, &ranked);
    spread_by_kind(&mut ranked, Signal::Tested, &tested);
    links::name(&question.mentions, &mut ranked);
    for file in &mut ranked {
        file.score = file.signals.score(Round::First) * prior(file.facts.kind);
    }
    ranked.sort_by(compare);
    ranked
}

/// The largest value is that of a source: tests and documents may hold every word of a task.
fn spread_by_kind(ranked: &mut [RankedFile<'_>], signal: Signal, values: &[f64]) {
    let sources = ranked.iter().zip(values).filter(|(file, _)| file.facts.kind == FileKind::Source);
    let largest = sources.map(|(_, value)| *value).fold(0.0, f64::max);
    let capped: Vec<f64> = values.iter().map(|value| if largest > 0.0 { value.min(largest) } else { *value }).collect();
    spread(ranked.iter_mut().map(|file| &mut file.signals), signal, &capped);
}

/// Compares by tier and score, best first; the path breaks ties, so that the same tree always gives the same order.
pub(super) fn compare(a: &RankedFile<'_>, b: &RankedFile<'_>) -> Ordering {
    (b.tier == Tier::Hinted)
        .cmp(&(a.tier == Tier::Hinted))
        .then(b.score.total_cmp(&a.score))
        .then(a.facts.kind.cmp(&b.facts.kind))
        .then(a.facts.path.cmp(b.facts.path))
}

/// Sets what is known only of the files that were parsed, and ranks these anew.
pub(super) fn rank_anew(candidates: &mut [Candidate<'_>], earlier: &[Earlier<'_>], similar: &Similar) {
    let paths: Vec<&RepoPath> = candidates.iter().map(|candidate| candidate.file.facts.path).collect();
    let piece = best_piece(candidates, Piece::wanted);
    let uses = graph::uses(candidates);
    let fitting = candidates.iter().take(weights::TOGETHER_WITH).map(|c| (c.file.facts.path, c.file.score)).collect();
    let together = history::changed_together(earlier, &paths, &fitting);
    let similar = passage::similarities(candidates, similar);
    let all: [(Signal, Vec<f64>); 4] =
        [(Signal::Piece, piece), (Signal::Uses, uses), (Signal::Together, together), (Signal::Similar, similar)];
    for (signal, values) in &all {
        spread(candidates.iter_mut().map(|candidate| &mut candidate.file.signals), *signal, values);
    }
    order(candidates);
    // Where the best files lead can be told once it is known which they are.
    let led_to = neighbours::led_to(candidates);
    // Of files that fit, this tells the one; it did not tell better where they lead.
    let bigrams = best_piece(candidates, |piece| piece.bigrams);
    spread(candidates.iter_mut().map(|candidate| &mut candidate.file.signals), Signal::Bigrams, &bigrams);
    spread(candidates.iter_mut().map(|candidate| &mut candidate.file.signals), Signal::LedTo, &led_to);
    order(candidates);
}

/// Returns of each file what the best of its pieces has.
fn best_piece(candidates: &[Candidate<'_>], value: fn(&Piece) -> f64) -> Vec<f64> {
    candidates.iter().map(|candidate| candidate.pieces.iter().map(value).fold(0.0, f64::max)).collect()
}

fn order(candidates: &mut [Candidate<'_>]) {
    for candidate in candidates.iter_mut() {
        let file = &mut candidate.file;
        file.score = file.signals.score(Round::Last) * prior(file.facts.kind);
    }
    candidates.sort_by(|a, b| compare(&a.file, &b.file));
}
