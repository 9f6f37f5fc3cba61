//! What an order holds: the task as a person saw it when asking, the place in the repository, the review threads.

use super::inbox::Request;
use super::start::order_of_task;
use super::trigger::{Asked, Place, nothing};
use super::{Outcome, RespondError, Responder, task};
use crate::forge::ForgeError;
use crate::forge::github::{Permission, Pull, ReviewThread};
use crate::publish::github::task_file;
use crate::task::{
    BRANCH_PREFIX, Command, Form, MOST_PICTURES, ORDER_SCHEMA, Order, Origin, PullTarget, Task, Thread, Verb,
    is_attachment, visible,
};

/// The most threads of one order.
const MAX_THREADS: usize = 50;
/// The most jobs of a failed run whose logs are read.
const MAX_JOBS: usize = 3;
/// The end of a job's log that is read, in bytes.
const MAX_LOG_BYTES: usize = 16 << 10;

/// Tells what a command means here, or in words why it cannot be done.
pub(super) fn verb(place: &Place, command: &Command) -> Result<Verb, String> {
    let verb = match command {
        Command::Fix(_) => Verb::Fix,
        Command::Retry => Verb::Retry,
        Command::Revise(_) => Verb::Revise,
        Command::Address => Verb::Address,
        Command::Shrink => Verb::Shrink,
        Command::Split => Verb::Split,
        Command::Rebase => Verb::Rebase,
        Command::Retest => Verb::Retest,
        Command::Undo => Verb::Undo,
        Command::Adopt(_) => Verb::Adopt,
        Command::Certify => Verb::Certify,
        Command::Why | Command::Stop | Command::Help => unreachable_at_once(),
    };
    if !place.issue.open && !place.issue.is_pull {
        return Err("The issue is closed; open it again first.".to_owned());
    }
    match &place.pull {
        Some(pull) if place.issue.is_pull => on_pull(pull, place.is_ours, verb),
        Some(pull) if verb == Verb::Fix && pull.open => Err(format!(
            "Pull request #{0} is open for this. Say there what shall be different: `/prentice revise <what>`, \
             `/prentice address`, `/prentice retry`.",
            pull.number
        )),
        Some(pull) if pull.open => Ok(verb),
        // Whether its branch is still there is looked at when it is published; a closed one with a branch stays closed.
        _ if verb == Verb::Retry => Ok(Verb::Fix),
        _ if verb.continues() => Err("There is no open pull request of mine for this.".to_owned()),
        _ => Ok(verb),
    }
}

fn on_pull(pull: &Pull, ours: bool, verb: Verb) -> Result<Verb, String> {
    if !pull.open {
        return Err("The pull request is closed; it stays so. To start anew, delete its branch and ask in the issue."
            .to_owned());
    }
    match verb {
        Verb::Certify => Ok(verb),
        Verb::Adopt if ours => Err("This branch is mine already; nothing is to be adopted.".to_owned()),
        Verb::Adopt => Ok(verb),
        _ if ours => Ok(if verb == Verb::Fix { Verb::Retry } else { verb }),
        _ => Err(format!(
            "I work on branches that begin with `{BRANCH_PREFIX}` only, and never push to anybody else's. `/prentice adopt {}` \
             takes this change as it is now onto a branch of mine and tests it.",
            pull.head_sha.get(..10).unwrap_or(&pull.head_sha)
        )),
    }
}

/// Commands that are answered at once never come here; a wrong table would be told instead of ending the program.
fn unreachable_at_once() -> Verb {
    Verb::Retest
}

/// Makes the order, or tells in words why it cannot be made.
pub(super) async fn order(
    responder: &Responder<'_>,
    place: &Place,
    verb: Verb,
    asked: &Asked,
) -> Result<Result<Order, String>, RespondError> {
    let request = &asked.requests[0];
    let pull = place.pull.as_ref().filter(|pull| pull.open);
    if let Some(why) = closed_with_branch(responder, place).await? {
        return Ok(Err(why));
    }
    let base_branch = pull.map_or(&responder.repository.default_branch, |pull| &pull.base_branch).clone();
    let Some(base) = responder.github.branch_head(&base_branch).await? else {
        return Ok(Err(format!("The branch `{}` is gone.", base_branch.replace('`', ""))));
    };
    // Nobody reads the text of what is only measured.
    let task = match if verb == Verb::Certify { nameless(place)? } else { task_of(responder, place, request).await? } {
        Ok(task) => task,
        Err(why) => return Ok(Err(why)),
    };
    if let (Command::Adopt(sha), Some(pull)) = (&asked.command, pull)
        && !pull.head_sha.starts_with(sha.as_str())
    {
        let now = pull.head_sha.get(..10).unwrap_or(&pull.head_sha);
        return Ok(Err(format!("The pull request ends with `{now}` now, not with `{sha}`; look at it again.")));
    }
    let threads = match (verb, pull) {
        (Verb::Address, Some(pull)) => threads(responder, pull.number, request).await?,
        _ => Vec::new(),
    };
    let instruction = match &asked.command {
        Command::Revise(text) | Command::Fix(text) => visible(text, Form::Markdown).text,
        _ => String::new(),
    };
    if verb == Verb::Address && threads.is_empty() {
        return Ok(Err("There is no open review thread by somebody who may write here.".to_owned()));
    }
    let (task, instruction) =
        if verb.continues() { (task, instruction) } else { (with(task, &instruction), String::new()) };
    Ok(Ok(Order {
        schema: ORDER_SCHEMA,
        verb,
        issue: issue_of(&task, place),
        task,
        base,
        base_branch,
        pull: pull.map(|pull| PullTarget {
            number: pull.number,
            head: pull.head_sha.clone(),
            branch: pull.head_branch.clone(),
        }),
        instruction,
        threads,
        actor: request.author.login.clone(),
        serves: asked.requests.iter().map(|request| request.spoken).collect(),
        more: asked.more,
    }))
}

