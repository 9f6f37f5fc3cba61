//! What the task's text asks for: weighted words, and the files and lines that it names.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashSet};

use super::bigrams::Bigrams;
use super::forms::{Asides, without_comments};
use super::mention::{self, Mention};
use super::scope::Scope;
use super::stop_words;
use super::weights;
use super::words::{BEGINNINGS, Word, WordKind, beginning, each_word, hash_word};

/// A word that is searched for.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Term {
    /// As the task writes it first, for people.
    pub shown: String,
    /// How much it counts.
    pub weight: f64,
    /// Whether it stands in the title.
    pub in_title: bool,
    /// Whether it is written like code: camel case, underscores, in backticks, called.
    pub is_code: bool,
}

/// What is searched for.
#[derive(Debug)]
pub(super) struct Question {
    /// The words, heaviest first; at most [`weights::MAX_TERMS`].
    pub terms: Vec<Term>,
    /// The files and lines named in the text.
    pub mentions: Vec<Mention>,
    /// What the title says that is changed.
    pub scope: Option<Scope>,
    /// Terms that follow each other on a line of the text.
    pub bigrams: HashSet<(usize, usize)>,
    lookup: Lookup,
}

impl Question {
    /// Reads what a person wrote, whose first line is the title, and what is told besides.
    pub(super) fn new(text: &str, further: &str) -> Self {
        let text = without_comments(text);
        let asides = Asides::of(&text);
        let scope = Scope::of(&text);
        let text = &format!("{text}\n{further}");
        let mut found: Vec<Collected> = collect(text, &asides).into_values().collect();
        found.sort_by(|a, b| b.weight.total_cmp(&a.weight).then(a.first.cmp(&b.first)));
        let (mut words, mut pairs) = (0, 0);
        found.retain(|one| {
            let (count, most) = match one.is_pair {
                true => (&mut pairs, weights::MAX_PAIRS),
                false => (&mut words, weights::MAX_TERMS),
            };
            *count += 1;
            *count <= most
        });
        let lookup = Lookup::new(&found);
        let term = |c: Collected| Term {
            shown: c.shown,
            weight: saturate(c.weight),
            in_title: c.in_title,
            is_code: c.is_code,
        };
        let terms = found.into_iter().map(term).collect();
        let mut question = Self { terms, mentions: mention::find(text), scope, bigrams: HashSet::new(), lookup };
        question.bigrams = text.lines().flat_map(|line| question.bigrams_of(line)).collect();
        question
    }

    fn bigrams_of(&self, line: &str) -> Vec<(usize, usize)> {
        let (mut bigrams, mut found) = (Bigrams::default(), Vec::new());
        each_word(line.as_bytes(), |word| {
            let term = self.term(&line.as_bytes()[word.start..word.end]);
            found.extend(term.and_then(|term| bigrams.take(word.kind, term)));
        });
        found
    }

    /// Returns the index of the term that a word stands for.
    pub(super) fn term(&self, word: &[u8]) -> Option<usize> {
        self.lookup.find(word).map(usize::from)
    }

    /// Returns the index of the term that a word with this hash stands for.
    pub(super) fn term_of_hash(&self, hash: u64) -> Option<usize> {
        self.lookup.find_hash(hash).map(usize::from)
    }
}

struct Collected {
    shown: String,
    weight: f64,
    /// Where it stands first.
    first: usize,
    is_compound: bool,
    /// Whether the text has it only as two words.
    is_pair: bool,
    in_title: bool,
    is_code: bool,
}

fn saturate(weight: f64) -> f64 {
    weight * (weights::QUERY_SATURATION + 1.0) / (weight + weights::QUERY_SATURATION)
}

