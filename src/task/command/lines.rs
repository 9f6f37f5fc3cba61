//! The lines of a comment that begin with the name of a command.

use std::ops::Range;

use pulldown_cmark::{Event, Parser, Tag, TagEnd};

use super::COMMAND_NAME;
use crate::repo::is_control_or_invisible;
use crate::task::visible::{begin_seen_lines, options};

/// A line that begins with a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CommandLine {
    /// The word behind the name; may be empty.
    pub word: String,
    /// Where the line's text begins, in bytes.
    pub start: usize,
    /// Where the word ends.
    pub argument: usize,
    /// The number of the line, from 1.
    pub number: usize,
}

/// Returns the lines of plain paragraphs that begin with a name and that everybody sees.
pub(super) fn command_lines(markdown: &str, names: &[&str]) -> Vec<CommandLine> {
    let mut found: Vec<CommandLine> = Vec::new();
    let mut counted = (0, 1);
    for range in line_starts(markdown) {
        let Some((word, argument)) = after_name(markdown, range.start, names) else { continue };
        counted.1 += markdown[counted.0..range.start].matches('\n').count();
        counted.0 = range.start;
        found.push(CommandLine { word, start: range.start, argument, number: counted.1 });
    }
    if !found.is_empty() {
        let places: Vec<usize> = found.iter().map(|line| line.start).collect();
        let mut seen = begin_seen_lines(markdown, &places).into_iter();
        found.retain(|_| seen.next().unwrap_or_default());
    }
    found
}

/// Returns the pieces of text that begin the lines of paragraphs that stand in nothing else.
fn line_starts(markdown: &str) -> Vec<Range<usize>> {
    let mut starts = Vec::new();
    let mut depth = 0_usize;
    let mut in_paragraph = false;
    let mut at_line_start = false;
    for (event, range) in Parser::new_ext(markdown, options()).into_offset_iter() {
        let is_start = std::mem::take(&mut at_line_start);
        match event {
            Event::Start(tag) => {
                in_paragraph |= depth == 0 && tag == Tag::Paragraph;
                at_line_start = depth == 0 && tag == Tag::Paragraph;
                depth += 1;
            }
            Event::End(tag) => {
                depth = depth.saturating_sub(1);
                in_paragraph &= !(depth == 0 && tag == TagEnd::Paragraph);
            }
            Event::SoftBreak | Event::HardBreak => at_line_start = in_paragraph && depth == 1,
            Event::Text(_) if is_start => starts.push(range),
            _ => {}
        }
    }
    starts
}

/// Returns the word behind a name at `start`, and where it ends; `None` when no name stands there.
fn after_name(markdown: &str, start: usize, names: &[&str]) -> Option<(String, usize)> {
    let line = markdown[start..].split(['\n', '\r']).next().unwrap_or_default();
    let mut pieces = words(line);
    let (name, _) = pieces.next()?;
    let known = std::iter::once(&COMMAND_NAME).chain(names).any(|known| known.eq_ignore_ascii_case(&name));
    if !known {
        return None;
    }
    let fallback = start + line.len();
    Some(pieces.next().map_or((String::new(), fallback), |(word, end)| (word, start + end)))
}

/// Splits a line into words with the place where each ends; characters that show nothing are no part of a word.
fn words(line: &str) -> impl Iterator<Item = (String, usize)> + '_ {
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = &line[at..];
        let from = at
            + (rest.len() - rest.trim_start_matches(|c: char| c.is_whitespace() || is_control_or_invisible(c)).len());
        let rest = &line[from..];
        let length = rest.find(char::is_whitespace).unwrap_or(rest.len());
        at = from + length;
        let word: String = rest[..length].chars().filter(|c| !is_control_or_invisible(*c)).collect();
        (!word.is_empty()).then_some((word, at))
    })
}
