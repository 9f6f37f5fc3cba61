//! Text to tokens and back, by the vocabulary and the merges that the file holds.
//!
//! Byte pair encoding over bytes that are written as letters (GPT-2's way, `tokenizer.ggml.model` = `gpt2`). Text of a
//! person can never become a control token: only [`Tokenizer::encode`]'s caller says where those may stand, see [`HIDE`].

use std::collections::HashMap;

use aho_corasick::{AhoCorasick, Input, MatchKind};

use crate::tokens::{BytePairs, Words};

use super::InferenceError;
use super::gguf::{Head, Value};

/// Breaks what looks like a control token in a text, and is taken out before the text is encoded: a private-use character,
/// which is taken out of every text first.
pub(super) const HIDE: char = '\u{f8ff}';

/// How text is cut into words before it is encoded, by `tokenizer.ggml.pre` (llama.cpp, llama-vocab.cpp; each pattern is
/// that of the model's own tokenizer.json, in the form that [`Words::new`] takes), and whether line ends stand apart.
const PATTERNS: [(&str, &str, bool); 4] = [
    (
        "qwen2",
        r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+",
        true,
    ),
    (
        "llama-bpe",
        r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+",
        true,
    ),
    ("gpt-2", r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+", false),
    ("smollm", r"\p{N}|'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?[^\s\p{L}\p{N}]+|\s+", false),
];

/// Control tokens that end a turn where a vocabulary has them, besides the one that the settings name.
const ENDS: [&str; 5] = ["<|im_end|>", "<|endoftext|>", "<|eot_id|>", "<|end_of_text|>", "<|end|>"];

/// ggml's token types: what only a template writes, and what the vocabulary added.
const CONTROL: i64 = 3;
const USER_DEFINED: i64 = 4;

/// A vocabulary.
pub(super) struct Tokenizer {
    pairs: BytePairs,
    /// The token of each rank of `pairs`; none for bytes that the vocabulary lacks.
    of_rank: Vec<Option<u32>>,
    /// Every token as the file writes it.
    texts: Vec<String>,
    /// The whole texts that stand for one token each, and these tokens.
    specials: AhoCorasick,
    special_texts: Vec<String>,
    special_tokens: Vec<u32>,
    /// The special tokens that nobody shall read, in ascending order.
    silent: Vec<u32>,
    bytes_of_letters: HashMap<char, u8>,
    ends: Vec<u32>,
    /// What the template calls `bos_token` and `eos_token`.
    pub(super) begin_text: String,
    pub(super) end_text: String,
}

impl Tokenizer {
    /// Builds the vocabulary of a file.
    ///
    /// # Errors
    /// [`InferenceError::Unsupported`] for another kind of vocabulary, [`InferenceError::Broken`] for one that contradicts
    /// itself.
    pub(super) fn of(head: &Head) -> Result<Self, InferenceError> {
        let model = head.text("tokenizer.ggml.model").unwrap_or("none");
        if model != "gpt2" {
            return Err(head.unsupported(format!("the tokenizer {model:?}; \"gpt2\" (byte pairs) is known")));
        }
        let wanted = head.text("tokenizer.ggml.pre").unwrap_or("gpt-2");
        let Some((_, pattern, line_ends_stand_apart)) = PATTERNS.iter().find(|entry| entry.0 == wanted) else {
            let known = PATTERNS.map(|entry| entry.0).join(", ");
            return Err(head.unsupported(format!("the pre-tokenizer {wanted:?}; {known} are known")));
        };
        let (Some(Value::Texts(texts)), Some(Value::Texts(merges))) =
            (head.value("tokenizer.ggml.tokens"), head.value("tokenizer.ggml.merges"))
        else {
            return Err(head.broken("tokenizer.ggml.tokens or tokenizer.ggml.merges is missing"));
        };
        let bytes_of_letters = letters();
        let kinds = match head.value("tokenizer.ggml.token_type") {
            Some(Value::Integers(kinds)) if kinds.len() == texts.len() => kinds.as_slice(),
            _ => &[],
        };
        // A single character cannot be broken by hiding, so that a text could not be kept from becoming such a token.
        let special = |token: &usize| {
            kinds.get(*token).is_some_and(|kind| [CONTROL, USER_DEFINED].contains(kind))
                && texts[*token].chars().nth(1).is_some()
                && !texts[*token].contains(HIDE)
        };
        let special_tokens: Vec<u32> = (0..texts.len()).filter(special).map(|token| token as u32).collect();
        let special_texts: Vec<String> = special_tokens.iter().map(|token| texts[*token as usize].clone()).collect();
        let broken = |error: &dyn std::fmt::Display| head.broken(format!("its vocabulary: {error}"));
        let words = Words::new(pattern, *line_ends_stand_apart).map_err(|error| broken(&error))?;
        let (ranked, of_rank) = ranks(texts, merges, &bytes_of_letters);
        let pairs = BytePairs::new(&ranked.iter().map(Vec::as_slice).collect::<Vec<_>>(), words);
        let specials = AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(&special_texts);
        let named = |key: &str| head.count(key).filter(|token| *token < texts.len()).map(|token| token as u32);
        let end = named("tokenizer.ggml.eos_token_id");
        let text_of = |token: Option<u32>| token.map_or_else(String::new, |token| texts[token as usize].clone());
        let known_end = |(text, _): &(&String, &u32)| ENDS.contains(&text.as_str());
        let mut ends: Vec<u32> =
            special_texts.iter().zip(&special_tokens).filter(known_end).map(|(_, token)| *token).collect();
        ends.extend(end.into_iter().chain(named("tokenizer.ggml.eot_token_id")));
        if ends.is_empty() {
            return Err(head.broken("no token ends a turn"));
        }
        Ok(Self {
            pairs,
            of_rank,
            specials: specials.map_err(|error| broken(&error))?,
            begin_text: text_of(named("tokenizer.ggml.bos_token_id")),
            end_text: text_of(end),
            texts: texts.clone(),
            special_texts,
            special_tokens,
            silent: silent(texts, kinds, &ends),
            bytes_of_letters,
            ends,
        })
    }

    /// Returns how many tokens there are.
    pub(super) fn size(&self) -> u32 {
        self.texts.len() as u32
    }

    /// Returns the tokens that end a turn; there is at least one.
    pub(super) fn end_tokens(&self) -> &[u32] {
        &self.ends
    }

    /// Tells whether a turn ends with `token`.
    pub(super) fn ends(&self, token: u32) -> bool {
        self.ends.contains(&token)
    }

    /// Returns `text` with [`HIDE`] in everything that looks like a control token, also in the beginning of one where the
    /// text ends, which a template could write next to its other half; nowhere else.
    pub(super) fn hidden(&self, text: &str) -> String {
        let clean: String = text.chars().filter(|letter| *letter != HIDE).collect();
        let mut hidden = String::with_capacity(clean.len());
        let mut done = 0;
        // What follows the first character is searched again: tokens may overlap.
        while let Some(found) = self.specials.find(Input::new(&clean).range(done..)) {
            done = hide_after_first(&clean, done, found.start(), &mut hidden);
        }
        // Templates take white space away.
        let end = clean.trim_end().len();
        let longest = self.special_texts.iter().map(String::len).max().unwrap_or(0);
        let begins = |start: &usize| self.special_texts.iter().any(|text| text.starts_with(&clean[*start..end]));
        let starts = clean.floor_char_boundary(end.saturating_sub(longest)).max(done)..end;
        for start in starts.filter(|start| clean.is_char_boundary(*start)).filter(begins) {
            done = hide_after_first(&clean, done, start, &mut hidden);
        }
        hidden.push_str(&clean[done..]);
        hidden
    }

    /// Encodes a rendered conversation: control tokens where they are written, ordinary text elsewhere.
    pub(super) fn encode(&self, rendered: &str) -> Vec<u32> {
        let mut tokens = Vec::new();
        let mut done = 0;
        for found in self.specials.find_iter(rendered) {
            self.encode_ordinary(&rendered[done..found.start()], &mut tokens);
            tokens.push(self.special_tokens[found.pattern().as_usize()]);
            done = found.end();
        }
        self.encode_ordinary(&rendered[done..], &mut tokens);
        tokens
    }

    fn encode_ordinary(&self, text: &str, tokens: &mut Vec<u32>) {
        let text = text.replace(HIDE, "");
        tokens.extend(self.pairs.encode(&text).filter_map(|rank| self.of_rank[rank as usize]));
    }

    /// Returns the bytes that `token` stands for; none for control tokens, which nobody shall read.
    pub(super) fn bytes(&self, token: u32) -> Vec<u8> {
        let Some(text) = self.texts.get(token as usize) else { return Vec::new() };
        if self.silent.binary_search(&token).is_ok() {
            return Vec::new();
        }
        if self.special_tokens.binary_search(&token).is_ok() {
            return text.clone().into_bytes();
        }
        text.chars().filter_map(|letter| self.bytes_of_letters.get(&letter).copied()).collect()
    }
}

/// Returns the tokens that are no text: those that end a turn and those that only templates write. What the vocabulary
/// added by name is text, unless its name is that of a control token.
fn silent(texts: &[String], kinds: &[i64], ends: &[u32]) -> Vec<u32> {
    let silent = |token: &u32| match kinds.get(*token as usize) {
        Some(&CONTROL) => true,
        Some(&USER_DEFINED) => texts[*token as usize].starts_with("<|") || ends.contains(token),
        _ => ends.contains(token),
    };
    (0..texts.len() as u32).filter(silent).collect()
}

/// Copies `text` from `done` to behind the character at `start`, and [`HIDE`]; returns how far it is.
fn hide_after_first(text: &str, done: usize, start: usize, hidden: &mut String) -> usize {
    let end = start + text[start..].chars().next().map_or(0, char::len_utf8);
    hidden.push_str(&text[done..end]);
    hidden.push(HIDE);
    end
}

/// The letters that stand for bytes: printable ones for themselves, all others from U+0100 on (GPT-2, `bytes_to_unicode`).
fn letters() -> HashMap<char, u8> {
    let mut next = 0x100;
    let letter = |byte: u8| {
        if matches!(byte, b'!'..=b'~' | 0xa1..=0xac | 0xae..=0xff) {
            return (char::from(byte), byte);
        }
        next += 1;
        (char::from_u32(next - 1).unwrap_or(char::REPLACEMENT_CHARACTER), byte)
    };
    (0..=255).map(letter).collect()
}

/// Ranks bytes first and then what each merge makes, in their order; returns the bytes and the token of each rank.
fn ranks(
    texts: &[String],
    merges: &[String],
    bytes_of_letters: &HashMap<char, u8>,
) -> (Vec<Vec<u8>>, Vec<Option<u32>>) {
    let bytes =
        |text: &str| text.chars().map(|letter| bytes_of_letters.get(&letter).copied()).collect::<Option<Vec<u8>>>();
    // Of a text that stands there twice the first is meant.
    let tokens: HashMap<&str, u32> =
        texts.iter().enumerate().rev().map(|(at, text)| (text.as_str(), at as u32)).collect();
    let singles = bytes_of_letters.keys().map(char::to_string);
    let made = merges.iter().filter_map(|merge| merge.split_once(' ')).map(|(left, right)| format!("{left}{right}"));
    let ranked = singles.chain(made).filter_map(|text| {
        let (token, bytes) = (tokens.get(text.as_str()).copied(), bytes(&text)?);
        (token.is_some() || bytes.len() == 1).then_some((bytes, token))
    });
    ranked.unzip()
}

#[cfg(test)]
#[path = "tokenizer_tests.rs"]
mod tests;
