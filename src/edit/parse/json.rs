//! Edits as JSON: one object, a list of them, or `{"edits": [..]}`, alone, in fenced blocks, or from the beginning of a line of
//! prose, all of these where one says what it takes away.
//!
//! | `command` | keys |
//! | --- | --- |
//! | `str_replace` (also when there is none) | `path`, `old_str`, `new_str`, `replace_all` |
//! | `insert` | `path`, `insert_line` (0: the beginning), `new_str` |
//! | `create` | `path`, `file_text`; the file must be missing |
//! | `write` | `path`, `file_text`; creates the file or replaces all of it |
//! | `delete` | `path` |
//! | `rename` | `path`, `new_path` |
//!
//! The usual other names of the keys are taken as well, and calls with `name` and `arguments`, also in tags ([`markup`]). Line
//! breaks inside of strings and commas before a bracket are mended; else nothing is guessed: a key of the wrong type, or one
//! that is missing, is an error for the whole answer.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::almost_json::mended;
use super::fence::Fence;
use super::markup::{self, Written};
use crate::edit::Edit;
use crate::edit::feedback::{Cause, Problem};

const PATH: &[&str] = &["path", "file_path", "filepath", "file", "filename", "target_file"];
const OLD: &[&str] = &["old_str", "old_string", "oldString", "oldText", "old_text", "search", "old", "find"];
const NEW: &[&str] = &[
    "new_str",
    "new_string",
    "newString",
    "newText",
    "new_text",
    "replace",
    "replacement",
    "new",
    "new_content",
    "insert_text",
    "text",
];
const CONTENT: &[&str] = &["file_text", "content", "contents", "new_content", "text"];
const ALL: &[&str] = &["replace_all", "replaceAll", "allow_multiple"];
const LINE: &[&str] = &["insert_line", "line"];
const TO: &[&str] = &["new_path", "to", "destination", "new_name"];
const COMMAND: &[&str] = &["command", "action", "type", "tool", "op", "operation", "mode"];
/// Values by which a command is only said to be a call.
const CALLS: &[&str] = &["tool_use", "tool_call", "function"];
/// Keys that mean a part of a file, which no command here takes.
const PARTS: &[&str] = &[
    "start_line",
    "end_line",
    "startLine",
    "endLine",
    "start",
    "end",
    "lines",
    "line_range",
    "range",
    "position",
    "after",
    "before",
];

/// Tells whether an answer is nothing but edits in JSON.
pub(super) fn is_whole(answer: &str) -> bool {
    answer.trim_start().starts_with(['{', '[']) && is_edit(answer.trim())
}

/// Tells whether an answer was to be nothing but JSON, or holds a block of it with an edit.
pub(super) fn is_json(answer: &str, lines: &[&str]) -> bool {
    let text = answer.trim();
    (text.starts_with(['{', '[']) && seems_edit(text))
        || blocks(lines).iter().any(|block| is_edit(block) || seems_edit(block))
}

/// Returns the calls in an answer, with what is no text in them as JSON.
pub(super) fn calls(lines: &[&str]) -> Result<Vec<Written>, Problem> {
    markup::written(lines, |key| !LINE.contains(&key) && !ALL.contains(&key))
}

/// Tells whether `text` was to be an edit and is no JSON.
fn seems_edit(text: &str) -> bool {
    let is_key = |name: &&str| ['"', '\''].iter().any(|quote| text.contains(&format!("{quote}{name}{quote}:")));
    let has = |names: &[&str]| names.iter().any(is_key);
    values(text).is_err() && has(PATH) && (has(OLD) || has(NEW) || has(CONTENT))
}

/// Tells whether `text` is one edit or more.
pub(super) fn is_edit(text: &str) -> bool {
    values(text).is_ok_and(|values| !values.is_empty() && values.iter().all(looks_like_edit))
}

/// Tells whether a fenced block holds a call, or an edit that says what it takes away.
pub(super) fn says_what_goes(lines: &[&str]) -> bool {
    let edits = blocks(lines).into_iter().filter(|text| is_edit(text));
    edits.filter_map(|text| values(&text).ok()).flatten().any(|one| one.is_array() || takes_away(&one))
}

fn takes_away(value: &Value) -> bool {
    let has = |names: &[&str]| names.iter().any(|name| value.get(name).is_some());
    match value {
        Value::Array(list) => list.iter().all(takes_away),
        _ => has(OLD) || has(&["edits", "tool_calls", "arguments", "input"]),
    }
}

/// Reads one value from the beginning of a line of prose, where it is an edit and nothing else stands in its lines; returns its text,
/// its lines, and whether it says what it takes away.
fn in_prose(text: &str) -> Option<(String, usize, bool)> {
    if !text.starts_with(['{', '[']) {
        return None;
    }
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<Value>();
    let value = values.next()?.ok().filter(looks_like_edit)?;
    let (inside, behind) = text.split_at(values.byte_offset());
    let stands_alone = behind.lines().next().is_none_or(|rest| rest.trim().is_empty());
    stands_alone.then(|| (inside.to_owned(), inside.matches('\n').count() + 1, takes_away(&value)))
}

