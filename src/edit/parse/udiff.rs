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

use std::sync::LazyLock;

use regex::Regex;

use crate::edit::feedback::{Cause, Problem};
use crate::edit::{Edit, Hunk};

static HUNK: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^@@+ +-(\d+)(?:,(\d+))? +\+(\d+)(?:,(\d+))? +@@+ ?(.*)$")
        .expect("the pattern is a constant, compiled by a test")
});
/// A time behind a name that no tab parts from it.
static TIME: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\s+(\d{4}-\d\d-\d\d \d\d:\d\d(?::\d\d(?:\.\d+)?)?(?: ?[+-]\d\d:?\d\d)?)\s*$")
        .expect("the pattern is a constant, compiled by a test")
});

/// A side of a diff.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Side {
    name: String,
    /// Whether its time is the beginning of 1970, by which diff says that there is no file.
    is_epoch: bool,
}

/// What is said about one file.
#[derive(Debug, Default)]
struct Section {
    is_git: bool,
    git_names: Option<(String, String)>,
    old: Option<Side>,
    new: Option<Side>,
    renamed: (Option<String>, Option<String>),
    copied: (Option<String>, Option<String>),
    is_new: bool,
    is_deleted: bool,
    mode: (Option<String>, Option<String>),
    is_binary: bool,
    hunks: Vec<(Hunk, Counts)>,
}

/// The counts of a hunk's heading.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counts {
    old: Option<u64>,
    new: Option<u64>,
}

/// Tells whether an answer holds a unified diff.
pub(super) fn is_diff(lines: &[&str]) -> bool {
    let named = |pair: &[&str]| pair[0].starts_with("--- ") && pair[1].starts_with("+++ ");
    lines.iter().any(|line| line.starts_with("diff --git "))
        || lines.windows(2).any(named)
        || lines.iter().any(|line| HUNK.is_match(line))
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
        match edits_of(section, exists, target) {
            Ok(found) => edits.extend(found),
            Err(problem) => problems.push(problem),
        }
    }
    if problems.is_empty() { Ok(edits) } else { Err(problems) }
}

