//! What the model is shown: the excerpts that the task is about, fitted to a token budget.
//!
//! Every file is read once and searched for the words of the task; the best files are parsed and cut into definitions;
//! the best of these are fitted to the budget. Synchronous, without network and without processes. It does not know the
//! prompt's wording, keeps nothing between two calls but in the index that it is given, and does not follow references
//! between files.

mod bag;
mod bigrams;
mod candidate;
mod fit;
mod focus;
mod forms;
mod graph;
mod history;
mod instructions;
mod kind;
mod learn;
mod links;
mod map;
mod memory;
#[cfg(test)]
mod memory_tests;
mod mention;
mod neighbours;
mod outline;
mod passage;
mod piece;
mod question;
mod rank;
#[cfg(test)]
mod ranking_tests;
mod rarity;
mod reason;
mod scan;
mod scope;
mod secrecy;
mod signals;
mod stop_words;
mod survey;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod weights;
mod withhold;
mod words;

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::Arc;

use globset::{Glob, GlobSet, GlobSetBuilder};
use serde::{Deserialize, Serialize};

use crate::index::Index;
use crate::repo::{FileTree, PastCommit, RepoPath};
use crate::tokens;

pub use history::recall;
pub use kind::is_source;
pub use learn::{Learned, learn};
pub use outline::{Signature, tell as tell_outline};
pub use passage::{Passage, PassageId, Similar, passage_id};
pub use secrecy::{readable, secrecy, secret_files, why_withheld, without_credentials};
pub use signals::Says;

use candidate::Candidate;
use fit::Allowance;
use rank::{RankedFile, Tier};
use signals::Round;
use survey::{Survey, survey};
use withhold::Reason;

/// What is asked.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Query {
    /// What a person wrote, the title in the first line. It may be a form that was filled in: comments in it are passed over,
    /// and its headings count less.
    pub text: String,
    /// Everything else that tells what the task is about, all of which counts: criteria, a reviewer's words, the names of failing
    /// tests and what they say.
    pub further: String,
    /// Globs of files that the user hinted at, or their folders; such files come first.
    pub files: Vec<String>,
    /// Earlier commits, newest first: what they say points at the files that they touched.
    pub history: Arc<[PastCommit]>,
    /// Files that belong to the instructions, as paths or globs.
    pub knowledge: Vec<String>,
    /// How similar an embedding model finds the passages of the files that fit best, see [`passages`].
    pub similar: Similar,
}

/// How much is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Tokens of everything together.
    pub budget_tokens: usize,
    /// Tokens of a file that is shown whole, and of one piece of a larger file; adjacent pieces may make a longer excerpt.
    pub max_excerpt_tokens: usize,
    /// Files that are shown, at most; with a limit, fewer where the text names those that matter, and no map of the others.
    pub max_files: Option<usize>,
    /// Tokens of the repository's own instructions together; never more than an eighth of the budget.
    pub instructions_tokens: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self { budget_tokens: 8_000, max_excerpt_tokens: 2_500, max_files: None, instructions_tokens: 800 }
    }
}

/// A piece of a file, and why it was chosen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Excerpt {
    /// The file.
    pub path: RepoPath,
    /// The lines, from 1, both ends included.
    pub lines: RangeInclusive<usize>,
    /// Whether these lines are the whole file.
    pub whole_file: bool,
    /// The text of these lines, as it stands in the file.
    pub text: String,
    /// How well it fits the task; only the order means something.
    pub score: f64,
    /// Tokens of the text.
    pub tokens: usize,
    /// Why it was chosen, for people.
    pub reason: String,
}

/// A file of instructions that the repository gives to bots (AGENTS.md and the like), from the base commit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instructions {
    /// The file.
    pub path: RepoPath,
    /// Its text, capped.
    pub text: String,
    /// Whether the cap cut it.
    pub cut: bool,
}

/// A file that matched and is not shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Withheld {
    /// The file.
    pub path: RepoPath,
    /// Why: a secret by name or by content, binary, minified, too large.
    pub reason: String,
}

