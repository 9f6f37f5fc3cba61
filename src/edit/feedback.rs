//! What is said to the model about an answer that cannot be applied.

use std::fmt;

use serde::Serialize;

use crate::repo::{PathError, RepoError, RepoPath};

use super::document::Document;
use super::nearest::Nearest;

/// Why nothing of an answer was applied; its text is the feedback for the model, at most about 6 KB.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct EditError {
    /// Everything that is wrong, in the order of the answer; never empty.
    pub problems: Vec<Problem>,
}

impl EditError {
    /// Tells whether the answer held no edit at all, not even a broken one.
    pub fn is_only_prose(&self) -> bool {
        self.problems.iter().all(|problem| problem.cause == Cause::NoEdit)
    }

    /// Makes the problem of a file that would be created where one lies that the tree does not list, as it is ignored.
    pub fn taken(path: &RepoPath) -> Problem {
        let summary = "a file is there already; it is ignored, and no part of the repository";
        Problem::new(Cause::PathTaken, summary).in_file(path.as_str())
    }

    /// Tells whether nothing is wrong with the answer but that the files are as its edits want them.
    pub fn is_only_no_change(&self) -> bool {
        self.problems.iter().all(|problem| problem.cause == Cause::NoChange)
    }
}

/// One thing that is wrong with an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// The edit, counted from 1 in the order of the answer; `None` when it is not about a single one.
    pub edit: Option<usize>,
    /// The file as the model wrote it, where one is concerned.
    pub path: Option<String>,
    /// What kind of thing is wrong.
    pub cause: Cause,
    /// What is wrong, one fragment without a full stop.
    pub summary: String,
    /// Lines that help to mend it; may be empty.
    pub detail: String,
}

/// The kinds of problem.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// The answer holds no edit.
    NoEdit,
    /// A block is not complete or can be read in two ways.
    Malformed,
    /// A block does not say which file it is for.
    WhichFile,
    /// The text is no path inside the repository.
    BadPath,
    /// There is no such file.
    MissingFile,
    /// Something is at the path already, or above it.
    PathTaken,
    /// The file is a link, binary, or not UTF-8.
    NotText,
    /// The file cannot be read.
    Unreadable,
    /// The search text is not in the file.
    NotFound,
    /// The search text is in the file more than once.
    Ambiguous,
    /// The search text is gone and the replacement is there.
    AlreadyApplied,
    /// Nothing would change.
    NoChange,
    /// Two edits of the answer exclude each other.
    Contradiction,
    /// The file would not parse.
    Syntax,
    /// Merge markers would be left in the file.
    Markers,
    /// A comment stands for code that was left out.
    Elision,
    /// Lines that were not to change would be indented otherwise.
    Whitespace,
    /// A piece of the file was given as the whole.
    Fragment,
}

/// The cap of the whole text, in bytes; chosen so that a small model's window is not filled by its own mistakes.
const MAX_FEEDBACK_BYTES: usize = 6000;
/// Problems that get a paragraph of their own.
const MAX_PARAGRAPHS: usize = 16;
/// Characters of one line of a file, or of a path, that are shown.
const MAX_LINE_CHARS: usize = 160;
/// Lines shown before and after the line that matters.
const AROUND: usize = 3;
/// Places listed where there are too many.
const MAX_PLACES: usize = 10;

impl Problem {
    pub(super) fn new(cause: Cause, summary: impl Into<String>) -> Self {
        Self { edit: None, path: None, cause, summary: summary.into(), detail: String::new() }
    }

    pub(super) fn in_edit(self, number: usize) -> Self {
        Self { edit: Some(number), ..self }
    }

    pub(super) fn in_file(self, path: &str) -> Self {
        Self { path: Some(path.to_owned()), ..self }
    }

    pub(super) fn with_detail(self, detail: impl Into<String>) -> Self {
        Self { detail: detail.into(), ..self }
    }

