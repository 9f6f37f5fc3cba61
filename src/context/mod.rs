//! What the model is shown: the excerpts that the task is about, fitted to a token budget.
//!
//! Synchronous, without network and without processes. It does not know the prompt's wording.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use crate::repo::RepoPath;

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
