//! Decorators that write every request, reply and command into the journal, where the seams cross.

use std::sync::Arc;

use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::journal::Journal;
use crate::llm::{BoxFuture, LanguageModel, LlmError, Reply, Request};
use crate::sandbox::{Command, Finished, Level, Sandbox, SandboxError};

/// A model whose calls are written down before and after.
pub struct ObservedModel<M> {
    model: M,
    journal: Arc<Journal>,
}

impl<M> ObservedModel<M> {
    /// Wraps a model.
    pub fn new(model: M, journal: Arc<Journal>) -> Self {
        Self { model, journal }
    }
}

impl<M: LanguageModel> LanguageModel for ObservedModel<M> {
    fn name(&self) -> &str {
        self.model.name()
    }

    fn complete<'a>(
        &'a self,
        request: &'a Request,
        cancel: &'a CancellationToken,
    ) -> BoxFuture<'a, Result<Reply, LlmError>> {
        Box::pin(async move {
            let digest = request.digest(self.model.name());
            let unwritable = |error: crate::journal::JournalError| LlmError::Recording {
                path: self.journal.path().display().to_string(),
                line: 0,
                reason: error.to_string(),
            };
            self.journal.record("request", json!({ "digest": digest, "request": request })).map_err(unwritable)?;
            let answer = self.model.complete(request, cancel).await;
            let written = match &answer {
                Ok(reply) => self.journal.record("reply", json!({ "digest": digest, "reply": reply })),
                Err(error) => self.journal.record("no_reply", json!({ "digest": digest, "error": error.to_string() })),
            };
            written.map_err(unwritable)?;
            answer
        })
    }
}

/// A sandbox whose commands are written down before and after.
pub struct ObservedSandbox {
    sandbox: Arc<dyn Sandbox>,
    journal: Arc<Journal>,
}

impl ObservedSandbox {
    /// Wraps a sandbox.
    pub fn new(sandbox: Arc<dyn Sandbox>, journal: Arc<Journal>) -> Self {
        Self { sandbox, journal }
    }
}

impl Sandbox for ObservedSandbox {
    fn level(&self) -> Level {
        self.sandbox.level()
    }

    fn run<'a>(
        &'a self,
        command: &'a Command,
        cancel: &'a CancellationToken,
    ) -> crate::sandbox::BoxFuture<'a, Result<Finished, SandboxError>> {
        Box::pin(async move {
            let unwritable = |error: crate::journal::JournalError| SandboxError::Failed {
                program: command.argv.first().cloned().unwrap_or_default(),
                reason: error.to_string(),
            };
            self.journal.record("command", json!({ "argv": command.argv })).map_err(unwritable)?;
            let ended = self.sandbox.run(command, cancel).await;
            let line = match &ended {
                Ok(done) => json!({
                    "argv": command.argv, "exit": done.exit, "seconds": done.elapsed.as_secs_f64(),
                    "output": done.output, "dropped_bytes": done.dropped_bytes,
                }),
                Err(error) => json!({ "argv": command.argv, "error": error.to_string() }),
            };
            self.journal.record("command_ended", line).map_err(unwritable)?;
            ended
        })
    }
}