/// A pull request that is measured is known by its number.
fn nameless(place: &Place) -> Result<Result<Task, String>, RespondError> {
    let title = format!("Certify pull request #{}", place.issue.number);
    Ok(Ok(crate::task::parse_plain(&title, Origin::CommandLine)?))
}

/// A first proposal's task takes up what the person added to the command.
fn with(mut task: Task, added: &str) -> Task {
    if !added.is_empty() {
        task.description = format!("{}\n\n{added}", task.description).trim().to_owned();
    }
    task
}

fn issue_of(task: &Task, place: &Place) -> Option<u64> {
    match &task.origin {
        Origin::Issue { number, .. } => Some(*number),
        _ if !place.issue.is_pull => Some(place.issue.number),
        _ => None,
    }
}

/// Says that a closed pull request stays closed, before anything is spent.
async fn closed_with_branch(responder: &Responder<'_>, place: &Place) -> Result<Option<String>, ForgeError> {
    let Some(pull) = place.pull.as_ref().filter(|pull| !pull.open && !place.issue.is_pull) else { return Ok(None) };
    let there = responder.github.branch_head(&pull.head_branch).await?.is_some();
    Ok(there.then(|| {
        format!(
            "Pull request #{} was {} and stays so. To start anew, delete the branch `{}` and ask again.",
            pull.number,
            if pull.merged { "merged" } else { "closed" },
            pull.head_branch.replace('`', "")
        )
    }))
}

/// Reads the task: the issue that the branch is called after, else the pull request's own text.
///
/// The text is read first and asked for its last change afterwards: what was not changed since the person asked is what
/// the person saw.
async fn task_of(
    responder: &Responder<'_>,
    place: &Place,
    request: &Request,
) -> Result<Result<Task, String>, RespondError> {
    let named = place.slug().strip_prefix("issue-").and_then(|number| number.parse::<u64>().ok());
    let number = named.unwrap_or(place.issue.number);
    let issue = match named {
        Some(number) if number != place.issue.number => responder.github.issue(number).await?,
        _ => place.issue.clone(),
    };
    if let Some(at) = responder.github.text_changed_at(number, &responder.me).await? {
        // Both are RFC 3339 in UTC to the second, so that their order is that of time.
        if !request.at.is_empty() && second(&at) > second(&request.at) {
            let what = if issue.is_pull { "pull request" } else { "issue" };
            return Ok(Err(format!(
                "The text of {what} #{number} was changed at {at}, after this was asked for; read it again and ask again."
            )));
        }
    }
    if let Some(file) = task_file(&issue.body).filter(|_| place.is_ours && named.is_none()) {
        let base = place.pull.as_ref().map_or(&responder.repository.default_branch, |pull| &pull.base_branch);
        if let Some(task) = task::read(responder, file, base).await? {
            return Ok(Ok(task));
        }
    }
    let (title, body) = (visible(&issue.title, Form::Line), visible(&issue.body, Form::Markdown));
    let description = if issue.is_pull { told_task(&body.text) } else { body.text.clone() };
    let origin = match named {
        Some(number) => Origin::Issue { number, url: issue.url.clone() },
        None => Origin::CommandLine,
    };
    let mut task = match crate::task::parse_plain(&title.text, origin) {
        Ok(task) => task,
        Err(error) => return Ok(Err(format!("#{number} has no title that could be a task: {error}."))),
    };
    task.description = description;
    task.hidden_characters = title.hidden_characters() + body.hidden_characters();
    task.pictures = body.pictures.into_iter().filter(|url| is_attachment(url, responder.github.web_url())).collect();
    task.pictures.truncate(MOST_PICTURES);
    Ok(Ok(task))
}

fn second(time: &str) -> &str {
    time.get(..19).unwrap_or(time)
}

/// Returns what the text of one of our pull requests says of its task.
fn told_task(body: &str) -> String {
    let after = body.split_once("### Task\n").map_or("", |(_, after)| after);
    after.split("\n### ").next().unwrap_or_default().split("\n---\n").next().unwrap_or_default().trim().to_owned()
}

