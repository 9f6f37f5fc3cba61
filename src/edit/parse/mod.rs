//! Reads the edits out of an answer, in one of four notations, which is recognised: the blocks of this page, unified diffs
//! ([`udiff`]), `*** Begin Patch` ([`patch`]) and calls in JSON ([`json`]) or in tags ([`markup`]).
//!
//! # Grammar
//! An answer is prose with these in it, in any order and number:
//!
//! ~~~text
//! FILE: src/a.py                     part of a file: search and replace
//! <<<<<<< SEARCH
//! lines as they stand in the file    none at all: creates the file
//! =======
//! lines to put there                 none at all: removes them
//! >>>>>>> REPLACE
//!
//! FILE: src/b.py                     a whole file: a fenced block without SEARCH in it;
//! ````python                         a fence longer than any in the file, closed by the same
//! the complete text
//! ````
//!
//! DELETE: src/c.py
//! RENAME: src/d.py -> src/e.py       both outside of fences
//! ~~~
//!
//! *The path* stands directly before the block or its fence (blank lines between do not count), as the first line inside
//! the fence of a search block, behind its marker, or in the info text of the fence (`python src/a.py`); plain, after `FILE:`, between
//! backticks, emphasised, as a heading, with a colon behind. Further search blocks without a path are for the file of
//! the block before, unless a heading or a line such as `Then in src/b.py:` leads over to another. A line of prose counts where it names one path only: for a search block
//! (``Now in `src/a.py`:``), and for a whole file where it says that it is the new text.
//! *Markers* have five signs or more, all three the same number; text that holds markers goes between longer ones.
//! `------- SEARCH` and `+++++++ REPLACE` are taken as well. *Fences* are three or more backticks or tildes, a tag
//! like `<source>`, or none around search blocks. Fenced blocks without a path are prose; only when there is no edit at
//! all, a single one that could be a file is for the `target` of [`Reading`].
//!
//! *What is thought* before the answer (`<think>` up to `</think>`) is no part of it.
//!
//! *Two notations* in one answer are read both where they are for different files. What stands in a file or a block is a part
//! of it, whatever it looks like; a diff all of whose added lines stand in the blocks shows what they do.
//!
//! Anything cut off or readable in two ways is an error for the whole answer.

mod almost_json;
mod commands;
mod fence;
mod fenced;
mod file_name;
mod json;
mod markup;
mod naming;
mod patch;
mod path_line;
mod reader;
mod recognise;
mod search_replace;
mod thinking;
mod udiff;

use serde::{Deserialize, Serialize};

use super::feedback::{Cause, EditError, Problem};
use super::{Answer, Edit};

pub use markup::calls_in_tags;
pub use thinking::without_thinking;

use fence::Fence;
use fenced::Loose;
use reader::Reader;

/// Languages of fenced blocks that show how to run something or what it prints.
const PROSE_LANGUAGES: [&str; 18] = [
    "bash",
    "sh",
    "shell",
    "zsh",
    "fish",
    "console",
    "terminal",
    "powershell",
    "cmd",
    "text",
    "txt",
    "plaintext",
    "output",
    "log",
    "diff",
    "patch",
    "shell-session",
    "mermaid",
];

/// Extensions of texts, and of templates for texts, in which fences are common.
const TEXTS: [&str; 17] = [
    "md", "markdown", "mdx", "mdc", "rst", "txt", "text", "adoc", "org", "j2", "jinja", "jinja2", "tmpl", "tpl", "hbs",
    "liquid", "prompt",
];

/// A notation of edits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// Blocks of search and replace, and whole files.
    Blocks,
    /// Unified diffs.
    Udiff,
    /// `*** Begin Patch`.
    Patch,
    /// JSON.
    Json,
}

/// What is known when an answer is read.
#[derive(Clone, Copy)]
pub struct Reading<'a> {
    /// The notation; `None` to recognise it.
    pub format: Option<Format>,
    /// The only file that edits without a path can mean.
    pub target: Option<&'a str>,
    /// Tells whether a file is there, by which the names of diffs are understood.
    pub exists: &'a dyn Fn(&str) -> bool,
}

impl Default for Reading<'_> {
    fn default() -> Self {
        Self { format: None, target: None, exists: &|_| false }
    }
}

/// Reads the edits out of `answer`, whatever their notation.
///
/// # Errors
/// [`EditError`] when there is no edit, or when a block is incomplete, ambiguous or without a path.
pub fn parse(answer: &str) -> Result<Answer, EditError> {
    parse_as(answer, &Reading::default())
}

/// Reads the edits out of `answer` with what is known besides.
///
/// # Errors
/// As [`parse`].
pub fn parse_as(answer: &str, reading: &Reading<'_>) -> Result<Answer, EditError> {
    let answer = without_thinking(answer);
    let lines: Vec<&str> = answer.lines().collect();
    match reading.format {
        Some(format) => alone(format, &answer, &lines, reading),
        None => recognise::read(&answer, &lines, reading),
    }
}

/// Reads an answer that is in one notation.
fn alone(format: Format, answer: &str, lines: &[&str], reading: &Reading<'_>) -> Result<Answer, EditError> {
    let shown = diff_lines(answer);
    let edits = match format {
        Format::Blocks => {
            let mut reader = Reader::new(lines, &shown, reading.target);
            reader.read(0..lines.len());
            return blocks_of(reader, reading.target);
        }
        Format::Udiff => udiff::read(&shown, reading.exists, reading.target),
        Format::Patch => patch::read(&shown),
        Format::Json => json::read(answer, lines, reading.target),
    };
    match edits {
        Ok(edits) if edits.is_empty() => Err(EditError { problems: vec![no_edit(&[])] }),
        Ok(edits) => Ok(Answer { edits, remarks: String::new() }),
        Err(problems) => Err(EditError { problems }),
    }
}

