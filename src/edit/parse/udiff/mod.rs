//! Unified diffs, as tools and as models write them (GNU diffutils, "Detailed Description of Unified Format"; git-diff,
//! "Generating patch text with -p").
//!
//! ~~~text
//! diff --git a/OLD b/NEW             may be missing; so may what follows up to the hunks
//! new file mode 100755 | deleted file mode M | old mode M, new mode M
//! rename from OLD, rename to NEW | copy from OLD, copy to NEW
//! --- a/OLD                          /dev/null where there is none
//! +++ b/NEW
//! @@ -LINE,COUNT +LINE,COUNT @@ HEADING     or `@@ ... @@`, `@@`, `@@ HEADING`
//!  kept
//! -removed
//! +added
//! \ No newline at end of file
//! ~~~
//!
//! Counts only tell where a hunk ends: a wrong one is no error. A line without a sign, but for an empty one, ends the hunk;
//! where lines with signs follow in the same fence it is one of the file that has lost its blank. The first hunk behind the
//! names may come without `@@`. Hunks without names are for the file that is named before them as before a search block,
//! or for that of the hunks before. Fences and prose around are skipped. The first part of the names is taken away where both sides have one of their own
//! (`a/`, `b/`) and the file is not there under the whole name.

mod hunk;
mod names;
mod section;

use crate::edit::Edit;
use crate::edit::feedback::{Cause, Problem};

use super::fence::Fence;
use super::naming::Naming;
pub(super) use hunk::heading_of as heading;
use hunk::{hunk, is_heading};
use names::{Side, side, two_names, unquoted};
use section::Section;

/// How the lines before the hunks of a file begin.
const HEAD: [&str; 15] = [
    "diff ",
    "Index: ",
    "index ",
    "--- ",
    "+++ ",
    "=====",
    "new file mode ",
    "deleted file mode ",
    "old mode ",
    "new mode ",
    "similarity ",
    "dissimilarity ",
    "rename ",
    "copy ",
    "Binary files ",
];

/// Tells whether an answer holds a unified diff.
pub(super) fn is_diff(lines: &[&str]) -> bool {
    (0..lines.len()).any(|at| begins(&lines[at..]))
}

/// Tells whether the first of `lines` is the first one of a diff.
pub(super) fn begins(lines: &[&str]) -> bool {
    let [first, behind @ ..] = lines else { return false };
    let named = |next: &&str| first.starts_with("--- ") && next.starts_with("+++ ");
    // A name of Ruby may begin so too.
    let is_bare = first.trim_end() == "@@" || first.starts_with("@@ ");
    let headed = |next: &&str| is_bare && next.starts_with([' ', '+', '-']);
    first.starts_with("diff --git ")
        || is_heading(first)
        || behind.first().is_some_and(|next| named(next) || headed(next))
}

/// Returns the line behind the diff that begins in line `at`, inside of `fence`.
pub(super) fn end(lines: &[&str], at: usize, fence: Option<Fence<'_>>) -> usize {
    let mut at = at;
    while let Some(line) = lines.get(at) {
        let is_named = at > 0 && line.starts_with([' ', '+', '-']) && lines[at - 1].starts_with("+++ ");
        if line.starts_with("@@") || is_named {
            at = hunk(lines, at, fence).map_or(at + 1, |(_, _, next)| next);
        } else if HEAD.iter().any(|start| line.starts_with(start)) {
            at += 1;
        } else {
            break;
        }
    }
    at
}

/// Reads the edits of all diffs in `lines`.
///
/// `exists` tells whether a file is there; `target` is the file of hunks without a name.
pub(super) fn read(
    lines: &[&str],
    exists: &dyn Fn(&str) -> bool,
    target: Option<&str>,
) -> Result<Vec<Edit>, Vec<Problem>> {
    let mut diffs = Diffs { lines, since: 0, fence: None, sections: Vec::new(), problems: Vec::new() };
    let mut at = 0;
    while at < lines.len() {
        at = diffs.step(at);
    }
    let Diffs { sections, mut problems, .. } = diffs;
    let mut edits = Vec::new();
    for section in sections {
        match section.edits(exists, target) {
            Ok(found) => edits.extend(found),
            Err(problem) => problems.push(problem),
        }
    }
    // A copy is one of the file as it was, wherever in the diff it stands (git-diff).
    edits.sort_by_key(|edit| !matches!(edit, Edit::Copy { .. }));
    if problems.is_empty() { Ok(edits) } else { Err(problems) }
}

/// What was read so far.
struct Diffs<'t> {
    lines: &'t [&'t str],
    /// The line behind the last hunk or name; what stands from here on may name the file of the next hunk.
    since: usize,
    /// The fence that is open, and the line where it opens.
    fence: Option<(usize, Fence<'t>)>,
    sections: Vec<Section>,
    problems: Vec<Problem>,
}

