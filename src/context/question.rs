//! What the task's text asks for: weighted words, and the files and lines that it names.

use std::collections::BTreeMap;

use super::mention::{self, Mention};
use super::stop_words;
use super::weights;
use super::words::{Word, WordKind, each_word, hash_word};

/// A word that is searched for.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Term {
    /// As the task writes it first, for people.
    pub shown: String,
    /// How much it counts.
    pub weight: f64,
}

/// What is searched for.
#[derive(Debug)]
pub(super) struct Question {
    /// The words, heaviest first; at most [`weights::MAX_TERMS`].
    pub terms: Vec<Term>,
    /// The files and lines named in the text.
    pub mentions: Vec<Mention>,
    lookup: Lookup,
}

impl Question {
    /// Reads the task's text; its first line is the title.
    pub(super) fn new(text: &str) -> Self {
        let mut found: Vec<Collected> = collect(text).into_values().collect();
        found.sort_by(|a, b| b.weight.total_cmp(&a.weight).then(a.first.cmp(&b.first)));
        found.truncate(weights::MAX_TERMS);
        let lookup = Lookup::new(&found);
        let terms = found.into_iter().map(|c| Term { shown: c.shown, weight: saturate(c.weight) }).collect();
        Self { terms, mentions: mention::find(text), lookup }
    }

    /// Returns the index of the term that a word with this hash stands for.
    pub(super) fn term(&self, hash: u64) -> Option<usize> {
        self.lookup.find(hash).map(usize::from)
    }
}

struct Collected {
    shown: String,
    weight: f64,
    /// Where it stands first.
    first: usize,
    is_compound: bool,
}

fn saturate(weight: f64) -> f64 {
    weight * (weights::QUERY_SATURATION + 1.0) / (weight + weights::QUERY_SATURATION)
}

/// Collects the words by what makes two of them the same term.
fn collect(text: &str) -> BTreeMap<String, Collected> {
    let title_end = text.trim_start().find('\n').map_or(text.len(), |at| at + text.len() - text.trim_start().len());
    let mut found = BTreeMap::<String, Collected>::new();
    each_word(text.as_bytes(), |word| {
        let Some(shown) = text.get(word.start..word.end) else { return };
        let lower = shown.to_lowercase().replace('_', "");
        let is_code = word.kind == WordKind::Compound || (word.kind == WordKind::Plain && looks_like_code(text, word));
        let weight = match word.kind {
            WordKind::Part => weights::IDENTIFIER_PART,
            _ if is_code => weights::IDENTIFIER,
            _ => weights::WORD,
        };
        if !is_worth_searching(&lower, is_code) {
            return;
        }
        let is_compound = word.kind == WordKind::Compound;
        let key = if is_compound { lower } else { stem(&lower).to_owned() };
        let weight = if word.start < title_end { weight * weights::TITLE } else { weight };
        let entry = found.entry(key).or_insert_with(|| Collected {
            shown: shown.to_owned(),
            weight: 0.0,
            first: word.start,
            is_compound,
        });
        entry.weight += weight;
    });
    found
}

fn looks_like_code(text: &str, word: Word) -> bool {
    let (before, after) = (&text.as_bytes()[..word.start], &text.as_bytes()[word.end..]);
    before.last() == Some(&b'`')
        || after.first() == Some(&b'(')
        || before.ends_with(b"::")
        || after.starts_with(b"::")
        || (before.last() == Some(&b'.') && before.len() > 1 && before[before.len() - 2].is_ascii_alphanumeric())
}

/// Shortest word searched for, and the longest: longer ones are hashes and encoded data.
const WORD_BYTES: std::ops::RangeInclusive<usize> = 2..=64;

fn is_worth_searching(lower: &str, is_code: bool) -> bool {
    WORD_BYTES.contains(&lower.len())
        && (is_code || lower.len() > 2)
        && !lower.bytes().all(|byte| byte.is_ascii_digit())
        && !stop_words::is_one(lower)
}

/// Takes the commonest English endings from a word, so that `parsing`, `parses` and `parsed` are `pars`.
fn stem(word: &str) -> &str {
    for (ending, shortest_rest) in [("ing", 4), ("ied", 3), ("ies", 3), ("ed", 3), ("es", 3), ("e", 3), ("s", 3)] {
        if let Some(rest) = word.strip_suffix(ending)
            && rest.len() >= shortest_rest
            && !(ending == "s" && rest.ends_with('s'))
        {
            return rest;
        }
    }
    word
}

