//! Counting tokens with a real tokenizer, for budgets and for the cap on what a run may cost.
//!
//! Every model has a vocabulary of its own and most are not public, so one stands for all: cl100k_base (OpenAI,
//! `tiktoken`). On source code it counts within a thousandth of o200k_base, and on other scripts rather more than the
//! larger vocabularies, which is the safe side. It takes a third of the time (57 to 160 ms of CPU) and half of the memory
//! (29 to 53 MB) to load, and counts 13 MB a second. What a model really charged stands in its reply.

use std::sync::LazyLock;

use tiktoken_rs::CoreBPE;

/// Longer texts are counted in pieces of about this many bytes; a cut through a run of spaces may add one token.
///
/// The tokenizer's regular expression goes back and forth over runs of white space and gives up on very long ones.
const PIECE_BYTES: usize = 8 * 1024;

/// The vocabulary is decoded on first use only: a short text often needs none, see [`at_most`].
static VOCABULARY: LazyLock<CoreBPE> =
    LazyLock::new(|| tiktoken_rs::cl100k_base().expect("the vocabulary is a constant of the crate, loaded by a test"));

/// Counts the tokens of `text`; markers such as `<|endoftext|>` count as ordinary text.
pub fn count(text: &str) -> usize {
    pieces(text).map(|piece| VOCABULARY.count_ordinary(piece)).sum()
}

/// Returns a number that [`count`] never exceeds, without loading the vocabulary: a token has at least one byte.
pub fn at_most(text: &str) -> usize {
    text.len()
}

/// Counts the tokens of `text` unless there are more than `max_tokens`; counts little further than needed.
pub fn count_within(text: &str, max_tokens: usize) -> Option<usize> {
    let mut tokens = 0;
    for piece in pieces(text) {
        tokens += VOCABULARY.count_ordinary(piece);
        if tokens > max_tokens {
            return None;
        }
    }
    Some(tokens)
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
    let (mut end, mut left) = (0, max_tokens);
    for piece in pieces(text) {
        let tokens = VOCABULARY.encode_ordinary(piece);
        if tokens.len() <= left {
            left -= tokens.len();
            end += piece.len();
            continue;
        }
        let bytes = VOCABULARY.decode_bytes(&tokens[..left]).map_or(0, |bytes| bytes.len());
        return settle(text, text.floor_char_boundary(end + bytes), max_tokens);
    }
    text
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

fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let cut = rest.floor_char_boundary(PIECE_BYTES);
        let at = if cut == rest.len() { cut } else { rest[..cut].rfind('\n').map_or(cut, |line_break| line_break + 1) };
        let (piece, after) = rest.split_at(at);
        rest = after;
        Some(piece)
    })
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
        fn a_cut_text_is_a_beginning_and_fits(text in "(\\PC|[ \\n\\t]|fn |🦀){0,80}", max_tokens in 0usize..60) {
            let cut = truncate(&text, max_tokens);
            prop_assert!(text.starts_with(cut));
            prop_assert!(count(cut) <= max_tokens);
            prop_assert_eq!(fits(&text, max_tokens), count(&text) <= max_tokens);
            prop_assert_eq!(count_within(&text, max_tokens), Some(count(&text)).filter(|n| *n <= max_tokens));
            prop_assert!(count(&text) <= at_most(&text));
        }
    }
}
