//! Issues, their comments, labels and reactions; a pull request is an issue too.

use http::Method;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::pulls::RawLabel;
use super::{ForgeError, GitHub, encoded};
use crate::forge::Account;

/// An issue as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(from = "RawIssue")]
pub struct Issue {
    /// Its number.
    pub number: u64,
    /// Its page.
    pub url: String,
    /// Its title.
    pub title: String,
    /// Its first text, in Markdown.
    pub body: String,
    /// Whether it is not closed.
    pub open: bool,
    /// Whether only members may comment.
    pub locked: bool,
    /// Its labels.
    pub labels: Vec<String>,
    /// Who opened it.
    pub author: Account,
    /// Whether it is a pull request.
    pub is_pull: bool,
    /// When it was opened, in RFC 3339.
    pub created_at: String,
    /// When it was last touched, in RFC 3339.
    pub updated_at: String,
}

/// A comment on an issue, or one on a line of a pull request.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(from = "RawComment")]
pub struct Comment {
    /// Its number.
    pub id: u64,
    /// Its page.
    pub url: String,
    /// Its text, in Markdown.
    pub body: String,
    /// Who wrote it.
    pub author: Account,
    /// When it was written, in RFC 3339.
    pub created_at: String,
    /// When it was last changed, in RFC 3339; the same as `created_at` when never.
    pub updated_at: String,
    /// The first comment of the thread that this one answers, for comments on a line.
    pub in_reply_to: Option<u64>,
}

/// What a reaction can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Emoji {
    /// Thumb up.
    #[serde(rename = "+1")]
    PlusOne,
    /// Thumb down.
    #[serde(rename = "-1")]
    MinusOne,
    /// Laughing.
    #[serde(rename = "laugh")]
    Laugh,
    /// Confused.
    #[serde(rename = "confused")]
    Confused,
    /// A heart.
    #[serde(rename = "heart")]
    Heart,
    /// A party popper.
    #[serde(rename = "hooray")]
    Hooray,
    /// A rocket.
    #[serde(rename = "rocket")]
    Rocket,
    /// Eyes.
    #[serde(rename = "eyes")]
    Eyes,
}

/// A reaction that is there.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Reaction {
    /// Its number.
    pub id: u64,
    /// What it is.
    pub content: Emoji,
    /// Whose it is.
    #[serde(rename = "user", deserialize_with = "someone")]
    pub author: Account,
}

/// What can be reacted to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Subject {
    /// An issue or a pull request, by its number.
    Issue(u64),
    /// A comment on one, by its id.
    Comment(u64),
    /// A comment on a line of a pull request, by its id.
    ReviewComment(u64),
}

#[derive(Deserialize)]
struct RawIssue {
    number: u64,
    #[serde(default)]
    html_url: String,
    #[serde(default)]
    title: String,
    body: Option<String>,
    state: String,
    #[serde(default)]
    locked: bool,
    #[serde(default)]
    labels: Vec<RawLabel>,
    user: Option<Account>,
    pull_request: Option<serde::de::IgnoredAny>,
    #[serde(default)]
    created_at: String,
    #[serde(default)]
    updated_at: String,
}

#[derive(Deserialize)]
struct RawComment {
    id: u64,
    #[serde(default)]
    html_url: String,
    body: Option<String>,
    user: Option<Account>,
    #[serde(default)]
    created_at: String,
    #[serde(default)]
    updated_at: String,
    in_reply_to_id: Option<u64>,
}

impl From<RawIssue> for Issue {
    fn from(raw: RawIssue) -> Self {
        Self {
            number: raw.number,
            url: raw.html_url,
            title: raw.title,
            body: raw.body.unwrap_or_default(),
            open: raw.state == "open",
            locked: raw.locked,
            labels: raw.labels.into_iter().map(|label| label.name).collect(),
            author: raw.user.unwrap_or_default(),
            is_pull: raw.pull_request.is_some(),
            created_at: raw.created_at,
            updated_at: raw.updated_at,
        }
    }
}

impl From<RawComment> for Comment {
    fn from(raw: RawComment) -> Self {
        Self {
            id: raw.id,
            url: raw.html_url,
            body: raw.body.unwrap_or_default(),
            author: raw.user.unwrap_or_default(),
            created_at: raw.created_at,
            updated_at: raw.updated_at,
            in_reply_to: raw.in_reply_to_id,
        }
    }
}

/// Reads an account that the forge writes as `null` when it was deleted.
fn someone<'de, D: serde::Deserializer<'de>>(input: D) -> Result<Account, D::Error> {
    Option::<Account>::deserialize(input).map(Option::unwrap_or_default)
}

impl GitHub {
    /// Returns an issue or a pull request.
    ///
    /// # Errors
    /// [`ForgeError::NotFound`] when there is none.
    pub async fn issue(&self, number: u64) -> Result<Issue, ForgeError> {
        self.read(self.place(&format!("/issues/{number}"))).await
    }

