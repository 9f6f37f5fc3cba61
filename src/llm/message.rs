//! What goes to a model and what comes back.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::Picture;

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// The standing instructions.
    System,
    /// The bot, on the user's behalf.
    User,
    /// The model.
    Assistant,
    /// What a tool that the model asked for gave.
    Tool,
}

/// One turn of a conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Who speaks.
    pub role: Role,
    /// The text.
    pub content: String,
    /// Pictures beside the text; only of the user.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pictures: Vec<Picture>,
    /// What the model asks for; only of the model.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub calls: Vec<ToolCall>,
    /// What the model thought, for servers that want it back beside its calls; only of the model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thought: Option<String>,
    /// The id of the call that this answers; only of tools.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answers: Option<String>,
}

/// A tool that the model may ask for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tool {
    /// Its name: letters, digits and `_`.
    pub name: String,
    /// What it does, for the model.
    pub description: String,
    /// The JSON Schema of its arguments, an object.
    pub parameters: serde_json::Value,
}

/// A tool that the model asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolCall {
    /// By which the answer names it.
    pub id: String,
    /// The tool.
    pub name: String,
    /// JSON as the model wrote it; it may be broken.
    pub arguments: String,
    /// What the server attached to the call and wants back with it (`extra_content`: Gemini's signature of a thought).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extra: Option<serde_json::Value>,
}

/// The form that a server is asked to enforce.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    /// Any JSON object.
    JsonObject,
    /// JSON of this schema.
    JsonSchema {
        /// Its name: letters, digits and `_`.
        name: String,
        /// The schema; objects allow no further keys and require all of theirs.
        schema: serde_json::Value,
    },
    /// Text of this grammar, in the notation of llguidance (a dialect of Lark); only the model inside can be kept to it.
    Grammar {
        /// The grammar; its first rule is `start`.
        lark: String,
        /// The grammar of what is left once the words that the answer begins with are enough: too many, or the same again and
        /// again; `None` where it begins with none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        edits: Option<String>,
    },
    /// No answer, but what the model would write in the place of each of these lines, as JSON that [`Alternative::all_of`]
    /// reads. The last message asks for one line, and each stands behind it in turn; only the model inside can be asked so.
    Alternatives {
        /// Lines of a file, with their indentation and without their ends.
        lines: Vec<String>,
    },
}

impl Form {
    /// Tells whether it is one of those that servers enforce.
    pub fn is_json(&self) -> bool {
        matches!(self, Self::JsonObject | Self::JsonSchema { .. })
    }
}

/// What a model would write in the place of a line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Alternative {
    /// Which of the lines, from 0.
    pub line: usize,
    /// What would stand there, with the indentation of the line.
    pub text: String,
    /// How likely the model finds it where it parts from the line, 0.0 to 1.0.
    pub odds: f32,
}

impl Alternative {
    /// Reads the answer to [`Form::Alternatives`].
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn all_of(answer: &str) -> Result<Vec<Self>, serde_json::Error> {
        serde_json::from_str(answer)
    }
}

/// How long a model shall think (OpenAI API reference, `reasoning_effort`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Effort {
    /// Hardly.
    Minimal,
    /// A little.
    Low,
    /// As it is meant to.
    Medium,
    /// Long.
    High,
}

impl Message {
    /// Makes a message.
    pub fn new(role: Role, content: impl Into<String>) -> Self {
        Self { role, content: content.into(), pictures: Vec::new(), calls: Vec::new(), thought: None, answers: None }
    }

    /// Makes the answer of a tool to the call `id`.
    pub fn of_tool(id: &str, content: impl Into<String>) -> Self {
        Self { answers: Some(id.to_owned()), ..Self::new(Role::Tool, content) }
    }
}

/// A conversation that wants one more turn.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// The turns so far, oldest first.
    pub messages: Vec<Message>,
    /// The longest answer asked for, in tokens.
    pub max_output_tokens: u32,
    /// 0.0 (always the likeliest token) to 2.0; `None` leaves it to the server.
    pub temperature: Option<f32>,
    /// Makes servers that support it repeat themselves.
    pub seed: Option<u64>,
    /// The share of the probability that tokens are drawn from; `None` leaves it to the server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub top_p: Option<f32>,
    /// Texts at which an answer ends; neither they nor what follows them belong to it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stop: Vec<String>,
    /// Tools that the model may ask for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<Tool>,
    /// The form that the server shall enforce; servers that cannot are asked without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub form: Option<Form>,
    /// How long the model shall think; `None` leaves it to the server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effort: Option<Effort>,
}

impl Request {
    /// Returns the SHA-256 of the model's name and the request as canonical JSON, in hexadecimal.
    ///
    /// Two requests with the same digest get the same answer from a recording or from an interrupted run's journal.
    pub fn digest(&self, model: &str) -> String {
        let body = serde_json::to_vec(&(model, self)).expect("plain data without maps always serialises");
        hex::encode(Sha256::digest(body))
    }

    /// Returns the bytes of all message texts, calls and tools; pictures are not counted.
    pub fn size_bytes(&self) -> usize {
        let called = |call: &ToolCall| call.name.len() + call.arguments.len();
        let said = |message: &Message| message.content.len() + message.calls.iter().map(called).sum::<usize>();
        let offered = |tool: &Tool| tool.name.len() + tool.description.len() + tool.parameters.to_string().len();
        self.messages.iter().map(said).sum::<usize>() + self.tools.iter().map(offered).sum::<usize>()
    }
}

/// Why the model stopped writing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Finish {
    /// It was done.
    Stop,
    /// It ran into the token limit: the text is cut.
    Length,
    /// The server withheld the rest.
    ContentFilter,
    /// Anything else the server said, or nothing at all (a cut stream, an old server).
    Other(String),
}

/// Who counted the tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CountedBy {
    /// The server's own figures.
    Server,
    /// Our tokenizer, because the server said nothing believable.
    Prentice,
}

/// What one or several calls used, in tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Tokens read, cached ones included.
    pub input_tokens: u64,
    /// Of these, tokens that the server had cached.
    pub cached_input_tokens: u64,
    /// Tokens written.
    pub output_tokens: u64,
    /// Who counted.
    pub counted_by: CountedBy,
}

/// One turn of the model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reply {
    /// What it wrote; may be empty.
    pub text: String,
    /// The tools that it asks for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub calls: Vec<ToolCall>,
    /// What it thought, where the server tells and it asks for tools (`reasoning_content`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thought: Option<String>,
    /// Why it stopped.
    pub finish: Finish,
    /// What the call used.
    pub usage: Usage,
    /// The model's name as the server says it, else as it was asked for.
    pub model: String,
}
