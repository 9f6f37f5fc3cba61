//! What is collapsed: kept, and marked.

use html5gum::StartTag;

use super::{MARK, Reader, attribute};

/// An open `<details>`.
pub(super) struct Details {
    pub(super) is_open: bool,
    pub(super) is_told: bool,
    pub(super) in_summary: bool,
}

impl Reader<'_> {
    /// Opens a collapsed or open element.
    pub(super) fn open_details(&mut self, tag: &StartTag<usize>) {
        self.tell_details();
        self.page.end_block();
        let is_open = attribute(tag, "open").is_some();
        self.details.push(Details { is_open, is_told: is_open, in_summary: false });
    }

    /// Opens the words that are seen of a collapsed element.
    pub(super) fn open_summary(&mut self) {
        self.page.end_block();
        if let Some(details) = self.details.last_mut().filter(|details| !details.is_told) {
            details.is_told = true;
            details.in_summary = true;
            self.page.mark(&format!("{MARK}collapsed: "));
            self.page.open_inline();
        }
    }

    /// Ends them.
    pub(super) fn end_summary(&mut self) {
        if let Some(details) = self.details.last_mut().filter(|details| details.in_summary) {
            details.in_summary = false;
            self.page.close_inline();
            self.page.mark("]");
        }
        self.page.end_block();
    }

    /// Ends a collapsed or open element.
    pub(super) fn end_details(&mut self) {
        self.tell_details();
        if self.details.last().is_some_and(|details| details.in_summary) {
            self.end_summary();
        }
        self.page.end_block();
        if self.details.pop().is_some_and(|details| !details.is_open) {
            self.page.mark(&format!("{MARK}end of collapsed]"));
            self.page.end_block();
        }
    }

    /// Tells that what follows is collapsed where no summary has told it; the word is the one that browsers show then.
    pub(super) fn tell_details(&mut self) {
        if let Some(details) = self.details.last_mut().filter(|details| !details.is_told) {
            details.is_told = true;
            self.page.end_block();
            self.page.mark(&format!("{MARK}collapsed: Details]"));
            self.page.end_block();
        }
    }
}
