//! Lines that name the file of the block after them.

use super::file_name::{is_path_in_prose, is_plausible, is_spaced_path, looks_like_path};

/// A line that is nothing but a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PathLine<'t> {
    /// The path.
    pub(super) path: &'t str,
    /// Whether it is marked as a path (`FILE: path`), so that something must follow.
    pub(super) marked: bool,
    /// Whether it is an item of a list.
    pub(super) listed: bool,
    /// Whether it looks like a path by itself: a slash, an extension or a well-known name.
    pub(super) certain: bool,
}

const LABELS: [&str; 8] = ["file:", "path:", "filename:", "filepath:", "file path:", "file name:", "new file:", "file"];
/// Tags around a path, as in the calls that Cline and Roo Code teach.
const TAGS: [&str; 5] = ["path", "file", "file_path", "filename", "file_name"];
const COMMENTS: [&str; 5] = ["<!--", "//", "/*", "--", ";"];
/// Words directly before a path in a line of prose that announces its complete new text.
const ANNOUNCING: [&str; 12] = [
    "here is",
    "here's",
    "updated",
    "modified",
    "new version of",
    "complete",
    "full",
    "create",
    "new file",
    "rewritten",
    "version of",
    "new",
];

/// Reads a line that consists of a path and its decoration: a label, a heading, a list sign, emphasis, backticks, a
/// comment sign, a colon behind.
pub(super) fn path_line(line: &str) -> Option<PathLine<'_>> {
    let mut text = line.trim();
    if let Some(path) = tagged(text).filter(|path| is_plausible(path)) {
        return Some(PathLine { path, marked: false, listed: false, certain: true });
    }
    for comment in COMMENTS {
        if let Some(rest) = text.strip_prefix(comment) {
            text = rest.trim_end_matches("-->").trim_end_matches("*/").trim();
            break;
        }
    }
    text = text.trim_start_matches('#').trim();
    let item = without_list_sign(text);
    let listed = item.len() < text.len();
    let (text, marked) = without_label(item.trim_matches('*').trim());
    let text = without_remark(text.trim_matches('*').trim());
    let colon = text.ends_with(':');
    let text = text.trim_end_matches(':').trim().trim_matches('*');
    let quoted = text.strip_prefix('`').and_then(|rest| rest.strip_suffix('`'));
    let path = quoted.unwrap_or(text).trim();
    let spaced = path.contains(char::is_whitespace);
    // What is marked is no list of names or settings.
    let sound = is_plausible(path) || (marked && !spaced && is_plausible(&path.replace([',', '='], "_")));
    if !sound || (spaced && !(marked && (quoted.is_some() || is_spaced_path(path)))) {
        return None;
    }
    let certain = looks_like_path(path) || marked;
    (certain || !colon).then_some(PathLine { path, marked, listed, certain })
}

/// Returns the path in the info text of a fence: `python src/a.py`, `src/a.py`, `python:src/a.py`, `title="src/a.py"`.
pub(super) fn info_path(info: &str) -> Option<&str> {
    let mut words = info.split_whitespace();
    let first = words.next()?;
    let behind_colon =
        first.split_once(':').map(|(_, path)| path).filter(|path| is_plausible(path) && looks_like_path(path));
    let alone =
        (is_plausible(first) && looks_like_path(first) && !first.to_lowercase().ends_with(".net")).then_some(first);
    behind_colon.or(alone).or_else(|| {
        words.find_map(|word| {
            let path = match word.split_once('=') {
                Some(("title" | "file" | "path" | "filename" | "name", value)) => value.trim_matches(['"', '\'']),
                Some(_) => return None,
                None => word,
            };
            (is_plausible(path) && looks_like_path(path)).then_some(path)
        })
    })
}

