//! The map: one line a file, with the names of what it defines, for the files that are neither shown whole nor outlined.

use std::collections::BTreeSet;

use super::candidate::Candidate;
use super::{Excerpt, RankedFile, Signature};
use crate::repo::{RepoPath, is_control_or_invisible};
use crate::secret;
use crate::syntax::{Definition, DefinitionKind};
use crate::tokens;

/// Names told of one file, at most.
const MAX_NAMES: usize = 12;

/// Draws the map: the candidates first, then further files in their order, in at most `max_tokens` tokens.
pub(super) fn draw(
    candidates: &[Candidate<'_>],
    ranked: &[RankedFile<'_>],
    (excerpts, outline): (&[Excerpt], &[Signature]),
    max_tokens: usize,
) -> String {
    let whole = excerpts.iter().filter(|e| e.whole_file).map(|e| &e.path);
    let mut left_out: BTreeSet<&RepoPath> = whole.chain(outline.iter().map(|signature| &signature.path)).collect();
    let mut map = String::new();
    let mut left = max_tokens;
    let known = candidates.iter().map(|candidate| (candidate.file.facts.path, candidate.definitions.as_slice()));
    let others = ranked.iter().map(|file| (file.facts.path, [].as_slice()));
    for (path, definitions) in known.chain(others) {
        if !left_out.insert(path) || secret::find_credential(path.as_str()).is_some() {
            continue;
        }
        let line = line(path, definitions);
        let tokens = tokens::count(&line);
        if tokens > left {
            break;
        }
        left -= tokens;
        map.push_str(&line);
    }
    tokens::truncate(&map, max_tokens).to_owned()
}

fn line(path: &RepoPath, definitions: &[Definition]) -> String {
    let mut names: Vec<&str> = Vec::new();
    for definition in definitions {
        let is_minor = matches!(definition.kind, DefinitionKind::Constant | DefinitionKind::Module);
        let is_new = !names.contains(&definition.name.as_str());
        if !is_minor && names.len() < MAX_NAMES && is_new && secret::find_credential(&definition.name).is_none() {
            names.push(&definition.name);
        }
    }
    let colon = if names.is_empty() { "" } else { ": " };
    as_a_line(&format!("{path}{colon}{}", names.join(", ")))
}

/// Makes a line of a text: a committed path may hold a line break, which would forge one.
pub(super) fn as_a_line(text: &str) -> String {
    let safe = |c: char| if is_control_or_invisible(c) { '\u{FFFD}' } else { c };
    text.chars().map(safe).chain(['\n']).collect()
}
