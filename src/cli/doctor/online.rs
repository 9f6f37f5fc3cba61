//! What an endpoint really does with one model: answers, function calls, enforced forms. A few short requests.

use std::sync::Arc;

use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::{Line, State};
use crate::cli::model;
use crate::config::DEFAULT_WINDOW_TOKENS;
use crate::llm::{
    Choice, Dialect, EditForm, Form, LanguageModel, LlmError, Message, Profile, Reply, Request, Role, Tool,
};

/// The longest answer to a probe, in tokens; models that think need some for that.
const ANSWER_TOKENS: u32 = 1_024;

/// Says how the model would be asked, without asking it.
pub(super) fn profile((profile, window): &(Profile, Option<u64>)) -> String {
    let window = window.map_or("a window of unknown size".to_owned(), |tokens| format!("a window of {tokens} tokens"));
    let dialect = match (profile.dialect, profile.edits) {
        (Dialect::Tools, _) => "function calls",
        (Dialect::Blocks, EditForm::SearchReplace) => "plain text with search and replace",
        (Dialect::Blocks, EditForm::WholeFile) => "plain text with whole files",
        (Dialect::Blocks, EditForm::Json) => "JSON edits",
    };
    let steps: Vec<String> = profile.chain.iter().map(|step| format!("{step:?}").to_lowercase()).collect();
    let steps = if steps.is_empty() { "no further steps".to_owned() } else { steps.join(", ") };
    format!("{window}; {dialect}; {steps}")
}

/// Asks the model, and tries what its endpoint supports.
pub(super) async fn examine(
    choice: &Choice,
    (profile, window): &(Profile, Option<u64>),
    cancel: &CancellationToken,
    lines: &mut Vec<Line>,
) {
    let window_tokens = window.unwrap_or(DEFAULT_WINDOW_TOKENS);
    let adapter = match model::adapter(&choice.place, window_tokens, Arc::new(|_: &str| ())) {
        Ok(adapter) => adapter,
        Err(error) => return lines.push(Line::failed("online", State::Error, error.into())),
    };
    let plain = asking("Answer with the one word: ready");
    match adapter.complete(&plain, cancel).await {
        Ok(reply) => {
            let (input, output) = (reply.usage.input_tokens, reply.usage.output_tokens);
            let text: String = reply.text.trim().chars().take(80).collect();
            lines.push(Line::ok("online", format!("it answers: {text:?} ({input} tokens read, {output} written)")));
        }
        Err(error) => return lines.push(Line::failed("online", State::Error, error.into())),
    }
    lines.push(tools(&adapter.complete(&with_tool(), cancel).await, profile));
    lines.push(forms(&adapter.complete(&with_form(), cancel).await, profile));
}

fn asking(text: &str) -> Request {
    Request {
        messages: vec![Message::new(Role::User, text)],
        max_output_tokens: ANSWER_TOKENS,
        temperature: Some(0.0),
        ..Request::default()
    }
}

fn object(key: &str) -> serde_json::Value {
    json!({
        "type": "object", "properties": { key: { "type": "integer" } }, "required": [key], "additionalProperties": false,
    })
}

fn with_tool() -> Request {
    let description = "Notes a number.".to_owned();
    let tool = Tool { name: "note".to_owned(), description, parameters: object("number") };
    Request { tools: vec![tool], ..asking("Call the function note with the number 7. Write nothing else.") }
}

fn with_form() -> Request {
    let form = Form::JsonSchema { name: "sum".to_owned(), schema: object("sum") };
    Request { form: Some(form), ..asking("How much is 3 and 4? Say it in words.") }
}

fn tools(answer: &Result<Reply, LlmError>, profile: &Profile) -> Line {
    let (works, text) = match answer {
        Ok(reply) if reply.calls.iter().any(|call| call.name == "note" && call.arguments.contains('7')) => {
            (true, "function calls work".to_owned())
        }
        Ok(reply) if reply.text.contains("note") && reply.text.contains('7') => {
            (false, "function calls come back as text; they are understood, but plain text is safer".to_owned())
        }
        Ok(_) => (false, "function calls are accepted and not made".to_owned()),
        Err(error) => (false, format!("no function calls: {error}")),
    };
    let hint = match (works, profile.dialect) {
        (false, Dialect::Tools) => Some("set `dialect: blocks` for it under `model: {profiles: {NAME: ...}}`"),
        (true, Dialect::Blocks) => {
            Some("a strong model may do better with `dialect: tools`, under `model: {profiles: {NAME: ...}}`")
        }
        _ => None,
    };
    let state = if works || profile.dialect == Dialect::Blocks { State::Ok } else { State::Warning };
    Line { what: "tools", state, text, hint: hint.map(str::to_owned) }
}

fn forms(answer: &Result<Reply, LlmError>, profile: &Profile) -> Line {
    let is_sum = |text: &str| {
        serde_json::from_str::<serde_json::Value>(text.trim())
            .is_ok_and(|value| value.get("sum").is_some_and(serde_json::Value::is_i64))
    };
    let (works, text) = match answer {
        Ok(reply) if is_sum(&reply.text) => (true, "the form of an answer is enforced".to_owned()),
        Ok(_) => (false, "the form of an answer is accepted and not enforced".to_owned()),
        Err(error) => (false, format!("no form of an answer can be asked for: {error}")),
    };
    let is_wanted = profile.forms && profile.edits == EditForm::Json;
    let hint =
        (is_wanted && !works).then(|| "set `forms: false` for it under `model: {profiles: {NAME: ...}}`".to_owned());
    Line { what: "forms", state: if is_wanted && !works { State::Warning } else { State::Ok }, text, hint }
}
