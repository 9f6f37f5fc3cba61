//! Where the search text of an edit stands in a file: at exactly one place, or nowhere.
//!
//! Levels, each tried only when the one before finds nothing: the lines as they are (line endings never count);
//! white space at the end of lines ignored; one indentation added to or taken from every line. Line numbers that were
//! copied from a listing are taken away when every line has them, and so are a fence around all of them and blank lines
//! around both parts. Similarity is never a reason to apply.

use super::document::{Document, Keys, lines_of, without_end};

/// Where an edit goes, and what to put there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// The first line, from 0.
    pub(super) at: usize,
    /// The search text as it would be written in this file.
    pub(super) old: Vec<String>,
    /// The replacement as it is to be written in this file.
    pub(super) new: Vec<String>,
}

impl Found {
    /// Leaves out blank lines that are only how the answer was laid out.
    ///
    /// Lines that go away with the blank line behind them leave it where it is all that parts what was before from what
    /// comes after. A file does not begin with a line of nothing but blanks.
    pub(super) fn tidied(mut self, document: &Document) -> Self {
        let is_blank = |line: Option<&str>| line.is_none_or(|line| line.trim().is_empty());
        let (before, after) = (self.at.checked_sub(1), self.at + self.old.len());
        let parts = before.is_some_and(|before| !is_blank(document.text(before))) && !is_blank(document.text(after));
        if self.new.is_empty() && self.old.len() > 1 && is_blank(self.old.last().map(String::as_str)) && parts {
            self.old.pop();
        }
        let begins = |lines: &[String], fits: fn(&str) -> bool| lines.first().is_some_and(|line| fits(line));
        let only_blanks = |line: &str| !line.is_empty() && line.trim().is_empty();
        if self.at == 0
            && self.new.len() > 1
            && begins(&self.new, only_blanks)
            && begins(&self.old, |line| !line.trim().is_empty())
        {
            self.new.remove(0);
        }
        self
    }
}

/// Why there is not one place.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Miss {
    /// No level finds the text.
    Nowhere,
    /// The lines, from 0, where equal places begin.
    Many(Vec<usize>),
}

/// Finds the one place of `search` in `document`; linear in both. Of several places the one at `line`, from 0, counts.
pub(super) fn locate(document: &Document, search: &str, replace: &str, line: Option<usize>) -> Result<Found, Miss> {
    let (old, new) = (lines_of(search), lines_of(replace));
    match levels(document, &old, &new, line) {
        Err(Miss::Nowhere) => {}
        decided => return decided,
    }
    if let Some((old, new)) = without_blank_ends(&old, &new) {
        return levels(document, old, new, line);
    }
    if let Some(inside) = without_fence(&old) {
        return levels(document, inside, without_fence(&new).unwrap_or(&new), line);
    }
    let Some(old) = without_numbers(&old) else { return Err(Miss::Nowhere) };
    let new = match without_numbers(&new) {
        Some(stripped) => stripped,
        None if new.iter().any(|line| is_numbered(line)) => return Err(Miss::Nowhere),
        None => new,
    };
    levels(document, &old, &new, line)
}

/// Leaves out the blank lines that stand at the ends of both parts, where there are any.
fn without_blank_ends<'l, 't>(old: &'l [&'t str], new: &'l [&'t str]) -> Option<(&'l [&'t str], &'l [&'t str])> {
    let blank = |line: &&&str| line.trim().is_empty();
    let all = old.len();
    let first = old.iter().take_while(blank).count().min(new.iter().take_while(blank).count());
    let (old, new) = (&old[first..], &new[first..]);
    let last = old.iter().rev().take_while(blank).count().min(new.iter().rev().take_while(blank).count());
    let (old, new) = (&old[..old.len() - last], &new[..new.len() - last]);
    (old.len() < all && !old.is_empty()).then_some((old, new))
}

