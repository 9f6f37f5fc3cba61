//! Trees for the tests of this module.

use crate::repo::{FileTree, RepoPath, StoredFile};

/// Makes a tree of texts in memory.
pub(super) fn tree(files: &[(&str, &str)]) -> FileTree {
    FileTree::from_files(
        files
            .iter()
            .map(|(path, text)| (RepoPath::of_existing(path).expect(path), StoredFile::regular(text.as_bytes()))),
    )
}
