//! From the text of an answer to a changed tree: parse, locate, apply, guard.
//!
//! [`parse()`] reads an answer into [`Edit`]s whatever their notation (blocks of search and replace, whole files, unified
//! diffs, `*** Begin Patch`, JSON), [`apply()`] makes a new tree of them or changes
//! nothing. What a model did wrong comes back as an [`EditError`] whose text is the feedback for the model.
//!
//! It deliberately does not guess: similarity serves the feedback and never the applying, of two equal places none is
//! taken, and an answer that was cut off is not applied in part. It reads nothing but the tree it is given.

mod apply;
mod comments;
mod contents;
mod document;
mod elision;
mod feedback;
mod guard;
mod hunks;
mod locate;
mod moves;
mod nearest;
mod parse;
mod place;
mod substitute;
mod work;

pub use apply::apply;
pub use comments::{PutBack, is_same_code, keep_comments};
pub use feedback::{Cause, EditError, Problem};
pub use parse::{Format, Reading, calls_in_tags, parse, parse_as, without_thinking};

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
        /// The line, from 1, that is said to be the first of them; it decides between equal places.
        line: Option<usize>,
    },
    /// Changes the file by the hunks of a diff, in their order.
    Hunks {
        /// The file.
        path: String,
        /// The hunks; never empty.
        hunks: Vec<Hunk>,
        /// Whether nothing is left afterwards and the file goes; it is an error when something is left.
        removes: bool,
    },
    /// Puts one text in the place of another, which need not be made of whole lines.
    Substitute {
        /// The file.
        path: String,
        /// The text to find; never empty.
        old: String,
        /// The text to put there.
        new: String,
        /// Whether every place is meant; else there must be exactly one.
        all: bool,
    },
    /// Puts lines behind a line.
    Insert {
        /// The file.
        path: String,
        /// The line, from 1; 0 stands for the beginning.
        line: usize,
        /// The lines.
        text: String,
    },
    /// Creates the file, which must be missing.
    Create {
        /// The file.
        path: String,
        /// Its text.
        content: String,
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
    /// Makes a copy of the file, with its mode and bytes.
    Copy {
        /// What is copied.
        from: String,
        /// Where the copy goes; nothing may be there.
        to: String,
    },
    /// Makes the file a program, or takes that back.
    Executable {
        /// The file.
        path: String,
        /// Whether it is one afterwards.
        is_program: bool,
    },
}

/// A piece of a diff.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hunk {
    /// Lines that stand somewhere before the place, outermost first.
    pub anchors: Vec<String>,
    /// Whether an anchor that is not in the file is an error; the headings of unified diffs are only hints.
    pub must_find_anchors: bool,
    /// The line of the file as it was where the hunk begins, from 1; for a hunk without old lines the line behind which its
    /// lines go, 0 for the beginning.
    pub line: Option<usize>,
    /// The lines that are there.
    pub old: Vec<String>,
    /// The lines to put there.
    pub new: Vec<String>,
    /// Whether it is said to reach to the end of the file.
    pub ends_file: bool,
    /// What is said of the newline behind the last of them, for the end of the file; `None` to keep it as it is.
    pub last_newline: Option<bool>,
    /// Whether a program made it, by its heading and right counts: it is taken to the letter, white space too.
    pub is_exact: bool,
}

impl Edit {
    /// Returns the path that the edit starts from.
    pub fn path(&self) -> &str {
        match self {
            Self::Replace { path, .. }
            | Self::Hunks { path, .. }
            | Self::Substitute { path, .. }
            | Self::Insert { path, .. }
            | Self::Create { path, .. }
            | Self::WholeFile { path, .. }
            | Self::Delete { path }
            | Self::Executable { path, .. } => path,
            Self::Rename { from, .. } | Self::Copy { from, .. } => from,
        }
    }

    /// Returns the path that the edit leads to.
    pub fn target(&self) -> &str {
        match self {
            Self::Rename { to, .. } | Self::Copy { to, .. } => to,
            _ => self.path(),
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
mod calls;
#[cfg(test)]
mod dialects;
#[cfg(test)]
mod doubts;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod scenarios;
#[cfg(test)]
mod told;
