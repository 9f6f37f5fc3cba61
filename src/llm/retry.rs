//! A decorator that asks again after a failure that may pass.

use std::fmt;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::clock::{TokioWait, Wait};

use super::embed::{Embedded, Embedder};
use super::message::{Reply, Request};
use super::{BoxFuture, LanguageModel, LlmError};

/// A request that timed out is sent again this many times: a stuck server often comes back, a slow one stays slow.
const TIMEOUT_RETRIES: u32 = 1;

/// How often and after which waits a request is sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// The most requests for one answer, the first one included; 4 by default.
    pub max_tries: u32,
    /// The wait before the second request where the server names none; 1 s by default.
    pub first_wait: Duration,
    /// What each wait is multiplied by for the next; 2 by default. There is no jitter: a run must be repeatable.
    pub factor: u32,
    /// The longest single wait; 60 s by default. A server that asks for more ends the tries at once.
    pub max_wait: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self { max_tries: 4, first_wait: Duration::from_secs(1), factor: 2, max_wait: Duration::from_secs(60) }
    }
}

impl RetryPolicy {
    /// Returns the wait after the failed try number `tries` (from 1), without regard to what the server asks.
    fn own_wait(&self, tries: u32) -> Duration {
        let grown = self.factor.checked_pow(tries.saturating_sub(1)).and_then(|f| self.first_wait.checked_mul(f));
        grown.unwrap_or(self.max_wait).min(self.max_wait)
    }
}

/// The announcement of one more try.
#[derive(Debug)]
pub struct RetryNotice<'a> {
    /// The number of the try to come, from 2.
    pub next_try: u32,
    /// The most tries.
    pub max_tries: u32,
    /// The wait before it.
    pub wait: Duration,
    /// Why the last try failed.
    pub cause: &'a LlmError,
}

impl fmt::Display for RetryNotice<'_> {
    /// Writes `waiting 4 s before try 3 of 4 (status 429)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (seconds, next, most) = (self.wait.as_secs_f64(), self.next_try, self.max_tries);
        write!(f, "waiting {seconds} s before try {next} of {most} (")?;
        match self.cause {
            LlmError::RateLimited { .. } => f.write_str("status 429")?,
            LlmError::Status { status, .. } => write!(f, "status {status}")?,
            other => write!(f, "{other}")?,
        }
        f.write_str(")")
    }
}

/// What is called before each wait.
type Observer = Box<dyn Fn(&RetryNotice<'_>) + Send + Sync>;

/// Asks the model behind it again after unreachable endpoints, rate limits, time-outs and passing server errors.
pub struct Retrying<M> {
    model: M,
    policy: RetryPolicy,
    observer: Observer,
    waiter: Box<dyn Wait>,
}

impl<M: fmt::Debug> fmt::Debug for Retrying<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Retrying").field("model", &self.model).field("policy", &self.policy).finish_non_exhaustive()
    }
}

impl<M> Retrying<M> {
    /// Wraps `model`; `observer` is called before each wait.
    pub fn new(model: M, policy: RetryPolicy, observer: impl Fn(&RetryNotice<'_>) + Send + Sync + 'static) -> Self {
        Self { model, policy, observer: Box::new(observer), waiter: Box::new(TokioWait) }
    }

    /// Replaces the way of waiting.
    #[must_use]
    pub fn with_wait(self, waiter: impl Wait + 'static) -> Self {
        Self { waiter: Box::new(waiter), ..self }
    }

    /// Returns the wait before the next try, or the error that ends the tries.
    fn wait_after(&self, error: LlmError, tries: u32) -> Result<(Duration, LlmError), LlmError> {
        let most = match error {
            LlmError::TimedOut { .. } => self.policy.max_tries.min(1 + TIMEOUT_RETRIES),
            _ => self.policy.max_tries,
        };
        if tries >= most || !may_pass(&error) {
            return Err(error);
        }
        let longest = self.policy.max_wait;
        match retry_after(&error) {
            Some(wait) if wait > longest => Err(LlmError::WaitTooLong { cause: Box::new(error), wait, longest }),
            Some(wait) => Ok((wait, error)),
            None => Ok((self.policy.own_wait(tries), error)),
        }
    }
}

impl<M> Retrying<M> {
    /// Returns the model behind it.
    pub fn model(&self) -> &M {
        &self.model
    }

    async fn again<'f, T>(
        &self,
        cancel: &CancellationToken,
        once: impl Fn() -> BoxFuture<'f, Result<T, LlmError>>,
    ) -> Result<T, LlmError> {
        let mut tries = 1;
        loop {
            let error = match once().await {
                Ok(reply) => return Ok(reply),
                Err(error) => error,
            };
            let (wait, cause) = self.wait_after(error, tries)?;
            tries += 1;
            (self.observer)(&RetryNotice { next_try: tries, max_tries: self.policy.max_tries, wait, cause: &cause });
            tokio::select! {
                biased;
                () = cancel.cancelled() => return Err(LlmError::Cancelled),
                () = self.waiter.wait(wait) => {}
            }
        }
    }
}

impl Retrying<Embedder> {
    /// Asks for the vectors of `texts`.
    ///
    /// # Errors
    /// What ended the tries; [`LlmError::Malformed`] when there is not one vector for each text.
    pub async fn embed(&self, texts: &[String], cancel: &CancellationToken) -> Result<Embedded, LlmError> {
        self.again(cancel, || Box::pin(self.model.embed(texts, cancel))).await
    }
}

impl<M: LanguageModel> LanguageModel for Retrying<M> {
    fn name(&self) -> &str {
        self.model.name()
    }

    fn complete<'a>(
        &'a self,
        request: &'a Request,
        cancel: &'a CancellationToken,
    ) -> BoxFuture<'a, Result<Reply, LlmError>> {
        Box::pin(self.again(cancel, || self.model.complete(request, cancel)))
    }
}

/// Tells whether the same request may succeed later.
///
/// 408, 409 and 425 say so themselves (RFC 9110, 15.5; RFC 8470, 5.2); of the 5xx all are taken as passing.
fn may_pass(error: &LlmError) -> bool {
    match error {
        LlmError::Unreachable { .. } | LlmError::TimedOut { .. } | LlmError::RateLimited { .. } => true,
        LlmError::Status { status, .. } => matches!(status, 408 | 409 | 425 | 429 | 500..=599),
        _ => false,
    }
}

fn retry_after(error: &LlmError) -> Option<Duration> {
    match error {
        LlmError::RateLimited { retry_after, .. } | LlmError::Status { retry_after, .. } => *retry_after,
        _ => None,
    }
}

#[cfg(test)]
#[path = "retry_tests.rs"]
mod tests;
