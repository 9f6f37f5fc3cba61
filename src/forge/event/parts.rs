//! What an event is about, with the fields that somebody here uses (GitHub, "Webhook events and payloads").

use serde::{Deserialize, Deserializer};

use super::EventKind;
use crate::forge::Account;

/// An issue, or a pull request as an issue, as it was at the event.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct EventIssue {
    /// Its number in the repository.
    pub number: u64,
    /// The forge's id.
    pub id: u64,
    /// One line; not cleaned.
    #[serde(default, deserialize_with = "or_default")]
    pub title: String,
    /// Markdown, not cleaned; empty when nothing was written.
    #[serde(default, deserialize_with = "or_default")]
    pub body: String,
    /// Who opened it; `None` for a deleted account.
    #[serde(rename = "user", default)]
    pub author: Option<Account>,
    /// The names of its labels.
    #[serde(default, deserialize_with = "names")]
    pub labels: Vec<String>,
    /// `open` or `closed`.
    #[serde(default, deserialize_with = "or_default")]
    pub state: String,
    /// Tells that only members may comment.
    #[serde(rename = "locked", default, deserialize_with = "or_default")]
    pub is_locked: bool,
    /// Tells that it is a pull request.
    #[serde(rename = "pull_request", default, deserialize_with = "is_there")]
    pub is_pull: bool,
    /// Its page.
    #[serde(rename = "html_url", default, deserialize_with = "or_default")]
    pub url: String,
    /// When it was opened.
    #[serde(default, deserialize_with = "or_default")]
    pub created_at: String,
    /// When it was last changed.
    #[serde(default, deserialize_with = "or_default")]
    pub updated_at: String,
}

/// A pull request as it was at the event.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct EventPull {
    /// Its number in the repository.
    pub number: u64,
    /// The forge's id.
    pub id: u64,
    /// One line; not cleaned.
    #[serde(default, deserialize_with = "or_default")]
    pub title: String,
    /// Markdown, not cleaned; empty when nothing was written.
    #[serde(default, deserialize_with = "or_default")]
    pub body: String,
    /// Who opened it; `None` for a deleted account.
    #[serde(rename = "user", default)]
    pub author: Option<Account>,
    /// `open` or `closed`.
    #[serde(default, deserialize_with = "or_default")]
    pub state: String,
    /// Tells that it is a draft.
    #[serde(rename = "draft", default, deserialize_with = "or_default")]
    pub is_draft: bool,
    /// What shall be merged.
    pub head: EventBranch,
    /// Where it shall go.
    pub base: EventBranch,
    /// Its page.
    #[serde(rename = "html_url", default, deserialize_with = "or_default")]
    pub url: String,
    /// When it was opened.
    #[serde(default, deserialize_with = "or_default")]
    pub created_at: String,
    /// When it was last changed.
    #[serde(default, deserialize_with = "or_default")]
    pub updated_at: String,
}

impl EventPull {
    /// Tells whether the change comes from another repository, or from one that is gone.
    pub fn is_from_fork(&self) -> bool {
        self.head.repository.is_none() || self.head.repository != self.base.repository
    }
}

/// A side of a pull request.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct EventBranch {
    /// The branch's name; not cleaned.
    #[serde(rename = "ref")]
    pub branch: String,
    /// Its commit.
    pub sha: String,
    /// Its repository as `owner/name`; `None` when it was deleted.
    #[serde(rename = "repo", default, deserialize_with = "full_name")]
    pub repository: Option<String>,
}

