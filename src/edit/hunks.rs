//! Hunks of a diff on a file: each at the one place where its old lines stand.
//!
//! Where they stand at several, what the hunk says besides decides: the line number where it is right to the line, what the
//! anchors before it open, that it ends the file. Line numbers alone are never believed, but for hunks that only add lines,
//! which have nothing else. Hunks go down the file in their order, but for those that stand at the very line they name.

use std::collections::HashMap;

use super::Hunk;
use super::document::Document;
use super::feedback::{Cause, Problem};
use super::locate::{Found, all_places, is_numbered, without_numbers};

/// Headings of unified diffs are cut off by git at this length, in bytes (git, xdiff `XDF_FUNCNAME`): a longer line begins
/// like that.
const HEADING_BYTES: usize = 40;

/// What came before a hunk.
struct Before<'a> {
    /// The hunks of the same diff that are applied.
    hunks: &'a [Hunk],
    /// The line before which only a hunk goes that names its line.
    from: usize,
    /// Whether the file was changed before the first of them.
    is_changed: bool,
}

impl Before<'_> {
    /// Tells whether `line` was one of the old lines of a hunk, blanks around it apart.
    fn took(&self, line: &str) -> bool {
        self.hunks.iter().flat_map(|hunk| &hunk.old).any(|old| old.trim() == line.trim())
    }
}

/// Applies `hunks` in their order; `explain` says why old lines are not there.
pub(super) fn apply(
    document: &mut Document,
    hunks: &[Hunk],
    mut explain: impl FnMut(&Document, &[&str], &[&str]) -> Problem,
) -> Result<(), Problem> {
    let is_changed = !document.moves().is_empty();
    // The line before which only a hunk goes that names its line.
    let mut from = 0_usize;
    for (hunk, number) in hunks.iter().zip(1..) {
        let in_hunk = |problem: Problem| match hunks.len() {
            1 => problem,
            _ => Problem { summary: format!("hunk {number}: {}", problem.summary), ..problem },
        };
        let found = match hunk.old.is_empty() {
            true => addition(document, hunk, from),
            false => change(document, hunk, &Before { hunks: &hunks[..number - 1], from, is_changed }, &mut explain),
        };
        let found = found.map_err(in_hunk)?;
        let (old, new) = (borrowed(&found.old), borrowed(&found.new));
        let at_end = found.at + old.len() == document.len();
        if at_end && hunk.last_newline == Some(true) {
            document.set_last_newline(true);
        }
        document.replace(found.at, &old, &new);
        if at_end && hunk.last_newline == Some(false) {
            document.set_last_newline(false);
        }
        if found.at < from {
            from = (from + new.len()).saturating_sub(old.len());
        } else if !old.is_empty() || !at_end {
            // What goes to the end of the file comes before nothing.
            from = found.at + new.len();
        }
    }
    Ok(())
}

/// Finds the place of lines that are only added.
fn addition(document: &Document, hunk: &Hunk, from: usize) -> Result<Found, Problem> {
    let at = if document.len() == 0 {
        0
    } else if let Some(line) = hunk.line {
        let at = document.moves().now(line);
        if at > document.len() {
            let summary = format!("there is no line {line} to add lines behind; the file has {}", document.len());
            return Err(Problem::new(Cause::NotFound, summary));
        }
        at
    } else if !hunk.anchors.is_empty() {
        let places = anchored(document, hunk, from)?;
        match places.as_slice() {
            [at] => at + 1,
            [] => return Err(no_anchor(hunk)),
            many => return Err(Problem::ambiguous(many)),
        }
    } else if hunk.ends_file {
        document.len()
    } else {
        let summary = "it only adds lines and does not say where";
        let help = "Give the lines before or after the place as context, each behind a blank.";
        return Err(Problem::new(Cause::Ambiguous, summary).with_detail(help));
    };
    Ok(Found { at, old: Vec::new(), new: hunk.new.clone() })
}

