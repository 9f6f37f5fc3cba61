//! The certificate of a pull request that anybody may have opened: one comment and one check run, nothing else.

use super::super::{PublishError, text};
use super::settle::{ensure, repeat};
use super::talk;
use super::{Job, Shown};
use crate::forge::ForgeError;
use crate::forge::github::{CheckRun, Conclusion};
use crate::publish::progress::Stage;
use crate::verify::Verdict;

/// The name of the check run.
const NAME: &str = "prentice certify";
/// What tells our check runs from those of others that have the same name.
const MARK: &str = "prentice:certificate";

/// Tells what the checks say of a pull request.
pub(super) async fn tell(job: &Job<'_>) -> Result<Shown, PublishError> {
    let order = job.order().ok_or_else(|| PublishError::NotDone("the bundle holds no order".to_owned()))?;
    let target = order.pull.as_ref().ok_or_else(|| PublishError::NotDone("it names no pull request".to_owned()))?;
    let Some(evidence) = &job.bundle.evidence else {
        let stage = Stage::Ended {
            why: "the checks were not run".to_owned(),
            next: vec!["The log of the run says why.".to_owned()],
        };
        talk::tell(job, &stage).await?;
        return Err(PublishError::NotDone("the checks were not run".to_owned()));
    };
    let pull = job.github.pull(target.number).await?;
    let certificate = text::certificate(evidence, &job.bundle.findings);
    let mut notes = Vec::new();
    if pull.head_sha != target.head {
        notes.push(format!("The pull request ends with {} now; this is about {}.", pull.head_sha, target.head));
    }
    let check = CheckRun {
        name: NAME.to_owned(),
        head_sha: target.head.clone(),
        external_id: MARK.to_owned(),
        details_url: job.run_url.clone(),
        conclusion: match evidence.verdict {
            Verdict::Proven | Verdict::Added => Conclusion::Success,
            Verdict::Green => Conclusion::Neutral,
            Verdict::Unproven | Verdict::Refused => Conclusion::Failure,
        },
        title: evidence.verdict.word().to_owned(),
        summary: certificate.clone(),
    };
    match put(job, &check).await {
        Ok(()) => {}
        Err(ForgeError::Forbidden { .. } | ForgeError::NotFound { .. }) => {
            notes.push(
                "There is no check run: the token may not write checks (`checks: write`, and only of an app)."
                    .to_owned(),
            );
        }
        Err(error) => return Err(error.into()),
    }
    let stage = Stage::Certified { head: target.head.clone(), certificate, notes: notes.clone() };
    talk::tell(job, &stage).await?;
    talk::wake(job.github, order).await?;
    Ok(Shown {
        branch: format!("pull/{}", target.number),
        commit: target.head.clone(),
        moved: false,
        pull: target.number,
        url: pull.url,
        notes,
    })
}

/// Makes the check run, or brings the one of an earlier certificate of the same commit up to date.
async fn put(job: &Job<'_>, check: &CheckRun) -> Result<(), ForgeError> {
    let look = async || {
        let all = job.github.check_runs(&check.head_sha, NAME).await?;
        Ok(all.into_iter().find(|(_, external_id)| external_id == MARK).map(|(id, _)| id))
    };
    let id = ensure(look, async || job.github.create_check_run(check).await).await?;
    repeat(async || job.github.update_check_run(id, check).await).await
}
