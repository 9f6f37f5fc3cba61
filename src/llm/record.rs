//! A decorator that writes down every answer, one JSON line each, for [`super::Replay`].

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use super::message::{Reply, Request};
use super::{BoxFuture, LanguageModel, LlmError};

/// The version of the lines' shape.
pub const RECORDING_SCHEMA: u32 = 1;

/// One line of a recording.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RecordedTurn {
    /// [`RECORDING_SCHEMA`] when it was written.
    pub schema: u32,
    /// The request's digest.
    pub digest: String,
    /// The model's name as it was asked for.
    pub model: String,
    /// What was asked.
    pub request: Request,
    /// What was answered.
    pub reply: Reply,
}

impl RecordedTurn {
    /// Puts a request and its reply together.
    pub fn new(model: &str, request: &Request, reply: &Reply) -> Self {
        Self {
            schema: RECORDING_SCHEMA,
            digest: request.digest(model),
            model: model.to_owned(),
            request: request.clone(),
            reply: reply.clone(),
        }
    }

    /// Returns the line, with its line break.
    pub fn to_line(&self) -> String {
        let mut line = serde_json::to_string(self).expect("plain data without maps always serialises");
        line.push('\n');
        line
    }

    /// Reads a line and checks its schema and digest.
    ///
    /// # Errors
    /// A fragment that says what is wrong with it.
    pub(super) fn from_line(line: &str) -> Result<Self, String> {
        #[derive(Deserialize)]
        struct Version {
            schema: u32,
        }
        let version: Version = serde_json::from_str(line).map_err(|error| error.to_string())?;
        if version.schema != RECORDING_SCHEMA {
            return Err(format!("schema {} is not {RECORDING_SCHEMA}, the one that is understood", version.schema));
        }
        let turn: Self = serde_json::from_str(line).map_err(|error| error.to_string())?;
        if turn.digest != turn.request.digest(&turn.model) {
            return Err("the digest is not that of the request; was the line edited?".to_owned());
        }
        Ok(turn)
    }
}

/// Appends each request and its reply to a file.
///
/// Failures are not recorded; a reply that cannot be written down is an error, since a recording with gaps replays nothing.
/// The lines hold the whole conversation: what must not be written down must not be asked.
#[derive(Debug)]
pub struct Recorder<M> {
    model: M,
    path: String,
    file: Mutex<File>,
}

impl<M> Recorder<M> {
    /// Opens or creates the file; what it holds already stays.
    ///
    /// # Errors
    /// [`LlmError::Recording`] with line 0 when the file cannot be opened.
    pub fn append(path: &Path, model: M) -> Result<Self, LlmError> {
        let shown = path.display().to_string();
        let file = open(path).map_err(|error| recording(&shown, 0, error.to_string()))?;
        Ok(Self { model, path: shown, file: Mutex::new(file) })
    }

    fn write(&self, turn: &RecordedTurn) -> Result<(), LlmError> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        // One write and a flush a line: a killed run loses at most the line it was writing.
        let written = file.write_all(turn.to_line().as_bytes()).and_then(|()| file.flush());
        written.map_err(|error| recording(&self.path, 0, error.to_string()))
    }
}

impl<M: LanguageModel> LanguageModel for Recorder<M> {
    fn name(&self) -> &str {
        self.model.name()
    }

    fn complete<'a>(
        &'a self,
        request: &'a Request,
        cancel: &'a CancellationToken,
    ) -> BoxFuture<'a, Result<Reply, LlmError>> {
        Box::pin(async move {
            let reply = self.model.complete(request, cancel).await?;
            self.write(&RecordedTurn::new(self.model.name(), request, &reply))?;
            Ok(reply)
        })
    }
}

/// Opens for appending, and ends a line that a killed run left unfinished.
fn open(path: &Path) -> std::io::Result<File> {
    let mut file = OpenOptions::new().read(true).append(true).create(true).open(path)?;
    if file.metadata()?.len() > 0 {
        let mut last = [0];
        file.seek(SeekFrom::End(-1))?;
        file.read_exact(&mut last)?;
        if last != [b'\n'] {
            file.write_all(b"\n")?;
        }
    }
    Ok(file)
}

pub(super) fn recording(path: &str, line: usize, reason: String) -> LlmError {
    LlmError::Recording { path: path.to_owned(), line, reason }
}
