//! Walks over the lines of an answer and sorts them into edits, loose blocks and prose.

use std::ops::Range;

use crate::edit::Edit;
use crate::edit::feedback::{Cause, Problem};

use super::commands::command;
use super::fence::Fence;
use super::naming::Naming;
use super::path_line::{PathLine, path_line};
use super::search_replace::{self, Opener};
use super::{PROSE_LANGUAGES, may_hold_fences, shows_something_else};

/// A fenced block that is no edit by itself.
#[derive(Clone, Debug)]
pub(super) struct Loose<'t> {
    /// Its opening line.
    pub(super) fence: Fence<'t>,
    /// Its text.
    pub(super) content: String,
}

/// What was read so far.
pub(super) struct Reader<'t> {
    lines: &'t [&'t str],
    target: Option<&'t str>,
    pub(super) edits: Vec<Edit>,
    pub(super) problems: Vec<Problem>,
    pub(super) loose: Vec<Loose<'t>>,
    pub(super) remarks: Vec<&'t str>,
    /// The line behind the last block; what stands from here on may name the file of the next.
    since: usize,
    /// The file of the last search block.
    current: Option<String>,
    /// A line `FILE: path` that no block has followed yet.
    pending: Option<String>,
    /// The fence and file of a whole file whose end a shorter fence inside could have been taken for.
    doubtful: Option<(Fence<'t>, String)>,
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
    pub(super) fn new(lines: &'t [&'t str], target: Option<&'t str>) -> Self {
        Self {
            lines,
            target,
            edits: Vec::new(),
            problems: Vec::new(),
            loose: Vec::new(),
            remarks: Vec::new(),
            since: 0,
            current: None,
            pending: None,
            doubtful: None,
        }
    }

    /// Reads the lines of `range`.
    pub(super) fn read(&mut self, range: Range<usize>) {
        let mut at = range.start;
        self.since = at;
        while at < range.end {
            let line = self.lines[at];
            if let Some(opener) = search_replace::opener(line) {
                at = self.search_block(at, range.end, opener, None);
            } else if let Some(fence) =
                Fence::open(line).filter(|fence| !fence.is_tag() || self.is_closed(fence, at, &range))
            {
                at = self.fenced(at, range.end, fence);
            } else {
                self.plain_line(at);
                at += 1;
            }
        }
        self.end_pending();
    }

    fn is_closed(&self, fence: &Fence<'_>, at: usize, range: &Range<usize>) -> bool {
        self.lines[at + 1..range.end].iter().any(|line| fence.closes(line))
    }

    fn plain_line(&mut self, at: usize) {
        let line = self.lines[at];
        if search_replace::is_closer(line) {
            self.malformed(at, "a closing marker stands without an opening line <<<<<<< SEARCH before it");
            return;
        }
        match command(line) {
            Some(Ok(edit)) => {
                self.end_pending();
                self.edits.push(edit);
                self.since = at + 1;
                return;
            }
            Some(Err(reason)) => return self.malformed(at, reason),
            None => {}
        }
        match path_line(line) {
            Some(PathLine { path, marked: true, .. }) => {
                self.end_pending();
                self.pending = Some(path.to_owned());
                self.current = Some(path.to_owned());
            }
            _ => self.remarks.push(line),
        }
    }

    /// Complains about a `FILE:` line that nothing has followed: its edit would be lost.
    fn end_pending(&mut self) {
        if let Some(path) = self.pending.take() {
            let summary = "behind the line FILE: no block follows directly";
            self.problems.push(Problem::new(Cause::Malformed, summary).in_file(&path));
        }
    }

    fn malformed(&mut self, at: usize, reason: &str) {
        let summary = format!("{reason} (line {} of the answer)", at + 1);
        self.problems.push(Problem::new(Cause::Malformed, summary));
    }

    /// Reads the block that opens in line `at` and returns the line to go on with.
    fn search_block(&mut self, at: usize, end: usize, opener: Opener<'_>, fence: Option<(usize, Fence<'_>)>) -> usize {
        let named = self.naming().of_search(at, fence).map(str::to_owned);
        let path = named.or_else(|| self.current.clone()).or_else(|| self.target.map(str::to_owned));
        let lines = &self.lines[..end];
        let block = match search_replace::read(lines, at, opener) {
            Ok(block) => block,
            Err(reason) => {
                let summary = format!("{reason} (it opens in line {} of the answer)", at + 1);
                let problem = Problem::new(Cause::Malformed, summary);
                self.problems.push(if let Some(path) = &path { problem.in_file(path) } else { problem });
                self.pending = None;
                let next = (at + 1..end).find(|next| search_replace::opener(lines[*next]).is_some());
                return self.go_on_from(next.unwrap_or(end));
            }
        };
        let after = block.replace.end + 1;
        let (search, replace) = texts(lines, &block);
        match path {
            Some(path) => {
                self.take_path_line(&path);
                self.current = Some(path.clone());
                self.edits.push(Edit::Replace { path, search, replace, line: block.line });
            }
            None => {
                let summary = format!("the block in line {} of the answer does not say which file it is for", at + 1);
                let help = "Put a line FILE: path directly before <<<<<<< SEARCH or before its fence.";
                self.problems.push(Problem::new(Cause::WhichFile, summary).with_detail(help));
            }
        }
        self.doubtful = None;
        self.go_on_from(after)
    }

    fn go_on_from(&mut self, at: usize) -> usize {
        self.since = at;
        at
    }

    /// Notes that the line which named `path` has had its block, and is no remark.
    fn take_path_line(&mut self, path: &str) {
        if self.pending.as_deref() != Some(path) {
            self.end_pending();
        }
        self.pending = None;
        let last = self.remarks.iter().rposition(|line| !line.trim().is_empty());
        if let Some(last) = last.filter(|last| path_line(self.remarks[*last]).is_some_and(|found| found.path == path)) {
            self.remarks.truncate(last);
        }
    }

    fn naming(&self) -> Naming<'t> {
        Naming { lines: self.lines, since: self.since }
    }

    /// Reads the fenced block that opens in line `at` and returns the line to go on with.
    fn fenced(&mut self, at: usize, end: usize, fence: Fence<'t>) -> usize {
        let body = self.body(at, end, &fence);
        if body.has_blocks {
            return self.fenced_blocks(at, end, fence);
        }
        let after = body.range.end + usize::from(body.closed);
        let path = self.naming().of_whole(at, &fence);
        let content = self.content(&body, &fence);
        match path {
            Some((path, _)) if !body.closed => {
                self.take_path_line(path);
                let summary = "the fenced block is not closed; the answer was perhaps cut off";
                self.problems.push(Problem::new(Cause::Malformed, summary).in_file(path));
            }
            Some((path, marked)) => self.whole_file(path.to_owned(), marked, content, fence),
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

    fn loose_block(&mut self, fence: Fence<'t>, content: String) {
        let doubtful = self.doubtful.take().filter(|(other, _)| fence.info.is_empty() && fence.could_end(other));
        if let Some((_, path)) = doubtful {
            let summary = "it cannot be told where the file ends, for there are fences in it or behind it";
            let help = "Put the whole file between two lines of ````` and use no other fence of that length.";
            self.problems.push(Problem::new(Cause::Malformed, summary).in_file(&path).with_detail(help));
        }
        self.loose.push(Loose { fence, content });
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

/// Cuts the two texts out, without the indentation that the whole block has.
fn texts(lines: &[&str], block: &search_replace::Block) -> (String, String) {
    let marker = lines[block.search.start - 1];
    let indent = &marker[..marker.len() - marker.trim_start().len()];
    let inside = || lines[block.search.clone()].iter().chain(&lines[block.replace.clone()]);
    let all_indented = inside().all(|line| line.starts_with(indent) || line.trim().is_empty());
    let join = |range: &Range<usize>| {
        let cut = |line: &'_ &str| -> String {
            let text = if all_indented { line.strip_prefix(indent).unwrap_or("") } else { line };
            format!("{text}\n")
        };
        lines[range.clone()].iter().map(cut).collect::<String>()
    };
    (join(&block.search), join(&block.replace))
}