/// Reads the JSON values that `text` consists of, one or several behind each other; an error is one of the text as it stands.
fn values(text: &str) -> Result<Vec<Value>, serde_json::Error> {
    let read = |text: &str| serde_json::Deserializer::from_str(text).into_iter().collect::<Result<Vec<_>, _>>();
    read(text).or_else(|error| read(&mended(text)).map_err(|_| error))
}

fn looks_like_edit(value: &Value) -> bool {
    match value {
        Value::Array(list) => !list.is_empty() && list.iter().all(looks_like_edit),
        Value::Object(map) => {
            let has = |names: &[&str]| names.iter().any(|name| map.contains_key(*name));
            let calls = map.get("tool_calls").and_then(Value::as_array);
            map.get("edits").is_some_and(Value::is_array)
                || calls.is_some_and(|calls| !calls.is_empty())
                || ["arguments", "parameters", "input"].iter().any(|key| map.get(*key).is_some_and(is_call_of_edit))
                || (has(PATH) && (has(OLD) || has(NEW) || has(CONTENT) || has(COMMAND)))
        }
        _ => false,
    }
}

/// Reads the edits of an answer.
pub(super) fn read(answer: &str, lines: &[&str], target: Option<&str>) -> Result<Vec<Edit>, Vec<Problem>> {
    let text = answer.trim();
    calls(lines).map_err(|problem| vec![problem])?;
    let fenced = blocks(lines);
    let is_bare = text.starts_with(['{', '[']) && (fenced.is_empty() || values(text).is_ok());
    let texts: Vec<String> = if is_bare || fenced.is_empty() { vec![text.to_owned()] } else { fenced };
    let mut edits = Vec::new();
    let mut problems = Vec::new();
    for text in texts {
        match values(&text) {
            Ok(values) => values.iter().for_each(|value| collect(value, target, &mut edits, &mut problems)),
            Err(error) => {
                let summary =
                    format!("it is not JSON: line {}, column {}: {}", error.line(), error.column(), plain(&error));
                problems.push(Problem::new(Cause::Malformed, summary).with_detail(
                    "Send one JSON value and nothing else: {\"edits\": [{\"path\": .., \"old_str\": .., \"new_str\": ..}]}",
                ));
            }
        }
    }
    if edits.is_empty() && problems.is_empty() {
        problems.push(Problem::new(Cause::NoEdit, "it holds no edit"));
    }
    if problems.is_empty() { Ok(edits) } else { Err(problems) }
}

fn plain(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.split(" at line ").next().unwrap_or(&text).to_owned()
}

/// Returns the texts of the fenced blocks that may be JSON.
fn blocks(lines: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    // Between prose an object without old text may be an example, unless others there are none.
    let (mut in_prose_at, mut one_takes) = (Vec::new(), false);
    // What is cut off is told by those who read, not here.
    let calls = calls(lines).unwrap_or_default().into_iter();
    let mut calls: HashMap<usize, Written> = calls.map(|call| (call.lines.start, call)).collect();
    let mut at = 0;
    let text = lines.join("\n");
    let starts: Vec<usize> = std::iter::once(0).chain(text.match_indices('\n').map(|(end, _)| end + 1)).collect();
    while at < lines.len() {
        if let Some(call) = calls.remove(&at) {
            found.push(call.text);
            at = call.lines.end;
            continue;
        }
        let Some(fence) = Fence::open(lines[at]).filter(|fence| !fence.is_tag()) else {
            match in_prose(&text[starts[at]..]) {
                Some((text, length, takes)) => {
                    in_prose_at.push(found.len());
                    one_takes |= takes;
                    found.push(text);
                    at += length;
                }
                None => at += 1,
            }
            continue;
        };
        let end = (at + 1..lines.len()).find(|next| fence.closes(lines[*next])).unwrap_or(lines.len());
        let text = lines[at + 1..end].join("\n");
        let may =
            matches!(fence.language().as_str(), "json" | "json5" | "jsonc" | "jsonl" | "ndjson" | "tool_call" | "");
        if may && text.trim_start().starts_with(['{', '[']) {
            found.push(text);
        }
        at = end + 1;
    }
    if !one_takes {
        in_prose_at.into_iter().rev().for_each(|at| drop(found.remove(at)));
    }
    found
}

fn collect(value: &Value, target: Option<&str>, edits: &mut Vec<Edit>, problems: &mut Vec<Problem>) {
    match value {
        Value::Array(list) => list.iter().for_each(|value| collect(value, target, edits, problems)),
        Value::Object(map) => {
            if let Some(Value::Array(list)) = map.get("edits").or_else(|| map.get("tool_calls")) {
                let target = text(map, PATH).ok().flatten().or(target);
                list.iter().for_each(|value| collect(value, target, edits, problems));
                return;
            }
            match one(map, target) {
                Ok(edit) => edits.push(edit),
                Err(problem) => problems.push(problem.in_edit(edits.len() + problems.len() + 1)),
            }
        }
        _ => problems.push(malformed("an edit is an object with path, old_str and new_str")),
    }
}

fn malformed(summary: impl Into<String>) -> Problem {
    Problem::new(Cause::Malformed, summary)
}

