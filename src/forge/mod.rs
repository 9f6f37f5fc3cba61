//! The seam to whatever keeps pull requests, and the one that is a folder on this machine.
//!
//! A forge has no verb for merging, approving or closing, and none that touches the default branch.

mod account;
mod error;
pub mod event;
pub mod github;
mod local;

use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;

use serde::{Deserialize, Serialize};

pub use account::{Account, AccountKind};
pub use error::ForgeError;
pub use local::LocalForge;

/// A pull request as it shall be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PullRequest {
    /// The branch with the change; the identity of the pull request.
    pub branch: String,
    /// The branch that it shall go into; `None` when none was checked out.
    pub base_branch: Option<String>,
    /// The commit on the branch.
    pub head: String,
    /// One line.
    pub title: String,
    /// Markdown.
    pub body: String,
    /// A self-contained page with the same content and the difference.
    pub page: String,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Put {
    /// It did not exist before.
    Created,
    /// It existed and was changed.
    Updated,
    /// It existed and was the same.
    Unchanged,
}

/// Where it can be seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed {
    /// What became of it.
    pub put: Put,
    /// The page for the reviewer.
    pub page: PathBuf,
}

/// A future that a trait object can return.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Something that keeps pull requests.
pub trait Forge: Send + Sync {
    /// Creates or updates the pull request of `wanted.branch`; doing it twice changes nothing.
    fn put<'a>(&'a self, wanted: &'a PullRequest) -> BoxFuture<'a, Result<Placed, ForgeError>>;
}
