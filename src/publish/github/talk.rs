//! What is said beside the pull request: answers in review threads, the progress comment, reactions.

use serde_json::json;

use super::super::progress::{Progress, RunEntry, Stage, is_progress_of};
use super::super::safe::quoted;
use super::settle::{ensure, repeat};
use super::{DISPATCH_TYPE, Job};
use crate::forge::ForgeError;
use crate::forge::github::{Comment, Emoji, GitHub, Pull, Subject};
use crate::task::{Order, Spoken};

/// Answers each thread of the order that the model had something to say to, and settles those that were answered by a
/// change, where the token may; returns what could not be done.
pub(super) async fn answer_threads(job: &Job<'_>, pull: &Pull, commit: &str) -> Result<Vec<String>, ForgeError> {
    let Some(order) = job.order().filter(|order| !order.threads.is_empty()) else { return Ok(Vec::new()) };
    let marker = format!("<!-- prentice:reply bundle={} -->", job.digest.chars().take(16).collect::<String>());
    let there = job.github.review_threads(pull.number).await?;
    let changed = commit != order.pull.as_ref().map_or("", |target| target.head.as_str());
    let mut remarks = Vec::new();
    for (index, asked) in order.threads.iter().enumerate() {
        // What the order names must be a thread of this pull request: an order is data, not a right to write anywhere.
        let Some(thread) = there.iter().find(|thread| thread.comments.iter().any(|said| said.id == asked.comment))
        else {
            remarks.push(format!("the thread of comment {} is gone", asked.comment));
            continue;
        };
        let words = job.bundle.account.replies.get(index).and_then(Option::as_deref);
        let body = reply(&marker, words, changed.then_some(commit));
        if !thread.comments.iter().any(|said| said.body.contains(&marker)) {
            let first = thread.comments.first().map_or(asked.comment, |said| said.id);
            let look = async || {
                let said = job.github.review_comments(pull.number).await?;
                let mine = |said: &Comment| said.in_reply_to == Some(first) && said.body.contains(&marker);
                Ok(said.into_iter().filter(mine).collect())
            };
            let make = async || job.github.reply_to_review_comment(pull.number, first, &body).await;
            only_one(look, make, async |id| job.github.take_back_reply(id).await).await?;
        }
        let settles = changed && words.is_some() && thread.can_resolve && !thread.resolved;
        if settles {
            repeat(async || job.github.resolve_thread(&thread.id).await).await?;
        }
    }
    Ok(remarks)
}

/// Writes the answer in a thread: the fact first, the model's words as a quotation.
fn reply(marker: &str, words: Option<&str>, commit: Option<&str>) -> String {
    let fact = match (commit, words) {
        (Some(commit), Some(_)) => format!("Changed in {commit}."),
        (Some(commit), None) => format!("The model did not say whether {commit} answers this; please look."),
        (None, Some(_)) => "Nothing was changed for this.".to_owned(),
        (None, None) => "Nothing was changed, and the model did not say why; please look.".to_owned(),
    };
    let words = words.map(|words| format!("\n\nThe model's words (not evidence):\n\n{}", quoted(words)));
    format!("{marker}\n{fact}{}\n", words.unwrap_or_default())
}

/// Brings the progress comment up to date and reacts to the comments that were served.
pub(super) async fn tell(job: &Job<'_>, stage: &Stage) -> Result<(), ForgeError> {
    let Some(order) = job.order() else { return Ok(()) };
    let cost = job.bundle.account.spent.cost_usd.unwrap_or(0.0);
    tell_of(job.github, order, &Run { url: job.run_url.clone(), id: job.run_id, cost }, stage).await
}

/// The run that tells something, and what its model cost in US dollars.
#[derive(Clone, Debug, Default)]
pub(super) struct Run {
    pub(super) url: Option<String>,
    pub(super) id: Option<u64>,
    pub(super) cost: f64,
}

