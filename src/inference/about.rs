//! What a file of a model says of itself, read without its weights.

use std::fs::File;
use std::path::Path;

use super::InferenceError;
use super::gguf::Head;
use super::shape::Shape;

/// What a file says of its model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    /// Its name and size in the words of whoever made the file, such as `Qwen2.5 Coder 1.5B Instruct 1.5B`; may be empty.
    pub title: String,
    /// The longest conversation that it was trained for, in tokens.
    pub window_tokens: usize,
}

impl About {
    /// Reads the head of a file, without its weights.
    ///
    /// # Errors
    /// What is wrong with the file, as [`super::Engine::load`].
    pub fn of(path: &Path) -> Result<Self, InferenceError> {
        let (head, shape, _) = opened(path)?;
        let words = ["general.name", "general.size_label"].map(|key| head.text(key).unwrap_or_default());
        Ok(Self { title: words.join(" ").trim().to_owned(), window_tokens: shape.window_tokens })
    }
}

/// Opens a file and reads its head and measures.
pub(super) fn opened(path: &Path) -> Result<(Head, Shape, File), InferenceError> {
    let unreadable =
        |error: std::io::Error| InferenceError::File { path: path.display().to_string(), reason: error.to_string() };
    let file = File::open(path).map_err(unreadable)?;
    let head = Head::read(&file, path)?;
    let shape = Shape::of(&head)?;
    Ok((head, shape, file))
}
