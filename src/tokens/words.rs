//! Cuts a text into the words whose bytes are merged to tokens.

use regex::{Regex, RegexBuilder};

/// Longer words are cut, which may add a token: what a word costs grows faster than its length.
const MAX_WORD_BYTES: usize = 64 * 1024;

/// What the automaton of a pattern may take, in bytes; it grows as it meets letters. With the usual 2 MiB it is thrown away
/// again and again where scripts mix, and then given up for one that is many times slower.
const DFA_BYTES: usize = 16 << 20;

/// How a tokenizer cuts text into words.
pub struct Words {
    pattern: Regex,
    line_ends_stand_apart: bool,
}

impl Words {
    /// Reads the alternatives of a pattern, the last of which is `\s+`; together they match at every place of a text.
    ///
    /// Of white space that `\s+` finds the last character is left to the word behind it, as `\s+(?!\S)|\s+` says it in the
    /// patterns that are published; here nothing looks ahead, so that the time is linear. `line_ends_stand_apart` tells that
    /// white space which ends in a line's end is found by another alternative.
    ///
    /// # Errors
    /// [`regex::Error`] for a pattern that is none.
    pub fn new(alternatives: &str, line_ends_stand_apart: bool) -> Result<Self, regex::Error> {
        let pattern = RegexBuilder::new(&format!(r"\A(?:{alternatives})")).dfa_size_limit(DFA_BYTES).build()?;
        Ok(Self { pattern, line_ends_stand_apart })
    }

    /// Returns the words of `text`, which together are the text.
    pub fn of<'t>(&self, text: &'t str) -> impl Iterator<Item = &'t str> {
        let mut rest = text;
        std::iter::from_fn(move || {
            if rest.is_empty() {
                return None;
            }
            let (word, behind) = rest.split_at(self.end_of_first(rest));
            rest = behind;
            Some(word)
        })
    }

    /// Returns where the first word of `text` ends; never 0 unless the text is empty.
    fn end_of_first(&self, text: &str) -> usize {
        let window = &text[..text.floor_char_boundary(MAX_WORD_BYTES)];
        let found = self.pattern.find(window).map_or(0, |found| found.end());
        let end = if found == 0 { window.chars().next().map_or(0, char::len_utf8) } else { found };
        if end == window.len() {
            return end;
        }
        let last = window[..end].chars().next_back().unwrap_or_default();
        let belongs_here = !last.is_whitespace() || self.line_ends_stand_apart && matches!(last, '\r' | '\n');
        if belongs_here || end == last.len_utf8() { end } else { end - last.len_utf8() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_space_belongs_to_the_word_behind_it() {
        let apart = Words::new(r" ?\w+| ?[^\s\w]+[\r\n]*|\s*[\r\n]+|\s+", true).unwrap();
        let check =
            |text: &str, expected: &[&str]| assert_eq!(apart.of(text).collect::<Vec<_>>(), expected, "{text:?}");
        check("", &[]);
        check("a b", &["a", " b"]);
        check("a   b", &["a", "  ", " b"]);
        check("a\t\tb", &["a", "\t", "\t", "b"]);
        check("a  \n\n  b", &["a", "  \n\n", " ", " b"]);
        check("a;\n\nb  ", &["a", ";\n\n", "b", "  "]);
        let together = Words::new(r" ?\w+| ?[^\s\w]+|\s+", false).unwrap();
        assert_eq!(together.of("a\n\nb\nc").collect::<Vec<_>>(), ["a", "\n", "\n", "b", "\n", "c"]);
    }

    #[test]
    fn a_word_without_end_is_cut() {
        let words = Words::new(r"\w+|\W|\s+", false).unwrap();
        let text = format!("{}é", "a".repeat(3 * MAX_WORD_BYTES - 1));
        let found: Vec<&str> = words.of(&text).collect();
        assert!(found.iter().all(|word| word.len() <= MAX_WORD_BYTES) && found.len() == 4, "{}", found.len());
        assert_eq!(found.concat(), text);
    }

    #[test]
    fn what_no_alternative_matches_is_a_word_of_one_character() {
        let words = Words::new(r"[a-z]+|\s+", false).unwrap();
        assert_eq!(words.of("ab1é c").collect::<Vec<_>>(), ["ab", "1", "é", " ", "c"]);
        assert!(Words::new("(", false).is_err());
    }
}
