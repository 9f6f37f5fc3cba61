//! A text file as lines that remember their own line endings.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::Range;

use similar::{Algorithm, DiffOp, capture_diff_slices};

use super::moves::Moves;

/// A text file in memory, open for edits.
#[derive(Clone, Debug)]
pub(super) struct Document {
    byte_order_mark: bool,
    lines: Vec<Line>,
    moves: Moves,
}

#[derive(Clone, Debug)]
struct Line {
    text: String,
    ending: Ending,
    keys: Keys,
}

/// Hashes by which lines are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Keys {
    /// Of the text as it is.
    pub(super) exact: u64,
    /// Of the text without white space at its end.
    pub(super) ended: u64,
    /// Of the text without white space at its begin; all blank lines have the same.
    pub(super) begun: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    None,
    Lf,
    CrLf,
}

const BYTE_ORDER_MARK: char = '\u{FEFF}';
/// The largest product of line counts for which kept lines are looked for between the first and the last changed one;
/// beyond it the difference would take longer than it is worth.
const MAX_DIFF_CELLS: usize = 1_000_000;

impl Keys {
    pub(super) fn of(text: &str) -> Self {
        let begun = if text.trim().is_empty() { "" } else { text.trim_start() };
        Self { exact: hash(text), ended: hash(without_end(text)), begun: hash(begun) }
    }
}

fn hash(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

/// Returns `line` without the white space at its end that editors take away.
pub(super) fn without_end(line: &str) -> &str {
    line.trim_end_matches([' ', '\t', '\r'])
}

/// Splits a text of an edit into lines; whether the last one ends in a newline makes no difference.
pub(super) fn lines_of(text: &str) -> Vec<&str> {
    if text.is_empty() {
        return Vec::new();
    }
    let text = text.strip_suffix('\n').unwrap_or(text);
    text.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line)).collect()
}

impl Document {
    /// Reads the lines of `text`.
    pub(super) fn of(text: &str) -> Self {
        let (byte_order_mark, body) = match text.strip_prefix(BYTE_ORDER_MARK) {
            Some(body) => (true, body),
            None => (false, text),
        };
        let lines = body.split_inclusive('\n').map(Line::terminated).collect();
        Self { byte_order_mark, lines, moves: Moves::default() }
    }

    /// Writes the lines back, byte for byte where nothing was replaced.
    pub(super) fn to_text(&self) -> String {
        let bytes = self.lines.iter().map(|line| line.text.len() + 2).sum();
        let mut text = String::with_capacity(bytes);
        if self.byte_order_mark {
            text.push(BYTE_ORDER_MARK);
        }
        for line in &self.lines {
            text.push_str(&line.text);
            text.push_str(line.ending.text());
        }
        text
    }

    /// Gives the last line a newline, or takes it away.
    pub(super) fn set_last_newline(&mut self, ended: bool) {
        let near = self.ending_near(self.lines.len().saturating_sub(1));
        if let Some(last) = self.lines.last_mut() {
            match (ended, last.ending) {
                (true, Ending::None) => last.ending = near,
                (false, _) => last.ending = Ending::None,
                _ => {}
            }
        }
    }

    pub(super) fn len(&self) -> usize {
        self.lines.len()
    }

    /// Returns where lines of the file as it was opened are now.
    pub(super) fn moves(&self) -> &Moves {
        &self.moves
    }

    /// Makes `text` the file.
    pub(super) fn rewrite(&mut self, text: &str) {
        let (mut new, old) = (Self::of(text), &self.lines);
        let is_same = |(left, right): &(&Line, &Line)| left.text == right.text;
        let front = old.iter().zip(&new.lines).take_while(is_same).count();
        let back = old[front..].iter().rev().zip(new.lines[front..].iter().rev()).take_while(is_same).count();
        new.moves = std::mem::take(&mut self.moves);
        new.moves.add(front, old.len() - front - back, new.lines.len() - front - back);
        *self = new;
    }

    /// Returns the text of line `at`, from 0, without its ending.
    pub(super) fn text(&self, at: usize) -> Option<&str> {
        self.lines.get(at).map(|line| line.text.as_str())
    }

    pub(super) fn texts(&self) -> impl Iterator<Item = &str> {
        self.lines.iter().map(|line| line.text.as_str())
    }

