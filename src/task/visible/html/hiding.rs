//! What elements and attributes hide.

use html5gum::{StartTag, State};

use super::{Channel, MARK, Reader, names};

/// An element whose inside is not shown.
pub(super) struct Hiding {
    pub(super) name: String,
    pub(super) depth: usize,
    pub(super) bytes: usize,
}

impl Reader<'_> {
    /// Begins to hide. An element without end tag hides nothing for certain: forges differ, so the reader is told.
    pub(super) fn hide(&mut self, name: String, from: usize) -> Option<State> {
        // A paragraph needs no end tag.
        if name != "p" && !self.is_closed(&name, from) {
            self.tell_details();
            let name = if names::is_known(&name) { &name } else { "unknown" };
            self.page.mark(&format!("{MARK}never closed: <{name}>] "));
            return None;
        }
        let state = match name.as_str() {
            "script" => Some(State::ScriptData),
            "style" | "iframe" | "noembed" | "noframes" => Some(State::RawText),
            "title" => Some(State::RcData),
            _ => None,
        };
        self.hiding = Some(Hiding { name, depth: 1, bytes: 0 });
        state
    }

    /// Ends hiding and counts what was hidden.
    pub(super) fn stop_hiding(&mut self) {
        if let Some(hiding) = self.hiding.take() {
            self.tally.add(Channel::HiddenElement, hiding.bytes);
        }
    }

    /// Tells whether an end tag of that name stands behind `from`.
    fn is_closed(&mut self, name: &str, from: usize) -> bool {
        let ends = self.last_ends.get_or_insert_with(|| names::last_ends(self.html));
        ends.get(name).is_some_and(|end| *end >= from)
    }

    /// Counts what the name and the attributes of an element say without showing it.
    pub(super) fn count_attributes(&mut self, tag: &StartTag<usize>, name: &str) {
        if !names::is_known(name) {
            self.tally.add(Channel::UnknownElement, name.len());
        }
        for (key, value) in &tag.attributes {
            let (key, value) = (String::from_utf8_lossy(key), String::from_utf8_lossy(&value.value));
            match key.as_ref() {
                "title" => self.tally.add(Channel::Title, value.len()),
                "alt" => self.tally.add(Channel::AltText, value.len()),
                "href" if name == "a" => {}
                key if names::is_layout(key, &value) => {}
                key => self.tally.add(Channel::Attribute, key.len() + value.len()),
            }
        }
    }
}