/// Returns the open threads with what was said in them before the person asked, by people who may write here.
async fn threads(responder: &Responder<'_>, pull: u64, request: &Request) -> Result<Vec<Thread>, RespondError> {
    let mut writers: Vec<(String, bool)> = Vec::new();
    let mut found = Vec::new();
    for thread in responder.github.review_threads(pull).await?.into_iter().filter(|thread| !thread.resolved) {
        if found.len() == MAX_THREADS {
            break;
        }
        for said in &thread.comments {
            if !writers.iter().any(|(login, _)| *login == said.author) {
                let may = said.author.eq_ignore_ascii_case(&responder.me.login)
                    || responder.github.permission(&said.author).await? >= Permission::Write;
                writers.push((said.author.clone(), may));
            }
        }
        let may = |login: &str| writers.iter().any(|(writer, may)| writer == login && *may);
        found.extend(shown(&thread, &request.at, may));
    }
    Ok(found)
}

fn shown(thread: &ReviewThread, at: &str, may: impl Fn(&str) -> bool) -> Option<Thread> {
    let first = thread.comments.first()?;
    let in_time = |time: &str| at.is_empty() || second(time) <= second(at);
    let said: Vec<String> = thread
        .comments
        .iter()
        .filter(|said| may(&said.author) && in_time(&said.created_at))
        .filter(|said| said.edited_at.as_deref().is_none_or(in_time))
        .map(|said| format!("{}: {}", said.author, visible(&said.body, Form::Markdown).text))
        .collect();
    (!said.is_empty()).then(|| Thread {
        id: thread.id.clone(),
        comment: first.id,
        path: visible(&thread.path, Form::Line).text,
        line: thread.line,
        hunk: visible(&first.hunk, Form::Code).text,
        said: said.join("\n\n"),
    })
}

/// Makes a task of a run of the repository's own CI that failed on the default branch.
pub(super) async fn failed_run(responder: &Responder<'_>, id: u64, conclusion: &str) -> Result<Outcome, RespondError> {
    if conclusion != "failure" {
        return nothing("the run did not fail");
    }
    // The event may say anything; what the forge says of the run counts.
    let run = responder.github.workflow_run(id).await?;
    let branch = &responder.repository.default_branch;
    let own = responder.github.repository_name().to_string();
    if run.head_repository.as_deref().is_none_or(|name| !name.eq_ignore_ascii_case(&own)) {
        return nothing("the run is of another repository's commit");
    }
    if run.head_branch.as_ref() != Some(branch)
        || !matches!(run.event.as_str(), "push" | "schedule" | "workflow_dispatch")
    {
        return nothing(format!("only failures of {branch} itself are worked on"));
    }
    if run.conclusion.as_deref() != Some("failure") {
        return nothing("the forge says that the run did not fail");
    }
    if run.name == responder.run.workflow {
        return nothing("my own failures are nobody's task");
    }
    let head = task::head(responder).await?;
    if head != run.head_sha {
        return nothing(format!("{branch} has moved on since the run failed"));
    }
    let task = failure(responder, &run.name, id, &run.url).await?;
    match order_of_task(responder, task, head, "").await? {
        Ok(order) => Ok(Outcome::Order(Box::new(order))),
        Err(why) => nothing(why),
    }
}

async fn failure(responder: &Responder<'_>, workflow: &str, id: u64, url: &str) -> Result<Task, RespondError> {
    let workflow = visible(workflow, Form::Line).text;
    let mut description = format!("The workflow `{workflow}` fails on the default branch.");
    for job in responder.github.failed_jobs(id).await?.into_iter().take(MAX_JOBS) {
        let steps = job.failed_steps.join(", ");
        let log = match responder.github.job_log(job.id, MAX_LOG_BYTES).await {
            Ok(log) => visible(&without_stamps(&log), Form::Code).text,
            Err(ForgeError::NotFound { .. }) => "(the log is no longer kept)".to_owned(),
            Err(error) => return Err(error.into()),
        };
        let name = visible(&job.name, Form::Line).text;
        description += &format!("\n\nJob {name}, step {}:\n\n{log}", visible(&steps, Form::Line).text);
    }
    let origin = Origin::FailedRun { id, workflow: workflow.clone(), url: url.to_owned() };
    let mut task = crate::task::parse_plain(&format!("Mend what makes the workflow {workflow} fail"), origin)?;
    task.description = description;
    Ok(task)
}

/// Takes the time off each line of a log: `2026-11-24T10:00:00.0000000Z `.
fn without_stamps(log: &str) -> String {
    let line = |line: &str| match line.split_once(' ') {
        Some((stamp, rest)) if stamp.len() >= 20 && stamp.ends_with('Z') && stamp.as_bytes()[10] == b'T' => {
            rest.to_owned()
        }
        _ => line.to_owned(),
    };
    log.lines().map(line).collect::<Vec<_>>().join("\n")
}
