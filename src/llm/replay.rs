//! A model that answers from a recording and never asks anybody.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use tokio_util::sync::CancellationToken;

use super::message::{Message, Reply, Request, Role};
use super::record::{RecordedTurn, recording};
use super::{BoxFuture, LanguageModel, LlmError};

/// A differing line is shown up to this many characters, from shortly before the difference.
const SHOWN_CHARS: usize = 60;

/// How many characters before the difference are shown.
const LEAD_CHARS: usize = 20;

/// Answers each request with the recorded reply of the same digest.
///
/// The order of requests does not matter. Several replies to one request are given in the order of recording, and then
/// from the first again.
#[derive(Debug)]
pub struct Replay {
    path: String,
    model: String,
    turns: Vec<RecordedTurn>,
    by_digest: HashMap<String, Vec<usize>>,
    /// How often each digest was asked for.
    asked: Mutex<HashMap<String, usize>>,
}

impl Replay {
    /// Reads a recording.
    ///
    /// # Errors
    /// [`LlmError::Recording`] with the line that is wrong.
    pub fn open(path: &Path) -> Result<Self, LlmError> {
        let shown = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|error| recording(&shown, 0, error.to_string()))?;
        Self::from_text(&shown, &text)
    }

    /// Reads a recording that is in memory; `path` is its name in errors.
    ///
    /// # Errors
    /// [`LlmError::Recording`] with the line that is wrong, for an empty recording, or one of several models.
    pub fn from_text(path: &str, text: &str) -> Result<Self, LlmError> {
        let mut turns: Vec<RecordedTurn> = Vec::new();
        let mut by_digest: HashMap<String, Vec<usize>> = HashMap::new();
        for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let wrong = |reason: String| recording(path, index + 1, reason);
            let turn = RecordedTurn::from_line(line).map_err(wrong)?;
            if let Some(first) = turns.first().filter(|first| first.model != turn.model) {
                return Err(wrong(format!("it is of the model {:?}, the first line of {:?}", turn.model, first.model)));
            }
            by_digest.entry(turn.digest.clone()).or_default().push(turns.len());
            turns.push(turn);
        }
        let Some(first) = turns.first() else {
            return Err(recording(path, 0, "it holds no turn".to_owned()));
        };
        let model = first.model.clone();
        Ok(Self { path: path.to_owned(), model, turns, by_digest, asked: Mutex::default() })
    }

    /// Returns the recorded turns, in the order of recording.
    pub fn turns(&self) -> &[RecordedTurn] {
        &self.turns
    }

    fn answer(&self, request: &Request) -> Result<Reply, LlmError> {
        let digest = request.digest(&self.model);
        let Some(found) = self.by_digest.get(&digest) else {
            let difference = nearest_difference(self.turns.iter().map(|turn| &turn.request), request);
            return Err(LlmError::ReplayMismatch { recording: self.path.clone(), difference });
        };
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let times = asked.entry(digest).or_default();
        let index = found[*times % found.len()];
        *times += 1;
        Ok(self.turns[index].reply.clone())
    }
}

impl LanguageModel for Replay {
    fn name(&self) -> &str {
        &self.model
    }

    fn complete<'a>(
        &'a self,
        request: &'a Request,
        cancel: &'a CancellationToken,
    ) -> BoxFuture<'a, Result<Reply, LlmError>> {
        Box::pin(async move { if cancel.is_cancelled() { Err(LlmError::Cancelled) } else { self.answer(request) } })
    }
}

/// Where two requests part: message and line from 0. A request that parts later is nearer.
type Place = (usize, usize);

/// Returns the first difference to the recorded request that agrees with `request` the longest.
fn nearest_difference<'a>(recorded: impl Iterator<Item = &'a Request>, request: &Request) -> String {
    let mut nearest: Option<(Place, String)> = None;
    for candidate in recorded {
        let (place, words) = first_difference(candidate, request);
        if nearest.as_ref().is_none_or(|(best, _)| place > *best) {
            nearest = Some((place, words));
        }
    }
    nearest.map_or_else(|| "it is empty".to_owned(), |(_, words)| words)
}

fn first_difference(recorded: &Request, wanted: &Request) -> (Place, String) {
    for (index, pair) in recorded.messages.iter().zip(&wanted.messages).enumerate() {
        if let Some((line, words)) = message_difference(pair.0, pair.1) {
            return ((index, line), format!("message {}, {words}", index + 1));
        }
    }
    let shared = recorded.messages.len().min(wanted.messages.len());
    let counts = (recorded.messages.len(), wanted.messages.len());
    let words = if counts.0 != counts.1 {
        format!("recorded with {} messages, requested with {}, the first {shared} equal", counts.0, counts.1)
    } else if recorded.max_output_tokens != wanted.max_output_tokens {
        format!("max_output_tokens: recorded {}, requested {}", recorded.max_output_tokens, wanted.max_output_tokens)
    } else if recorded.temperature != wanted.temperature {
        format!("temperature: recorded {:?}, requested {:?}", recorded.temperature, wanted.temperature)
    } else {
        format!("seed: recorded {:?}, requested {:?}", recorded.seed, wanted.seed)
    };
    ((shared, 0), words)
}

fn message_difference(recorded: &Message, wanted: &Message) -> Option<(usize, String)> {
    if recorded.role != wanted.role {
        return Some((0, format!("recorded as {}, requested as {}", role(recorded.role), role(wanted.role))));
    }
    if recorded.content == wanted.content {
        return None;
    }
    let mut lines = (recorded.content.split('\n'), wanted.content.split('\n'));
    let mut number = 0;
    loop {
        number += 1;
        match (lines.0.next(), lines.1.next()) {
            (left, right) if left == right && left.is_some() => {}
            (left, right) => {
                let (left, right) = excerpts(left, right);
                return Some((
                    number,
                    format!("{} line {number}: recorded {left}, requested {right}", role(wanted.role)),
                ));
            }
        }
    }
}

/// Shows both lines from shortly before the character in which they part.
fn excerpts(recorded: Option<&str>, wanted: Option<&str>) -> (String, String) {
    let same = match (recorded, wanted) {
        (Some(left), Some(right)) => left.chars().zip(right.chars()).take_while(|(a, b)| a == b).count(),
        _ => 0,
    };
    let start = same.saturating_sub(LEAD_CHARS);
    let show = |line: Option<&str>| {
        let Some(line) = line else { return "nothing".to_owned() };
        let part: String = line.chars().skip(start).take(SHOWN_CHARS).collect();
        let (before, after) = (start > 0, line.chars().count() > start + SHOWN_CHARS);
        format!("{}{part:?}{}", if before { "..." } else { "" }, if after { "..." } else { "" })
    };
    (show(recorded), show(wanted))
}

fn role(role: Role) -> &'static str {
    match role {
        Role::System => "system",
        Role::User => "user",
        Role::Assistant => "assistant",
        Role::Tool => "tool",
    }
}

#[cfg(test)]
#[path = "replay_tests.rs"]
mod tests;
