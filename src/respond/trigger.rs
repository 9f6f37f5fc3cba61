//! From an event to what it asks for.

use super::answer;
use super::inbox::{self, Request, Said, Wish};
use super::start::start;
use super::{Outcome, RespondError, Responder, gather, task};
use crate::forge::Account;
use crate::forge::event::{Event, EventComment, EventIssue, EventKind};
use crate::forge::github::{Comment, Emoji, Issue, Pull};
use crate::publish::github::{DISPATCH_TYPE, STOPPED};
use crate::task::{BRANCH_PREFIX, Command, Spoken};

/// Does what an event asks for, up to the order.
pub(super) async fn handle(responder: &Responder<'_>, event: &Event) -> Result<Outcome, RespondError> {
    let sender = &event.sender;
    match &event.kind {
        EventKind::IssueOpened { issue } => {
            let said = Said {
                spoken: Spoken::Body(issue.number),
                author: issue.author.clone().unwrap_or_default(),
                created_at: issue.created_at.clone(),
                edited: false,
                body: issue.body.clone(),
            };
            serve(responder, issue.number, false, Some(said)).await
        }
        EventKind::IssueLabeled { issue, label } if *label == responder.rules.label => {
            on_issue(responder, issue, sender).await
        }
        EventKind::IssueLabeled { label, .. } => {
            nothing(format!("the label `{label}` is not `{}`", responder.rules.label))
        }
        EventKind::IssueAssigned { issue, assignee } if assignee.is_same(&responder.me) => {
            on_issue(responder, issue, sender).await
        }
        EventKind::IssueAssigned { .. } => nothing("the issue was assigned to somebody else"),
        EventKind::IssueComment { issue, comment } => {
            let said = of_event(Spoken::Comment, comment);
            serve(responder, issue.number, issue.is_pull, Some(said)).await
        }
        EventKind::ReviewComment { pull, comment } => {
            serve(responder, pull.number, true, Some(of_event(Spoken::LineComment, comment))).await
        }
        EventKind::Review { pull, review } => {
            let said = Said {
                spoken: Spoken::Review(review.id),
                author: review.author.clone().unwrap_or_default(),
                created_at: review.submitted_at.clone(),
                edited: false,
                body: review.body.clone(),
            };
            serve(responder, pull.number, true, Some(said)).await
        }
        EventKind::Dispatch { inputs } => match inputs.get("task").map(|text| text.trim()).filter(|t| !t.is_empty()) {
            Some(text) => on_dispatch(responder, text, sender).await,
            None => nothing("the dispatch has no input `task`: an issue's number, a task file, or the task as text"),
        },
        EventKind::RepositoryDispatch { action, payload } if action == DISPATCH_TYPE => {
            match payload.get("number").and_then(serde_json::Value::as_u64) {
                Some(number) => {
                    let is_pull = responder.github.issue(number).await?.is_pull;
                    serve(responder, number, is_pull, None).await
                }
                None => nothing("the dispatch names no `number` of an issue or a pull request"),
            }
        }
        EventKind::RepositoryDispatch { action, .. } => nothing(format!("`{action}` is not `{DISPATCH_TYPE}`")),
        EventKind::WorkflowRun { id, conclusion, .. } => gather::failed_run(responder, *id, conclusion).await,
        EventKind::Schedule => task::next_of_folder(responder).await,
        EventKind::Other { name, action } => {
            let action = action.as_deref().map(|action| format!(" ({action})")).unwrap_or_default();
            nothing(format!("nothing is done on `{name}`{action}"))
        }
    }
}

pub(super) fn nothing(why: impl Into<String>) -> Result<Outcome, RespondError> {
    Ok(Outcome::Nothing(why.into()))
}

fn of_event(kind: fn(u64) -> Spoken, comment: &EventComment) -> Said {
    Said {
        spoken: kind(comment.id),
        author: comment.author.clone().unwrap_or_default(),
        created_at: comment.created_at.clone(),
        // The event holds the text as it was when the event was sent.
        edited: false,
        body: comment.body.clone(),
    }
}

/// A label or an assignment asks for a proposal in the name of whoever set it.
async fn on_issue(responder: &Responder<'_>, issue: &EventIssue, sender: &Account) -> Result<Outcome, RespondError> {
    if issue.is_pull {
        return nothing("labels and assignments start work on issues only");
    }
    if let Some(why) = responder.objection(sender).await? {
        return nothing(why);
    }
    let request = Request {
        spoken: Spoken::Body(issue.number),
        author: sender.clone(),
        at: issue.updated_at.clone(),
        wish: Wish::Command(Command::Fix(String::new())),
        is_first_of_several: false,
    };
    let comments = responder.github.comments(issue.number).await?;
    let place = Place::find(responder, issue.number, false).await?;
    let asked = Asked { requests: vec![request], command: Command::Fix(String::new()), more: false };
    start(responder, &place, &comments, asked).await
}

/// A person started the workflow by hand.
async fn on_dispatch(responder: &Responder<'_>, text: &str, sender: &Account) -> Result<Outcome, RespondError> {
    if let Some(why) = responder.objection(sender).await? {
        return nothing(why);
    }
    let Ok(number) = text.trim_start_matches('#').parse::<u64>() else {
        return task::by_hand(responder, text, sender).await;
    };
    let place = Place::find(responder, number, false).await?;
    if place.issue.is_pull {
        return nothing(format!("#{number} is a pull request; a command in a comment works there"));
    }
    let comments = responder.github.comments(number).await?;
    let request = Request {
        spoken: Spoken::Body(number),
        author: sender.clone(),
        at: responder.clock.now().to_string(),
        wish: Wish::Command(Command::Fix(String::new())),
        is_first_of_several: false,
    };
    start(
        responder,
        &place,
        &comments,
        Asked { requests: vec![request], command: Command::Fix(String::new()), more: false },
    )
    .await
}