    /// Returns the lines from line `from`, with their places.
    pub(super) fn texts_from(&self, from: usize) -> impl Iterator<Item = (usize, &str)> {
        let lines = self.lines.get(from..).unwrap_or_default();
        (from..).zip(lines.iter().map(|line| line.text.as_str()))
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = Keys> {
        self.lines.iter().map(|line| line.keys)
    }

    /// Puts `new` in the place of the lines from `at` that were found for `old`.
    ///
    /// A line of `old` that comes back in `new` keeps its bytes in the file, white space at its end and line ending
    /// included; of two blank lines the longer stays. New lines end as the lines that they replace, or as their neighbours; a file without a newline at
    /// its end stays so unless `new` ends in an empty line there.
    pub(super) fn replace(&mut self, at: usize, old: &[&str], new: &[&str]) {
        let end = at + old.len();
        let at_end = end == self.lines.len();
        let last_ending = self.lines.last().map(|line| line.ending);
        let mut lines = Vec::with_capacity(new.len());
        for op in kept_and_changed(old, new) {
            let before = op.old_range();
            match op {
                DiffOp::Equal { .. } => {
                    let there = &self.lines[at + before.start..at + before.end];
                    lines.extend(there.iter().zip(&new[op.new_range()]).map(|(line, text)| line.kept_as(text)));
                }
                _ => {
                    self.moves.add(at + op.new_range().start, before.len(), op.new_range().len());
                    self.add_changed(&mut lines, at + before.start..at + before.end, &new[op.new_range()]);
                }
            }
        }
        self.lines.splice(at..end, lines);
        let inner = if at_end { at.saturating_sub(1)..self.lines.len() } else { 0..0 };
        self.end_inner_lines(inner.start..inner.end.saturating_sub(1));
        if at_end && !new.is_empty() {
            self.end_last_line(last_ending);
        }
    }

    fn add_changed(&self, lines: &mut Vec<Line>, old: Range<usize>, new: &[&str]) {
        for (offset, text) in new.iter().enumerate() {
            let replaced = (old.start + offset).min(old.end.saturating_sub(1).max(old.start));
            let ending = if old.is_empty() { self.ending_near(old.start) } else { self.ending_near(replaced + 1) };
            lines.push(Line::new((*text).to_owned(), ending));
        }
    }

    /// Returns how the line before line `at` ends, or else the nearest one that ends at all.
    fn ending_near(&self, at: usize) -> Ending {
        let ended = |line: &&Line| line.ending != Ending::None;
        let before = self.lines[..at.min(self.lines.len())].iter().rev().find(ended);
        let found = before.or_else(|| self.lines.iter().find(ended));
        found.map_or(Ending::Lf, |line| line.ending)
    }

    fn end_inner_lines(&mut self, range: Range<usize>) {
        for at in range {
            if self.lines[at].ending == Ending::None {
                self.lines[at].ending = self.ending_near(at);
            }
        }
    }

    fn end_last_line(&mut self, ending: Option<Ending>) {
        let unended = ending == Some(Ending::None);
        let near = self.ending_near(self.lines.len());
        if let Some(last) = self.lines.last_mut() {
            last.ending = match (unended, last.ending) {
                (true, _) => Ending::None,
                (false, Ending::None) => near,
                (false, own) => own,
            };
        }
        if unended && self.lines.last().is_some_and(|line| line.text.is_empty()) {
            self.lines.pop();
        }
    }
}

impl Line {
    fn new(text: String, ending: Ending) -> Self {
        let keys = Keys::of(&text);
        Self { text, ending, keys }
    }

    /// Returns the line as it stays where an edit repeats it as `text`.
    fn kept_as(&self, text: &str) -> Self {
        if self.text.trim().is_empty() && text.trim().is_empty() && text.len() > self.text.len() {
            return Self::new(text.to_owned(), self.ending);
        }
        self.clone()
    }

    fn terminated(line: &str) -> Self {
        if let Some(text) = line.strip_suffix("\r\n") {
            return Self::new(text.to_owned(), Ending::CrLf);
        }
        match line.strip_suffix('\n') {
            Some(text) => Self::new(text.to_owned(), Ending::Lf),
            None => Self::new(line.to_owned(), Ending::None),
        }
    }
}

impl Ending {
    fn text(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Lf => "\n",
            Self::CrLf => "\r\n",
        }
    }
}

