//! From a chat completion in any of the shapes that servers send to a [`Reply`].
//!
//! Only `choices[0].message` is needed; everything else may be absent, null, of another type or unknown.

use serde_json::Value;

use super::message::{CountedBy, Finish, Reply, Request, ToolCall, Usage};
use crate::tokens;

/// What the frame around a call costs, in tokens.
const FRAME_TOKENS: u64 = 4;

/// A server's token count above this is not believed.
const MOST_TOKENS: u64 = 1_000_000_000;

/// Names that servers send are cut after this many characters.
const NAME_CHARS: usize = 120;

/// Reads a chat completion (OpenAI API reference, "The chat completion object").
///
/// # Errors
/// A fragment that says what is missing.
pub(super) fn read(body: &Value, asked_model: &str, request: &Request) -> Result<Reply, String> {
    let choices = body.get("choices").and_then(Value::as_array).ok_or("it has no list of choices")?;
    let choice = choices.first().ok_or("its list of choices is empty")?;
    let message = choice.get("message").unwrap_or(&Value::Null);
    let calls = calls(message.get("tool_calls"));
    let withheld = message.get("refusal").and_then(Value::as_str).filter(|words| !words.is_empty());
    let content = message.get("content").or_else(|| choice.get("text"));
    if content.is_none() && message.is_null() && calls.is_empty() {
        return Err("its first choice has neither message nor text".to_owned());
    }
    let written = content.map(text_of).unwrap_or_default();
    let (text, finish) = match withheld {
        Some(words) if written.is_empty() => (words.to_owned(), Finish::ContentFilter),
        _ => ended(written, &request.stop).unwrap_or_else(|whole| (whole, finish_of(choice.get("finish_reason")))),
    };
    let usage = usage_of(body.get("usage"), request, &text, &calls);
    let model = body.get("model").and_then(Value::as_str).map(name).filter(|model| !model.is_empty());
    let thought = message.get("reasoning_content").and_then(Value::as_str).filter(|_| !calls.is_empty());
    let thought = thought.filter(|thought| !thought.is_empty()).map(str::to_owned);
    Ok(Reply { text, calls, thought, finish, usage, model: model.unwrap_or_else(|| asked_model.to_owned()) })
}

/// Returns the text of a content that is a text, a list of parts, or null.
fn text_of(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts.iter().map(text_of).collect(),
        Value::Object(part) => part.get("text").or_else(|| part.get("value")).map(text_of).unwrap_or_default(),
        _ => String::new(),
    }
}

/// Ends a text at the first of `stop`, for servers that know no such texts; gives it back where it holds none.
fn ended(mut text: String, stop: &[String]) -> Result<(String, Finish), String> {
    let Some(end) = stop.iter().filter_map(|stop| text.find(stop)).min() else { return Err(text) };
    text.truncate(end);
    Ok((text, Finish::Stop))
}

fn finish_of(reason: Option<&Value>) -> Finish {
    let reason = reason.and_then(Value::as_str).unwrap_or_default();
    match reason {
        "stop" | "eos" | "eos_token" | "end_turn" | "stop_sequence" | "STOP" => Finish::Stop,
        "tool_calls" | "function_call" | "tool_use" => Finish::Stop,
        "length" | "max_tokens" | "model_length" | "MAX_TOKENS" => Finish::Length,
        "content_filter" | "safety" | "SAFETY" => Finish::ContentFilter,
        other => Finish::Other(name(other)),
    }
}

fn usage_of(usage: Option<&Value>, request: &Request, text: &str, calls: &[ToolCall]) -> Usage {
    let number = |names: &[&str]| names.iter().find_map(|path| count_at(usage?, path));
    let input = number(&["/prompt_tokens", "/input_tokens"]);
    let output = number(&["/completion_tokens", "/output_tokens"]);
    let cached =
        number(&["/prompt_tokens_details/cached_tokens", "/prompt_cache_hit_tokens", "/cache_read_input_tokens"]);
    match (input, output) {
        (Some(input), Some(output)) if input > 0 && (output > 0 || (text.is_empty() && calls.is_empty())) => Usage {
            input_tokens: input,
            cached_input_tokens: cached.unwrap_or(0).min(input),
            output_tokens: output,
            counted_by: CountedBy::Server,
        },
        _ => counted_here(request, text, calls),
    }
}

/// Reads a count that may be written as a float; refuses negative and absurd ones.
fn count_at(usage: &Value, path: &str) -> Option<u64> {
    let value = usage.pointer(path)?;
    let count =
        value.as_u64().or_else(|| value.as_f64().filter(|n| n.fract() == 0.0 && *n >= 0.0).map(|n| n as u64))?;
    (count <= MOST_TOKENS).then_some(count)
}

/// Reads the tools that the model asks for; one without a name is none, one without an id gets its place for one.
fn calls(list: Option<&Value>) -> Vec<ToolCall> {
    let read = |(place, call): (usize, &Value)| {
        let function = call.get("function").unwrap_or(call);
        let called = function.get("name").and_then(Value::as_str).map(name).filter(|name| !name.is_empty())?;
        let arguments = match function.get("arguments").or_else(|| function.get("input")) {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Null) | None => "{}".to_owned(),
            Some(other) => other.to_string(),
        };
        let id = call.get("id").and_then(Value::as_str).filter(|id| !id.is_empty());
        // An id goes back as it came: some gateways carry state in it.
        let id = id.map_or_else(|| format!("call_{place}"), str::to_owned);
        let extra = call.get("extra_content").filter(|extra| !extra.is_null()).cloned();
        Some(ToolCall { id, name: called, arguments, extra })
    };
    list.and_then(Value::as_array).into_iter().flatten().enumerate().filter_map(read).collect()
}

fn counted_here(request: &Request, text: &str, calls: &[ToolCall]) -> Usage {
    let called = calls.iter().map(|call| tokens::count(&call.arguments) as u64 + FRAME_TOKENS).sum::<u64>();
    let input = super::count::of_request(request);
    Usage {
        input_tokens: input,
        cached_input_tokens: 0,
        output_tokens: tokens::count(text) as u64 + called,
        counted_by: CountedBy::Prentice,
    }
}

fn name(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(NAME_CHARS).collect()
}

#[cfg(test)]
#[path = "reply_tests.rs"]
mod tests;
