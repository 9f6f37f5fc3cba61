//! The edits of an answer on the files, or why they were not applied.

use std::collections::HashSet;

use super::ProposeError;
use crate::context::secrecy;
use crate::edit::{self, Answer, Edit, EditError, Format, Reading};
use crate::repo::{FileChange, FileTree, RepoPath, StoredFile};
use crate::syntax::{self, Language};

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
    /// Its edits leave everything as it is, or it goes on and on.
    NothingNew,
    /// Its edits cannot be applied.
    Edits,
}

impl From<EditError> for Unusable {
    fn from(error: EditError) -> Self {
        let fault = if error.is_only_prose() {
            Fault::Prose
        } else if error.is_only_no_change() {
            Fault::NothingNew
        } else {
            Fault::Edits
        };
        Self { problems: error.to_string(), fault }
    }
}

/// How an answer is read.
#[derive(Clone, Copy, Default)]
pub(super) struct How<'a> {
    /// Its format; `None` to recognise it.
    pub(super) format: Option<Format>,
    /// The file that an edit without a path means.
    pub(super) target: Option<&'a str>,
    /// Whether comments that a whole file only leaves out are put back.
    pub(super) keeps_comments: bool,
}

/// What an answer came to.
pub(super) struct Applied {
    pub(super) tree: FileTree,
    pub(super) read: Answer,
    /// Lines of comments that were put back.
    pub(super) put_back: usize,
}

/// Applies the edits of an answer to `tree`; of files that hold secrets nothing is said, and nothing is changed.
pub(super) fn apply(tree: &FileTree, answer: &str, how: How<'_>) -> Result<Applied, Unusable> {
    let exists = |path: &str| RepoPath::of_existing(path).is_ok_and(|path| tree.contains(&path));
    let reading = Reading { format: how.format, target: how.target, exists: &exists };
    let mut read = edit::parse_as(answer, &reading)?;
    let named = read.edits.iter().flat_map(|edit| [edit.path(), edit.target()]);
    let secret = named
        .filter_map(|path| RepoPath::of_existing(path).ok())
        .filter(|path| tree.contains(path))
        .find_map(|path| secrecy(tree, &path));
    if let Some(reason) = secret {
        return Err(Unusable { problems: format!("{reason}; it cannot be edited here"), fault: Fault::Edits });
    }
    let put_back =
        if how.keeps_comments { read.edits.iter_mut().map(|edit| keep_comments(tree, edit)).sum() } else { 0 };
    Ok(Applied { tree: edit::apply(tree, &read.edits)?, read, put_back })
}

/// Tells whether an answer without a path can mean the file at `path`: it replaces lines, or defines something that the file
/// defines, or the file defines nothing.
pub(super) fn looks_like(tree: &FileTree, path: &RepoPath, answer: &str) -> bool {
    let reading = Reading { target: Some(path.as_str()), ..Reading::default() };
    let Ok(read) = edit::parse_as(answer, &reading) else { return false };
    let content = match read.edits.as_slice() {
        [Edit::WholeFile { content, .. }] => content,
        // Whether a block to search for belongs there is seen when it is searched for.
        edits => return edits.iter().all(|edit| matches!(edit, Edit::Replace { .. })),
    };
    let (Some(language), Ok(Some(text))) = (Language::of(path), tree.read_text(path)) else { return true };
    let names = |text: &str| -> HashSet<String> {
        syntax::definitions(language, text).into_iter().map(|definition| definition.name).collect()
    };
    let known = names(&text);
    known.is_empty() || !known.is_disjoint(&names(content))
}

/// Tells whether no file of `tree` holds other code than in the base.
pub(super) fn leaves_code_as_it_was(tree: &FileTree) -> Result<bool, ProposeError> {
    let text = |file: Option<StoredFile>| file.and_then(|file| String::from_utf8(file.content.to_vec()).ok());
    let is_same = |FileChange { path, before, after }| match (text(before), text(after)) {
        (Some(before), Some(after)) => edit::is_same_code(&path, &before, &after),
        _ => false,
    };
    Ok(tree.changes()?.into_iter().all(is_same))
}

/// Puts the comments back that a whole file only leaves out; returns how many lines they are.
fn keep_comments(tree: &FileTree, edit: &mut Edit) -> usize {
    let Edit::WholeFile { path, content } = edit else { return 0 };
    let kept = RepoPath::of_existing(path.strip_prefix("./").unwrap_or(path)).ok().and_then(|path| {
        let old = tree.read_text(&path).ok().flatten()?;
        edit::keep_comments(&path, &old, content)
    });
    kept.map_or(0, |kept| {
        *content = kept.text;
        kept.lines
    })
}
