//! The format that begins with `*** Begin Patch` (OpenAI, "GPT-4.1 Prompting Guide", apply_patch).
//!
//! ~~~text
//! *** Begin Patch
//! *** Add File: path                 lines behind +
//! *** Delete File: path
//! *** Update File: path
//! *** Move to: path                  at once behind, may be missing
//! @@ anchor                          a line that stands above the place; several, or none behind @@; the heading of a
//!                                    hunk of a unified diff is taken as well
//!  kept
//! -removed
//! +added
//! *** End of File                    the hunk reaches to the end
//! *** End Patch
//! ~~~
//!
//! The first and the last line may be missing together. The first hunk of a file may come without `@@`. A hunk that only adds goes behind its anchor, or to the end of the file
//! where it has none. What stands before and behind the patch, such as a here-document of a shell, is skipped.

use super::udiff::heading;
use crate::edit::feedback::{Cause, Problem};
use crate::edit::{Edit, Hunk};

const BEGIN: &str = "*** Begin Patch";
const END: &str = "*** End Patch";
const ADD: &str = "*** Add File:";
const DELETE: &str = "*** Delete File:";
const UPDATE: &str = "*** Update File:";

/// Tells whether an answer holds such a patch.
pub(super) fn is_patch(lines: &[&str]) -> bool {
    lines.iter().any(|line| line.trim() == BEGIN || names_file(line))
}

/// Tells whether `line` is the last one of a patch.
pub(super) fn ends(line: &str) -> bool {
    line.trim() == END
}

/// Tells whether `line` names a file of a patch.
fn names_file(line: &str) -> bool {
    [ADD, DELETE, UPDATE].iter().any(|marker| marked(line, marker).is_some())
}

/// Reads the edits of the patches in `lines`.
pub(super) fn read(lines: &[&str]) -> Result<Vec<Edit>, Vec<Problem>> {
    let mut edits = Vec::new();
    let mut problems = Vec::new();
    let mut at = 0;
    let mut any = false;
    while let Some(begin) = lines.iter().skip(at).position(|line| line.trim() == BEGIN).map(|offset| at + offset) {
        any = true;
        let Some(end) = lines.iter().skip(begin).position(|line| line.trim() == END).map(|offset| begin + offset)
        else {
            problems.push(malformed("the patch has no line *** End Patch; the answer was perhaps cut off"));
            break;
        };
        match sections(&lines[begin + 1..end]) {
            Ok(found) => edits.extend(found),
            Err(problem) => problems.push(problem),
        }
        at = end + 1;
    }
    if let (false, Some(begin)) = (any, lines.iter().position(|line| names_file(line))) {
        let end =
            lines.iter().skip(begin).position(|line| line.starts_with("```")).map_or(lines.len(), |end| begin + end);
        match sections(&lines[begin..end]) {
            Ok(found) => edits.extend(found),
            Err(problem) => problems.push(problem),
        }
    } else if !any {
        problems.push(Problem::new(Cause::NoEdit, "it holds no patch").with_detail(
            "Expected are the lines *** Begin Patch, for each file *** Update File: path with hunks, and *** End Patch.",
        ));
    }
    if problems.is_empty() { Ok(edits) } else { Err(problems) }
}

fn malformed(summary: impl Into<String>) -> Problem {
    Problem::new(Cause::Malformed, summary)
}

/// Returns the path behind a marker such as `*** Add File:`.
fn marked<'t>(line: &'t str, marker: &str) -> Option<&'t str> {
    line.trim().strip_prefix(marker).map(str::trim).filter(|path| !path.is_empty())
}

fn sections(lines: &[&str]) -> Result<Vec<Edit>, Problem> {
    let mut edits = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        let line = lines[at];
        let end = (at + 1..lines.len()).find(|next| begins_section(lines[*next])).unwrap_or(lines.len());
        let body = &lines[at + 1..end];
        if let Some(path) = marked(line, ADD) {
            edits.push(Edit::Create { path: path.to_owned(), content: added(path, body)? });
        } else if let Some(path) = marked(line, DELETE) {
            if let Some(odd) = body.iter().find(|line| !line.trim().is_empty()) {
                return Err(
                    malformed(format!("behind *** Delete File: nothing may stand, and there is {odd:?}")).in_file(path)
                );
            }
            edits.push(Edit::Delete { path: path.to_owned() });
        } else if let Some(path) = marked(line, UPDATE) {
            edits.extend(updated(path, body)?);
        } else if !line.trim().is_empty() {
            return Err(malformed(format!("{line:?} is no line of a patch here")).with_detail(
                "Each file begins with *** Add File: path, *** Update File: path or *** Delete File: path.",
            ));
        }
        at = if marked(line, "***").is_some() { end } else { at + 1 };
    }
    if edits.is_empty() {
        return Err(malformed("the patch names no file"));
    }
    Ok(edits)
}