/// As [`tell`], for an order that has no bundle.
pub(super) async fn tell_of(github: &GitHub, order: &Order, run: &Run, stage: &Stage) -> Result<(), ForgeError> {
    let Some(number) = place_of(order) else { return Ok(()) };
    let cost_micros = (run.cost.max(0.0) * 1e6).round() as u64;
    let entry = |id| RunEntry { id, at: 0, actor: order.actor.clone(), cost_micros };
    let progress = Progress {
        slug: order.slug(),
        verb: order.verb.name().to_owned(),
        actor: order.actor.clone(),
        run_url: run.url.clone(),
        served: order.serves.iter().copied().collect(),
        served_before: std::collections::BTreeSet::new(),
        runs: run.id.map(entry).into_iter().collect(),
        stage: stage.clone(),
    };
    put_progress(github, number, progress).await?;
    let emoji = if matches!(stage, Stage::Published { .. } | Stage::Undone { .. } | Stage::Certified { .. }) {
        Emoji::Hooray
    } else {
        Emoji::Confused
    };
    for spoken in &order.serves {
        let subject = match *spoken {
            Spoken::Comment(id) => Subject::Comment(id),
            Spoken::LineComment(id) => Subject::ReviewComment(id),
            // The REST API has no reactions to reviews.
            Spoken::Review(_) => continue,
            Spoken::Body(number) => Subject::Issue(number),
        };
        // A comment that was deleted meanwhile is no reason to fail.
        match github.react(subject, emoji).await {
            Err(ForgeError::NotFound { .. } | ForgeError::Forbidden { .. }) => {}
            outcome => outcome?,
        }
    }
    Ok(())
}

/// Returns the issue or pull request that an order's progress is told on.
pub(super) fn place_of(order: &Order) -> Option<u64> {
    order.pull.as_ref().map(|pull| pull.number).or(order.issue)
}

/// Starts the workflow again where a command waits that this run did not serve.
///
/// The forge keeps only one run waiting and drops the others; a token of the workflow may start runs by this event.
pub(super) async fn wake(github: &GitHub, order: &Order) -> Result<(), ForgeError> {
    let Some(number) = place_of(order).filter(|_| order.more) else { return Ok(()) };
    // Started twice, the second run finds nothing to do.
    repeat(async || github.dispatch(DISPATCH_TYPE, &json!({ "number": number })).await).await
}

/// Writes the progress comment of a task on an issue or a pull request, or updates the one that is there.
///
/// # Errors
/// [`ForgeError`].
pub async fn put_progress(github: &GitHub, number: u64, mut progress: Progress) -> Result<Comment, ForgeError> {
    let me = github.viewer().await?;
    let slug = progress.slug.clone();
    let look = async || {
        let mut comments = github.comments(number).await?;
        comments.retain(|said| said.author.is_same(&me) && is_progress_of(&slug, &said.body));
        Ok(comments)
    };
    let standing: Vec<Comment> = look().await?;
    let comment = match standing.into_iter().next() {
        Some(comment) => comment,
        None => {
            let body = progress.body();
            let make = async || github.create_comment(number, &body).await;
            only_one(look, make, async |id| github.take_back_comment(id).await).await?
        }
    };
    progress.remember(&comment.body);
    let body = progress.body();
    if comment.body.replace("\r\n", "\n").trim_end() == body.trim_end() {
        return Ok(comment);
    }
    repeat(async || github.update_comment(comment.id, &body).await).await
}

/// Writes a comment of which there shall be one: the forge does not keep two runners from writing it at the same time,
/// so the one that finds an older one besides its own takes its own back.
async fn only_one(
    look: impl AsyncFn() -> Result<Vec<Comment>, ForgeError>,
    make: impl AsyncFn() -> Result<Comment, ForgeError>,
    take_back: impl AsyncFn(u64) -> Result<(), ForgeError>,
) -> Result<Comment, ForgeError> {
    let made = match make().await {
        Err(error) if error.is_unclear() => ensure(async || Ok(look().await?.into_iter().next()), &make).await?,
        outcome => outcome?,
    };
    let there = look().await?;
    match there.into_iter().min_by_key(|comment| comment.id) {
        Some(oldest) if oldest.id < made.id => {
            match take_back(made.id).await {
                // Gone is what it shall be; unclear is looked at by the next run, which updates the oldest.
                Ok(()) | Err(ForgeError::NotFound { .. } | ForgeError::Unclear { .. }) => {}
                Err(error) => return Err(error),
            }
            Ok(oldest)
        }
        _ => Ok(made),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_tells_the_fact_and_quotes_the_model() {
        let check = |words, commit, expected: &str| assert_eq!(reply("<!-- m -->", words, commit), expected);
        check(
            Some("renamed it, @ann"),
            Some("abc"),
            "<!-- m -->\nChanged in abc.\n\nThe model's words (not evidence):\n\n```text\nrenamed it, @ann\n```\n",
        );
        check(None, Some("abc"), "<!-- m -->\nThe model did not say whether abc answers this; please look.\n");
        check(None, None, "<!-- m -->\nNothing was changed, and the model did not say why; please look.\n");
    }
}
