//! One HTTP exchange, seen whole: exactly one request, its status, headers and body, or the error it means.
//!
//! `async-openai` on its own retries, loses the status of a body that is not OpenAI's, and logs what it cannot parse.
//! [`Once`] takes the place of its transport: it turns every failure into an [`LlmError`] before that code sees it.

use std::error::Error as _;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use async_openai::config::Config;
use async_openai::error::OpenAIError;
use async_openai::middleware::HttpRequestFactory;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::redirect;
use secrecy::SecretString;

use super::refusal::Asked;
use super::{LlmError, address};
use crate::secret::{Redactor, Secret};

/// A reply longer than this is refused; 128 thousand tokens of text are half a mebibyte.
const MOST_REPLY_BYTES: usize = 16 * 1024 * 1024;

/// How long to wait for what.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timeouts {
    pub(super) connect: Duration,
    /// From the request's first byte to the reply's last.
    pub(super) reply: Duration,
}

/// An answer that is not a refusal.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

/// A connection to one endpoint, for one model.
#[derive(Clone, Debug)]
pub(super) struct Wire {
    http: reqwest::Client,
    authorization: Option<HeaderValue>,
    timeouts: Timeouts,
    pub(super) asked: Arc<Asked>,
}

impl Wire {
    /// Prepares a connection; nothing is sent yet.
    ///
    /// # Errors
    /// [`LlmError::Settings`] for a base URL or key that cannot be sent, or without usable certificates.
    pub(super) fn new(base_url: &str, key: Option<&Secret>, model: &str, timeouts: Timeouts) -> Result<Self, LlmError> {
        let endpoint = address::normalize(base_url)?;
        let asked = Asked { endpoint, model: model.to_owned(), redactor: Redactor::new(key) };
        let http = http_client(&asked.endpoint, timeouts)?;
        let authorization = key.map(authorization).transpose()?;
        Ok(Self { http, authorization, timeouts, asked: Arc::new(asked) })
    }

    /// Returns the client that requests are built with.
    pub(super) fn http(&self) -> reqwest::Client {
        self.http.clone()
    }

    /// Sends `GET base_url/path`.
    pub(super) async fn get(&self, path: &str) -> Result<Answer, LlmError> {
        let request = self.http.get(format!("{}{path}", self.asked.endpoint)).headers(self.headers());
        self.exchange(request.build().map_err(|error| self.broken(&error))?).await
    }

    /// Sends `POST base_url/path` with a JSON body.
    pub(super) async fn post(&self, path: &str, body: &serde_json::Value) -> Result<Answer, LlmError> {
        let request = self.http.post(format!("{}{path}", self.asked.endpoint)).headers(self.headers());
        let request = request.header(CONTENT_TYPE, "application/json").body(body.to_string());
        self.exchange(request.build().map_err(|error| self.broken(&error))?).await
    }

    /// Sends one request and reads the whole answer.
    ///
    /// # Errors
    /// What the transport's failure or the server's refusal means.
    pub(super) async fn exchange(&self, request: reqwest::Request) -> Result<Answer, LlmError> {
        let mut response = self.http.execute(request).await.map_err(|error| self.broken(&error))?;
        let status = response.status();
        let headers = response.headers().clone();
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.broken(&error))? {
            if body.len() + chunk.len() > MOST_REPLY_BYTES {
                return Err(self.malformed(&format!("it is longer than {MOST_REPLY_BYTES} bytes")));
            }
            body.extend_from_slice(&chunk);
        }
        if status.is_success() {
            return Ok(Answer { headers, body });
        }
        Err(self.asked.refusal(status.as_u16(), &headers, &words(status.as_u16(), &headers, &body)))
    }

    pub(super) fn malformed(&self, reason: &str) -> LlmError {
        LlmError::Malformed { endpoint: self.asked.endpoint.clone(), reason: self.asked.clean(reason) }
    }

    fn headers(&self) -> HeaderMap {
        self.authorization.iter().map(|value| (AUTHORIZATION, value.clone())).collect()
    }

    fn broken(&self, error: &reqwest::Error) -> LlmError {
        let endpoint = self.asked.endpoint.clone();
        if error.is_timeout() && !error.is_connect() {
            return LlmError::TimedOut { endpoint, after: self.timeouts.reply };
        }
        let what = if error.is_connect() && error.is_timeout() {
            format!("no connection within {} s", self.timeouts.connect.as_secs_f32())
        } else if error.is_body() || error.is_decode() {
            "the connection ended within the reply".to_owned()
        } else {
            root_cause(error)
        };
        LlmError::Unreachable { endpoint, reason: self.asked.clean(&what) }
    }
}

impl Config for Wire {
    fn headers(&self) -> HeaderMap {
        Self::headers(self)
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.asked.endpoint)
    }

    fn query(&self) -> Vec<(&str, &str)> {
        Vec::new()
    }

    fn api_base(&self) -> &str {
        &self.asked.endpoint
    }

    /// The key travels in [`Wire::headers`] alone; nothing asks here.
    fn api_key(&self) -> &SecretString {
        static NONE: std::sync::LazyLock<SecretString> = std::sync::LazyLock::new(SecretString::default);
        &NONE
    }
}

