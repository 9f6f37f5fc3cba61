//! The pull request of a branch: one, a draft, and closed for good when a person closed it.

use super::super::{PublishError, safe, text};
use super::Job;
use super::branch::Placed;
use super::settle::{ensure, repeat};
use crate::forge::ForgeError;
use crate::forge::github::{NewPull, Pull, PullUpdate};
use crate::task::BRANCH_PREFIX;

/// Finds the open pull request of the bundle's branch.
///
/// # Errors
/// [`PublishError::Closed`] when a person closed or merged it, unless a person asks anew and the branch is gone.
pub(super) async fn standing(job: &Job<'_>) -> Result<Option<Pull>, PublishError> {
    let branch = format!("{BRANCH_PREFIX}{}", job.bundle.slug);
    let pulls = job.github.pulls_of_branch(&branch).await?;
    if let Some(open) = pulls.iter().find(|pull| pull.open) {
        return Ok(Some(open.clone()));
    }
    let Some(last) = pulls.first() else { return Ok(None) };
    let asked_anew = job.order().is_some_and(|order| !order.verb.continues());
    if asked_anew && job.github.branch_head(&branch).await?.is_none() {
        return Ok(None);
    }
    Err(PublishError::Closed { number: last.number, merged: last.merged, branch })
}

/// Opens the pull request or brings it up to date; returns what could not be done besides.
pub(super) async fn put(
    job: &Job<'_>,
    standing: Option<Pull>,
    placed: &Placed,
    notes: &[String],
) -> Result<(Pull, Vec<String>), PublishError> {
    let place = text::Place::Forge { run_url: job.run_url.as_deref(), notes };
    let body = format!("<!-- prentice:pull slug={} -->\n{}", job.bundle.slug, text::body(job.bundle, place));
    let pull = match standing {
        Some(pull) => pull,
        None => open(job, placed, &body).await?,
    };
    let pull = if same_text(&pull.body, &body) {
        pull
    } else {
        let update = PullUpdate { body: Some(body), ..PullUpdate::default() };
        repeat(async || job.github.update_pull(pull.number, &update).await).await?
    };
    let mut remarks = Vec::new();
    if !pull.labels.iter().any(|label| label == job.label) {
        let labels = [job.label.to_owned()];
        let added = job.github.add_labels(pull.number, &labels).await;
        remarks.extend(minor("the label could not be added", added)?);
    }
    let wanted = reviewers(job, &pull);
    if !wanted.is_empty() {
        let asked = repeat(async || job.github.request_reviewers(pull.number, &wanted, &[]).await).await;
        remarks.extend(minor(&format!("{} could not be asked to review", wanted.join(", ")), asked)?);
    }
    Ok((pull, remarks))
}

async fn open(job: &Job<'_>, placed: &Placed, body: &str) -> Result<Pull, PublishError> {
    let wanted = NewPull {
        title: safe::subject(&job.bundle.task.title),
        body: body.to_owned(),
        head: placed.branch.clone(),
        base: job.base_branch().to_owned(),
        draft: true,
    };
    // The caller has just looked: the first look here would be the same call again.
    let first = match job.github.create_pull(&wanted).await {
        Ok(pull) => return Ok(pull),
        Err(error) if error.is_unclear() || error.is_refused() => error,
        Err(error) => return Err(error.into()),
    };
    // Private repositories of free plans have no drafts: GitHub answers 422 with that word.
    let draft = !first.to_string().to_lowercase().contains("draft");
    let wanted = NewPull { draft, ..wanted };
    let look = async || Ok(job.github.pulls_of_branch(&placed.branch).await?.into_iter().find(|pull| pull.open));
    Ok(ensure(look, async || job.github.create_pull(&wanted).await).await?)
}

/// GitHub keeps bodies with the line ends and the blanks at the end that it was given or not; neither matters.
fn same_text(one: &str, other: &str) -> bool {
    one.replace("\r\n", "\n").trim_end() == other.replace("\r\n", "\n").trim_end()
}

/// Returns who shall be asked and has not been: the author of a pull request cannot review it.
fn reviewers(job: &Job<'_>, pull: &Pull) -> Vec<String> {
    let asked = job.order().map(|order| order.actor.clone()).filter(|actor| !actor.is_empty());
    let mut wanted: Vec<String> = job.reviewers.iter().cloned().chain(asked).collect();
    wanted.sort();
    wanted.dedup();
    let has = |login: &String| pull.reviewers.iter().any(|other| other.eq_ignore_ascii_case(login));
    let cannot = |login: &String| login.ends_with("[bot]") || login.eq_ignore_ascii_case(&pull.author.login);
    wanted.retain(|login| !has(login) && !cannot(login));
    wanted
}

/// Turns a refusal of something that the change does not depend on into words; what may pass stays an error.
fn minor(what: &str, outcome: Result<(), ForgeError>) -> Result<Option<String>, ForgeError> {
    match outcome {
        Ok(()) => Ok(None),
        Err(error @ (ForgeError::Refused { .. } | ForgeError::Forbidden { .. } | ForgeError::NotFound { .. })) => {
            Ok(Some(format!("{what}: {error}")))
        }
        Err(error) => Err(error),
    }
}
