//! What a file is for, by its path alone.

use crate::repo::RepoPath;
use crate::syntax::Language;

/// What a file is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum FileKind {
    /// A program text that is neither test nor example.
    Source,
    /// A test, fixture, example or benchmark.
    Test,
    /// Text for people.
    Docs,
    /// Settings, data and everything else.
    Data,
}

/// Extensions of program texts for which there is no grammar here.
const OTHER_SOURCES: &[&str] = &[
    "m", "mm", "vue", "svelte", "lua", "pl", "pm", "r", "jl", "ex", "exs", "erl", "hs", "ml", "mli", "clj", "dart",
    "zig", "nim", "sql", "proto", "graphql", "css", "scss", "less", "html", "groovy", "fs", "vb", "asm", "s", "nu",
    "fish", "zsh", "ps1", "awk", "el",
];
/// Extensions of texts for people.
const DOCS: &[&str] = &["md", "mdx", "rst", "txt", "adoc", "tex", "markdown", "org"];
/// Folders at the top whose scripts and styles are made from others.
const BUILT: &[&str] = &["dist", "out"];
/// Folders of tests, and of what is not part of the product.
const TEST_FOLDERS: &[&str] = &[
    "test",
    "tests",
    "__tests__",
    "testing",
    "testdata",
    "test_data",
    "fixture",
    "fixtures",
    "__fixtures__",
    "__mocks__",
    "spec",
    "specs",
    "bench",
    "benches",
    "benchmark",
    "benchmarks",
    "example",
    "examples",
    "e2e",
    "androidTest",
];

/// Tells whether the file at `path` is a program text that is neither test nor example, by its path alone.
pub fn is_source(path: &RepoPath) -> bool {
    FileKind::of(path) == FileKind::Source
}

impl FileKind {
    /// Tells what the file at `path` is for.
    pub(super) fn of(path: &RepoPath) -> Self {
        let extension = path.extension().unwrap_or_default();
        if DOCS.contains(&extension) {
            return Self::Docs;
        }
        if path.as_str().split('/').next().is_some_and(|top| BUILT.contains(&top)) && is_for_browsers(extension) {
            return Self::Data;
        }
        let is_program = Language::of(path).is_some_and(Language::is_for_programs);
        if !is_program && !OTHER_SOURCES.contains(&extension) {
            return Self::Data;
        }
        let in_tests = path.folder().split('/').any(|folder| TEST_FOLDERS.contains(&folder));
        if in_tests || tested_stem(path).is_some() || matches!(stem(path), "conftest" | "test" | "tests") {
            return Self::Test;
        }
        Self::Source
    }
}

fn is_for_browsers(extension: &str) -> bool {
    matches!(extension, "js" | "mjs" | "cjs" | "css" | "html")
}

/// Returns the file name without its last extension.
pub(super) fn stem(path: &RepoPath) -> &str {
    let name = path.file_name();
    match name.rsplit_once('.') {
        Some((stem, _)) if !stem.is_empty() => stem,
        _ => name,
    }
}

/// Returns the stem of the file that a test's name points at: `test_a.py`, `a_test.go`, `a.spec.ts`, `ATest.java` and
/// `tests/a.rs` are all about `a`, as far as the name tells.
pub(super) fn tested_stem(path: &RepoPath) -> Option<&str> {
    let stem = stem(path);
    let named = stem
        .strip_prefix("test_")
        .or_else(|| ["_test", "_tests", "_spec", ".test", ".spec"].iter().find_map(|end| stem.strip_suffix(end)));
    let named = named.or_else(|| match path.extension() {
        Some("java" | "cs" | "php" | "kt" | "swift" | "scala" | "groovy") => {
            ["TestCase", "Tests", "Test", "IT", "Spec"].iter().find_map(|end| stem.strip_suffix(end))
        }
        _ => None,
    });
    named.filter(|rest| !rest.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, kind: FileKind, tested: Option<&str>) {
        let path = RepoPath::parse(path).expect(path);
        assert_eq!((FileKind::of(&path), tested_stem(&path)), (kind, tested), "{path}");
    }

    #[test]
    fn the_path_tells_what_a_file_is_for() {
        check("src/lib.rs", FileKind::Source, None);
        check("src/testing_ground.rs", FileKind::Source, None);
        check("tests/util.rs", FileKind::Test, None);
        check("a/test_b.py", FileKind::Test, Some("b"));
        check("a/b_test.go", FileKind::Test, Some("b"));
        check("web/b.spec.ts", FileKind::Test, Some("b"));
        check("src/main/java/BTest.java", FileKind::Test, Some("B"));
        check("src/Test.java", FileKind::Source, None);
        check("conftest.py", FileKind::Test, None);
        check("README.md", FileKind::Docs, None);
        check("Cargo.toml", FileKind::Data, None);
        check("a.vue", FileKind::Source, None);
        check("dist/a.cjs", FileKind::Data, None);
        check("out/main.go", FileKind::Source, None);
        check("build/rollup.config.js", FileKind::Source, None);
    }
}
