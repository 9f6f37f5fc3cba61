//! Blocks of `<<<<<<< SEARCH`, `=======`, `>>>>>>> REPLACE`.

use std::ops::Range;

use super::file_name::{is_plausible, looks_like_path};

/// The opening line of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Opener<'t> {
    length: usize,
    indent: &'t str,
}

/// Where the two texts of a block stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Block {
    /// The lines to find.
    pub(super) search: Range<usize>,
    /// The lines to put there.
    pub(super) replace: Range<usize>,
    /// The line of the file, from 1, where the search text is said to begin.
    pub(super) line: Option<usize>,
}

/// Signs that a marker has at least; conflict markers of git have seven.
const MIN_SIGNS: usize = 5;
const SEARCH_WORDS: [&str; 4] = ["SEARCH", "ORIGINAL", "HEAD", "BEFORE"];
const REPLACE_WORDS: [&str; 3] = ["REPLACE", "UPDATED", "AFTER"];

/// Reads an opening line: `<<<<<<< SEARCH`, also with other words or none; `------- SEARCH`.
pub(super) fn opener(line: &str) -> Option<Opener<'_>> {
    let (indent, length, words) = marker(line, '<')
        .filter(|(_, _, words)| words.is_empty() || is_spaced(words) || starts_with_any(words, &SEARCH_WORDS))
        .or_else(|| marker(line, '-').filter(|(_, _, words)| is_word(words, &["SEARCH"])))?;
    (words.len() <= 80).then_some(Opener { length, indent })
}

/// Returns the path behind the opening marker in `line`: `<<<<<<< SEARCH src/a.py`.
pub(super) fn path(line: &str) -> Option<&str> {
    let (_, _, words) = marker(line, '<').or_else(|| marker(line, '-'))?;
    let rest = SEARCH_WORDS.iter().find_map(|word| words.trim().strip_prefix(word))?;
    let path = rest.trim_start_matches(':').trim().trim_matches('`');
    (is_plausible(path) && looks_like_path(path) && !path.contains(char::is_whitespace)).then_some(path)
}

/// Tells whether `line` can only be the end of a block.
pub(super) fn is_closer(line: &str) -> bool {
    ['>', '+'].iter().any(|sign| marker(line, *sign).is_some_and(|(_, _, words)| is_word(words, &REPLACE_WORDS)))
}

