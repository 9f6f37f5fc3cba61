//! Fenced blocks: a whole file, search blocks, a wrapper around an answer, or prose.

use std::ops::Range;

use crate::edit::Edit;
use crate::edit::feedback::{Cause, Problem};

use super::commands::command;
use super::fence::Fence;
use super::json;
use super::path_line::path_line;
use super::reader::Reader;
use super::recognise::{end_of_diff, may_be_diff};
use super::search_replace;
use super::{PROSE_LANGUAGES, may_hold_fences, shows_something_else};

/// A fenced block that is no edit by itself.
#[derive(Clone, Debug)]
pub(super) struct Loose<'t> {
    /// Its opening line.
    pub(super) fence: Fence<'t>,
    /// Its text.
    pub(super) content: String,
}

/// A fenced block as far as it was looked at.
struct Body {
    /// Its lines.
    range: Range<usize>,
    /// Whether a closing line stands behind them.
    closed: bool,
    /// Whether search blocks stand in it, not inside another fence.
    has_blocks: bool,
}

impl<'t> Reader<'t> {
    /// Reads the fenced block that opens in line `at` and returns the line to go on with.
    pub(super) fn fenced(&mut self, at: usize, end: usize, fence: Fence<'t>) -> usize {
        let named = self.naming().of_whole(at, &fence);
        if let Some(behind) = self.diff_inside(at, end, &fence, named.map(|(path, _)| path)) {
            return self.diff(at..behind);
        }
        let body = self.body(at, end, &fence);
        if body.has_blocks {
            return self.fenced_blocks(at, end, fence);
        }
        let after = body.range.end + usize::from(body.closed);
        let content = self.content(&body, &fence);
        match named {
            Some((path, _)) if !body.closed => {
                self.take_path_line(path);
                let summary = "the fenced block is not closed; the answer was perhaps cut off";
                self.problems.push(Problem::new(Cause::Malformed, summary).in_file(path));
            }
            Some((path, _)) if json::is_edit(&content) && !may_be_diff(path) => {
                self.pending = None;
                self.loose_block(fence, content);
            }
            Some((path, marked)) => {
                if self.naming().is_bare(at, path) {
                    self.end_doubtful(fence);
                }
                self.whole_file(path.to_owned(), marked, content, fence);
            }
            None if !body.closed && !PROSE_LANGUAGES.contains(&fence.language().as_str()) => {
                self.malformed(at, "a fenced block is not closed; the answer was perhaps cut off");
            }
            None if let Some(path) = self.path_alone(&body) => {
                // The block after it reads its path here, unless the closing line was meant to open the file.
                let Some(last) = self.unopened(after, end, &fence) else { return after };
                let content = self.content(&Body { range: after..last, closed: true, has_blocks: false }, &fence);
                self.whole_file(path.to_owned(), true, content, fence);
                return self.go_on_from(last + 1);
            }
            None if let Some(path) = self.path_inside(&body) => {
                let content = self.content(&Body { range: body.range.start + 1..body.range.end, ..body }, &fence);
                self.whole_file(path.to_owned(), true, content, fence);
            }
            None if self.is_wrapper(&body, &fence) => {
                self.read(body.range);
                return self.go_on_from(after);
            }
            None => {
                self.loose_block(fence, content);
                self.remarks.extend(&self.lines[at..after]);
            }
        }
        self.go_on_from(after)
    }

    /// Returns the line behind a block that holds a diff and is not the file at `path`.
    fn diff_inside(&self, at: usize, end: usize, fence: &Fence<'t>, path: Option<&str>) -> Option<usize> {
        let first = (at + 1..end).find(|at| !self.lines[*at].trim().is_empty())?;
        if path.is_some_and(may_be_diff) {
            return None;
        }
        let behind = end_of_diff(self.shown, first, Some(*fence))?.min(end);
        let closed = (behind..end).find(|at| fence.closes(self.lines[*at]));
        Some(closed.map_or(end, |closed| closed + 1))
    }

    fn loose_block(&mut self, fence: Fence<'t>, content: String) {
        self.end_doubtful(fence);
        self.loose.push(Loose { fence, content });
    }

    /// Complains about a file whose end may be further on: a fence without a language could be where it really ends.
    fn end_doubtful(&mut self, fence: Fence<'t>) {
        let doubtful = self.doubtful.take().filter(|(other, _)| fence.info.is_empty() && fence.could_end(other));
        if let Some((_, path)) = doubtful {
            let summary = "it cannot be told where the file ends, for there are fences in it or behind it";
            let help = "Put the whole file between two lines of ````` and use no other fence of that length.";
            self.problems.push(Problem::new(Cause::Malformed, summary).in_file(&path).with_detail(help));
        }
    }

