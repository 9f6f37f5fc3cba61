//! The best files, read again, cut into pieces and ranked anew by their best piece.

use rayon::prelude::*;

use super::piece::{self, Piece, Source};
use super::question::Question;
use super::rank::{self, RankedFile};
use super::rarity::Rarity;
use super::weights;
use super::withhold::Reason;
use crate::repo::{FileTree, PastCommit, RepoPath};
use crate::syntax::{self, Definition, Language};

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

/// Reads and cuts `ranked`, and returns what can be shown, best first, with what cannot.
///
/// At most [`weights::PARSED_BYTES`] are parsed; the rest is cut by lines.
pub(super) fn examine<'a>(
    tree: &FileTree,
    question: &Question,
    rarity: &Rarity,
    ranked: &[RankedFile<'a>],
    commits: &[PastCommit],
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
        .map(|(file, parse)| examine_one(tree, question, rarity, file, parse).map_err(|why| (file.facts.path, why)))
        .collect();
    let mut candidates = Vec::new();
    let mut withheld = Vec::new();
    for outcome in examined {
        match outcome {
            Ok(candidate) => candidates.push(candidate),
            Err(reason) => withheld.push(reason),
        }
    }
    rank::rank_anew(&mut candidates, commits);
    (candidates, withheld)
}

fn examine_one<'a>(
    tree: &FileTree,
    question: &Question,
    rarity: &Rarity,
    file: &RankedFile<'a>,
    parse: bool,
) -> Result<Candidate<'a>, Reason> {
    let path = file.facts.path;
    let stored = tree.read(path).ok().flatten().ok_or(Reason::Unreadable)?;
    let text = std::str::from_utf8(&stored.content).map_err(|_| Reason::NotText)?;
    let (definitions, references) = match Language::of(path) {
        Some(language) if parse => syntax::names(language, text),
        _ => (Vec::new(), Vec::new()),
    };
    let source = Source::new(question, text.to_owned());
    let mut pieces = piece::split(&source, &definitions);
    piece::score(&source, &mut pieces, question, rarity, &file.lines);
    Ok(Candidate { file: file.clone(), source, definitions, references, pieces })
}
