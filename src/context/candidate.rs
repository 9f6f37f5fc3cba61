//! The best files, read again, cut into pieces and ranked anew by their best piece.

use rayon::prelude::*;

use super::memory::Memory;
use super::piece::{self, Piece, Source};
use super::question::Question;
use super::rank::RankedFile;
use super::rarity::Rarity;
use super::weights;
use super::withhold::Reason;
use crate::index::Names;
use crate::repo::{FileTree, RepoPath};
use crate::syntax::{Definition, Language};

/// A file that may be shown.
#[derive(Debug)]
pub(super) struct Candidate<'a> {
    /// Its place.
    pub file: RankedFile<'a>,
    /// Its text.
    pub source: Source,
    /// What it defines; empty where nothing is parsed.
    pub definitions: Vec<Definition>,
    /// The names that it uses; empty where nothing is parsed.
    pub references: Vec<String>,
    /// Its pieces in the order of the lines.
    pub pieces: Vec<Piece>,
}

/// Reads and cuts `ranked`, and returns what can be shown, in the same order, with what cannot.
///
/// At most [`weights::PARSED_BYTES`] are parsed; the rest is cut by lines.
pub(super) fn examine<'a>(
    (tree, memory): (&FileTree, &Memory<'_>),
    question: &Question,
    rarity: &Rarity,
    ranked: &[RankedFile<'a>],
) -> (Vec<Candidate<'a>>, Vec<(&'a RepoPath, Reason)>) {
    let mut bytes = 0;
    let planned: Vec<(&RankedFile<'a>, bool)> = ranked
        .iter()
        .map(|file| {
            bytes += file.facts.size_bytes;
            (file, bytes <= weights::PARSED_BYTES)
        })
        .collect();
    let examined: Vec<Result<Candidate<'a>, (&'a RepoPath, Reason)>> = planned
        .into_par_iter()
        .map_init(
            || memory.reader(),
            |reader, (file, parse)| {
                let path = file.facts.path;
                let text = text_of(tree, path).map_err(|why| (path, why))?;
                let language = Language::of(path).filter(|_| parse);
                let content = memory.content(tree, path);
                let names = language.map(|language| memory.names(reader.as_ref(), language, (content, &text)));
                let names = names.unwrap_or_default();
                let source = Source::new(question, text);
                let mut pieces = piece::split(&source, &names.definitions);
                piece::score(&source, &mut pieces, question, rarity, &file.lines);
                let Names { definitions, references } = names;
                Ok(Candidate { file: file.clone(), source, definitions, references, pieces })
            },
        )
        .collect();
    let mut candidates = Vec::new();
    let mut withheld = Vec::new();
    for outcome in examined {
        match outcome {
            Ok(candidate) => candidates.push(candidate),
            Err(reason) => withheld.push(reason),
        }
    }
    (candidates, withheld)
}

fn text_of(tree: &FileTree, path: &RepoPath) -> Result<String, Reason> {
    let stored = tree.read(path).ok().flatten().ok_or(Reason::Unreadable)?;
    std::str::from_utf8(&stored.content).map(str::to_owned).map_err(|_| Reason::NotText)
}
