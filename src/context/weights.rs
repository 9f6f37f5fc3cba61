//! Every number that ranking depends on, in one place.
//!
//! These are starting values. Where a number comes from a paper or from the measurement on real issues it says so; the
//! others are judgement, and a measurement may overrule every one of them.

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
/// Most words of a task that are searched for, the heaviest first: logs in issues are long and say little.
pub(super) const MAX_TERMS: usize = 192;

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
/// The share of a test's own score that its source gets on top.
pub(super) const PAIR: f64 = 0.3;
/// Factor for a file whose name stands in the task, when several files have that name or the name is a common one.
pub(super) const LOOSELY_NAMED: f64 = 1.5;

/// Files that are read again and parsed, the best first.
pub(super) const CANDIDATES: usize = 40;
/// Bytes of them that are parsed at most; a parse costs a CPU second for 5 to 7 MB.
pub(super) const PARSED_BYTES: usize = 1 << 20;
/// Words of a piece of ordinary length, for BM25 over the pieces of a file.
pub(super) const ORDINARY_PIECE_WORDS: f64 = 120.0;
/// How many occurrences a word is worth in the name of a definition.
pub(super) const IN_DEFINITION_NAME: f64 = 3.0;
/// Factor for the best piece of a file when it is added to the file's own score: fusing both was the best of the plain
/// baselines in the measurement.
pub(super) const BEST_PIECE: f64 = 0.7;
/// Added to a piece for each line of it that a stack trace names.
pub(super) const TRACED_LINE: f64 = 30.0;

/// The largest part of what is left of the budget that one file takes before the next one has its turn.
pub(super) const FILE_SHARE: f64 = 0.35;
/// The same for a file that the task or the user names.
pub(super) const NAMED_FILE_SHARE: f64 = 0.6;
/// Files below this share of the best file's score are not shown unless everything fits, nor pieces below this share of
/// the best piece of their file.
pub(super) const LEAST_SHARE: f64 = 0.1;