/// Finds every place of the lines `old`, at the first level that finds any; linear in both.
///
/// `is_exact` leaves out the levels where white space differs.
pub(super) fn all_places(document: &Document, old: &[&str], new: &[&str], is_exact: bool) -> Vec<Found> {
    for key in [(|keys| keys.exact) as fn(Keys) -> u64, |keys| keys.ended] {
        let found = places(document, old, key);
        if !found.is_empty() {
            return found.into_iter().map(|at| Found { at, old: owned(old), new: owned(new) }).collect();
        }
    }
    if is_exact {
        return Vec::new();
    }
    let shifted = |at: usize| {
        let shift = shift_of(document, at, old)?;
        Some(Found { at, old: shift.of(old)?, new: shift.of_replacement(old, new)? })
    };
    places(document, old, |keys| keys.begun).into_iter().filter_map(shifted).collect()
}

/// Returns the lines, from 0, where `text` stands when white space at the end of lines is ignored.
pub(super) fn stands_at(document: &Document, text: &[&str]) -> Vec<usize> {
    places(document, text, |keys| keys.ended)
}

fn levels(document: &Document, old: &[&str], new: &[&str], line: Option<usize>) -> Result<Found, Miss> {
    for key in [(|keys| keys.exact) as fn(Keys) -> u64, |keys| keys.ended] {
        if let Some(at) = only(places(document, old, key), line)? {
            return Ok(Found { at, old: owned(old), new: owned(new) });
        }
    }
    let shifts: Vec<(usize, Shift)> = places(document, old, |keys| keys.begun)
        .into_iter()
        .filter_map(|at| Some((at, shift_of(document, at, old)?)))
        .collect();
    let Some(at) = only(shifts.iter().map(|(at, _)| *at).collect(), line)? else { return Err(Miss::Nowhere) };
    let shift = shifts.iter().find(|(place, _)| *place == at).map(|(_, shift)| shift);
    let shifted = shift.and_then(|shift| Some((shift.of(old)?, shift.of_replacement(old, new)?)));
    let (old, new) = shifted.ok_or(Miss::Nowhere)?;
    Ok(Found { at, old, new })
}

fn borrowed(lines: &[String]) -> Vec<&str> {
    lines.iter().map(String::as_str).collect()
}

fn owned(lines: &[&str]) -> Vec<String> {
    lines.iter().map(|line| (*line).to_owned()).collect()
}

fn only(places: Vec<usize>, line: Option<usize>) -> Result<Option<usize>, Miss> {
    match places.as_slice() {
        [] => Ok(None),
        [at] => Ok(Some(*at)),
        several if line.is_some_and(|line| several.contains(&line)) => Ok(line),
        _ => Err(Miss::Many(places)),
    }
}

/// Finds every place where the keys of `lines` follow one another (Knuth, Morris and Pratt: linear however often
/// lines repeat).
fn places(document: &Document, lines: &[&str], key: fn(Keys) -> u64) -> Vec<usize> {
    let wanted: Vec<u64> = lines.iter().map(|line| key(Keys::of(line))).collect();
    if wanted.is_empty() || wanted.len() > document.len() {
        return Vec::new();
    }
    let mut border = vec![0; wanted.len()];
    for end in 1..wanted.len() {
        let mut length: usize = border[end - 1];
        while length > 0 && wanted[end] != wanted[length] {
            length = border[length - 1];
        }
        border[end] = length + usize::from(wanted[end] == wanted[length]);
    }
    let (mut found, mut length) = (Vec::new(), 0);
    for (at, keys) in document.keys().enumerate() {
        while length > 0 && (length == wanted.len() || wanted[length] != key(keys)) {
            length = border[length - 1];
        }
        length += usize::from(wanted[length] == key(keys));
        if length == wanted.len() {
            found.push(at + 1 - length);
        }
    }
    found
}

/// One indentation, added to or taken from every line that is not blank.
#[derive(Debug)]
enum Shift {
    Add(String),
    Take(String),
}

/// Returns the shift from `lines` to the lines of the file at `at`, when all of them have the same.
fn shift_of(document: &Document, at: usize, lines: &[&str]) -> Option<Shift> {
    let mut shift = None;
    for (offset, line) in lines.iter().enumerate() {
        let there = document.text(at + offset)?;
        if line.trim().is_empty() {
            continue;
        }
        let shift = shift.get_or_insert_with(|| {
            let (mine, theirs) = (indentation(line), indentation(there));
            match theirs.strip_suffix(mine) {
                Some(more) => Some(Shift::Add(more.to_owned())),
                None => mine.strip_suffix(theirs).map(|more| Shift::Take(more.to_owned())),
            }
        });
        if shift.as_ref()?.of_line(line)? != there {
            return None;
        }
    }
    shift?
}

