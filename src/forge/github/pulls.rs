//! Pull requests.

use http::Method;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{ForgeError, GitHub, encoded};
use crate::forge::Account;

/// A pull request as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(from = "Raw")]
pub struct Pull {
    /// Its number.
    pub number: u64,
    /// Its page.
    pub url: String,
    /// Its title.
    pub title: String,
    /// Its first text, in Markdown.
    pub body: String,
    /// Whether it is marked as not ready.
    pub draft: bool,
    /// Whether it is neither merged nor closed.
    pub open: bool,
    /// Whether it was merged.
    pub merged: bool,
    /// The branch that it comes from.
    pub head_branch: String,
    /// The last commit of that branch.
    pub head_sha: String,
    /// The repository of that branch, `OWNER/NAME`; `None` when it was deleted.
    pub head_repository: Option<String>,
    /// The branch that it goes into.
    pub base_branch: String,
    /// The commit of that branch when it was last looked at.
    pub base_sha: String,
    /// Who opened it.
    pub author: Account,
    /// Its labels.
    pub labels: Vec<String>,
    /// When it was last touched, in RFC 3339.
    pub updated_at: String,
    /// Who was asked to review.
    pub reviewers: Vec<String>,
}

/// A pull request to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NewPull {
    /// One line.
    pub title: String,
    /// Markdown.
    pub body: String,
    /// The branch with the change.
    pub head: String,
    /// The branch that it goes into.
    pub base: String,
    /// Whether it is marked as not ready.
    pub draft: bool,
}

/// What shall be different; `None` leaves it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct PullUpdate {
    /// The title.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The first text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
}

#[derive(Deserialize)]
struct Raw {
    number: u64,
    #[serde(default)]
    html_url: String,
    #[serde(default)]
    title: String,
    body: Option<String>,
    #[serde(default)]
    draft: bool,
    state: String,
    #[serde(default)]
    merged: bool,
    merged_at: Option<String>,
    head: RawSide,
    base: RawSide,
    user: Option<Account>,
    #[serde(default)]
    labels: Vec<RawLabel>,
    #[serde(default)]
    updated_at: String,
    #[serde(default)]
    requested_reviewers: Vec<Account>,
}

#[derive(Deserialize)]
struct RawSide {
    #[serde(rename = "ref")]
    branch: String,
    sha: String,
    repo: Option<RawRepository>,
}

#[derive(Deserialize)]
struct RawRepository {
    full_name: String,
}

/// A label, of which only the name matters.
#[derive(Deserialize)]
pub(super) struct RawLabel {
    pub(super) name: String,
}

impl From<Raw> for Pull {
    fn from(raw: Raw) -> Self {
        Self {
            number: raw.number,
            url: raw.html_url,
            title: raw.title,
            body: raw.body.unwrap_or_default(),
            draft: raw.draft,
            open: raw.state == "open",
            merged: raw.merged || raw.merged_at.is_some(),
            head_branch: raw.head.branch,
            head_sha: raw.head.sha,
            head_repository: raw.head.repo.map(|repository| repository.full_name),
            base_branch: raw.base.branch,
            base_sha: raw.base.sha,
            author: raw.user.unwrap_or_default(),
            labels: raw.labels.into_iter().map(|label| label.name).collect(),
            updated_at: raw.updated_at,
            reviewers: raw.requested_reviewers.into_iter().map(|account| account.login).collect(),
        }
    }
}

impl GitHub {
    /// Returns the pull requests that come from a branch of this repository, in every state, newest first.
    ///
    /// # Errors
    /// [`ForgeError`].
    pub async fn pulls_of_branch(&self, branch: &str) -> Result<Vec<Pull>, ForgeError> {
        let head = encoded(&format!("{}:{branch}", self.repository.owner()));
        let mut pulls: Vec<Pull> = self.read_all(&self.place(&format!("/pulls?state=all&head={head}"))).await?;
        // A server that does not know the filter would answer with all of them.
        pulls.retain(|pull| pull.head_branch == branch && self.is_own(pull));
        pulls.sort_by_key(|pull| std::cmp::Reverse(pull.number));
        Ok(pulls)
    }

    /// Returns a pull request.
    ///
    /// # Errors
    /// [`ForgeError::NotFound`] when there is none.
    pub async fn pull(&self, number: u64) -> Result<Pull, ForgeError> {
        self.read(self.place(&format!("/pulls/{number}"))).await
    }

    /// Returns the open pull requests that come from branches of ours.
    ///
    /// # Errors
    /// [`ForgeError`].
    pub async fn open_pulls(&self) -> Result<Vec<Pull>, ForgeError> {
        let mut pulls: Vec<Pull> = self.read_all(&self.place("/pulls?state=open")).await?;
        pulls.retain(|pull| self.is_ours(pull));
        Ok(pulls)
    }

    /// Opens a pull request.
    ///
    /// # Errors
    /// [`ForgeError::Refused`] when there is one already, when nothing differs, or when drafts are not to be had.
    pub async fn create_pull(&self, pull: &NewPull) -> Result<Pull, ForgeError> {
        self.change(Method::POST, self.place("/pulls"), json!(pull)).await
    }

    /// Changes title or text of a pull request.
    ///
    /// # Errors
    /// [`ForgeError`].
    pub async fn update_pull(&self, number: u64, update: &PullUpdate) -> Result<Pull, ForgeError> {
        self.change(Method::PATCH, self.place(&format!("/pulls/{number}")), json!(update)).await
    }

    /// Asks people and teams to review.
    ///
    /// # Errors
    /// [`ForgeError::Refused`] when one of them may not see the repository.
    pub async fn request_reviewers(&self, number: u64, users: &[String], teams: &[String]) -> Result<(), ForgeError> {
        let uri = self.place(&format!("/pulls/{number}/requested_reviewers"));
        self.change_only(Method::POST, uri, json!({ "reviewers": users, "team_reviewers": teams })).await
    }

    /// Tells whether a pull request comes from a branch of ours; a fork can have one of the same name.
    pub fn is_ours(&self, pull: &Pull) -> bool {
        pull.head_branch.strip_prefix("prentice/").is_some_and(|name| !name.is_empty()) && self.is_own(pull)
    }

    fn is_own(&self, pull: &Pull) -> bool {
        let own = self.repository.to_string();
        pull.head_repository.as_ref().is_some_and(|name| name.eq_ignore_ascii_case(&own))
    }
}
