//! Links: what is linked, and where to.

use html5gum::StartTag;

use super::{Channel, MARK, Reader, attribute, names};
use crate::repo::is_control_or_invisible;

/// Targets of links longer than this are cut, in bytes.
const LONGEST_TARGET: usize = 200;

/// An open link.
pub(super) struct Link {
    pub(super) target: String,
    pub(super) position: usize,
    pub(super) lines: usize,
}

impl Reader<'_> {
    /// Opens a link; links do not nest.
    pub(super) fn open_link(&mut self, tag: &StartTag<usize>) {
        self.end_link();
        if let Some(target) = attribute(tag, "href") {
            self.link = Some(Link { target, position: self.page.position(), lines: self.page.lines });
        }
    }

    /// Ends the open link and shows its target where the text does not tell it.
    pub(super) fn end_link(&mut self) {
        let Some(link) = self.link.take() else { return };
        if self.page.in_code() {
            return;
        }
        let whole = self.page.lines == link.lines;
        let text = if whole { self.page.since(link.position).trim() } else { "" };
        let is_empty = whole && text.chars().all(|c| c.is_whitespace() || is_control_or_invisible(c));
        if is_empty || !names::is_linked(&link.target) {
            self.tally.add(Channel::LinkTarget, link.target.len());
        } else if names::bare(text) != names::bare(&link.target) {
            let shown = self.shown_target(link.target.trim());
            self.page.mark(&format!(" ({shown})"));
        }
    }

    /// Returns a target as one word of bounded length.
    fn shown_target(&mut self, target: &str) -> String {
        let mut shown = String::with_capacity(target.len());
        for c in target.chars().filter(|c| *c != MARK) {
            if c.is_whitespace() { shown.push_str("%20") } else { shown.push(c) }
        }
        if shown.len() > LONGEST_TARGET {
            let end = shown.floor_char_boundary(LONGEST_TARGET);
            self.tally.add(Channel::LinkTarget, shown.len() - end);
            shown.truncate(end);
            shown.push('…');
        }
        shown
    }
}
