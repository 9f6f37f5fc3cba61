//! Tasks that stand in no issue: files of the repository, and text that a person gave by hand.

use super::start::order_of_task;
use super::trigger::nothing;
use super::{Outcome, RespondError, Responder};
use crate::forge::{Account, ForgeError};
use crate::task::{Origin, Task, parse_plain, parse_yaml};

/// The folder of task files that a schedule works through, in the order of their names.
const FOLDER: &str = ".prentice/tasks";

/// Takes the first task file of the folder that has no pull request yet.
pub(super) async fn next_of_folder(responder: &Responder<'_>) -> Result<Outcome, RespondError> {
    let head = head(responder).await?;
    let mut files = responder.github.folder(FOLDER, &head).await?;
    files.retain(|name| is_task_file(name));
    files.sort();
    let mut reasons = Vec::new();
    for name in files {
        let path = format!("{FOLDER}/{name}");
        let Some(task) = read(responder, &path, &head).await? else { continue };
        match order_of_task(responder, task, head.clone(), "").await? {
            Ok(order) => return Ok(Outcome::Order(Box::new(order))),
            Err(why) => reasons.push(format!("{name}: {why}")),
        }
    }
    nothing(if reasons.is_empty() { format!("{FOLDER} holds no task") } else { reasons.join("; ") })
}

/// Takes the task that a person gave when starting the workflow: the path of a task file, or the text itself.
pub(super) async fn by_hand(responder: &Responder<'_>, text: &str, who: &Account) -> Result<Outcome, RespondError> {
    let head = head(responder).await?;
    let task = if is_task_file(text) && !text.contains('\n') {
        match read(responder, text, &head).await? {
            Some(task) => task,
            None => return nothing(format!("{text} is not on {}", responder.repository.default_branch)),
        }
    } else {
        parse_plain(text, Origin::CommandLine)?
    };
    match order_of_task(responder, task, head, &who.login).await? {
        Ok(order) => Ok(Outcome::Order(Box::new(order))),
        Err(why) => nothing(why),
    }
}

/// Returns the newest commit of the default branch.
pub(super) async fn head(responder: &Responder<'_>) -> Result<String, RespondError> {
    let branch = &responder.repository.default_branch;
    let missing = || ForgeError::NotFound { call: format!("branch {branch}") };
    Ok(responder.github.branch_head(branch).await?.ok_or_else(missing)?)
}

pub(super) async fn read(responder: &Responder<'_>, path: &str, at: &str) -> Result<Option<Task>, RespondError> {
    let Some(bytes) = responder.github.file(path, at).await? else { return Ok(None) };
    let text = String::from_utf8_lossy(&bytes);
    Ok(Some(parse_yaml(&text, path, Origin::File(path.to_owned()))?))
}

fn is_task_file(name: &str) -> bool {
    name.ends_with(".yml") || name.ends_with(".yaml")
}
