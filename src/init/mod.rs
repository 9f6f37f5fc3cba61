//! What `prentice init` writes: one workflow and a configuration, shown as a difference before anything is written.
//!
//! It needs no network and makes no label: `respond` makes it at its first use. A file that a person changed is never written
//! over unless that is asked for.

mod plan;
mod render;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod workflow_tests;

use std::collections::BTreeSet;
use std::path::PathBuf;

pub use plan::{PlannedFile, State, difference, plan, workflows_on_push, write};
pub use render::workflow;

/// The workflow's file, relative to the top of the repository.
pub const WORKFLOW_FILE: &str = ".github/workflows/prentice.yml";

/// The label that asks for a proposal.
pub const LABEL: &str = crate::config::DEFAULT_LABEL;

/// What starts a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Trigger {
    /// The label on an issue.
    Label,
    /// `/prentice ...` in a comment or a review.
    Comments,
    /// A time table, over the task files of `.prentice/tasks`.
    Schedule,
    /// A person or a program that names a task.
    Dispatch,
    /// A failed run of another workflow on the default branch.
    FailedCi,
}

impl Trigger {
    /// Returns the name that the command line and the template use.
    pub fn name(self) -> &'static str {
        match self {
            Self::Label => "label",
            Self::Comments => "comments",
            Self::Schedule => "schedule",
            Self::Dispatch => "dispatch",
            Self::FailedCi => "failed-ci",
        }
    }
}

/// An action at one commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActionPin {
    text: String,
}

impl ActionPin {
    /// Reads `OWNER/NAME@COMMIT`; `version` goes behind it as a comment.
    ///
    /// # Errors
    /// [`InitError::Action`] for anything else, such as a tag, which others could move.
    pub fn parse(text: &str, version: Option<&str>) -> Result<Self, InitError> {
        let name_ok = |part: &str| {
            !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c)) && part != ".."
        };
        let good = text.split_once('@').is_some_and(|(name, commit)| {
            let parts: Vec<&str> = name.split('/').collect();
            parts.len() >= 2
                && parts.iter().all(|part| name_ok(part))
                && commit.len() == 40
                && commit.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
        });
        if !good {
            return Err(InitError::Action(text.to_owned()));
        }
        let comment = version.map(|version| format!(" # v{version}")).unwrap_or_default();
        Ok(Self { text: format!("{text}{comment}") })
    }
}

/// What is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// What starts a run; at least one.
    pub triggers: BTreeSet<Trigger>,
    /// Proposals made side by side, of which the best is published; 1 for a single one.
    pub attempts: u32,
    /// Whether to leave out events that run in the context of a fork.
    pub fork_safe: bool,
    /// The action.
    pub action: ActionPin,
    /// The name of the model that runs inside the program, for repositories without a key; `None` to ask an endpoint.
    pub inside: Option<String>,
    /// The workflows whose failure starts a run; used with [`Trigger::FailedCi`] only.
    pub watch: Vec<String>,
}

/// Why nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum InitError {
    /// The action is not pinned.
    #[error("{0:?} names no action; wanted is OWNER/NAME@COMMIT with all 40 digits of the commit")]
    Action(String),
    /// There is no workflow to watch.
    #[error("no other workflow here runs on a push, so there is none whose failure could start a run")]
    NothingToWatch,
    /// A template does not render; a bug.
    #[error("templates/workflow.yml: {0}")]
    Template(String),
    /// A file was changed by a person.
    #[error("{0} was changed by hand, or is not ours")]
    Edited(&'static str),
    /// A link stands where a file or folder belongs.
    #[error("{} is a symbolic link; nothing is written through it", .0.display())]
    Link(PathBuf),
    /// A file could not be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
}
