//! No model: for orders that need none.

use tokio_util::sync::CancellationToken;

use super::message::{Reply, Request};
use super::{BoxFuture, LanguageModel, LlmError};

/// A model that is not there; asking it is an error.
#[derive(Clone, Copy, Debug)]
pub struct Absent;

impl LanguageModel for Absent {
    fn name(&self) -> &'static str {
        "none"
    }

    fn complete<'a>(&'a self, _: &'a Request, _: &'a CancellationToken) -> BoxFuture<'a, Result<Reply, LlmError>> {
        Box::pin(async { Err(LlmError::NoModel) })
    }
}
