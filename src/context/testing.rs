//! Trees, questions and commits for the tests of this module.

use super::Query;
use crate::repo::{FileTree, PastCommit, RepoPath, StoredFile};

/// Makes a tree of texts in memory.
pub(super) fn tree(files: &[(&str, &str)]) -> FileTree {
    FileTree::from_files(
        files
            .iter()
            .map(|(path, text)| (RepoPath::of_existing(path).expect(path), StoredFile::regular(text.as_bytes()))),
    )
}

/// A question without hints and history.
pub(super) fn query(text: &str) -> Query {
    Query { text: text.to_owned(), ..Query::default() }
}

/// A source that defines what the questions are about.
pub(super) const PARSER: &str = "/// Reads a header.\npub fn parse_header(line: &str) -> Option<Header> {\n    let (name, value) = line.split_once(':')?;\n    Some(Header { name, value })\n}\n";

/// A small library with tests, documents and settings.
pub(super) fn library() -> FileTree {
    let filler = "pub fn unrelated() -> u32 {\n    42\n}\n".repeat(30);
    tree(&[
        ("README.md", "# Lib\n\nIt parses a header, with a timeout.\n"),
        ("src/parser.rs", PARSER),
        ("src/client.rs", "use crate::parser::parse_header;\n\npub fn get() {\n    parse_header(\"a: b\");\n}\n"),
        (
            "src/timer.rs",
            "pub struct Timer;\n\nimpl Timer {\n    pub fn timeout(&self) -> bool {\n        false\n    }\n}\n",
        ),
        ("src/other.rs", &filler),
        ("tests/parser.rs", "#[test]\nfn header_is_parsed() {\n    assert!(parse_header(\"a: b\").is_some());\n}\n"),
        ("Cargo.toml", "[package]\nname = \"lib\"\n"),
    ])
}

/// An earlier commit.
pub(super) fn past(message: &str, files: &[&str]) -> PastCommit {
    PastCommit {
        id: "a".repeat(40).try_into().expect("an id"),
        message: message.to_owned(),
        files: files.iter().map(|path| RepoPath::parse(path).expect(path)).collect(),
    }
}