fn begins_section(line: &str) -> bool {
    [ADD, DELETE, UPDATE].iter().any(|marker| line.trim_start().starts_with(marker))
        || (line.starts_with("*** ") && !line.starts_with("*** End of File") && !line.starts_with("*** Move to:"))
}

fn added(path: &str, body: &[&str]) -> Result<String, Problem> {
    let mut content = String::new();
    let end = body.iter().rposition(|line| !line.trim().is_empty()).map_or(0, |last| last + 1);
    for line in &body[..end] {
        let text = line
            .strip_prefix('+')
            .ok_or_else(|| malformed(format!("a line of a new file has no + before it: {line:?}")).in_file(path))?;
        content.push_str(text);
        content.push('\n');
    }
    Ok(content)
}

fn updated(path: &str, body: &[&str]) -> Result<Vec<Edit>, Problem> {
    let mut body = body;
    let mut edits = Vec::new();
    let mut path = path.to_owned();
    if let Some(to) = body.first().and_then(|line| marked(line, "*** Move to:")) {
        body = &body[1..];
        if to != path {
            edits.push(Edit::Rename { from: path, to: to.to_owned() });
        }
        path = to.to_owned();
    }
    let hunks = hunks(&path, body)?;
    if hunks.is_empty() && edits.is_empty() {
        return Err(malformed("there is no hunk for this file").in_file(&path));
    }
    if !hunks.is_empty() {
        edits.push(Edit::Hunks { path, hunks, removes: false });
    }
    Ok(edits)
}

fn hunks(path: &str, body: &[&str]) -> Result<Vec<Hunk>, Problem> {
    let mut hunks: Vec<Hunk> = Vec::new();
    let mut current: Option<Hunk> = None;
    let end = body.iter().rposition(|line| !line.trim().is_empty()).map_or(0, |last| last + 1);
    for line in &body[..end] {
        let is_empty = |hunk: &Hunk| hunk.old.is_empty() && hunk.new.is_empty();
        if let Some(anchor) = line.strip_prefix("@@") {
            let (number, anchor) = heading(line).unwrap_or((None, anchor.trim_start_matches('@')));
            let anchor = anchor.trim().trim_end_matches("@@").trim();
            // Several anchors may follow each other; a bare one begins anew.
            let mut hunk = match current.take() {
                Some(open) if is_empty(&open) && !anchor.is_empty() => open,
                Some(open) => {
                    keep(path, &mut hunks, open)?;
                    Hunk::default()
                }
                None => Hunk::default(),
            };
            hunk.must_find_anchors = number.is_none();
            hunk.line = hunk.line.or(number);
            hunk.anchors.extend((!anchor.is_empty()).then(|| anchor.to_owned()));
            current = Some(hunk);
            continue;
        }
        if line.trim() == "*** End of File" {
            let mut hunk = current.take().unwrap_or_default();
            hunk.ends_file = true;
            keep(path, &mut hunks, hunk)?;
            continue;
        }
        let hunk = current.get_or_insert_with(Hunk::default);
        let mut signs = line.chars();
        match signs.next() {
            Some(' ') => both(hunk, signs.as_str()),
            None => both(hunk, ""),
            Some('-') => hunk.old.push(signs.as_str().to_owned()),
            Some('+') => {
                // An added line is a whole one, with its newline.
                hunk.new.push(signs.as_str().to_owned());
                hunk.last_newline = Some(true);
                continue;
            }
            Some(_) => {
                let summary = format!("a line of a hunk has no blank, + or - before it: {line:?}");
                return Err(malformed(summary).in_file(path));
            }
        }
    }
    if let Some(hunk) = current {
        keep(path, &mut hunks, hunk)?;
    }
    Ok(hunks)
}

fn both(hunk: &mut Hunk, text: &str) {
    hunk.last_newline = None;
    hunk.old.push(text.to_owned());
    hunk.new.push(text.to_owned());
}

fn keep(path: &str, hunks: &mut Vec<Hunk>, mut hunk: Hunk) -> Result<(), Problem> {
    if hunk.old.is_empty() && hunk.new.is_empty() {
        return Err(malformed("a hunk has no lines").in_file(path));
    }
    hunk.ends_file |= hunk.old.is_empty() && hunk.anchors.is_empty();
    hunks.push(hunk);
    Ok(())
}