/// Returns the only path that a line of prose mentions between backticks.
pub(super) fn mentioned(line: &str) -> Option<&str> {
    let paths = line.split('`').skip(1).step_by(2).filter(|word| is_path_in_prose(word));
    let mut distinct: Vec<&str> = paths.collect();
    distinct.dedup();
    match distinct.as_slice() {
        [path] => Some(path),
        _ => None,
    }
}

/// Returns the only path of a heading, or of a line that says that something is done in it: `Then in **src/a.py**:`.
pub(super) fn leading_over(line: &str) -> Option<&str> {
    let is_outside = |c: char| !c.is_alphanumeric() && !matches!(c, '/' | '_' | '.');
    let words: Vec<&str> = line.split_whitespace().collect();
    let plain = words.iter().map(|word| word.trim_matches(is_outside).trim_end_matches('.'));
    let mut paths = plain.enumerate().filter(|(_, word)| is_path_in_prose(word));
    let (at, path) = paths.next().filter(|_| paths.next().is_none())?;
    let is_in = at.checked_sub(1).is_some_and(|before| words[before].eq_ignore_ascii_case("in"));
    (line.starts_with('#') || is_in).then_some(path)
}

/// Returns the path of a line of prose that announces its complete new text: ``Here is the updated `src/a.py`:``.
pub(super) fn announced(line: &str) -> Option<&str> {
    let line = line.trim().trim_end_matches('*');
    if let Some(before) = line.strip_suffix(" becomes:") {
        let path = before.rsplit(' ').next()?.trim_matches(['`', '*']);
        return is_path_in_prose(path).then_some(path);
    }
    let path = mentioned(line).filter(|_| line.ends_with(':'))?;
    let (before, _) = line.split_once(&format!("`{path}`"))?;
    let before = before.trim().to_lowercase();
    if before.contains('`') || before.starts_with("run") || before.contains(" run ") {
        return None;
    }
    let before = before.strip_suffix(" file").unwrap_or(&before);
    let before = before.strip_suffix(" the").or_else(|| before.strip_suffix(" a")).unwrap_or(before);
    ANNOUNCING.iter().any(|words| before.ends_with(words)).then_some(path)
}

/// Returns what stands between a tag for paths and its end.
fn tagged(text: &str) -> Option<&str> {
    let (tag, rest) = text.strip_prefix('<')?.split_once('>')?;
    let (path, end) = rest.rsplit_once("</")?;
    (TAGS.contains(&tag) && end.strip_suffix('>') == Some(tag)).then(|| path.trim())
}

fn without_list_sign(text: &str) -> &str {
    let digits = text.trim_start_matches(|c: char| c.is_ascii_digit());
    if digits.len() < text.len()
        && let Some(rest) = digits.strip_prefix(". ").or_else(|| digits.strip_prefix(") "))
    {
        return rest.trim();
    }
    text.strip_prefix("- ").or_else(|| text.strip_prefix("* ")).or_else(|| text.strip_prefix("+ ")).unwrap_or(text)
}

fn without_label(text: &str) -> (&str, bool) {
    for label in LABELS {
        let Some(head) = text.get(..label.len()).filter(|head| head.eq_ignore_ascii_case(label)) else { continue };
        let rest = text[head.len()..].trim_start_matches('*');
        let quoted = rest.trim_start().starts_with('`');
        if label.ends_with(':') || (quoted && rest.starts_with(' ')) {
            return (rest.trim(), true);
        }
    }
    (text, false)
}