/// A comment as it was at the event.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct EventComment {
    /// The forge's id.
    pub id: u64,
    /// The forge's id for GraphQL.
    #[serde(default, deserialize_with = "or_default")]
    pub node_id: String,
    /// Markdown; not cleaned.
    #[serde(default, deserialize_with = "or_default")]
    pub body: String,
    /// Who wrote it; `None` for a deleted account.
    #[serde(rename = "user", default)]
    pub author: Option<Account>,
    /// The file, for a comment at a line.
    #[serde(default)]
    pub path: Option<String>,
    /// The line of the new text, from 1; `None` when it is about the file, is outdated, or is in the conversation.
    #[serde(default)]
    pub line: Option<u64>,
    /// The first comment of the thread, for an answer in one.
    #[serde(rename = "in_reply_to_id", default)]
    pub in_reply_to: Option<u64>,
    /// The review that it belongs to, for a comment at a line.
    #[serde(rename = "pull_request_review_id", default)]
    pub review: Option<u64>,
    /// Its place on a page.
    #[serde(rename = "html_url", default, deserialize_with = "or_default")]
    pub url: String,
    /// When it was written.
    #[serde(default, deserialize_with = "or_default")]
    pub created_at: String,
    /// When it was last changed.
    #[serde(default, deserialize_with = "or_default")]
    pub updated_at: String,
}

/// A review as it was at the event.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct EventReview {
    /// The forge's id.
    pub id: u64,
    /// The forge's id for GraphQL.
    #[serde(default, deserialize_with = "or_default")]
    pub node_id: String,
    /// `approved`, `changes_requested` or `commented`.
    #[serde(default, deserialize_with = "or_default")]
    pub state: String,
    /// Markdown, not cleaned; empty when only lines were commented on.
    #[serde(default, deserialize_with = "or_default")]
    pub body: String,
    /// Who wrote it; `None` for a deleted account.
    #[serde(rename = "user", default)]
    pub author: Option<Account>,
    /// The commit that was looked at.
    #[serde(rename = "commit_id", default)]
    pub commit: Option<String>,
    /// Its place on a page.
    #[serde(rename = "html_url", default, deserialize_with = "or_default")]
    pub url: String,
    /// When it was handed in; the forge tells no other times.
    #[serde(default, deserialize_with = "or_default")]
    pub submitted_at: String,
}

/// A run of a workflow.
#[derive(Deserialize)]
pub(super) struct Run {
    id: u64,
    #[serde(default, deserialize_with = "or_default")]
    name: String,
    #[serde(default, deserialize_with = "or_default")]
    conclusion: String,
    #[serde(default, deserialize_with = "or_default")]
    head_branch: String,
    head_sha: String,
    #[serde(default, deserialize_with = "or_default")]
    event: String,
    #[serde(default, deserialize_with = "full_name")]
    head_repository: Option<String>,
    #[serde(rename = "html_url", default, deserialize_with = "or_default")]
    url: String,
    #[serde(default)]
    actor: Option<Account>,
}

impl From<Run> for EventKind {
    fn from(run: Run) -> Self {
        Self::WorkflowRun {
            id: run.id,
            name: run.name,
            conclusion: run.conclusion,
            head_branch: run.head_branch,
            head_sha: run.head_sha,
            event: run.event,
            head_repository: run.head_repository,
            url: run.url,
            actor: run.actor,
        }
    }
}

#[derive(Deserialize)]
struct FullName {
    full_name: String,
}

#[derive(Deserialize)]
struct Name {
    name: String,
}

fn or_default<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(reader: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(reader)?.unwrap_or_default())
}

fn is_there<'de, D: Deserializer<'de>>(reader: D) -> Result<bool, D::Error> {
    Ok(Option::<serde::de::IgnoredAny>::deserialize(reader)?.is_some())
}

fn full_name<'de, D: Deserializer<'de>>(reader: D) -> Result<Option<String>, D::Error> {
    Ok(Option::<FullName>::deserialize(reader)?.map(|found| found.full_name))
}

fn names<'de, D: Deserializer<'de>>(reader: D) -> Result<Vec<String>, D::Error> {
    let found = Option::<Vec<Name>>::deserialize(reader)?.unwrap_or_default();
    Ok(found.into_iter().map(|label| label.name).collect())
}