/// Returns `new` with those lines as they are in `old` that differ from it only in white space at their end.
pub(super) fn with_ends_of<'t>(old: &[&'t str], new: &[&'t str]) -> Vec<&'t str> {
    let cut = |lines: &[&'t str]| -> Vec<&'t str> { lines.iter().map(|line| without_end(line)).collect() };
    let (old_cut, new_cut) = (cut(old), cut(new));
    let mut lines = Vec::with_capacity(new.len());
    for op in kept_and_changed(&old_cut, &new_cut) {
        match op {
            DiffOp::Equal { .. } => lines.extend_from_slice(&old[op.old_range()]),
            _ => lines.extend_from_slice(&new[op.new_range()]),
        }
    }
    lines
}

/// Compares two texts of an edit line by line; white space at the end of lines is a difference here.
pub(super) fn kept_and_changed(old: &[&str], new: &[&str]) -> Vec<DiffOp> {
    let head = old.iter().zip(new).take_while(|(a, b)| a == b).count();
    let tail = old[head..].iter().rev().zip(new[head..].iter().rev()).take_while(|(a, b)| a == b).count();
    let (old_end, new_end) = (old.len() - tail, new.len() - tail);
    if (old_end - head).saturating_mul(new_end - head) <= MAX_DIFF_CELLS {
        return capture_diff_slices(Algorithm::Myers, old, new);
    }
    vec![
        DiffOp::Equal { old_index: 0, new_index: 0, len: head },
        DiffOp::Replace { old_index: head, old_len: old_end - head, new_index: head, new_len: new_end - head },
        DiffOp::Equal { old_index: old_end, new_index: new_end, len: tail },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(before: &str, at: usize, old: &str, new: &str, expected: &str) {
        let mut document = Document::of(before);
        document.replace(at, &lines_of(old), &lines_of(new));
        assert_eq!(document.to_text(), expected, "{before:?} at {at}: {old:?} -> {new:?}");
        assert_eq!(Document::of(expected).len(), document.len(), "lines of {expected:?}");
    }

    #[test]
    fn lines_are_replaced_inserted_and_removed() {
        check("a\nb\nc\n", 1, "b\n", "x\ny\n", "a\nx\ny\nc\n");
        check("a\nb\nc\n", 1, "b", "", "a\nc\n");
        check("a\nb\nc\n", 1, "b\n", "\n", "a\n\nc\n");
        check("a\n", 0, "a\n", "", "");
        check("", 0, "", "new\nfile\n", "new\nfile\n");
    }

    #[test]
    fn line_endings_are_those_of_the_neighbourhood() {
        check("a\r\nb\r\n", 1, "b\n", "x\ny\n", "a\r\nx\r\ny\r\n");
        check("a\r\nb\nc\r\n", 1, "b\n", "x\ny\n", "a\r\nx\ny\nc\r\n");
        check("a\r\nb\nc\r\n", 0, "a\nb\nc\n", "a\nnew\nb\nc\n", "a\r\nnew\r\nb\nc\r\n");
        check("a\r\nb", 1, "b\n", "b\nc\n", "a\r\nb\r\nc");
        check("only", 0, "only\n", "x\ny\n", "x\ny");
    }

    #[test]
    fn a_missing_newline_at_the_end_stays_missing_unless_an_empty_line_says_otherwise() {
        check("a\nb", 1, "b\n", "c\n", "a\nc");
        check("a\nb", 1, "b\n", "c\n\n", "a\nc\n");
        check("a\nb", 0, "a\n", "c\n", "c\nb");
        check("a\nb", 1, "b\n", "", "a\n");
        check("a\nb", 0, "a\nb\n", "b\n", "b");
        check("a\nb\n", 1, "b\n", "c\n\n", "a\nc\n\n");
    }

    #[test]
    fn the_byte_order_mark_is_no_part_of_the_first_line() {
        check("\u{FEFF}a\nb\n", 0, "a\n", "x\n", "\u{FEFF}x\nb\n");
        assert_eq!(Document::of("\u{FEFF}a").text(0), Some("a"));
    }

    #[test]
    fn kept_lines_keep_their_bytes() {
        check("a  \nb\t\nc\n", 0, "a\nb\nc\n", "a\nnew\nb\n", "a  \nnew\nb\t\n");
    }

    #[test]
    fn a_huge_replacement_still_keeps_what_surrounds_it() {
        let many = |from: usize| (from..from + 1100).map(|n| format!("{n}\n")).collect::<String>();
        let before = format!("first  \r\n{}last  \r\n", many(0));
        check(
            &before,
            0,
            &format!("first\n{}last\n", many(0)),
            &format!("first\n{}last\n", many(9000)),
            &format!("first  \r\n{}last  \r\n", many(9000)),
        );
    }
}
