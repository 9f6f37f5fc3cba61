//! What earlier commits said and touched: the repository's own account of which files belong to which words.

use super::{CommitId, RepoError, RepoPath, Repository};

/// An earlier commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastCommit {
    /// Its id.
    pub id: CommitId,
    /// Its message, cut where it is very long.
    pub message: String,
    /// The files that differ from its first parent, in the order of their paths.
    pub files: Vec<RepoPath>,
}

/// Longer messages are cut, in bytes: what follows is logs and lists.
pub(super) const MAX_MESSAGE_BYTES: usize = 2048;
/// Commits that touch more files than this are left out: they reformat, move or import, and say nothing of any one file.
const MAX_FILES: usize = 30;
/// Entries of trees that are compared for one commit at most, so that one import of a large tree costs little.
const MAX_ENTRIES: usize = 20_000;

impl Repository {
    /// Reads the newest `most` commits that `head` reaches and that touch few files, newest first.
    ///
    /// Merges are passed over (what they merge is walked itself). A shallow clone ends where it was cut.
    ///
    /// # Errors
    /// [`RepoError`] when `head` does not exist. History that cannot be read further back is left out.
    pub fn history(&self, head: &CommitId, most: usize) -> Result<Vec<PastCommit>, RepoError> {
        let mut walk = self.inner.revwalk()?;
        walk.push(self.find(head)?.id())?;
        let mut found = Vec::new();
        for id in walk.take(most) {
            // The edge of a shallow clone names parents that are not here.
            let Ok(commit) = id.and_then(|id| self.inner.find_commit(id)) else { break };
            if commit.parent_count() != 1 {
                continue;
            }
            let Ok(before) = commit.parent(0).and_then(|parent| parent.tree()) else { break };
            let Ok(after) = commit.tree() else { break };
            let mut difference = Difference { repository: &self.inner, files: Vec::new(), entries_left: MAX_ENTRIES };
            if difference.compare(Some(&before), Some(&after), "").is_none() {
                continue;
            }
            let message = String::from_utf8_lossy(commit.message_bytes());
            let end = message.floor_char_boundary(MAX_MESSAGE_BYTES);
            let mut files = difference.files;
            files.sort_unstable();
            found.push(PastCommit { id: CommitId(commit.id().to_string()), message: message[..end].to_owned(), files });
        }
        Ok(found)
    }
}

/// The files in which two trees differ; trees with the same id are not opened.
struct Difference<'r> {
    repository: &'r git2::Repository,
    files: Vec<RepoPath>,
    entries_left: usize,
}

impl Difference<'_> {
    /// Returns nothing when there are too many files, or a tree cannot be read.
    fn compare(&mut self, before: Option<&git2::Tree<'_>>, after: Option<&git2::Tree<'_>>, folder: &str) -> Option<()> {
        let entries = |tree: Option<&git2::Tree<'_>>| tree.map_or(0, git2::Tree::len);
        self.entries_left = self.entries_left.checked_sub(entries(before) + entries(after))?;
        for entry in after.into_iter().flat_map(git2::Tree::iter) {
            let old = before.and_then(|tree| tree.get_name_bytes(entry.name_bytes()));
            if old.as_ref().is_none_or(|old| old.id() != entry.id()) {
                self.entry(old.as_ref(), Some(&entry), folder)?;
            }
        }
        for entry in before.into_iter().flat_map(git2::Tree::iter) {
            if after.is_none_or(|tree| tree.get_name_bytes(entry.name_bytes()).is_none()) {
                self.entry(Some(&entry), None, folder)?;
            }
        }
        Some(())
    }

    fn entry(
        &mut self,
        old: Option<&git2::TreeEntry<'_>>,
        new: Option<&git2::TreeEntry<'_>>,
        folder: &str,
    ) -> Option<()> {
        let Some(name) = old.or(new).and_then(|entry| entry.name().ok()) else { return Some(()) };
        let place = format!("{folder}{name}");
        let tree = |entry: Option<&git2::TreeEntry<'_>>| {
            let entry = entry.filter(|entry| entry.kind() == Some(git2::ObjectType::Tree))?;
            self.repository.find_tree(entry.id()).ok()
        };
        let (before, after) = (tree(old), tree(new));
        let is_blob = |entry: &&git2::TreeEntry<'_>| entry.kind() == Some(git2::ObjectType::Blob);
        if old.iter().chain(&new).any(is_blob) {
            self.files.extend(RepoPath::of_existing(&place));
            if self.files.len() > MAX_FILES {
                return None;
            }
        }
        match (before, after) {
            (None, None) => Some(()),
            (before, after) => self.compare(before.as_ref(), after.as_ref(), &format!("{place}/")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;
    use crate::repo::{CommitDetails, FileChange, StoredFile};

    fn commit(
        repository: &Repository,
        base: Option<&CommitId>,
        message: &str,
        files: &[(&str, Option<&str>)],
    ) -> CommitId {
        let changes: Vec<FileChange> = files
            .iter()
            .map(|(path, text)| FileChange {
                path: RepoPath::parse(path).expect(path),
                before: None,
                after: text.map(|text| StoredFile::regular(text.as_bytes())),
            })
            .collect();
        let details = CommitDetails {
            message: message.to_owned(),
            name: "A".to_owned(),
            email: "a@b.c".to_owned(),
            when: Timestamp::from_unix_millis(1_700_000_000_000),
            parent: None,
        };
        repository.commit(base, &changes, &details).expect("a commit")
    }

    #[test]
    fn commits_are_told_newest_first_with_the_files_that_they_touched() {
        let folder = tempfile::tempdir().expect("a folder");
        let repository = Repository::init(folder.path()).expect("a repository");
        let first = commit(&repository, None, "first\n", &[("a/b/c.rs", Some("1")), ("d.rs", Some("1"))]);
        let second =
            commit(&repository, Some(&first), "second\n\nBody.\n", &[("a/b/c.rs", Some("2")), ("e.rs", Some("1"))]);
        let many: Vec<String> = (0..40).map(|n| format!("many/{n}")).collect();
        let many: Vec<(&str, Option<&str>)> = many.iter().map(|path| (path.as_str(), Some("x"))).collect();
        let third = commit(&repository, Some(&second), "import", &many);
        let fourth = commit(&repository, Some(&third), "gone", &[("d.rs", None), ("a/b/c.rs", None)]);
        let told = |most: usize| -> Vec<(String, Vec<String>)> {
            let commits = repository.history(&fourth, most).expect("a history");
            commits.into_iter().map(|c| (c.message, c.files.iter().map(ToString::to_string).collect())).collect()
        };
        let files = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let gone = ("gone".to_owned(), files(&["a/b/c.rs", "d.rs"]));
        let changed = ("second\n\nBody.\n".to_owned(), files(&["a/b/c.rs", "e.rs"]));
        assert_eq!(told(10), [gone.clone(), changed]);
        assert_eq!(told(1), [gone]);
    }
}
