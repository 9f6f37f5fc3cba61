//! The event that started a workflow, as the file at `GITHUB_EVENT_PATH` tells it.
//!
//! The payload says what happened and what the texts were then. Who may command is not in here: associations and roles
//! of the payload are not read, because whoever writes a workflow can also write a payload.

mod parts;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

pub use parts::{EventBranch, EventComment, EventIssue, EventPull, EventReview};

use super::Account;

/// What happened, where, and by whom.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// The repository as `owner/name`; empty where an event that is not known, or a schedule, does not name it.
    pub repository: String,
    /// The account whose act it is; without a name where a schedule, or an event that is not known, has none.
    pub sender: Account,
    /// What happened.
    pub kind: EventKind,
}

/// What happened.
///
/// All texts are as they were at the event; times are RFC 3339 as the forge writes them.
#[derive(Clone, Debug, PartialEq)]
pub enum EventKind {
    /// An issue was opened.
    IssueOpened {
        /// The issue.
        issue: EventIssue,
    },
    /// A label was put on an issue.
    IssueLabeled {
        /// The issue.
        issue: EventIssue,
        /// The label's name.
        label: String,
    },
    /// An issue was assigned to somebody.
    IssueAssigned {
        /// The issue.
        issue: EventIssue,
        /// To whom.
        assignee: Account,
    },
    /// Somebody wrote a comment on an issue or in the conversation of a pull request.
    IssueComment {
        /// The issue, or the pull request as an issue.
        issue: EventIssue,
        /// The comment.
        comment: EventComment,
    },
    /// Somebody wrote a comment at a line of a pull request.
    ReviewComment {
        /// The pull request.
        pull: EventPull,
        /// The comment.
        comment: EventComment,
    },
    /// Somebody handed in a review.
    Review {
        /// The pull request.
        pull: EventPull,
        /// The review.
        review: EventReview,
    },
    /// Somebody started the workflow by hand or by the API.
    Dispatch {
        /// The inputs of the workflow as text.
        inputs: BTreeMap<String, String>,
    },
    /// A program sent an event of its own.
    RepositoryDispatch {
        /// The event's type.
        action: String,
        /// What came with it.
        payload: Value,
    },
    /// A run of a workflow ended.
    WorkflowRun {
        /// The run.
        id: u64,
        /// The workflow's name.
        name: String,
        /// How it ended: `success`, `failure` and others; empty when the forge does not say.
        conclusion: String,
        /// The branch that it ran on; empty for a tag or a deleted branch.
        head_branch: String,
        /// The commit that it ran on.
        head_sha: String,
        /// The event that had started it: `push`, `pull_request` and others.
        event: String,
        /// The repository of the commit as `owner/name`; another one for a fork, `None` for a deleted one.
        head_repository: Option<String>,
        /// The run's page.
        url: String,
        /// Who had started it.
        actor: Option<Account>,
    },
    /// The clock started the workflow.
    Schedule,
    /// Something that nobody here acts on.
    Other {
        /// The event's name.
        name: String,
        /// Its action, where it has one.
        action: Option<String>,
    },
}

/// Why a payload could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("event {name}: {reason}")]
pub struct EventError {
    /// The event's name.
    pub name: String,
    /// What is wrong.
    pub reason: String,
}

impl Event {
    /// Reads the payload of the event that the forge calls `name` (`GITHUB_EVENT_NAME`).
    ///
    /// Events and actions that nobody acts on are [`EventKind::Other`], whatever else they hold.
    ///
    /// # Errors
    /// [`EventError`] when the payload is no JSON object, or an event that is acted on lacks a part.
    pub fn read(name: &str, payload: &[u8]) -> Result<Self, EventError> {
        let fail = |reason: String| EventError { name: name.to_owned(), reason };
        let map: Map<String, Value> = serde_json::from_slice(payload).map_err(|error| fail(error.to_string()))?;
        let mut parts = Parts(map);
        let repository = parts.take::<Named>("repository");
        let sender = parts.take::<Account>("sender");
        let kind = parts.kind(name).map_err(&fail)?;
        if matches!(kind, EventKind::Schedule | EventKind::Other { .. }) {
            let repository = repository.map(|named| named.full_name).unwrap_or_default();
            return Ok(Self { repository, sender: sender.unwrap_or_else(|_| nobody()), kind });
        }
        let repository = repository.map_err(&fail)?.full_name;
        if repository.split('/').filter(|part| !part.is_empty()).count() != 2 {
            return Err(fail(format!("{repository:?} is no repository: owner/name is")));
        }
        Ok(Self { repository, sender: sender.map_err(&fail)?, kind })
    }
}

/// The parts of a payload that are still to be read.
struct Parts(Map<String, Value>);

#[derive(Deserialize)]
struct Named {
    full_name: String,
}

#[derive(Deserialize)]
struct Label {
    name: String,
}

impl Parts {
    fn kind(&mut self, name: &str) -> Result<EventKind, String> {
        let action = self.0.get("action").and_then(Value::as_str).map(str::to_owned);
        Ok(match (name, action.as_deref()) {
            ("issues", Some("opened")) => EventKind::IssueOpened { issue: self.take("issue")? },
            ("issues", Some("labeled")) => {
                EventKind::IssueLabeled { issue: self.take("issue")?, label: self.take::<Label>("label")?.name }
            }
            ("issues", Some("assigned")) => {
                EventKind::IssueAssigned { issue: self.take("issue")?, assignee: self.take("assignee")? }
            }
            ("issue_comment", Some("created")) => {
                EventKind::IssueComment { issue: self.take("issue")?, comment: self.take("comment")? }
            }
            ("pull_request_review_comment", Some("created")) => {
                EventKind::ReviewComment { pull: self.take("pull_request")?, comment: self.take("comment")? }
            }
            ("pull_request_review", Some("submitted")) => {
                EventKind::Review { pull: self.take("pull_request")?, review: self.take("review")? }
            }
            ("workflow_dispatch", _) => EventKind::Dispatch { inputs: self.inputs() },
            ("repository_dispatch", Some(action)) => EventKind::RepositoryDispatch {
                action: action.to_owned(),
                payload: self.0.remove("client_payload").unwrap_or_default(),
            },
            ("workflow_run", Some("completed")) => self.take::<parts::Run>("workflow_run")?.into(),
            ("schedule", _) => EventKind::Schedule,
            _ => EventKind::Other { name: name.to_owned(), action },
        })
    }

    fn take<T: DeserializeOwned>(&mut self, key: &str) -> Result<T, String> {
        let part = self.0.remove(key).ok_or_else(|| format!("`{key}` is missing"))?;
        serde_json::from_value(part).map_err(|error| format!("`{key}`: {error}"))
    }

    /// Takes the inputs; GitHub writes most as text, other senders write numbers and truth values.
    fn inputs(&mut self) -> BTreeMap<String, String> {
        let Some(Value::Object(inputs)) = self.0.remove("inputs") else { return BTreeMap::new() };
        let text = |value: Value| match value {
            Value::String(text) => Some(text),
            Value::Null => None,
            other => Some(other.to_string()),
        };
        inputs.into_iter().filter_map(|(key, value)| Some((key, text(value)?))).collect()
    }
}

fn nobody() -> Account {
    Account { login: String::new(), id: 0, kind: super::AccountKind::Other }
}
