//! Git objects and branches over REST, so that no checkout and no git program is needed to write a commit.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{ForgeError, GitHub, encoded, encoded_path};

/// The folder of branches that may be written.
const WRITABLE: &str = "prentice/";

const UPDATE_REF: &str =
    "mutation moveBranch($repository: ID!, $name: GitRefname!, $before: GitObjectID!, $after: GitObjectID!,
  $force: Boolean!) {
  updateRefs(input: {
    repositoryId: $repository
    refUpdates: [{ name: $name, beforeOid: $before, afterOid: $after, force: $force }]
  }) { clientMutationId }
}";

/// Whether a branch may lose commits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Force {
    /// Only commits that follow the one that is there.
    No,
    /// Any commit.
    Yes,
}

/// Who wrote a commit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signature {
    /// The name.
    pub name: String,
    /// The address.
    pub email: String,
    /// When, in RFC 3339.
    pub date: String,
}

/// A commit as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommitInfo {
    /// Its id, 40 hexadecimal digits.
    pub sha: String,
    /// Its tree.
    pub tree: String,
    /// Its parents.
    pub parents: Vec<String>,
    /// Its whole message.
    pub message: String,
    /// Who wrote it.
    pub author: Signature,
}

/// A commit to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NewCommit {
    /// The whole message.
    pub message: String,
    /// The tree.
    pub tree: String,
    /// The parents.
    pub parents: Vec<String>,
    /// Who wrote it; `None` leaves it to the forge, which then signs the commits of apps.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub author: Option<Signature>,
}

/// A file of a tree.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct ListedEntry {
    /// Its path from the root.
    pub path: String,
    /// Six octal digits.
    pub mode: String,
    /// The blob or tree.
    pub sha: String,
    /// Its bytes; trees have none.
    #[serde(default)]
    pub size: Option<u64>,
}

/// A tree with everything below it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Listing {
    /// The tree's own id.
    pub sha: String,
    /// Its entries.
    #[serde(rename = "tree")]
    pub entries: Vec<ListedEntry>,
    /// Whether the forge left some out (over 100,000 entries or 7 MB).
    #[serde(default)]
    pub truncated: bool,
}

/// A change of one path of a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TreeChange {
    /// The path from the root.
    pub path: String,
    /// Git's number for the mode, such as `0o100644`.
    pub mode: u32,
    /// What shall stand there.
    pub content: NewContent,
}

/// What shall stand at a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NewContent {
    /// Nothing: the path is removed.
    Nothing,
    /// This text; it needs no blob of its own before.
    Text(String),
    /// A blob that was made before.
    Blob(String),
}

#[derive(Deserialize)]
struct Made {
    sha: String,
}

#[derive(Deserialize)]
struct RawCommit {
    sha: String,
    tree: Made,
    #[serde(default)]
    parents: Vec<Made>,
    #[serde(default)]
    message: String,
    author: Signature,
}

impl From<RawCommit> for CommitInfo {
    fn from(raw: RawCommit) -> Self {
        let parents = raw.parents.into_iter().map(|parent| parent.sha).collect();
        Self { sha: raw.sha, tree: raw.tree.sha, parents, message: raw.message, author: raw.author }
    }
}

/// A commit as lists show it: the id outside, the rest below `commit`.
#[derive(Deserialize)]
pub(super) struct ListedCommit {
    sha: String,
    #[serde(default)]
    parents: Vec<Made>,
    commit: ListedBody,
}

#[derive(Deserialize)]
struct ListedBody {
    tree: Made,
    #[serde(default)]
    message: String,
    author: Signature,
}

impl From<ListedCommit> for CommitInfo {
    fn from(raw: ListedCommit) -> Self {
        let ListedBody { tree, message, author } = raw.commit;
        Self::from(RawCommit { sha: raw.sha, tree, parents: raw.parents, message, author })
    }
}

impl GitHub {
    /// Returns the commit at the end of a branch.
    ///
    /// # Errors
    /// [`ForgeError`].
    pub async fn branch_head(&self, branch: &str) -> Result<Option<String>, ForgeError> {
        #[derive(Deserialize)]
        struct Raw {
            object: Made,
        }
        let uri = self.place(&format!("/git/ref/heads/{}", encoded_path(branch)));
        Ok(self.read_if_there::<Raw>(uri).await?.map(|raw| raw.object.sha))
    }

    /// Returns a commit.
    ///
    /// # Errors
    /// [`ForgeError::NotFound`] when there is none.
    pub async fn commit(&self, sha: &str) -> Result<CommitInfo, ForgeError> {
        self.read::<RawCommit>(self.place(&format!("/git/commits/{}", encoded(sha)))).await.map(Into::into)
    }

    /// Returns a tree with everything below it.
    ///
    /// # Errors
    /// [`ForgeError::NotFound`] when there is none.
    pub async fn tree(&self, sha: &str) -> Result<Listing, ForgeError> {
        self.read(self.place(&format!("/git/trees/{}?recursive=1", encoded(sha)))).await
    }

