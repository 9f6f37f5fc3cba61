//! What goes to a model and what comes back.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

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
}

/// One turn of a conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Who speaks.
    pub role: Role,
    /// The text.
    pub content: String,
}

impl Message {
    /// Makes a message.
    pub fn new(role: Role, content: impl Into<String>) -> Self {
        Self { role, content: content.into() }
    }
}

/// A conversation that wants one more turn.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// The turns so far, oldest first.
    pub messages: Vec<Message>,
    /// The longest answer asked for, in tokens.
    pub max_output_tokens: u32,
    /// 0.0 (always the likeliest token) to 2.0; `None` leaves it to the server.
    pub temperature: Option<f32>,
    /// Makes servers that support it repeat themselves.
    pub seed: Option<u64>,
}

impl Request {
    /// Returns the SHA-256 of the model's name and the request as canonical JSON, in hexadecimal.
    ///
    /// Two requests with the same digest get the same answer from a recording or from an interrupted run's journal.
    pub fn digest(&self, model: &str) -> String {
        let body = serde_json::to_vec(&(model, self)).expect("plain data without maps always serialises");
        Sha256::digest(body).iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Returns the bytes of all message texts.
    pub fn size_bytes(&self) -> usize {
        self.messages.iter().map(|message| message.content.len()).sum()
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
    /// Why it stopped.
    pub finish: Finish,
    /// What the call used.
    pub usage: Usage,
    /// The model's name as the server says it, else as it was asked for.
    pub model: String,
}
