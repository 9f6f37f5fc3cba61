//! `prentice visible`: what a person sees of a text, and what was hidden.

use std::fs::File;
use std::io::Read;

use clap::Args;
use serde_json::json;

use super::failure::{Exit, Failure};
use super::output::{print, print_json, safe, tell};
use crate::task::{Form, visible};

/// `prentice visible`.
#[derive(Debug, Args)]
#[command(
    after_help = "What is seen goes to standard output, what was hidden is told on standard error by channel: comments,
unused link definitions, titles, texts in the place of pictures, attributes, elements that are not shown,
characters that show nothing. What is collapsed stays and is marked. This is how the model is shown issues
and comments.

Examples:
  prentice visible issue.md
  gh issue view 7 --json body --jq .body | prentice visible -
  prentice visible --json comment.md | jq .removed
  git log -1 --format=%s | prentice visible --line -"
)]
pub(super) struct Visible {
    /// A file, or `-` for standard input.
    pub file: String,
    /// It is one line without markup, such as a title or a file name: what cannot be seen is written out.
    #[arg(long, conflicts_with = "code")]
    pub line: bool,
    /// It is code or other text without markup: only characters that show nothing go.
    #[arg(long)]
    pub code: bool,
    /// Print one JSON object with `text`, `removed` and `truncated_bytes`.
    #[arg(long)]
    pub json: bool,
}

/// The largest text read, in bytes.
const MAX_TEXT_BYTES: u64 = 16 << 20;

/// Prints what is seen on standard output and tells what was hidden on standard error, a line for each channel.
pub(super) fn show(flags: &Visible) -> Result<Exit, Failure> {
    let form = match (flags.line, flags.code) {
        (true, _) => Form::Line,
        (_, true) => Form::Code,
        _ => Form::Markdown,
    };
    let found = visible(&read_text(&flags.file)?, form);
    if flags.json {
        print_json(&json!(found));
        return Ok(Exit::Done);
    }
    print(&format!("{}\n", safe(&found.text)));
    for removed in &found.removed {
        tell(&format!("hidden: {removed}"));
    }
    if found.truncated_bytes > 0 {
        tell(&format!("cut: {} bytes", found.truncated_bytes));
    }
    Ok(Exit::Done)
}

/// Reads a file or standard input; bytes that are no UTF-8 become U+FFFD, as a page shows them.
pub(super) fn read_text(file: &str) -> Result<String, Failure> {
    let name = if file == "-" { "standard input" } else { file };
    let fail = |error: std::io::Error| Failure::new(Exit::Usage, format!("{name}: {error}"));
    let mut bytes = Vec::new();
    if file == "-" {
        std::io::stdin().lock().take(MAX_TEXT_BYTES + 1).read_to_end(&mut bytes).map_err(fail)?;
    } else {
        File::open(file).map_err(fail)?.take(MAX_TEXT_BYTES + 1).read_to_end(&mut bytes).map_err(fail)?;
    }
    if bytes.len() as u64 > MAX_TEXT_BYTES {
        return Err(Failure::new(Exit::Usage, format!("{name} has more than {MAX_TEXT_BYTES} bytes")));
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
