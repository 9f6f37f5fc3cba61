//! Every number that ranking depends on, in one place.
//!
//! These are starting values. Where a number comes from a paper or from the measurement on real issues it says so; the
//! others are judgement, and a measurement may overrule every one of them.

use super::signals::Signal;

/// BM25: how soon repeating a word stops to count (Robertson and Zaragoza 2009 give 1.2 to 2).
pub(super) const SATURATION: f64 = 1.2;
/// BM25: how much long texts are marked down, 0 to 1 (Robertson and Zaragoza 2009: 0.5 to 0.8).
pub(super) const LENGTH: f64 = 0.75;
/// BM25: how soon repeating a word in the task stops to count; repeated words of an issue are worth counting.
pub(super) const QUERY_SATURATION: f64 = 7.0;

/// How often an occurrence in the task counts: an ordinary word.
pub(super) const WORD: f64 = 1.0;
/// A word that is written like code: camel case, underscores, in backticks, called.
pub(super) const IDENTIFIER: f64 = 2.0;
/// A part of an identifier.
pub(super) const IDENTIFIER_PART: f64 = 0.5;
/// Factor for the title: boosting it was the best single change to plain BM25 in the measurement.
pub(super) const TITLE: f64 = 2.5;
/// Factor for the headings of a form and for what an issue tells of the machine.
pub(super) const ASIDE: f64 = 0.3;
/// Behind this many bytes of the text below the title a word counts half.
const HALF_DEPTH_BYTES: f64 = 1500.0;
/// Most words of a task that are searched for, the heaviest first: logs in issues are long and say little.
pub(super) const MAX_TERMS: usize = 192;

/// Two words side by side, which a program may write as one name.
pub(super) const PAIR: f64 = 1.0;
/// Most such pairs that are searched for, the heaviest first.
pub(super) const MAX_PAIRS: usize = 192;

/// A word is rare that at most this share of the files hold, or this many files.
pub(super) const RARE_SHARE: f64 = 0.02;
pub(super) const RARE_FILES: f64 = 3.0;

/// How many occurrences in the text a word is worth in the file's own name.
pub(super) const IN_FILE_NAME: f64 = 4.0;
/// The same for the names of the folders.
pub(super) const IN_FOLDER: f64 = 1.0;
/// The same where the text defines the word, as far as the word before it tells (`fn`, `class`, `def`).
pub(super) const DEFINED: f64 = 2.0;

/// Factor for tests, examples and benchmarks: leaving them out was the largest gain in the measurement, and yet a task may
/// be about a test.
pub(super) const TEST_PRIOR: f64 = 0.4;
/// Factor for texts for people.
pub(super) const DOCS_PRIOR: f64 = 0.3;
/// Factor for settings and data.
pub(super) const DATA_PRIOR: f64 = 0.3;

/// Tests whose source is looked for, the best first.
pub(super) const PAIRED_TESTS: usize = 10;
/// The best files whose companions in earlier commits are looked for.
pub(super) const TOGETHER_WITH: usize = 10;
/// Shorter names say nothing of who uses whom, in bytes.
pub(super) const LEAST_NAME_BYTES: usize = 3;
/// A name that more files than this define says nothing either.
pub(super) const MOST_DEFINING: usize = 3;

/// Files that lead to others, the best first; of 1, 2, 3 and 5 none was better by more than the error.
pub(super) const LEADING: usize = 3;
/// Pieces of each of them that are read for it, the best first; with 5 it was as good within the error.
pub(super) const LEADING_PIECES: usize = 12;
/// A name that more files than this share leads nowhere.
pub(super) const MOST_LED_TO: usize = 2;

