//! Which checks come first: those of the projects that a change touches, then those that depend on them, then the rest.

use super::Check;
use super::detect::joined;
use crate::repo::{FileTree, RepoPath};

/// Files in which a project names itself and what it depends on.
const MANIFESTS: &[&str] = &[
    "Cargo.toml",
    "package.json",
    "go.mod",
    "pom.xml",
    "pyproject.toml",
    "setup.py",
    "build.gradle",
    "build.gradle.kts",
    "CMakeLists.txt",
];

/// Orders checks by what a change touches; those of one folder keep their order, and formatters and linters stay last.
pub fn ordered(checks: &[Check], tree: &FileTree, touched: &[RepoPath]) -> Vec<Check> {
    let is_touched = |folder: &str| {
        let below = |path: &RepoPath| {
            folder.is_empty() || path.as_str().strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
        };
        touched.iter().any(below)
    };
    let names: Vec<String> =
        checks.iter().filter(|check| is_touched(&check.folder)).filter_map(|check| last(&check.folder)).collect();
    let depends = |folder: &str| {
        let texts = MANIFESTS.iter().filter_map(|name| text(tree, &joined(folder, name)));
        texts.into_iter().any(|text| names.iter().any(|name| mentions(&text, name)))
    };
    let rank = |check: &Check| match (is_touched(&check.folder), depends(&check.folder)) {
        (true, _) => 0,
        (false, true) => 1,
        (false, false) => 2,
    };
    let mut all = checks.to_vec();
    all.sort_by_key(|check| (check.kind == super::CheckKind::Lint, rank(check)));
    all
}

/// The name of a folder is mostly that of the project in it.
fn last(folder: &str) -> Option<String> {
    folder.rsplit('/').next().filter(|name| !name.is_empty()).map(str::to_owned)
}

fn mentions(text: &str, name: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '-' || c == '_';
    text.match_indices(name).any(|(at, _)| {
        let (before, after) = (text[..at].chars().next_back(), text[at + name.len()..].chars().next());
        !before.is_some_and(is_part) && !after.is_some_and(is_part)
    })
}

fn text(tree: &FileTree, name: &str) -> Option<String> {
    tree.read_text(&RepoPath::of_existing(name).ok()?).ok().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repo::StoredFile;
    use crate::verify::detect;

    #[test]
    fn what_is_touched_comes_first_and_what_depends_on_it_second() {
        let package =
            |dependencies: &str| format!(r#"{{"scripts": {{"test": "x"}}, "dependencies": {{{dependencies}}}}}"#);
        let files = [
            ("a/package.json", package("")),
            ("b/package.json", package(r#""@us/core": "*""#)),
            ("c/core/package.json", package("")),
            ("d/package.json", package(r#""core-js": "*""#)),
        ];
        let file = |(path, text): &(&str, String)| {
            (RepoPath::parse(path).expect(path), StoredFile::regular(text.as_bytes().to_vec()))
        };
        let tree = FileTree::from_files(files.iter().map(file));
        let folders = |touched: &str| {
            let touched = [RepoPath::parse(touched).expect(touched)];
            let all = ordered(&detect(&tree), &tree, &touched);
            all.into_iter().map(|check| check.folder).collect::<Vec<_>>()
        };
        assert_eq!(folders("c/core/x.js"), ["c/core", "b", "a", "d"]);
        assert_eq!(folders("d/x.js"), ["d", "a", "b", "c/core"]);
        assert_eq!(folders("README.md"), ["a", "b", "c/core", "d"]);
    }
}
