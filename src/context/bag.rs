//! The words of a text, counted once for every question that will ever be asked about it.

use super::words::{HASH_BITS, Word, WordKind, each_word, hash_word};

/// Words that stand before the name of what they define, in the languages that have such words.
const DEFINING_WORDS: [&[u8]; 14] = [
    b"fn",
    b"def",
    b"class",
    b"func",
    b"function",
    b"struct",
    b"enum",
    b"trait",
    b"interface",
    b"type",
    b"impl",
    b"mod",
    b"module",
    b"record",
];
/// No question asks for longer words, in bytes: the longest word of a task is 64, and an ending is put to it.
const LONGEST_WORD: usize = 72;

/// A word where it stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Occurrence<'t> {
    /// The word.
    pub word: &'t [u8],
    /// What it is.
    pub kind: WordKind,
    before: &'t [u8],
}

impl Occurrence<'_> {
    /// Tells whether the text defines it, as far as the word before it tells.
    pub(super) fn is_defined(&self) -> bool {
        self.kind != WordKind::Part && DEFINING_WORDS.contains(&self.before)
    }
}

/// Calls `visit` for every word of `text` with the word before it.
pub(super) fn each_occurrence<'t>(text: &'t [u8], mut visit: impl FnMut(Occurrence<'t>)) {
    let mut before: &[u8] = &[];
    each_word(text, |Word { start, end, kind }| {
        let word = &text[start..end];
        visit(Occurrence { word, kind, before });
        if kind != WordKind::Part {
            before = word;
        }
    });
}

/// How often a word stands in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// Its hash, see [`hash_word`].
    pub hash: u64,
    /// Its occurrences, at most 65,535.
    pub count: u32,
    /// Those where the text defines it, at most 255.
    pub defined: u32,
}

impl Entry {
    /// Puts the hash into the upper 40 bits, the count into the next 16, the definitions into the last 8.
    fn pack(self) -> u64 {
        (self.hash << (u64::BITS - HASH_BITS))
            | (u64::from(self.count.min(0xffff)) << 8)
            | u64::from(self.defined.min(0xff))
    }

    /// Undoes [`Entry::pack`].
    pub(super) fn unpack(packed: u64) -> Self {
        let low = |bits: u64, mask: u64| (bits & mask) as u32;
        Self { hash: packed >> (u64::BITS - HASH_BITS), count: low(packed >> 8, 0xffff), defined: low(packed, 0xff) }
    }
}

/// Counts all words of `text` that a question can ask for: packed entries in the order of their hashes, and the number of
/// words as a question counts them.
pub(super) fn count(text: &[u8]) -> (Vec<u64>, u32) {
    let (mut seen, mut words) = (Vec::new(), 0);
    each_occurrence(text, |occurrence| {
        words += u32::from(occurrence.kind != WordKind::Compound);
        if is_askable(occurrence.word) {
            seen.push((hash_word(occurrence.word) << 1) | u64::from(occurrence.is_defined()));
        }
    });
    seen.sort_unstable();
    let same = seen.chunk_by(|a, b| a >> 1 == b >> 1);
    let entry = |same: &[u64]| Entry {
        hash: same[0] >> 1,
        count: same.len() as u32,
        defined: same.iter().filter(|one| **one & 1 == 1).count() as u32,
    };
    (same.map(|same| entry(same).pack()).collect(), words)
}

fn is_askable(word: &[u8]) -> bool {
    (2..=LONGEST_WORD).contains(&word.len()) && !word.iter().all(u8::is_ascii_digit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_counted_with_their_definitions() {
        let (bag, words) = count(b"fn parse_header(x) { parse(12); } // Parse, fn parseHeader");
        let entry = |word: &str| {
            let found = bag.iter().map(|packed| Entry::unpack(*packed)).find(|e| e.hash == hash_word(word.as_bytes()));
            found.map(|entry| (entry.count, entry.defined))
        };
        assert_eq!(entry("parse"), Some((4, 0)));
        assert_eq!(entry("parseheader"), Some((2, 2)));
        assert_eq!(entry("fn"), Some((2, 0)));
        assert_eq!((entry("x"), entry("12"), words), (None, None, 10));
        let most = Entry { hash: (1 << HASH_BITS) - 1, count: 70_000, defined: 300 };
        assert_eq!(Entry::unpack(most.pack()), Entry { count: 0xffff, defined: 0xff, ..most });
    }

    /// An index that was written by other rules must not be read: whoever changes these numbers changes `FORMAT` in
    /// `src/index/file.rs`.
    #[test]
    fn the_rules_of_counting_belong_to_the_format_of_the_index() {
        let (bag, words) = count("class HTTPServer: # größe 检查 MAX_SIZE\n    def get(self): pass".as_bytes());
        let sum = bag.iter().fold(0_u64, |sum, packed| sum.wrapping_mul(31).wrapping_add(*packed));
        assert_eq!((bag.len(), words, sum), (14, 13, 14_436_641_676_004_484_034));
    }
}
