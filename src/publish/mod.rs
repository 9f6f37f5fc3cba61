//! The far side of the border: a bundle becomes a branch, a commit and a pull request for a person to review.
//!
//! It runs no model and no code of the repository, reads nothing but the bundle and git objects, and is safe to run
//! twice: the branch name is the identity, and what is there already is found, not made again.

pub mod github;
mod page;
pub mod progress;
mod safe;
mod text;

use crate::bundle::{Bundle, Ending};
use crate::clock::Timestamp;
use crate::forge::{Forge, ForgeError, Placed, PullRequest};
use crate::policy::{self, Finding, PolicySettings, Severity};
use crate::repo::{CommitDetails, CommitId, RepoError, Repository};
use crate::task::{BRANCH_PREFIX, Verb};
use crate::verify::Evidence;

/// The trailer by which our own commits are known.
const TASK_TRAILER: &str = "Prentice-Task: ";
/// The author of our commits; `.invalid` can never be anybody's address (RFC 2606).
const AUTHOR: (&str, &str) = ("Prentice", "prentice@prentice.invalid");

/// Why nothing was published.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// The run did not end with an acceptable change.
    #[error("the bundle holds no acceptable change: {0}")]
    NotDone(String),
    /// Policy refuses the change.
    #[error("policy refuses the change: {}", .0.iter().map(|finding| finding.text.as_str()).collect::<Vec<_>>().join("; "))]
    Policy(Vec<Finding>),
    /// The short name of the task, which the branch is called after, is not one, or not that of the order.
    #[error("{0:?} is not the short name of the task that was asked for")]
    WrongName(String),
    /// Nothing was changed.
    #[error("the bundle changes no file")]
    Empty,
    /// The bundle's files before the change are not those of its base commit.
    #[error("{0} is not what the bundle says it was in the base commit")]
    WrongBase(String),
    /// The base commit is not one of the branch that the change shall go into.
    #[error("commit {base} is not on the branch {branch}")]
    BaseNotOnBranch {
        /// The bundle's base.
        base: String,
        /// The branch.
        branch: String,
    },
    /// The branch does not end any more where the change begins.
    #[error("the branch {branch} ended with {expected} when this was asked for and ends with {found} now; ask again")]
    BranchMoved {
        /// The branch.
        branch: String,
        /// Where it should end.
        expected: String,
        /// Where it ends.
        found: String,
    },
    /// A person stopped the task.
    #[error("it was stopped: #{0} has the label `prentice-stopped`")]
    Stopped(u64),
    /// More pull requests are open than may be.
    #[error(
        "{open} pull requests are open and {most} may be (`forge.max_open_pulls`); close or merge one, then ask again"
    )]
    TooManyOpen {
        /// How many are.
        open: u64,
        /// How many may be.
        most: u64,
    },
    /// What shall be taken back is not the bot's, or all there is.
    #[error("nothing was taken back: {0}")]
    NothingToUndo(String),
    /// The branch that the change goes on with is not there.
    #[error("the branch {0} is gone")]
    BranchGone(String),
    /// A person closed or merged the pull request.
    #[error(
        "pull request #{number} of {branch} was {}; it stays so. To start anew, delete the branch and ask again",
        if *merged { "merged" } else { "closed" }
    )]
    Closed {
        /// Its number.
        number: u64,
        /// Whether it was merged.
        merged: bool,
        /// Its branch.
        branch: String,
    },
    /// The repository refused.
    #[error(transparent)]
    Repo(#[from] RepoError),
    /// The forge refused.
    #[error(transparent)]
    Forge(#[from] ForgeError),
    /// The page could not be made; a bug.
    #[error("review page: {0}")]
    Page(String),
}

/// What was published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// The branch.
    pub branch: String,
    /// The commit on it.
    pub commit: CommitId,
    /// Whether the branch was moved; `false` when it was right already.
    pub moved: bool,
    /// Where the pull request is.
    pub placed: Placed,
}

