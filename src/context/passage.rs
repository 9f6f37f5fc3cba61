//! What is told an embedding model of a definition, and what it says back.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use super::candidate::Candidate;
use super::piece::Piece;
use crate::repo::is_control_or_invisible;
use crate::secret::find_credential;

/// Passages of a file, at most, those that fit best.
const MOST_OF_A_FILE: usize = 24;
/// Passages of a question, at most.
const MOST: usize = 600;
/// A longer definition is cut, in bytes: small embedding models read 256 to 512 tokens.
const MOST_BYTES: usize = 1_500;

/// A definition, or a stretch of lines, as an embedding model is told of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passage {
    /// The first 16 bytes of the SHA-256 of the text.
    pub id: PassageId,
    /// Its path and its text.
    pub text: String,
}

/// Names a passage by its text.
pub type PassageId = [u8; 16];

/// How similar passages are to the question, 0 to 1; empty where no model was asked.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Similar(pub BTreeMap<PassageId, f64>);

/// Returns the name of a text.
pub fn passage_id(text: &str) -> PassageId {
    let mut id = [0; 16];
    id.copy_from_slice(&Sha256::digest(text)[..16]);
    id
}

/// Returns the passages of the candidates, those of the best files first, without any that holds a credential.
pub(super) fn of_candidates(candidates: &[Candidate<'_>]) -> Vec<Passage> {
    candidates.iter().flat_map(of_file).take(MOST).collect()
}

/// Returns how similar the best passage of each candidate is.
pub(super) fn similarities(candidates: &[Candidate<'_>], similar: &Similar) -> Vec<f64> {
    if similar.0.is_empty() {
        return vec![0.0; candidates.len()];
    }
    let of = |candidate: &Candidate<'_>| {
        of_file(candidate).iter().filter_map(|passage| similar.0.get(&passage.id)).copied().fold(0.0, f64::max)
    };
    candidates.iter().map(of).collect()
}

fn of_file(candidate: &Candidate<'_>) -> Vec<Passage> {
    let mut best: Vec<&Piece> = candidate.pieces.iter().collect();
    best.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.lines.start().cmp(b.lines.start())));
    best.truncate(MOST_OF_A_FILE);
    let passage = |piece: &Piece| {
        let head = piece.head.as_ref().map_or("", |head| candidate.source.slice(head));
        let text = format!("{}\n{head}{}", candidate.file.facts.path, candidate.source.slice(&piece.lines));
        let text = &text[..text.floor_char_boundary(MOST_BYTES)];
        let text: String = text.chars().filter(|c| matches!(c, '\n' | '\t') || !is_control_or_invisible(*c)).collect();
        find_credential(&text).is_none().then(|| Passage { id: passage_id(&text), text })
    };
    best.into_iter().filter_map(passage).collect()
}
