//! Commits: reading the base, writing the change, moving the one branch that is ours.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{FileChange, FileTree, RepoError};
use crate::clock::Timestamp;

/// A commit's id in hexadecimal.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CommitId(pub(super) String);

impl TryFrom<String> for CommitId {
    type Error = RepoError;
    fn try_from(text: String) -> Result<Self, RepoError> {
        // SHA-1 has 40 digits, SHA-256 has 64 (git, "hash-function-transition").
        let whole = matches!(text.len(), 40 | 64) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        if whole { Ok(Self(text)) } else { Err(RepoError::UnknownRevision(text)) }
    }
}

impl From<CommitId> for String {
    fn from(id: CommitId) -> String {
        id.0
    }
}

impl CommitId {
    /// Returns the whole id.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the first twelve digits, for people.
    pub fn short(&self) -> &str {
        self.0.get(..12).unwrap_or(&self.0)
    }
}

impl std::fmt::Display for CommitId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a commit says besides its files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommitDetails {
    /// Subject, empty line, body, trailers.
    pub message: String,
    /// Author's and committer's name.
    pub name: String,
    /// Author's and committer's address.
    pub email: String,
    /// Author's and committer's date.
    pub when: Timestamp,
    /// The commit that it follows; `None` for the one whose files it starts from.
    pub parent: Option<CommitId>,
}

/// A git repository on this machine.
pub struct Repository {
    pub(super) inner: git2::Repository,
}

impl std::fmt::Debug for Repository {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Repository").field(&self.inner.path()).finish()
    }
}

impl Repository {
    /// Opens the repository that `place` lies in.
    ///
    /// # Errors
    /// [`RepoError::NotARepository`] when there is none.
    pub fn discover(place: &Path) -> Result<Self, RepoError> {
        let inner = git2::Repository::discover(place).map_err(|error| match error.code() {
            git2::ErrorCode::NotFound => RepoError::NotARepository(place.to_owned()),
            _ => RepoError::Git(error),
        })?;
        Ok(Self { inner })
    }

    /// Makes an empty repository with the branch `main`.
    ///
    /// # Errors
    /// [`RepoError::Git`] when it cannot be made.
    pub fn init(place: &Path) -> Result<Self, RepoError> {
        let mut options = git2::RepositoryInitOptions::new();
        options.initial_head("main").external_template(false);
        Ok(Self { inner: git2::Repository::init_opts(place, &options)? })
    }

    /// Returns the folder of the checkout; `None` for a bare repository.
    pub fn checkout(&self) -> Option<&Path> {
        self.inner.workdir()
    }

    /// Returns the top of the checkout where `folder` is another folder in it that holds files of git's index.
    pub fn top_of(&self, folder: &Path) -> Option<PathBuf> {
        let top = self.checkout()?.canonicalize().ok()?;
        let inside = folder.canonicalize().ok()?;
        let below = inside.strip_prefix(&top).ok()?.to_str().filter(|below| !below.is_empty())?;
        // Others may lie in it by chance.
        self.inner.index().ok()?.find_prefix(format!("{below}/")).ok()?;
        Some(top)
    }

    /// Returns the folder of the index, see `prentice index`.
    pub fn index_folder(&self) -> PathBuf {
        self.state_folder().join("index")
    }

    /// Returns the folder where Prentice keeps its state: `prentice` inside the (common) git folder.
    pub fn state_folder(&self) -> PathBuf {
        self.inner.commondir().join("prentice")
    }

    /// Finds the commit that a revision names (`HEAD`, a branch, an id).
    ///
    /// # Errors
    /// [`RepoError::NoCommit`] for `HEAD` of an empty repository, [`RepoError::UnknownRevision`] otherwise.
    pub fn resolve(&self, revision: &str) -> Result<CommitId, RepoError> {
        let unknown = |_| match self.inner.is_empty() {
            Ok(true) => RepoError::NoCommit,
            _ => RepoError::UnknownRevision(revision.to_owned()),
        };
        let commit =
            self.inner.revparse_single(revision).and_then(|object| object.peel_to_commit()).map_err(unknown)?;
        Ok(CommitId(commit.id().to_string()))
    }

    /// Returns the files of a commit.
    ///
    /// # Errors
    /// [`RepoError`] when the commit does not exist or its trees cannot be read.
    pub fn tree(&self, commit: &CommitId) -> Result<FileTree, RepoError> {
        let commit = self.find(commit)?;
        FileTree::from_git_tree(&self.inner, &commit.tree()?)
    }

    /// Returns the branch that is checked out, without `refs/heads/`; `None` when HEAD is detached.
    pub fn current_branch(&self) -> Option<String> {
        let head = self.inner.find_reference("HEAD").ok()?;
        let target = head.symbolic_target().ok().flatten()?;
        target.strip_prefix("refs/heads/").map(str::to_owned)
    }

    /// Returns the commit that a branch points at.
    pub fn branch_head(&self, branch: &str) -> Option<CommitId> {
        let reference = self.inner.find_branch(branch, git2::BranchType::Local).ok()?;
        Some(CommitId(reference.get().peel_to_commit().ok()?.id().to_string()))
    }

