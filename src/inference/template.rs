//! Writes a conversation down as the model was trained to read it, by the template that its file holds.

use std::io::Write;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Kwargs, Serde, Value};
use minijinja::{Environment, Error, ErrorKind, UndefinedBehavior, context};
use serde::Serialize;
use serde_json::ser::Formatter;

use super::InferenceError;
use super::gguf::Head;
use super::tokenizer::Tokenizer;

/// The name under which the template stands in messages.
const NAME: &str = "tokenizer.chat_template";

/// Steps of a template, at most: one takes dozens for a message, and a hostile one could go on for ever.
const MOST_STEPS: u64 = 1_000_000;

/// A chat template.
pub(super) struct Template {
    environment: Environment<'static>,
}

impl Template {
    /// Reads the template of a file. Its surroundings are those of Hugging Face's `apply_chat_template` (transformers,
    /// utils/chat_template_utils.py): blocks are trimmed, methods are Python's, undefined names are empty.
    ///
    /// # Errors
    /// [`InferenceError::Broken`] when it cannot be parsed, [`InferenceError::Unsupported`] when the file has none.
    pub(super) fn of(head: &Head) -> Result<Self, InferenceError> {
        let source = head.text("tokenizer.chat_template").ok_or_else(|| head.unsupported("it has no chat template"))?;
        let mut environment = Environment::new();
        let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
        environment.set_syntax(syntax.map_err(|error| head.broken(format!("its chat template: {error}")))?);
        environment.set_undefined_behavior(UndefinedBehavior::Lenient);
        environment.set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
        environment.add_filter("tojson", to_json);
        environment.add_function("raise_exception", refuse);
        environment.set_fuel(Some(MOST_STEPS));
        environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
        environment
            .add_template_owned(NAME, source.to_owned())
            .map_err(|error| head.broken(format!("its chat template: {error}")))?;
        Ok(Self { environment })
    }

    /// Writes down `messages` and the beginning of the answer. Contents must be hidden ([`Tokenizer::hidden`]).
    ///
    /// # Errors
    /// The template's own refusal, such as "roles must alternate".
    pub(super) fn render(&self, messages: &serde_json::Value, tokenizer: &Tokenizer) -> Result<String, String> {
        let template = self.environment.get_template(NAME).map_err(|error| error.to_string())?;
        let given = context! {
            messages => Value::from(Serde(messages)),
            add_generation_prompt => true,
            // Models that can think aloud are asked not to: it costs minutes here.
            enable_thinking => false,
            bos_token => tokenizer.begin_text.as_str(),
            eos_token => tokenizer.end_text.as_str(),
        };
        template.render(given).map_err(|error| format!("{error:#}"))
    }
}

/// JSON as Python's `json.dumps` writes it for a template: a space behind commas and colons, nothing escaped for HTML.
/// `indent` and the like, which only change white space, are taken and not heeded.
fn to_json(value: &Value, _options: Kwargs) -> Result<String, Error> {
    let mut out = Vec::new();
    let mut writer = serde_json::Serializer::with_formatter(&mut out, Spaced);
    let written = value.serialize(&mut writer).map_err(|error| error.to_string());
    written
        .and_then(|()| String::from_utf8(out).map_err(|error| error.to_string()))
        .map_err(|reason| Error::new(ErrorKind::InvalidOperation, reason))
}

/// Python's white space.
struct Spaced;

impl Formatter for Spaced {
    fn begin_array_value<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> std::io::Result<()> {
        writer.write_all(if first { b"" } else { b", " })
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> std::io::Result<()> {
        writer.write_all(if first { b"" } else { b", " })
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> std::io::Result<()> {
        writer.write_all(b": ")
    }
}

fn refuse(message: String) -> Result<Value, Error> {
    Err(Error::new(ErrorKind::InvalidOperation, message))
}

#[cfg(test)]
#[path = "template_tests.rs"]
mod tests;
