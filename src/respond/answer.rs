//! Questions that need neither a model nor the repository's code.

use super::{RespondError, Responder};
use crate::forge::ForgeError;
use crate::forge::github::{Comment, Emoji, Pull, Subject};
use crate::publish::github::STOPPED;
use crate::task::{Spoken, help_text};

/// Reacts to something that was said; what is gone or may not be touched is no reason to fail.
pub(super) async fn react(responder: &Responder<'_>, spoken: Spoken, emoji: Emoji) -> Result<(), ForgeError> {
    let subject = match spoken {
        Spoken::Comment(id) => Subject::Comment(id),
        Spoken::LineComment(id) => Subject::ReviewComment(id),
        Spoken::Body(number) => Subject::Issue(number),
        // The REST API has no reactions to reviews.
        Spoken::Review(_) => return Ok(()),
    };
    match responder.github.react(subject, emoji).await {
        Err(ForgeError::NotFound { .. } | ForgeError::Forbidden { .. } | ForgeError::Refused { .. }) => Ok(()),
        outcome => outcome,
    }
}

/// Answers with a comment, once: an answer carries the mark of what it answers.
pub(super) async fn say(
    responder: &Responder<'_>,
    number: u64,
    comments: &[Comment],
    spoken: Spoken,
    text: &str,
) -> Result<(), RespondError> {
    say_marked(responder, number, comments, &format!("<!-- prentice:answer to={spoken} -->"), text).await
}

/// Says that only the first command of a comment is done. This does not count as an answer to it.
pub(super) async fn note(
    responder: &Responder<'_>,
    number: u64,
    comments: &[Comment],
    spoken: Spoken,
) -> Result<(), RespondError> {
    let marker = format!("<!-- prentice:note to={spoken} -->");
    let text = "One comment is one command: the first one is done. Write the others in comments of their own.";
    say_marked(responder, number, comments, &marker, text).await
}

async fn say_marked(
    responder: &Responder<'_>,
    number: u64,
    comments: &[Comment],
    marker: &str,
    text: &str,
) -> Result<(), RespondError> {
    let is_it = |comment: &Comment| comment.author.is_same(&responder.me) && comment.body.starts_with(marker);
    if comments.iter().any(is_it) {
        return Ok(());
    }
    let body = format!("{marker}\n{text}\n");
    match responder.github.create_comment(number, &body).await {
        Err(error) if error.is_unclear() => {
            if !responder.github.comments(number).await?.iter().any(is_it) {
                responder.github.create_comment(number, &body).await?;
            }
        }
        outcome => drop(outcome?),
    }
    Ok(())
}

/// Returns the answer to `help`.
pub(super) fn help() -> String {
    help_text()
}

/// Returns the answer to `why`: what our own pull request says of its verdict, its checks and its cost.
pub(super) fn why(responder: &Responder<'_>, pull: Option<&Pull>) -> String {
    let Some(pull) = pull.filter(|pull| pull.author.is_same(&responder.me)) else {
        return "There is no pull request of mine for this yet, so there is nothing to give reasons for.".to_owned();
    };
    let wanted = ["### Checks", "### Tests", "### Not checked", "### Account"];
    let mut keep = true;
    let kept: Vec<&str> = pull
        .body
        .lines()
        .filter(|line| !line.starts_with("<!-- prentice:"))
        .filter(|line| {
            if line.starts_with("### ") || *line == "---" {
                keep = wanted.contains(line);
            }
            keep
        })
        .collect();
    format!("What is known of pull request #{}:\n\n{}", pull.number, kept.join("\n").trim())
}

/// Marks a task as stopped, so that nothing of it is published until a person asks for something again.
pub(super) async fn stop(responder: &Responder<'_>, number: u64) -> Result<(), RespondError> {
    Ok(responder.github.add_labels(number, &[STOPPED.to_owned()]).await?)
}
