//! When the text of an issue or a pull request was last changed, which REST does not tell.

use serde::Deserialize;
use serde_json::json;

use super::{ForgeError, GitHub};
use crate::forge::Account;

const CHANGES: &str = "query changes($owner: String!, $name: String!, $number: Int!) {
  repository(owner: $owner, name: $name) {
    issueOrPullRequest(number: $number) {
      ... on Issue {
        lastEditedAt
        editor { login }
        timelineItems(last: 1, itemTypes: [RENAMED_TITLE_EVENT]) { nodes { ... on RenamedTitleEvent { createdAt } } }
      }
      ... on PullRequest {
        lastEditedAt
        editor { login }
        timelineItems(last: 1, itemTypes: [RENAMED_TITLE_EVENT]) { nodes { ... on RenamedTitleEvent { createdAt } } }
      }
    }
  }
}";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ChangesFound {
    repository: ChangesRepository,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ChangesRepository {
    issue_or_pull_request: Changes,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Changes {
    last_edited_at: Option<String>,
    editor: Option<Editor>,
    timeline_items: Renames,
}

#[derive(Deserialize)]
struct Editor {
    login: String,
}

#[derive(Deserialize)]
struct Renames {
    nodes: Vec<Renamed>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Renamed {
    created_at: String,
}

const REVIEW_CHANGES: &str = "query reviewChanges($owner: String!, $name: String!, $number: Int!) {
  repository(owner: $owner, name: $name) {
    pullRequest(number: $number) {
      reviews(last: 100) { nodes { databaseId lastEditedAt } }
    }
  }
}";

#[derive(Deserialize)]
struct ReviewsFound {
    repository: ReviewsRepository,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ReviewsRepository {
    pull_request: ReviewsPull,
}

#[derive(Deserialize)]
struct ReviewsPull {
    reviews: Reviews,
}

#[derive(Deserialize)]
struct Reviews {
    nodes: Vec<ReviewChange>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ReviewChange {
    database_id: Option<u64>,
    last_edited_at: Option<String>,
}

impl GitHub {
    /// Returns the numbers of those of a pull request's last 100 reviews whose text is as it was handed in.
    ///
    /// # Errors
    /// [`ForgeError::NotFound`] when there is no such pull request.
    pub async fn unchanged_reviews(&self, pull: u64) -> Result<Vec<u64>, ForgeError> {
        let variables = json!({ "owner": self.repository.owner(), "name": self.repository.name(), "number": pull });
        let found: ReviewsFound = self.ask(REVIEW_CHANGES, variables).await?;
        let all = found.repository.pull_request.reviews.nodes.into_iter();
        Ok(all.filter(|review| review.last_edited_at.is_none()).filter_map(|review| review.database_id).collect())
    }

    /// Returns when title or text of an issue or a pull request was last changed by anybody but `me`, in RFC 3339; `None`
    /// when never.
    ///
    /// Only the last change of a text is known. What stood before ours does not matter: ours replaced it as a whole.
    ///
    /// # Errors
    /// [`ForgeError::NotFound`] when there is none.
    pub async fn text_changed_at(&self, number: u64, me: &Account) -> Result<Option<String>, ForgeError> {
        let variables = json!({ "owner": self.repository.owner(), "name": self.repository.name(), "number": number });
        let found: ChangesFound = self.ask(CHANGES, variables).await?;
        let changes = found.repository.issue_or_pull_request;
        // GraphQL names apps without the `[bot]` that REST puts behind.
        let plain = |login: &str| login.trim_end_matches("[bot]").to_ascii_lowercase();
        let own = changes.editor.is_some_and(|editor| plain(&editor.login) == plain(&me.login));
        let edited = changes.last_edited_at.filter(|_| !own);
        let renamed = changes.timeline_items.nodes.into_iter().map(|renamed| renamed.created_at);
        // RFC 3339 in UTC: the order of the texts is that of time.
        Ok(edited.into_iter().chain(renamed).max())
    }
}