/// Collects the words by what makes two of them the same term, and pairs of words: what the text calls `smart case` may be
/// `smart_case` or `SmartCase` in a program.
fn collect(text: &str, asides: &Asides) -> BTreeMap<String, Collected> {
    let title_end = text.trim_start().find('\n').map_or(text.len(), |at| at + text.len() - text.trim_start().len());
    let mut found = BTreeMap::<String, Collected>::new();
    let mut add = |key: String, one: Collected| match found.entry(key) {
        Entry::Vacant(place) => {
            place.insert(one);
        }
        Entry::Occupied(mut place) => {
            let known = place.get_mut();
            known.is_code |= one.is_code;
            known.is_pair &= one.is_pair;
            known.weight += one.weight;
        }
    };
    let mut before: Option<(Word, bool)> = None;
    each_word(text.as_bytes(), |word| {
        let Some(shown) = text.get(word.start..word.end) else { return };
        let lower = shown.to_lowercase().replace('_', "");
        let is_code = word.kind == WordKind::Compound || (word.kind == WordKind::Plain && looks_like_code(text, word));
        let weight = match word.kind {
            WordKind::Part => weights::IDENTIFIER_PART,
            _ if is_code => weights::IDENTIFIER,
            _ => weights::WORD,
        };
        let in_title = word.start < title_end;
        let boost = match in_title {
            true => weights::TITLE,
            false => asides.factor(word.start) * weights::at_depth(word.start - title_end),
        };
        let is_worthy = is_worth_searching(&lower, is_code);
        if word.kind == WordKind::Plain {
            if let Some((first, first_is_worthy)) = before
                && matches!(text.get(first.end..word.start), Some(" " | "-"))
                && (is_worthy || first_is_worthy)
                && let Some(first_shown) = text.get(first.start..first.end)
                && shown.len() + first_shown.len() <= *WORD_BYTES.end()
            {
                let one = Collected {
                    shown: format!("{first_shown}_{shown}"),
                    weight: weights::PAIR * boost,
                    first: first.start,
                    is_compound: true,
                    is_pair: true,
                    in_title,
                    is_code: false,
                };
                add(first_shown.to_lowercase() + &lower, one);
            }
            before = Some((word, is_worthy));
        }
        if !is_worthy {
            return;
        }
        let is_compound = word.kind == WordKind::Compound;
        let key = if is_compound { lower } else { stem(&lower).to_owned() };
        let one = Collected {
            shown: shown.to_owned(),
            weight: weight * boost,
            first: word.start,
            is_compound,
            is_pair: false,
            in_title,
            is_code,
        };
        add(key, one);
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
const ENDINGS: [&str; 19] = [
    "", "e", "s", "es", "ed", "ing", "er", "ers", "y", "ies", "ied", "ion", "ions", "or", "ors", "ation", "ment",
    "able", "ive",
];

/// How many ends of hashes are told apart.
const HASH_ENDS: usize = 1 << 16;

/// From the hash of a word to the index of its term.
struct Lookup {
    /// A bit for each way that a word may begin: most words of a file end here.
    beginnings: Vec<u64>,
    /// A bit for each end that a hash may have, for hashes whose words are not at hand.
    ends: Vec<u64>,
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
        let mut lookup =
            Self { beginnings: vec![0; BEGINNINGS / 64], ends: vec![0; HASH_ENDS / 64], slots: vec![None; capacity] };
        for (index, term) in (0_u16..).zip(terms) {
            lookup.insert(&term.shown, index);
        }
        for (index, term) in (0_u16..).zip(terms).filter(|(_, term)| !term.is_compound) {
            let lower = term.shown.to_lowercase();
            for ending in ENDINGS {
                lookup.insert(&format!("{}{ending}", stem(&lower)), index);
            }
        }
        lookup
    }

    /// The first term that claims a word keeps it.
    fn insert(&mut self, word: &str, term: u16) {
        let lower = word.to_lowercase();
        let (beginning, hash) = (beginning(lower.as_bytes()), hash_word(lower.as_bytes()));
        self.beginnings[beginning / 64] |= 1 << (beginning % 64);
        self.ends[hash as usize % HASH_ENDS / 64] |= 1 << (hash % 64);
        let mut at = self.slot(hash);
        while let Some((taken, _)) = self.slots[at] {
            if taken == hash {
                return;
            }
            at = (at + 1) % self.slots.len();
        }
        self.slots[at] = Some((hash, term));
    }

    fn find(&self, word: &[u8]) -> Option<u16> {
        let beginning = beginning(word);
        if self.beginnings[beginning / 64] & (1 << (beginning % 64)) == 0 {
            return None;
        }
        self.find_hash(hash_word(word))
    }

    fn find_hash(&self, hash: u64) -> Option<u16> {
        if self.ends[hash as usize % HASH_ENDS / 64] & (1 << (hash % 64)) == 0 {
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
        (hash >> 16) as usize % self.slots.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The terms with their weights, to two places.
    fn check(text: &str, expected: &[(&str, &str)]) {
        let question = Question::new(text, "");
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
                ("timeout", "2.66"),
                ("Header", "2.40"),
                ("Header_timeout", "2.11"),
                ("parse_header", "1.77"),
                ("read", "1.74"),
                ("ignores", "0.99"),
                ("ignores_timeouts", "0.98"),
                ("see_read", "0.98"),
                ("parse", "0.53"),
            ],
        );
        check("", &[]);
        check("What should I do? 1234", &[]);
    }

    #[test]
    fn forms_of_a_word_and_spellings_of_a_name_are_one_term() {
        let question = Question::new("x\nparsing of parse_header fails", "");
        let term = |word: &str| question.term(word.as_bytes()).map(|at| question.terms[at].shown.as_str());
        for form in ["parse", "parses", "parsed", "parser", "parsing"] {
            assert_eq!(term(form), Some("parsing"), "{form}");
        }
        for spelling in ["parseHeader", "ParseHeader", "PARSE_HEADER"] {
            assert_eq!(term(spelling), Some("parse_header"), "{spelling}");
        }
        assert_eq!(term("head"), None);
        let question = Question::new("x\nsuppress what validates", "");
        let term = |word: &str| question.term(word.as_bytes()).map(|at| question.terms[at].shown.as_str());
        assert_eq!((term("suppression"), term("validator")), (Some("suppress"), Some("validates")));
    }

    #[test]
    fn two_words_side_by_side_may_be_one_name() {
        let question = Question::new("Smart case\nThe content-length, and a header. Timeout of it", "");
        let term = |word: &str| question.term(word.as_bytes()).map(|at| question.terms[at].shown.as_str());
        assert_eq!(term("SmartCase"), Some("Smart_case"));
        assert_eq!(term("content_length"), Some("content_length"));
        assert_eq!((term("header_timeout"), term("of_it")), (None, None));
    }

    #[test]
    fn what_is_told_besides_a_form_counts_whole() {
        let question = Question::new("Title\n## Version\n1.2 zebra <!-- open", "## horse\nfails");
        let weight = |word: &str| question.term(word.as_bytes()).map(|term| question.terms[term].weight).expect(word);
        assert!(weight("horse") > 2.0 * weight("zebra"), "{} and {}", weight("horse"), weight("zebra"));
    }

    #[test]
    fn what_a_reader_of_an_issue_does_not_see_is_no_question() {
        let question = Question::new("Header\n<!-- Thank you for the zebra\n-->timeout<!-- open", "");
        let shown: Vec<&str> = question.terms.iter().map(|term| term.shown.as_str()).collect();
        assert_eq!(shown, ["Header", "timeout"]);
        let quoted = Question::new("Unclosed `<!--` loses\ntimeout <!-- zebra -->", "");
        let shown: Vec<&str> = quoted.terms.iter().map(|term| term.shown.as_str()).collect();
        assert_eq!(shown, ["Unclosed", "loses", "timeout"]);
    }

    #[test]
    fn the_number_of_terms_is_capped() {
        let text: String = (0..1000).map(|n| format!("word{n} ")).collect();
        assert_eq!(Question::new(&text, "").terms.len(), weights::MAX_TERMS + weights::MAX_PAIRS);
    }
}
