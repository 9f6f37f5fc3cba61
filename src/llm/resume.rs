//! A decorator that answers from what an interrupted run has already paid for.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use tokio_util::sync::CancellationToken;

use super::message::{Reply, Request};
use super::{BoxFuture, LanguageModel, LlmError};

/// Gives each remembered reply once, in the order of the earlier run, and asks the model for everything else.
#[derive(Debug)]
pub struct Resumed<M> {
    model: M,
    remembered: Mutex<HashMap<String, VecDeque<Reply>>>,
    answered: AtomicU64,
}

impl<M> Resumed<M> {
    /// Wraps `model` with the digests and replies of an earlier run, in its order.
    pub fn new(model: M, answers: Vec<(String, Reply)>) -> Self {
        let mut remembered: HashMap<String, VecDeque<Reply>> = HashMap::new();
        for (digest, reply) in answers {
            remembered.entry(digest).or_default().push_back(reply);
        }
        Self { model, remembered: Mutex::new(remembered), answered: AtomicU64::new(0) }
    }

    /// Returns how many requests were answered from memory, at no cost.
    pub fn answered_from_memory(&self) -> u64 {
        self.answered.load(Ordering::Relaxed)
    }

    fn recall(&self, digest: &str) -> Option<Reply> {
        let mut remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        let reply = remembered.get_mut(digest)?.pop_front()?;
        self.answered.fetch_add(1, Ordering::Relaxed);
        Some(reply)
    }
}

impl<M: LanguageModel> LanguageModel for Resumed<M> {
    fn name(&self) -> &str {
        self.model.name()
    }

    fn complete<'a>(
        &'a self,
        request: &'a Request,
        cancel: &'a CancellationToken,
    ) -> BoxFuture<'a, Result<Reply, LlmError>> {
        if cancel.is_cancelled() {
            return Box::pin(async { Err(LlmError::Cancelled) });
        }
        match self.recall(&request.digest(self.model.name())) {
            Some(reply) => Box::pin(async move { Ok(reply) }),
            None => self.model.complete(request, cancel),
        }
    }
}
