//! Reads YAML strictly: every error has a file, a line, a column and a sentence that says what would be right.
//!
//! Used for task files and configuration. Documents are small texts written by people; budgets refuse anything else.

use serde::de::DeserializeOwned;
use serde_yaml::Spanned;

/// The largest document read, in bytes.
pub const MAX_BYTES: usize = 256 * 1024;

/// Why a document was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}:{column}: {message}")]
pub struct YamlError {
    /// The file, or a word for it such as `standard input`.
    pub file: String,
    /// The line, from 1.
    pub line: u64,
    /// The column, from 1.
    pub column: u64,
    /// What is wrong, and what would be right.
    pub message: String,
}

/// Reads one document into `T`, which should deny unknown fields.
///
/// # Errors
/// The first [`YamlError`]: syntax, unknown or duplicate key, wrong type, too large, aliases beyond the budget.
pub fn parse<T: DeserializeOwned>(text: &str, file: &str) -> Result<T, YamlError> {
    if text.len() > MAX_BYTES {
        let message = format!("the document has {} bytes; at most {MAX_BYTES} are read", text.len());
        return Err(YamlError { file: file.to_owned(), line: 1, column: 1, message });
    }
    if let Some((line, column)) = find_control_character(text) {
        let message = "a control character stands here; write plain text".to_owned();
        return Err(YamlError { file: file.to_owned(), line, column, message });
    }
    let options = serde_yaml::options! {
        strict_booleans: true,
        merge_keys: serde_yaml::options::MergeKeyPolicy::Error,
        reject_unsupported_tags: true,
        with_snippet: false,
    };
    serde_yaml::from_str_with_options(text, options).map_err(|error| {
        let location = error.location();
        YamlError {
            file: file.to_owned(),
            line: location.map_or(1, |at| at.line()).max(1),
            column: location.map_or(1, |at| at.column()).max(1),
            message: say(&error.without_snippet().to_string()),
        }
    })
}

/// Makes the error for a value that was read and does not make sense.
pub fn refuse<T>(file: &str, value: &Spanned<T>, message: impl Into<String>) -> YamlError {
    let at = value.referenced;
    YamlError { file: file.to_owned(), line: at.line().max(1), column: at.column().max(1), message: message.into() }
}

fn find_control_character(text: &str) -> Option<(u64, u64)> {
    for (number, line) in text.split('\n').enumerate() {
        let place = line.trim_end_matches('\r').chars().position(|c| c.is_control() && c != '\t');
        if let Some(column) = place {
            return Some((number as u64 + 1, column as u64 + 1));
        }
    }
    None
}

/// Says in our words what the library says in its own; what is not in the table stays as it is.
fn say(message: &str) -> String {
    let line = message.lines().find(|line| !line.trim().is_empty()).unwrap_or(message).trim();
    let line = line.strip_prefix("error: ").unwrap_or(line);
    let line = match line.strip_prefix("line ").and_then(|rest| rest.split_once(": ")) {
        Some((_, rest)) => rest,
        None => line,
    };
    let line = &line[..line.find(" at line ").unwrap_or(line.len())];
    if let Some(rest) = line.strip_prefix("duplicate mapping key: ") {
        let key = rest.split(',').next().unwrap_or(rest);
        return format!("the key `{key}` stands here a second time; keep one of them");
    }
    match line {
        "expected sequence start" => "a list is wanted here: `[one, two]`, or lines that start with `- `".to_owned(),
        "expected mapping start" => "keys with values are wanted here: `key: value`".to_owned(),
        "expected string scalar" => "a text is wanted here".to_owned(),
        "invalid u32" | "invalid u64" => "a whole number is wanted here".to_owned(),
        "invalid f64" => "a number is wanted here".to_owned(),
        _ if line.starts_with("invalid boolean") => "`true` or `false` is wanted here".to_owned(),
        _ => line.to_owned(),
    }
}
