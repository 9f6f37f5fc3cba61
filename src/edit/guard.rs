//! What must hold for every changed file, however well its edits applied.

use std::collections::{HashMap, HashSet};

use crate::repo::{FileTree, RepoPath};
use crate::syntax;

use super::contents::text_at;
use super::elision::{Strength, elision};
use super::feedback::{Cause, Problem};

/// A path that was touched.
#[derive(Clone, Debug)]
pub(super) struct Touched {
    /// The path.
    pub(super) path: RepoPath,
    /// Where its file was at first.
    pub(super) before: RepoPath,
    /// Whether the file was given as a whole.
    pub(super) whole: bool,
}

/// A file of more lines than this is suspicious when it shrinks to less than a third.
const SHRINK_FROM_LINES: usize = 40;
/// From so many indented lines on it is said that a file is indented by one kind of white space.
const MIN_INDENTED: usize = 3;

/// Returns what is wrong with the touched files of `after`, compared with `before`.
pub(super) fn check(before: &FileTree, after: &FileTree, touched: &[Touched]) -> Vec<Problem> {
    match unchanged(before, after, touched) {
        Ok(true) => return vec![Problem::new(Cause::NoChange, "all edits together change nothing")],
        Ok(false) => {}
        Err(problem) => return vec![problem],
    }
    let checked = touched.iter().flat_map(|touched| {
        let Some(new) = text_at(after, &touched.path) else { return Vec::new() };
        let old = text_at(before, &touched.before);
        if old.as_ref() == Some(&new) {
            return Vec::new();
        }
        let found = [
            markers(old.as_deref(), &new),
            left_out(old.as_deref(), &new, touched.whole),
            fragment(old.as_deref(), &new, touched.whole),
            indented_otherwise(old.as_deref(), &new, touched.whole),
            indented_wider(old.as_deref(), &new, touched.whole),
            syntax(touched, old.as_deref(), &new),
        ];
        found.into_iter().flatten().map(|problem| problem.in_file(touched.path.as_str())).collect()
    });
    checked.collect()
}

