//! Writes what is shown down as Markdown: lines, quotes, lists, tables, code.

mod code;
mod table;

use super::removed::{Channel, Tally};
use code::Code;
use table::Row;

/// Stands for the opening bracket of our own marks until nothing outside can be added any more; no text may hold it.
pub(super) const MARK: char = '\u{FDD0}';

/// Stands around the number of a place that is looked for ([`super::open`]).
pub(super) const PLACE: char = '\u{FDD1}';

/// Deeper quotes and lists are written as deep as this.
const DEEPEST: usize = 32;

/// As many line breaks in a row are ordinary.
const MOST_BREAKS: usize = 20;

/// Makes our own marks readable, and changes those that the text itself brings so that they cannot be taken for ours.
pub(super) fn finish(text: &str) -> String {
    let own = ["[collapsed:", "[end of collapsed]", "[never closed:"];
    let forged = own.iter().fold(text.trim_end().to_owned(), |text, mark| {
        if text.contains(mark) { text.replace(mark, &mark.replacen('[', "(", 1)) } else { text }
    });
    forged.replace(PLACE, "").replace(MARK, "[")
}

/// A page as it is written.
#[derive(Debug, Default)]
pub(super) struct Page {
    out: String,
    line: String,
    /// A blank line is wanted before the next line.
    blank: bool,
    nest: Vec<Nest>,
    /// Quotations that are open and too deep, or in a cell, to be written as such.
    unwritten_quotes: usize,
    lists: Vec<Option<u64>>,
    /// Open cells and summaries, in which no line ends.
    inline: usize,
    tables: usize,
    row: Row,
    code: Option<Code>,
    breaks: usize,
    /// Lines written so far.
    pub(super) lines: usize,
}

#[derive(Debug)]
enum Nest {
    Quote { begun: bool },
    Item { marker: String, begun: bool, list: usize },
}

impl Page {
    /// Adds text of the page; blanks in a row are one outside of code.
    pub(super) fn text(&mut self, text: &str) {
        if let Some(code) = &mut self.code {
            // A place in code is not at the beginning of a line of text.
            code.text.extend(text.chars().filter(|c| *c != PLACE));
            return;
        }
        for c in text.chars() {
            match c {
                ' ' | '\n' | '\t' | '\r' | '\u{c}' => {
                    if !self.line.is_empty() && !self.line.ends_with(' ') {
                        self.line.push(' ');
                    }
                }
                '|' if self.tables > 0 && self.inline > 0 => self.line.push_str("\\|"),
                _ => self.line.push(c),
            }
        }
    }

    /// Adds a mark of our own.
    pub(super) fn mark(&mut self, mark: &str) {
        match &mut self.code {
            Some(code) => code.text.push_str(mark),
            None => self.line.push_str(mark),
        }
    }

    /// Adds a sign of style, which code does not have.
    pub(super) fn style(&mut self, sign: &str) {
        if self.code.is_none() {
            self.line.push_str(sign);
        }
    }

    /// Returns how much of the present line is written.
    pub(super) fn position(&self) -> usize {
        self.line.len()
    }

    /// Returns the present line from `position`.
    pub(super) fn since(&self, position: usize) -> &str {
        self.line.get(position..).unwrap_or_default()
    }

    /// Ends the line where the page has a line break; breaks far beyond the ordinary are counted.
    pub(super) fn line_break(&mut self, tally: &mut Tally) {
        if let Some(code) = &mut self.code {
            code.text.push('\n');
            return;
        }
        if self.line.trim().is_empty() && self.inline == 0 {
            self.breaks += 1;
            self.blank = !self.at_beginning();
            if self.breaks > MOST_BREAKS {
                tally.add(Channel::Spacing, 1);
            }
        }
        self.end_line();
    }

    /// Ends the line.
    pub(super) fn end_line(&mut self) {
        if self.inline > 0 {
            return self.text(" ");
        }
        let line = std::mem::take(&mut self.line);
        let line = line.trim_end();
        if !line.is_empty() {
            self.breaks = 0;
            self.put(line);
        }
    }