fn indentation(line: &str) -> &str {
    &line[..line.len() - line.trim_start().len()]
}

impl Shift {
    fn of_line(&self, line: &str) -> Option<String> {
        if line.trim().is_empty() {
            return Some(line.to_owned());
        }
        match self {
            Self::Add(more) => Some(format!("{more}{line}")),
            Self::Take(more) => line.strip_prefix(more.as_str()).map(str::to_owned),
        }
    }

    fn of(&self, lines: &[&str]) -> Option<Vec<String>> {
        lines.iter().map(|line| self.of_line(line)).collect()
    }

    /// Shifts the replacement, when it was written with the same indentation as the search text.
    ///
    /// Where it begins as deep as the file is there and nothing in it is less deep, only the search text had been
    /// stripped: it stays as it is, for a shift would put it too deep.
    fn of_replacement(&self, old: &[&str], new: &[&str]) -> Option<Vec<String>> {
        let indented = |lines: &[&str]| -> Vec<usize> {
            lines.iter().filter(|line| !line.trim().is_empty()).map(|line| indentation(line).len()).collect()
        };
        let there = self.of(old).map(|lines| indented(&borrowed(&lines)));
        match (indented(old).first(), indented(new).first()) {
            (Some(old), Some(first)) if old != first => {
                let is_in_place = there.is_some_and(|there| there.first() == Some(first))
                    && indented(new).iter().all(|depth| depth >= first);
                (is_in_place && matches!(self, Self::Add(_))).then(|| owned(new))
            }
            _ => self.of(new),
        }
    }
}

/// Takes away a fence around all lines, which shows code and is none; `None` where there is no such fence.
fn without_fence<'l, 't>(lines: &'l [&'t str]) -> Option<&'l [&'t str]> {
    let [first, inside @ .., last] = lines else { return None };
    let is_fence = |line: &&str| line.trim_start().starts_with("```");
    (is_fence(first) && last.trim() == "```" && !inside.iter().any(is_fence)).then_some(inside)
}

/// Takes away line numbers that count up over all lines; `None` when there are none.
pub(super) fn without_numbers<'t>(lines: &[&'t str]) -> Option<Vec<&'t str>> {
    let numbered: Vec<(u64, &str)> = lines.iter().map(|line| number(line)).collect::<Option<_>>()?;
    let counts_up = numbered.windows(2).all(|pair| pair[0].0 < pair[1].0);
    (counts_up && !numbered.is_empty()).then(|| numbered.into_iter().map(|(_, text)| text).collect())
}

/// Tells whether a line begins with a number of a listing.
pub(super) fn is_numbered(line: &str) -> bool {
    number(line).is_some()
}