    /// Returns the open issues with a label, pull requests left out.
    ///
    /// # Errors
    /// [`ForgeError`].
    pub async fn open_issues_labelled(&self, label: &str) -> Result<Vec<Issue>, ForgeError> {
        let uri = self.place(&format!("/issues?state=open&labels={}", encoded(label)));
        let mut issues: Vec<Issue> = self.read_all(&uri).await?;
        issues.retain(|issue| !issue.is_pull);
        Ok(issues)
    }

    /// Returns the comments on an issue or a pull request, oldest first.
    ///
    /// # Errors
    /// [`ForgeError`].
    pub async fn comments(&self, number: u64) -> Result<Vec<Comment>, ForgeError> {
        self.read_all(&self.place(&format!("/issues/{number}/comments"))).await
    }

    /// Returns the comments on any issue or pull request that were written or changed since a point in time (RFC 3339).
    ///
    /// # Errors
    /// [`ForgeError`].
    pub async fn comments_since(&self, since: &str) -> Result<Vec<Comment>, ForgeError> {
        self.read_all(&self.place(&format!("/issues/comments?since={}", encoded(since)))).await
    }

    /// Returns the comments on lines of a pull request, oldest first.
    ///
    /// # Errors
    /// [`ForgeError`].
    pub async fn review_comments(&self, pull: u64) -> Result<Vec<Comment>, ForgeError> {
        self.read_all(&self.place(&format!("/pulls/{pull}/comments"))).await
    }

    /// Writes a comment.
    ///
    /// # Errors
    /// [`ForgeError`].
    pub async fn create_comment(&self, number: u64, body: &str) -> Result<Comment, ForgeError> {
        self.change(Method::POST, self.place(&format!("/issues/{number}/comments")), json!({ "body": body })).await
    }

    /// Changes a comment.
    ///
    /// # Errors
    /// [`ForgeError`].
    pub async fn update_comment(&self, id: u64, body: &str) -> Result<Comment, ForgeError> {
        self.change(Method::PATCH, self.place(&format!("/issues/comments/{id}")), json!({ "body": body })).await
    }

    /// Takes back a comment, which must be one that the caller has just written itself.
    ///
    /// # Errors
    /// [`ForgeError::NotFound`] when it is gone.
    pub async fn take_back_comment(&self, id: u64) -> Result<(), ForgeError> {
        self.change_only(Method::DELETE, self.place(&format!("/issues/comments/{id}")), None).await
    }

    /// As [`GitHub::take_back_comment`], for an answer in a review thread.
    ///
    /// # Errors
    /// [`ForgeError::NotFound`] when it is gone.
    pub async fn take_back_reply(&self, id: u64) -> Result<(), ForgeError> {
        self.change_only(Method::DELETE, self.place(&format!("/pulls/comments/{id}")), None).await
    }

    /// Adds labels; those that are there stay.
    ///
    /// # Errors
    /// [`ForgeError`].
    pub async fn add_labels(&self, number: u64, labels: &[String]) -> Result<(), ForgeError> {
        let uri = self.place(&format!("/issues/{number}/labels"));
        self.set(Method::POST, uri, json!({ "labels": labels })).await
    }

    /// Takes a label off; one that is not there is no error.
    ///
    /// # Errors
    /// [`ForgeError`].
    pub async fn remove_label(&self, number: u64, label: &str) -> Result<(), ForgeError> {
        let uri = self.place(&format!("/issues/{number}/labels/{}", encoded(label)));
        match self.set(Method::DELETE, uri, None).await {
            Err(ForgeError::NotFound { .. }) => Ok(()),
            outcome => outcome,
        }
    }

    /// Returns the reactions to something.
    ///
    /// # Errors
    /// [`ForgeError`].
    pub async fn reactions(&self, subject: Subject) -> Result<Vec<Reaction>, ForgeError> {
        self.read_all(&self.reactions_of(subject)).await
    }

    /// Reacts; doing it twice changes nothing.
    ///
    /// # Errors
    /// [`ForgeError`].
    pub async fn react(&self, subject: Subject, emoji: Emoji) -> Result<(), ForgeError> {
        self.set(Method::POST, self.reactions_of(subject), json!({ "content": emoji })).await
    }

    /// Opens an issue.
    ///
    /// # Errors
    /// [`ForgeError`].
    pub async fn create_issue(&self, title: &str, body: &str, labels: &[String]) -> Result<Issue, ForgeError> {
        let body = json!({ "title": title, "body": body, "labels": labels });
        self.change(Method::POST, self.place("/issues"), body).await
    }

    /// Replaces the first text of an issue.
    ///
    /// # Errors
    /// [`ForgeError`].
    pub async fn update_issue(&self, number: u64, body: &str) -> Result<Issue, ForgeError> {
        self.change(Method::PATCH, self.place(&format!("/issues/{number}")), json!({ "body": body })).await
    }

    fn reactions_of(&self, subject: Subject) -> String {
        self.place(&match subject {
            Subject::Issue(number) => format!("/issues/{number}/reactions"),
            Subject::Comment(id) => format!("/issues/comments/{id}/reactions"),
            Subject::ReviewComment(id) => format!("/pulls/comments/{id}/reactions"),
        })
    }
}
