//! Finds the commands that build and test a repository, from the files of its base commit.
//!
//! Only files are read; nothing is run, so that a finding costs nothing and can be shown before any run. Every finding
//! says from which file it was concluded and why.

mod jvm;
mod lint;
mod native;
pub(super) mod node;
mod others;
mod python;
mod rust;
mod user;
mod workflows;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use super::check::Report;
use super::{Check, CheckKind, ReportFormat};
use crate::repo::{FileTree, RepoPath};
use workflows::Workflows;

pub use user::from_user;

/// How deep below the top a project is looked for, in folders.
const MAX_DEPTH: usize = 3;
/// The most projects of one kind; a repository with more of them wants its own command.
const MAX_PROJECTS: usize = 8;
/// Folders whose projects are somebody else's, or only data of tests.
const NOT_OURS: &[&str] = &[
    "node_modules",
    "vendor",
    "vendored",
    "third_party",
    "third-party",
    "external",
    "fixtures",
    "testdata",
    "test-data",
    "examples",
    "example",
    "samples",
    "target",
    "dist",
    "build",
    "venv",
];

/// Finds the build and test commands of a tree, those of the top folder first, builds before the tests that need them,
/// formatters and linters last.
///
/// Projects in sub-folders, down to three levels, are found when the top has none of their kind. What the workflows run
/// as tests counts where nothing else was found.
pub fn detect(tree: &FileTree) -> Vec<Check> {
    let files = Files::of(tree);
    let workflows = Workflows::of(&files);
    let mut checks = rust::checks(&files, &workflows);
    checks.extend(python::checks(&files, &workflows));
    checks.extend(node::checks(&files));
    checks.extend(native::go(&files));
    checks.extend(jvm::maven(&files));
    checks.extend(jvm::gradle(&files));
    checks.extend(native::cmake(&files));
    checks.extend(others::checks(&files));
    one_build_system(&mut checks);
    // A Makefile's `test` mostly calls what was found above; running it as well would run everything twice.
    if !checks.iter().any(|check| check.kind == CheckKind::Test && check.folder.is_empty()) {
        checks.extend(native::make(&files));
    }
    if !checks.iter().any(|check| check.kind == CheckKind::Test) {
        checks.extend(workflows.tests());
    }
    checks.extend(lint::checks(&files, &workflows));
    checks
}

/// Build systems that a project may have beside each other, the one that is believed first.
const BESIDE: [(&str, &[&str]); 2] = [
    ("CMakeLists.txt", &["meson.build"]),
    ("pom.xml", &["build.gradle", "build.gradle.kts", "settings.gradle", "settings.gradle.kts"]),
];

/// Of two build systems of one project, those checks stay that run its tests, the first one's where both do.
fn one_build_system(checks: &mut Vec<Check>) {
    let is_of = |check: &Check, files: &[&str]| {
        let file = check.found_in.split(':').next().unwrap_or_default();
        files.iter().any(|name| file.ends_with(name))
    };
    for (first, second) in BESIDE {
        let tests = |files: &[&str]| checks.iter().any(|check| check.kind == CheckKind::Test && is_of(check, files));
        let both = [&[first], second].iter().all(|files| checks.iter().any(|check| is_of(check, files)));
        let dropped = if tests(&[first]) || !tests(second) { second } else { &[first] };
        if both {
            checks.retain(|check| !is_of(check, dropped));
        }
    }
}

/// Returns all folders, down to three levels, of a tree's own files of these names.
pub(super) fn manifest_folders(tree: &FileTree, names: &[&str]) -> Vec<String> {
    let files = Files::of(tree);
    let shallow = files.ours.iter().filter(|path| path.components().count() <= MAX_DEPTH + 1);
    let folders: BTreeSet<&str> =
        shallow.filter(|path| names.contains(&path.file_name())).map(|path| path.folder()).collect();
    folders.into_iter().map(str::to_owned).collect()
}

/// A tree with its own files told from vendored ones.
pub(super) struct Files<'a> {
    pub(in crate::verify) tree: &'a FileTree,
    ours: Vec<&'a RepoPath>,
}

impl<'a> Files<'a> {
    pub(super) fn of(tree: &'a FileTree) -> Self {
        let hidden = |name: &str| name.starts_with('.') || name.starts_with("googletest");
        let foreign = |path: &RepoPath| path.folder().split('/').any(|name| hidden(name) || NOT_OURS.contains(&name));
        Self { tree, ours: tree.paths().filter(|path| !foreign(path)).collect() }
    }

    /// Returns the folders that hold a file of one of these names: the top alone if it does, else the outermost.
    fn folders_with(&self, names: &[&str]) -> Vec<String> {
        let all: BTreeSet<&str> = self
            .ours
            .iter()
            .filter(|path| names.contains(&path.file_name()) && path.components().count() <= MAX_DEPTH + 1)
            .map(|path| path.folder())
            .collect();
        let mut outermost: Vec<String> = Vec::new();
        for folder in all {
            if !outermost.iter().any(|outer| outer.is_empty() || is_below(folder, outer)) {
                outermost.push(folder.to_owned());
            }
        }
        outermost.truncate(MAX_PROJECTS);
        outermost
    }

    /// Reads a file of a folder as text; unreadable counts as absent.
    pub(super) fn text(&self, folder: &str, name: &str) -> Option<String> {
        let path = RepoPath::of_existing(&joined(folder, name)).ok()?;
        match self.tree.read_text(&path) {
            Ok(text) => text,
            Err(error) => {
                tracing::warn!(%path, %error, "a file could not be read while looking for checks");
                None
            }
        }
    }

    pub(super) fn has(&self, folder: &str, name: &str) -> bool {
        RepoPath::of_existing(&joined(folder, name)).is_ok_and(|path| self.tree.contains(&path))
    }

    /// Returns our files below a folder.
    pub(super) fn below(&self, folder: &str) -> impl Iterator<Item = &'a RepoPath> {
        self.ours.iter().copied().filter(move |path| folder.is_empty() || is_below(path.as_str(), folder))
    }
}

fn is_below(path: &str, folder: &str) -> bool {
    path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
}

pub(super) fn joined(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}

/// Makes a check whose reason is `FILE: why`, the file with its folder.
pub(super) fn check(kind: CheckKind, folder: &str, command: &[&str], reason: (&str, &str)) -> Check {
    Check {
        kind,
        argv: command.iter().map(|word| (*word).to_owned()).collect(),
        folder: folder.to_owned(),
        found_in: format!("{}: {}", joined(folder, reason.0), reason.1),
        report: None,
    }
}

/// Adds where the command leaves its report.
fn with_report(check: Check, format: ReportFormat, place: &str) -> Check {
    Check { report: Some(Report { format, places: vec![place.to_owned()] }), ..check }
}
