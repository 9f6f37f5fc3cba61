//! How much the words of the task are worth in this repository, and what the words of each file say of it (BM25).

use super::kind::stem;
use super::question::Question;
use super::scan::FileFacts;
use super::weights;
use super::words::{WordKind, each_word};

/// How rare the terms are, and how long the files.
#[derive(Debug)]
pub(super) struct Rarity {
    /// The inverse document frequency of each term, times the weight of the term in the task.
    pub worth: Vec<f64>,
    is_rare: Vec<bool>,
    average_words: f64,
}

impl Rarity {
    /// Counts the files that hold each term.
    pub(super) fn of(question: &Question, files: &[FileFacts<'_>]) -> Self {
        let mut holding = vec![0_u32; question.terms.len()];
        let mut words = 0_u64;
        for file in files {
            words += u64::from(file.words);
            for count in &file.counts {
                holding[count.term] += 1;
            }
        }
        let all = files.len() as f64;
        let is_rare = holding
            .iter()
            .map(|holding| f64::from(*holding) <= (all * weights::RARE_SHARE).max(weights::RARE_FILES))
            .collect();
        let worth = holding.iter().zip(&question.terms).map(|(holding, term)| {
            let holding = f64::from(*holding);
            term.weight * (1.0 + (all - holding + 0.5) / (holding + 0.5)).ln()
        });
        Self { worth: worth.collect(), is_rare, average_words: (words as f64 / all.max(1.0)).max(1.0) }
    }

    /// Returns BM25's part for one term of a text of the given relative length.
    pub(super) fn part(&self, term: usize, in_text: f64, extra: f64, relative_length: f64) -> f64 {
        let length = 1.0 - weights::LENGTH + weights::LENGTH * relative_length;
        let occurrences = in_text / length + extra;
        self.worth[term] * occurrences * (weights::SATURATION + 1.0) / (occurrences + weights::SATURATION)
    }

    /// Returns what the words of a file say of it.
    pub(super) fn own(&self, question: &Question, file: &FileFacts<'_>) -> Own {
        let relative_length = f64::from(file.words) / self.average_words;
        let mut own = Own::default();
        for count in &file.counts {
            let part = self.part(count.term, f64::from(count.in_text), count.extra(), relative_length);
            let term = &question.terms[count.term];
            own.words += part;
            own.title += if term.in_title { part } else { 0.0 };
            own.rare += if self.is_rare[count.term] { part } else { 0.0 };
            own.code += if term.is_code { part } else { 0.0 };
            own.name += self.worth[count.term] * f64::from(count.in_name.min(1));
            own.folder += self.worth[count.term] * f64::from(count.in_folder.min(1));
            own.defines += self.worth[count.term] * f64::from(u8::from(count.defined > 0 && term.is_code));
        }
        own.name_cover = name_cover(question, file);
        own
    }
}

/// Returns which share of the words in the file's name stands in the title.
fn name_cover(question: &Question, file: &FileFacts<'_>) -> f64 {
    let (mut all, mut known) = (0.0, 0.0);
    let name = stem(file.path).as_bytes();
    each_word(name, |word| {
        if word.kind != WordKind::Compound {
            let is_known = question.term(&name[word.start..word.end]).is_some_and(|term| question.terms[term].in_title);
            all += 1.0;
            known += if is_known { 1.0 } else { 0.0 };
        }
    });
    if all > 0.0 { known / all } else { 0.0 }
}

/// What a file's own words say of it; see the signals of the same names.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Own {
    pub words: f64,
    pub title: f64,
    pub name: f64,
    pub folder: f64,
    pub defines: f64,
    pub rare: f64,
    pub code: f64,
    pub name_cover: f64,
}
