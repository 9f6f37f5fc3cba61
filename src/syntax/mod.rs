//! Programming languages: which file is written in which, whether it parses, what it defines and uses.
//!
//! Everything here looks at one text at a time and keeps nothing. It does not resolve names across files.

mod comments;
mod definitions;
mod grammar;
mod language;
mod pattern;
mod search;

use std::ops::RangeInclusive;

use crate::repo::RepoPath;

pub use comments::comments;
pub use definitions::{definitions, names};
pub use language::Language;

/// Longer texts are not parsed, in bytes: a parse reads 5 to 7 MB a second, and longer sources are nearly always generated.
pub const MAX_PARSED_BYTES: usize = 1 << 20;

/// What a definition is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DefinitionKind {
    /// A function that belongs to no type.
    Function,
    /// A function of a type, or a property with code.
    Method,
    /// A class, struct, union or record.
    Class,
    /// An interface, trait or annotation type.
    Interface,
    /// An enumeration.
    Enum,
    /// A block that gives methods to a type that stands elsewhere (Rust's `impl`).
    Implementation,
    /// A module or namespace.
    Module,
    /// Another name for a type.
    Type,
    /// A constant or variable at the top of a file.
    Constant,
    /// A macro.
    Macro,
    /// A heading with what stands below it, a key with its value, a rule: what texts and settings have for definitions.
    Section,
}

impl DefinitionKind {
    /// Tells whether other definitions stand inside it.
    pub fn is_container(self) -> bool {
        matches!(self, Self::Class | Self::Interface | Self::Enum | Self::Implementation | Self::Module | Self::Section)
    }
}

/// Something that a source text gives a name to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Definition {
    /// Its name as it is written, without what it is nested in.
    pub name: String,
    /// What it is.
    pub kind: DefinitionKind,
    /// Its lines from 1, both ends included, with the comments, attributes and decorators right above it.
    pub lines: RangeInclusive<usize>,
    /// The line that the name stands in.
    pub name_line: usize,
}

/// Tells whether `text` follows the grammar of its language.
///
/// `None` when the language is not known, or the text is longer than [`MAX_PARSED_BYTES`] or too costly to parse. Code
/// that leans on the C preprocessor may be right and still not follow the grammar: compare before and after.
pub fn parses(path: &RepoPath, text: &str) -> Option<bool> {
    let tree = grammar::parse(Language::of(path)?, text)?;
    Some(!tree.root_node().has_error())
}

/// Finds the first line, from 1, that does not follow the grammar; `None` when all do, and where [`parses`] cannot tell.
pub fn first_error_line(path: &RepoPath, text: &str) -> Option<usize> {
    let tree = grammar::parse(Language::of(path)?, text)?;
    let mut first = None;
    grammar::each_faulty(&tree, |node| {
        if node.is_error() || node.is_missing() {
            first = Some(node.start_position().row + 1);
        }
        first.is_none()
    });
    // What is missing at the end is missing behind the last line break.
    first.map(|line| line.min(text.lines().count().max(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, text: &str, expected: Option<bool>, error_line: Option<usize>) {
        let file = RepoPath::parse(path).expect(path);
        assert_eq!((parses(&file, text), first_error_line(&file, text)), (expected, error_line), "{path}: {text:?}");
    }

    #[test]
    fn broken_texts_are_told_with_their_first_line() {
        check("a.rs", "fn a() {}\n", Some(true), None);
        check("a.rs", "fn a() {}\n\nfn b( {\n}\n", Some(false), Some(3));
        check("a.py", "def a():\n    return 1\n", Some(true), None);
        check("a.py", "x = 1\ndef a(:\n    return 1\n", Some(false), Some(2));
        check("a.js", "const a = () => 1;\n", Some(true), None);
        check("a.js", "function a() {\n  return (1;\n}\n", Some(false), Some(2));
        check("a.ts", "let a: number = 1;\n", Some(true), None);
        check("a.tsx", "const a = <b>{1}</b>;\n", Some(true), None);
        check("a.go", "package a\n\nfunc b() {\n", Some(false), Some(3));
        check("A.java", "class A { void b() { } }\n", Some(true), None);
        check("a.sh", "if true; then\n  echo 1\n", Some(false), Some(2));
        check("a.php", "<?php function a() { return 1; }\n", Some(true), None);
        check("a.rb", "def a\n  1\nend\n", Some(true), None);
        check("a.cs", "class A { int B => 1; }\n", Some(true), None);
        check("a.cpp", "template <class T> T a(T b) { return b; }\n", Some(true), None);
        check("a.c", "int a(void) { return 1; }\n", Some(true), None);
    }

    #[test]
    fn texts_without_a_known_language_or_too_long_are_not_judged() {
        check("a.txt", "fn (", None, None);
        check("a.rs", "", Some(true), None);
        check("a.rs", &"//\n".repeat(MAX_PARSED_BYTES / 3 + 1), None, None);
    }

    #[test]
    fn what_would_take_for_ever_is_not_parsed_or_not_searched() {
        check("a.py", &"# a comment\n".repeat(30_000), None, None);
        check("a.py", &"x = 1  # a comment\n".repeat(30_000), Some(true), None);
        check("a.sh", &"echo 1\n".repeat(10_000), None, None);
        check("a.html", &"<a>".repeat(30_000), None, None);
        check("a.swift", &"<a>".repeat(30_000), None, None);
        check("a.scala", &"[".repeat(70_000), None, None);
        let wide = "(".repeat(30_000) + "\nfn a() {}\n";
        check("a.rs", &wide, Some(false), Some(1));
        assert_eq!(definitions(Language::Rust, &wide), []);
    }

    #[test]
    fn crafted_texts_neither_overflow_the_stack_nor_take_for_ever() {
        let paths = [
            "a.rs", "a.tsx", "a.py", "a.cpp", "a.sh", "a.php", "a.kt", "a.swift", "a.scala", "a.html", "a.css",
            "a.json", "a.yml", "a.toml", "a.md",
        ];
        for repeated in ["(", "[", "{", "f(", "\"${", "<<A\n", "# a\n", "<a>", "- ", "> ", "a: "] {
            for path in paths {
                let path = RepoPath::parse(path).expect("an ordinary path");
                let text = format!("<?php {}", repeated.repeat(12 * 1024 / repeated.len()));
                assert!(first_error_line(&path, &text).is_none_or(|line| line <= text.len()), "{path} {repeated}");
                let found = Language::of(&path).map(|language| definitions(language, &text));
                let defines = found.is_some_and(|found| !found.is_empty());
                let is_text = !Language::of(&path).is_some_and(Language::is_for_programs);
                assert!(!defines || is_text, "{path} {repeated}");
            }
        }
    }
}
