//! Orders without a model: the proposal that is there is weighed once more, where it stands or on a newer base.

use super::attempt::{Attempted, Judging};
use super::{Job, PipelineError};
use crate::bundle::Ending;
use crate::repo::FileTree;

/// Weighs the files as they are.
pub(super) async fn all(job: &Job<'_>, tree: &FileTree, judging: &Judging<'_>) -> Result<Attempted, PipelineError> {
    let candidate = match judging.weigh(job, tree.clone(), String::new()).await {
        Ok(candidate) => candidate,
        Err(PipelineError::Cancelled) => return Ok(Attempted::ended(Ending::Cancelled)),
        Err(error) => return Err(error),
    };
    let ending = candidate.objection().map_or(Ending::Done, Ending::NoAcceptableChange);
    Ok(Attempted { candidate: Some(candidate), ..Attempted::ended(ending) })
}
