//! Counting tokens with a real tokenizer, for budgets and for the cap on what a run may cost; and byte pair encoding for
//! whoever has another vocabulary.
//!
//! Every model has a vocabulary of its own and most are not public, so one stands for all: cl100k_base (OpenAI,
//! `tiktoken`). On source code it counts within a thousandth of o200k_base, and on other scripts rather more than the
//! larger vocabularies, which is the safe side. What a model really charged stands in its reply.

mod pairs;
mod words;

use std::sync::LazyLock;

pub use pairs::BytePairs;
pub use words::Words;

/// How cl100k_base cuts words (tiktoken, tiktoken_ext/openai_public.py), in the form that [`Words::new`] takes.
const PATTERN: &str =
    r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s+$|\s*[\r\n]+|\s+";

/// The vocabulary is laid out on first use only: a short text often needs none, see [`at_most`].
static VOCABULARY: LazyLock<BytePairs> = LazyLock::new(|| {
    let words = Words::new(PATTERN, true).expect("the pattern is a constant, read by a test");
    BytePairs::new(&tokens(include_bytes!("cl100k_base.bin")), words)
});

/// Reads the tokens of a vocabulary in the form that NOTICE describes.
fn tokens(mut file: &[u8]) -> Vec<&[u8]> {
    let mut tokens = Vec::new();
    while let Some((token, behind)) =
        file.split_first().and_then(|(length, rest)| rest.split_at_checked(usize::from(*length)))
    {
        tokens.push(token);
        file = behind;
    }
    tokens
}

/// Counts the tokens of `text`; markers such as `<|endoftext|>` count as ordinary text.
pub fn count(text: &str) -> usize {
    VOCABULARY.count(text, usize::MAX)
}

/// Returns a number that [`count`] never exceeds, without the vocabulary: a token has at least one byte.
pub fn at_most(text: &str) -> usize {
    text.len()
}

/// Counts the tokens of `text` unless there are more than `max_tokens`; counts little further than needed.
pub fn count_within(text: &str, max_tokens: usize) -> Option<usize> {
    Some(VOCABULARY.count(text, max_tokens)).filter(|tokens| *tokens <= max_tokens)
}

/// Tells whether `text` has at most `max_tokens` tokens; a short text is not even counted.
pub fn fits(text: &str, max_tokens: usize) -> bool {
    at_most(text) <= max_tokens || count_within(text, max_tokens).is_some()
}

/// Returns the longest beginning of `text` that has at most `max_tokens` tokens and ends with a line, or the longest one
/// that ends with a character when not even the first line fits.
pub fn truncate(text: &str, max_tokens: usize) -> &str {
    if at_most(text) <= max_tokens {
        return text;
    }
    let mut tokens = VOCABULARY.encode(text);
    let end = tokens.by_ref().take(max_tokens).map(|rank| VOCABULARY.token(rank).len()).sum();
    if tokens.next().is_none() {
        return text;
    }
    settle(text, text.floor_char_boundary(end), max_tokens)
}

