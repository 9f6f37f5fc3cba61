//! What the files that fit best lead to: what their best pieces speak of and another file defines, and what they import.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::candidate::Candidate;
use super::graph::{Places, defining};
use super::kind::stem;
use super::rank::Tier;
use super::weights;
use super::words::{WordKind, each_word};
use crate::repo::RepoPath;

/// The beginnings of lines that name other files, in the languages whose definitions are known.
const IMPORTS: [&str; 12] = [
    "import ", "import(", "from ", "use ", "pub use ", "mod ", "pub mod ", "require", "#include", "export ", "} from ",
    "using ",
];
/// Those of them that may go on over several lines, in brackets.
const LISTS: [&str; 4] = ["import ", "from ", "use ", "pub use "];
/// Files of these names are called after their folder.
const NAMELESS: [&str; 5] = ["mod", "lib", "main", "index", "__init__"];

/// Returns for each candidate how much the first ones lead to it, weighed by how well these fit: shares of the largest value of
/// either way, added up. The very first, and what the task names, count as much as any: that files are led to puts none before
/// the one that leads.
pub(super) fn led_to(candidates: &[Candidate<'_>]) -> Vec<f64> {
    let spoken: Vec<BTreeSet<&str>> = candidates.iter().take(weights::LEADING).map(names_in_best_pieces).collect();
    let wanted: HashSet<&str> = spoken.iter().flatten().copied().collect();
    let defining = defining(candidates, |name| wanted.contains(name), weights::MOST_LED_TO);
    let modules = modules(candidates);
    let spoken_of = lead(candidates, &|from| spoken_of(&spoken[from], from, &defining));
    let imported = lead(candidates, &|from| imported(&candidates[from], &modules));
    let mut led: Vec<f64> = spoken_of.iter().zip(&imported).map(|(spoken_of, imported)| spoken_of + imported).collect();
    let most = led.iter().copied().fold(0.0, f64::max);
    for (at, candidate) in candidates.iter().enumerate() {
        if at == 0 || candidate.file.tier >= Tier::Named {
            led[at] = most;
        }
    }
    led
}

fn modules<'c>(candidates: &'c [Candidate<'_>]) -> Places<'c> {
    let mut places = Places::new();
    for (at, candidate) in candidates.iter().enumerate() {
        places.entry(module(candidate.file.facts.path)).or_default().push(at);
    }
    places.retain(|_, places| places.len() <= weights::MOST_LED_TO);
    places
}

/// Adds up where the first candidates lead, by how well they fit, none to itself; as shares of the largest sum.
fn lead(candidates: &[Candidate<'_>], links: &dyn Fn(usize) -> Vec<(usize, f64)>) -> Vec<f64> {
    let mut led = vec![0.0; candidates.len()];
    for (from, candidate) in candidates.iter().enumerate().take(weights::LEADING) {
        for (place, strength) in links(from).into_iter().filter(|(place, _)| *place != from) {
            led[place] += strength * candidate.file.score.max(0.0);
        }
    }
    let most = led.iter().copied().fold(0.0, f64::max);
    led.iter_mut().for_each(|value| *value /= most.max(f64::MIN_POSITIVE));
    led
}

/// Finds what others define and the best pieces of a file speak of. A whole file speaks of too much: that added nothing in the
/// measurement.
fn spoken_of(names: &BTreeSet<&str>, from: usize, defining: &Places<'_>) -> Vec<(usize, f64)> {
    let mut strengths = BTreeMap::<usize, f64>::new();
    for name in names {
        let places = defining.get(name).map_or(&[][..], Vec::as_slice);
        for place in places.iter().filter(|_| !places.contains(&from)) {
            *strengths.entry(*place).or_default() += 1.0 / places.len() as f64;
        }
    }
    strengths.into_iter().map(|(place, strength)| (place, strength.ln_1p())).collect()
}

fn imported(candidate: &Candidate<'_>, modules: &Places<'_>) -> Vec<(usize, f64)> {
    let words = words_of_imports(&candidate.source.text);
    let places = words.into_iter().filter_map(|word| modules.get(word));
    places.flat_map(|places| places.iter().map(|place| (*place, 1.0 / places.len() as f64))).collect()
}

/// Returns the whole names in the pieces that fit best.
fn names_in_best_pieces<'c>(candidate: &'c Candidate<'_>) -> BTreeSet<&'c str> {
    let mut best: Vec<_> = candidate.pieces.iter().filter(|piece| piece.score > 0.0).collect();
    best.sort_by(|a, b| b.score.total_cmp(&a.score));
    let mut names = BTreeSet::new();
    for piece in best.into_iter().take(weights::LEADING_PIECES) {
        let text = candidate.source.slice(&piece.lines);
        each_word(text.as_bytes(), |word| {
            if word.kind != WordKind::Part {
                names.extend(text.get(word.start..word.end));
            }
        });
    }
    names
}

/// The name by which other files import one.
fn module(path: &RepoPath) -> &str {
    let stem = stem(path);
    let folder = path.folder().rsplit('/').next().unwrap_or_default();
    // Go imports folders.
    let is_nameless = NAMELESS.contains(&stem) || path.extension() == Some("go");
    if is_nameless && !folder.is_empty() { folder } else { stem }
}

fn words_of_imports(text: &str) -> BTreeSet<&str> {
    let mut words = BTreeSet::new();
    // Brackets that are open in an import of several lines.
    let mut open = 0_usize;
    for line in text.lines().map(str::trim_start) {
        let begins = IMPORTS.iter().find(|begin| line.starts_with(**begin));
        if begins.is_none() && open == 0 && !line.contains("require(") {
            continue;
        }
        words.extend(line.split(|c: char| !c.is_alphanumeric() && c != '_' && c != '-'));
        if open > 0 || begins.is_some_and(|begin| LISTS.contains(begin)) {
            let count = |bracket: [char; 2]| line.matches(bracket).count();
            open = (open + count(['{', '('])).saturating_sub(count(['}', ')']));
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_imported_by_its_own_name_or_that_of_its_folder() {
        let name = |path: &str| module(&RepoPath::parse(path).expect(path)).to_owned();
        let paths = ["src/a.rs", "src/walk/mod.rs", "lib/index.js", "main.go", "auth/flow.go"];
        assert_eq!(paths.map(name), ["a", "walk", "lib", "main", "auth"]);
    }

    #[test]
    fn lines_that_import_are_read_in_each_language() {
        let text = "use crate::parser::{Header};\n  import './base-handlers'\nx = require('./utils')\n#include \"q/list.h\"\n\
                    } from '../effect.js';\nfrom .core import Option\nlet user = 1;\nuse crate::{\n    tree::{\n        Node},\n    \
                    leaf,\n};\nlet other = 1;\nmod inner {\n    fn nothing();\n";
        let words = words_of_imports(text);
        for word in ["parser", "base-handlers", "utils", "list", "effect", "core", "tree", "leaf"] {
            assert!(words.contains(word), "{word}");
        }
        for word in ["user", "other", "nothing"] {
            assert!(!words.contains(word), "{word}");
        }
    }
}
