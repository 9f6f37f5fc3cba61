//! The text of an answer as its bytes come in.

use super::tokenizer::HIDE;

/// Puts bytes together to characters, leaves [`HIDE`] out, and ends the text before the first of the texts that it shall end at.
pub(super) struct Text<'s> {
    /// What is written so far.
    pub(super) whole: String,
    /// Bytes that are no character yet.
    rest: Vec<u8>,
    stops: &'s [String],
    /// How much of the text is handed out.
    told_bytes: usize,
    /// So much of it may be the beginning of a stop, and is not.
    held_bytes: usize,
}

impl<'s> Text<'s> {
    pub(super) fn new(stops: &'s [String]) -> Self {
        let held_bytes = stops.iter().map(|stop| stop.len().saturating_sub(1)).max().unwrap_or(0);
        Self { whole: String::new(), rest: Vec::new(), stops, told_bytes: 0, held_bytes }
    }

    /// Takes in what was written, and hands out what can no longer belong to a stop. Tells whether the text is at its end.
    pub(super) fn push(&mut self, bytes: &[u8], written: &mut dyn FnMut(&str)) -> bool {
        self.rest.extend_from_slice(bytes);
        let from = self.whole.len();
        self.take_characters();
        // A stop may have begun in what was held back.
        let searched = self.whole.floor_char_boundary(from.saturating_sub(self.held_bytes));
        let found = self.stops.iter().filter_map(|stop| self.whole[searched..].find(stop.as_str())).min();
        if let Some(end) = found {
            self.whole.truncate(searched + end);
            self.rest.clear();
            self.held_bytes = 0;
        }
        self.tell(written);
        found.is_some()
    }

    fn take_characters(&mut self) {
        loop {
            match std::str::from_utf8(&self.rest) {
                Ok(text) => {
                    self.whole.extend(text.chars().filter(|letter| *letter != HIDE));
                    self.rest.clear();
                    return;
                }
                Err(error) => {
                    let valid = error.valid_up_to();
                    let text = String::from_utf8_lossy(&self.rest[..valid]);
                    self.whole.extend(text.chars().filter(|letter| *letter != HIDE));
                    // Without a length the rest may be the beginning of a character.
                    let Some(bad) = error.error_len() else {
                        self.rest.drain(..valid);
                        return;
                    };
                    self.whole.push(char::REPLACEMENT_CHARACTER);
                    self.rest.drain(..valid + bad);
                }
            }
        }
    }

    fn tell(&mut self, written: &mut dyn FnMut(&str)) {
        let end = self.whole.floor_char_boundary(self.whole.len().saturating_sub(self.held_bytes));
        if end > self.told_bytes {
            written(&self.whole[self.told_bytes..end]);
            self.told_bytes = end;
        }
    }

    /// Hands out the rest, and returns the text.
    pub(super) fn end(mut self, written: &mut dyn FnMut(&str)) -> String {
        if !self.rest.is_empty() {
            self.whole.push(char::REPLACEMENT_CHARACTER);
        }
        self.held_bytes = 0;
        self.tell(written);
        self.whole
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What comes of bytes in these pieces: what is handed out piece by piece, and how many pieces were taken.
    fn told(pieces: &[&[u8]], stops: &[&str]) -> (Vec<String>, usize) {
        let stops: Vec<String> = stops.iter().map(|stop| (*stop).to_owned()).collect();
        let (mut text, mut heard) = (Text::new(&stops), Vec::new());
        let written = &mut |text: &str| heard.push(text.to_owned());
        let taken = pieces.iter().position(|piece| text.push(piece, written)).map_or(pieces.len(), |at| at + 1);
        let whole = text.end(written);
        assert_eq!(heard.concat(), whole, "what is handed out is the text");
        (heard, taken)
    }

    #[test]
    fn characters_that_are_split_over_tokens_come_out_whole() {
        let check = |parts: &[&[u8]], heard: &[&str]| {
            assert_eq!(told(parts, &[]), (heard.iter().map(|part| (*part).to_owned()).collect(), parts.len()));
        };
        check(&[b"a", b"b"], &["a", "b"]);
        check(&[&[0xf0, 0x9f], &[0x91], &[0x8d]], &["👍"]);
        check(&[&[b'a', 0xc3], &[0xa9, b'b']], &["a", "éb"]);
        // What cannot become a character is replaced as soon as that is known.
        check(&[&[0xff], b"a"], &["\u{fffd}", "a"]);
        check(&[&[0xe2, 0x82], b"a"], &["\u{fffd}a"]);
        check(&[&[b'x', 0xf0, 0x9f]], &["x", "\u{fffd}"]);
        check(&[&[0x80, 0x80, b'y']], &["\u{fffd}\u{fffd}y"]);
        check(&[b"", "a\u{f8ff}b".as_bytes()], &["ab"]);
        check(&["\u{f8ff}".as_bytes()], &[]);
    }

    #[test]
    fn a_text_ends_before_the_first_of_its_stops() {
        assert_eq!(told(&[b"one", b" END", b" two"], &["END"]), (vec!["o".to_owned(), "ne ".to_owned()], 2));
        let (heard, taken) = told(&[b"one E", b"N", b"D two"], &["END", "two"]);
        assert_eq!((heard.concat().as_str(), taken), ("one ", 3), "in three pieces");
        let (heard, taken) = told(&[b"xEN", b"xE"], &["END"]);
        assert_eq!((heard.concat().as_str(), taken), ("xENxE", 2), "it only began");
        let (heard, taken) = told(&["aä".as_bytes(), "\u{2029}ä".as_bytes()], &["\u{2029}ä", "b"]);
        assert_eq!((heard.concat().as_str(), taken), ("aä", 2), "of longer characters");
        assert_eq!(told(&[b"END"], &["END"]), (vec![], 1), "nothing before it");
    }
}
