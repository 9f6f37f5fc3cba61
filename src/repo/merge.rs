//! Two lines of commits: where they part, and what they give together.

use super::{CommitId, FileTree, RepoError, Repository};

/// What two commits give together.
#[derive(Clone, Debug)]
pub enum Merged {
    /// All files, without a conflict.
    Clean(FileTree),
    /// The paths, in byte order, that both changed in different ways.
    Conflicts(Vec<String>),
}

impl Repository {
    /// Returns the newest commit that both come from; `None` when they have nothing in common.
    ///
    /// # Errors
    /// [`RepoError`] when a commit does not exist here.
    pub fn merge_base(&self, one: &CommitId, other: &CommitId) -> Result<Option<CommitId>, RepoError> {
        match self.inner.merge_base(self.find(one)?.id(), self.find(other)?.id()) {
            Ok(id) => Ok(Some(CommitId(id.to_string()))),
            Err(error) if error.code() == git2::ErrorCode::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Merges the files of two commits in memory; no branch, index or work tree changes.
    ///
    /// # Errors
    /// [`RepoError`] when a commit does not exist here or an object cannot be read or written.
    pub fn merge(&self, ours: &CommitId, theirs: &CommitId) -> Result<Merged, RepoError> {
        let mut index = self.inner.merge_commits(&self.find(ours)?, &self.find(theirs)?, None)?;
        if index.has_conflicts() {
            let mut paths = Vec::new();
            for conflict in index.conflicts()? {
                let conflict = conflict?;
                let entry = conflict.our.or(conflict.their).or(conflict.ancestor);
                paths.extend(entry.map(|entry| String::from_utf8_lossy(&entry.path).into_owned()));
            }
            paths.sort();
            paths.dedup();
            return Ok(Merged::Conflicts(paths));
        }
        let tree = self.inner.find_tree(index.write_tree_to(&self.inner)?)?;
        Ok(Merged::Clean(FileTree::from_git_tree(&self.inner, &tree)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;
    use crate::repo::{CommitDetails, FileChange, RepoPath, StoredFile};

    fn commit(repository: &Repository, parent: Option<&CommitId>, files: &[(&str, Option<&str>)]) -> CommitId {
        let change = |(path, text): &(&str, Option<&str>)| FileChange {
            path: RepoPath::parse(path).expect("a path"),
            before: None,
            after: text.map(|text| StoredFile::regular(text.as_bytes())),
        };
        let details = CommitDetails {
            message: "m".to_owned(),
            name: "n".to_owned(),
            email: "e@example.invalid".to_owned(),
            when: Timestamp::from_unix_millis(0),
            parent: None,
        };
        let changes: Vec<FileChange> = files.iter().map(change).collect();
        repository.commit(parent, &changes, &details).expect("a commit")
    }

    fn changed(tree: &FileTree) -> Vec<(String, Option<String>)> {
        let text = |file: StoredFile| String::from_utf8_lossy(&file.content).into_owned();
        let changes = tree.changes().expect("readable");
        changes.into_iter().map(|change| (change.path.to_string(), change.after.map(text))).collect()
    }

    #[test]
    fn a_merge_is_told_as_changes_over_the_new_base() {
        let folder = tempfile::tempdir().expect("a folder");
        let repository = Repository::init(folder.path()).expect("a repository");
        let base = commit(&repository, None, &[("a", Some("1\n")), ("b", Some("1\n")), ("c", Some("1\n"))]);
        let ours = commit(&repository, Some(&base), &[("a", Some("2\n")), ("c", None), ("d", Some("new\n"))]);
        let moved = commit(&repository, Some(&base), &[("b", Some("2\n"))]);
        assert_eq!(repository.merge_base(&ours, &moved).expect("known"), Some(base.clone()));
        let other = commit(&repository, None, &[("z", Some("1\n"))]);
        assert_eq!(repository.merge_base(&ours, &other).expect("known"), None);

        let expected = [("a", Some("2\n")), ("c", None), ("d", Some("new\n"))];
        let expected = expected.map(|(path, text)| (path.to_owned(), text.map(str::to_owned)));
        let Merged::Clean(merged) = repository.merge(&moved, &ours).expect("merged") else {
            unreachable!("they touch different files")
        };
        let moved_tree = repository.tree(&moved).expect("a tree");
        assert_eq!(changed(&merged.over(&moved_tree).expect("readable")), expected);
        let (old, new) = (repository.tree(&base).expect("a tree"), repository.tree(&ours).expect("a tree"));
        assert_eq!(changed(&new.over(&old).expect("readable")), expected);
        assert_eq!(changed(&old.over(&old).expect("readable")), []);

        let rival = commit(&repository, Some(&base), &[("a", Some("3\n")), ("c", Some("3\n"))]);
        let Merged::Conflicts(paths) = repository.merge(&rival, &ours).expect("merged") else {
            unreachable!("both change a and c")
        };
        assert_eq!(paths, ["a", "c"]);
    }
}
