//! Which lines say something and do nothing.

use std::ops::Range;

use tree_sitter::Node;

use super::{Language, grammar};
use crate::repo::RepoPath;

/// Finds the comments that have their lines, from 0, for themselves, or in Python texts that nobody uses, as docstrings; in
/// the order of the text.
///
/// Empty when the language is not known, and where [`super::parses`] cannot tell.
pub fn comments(path: &RepoPath, text: &str) -> Vec<Range<usize>> {
    let Some((language, tree)) = Language::of(path).and_then(|known| Some((known, grammar::parse(known, text)?)))
    else {
        return Vec::new();
    };
    let lines: Vec<&str> = text.split('\n').collect();
    let mut found = Vec::new();
    let mut cursor = tree.walk();
    loop {
        let node = cursor.node();
        if is_comment(language, node) {
            found.extend(rows_of(node, &lines));
        } else if cursor.goto_first_child() {
            continue;
        }
        while !cursor.goto_next_sibling() {
            if !cursor.goto_parent() {
                return found;
            }
        }
    }
}

fn is_comment(language: Language, node: Node<'_>) -> bool {
    let is_text_alone = |node: Node<'_>| {
        node.kind() == "expression_statement"
            && node.named_child_count() == 1
            && node.named_child(0).is_some_and(|child| child.kind() == "string")
    };
    node.kind().ends_with("comment") || language == Language::Python && is_text_alone(node)
}

/// The rows that a node has for itself; `None` when code stands before or behind it.
fn rows_of(node: Node<'_>, lines: &[&str]) -> Option<Range<usize>> {
    let (start, mut end) = (node.start_position(), node.end_position());
    // Comments of some grammars reach to the beginning of the next line.
    if end.column == 0 && end.row > start.row {
        end.row -= 1;
        end.column = lines.get(end.row).map_or(0, |line| line.len());
    }
    let is_blank = |text: Option<&str>| text.is_some_and(|text| text.trim().is_empty());
    let before = lines.get(start.row).and_then(|line| line.get(..start.column));
    let behind = lines.get(end.row).and_then(|line| line.get(end.column..));
    (is_blank(before) && is_blank(behind)).then_some(start.row..end.row + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, text: &str, expected: &[usize]) {
        let found = comments(&RepoPath::parse(path).expect(path), text);
        assert_eq!(found.into_iter().flatten().collect::<Vec<_>>(), expected, "{path}: {text:?}");
    }

    #[test]
    fn lines_of_comments_are_found_in_every_kind_of_language() {
        check("a.py", "# a\nx = 1  # b\n\"\"\"\nc\n\"\"\"\ny = \"\"\"\nd\n\"\"\"\n", &[0, 2, 3, 4]);
        check("a.py", "def f():\n    '''doc'''\n    f('''\n    x''')\n", &[1]);
        check(
            "a.rs",
            "//! a\n/// b\nfn f() {\n    // c\n    let x = 1; // d\n    /* e\n    f */\n}\n",
            &[0, 1, 3, 5, 6],
        );
        check("a.c", "/* a */ int x; /* b\nc */\n/*\n */\n", &[2, 3]);
        check("a.go", "package a\n\n// b\nfunc f() {}\n", &[2]);
        check("A.java", "/** a\n * b\n */\nclass A { // c\n}\n", &[0, 1, 2]);
        check("a.ts", "// a\nlet b = `// c\n// d`;\r\n// e\r\n", &[0, 3]);
        check("a.rb", "# a\r\nb = 1\r\n=begin\r\nc\r\n=end\r\n", &[0, 2, 3, 4]);
        check("a.php", "<?php\n# a\n$b = '# c';\n", &[1]);
        check("a.cs", "/// <b/>\nclass A { }\n", &[0]);
        check("a.yaml", "# a\nb: c # d\n", &[0]);
        check("a.kt", "// a\nfun b() {}\n", &[0]);
        check("a.sh", "#!/bin/sh\n# a\necho '# b\n# c'\n", &[0, 1]);
    }

    #[test]
    fn without_a_grammar_nothing_is_found() {
        check("a.txt", "# a\n", &[]);
        check("a.py", "", &[]);
    }
}
