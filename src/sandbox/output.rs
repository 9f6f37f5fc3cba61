//! Output of a command, kept up to a limit: its beginning and its end.

use std::collections::VecDeque;

/// Collects bytes; of too many it keeps the first half and the last half of the limit.
#[derive(Debug)]
pub(super) struct Capture {
    half_bytes: usize,
    head: Vec<u8>,
    tail: VecDeque<u8>,
    dropped_bytes: u64,
}

impl Capture {
    /// Starts a collection of at most `limit_bytes`.
    pub(super) fn new(limit_bytes: usize) -> Self {
        Self { half_bytes: limit_bytes / 2, head: Vec::new(), tail: VecDeque::new(), dropped_bytes: 0 }
    }

    /// Adds what arrived.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        let (first, rest) = bytes.split_at(bytes.len().min(self.half_bytes - self.head.len()));
        self.head.extend_from_slice(first);
        // Of a piece longer than the tail only its end can stay.
        let (gone, kept) = rest.split_at(rest.len().saturating_sub(self.half_bytes));
        let excess = (self.tail.len() + kept.len()).saturating_sub(self.half_bytes);
        self.tail.drain(..excess);
        self.tail.extend(kept);
        self.dropped_bytes += (gone.len() + excess) as u64;
    }

    /// Returns the text, invalid UTF-8 replaced, and how many bytes were dropped from its middle.
    ///
    /// Where bytes were dropped, a line says how many; a character that the cut went through is dropped whole.
    pub(super) fn finish(mut self) -> (String, u64) {
        if self.dropped_bytes == 0 {
            self.head.extend(self.tail);
            return (String::from_utf8_lossy(&self.head).into_owned(), 0);
        }
        let cut = incomplete_end(&self.head);
        self.head.truncate(self.head.len() - cut);
        let continuation = self.tail.iter().take(3).take_while(|byte| **byte & 0xC0 == 0x80).count();
        self.tail.drain(..continuation);
        let dropped = self.dropped_bytes + (cut + continuation) as u64;
        let head = String::from_utf8_lossy(&self.head).into_owned();
        let tail = String::from_utf8_lossy(self.tail.make_contiguous()).into_owned();
        let line_end = if head.is_empty() || head.ends_with('\n') { "" } else { "\n" };
        (format!("{head}{line_end}[{dropped} bytes of output were dropped here]\n{tail}"), dropped)
    }
}

/// Returns how many bytes at the end begin a character that is not complete: 0 to 3.
fn incomplete_end(bytes: &[u8]) -> usize {
    (1..=bytes.len().min(3))
        .find(|count| {
            let end = &bytes[bytes.len() - count..];
            end[0] >= 0xC0 && std::str::from_utf8(end).is_err_and(|error| error.error_len().is_none())
        })
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(limit: usize, pieces: &[&[u8]], text: &str, dropped: u64) {
        let mut capture = Capture::new(limit);
        for piece in pieces {
            capture.push(piece);
        }
        assert_eq!(capture.finish(), (text.to_owned(), dropped));
    }

    #[test]
    fn output_below_the_limit_is_kept_whole() {
        check(10, &[], "", 0);
        check(10, &[b"abc", b"defghij"], "abcdefghij", 0);
        check(10, &[b"a\xffb"], "a\u{fffd}b", 0);
        check(6, &["äö".as_bytes(), "ü".as_bytes()], "äöü", 0);
    }

    #[test]
    fn of_too_much_output_the_beginning_and_the_end_are_kept() {
        check(4, &[b"abXcd"], "ab\n[1 bytes of output were dropped here]\ncd", 1);
        check(4, &[b"a", b"b", b"c", b"d", b"e"], "ab\n[1 bytes of output were dropped here]\nde", 1);
        check(4, &[b"a\n", &[b'x'; 1000], b"yz"], "a\n[1000 bytes of output were dropped here]\nyz", 1000);
        check(0, &[b"abc"], "[3 bytes of output were dropped here]\n", 3);
    }

    #[test]
    fn a_character_is_never_cut_in_half() {
        check(8, &["abcä12345xyz".as_bytes()], "abc\n[6 bytes of output were dropped here]\n5xyz", 6);
        check(8, &["abcd12345äxyz".as_bytes()], "abcd\n[7 bytes of output were dropped here]\nxyz", 7);
        check(8, &["a😀12345😀".as_bytes()], "a\n[9 bytes of output were dropped here]\n😀", 9);
    }
}
