//! Where the lines of a file went, so that numbers of the file as it was shown stay right behind earlier changes.

/// The changes to the lines of a file, in their order.
#[derive(Clone, Debug, Default)]
pub(super) struct Moves(Vec<Move>);

/// `old` lines from line `at` became `new` lines, all as they were counted then.
#[derive(Clone, Copy, Debug)]
struct Move {
    at: usize,
    old: usize,
    new: usize,
}

impl Moves {
    pub(super) fn add(&mut self, at: usize, old: usize, new: usize) {
        self.0.push(Move { at, old, new });
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns where line `at` of the file as it was is now, from 0; of a line that was replaced, the nearest that took its
    /// place.
    pub(super) fn now(&self, at: usize) -> usize {
        self.0.iter().fold(at, |at, change| match at {
            _ if at >= change.at + change.old => at - change.old + change.new,
            _ if at >= change.at => at.min(change.at + change.new),
            _ => at,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_followed_through_changes() {
        let mut moves = Moves::default();
        moves.add(2, 1, 3);
        moves.add(0, 0, 1);
        moves.add(6, 2, 0);
        for (before, after) in [(0, 1), (1, 2), (2, 3), (3, 6), (4, 6), (5, 6), (6, 7)] {
            assert_eq!(moves.now(before), after, "{before}");
        }
    }
}
