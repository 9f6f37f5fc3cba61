//! The commands on an issue or a pull request that nobody has served yet.
//!
//! A forge keeps one run waiting per queue and drops the others, so each run looks for all that is open, not only for
//! what its own event says.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::Responder;
use crate::forge::github::{Comment, Review};
use crate::forge::{Account, ForgeError};
use crate::publish::progress;
use crate::task::{COMMAND_NAME as NAME, Command, Parsed, Place, Spoken, parse_commands};

/// How long a command that was not served stays one; a bot that is installed today does not answer last year.
const FRESH: Duration = Duration::from_secs(48 * 60 * 60);

/// Something that was said.
#[derive(Clone, Debug)]
pub(super) struct Said {
    pub(super) spoken: Spoken,
    pub(super) author: Account,
    pub(super) created_at: String,
    /// Whether the text may be another one than when it was written.
    pub(super) edited: bool,
    pub(super) body: String,
}

/// What is to be done with something that was said.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) spoken: Spoken,
    pub(super) author: Account,
    /// When it was said, in RFC 3339.
    pub(super) at: String,
    pub(super) wish: Wish,
    /// Whether the comment holds further commands, which are not done: one comment is one command.
    pub(super) is_first_of_several: bool,
}

/// A command, or why it is none.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Wish {
    /// Do this.
    Command(Command),
    /// Tell this to the person, who may command and was not understood.
    Explain(String),
    /// Somebody who may not command; a sign is enough, so that strangers cannot make us talk.
    Refuse(String),
}

/// An issue or pull request with what is open on it.
#[derive(Clone, Debug)]
pub(super) struct Inbox {
    pub(super) requests: Vec<Request>,
    /// The comments there, oldest first, of which some are our own.
    pub(super) comments: Vec<Comment>,
}

/// Collects what is open on `number`; `now` is what the event says itself, with its text as of the event.
pub(super) async fn collect(
    responder: &Responder<'_>,
    number: u64,
    is_pull: bool,
    now: Option<Said>,
) -> Result<Inbox, ForgeError> {
    let github = responder.github;
    let comments = github.comments(number).await?;
    let mut said: Vec<Said> = comments.iter().map(|comment| of_comment(comment, Spoken::Comment)).collect();
    if is_pull {
        said.extend(
            github.review_comments(number).await?.iter().map(|comment| of_comment(comment, Spoken::LineComment)),
        );
        said.extend(reviews(responder, number).await?);
    }
    let served = served(responder, &comments);
    let oldest = oldest(responder);
    said.retain(|said| said.created_at >= oldest);
    if let Some(now) = now {
        said.retain(|said| said.spoken != now.spoken);
        said.push(now);
    }
    said.retain(|said| !served.contains(&said.spoken) && !said.author.is_same(&responder.me));
    said.retain(|said| said.body.to_ascii_lowercase().contains(NAME));
    said.sort_by(|one, other| (&one.created_at, one.spoken).cmp(&(&other.created_at, other.spoken)));
    let mut objections: BTreeMap<String, Option<String>> = BTreeMap::new();
    let mut requests = Vec::new();
    for said in said {
        let mut wishes = wishes(&said, is_pull);
        if wishes.is_empty() {
            continue;
        }
        if !objections.contains_key(&said.author.login) {
            objections.insert(said.author.login.clone(), responder.objection(&said.author).await?);
        }
        let Said { spoken, author, created_at: at, .. } = said;
        let is_first_of_several = wishes.len() > 1;
        let wish = match objections.get(&author.login).cloned().flatten() {
            Some(why) => Wish::Refuse(why),
            None => wishes.remove(0),
        };
        requests.push(Request { spoken, author, at, wish, is_first_of_several });
    }
    Ok(Inbox { requests, comments })
}

/// Returns what our own comments say was served.
fn served(responder: &Responder<'_>, comments: &[Comment]) -> BTreeSet<Spoken> {
    let mine = comments.iter().filter(|comment| comment.author.is_same(&responder.me));
    let all = |comment: &Comment| {
        let mut served = progress::served(&comment.body);
        // What this very run was about to serve when it was killed is still to be served.
        if let Some((_, own)) = progress::serving(&comment.body).filter(|(run, _)| *run == responder.run.id) {
            served.retain(|spoken| !own.contains(spoken));
        }
        served
    };
    mine.flat_map(all).collect()
}

fn oldest(responder: &Responder<'_>) -> String {
    responder.clock.now().before(FRESH).to_string()
}

fn of_comment(comment: &Comment, kind: fn(u64) -> Spoken) -> Said {
    Said {
        spoken: kind(comment.id),
        author: comment.author.clone(),
        created_at: comment.created_at.clone(),
        edited: !comment.updated_at.is_empty() && comment.updated_at != comment.created_at,
        body: comment.body.clone(),
    }
}

/// Returns the reviews that may hold a command; only for those it is asked whether they were changed.
async fn reviews(responder: &Responder<'_>, pull: u64) -> Result<Vec<Said>, ForgeError> {
    let mut reviews = responder.github.reviews(pull).await?;
    reviews.retain(|review| review.body.to_ascii_lowercase().contains(NAME));
    if reviews.is_empty() {
        return Ok(Vec::new());
    }
    let unchanged = responder.github.unchanged_reviews(pull).await?;
    let said = |review: Review| Said {
        spoken: Spoken::Review(review.id),
        edited: !unchanged.contains(&review.id),
        author: review.author,
        created_at: review.submitted_at,
        body: review.body,
    };
    Ok(reviews.into_iter().map(said).collect())
}

/// Reads the commands in a text, with a reason in the place of each that cannot be done there.
fn wishes(said: &Said, is_pull: bool) -> Vec<Wish> {
    let place = match said.spoken {
        Spoken::LineComment(_) => Place::Thread,
        _ if is_pull => Place::Pull,
        _ => Place::Issue,
    };
    let found = parse_commands(&said.body, &[NAME]);
    if said.edited && !found.is_empty() {
        let why = "The comment was changed after it was written, and I do not know what it said; please write it anew.";
        return vec![Wish::Explain(why.to_owned())];
    }
    let wish = |parsed: Parsed| match parsed {
        Parsed::Known(command) if command.is_allowed_in(place) => Wish::Command(command),
        Parsed::Known(command) => Wish::Explain(format!(
            "`{}` cannot be done {}.",
            command.word(),
            match place {
                Place::Issue => "on an issue: it is for the pull request",
                Place::Pull => "on a pull request",
                Place::Thread => "in a review thread: write it in the conversation",
            }
        )),
        Parsed::Unknown { word, suggestion, line } => {
            let guess = suggestion.map(|word| format!(" Did you mean `{NAME} {word}`?")).unwrap_or_default();
            Wish::Explain(format!(
                "Line {line}: `{}` is no command.{guess} `{NAME} help` lists them.",
                word.replace('`', "")
            ))
        }
        Parsed::Malformed { reason, line, .. } => Wish::Explain(format!("Line {line}: {reason}.")),
    };
    found.into_iter().map(wish).collect()
}
