//! Comments that a whole file only leaves out.
//!
//! A model that writes a whole file to change a line of it often drops what does not run: the docstring at the end, the
//! licence at the top. Nobody asked for that, and a reviewer has to read it.

use std::collections::{BTreeSet, HashSet};
use std::ops::Range;

use super::document::{kept_and_changed, lines_of, with_ends_of};
use crate::repo::RepoPath;
use crate::syntax;

/// A text with the comments of an older one put back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PutBack {
    /// The text.
    pub text: String,
    /// How many lines were put back.
    pub lines: usize,
}

/// Returns `new`, which replaces the file at `path` with the text `old`, with the comments of `old` that it only leaves out.
///
/// Those are comments that stand apart from the code that changes, at a place where `new` has none instead. `None` when
/// there are none, when they are all that changes, and when the text would not parse with them.
pub fn keep_comments(path: &RepoPath, old: &str, new: &str) -> Option<PutBack> {
    let (old, new) = (without_mark(old), without_mark(new));
    let comments = syntax::comments(path, old);
    if comments.is_empty() {
        return None;
    }
    let comments_anew = syntax::comments(path, new);
    let commented: BTreeSet<usize> = comments.iter().cloned().flatten().collect();
    let commented_anew: BTreeSet<usize> = comments_anew.iter().cloned().flatten().collect();
    let before = lines_of(old);
    let after = with_ends_of(&before, &lines_of(new));
    let changes = kept_and_changed(&with_blanks_told(&before, &comments), &with_blanks_told(&after, &comments_anew));
    let changed = changes.iter().filter(|change| !matches!(change, similar::DiffOp::Equal { .. }));
    let moved: HashSet<&str> = changed.flat_map(|change| &after[change.new_range()]).map(|line| line.trim()).collect();
    let (mut lines, mut count) = (Vec::new(), 0);
    for change in &changes {
        let come = change.new_range();
        let is_rewritten = come.clone().any(|row| commented_anew.contains(&row));
        let (front, back) = match change {
            similar::DiffOp::Equal { .. } => (0..0, 0..0),
            _ if is_rewritten => (0..0, 0..0),
            _ => left_out(&before, &commented, change.old_range(), come.is_empty()),
        };
        let kept = [front, back].map(|rows| {
            let is_moved =
                before[rows.clone()].iter().any(|line| moved.contains(line.trim()) && !line.trim().is_empty());
            if is_moved || cuts_one(&comments, &rows) { [].as_slice() } else { &before[rows] }
        });
        count += kept[0].len() + kept[1].len();
        let is_close = kept[1].first().is_some_and(|line| !line.trim().is_empty()) && !come.is_empty();
        let between: &[&str] = if is_close { &[""] } else { &[] };
        lines.extend([kept[0], &after[come], between, kept[1]].concat());
    }
    if count == 0 || lines == before {
        return None;
    }
    let text = lines.join("\n") + "\n";
    let is_broken = syntax::parses(path, &text) == Some(false) && syntax::parses(path, new) != Some(false);
    (!is_broken).then_some(PutBack { text, lines: count })
}

/// Returns the lines with those marked that are blank within a comment: they are not what is blank between code.
fn with_blanks_told<'t>(lines: &[&'t str], comments: &[Range<usize>]) -> Vec<&'t str> {
    let mut told = lines.to_vec();
    for row in comments.iter().cloned().flatten() {
        if let Some(line) = told.get_mut(row).filter(|line| line.trim().is_empty()) {
            *line = "\0";
        }
    }
    told
}

/// Tells whether the rows hold a part of a comment without the rest of it.
fn cuts_one(comments: &[Range<usize>], rows: &Range<usize>) -> bool {
    comments.iter().any(|comment| {
        let shared = comment.end.min(rows.end).saturating_sub(comment.start.max(rows.start));
        shared > 0 && shared < comment.len()
    })
}

/// Tells whether two texts of the file at `path` hold the same code: blank lines, blanks at the ends of lines and comments that
/// have lines of their own are all that differs.
pub fn is_same_code(path: &RepoPath, old: &str, new: &str) -> bool {
    code_of(path, old) == code_of(path, new)
}

fn code_of<'t>(path: &RepoPath, text: &'t str) -> Vec<&'t str> {
    let text = without_mark(text);
    let commented: BTreeSet<usize> = syntax::comments(path, text).into_iter().flatten().collect();
    let lines = text.lines().enumerate().filter(|(row, _)| !commented.contains(row));
    lines.map(|(_, line)| line.trim_end()).filter(|line| !line.is_empty()).collect()
}

fn without_mark(text: &str) -> &str {
    text.strip_prefix('\u{FEFF}').unwrap_or(text)
}