/// What the model is shown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Context {
    /// The pieces, best first.
    pub excerpts: Vec<Excerpt>,
    /// Of what the excerpts do not show, the lines in which the definitions begin that fit best; the best file first.
    #[serde(default)]
    pub outline: Vec<Signature>,
    /// The files around them with their main definitions, as text.
    pub map: String,
    /// The repository's own instructions.
    pub instructions: Vec<Instructions>,
    /// The newest commits that touched the files of the excerpts, a line each: how this repository changes things.
    #[serde(default)]
    pub commits: Vec<String>,
    /// Tokens of all of it together; never above `budget_tokens`.
    pub tokens: usize,
    /// The budget that it was fitted to.
    pub budget_tokens: usize,
    /// Files looked at.
    pub files: usize,
    /// What was not shown and why: the first hundred, secrets before others.
    pub withheld: Vec<Withheld>,
    /// How many that are in all.
    #[serde(default)]
    pub withheld_files: usize,
}

/// A file in its place.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Ranked {
    /// The file.
    pub path: RepoPath,
    /// How well it fits the task; only the order means something.
    pub score: f64,
    /// Whether a person hinted at it: such files come first, whatever their score.
    pub hinted: bool,
    /// What speaks for it, by name.
    pub signals: BTreeMap<&'static str, Says>,
    /// What it is for, which the sum of the signals is multiplied with: 1 for sources, less for tests, documents and data.
    pub kind_factor: f64,
}

/// What was found, and how the files were ranked.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// What the model is shown.
    pub context: Context,
    /// The files that match, best first.
    pub ranking: Vec<Ranked>,
}