/// Reads the block that opens in line `start` of `lines`.
///
/// Markers of the length of the opening one count; only where they make no block, those of other lengths do. So a
/// text that holds markers itself is written between longer ones.
///
/// # Errors
/// What is wrong with the block, as a fragment.
pub(super) fn read(lines: &[&str], start: usize, opener: Opener<'_>) -> Result<Block, &'static str> {
    split(lines, start, opener, true).or_else(|_| split(lines, start, opener, false))
}

fn split(lines: &[&str], start: usize, opener: Opener<'_>, same_length: bool) -> Result<Block, &'static str> {
    let fits = |indent: &str, length: usize| indent == opener.indent && (!same_length || length == opener.length);
    let words_behind = |at: usize, sign: char| {
        marker(lines[at], sign).filter(|(indent, length, _)| fits(indent, *length)).map(|(_, _, words)| words)
    };
    let mut dividers = Vec::new();
    for (at, line) in lines.iter().enumerate().skip(start + 1) {
        let other = self::opener(line).filter(|other| other.indent == opener.indent);
        if other.is_some_and(|other| !same_length || other.length == opener.length) {
            break;
        }
        if words_behind(at, '=').is_some_and(|words| words.trim().is_empty()) {
            dividers.push(at);
        }
        let ends =
            |words: &str| is_word(words, &REPLACE_WORDS) || (same_length && (words.is_empty() || is_spaced(words)));
        let closes = words_behind(at, '>').is_some_and(ends)
            || words_behind(at, '+').is_some_and(|words| is_word(words, &REPLACE_WORDS));
        if closes {
            return match dividers.as_slice() {
                [divider] => {
                    let (line, first) = head(&lines[..*divider], start + 1);
                    Ok(Block { search: first..*divider, replace: divider + 1..at, line })
                }
                [] => Err("the block has no line ======= between the two texts"),
                _ => Err("the block has more than one line =======; write all three markers with nine signs, so that \
                          they differ from the text"),
            };
        }
    }
    Err("the block has no closing line >>>>>>> REPLACE; the answer was perhaps cut off")
}

/// Reads the lines `:start_line:N`, `:end_line:N` and `-------` that some models are taught to put before the text; returns
/// N and the first line of the text.
fn head(lines: &[&str], start: usize) -> (Option<usize>, usize) {
    let number = |at: usize, name: &str| lines.get(at)?.trim().strip_prefix(name)?.trim().parse().ok();
    let mut at = start;
    let line = number(at, ":start_line:");
    at += usize::from(line.is_some());
    let end: Option<usize> = number(at, ":end_line:");
    at += usize::from(end.is_some());
    let is_rule = lines.get(at).is_some_and(|line| line.len() >= MIN_SIGNS && line.chars().all(|sign| sign == '-'));
    match line {
        Some(_) => (line, at + usize::from(is_rule)),
        None => (None, start),
    }
}

/// Splits a line of at least five equal signs into indentation, their number, and what stands behind.
fn marker(line: &str, sign: char) -> Option<(&str, usize, &str)> {
    let text = line.trim_start();
    let words = text.trim_start_matches(sign);
    let length = text.len() - words.len();
    (length >= MIN_SIGNS).then(|| (&line[..line.len() - text.len()], length, words.trim_end()))
}

fn is_spaced(words: &str) -> bool {
    words.starts_with(' ')
}

fn is_word(words: &str, known: &[&str]) -> bool {
    is_spaced(words) && starts_with_any(words.trim(), known)
}

fn starts_with_any(words: &str, known: &[&str]) -> bool {
    known.iter().any(|word| words.starts_with(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Result<(&str, &str), &str>) {
        let lines: Vec<&str> = text.lines().collect();
        let found = read(&lines, 0, opener(lines[0]).expect(text));
        let found = found.map(|block| (lines[block.search].join("|"), lines[block.replace].join("|")));
        match expected {
            Ok((search, replace)) => assert_eq!(found, Ok((search.to_owned(), replace.to_owned())), "{text}"),
            Err(part) => {
                let reason = found.expect_err(text);
                assert!(reason.contains(part), "{text}: {reason}");
            }
        }
    }

    #[test]
    fn the_dialects_of_markers_are_read() {
        check("<<<<<<< SEARCH\na\n=======\nb\n>>>>>>> REPLACE\n", Ok(("a", "b")));
        check("<<<<<\na\n=====\nb\n>>>>>\n", Ok(("a", "b")));
        check("<<<<<<<<< ORIGINAL\na\n=========\n>>>>>>>>> UPDATED\n", Ok(("a", "")));
        check("------- SEARCH\na\n=======\nb\n+++++++ REPLACE\n", Ok(("a", "b")));
        check("----- SEARCH\na\n=======\nb\n+++++++ REPLACE\n", Ok(("a", "b")));
        check("  <<<<<<< SEARCH\n  a\n  =======\n  b\n  >>>>>>> REPLACE\n", Ok(("  a", "  b")));
    }

    #[test]
    fn markers_of_another_length_are_text() {
        check(
            "<<<<<<<<< SEARCH\n<<<<<<< a\n=======\n=========\n>>>>>>> b\n>>>>>>>>> REPLACE",
            Ok(("<<<<<<< a|=======", ">>>>>>> b")),
        );
        check("<<<<<<< SEARCH\nTitle\n=====\n=======\nTitle\n>>>>>>> REPLACE", Ok(("Title|=====", "Title")));
        check("<<<<<<< SEARCH\n    =======\n=======\nb\n>>>>>>> REPLACE", Ok(("    =======", "b")));
    }

    #[test]
    fn incomplete_and_ambiguous_blocks_are_refused() {
        check("<<<<<<< SEARCH\na\n=======\nb\n", Err("no closing line"));
        check(
            "<<<<<<< SEARCH\na\n=======\nb\n<<<<<<< SEARCH\na\n=======\nb\n>>>>>>> REPLACE\n",
            Err("no closing line"),
        );
        check("<<<<<<< SEARCH\na\n>>>>>>> REPLACE\n", Err("no line ======="));
        check("<<<<<<< SEARCH\na\n=======\nb\n=======\nc\n>>>>>>> REPLACE\n", Err("more than one"));
    }

    #[test]
    fn what_opens_no_block() {
        for line in ["-----", "-------SEARCH", "<<-- SEARCH", "<<<< SEARCH", "- SEARCH", "<<<<<<x"] {
            assert_eq!(opener(line), None, "{line:?}");
        }
    }
}
