//! The code that failures name: `path:line` in the traces of any language, shown with the lines around.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex::Regex;

use crate::context::readable;
use crate::repo::{FileTree, RepoPath};

/// A path and a line as compilers, test runners and interpreters write them: `src/a.rs:12:5`, `File "a.py", line 12`,
/// `(src/a.js:12:5)`, `a.go:12`, `a.rb:12:in`.
static PLACE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"(?m)(?:File ")?([A-Za-z0-9_./\\@+-]+\.[A-Za-z0-9]+)(?:", line |:|\()(\d{1,6})"#)
        .expect("the pattern is a constant, compiled by a test")
});
/// Places shown at most.
const MOST_PLACES: usize = 6;
/// Lines shown before and after each.
const AROUND: usize = 5;
/// Places nearer than this are shown as one, in lines.
const NEAR: usize = 2 * AROUND;

/// Shows the lines of `tree` that `failures` names, but for files that `is_shown` says are shown anyway.
pub(super) fn around(failures: &str, tree: &FileTree, is_shown: &dyn Fn(&RepoPath) -> bool) -> String {
    let mut places: BTreeMap<RepoPath, Vec<usize>> = BTreeMap::new();
    let mut count = 0;
    for (path, line) in named(failures, tree) {
        let lines = places.entry(path.clone()).or_default();
        let is_new = lines.iter().all(|other| other.abs_diff(line) > NEAR);
        if is_new && !is_shown(&path) && count < MOST_PLACES && line > 0 {
            lines.push(line);
            count += 1;
        }
    }
    let mut shown = Vec::new();
    for (path, lines) in places {
        let Ok(text) = readable(tree, &path) else { continue };
        let all: Vec<&str> = text.lines().collect();
        for line in lines.into_iter().filter(|line| *line <= all.len()) {
            let (from, to) = (line.saturating_sub(AROUND).max(1), (line + AROUND).min(all.len()));
            shown.push(format!(
                "{path} (lines {from} to {to})\n{}",
                super::opening::fenced_code(&all[from - 1..to].join("\n"))
            ));
        }
    }
    shown.join("\n\n")
}

/// Returns the rows, from 0, of the file at `path` that `failures` names.
pub(super) fn rows_named(failures: &str, tree: &FileTree, path: &RepoPath) -> Vec<usize> {
    let of_path = named(failures, tree).filter(|(named, _)| named == path);
    of_path.filter_map(|(_, line)| line.checked_sub(1)).collect()
}

/// Finds the files of `tree` with the lines that `failures` names.
fn named<'a>(failures: &'a str, tree: &'a FileTree) -> impl Iterator<Item = (RepoPath, usize)> + 'a {
    let place = |found: regex::Captures<'_>| Some((of_tree(&found[1], tree)?, found[2].parse().ok()?));
    PLACE.captures_iter(failures).filter_map(place)
}

/// Finds the file that a trace names, whatever folder stands before it.
fn of_tree(name: &str, tree: &FileTree) -> Option<RepoPath> {
    let mut name = name.replace('\\', "/");
    loop {
        let path = RepoPath::of_existing(name.trim_start_matches("./")).ok();
        if let Some(path) = path.filter(|path| tree.contains(path)) {
            return Some(path);
        }
        name = name.split_once('/')?.1.to_owned();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repo::StoredFile;

    #[test]
    fn the_frames_of_any_language_are_found() {
        let text: String = (1..=30).map(|n| format!("line {n}\n")).collect();
        let path = |text| RepoPath::parse(text).expect("a path");
        let tree = FileTree::from_files([(path("src/a.py"), StoredFile::regular(text.as_bytes()))]);
        for trace in [
            "  File \"/tmp/x/src/a.py\", line 12, in f",
            "src/a.py:12: AssertionError",
            "    at f (./src/a.py:12:5)",
            "error at src\\a.py:12",
            "src/a.py(12): error",
        ] {
            let shown = around(trace, &tree, &|_| false);
            assert!(shown.starts_with("src/a.py (lines 7 to 17)\n```\nline 7\n"), "{trace}: {shown}");
        }
        assert_eq!(around("src/a.py:12", &tree, &|_| true), "");
        assert_eq!(around("other.py:12 src/a.py:99 src/a.py:0 a:1", &tree, &|_| false), "");
        let near = around("src/a.py:12\nsrc/a.py:14\nsrc/a.py:30", &tree, &|_| false);
        assert_eq!(near.matches("(lines").count(), 2, "{near}");
        assert_eq!(
            rows_named("src/a.py:12\nother.py:3\n  File \"src/a.py\", line 1, in f", &tree, &path("src/a.py")),
            [11, 0]
        );
    }
}
