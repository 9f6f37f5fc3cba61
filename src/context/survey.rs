//! Reading a tree, ranking its files, and parsing the best of them.

use super::candidate::{self, Candidate};
use super::history::{self, Earlier};
use super::kind::FileKind;
use super::memory::Memory;
use super::question::Question;
use super::rank::{self, RankedFile, Tier};
use super::rarity::Rarity;
use super::scan::{self, Scan};
use super::withhold::Reason;
use super::{ContextError, Query, compile, weights};
use crate::index::Index;
use crate::repo::{FileTree, RepoPath};

/// Source texts have at least about this many bytes a token.
const LEAST_BYTES_A_TOKEN: usize = 3;

/// What reading and ranking have found.
pub(super) struct Survey<'s> {
    pub question: &'s Question,
    pub scan: &'s Scan<'s>,
    pub rarity: &'s Rarity,
    pub earlier: &'s [Earlier<'s>],
    /// The files that were parsed, best first.
    pub candidates: Vec<Candidate<'s>>,
    /// All files, best first; the first `parsed` of them were parsed.
    pub ranked: &'s [RankedFile<'s>],
    pub parsed: usize,
    /// What turned out to be no text.
    pub unreadable: Vec<(&'s RepoPath, Reason)>,
    /// Whether all files together fit into the budget.
    pub everything: bool,
}

/// Reads the tree, ranks its files and parses the best ones.
pub(super) fn survey<T>(
    tree: &FileTree,
    query: &Query,
    index: Option<&Index>,
    budget: usize,
    then: impl FnOnce(Survey<'_>) -> T,
) -> Result<T, ContextError> {
    let question = Question::new(&query.text, &query.further);
    let memory = Memory::new(index);
    let scan = scan::scan(tree, &question, &compile(&query.files)?, &memory);
    let rarity = Rarity::of(&question, &scan.files);
    let earlier = history::as_now(&query.history, tree, &scan.files);
    let mut ranked = rank::rank(&question, &scan, &rarity, &earlier);
    ranked.retain(|file| !is_idle_setting(file));
    let everything = scan.size_bytes() / LEAST_BYTES_A_TOKEN <= budget;
    let parsed = worth_reading(&ranked, everything);
    let (mut candidates, unreadable) = candidate::examine((tree, &memory), &question, &rarity, &ranked[..parsed]);
    rank::rank_anew(&mut candidates, &earlier, &query.similar);
    memory.keep();
    let (question, scan, rarity, earlier, ranked) = (&question, &scan, &rarity, &earlier, &ranked);
    Ok(then(Survey { question, scan, rarity, earlier, candidates, ranked, parsed, unreadable, everything }))
}

/// Returns how many files are worth parsing: the best that match, or when everything fits, the best of all.
fn worth_reading(ranked: &[RankedFile<'_>], everything: bool) -> usize {
    let end = ranked.partition_point(|file| everything || file.tier > Tier::Matched || file.score > 0.0);
    end.min(weights::CANDIDATES)
}

/// Settings of tools (`.gitignore`, `.editorconfig`) say nothing where the task does not name them.
fn is_idle_setting(file: &RankedFile<'_>) -> bool {
    let is_setting = file.facts.kind == FileKind::Data && file.facts.path.file_name().starts_with('.');
    is_setting && file.tier == Tier::Matched
}
