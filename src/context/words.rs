//! Words of a text, straight from its bytes: identifiers, and their parts by camel case and underscores.
//!
//! Every file of the repository passes through here, so nothing is allocated, and only words that may matter are hashed.
//! `parse_header`, `parseHeader` and `ParseHeader` are the same word with the same two parts.

/// The offset basis and the prime of 64-bit FNV-1a (Fowler, Noll, Vo; IETF draft-eastlake-fnv).
const FNV_BASIS: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x0100_0000_01b3;

/// A word or a part of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Word {
    /// Where it begins, in bytes.
    pub start: usize,
    /// Where it ends, in bytes.
    pub end: usize,
    /// What it is.
    pub kind: WordKind,
}

/// What a [`Word`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WordKind {
    /// A whole identifier or word that has no parts.
    Plain,
    /// A part of an identifier; its `Compound` follows.
    Part,
    /// A whole identifier that has parts.
    Compound,
}

/// Calls `visit` for every word of `bytes`, parts before the whole.
///
/// Linear in the length. Letters outside of ASCII make words of their own and keep their case: scripts without spaces put
/// them right beside the names of a program.
pub(super) fn each_word(bytes: &[u8], mut visit: impl FnMut(Word)) {
    let mut at = 0;
    while at < bytes.len() {
        if CLASSES[usize::from(bytes[at])] == OTHER {
            at += 1;
            continue;
        }
        at = read_word(bytes, at, &mut visit);
    }
}

/// How many bits [`hash_word`] has. Of a task's few thousand forms of words and the three hundred words of a file, two
/// different ones meet in one of half a million files.
pub(super) const HASH_BITS: u32 = 40;

/// Returns the hash of one word: its letters in lower case, without underscores.
pub(super) fn hash_word(word: &[u8]) -> u64 {
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(byte.to_ascii_lowercase())).wrapping_mul(FNV_PRIME);
    word.iter().filter(|byte| **byte != b'_').fold(FNV_BASIS, step) >> (u64::BITS - HASH_BITS)
}

/// How many values [`beginning`] has.
pub(super) const BEGINNINGS: usize = 1 << 15;

/// Returns a number for the first three letters of a word, the same for all its spellings.
pub(super) fn beginning(word: &[u8]) -> usize {
    let letters = word.iter().filter(|byte| **byte != b'_').take(3);
    letters.fold(0, |number, byte| (number << 5) | usize::from(byte & 31))
}

fn read_word(bytes: &[u8], start: usize, visit: &mut impl FnMut(Word)) -> usize {
    let (mut at, mut part_start, mut parts, mut previous) = (start, start, 0_u32, OTHER);
    let is_wide = CLASSES[usize::from(bytes[start])] == WIDE;
    while let Some(byte) = bytes.get(at) {
        let class = CLASSES[usize::from(*byte)];
        // Most bytes of most words; no part begins at one.
        if class == LOWER && !is_wide {
            previous = LOWER;
            at += 1;
            continue;
        }
        if class == OTHER || (class == WIDE) != is_wide {
            break;
        }
        if class == UNDERSCORE || is_hump(previous, class, bytes.get(at + 1)) {
            if part_start < at {
                visit(Word { start: part_start, end: at, kind: WordKind::Part });
                parts += 1;
            }
            part_start = at + usize::from(class == UNDERSCORE);
        }
        previous = class;
        at += 1;
    }
    // A lone underscore, or several, is no word.
    if parts == 0 && part_start < at {
        visit(Word { start: part_start, end: at, kind: WordKind::Plain });
    } else if parts > 0 {
        if part_start < at {
            visit(Word { start: part_start, end: at, kind: WordKind::Part });
            parts += 1;
        }
        if parts > 1 {
            visit(Word { start, end: at, kind: WordKind::Compound });
        }
    }
    at
}

/// A part begins at `B` in `aB`, and at `S` in `HTTPServer`.
fn is_hump(previous: u8, class: u8, next: Option<&u8>) -> bool {
    class == UPPER
        && (matches!(previous, LOWER | DIGIT)
            || (previous == UPPER && next.is_some_and(|byte| CLASSES[usize::from(*byte)] == LOWER)))
}

const OTHER: u8 = 0;
const LOWER: u8 = 1;
const UPPER: u8 = 2;
const UNDERSCORE: u8 = 3;
const DIGIT: u8 = 4;
const WIDE: u8 = 5;

/// The class of every byte; what is outside of ASCII makes words of its own.
static CLASSES: [u8; 256] = {
    let mut classes = [OTHER; 256];
    let mut at = 0;
    while at < 256 {
        classes[at] = match at as u8 {
            b'A'..=b'Z' => UPPER,
            b'a'..=b'z' => LOWER,
            0x80..=0xff => WIDE,
            b'0'..=b'9' => DIGIT,
            b'_' => UNDERSCORE,
            _ => OTHER,
        };
        at += 1;
    }
    classes
};

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[&str]) {
        let mut found = Vec::new();
        each_word(text.as_bytes(), |word| {
            let mark = match word.kind {
                WordKind::Plain => "",
                WordKind::Part => "-",
                WordKind::Compound => "+",
            };
            let part = &text[word.start..word.end];
            found.push(format!("{mark}{part}"));
        });
        assert_eq!(found, expected, "{text:?}");
    }

    #[test]
    fn identifiers_are_read_whole_and_in_parts() {
        check("if parse_header(x)", &["if", "-parse", "-header", "+parse_header", "x"]);
        check("HTTPServer.getURL2", &["-HTTP", "-Server", "+HTTPServer", "-get", "-URL2", "+getURL2"]);
        check("MAX_SIZE __init__ _ __", &["-MAX", "-SIZE", "+MAX_SIZE", "-init"]);
        check("_private utf8", &["private", "utf8"]);
        check("größe a-b", &["gr", "öß", "e", "a", "b"]);
        check("检查parse_header的超时", &["检查", "-parse", "-header", "+parse_header", "的超时"]);
        check("", &[]);
    }

    #[test]
    fn spellings_of_one_name_are_one_word() {
        assert_eq!(hash_word(b"parse_header"), hash_word(b"ParseHeader"));
        assert_eq!(hash_word(b"PARSE_HEADER"), hash_word(b"parseHeader"));
        assert_ne!(hash_word(b"parse"), hash_word(b"header"));
        assert_eq!(beginning(b"Parse"), beginning(b"_p_arse"));
        assert_ne!(beginning(b"parse"), beginning(b"past"));
        assert!([&b"zzz"[..], b"a", b"", &[0xff; 4]].iter().all(|word| beginning(word) < BEGINNINGS));
    }
}
