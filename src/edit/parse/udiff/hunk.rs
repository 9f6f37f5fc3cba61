//! One hunk: its heading, and the lines behind it.

use std::sync::LazyLock;

use regex::Regex;

use crate::edit::Hunk;
use crate::edit::feedback::Problem;

use super::super::fence::Fence;
use super::malformed;

static HUNK: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^@@+ +-(\d+)(?:,(\d+))? +\+(\d+)(?:,(\d+))? +@@+ ?(.*)$")
        .expect("the pattern is a constant, compiled by a test")
});
/// The counts of a hunk's heading.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    old: Option<u64>,
    new: Option<u64>,
}

/// Tells whether `line` is the heading of a hunk, with its numbers.
pub(super) fn is_heading(line: &str) -> bool {
    HUNK.is_match(line)
}

/// Returns the line that a heading with numbers names, and what stands behind it.
pub(in super::super) fn heading_of(line: &str) -> Option<(Option<usize>, &str)> {
    let found = HUNK.captures(line)?;
    Some((found.get(1)?.as_str().parse().ok(), found.get(5).map_or("", |text| text.as_str())))
}

/// Reads the hunk whose heading stands in line `at`, or its first line where it has no heading; `fence` is what it stands
/// in. Returns the line behind it too.
pub(super) fn hunk(lines: &[&str], at: usize, fence: Option<Fence<'_>>) -> Result<(Hunk, Counts, usize), Problem> {
    let mut hunk = Hunk::default();
    let has_heading = lines[at].starts_with("@@");
    let counts = if has_heading { heading(lines[at], &mut hunk)? } else { Counts::default() };
    let next = body(lines, at + usize::from(has_heading), &mut hunk, counts, fence);
    let said = (hunk.old.len() as u64, hunk.new.len() as u64);
    // With correct counts the blank lines at the end are those of the answer.
    while (counts.old, counts.new) != (Some(said.0), Some(said.1)) && ends_blank(&hunk) && !fits(&hunk, counts) {
        hunk.old.pop();
        hunk.new.pop();
    }
    if hunk.old.is_empty() && hunk.new.is_empty() {
        return Err(malformed(format!("the hunk {:?} has no lines", lines[at])));
    }
    // A hunk that only adds says behind which line; any other one's first line is meant.
    if hunk.old.is_empty() && counts.old.is_some_and(|count| count > 0) {
        hunk.line = None;
    }
    Ok((hunk, counts, next))
}

/// Reads the heading `line` into `hunk`.
fn heading(line: &str, hunk: &mut Hunk) -> Result<Counts, Problem> {
    let mut counts = Counts::default();
    if let Some(found) = HUNK.captures(line) {
        let number = |group: usize| found.get(group).map(|digits| digits.as_str().parse::<u64>()).transpose();
        let wrong = || malformed(format!("the heading {line:?} of a hunk has a number that is none"));
        let read = || -> Result<(u64, Counts), std::num::ParseIntError> {
            let line = number(1)?.unwrap_or(0);
            number(3)?;
            Ok((line, Counts { old: Some(number(2)?.unwrap_or(1)), new: Some(number(4)?.unwrap_or(1)) }))
        };
        let (line, both) = read().map_err(|_| wrong())?;
        counts = both;
        hunk.line = usize::try_from(line).ok();
        hunk.anchors
            .extend(found.get(5).map(|heading| heading.as_str().trim().to_owned()).filter(|text| !text.is_empty()));
    } else {
        let heading = line.trim_matches('@').trim();
        let is_text = !heading.is_empty()
            && !heading.chars().all(|c| matches!(c, '.' | '-' | '+' | ',' | ' ') || c.is_ascii_digit());
        hunk.anchors.extend(is_text.then(|| heading.to_owned()));
    }
    Ok(counts)
}

/// Tells whether the counts are right.
pub(super) fn fits(hunk: &Hunk, counts: Counts) -> bool {
    counts.old == Some(hunk.old.len() as u64) && counts.new == Some(hunk.new.len() as u64)
}

fn ends_blank(hunk: &Hunk) -> bool {
    hunk.old.last().is_some_and(String::is_empty) && hunk.new.last().is_some_and(String::is_empty)
}

/// Reads the lines of a hunk from line `at`; returns the line behind the last.
fn body(lines: &[&str], mut at: usize, hunk: &mut Hunk, counts: Counts, fence: Option<Fence<'_>>) -> usize {
    let mut last = ' ';
    let mut piece = Piece::default();
    while at < lines.len() {
        let line = lines[at];
        let is_full = counts.old.is_some_and(|count| hunk.old.len() as u64 >= count)
            && counts.new.is_some_and(|count| hunk.new.len() as u64 >= count);
        let begins_next = line.starts_with("--- ") && lines.get(at + 1).is_some_and(|next| next.starts_with("+++ "));
        let is_signature = is_full && line.trim_end() == "--";
        if is_signature || begins_next && (is_full || lines.get(at + 2).is_some_and(|next| next.starts_with("@@"))) {
            break;
        }
        if at >= piece.end {
            piece = Piece::from(lines, at, fence);
        }
        let goes_on = at < piece.last_signed && (fence.is_some() || !is_full);
        let mut signs = line.chars();
        match signs.next() {
            Some(' ') => {
                hunk.old.push(signs.as_str().to_owned());
                hunk.new.push(signs.as_str().to_owned());
                last = ' ';
            }
            None if is_full && !goes_on => break,
            None => {
                hunk.old.push(String::new());
                hunk.new.push(String::new());
                last = ' ';
            }
            Some('-') => {
                hunk.old.push(signs.as_str().to_owned());
                last = '-';
            }
            Some('+') => {
                hunk.new.push(signs.as_str().to_owned());
                last = '+';
            }
            Some('\\') => {
                // Behind a removed line it says that the new one has what the old one lacks, unless that is marked too.
                hunk.last_newline = Some(last == '-' && hunk.last_newline != Some(false));
            }
            // A line of the file that has lost its blank, or else nothing that the file has.
            Some(_) if goes_on => {
                hunk.old.push(line.to_owned());
                hunk.new.push(line.to_owned());
                last = ' ';
            }
            Some(_) => break,
        }
        at += 1;
    }
    at
}

/// Lines in one piece, which may all be of one hunk.
#[derive(Clone, Copy, Debug, Default)]
struct Piece {
    /// The line behind it.
    end: usize,
    /// Its last line with a sign, or the first line.
    last_signed: usize,
}

impl Piece {
    /// Looks from line `at` to the end of the fence or, without one, to a blank line.
    fn from(lines: &[&str], at: usize, fence: Option<Fence<'_>>) -> Self {
        let is_next = |line: &str| ["@@", "diff ", "Index: ", "*** "].iter().any(|start| line.starts_with(start));
        let closes = |line: &str, fence: Fence<'_>| !line.starts_with(' ') && fence.closes(line);
        let ends = |at: usize| {
            let line = lines[at];
            let is_named = line.starts_with("--- ") && lines.get(at + 1).is_some_and(|next| next.starts_with("+++ "));
            is_named || is_next(line) || fence.map_or(line.trim().is_empty(), |fence| closes(line, fence))
        };
        let end = (at..lines.len()).find(|at| ends(*at)).unwrap_or(lines.len());
        let is_signed = |line: &str| line.starts_with(['+', '-']) && line.trim_end() != "--";
        let last_signed = (at + 1..end).rev().find(|at| is_signed(lines[*at])).unwrap_or(at);
        Self { end, last_signed }
    }
}
