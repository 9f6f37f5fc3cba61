//! The journal: everything that happened in a run, one JSON object a line, never rewritten.
//!
//! Each line is on disk before [`Journal::record`] returns, and every text in it has gone through the redactor. What
//! people read is made from it elsewhere.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;
use serde_json::{Value, json};

use crate::clock::Clock;
use crate::secret::Redactor;

/// Why the journal cannot be written or read.
#[derive(Debug, thiserror::Error)]
#[error("journal {}: {source}", path.display())]
pub struct JournalError {
    path: PathBuf,
    source: std::io::Error,
}

/// An append-only file of events.
pub struct Journal {
    path: PathBuf,
    file: Mutex<File>,
    clock: Arc<dyn Clock>,
    redactor: Arc<Redactor>,
}

impl Journal {
    /// Opens the journal at `path` for appending; folders are made.
    ///
    /// A last line that a killed run left unfinished is closed, so that the next event starts a line of its own.
    ///
    /// # Errors
    /// [`JournalError`] when the file cannot be opened.
    pub fn open(path: &Path, clock: Arc<dyn Clock>, redactor: Arc<Redactor>) -> Result<Self, JournalError> {
        let fail = |source| JournalError { path: path.to_owned(), source };
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(fail)?;
        }
        let unfinished = std::fs::read(path).is_ok_and(|old| old.last().is_some_and(|&byte| byte != b'\n'));
        let mut file = File::options().create(true).append(true).open(path).map_err(fail)?;
        if unfinished {
            file.write_all(b"\n").map_err(fail)?;
        }
        Ok(Self { path: path.to_owned(), file: Mutex::new(file), clock, redactor })
    }

    /// Returns the file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Appends an event with its time.
    ///
    /// # Errors
    /// [`JournalError`] when the line cannot be written whole.
    pub fn record(&self, event: &str, data: impl Serialize) -> Result<(), JournalError> {
        let mut data = serde_json::to_value(data).unwrap_or_else(|error| json!({ "unwritable": error.to_string() }));
        redact_value(&self.redactor, &mut data);
        let line = json!({ "at": self.clock.now().to_string(), "event": event, "data": data });
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.write_all(format!("{line}\n").as_bytes())
            .map_err(|source| JournalError { path: self.path.clone(), source })
    }
}

/// One event that was read back.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Its name.
    pub event: String,
    /// Its data.
    pub data: Value,
}

/// Reads the events of a journal; lines that a kill cut off are passed over, a missing file has no events.
///
/// # Errors
/// [`JournalError`] when the file is there and cannot be read.
pub fn read(path: &Path) -> Result<Vec<Entry>, JournalError> {
    let text = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(JournalError { path: path.to_owned(), source }),
    };
    let entries = String::from_utf8_lossy(&text).lines().filter_map(read_line).collect();
    Ok(entries)
}

fn read_line(line: &str) -> Option<Entry> {
    let mut value: Value = serde_json::from_str(line).ok()?;
    let event = value.get("event")?.as_str()?.to_owned();
    Some(Entry { event, data: value.get_mut("data")?.take() })
}

fn redact_value(redactor: &Redactor, value: &mut Value) {
    match value {
        Value::String(text) => *text = redactor.redact(text),
        Value::Array(items) => items.iter_mut().for_each(|item| redact_value(redactor, item)),
        Value::Object(fields) => fields.values_mut().for_each(|field| redact_value(redactor, field)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{FrozenClock, Timestamp};
    use crate::secret::Secret;

    fn open(path: &Path) -> Journal {
        let clock = Arc::new(FrozenClock::at(Timestamp::from_unix_millis(0)));
        Journal::open(path, clock, Arc::new(Redactor::new(&[Secret::new("open-sesame-42")]))).expect("a journal")
    }

    #[test]
    fn a_line_is_an_event_without_secrets() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("deep/journal.jsonl");
        open(&path).record("said", json!({ "deep": ["it is \"open-sesame-42\""] })).expect("written");
        let text = std::fs::read_to_string(&path).expect("readable");
        assert_eq!(
            text,
            "{\"at\":\"1970-01-01T00:00:00.000Z\",\"event\":\"said\",\"data\":{\"deep\":[\"it is \\\"[redacted]\\\"\"]}}\n"
        );
    }

    #[test]
    fn a_line_that_a_kill_cut_off_costs_only_itself() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("journal.jsonl");
        open(&path).record("one", 1).expect("written");
        let mut text = std::fs::read_to_string(&path).expect("readable");
        text.push_str("{\"at\":\"19");
        std::fs::write(&path, text).expect("written");
        open(&path).record("two", 2).expect("written");
        let entry = |event: &str, data: i64| Entry { event: event.to_owned(), data: json!(data) };
        assert_eq!(read(&path).expect("readable"), [entry("one", 1), entry("two", 2)]);
        assert_eq!(read(&folder.path().join("none")).expect("no file is no error"), []);
    }
}