/// Takes a remark in parentheses from the end: `src/a.py (new file)`.
fn without_remark(text: &str) -> &str {
    let bare = text.trim_end_matches(':');
    match bare.rfind(" (") {
        Some(at) if bare.ends_with(')') => bare[..at].trim(),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decorated_paths_are_read() {
        for line in [
            "src/a.py",
            "`src/a.py`",
            "**src/a.py**",
            "**`src/a.py`**",
            "# src/a.py",
            "### `src/a.py`:",
            "src/a.py:",
            "path: src/a.py",
            "File: `src/a.py`",
            "FILE: src/a.py",
            "**File: src/a.py**",
            "**File:** `src/a.py`",
            "- src/a.py",
            "1. `src/a.py`",
            "// src/a.py",
            "<!-- src/a.py -->",
            "/* src/a.py */",
            "src/a.py (new file)",
            "**src/a.py**:",
            "File `src/a.py`:",
            "<path>src/a.py</path>",
            "<file_path> src/a.py </file_path>",
        ] {
            assert_eq!(path_line(line).map(|found| (found.path, found.certain)), Some(("src/a.py", true)), "{line:?}");
        }
        assert_eq!(path_line("FILE: My Notes.txt"), None);
        assert_eq!(path_line("FILE: `My Notes.txt`").map(|found| found.path), Some("My Notes.txt"));
        for path in ["src/my file.py", "docs/my notes/a.md", "k=v/a,b.py"] {
            assert_eq!(path_line(&format!("FILE: {path}")).map(|found| found.path), Some(path));
        }
        for line in
            ["FILE: new src/a.py", "FILE: src/a.py and more.py", "File: lib/foo is where", "k=v/a,b.py", "a b/c.py"]
        {
            assert_eq!(path_line(line), None, "{line:?}");
        }
        assert_eq!(path_line("app/[id]/(group)/page.tsx").map(|found| found.path), Some("app/[id]/(group)/page.tsx"));
    }

    #[test]
    fn a_bare_word_is_an_uncertain_path_and_prose_is_none() {
        assert_eq!(path_line("Makefile").map(|found| found.certain), Some(true));
        assert_eq!(path_line("notes").map(|found| found.certain), Some(false));
        for line in [
            "<path>src/a.py</file>",
            "<p>src/a.py</p>",
            "Changes:",
            "Do this:",
            "Here is src/a.py",
            "",
            "...",
            "call(a.b)",
            "a = b",
            "see https://x.org/a.py",
        ] {
            assert_eq!(path_line(line), None, "{line:?}");
        }
    }

    #[test]
    fn the_info_text_of_a_fence_may_hold_the_path() {
        let check = |info: &str, path: Option<&str>| assert_eq!(info_path(info), path, "{info:?}");
        check("python src/a.py", Some("src/a.py"));
        check("src/a.py", Some("src/a.py"));
        check("python:src/a.py", Some("src/a.py"));
        check("py title=\"src/a.py\"", Some("src/a.py"));
        check("python", None);
        check("python 3.11", None);
        check("c++", None);
        check("asp.net", None);
        check("rust,ignore hl_lines=\"1/2\"", None);
    }

    #[test]
    fn prose_mentions_and_announces() {
        assert_eq!(mentioned("Now in `b.py` we call `foo()`:"), Some("b.py"));
        assert_eq!(mentioned("Both `a.py` and `b.py`:"), None);
        assert_eq!(mentioned("The attribute `self.x`:"), None);
        let check = |line: &str, path: Option<&str>| assert_eq!(announced(line), path, "{line:?}");
        check("Here is a new version of `a.txt` for you:", Some("a.txt"));
        check("Here's the modified `hello.py` file that does it:", Some("hello.py"));
        check("And here is `b.txt`:", Some("b.txt"));
        check("Running `a.py` prints:", None);
        check("Here's the output of `a.py`:", None);
        check("Here is `a.py`", None);
        check("And b.py becomes:", Some("b.py"));
        check("What was a list becomes:", None);
        check("Here is the updated `f3()` function in `a.py`:", None);
        check("Then run the updated `run.sh`:", None);
        let check = |line: &str, path: Option<&str>| assert_eq!(leading_over(line), path, "{line:?}");
        check("Now in b.py, drop the import:", Some("b.py"));
        check("Then in **src/b.py**:", Some("src/b.py"));
        check("## Step 2: b.py", Some("b.py"));
        check("It is like b.py:", None);
        check("In a.py as in b.py:", None);
        check("In this file:", None);
    }
}
