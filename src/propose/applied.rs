//! The edits of an answer on the files, or why they were not applied.

use crate::context::secrecy;
use crate::edit::{self, Answer, EditError, Format, Reading};
use crate::repo::{FileTree, RepoPath};

/// Why the edits of an answer were not applied.
pub(super) struct Unusable {
    /// What the model is told.
    pub(super) problems: String,
    pub(super) fault: Fault,
}

/// What is wrong with an answer, as far as the next question depends on it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// It holds no edit at all.
    Prose,
    /// Its edits leave everything as it is.
    NoChange,
    /// Its edits cannot be applied.
    Edits,
}

impl From<EditError> for Unusable {
    fn from(error: EditError) -> Self {
        let fault = if error.is_only_prose() {
            Fault::Prose
        } else if error.is_only_no_change() {
            Fault::NoChange
        } else {
            Fault::Edits
        };
        Self { problems: error.to_string(), fault }
    }
}

/// Applies the edits of an answer to `tree`; of files that hold secrets nothing is said, and nothing is changed.
pub(super) fn apply(
    tree: &FileTree,
    answer: &str,
    (format, target): (Option<Format>, Option<&str>),
) -> Result<(FileTree, Answer), Unusable> {
    let exists = |path: &str| RepoPath::of_existing(path).is_ok_and(|path| tree.contains(&path));
    let read = edit::parse_as(answer, &Reading { format, target, exists: &exists })?;
    let named = read.edits.iter().flat_map(|edit| [edit.path(), edit.target()]);
    let secret = named
        .filter_map(|path| RepoPath::of_existing(path).ok())
        .filter(|path| tree.contains(path))
        .find_map(|path| secrecy(tree, &path));
    if let Some(reason) = secret {
        return Err(Unusable { problems: format!("{reason}; it cannot be edited here"), fault: Fault::Edits });
    }
    Ok((edit::apply(tree, &read.edits)?, read))
}
