//! From the text of an answer to a changed tree: parse, locate, apply, guard.
//!
//! [`parse`] reads an answer into [`Edit`]s whatever their notation, [`apply`] makes a new tree of them or changes
//! nothing. What a model did wrong comes back as an [`EditError`] whose text is the feedback for the model.
//!
//! It deliberately does not guess: similarity serves the feedback and never the applying, of two equal places none is
//! taken, and an answer that was cut off is not applied in part. It reads nothing but the tree it is given.

mod apply;
mod contents;
mod document;
mod elision;
mod feedback;
mod guard;
mod locate;
mod nearest;
mod parse;
mod place;

pub use apply::apply;
pub use feedback::{Cause, EditError, Problem};
pub use parse::{parse, parse_for};

/// One change to one file, with the paths as the model wrote them.
///
/// A text counts as lines: its line endings say nothing, nor whether its last line ends in a newline, and the empty text
/// has no line at all. Only a new file gets the text byte for byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Edit {
    /// Puts `replace` in the place of the lines `search`, which stand at exactly one place of the file.
    ///
    /// An empty `search` creates the file, which must be missing or empty.
    Replace {
        /// The file.
        path: String,
        /// The lines to find.
        search: String,
        /// The lines to put there; empty to remove them.
        replace: String,
    },
    /// Creates the file, or replaces all of it.
    WholeFile {
        /// The file.
        path: String,
        /// The complete new text.
        content: String,
    },
    /// Removes the file.
    Delete {
        /// The file.
        path: String,
    },
    /// Moves the file, with its mode and bytes.
    Rename {
        /// Where it is.
        from: String,
        /// Where it goes; nothing may be there.
        to: String,
    },
}

impl Edit {
    /// Returns the path that the edit starts from.
    pub fn path(&self) -> &str {
        match self {
            Self::Replace { path, .. } | Self::WholeFile { path, .. } | Self::Delete { path } => path,
            Self::Rename { from, .. } => from,
        }
    }
}

/// What an answer says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The edits, in the order of the answer; never empty.
    pub edits: Vec<Edit>,
    /// The prose around them, and fenced blocks that are no edits.
    pub remarks: String,
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod scenarios;
#[cfg(test)]
mod told;