fn change(
    document: &Document,
    hunk: &Hunk,
    before: &Before<'_>,
    explain: &mut impl FnMut(&Document, &[&str], &[&str]) -> Problem,
) -> Result<Found, Problem> {
    let (old, new) = (borrowed(&hunk.old), borrowed(&hunk.new));
    if old == new && hunk.last_newline.is_none() {
        return Err(Problem::new(Cause::NoChange, "it adds and removes nothing"));
    }
    let everywhere = all_places(document, &old, &new, hunk.is_exact);
    if everywhere.is_empty() {
        return match without_blank_end(hunk).or_else(|| unnumbered(hunk)) {
            Some(other) => change(document, &other, before, explain),
            None => Err(explain(document, &old, &new)),
        };
    }
    if everywhere.len() > 1
        && let Some(exact) = at_its_line(document, hunk, &everywhere, before.is_changed)?
    {
        return Ok(exact);
    }
    let reaches = |found: &Found| !hunk.ends_file || found.at + found.old.len() == document.len();
    let mut found: Vec<Found> =
        everywhere.into_iter().filter(|found| found.at >= before.from && reaches(found)).collect();
    if found.is_empty() {
        let summary = "its old lines stand only before those of the hunk before it, or not at the end of the file";
        return Err(Problem::new(Cause::NotFound, summary).with_detail("Give the hunks in the order of the file."));
    }
    if !hunk.anchors.is_empty() && (found.len() > 1 || hunk.must_find_anchors) {
        found = behind_anchors(document, hunk, before, found)?;
    }
    let places: Vec<usize> = found.iter().map(|found| found.at).collect();
    match found.pop() {
        Some(only) if found.is_empty() => Ok(only),
        _ => Err(Problem::ambiguous(&places)),
    }
}

/// Finds the place at the very line that the hunk names, behind its anchors where the file has them.
///
/// A file that was changed already may be counted as it was or as it is: of both the one where the lines stand.
fn at_its_line(document: &Document, hunk: &Hunk, places: &[Found], is_changed: bool) -> Result<Option<Found>, Problem> {
    let Some(line) = hunk.line.map(|line| line.saturating_sub(1)) else { return Ok(None) };
    let now = document.moves().now(line);
    let named: Vec<&Found> =
        places.iter().filter(|found| found.at == now || (is_changed && found.at == line)).collect();
    let anchors = anchored(document, hunk, 0)?;
    let is_behind = |found: &&&Found| {
        anchors.is_empty() || anchors.iter().any(|anchor| *anchor < found.at || includes(found, *anchor, hunk))
    };
    match named.as_slice() {
        [only] => Ok(Some(only).filter(is_behind).map(|found| (*found).clone())),
        [] => Ok(None),
        several => Err(Problem::ambiguous(&several.iter().map(|found| found.at).collect::<Vec<_>>())),
    }
}

/// Keeps those places that belong to an anchor: they stand in what it opens, or else anywhere behind it.
fn behind_anchors(
    document: &Document,
    hunk: &Hunk,
    before: &Before<'_>,
    found: Vec<Found>,
) -> Result<Vec<Found>, Problem> {
    // Several hunks may name the class that they stand in, so that the line itself is above the hunk before.
    let anchors = anchored(document, hunk, 0)?;
    if anchors.is_empty() {
        // A line that a hunk before took away or wrote anew stood above.
        let is_found = !hunk.must_find_anchors || before.took(anchor_of(hunk));
        return if is_found { Ok(found) } else { Err(no_anchor(hunk)) };
    }
    let is_anchor = |found: &Found| anchors.binary_search(&found.at).is_ok() && includes(found, found.at, hunk);
    let opened = Opened::by(document, &anchors);
    let within = |found: &&Found| is_anchor(found) || opened.holds(found.at);
    let mut kept: Vec<Found> = found.iter().filter(within).cloned().collect();
    // Else behind one that stands behind the hunk before, else behind any.
    for since in [before.from, 0] {
        if kept.is_empty()
            && let Some(first) = anchors.iter().find(|anchor| **anchor >= since)
        {
            kept = found.iter().filter(|found| found.at > *first).cloned().collect();
        }
    }
    match kept.is_empty() {
        false => Ok(kept),
        true if hunk.must_find_anchors => {
            let summary = format!("its old lines do not stand behind the anchor {:?}", anchor_of(hunk));
            Err(Problem::new(Cause::NotFound, summary))
        }
        true => Ok(found),
    }
}

/// What lines open: each of them, upwards, with the end that it or one before it reaches at most.
struct Opened(Vec<(usize, usize)>);

impl Opened {
    fn by(document: &Document, anchors: &[usize]) -> Self {
        let mut most = 0;
        let reached = anchors.iter().map(|anchor| {
            most = most.max(end_of_opened(document, *anchor));
            (*anchor, most)
        });
        Self(reached.collect())
    }

    /// Tells whether one of them opens what line `at` stands in.
    fn holds(&self, at: usize) -> bool {
        let before = self.0.partition_point(|(anchor, _)| *anchor < at);
        before.checked_sub(1).is_some_and(|last| at < self.0[last].1)
    }
}

