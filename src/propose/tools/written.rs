//! Calls that a server leaves in the text, in the forms in which models are taught to write them.
//!
//! `<tool_call>{..}</tool_call>` (Qwen, Hermes), a fenced JSON block, or JSON alone; an object with `name` and `arguments`
//! (or `parameters`), or a list of them; and calls in tags ([`edit::calls_in_tags`]).

use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

use crate::edit;
use crate::llm::{Tool, ToolCall};

static FRAMED: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?s)<tool_call>\s*(.*?)\s*(?:</tool_call>|\z)|```(?:json|tool_call)?[ \t]*\n(.*?)\n[ \t]*```")
        .expect("the pattern is a constant, compiled by a test")
});

/// Finds the calls of known tools in a text.
pub(super) fn calls(text: &str, tools: &[Tool]) -> Vec<ToolCall> {
    let framed: Vec<&str> = FRAMED
        .captures_iter(text)
        .filter_map(|found| found.get(1).or_else(|| found.get(2)).map(|part| part.as_str()))
        .collect();
    let parts = if framed.is_empty() { vec![text.trim()] } else { framed };
    let values = parts.iter().filter_map(|part| serde_json::from_str::<Value>(part).ok());
    let flat = values.flat_map(|value| match value {
        Value::Array(list) => list,
        other => vec![other],
    });
    let is_text = |name: &str, key: &str| {
        let kind = tools.iter().find(|tool| tool.name == name).map(|tool| &tool.parameters["properties"][key]["type"]);
        kind.is_none_or(|kind| {
            kind == "string" || kind.as_array().is_some_and(|kinds| kinds.contains(&"string".into()))
        })
    };
    let flat = flat.chain(edit::calls_in_tags(text, is_text));
    let known = |value: &Value| {
        let name = value.get("name").or_else(|| value.get("function")).and_then(Value::as_str)?.to_owned();
        let arguments = value.get("arguments").or_else(|| value.get("parameters"))?;
        let arguments = arguments.as_str().map_or_else(|| arguments.to_string(), str::to_owned);
        tools.iter().any(|tool| tool.name == name).then_some((name, arguments))
    };
    let found = flat.filter_map(|value| known(&value)).enumerate();
    found.map(|(at, (name, arguments))| ToolCall { id: format!("call_{at}"), name, arguments, extra: None }).collect()
}