    pub(super) fn bad_path(error: &PathError) -> Self {
        Self::new(Cause::BadPath, format!("this is not a path inside the repository: {}", error.reason))
    }

    pub(super) fn unreadable(error: &RepoError) -> Self {
        Self::new(Cause::Unreadable, format!("the file cannot be read: {error}"))
    }

    pub(super) fn missing(names: &[String]) -> Self {
        let problem = Self::new(Cause::MissingFile, "there is no such file");
        if names.is_empty() {
            return problem;
        }
        problem.with_detail(format!("Files with such a name: {}", names.join(", ")))
    }

    pub(super) fn ambiguous(places: &[usize]) -> Self {
        let mut lines: Vec<String> = places.iter().take(MAX_PLACES).map(|at| (at + 1).to_string()).collect();
        if places.len() > MAX_PLACES {
            lines.push("...".to_owned());
        }
        Self::new(Cause::Ambiguous, format!("the SEARCH text stands at {} places", places.len())).with_detail(format!(
            "They begin at lines {}. Add lines before or after it to the SEARCH text, until only the place you mean fits.",
            lines.join(", ")
        ))
    }

    pub(super) fn already_applied(document: &Document, at: usize, lines: usize) -> Self {
        let last = at + lines;
        Self::new(Cause::AlreadyApplied, "the file holds the REPLACE text already, and no longer the SEARCH text")
            .with_detail(format!(
                "It stands at lines {} to {last}; leave this edit out if that is what you want.\n{}",
                at + 1,
                numbered(document, at, last.min(at + 2 * AROUND), None)
            ))
    }

    pub(super) fn not_found(document: &Document, search: &[&str], nearest: Option<Nearest>) -> Self {
        let problem = Self::new(Cause::NotFound, "the SEARCH text is not in the file");
        let Some(nearest) = nearest else {
            return problem.with_detail(match document.len() {
                0 => "The file is empty.".to_owned(),
                lines => format!("None of its {lines} lines comes near. Copy the lines to change from the file."),
            });
        };
        let (line, offset) = (nearest.at + nearest.first_difference, nearest.first_difference);
        let from = line.saturating_sub(AROUND);
        let to = (line + 2 * AROUND).min(nearest.at + search.len() + AROUND);
        let wanted = search.get(offset).copied().unwrap_or_default();
        let lines = if search.len() == 1 { "line is" } else { "lines begin at line" };
        let first = if search.len() == 1 { "" } else { "first " };
        let difference = match document.text(line) {
            None => format!("The file ends there, and SEARCH goes on with:\n    | {}", shown(wanted)),
            Some(text) if text.trim() == wanted.trim() => {
                let (there, here) = (white_space(text), white_space(wanted));
                format!(
                    "They differ {first}in the white space of line {}: the file has {there}, SEARCH has {here}.",
                    line + 1
                )
            }
            Some(_) => format!("They differ {first}in line {}, where SEARCH has:\n    | {}", line + 1, shown(wanted)),
        };
        let place = format!("The nearest {lines} {}. {difference}", nearest.at + 1);
        problem.with_detail(format!("{place}\nThe file:\n{}", numbered(document, from, to, Some(line))))
    }

    /// Adds the lines around line `line` (from 1) of `text`.
    pub(super) fn around_line(self, text: &str, line: usize) -> Self {
        let document = Document::of(text);
        let at = line.saturating_sub(1);
        let to = (at + AROUND + 1).min(document.len());
        self.with_detail(format!("After your edits:\n{}", numbered(&document, at.saturating_sub(AROUND), to, Some(at))))
    }

    fn headline(&self) -> String {
        let summary = shortened(&self.summary, 2 * MAX_LINE_CHARS);
        match (self.edit, &self.path) {
            (Some(edit), Some(path)) => format!("Edit {edit}, {}: {summary}.", shown(path)),
            (Some(edit), None) => format!("Edit {edit}: {summary}."),
            (None, Some(path)) => format!("{}: {summary}.", shown(path)),
            (None, None) => format!("The answer: {summary}."),
        }
    }
}