impl<'t> Diffs<'t> {
    /// Reads what stands in line `at` and returns the line to go on with.
    fn step(&mut self, at: usize) -> usize {
        let line = self.lines[at];
        if let Some(rest) = line.strip_prefix("diff ").or_else(|| line.strip_prefix("Index: ")) {
            let git = rest.strip_prefix("--git ");
            let names = git.and_then(two_names);
            self.sections.push(Section { is_git: git.is_some(), git_names: names, ..Section::default() });
            self.since = at + 1;
        } else if line.starts_with("--- ") && self.lines.get(at + 1).is_some_and(|next| next.starts_with("+++ ")) {
            self.names(side(&line[4..]), side(&self.lines[at + 1][4..]));
            self.since = at + 2;
            let behind = &self.lines[at + 2..];
            // Behind the names of an empty file stand those of the next one.
            let is_named = behind.len() > 1 && behind[0].starts_with("--- ") && behind[1].starts_with("+++ ");
            let is_headless = !is_named && behind.first().is_some_and(|next| next.starts_with([' ', '+', '-']));
            return if is_headless { self.hunk(at + 2) } else { at + 2 };
        } else if line.starts_with("@@") {
            self.name_from_prose(at);
            return self.hunk(at);
        } else if let Some(section) =
            self.sections.last_mut().filter(|section| section.is_git && section.hunks.is_empty())
        {
            header(section, line);
        }
        match self.fence {
            Some((_, fence)) if fence.closes(line) => self.fence = None,
            None => self.fence = Fence::open(line).filter(|fence| !fence.is_tag()).map(|fence| (at, fence)),
            Some(_) => {}
        }
        at + 1
    }

    fn names(&mut self, old: Side, new: Side) {
        let is_open = self.sections.last().is_some_and(|section| section.old.is_none() && section.hunks.is_empty());
        if !is_open {
            self.sections.push(Section::default());
        }
        if let Some(section) = self.sections.last_mut() {
            section.old = Some(old);
            section.new = Some(new);
        }
    }

    /// Begins a new file where one is named before the hunk in line `at` and no diff names it.
    fn name_from_prose(&mut self, at: usize) {
        let naming = Naming { lines: self.lines, since: self.since };
        let Some(path) = naming.of_search(at, self.fence) else { return };
        let is_same = |side: &Side| side.name == path || side.name.ends_with(&format!("/{path}"));
        if !self.sections.last().and_then(|section| section.new.as_ref()).is_some_and(is_same) {
            self.sections.push(Section { old: Some(side(path)), new: Some(side(path)), ..Section::default() });
        }
    }

    fn hunk(&mut self, at: usize) -> usize {
        let next = match hunk(self.lines, at, self.fence.map(|(_, fence)| fence)) {
            Ok((found, counts, next)) => {
                if self.sections.is_empty() {
                    self.sections.push(Section::default());
                }
                if let Some(section) = self.sections.last_mut() {
                    section.hunks.push((found, counts));
                }
                next
            }
            Err(problem) => {
                self.problems.push(problem);
                at + 1
            }
        };
        self.since = next;
        next
    }
}

/// Where a line of the header is kept.
type Place = fn(&mut Section) -> &mut Option<String>;

/// Reads a line of git's extended header; anything else is prose.
fn header(section: &mut Section, line: &str) {
    let name = |text: &str| Some(unquoted(text.trim_end()));
    let known: [(&str, Place); 6] = [
        ("rename from ", |section| &mut section.renamed.0),
        ("rename to ", |section| &mut section.renamed.1),
        ("copy from ", |section| &mut section.copied.0),
        ("copy to ", |section| &mut section.copied.1),
        ("old mode ", |section| &mut section.mode.0),
        ("new mode ", |section| &mut section.mode.1),
    ];
    if let Some((start, place)) = known.iter().find(|(start, _)| line.starts_with(start)) {
        *place(section) = name(&line[start.len()..]);
    } else if let Some(mode) = line.strip_prefix("new file mode ") {
        section.is_new = true;
        section.mode.1 = name(mode);
    } else if line.starts_with("deleted file mode ") {
        section.is_deleted = true;
    } else if line.starts_with("GIT binary patch") || line.starts_with("Binary files ") {
        section.is_binary = true;
    } else if line.starts_with("--- ") || line.starts_with("+++ ") {
        // One without the other is no diff of a file.
        section.is_git = false;
        section.git_names = None;
    }
}

/// Makes a problem of a diff that is not one.
fn malformed(summary: impl Into<String>) -> Problem {
    Problem::new(Cause::Malformed, summary)
}
