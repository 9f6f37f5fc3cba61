//! What speaks for a file: one number for each signal, and the sum of them by the weights.
//!
//! A signal is a share of the largest value that any file has for this question, so that one set of weights serves
//! questions of ten words and of a thousand.

use serde::Serialize;

use super::weights;

/// What may speak for a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Signal {
    /// The words of the task in its text and path (BM25).
    Words,
    /// The words of the title alone.
    Title,
    /// The words of the task that few files have.
    Rare,
    /// The names of the task.
    Code,
    /// Words of the task in its file name.
    Name,
    /// How much of its file name the task has.
    NameCover,
    /// Words of the task in the names of its folders.
    Folder,
    /// Names of the task that it defines.
    Defines,
    /// How many sources are written in its language.
    Common,
    /// Commits that touched it and said what the task says, all together.
    History,
    /// The one commit that touched it and said most of what the task says.
    Alike,
    /// A test that fits the task is about it.
    Tested,
    /// The task names it, and only it.
    Named,
    /// The task has its name, and that of others.
    LooselyNamed,
    /// The definition in it that fits best.
    Piece,
    /// It uses what other files define that fit.
    Uses,
    /// The files that fit best import it, or speak of what it defines.
    LedTo,
    /// Files that fit were changed together with it.
    Together,
    /// The definition in it that an embedding model finds most like the task.
    Similar,
    /// The scope of the title is its name or that of its folder.
    Scope,
    /// The definition in it where most words follow each other as in the task.
    Bigrams,
}

impl Signal {
    /// Every signal, in the order of the variants.
    pub(super) const ALL: [Self; 21] = [
        Self::Words,
        Self::Title,
        Self::Rare,
        Self::Code,
        Self::Name,
        Self::NameCover,
        Self::Folder,
        Self::Defines,
        Self::Common,
        Self::History,
        Self::Alike,
        Self::Tested,
        Self::Named,
        Self::LooselyNamed,
        Self::Piece,
        Self::Uses,
        Self::LedTo,
        Self::Together,
        Self::Similar,
        Self::Scope,
        Self::Bigrams,
    ];

    /// The name of the signal in JSON and for people.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Words => "words",
            Self::Title => "title",
            Self::Rare => "rare",
            Self::Code => "code",
            Self::Name => "name",
            Self::NameCover => "name_cover",
            Self::Folder => "folder",
            Self::Defines => "defines",
            Self::Common => "common",
            Self::History => "history",
            Self::Alike => "alike",
            Self::Tested => "tested",
            Self::Named => "named",
            Self::LooselyNamed => "loosely_named",
            Self::Piece => "piece",
            Self::Uses => "uses",
            Self::LedTo => "led_to",
            Self::Together => "together",
            Self::Similar => "similar",
            Self::Scope => "scope",
            Self::Bigrams => "bigrams",
        }
    }
}

/// Which files are ranked: all of them by what a glance tells, or the best ones that were parsed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Round {
    /// All files.
    First,
    /// Those that were parsed.
    Last,
}

/// The signals of one file.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Signals([f64; Signal::ALL.len()]);

impl Signals {
    /// Returns one signal.
    pub(super) fn get(&self, signal: Signal) -> f64 {
        self.0[signal as usize]
    }

    /// Sets one signal.
    pub(super) fn set(&mut self, signal: Signal, value: f64) {
        self.0[signal as usize] = value;
    }

    /// Tells whether anything of the task points at the file; its length and its past alone do not.
    fn is_meant(&self) -> bool {
        let pointing = [Signal::Words, Signal::History, Signal::Tested, Signal::Named, Signal::LooselyNamed];
        pointing.into_iter().any(|signal| self.get(signal) > 0.0)
    }

    /// Adds up the signals by their weights; 0 where nothing of the task points at the file.
    pub(super) fn score(&self, round: Round) -> f64 {
        if !self.is_meant() {
            return 0.0;
        }
        let weight = |first: f64, last: f64| if round == Round::First { first } else { last };
        let parts = weights::SIGNALS.iter().map(|(signal, first, last)| self.get(*signal) * weight(*first, *last));
        parts.sum::<f64>() * weights::SCALE
    }

    /// Returns the signals that are not zero with their names, and what each adds to the score of a round.
    pub(super) fn told(&self, round: Round) -> impl Iterator<Item = (&'static str, Says)> {
        weights::SIGNALS
            .iter()
            .map(move |(signal, first, last)| {
                let (share, weight) = (self.get(*signal), if round == Round::First { first } else { last });
                (signal.name(), Says { share, points: share * weight * weights::SCALE })
            })
            .filter(|(_, says)| says.share != 0.0)
    }
}

/// What one signal says of a file.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Says {
    /// The share of the largest value that any file has for this task, 0 to 1.
    pub share: f64,
    /// What that adds to the score, before the factor for the kind of the file.
    pub points: f64,
}

/// Sets `signal` for every file to its share of the largest of `values`, which come in the order of the files.
pub(super) fn spread<'s>(files: impl Iterator<Item = &'s mut Signals>, signal: Signal, values: &[f64]) {
    let largest = values.iter().copied().fold(0.0, f64::max);
    for (signals, value) in files.zip(values) {
        signals.set(signal, if largest > 0.0 { value / largest } else { 0.0 });
    }
}
