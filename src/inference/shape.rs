//! What a file says about its network, and which networks are built here.

use super::InferenceError;
use super::gguf::{Head, Value};

/// Which dimensions of a head are turned together by the position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turning {
    /// Each with the one that lies half a head away.
    Halves,
    /// Each with its neighbour.
    Neighbours,
}

/// The measures of one network: a decoder with grouped attention and a gated feed-forward part.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Shape {
    pub(super) layers: usize,
    /// The values of one token between layers.
    pub(super) width: usize,
    pub(super) heads: usize,
    /// Heads of keys and values; each serves `heads / key_heads` heads.
    pub(super) key_heads: usize,
    pub(super) head_width: usize,
    pub(super) feed_forward: usize,
    /// Added to the mean square before its root is taken.
    pub(super) epsilon: f32,
    /// The base of the angles by which positions are told.
    pub(super) rope_base: f64,
    pub(super) turning: Turning,
    /// The longest conversation that the network was trained for, in tokens.
    pub(super) window_tokens: usize,
    pub(super) vocabulary: usize,
}

/// Architectures with the way in which positions turn their heads (llama.cpp, `llama_model_rope_type`).
const ARCHITECTURES: [(&str, Turning); 3] =
    [("qwen2", Turning::Halves), ("qwen3", Turning::Halves), ("llama", Turning::Neighbours)];

/// No measure of a network is larger than this.
const LARGEST: usize = 1 << 20;

impl Shape {
    /// Reads the measures.
    ///
    /// # Errors
    /// [`InferenceError::Unsupported`] for another architecture; [`InferenceError::Broken`] where a measure is missing or
    /// contradicts another.
    pub(super) fn of(head: &Head) -> Result<Self, InferenceError> {
        let name = head.text("general.architecture").ok_or_else(|| head.broken("general.architecture is missing"))?;
        let Some((_, turning)) = ARCHITECTURES.iter().find(|known| known.0 == name) else {
            let known = ARCHITECTURES.map(|known| known.0).join(", ");
            return Err(head.unsupported(format!("the architecture {:?}; {known} are known", shortened(name))));
        };
        let key = |key: &str| format!("{name}.{key}");
        let measure = |wanted: &str| match head.count(&key(wanted)) {
            Some(n) if (1..=LARGEST).contains(&n) => Ok(n),
            Some(n) => Err(head.broken(format!("{} is {n}", key(wanted)))),
            None if head.value(&key(wanted)).is_some() => Err(head.broken(format!("{} is no count", key(wanted)))),
            None => Err(head.broken(format!("{} is missing", key(wanted)))),
        };
        if head.count(&key("expert_count")).unwrap_or(0) > 0 {
            return Err(head.unsupported("it is a mixture of experts"));
        }
        if let Some(scaling) = head.text(&key("rope.scaling.type")).filter(|kind| *kind != "none") {
            return Err(head.unsupported(format!("positions are scaled ({})", shortened(scaling))));
        }
        let (width, heads) = (measure("embedding_length")?, measure("attention.head_count")?);
        let head_width = head.count(&key("attention.key_length")).unwrap_or(width / heads);
        let vocabulary = match head.value("tokenizer.ggml.tokens") {
            Some(Value::Texts(tokens)) => tokens.len(),
            _ => return Err(head.broken("tokenizer.ggml.tokens is missing")),
        };
        let shape = Self {
            layers: measure("block_count")?,
            width,
            heads,
            key_heads: head.count(&key("attention.head_count_kv")).unwrap_or(heads),
            head_width,
            feed_forward: measure("feed_forward_length")?,
            epsilon: head.number(&key("attention.layer_norm_rms_epsilon")).unwrap_or(1e-6) as f32,
            rope_base: head.number(&key("rope.freq_base")).unwrap_or(10_000.0),
            turning: *turning,
            window_tokens: measure("context_length")?,
            vocabulary,
        };
        let whole = shape.key_heads > 0 && shape.heads.is_multiple_of(shape.key_heads);
        if !whole || head_width == 0 || head_width > LARGEST || !head_width.is_multiple_of(2) {
            return Err(head.broken(format!("{heads} heads of {head_width} values with {} of keys", shape.key_heads)));
        }
        let turned = head.count(&key("rope.dimension_count")).unwrap_or(head_width);
        if turned != head_width {
            return Err(head.unsupported(format!("positions turn {turned} of {head_width} values of a head")));
        }
        Ok(shape)
    }

    /// Returns the bytes that keys and values of one token take in all layers.
    pub(super) fn token_bytes(&self) -> u64 {
        // Two sides, two bytes each; not even the largest measures go beyond 2^62.
        self.layers as u64 * self.key_heads as u64 * self.head_width as u64 * 4
    }
}

/// Returns the beginning of a file's word, for messages.
fn shortened(word: &str) -> String {
    const MOST: usize = 40;
    match word.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}...", &word[..end]),
        None => word.to_owned(),
    }
}
