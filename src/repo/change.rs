//! One file before and after.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{BlobId, RepoPath};

/// The kinds of file that git keeps (gitformat-index, "mode"), without submodules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileMode {
    /// An ordinary file, 100644.
    Regular,
    /// An executable file, 100755.
    Executable,
    /// A symbolic link, 120000; its content is the target.
    Symlink,
}

impl FileMode {
    /// Returns git's number for the mode.
    pub fn git_mode(self) -> u32 {
        match self {
            Self::Regular => 0o100_644,
            Self::Executable => 0o100_755,
            Self::Symlink => 0o120_000,
        }
    }

    /// Returns the mode for git's number; `None` for folders and submodules.
    pub fn from_git_mode(mode: u32) -> Option<Self> {
        match mode {
            0o100_644 | 0o100_664 => Some(Self::Regular),
            0o100_755 => Some(Self::Executable),
            0o120_000 => Some(Self::Symlink),
            _ => None,
        }
    }
}

/// A file's bytes and mode.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredFile {
    /// The bytes, as they are.
    pub content: Arc<[u8]>,
    /// The mode.
    pub mode: FileMode,
}

impl StoredFile {
    /// Makes an ordinary file.
    pub fn regular(content: impl Into<Arc<[u8]>>) -> Self {
        Self { content: content.into(), mode: FileMode::Regular }
    }

    /// Returns the id that git gives to the content, 40 hexadecimal digits.
    pub fn blob_id(&self) -> String {
        // libgit2 refuses only where it cannot hash at all.
        BlobId::of(&self.content).map_or_else(String::new, |id| id.to_string())
    }
}

/// What a change does to one path; a rename is a removal and a creation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileChange {
    /// The path.
    pub path: RepoPath,
    /// The file before; `None` when it is created.
    pub before: Option<StoredFile>,
    /// The file after; `None` when it is removed.
    pub after: Option<StoredFile>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blob_has_gits_id() {
        // `printf 'hello\n' | git hash-object --stdin`
        let file = StoredFile::regular(b"hello\n".to_vec());
        assert_eq!(file.blob_id(), "ce013625030ba8dba906f756967f9e9ca394464a");
    }
}