/// Returns the line behind what line `anchor` opens: the deeper lines, or where none is deeper those up to a blank or less
/// deep one.
fn end_of_opened(document: &Document, anchor: usize) -> usize {
    let depth = |text: &str| text.len() - text.trim_start().len();
    let own = document.text(anchor).map_or(0, depth);
    // Of a head in several lines.
    let goes_on = |text: &str| text.trim_start().starts_with([')', ']', '}', '{']);
    let is_deeper = |text: &str| depth(text) > own;
    let behind = || document.texts_from(anchor + 1);
    let first = behind().find(|(_, text)| !text.trim().is_empty() && !goes_on(text));
    let ends = |text: &str| match first.is_some_and(|(_, text)| is_deeper(text)) {
        true => !text.trim().is_empty() && !is_deeper(text) && !goes_on(text),
        false => text.trim().is_empty() || depth(text) < own,
    };
    behind().find(|(_, text)| ends(text)).map_or(document.len(), |(at, _)| at)
}

/// Tells whether the place itself begins with the anchor, which then is repeated in the hunk.
fn includes(found: &Found, anchor: usize, hunk: &Hunk) -> bool {
    found.at == anchor && hunk.old.first().is_some_and(|line| line.trim() == anchor_of(hunk).trim())
}

/// Returns the lines, from 0 and not before `from`, where the innermost anchor stands behind the others.
fn anchored(document: &Document, hunk: &Hunk, from: usize) -> Result<Vec<usize>, Problem> {
    let Some((last, outer)) = hunk.anchors.split_last() else { return Ok(Vec::new()) };
    let mut from = from;
    for anchor in outer {
        match stands(document, anchor, from).first() {
            Some(at) => from = at + 1,
            None if hunk.must_find_anchors => return Err(no_anchor(hunk)),
            None => return Ok(Vec::new()),
        }
    }
    let all = stands(document, last, from);
    // What stands in what the outer ones open, wherever that is; else what stands behind the first of each.
    let mut inner = all.clone();
    for anchor in outer {
        let opened = Opened::by(document, &stands(document, anchor, 0));
        inner.retain(|at| opened.holds(*at));
    }
    Ok(if inner.is_empty() { all } else { inner })
}

fn stands(document: &Document, anchor: &str, from: usize) -> Vec<usize> {
    let anchor = anchor.trim();
    let fits = |text: &str| {
        let text = text.trim();
        text == anchor || (anchor.len() >= HEADING_BYTES && text.starts_with(anchor))
    };
    document.texts_from(from).filter(|(_, text)| fits(text)).map(|(at, _)| at).collect()
}

fn anchor_of(hunk: &Hunk) -> &str {
    hunk.anchors.last().map_or("", String::as_str)
}

fn no_anchor(hunk: &Hunk) -> Problem {
    let summary = format!("the anchor {:?} is not in the file, or not behind what stands before it", anchor_of(hunk));
    Problem::new(Cause::NotFound, summary)
        .with_detail("Behind @@ stands a line of the file as it is there, or nothing.")
}

/// Takes away the numbers of a listing that every old line has, and every new one or none of those that are added.
fn unnumbered(hunk: &Hunk) -> Option<Hunk> {
    let old = without_numbers(&borrowed(&hunk.old))?;
    let kept: HashMap<&str, &str> = hunk.old.iter().map(String::as_str).zip(old.iter().copied()).collect();
    let new = borrowed(&hunk.new);
    let new = match without_numbers(&new) {
        Some(new) => new,
        None if new.iter().any(|line| !kept.contains_key(line) && is_numbered(line)) => return None,
        None => new.into_iter().map(|line| kept.get(line).copied().unwrap_or(line)).collect(),
    };
    let owned = |lines: Vec<&str>| lines.into_iter().map(str::to_owned).collect();
    Some(Hunk { old: owned(old), new: owned(new), ..hunk.clone() })
}

/// A blank line at the end of a hunk is often only the end of the answer.
fn without_blank_end(hunk: &Hunk) -> Option<Hunk> {
    let is_blank = |lines: &[String]| lines.last().is_some_and(|line| line.trim().is_empty()) && lines.len() > 1;
    (is_blank(&hunk.old) && is_blank(&hunk.new) && !hunk.is_exact).then(|| {
        let mut shorter = hunk.clone();
        shorter.old.pop();
        shorter.new.pop();
        shorter
    })
}

fn borrowed(lines: &[String]) -> Vec<&str> {
    lines.iter().map(String::as_str).collect()
}
