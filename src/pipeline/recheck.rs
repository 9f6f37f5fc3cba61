//! Orders without a model: the proposal that is there is weighed once more, where it stands or on a newer base.

use super::attempt::{Attempted, Judging};
use super::{Job, PipelineError};
use crate::bundle::Ending;
use crate::repo::FileTree;
use crate::task::Verb;

/// Weighs the files as they are.
pub(super) async fn all(job: &Job<'_>, tree: &FileTree, judging: &Judging<'_>) -> Result<Attempted, PipelineError> {
    let candidate = match judging.weigh(job, tree.clone(), String::new()).await {
        Ok(candidate) => candidate,
        Err(PipelineError::Cancelled) => return Ok(Attempted::ended(Ending::Cancelled)),
        Err(error) => return Err(error),
    };
    // A certificate says what there is; whether that is acceptable is for those who read it.
    let is_told = job.order.is_some_and(|order| order.verb == Verb::Certify);
    let objection = candidate.objection().filter(|_| !is_told);
    let ending = objection.map_or(Ending::Done, Ending::NoAcceptableChange);
    Ok(Attempted { candidate: Some(candidate), ..Attempted::ended(ending) })
}