/// Reads a line of git's extended header; anything else is prose.
fn header(section: &mut Section, line: &str) {
    let name = |text: &str| Some(unquoted(text.trim_end()));
    let known: [(&str, fn(&mut Section) -> &mut Option<String>); 6] = [
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

fn malformed(summary: impl Into<String>) -> Problem {
    Problem::new(Cause::Malformed, summary)
}

/// Reads the hunk whose heading stands in line `at`; returns the line behind it too.
fn hunk(lines: &[&str], at: usize) -> Result<(Hunk, Counts, usize), Problem> {
    let mut hunk = Hunk::default();
    let mut counts = Counts::default();
    if let Some(found) = HUNK.captures(lines[at]) {
        let number = |group: usize| found.get(group).map(|digits| digits.as_str().parse::<u64>()).transpose();
        let wrong = || malformed(format!("the heading {:?} of a hunk has a number that is none", lines[at]));
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
        let heading = lines[at].trim_matches('@').trim();
        let is_text = !heading.is_empty()
            && !heading.chars().all(|c| matches!(c, '.' | '-' | '+' | ',' | ' ') || c.is_ascii_digit());
        hunk.anchors.extend(is_text.then(|| heading.to_owned()));
    }
    let next = body(lines, at + 1, &mut hunk, counts);
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

fn fits(hunk: &Hunk, counts: Counts) -> bool {
    counts.old == Some(hunk.old.len() as u64) && counts.new == Some(hunk.new.len() as u64)
}

fn ends_blank(hunk: &Hunk) -> bool {
    hunk.old.last().is_some_and(String::is_empty) && hunk.new.last().is_some_and(String::is_empty)
}

/// Reads the lines of a hunk from line `at`; returns the line behind the last.
fn body(lines: &[&str], mut at: usize, hunk: &mut Hunk, counts: Counts) -> usize {
    let mut last = ' ';
    while at < lines.len() {
        let line = lines[at];
        let is_full = counts.old.is_some_and(|count| hunk.old.len() as u64 >= count)
            && counts.new.is_some_and(|count| hunk.new.len() as u64 >= count);
        let begins_next = line.starts_with("--- ") && lines.get(at + 1).is_some_and(|next| next.starts_with("+++ "));
        if begins_next && (is_full || lines.get(at + 2).is_some_and(|next| next.starts_with("@@"))) {
            break;
        }
        let mut signs = line.chars();
        match signs.next() {
            Some(' ') => {
                hunk.old.push(signs.as_str().to_owned());
                hunk.new.push(signs.as_str().to_owned());
                last = ' ';
            }
            None if is_full => break,
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
                hunk.old_unended |= last != '+';
                hunk.new_unended |= last != '-';
            }
            Some(_) => break,
        }
        at += 1;
    }
    at
}

fn side(text: &str) -> Side {
    let (name, time) = match text.split_once('\t') {
        Some((name, time)) => (name, Some(time.trim().to_owned())),
        None => match TIME.captures(text) {
            Some(found) => (&text[..text.len() - found[0].len()], Some(found[1].to_owned())),
            None => (text, None),
        },
    };
    let is_epoch = time.is_some_and(|time| is_epoch(&time));
    Side { name: unquoted(name.trim_end_matches('\r')), is_epoch }
}

/// The beginning of 1970 in any time zone.
fn is_epoch(time: &str) -> bool {
    let digits: Vec<&str> = time.splitn(3, ' ').collect();
    let [date, clock, zone] = digits.as_slice() else { return time.starts_with("1970-01-01 00:00:00") };
    let mut parts = clock.split([':', '.']);
    let mut number = || parts.next().and_then(|part| part.parse::<i64>().ok());
    let (Some(hours), Some(minutes), seconds) = (number(), number(), number().unwrap_or(0)) else { return false };
    let is_behind = zone.starts_with('-');
    let plain: String = zone.chars().filter(char::is_ascii_digit).collect();
    let (Ok(offset), 4) = (plain.parse::<i64>(), plain.len()) else { return false };
    let offset = (offset / 100 * 60 + offset % 100) * if is_behind { -1 } else { 1 };
    let day = match *date {
        "1970-01-01" => 0,
        "1969-12-31" => -24 * 60,
        _ => return false,
    };
    day + hours * 60 + minutes - offset == 0 && seconds == 0
}

/// Undoes git's quotation of odd names (git-config, `core.quotePath`).
fn unquoted(text: &str) -> String {
    let Some(inner) = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else { return text.to_owned() };
    let mut bytes = Vec::new();
    let mut rest = inner.as_bytes().iter().copied().peekable();
    while let Some(byte) = rest.next() {
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        match rest.next() {
            Some(b'n') => bytes.push(b'\n'),
            Some(b't') => bytes.push(b'\t'),
            Some(b'r') => bytes.push(b'\r'),
            Some(digit @ b'0'..=b'7') => {
                let mut value = u32::from(digit - b'0');
                while let Some(next @ b'0'..=b'7') = rest.peek().copied() {
                    value = value * 8 + u32::from(next - b'0');
                    rest.next();
                    if value > 0o37 {
                        break;
                    }
                }
                bytes.push(u8::try_from(value & 0xff).unwrap_or(0));
            }
            Some(other) => bytes.push(other),
            None => {}
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Splits the two names of `diff --git`, which may hold blanks where both are the same.
fn two_names(text: &str) -> Option<(String, String)> {
    if let Some(rest) = text.strip_prefix('"') {
        let end = rest.find("\" ")?;
        return Some((unquoted(&text[..end + 2]), unquoted(text[end + 3..].trim())));
    }
    let stripped = |name: &str| name.split_once('/').map(|(_, rest)| rest.to_owned());
    let halves = text.match_indices(' ').map(|(at, _)| (&text[..at], text[at + 1..].trim_end()));
    let mut all: Vec<(&str, &str)> = halves.filter(|(old, new)| !old.is_empty() && !new.is_empty()).collect();
    let same = all.iter().find(|(old, new)| old == new || (stripped(old).is_some() && stripped(old) == stripped(new)));
    let found = same.copied().or_else(|| all.pop().filter(|_| all.is_empty()))?;
    Some((found.0.to_owned(), unquoted(found.1)))
}

const NOTHING: &str = "/dev/null";

fn edits_of(section: Section, exists: &dyn Fn(&str) -> bool, target: Option<&str>) -> Result<Vec<Edit>, Problem> {
    if section.is_binary {
        return Err(Problem::new(Cause::NotText, "a diff of bytes that are no text is not read"));
    }
    let names = names(&section, exists, target)?;
    let mut edits = Vec::new();
    let mut path = names.new.clone().or(names.old.clone()).unwrap_or_default();
    if let (Some(from), Some(to)) = (&section.renamed.0, &section.renamed.1) {
        edits.push(Edit::Rename { from: from.clone(), to: to.clone() });
        path = to.clone();
    } else if let (Some(from), Some(to)) = (&section.copied.0, &section.copied.1) {
        edits.push(Edit::Copy { from: from.clone(), to: to.clone() });
        path = to.clone();
    }
    let hunks: Vec<Hunk> = section.hunks.iter().map(|(hunk, _)| hunk.clone()).collect();
    let only_adds = matches!(hunks.as_slice(), [hunk] if hunk.old.is_empty());
    let says_nothing_before = names.old.is_none() || section.old.as_ref().is_some_and(|old| old.is_epoch);
    let says_nothing_after = names.new.is_none() || section.new.as_ref().is_some_and(|new| new.is_epoch);
    if section.is_new || (says_nothing_before && (only_adds || hunks.is_empty())) {
        let [hunk] = hunks.as_slice() else {
            return match hunks.is_empty() && section.is_new {
                true => Ok(vec![Edit::Create { path, content: String::new() }]),
                false => Err(malformed("a new file has one hunk, which holds all of it").in_file(&path)),
            };
        };
        if !hunk.old.is_empty() {
            return Err(malformed("the diff says that the file is new, and removes lines of it").in_file(&path));
        }
        let end = if hunk.new_unended { "" } else { "\n" };
        edits.push(Edit::Create { path: path.clone(), content: hunk.new.join("\n") + end });
        edits.extend(is_program(&section).map(|is_program| Edit::Executable { path, is_program }));
        return Ok(edits);
    }
    let removes = section.is_deleted || (says_nothing_after && hunks.iter().all(|hunk| hunk.new.is_empty()));
    if section.is_deleted && hunks.iter().any(|hunk| !hunk.new.is_empty()) {
        return Err(malformed("the diff says that the file is removed, and keeps lines of it").in_file(&path));
    }
    if let (Some(old), true) = (&names.old, removes) {
        path.clone_from(old);
    }
    match (hunks.is_empty(), removes) {
        (true, true) => edits.push(Edit::Delete { path: path.clone() }),
        (true, false) => {}
        (false, _) => edits.push(Edit::Hunks { path: path.clone(), hunks, removes }),
    }
    edits.extend(is_program(&section).filter(|_| !removes).map(|is_program| Edit::Executable { path, is_program }));
    if edits.is_empty() {
        return Err(malformed("the diff of a file has no hunk").in_file(&names.new.or(names.old).unwrap_or_default()));
    }
    Ok(edits)
}

fn is_program(section: &Section) -> Option<bool> {
    let program = |mode: &String| mode == "100755";
    let after = section.mode.1.as_ref()?;
    if section.is_new { program(after).then_some(true) } else { Some(program(after)) }
}

struct Names {
    old: Option<String>,
    new: Option<String>,
}

fn names(section: &Section, exists: &dyn Fn(&str) -> bool, target: Option<&str>) -> Result<Names, Problem> {
    let (old, new) = match (&section.old, &section.new, &section.git_names) {
        (Some(old), Some(new), git) => {
            let of_git = |name: &str| git.as_ref().is_none_or(|(a, b)| name == NOTHING || name == a || name == b);
            if !of_git(&old.name) || !of_git(&new.name) {
                return Err(malformed(format!(
                    "the names {:?} and {:?} are not those of the line above",
                    old.name, new.name
                )));
            }
            (old.name.clone(), new.name.clone())
        }
        (_, _, Some((old, new))) if section.is_git => (old.clone(), new.clone()),
        _ => {
            let path = target.map(str::to_owned).ok_or_else(|| {
                Problem::new(Cause::WhichFile, "there are hunks of a diff, but not which file they are for")
                    .with_detail("Put the lines --- path and +++ path before the first @@.")
            })?;
            (path.clone(), path)
        }
    };
    let present = |name: &String| name != NOTHING;
    let (old, new) = without_first_part(&old, &new, exists);
    Ok(Names { old: Some(old).filter(present), new: Some(new).filter(present) })
}

/// Takes `a/` and `b/`, or any other first parts by which the two sides differ, from two names.
fn without_first_part(old: &str, new: &str, exists: &dyn Fn(&str) -> bool) -> (String, String) {
    let split = |name: &str| name.split_once('/').map(|(first, rest)| (first.to_owned(), rest.to_owned()));
    let plain = |name: &str| name.trim_start_matches("./").to_owned();
    let is_mark = |first: &str| matches!(first, "a" | "b" | "i" | "w" | "c" | "o");
    match (split(old), split(new)) {
        (Some((a, left)), Some((b, right))) if old != NOTHING && new != NOTHING => {
            let marked = (is_mark(&a) && is_mark(&b) && a != b) || (a != b && left == right);
            let known = exists(&plain(old)) || exists(&plain(new));
            let under_it = exists(&left) || exists(&right);
            if marked && (!known || under_it) || (!known && under_it) {
                (left, right)
            } else {
                (plain(old), plain(new))
            }
        }
        (left, right) => {
            let one = |name: &str, parts: Option<(String, String)>| match parts {
                Some((first, rest)) if name != NOTHING && is_mark(&first) && !exists(name) => rest,
                _ if name == NOTHING => name.to_owned(),
                _ => plain(name),
            };
            (one(old, left), one(new, right))
        }
    }
}
