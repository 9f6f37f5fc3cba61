//! Files and commits: paths that cannot leave the repository, a tree of files in memory, commits made from it, and
//! work trees written beneath a directory handle.
//!
//! It never applies a patch to a work tree and never runs the repository's code. Network transport (the `git` program)
//! does not exist yet; when it comes, it belongs here too.

mod blob;
mod change;
mod commit;
mod diff;
mod history;
mod merge;
mod path;
mod store;
mod tracked;
mod tree;
mod walk;
mod worktree;

use std::path::PathBuf;

pub use blob::{BlobId, Content};
pub use change::{FileChange, FileMode, StoredFile};
pub use commit::{CommitDetails, CommitId, Repository};
pub use diff::{DiffLine, DiffLineKind, FileDiff, Hunk, diff_file, unified};
pub use history::PastCommit;
pub use merge::Merged;
pub use path::{PathError, RepoPath, is_control_or_invisible};
pub use store::finish_storing;
pub use tree::{FileTree, Listed};
pub use worktree::{WorkTree, write_files};

/// Why something about the repository did not work.
#[derive(Debug, thiserror::Error)]
pub enum RepoError {
    /// The folder is in no git repository.
    #[error("{} is not inside a git repository", .0.display())]
    NotARepository(PathBuf),
    /// The repository has no commit to start from.
    #[error("the repository has no commit yet")]
    NoCommit,
    /// A revision that does not exist.
    #[error("there is no commit {0:?} in this repository")]
    UnknownRevision(String),
    /// A branch that somebody else's commits are on.
    #[error("branch {branch} holds commit {commit}, which Prentice did not make")]
    ForeignCommit {
        /// The branch.
        branch: String,
        /// The commit on it, shortened.
        commit: String,
    },
    /// A branch that is checked out, so that moving it would change a work tree.
    #[error("branch {0} is checked out; moving it would change your work tree")]
    BranchCheckedOut(String),
    /// A path that is not one.
    #[error(transparent)]
    Path(#[from] PathError),
    /// A tree that does not come from a directory, so that it cannot be written back into it.
    #[error("this tree was not listed from a directory")]
    NotADirectory,
    /// Something that the tree does not list lies where a new file shall be.
    #[error("{} is there already and is no part of the tree (ignored, perhaps); nothing was changed", .0.display())]
    InTheWay(PathBuf),
    /// Another process writes there.
    #[error("another process is changing files in {}", .0.display())]
    Busy(PathBuf),
    /// Moves that could neither be made nor taken back.
    #[error("{reason}; some files are changed and could not be put back: the old ones are in {}", root.display())]
    HalfStored {
        /// The folder with the old files and the journal.
        root: PathBuf,
        /// What went wrong first.
        reason: String,
    },
    /// A file that is wanted as a whole and too long for it.
    #[error("{path} is larger than {} MiB", most_bytes >> 20)]
    TooLarge {
        /// The file, from the top of the tree.
        path: String,
        /// The most that is read.
        most_bytes: usize,
    },
    /// The git library refused.
    #[error("git: {0}")]
    Git(#[from] git2::Error),
    /// A file could not be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
}

impl RepoError {
    pub(crate) fn io(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { path, source }
    }
}
