//! Counting tokens with a real tokenizer.
