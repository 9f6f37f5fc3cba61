//! Runs a language model inside this process: from a GGUF file and a conversation to text.
//!
//! Knows nothing of tasks, repositories or endpoints. Why this is written here and not taken from a library is told in
//! ARCHITECTURE.md, "A model inside".

mod about;
mod attention;
#[cfg(target_arch = "x86_64")]
mod avx2;
mod draft;
mod engine;
mod gguf;
mod guide;
mod matrix;
mod network;
mod quant;
mod room;
mod sampling;
mod shape;
mod template;
#[cfg(test)]
mod testing;
mod text;
mod tokenizer;

pub use about::About;
pub use engine::{Alternative, Alternatives, Answer, Doubted, Ended, Engine, Moment, Question};
pub use guide::Form;
pub use sampling::Sampling;

/// Why a model cannot be run, or did not answer.
#[derive(Debug, thiserror::Error)]
pub enum InferenceError {
    /// The file cannot be read.
    #[error("{path}: {reason}")]
    File {
        /// The file.
        path: String,
        /// The system's reason.
        reason: String,
    },
    /// The file is no GGUF, is cut, or contradicts itself.
    #[error("{file} is no whole GGUF model: {reason}")]
    Broken {
        /// The file.
        file: String,
        /// What is wrong.
        reason: String,
    },
    /// The file is whole and wants what is not built here.
    #[error("{file} cannot be run here: {reason}")]
    Unsupported {
        /// The file.
        file: String,
        /// What it wants, and what there is.
        reason: String,
    },
    /// Memory will not do.
    #[error(
        "{file} needs about {} MiB of memory with a window of {window_tokens} tokens, and {} MiB are available",
        .needed >> 20, .free >> 20
    )]
    NoRoom {
        /// The file.
        file: String,
        /// Bytes.
        needed: u64,
        /// Bytes.
        free: u64,
        /// The window that was asked for.
        window_tokens: usize,
    },
    /// The conversation is longer than the window.
    #[error("the conversation has {tokens} tokens, and the window {window_tokens}")]
    TooLong {
        /// Of the conversation.
        tokens: usize,
        /// Of the window.
        window_tokens: usize,
    },
    /// The model's template refuses the conversation.
    #[error("the model's chat template refuses the conversation: {reason}")]
    Template {
        /// The template's words.
        reason: String,
    },
    /// The form of the answer cannot be kept to.
    #[error("the form of the answer: {reason}")]
    Form {
        /// What is wrong with it.
        reason: String,
    },
    /// The caller wanted no more.
    #[error("stopped")]
    Stopped,
}