    fn whole_file(&mut self, path: String, marked: bool, content: String, fence: Fence<'t>) {
        self.take_path_line(&path);
        if shows_something_else(&fence, &path, marked) {
            let summary = format!("a block of {} is not taken for this file", fence.language());
            let help = "Give SEARCH and REPLACE blocks, or the complete file behind a line FILE: path.";
            self.problems.push(Problem::new(Cause::Malformed, summary).in_file(&path).with_detail(help));
            return;
        }
        self.doubtful = may_hold_fences(&path).then(|| (fence, path.clone()));
        self.edits.push(Edit::WholeFile { path, content });
    }

    /// Finds the end of a fenced block, or that search blocks stand in it.
    fn body(&self, at: usize, end: usize, fence: &Fence<'_>) -> Body {
        let mut depth = 0_usize;
        let mut inside: Option<Fence<'_>> = None;
        for (line_at, line) in self.lines.iter().enumerate().take(end).skip(at + 1) {
            if fence.closes(line) {
                if depth == 0 {
                    return Body { range: at + 1..line_at, closed: true, has_blocks: false };
                }
                depth -= 1;
                inside = None;
            } else if inside.is_some_and(|inner| inner.closes(line)) {
                inside = None;
            } else if fence.nests(line) {
                depth += 1;
            } else if inside.is_none() && depth == 0 {
                if search_replace::opener(line).is_some() {
                    return Body { range: at + 1..end, closed: false, has_blocks: true };
                }
                inside = Fence::open(line).filter(|inner| !inner.is_tag());
            }
        }
        Body { range: at + 1..end, closed: false, has_blocks: false }
    }

    /// Reads the search blocks inside a fence; a missing closing line of the fence does no harm to complete blocks.
    fn fenced_blocks(&mut self, opened: usize, end: usize, fence: Fence<'t>) -> usize {
        let mut at = opened + 1;
        while at < end {
            let line = self.lines[at];
            if let Some(opener) = search_replace::opener(line) {
                at = self.search_block(at, end, opener, Some((opened, fence)));
            } else if fence.closes(line) {
                return self.go_on_from(at + 1);
            } else if self.since > opened && fence.nests(line) {
                // The fence was not closed, and the next one opens.
                return at;
            } else {
                if path_line(line).is_none() {
                    self.plain_line(at);
                }
                at += 1;
            }
        }
        end
    }

    fn content(&self, body: &Body, fence: &Fence<'_>) -> String {
        self.lines[body.range.clone()].iter().flat_map(|line| [fence.inner(line), "\n"]).collect()
    }

    /// Tells whether the block is only wrapped around an answer.
    fn is_wrapper(&self, body: &Body, fence: &Fence<'_>) -> bool {
        let wraps = matches!(fence.language().as_str(), "" | "markdown" | "md" | "text" | "txt" | "plaintext");
        let is_edit = |line: &&str| {
            search_replace::opener(line).is_some()
                || path_line(line).is_some_and(|found| found.marked)
                || command(line).is_some()
        };
        wraps && self.lines[body.range.clone()].iter().any(is_edit)
    }

    /// Returns the path that is all that a block holds.
    fn path_alone(&self, body: &Body) -> Option<&'t str> {
        let found = path_line(self.lines[body.range.start..body.range.end].first()?)?;
        (body.closed && body.range.len() == 1 && (found.certain || found.marked)).then_some(found.path)
    }

    /// Returns the path in the first line of a block that holds nothing else but that file.
    fn path_inside(&self, body: &Body) -> Option<&'t str> {
        let (first, rest) = self.lines[body.range.clone()].split_first()?;
        let is_edit = |line: &&str| {
            Fence::open(line).is_some() || path_line(line).is_some_and(|found| found.marked) || command(line).is_some()
        };
        let found = path_line(first).filter(|found| found.marked)?;
        (body.closed && rest.iter().any(|line| !line.trim().is_empty()) && !rest.iter().any(is_edit))
            .then_some(found.path)
    }

    /// Finds the line that closes a text which no line opened: the only fence that is left, at the end of the answer.
    fn unopened(&self, from: usize, end: usize, fence: &Fence<'_>) -> Option<usize> {
        let rest = &self.lines[from..end];
        let last = rest.iter().rposition(|line| !line.trim().is_empty())?;
        let fences = rest.iter().filter(|line| Fence::open(line).is_some()).count();
        let is_text = rest[..last].iter().any(|line| !line.trim().is_empty());
        (is_text && fences == 1 && fence.closes(rest[last])).then_some(from + last)
    }
}