/// Moves `end` back to a line's end, and further while the beginning counts differently when it stands alone.
fn settle(text: &str, end: usize, max_tokens: usize) -> &str {
    let mut end = text[..end].rfind('\n').map_or(end, |line_break| line_break + 1);
    while !fits(&text[..end], max_tokens) {
        let shorter = text[..end].trim_end_matches('\n').rfind('\n').map_or(0, |line_break| line_break + 1);
        end = if shorter > 0 { shorter } else { text.floor_char_boundary(end - 1) };
    }
    &text[..end]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_vocabulary_counts_as_published() {
        // OpenAI Cookbook, "How to count tokens with tiktoken": cl100k_base on these texts.
        for (text, tokens) in
            [("", 0), ("tiktoken is great!", 6), ("antidisestablishmentarianism", 6), ("2 + 2 = 4", 7)]
        {
            assert_eq!(count(text), tokens, "{text:?}");
        }
        assert_eq!(count("お誕生日おめでとう"), 9);
        assert!(count("<|endoftext|>") > 1, "a marker in a file is text");
    }

    /// Texts of every kind: code, prose, other scripts, white space of all sorts.
    const TEXTS: [&str; 6] = [
        include_str!("mod.rs"),
        include_str!("../../ARCHITECTURE.md"),
        "日本語のテキスト。中文，句子！देवनागरी लिपि है। Ünïcödé ǅ ⅷ ½ ٣٤٥ e\u{301} \u{1f1e9}\u{1f1ea} 👩‍👩‍👧",
        "don't I'LL we'Ve it'ſ 'tis  12345678 1.5e-10 0x1F\r\n\r\n\t\t x \u{a0}\u{3000} y\n \n  \n",
        "trailing  \n\n   ",
        "==========\n----------\n//////////\n\0\u{7}\u{feff}",
    ];

    /// The same vocabulary and pattern in a library of others.
    static PEER: LazyLock<tiktoken_rs::CoreBPE> = LazyLock::new(|| tiktoken_rs::cl100k_base().unwrap());

    #[test]
    fn the_vocabulary_is_that_of_the_library_token_by_token() {
        let tokens = tokens(include_bytes!("cl100k_base.bin"));
        assert_eq!(tokens.len(), 100_256);
        for (token, rank) in tokens.iter().zip(0..) {
            assert_eq!(PEER.decode_bytes(&[rank]).unwrap(), *token, "{rank}");
            assert_eq!(VOCABULARY.rank(token), Some(rank));
        }
    }

    #[test]
    fn texts_are_encoded_as_the_library_encodes_them() {
        for text in TEXTS {
            // Every beginning of a part, so that every place is the end of a text once.
            let part = &text[..text.floor_char_boundary(600)];
            for end in part.char_indices().map(|(at, _)| at) {
                let encoded: Vec<u32> = VOCABULARY.encode(&part[..end]).collect();
                assert_eq!(encoded, PEER.encode_ordinary(&part[..end]), "{:?}", &part[..end]);
            }
            assert!(
                VOCABULARY.encode(text).eq(PEER.encode_ordinary(text)),
                "{:?}",
                &text[..text.floor_char_boundary(40)]
            );
        }
    }

    fn check_truncate(text: &str, max_tokens: usize, expected: &str) {
        assert_eq!(truncate(text, max_tokens), expected, "{text:?} {max_tokens}");
    }

    #[test]
    fn a_text_is_cut_behind_a_line_or_else_behind_a_character() {
        check_truncate("one two\nthree four\n", 100, "one two\nthree four\n");
        check_truncate("one two\nthree four\n", 5, "one two\n");
        check_truncate("one two three", 2, "one two");
        check_truncate("one", 0, "");
        check_truncate("", 0, "");
        check_truncate("🦀🦀🦀", 4, "🦀");
    }

    #[test]
    fn long_runs_neither_panic_nor_take_for_ever() {
        for run in [" ", "\n", "\u{a0}", "=", "a"] {
            let text = format!("{}x", run.repeat(1_200_000 / run.len()));
            assert!(count(&text) > 1_000, "{run:?}");
            assert!(!fits(&text, 1_000), "{run:?}");
            assert!(fits(truncate(&text, 1_000), 1_000), "{run:?}");
        }
    }

    proptest! {
        #[test]
        fn a_cut_text_is_a_beginning_and_fits(text in "(\\PC|[ \\n\\t\\r]|fn |'ll|12|🦀){0,80}", max_tokens in 0usize..60) {
            let cut = truncate(&text, max_tokens);
            prop_assert!(text.starts_with(cut));
            prop_assert!(count(cut) <= max_tokens);
            prop_assert_eq!(fits(&text, max_tokens), count(&text) <= max_tokens);
            prop_assert_eq!(count_within(&text, max_tokens), Some(count(&text)).filter(|n| *n <= max_tokens));
            prop_assert!(count(&text) <= at_most(&text));
            prop_assert_eq!(VOCABULARY.encode(&text).collect::<Vec<_>>(), PEER.encode_ordinary(&text));
        }
    }
}
