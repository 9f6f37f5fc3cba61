//! What the model is shown: the excerpts that the task is about, fitted to a token budget.
//!
//! Every file is read once and searched for the words of the task; the best files are parsed and cut into definitions;
//! the best of these are fitted to the budget. Synchronous, without network and without processes. It does not know the
//! prompt's wording, keeps nothing between two calls, and does not follow references between files.

mod candidate;
mod fit;
mod instructions;
mod kind;
mod map;
mod mention;
mod piece;
mod question;
mod rank;
mod reason;
mod scan;
mod stop_words;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod weights;
mod withhold;
mod words;

use std::ops::RangeInclusive;

use globset::{Glob, GlobSet, GlobSetBuilder};
use serde::{Deserialize, Serialize};

use crate::repo::{FileTree, RepoPath, is_control_or_invisible};
use crate::secret::find_credential;
use crate::tokens;

use fit::Allowance;
use kind::FileKind;
use question::Question;
use rank::{RankedFile, Rarity, Tier};
use withhold::Reason;

/// What is asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// Everything that tells what the task is about, the title in the first line: description, criteria, the names of
    /// failing tests and what they say.
    pub text: String,
    /// Globs of files that the user hinted at, or their folders; such files come first.
    pub files: Vec<String>,
}

/// How much is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Tokens of everything together.
    pub budget_tokens: usize,
    /// Tokens of a file that is shown whole, and of one piece of a larger file; adjacent pieces may make a longer excerpt.
    pub max_excerpt_tokens: usize,
    /// Tokens of the repository's own instructions together; never more than a quarter of the budget.
    pub instructions_tokens: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self { budget_tokens: 8_000, max_excerpt_tokens: 2_500, instructions_tokens: 800 }
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
    /// The files around them with their main definitions, as text.
    pub map: String,
    /// The repository's own instructions.
    pub instructions: Vec<Instructions>,
    /// Tokens of all of it together; never above `budget_tokens`.
    pub tokens: usize,
    /// The budget that it was fitted to.
    pub budget_tokens: usize,
    /// Files looked at.
    pub files: usize,
    /// What was not shown and why, capped.
    pub withheld: Vec<Withheld>,
}

