//! GitHub's API, as far as Prentice needs it: one repository, and no verb for merging, approving, closing
//! or deleting but for taking back a comment that was just written.
//!
//! The requests go through octocrab; which of them are sent again, and what the answers are read into, is our own,
//! because octocrab repeats writes and its types refuse answers that leave a field out.

mod calls;
mod changes;
mod graphql;
mod issues;
mod objects;
mod probe;
mod pulls;
mod repository;
mod reviews;
mod workflows;

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http::Method;
use octocrab::Octocrab;
use octocrab::service::middleware::retry::RetryConfig;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::error::ForgeError;
use crate::clock::{Clock, TokioWait, Wait};
use crate::secret::Secret;
use calls::{Call, Calls};

pub use calls::Pace;
pub use issues::{Comment, Emoji, Issue, Reaction, Subject};
pub use objects::{CommitInfo, Force, ListedEntry, Listing, NewCommit, NewContent, Signature, TreeChange};
pub use probe::Rights;
pub use pulls::{NewPull, Pull, PullUpdate};
pub use repository::{ChangedPath, Comparison, Permission, RepositoryInfo};
pub use reviews::{Review, ReviewThread, ThreadComment};
pub use workflows::{CheckRun, CheckState, Conclusion, Job, Run};

/// The most pages of 100 that are read of any list.
const MAX_PAGES: u32 = 30;
/// The longest time for setting up a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// A repository's full name: `owner/name`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RepositoryName {
    owner: String,
    name: String,
}

impl RepositoryName {
    /// Returns the account that it belongs to.
    pub fn owner(&self) -> &str {
        &self.owner
    }

    /// Returns its name without the owner.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl fmt::Display for RepositoryName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.owner, self.name)
    }
}

impl FromStr for RepositoryName {
    type Err = ForgeError;

    fn from_str(text: &str) -> Result<Self, ForgeError> {
        let wrong = || ForgeError::Settings {
            what: "repository",
            value: text.to_owned(),
            why: "it must be OWNER/NAME, as in GITHUB_REPOSITORY".to_owned(),
        };
        let (owner, name) = text.split_once('/').ok_or_else(wrong)?;
        let fits = |part: &str| {
            let plain = part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
            plain && !part.is_empty() && part != "." && part != ".."
        };
        if !fits(owner) || !fits(name) {
            return Err(wrong());
        }
        Ok(Self { owner: owner.to_owned(), name: name.to_owned() })
    }
}

/// Which GitHub, which repository, as whom.
#[derive(Clone)]
pub struct Settings {
    /// The REST API's address: `https://api.github.com`, or `https://HOST/api/v3` of an Enterprise server
    /// (`GITHUB_API_URL`).
    pub api_url: String,
    /// The address of the pages for people (`GITHUB_SERVER_URL`).
    pub web_url: String,
    /// The one repository that is read and written.
    pub repository: RepositoryName,
    /// The token; without one only public things can be read.
    pub token: Option<Secret>,
    /// How patient the client is.
    pub pace: Pace,
    /// The time, for rate limits that name a point in time.
    pub clock: Arc<dyn Clock>,
    /// Ends every wait and every request.
    pub cancel: CancellationToken,
}

/// A client for one repository.
#[derive(Clone)]
pub struct GitHub {
    calls: Arc<Calls>,
    repository: RepositoryName,
    web_url: String,
    /// The path below which the REST API lies; empty or beginning with `/`.
    root: String,
}

impl fmt::Debug for GitHub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GitHub").field("repository", &self.repository).finish_non_exhaustive()
    }
}

impl GitHub {
    /// Makes a client; must be called inside a tokio runtime, sends nothing.
    ///
    /// # Errors
    /// [`ForgeError::Settings`] when an address or the token cannot be used.
    pub fn new(settings: Settings) -> Result<Self, ForgeError> {
        Self::with_wait(settings, TokioWait)
    }

    /// As [`GitHub::new`], with another way of waiting.
    ///
    /// # Errors
    /// As [`GitHub::new`].
    pub fn with_wait(settings: Settings, waiter: impl Wait + 'static) -> Result<Self, ForgeError> {
        let (origin, root) = origin_and_root(&settings.api_url)?;
        let calls = Calls {
            octocrab: octocrab(origin, settings.token.as_ref())?,
            pace: settings.pace,
            waiter: Box::new(waiter),
            clock: settings.clock,
            cancel: settings.cancel,
            sent: AtomicU64::new(0),
            waited_millis: AtomicU64::new(0),
        };
        Ok(Self {
            calls: Arc::new(calls),
            repository: settings.repository,
            web_url: settings.web_url.trim_end_matches('/').to_owned(),
            root,
        })
    }

    /// Returns the repository that it works on.
    pub fn repository_name(&self) -> &RepositoryName {
        &self.repository
    }