/// Splits at line feeds only: a carriage return is a part of the line that a diff shows. What stands in an item of a list
/// loses the indentation of the item.
fn diff_lines(answer: &str) -> Vec<&str> {
    let mut lines = whole_lines(answer);
    let mut open: Option<Fence<'_>> = None;
    for at in 0..lines.len() {
        let line = lines[at];
        match open {
            Some(fence) if fence.closes(line) => {
                lines[at] = line.trim_start();
                open = None;
            }
            Some(fence) => lines[at] = fence.inner(line),
            None => {
                open = Fence::open(line).filter(|fence| fence.is_indented() && holds_diff(fence, &lines[at + 1..]));
            }
        }
    }
    lines
}

/// Tells whether a diff begins with the first lines in the fence, as deep as it. A fence in the context of a diff holds none.
fn holds_diff(fence: &Fence<'_>, behind: &[&str]) -> bool {
    let mut filled = behind.iter().filter(|line| !line.trim().is_empty()).peekable();
    let is_deep = filled.peek().is_some_and(|line| fence.inner(line).len() < line.len());
    let first: Vec<&str> = filled.map(|line| fence.inner(line)).take(2).collect();
    is_deep && (patch::is_patch(&first[..1]) || udiff::begins(&first) || first[0].starts_with("Index: "))
}

fn whole_lines(answer: &str) -> Vec<&str> {
    let text = answer.strip_suffix('\n').unwrap_or(answer);
    let all_crlf = text.contains("\r\n") && text.matches('\n').count() == text.matches("\r\n").count();
    let cut = |line: &'_ str| if all_crlf { line.len() - usize::from(line.ends_with('\r')) } else { line.len() };
    text.split('\n').map(|line| &line[..cut(line)]).collect()
}

/// Takes the edits of an answer that was read as blocks.
fn blocks_of(reader: Reader<'_>, target: Option<&str>) -> Result<Answer, EditError> {
    let Reader { mut edits, mut problems, loose, remarks, .. } = reader;
    if edits.is_empty() && problems.is_empty() {
        match whole_file_without_path(&loose, target) {
            Ok(edit) => edits.push(edit),
            Err(problem) => problems.push(problem),
        }
    }
    if !problems.is_empty() {
        return Err(EditError { problems });
    }
    Ok(Answer { edits, remarks: remarks.join("\n").trim().to_owned() })
}

/// Takes the only fenced block that can be a file, or says what was seen in the place of an edit.
fn whole_file_without_path(loose: &[Loose<'_>], target: Option<&str>) -> Result<Edit, Problem> {
    let file_like = |block: &&Loose<'_>| !PROSE_LANGUAGES.contains(&block.fence.language().as_str());
    let tagged = |block: &&Loose<'_>| !block.fence.info.is_empty();
    let mut candidates: Vec<&Loose<'_>> = loose.iter().filter(file_like).collect();
    if candidates.iter().any(tagged) {
        candidates.retain(tagged);
    }
    match (candidates.as_slice(), target) {
        ([block], Some(path)) => Ok(Edit::WholeFile { path: path.to_owned(), content: block.content.clone() }),
        ([_], None) => Err(Problem::new(Cause::WhichFile, "there is a fenced block, but not which file it is for")
            .with_detail("Put a line FILE: path directly before the fence.")),
        (several @ [_, _, ..], _) => {
            let count = several.len();
            let summary = format!("there are {count} fenced blocks, but not which files they are for");
            Err(Problem::new(Cause::WhichFile, summary)
                .with_detail("Put a line FILE: path directly before each fence."))
        }
        ([], _) => Err(no_edit(loose)),
    }
}

fn no_edit(loose: &[Loose<'_>]) -> Problem {
    let languages: Vec<String> = loose.iter().map(|block| block.fence.language()).collect();
    let seen = match languages.as_slice() {
        [] => "only prose".to_owned(),
        [language] => format!("prose and one fenced block ({language})"),
        several => format!("prose and {} fenced blocks ({})", several.len(), several.join(", ")),
    };
    let shape = "Expected is, for each change, a line FILE: path and directly after it either a block\n\
                 <<<<<<< SEARCH\n(lines copied from the file)\n=======\n(lines to put there)\n>>>>>>> REPLACE\n\
                 or the complete file between two lines of ```.";
    Problem::new(Cause::NoEdit, format!("it holds no edit, {seen}")).with_detail(shape)
}

/// Tells whether `path` names a text in which fences are common.
fn may_hold_fences(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path).to_lowercase();
    match name.rsplit_once('.') {
        Some((_, extension)) => TEXTS.contains(&extension),
        None => ["readme", "changelog", "contributing", "install"].contains(&name.as_str()),
    }
}

/// Tells whether the block shows a change, a command or an output and is not the file, though a path stands before it;
/// `marked` tells that the path stands behind `FILE:`.
fn shows_something_else(fence: &Fence<'_>, path: &str, marked: bool) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let extension = name.rsplit_once('.').map(|(_, extension)| extension);
    let fits = |known: &[&str]| extension.is_none_or(|extension| known.contains(&extension));
    match fence.language().as_str() {
        "diff" | "patch" => !fits(&["diff", "patch"]),
        "console" | "terminal" | "shell-session" | "output" | "log" => !fits(&["log", "txt", "out"]),
        "bash" | "sh" | "shell" | "zsh" | "fish" | "powershell" | "cmd" => {
            !marked && !fits(&["sh", "bash", "zsh", "fish", "ps1", "bat", "cmd", "env", "bats"])
        }
        _ => false,
    }
}
