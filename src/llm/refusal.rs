//! What a server's refusal means: from status, headers and a body in any of the shapes seen in the wild to one error.

use std::sync::LazyLock;
use std::time::Duration;

use regex::Regex;
use reqwest::header::{DATE, HeaderMap, HeaderValue, RETRY_AFTER};
use serde_json::Value;

use super::LlmError;
use crate::secret::Redactor;

/// A server's words are cut after this many characters.
const MESSAGE_CHARS: usize = 500;

/// Codes and types that servers give to a conversation longer than the window: OpenAI, llama.cpp.
const TOO_LONG_CODES: &[&str] = &["context_length_exceeded", "exceed_context_size_error"];

/// Words that say the same where no code does: OpenAI and vLLM, llama.cpp, Anthropic, OpenRouter, LM Studio, Gemini.
const TOO_LONG_WORDS: &[&str] = &[
    "maximum context length",
    "exceeds the available context size",
    "exceeds the context window",
    "prompt is too long",
    "input is too long",
    "greater than the context length",
    "exceeds the maximum number of tokens",
];

/// Who was asked for what, and which words must not come back out.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) endpoint: String,
    pub(super) model: String,
    pub(super) redactor: Redactor,
}

impl Asked {
    /// Returns a server's words as they may be shown: redacted, on one line, without control characters, capped.
    pub(super) fn clean(&self, text: &str) -> String {
        let redacted = self.redactor.redact(text);
        let printable: String = redacted.chars().map(|c| if is_unprintable(c) { ' ' } else { c }).collect();
        let line = printable.split_whitespace().collect::<Vec<_>>().join(" ");
        match line.char_indices().nth(MESSAGE_CHARS) {
            Some((end, _)) => format!("{}...", &line[..end]),
            None if line.is_empty() => "no message".to_owned(),
            None => line,
        }
    }

    /// Returns the error that a refused request means.
    pub(super) fn refusal(&self, status: u16, headers: &HeaderMap, body: &str) -> LlmError {
        let said = Said::read(body);
        self.classify(status, retry_after(headers), &said)
    }

    /// Returns the error that a reply with status 200 holds instead of an answer, if it does.
    ///
    /// OpenRouter and several gateways answer so; an integer code that is an HTTP status is the upstream's status.
    pub(super) fn error_in_success(&self, body: &Value, headers: &HeaderMap) -> Option<LlmError> {
        let answered = body.get("choices").and_then(Value::as_array).is_some_and(|choices| !choices.is_empty());
        let error = body.get("error").filter(|error| !error.is_null() && !answered)?;
        let code = error.get("code").and_then(|code| code.as_u64().or_else(|| code.as_str()?.parse().ok()));
        let status = code.and_then(|code| u16::try_from(code).ok()).filter(|code| (400..600).contains(code));
        Some(self.classify(status.unwrap_or(200), retry_after(headers), &Said::from_json(body)))
    }

    fn classify(&self, status: u16, retry_after: Option<Duration>, said: &Said) -> LlmError {
        let endpoint = self.endpoint.clone();
        let message = self.clean(&said.message);
        if said.means_too_long(status) {
            return LlmError::ContextTooLong { message, window_tokens: said.window_tokens() };
        }
        if status == 402 || said.has_code("insufficient_quota") {
            return LlmError::OutOfCredit { endpoint, status, message };
        }
        let model_is_meant =
            said.has_code("model_not_found") || (status == 404 && said.message.to_ascii_lowercase().contains("model"));
        match status {
            401 | 403 => LlmError::Unauthorized { endpoint, status, message },
            _ if model_is_meant => LlmError::UnknownModel { endpoint, model: self.model.clone(), message },
            429 => LlmError::RateLimited { endpoint, message, retry_after },
            _ => LlmError::Status { endpoint, status, message, retry_after },
        }
    }
}

/// What a refusing body says, whatever its shape.
struct Said {
    message: String,
    /// `code` and `type`, as far as they are texts.
    codes: Vec<String>,
    /// llama.cpp's size of the window.
    window: Option<u64>,
}

impl Said {
    fn read(body: &str) -> Self {
        match serde_json::from_str::<Value>(body) {
            Ok(value) => Self::from_json(&value),
            Err(_) => Self { message: plain_text(body), codes: Vec::new(), window: None },
        }
    }

