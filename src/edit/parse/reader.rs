//! Walks over the lines of an answer and sorts them into edits, loose blocks and prose.

use std::ops::Range;

use crate::edit::Edit;
use crate::edit::feedback::{Cause, Problem};

use super::commands::command;
use super::fence::Fence;
use super::fenced::Loose;
use super::naming::Naming;
use super::path_line::{PathLine, path_line};
use super::recognise::end_of_diff;
use super::search_replace::{self, Opener};

/// What was read so far.
pub(super) struct Reader<'t> {
    pub(super) lines: &'t [&'t str],
    /// The same as diffs are read: without the indentation of fences.
    pub(super) shown: &'t [&'t str],
    target: Option<&'t str>,
    pub(super) edits: Vec<Edit>,
    pub(super) problems: Vec<Problem>,
    pub(super) loose: Vec<Loose<'t>>,
    pub(super) remarks: Vec<&'t str>,
    /// The lines of the edits, with what stands directly before each.
    pub(super) used: Vec<Range<usize>>,
    /// The line behind the last block; what stands from here on may name the file of the next.
    pub(super) since: usize,
    /// The file of the last search block.
    current: Option<String>,
    /// A line `FILE: path` that no block has followed yet.
    pub(super) pending: Option<String>,
    /// The fence and file of a whole file whose end a shorter fence inside could have been taken for.
    pub(super) doubtful: Option<(Fence<'t>, String)>,
}

impl<'t> Reader<'t> {
    pub(super) fn new(lines: &'t [&'t str], shown: &'t [&'t str], target: Option<&'t str>) -> Self {
        Self {
            lines,
            shown,
            target,
            edits: Vec::new(),
            problems: Vec::new(),
            loose: Vec::new(),
            remarks: Vec::new(),
            used: Vec::new(),
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
            let (edits, since) = (self.edits.len(), self.since);
            if let Some(end) = end_of_diff(self.shown, at, None) {
                at = self.diff(at..end.min(range.end));
            } else if let Some(opener) = search_replace::opener(line) {
                at = self.search_block(at, range.end, opener, None);
            } else if let Some(fence) =
                Fence::open(line).filter(|fence| !fence.is_tag() || self.is_closed(fence, at, &range))
            {
                at = self.fenced(at, range.end, fence);
            } else {
                self.plain_line(at);
                at += 1;
            }
            if self.edits.len() > edits {
                self.used.push(since..at);
            }
        }
        self.end_pending();
    }

    /// Leaves out the lines of a diff, which are read by themselves; a path before them is theirs.
    pub(super) fn diff(&mut self, range: Range<usize>) -> usize {
        self.pending = None;
        self.remarks.extend(&self.lines[range.clone()]);
        self.go_on_from(range.end)
    }

    fn is_closed(&self, fence: &Fence<'_>, at: usize, range: &Range<usize>) -> bool {
        self.lines[at + 1..range.end].iter().any(|line| fence.closes(line))
    }

    pub(super) fn plain_line(&mut self, at: usize) {
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

    pub(super) fn malformed(&mut self, at: usize, reason: &str) {
        let summary = format!("{reason} (line {} of the answer)", at + 1);
        self.problems.push(Problem::new(Cause::Malformed, summary));
    }

    /// Reads the block that opens in line `at` and returns the line to go on with.
    pub(super) fn search_block(
        &mut self,
        at: usize,
        end: usize,
        opener: Opener<'_>,
        fence: Option<(usize, Fence<'_>)>,
    ) -> usize {
        let named = search_replace::path(self.lines[at]).or_else(|| self.naming().of_search(at, fence));
        let named = named.or_else(|| self.naming().in_words_above(fence.map_or(at, |(opened, _)| opened)));
        let path = named.map(str::to_owned).or_else(|| self.current.clone()).or_else(|| self.target.map(str::to_owned));
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

    pub(super) fn go_on_from(&mut self, at: usize) -> usize {
        self.since = at;
        at
    }

    /// Notes that the line which named `path` has had its block, and is no remark.
    pub(super) fn take_path_line(&mut self, path: &str) {
        if self.pending.as_deref() != Some(path) {
            self.end_pending();
        }
        self.pending = None;
        let last = self.remarks.iter().rposition(|line| !line.trim().is_empty());
        if let Some(last) = last.filter(|last| path_line(self.remarks[*last]).is_some_and(|found| found.path == path)) {
            self.remarks.truncate(last);
        }
    }

    pub(super) fn naming(&self) -> Naming<'t> {
        Naming { lines: self.lines, since: self.since }
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