/// The forms of a stem that are searched for.
const ENDINGS: [&str; 11] = ["", "e", "s", "es", "ed", "ing", "er", "ers", "y", "ies", "ied"];

/// From the hash of a word to the index of its term.
struct Lookup {
    /// One bit for each possible value of the hash's low 16 bits: most words of a file end here.
    filter: Vec<u64>,
    slots: Vec<Option<(u64, u16)>>,
}

impl std::fmt::Debug for Lookup {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Lookup({} words)", self.slots.iter().flatten().count())
    }
}

impl Lookup {
    fn new(terms: &[Collected]) -> Self {
        let capacity = (terms.len() * (ENDINGS.len() + 1) * 2).next_power_of_two().max(16);
        let mut lookup = Self { filter: vec![0; 1024], slots: vec![None; capacity] };
        for (index, term) in (0_u16..).zip(terms) {
            lookup.insert(hash_word(&term.shown.to_lowercase()), index);
        }
        for (index, term) in (0_u16..).zip(terms).filter(|(_, term)| !term.is_compound) {
            let lower = term.shown.to_lowercase();
            for ending in ENDINGS {
                lookup.insert(hash_word(&format!("{}{ending}", stem(&lower))), index);
            }
        }
        lookup
    }

    /// The first term that claims a word keeps it.
    fn insert(&mut self, hash: u64, term: u16) {
        self.filter[filter_word(hash)] |= 1 << (hash & 63);
        let mut at = self.slot(hash);
        while let Some((taken, _)) = self.slots[at] {
            if taken == hash {
                return;
            }
            at = (at + 1) % self.slots.len();
        }
        self.slots[at] = Some((hash, term));
    }

    fn find(&self, hash: u64) -> Option<u16> {
        if self.filter[filter_word(hash)] & (1 << (hash & 63)) == 0 {
            return None;
        }
        let mut at = self.slot(hash);
        while let Some((found, term)) = self.slots[at] {
            if found == hash {
                return Some(term);
            }
            at = (at + 1) % self.slots.len();
        }
        None
    }

    fn slot(&self, hash: u64) -> usize {
        (hash >> 20) as usize % self.slots.len()
    }
}

fn filter_word(hash: u64) -> usize {
    (hash >> 6) as usize & 1023
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The terms with their weights, to two places.
    fn check(text: &str, expected: &[(&str, &str)]) {
        let question = Question::new(text);
        let found: Vec<(&str, String)> =
            question.terms.iter().map(|term| (term.shown.as_str(), format!("{:.2}", term.weight))).collect();
        let found: Vec<(&str, &str)> = found.iter().map(|(shown, weight)| (*shown, weight.as_str())).collect();
        assert_eq!(found, expected, "{text:?}");
    }

    #[test]
    fn words_are_weighed_by_how_and_where_they_are_written() {
        check(
            "Header timeout\nThe `parse_header` ignores timeouts, see read().",
            &[
                ("timeout", "2.67"),
                ("Header", "2.40"),
                ("parse_header", "1.78"),
                ("read", "1.78"),
                ("ignores", "1.00"),
                ("parse", "0.53"),
            ],
        );
        check("", &[]);
        check("What should I do? 1234", &[]);
    }

    #[test]
    fn forms_of_a_word_and_spellings_of_a_name_are_one_term() {
        let question = Question::new("x\nparsing of parse_header fails");
        let term = |word: &str| question.term(hash_word(word)).map(|at| question.terms[at].shown.as_str());
        for form in ["parse", "parses", "parsed", "parser", "parsing"] {
            assert_eq!(term(form), Some("parsing"), "{form}");
        }
        for spelling in ["parseHeader", "ParseHeader", "PARSE_HEADER"] {
            assert_eq!(term(spelling), Some("parse_header"), "{spelling}");
        }
        assert_eq!(term("head"), None);
    }

    #[test]
    fn the_number_of_terms_is_capped() {
        let text: String = (0..1000).map(|n| format!("word{n} ")).collect();
        assert_eq!(Question::new(&text).terms.len(), weights::MAX_TERMS);
    }
}