    /// Reads OpenAI's `error` object, `error` as a text, FastAPI's `detail`, a bare `message`, and a list of these.
    fn from_json(value: &Value) -> Self {
        let value = value.get(0).unwrap_or(value);
        let inner = value.get("error").filter(|error| !error.is_null()).unwrap_or(value);
        let text = |name: &str| inner.get(name).and_then(Value::as_str).map(str::to_owned);
        let detail = || {
            let detail = value.get("detail")?;
            Some(detail.as_str().map_or_else(|| detail.to_string(), str::to_owned))
        };
        let whole = || inner.as_str().map_or_else(|| inner.to_string(), str::to_owned);
        Self {
            message: text("message").or_else(detail).unwrap_or_else(whole),
            codes: ["code", "type"].into_iter().filter_map(text).collect(),
            window: inner.get("n_ctx").and_then(Value::as_u64),
        }
    }

    fn has_code(&self, wanted: &str) -> bool {
        self.codes.iter().any(|code| code == wanted)
    }

    fn means_too_long(&self, status: u16) -> bool {
        let lower = self.message.to_ascii_lowercase();
        TOO_LONG_CODES.iter().any(|code| self.has_code(code))
            || (matches!(status, 200 | 400 | 413 | 422) && TOO_LONG_WORDS.iter().any(|words| lower.contains(words)))
    }

    fn window_tokens(&self) -> Option<u64> {
        static WINDOW: LazyLock<Regex> = LazyLock::new(|| {
            Regex::new(
                r"(?i)maximum context length (?:is|of) ([\d,]+)|context size \(([\d,]+)|context length of (?:only )?([\d,]+)|> ([\d,]+) maximum|tokens allowed \(([\d,]+)",
            )
            .expect("the expression is a constant, compiled by a test")
        });
        let in_words = || {
            let found = WINDOW.captures(&self.message)?;
            let digits = found.iter().skip(1).flatten().next()?.as_str().replace(',', "");
            digits.parse().ok()
        };
        self.window.or_else(in_words)
    }
}

/// Returns what a body says that is not JSON: the title of an HTML page, else the text.
fn plain_text(body: &str) -> String {
    let start = body.trim_start().get(..15).unwrap_or(body.trim_start()).to_ascii_lowercase();
    if !start.starts_with("<!doctype html") && !start.starts_with("<html") {
        return body.to_owned();
    }
    static TITLE: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"(?is)<title[^>]*>(.*?)</title>").expect("the expression is a constant"));
    let title = TITLE.captures(body).map_or("without a title", |found| found.get(1).map_or("", |title| title.as_str()));
    format!("an HTML page, {}", title.trim())
}

/// Reads how long the server asks to wait (RFC 9110, 10.2.3; `retry-after-ms` is OpenAI's).
///
/// A date is taken relative to the answer's own `Date`, so that no clock is needed and a wrong one does no harm.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = |value: &HeaderValue| value.to_str().map(|text| text.trim().to_owned()).ok();
    let seconds = |text: &str| Duration::try_from_secs_f64(text.parse::<f64>().ok()?).ok();
    if let Some(millis) = headers.get("retry-after-ms").and_then(text).and_then(|text| text.parse::<u64>().ok()) {
        return Some(Duration::from_millis(millis));
    }
    let asked = headers.get(RETRY_AFTER).and_then(text)?;
    seconds(&asked).or_else(|| {
        let until = http_date(&asked)?;
        let sent = http_date(&headers.get(DATE).and_then(text)?)?;
        Some(until.duration_since(sent).unwrap_or_default())
    })
}

/// Parses `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110, 5.6.7, IMF-fixdate).
fn http_date(text: &str) -> Option<std::time::SystemTime> {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let parts: Vec<&str> = text.split(' ').collect();
    let [_, day, month, year, time, "GMT"] = parts[..] else { return None };
    let month = MONTHS.iter().position(|name| *name == month)? + 1;
    humantime::parse_rfc3339(&format!("{year}-{month:02}-{day}T{time}Z")).ok()
}

/// Tells whether a character could steer a terminal or hide text: control and format characters.
fn is_unprintable(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
#[path = "refusal_tests.rs"]
mod tests;
