//! What a diff says about one file, and the edits that it means.

use crate::edit::feedback::{Cause, Problem};
use crate::edit::{Edit, Hunk};

use super::hunk::{Counts, fits};
use super::malformed;
use super::names::{Names, Side, names};

/// What is said of the old file and of the new one.
pub(super) type Pair = (Option<String>, Option<String>);

/// What is said about one file.
#[derive(Debug, Default)]
pub(super) struct Section {
    pub(super) is_git: bool,
    pub(super) git_names: Option<(String, String)>,
    pub(super) old: Option<Side>,
    pub(super) new: Option<Side>,
    pub(super) renamed: Pair,
    pub(super) copied: Pair,
    pub(super) is_new: bool,
    pub(super) is_deleted: bool,
    pub(super) mode: Pair,
    pub(super) is_binary: bool,
    pub(super) hunks: Vec<(Hunk, Counts)>,
}

impl Section {
    /// Returns the edits that the section means.
    pub(super) fn edits(&self, exists: &dyn Fn(&str) -> bool, target: Option<&str>) -> Result<Vec<Edit>, Problem> {
        if self.is_binary {
            return Err(Problem::new(Cause::NotText, "a diff of bytes that are no text is not read"));
        }
        let names = names(self, exists, target)?;
        let mut edits: Vec<Edit> = self.moved(&names, exists).into_iter().collect();
        let named = names.new.clone().or(names.old.clone()).unwrap_or_default();
        let path = edits.first().map_or(named, |edit| edit.target().to_owned());
        let exact = |(hunk, counts): &(Hunk, Counts)| {
            // Of a program, by its heading and right counts.
            Hunk { is_exact: self.is_git && fits(hunk, *counts), ..hunk.clone() }
        };
        let hunks: Vec<Hunk> = self.hunks.iter().map(exact).collect();
        let only_adds = matches!(hunks.as_slice(), [hunk] if hunk.old.is_empty());
        let has_no_old = names.old.is_none() || self.old.as_ref().is_some_and(|old| old.is_epoch);
        if self.is_new || (has_no_old && (only_adds || hunks.is_empty())) {
            return self.created(path, &hunks);
        }
        edits.extend(self.changed(path, hunks, &names)?);
        match edits.is_empty() {
            true => {
                Err(malformed("the diff of a file has no hunk").in_file(&names.new.or(names.old).unwrap_or_default()))
            }
            false => Ok(edits),
        }
    }

    fn moved(&self, names: &Names, exists: &dyn Fn(&str) -> bool) -> Option<Edit> {
        match (&self.renamed, &self.copied) {
            ((Some(from), Some(to)), _) => Some(Edit::Rename { from: from.clone(), to: to.clone() }),
            (_, (Some(from), Some(to))) => Some(Edit::Copy { from: from.clone(), to: to.clone() }),
            _ => {
                // Only by its names; a copy of the old file beside it (`x.orig`) is none.
                let (from, to) = (names.old.as_ref()?, names.new.as_ref()?);
                let is_move = !self.is_git && from != to && exists(from) && !exists(to);
                is_move.then(|| Edit::Rename { from: from.clone(), to: to.clone() })
            }
        }
    }

    fn created(&self, path: String, hunks: &[Hunk]) -> Result<Vec<Edit>, Problem> {
        let content = match hunks {
            [] if self.is_new => String::new(),
            [hunk] if hunk.old.is_empty() => {
                hunk.new.join("\n") + if hunk.last_newline == Some(false) { "" } else { "\n" }
            }
            [_] => return Err(malformed("the diff says that the file is new, and removes lines of it").in_file(&path)),
            _ => return Err(malformed("a new file has one hunk, which holds all of it").in_file(&path)),
        };
        let create = Edit::Create { path: path.clone(), content };
        let mode = self.is_program().filter(|is_program| *is_program);
        Ok([create].into_iter().chain(mode.map(|is_program| Edit::Executable { path, is_program })).collect())
    }

    fn changed(&self, path: String, hunks: Vec<Hunk>, names: &Names) -> Result<Vec<Edit>, Problem> {
        let has_no_new = names.new.is_none() || self.new.as_ref().is_some_and(|new| new.is_epoch);
        let is_empty_after = hunks.iter().all(|hunk| hunk.new.is_empty());
        let removes = self.is_deleted || (has_no_new && is_empty_after);
        if self.is_deleted && !is_empty_after {
            return Err(malformed("the diff says that the file is removed, and keeps lines of it").in_file(&path));
        }
        let path = names.old.clone().filter(|_| removes).unwrap_or(path);
        let change = match (hunks.is_empty(), removes) {
            (true, true) => Some(Edit::Delete { path: path.clone() }),
            (true, false) => None,
            (false, _) => Some(Edit::Hunks { path: path.clone(), hunks, removes }),
        };
        let mode = self.is_program().filter(|_| !removes).map(|is_program| Edit::Executable { path, is_program });
        Ok(change.into_iter().chain(mode).collect())
    }

    /// Tells what the new mode says, where there is one.
    fn is_program(&self) -> Option<bool> {
        self.mode.1.as_ref().map(|mode| mode == "100755")
    }
}
