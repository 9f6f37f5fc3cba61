//! Python projects: pytest where anything names or needs it, unittest otherwise.

use std::sync::LazyLock;

use regex::Regex;

use super::workflows::Workflows;
use super::{Check, CheckKind, Files, check, is_below};
use crate::repo::RepoPath;
use crate::verify::from_user;

/// Files that mark the folder of a project (PyPA, "Packaging Python Projects"; pytest and tox configuration).
const MARKERS: &[&str] = &["pyproject.toml", "setup.py", "setup.cfg", "tox.ini", "pytest.ini", "requirements.txt"];
/// The most test files that are read for how they are written.
const MAX_READ: usize = 40;

static BARE_TEST: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?m)^(?:async )?def test_|^(?:import|from) pytest\b")
        .expect("the pattern is a constant, compiled by a test")
});

/// Where tox puts further arguments (tox, "Substitutions").
static POSITIONAL: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\{posargs[^}]*\}").expect("the pattern is a constant, compiled by a test"));

pub(super) fn checks(files: &Files<'_>, workflows: &Workflows) -> Vec<Check> {
    let tests: Vec<&RepoPath> = files.ours.iter().copied().filter(|path| is_test_file(path)).collect();
    if tests.is_empty() {
        return Vec::new();
    }
    let mut folders = files.folders_with(MARKERS);
    let at_top =
        |path: &&RepoPath| matches!(path.components().next(), Some("tests" | "test")) || path.folder().is_empty();
    if folders.is_empty() || tests.iter().any(at_top) {
        folders = vec![String::new()];
    }
    folders.iter().filter_map(|folder| in_folder(files, workflows, folder, &tests)).collect()
}

fn is_test_file(path: &RepoPath) -> bool {
    let name = path.file_name();
    name.ends_with(".py") && (name.starts_with("test_") || name.ends_with("_test.py") || name == "tests.py")
}

fn in_folder(files: &Files<'_>, workflows: &Workflows, folder: &str, tests: &[&RepoPath]) -> Option<Check> {
    let tests: Vec<&RepoPath> =
        tests.iter().copied().filter(|path| folder.is_empty() || is_below(path.as_str(), folder)).collect();
    let first = tests.first()?;
    if let Some((file, why)) = wants_pytest(files, folder, &tests) {
        // `-rA` names every test in the summary, `-q` leaves the rest short.
        return Some(check(CheckKind::Test, folder, &["python3", "-m", "pytest", "-rA", "-q"], (&file, why)));
    }
    if let Some((argv, file)) = told(files, workflows, folder) {
        let argv: Vec<&str> = argv.iter().map(String::as_str).collect();
        return Some(check(CheckKind::Test, folder, &argv, (&file, "runs it")));
    }
    let mut command = vec!["python3", "-m", "unittest", "discover", "-v"];
    let start = start_folder(files, folder, &tests);
    if let Some(start) = &start {
        command.extend(["-s", start]);
    }
    if !tests.iter().any(|path| path.file_name().starts_with("test")) {
        command.extend(["-p", "*_test.py"]);
    }
    let uses = tests.iter().take(MAX_READ).any(|path| read(files, path).contains("TestCase"));
    let name = relative(first, folder).to_owned();
    uses.then(|| check(CheckKind::Test, folder, &command, (&name, "a TestCase of unittest, and nothing names pytest")))
}

fn wants_pytest(files: &Files<'_>, folder: &str, tests: &[&RepoPath]) -> Option<(String, &'static str)> {
    let settings = ["pyproject.toml", "setup.cfg", "tox.ini", "pytest.ini", "setup.py", "noxfile.py", "Pipfile"];
    let named = settings.iter().find(|name| files.text(folder, name).is_some_and(|text| text.contains("pytest")));
    if let Some(name) = named.or_else(|| ["pytest.ini"].iter().find(|name| files.has(folder, name))) {
        return Some(((*name).to_owned(), "names pytest"));
    }
    for path in files.below(folder) {
        let name = path.file_name();
        let requirements = name.contains("requirements") && (name.ends_with(".txt") || name.ends_with(".in"));
        if name == "conftest.py" {
            return Some((relative(path, folder).to_owned(), "a file of pytest's"));
        }
        if requirements && read(files, path).lines().any(|line| line.trim_start().starts_with("pytest")) {
            return Some((relative(path, folder).to_owned(), "requires pytest"));
        }
    }
    let bare = tests.iter().take(MAX_READ).find(|path| BARE_TEST.is_match(&read(files, path)))?;
    Some((relative(bare, folder).to_owned(), "tests are bare functions, which only pytest runs"))
}

/// Finds the command that tox or a workflow runs the tests with, where it is none of pytest's: unittest with arguments of
/// its own, or a script.
fn told(files: &Files<'_>, workflows: &Workflows, folder: &str) -> Option<(Vec<String>, String)> {
    let tox = files.text(folder, "tox.ini").unwrap_or_default();
    let of_tox = tox.lines().map(|line| line.trim().trim_start_matches("commands").trim_start_matches([' ', '=']));
    let of_tox = of_tox.map(|line| (line.to_owned(), "tox.ini".to_owned()));
    let of_workflows = workflows.all("python").map(|run| (run.line.clone(), run.file.clone()));
    let all = of_tox.chain(of_workflows.filter(|_| folder.is_empty()));
    let usable = |(line, file): (String, String)| {
        let line = POSITIONAL.replace_all(&line, "").into_owned();
        let argv = from_user(&[line]).ok()?.remove(0).argv;
        let words: Vec<&str> = argv.iter().map(String::as_str).collect();
        let rest = match words.as_slice() {
            ["python" | "python3", rest @ ..] => rest,
            ["coverage", "run", rest @ ..] => rest,
            _ => return None,
        };
        let rest: Vec<&str> = rest.iter().copied().skip_while(|word| word.starts_with("--")).collect();
        let argv = match rest.as_slice() {
            ["-m", "unittest", rest @ ..] => {
                let mut argv = vec!["python3", "-m", "unittest"];
                argv.extend(rest.iter().filter(|word| !matches!(**word, "-v" | "--verbose" | "-q" | "--quiet")));
                argv.push("-v");
                argv
            }
            [script, ..] if script.ends_with(".py") && script.contains("test") && !script.contains("setup.py") => {
                std::iter::once("python3").chain(rest).collect()
            }
            _ => return None,
        };
        Some((argv.into_iter().map(str::to_owned).collect(), file))
    };
    all.into_iter().find_map(usable)
}

/// Finds the folder that unittest must start in: discovery enters packages only, so a folder of tests without
/// `__init__.py` has to be named (Python, "unittest", Test Discovery).
fn start_folder(files: &Files<'_>, folder: &str, tests: &[&RepoPath]) -> Option<String> {
    let first = relative(tests.first()?, folder).split_once('/')?.0;
    let below = |path: &&&RepoPath| relative(path, folder).split_once('/').is_some_and(|(top, _)| top == first);
    let all_there = tests.iter().filter(below).count() == tests.len();
    (all_there && !files.has(folder, &format!("{first}/__init__.py"))).then(|| first.to_owned())
}

fn relative<'a>(path: &'a RepoPath, folder: &str) -> &'a str {
    if folder.is_empty() { path.as_str() } else { path.as_str().get(folder.len() + 1..).unwrap_or_default() }
}

fn read(files: &Files<'_>, path: &RepoPath) -> String {
    files.text("", path.as_str()).unwrap_or_default()
}
