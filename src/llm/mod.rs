//! The seam to a language model, and what stands behind it.
//!
//! A [`LanguageModel`] takes a whole conversation and gives one reply; it keeps no state between calls. Adapters are
//! chosen in `cli`, and decorators (retry, recording, replay, resumption) stack on the same seam.

mod absent;
mod address;
mod choose;
mod circles;
mod count;
mod embed;
#[cfg(feature = "embedded")]
mod ending;
#[cfg(feature = "embedded")]
mod engine;
mod inside;
mod message;
mod models;
mod openai;
mod picture;
mod price;
mod probe;
mod profile;
mod record;
mod refusal;
mod replay;
mod reply;
mod resume;
mod retry;
mod wire;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

pub use absent::Absent;
pub use address::is_loopback;
pub use choose::{Candidate, KeyRules, Merged, Named, OPENAI_BASE_URL, Source, merge};
pub use circles::{runs_in_circles, said_once};
pub use count::{
    of_conversation as conversation_tokens, of_message as message_tokens, of_request as request_tokens,
    of_tool as tool_tokens,
};
pub use embed::{Embedded, Embedder};
#[cfg(feature = "embedded")]
pub use engine::LocalModel;
pub use inside::{EMBEDDED, INSIDE_WINDOW_TOKENS, Inside, inside_name};
pub use message::{Alternative, CountedBy, Effort, Finish, Form, Message, Reply, Request, Role, Tool, ToolCall, Usage};
pub use models::{ListedModel, list_models};
pub use openai::{Endpoint, OpenAi, OpenAiSettings};
pub use picture::{MAX_PICTURE_BYTES, Picture, PictureError, fetch_picture};
pub use price::{Price, PriceOverride, Pricing, cost_usd};
pub use probe::{Choice, ChoiceRules, LoopbackServer, Place, choose};
pub use profile::{Dialect, EditForm, Profile, ProfilePart, Step, dollars};
pub use record::{RECORDING_SCHEMA, RecordedTurn, Recorder};
pub use replay::Replay;
pub use resume::Resumed;
pub use retry::{RetryNotice, RetryPolicy, Retrying};

/// What hears how far an answer is, in words.
pub type Passing = std::sync::Arc<dyn Fn(&str) + Send + Sync>;

/// A future that a trait object can return.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Something that answers a conversation.
pub trait LanguageModel: Send + Sync {
    /// Returns the model's name as the endpoint knows it.
    fn name(&self) -> &str;

    /// Answers `request`, or ends early when `cancel` is cancelled.
    fn complete<'a>(
        &'a self,
        request: &'a Request,
        cancel: &'a CancellationToken,
    ) -> BoxFuture<'a, Result<Reply, LlmError>>;
}

impl<M: LanguageModel + ?Sized> LanguageModel for Box<M> {
    fn name(&self) -> &str {
        (**self).name()
    }

    fn complete<'a>(
        &'a self,
        request: &'a Request,
        cancel: &'a CancellationToken,
    ) -> BoxFuture<'a, Result<Reply, LlmError>> {
        (**self).complete(request, cancel)
    }
}

impl<M: LanguageModel + ?Sized> LanguageModel for Arc<M> {
    fn name(&self) -> &str {
        (**self).name()
    }

    fn complete<'a>(
        &'a self,
        request: &'a Request,
        cancel: &'a CancellationToken,
    ) -> BoxFuture<'a, Result<Reply, LlmError>> {
        (**self).complete(request, cancel)
    }
}

