//! Which files can be edited as text.

use crate::repo::{FileMode, FileTree, RepoPath, StoredFile};

use super::feedback::{Cause, Problem};

/// Reads the file at `path` for editing; `None` when there is none.
pub(super) fn editable(tree: &FileTree, path: &RepoPath) -> Result<Option<(String, FileMode)>, Problem> {
    let Some(StoredFile { content, mode }) = tree.read(path).map_err(|error| Problem::unreadable(&error))? else {
        return Ok(None);
    };
    let refuse = |reason: &str| Err(Problem::new(Cause::NotText, reason));
    if mode == FileMode::Symlink {
        return refuse("this is a symbolic link, which cannot be edited as text; edit the file that it points to");
    }
    if content.contains(&0) {
        return refuse("this is a binary file, which cannot be edited as text");
    }
    match std::str::from_utf8(&content) {
        Ok(text) => Ok(Some((text.to_owned(), mode))),
        Err(_) => refuse("this file is not UTF-8, so that it cannot be edited as text"),
    }
}

/// Reads the text of the file at `path`, if it is one.
pub(super) fn text_at(tree: &FileTree, path: &RepoPath) -> Option<String> {
    editable(tree, path).ok().flatten().map(|(text, _)| text)
}
