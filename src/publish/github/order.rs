//! Orders that come without a bundle: what needs no model, and what should have brought one.

use super::super::progress::Stage;
use super::super::{PublishError, TASK_TRAILER};
use super::Shown;
use super::branch::{TREE_TRAILER, is_ours};
use super::settle::repeat;
use super::talk::{self, Run};
use crate::forge::ForgeError;
use crate::forge::github::{CommitInfo, Force, GitHub, NewCommit, PullUpdate};
use crate::task::{BRANCH_PREFIX, Order, Verb};

/// Names the commit that another one takes back.
const UNDO_TRAILER: &str = "Prentice-Undo: ";

/// Carries out an order that needs no bundle, or tells that its bundle is missing; returns what is there then.
///
/// # Errors
/// [`PublishError`]; what can be told to the person who gave the order stands in the progress comment too.
pub async fn carry_out(
    github: &GitHub,
    order: &Order,
    run_url: Option<String>,
    run_id: Option<u64>,
) -> Result<Option<Shown>, PublishError> {
    let run = Run { url: run_url, id: run_id, cost: 0.0 };
    let outcome = if order.verb == Verb::Undo { undo(github, order).await.map(Some) } else { Ok(None) };
    let ended = |why: String, next: &str| Stage::Ended { why, next: vec![next.to_owned()] };
    let stage = match &outcome {
        Ok(Some(shown)) => Stage::Undone { pull: shown.pull, commit: shown.commit.clone() },
        Ok(None) => ended(
            "the job that should have made the change ended without a bundle".to_owned(),
            "The log of the run says why; `/prentice retry` tries anew.",
        ),
        Err(PublishError::Forge(error)) if !error.is_refused() => return outcome,
        Err(error) => ended(error.to_string(), "`/prentice help` lists what can be done."),
    };
    talk::tell_of(github, order, &run, &stage).await?;
    talk::wake(github, order).await?;
    outcome
}

/// Puts a commit on the branch that takes the last one of ours back.
async fn undo(github: &GitHub, order: &Order) -> Result<Shown, PublishError> {
    let nothing = |why: &str| PublishError::NothingToUndo(why.to_owned());
    let target = order.pull.as_ref().ok_or_else(|| nothing("there is no pull request"))?;
    let pull = github.pull(target.number).await?;
    if !pull.open || !github.is_ours(&pull) {
        return Err(nothing("it is not an open pull request of mine"));
    }
    let branch = pull.head_branch.clone();
    let slug = branch.trim_start_matches(BRANCH_PREFIX);
    let head = github.branch_head(&branch).await?.ok_or_else(|| PublishError::BranchGone(branch.clone()))?;
    let last = github.commit(&head).await?;
    let shown = |commit: String, moved: bool| Shown {
        branch: branch.clone(),
        commit,
        moved,
        pull: pull.number,
        url: pull.url.clone(),
        notes: Vec::new(),
    };
    let mark = format!("{UNDO_TRAILER}{}", target.head);
    if last.message.lines().any(|line| line == mark) {
        return Ok(shown(head, false));
    }
    if head != target.head {
        return Err(PublishError::BranchMoved { branch, expected: target.head.clone(), found: head });
    }
    if !is_ours(&last, slug) {
        return Err(nothing("the last commit is a person's; whoever made it may revert it"));
    }
    let [parent] = last.parents.as_slice() else { return Err(nothing("the last commit is a merge")) };
    let before = github.commit(parent).await?;
    let since = github.compare(&pull.base_branch, parent).await?;
    if since.ahead == 0 {
        return Err(nothing("it is the only commit; close the pull request instead"));
    }
    let made = take_back(github, slug, &last, &before, &mark).await?;
    match github.move_branch(&branch, &head, &made, Force::No).await {
        Err(error) if error.is_unclear() || error.is_refused() => {
            let now = github.branch_head(&branch).await?;
            if now.as_ref() == Some(&head) {
                github.move_branch(&branch, &head, &made, Force::No).await?;
            } else if now.as_ref() != Some(&made) {
                return Err(ForgeError::Refused {
                    call: branch,
                    status: 409,
                    message: "it was moved meanwhile".to_owned(),
                }
                .into());
            }
        }
        outcome => outcome?,
    }
    let note = format!(
        "**{made} takes {head} back; what follows was measured before.** `/prentice retest` measures anew.\n\n"
    );
    let (first, rest) = pull.body.split_once('\n').unwrap_or(("", &pull.body));
    let update = PullUpdate { body: Some(format!("{first}\n{note}{rest}")), ..PullUpdate::default() };
    repeat(async || github.update_pull(pull.number, &update).await).await?;
    Ok(shown(made, true))
}

async fn take_back(
    github: &GitHub,
    slug: &str,
    last: &CommitInfo,
    before: &CommitInfo,
    mark: &str,
) -> Result<String, ForgeError> {
    let subject = last.message.lines().next().unwrap_or_default();
    let short = last.sha.get(..10).unwrap_or(&last.sha);
    let message = format!(
        "Take back {short}\n\nThe files are again those before \"{subject}\".\n\n{TASK_TRAILER}{slug}\n{TREE_TRAILER}{}\n{mark}\n",
        before.tree
    );
    let commit = NewCommit { message, tree: before.tree.clone(), parents: vec![last.sha.clone()], author: None };
    repeat(async || github.create_commit(&commit).await).await
}
