//! Programming languages: which file is written in which, whether it parses, what it defines.

use tree_sitter::{Language, Node, Parser, Tree};

use crate::repo::RepoPath;

/// Tells whether `text` parses without an error; `None` when the language of `path` is not known.
pub fn parses(path: &RepoPath, text: &str) -> Option<bool> {
    Some(!tree_of(path, text)?.root_node().has_error())
}

/// Returns the first line, from 1, that does not parse; `None` when all does or the language is not known.
pub fn first_error_line(path: &RepoPath, text: &str) -> Option<usize> {
    first_error(tree_of(path, text)?.root_node()).map(|row| row + 1)
}

fn tree_of(path: &RepoPath, text: &str) -> Option<Tree> {
    let language: Language = match path.extension()? {
        "rs" => tree_sitter_rust::LANGUAGE.into(),
        "py" => tree_sitter_python::LANGUAGE.into(),
        "js" => tree_sitter_javascript::LANGUAGE.into(),
        _ => return None,
    };
    let mut parser = Parser::new();
    parser.set_language(&language).ok()?;
    parser.parse(text, None)
}

fn first_error(node: Node<'_>) -> Option<usize> {
    if node.is_error() || node.is_missing() {
        return Some(node.start_position().row);
    }
    let mut cursor = node.walk();
    node.children(&mut cursor).filter(Node::has_error).find_map(first_error)
}
