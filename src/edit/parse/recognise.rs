//! Which notation an answer is in: what stands in a file that is given, or in a search block, is a part of that file and no
//! edit of its own, and so is what such a file would be in a diff.

use std::collections::HashSet;

use crate::edit::feedback::{Cause, EditError, Problem};
use crate::edit::{Answer, Edit};

use super::fence::Fence;
use super::reader::Reader;
use super::{Format, Reading, alone, blocks_of, diff_lines, json, patch, udiff};

/// Reads the edits out of an answer whose notation nobody said.
pub(super) fn read(answer: &str, lines: &[&str], reading: &Reading<'_>) -> Result<Answer, EditError> {
    let only = |format| alone(format, answer, lines, reading);
    if json::is_whole(answer) {
        return only(Format::Json);
    }
    let shown = diff_lines(answer);
    let mut reader = Reader::new(lines, &shown, reading.target);
    // What stands in a call is a part of what it writes.
    let calls = json::calls(lines).map_err(|problem| EditError { problems: vec![problem] })?;
    let begins = std::iter::once(0).chain(calls.iter().map(|call| call.lines.end));
    let ends = calls.iter().map(|call| call.lines.start).chain(std::iter::once(lines.len()));
    begins.zip(ends).for_each(|(begin, end)| reader.read(begin..end));
    let mut with_calls = shown.clone();
    reader.used.iter().cloned().flatten().for_each(|line| with_calls[line] = "");
    let mut rest = with_calls.clone();
    calls.into_iter().flat_map(|call| call.lines).for_each(|line| rest[line] = "");
    match (other_than_blocks(answer, &rest, &with_calls), reader.edits.is_empty()) {
        (None, _) => blocks_of(reader, reading.target),
        (Some(format), true) => only(format),
        (Some(Format::Json), false) if json::says_what_goes(&with_calls) => {
            Err(two_notations("JSON calls", &reader.edits))
        }
        // A path and a text beside blocks are an example of something.
        (Some(Format::Json), false) => blocks_of(reader, reading.target),
        (Some(_), false) if is_shown_by(&rest, &reader.edits) => blocks_of(reader, reading.target),
        (Some(format), false) => {
            let others = match format {
                Format::Patch => patch::read(&rest),
                _ => udiff::read(&rest, reading.exists, reading.target),
            };
            let others = others.map_err(|problems| EditError { problems })?;
            let mut answer = blocks_of(reader, reading.target)?;
            let paths = |edits: &[Edit]| -> HashSet<String> {
                edits.iter().flat_map(|edit| [edit.path().to_owned(), edit.target().to_owned()]).collect()
            };
            if !paths(&answer.edits).is_disjoint(&paths(&others)) {
                return Err(two_notations("a diff", &answer.edits));
            }
            answer.edits.extend(others);
            Ok(answer)
        }
    }
}

fn other_than_blocks(answer: &str, rest: &[&str], with_calls: &[&str]) -> Option<Format> {
    if patch::is_patch(rest) {
        Some(Format::Patch)
    } else if json::is_json(answer, with_calls) {
        Some(Format::Json)
    } else {
        udiff::is_diff(rest).then_some(Format::Udiff)
    }
}

/// Tells whether a diff only shows what other edits do: all lines that it adds are theirs.
fn is_shown_by(diff: &[&str], edits: &[Edit]) -> bool {
    let news = edits.iter().flat_map(|edit| match edit {
        Edit::WholeFile { content, .. } => content.lines(),
        Edit::Replace { replace, .. } => replace.lines(),
        _ => "".lines(),
    });
    let news: HashSet<&str> = news.map(str::trim).collect();
    let mut added = diff
        .iter()
        .filter(|line| !line.starts_with("+++ "))
        .filter_map(|line| line.strip_prefix('+'))
        .map(str::trim)
        .peekable();
    added.peek().is_some() && added.all(|line| line.is_empty() || news.contains(line))
}

fn two_notations(other: &str, edits: &[Edit]) -> EditError {
    let path = edits.first().map_or("", Edit::path);
    let summary =
        format!("the answer holds blocks (the first for this file) and {other}; which of them is meant is not clear");
    let help = "Send every edit once, all in the same notation.";
    EditError { problems: vec![Problem::new(Cause::Contradiction, summary).in_file(path).with_detail(help)] }
}

/// Returns the line behind the diff or patch that begins in line `at`, inside of `fence`.
pub(super) fn end_of_diff(lines: &[&str], at: usize, fence: Option<Fence<'_>>) -> Option<usize> {
    let is_end = |line: &&str| fence.is_some_and(|fence| fence.closes(line));
    if patch::is_patch(&lines[at..=at]) {
        let end = lines[at..].iter().position(|line| patch::ends(line)).map(|end| at + end + 1);
        return end.or_else(|| lines[at..].iter().position(is_end).map(|end| at + end)).or(Some(lines.len()));
    }
    udiff::is_diff(&lines[at..lines.len().min(at + 2)]).then(|| udiff::end(lines, at, fence)).filter(|end| *end > at)
}

/// Tells whether the file at `path` may itself be such a text.
pub(super) fn may_be_diff(path: &str) -> bool {
    super::may_hold_fences(path)
        || path.contains(".json")
        || [".diff", ".patch", ".rej", ".ipynb", ".snap"].iter().any(|end| path.ends_with(end))
}
