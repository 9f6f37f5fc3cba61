//! Counting tokens with a real tokenizer.

/// Counts the tokens of `text` as OpenAI's `o200k_base` vocabulary splits it; other models differ by some percent.
pub fn count(text: &str) -> usize {
    tiktoken_rs::o200k_base_singleton().count_ordinary(text)
}
