//! Reviews and review threads.

use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::issues::Comment;
use super::{ForgeError, GitHub, MAX_PAGES};
use crate::forge::Account;

/// A review as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Review {
    /// Its number.
    pub id: u64,
    /// Its page.
    pub url: String,
    /// Its text, in Markdown; may be empty.
    pub body: String,
    /// `APPROVED`, `CHANGES_REQUESTED`, `COMMENTED`, `DISMISSED` or `PENDING`.
    pub state: String,
    /// Who wrote it.
    pub author: Account,
    /// When, in RFC 3339.
    pub submitted_at: String,
}

/// A thread on a line or file of a pull request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReviewThread {
    /// GraphQL's id of it.
    pub id: String,
    /// Whether someone marked it as settled.
    pub resolved: bool,
    /// Whether the lines have changed since.
    pub outdated: bool,
    /// The file.
    pub path: String,
    /// The last line that it is about, from 1; `None` when it is outdated or about the whole file.
    pub line: Option<u64>,
    /// Whether the token may resolve it.
    pub can_resolve: bool,
    /// What was said, oldest first, at most 100.
    pub comments: Vec<ThreadComment>,
}

/// A comment in a thread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ThreadComment {
    /// Its number, the one that REST uses.
    pub id: u64,
    /// Its text, in Markdown.
    pub body: String,
    /// Who wrote it; empty when the account was deleted.
    pub author: String,
    /// When it was written, in RFC 3339.
    pub created_at: String,
    /// When its text was last changed, in RFC 3339.
    pub edited_at: Option<String>,
    /// The difference around the line.
    pub hunk: String,
}

const THREADS: &str = "query threads($owner: String!, $name: String!, $number: Int!, $after: String) {
  repository(owner: $owner, name: $name) {
    pullRequest(number: $number) {
      reviewThreads(first: 50, after: $after) {
        pageInfo { hasNextPage endCursor }
        nodes {
          id isResolved isOutdated path line viewerCanResolve
          comments(first: 100) {
            nodes { databaseId body author { login } createdAt lastEditedAt diffHunk }
          }
        }
      }
    }
  }
}";

const RESOLVE: &str = "mutation resolve($thread: ID!) {
  resolveReviewThread(input: { threadId: $thread }) { thread { id isResolved } }
}";

#[derive(Deserialize)]
struct RawReview {
    id: u64,
    #[serde(default)]
    html_url: String,
    body: Option<String>,
    #[serde(default)]
    state: String,
    user: Option<Account>,
    submitted_at: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawThread {
    id: String,
    is_resolved: bool,
    is_outdated: bool,
    path: String,
    line: Option<u64>,
    viewer_can_resolve: bool,
    comments: Nodes<RawThreadComment>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawThreadComment {
    database_id: Option<u64>,
    body: String,
    author: Option<RawAuthor>,
    created_at: String,
    last_edited_at: Option<String>,
    diff_hunk: String,
}

#[derive(Deserialize)]
struct RawAuthor {
    login: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Nodes<T> {
    nodes: Vec<T>,
    page_info: Option<PageInfo>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PageInfo {
    has_next_page: bool,
    end_cursor: Option<String>,
}

impl From<RawThread> for ReviewThread {
    fn from(raw: RawThread) -> Self {
        let comment = |raw: RawThreadComment| ThreadComment {
            id: raw.database_id.unwrap_or_default(),
            body: raw.body,
            author: raw.author.map(|author| author.login).unwrap_or_default(),
            created_at: raw.created_at,
            edited_at: raw.last_edited_at,
            hunk: raw.diff_hunk,
        };
        Self {
            id: raw.id,
            resolved: raw.is_resolved,
            outdated: raw.is_outdated,
            path: raw.path,
            line: raw.line,
            can_resolve: raw.viewer_can_resolve,
            comments: raw.comments.nodes.into_iter().map(comment).collect(),
        }
    }
}

impl GitHub {
    /// Returns the reviews of a pull request, oldest first.
    ///
    /// # Errors
    /// [`ForgeError`].
    pub async fn reviews(&self, pull: u64) -> Result<Vec<Review>, ForgeError> {
        let raw: Vec<RawReview> = self.read_all(&self.place(&format!("/pulls/{pull}/reviews"))).await?;
        let review = |raw: RawReview| Review {
            id: raw.id,
            url: raw.html_url,
            body: raw.body.unwrap_or_default(),
            state: raw.state,
            author: raw.user.unwrap_or_default(),
            submitted_at: raw.submitted_at.unwrap_or_default(),
        };
        Ok(raw.into_iter().map(review).collect())
    }

    /// Returns the threads of a pull request, settled ones too, oldest first.
    ///
    /// # Errors
    /// [`ForgeError::NotFound`] when there is no such pull request.
    pub async fn review_threads(&self, pull: u64) -> Result<Vec<ReviewThread>, ForgeError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Found {
            repository: FoundRepository,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct FoundRepository {
            pull_request: FoundPull,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct FoundPull {
            review_threads: Nodes<RawThread>,
        }
        let mut threads = Vec::new();
        let mut after: Option<String> = None;
        for _ in 0..MAX_PAGES {
            let variables = json!({
                "owner": self.repository.owner(), "name": self.repository.name(), "number": pull, "after": after,
            });
            let found: Found = self.ask(THREADS, variables).await?;
            let page = found.repository.pull_request.review_threads;
            threads.extend(page.nodes.into_iter().map(ReviewThread::from));
            after = page.page_info.filter(|info| info.has_next_page).and_then(|info| info.end_cursor);
            if after.is_none() {
                break;
            }
        }
        Ok(threads)
    }

    /// Answers in the thread that a comment began.
    ///
    /// # Errors
    /// [`ForgeError::NotFound`] when the comment is gone.
    pub async fn reply_to_review_comment(&self, pull: u64, comment: u64, body: &str) -> Result<Comment, ForgeError> {
        let uri = self.place(&format!("/pulls/{pull}/comments/{comment}/replies"));
        self.change(Method::POST, uri, json!({ "body": body })).await
    }

    /// Marks a thread as settled; doing it twice changes nothing.
    ///
    /// # Errors
    /// [`ForgeError::Forbidden`] when the token may not.
    pub async fn resolve_thread(&self, thread: &str) -> Result<(), ForgeError> {
        self.mutate::<Value>(RESOLVE, json!({ "thread": thread })).await.map(|_| ())
    }
}