/// Splits `  12 | text`, `12: text` and the tabulated `  12\ttext` into number and text.
fn number(line: &str) -> Option<(u64, &str)> {
    let line = line.trim_start();
    let digits = line.len() - line.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let value = line[..digits].parse().ok()?;
    let rest = &line[digits..];
    if let Some(text) = rest.strip_prefix('\t') {
        return Some((value, text));
    }
    let rest = rest.strip_prefix(" |").or_else(|| rest.strip_prefix('|')).or_else(|| rest.strip_prefix(':'))?;
    match rest.strip_prefix(' ') {
        Some(text) => Some((value, text)),
        None => without_end(rest).is_empty().then_some((value, "")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `expected`: the line from 1 and the replacement as it is written, or the lines of the equal places.
    fn check(file: &str, search: &str, replace: &str, expected: Result<(usize, &str), &[usize]>) {
        let found = locate(&Document::of(file), search, replace, None);
        let found = match &found {
            Ok(found) => Ok((found.at + 1, found.new.join("\n"))),
            Err(Miss::Nowhere) => Err(Vec::new()),
            Err(Miss::Many(places)) => Err(places.iter().map(|at| at + 1).collect()),
        };
        let expected = expected.map(|(at, text)| (at, text.to_owned())).map_err(<[usize]>::to_vec);
        assert_eq!(found, expected, "{search:?} in {file:?}");
    }

    #[test]
    fn exact_lines_are_found_once_or_not_taken() {
        check("a\nb\nc\n", "b\nc\n", "x\n", Ok((2, "x")));
        check("a\nb\nc", "c\n", "x", Ok((3, "x")));
        check("a\nb\na\n", "a\n", "x\n", Err(&[1, 3]));
        check("a\na\na\n", "a\na\n", "x\n", Err(&[1, 2]));
        check("abc\n", "b\n", "x\n", Err(&[]));
        check("a\n", "a\nb\n", "x\n", Err(&[]));
        check("x\nx\ny\n", "x\ny\n", "z\n", Ok((2, "z")));
    }

    #[test]
    fn line_endings_and_white_space_at_the_end_of_lines_do_not_count() {
        check("a\r\nb\r\n", "a\nb\n", "x\n", Ok((1, "x")));
        check("a  \nb\t\n", "a\nb\n", "x\n", Ok((1, "x")));
        check("a\nb\n", "a \nb\n", "x\n", Ok((1, "x")));
        check("a\na \n", "a\n", "x\n", Ok((1, "x")));
        check("a \na  \n", "a\n", "x\n", Err(&[1, 2]));
    }

    #[test]
    fn blank_lines_around_both_parts_are_left_out_where_the_file_has_none() {
        check("a\nb\nc\n", "\nb\n\n", "\nx\n\n", Ok((2, "x")));
        check("a\nb\nc\n", "b\n\n", "x\n\n\n", Ok((2, "x\n")));
        check("a\nb\n\nc\n", "b\n\n", "x\n\n", Ok((2, "x\n")));
        check("b\nb\n", "b\n\n", "x\n\n", Err(&[1, 2]));
        // Of one part alone they are meant.
        check("a\nb\nc\n", "b\n\n", "x\n", Err(&[]));
        check("a\nb\nc\n", "\nb\n", "x\n\n", Err(&[]));
        check("a\n", "\n\n\n", "\n\n\n", Err(&[]));
    }

    #[test]
    fn one_indentation_for_all_lines_is_added_or_taken() {
        check("if a:\n    b\n    if c:\n\n        d\n", "b\nif c:\n\n    d\n", "b\n\ne\n", Ok((2, "    b\n\n    e")));
        check("\tb\n\t\tc\n", "b\n\tc\n", "b\n", Ok((1, "\tb")));
        check("b\n    c\n", "    b\n        c\n", "    x\n        y\n", Ok((1, "x\n    y")));
        check("b\n    c\n", "    b\n        c\n", "    x\ny\n", Err(&[]));
        check("        b\n    c\n", "    b\n        c\n", "    x\n", Err(&[]));
        check("    b\n        b\n", "b\n", "x\n", Err(&[1, 2]));
    }

    #[test]
    fn a_replacement_that_was_indented_otherwise_than_the_search_text_is_not_shifted() {
        let deeper = "    if b:\n        a = 1\n";
        check("    a = 1\n", "a = 1\n", deeper, Ok((1, deeper.trim_end())));
        check("    a = 1\n", "a = 1\n", "  a = 2\n", Err(&[]));
        check("    a = 1\n", "a = 1\n", "    a = 2\nb\n", Err(&[]));
        check("a = 1\n", "    a = 1\n", "a = 2\n", Err(&[]));
    }

    #[test]
    fn two_kinds_of_difference_at_once_are_not_taken() {
        check("  line \n", "line\n", "x\n", Err(&[]));
    }

    #[test]
    fn line_numbers_on_every_line_are_taken_away() {
        check("a\n  b\n\nc\n", "1 | a\n2 |   b\n3 |\n", "1 | x\n2 | y\n", Ok((1, "x\ny")));
        check("a\n  b\n", " 9: a\n10:   b\n", "x\n", Ok((1, "x")));
        check("a\n\tb\n", "     1\ta\n     2\t\tb\n", "x\n", Ok((1, "x")));
        check("a\nb\n", "2 | a\n1 | b\n", "x\n", Err(&[]));
        check("a\nb\n", "1 | a\nb\n", "x\n", Err(&[]));
        check("a\nb\n", "1 | a\n2 | b\n", "1 | a\nc\n", Err(&[]));
        check("1: a\n2: b\n", "1: a\n", "1: x\n", Ok((1, "1: x")));
    }
}
