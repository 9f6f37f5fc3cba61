//! The adapter for every endpoint that speaks OpenAI's chat completions.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_openai::Client;
use async_openai::error::OpenAIError;
use serde::Serialize;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::message::{Effort, Form, Message, Reply, Request, Role, Tool};
use super::wire::{Once, Timeouts, Wire};
use super::{BoxFuture, LanguageModel, LlmError, reply};
use crate::secret::Secret;

/// Where a model answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// The URL before `/chat/completions`, for example `http://127.0.0.1:8080/v1`.
    pub base_url: String,
    /// The key, where the endpoint wants one.
    pub key: Option<Secret>,
    /// The model's name as the endpoint knows it.
    pub model: String,
}

/// How long to wait for an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenAiSettings {
    /// The longest time to connect; 10 s by default.
    pub connect_timeout: Duration,
    /// The longest time from the request to the end of its reply; 10 minutes by default.
    pub reply_timeout: Duration,
}

impl Default for OpenAiSettings {
    fn default() -> Self {
        Self { connect_timeout: Duration::from_secs(10), reply_timeout: Duration::from_secs(600) }
    }
}

/// A model behind an OpenAI-compatible endpoint.
///
/// Each call sends one HTTP request and never waits or retries; [`super::Retrying`] does. The one exception: when the
/// endpoint refuses a parameter that this model does not take, the call is sent again without it, and later calls
/// leave it out from the start.
#[derive(Debug)]
pub struct OpenAi {
    model: String,
    wire: Wire,
    client: Client<Wire>,
    refused: Refused,
}

impl OpenAi {
    /// Prepares the adapter; nothing is sent yet and no environment variable is read but the proxies'.
    ///
    /// # Errors
    /// [`LlmError::Settings`] for a base URL, model name or key that cannot be sent.
    pub fn new(endpoint: &Endpoint, settings: OpenAiSettings) -> Result<Self, LlmError> {
        if endpoint.model.trim().is_empty() {
            return Err(LlmError::Settings("the model's name is empty".to_owned()));
        }
        let timeouts = Timeouts { connect: settings.connect_timeout, reply: settings.reply_timeout };
        let wire = Wire::new(&endpoint.base_url, endpoint.key.as_ref(), &endpoint.model, timeouts)?;
        let client = Client::build(wire.http(), wire.clone()).with_http_service(Once(wire.clone()));
        Ok(Self { model: endpoint.model.clone(), wire, client, refused: Refused::default() })
    }

    async fn ask(&self, request: &Request) -> Result<Reply, LlmError> {
        if let Some(Form::Alternatives { .. }) = request.form {
            let message = "`alternatives` can only be asked of the embedded model: leave it out of the model's profile";
            return Err(LlmError::Settings(message.to_owned()));
        }
        loop {
            let answer = self.client.chat().create_byot::<_, Value>(self.body(request)).await;
            match answer.map_err(|error| self.understand(error)) {
                Ok(body) => {
                    return reply::read(&body, &self.model, request).map_err(|reason| self.wire.malformed(&reason));
                }
                Err(LlmError::Status { status: 400 | 422, message, .. }) if self.refused.learn(&message, request) => {}
                Err(LlmError::Status { status: 400 | 404 | 422 | 501, message, .. })
                    if refuses_tools(&message, request) =>
                {
                    return Err(LlmError::NoTools { model: self.model.clone(), message });
                }
                Err(error) => return Err(error),
            }
        }
    }

    fn body<'a>(&'a self, request: &'a Request) -> Body<'a> {
        let renamed = self.refused.max_tokens.load(Ordering::Relaxed);
        let limit = request.max_output_tokens;
        Body {
            model: &self.model,
            messages: request.messages.iter().map(said).collect(),
            tools: request.tools.iter().map(offered).collect(),
            response_format: request
                .form
                .as_ref()
                .filter(|_| !self.refused.form.load(Ordering::Relaxed))
                .and_then(form),
            reasoning_effort: request.effort.filter(|_| !self.refused.effort.load(Ordering::Relaxed)),
            max_tokens: (!renamed).then_some(limit),
            max_completion_tokens: renamed.then_some(limit),
            temperature: request.temperature.filter(|_| !self.refused.temperature.load(Ordering::Relaxed)),
            seed: request.seed.filter(|_| !self.refused.seed.load(Ordering::Relaxed)),
            top_p: request.top_p.filter(|_| !self.refused.top_p.load(Ordering::Relaxed)),
            stop: if self.refused.stop.load(Ordering::Relaxed) { &[] } else { &request.stop },
            stream: false,
        }
    }

    fn understand(&self, error: OpenAIError) -> LlmError {
        match error {
            OpenAIError::Boxed(boxed) => match boxed.downcast::<LlmError>() {
                Ok(own) => *own,
                Err(other) => self.wire.malformed(&other.to_string()),
            },
            other => self.wire.malformed(&other.to_string()),
        }
    }
}

impl LanguageModel for OpenAi {
    fn name(&self) -> &str {
        &self.model
    }

