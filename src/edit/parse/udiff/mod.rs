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
//! Counts only tell where a hunk ends: a wrong one is no error. A line without a sign, but for an empty one, ends the hunk.
//! Fences and prose around are skipped. The first part of the names is taken away where both sides have one of their own
//! (`a/`, `b/`) and the file is not there under the whole name.

mod hunk;
mod names;
mod section;

use crate::edit::Edit;
use crate::edit::feedback::{Cause, Problem};

use hunk::{hunk, is_heading};
use names::{side, two_names, unquoted};
use section::Section;

/// Tells whether an answer holds a unified diff.
pub(super) fn is_diff(lines: &[&str]) -> bool {
    let named = |pair: &[&str]| pair[0].starts_with("--- ") && pair[1].starts_with("+++ ");
    lines.iter().any(|line| line.starts_with("diff --git "))
        || lines.windows(2).any(named)
        || lines.iter().any(|line| is_heading(line))
}

/// Reads the edits of all diffs in `lines`.
///
/// `exists` tells whether a file is there; `target` is the file of hunks without a name.
pub(super) fn read(
    lines: &[&str],
    exists: &dyn Fn(&str) -> bool,
    target: Option<&str>,
) -> Result<Vec<Edit>, Vec<Problem>> {
    let mut sections: Vec<Section> = Vec::new();
    let mut problems = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        let line = lines[at];
        if let Some(rest) = line.strip_prefix("diff ").or_else(|| line.strip_prefix("Index: ")) {
            let git = rest.strip_prefix("--git ");
            sections.push(Section { is_git: git.is_some(), git_names: git.and_then(two_names), ..Section::default() });
        } else if line.starts_with("--- ") && lines.get(at + 1).is_some_and(|next| next.starts_with("+++ ")) {
            let open = sections.last().is_some_and(|section| section.old.is_none() && section.hunks.is_empty());
            if !open {
                sections.push(Section::default());
            }
            if let Some(section) = sections.last_mut() {
                section.old = Some(side(&line[4..]));
                section.new = Some(side(&lines[at + 1][4..]));
            }
            at += 1;
        } else if line.starts_with("@@") {
            match hunk(lines, at) {
                Ok((found, counts, next)) => {
                    if sections.is_empty() {
                        sections.push(Section::default());
                    }
                    if let Some(section) = sections.last_mut() {
                        section.hunks.push((found, counts));
                    }
                    at = next;
                    continue;
                }
                Err(problem) => problems.push(problem),
            }
        } else if let Some(section) = sections.last_mut().filter(|section| section.is_git && section.hunks.is_empty()) {
            header(section, line);
        }
        at += 1;
    }
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
