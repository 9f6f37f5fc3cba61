//! The pull request of a branch: one, a draft, and closed for good when a person closed it.

use super::super::{PublishError, text};
use super::Job;
use super::branch::Placed;
use super::settle::{ensure, repeat};
use crate::bundle::Bundle;
use crate::forge::ForgeError;
use crate::forge::github::{NewPull, Pull, PullUpdate};
use crate::task::{BRANCH_PREFIX, Origin};

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
    let body = format!("{}\n{}", marker(job.bundle), text::body(job.bundle, place));
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

/// The first line of a pull request's text: by it the task of later commands is found again.
fn marker(bundle: &Bundle) -> String {
    let file = match &bundle.task.origin {
        Origin::File(path) if is_plain(path) => format!(" task={path}"),
        _ => String::new(),
    };
    format!("{PULL_MARKER}{}{file} -->", bundle.slug)
}

/// How the text of a pull request of ours begins.
const PULL_MARKER: &str = "<!-- prentice:pull slug=";

/// Returns the task file that the text of a pull request names in its first line.
pub fn task_file(body: &str) -> Option<&str> {
    let line = body.lines().next()?.strip_prefix(PULL_MARKER)?.strip_suffix(" -->")?;
    line.split_whitespace().find_map(|word| word.strip_prefix("task=")).filter(|path| is_plain(path))
}

fn is_plain(path: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./".contains(&byte);
    path.bytes().all(plain) && !path.contains("--") && !path.contains("..") && !path.starts_with('/')
}

async fn open(job: &Job<'_>, placed: &Placed, body: &str) -> Result<Pull, PublishError> {
    let wanted = NewPull {
        title: text::title(job.bundle),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_file_is_found_in_the_first_line_only() {
        let check = |body: &str, expected: Option<&str>| assert_eq!(task_file(body), expected, "{body}");
        check("<!-- prentice:pull slug=x task=.prentice/tasks/1.yml -->\nrest", Some(".prentice/tasks/1.yml"));
        check("<!-- prentice:pull slug=x -->\n<!-- prentice:pull slug=x task=a.yml -->", None);
        check("<!-- prentice:pull slug=x task=../a.yml -->", None);
        check("text", None);
    }
}
