//! Words that follow each other in the task and in a file: `index out of bounds` says more than its words apart (ordered windows
//! of two; Metzler and Croft 2005, "A Markov random field model for term dependencies").

use super::words::WordKind;

/// Tells which terms follow each other on a line, whatever stands between them that is no term.
#[derive(Debug, Default)]
pub(super) struct Bigrams {
    last: Option<usize>,
}

impl Bigrams {
    /// Takes the next word of the line that is a term, and returns it with the one before. Of an identifier its parts count.
    pub(super) fn take(&mut self, kind: WordKind, term: usize) -> Option<(usize, usize)> {
        if kind == WordKind::Compound {
            return None;
        }
        let before = self.last.replace(term)?;
        (before != term).then_some((before, term))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_follow_each_other_and_no_word_follows_itself() {
        let mut bigrams = Bigrams::default();
        let words = [
            (WordKind::Part, 3),
            (WordKind::Part, 5),
            (WordKind::Compound, 8),
            (WordKind::Plain, 5),
            (WordKind::Plain, 4),
        ];
        let found: Vec<_> = words.into_iter().map(|(kind, term)| bigrams.take(kind, term)).collect();
        assert_eq!(found, [None, Some((3, 5)), None, None, Some((5, 4))]);
    }
}