    /// Returns the address of the pages for people, without a slash at the end.
    pub fn web_url(&self) -> &str {
        &self.web_url
    }

    /// Returns how many HTTP requests were sent so far.
    pub fn calls(&self) -> u64 {
        self.calls.sent.load(Ordering::Relaxed)
    }

    /// Returns the path of something of the repository; `rest` begins with `/` or is empty.
    fn place(&self, rest: &str) -> String {
        format!("{}/repos/{}{rest}", self.root, self.repository)
    }

    async fn read<T: DeserializeOwned>(&self, uri: String) -> Result<T, ForgeError> {
        let call = Call::get(uri);
        self.calls.perform(&call).await?.parse(&call.name())
    }

    async fn read_if_there<T: DeserializeOwned>(&self, uri: String) -> Result<Option<T>, ForgeError> {
        match self.read(uri).await {
            Ok(found) => Ok(Some(found)),
            Err(ForgeError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Reads all pages of a list, up to [`MAX_PAGES`].
    async fn read_all<T: DeserializeOwned>(&self, uri: &str) -> Result<Vec<T>, ForgeError> {
        self.read_pages(uri, |page: Vec<T>| page).await
    }

    /// As [`GitHub::read_all`], for lists that stand inside of an object.
    async fn read_pages<P: DeserializeOwned, T>(
        &self,
        uri: &str,
        list: impl Fn(P) -> Vec<T>,
    ) -> Result<Vec<T>, ForgeError> {
        let joint = if uri.contains('?') { '&' } else { '?' };
        let mut all = Vec::new();
        for page in 1..=MAX_PAGES {
            let call = Call::get(format!("{uri}{joint}per_page=100&page={page}"));
            let answer = self.calls.perform(&call).await?;
            all.extend(list(answer.parse(&call.name())?));
            if !answer.has_next_page() {
                break;
            }
        }
        Ok(all)
    }

    async fn change<T: DeserializeOwned>(&self, method: Method, uri: String, body: Value) -> Result<T, ForgeError> {
        let call = Call::change(method, uri, body);
        self.calls.perform(&call).await?.parse(&call.name())
    }

    /// Sends what may be done twice without anybody noticing.
    async fn set(&self, method: Method, uri: String, body: impl Into<Option<Value>>) -> Result<(), ForgeError> {
        self.calls.perform(&Call::set(method, uri, body)).await.map(|_| ())
    }

    /// As [`GitHub::change`], where the answer tells nothing.
    async fn change_only(&self, method: Method, uri: String, body: impl Into<Option<Value>>) -> Result<(), ForgeError> {
        self.calls.perform(&Call::change(method, uri, body)).await.map(|_| ())
    }
}

/// Splits the API's address: octocrab would put its path before every other path, GraphQL's too.
fn origin_and_root(api_url: &str) -> Result<(http::Uri, String), ForgeError> {
    let wrong = |why: &str| ForgeError::Settings {
        what: "API address",
        value: api_url.to_owned(),
        why: format!("{why}; it must be like https://api.github.com, as in GITHUB_API_URL"),
    };
    let uri: http::Uri = api_url.parse().map_err(|_| wrong("it is no address"))?;
    let (Some(scheme @ ("http" | "https")), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
        return Err(wrong("it has no host"));
    };
    let origin = format!("{scheme}://{authority}").parse().map_err(|_| wrong("it is no address"))?;
    Ok((origin, uri.path().trim_end_matches('/').to_owned()))
}

fn octocrab(origin: http::Uri, token: Option<&Secret>) -> Result<Octocrab, ForgeError> {
    let unusable = |what: &'static str, why: &str| ForgeError::Settings {
        what,
        value: "***".to_owned(),
        why: why.lines().next().unwrap_or("unusable").to_owned(),
    };
    let mut builder = Octocrab::builder()
        .base_uri(origin)
        .map_err(|error| unusable("API address", &error.to_string()))?
        .add_retry_config(RetryConfig::None)
        .set_connect_timeout(Some(CONNECT_TIMEOUT));
    if let Some(token) = token {
        // octocrab panics where a token cannot stand in a header.
        if http::HeaderValue::from_str(token.expose()).is_err() || token.expose().trim() != token.expose() {
            return Err(unusable("token", "it holds a line break, a blank or another character that no token has"));
        }
        builder = builder.personal_token(token.expose().to_owned());
    }
    builder.build().map_err(|error| unusable("API address", &error.to_string()))
}

/// What a segment of a path or a value of a query may hold as it is (RFC 3986, 2.3).
const KEPT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Encodes a text as one segment of a path, or one value of a query.
fn encoded(text: &str) -> String {
    utf8_percent_encode(text, KEPT).to_string()
}

/// Encodes a branch or file name, whose slashes stay.
fn encoded_path(text: &str) -> String {
    text.split('/').map(encoded).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests;
