//! The repository itself: its settings, who may do what, and how two commits lie to each other.

use http::Method;
use serde::Deserialize;
use serde_json::json;

use super::objects::{CommitInfo, ListedCommit};
use super::{ForgeError, GitHub, encoded};
use crate::forge::{Account, AccountKind};

/// What is known of the repository.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct RepositoryInfo {
    /// GraphQL's id of it.
    #[serde(default)]
    pub node_id: String,
    /// The branch that pull requests go into where nothing else is said.
    pub default_branch: String,
    /// Whether only invited people see it.
    #[serde(default)]
    pub private: bool,
    /// Whether it is a copy of another one.
    #[serde(default)]
    pub fork: bool,
    /// Whether it is read-only.
    #[serde(default)]
    pub archived: bool,
}

/// What an account may do, in rising order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Permission {
    /// Nothing but what everybody may.
    None,
    /// Read.
    Read,
    /// Manage issues and pull requests without writing code.
    Triage,
    /// Write code.
    Write,
    /// Manage the repository.
    Maintain,
    /// Everything.
    Admin,
}

impl Permission {
    /// Reads one of GitHub's names; a name that is not known (a role of the organization's own) is `None`.
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "none" => Self::None,
            "read" | "pull" => Self::Read,
            "triage" => Self::Triage,
            "write" | "push" => Self::Write,
            "maintain" => Self::Maintain,
            "admin" => Self::Admin,
            _ => return None,
        })
    }
}

/// A file that differs between two commits.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct ChangedPath {
    /// Its path, or its new one.
    #[serde(rename = "filename")]
    pub path: String,
    /// Its old path, when it was renamed.
    #[serde(rename = "previous_filename", default)]
    pub previous: Option<String>,
    /// `added`, `modified`, `removed`, `renamed` and so on.
    #[serde(default)]
    pub status: String,
}

/// How a commit lies to another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// How many commits the second has that the first has not.
    pub ahead: u64,
    /// How many commits the first has that the second has not.
    pub behind: u64,
    /// The newest commit that both have.
    pub merge_base: String,
    /// The files that differ between the merge base and the second, at most 300.
    pub files: Vec<ChangedPath>,
    /// The commits that the second has and the first has not, oldest first, at most 250.
    pub commits: Vec<CommitInfo>,
}

impl GitHub {
    /// Returns what is known of the repository.
    ///
    /// # Errors
    /// [`ForgeError::NotFound`] also where the token may not see it.
    pub async fn repository(&self) -> Result<RepositoryInfo, ForgeError> {
        self.read(self.place("")).await
    }

    /// Returns what an account may do here; an account that is unknown may do nothing.
    ///
    /// # Errors
    /// [`ForgeError`]; there is no default when the forge does not answer.
    pub async fn permission(&self, login: &str) -> Result<Permission, ForgeError> {
        #[derive(Deserialize)]
        struct Raw {
            #[serde(default)]
            permission: String,
            #[serde(default)]
            role_name: String,
        }
        let uri = self.place(&format!("/collaborators/{}/permission", encoded(login)));
        let Some(raw) = self.read_if_there::<Raw>(uri).await? else { return Ok(Permission::None) };
        // `role_name` is finer; a role of the organization's own is told only by the base role in `permission`.
        let named = Permission::named(&raw.role_name).or_else(|| Permission::named(&raw.permission));
        Ok(named.unwrap_or(Permission::None))
    }

    /// Compares two commits or branches.
    ///
    /// # Errors
    /// [`ForgeError::NotFound`] when one of them is not there.
    pub async fn compare(&self, base: &str, head: &str) -> Result<Comparison, ForgeError> {
        #[derive(Deserialize)]
        struct Id {
            sha: String,
        }
        #[derive(Deserialize)]
        struct Raw {
            ahead_by: u64,
            behind_by: u64,
            merge_base_commit: Id,
            #[serde(default)]
            commits: Vec<ListedCommit>,
            #[serde(default)]
            files: Vec<ChangedPath>,
        }
        let uri = self.place(&format!("/compare/{}...{}", encoded(base), encoded(head)));
        let raw: Raw = self.read(uri).await?;
        let (ahead, behind) = (raw.ahead_by, raw.behind_by);
        let commits = raw.commits.into_iter().map(CommitInfo::from).collect();
        Ok(Comparison { ahead, behind, merge_base: raw.merge_base_commit.sha, files: raw.files, commits })
    }

    /// Returns whom the token stands for.
    ///
    /// It is asked by GraphQL, because REST refuses to tell an app's token.
    ///
    /// # Errors
    /// [`ForgeError::Unauthorized`] without a good token.
    pub async fn viewer(&self) -> Result<Account, ForgeError> {
        #[derive(Deserialize)]
        struct Found {
            viewer: Viewer,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Viewer {
            login: String,
            database_id: Option<u64>,
        }
        let Found { viewer } = self.ask("query viewer { viewer { login databaseId } }", json!({})).await?;
        let kind = if viewer.login.ends_with("[bot]") { AccountKind::Bot } else { AccountKind::User };
        Ok(Account { login: viewer.login, id: viewer.database_id.unwrap_or_default(), kind })
    }

    /// Returns the names of the labels that exist.
    ///
    /// # Errors
    /// [`ForgeError`].
    pub async fn labels(&self) -> Result<Vec<String>, ForgeError> {
        #[derive(Deserialize)]
        struct Raw {
            name: String,
        }
        let raw: Vec<Raw> = self.read_all(&self.place("/labels")).await?;
        Ok(raw.into_iter().map(|label| label.name).collect())
    }

    /// Makes a label; `color` is six hexadecimal digits.
    ///
    /// # Errors
    /// [`ForgeError::Refused`] when there is one of that name.
    pub async fn create_label(&self, name: &str, color: &str, description: &str) -> Result<(), ForgeError> {
        let body = json!({ "name": name, "color": color, "description": description });
        self.change_only(Method::POST, self.place("/labels"), body).await
    }
}
