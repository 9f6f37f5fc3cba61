//! What a run stands on: the base that is compared with, the files that are edited, the commit that the result follows.

use super::{Job, PipelineError};
use crate::repo::{CommitId, FileTree, Merged};
use crate::task::Verb;

/// What a run stands on.
pub(super) struct Ground {
    /// The commit that the evidence compares with; everything that differs from it is the proposal.
    pub(super) base: CommitId,
    /// The commit that the new one is put on top of.
    pub(super) parent: CommitId,
    /// The files to begin with, as changes over the base.
    pub(super) tree: FileTree,
}

/// Finds the ground of a job, or says why there is none.
///
/// A first proposal stands on the base branch. One that goes on with a pull request is compared with the commit where the
/// pull request left the base branch, so that its evidence is that of the whole pull request.
pub(super) fn find(job: &Job<'_>) -> Result<Result<Ground, String>, PipelineError> {
    let repository = job.repository;
    let plain = |commit: &CommitId| -> Result<Ground, PipelineError> {
        Ok(Ground { base: commit.clone(), parent: commit.clone(), tree: repository.tree(commit)? })
    };
    let going_on =
        job.order.filter(|order| order.verb.continues()).and_then(|order| Some((order, order.pull.as_ref()?)));
    let Some((order, pull)) = going_on else {
        return Ok(Ok(plain(&job.base)?));
    };
    let Ok(head) = repository.resolve(&pull.head) else {
        return Ok(Err(format!(
            "commit {} of pull request #{} is not in this clone: fetch it, for example with `git fetch origin pull/{1}/head`",
            pull.head, pull.number
        )));
    };
    let Some(fork_point) = repository.merge_base(&job.base, &head)? else {
        return Ok(Err("the pull request and its base branch have no commit in common".to_owned()));
    };
    if order.verb == Verb::Rebase {
        let new = plain(&job.base)?;
        return Ok(match repository.merge(&job.base, &head)? {
            Merged::Clean(merged) => Ok(Ground { tree: merged.over(&new.tree)?, ..new }),
            Merged::Conflicts(paths) => Err(format!(
                "the proposal and {} both changed {}: `retry` makes it anew, or a person merges",
                order.base_branch,
                paths.join(", ")
            )),
        });
    }
    let base = repository.tree(&fork_point)?;
    let tree = repository.tree(&head)?.over(&base)?;
    // Somebody else's commits stay where they are: their change comes as one commit on a branch of ours.
    let parent = if matches!(order.verb, Verb::Adopt | Verb::Certify) { fork_point.clone() } else { head };
    Ok(Ok(Ground { base: fork_point, parent, tree }))
}
