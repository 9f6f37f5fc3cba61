//! The border: a change with its evidence as one directory, written whole or not at all, checked when it is read.
//!
//! | file | what |
//! | --- | --- |
//! | `bundle.json` | schema version, task, base commit, changed files by digest, account, findings, ending |
//! | `evidence.json` | the checks before and after, and the verdict |
//! | `blobs/SHA256` | the bytes of each file before and after |
//! | `run/timing.json` | wall times; differs from run to run |
//! | `run/journal.jsonl` | everything that happened; differs from run to run |
//!
//! Everything outside `run/` is the same, byte for byte, for the same input, seed and recording.

mod choose;
mod files;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::policy::Finding;
use crate::propose::Account;
use crate::repo::{CommitId, FileChange, PathError};
use crate::task::{Order, Task};
use crate::verify::Evidence;

pub use choose::{Merit, best, copy, merit, merit_of};
pub use files::{digest, read, write};

/// The version of the format that this program writes and reads.
pub const SCHEMA: u32 = 1;

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// A change that policy and evidence accept.
    Done,
    /// There is no change that they accept.
    NoAcceptableChange(String),
    /// A limit was reached.
    LimitReached(String),
    /// An outside service failed.
    ServiceFailed(String),
    /// The user ended it.
    Cancelled,
}

/// A change, and everything that a reviewer or publisher needs to know of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Bundle {
    /// The short name of the task; branch and state folder are called after it.
    pub slug: String,
    /// The task.
    pub task: Task,
    /// The commit that the change is compared with.
    pub base: CommitId,
    /// The commit that the new one follows: the base, or the last one of the proposal that is changed.
    pub parent: CommitId,
    /// Where the task came from on the forge, and what was asked for; `None` for a task of a person's own machine.
    pub order: Option<Order>,
    /// The changed files with their bytes before and after, in path order.
    pub changes: Vec<FileChange>,
    /// Who proposed it and what it cost.
    pub account: Account,
    /// What the checks said; `None` when the run ended before them.
    pub evidence: Option<Evidence>,
    /// What policy found.
    pub findings: Vec<Finding>,
    /// How the run ended.
    pub ending: Ending,
}

/// Why a bundle could not be written or is not to be trusted.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// A file could not be read or written.
    #[error("bundle {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A file does not have the form of its schema.
    #[error("bundle {}: {reason}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The bundle was written by a program of another time.
    #[error("bundle {} has schema {found}; this program reads schema {SCHEMA}", path.display())]
    Schema {
        /// The folder.
        path: PathBuf,
        /// Its schema version.
        found: u64,
    },
    /// The content is not what its digest says.
    #[error("bundle {}: the content does not match its digest; somebody changed {what}", path.display())]
    Tampered {
        /// The folder.
        path: PathBuf,
        /// The part that differs.
        what: String,
    },
    /// A changed path is none.
    #[error(transparent)]
    Path(#[from] PathError),
}

impl BundleError {
    fn io(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, source }
    }

    #[allow(clippy::needless_pass_by_value, reason = "errors are passed as they come")]
    fn malformed(path: &Path, reason: impl ToString) -> Self {
        Self::Malformed { path: path.to_owned(), reason: reason.to_string() }
    }
}