    fn complete<'a>(
        &'a self,
        request: &'a Request,
        cancel: &'a CancellationToken,
    ) -> BoxFuture<'a, Result<Reply, LlmError>> {
        Box::pin(async move {
            tokio::select! {
                biased;
                () = cancel.cancelled() => Err(LlmError::Cancelled),
                answer = self.ask(request) => answer,
            }
        })
    }
}

/// Writes a message as the API wants it: pictures as parts of the content, calls and their answers by id.
fn said(message: &Message) -> Value {
    let mut value = json!({ "role": message.role, "content": message.content });
    if !message.pictures.is_empty() {
        let shown = |picture: &super::Picture| {
            let url = format!("data:{};base64,{}", picture.media_type, picture.base64);
            json!({ "type": "image_url", "image_url": { "url": url } })
        };
        let text = json!({ "type": "text", "text": message.content });
        value["content"] = [text].into_iter().chain(message.pictures.iter().map(shown)).collect();
    }
    if !message.calls.is_empty() {
        let called = |call: &super::ToolCall| {
            let function = json!({ "name": call.name, "arguments": object(&call.arguments) });
            let mut value = json!({ "id": call.id, "type": "function", "function": function });
            if let Some(extra) = &call.extra {
                value["extra_content"] = extra.clone();
            }
            value
        };
        value["tool_calls"] = message.calls.iter().map(called).collect();
        if let Some(thought) = &message.thought {
            value["reasoning_content"] = json!(thought);
        }
    }
    if let (Role::Tool, Some(id)) = (message.role, &message.answers) {
        value["tool_call_id"] = json!(id);
    }
    value
}

/// Arguments that are no JSON object are not sent back: servers that read them would refuse the whole conversation.
fn object(arguments: &str) -> &str {
    let is_object = serde_json::from_str::<Value>(arguments).is_ok_and(|value| value.is_object());
    if is_object { arguments } else { "{}" }
}

fn offered(tool: &Tool) -> Value {
    let function =
        json!({ "name": tool.name, "description": tool.description, "parameters": tool.parameters, "strict": true });
    json!({ "type": "function", "function": function })
}

fn form(form: &Form) -> Option<Value> {
    match form {
        Form::JsonObject => Some(json!({ "type": "json_object" })),
        Form::JsonSchema { name, schema } => {
            Some(json!({ "type": "json_schema", "json_schema": { "name": name, "schema": schema, "strict": true } }))
        }
        // The API has no field for a grammar, and each server its own.
        Form::Grammar { .. } | Form::Alternatives { .. } => None,
    }
}

/// The body of a request (OpenAI API reference, "Create chat completion").
#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    messages: Vec<Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_format: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_effort: Option<Effort>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_completion_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f32>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    stop: &'a [String],
    stream: bool,
}

/// The parameters that this endpoint has refused for this model; once set, a mark stays.
#[derive(Debug, Default)]
struct Refused {
    /// `max_tokens`: reasoning models of OpenAI want `max_completion_tokens`.
    max_tokens: AtomicBool,
    temperature: AtomicBool,
    seed: AtomicBool,
    top_p: AtomicBool,
    /// `stop`: reasoning models of OpenAI take none.
    stop: AtomicBool,
    form: AtomicBool,
    effort: AtomicBool,
}

/// Tells whether a refusal is because of the tools: Ollama, vLLM, OpenRouter and OpenAI say so in these words.
fn refuses_tools(message: &str, request: &Request) -> bool {
    let lower = message.to_ascii_lowercase();
    let named = ["tool", "function call"].iter().any(|word| lower.contains(word));
    let refused = ["support", "not enabled", "requires", "not allowed", "no endpoints", "unknown", "unrecognized"];
    !request.tools.is_empty() && named && refused.iter().any(|word| lower.contains(word))
}

impl Refused {
    /// Notes the parameter that a refusal names, and tells whether the request will look different now.
    fn learn(&self, message: &str, request: &Request) -> bool {
        const WORDS: &[&str] =
            &["unsupported", "not support", "unrecognized", "unknown", "not permitted", "not allowed", "deprecated"];
        let lower = message.to_ascii_lowercase();
        if !WORDS.iter().any(|words| lower.contains(words)) {
            return false;
        }
        let marks = [
            ("max_tokens", &self.max_tokens, true),
            ("temperature", &self.temperature, request.temperature.is_some()),
            ("seed", &self.seed, request.seed.is_some()),
            ("top_p", &self.top_p, request.top_p.is_some()),
            ("stop", &self.stop, !request.stop.is_empty()),
            ("response_format", &self.form, request.form.as_ref().and_then(form).is_some()),
            ("reasoning_effort", &self.effort, request.effort.is_some()),
        ];
        let named = |name: &str| lower.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').any(|word| word == name);
        let found = marks.into_iter().find(|(name, mark, sent)| *sent && named(name) && !mark.load(Ordering::Relaxed));
        found.is_some_and(|(_, mark, _)| {
            mark.store(true, Ordering::Relaxed);
            true
        })
    }
}

#[cfg(test)]
#[path = "openai_request_tests.rs"]
mod request_tests;
#[cfg(test)]
#[path = "openai_tests.rs"]
mod tests;