fn unchanged(before: &FileTree, after: &FileTree, touched: &[Touched]) -> Result<bool, Problem> {
    for Touched { path, .. } in touched {
        let read =
            |tree: &FileTree| tree.read(path).map_err(|error| Problem::unreadable(&error).in_file(path.as_str()));
        if read(before)? != read(after)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn syntax(touched: &Touched, old: Option<&str>, new: &str) -> Option<Problem> {
    let was_broken = old.is_some_and(|old| syntax::parses(&touched.before, old) == Some(false));
    if was_broken || syntax::parses(&touched.path, new) != Some(false) {
        return None;
    }
    let problem = Problem::new(Cause::Syntax, "the file would not parse any more");
    let problem = if old.is_some() { problem } else { Problem::new(Cause::Syntax, "the new file does not parse") };
    Some(match syntax::first_error_line(&touched.path, new) {
        Some(line) => {
            let summary = format!("{}; the first error is in line {line}", problem.summary);
            Problem { summary, ..problem }.around_line(new, line)
        }
        None => problem,
    })
}

fn markers(old: Option<&str>, new: &str) -> Option<Problem> {
    let marked = |line: &str| {
        ["<<<<<<<", ">>>>>>>"].iter().any(|marker| {
            line.strip_prefix(marker).is_some_and(|rest| rest.trim_end().is_empty() || rest.starts_with(' '))
        })
    };
    if old.is_some_and(|old| old.lines().any(marked)) {
        return None;
    }
    let line = new.lines().position(marked)? + 1;
    let summary = format!("line {line} would be a marker of a merge or of an edit block");
    Some(Problem::new(Cause::Markers, summary).around_line(new, line))
}

fn left_out(old: Option<&str>, new: &str, whole: bool) -> Option<Problem> {
    let (from, to) = (old.map_or(0, |old| old.lines().count()), new.lines().count());
    let least = match old {
        Some(old) if whole && shrinks(old, new) => Strength::Weak,
        Some(_) if to < from => Strength::Bare,
        _ => Strength::Strong,
    };
    let known: HashSet<&str> = old.unwrap_or_default().lines().map(str::trim).collect();
    let stands_for_code = |line: &str| elision(line) >= Some(least) && !known.contains(line.trim());
    let line = new.lines().position(stands_for_code)? + 1;
    let summary = format!("the comment in line {line} stands for code that was left out; write that code");
    Some(Problem::new(Cause::Elision, summary).around_line(new, line))
}

/// Refuses a whole file that is a piece of what was there: a quotation, or one function of it that was changed.
fn fragment(old: Option<&str>, new: &str, whole: bool) -> Option<Problem> {
    let old = old.filter(|_| whole)?;
    let filled = |text: &'_ str| -> Vec<String> {
        text.lines().map(|line| line.trim_end().to_owned()).filter(|line| !line.is_empty()).collect()
    };
    let (before, after) = (filled(old), filled(new));
    let first = after.first()?;
    // What begins as the file does was cut off behind that, or left out a long comment at the end.
    let is_quotation = before.first() != Some(first)
        && after.len() * 2 < before.len()
        && before.windows(after.len()).any(|part| part == after);
    let is_inner = before.first() != Some(first) && (first.starts_with([' ', '\t']) || before.contains(first));
    let is_deeper = first.starts_with([' ', '\t']) && before.first().is_some_and(|line| line.starts_with([' ', '\t']));
    let is_part = is_inner && !is_deeper && shrinks(old, new);
    if !is_quotation && !is_part {
        return None;
    }
    let (from, to) = (old.lines().count(), new.lines().count());
    let summary =
        format!("the block was to be the whole file and looks like a piece of it: {from} lines would become {to}");
    Some(Problem::new(Cause::Fragment, summary).with_detail("Use SEARCH and REPLACE to change a part of a file."))
}

/// Refuses a whole file that changes tabs to blanks, or blanks to tabs, beside what it was to change.
fn indented_otherwise(old: Option<&str>, new: &str, whole: bool) -> Option<Problem> {
    let old = old.filter(|_| whole)?;
    let by = |text: &str, sign: char| text.lines().filter(|line| line.starts_with(sign)).count();
    let lines = |text: &str| -> Vec<String> { text.lines().map(|line| line.trim().to_owned()).collect() };
    for (sign, other, (was, would)) in [('\t', ' ', ("tabs", "blanks")), (' ', '\t', ("blanks", "tabs"))] {
        let mostly = |text: &str, sign: char, other: char| {
            by(text, sign) >= MIN_INDENTED && by(text, sign) > 4 * by(text, other)
        };
        // A file whose lines stay the same otherwise was to be indented anew.
        if mostly(old, sign, other) && mostly(new, other, sign) && lines(old) != lines(new) {
            let summary = format!("the file is indented with {was} and would be with {would}");
            let help = format!("Keep the {was}, also in lines that you do not change.");
            return Some(Problem::new(Cause::Whitespace, summary).with_detail(help));
        }
    }
    None
}

/// Refuses a whole file all of whose lines are indented by another number of blanks, beside what it was to change.
fn indented_wider(old: Option<&str>, new: &str, whole: bool) -> Option<Problem> {
    let old = old.filter(|_| whole)?;
    let depths = |text: &'_ str| -> HashMap<String, usize> {
        let depth = |line: &str| line.len() - line.trim_start_matches(' ').len();
        let filled = text.lines().filter(|line| !line.trim().is_empty());
        filled.map(|line| (line.trim().to_owned(), depth(line))).collect()
    };
    let (before, after) = (depths(old), depths(new));
    let both: Vec<(usize, usize)> =
        before.iter().filter_map(|(line, depth)| Some((*depth, *after.get(line)?))).collect();
    let unit = |depths: &HashMap<String, usize>| depths.values().copied().filter(|depth| *depth > 0).min();
    let (from, to) = (unit(&before)?, unit(&after)?);
    // Lines that only moved deeper are as much deeper; here each is as many times as deep.
    let is_scaled = both.iter().all(|(before, after)| before * to == after * from);
    let depths: HashSet<usize> = both.iter().map(|(before, _)| *before).collect();
    let lines = |text: &str| -> Vec<String> { text.lines().map(|line| line.trim().to_owned()).collect() };
    if from == to || !is_scaled || both.len() < MIN_INDENTED || depths.len() < 2 || lines(old) == lines(new) {
        return None;
    }
    let summary = format!("the file is indented by {from} blanks and would be by {to}");
    let help = format!("Keep {from}, also in lines that you do not change.");
    Some(Problem::new(Cause::Whitespace, summary).with_detail(help))
}

fn shrinks(old: &str, new: &str) -> bool {
    let lines = old.lines().count();
    lines > SHRINK_FROM_LINES && new.lines().count() * 3 < lines
}
