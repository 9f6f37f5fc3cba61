//! What Prentice and its helper tell each other over the lifeline, each as one line of JSON.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::sandbox::{Level, Limits, Network};

/// What the helper has to run, and within which walls. It holds no secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Policy {
    /// Which walls.
    pub(super) level: Level,
    /// Which network is within them.
    pub(super) network: Network,
    /// The program, absolute, and its arguments.
    pub(super) program: PathBuf,
    /// The arguments after the name.
    pub(super) arguments: Vec<String>,
    /// Where it starts.
    pub(super) directory: PathBuf,
    /// Its whole environment.
    pub(super) environment: BTreeMap<String, String>,
    /// Readable and writable.
    pub(super) work_tree: PathBuf,
    /// Readable and writable; its `tmp` is also /tmp where the level can arrange that.
    pub(super) scratch: PathBuf,
    /// Readable.
    pub(super) places: Vec<Place>,
    /// Of these the helper sets the size of files and the number of processes.
    pub(super) limits: Limits,
}

/// A file or folder that may be read and run.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Place {
    /// Its path as commands name it.
    pub(super) path: PathBuf,
    /// The same without links.
    pub(super) source: PathBuf,
    /// Entries directly below it that may not be read.
    pub(super) hidden: Vec<String>,
}

/// How the command ended, or why there was none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Report {
    /// It exited with this code.
    Exited(i32),
    /// This signal ended it.
    Signaled(i32),
    /// The program could not be started within the walls.
    NotStarted(String),
    /// A wall could not be raised; nothing was started.
    NoWalls(String),
}

/// A step of raising the walls that failed.
#[derive(Debug, thiserror::Error)]
#[error("{step}: {reason}")]
pub(super) struct WallError {
    step: String,
    reason: String,
}

/// Names the step that failed.
pub(super) fn step<E: std::fmt::Display>(step: impl Into<String>) -> impl FnOnce(E) -> WallError {
    move |reason| WallError { step: step.into(), reason: reason.to_string() }
}
