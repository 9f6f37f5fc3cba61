//! How requests are sent: what an answer means, when a request is sent again, and how long is waited.
//!
//! A read is sent again after whatever may pass, and so is a write that leaves the same behind when it is done twice, such
//! as a reaction or a label. Any other write is sent once: after an unclear end only its caller can look
//! whether it was done. Only a refusal for rate limits, which says that nothing was done, lets a write be sent again.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http::{HeaderMap, Method, header};
use http_body_util::BodyExt;
use octocrab::Octocrab;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::super::error::ForgeError;
use crate::clock::{Clock, Wait};

/// The largest answer that is read, in bytes: the forge's own limit for a blob is 100 MB in base64, ours is lower.
const MAX_ANSWER_BYTES: usize = 64 << 20;
/// The wait that GitHub asks for after a secondary limit that names none ("Rate limits for the REST API").
const UNNAMED_LIMIT_WAIT: Duration = Duration::from_secs(60);
/// The most characters of a forge's message that are shown.
const MAX_MESSAGE_CHARS: usize = 400;

/// How patient the client is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// The most tries of a read; 4 by default.
    pub tries: u32,
    /// The wait before the second try, doubled for each further one; 1 s by default.
    pub first_wait: Duration,
    /// The longest wait in sum over the life of the client; 5 min by default.
    pub wait_cap: Duration,
    /// The longest time for one request and its answer; 30 s by default.
    pub timeout: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            tries: 4,
            first_wait: Duration::from_secs(1),
            wait_cap: Duration::from_secs(300),
            timeout: Duration::from_secs(30),
        }
    }
}

/// One request.
#[derive(Clone, Debug)]
pub(super) struct Call {
    method: Method,
    uri: String,
    body: Option<Value>,
    /// Whether it must not be sent again after an unclear end.
    writes: bool,
}

impl Call {
    /// Makes a read; `uri` begins with `/`.
    pub(super) fn get(uri: String) -> Self {
        Self { method: Method::GET, uri, body: None, writes: false }
    }

    /// Makes a request that changes something.
    pub(super) fn change(method: Method, uri: String, body: impl Into<Option<Value>>) -> Self {
        Self { method, uri, body: body.into(), writes: true }
    }

    /// Makes a change that leaves the same behind when it is done twice, so that it may be sent again like a read.
    pub(super) fn set(method: Method, uri: String, body: impl Into<Option<Value>>) -> Self {
        Self { writes: false, ..Self::change(method, uri, body) }
    }

    /// Makes a read that is sent as a POST, as GraphQL wants it.
    pub(super) fn query(uri: String, body: Value) -> Self {
        Self { method: Method::POST, uri, body: Some(body), writes: false }
    }

    pub(super) fn name(&self) -> String {
        format!("{} {}", self.method, self.uri)
    }
}

/// What came back.
#[derive(Debug)]
pub(super) struct Answer {
    status: u16,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Answer {
    /// Reads the body.
    pub(super) fn parse<T: DeserializeOwned>(&self, call: &str) -> Result<T, ForgeError> {
        serde_json::from_slice(&self.body)
            .map_err(|error| ForgeError::Malformed { call: call.to_owned(), why: error.to_string() })
    }

    /// Tells whether the forge has a further page (RFC 8288, relation `next`).
    pub(super) fn has_next_page(&self) -> bool {
        self.header("link").is_some_and(|links| links.split(',').any(|link| link.contains("rel=\"next\"")))
    }

    pub(super) fn into_text(self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    fn number(&self, name: &str) -> Option<u64> {
        self.header(name)?.trim().parse().ok()
    }

    /// Returns the forge's words: `message`, and those of `errors` where there are any.
    fn message(&self) -> String {
        let body: Value = serde_json::from_slice(&self.body).unwrap_or_default();
        let mut said = vec![body["message"].as_str().unwrap_or("no reason given").to_owned()];
        for error in body["errors"].as_array().into_iter().flatten() {
            let text = error.as_str().or_else(|| error["message"].as_str()).map(str::to_owned);
            said.extend(text.or_else(|| Some(format!("{} {}", error["field"].as_str()?, error["code"].as_str()?))));
        }
        said.join("; ").chars().take(MAX_MESSAGE_CHARS).collect()
    }
}

/// Sends requests.
pub(super) struct Calls {
    pub(super) octocrab: Octocrab,
    pub(super) pace: Pace,
    pub(super) waiter: Box<dyn Wait>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) cancel: CancellationToken,
    pub(super) sent: AtomicU64,
    pub(super) waited_millis: AtomicU64,
}

impl Calls {
    /// Sends a request until it is clear what became of it.
    pub(super) async fn perform(&self, call: &Call) -> Result<Answer, ForgeError> {
        self.perform_keeping(call, MAX_ANSWER_BYTES).await
    }

