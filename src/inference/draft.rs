//! Guesses what comes next by what already stands in the conversation, so that several tokens are read at once.
//!
//! Whoever mends a file writes most of it again. The last tokens are looked up in what was read and written, and what
//! followed them there is the guess (Saxena 2023, "Prompt lookup decoding"). A wrong guess costs its reading and changes
//! nothing: each token is chosen by its own odds, guessed or not.

/// So many tokens must have stood there before, so that what follows is worth a guess.
const CONTEXT: usize = 3;
/// Guesses at once: with the token before them two, four or eight tokens are read, for which products are cheapest.
const LENGTHS: [usize; 3] = [1, 3, 7];

/// Guesses, and learns how far.
pub(super) struct Drafter {
    /// Guesses at once, one of [`LENGTHS`].
    length: usize,
}

impl Default for Drafter {
    fn default() -> Self {
        Self { length: LENGTHS[1] }
    }
}

impl Drafter {
    /// Takes note of how many of the last guesses were right: twice as many may be the next time.
    pub(super) fn learn(&mut self, right: usize, guessed: usize) {
        if guessed > 0 {
            let wanted = if right == guessed { 2 * guessed + 1 } else { right };
            self.length = LENGTHS.into_iter().rfind(|length| *length <= wanted).unwrap_or(LENGTHS[0]);
        }
    }

    /// Guesses what follows `known`, at most `room` tokens.
    pub(super) fn guess<'a>(&self, known: &'a [u32], room: usize) -> &'a [u32] {
        let Some(start) = known.len().checked_sub(CONTEXT) else { return &[] };
        let last = &known[start..];
        // What came last is the likeliest: the file as it is now, not as it was.
        let Some(before) = known[..known.len() - 1].windows(CONTEXT).rposition(|tokens| tokens == last) else {
            return &[];
        };
        let from = before + CONTEXT;
        &known[from..known.len().min(from + self.length.min(room))]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FULL: Drafter = Drafter { length: 7 };

    #[test]
    fn what_followed_before_is_guessed() {
        assert_eq!(FULL.guess(&[1, 2, 3, 4, 5, 9, 1, 2, 3], 8), [4, 5, 9, 1, 2, 3]);
        assert_eq!(FULL.guess(&[1, 2, 3, 4, 5, 9, 1, 2, 3], 2), [4, 5]);
        assert_eq!(FULL.guess(&[1, 2, 3, 4, 1, 2, 3, 7, 1, 2, 3], 1), [7], "the last place counts");
        assert_eq!(FULL.guess(&[1, 1, 1, 1], 8), [1], "places may overlap");
    }

    #[test]
    fn what_never_stood_there_is_not_guessed() {
        for known in [&[][..], &[1, 2], &[1, 2, 3], &[1, 2, 4, 1, 2, 3]] {
            assert_eq!(FULL.guess(known, 8), [0; 0], "{known:?}");
        }
        assert_eq!(FULL.guess(&[1, 1, 1, 1], 0), [0; 0]);
    }

    #[test]
    fn who_was_wrong_guesses_less_and_who_was_right_more() {
        let mut drafter = Drafter::default();
        for (right, guessed, length) in
            [(0, 3, 1), (0, 0, 1), (1, 1, 3), (3, 3, 7), (7, 7, 7), (5, 7, 3), (2, 3, 1), (2, 2, 3)]
        {
            drafter.learn(right, guessed);
            assert_eq!(drafter.length, length, "{right} of {guessed}");
        }
    }
}
