//! Names are found as the library's own search finds them.

use std::collections::BTreeSet;

use tree_sitter::{Query, QueryCursor, StreamingIterator};

use super::super::definitions::{Role, role};
use super::super::{Language, grammar};
use super::*;
use crate::repo::{FileTree, RepoPath};

/// A name by its pattern and its place, and what it defines.
type Told = (usize, (usize, usize), Option<(String, usize, usize)>);

fn told(pattern: usize, name: Node<'_>, defines: Option<(DefinitionKind, Node<'_>)>) -> Told {
    let defines = defines.map(|(kind, whole)| (format!("{kind:?}"), whole.start_byte(), whole.end_byte()));
    (pattern, (name.start_byte(), name.end_byte()), defines)
}

fn ours(language: Language, tree: &Tree, text: &str) -> BTreeSet<Told> {
    let mut all = BTreeSet::new();
    let paths = grammar::paths(language).expect("read");
    paths.search(tree, text.as_bytes(), |found| {
        all.insert(told(found.pattern, found.name, found.defines));
    });
    all
}

fn theirs(query: &Query, tree: &Tree, text: &str) -> BTreeSet<Told> {
    let mut all = BTreeSet::new();
    let mut cursor = QueryCursor::new();
    let mut matches = cursor.matches(query, tree.root_node(), text.as_bytes());
    while let Some(found) = matches.next() {
        let (mut name, mut whole) = (None, None);
        for capture in found.captures() {
            match role(query.capture_names()[capture.index as usize]) {
                Role::Whole(kind) => whole = Some((kind, capture.node)),
                Role::Name | Role::Use => name = Some(capture.node),
                Role::Condition => {}
            }
        }
        all.insert(told(found.pattern_index, name.expect("a name"), whole));
    }
    all
}

fn query(language: Language) -> Query {
    Query::new(&grammar::grammar(language), &grammar::patterns(language))
        .unwrap_or_else(|e| panic!("{language:?}: {e}"))
}

/// Holds what is found in a text against the library, which misses a name where several have one field.
#[track_caller]
pub(in super::super) fn check(language: Language, text: &str) {
    assert!(compare(&query(language), language, text, text).is_some(), "{language:?} is parsed");
}

/// The same; returns how many names there are, `None` for a text that is not parsed.
#[track_caller]
fn compare(query: &Query, language: Language, text: &str, said: &str) -> Option<usize> {
    let tree = grammar::parse(language, text)?;
    let (ours, theirs) = (ours(language, &tree, text), theirs(query, &tree, text));
    assert!(theirs.is_subset(&ours), "{language:?}: {said}: {:?}", theirs.difference(&ours));
    Some(ours.len())
}

#[test]
fn every_pattern_is_read_as_the_library_reads_it() {
    for language in Language::ALL {
        let (text, query) = (grammar::patterns(language), query(language));
        let paths = pattern::read(&grammar::grammar(language), &text).unwrap_or_else(|e| panic!("{language:?}: {e}"));
        assert_eq!(paths.len(), query.pattern_count(), "{language:?}");
        assert!(paths.iter().any(|path| path.defines.is_some()) && paths.iter().any(|path| path.defines.is_none()));
    }
}

#[test]
fn the_names_of_this_repository_are_found_as_the_library_finds_them() {
    let tree = FileTree::from_directory(std::path::Path::new(env!("CARGO_MANIFEST_DIR"))).expect("listed");
    let mut found = 0;
    for language in Language::ALL {
        let query = query(language);
        let is_one = |path: &&RepoPath| Language::of(path) == Some(language);
        // Files on disk may come and go.
        let texts = tree.paths().filter(is_one).filter_map(|path| Some((path, tree.read_text(path).ok()??)));
        for (path, text) in texts.filter(|(_, text)| text.len() < 100_000) {
            found += compare(&query, language, &text, path.as_str()).unwrap_or(0);
        }
    }
    assert!(found > 10_000, "{found} names");
}

#[test]
fn patterns_that_cannot_be_read_are_told() {
    let rust = grammar::grammar(Language::Rust);
    for (text, expected) in [
        ("(function_item name: (identifier) @name) @function (", "the text ends within a pattern"),
        ("(nothing) @reference", "there is no node nothing"),
        ("(function_item nothing: (identifier) @name) @function", "there is no field nothing"),
        ("(function_item name: (identifier) @name)", "a definition has a capture for the whole, a use has none"),
        ("(function_item) @function", "a pattern has one capture name or reference"),
        ("(function_item (identifier) @name . (block)) @function", "an anchor stands at the first or the last place"),
        ("(function_item [(identifier) (block (block))] @name) @function", "alternatives are kinds alone"),
        ("(function_item (identifier) @name (block (block))) @function", "what stands beside a path is one node"),
        ("((identifier) @reference (#match? @reference \"a\"))", "the condition #match? is not known"),
        ("((identifier) @reference (#eq? @reference @other))", "a condition holds a capture against texts"),
        ("nothing", "\"nothing\" is no node"),
    ] {
        assert_eq!(pattern::read(&rust, text).expect_err(text), expected, "{text}");
    }
}