impl fmt::Display for EditError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&render(&self.problems))
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.headline())?;
        if self.detail.is_empty() { Ok(()) } else { write!(f, "\n{}", self.detail) }
    }
}

fn render(problems: &[Problem]) -> String {
    let count = problems.len();
    let mut text = match count {
        1 => "Nothing was changed, because of 1 problem.\n".to_owned(),
        _ => format!("Nothing was changed, because of {count} problems.\n"),
    };
    let headlines: Vec<String> = problems.iter().take(MAX_PARAGRAPHS).map(Problem::headline).collect();
    let used = text.len() + headlines.iter().map(String::len).sum::<usize>() + rest(problems).len() + 200;
    let mut left = MAX_FEEDBACK_BYTES.saturating_sub(used);
    for (done, (problem, headline)) in problems.iter().zip(&headlines).enumerate() {
        // What one paragraph does not use is shared among those after it.
        let share = left / (headlines.len() - done);
        let detail = cut_lines(&problem.detail, share);
        left = left.saturating_sub(detail.len());
        text.push('\n');
        text.push_str(headline);
        text.push('\n');
        text.push_str(&detail);
    }
    text.push_str(&rest(problems));
    text.push_str("\nMend this and send all edits again, also those without a problem.");
    text
}

fn rest(problems: &[Problem]) -> String {
    let mut text = String::new();
    for problem in problems.iter().skip(MAX_PARAGRAPHS) {
        let place = match (problem.edit, &problem.path) {
            (Some(edit), _) => format!("edit {edit}"),
            (None, Some(path)) => shown(path),
            (None, None) => problem.summary.clone(),
        };
        let separator = if text.is_empty() { "\nAlso: " } else { "; " };
        if text.len() + place.len() > MAX_FEEDBACK_BYTES / 4 {
            text.push_str("; ...");
            break;
        }
        text.push_str(separator);
        text.push_str(&place);
    }
    if !text.is_empty() {
        text.push('\n');
    }
    text
}

fn cut_lines(text: &str, max_bytes: usize) -> String {
    let mut kept = String::new();
    for line in text.lines() {
        if kept.len() + line.len() + 1 > max_bytes {
            kept.push_str("(cut)\n");
            break;
        }
        kept.push_str(line);
        kept.push('\n');
    }
    kept
}

/// Prints lines `from..to` (from 0) with their numbers, and a mark before the line `marked`.
fn numbered(document: &Document, from: usize, to: usize, marked: Option<usize>) -> String {
    let to = to.min(document.len());
    let width = to.to_string().len();
    let lines = (from..to).filter_map(|at| {
        let mark = if marked == Some(at) { '>' } else { ' ' };
        document.text(at).map(|text| format!("{mark} {:>width$} | {}\n", at + 1, shown(text)))
    });
    lines.collect()
}

fn shown(text: &str) -> String {
    shortened(text, MAX_LINE_CHARS)
}

fn shortened(text: &str, max_chars: usize) -> String {
    match text.char_indices().nth(max_chars) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}

/// Describes the white space around a line in words, which a model sees better than blanks.
fn white_space(line: &str) -> String {
    let body = line.trim_start();
    let before = &line[..line.len() - body.len()];
    let after = body.len() - body.trim_end().len();
    let counted = |count: usize, noun: &str| format!("{count} {noun}{}", if count == 1 { "" } else { "s" });
    let tabs = before.matches('\t').count();
    let mut said = match (tabs, before.len() - tabs) {
        (0, spaces) => counted(spaces, "space"),
        (tabs, 0) => counted(tabs, "tab"),
        (tabs, spaces) => format!("{} and {}", counted(tabs, "tab"), counted(spaces, "space")),
    };
    said.push_str(" before the text");
    if after > 0 {
        said.push_str(&format!(" and {after} behind it"));
    }
    said
}
