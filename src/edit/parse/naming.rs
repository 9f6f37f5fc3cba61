//! Which file a block is for, by what stands before it.

use super::fence::Fence;
use super::path_line::{PathLine, announced, info_path, leading_over, mentioned, path_line};

/// Lines between a path and its block in the calls that Cline and Roo Code teach.
const FRAMES: [&str; 2] = ["<diff>", "<content>"];

/// The lines of an answer, for looking up from a block.
#[derive(Clone, Copy, Debug)]
pub(super) struct Naming<'t> {
    /// All lines of the answer.
    pub(super) lines: &'t [&'t str],
    /// The line behind the block before; what stands above it names no other block.
    pub(super) since: usize,
}

impl<'t> Naming<'t> {
    /// Finds the file of the search block in line `at`: the nearest name above it, in its fence or before.
    pub(super) fn of_search(&self, at: usize, fence: Option<(usize, Fence<'t>)>) -> Option<&'t str> {
        let Some((opened, fence)) = fence else {
            return self.path_above(at, self.since).or_else(|| self.in_prose_above(at));
        };
        let inside = self.path_above(at, self.since.max(opened + 1));
        if self.since > opened {
            return inside;
        }
        let info = || info_path(fence.info);
        inside.or_else(info).or_else(|| self.path_above(opened, self.since)).or_else(|| self.in_prose_above(opened))
    }

    /// Finds the file of the fenced block that opens in line `at`, and whether it stands behind `FILE:` or in the fence.
    pub(super) fn of_whole(&self, at: usize, fence: &Fence<'t>) -> Option<(&'t str, bool)> {
        if let Some(path) = info_path(fence.info) {
            return Some((path, true));
        }
        if let Some(found) = self.path_line_above(at, self.since).filter(|found| found.certain) {
            // The last item of a list of files belongs to the list, unless the block stands in the item.
            let own = !found.listed || found.marked || fence.is_indented() || self.is_filled(at);
            return own.then_some((found.path, found.marked));
        }
        let line = self.line_above(at, self.since)?;
        announced(self.lines[line]).map(|path| (path, false))
    }

    /// Tells whether nothing but `path`, without any sign that it is one, stands above line `at`.
    pub(super) fn is_bare(&self, at: usize, path: &str) -> bool {
        self.line_above(at, self.since).is_some_and(|above| self.lines[above].trim() == path)
    }

    /// Returns the only path in a line above line `at` that leads over to another file: a heading, or one that says that
    /// something is done in it (`Then in src/a.py:`).
    pub(super) fn in_words_above(&self, at: usize) -> Option<&'t str> {
        leading_over(self.lines[self.line_above(at, self.since)?])
    }

    fn in_prose_above(&self, at: usize) -> Option<&'t str> {
        mentioned(self.lines[self.line_above(at, self.since)?])
    }

    /// Reads the path line above line `at`, down to line `floor`; a bare word counts only directly above.
    fn path_above(&self, at: usize, floor: usize) -> Option<&'t str> {
        let found = self.path_line_above(at, floor)?;
        (found.certain || self.is_filled(at)).then_some(found.path)
    }

    fn path_line_above(&self, at: usize, floor: usize) -> Option<PathLine<'t>> {
        let above = self.line_above(at, floor)?;
        let line = self.lines[above];
        // A fence around nothing but the path stands for the path.
        let wrapped = above >= floor + 2 && Fence::open(self.lines[above - 2]).is_some_and(|fence| fence.closes(line));
        path_line(if wrapped { self.lines[above - 1] } else { line })
    }

    /// Tells whether something stands directly above line `at`.
    fn is_filled(&self, at: usize) -> bool {
        at.checked_sub(1).is_some_and(|above| !self.lines[above].trim().is_empty())
    }

    fn line_above(&self, at: usize, floor: usize) -> Option<usize> {
        let is_frame = |line: &str| line.is_empty() || FRAMES.contains(&line);
        (floor..at).rev().find(|above| !is_frame(self.lines[*above].trim()))
    }
}