/// Why there is no context.
#[derive(Debug, thiserror::Error)]
pub enum ContextError {
    /// A hint that is no glob.
    #[error("{pattern:?} is no path and no glob: {reason}")]
    Glob {
        /// The hint.
        pattern: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// Tokens that a prompt puts around an excerpt or a file of instructions, besides its path: fences and line numbers.
pub const EXCERPT_OVERHEAD_TOKENS: usize = 16;
/// Earlier commits that are read for [`Query::history`].
const HISTORY_COMMITS: usize = 1000;
/// Entries of [`Context::withheld`], at most.
const MAX_WITHHELD: usize = 100;
/// The share of the budget that the map may take at most, as its denominator; the others have their own.
const MAP_PART: usize = 20;
const OUTLINE_PART: usize = 10;
const INSTRUCTIONS_PART: usize = 8;
const COMMITS_PART: usize = 32;
/// Tokens that a prompt puts around a line of [`Context::commits`].
const LINE_OVERHEAD_TOKENS: usize = 2;

/// Finds what the task is about in `tree` and fits it to the budget.
///
/// Every file is read once; time is linear in their bytes. The same tree, query and settings give the same context, with
/// an index and without: what it knows is not read again, and what is found out is kept in it.
///
/// # Errors
/// [`ContextError::Glob`] for a hint that is no glob. What cannot be read is listed in [`Context::withheld`].
pub fn gather(
    tree: &FileTree,
    query: &Query,
    settings: &Settings,
    index: Option<&Index>,
) -> Result<Context, ContextError> {
    Ok(search(tree, query, settings, index)?.context)
}

/// Does what [`gather`] does, and tells how the files were ranked.
///
/// # Errors
/// As [`gather`].
pub fn search(
    tree: &FileTree,
    query: &Query,
    settings: &Settings,
    index: Option<&Index>,
) -> Result<Found, ContextError> {
    let knowledge = compile(&query.knowledge)?;
    survey(tree, query, index, settings.budget_tokens, |found| {
        fit_to_budget(tree, query, settings, (found, &knowledge))
    })
}

/// Returns what an embedding model is to be told of the files that fit best, for [`Query::similar`].
///
/// # Errors
/// As [`gather`].
pub fn passages(tree: &FileTree, query: &Query, index: Option<&Index>) -> Result<Vec<Passage>, ContextError> {
    survey(tree, query, index, 0, |found| passage::of_candidates(&found.candidates))
}

fn fit_to_budget(
    tree: &FileTree,
    query: &Query,
    settings: &Settings,
    (found, knowledge): (Survey<'_>, &GlobSet),
) -> Found {
    let Survey { question, scan, rarity, earlier, mut candidates, ranked, parsed, unreadable, everything } = found;
    let budget = settings.budget_tokens;
    let ranking = tell_ranking(&candidates, &ranked[parsed..]);
    let best: Vec<&RepoPath> = candidates.iter().map(|candidate| candidate.file.facts.path).collect();
    let most = settings.instructions_tokens.min(budget / INSTRUCTIONS_PART);
    let instructions = instructions::read(tree, &best, knowledge, most);
    candidates.retain(|c| instructions.shown.iter().all(|file| file.path != *c.file.facts.path));
    let is_limited = settings.max_files.is_some();
    if let Some(most) = settings.max_files {
        focus::focus(&mut candidates, &[&query.text, &query.further], most);
    }
    let spent = instructions.tokens();
    let for_commits = if earlier.is_empty() { 0 } else { budget / COMMITS_PART };
    let allowance = Allowance {
        tokens: budget - spent - budget / MAP_PART - budget / OUTLINE_PART - for_commits,
        excerpt_tokens: settings.max_excerpt_tokens,
        everything: everything && !is_limited,
    };
    let fitted = fit::fit(&candidates, question, rarity, allowance);
    let for_excerpts: usize = fitted.excerpts.iter().map(fit::cost).sum();
    let outline = outline::draw(&candidates, &fitted, allowance.everything, budget / OUTLINE_PART);
    let others = if is_limited { &[] } else { ranked };
    let map = map::draw(&candidates, others, (&fitted.excerpts, &outline), budget / MAP_PART);
    let commits = history::tell(earlier, &fitted.excerpts, for_commits);
    let told: usize = commits.iter().map(|line| tokens::count(line) + LINE_OVERHEAD_TOKENS).sum();
    let around = tokens::count(&tell_outline(&outline)) + tokens::count(&map);
    let tokens = told + spent + for_excerpts + around;
    let secret = instructions.withheld.iter().map(|(path, reason)| (path, *reason));
    let withheld = scan.withheld.iter().copied().chain(unreadable).chain(secret).chain(fitted.withheld);
    let (withheld, withheld_files) = tell(withheld.collect());
    let context = Context {
        excerpts: fitted.excerpts,
        outline,
        map,
        commits,
        tokens,
        budget_tokens: budget,
        files: scan.listed,
        withheld,
        withheld_files,
        instructions: instructions.shown,
    };
    Found { context, ranking }
}

/// Tells the ranking: the files that were parsed, then the others; what nothing points at is left out.
fn tell_ranking(candidates: &[Candidate<'_>], others: &[RankedFile<'_>]) -> Vec<Ranked> {
    let parsed = candidates.iter().map(|candidate| (&candidate.file, Round::Last));
    let all = parsed.chain(others.iter().map(|file| (file, Round::First)));
    all.filter(|(file, _)| file.tier == Tier::Hinted || file.score > 0.0)
        .map(|(file, round)| Ranked {
            path: file.facts.path.clone(),
            score: file.score,
            hinted: file.tier == Tier::Hinted,
            signals: file.signals.told(round).collect(),
            kind_factor: rank::prior(file.facts.kind),
        })
        .collect()
}

fn compile(hints: &[String]) -> Result<GlobSet, ContextError> {
    let mut set = GlobSetBuilder::new();
    for hint in hints {
        let failed =
            |error: globset::Error| ContextError::Glob { pattern: hint.clone(), reason: error.kind().to_string() };
        let pattern = hint.trim_start_matches("./").trim_end_matches('/');
        set.add(Glob::new(pattern).map_err(failed)?);
        set.add(Glob::new(&format!("{pattern}/**")).map_err(failed)?);
    }
    set.build().map_err(|error| ContextError::Glob { pattern: hints.join(", "), reason: error.kind().to_string() })
}

/// Sorts by reason, secrets first, and by path, and caps the list; tells how many there were.
fn tell(mut withheld: Vec<(&RepoPath, Reason)>) -> (Vec<Withheld>, usize) {
    withheld.sort_unstable_by_key(|(path, reason)| (*reason, *path));
    withheld.dedup();
    let all = withheld.len();
    withheld.truncate(MAX_WITHHELD);
    let told = withheld.into_iter().map(|(path, reason)| Withheld { path: path.clone(), reason: reason.text() });
    (told.collect(), all)
}
