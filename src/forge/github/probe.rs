//! What a token may do, found out by requests that can do nothing.

use http::Method;
use serde_json::json;

use super::{ForgeError, GitHub};

/// What a token may write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rights {
    /// Commits and branches.
    pub contents: bool,
    /// Comments, labels, reactions.
    pub issues: bool,
    /// Pull requests.
    pub pull_requests: bool,
}

impl GitHub {
    /// Tells what the token may write, by requests that the forge refuses either for the lack of a right (403) or, where the
    /// right is there, for their content (422): a label without a name, a pull request of a branch into itself. The right
    /// to contents is tried with an empty blob, which nothing refers to and nobody sees.
    ///
    /// # Errors
    /// [`ForgeError`] for everything else that can go wrong.
    pub async fn rights(&self, default_branch: &str) -> Result<Rights, ForgeError> {
        let label = json!({ "name": "" });
        let pull = json!({
            "title": "probe", "head": default_branch, "base": default_branch,
        });
        let blob = json!({ "content": "", "encoding": "utf-8" });
        Ok(Rights {
            contents: self.is_allowed("/git/blobs", blob).await?,
            issues: self.is_allowed("/labels", label).await?,
            pull_requests: self.is_allowed("/pulls", pull).await?,
        })
    }

    async fn is_allowed(&self, place: &str, body: serde_json::Value) -> Result<bool, ForgeError> {
        match self.set(Method::POST, self.place(place), body).await {
            Ok(()) | Err(ForgeError::Refused { .. }) => Ok(true),
            Err(ForgeError::Forbidden { .. } | ForgeError::NotFound { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }
}
