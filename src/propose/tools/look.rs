//! Functions that only look: search, read, outline. What a person could not see, or must not be shown, is not.

use std::collections::BTreeMap;
use std::fmt::Write;

use regex::RegexBuilder;
use serde::Deserialize;

use crate::context::readable;
use crate::propose::opening::fenced_code;
use crate::repo::{FileTree, RepoPath};
use crate::syntax::{Language, definitions};

/// Places that a search gives at most, and characters of the line shown for each.
const MOST_PLACES: usize = 60;
const LINE_CHARS: usize = 160;
/// Lines shown at once where no end is named.
const MOST_LINES: usize = 250;
/// Entries of a folder, and definitions of a file.
const MOST_ENTRIES: usize = 120;
/// The largest compiled expression, in bytes.
const EXPRESSION_BYTES: usize = 1 << 20;

#[derive(Debug, Deserialize)]
pub(super) struct Search {
    pattern: String,
    #[serde(default)]
    path: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Read {
    path: String,
    #[serde(default)]
    from: Option<usize>,
    #[serde(default)]
    to: Option<usize>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Outline {
    #[serde(default)]
    path: Option<String>,
}

/// Finds a pattern; one that is no regular expression is taken letter by letter.
pub(super) fn search(tree: &FileTree, wanted: &Search) -> String {
    let compile = |pattern: &str| RegexBuilder::new(pattern).size_limit(EXPRESSION_BYTES).build();
    let compiled = compile(&wanted.pattern).or_else(|_| compile(&regex::escape(&wanted.pattern)));
    let Ok(pattern) = compiled else { return "The pattern is too large.".to_owned() };
    let folder = place(wanted.path.as_deref());
    let (mut shown, mut more) = (String::new(), 0);
    let mut places = 0;
    for path in tree.paths().filter(|path| is_within(path, folder)) {
        let Ok(text) = readable(tree, path) else { continue };
        for (number, line) in text.lines().enumerate().filter(|(_, line)| pattern.is_match(line)) {
            places += 1;
            if places > MOST_PLACES {
                more += 1;
                continue;
            }
            let line: String = line.chars().take(LINE_CHARS).collect();
            let _ = writeln!(shown, "{path}:{}: {}", number + 1, line.trim_end());
        }
    }
    match (places, more) {
        (0, _) => format!("{} is nowhere{}.", wanted.pattern, in_folder(folder)),
        (_, 0) => shown,
        (_, more) => shown + &format!("[{more} more places; give a narrower pattern or a path]\n"),
    }
}

/// Shows lines of a file.
pub(super) fn read(tree: &FileTree, wanted: &Read) -> String {
    let (path, text) = match found(tree, &wanted.path) {
        Ok(found) => found,
        Err(reason) => return reason,
    };
    let lines: Vec<&str> = text.lines().collect();
    let from = wanted.from.unwrap_or(1).max(1);
    if from > lines.len() && !lines.is_empty() {
        return format!("{path} has {} lines.", lines.len());
    }
    let to = wanted.to.unwrap_or(from + MOST_LINES - 1).min(lines.len()).max(from.min(lines.len()));
    let body = lines.get(from.saturating_sub(1)..to).unwrap_or_default().join("\n");
    format!("{path} (lines {from} to {to} of {})\n{}", lines.len(), fenced_code(&body))
}

/// Lists the definitions of a file, or what a folder holds.
pub(super) fn outline(tree: &FileTree, wanted: &Outline) -> String {
    let name = place(wanted.path.as_deref());
    let is_file = RepoPath::of_existing(name).is_ok_and(|path| tree.contains(&path));
    if !is_file {
        return folder(tree, name);
    }
    let (path, text) = match found(tree, name) {
        Ok(found) => found,
        Err(reason) => return reason,
    };
    let lines = text.lines().count();
    let all = Language::of(&path).map(|language| definitions(language, &text)).unwrap_or_default();
    let mut shown = format!("{path}, {lines} lines\n");
    for definition in all.iter().take(MOST_ENTRIES) {
        let line = text.lines().nth(definition.name_line - 1).unwrap_or_default().trim();
        let line: String = line.chars().take(LINE_CHARS).collect();
        let _ = writeln!(shown, "{}-{}: {line}", definition.lines.start(), definition.lines.end());
    }
    if all.len() > MOST_ENTRIES {
        let _ = writeln!(shown, "[{} more]", all.len() - MOST_ENTRIES);
    }
    shown
}

/// Takes the marks of "here" off a path; empty for the top.
fn place(path: Option<&str>) -> &str {
    let name = path.unwrap_or_default().trim_matches('/');
    let name = name.strip_prefix("./").unwrap_or(name);
    if name == "." { "" } else { name }
}

fn folder(tree: &FileTree, name: &str) -> String {
    let mut entries: BTreeMap<String, usize> = BTreeMap::new();
    for path in tree.paths() {
        let behind = || path.as_str().strip_prefix(name).and_then(|rest| rest.strip_prefix('/'));
        let Some(inside) = (if name.is_empty() { Some(path.as_str()) } else { behind() }) else { continue };
        let entry = inside.split_once('/').map_or(inside.to_owned(), |(folder, _)| format!("{folder}/"));
        *entries.entry(entry).or_default() += 1;
    }
    if entries.is_empty() {
        return format!("There is no file or folder {name}.");
    }
    let mut shown = String::new();
    for (entry, files) in entries.iter().take(MOST_ENTRIES) {
        let count = if entry.ends_with('/') { format!(" ({files} files)") } else { String::new() };
        let _ = writeln!(shown, "{entry}{count}");
    }
    if entries.len() > MOST_ENTRIES {
        let _ = writeln!(shown, "[{} more]", entries.len() - MOST_ENTRIES);
    }
    shown
}

fn found(tree: &FileTree, name: &str) -> Result<(RepoPath, String), String> {
    let path = RepoPath::of_existing(name.trim_start_matches("./")).map_err(|error| error.to_string())?;
    if !tree.contains(&path) {
        let near: Vec<&str> =
            tree.paths().filter(|other| other.file_name() == path.file_name()).map(RepoPath::as_str).take(5).collect();
        let hint = if near.is_empty() { String::new() } else { format!(" Files of that name: {}.", near.join(", ")) };
        return Err(format!("There is no file {path}.{hint}"));
    }
    readable(tree, &path).map(|text| (path, text))
}

fn is_within(path: &RepoPath, folder: &str) -> bool {
    let rest = path.as_str().strip_prefix(folder);
    folder.is_empty() || rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn in_folder(folder: &str) -> String {
    if folder.is_empty() { String::new() } else { format!(" in {folder}") }
}