fn one(map: &Map<String, Value>, target: Option<&str>) -> Result<Edit, Problem> {
    let map = map.get("function").and_then(Value::as_object).unwrap_or(map);
    // A call: {"name": .., "arguments": {..}}, the arguments perhaps as text.
    let arguments = match map.get("arguments").or_else(|| map.get("parameters")).or_else(|| map.get("input")) {
        Some(Value::Object(inner)) => Some(inner.clone()),
        Some(Value::String(text)) => match serde_json::from_str::<Value>(text) {
            Ok(Value::Object(inner)) => Some(inner),
            _ => return Err(malformed("the arguments of the call are no object")),
        },
        _ => None,
    };
    let name = map.get("name").and_then(Value::as_str);
    let map = arguments.as_ref().unwrap_or(map);
    let command = text(map, COMMAND)?.filter(|command| !CALLS.contains(command)).or(name).map(str::to_lowercase);
    let path = text(map, PATH)?.or(target).map(str::to_owned).ok_or_else(|| malformed("the key path is missing"))?;
    let wants = |value: Option<&str>, key: &str| {
        value.map(str::to_owned).ok_or_else(|| malformed(format!("the key {key} is missing, or null")).in_file(&path))
    };
    let has = |names: &[&str]| names.iter().any(|name| map.get(*name).is_some_and(|value| !value.is_null()));
    if let Some(part) = PARTS.iter().find(|key| has(&[key])) {
        let help = "Say by old_str, the lines that are there, which part is meant.";
        return Err(malformed(format!("the key {part} is not known")).in_file(&path).with_detail(help));
    }
    match command.as_deref().unwrap_or(if has(OLD) || has(ALL) {
        "str_replace"
    } else if has(&["insert_line"]) {
        "insert"
    } else if has(CONTENT) {
        "write"
    } else {
        "str_replace"
    }) {
        "str_replace" | "replace" | "edit" | "edit_file" | "str_replace_editor" | "update" => {
            let old = wants(text(map, OLD)?, "old_str")?;
            let new = wants(text(map, NEW)?, "new_str")?;
            let all = match ALL.iter().find_map(|name| map.get(*name)) {
                None | Some(Value::Null) => false,
                Some(Value::Bool(all)) => *all,
                Some(_) => return Err(malformed("replace_all is true or false").in_file(&path)),
            };
            if old.is_empty() {
                return Ok(Edit::Create { path, content: new });
            }
            Ok(Edit::Substitute { path, old, new, all })
        }
        "insert" => {
            let line = LINE.iter().find_map(|name| map.get(*name)).and_then(Value::as_u64);
            let line = line.and_then(|line| usize::try_from(line).ok()).ok_or_else(|| {
                malformed("insert_line is the number of the line behind which to insert, 0 for the beginning")
                    .in_file(&path)
            })?;
            Ok(Edit::Insert { line, text: wants(text(map, NEW)?.or(text(map, CONTENT)?), "new_str")?, path })
        }
        // Schemas that require every key have one for the new text.
        "create" | "create_file" => {
            let content = wants(text(map, CONTENT)?.or(text(map, NEW)?), "file_text")?;
            Ok(Edit::Create { content: unfenced(&path, content), path })
        }
        "write" | "write_file" | "whole_file" => {
            let content = wants(text(map, CONTENT)?, "file_text")?;
            Ok(Edit::WholeFile { content: unfenced(&path, content), path })
        }
        "delete" | "delete_file" | "remove" => Ok(Edit::Delete { path }),
        "rename" | "move" => Ok(Edit::Rename { to: wants(text(map, TO)?, "new_path")?, from: path }),
        other => Err(malformed(format!("the command {other:?} is none"))
            .in_file(&path)
            .with_detail("Known are str_replace, insert, create, write, delete and rename.")),
    }
}

/// Takes a fence from around the whole text of a file.
fn unfenced(path: &str, content: String) -> String {
    let inside = content.trim().split_once('\n').and_then(|(first, rest)| {
        let (text, last) = rest.rsplit_once('\n')?;
        let fence = Fence::open(first).filter(|fence| !fence.is_tag() && fence.closes(last))?;
        (!super::may_hold_fences(path) && !text.lines().any(|line| fence.closes(line))).then(|| format!("{text}\n"))
    });
    inside.unwrap_or(content)
}

/// Tells whether the arguments of a call are those of an edit.
fn is_call_of_edit(value: &Value) -> bool {
    match value {
        Value::String(text) => serde_json::from_str::<Value>(text).is_ok_and(|value| looks_like_edit(&value)),
        value => looks_like_edit(value),
    }
}

/// Returns the text of the first of these keys that is there; `null` counts as absent.
fn text<'m>(map: &'m Map<String, Value>, names: &[&str]) -> Result<Option<&'m str>, Problem> {
    for name in names {
        match map.get(*name) {
            None | Some(Value::Null) => {}
            Some(Value::String(text)) => return Ok(Some(text)),
            Some(_) => return Err(malformed(format!("the key {name} is no text"))),
        }
    }
    Ok(None)
}