/// Why there is no context.
#[derive(Debug, thiserror::Error)]
pub enum ContextError {
    /// A hint that is no glob.
    #[error("the file hint {pattern:?} is no glob: {reason}")]
    Glob {
        /// The hint.
        pattern: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// Tokens that a prompt puts around an excerpt or a file of instructions, besides its path: fences and line numbers.
pub const EXCERPT_OVERHEAD_TOKENS: usize = 16;
/// Entries of [`Context::withheld`], at most.
const MAX_WITHHELD: usize = 100;
/// The share of the budget that the map may take at most, as its denominator; the instructions have another.
const MAP_PART: usize = 10;
const INSTRUCTIONS_PART: usize = 4;
/// Source texts have at least about this many bytes a token.
const LEAST_BYTES_A_TOKEN: usize = 3;

/// Finds what the task is about in `tree` and fits it to the budget.
///
/// Every file is read once; time is linear in their bytes. The same tree, query and settings give the same context.
///
/// # Errors
/// [`ContextError::Glob`] for a hint that is no glob. What cannot be read is listed in [`Context::withheld`].
pub fn gather(tree: &FileTree, query: &Query, settings: &Settings) -> Result<Context, ContextError> {
    let question = Question::new(&query.text);
    let scan = scan::scan(tree, &question, &compile(&query.files)?);
    let rarity = Rarity::of(&question, &scan.files);
    let mut ranked = rank::rank(&question, &scan, &rarity);
    ranked.retain(|file| !is_idle_setting(file));
    let budget = settings.budget_tokens;
    let everything = scan.size_bytes() / LEAST_BYTES_A_TOKEN <= budget;
    let (mut candidates, unreadable) = candidate::examine(tree, &question, &rarity, worth_reading(&ranked, everything));
    let instructions = instructions::read(tree, settings.instructions_tokens.min(budget / INSTRUCTIONS_PART));
    candidates.retain(|c| instructions.shown.iter().all(|file| file.path != *c.file.facts.path));
    let spent = instructions.tokens();
    let allowance = Allowance {
        tokens: budget - spent - budget / MAP_PART,
        excerpt_tokens: settings.max_excerpt_tokens,
        everything,
    };
    let fitted = fit::fit(&candidates, &question, &rarity, allowance);
    let map = map::draw(&candidates, &ranked, &fitted.excerpts, budget / MAP_PART);
    let tokens = spent + fitted.excerpts.iter().map(fit::cost).sum::<usize>() + tokens::count(&map);
    let secret = instructions.withheld.iter().map(|(path, reason)| (path, *reason));
    let withheld = scan.withheld.iter().copied().chain(unreadable).chain(secret).chain(fitted.withheld);
    Ok(Context {
        excerpts: fitted.excerpts,
        map,
        tokens,
        budget_tokens: budget,
        files: scan.listed,
        withheld: tell(withheld.collect()),
        instructions: instructions.shown,
    })
}

/// Reads a file that a model asks for by name, without invisible characters.
///
/// # Errors
/// Why it is not shown, for the model: there is none, it is no text, or it holds a secret by its name or content.
pub fn readable(tree: &FileTree, path: &RepoPath) -> Result<String, String> {
    let refuse = |reason: Reason| Err(format!("{path} is not shown: {}", reason.text()));
    if let Some(reason) = withhold::by_path(path).filter(|reason| !reason.yields_to_hint()) {
        return refuse(reason);
    }
    let file = tree.read(path).map_err(|_| format!("{path} cannot be read"))?;
    let file = file.ok_or_else(|| format!("there is no file {path}"))?;
    if let Some(reason) = withhold::by_content(&file.content).filter(|reason| !reason.yields_to_hint()) {
        return refuse(reason);
    }
    let Ok(text) = std::str::from_utf8(&file.content) else { return refuse(Reason::NotText) };
    if let Some(shape) = find_credential(text) {
        return refuse(Reason::SecretByContent(shape));
    }
    Ok(text.chars().filter(|c| matches!(c, '\n' | '\t') || !is_control_or_invisible(*c)).collect())
}

/// Tells why a file is a secret, by its name or by what stands in it; `None` where it is none, or cannot be read.
pub fn secrecy(tree: &FileTree, path: &RepoPath) -> Option<String> {
    let by_name = withhold::by_path(path).filter(|reason| *reason == Reason::SecretByName);
    let text = || tree.read_text(path).ok().flatten();
    let reason = by_name.or_else(|| find_credential(&text()?).map(Reason::SecretByContent))?;
    Some(format!("{path} is not shown: {}", reason.text()))
}

/// Returns the files of `tree` that hold secrets by their names.
pub fn secret_files(tree: &FileTree) -> Vec<RepoPath> {
    tree.paths().filter(|path| withhold::by_path(path) == Some(Reason::SecretByName)).cloned().collect()
}

/// Takes the lines out of what a program printed that look like credentials, and private keys as a whole.
pub fn without_credentials(text: &str) -> String {
    if find_credential(text).is_none() {
        return text.to_owned();
    }
    let mut in_key = false;
    let mut shown = String::new();
    for line in text.lines() {
        in_key |= line.contains("-----BEGIN");
        if in_key || find_credential(line).is_some() {
            shown.push_str("[a line that looks like a credential is not shown]\n");
        } else {
            shown.push_str(line);
            shown.push('\n');
        }
        in_key &= !line.contains("-----END");
    }
    shown
}

/// Ranks the files of `tree` for the task without showing any, best first; what matches nothing is left out.
///
/// # Errors
/// As [`gather`].
pub fn rank_files(tree: &FileTree, query: &Query) -> Result<Vec<(RepoPath, f64)>, ContextError> {
    let question = Question::new(&query.text);
    let scan = scan::scan(tree, &question, &compile(&query.files)?);
    let rarity = Rarity::of(&question, &scan.files);
    let ranked = rank::rank(&question, &scan, &rarity);
    let first = worth_reading(&ranked, false);
    let (candidates, _) = candidate::examine(tree, &question, &rarity, first);
    let others = ranked[first.len()..].iter().filter(|file| file.score > 0.0);
    Ok(candidates
        .iter()
        .map(|c| &c.file)
        .chain(others)
        .map(|file| (file.facts.path.clone(), file.full_score()))
        .collect())
}

/// Returns the files that are worth parsing: the best that match, or when everything fits, the best of all.
fn worth_reading<'r, 'a>(ranked: &'r [RankedFile<'a>], everything: bool) -> &'r [RankedFile<'a>] {
    let end = ranked.partition_point(|file| everything || file.tier > Tier::Matched || file.score > 0.0);
    &ranked[..end.min(weights::CANDIDATES)]
}

/// Settings of tools (`.gitignore`, `.editorconfig`) say nothing where the task does not name them.
fn is_idle_setting(file: &RankedFile<'_>) -> bool {
    let is_setting = file.facts.kind == FileKind::Data && file.facts.path.file_name().starts_with('.');
    is_setting && file.tier == Tier::Matched
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

/// Sorts by reason, secrets first, and by path, and caps the list.
fn tell(mut withheld: Vec<(&RepoPath, Reason)>) -> Vec<Withheld> {
    withheld.sort_unstable_by_key(|(path, reason)| (*reason, *path));
    withheld.dedup();
    withheld.truncate(MAX_WITHHELD);
    withheld.into_iter().map(|(path, reason)| Withheld { path: path.clone(), reason: reason.text() }).collect()
}