    /// Returns the message of a commit.
    ///
    /// # Errors
    /// [`RepoError`] when the commit does not exist.
    pub fn message(&self, commit: &CommitId) -> Result<String, RepoError> {
        Ok(String::from_utf8_lossy(self.find(commit)?.message_bytes()).into_owned())
    }

    /// Returns the first parent of a commit; `None` for a first commit.
    ///
    /// # Errors
    /// [`RepoError`] when the commit does not exist.
    pub fn parent(&self, commit: &CommitId) -> Result<Option<CommitId>, RepoError> {
        Ok(self.find(commit)?.parent_id(0).ok().map(|id| CommitId(id.to_string())))
    }

    /// Tells whether two commits hold the same files.
    ///
    /// # Errors
    /// [`RepoError`] when a commit does not exist.
    pub fn same_tree(&self, one: &CommitId, other: &CommitId) -> Result<bool, RepoError> {
        Ok(self.find(one)?.tree_id() == self.find(other)?.tree_id())
    }

    /// Writes one commit that holds the files of `base` with `changes`; no branch and no work tree moves.
    ///
    /// The tree is built from blobs; files of the base that the changes do not name stay as they are.
    ///
    /// # Errors
    /// [`RepoError::Git`] when an object cannot be written.
    pub fn commit(
        &self,
        base: Option<&CommitId>,
        changes: &[FileChange],
        details: &CommitDetails,
    ) -> Result<CommitId, RepoError> {
        let old_tree = base.map(|id| self.find(id)?.tree().map_err(RepoError::from)).transpose()?;
        let parent = details.parent.as_ref().or(base).map(|id| self.find(id)).transpose()?;
        let mut builder = git2::build::TreeUpdateBuilder::new();
        for change in changes {
            match &change.after {
                Some(file) => {
                    let blob = self.inner.blob(&file.content)?;
                    let mode = match file.mode {
                        super::FileMode::Regular => git2::FileMode::Blob,
                        super::FileMode::Executable => git2::FileMode::BlobExecutable,
                        super::FileMode::Symlink => git2::FileMode::Link,
                    };
                    builder.upsert(change.path.as_str(), blob, mode);
                }
                None => {
                    builder.remove(change.path.as_str());
                }
            }
        }
        let empty = self.inner.find_tree(self.inner.treebuilder(None)?.write()?)?;
        let tree = builder.create_updated(&self.inner, old_tree.as_ref().unwrap_or(&empty))?;
        let tree = self.inner.find_tree(tree)?;
        let when = git2::Time::new(details.when.unix_seconds(), 0);
        let person = git2::Signature::new(&details.name, &details.email, &when)?;
        let parents: Vec<&git2::Commit<'_>> = parent.iter().collect();
        let id = self.inner.commit(None, &person, &person, &details.message, &tree, &parents)?;
        Ok(CommitId(id.to_string()))
    }

    /// Points a branch at `target`, if it still points at `expected` (`None`: does not exist yet).
    ///
    /// # Errors
    /// [`RepoError::BranchCheckedOut`] when a work tree stands on it, [`RepoError::Git`] when somebody moved it
    /// meanwhile.
    pub fn move_branch(
        &self,
        branch: &str,
        expected: Option<&CommitId>,
        target: &CommitId,
        reason: &str,
    ) -> Result<(), RepoError> {
        let name = format!("refs/heads/{branch}");
        if self.is_checked_out(branch) {
            return Err(RepoError::BranchCheckedOut(branch.to_owned()));
        }
        let target = self.find(target)?.id();
        match expected {
            Some(old) => {
                self.inner.reference_matching(&name, target, true, self.find(old)?.id(), reason)?;
            }
            None => {
                self.inner.reference(&name, target, false, reason)?;
            }
        }
        Ok(())
    }

    /// Makes the checkout of a repository that Prentice made itself match its branch `main`.
    ///
    /// Only for the sample of `demo`: it overwrites files.
    ///
    /// # Errors
    /// [`RepoError::Git`] when a file cannot be written.
    pub fn check_out_sample(&self, commit: &CommitId) -> Result<(), RepoError> {
        self.inner.reference("refs/heads/main", self.find(commit)?.id(), true, "the sample's first commit")?;
        self.inner.checkout_head(Some(git2::build::CheckoutBuilder::new().force()))?;
        Ok(())
    }

    /// Tells whether the checkout or one of its linked work trees stands on `branch`.
    fn is_checked_out(&self, branch: &str) -> bool {
        let here = self.current_branch().as_deref() == Some(branch);
        let linked = self
            .inner
            .worktrees()
            .into_iter()
            .flat_map(|names| names.iter().flatten().flatten().map(str::to_owned).collect::<Vec<_>>());
        here || linked.into_iter().any(|name| {
            let tree = self.inner.find_worktree(&name).and_then(|tree| git2::Repository::open_from_worktree(&tree));
            tree.is_ok_and(|inner| Self { inner }.current_branch().as_deref() == Some(branch))
        })
    }

    pub(super) fn find(&self, id: &CommitId) -> Result<git2::Commit<'_>, RepoError> {
        let unknown = |_| RepoError::UnknownRevision(id.to_string());
        let oid = git2::Oid::from_str(&id.0).map_err(unknown)?;
        self.inner.find_commit(oid).map_err(unknown)
    }
}