/// Why there is no reply.
#[derive(Debug, thiserror::Error)]
pub enum LlmError {
    /// The endpoint did not answer at all.
    #[error("{endpoint} cannot be reached: {reason}")]
    Unreachable {
        /// The base URL, without credentials.
        endpoint: String,
        /// The transport's reason.
        reason: String,
    },
    /// The endpoint took the request but did not finish its reply in time.
    #[error("{endpoint} did not finish its reply within {} s", .after.as_secs_f64())]
    TimedOut {
        /// The base URL.
        endpoint: String,
        /// The time limit.
        after: Duration,
    },
    /// The endpoint refused the key, or wants one.
    #[error("{endpoint} refuses the API key (status {status}): {message}")]
    Unauthorized {
        /// The base URL.
        endpoint: String,
        /// The HTTP status, 401 or 403.
        status: u16,
        /// The server's words, capped.
        message: String,
    },
    /// The endpoint does not know the model.
    #[error("{endpoint} does not know the model {model:?}: {message}")]
    UnknownModel {
        /// The base URL.
        endpoint: String,
        /// The model asked for.
        model: String,
        /// The server's words, capped.
        message: String,
    },
    /// The conversation is longer than the model's window.
    #[error("the request does not fit the model's context window: {message}")]
    ContextTooLong {
        /// The server's words, capped, or our own before it is asked.
        message: String,
        /// The window in tokens, where it is known.
        window_tokens: Option<u64>,
    },
    /// The account behind the key has nothing left to spend; waiting does not help.
    #[error("{endpoint} wants payment (status {status}): {message}")]
    OutOfCredit {
        /// The base URL.
        endpoint: String,
        /// The HTTP status, 402 or 429.
        status: u16,
        /// The server's words, capped.
        message: String,
    },
    /// The endpoint wants fewer requests or tokens in a time.
    #[error("{endpoint} limits the rate (status 429): {message}")]
    RateLimited {
        /// The base URL.
        endpoint: String,
        /// The server's words, capped.
        message: String,
        /// How long the server asks to wait.
        retry_after: Option<Duration>,
    },
    /// The endpoint asks to wait longer than the policy allows.
    #[error("{cause}; it asks to wait {} s, and at most {} s are waited", .wait.as_secs_f64(), .longest.as_secs_f64())]
    WaitTooLong {
        /// The refusal itself.
        cause: Box<LlmError>,
        /// How long the server asks to wait.
        wait: Duration,
        /// The longest wait that the policy allows.
        longest: Duration,
    },
    /// Any other refusal.
    #[error("{endpoint} answers with status {status}: {message}")]
    Status {
        /// The base URL.
        endpoint: String,
        /// The HTTP status; 200 when the error came in the body of a success.
        status: u16,
        /// The server's words, capped.
        message: String,
        /// How long the server asks to wait.
        retry_after: Option<Duration>,
    },
    /// A reply that cannot be understood.
    #[error("{endpoint} sent a reply that cannot be read: {reason}")]
    Malformed {
        /// The base URL.
        endpoint: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A replay that holds no answer for this request.
    #[error("the recording {recording} does not hold this request: {difference}")]
    ReplayMismatch {
        /// The file.
        recording: String,
        /// The first difference to the nearest recorded request.
        difference: String,
    },
    /// A recording that cannot be read or written.
    #[error("recording {path}, line {line}: {reason}")]
    Recording {
        /// The file.
        path: String,
        /// The line, from 1; 0 when the file as a whole is meant.
        line: usize,
        /// What is wrong.
        reason: String,
    },
    /// The endpoint or the model takes no tools.
    #[error("{model} takes no tools: {message}")]
    NoTools {
        /// The model asked for.
        model: String,
        /// The server's words, capped.
        message: String,
    },
    /// No model was named and none was found.
    #[error("no language model is configured and none answers on this machine")]
    NoModel,
    /// The model inside was asked for, and its file is not on this machine.
    #[error("{named_by} asks for the embedded model{}, and {there}", .wanted.as_ref().map_or(String::new(), |name| format!(" {name:?}")))]
    NoModelFile {
        /// Which layer asked.
        named_by: String,
        /// The file that was asked for.
        wanted: Option<String>,
        /// What there is instead.
        there: String,
    },
    /// The model inside cannot be run, or does not answer.
    #[error("the embedded model {model}: {reason}")]
    Inside {
        /// The model.
        model: String,
        /// Why.
        reason: String,
    },
    /// The settings for the model do not make sense.
    #[error("model settings: {0}")]
    Settings(String),
    /// The caller cancelled.
    #[error("cancelled")]
    Cancelled,
}