    /// Returns a file at a commit, or `None` where there is none.
    ///
    /// # Errors
    /// [`ForgeError::Malformed`] when the path is a folder or a link.
    pub async fn file(&self, path: &str, at: &str) -> Result<Option<Vec<u8>>, ForgeError> {
        #[derive(Deserialize)]
        struct Raw {
            sha: String,
            #[serde(default)]
            encoding: String,
            #[serde(default)]
            content: String,
        }
        let uri = self.place(&format!("/contents/{}?ref={}", encoded_path(path), encoded(at)));
        let Some(mut raw) = self.read_if_there::<Raw>(uri.clone()).await? else { return Ok(None) };
        if raw.encoding != "base64" {
            // Over 1 MB the contents are left out ("Get repository content"); the blob has them up to 100 MB.
            raw = self.read(self.place(&format!("/git/blobs/{}", raw.sha))).await?;
        }
        let joined: String = raw.content.split_ascii_whitespace().collect();
        let malformed = |error: base64::DecodeError| ForgeError::Malformed {
            call: format!("GET {uri}"),
            why: format!("base64: {error}"),
        };
        STANDARD.decode(joined).map(Some).map_err(malformed)
    }

    /// Returns the names of the files directly in a folder at a commit; none where there is no such folder.
    ///
    /// # Errors
    /// [`ForgeError::Malformed`] when the path is a file.
    pub async fn folder(&self, path: &str, at: &str) -> Result<Vec<String>, ForgeError> {
        #[derive(Deserialize)]
        struct Raw {
            name: String,
            #[serde(rename = "type")]
            kind: String,
        }
        let uri = self.place(&format!("/contents/{}?ref={}", encoded_path(path), encoded(at)));
        let entries: Vec<Raw> = self.read_if_there(uri).await?.unwrap_or_default();
        Ok(entries.into_iter().filter(|entry| entry.kind == "file").map(|entry| entry.name).collect())
    }

    /// Stores a file's content of any bytes; storing it twice gives the same id.
    ///
    /// # Errors
    /// [`ForgeError`].
    pub async fn create_blob(&self, content: &[u8]) -> Result<String, ForgeError> {
        let body = json!({ "content": STANDARD.encode(content), "encoding": "base64" });
        self.change::<Made>(Method::POST, self.place("/git/blobs"), body).await.map(|made| made.sha)
    }

    /// Stores a tree that is `base_tree` with changes; storing it twice gives the same id.
    ///
    /// # Errors
    /// [`ForgeError::Refused`] when a path or an id is wrong.
    pub async fn create_tree(&self, base_tree: &str, changes: &[TreeChange]) -> Result<String, ForgeError> {
        let entry = |change: &TreeChange| {
            let (key, value) = match &change.content {
                NewContent::Nothing => ("sha", None),
                NewContent::Text(text) => ("content", Some(text)),
                NewContent::Blob(sha) => ("sha", Some(sha)),
            };
            json!({ "path": change.path, "mode": format!("{:06o}", change.mode), "type": "blob", key: value })
        };
        let body = json!({ "base_tree": base_tree, "tree": changes.iter().map(entry).collect::<Vec<_>>() });
        self.change::<Made>(Method::POST, self.place("/git/trees"), body).await.map(|made| made.sha)
    }

    /// Stores a commit. Without a branch nobody sees it.
    ///
    /// # Errors
    /// [`ForgeError::Refused`] when the tree or a parent is not there.
    pub async fn create_commit(&self, commit: &NewCommit) -> Result<String, ForgeError> {
        let body = json!(commit);
        self.change::<Made>(Method::POST, self.place("/git/commits"), body).await.map(|made| made.sha)
    }

    /// Makes a branch.
    ///
    /// # Errors
    /// [`ForgeError::Forbade`] for a branch outside of `prentice/`, before anything is sent; [`ForgeError::Refused`]
    /// when it exists.
    pub async fn create_branch(&self, branch: &str, sha: &str) -> Result<(), ForgeError> {
        ours(branch)?;
        let body = json!({ "ref": format!("refs/heads/{branch}"), "sha": sha });
        self.change_only(Method::POST, self.place("/git/refs"), body).await
    }

    /// Points a branch at another commit, if it still is where the caller saw it.
    ///
    /// This goes by GraphQL's `updateRefs`: REST has no condition, and would lose a commit that a person pushed meanwhile.
    ///
    /// # Errors
    /// As [`GitHub::create_branch`]; [`ForgeError::Refused`] when the branch is not at `before` any more, or when commits
    /// would be lost and `force` does not allow it.
    pub async fn move_branch(&self, branch: &str, before: &str, after: &str, force: Force) -> Result<(), ForgeError> {
        ours(branch)?;
        let repository = self.repository().await?.node_id;
        let variables = json!({
            "repository": repository, "name": format!("refs/heads/{branch}"), "before": before, "after": after,
            "force": force == Force::Yes,
        });
        self.mutate::<serde_json::Value>(UPDATE_REF, variables).await.map(|_| ())
    }
}

fn ours(branch: &str) -> Result<(), ForgeError> {
    match branch.strip_prefix(WRITABLE) {
        Some(rest) if !rest.is_empty() && !rest.contains("..") => Ok(()),
        _ => Err(ForgeError::Forbade(format!("{branch:?} is not a branch of ours: they begin with {WRITABLE}"))),
    }
}
