//! The commit and its branch, over REST: no checkout, no git program.

use super::super::{PublishError, TASK_TRAILER, text};
use super::Job;
use super::settle::{ensure, repeat};
use crate::forge::ForgeError;
use crate::forge::github::{CommitInfo, Force, NewCommit, NewContent, TreeChange};
use crate::repo::{FileChange, RepoError};
use crate::task::BRANCH_PREFIX;

/// Names the tree that we gave a commit, so that a commit which somebody amended is not taken for ours.
pub(super) const TREE_TRAILER: &str = "Prentice-Tree: ";
/// The largest text that travels inside of the tree; larger ones become blobs first.
const MAX_INLINE_BYTES: usize = 256 << 10;

/// The branch as it is after publishing.
#[derive(Clone, Debug)]
pub(super) struct Placed {
    pub(super) branch: String,
    pub(super) commit: String,
    pub(super) moved: bool,
}

/// Makes the branch end with the bundle's change.
///
/// `base_tree` is the tree of the bundle's base commit. Commits that are not ours are followed, never dropped.
pub(super) async fn place(job: &Job<'_>, base_tree: &str) -> Result<Placed, PublishError> {
    let branch = format!("{BRANCH_PREFIX}{}", job.bundle.slug);
    let tree = make_tree(job, base_tree).await?;
    let head = match job.github.branch_head(&branch).await? {
        Some(sha) => Some(job.github.commit(&sha).await?),
        None => None,
    };
    let placed = |commit: String, moved: bool| Placed { branch: branch.clone(), commit, moved };
    if let Some(head) = &head {
        if is_there(job, head, &tree) {
            return Ok(placed(head.sha.clone(), false));
        }
        may_follow(job, head, &branch).await?;
    } else if job.follows_a_head() {
        return Err(PublishError::BranchGone(branch));
    }
    let commit = make_commit(job, &tree).await?;
    let force = if job.follows_a_head() { Force::No } else { Force::Yes };
    let look = async || {
        let now = job.github.branch_head(&branch).await?;
        let Some(now) = now.filter(|now| head.as_ref().is_none_or(|head| head.sha != *now)) else { return Ok(None) };
        // Somebody was faster: fine when it is the same change, else the caller must look at it anew.
        let info = job.github.commit(&now).await?;
        let refused = |message| ForgeError::Refused { call: format!("branch {branch}"), status: 409, message };
        if now == commit || is_there(job, &info, &tree) {
            Ok(Some(now))
        } else {
            Err(refused(format!("it was moved to {now} meanwhile, by another run or a person")))
        }
    };
    let make = async || match &head {
        None => job.github.create_branch(&branch, &commit).await.map(|()| commit.clone()),
        Some(head) => job.github.move_branch(&branch, &head.sha, &commit, force).await.map(|()| commit.clone()),
    };
    let sha = match make().await {
        Ok(sha) => sha,
        Err(error) if error.is_unclear() || error.is_refused() => ensure(look, make).await?,
        Err(error) => return Err(error.into()),
    };
    Ok(placed(sha, true))
}

/// Tells whether a commit is the bundle's change already: the same files, on the same commit or as that commit itself.
fn is_there(job: &Job<'_>, head: &CommitInfo, tree: &str) -> bool {
    let parent = job.bundle.parent.to_string();
    head.tree == tree && (head.sha == parent || head.parents == [parent])
}

/// Refuses where a commit would be lost or passed over.
async fn may_follow(job: &Job<'_>, head: &CommitInfo, branch: &str) -> Result<(), PublishError> {
    if job.follows_a_head() {
        let expected = job.bundle.parent.to_string();
        return if head.sha == expected {
            Ok(())
        } else {
            let (branch, found) = (branch.to_owned(), head.sha.clone());
            Err(PublishError::BranchMoved { branch, expected, found })
        };
    }
    let since = job.github.compare(job.base_branch(), &head.sha).await?;
    let foreign = since.commits.iter().find(|commit| !is_ours(commit, &job.bundle.slug));
    if let Some(commit) = foreign {
        let commit = commit.sha.chars().take(10).collect();
        return Err(RepoError::ForeignCommit { branch: branch.to_owned(), commit }.into());
    }
    if since.ahead > since.commits.len() as u64 {
        let commit = format!("{} and {} more", head.sha, since.ahead);
        return Err(RepoError::ForeignCommit { branch: branch.to_owned(), commit }.into());
    }
    Ok(())
}

/// Tells whether we made a commit of a task: it says so, and its files are those that we gave it.
pub(super) fn is_ours(commit: &CommitInfo, slug: &str) -> bool {
    let has = |trailer: &str, value: &str| commit.message.lines().any(|line| line == format!("{trailer}{value}"));
    has(TASK_TRAILER, slug) && has(TREE_TRAILER, &commit.tree)
}

async fn make_tree(job: &Job<'_>, base_tree: &str) -> Result<String, PublishError> {
    let mut changes = Vec::new();
    for FileChange { path, before, after } in &job.bundle.changes {
        let file = after.as_ref().or(before.as_ref());
        let mode = file.map_or(0o100_644, |file| file.mode.git_mode());
        let content = match after {
            None => NewContent::Nothing,
            Some(file) => match std::str::from_utf8(&file.content) {
                Ok(text) if text.len() <= MAX_INLINE_BYTES => NewContent::Text(text.to_owned()),
                _ => NewContent::Blob(repeat(async || job.github.create_blob(&file.content).await).await?),
            },
        };
        changes.push(TreeChange { path: path.to_string(), mode, content });
    }
    Ok(repeat(async || job.github.create_tree(base_tree, &changes).await).await?)
}

async fn make_commit(job: &Job<'_>, tree: &str) -> Result<String, PublishError> {
    let mut message = text::commit_message(job.bundle);
    message += &format!("{TREE_TRAILER}{tree}\n");
    if let Some(url) = &job.run_url {
        message += &format!("Prentice-Run: {url}\n");
    }
    // Without an author the forge takes the token's own, and signs what an app commits.
    let commit =
        NewCommit { message, tree: tree.to_owned(), parents: vec![job.bundle.parent.to_string()], author: None };
    Ok(repeat(async || job.github.create_commit(&commit).await).await?)
}