/// An issue or pull request with the pull request that is meant there.
pub(super) struct Place {
    pub(super) issue: Issue,
    /// The pull request itself, or the newest one of the issue's branch.
    pub(super) pull: Option<Pull>,
    /// Whether the pull request comes from a branch of ours; a fork can have one of the same name.
    pub(super) is_ours: bool,
}

impl Place {
    async fn find(responder: &Responder<'_>, number: u64, is_pull: bool) -> Result<Self, RespondError> {
        let issue = responder.github.issue(number).await?;
        let pull = if is_pull || issue.is_pull {
            Some(responder.github.pull(number).await?)
        } else {
            let branch = format!("{BRANCH_PREFIX}issue-{number}");
            let pulls = responder.github.pulls_of_branch(&branch).await?;
            pulls.iter().find(|pull| pull.open).or(pulls.first()).cloned()
        };
        let is_ours = pull.as_ref().is_some_and(|pull| responder.github.is_ours(pull));
        Ok(Self { issue, pull, is_ours })
    }

    /// The short name of the task, which the branch is called after.
    pub(super) fn slug(&self) -> String {
        match &self.pull {
            Some(pull) if self.is_ours => pull.head_branch[BRANCH_PREFIX.len()..].to_owned(),
            Some(pull) => format!("pull-{}", pull.number),
            None => format!("issue-{}", self.issue.number),
        }
    }
}

/// A command that needs more than an answer, with all that was said for it.
pub(super) struct Asked {
    pub(super) requests: Vec<Request>,
    pub(super) command: Command,
    /// Whether something else waits to be served after it.
    pub(super) more: bool,
}

/// Answers what can be answered at once, and makes an order of the first command that needs more.
async fn serve(
    responder: &Responder<'_>,
    number: u64,
    is_pull: bool,
    now: Option<Said>,
) -> Result<Outcome, RespondError> {
    // `stop` does not wait in the queue; whatever else is open waits for the run whose turn it is.
    let aside = now.as_ref().is_some_and(|said| said.body.contains("/prentice stop"));
    let inbox = inbox::collect(responder, number, is_pull, now).await?;
    if inbox.requests.is_empty() {
        return nothing("there is no command that was not served yet");
    }
    if inbox.requests.iter().all(|request| matches!(request.wish, Wish::Refuse(_))) {
        return refuse_all(responder, &inbox.requests).await;
    }
    let place = Place::find(responder, number, is_pull).await?;
    let mut asked: Option<Asked> = None;
    let mut answered = Vec::new();
    for request in inbox.requests {
        match request.wish.clone() {
            Wish::Refuse(_) => answer::react(responder, request.spoken, Emoji::MinusOne).await?,
            Wish::Explain(text) => {
                answer::react(responder, request.spoken, Emoji::Confused).await?;
                answer::say(responder, number, &inbox.comments, request.spoken, &text).await?;
                answered.push("an explanation".to_owned());
            }
            Wish::Command(command) => {
                if aside && command != Command::Stop {
                    continue;
                }
                answer::react(responder, request.spoken, Emoji::Eyes).await?;
                if request.is_first_of_several {
                    answer::note(responder, number, &inbox.comments, request.spoken).await?;
                }
                if at_once(responder, &place, &inbox.comments, &request, &command).await? {
                    answer::react(responder, request.spoken, Emoji::Hooray).await?;
                    answered.push(format!("`{}`", command.word()));
                } else {
                    take(&mut asked, request, command);
                }
            }
        }
    }
    match asked {
        Some(asked) => start(responder, &place, &inbox.comments, asked).await,
        None if answered.is_empty() => nothing("what is open here waits for its turn"),
        None => nothing(format!("answered at once: {}", answered.join(", "))),
    }
}

async fn refuse_all(responder: &Responder<'_>, requests: &[Request]) -> Result<Outcome, RespondError> {
    let mut reasons = Vec::new();
    for request in requests {
        answer::react(responder, request.spoken, Emoji::MinusOne).await?;
        if let Wish::Refuse(why) = &request.wish {
            reasons.push(why.clone());
        }
    }
    reasons.dedup();
    nothing(reasons.join("; "))
}

/// Puts a command beside the one that is taken already: the same wish again joins it, another one waits.
fn take(asked: &mut Option<Asked>, request: Request, command: Command) {
    let Some(first) = asked else {
        *asked = Some(Asked { requests: vec![request], command, more: false });
        return;
    };
    match (&mut first.command, command) {
        (Command::Revise(text), Command::Revise(further)) => {
            text.push_str("\n\n");
            text.push_str(&further);
            first.requests.push(request);
        }
        (one, other) if *one == other => first.requests.push(request),
        _ => first.more = true,
    }
}

/// Does a command that needs neither model nor checks; tells whether it was one.
async fn at_once(
    responder: &Responder<'_>,
    place: &Place,
    comments: &[Comment],
    request: &Request,
    command: &Command,
) -> Result<bool, RespondError> {
    let number = place.issue.number;
    let text = match command {
        Command::Help => answer::help(),
        Command::Why => answer::why(responder, place.pull.as_ref()),
        Command::Stop => {
            answer::stop(responder, number).await?;
            format!(
                "Stopped: nothing of this is published while the label `{STOPPED}` is here, also not what runs now. Any \
                 further command takes the label away."
            )
        }
        _ => return Ok(false),
    };
    answer::say(responder, number, comments, request.spoken, &text).await?;
    Ok(true)
}