    /// Ends the block: a blank line follows.
    pub(super) fn end_block(&mut self) {
        self.close_code();
        self.end_line();
        if self.inline == 0 && !self.at_beginning() {
            self.blank = true;
        }
    }

    /// Opens a quotation.
    pub(super) fn open_quote(&mut self) {
        self.end_block();
        if self.inline == 0 && self.nest.len() < DEEPEST {
            self.nest.push(Nest::Quote { begun: false });
        } else {
            self.unwritten_quotes += 1;
        }
    }

    /// Closes the innermost quotation.
    pub(super) fn close_quote(&mut self) {
        self.end_block();
        if self.unwritten_quotes > 0 {
            self.unwritten_quotes -= 1;
        } else if let Some(at) = self.nest.iter().rposition(|nest| matches!(nest, Nest::Quote { .. })) {
            self.nest.truncate(at);
        }
    }

    /// Opens a list; `first` is its first number.
    pub(super) fn open_list(&mut self, first: Option<u64>) {
        self.end_block_of_list();
        self.lists.push(first);
    }

    /// Closes the innermost list.
    pub(super) fn close_list(&mut self) {
        self.close_item();
        self.lists.pop();
        self.end_block_of_list();
    }

    /// Opens an item of the innermost list.
    pub(super) fn open_item(&mut self) {
        self.close_item();
        let marker = match self.lists.last_mut() {
            Some(Some(number)) => {
                *number = number.saturating_add(1);
                format!("{}. ", *number - 1)
            }
            _ => "- ".to_owned(),
        };
        if self.inline > 0 {
            return self.line.push_str(&marker);
        }
        if self.nest.len() < DEEPEST {
            self.nest.push(Nest::Item { marker, begun: false, list: self.lists.len() });
        }
    }

    /// Closes the open item of the innermost list.
    pub(super) fn close_item(&mut self) {
        self.close_code();
        self.end_line();
        let depth = self.lists.len();
        if let Some(at) = self.nest.iter().position(|nest| matches!(nest, Nest::Item { list, .. } if *list >= depth)) {
            self.nest.truncate(at);
        }
    }

    /// Returns all that was written.
    pub(super) fn into_text(mut self) -> String {
        self.inline = 0;
        self.close_code();
        self.end_line();
        self.out
    }

    /// Tells whether nothing stands yet in the innermost quotation, item or page.
    fn at_beginning(&self) -> bool {
        match self.nest.last() {
            Some(Nest::Quote { begun } | Nest::Item { begun, .. }) => !begun,
            _ => self.out.is_empty(),
        }
    }

    fn end_block_of_list(&mut self) {
        if self.lists.is_empty() {
            self.end_block();
        } else {
            self.close_code();
            self.end_line();
        }
    }

    fn put(&mut self, line: &str) {
        self.lines += 1;
        if self.nest.is_empty() {
            let gap = std::mem::take(&mut self.blank) && !self.out.is_empty();
            self.out.push_str(if gap { "\n" } else { "" });
            self.out.push_str(line);
            self.out.push('\n');
            return;
        }
        let mut before = String::new();
        let mut blank = String::new();
        for nest in &mut self.nest {
            match nest {
                Nest::Quote { begun } => {
                    before.push_str("> ");
                    blank.push_str(if *begun { "> " } else { "" });
                    *begun = true;
                }
                Nest::Item { marker, begun, .. } => {
                    let gap = " ".repeat(marker.len());
                    before.push_str(if *begun { &gap } else { marker });
                    blank.push_str(&gap);
                    *begun = true;
                }
            }
        }
        if std::mem::take(&mut self.blank) && !self.out.is_empty() {
            self.out.push_str(blank.trim_end());
            self.out.push('\n');
        }
        let whole = if line.is_empty() { before.trim_end() } else { before.as_str() };
        self.out.push_str(whole);
        self.out.push_str(line);
        self.out.push('\n');
    }
}
