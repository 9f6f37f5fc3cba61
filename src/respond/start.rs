//! From a command that needs more than an answer to the order for the next job.

use super::trigger::{Asked, Place, nothing};
use super::{Outcome, RespondError, Responder, answer, gather, quota};
use crate::forge::github::{Comment, Emoji};
use crate::publish::github::{STOPPED, put_progress};
use crate::publish::progress::{Progress, RunEntry, Stage};
use crate::task::{BRANCH_PREFIX, ORDER_SCHEMA, Order, Task, Verb};

/// Makes the order, tells that it was received, and marks what it serves.
pub(super) async fn start(
    responder: &Responder<'_>,
    place: &Place,
    comments: &[Comment],
    asked: Asked,
) -> Result<Outcome, RespondError> {
    let number = place.issue.number;
    let first = asked.requests[0].clone();
    let refuse = async |why: String| -> Result<Outcome, RespondError> {
        for request in &asked.requests {
            answer::react(responder, request.spoken, Emoji::Confused).await?;
            answer::say(responder, number, comments, request.spoken, &why).await?;
        }
        nothing(why)
    };
    let verb = match gather::verb(place, &asked.command) {
        Ok(verb) => verb,
        Err(why) => return refuse(why).await,
    };
    if let Some(why) = quota::objection(responder, &first.author.login, !verb.continues()).await? {
        return refuse(format!("Not now: {why}.")).await;
    }
    let order = match gather::order(responder, place, verb, &asked).await? {
        Ok(order) => order,
        Err(why) => return refuse(why).await,
    };
    if place.issue.labels.iter().any(|label| label == STOPPED) {
        responder.github.remove_label(number, STOPPED).await?;
    }
    put_progress(responder.github, number, progress(responder, place, &order)).await?;
    for request in &asked.requests {
        answer::react(responder, request.spoken, Emoji::Rocket).await?;
    }
    Ok(Outcome::Order(Box::new(order)))
}

fn progress(responder: &Responder<'_>, place: &Place, order: &Order) -> Progress {
    let at = responder.clock.now().unix_seconds();
    let run = RunEntry { id: responder.run.id, at, actor: order.actor.clone(), cost_micros: 0 };
    Progress {
        slug: place.slug(),
        verb: order.verb.name().to_owned(),
        actor: order.actor.clone(),
        run_url: responder.run.url.clone(),
        served: order.serves.iter().copied().collect(),
        served_before: std::collections::BTreeSet::new(),
        runs: vec![run],
        stage: Stage::Ordered,
    }
}

/// Makes an order of a task that stands in no issue, unless it has a pull request or a branch already.
pub(super) async fn order_of_task(
    responder: &Responder<'_>,
    task: Task,
    base: String,
    actor: &str,
) -> Result<Result<Order, String>, RespondError> {
    let branch = format!("{BRANCH_PREFIX}{}", task.slug());
    if let Some(pull) = responder.github.pulls_of_branch(&branch).await?.first() {
        let state = if pull.open { "is open" } else { "was closed" };
        return Ok(Err(format!("pull request #{} {state} for it", pull.number)));
    }
    if let Some(why) = quota::objection(responder, actor, true).await? {
        return Ok(Err(why));
    }
    Ok(Ok(Order {
        schema: ORDER_SCHEMA,
        verb: Verb::Fix,
        task,
        base,
        base_branch: responder.repository.default_branch.clone(),
        issue: None,
        pull: None,
        instruction: String::new(),
        threads: Vec::new(),
        actor: actor.to_owned(),
        serves: Vec::new(),
        more: false,
    }))
}
