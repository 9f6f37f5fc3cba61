//! What a person sees of an outside text, and what was hidden from that person.
//!
//! Markdown goes the way that it goes on a forge: it becomes HTML, one HTML tokenizer reads all of it, and what is shown
//! is written down as Markdown again. Hence it does not matter whether something is hidden by Markdown, by HTML, or by
//! both together. Nothing is fetched, and nothing is judged: words that a person sees stay, whatever they say.

#[cfg(test)]
mod again_tests;
mod html;
mod invisible;
mod markdown;
mod math;
mod open;
mod page;
mod removed;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

pub(super) use markdown::options;
pub(super) use open::begin_seen_lines;
use removed::Tally;
pub use removed::{Channel, Removed};

/// The most bytes of one text that are shown: what GitHub stores of an issue or a comment is at most 65,536 characters.
pub const MAX_VISIBLE_BYTES: usize = 65_536;

/// Texts are read to this many times of what is shown of them; markup is longer than what it shows.
const READ_TIMES: usize = 16;

/// What kind of text it is, hence what a person sees of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// GitHub's Markdown as its page shows it: bodies and comments.
    Markdown,
    /// One line without markup: titles, file names, branch names, subjects. What cannot be seen is shown escaped.
    Line,
    /// Text without markup: code, logs, files that are read in an editor.
    Code,
}

/// What a person sees, and what was taken out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Visible {
    /// What a person sees: Markdown without anything hidden, or plain text.
    pub text: String,
    /// Addresses of the pictures that a person sees in it; none of them was fetched.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pictures: Vec<String>,
    /// What was hidden, each channel once.
    pub removed: Vec<Removed>,
    /// Bytes that were left out because the text was too long.
    pub truncated_bytes: usize,
}

impl Visible {
    /// Returns how much was hidden: characters that show nothing, and bytes of hidden markup.
    pub fn hidden_characters(&self) -> usize {
        let size = |removed: &Removed| if removed.channel.is_character() { removed.count } else { removed.bytes };
        self.removed.iter().map(size).sum()
    }
}

/// Returns what a person sees of `text`, at most [`MAX_VISIBLE_BYTES`] of it.
///
/// Do this once: what is seen may itself look like markup.
pub fn visible(text: &str, form: Form) -> Visible {
    visible_within(text, form, MAX_VISIBLE_BYTES)
}

/// Returns what a person sees of `text`, at most `max_bytes` of it and a notice when it was longer.
///
/// Linear in the length of the text; texts longer than 16 times `max_bytes` are read to there.
pub fn visible_within(text: &str, form: Form, max_bytes: usize) -> Visible {
    let (text, unread) = cut(text, max_bytes.saturating_mul(READ_TIMES));
    let mut tally = Tally::default();
    let mut pictures = Vec::new();
    let shown = match form {
        Form::Markdown => {
            let html = markdown::to_html(text, &mut tally);
            let (page, shown) = html::read(&html, &mut tally);
            pictures = shown;
            let clean = invisible::remove(&page, &mut tally);
            page::finish(&invisible::close_gaps(&invisible::plain_spaces(&clean), &mut tally))
        }
        Form::Line => invisible::close_gaps(&invisible::escape(text.trim(), &mut tally), &mut tally),
        Form::Code => {
            let text = text.replace("\r\n", "\n").replace('\r', "\n");
            invisible::close_gaps(&invisible::remove(&text, &mut tally), &mut tally)
        }
    };
    let (kept, over) = cut(&shown, max_bytes);
    let truncated_bytes = over + unread;
    let text = match truncated_bytes {
        0 => shown,
        bytes if form == Form::Line => format!("{kept} [{bytes} more bytes]"),
        bytes => format!("{kept}\n[{bytes} more bytes are not shown]"),
    };
    Visible { text, pictures, removed: tally.into_removed(), truncated_bytes }
}

/// Returns the first `max_bytes` of a text, less where a character would be cut, and how many bytes follow.
fn cut(text: &str, max_bytes: usize) -> (&str, usize) {
    let end = text.floor_char_boundary(max_bytes);
    (&text[..end], text.len() - end)
}