/// The transport under `async-openai`: sends once, and hands every failure up as a boxed [`LlmError`].
#[derive(Clone, Debug)]
pub(super) struct Once(pub(super) Wire);

impl tower::Service<HttpRequestFactory> for Once {
    type Response = reqwest::Response;
    type Error = OpenAIError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, factory: HttpRequestFactory) -> Self::Future {
        let wire = self.0.clone();
        Box::pin(async move {
            let boxed = |error: LlmError| OpenAIError::Boxed(Box::new(error));
            let answer = wire.exchange(factory.build().await?).await.map_err(boxed)?;
            let body = wire.json(&answer).map_err(boxed)?;
            if let Some(error) = wire.asked.error_in_success(&body, &answer.headers) {
                return Err(boxed(error));
            }
            Ok(http::Response::new(answer.body).into())
        })
    }
}

impl Wire {
    /// Reads an answer's body as JSON.
    pub(super) fn json(&self, answer: &Answer) -> Result<serde_json::Value, LlmError> {
        serde_json::from_slice(&answer.body).map_err(|error| {
            let start: String = String::from_utf8_lossy(&answer.body).chars().take(80).collect();
            if start.trim_start().starts_with("data:") {
                return self.malformed("it is a stream of events, though none was asked for");
            }
            self.malformed(&format!("it is not JSON ({error}): it begins with {start:?}"))
        })
    }
}

/// Builds a client that checks certificates by the system's list of authorities.
///
/// Small containers have no such list: an endpoint without encryption, which is what is mostly asked from there, must
/// work all the same. On this machine the list is not even loaded, which takes longer than the request.
fn http_client(endpoint: &str, timeouts: Timeouts) -> Result<reqwest::Client, LlmError> {
    // An error says that a provider is installed already, which is all that is wanted.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let plain_text = address::is_plain_text(endpoint);
    if plain_text && address::is_loopback(endpoint) {
        // A proxy's loopback is another machine.
        return build(client_builder(timeouts).no_proxy().tls_certs_only([]));
    }
    let builder = client_builder(timeouts);
    let builder = if address::is_loopback(endpoint) { builder.no_proxy() } else { builder };
    match build(builder) {
        Err(_) if plain_text => build(client_builder(timeouts).tls_certs_only([])),
        built => built,
    }
}

/// Makes a client for files of a forge: no headers of ours, few redirects, none of them to plain text on another machine.
pub(super) fn client_for_files(url: &str) -> Result<reqwest::Client, String> {
    const MOST_REDIRECTS: usize = 3;
    let _ = rustls::crypto::ring::default_provider().install_default();
    let is_local = address::is_loopback(url);
    let policy = redirect::Policy::custom(move |attempt| {
        let goes_on = attempt.url().scheme() == "https" || (is_local && address::is_loopback(attempt.url().as_str()));
        match attempt.previous().len() {
            hops if hops > MOST_REDIRECTS => attempt.error("too many redirects"),
            _ if goes_on => attempt.follow(),
            _ => attempt.error("a redirect to an address without encryption"),
        }
    });
    let builder = reqwest::Client::builder().redirect(policy).timeout(Duration::from_secs(30));
    let builder = builder.user_agent(concat!("prentice/", env!("CARGO_PKG_VERSION")));
    let builder = if is_local { builder.no_proxy().tls_certs_only([]) } else { builder };
    builder.build().map_err(|error| root_cause(&error))
}

fn client_builder(timeouts: Timeouts) -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .connect_timeout(timeouts.connect)
        .timeout(timeouts.reply)
        // A followed redirect is a second request, and would carry the prompt to an address that nobody named.
        .redirect(redirect::Policy::none())
        .user_agent(concat!("prentice/", env!("CARGO_PKG_VERSION")))
}

fn build(builder: reqwest::ClientBuilder) -> Result<reqwest::Client, LlmError> {
    builder.build().map_err(|error| LlmError::Settings(format!("HTTPS cannot be set up: {}", root_cause(&error))))
}

fn authorization(key: &Secret) -> Result<HeaderValue, LlmError> {
    let refused = |what: &str| LlmError::Settings(format!("the API key {what}"));
    if key.expose().is_empty() {
        return Err(refused("is empty"));
    }
    if key.expose().chars().any(|c| !c.is_ascii_graphic()) {
        return Err(refused("holds a space, a line break or another character that no key has, often at its end"));
    }
    let mut value = HeaderValue::from_str(&format!("Bearer {}", key.expose()))
        .map_err(|_| refused("holds a character that cannot be sent"))?;
    value.set_sensitive(true);
    Ok(value)
}

/// Returns a refusal's words; a redirect, which is never followed, says where it points.
fn words(status: u16, headers: &HeaderMap, body: &[u8]) -> String {
    match headers.get(reqwest::header::LOCATION).and_then(|location| location.to_str().ok()) {
        Some(location) if (300..400).contains(&status) => format!("it redirects to {location}"),
        _ => String::from_utf8_lossy(body).into_owned(),
    }
}

/// Returns the innermost cause; the outer ones only repeat where it happened.
fn root_cause(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    if error.source().is_none() { "the request cannot be built".to_owned() } else { cause.to_string() }
}