/// What the sum of signals is multiplied with, so that it reads well.
pub(super) const SCALE: f64 = 10.0;
/// What each signal counts in the first and in the last round.
///
/// Learned by `benches/context.py train`: listwise softmax regression without negative weights on 300 issues of 30 public
/// repositories, checked on repositories that were left out (ARCHITECTURE.md, "Context").
pub(super) const SIGNALS: [(Signal, f64, f64); Signal::ALL.len()] = [
    (Signal::Words, 0.22, 0.00),
    (Signal::Title, 0.28, 0.15),
    (Signal::Rare, 0.06, 0.04),
    (Signal::Code, 0.04, 0.05),
    (Signal::Name, 0.06, 0.07),
    (Signal::NameCover, 0.10, 0.09),
    (Signal::Folder, 0.10, 0.07),
    (Signal::Defines, 0.10, 0.10),
    (Signal::Common, 0.11, 0.07),
    (Signal::History, 0.17, 0.09),
    (Signal::Alike, 0.20, 0.14),
    (Signal::Tested, 0.09, 0.08),
    (Signal::Named, 0.30, 0.21),
    (Signal::LooselyNamed, 0.17, 0.20),
    (Signal::Piece, 0.00, 0.22),
    (Signal::Uses, 0.00, 0.12),
    (Signal::LedTo, 0.00, 0.09),
    (Signal::Together, 0.00, 0.04),
    (Signal::Similar, 0.00, 0.10),
    (Signal::Scope, 0.15, 0.15),
    (Signal::Bigrams, 0.00, 0.06),
];

/// From this share on a signal is told to people as a reason.
pub(super) const TOLD_SHARE: f64 = 0.5;

/// Files that are read again and parsed, the best first.
///
/// Of 30, 40, 60 and 120 files, and of 0.4 to 6 MB, none ranked better than another by more than one of 100 issues;
/// 0.4 MB was worse at R@20 by 1.5 points.
pub(super) const CANDIDATES: usize = 32;
/// Bytes of them that are parsed at most; a parse costs a CPU second for 5 to 7 MB.
pub(super) const PARSED_BYTES: usize = 3 << 18;
/// Words of a piece of ordinary length, for BM25 over the pieces of a file.
pub(super) const ORDINARY_PIECE_WORDS: f64 = 120.0;
/// How many occurrences a word is worth in the name of a definition.
pub(super) const IN_DEFINITION_NAME: f64 = 3.0;
/// Added to a piece for each line of it that a stack trace names.
pub(super) const TRACED_LINE: f64 = 30.0;

/// How many turns a budget has, and what a turn has at least and at most, in tokens.
pub(super) const TURNS: usize = 16;
pub(super) const LEAST_TURN_TOKENS: usize = 160;
pub(super) const MOST_TURN_TOKENS: usize = 300;
/// A definition of at most so many turns is shown whole.
pub(super) const LONG_PIECE_TURNS: usize = 3;
/// How many turns' worth a file may take at once that the task or the user names.
pub(super) const NAMED_TURNS: usize = 2;
/// A file of at most so many turns is shown whole.
pub(super) const WHOLE_FILE_TURNS: usize = 3;
/// How urgent the next turn of a file is, against the one before. This and the three below are set by how many of the functions
/// that a fix changed are shown (ARCHITECTURE.md, "Files take turns at the budget").
pub(super) const NEXT_TURN: f64 = 0.85;
/// How much more urgent a better file is: the power of its score.
pub(super) const BETTER_FILE: f64 = 1.5;
/// How much the title counts more, for which pieces of a file are shown first.
pub(super) const TITLE_OF_PIECE: f64 = 0.5;
/// Factor for a piece that is no definition, there.
pub(super) const NAMELESS_PIECE: f64 = 0.7;
/// Files below this share of the best file's score are not shown unless everything fits.
pub(super) const LEAST_SHARE: f64 = 0.1;
/// The same for files that nothing names, for a model that is shown few files, where a source is named.
pub(super) const FOCUS_SHARE: f64 = 0.5;

/// Returns the factor for a word that stands so many bytes below the title: texts begin with what they are about.
pub(super) fn at_depth(bytes: usize) -> f64 {
    HALF_DEPTH_BYTES / (HALF_DEPTH_BYTES + bytes as f64)
}
