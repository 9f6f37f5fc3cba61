//! Pieces of a file: definitions where the language is known, stretches of lines elsewhere; and how well each fits.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use super::bigrams::Bigrams;
use super::question::Question;
use super::rarity::Rarity;
use super::weights;
use super::words::{WordKind, each_word};
use crate::syntax::{Definition, DefinitionKind};

/// Lines of a stretch that is no definition.
const STRETCH_LINES: usize = 60;
/// A type or module of at most this many lines is shown as one piece.
const SMALL_CONTAINER_LINES: usize = 30;
/// Constants, macros and the like of at most this many lines are shown with their neighbours.
const TINY_LINES: usize = 3;
/// Lines named by a stack trace that count for one piece, at most.
const MAX_TRACED_LINES: usize = 3;

/// Some lines of a file that are shown together.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Piece {
    /// The lines, from 1, both ends included.
    pub lines: RangeInclusive<usize>,
    /// The name of the definition.
    pub name: Option<String>,
    /// The line that the name stands in.
    pub name_line: Option<usize>,
    /// The line that opens what it is nested in, with what stands above it up to the name.
    pub head: Option<RangeInclusive<usize>>,
    /// Whether it stands in a module of tests within a source file.
    pub is_test: bool,
    /// How well it fits the task; 0 when nothing matches.
    pub score: f64,
    /// How well it fits the title.
    pub title_score: f64,
    /// How many words follow each other in it as in the task, each two by what the commoner one is worth.
    pub bigrams: f64,
}

impl Piece {
    /// How much it is wanted before the other pieces of its file; only the shares mean something.
    pub(super) fn wanted(&self) -> f64 {
        let named = if self.name.is_some() { 1.0 } else { weights::NAMELESS_PIECE };
        named * (self.score + weights::TITLE_OF_PIECE * self.title_score)
    }

    /// Returns how much the one is wanted that is wanted most.
    pub(super) fn most_wanted(pieces: &[Self]) -> f64 {
        pieces.iter().map(Self::wanted).fold(0.0, f64::max)
    }
}

/// A text with the places of its lines and of the terms in it.
#[derive(Debug)]
pub(super) struct Source {
    /// The text.
    pub text: String,
    line_starts: Vec<usize>,
    words_before: Vec<u32>,
    /// Line, from 1, and term of every occurrence, in the order of the text.
    hits: Vec<(usize, usize)>,
    /// Line, from 1, and terms that follow each other there as in the task, in the order of the text.
    bigrams: Vec<(usize, (usize, usize))>,
}

impl Source {
    /// Finds the lines and the terms of a text.
    pub(super) fn new(question: &Question, text: String) -> Self {
        let mut source = Self {
            text: String::new(),
            line_starts: Vec::new(),
            words_before: vec![0],
            hits: Vec::new(),
            bigrams: Vec::new(),
        };
        let (mut words, mut start) = (0, 0);
        for (at, line) in text.split_inclusive('\n').enumerate() {
            source.line_starts.push(start);
            start += line.len();
            let mut bigrams = Bigrams::default();
            each_word(line.as_bytes(), |word| {
                words += u32::from(word.kind != WordKind::Compound);
                if let Some(term) = question.term(&line.as_bytes()[word.start..word.end]) {
                    source.hits.push((at + 1, term));
                    let two = bigrams.take(word.kind, term).filter(|two| question.bigrams.contains(two));
                    source.bigrams.extend(two.map(|two| (at + 1, two)));
                }
            });
            source.words_before.push(words);
        }
        source.text = text;
        source
    }

    /// Returns the number of lines.
    pub(super) fn lines(&self) -> usize {
        self.line_starts.len()
    }

    /// Returns the text of some lines, from 1, with their line breaks.
    pub(super) fn slice(&self, lines: &RangeInclusive<usize>) -> &str {
        let start = self.line_starts.get(lines.start() - 1).copied().unwrap_or(self.text.len());
        let end = self.line_starts.get(*lines.end()).copied().unwrap_or(self.text.len());
        self.text.get(start..end).unwrap_or_default()
    }

    /// Returns line and term of every occurrence within some lines.
    pub(super) fn hits(&self, lines: &RangeInclusive<usize>) -> &[(usize, usize)] {
        within(&self.hits, lines)
    }

    /// Returns the terms that follow each other within some lines as in the task, each two once.
    fn bigrams(&self, lines: &RangeInclusive<usize>) -> BTreeSet<(usize, usize)> {
        within(&self.bigrams, lines).iter().map(|(_, two)| *two).collect()
    }

    fn words(&self, lines: &RangeInclusive<usize>) -> u32 {
        self.words_before[(*lines.end()).min(self.lines())] - self.words_before[(lines.start() - 1).min(self.lines())]
    }
}

/// Returns what stands on some lines, of what comes with its line in their order.
fn within<'f, T>(found: &'f [(usize, T)], lines: &RangeInclusive<usize>) -> &'f [(usize, T)] {
    let start = found.partition_point(|(line, _)| line < lines.start());
    let end = found.partition_point(|(line, _)| line <= lines.end());
    &found[start..end.max(start)]
}

