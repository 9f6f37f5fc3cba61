//! Text to tokens and back, by the vocabulary and the merges that the file holds.
//!
//! Byte pair encoding over bytes that are written as letters (GPT-2's way, `tokenizer.ggml.model` = `gpt2`). Text of a
//! person can never become a control token: only [`Tokenizer::encode`]'s caller says where those may stand, see [`HIDE`].

use std::collections::HashMap;

use aho_corasick::{AhoCorasick, MatchKind};
use tiktoken_rs::CoreBPE;

use super::InferenceError;
use super::gguf::{Head, Value};

/// Breaks what looks like a control token in a text, and is taken out before the text is encoded: a private-use character,
/// which is taken out of every text first.
pub(super) const HIDE: char = '\u{f8ff}';

/// Longer texts are split in pieces of about this many bytes where a line ends and a word begins.
const PIECE_BYTES: usize = 8 * 1024;

/// How text is cut into words before it is encoded, by `tokenizer.ggml.pre` (llama.cpp, llama-vocab.cpp; each pattern is
/// that of the model's own tokenizer.json).
const PATTERNS: [(&str, &str); 4] = [
    (
        "qwen2",
        r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    ),
    (
        "llama-bpe",
        r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    ),
    ("gpt-2", r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"),
    ("smollm", r"\p{N}|'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"),
];

/// Control tokens that end a turn where a vocabulary has them, besides the one that the settings name.
const ENDS: [&str; 5] = ["<|im_end|>", "<|endoftext|>", "<|eot_id|>", "<|end_of_text|>", "<|end|>"];

/// ggml's token types: what only a template writes, and what the vocabulary added.
const CONTROL: i64 = 3;
const USER_DEFINED: i64 = 4;

/// A vocabulary.
pub(super) struct Tokenizer {
    words: CoreBPE,
    /// The token of each rank of `words`.
    of_rank: Vec<u32>,
    /// Every token as the file writes it.
    texts: Vec<String>,
    /// The whole texts that stand for one token each, and these tokens.
    specials: AhoCorasick,
    special_tokens: Vec<u32>,
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
        let Some((_, pattern)) = PATTERNS.iter().find(|entry| entry.0 == wanted) else {
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
        let special = |token: &usize| kinds.get(*token).is_some_and(|kind| [CONTROL, USER_DEFINED].contains(kind));
        let special_tokens: Vec<u32> = (0..texts.len()).filter(special).map(|token| token as u32).collect();
        let special_texts: Vec<String> = special_tokens.iter().map(|token| texts[*token as usize].clone()).collect();
        let (encoder, of_rank) = ranks(texts, merges, &bytes_of_letters);
        let broken = |error: &dyn std::fmt::Display| head.broken(format!("its vocabulary: {error}"));
        let words = CoreBPE::new(encoder.collect(), Default::default(), pattern).map_err(|error| broken(&error))?;
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
            words,
            of_rank,
            specials: specials.map_err(|error| broken(&error))?,
            begin_text: text_of(named("tokenizer.ggml.bos_token_id")),
            end_text: text_of(end),
            texts: texts.clone(),
            special_tokens,
            bytes_of_letters,
            ends,
        })
    }

    /// Tells whether a turn ends with `token`.
    pub(super) fn ends(&self, token: u32) -> bool {
        self.ends.contains(&token)
    }

    /// Returns `text` with [`HIDE`] in everything that looks like a control token, and nowhere else.
    pub(super) fn hidden(&self, text: &str) -> String {
        let clean: String = text.chars().filter(|letter| *letter != HIDE).collect();
        let mut hidden = String::with_capacity(clean.len());
        let mut done = 0;
        for found in self.specials.find_iter(&clean) {
            let first = clean[found.start()..].chars().next().map_or(0, char::len_utf8);
            hidden.push_str(&clean[done..found.start() + first]);
            hidden.push(HIDE);
            done = found.start() + first;
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
        let mut rest: &str = &text.replace(HIDE, "");
        while !rest.is_empty() {
            let (piece, after) = rest.split_at(piece_end(rest));
            tokens.extend(self.words.encode_ordinary(piece).into_iter().map(|rank| self.of_rank[rank as usize]));
            rest = after;
        }
    }

    /// Returns the bytes that `token` stands for; none for control tokens, which nobody shall read.
    pub(super) fn bytes(&self, token: u32) -> Vec<u8> {
        let Some(text) = self.texts.get(token as usize) else { return Vec::new() };
        if self.special_tokens.binary_search(&token).is_ok() {
            // What the vocabulary added by name is text, what only templates write is none.
            return if self.ends(token) || text.starts_with("<|") { Vec::new() } else { text.clone().into_bytes() };
        }
        text.chars().filter_map(|letter| self.bytes_of_letters.get(&letter).copied()).collect()
    }
}

/// Where the first piece of `text` ends: behind a line that a word follows, where no pattern looks across.
fn piece_end(text: &str) -> usize {
    if text.len() <= PIECE_BYTES {
        return text.len();
    }
    let start = text.floor_char_boundary(PIECE_BYTES);
    let follows =
        |(at, _): &(usize, &str)| text[start + at + 1..].chars().next().is_some_and(|letter| !letter.is_whitespace());
    let after = text[start..].match_indices('\n').find(follows).map(|(at, _)| start + at + 1);
    after.filter(|end| *end <= 4 * PIECE_BYTES).unwrap_or(start)
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

/// Ranks bytes first and then what each merge makes, in their order; returns the ranks and the token of each.
fn ranks(
    texts: &[String],
    merges: &[String],
    bytes_of_letters: &HashMap<char, u8>,
) -> (impl Iterator<Item = (Vec<u8>, u32)>, Vec<u32>) {
    let bytes =
        |text: &str| text.chars().map(|letter| bytes_of_letters.get(&letter).copied()).collect::<Option<Vec<u8>>>();
    let tokens: HashMap<&str, u32> = texts.iter().map(String::as_str).zip(0..).collect();
    let (mut ranked, mut of_rank) = (HashMap::new(), Vec::new());
    let singles = texts.iter().filter(|text| text.chars().count() == 1).cloned();
    let made = merges.iter().filter_map(|merge| merge.split_once(' ')).map(|(left, right)| format!("{left}{right}"));
    for text in singles.chain(made) {
        let (Some(token), Some(bytes)) = (tokens.get(text.as_str()), bytes(&text)) else { continue };
        if let std::collections::hash_map::Entry::Vacant(place) = ranked.entry(bytes) {
            place.insert(of_rank.len() as u32);
            of_rank.push(*token);
        }
    }
    (ranked.into_iter(), of_rank)
}
