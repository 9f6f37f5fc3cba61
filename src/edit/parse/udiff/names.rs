//! The names of a diff's two sides.

use std::sync::LazyLock;

use regex::Regex;

use crate::edit::feedback::{Cause, Problem};

use super::malformed;
use super::section::Section;

/// The name of a side without a file.
const NOTHING: &str = "/dev/null";
/// A time behind a name that no tab parts from it.
static TIME: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\s+(\d{4}-\d\d-\d\d \d\d:\d\d(?::\d\d(?:\.\d+)?)?(?: ?[+-]\d\d:?\d\d)?)\s*$")
        .expect("the pattern is a constant, compiled by a test")
});

/// A side of a diff.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Side {
    pub(super) name: String,
    /// Whether its time is the beginning of 1970, by which diff says that there is no file.
    pub(super) is_epoch: bool,
}

/// Reads what stands behind `---` or `+++`.
pub(super) fn side(text: &str) -> Side {
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
pub(super) fn unquoted(text: &str) -> String {
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
pub(super) fn two_names(text: &str) -> Option<(String, String)> {
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

/// The paths of both sides; none where there is no file.
pub(super) struct Names {
    pub(super) old: Option<String>,
    pub(super) new: Option<String>,
}

pub(super) fn names(section: &Section, exists: &dyn Fn(&str) -> bool, target: Option<&str>) -> Result<Names, Problem> {
    let (old, new) = match (&section.old, &section.new, &section.git_names) {
        (Some(old), Some(new), git) => {
            // Where the two names of git's line are of different files, they say nothing (git does so too).
            let agree =
                |a: &str, b: &str| a.split_once('/').map(|(_, name)| name) == b.split_once('/').map(|(_, name)| name);
            let git =
                git.as_ref().filter(|(a, b)| section.renamed.0.is_some() || section.copied.0.is_some() || agree(a, b));
            let of_git = |name: &str| git.is_none_or(|(a, b)| name == NOTHING || name == a || name == b);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_beginning_of_1970_stands_for_no_file_in_any_time_zone() {
        for (text, expected) in [
            ("x\t1970-01-01 00:00:00.000000000 +0000", true),
            ("x\t1969-12-31 18:00:00.000000000 -0600", true),
            ("x\t1970-01-01 05:30:00 +0530", true),
            ("x\t1970-01-01 05:30:00 +0000", false),
            ("x\t2026-01-01 00:00:00 +0000", false),
            ("x 1970-01-01 00:00:00", true),
            ("x", false),
        ] {
            let side = side(text);
            assert_eq!((side.name.as_str(), side.is_epoch), ("x", expected), "{text:?}");
        }
    }

    #[test]
    fn odd_names_are_unquoted() {
        for (text, name) in
            [(r#""a/\303\251 \"x\"\\y""#, "a/é \"x\"\\y"), (r#""a\tb""#, "a\tb"), ("a b", "a b"), ("\"open", "\"open")]
        {
            assert_eq!(unquoted(text), name, "{text}");
        }
    }

    #[test]
    fn the_two_names_of_git_are_told_apart() {
        for (text, names) in [
            ("a/x b/x", Some(("a/x", "b/x"))),
            ("a/x y b/x y", Some(("a/x y", "b/x y"))),
            ("\"a/\\303\\251\" \"b/\\303\\251\"", Some(("a/é", "b/é"))),
            ("a/old b/new", Some(("a/old", "b/new"))),
            ("a/x y b/z", None),
        ] {
            let found = two_names(text);
            let found = found.as_ref().map(|(old, new)| (old.as_str(), new.as_str()));
            assert_eq!(found, names, "{text}");
        }
    }

    #[test]
    fn first_parts_go_where_both_sides_have_their_own() {
        let there = |known: &'static [&str]| move |path: &str| known.contains(&path);
        for (old, new, known, expected) in [
            ("a/x", "b/x", &["x"][..], ("x", "x")),
            ("a/x", "b/x", &[], ("x", "x")),
            ("a/x", "a/x", &["a/x"], ("a/x", "a/x")),
            ("old/x", "new/x", &["x"], ("x", "x")),
            ("src/x", "src/x", &["src/x"], ("src/x", "src/x")),
            (NOTHING, "b/x", &[], (NOTHING, "x")),
            (NOTHING, "b/x", &["b/x"], (NOTHING, "b/x")),
            ("./x", "./x", &["x"], ("x", "x")),
            ("i/x", "w/x", &["x"], ("x", "x")),
        ] {
            let found = without_first_part(old, new, &there(known));
            assert_eq!((found.0.as_str(), found.1.as_str()), expected, "{old} {new} {known:?}");
        }
    }
}