/// Returns which of the lines that are gone are comments before and behind what changes, each with a blank line between.
fn left_out(
    before: &[&str],
    commented: &BTreeSet<usize>,
    gone: Range<usize>,
    nothing_came: bool,
) -> (Range<usize>, Range<usize>) {
    let is_blank = |row: &usize| before[*row].trim().is_empty() && !commented.contains(row);
    let says_only = |row: &usize| commented.contains(row) || is_blank(row);
    let front_end = gone.start + gone.clone().take_while(says_only).count();
    if front_end == gone.end && nothing_came {
        let holds_comments = gone.clone().any(|row| commented.contains(&row));
        return (0..0, if holds_comments { gone } else { 0..0 });
    }
    let back_start = gone.end - gone.clone().rev().take_while(says_only).count();
    let front = if front_end == gone.end { gone.start } else { front_end };
    let front_end = (gone.start..front).rev().find(is_blank).map_or(gone.start, |row| row + 1);
    // The blank line before it may be one that stays.
    let follows_blank = back_start == gone.start && gone.start.checked_sub(1).as_ref().is_some_and(is_blank);
    let back_start = if follows_blank { gone.start } else { (back_start..gone.end).find(is_blank).unwrap_or(gone.end) };
    // What is indented belongs to code, which may be another now: a text of Python would not stand there.
    let is_apart = |rows: &Range<usize>| {
        rows.clone().find(|row| commented.contains(row)).is_some_and(|row| !before[row].starts_with([' ', '\t']))
    };
    let apart = |rows: Range<usize>| if is_apart(&rows) { rows } else { 0..0 };
    (apart(gone.start..front_end), apart(back_start..gone.end))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, old: &str, new: &str, expected: Option<&str>) {
        let kept = keep_comments(&RepoPath::parse(path).expect(path), old, new);
        assert_eq!(kept.map(|kept| kept.text), expected.map(str::to_owned), "{old:?} -> {new:?}");
    }

    #[test]
    fn comments_that_are_only_left_out_come_back() {
        let tail = "\n\n\"\"\"\nAdds.\n\nExample: 1\n\"\"\"\n";
        let (wrong, right) = ("def add(a, b):\n    return a - b\n", "def add(a, b):\n    return a + b\n");
        let whole = format!("{right}{tail}");
        check("a.py", &format!("{wrong}{tail}"), right, Some(&whole));
        check("a.py", &format!("x = 1\n{tail}"), "x = 2\n", Some(&format!("x = 2\n{tail}")));
        check("a.py", &format!("# Licence\n\n{wrong}"), right, Some(&format!("# Licence\n\n{right}")));
        // In the middle, with the code around it as it was.
        check(
            "a.rs",
            "fn a() {}\n\n// About b.\nfn b() {}\n\nfn c() { 1 }\n",
            "fn a() {}\n\nfn b() {}\n\nfn c() { 2 }\n",
            Some("fn a() {}\n\n// About b.\nfn b() {}\n\nfn c() { 2 }\n"),
        );
        // Line endings and a mark at the beginning are not what differs.
        check("a.py", "\u{FEFF}# a\r\n\r\nx = 1\r\n", "x = 2\n", Some("# a\n\nx = 2\n"));
    }

    #[test]
    fn what_was_done_to_comments_is_left_as_it_is() {
        // Nothing else changes: it was asked for.
        check("a.py", "# a\nx = 1\n", "x = 1\n", None);
        // Written anew, or moved.
        check("a.py", "x = 1\n\n# a\n", "x = 2\n\n# b\n", None);
        check(
            "a.py",
            "def f():\n    return 1\n\n\"\"\"\nSays one.\n\"\"\"\n",
            "def f():\n    \"\"\"\n    Says one.\n    \"\"\"\n    return 2\n",
            None,
        );
        // It stands at the code that changes.
        check("a.py", "a = 0\n# one\nx = 1\nb = 0\n", "a = 0\nx = 2\nb = 0\n", None);
        // It goes with its code.
        check("a.py", "# f\ndef f():\n    pass\n\nx = 1\n", "x = 2\n", None);
        // Nothing was left out, or nothing is known of the language.
        check("a.py", "# a\nx = 1\n", "# a\nx = 2\n", None);
        check("a.py", "x = 1\n\ny = 1\n", "x = 2\n", None);
        check("a.txt", "# a\n\nx\n", "y\n", None);
    }

    #[test]
    fn what_is_indented_is_not_put_below_other_code() {
        // The text of a function that is gone would stand indented below nothing.
        check("a.py", "def f():\n    return 1\n\n    '''t'''\n", "x = 2\n", None);
    }

    #[test]
    fn a_text_comes_back_whole_or_not_at_all() {
        // Blank lines of the new code look like those of the text that is left out.
        let text = "\"\"\"\nAdds.\n\nSlowly.\n\n\nInput: a\n\"\"\"\n";
        let old = format!("def f(a):\n    return a\n\n{text}");
        let new = "def f(a):\n    if a:\n        return 1\n\n    b = a\n\n    return b\n";
        check("a.py", &old, new, Some(&format!("{new}\n{text}")));
        // Where a line of it stands as code now, the rest would be no text any more.
        check("a.py", "x = 1\n\n'''\na\n\ny = 1\n'''\n", "x = 2\n\ny = 1\n", None);
    }

    #[test]
    fn code_is_the_same_where_only_blank_lines_and_comments_differ() {
        let path = RepoPath::parse("a.py").unwrap();
        let old = "\ndef f():\n    return 1\n\n\n# a\n\"\"\"\nb\n\"\"\"\n";
        for (new, is_same) in [
            ("def f():\r\n    return 1\r\n", true),
            ("def f():\n\n    # one\n    return 1  \n", true),
            ("def f():\n    return 2\n", false),
            ("def f():\n        return 1\n", false),
            ("def f():\n    return 1  # one\n", false),
        ] {
            assert_eq!(is_same_code(&path, old, new), is_same, "{new:?}");
        }
    }

    #[test]
    fn lines_are_counted() {
        let path = RepoPath::parse("a.py").unwrap();
        let kept = keep_comments(&path, "x = 1\n\n# a\n# b\n", "x = 2\n");
        assert_eq!(kept.map(|kept| kept.lines), Some(3));
    }
}