/// Puts a bundle on its branch and makes or updates its pull request.
///
/// The checkout, the index and the current branch are not touched.
///
/// # Errors
/// [`PublishError`]; the branch is moved only when everything before has been accepted.
pub async fn publish(
    bundle: &Bundle,
    repository: &Repository,
    forge: &dyn Forge,
    settings: &PolicySettings,
    now: Timestamp,
) -> Result<Published, PublishError> {
    if bundle.order.as_ref().is_some_and(|order| order.verb == Verb::Certify) {
        return Err(PublishError::NotDone(
            "it is a certificate of somebody else's pull request, and no change".to_owned(),
        ));
    }
    accept(bundle, repository, settings)?;
    let branch = format!("{BRANCH_PREFIX}{}", bundle.slug);
    let (commit, moved) = put_commit(bundle, repository, &branch, now)?;
    let wanted = PullRequest {
        base_branch: repository.current_branch(),
        head: commit.to_string(),
        title: text::title(bundle),
        body: text::body(bundle, text::Place::Local { branch: &branch }),
        page: page::page(bundle, &branch, &commit).map_err(|error| PublishError::Page(error.to_string()))?,
        branch: branch.clone(),
    };
    let placed = forge.put(&wanted).await?;
    Ok(Published { branch, commit, moved, placed })
}

/// Writes what the checks say of a change in Markdown, harmless as everything that goes to a forge.
pub fn certificate(evidence: &Evidence, findings: &[Finding]) -> String {
    text::certificate(evidence, findings)
}

/// Writes what a person shall see of a bundle on the page of a CI job, harmless as everything that goes to a forge.
pub fn summary(bundle: &Bundle) -> String {
    text::body(bundle, text::Place::Forge { run_url: None, notes: &[] })
}

fn accept(bundle: &Bundle, repository: &Repository, settings: &PolicySettings) -> Result<(), PublishError> {
    accept_ending(bundle)?;
    let base = repository.tree(&bundle.base)?;
    for change in &bundle.changes {
        if base.read(&change.path)? != change.before {
            return Err(PublishError::WrongBase(change.path.to_string()));
        }
    }
    accept_policy(bundle, settings)
}

fn accept_ending(bundle: &Bundle) -> Result<(), PublishError> {
    match &bundle.ending {
        Ending::Done if bundle.changes.is_empty() => Err(PublishError::Empty),
        Ending::Done => Ok(()),
        Ending::NoAcceptableChange(why) | Ending::LimitReached(why) | Ending::ServiceFailed(why) => {
            Err(PublishError::NotDone(why.clone()))
        }
        Ending::Cancelled => Err(PublishError::NotDone("the run was cancelled".to_owned())),
    }
}

fn accept_policy(bundle: &Bundle, settings: &PolicySettings) -> Result<(), PublishError> {
    let findings = policy::review(&bundle.changes, bundle.evidence.as_ref(), settings);
    let refused: Vec<Finding> = findings.into_iter().filter(|finding| finding.severity == Severity::Refuse).collect();
    if refused.is_empty() { Ok(()) } else { Err(PublishError::Policy(refused)) }
}

/// Writes the commit and points the branch at it, unless the branch holds the same commit already.
fn put_commit(
    bundle: &Bundle,
    repository: &Repository,
    branch: &str,
    now: Timestamp,
) -> Result<(CommitId, bool), PublishError> {
    let message = text::commit_message(bundle);
    let details = CommitDetails {
        message: message.clone(),
        name: AUTHOR.0.to_owned(),
        email: AUTHOR.1.to_owned(),
        when: now,
        parent: Some(bundle.parent.clone()),
    };
    let commit = repository.commit(Some(&bundle.base), &bundle.changes, &details)?;
    let Some(head) = repository.branch_head(branch) else {
        repository.move_branch(branch, None, &commit, "prentice: first proposal")?;
        return Ok((commit, true));
    };
    let old_message = repository.message(&head)?;
    let ours = format!("{TASK_TRAILER}{}", bundle.slug);
    if !old_message.lines().any(|line| line == ours) {
        let commit = head.short().to_owned();
        return Err(RepoError::ForeignCommit { branch: branch.to_owned(), commit }.into());
    }
    let same_parent = repository.parent(&head)?.as_ref() == Some(&bundle.parent);
    if same_parent && old_message == message && repository.same_tree(&head, &commit)? {
        return Ok((head, false));
    }
    repository.move_branch(branch, Some(&head), &commit, "prentice: new proposal")?;
    Ok((commit, true))
}
