//! Tables, and what else is written in one line.

use super::Page;

/// The present row of a table.
#[derive(Debug, Default)]
pub(super) struct Row {
    pub(super) cells: usize,
    pub(super) is_head: bool,
    pub(super) number: usize,
}

impl Page {
    /// Opens a table; a table in a cell is written in the line.
    pub(in super::super) fn open_table(&mut self) {
        self.end_block();
        self.tables += 1;
        if self.tables == 1 {
            self.row = Row::default();
        }
    }

    /// Closes the innermost table.
    pub(in super::super) fn close_table(&mut self) {
        self.close_row();
        self.tables = self.tables.saturating_sub(1);
        self.end_block();
    }

    /// Opens a cell, after closing the one before.
    pub(in super::super) fn open_cell(&mut self, is_head: bool) {
        if self.tables != 1 {
            return self.mark(" | ");
        }
        self.close_cell();
        if self.inline > 0 {
            return;
        }
        self.line.push_str(if self.row.cells == 0 { "| " } else { " | " });
        self.row.cells += 1;
        self.row.is_head |= is_head;
        self.open_inline();
    }

    /// Closes the open cell.
    pub(in super::super) fn close_cell(&mut self) {
        if self.tables == 1 && self.row.cells > 0 && self.inline > 0 {
            self.close_inline();
        }
    }

    /// Closes the open row.
    pub(in super::super) fn close_row(&mut self) {
        if self.tables != 1 {
            return;
        }
        self.close_cell();
        if self.row.cells > 0 && self.inline == 0 {
            self.line.push_str(" |");
            self.end_line();
            if self.row.number == 0 && self.row.is_head {
                self.put(&format!("|{}", " --- |".repeat(self.row.cells)));
            }
            self.row = Row { number: self.row.number + 1, ..Row::default() };
        }
    }

    /// Opens a cell or a summary, in which lines do not end.
    pub(in super::super) fn open_inline(&mut self) {
        self.inline += 1;
    }

    /// Closes it.
    pub(in super::super) fn close_inline(&mut self) {
        self.close_code();
        self.inline = self.inline.saturating_sub(1);
        self.line.truncate(self.line.trim_end().len());
    }

    /// Tells whether a cell or a summary is open.
    pub(in super::super) fn is_inline(&self) -> bool {
        self.inline > 0
    }
}
