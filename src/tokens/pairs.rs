//! Byte pair encoding: the tokens of a text, by a vocabulary in which the lower of two ranks is merged first.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::hash::BuildHasher;

use foldhash::fast::FixedState;
use hashbrown::HashTable;

use super::words::Words;

/// A vocabulary with its way of cutting words.
///
/// All tokens stand in one text with a table of their ranks beside it, so that a hundred thousand of them are there in a few
/// milliseconds.
pub struct BytePairs {
    words: Words,
    bytes: Vec<u8>,
    /// Where the token of each rank ends in `bytes`.
    ends: Vec<usize>,
    ranks: HashTable<u32>,
    hasher: FixedState,
}

impl BytePairs {
    /// Takes the tokens in the order of their ranks; of two that are the same the first counts.
    ///
    /// Bytes that are no token are left out of what a text is encoded to.
    pub fn new(tokens: &[&[u8]], words: Words) -> Self {
        let ends = tokens.iter().scan(0, |end, token| {
            *end += token.len();
            Some(*end)
        });
        let (ends, hasher) = (ends.collect(), FixedState::default());
        let ranks = HashTable::with_capacity(tokens.len());
        let mut pairs = Self { words, bytes: tokens.concat(), ends, ranks, hasher };
        for (token, rank) in tokens.iter().zip(0..) {
            if pairs.rank(token).is_none() {
                let Self { bytes, ends, ranks, hasher, .. } = &mut pairs;
                let again = |rank: &u32| hasher.hash_one(token_at(bytes, ends, *rank));
                ranks.insert_unique(hasher.hash_one(token), rank, again);
            }
        }
        pairs
    }

    /// Returns the bytes of a token.
    ///
    /// # Panics
    /// When there is no such rank.
    pub fn token(&self, rank: u32) -> &[u8] {
        token_at(&self.bytes, &self.ends, rank)
    }

    /// Returns the rank of a token.
    pub fn rank(&self, token: &[u8]) -> Option<u32> {
        self.ranks.find(self.hasher.hash_one(token), |rank| self.token(*rank) == token).copied()
    }

    /// Returns the ranks of the tokens of `text`; each word is encoded when it is asked for.
    pub fn encode(&self, text: &str) -> impl Iterator<Item = u32> {
        let mut merging = Merging::default();
        self.words.of(text).flat_map(move |word| {
            merging.encode(self, word.as_bytes());
            merging.found.clone()
        })
    }

    /// Counts the tokens of `text`, and stops once there are more than `enough`.
    pub fn count(&self, text: &str, enough: usize) -> usize {
        let mut merging = Merging::default();
        let mut count = 0;
        for word in self.words.of(text) {
            merging.encode(self, word.as_bytes());
            count += merging.found.len();
            if count > enough {
                break;
            }
        }
        count
    }
}

fn token_at<'b>(bytes: &'b [u8], ends: &[usize], rank: u32) -> &'b [u8] {
    let rank = rank as usize;
    let start = rank.checked_sub(1).map_or(0, |before| ends[before]);
    &bytes[start..ends[rank]]
}

/// The encoding of one word after the other, in the same memory.
#[derive(Default)]
struct Merging {
    /// The parts of the word by the byte where each begins; those that were merged into another stay behind unused.
    parts: Vec<Part>,
    /// Ranks of pairs with the beginning of the first of the two, the lowest first; some are out of date.
    pairs: BinaryHeap<Reverse<(u32, usize)>>,
    found: Vec<u32>,
}

/// A piece of a word.
struct Part {
    end: usize,
    /// Where the part before it begins.
    previous: usize,
    /// The rank of this part with the next one, if they are a token together.
    pair: Option<u32>,
}

impl Merging {
    /// Leaves the tokens of `word` in `found`.
    fn encode(&mut self, vocabulary: &BytePairs, word: &[u8]) {
        self.found.clear();
        if let Some(rank) = vocabulary.rank(word) {
            self.found.push(rank);
            return;
        }
        self.parts.clear();
        self.parts.extend((0..word.len()).map(|at| Part { end: at + 1, previous: at.saturating_sub(1), pair: None }));
        self.pairs.clear();
        for at in 0..word.len() {
            self.look_up(vocabulary, word, at);
        }
        while let Some(Reverse((rank, start))) = self.pairs.pop() {
            if self.parts[start].pair == Some(rank) {
                self.merge(vocabulary, word, start);
            }
        }
        let mut start = 0;
        while start < word.len() {
            let end = self.parts[start].end;
            self.found.extend(vocabulary.rank(&word[start..end]));
            start = end;
        }
    }

    /// Makes one part of that at `start` and the next.
    fn merge(&mut self, vocabulary: &BytePairs, word: &[u8], start: usize) {
        let middle = self.parts[start].end;
        let end = self.parts[middle].end;
        self.parts[middle].pair = None;
        self.parts[start].end = end;
        if let Some(next) = self.parts.get_mut(end) {
            next.previous = start;
        }
        self.look_up(vocabulary, word, start);
        if start > 0 {
            self.look_up(vocabulary, word, self.parts[start].previous);
        }
    }

    /// Finds out anew what the part at `start` and the next are together.
    fn look_up(&mut self, vocabulary: &BytePairs, word: &[u8], start: usize) {
        let next = self.parts.get(self.parts[start].end);
        let pair = next.and_then(|next| vocabulary.rank(&word[start..next.end]));
        self.parts[start].pair = pair;
        self.pairs.extend(pair.map(|rank| Reverse((rank, start))));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs_of(tokens: &[&str]) -> BytePairs {
        let words = Words::new(r" ?\S+|\s+", false).unwrap();
        BytePairs::new(&tokens.iter().map(|token| token.as_bytes()).collect::<Vec<_>>(), words)
    }

    fn check(pairs: &BytePairs, text: &str, expected: &[&str]) {
        let tokens: Vec<&str> =
            pairs.encode(text).map(|rank| std::str::from_utf8(pairs.token(rank)).unwrap()).collect();
        assert_eq!(tokens, expected, "{text:?}");
        assert_eq!(pairs.count(text, usize::MAX), expected.len());
    }

    #[test]
    fn the_lowest_rank_is_merged_first_and_of_equal_ones_the_first() {
        let pairs = pairs_of(&["a", "b", "c", " ", "bc", "ab", "aa", "abc", "aaaa"]);
        check(&pairs, "", &[]);
        check(&pairs, "abc", &["abc"]);
        check(&pairs, "abcc", &["abc", "c"]);
        check(&pairs, "aab", &["a", "ab"]);
        check(&pairs, "aaa", &["aa", "a"]);
        check(&pairs, "aaaaaa", &["aaaa", "aa"]);
        check(&pairs, "abab abc", &["ab", "ab", " ", "abc"]);
    }

    #[test]
    fn bytes_without_a_token_are_left_out_and_of_two_tokens_the_first_counts() {
        let pairs = pairs_of(&["a", "b", "ab", "ab"]);
        assert_eq!((pairs.rank(b"ab"), pairs.rank(b"x"), pairs.token(3)), (Some(2), None, b"ab".as_slice()));
        check(&pairs, "xabxa", &["ab", "a"]);
    }

    #[test]
    fn counting_stops_when_it_is_enough() {
        let pairs = pairs_of(&["a", " a"]);
        let text = " a".repeat(1_000);
        assert_eq!((pairs.count(&text, 10), pairs.count(&text, 1_000), pairs.count(&text, 2_000)), (11, 1_000, 1_000));
    }
}