    /// As [`Calls::perform`], but keeps only the last `keep` bytes of the answer.
    pub(super) async fn perform_keeping(&self, call: &Call, keep: usize) -> Result<Answer, ForgeError> {
        let mut tries = 0;
        loop {
            tries += 1;
            let why = match self.send(call, keep).await? {
                Ok(answer) if answer.status < 400 => return Ok(answer),
                Ok(answer) => {
                    if let Some(wait) = self.limit(&answer) {
                        self.wait(call, wait).await?;
                        tries -= 1;
                        continue;
                    }
                    if answer.status < 500 {
                        return Err(refusal(call.name(), &answer));
                    }
                    format!("status {}: {}", answer.status, answer.message())
                }
                Err(why) => why,
            };
            if call.writes {
                return Err(ForgeError::Unclear { call: call.name(), why });
            }
            if tries >= self.pace.tries {
                return Err(ForgeError::Unreachable { call: call.name(), tries, why });
            }
            tracing::debug!(call = call.name(), tries, why, "trying again");
            self.wait(call, self.pace.first_wait * 2_u32.saturating_pow(tries - 1)).await?;
        }
    }

    /// Sends a request once; the inner error tells in words how the transport failed.
    async fn send(&self, call: &Call, keep: usize) -> Result<Result<Answer, String>, ForgeError> {
        self.sent.fetch_add(1, Ordering::Relaxed);
        let builder = http::Request::builder()
            .method(call.method.clone())
            .uri(&call.uri)
            .header(header::ACCEPT, "application/vnd.github+json");
        let request = self
            .octocrab
            .build_request(builder, call.body.as_ref())
            .map_err(|error| ForgeError::Malformed { call: call.name(), why: words(&error) })?;
        let exchange = async {
            let response = self.octocrab.execute(request).await.map_err(|error| words(&error))?;
            let (parts, mut rest) = response.into_parts();
            let mut body = Vec::new();
            while let Some(frame) = rest.frame().await {
                let frame = frame.map_err(|error| format!("the answer was cut off: {}", words(&error)))?;
                body.extend_from_slice(frame.data_ref().map_or(&[][..], AsRef::as_ref));
                if body.len() > 2 * keep {
                    body.drain(..body.len() - keep);
                }
            }
            body.drain(..body.len().saturating_sub(keep));
            Ok(Answer { status: parts.status.as_u16(), headers: parts.headers, body })
        };
        tokio::select! {
            biased;
            () = self.cancel.cancelled() => Err(ForgeError::Cancelled),
            outcome = tokio::time::timeout(self.pace.timeout, exchange) => Ok(outcome.unwrap_or_else(|_| {
                Err(format!("no answer within {} s", self.pace.timeout.as_secs_f32()))
            })),
        }
    }

    /// Returns how long the forge wants to be left alone, when that is what the answer says.
    ///
    /// See "Rate limits for the REST API" of GitHub's documentation: `retry-after` in seconds, or
    /// `x-ratelimit-remaining: 0` with `x-ratelimit-reset` in seconds since 1970, with status 403 or 429.
    fn limit(&self, answer: &Answer) -> Option<Duration> {
        if !matches!(answer.status, 403 | 429) {
            return None;
        }
        if let Some(seconds) = answer.number("retry-after") {
            return Some(Duration::from_secs(seconds.max(1)));
        }
        if answer.number("x-ratelimit-remaining") == Some(0) {
            let now = u64::try_from(self.clock.now().unix_seconds()).unwrap_or(0);
            let reset = answer.number("x-ratelimit-reset").unwrap_or(now);
            return Some(Duration::from_secs(reset.saturating_sub(now).max(1)));
        }
        let is_limit = answer.status == 429 || answer.message().to_lowercase().contains("secondary rate limit");
        is_limit.then_some(UNNAMED_LIMIT_WAIT)
    }

    async fn wait(&self, call: &Call, wait: Duration) -> Result<(), ForgeError> {
        let millis = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        let before = self.waited_millis.fetch_add(millis, Ordering::Relaxed);
        if Duration::from_millis(before.saturating_add(millis)) > self.pace.wait_cap {
            return Err(ForgeError::Limited { call: call.name(), wait, cap: self.pace.wait_cap });
        }
        tokio::select! {
            biased;
            () = self.cancel.cancelled() => Err(ForgeError::Cancelled),
            () = self.waiter.wait(wait) => Ok(()),
        }
    }
}

fn refusal(call: String, answer: &Answer) -> ForgeError {
    let message = answer.message();
    match answer.status {
        401 => ForgeError::Unauthorized { call, message },
        403 => {
            let needs = answer.header("x-accepted-github-permissions").map(|names| names.replace("; ", " or "));
            ForgeError::Forbidden { call, message, needs: needs.filter(|names| !names.is_empty()) }
        }
        404 | 410 => ForgeError::NotFound { call },
        status => ForgeError::Refused { call, status, message },
    }
}

/// Returns an error and its causes in one line; octocrab's own texts hold a backtrace.
fn words(error: &octocrab::Error) -> String {
    let mut cause: Option<&dyn std::error::Error> = std::error::Error::source(error);
    let mut said = Vec::new();
    while let Some(error) = cause {
        said.push(error.to_string().lines().next().unwrap_or_default().to_owned());
        cause = error.source();
    }
    said.dedup();
    if said.is_empty() { "the request could not be sent".to_owned() } else { said.join(": ") }
}