/// Cuts a file into pieces, in the order of the lines, none above another.
pub(super) fn split(source: &Source, definitions: &[Definition]) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut covered = 0;
    let mut open: Vec<&Definition> = Vec::new();
    for (at, definition) in definitions.iter().enumerate() {
        let last = (*definition.lines.end()).min(source.lines());
        while open.last().is_some_and(|outer| outer.lines.end() < definition.lines.start()) {
            let outer = open.pop();
            covered = add_stretch(source, &mut pieces, covered, outer.map_or(0, |outer| *outer.lines.end()), outer);
        }
        let length = last.saturating_sub(*definition.lines.start()) + 1;
        let nests = definitions.get(at + 1).is_some_and(|next| next.lines.end() <= definition.lines.end());
        if definition.kind.is_container() && nests && length > SMALL_CONTAINER_LINES {
            covered = add_stretch(source, &mut pieces, covered, definition.lines.start() - 1, open.last().copied());
            open.push(definition);
        } else if last > covered && (length > TINY_LINES || is_function(definition)) {
            covered = add_stretch(source, &mut pieces, covered, definition.lines.start() - 1, open.last().copied());
            pieces.push(Piece {
                lines: covered + 1..=last,
                name: Some(definition.name.clone()),
                name_line: Some(definition.name_line),
                head: open.last().map(|outer| head(outer)),
                is_test: open.iter().any(|outer| is_test_module(outer)),
                score: 0.0,
                title_score: 0.0,
                bigrams: 0.0,
            });
            covered = last;
        }
    }
    while let Some(outer) = open.pop() {
        covered = add_stretch(source, &mut pieces, covered, *outer.lines.end(), Some(outer));
    }
    add_stretch(source, &mut pieces, covered, source.lines(), None);
    pieces
}

fn is_function(definition: &Definition) -> bool {
    matches!(definition.kind, DefinitionKind::Function | DefinitionKind::Method)
}

/// Returns the line that opens a definition.
fn head(definition: &Definition) -> RangeInclusive<usize> {
    definition.name_line..=definition.name_line
}

fn is_test_module(definition: &Definition) -> bool {
    definition.kind == DefinitionKind::Module && matches!(definition.name.as_str(), "test" | "tests")
}

/// Adds the lines behind `covered` up to `last` in pieces of [`STRETCH_LINES`], without what holds no word.
fn add_stretch(
    source: &Source,
    pieces: &mut Vec<Piece>,
    covered: usize,
    last: usize,
    outer: Option<&Definition>,
) -> usize {
    let last = last.min(source.lines());
    let mut start = covered + 1;
    while start <= last {
        let end = last.min(start + STRETCH_LINES - 1);
        let lines = start..=end;
        if source.words(&lines) > 0 {
            let head = outer.map(head).filter(|head| !lines.contains(head.start()));
            let is_test = outer.is_some_and(is_test_module);
            pieces.push(Piece {
                lines,
                name: None,
                name_line: None,
                head,
                is_test,
                score: 0.0,
                title_score: 0.0,
                bigrams: 0.0,
            });
        }
        start = end + 1;
    }
    covered.max(last)
}

/// Scores every piece by the terms in it, in its name, and by the lines that the task names.
pub(super) fn score(source: &Source, pieces: &mut [Piece], question: &Question, rarity: &Rarity, traced: &[usize]) {
    let mut counts: Vec<(f64, f64)> = vec![(0.0, 0.0); question.terms.len()];
    let mut touched = Vec::new();
    for piece in pieces {
        for (_, term) in source.hits(&piece.lines) {
            counts[*term].0 += 1.0;
            touched.push(*term);
        }
        let name = piece.name.as_deref().unwrap_or_default().as_bytes();
        each_word(name, |word| {
            if let Some(term) = question.term(&name[word.start..word.end]) {
                counts[term].1 += weights::IN_DEFINITION_NAME;
                touched.push(term);
            }
        });
        touched.sort_unstable();
        touched.dedup();
        let relative_length = f64::from(source.words(&piece.lines)) / weights::ORDINARY_PIECE_WORDS;
        for term in touched.drain(..) {
            let (in_text, extra) = std::mem::take(&mut counts[term]);
            let part = rarity.part(term, in_text, extra, relative_length);
            piece.score += part;
            piece.title_score += if question.terms[term].in_title { part } else { 0.0 };
        }
        let worth = |(first, second): (usize, usize)| rarity.worth[first].min(rarity.worth[second]);
        piece.bigrams = source.bigrams(&piece.lines).into_iter().map(worth).sum();
        if piece.is_test {
            piece.bigrams *= weights::TEST_PRIOR;
            piece.score *= weights::TEST_PRIOR;
            piece.title_score *= weights::TEST_PRIOR;
        }
        let named = traced.iter().filter(|line| piece.lines.contains(line)).count().min(MAX_TRACED_LINES);
        piece.score += named as f64 * weights::TRACED_LINE;
    }
}
