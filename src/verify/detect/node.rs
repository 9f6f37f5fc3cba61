//! Node packages: the package's own scripts, run by the package manager that its lock file names.

use serde_json::Value;

use super::{Check, CheckKind, Files, check, joined};
use crate::repo::RepoPath;

/// What stands in `scripts.test` after `npm init`.
const PLACEHOLDER: &str = "no test specified";
/// Lock files and their package managers (each manager's manual).
const LOCK_FILES: [(&str, &str); 5] = [
    ("pnpm-lock.yaml", "pnpm"),
    ("yarn.lock", "yarn"),
    ("bun.lock", "bun"),
    ("bun.lockb", "bun"),
    ("package-lock.json", "npm"),
];
/// Options that make a runner name every test; each is the runner's own, placed behind the script.
const NAMING_OPTIONS: [(&str, &str); 4] = [
    ("jest", "--verbose"),
    ("react-scripts test", "--verbose"),
    ("vitest", "--reporter=tap-flat"),
    ("mocha", "--reporter=tap"),
];

pub(super) fn checks(files: &Files<'_>) -> Vec<Check> {
    let folders = files.folders_with(&["package.json"]);
    let mut found: Vec<Check> = folders.iter().flat_map(|folder| of_package(files, folder)).collect();
    if !found.iter().any(|check| check.kind == CheckKind::Test) {
        found.extend(without_script(files));
    }
    found
}

fn of_package(files: &Files<'_>, folder: &str) -> Vec<Check> {
    let manifest = files.text(folder, "package.json").and_then(|text| serde_json::from_str::<Value>(&text).ok());
    let Some(manifest) = manifest else { return Vec::new() };
    let script = |name: &str| manifest["scripts"][name].as_str().filter(|text| !text.trim().is_empty());
    let manager = manager(files, folder, &manifest);
    let mut found = Vec::new();
    if script("build").is_some() {
        let reason = format!("scripts.build, run by {manager}");
        found.push(check(CheckKind::Build, folder, &run(manager, "build", None), ("package.json", &reason)));
    }
    if let Some(test) = script("test").filter(|text| !text.contains(PLACEHOLDER)) {
        let reason = format!("scripts.test, run by {manager}");
        found.push(check(
            CheckKind::Test,
            folder,
            &run(manager, "test", naming_option(test)),
            ("package.json", &reason),
        ));
    }
    found
}

fn manager(files: &Files<'_>, folder: &str, manifest: &Value) -> &'static str {
    let declared = manifest["packageManager"].as_str().and_then(|text| text.split('@').next());
    let known = ["pnpm", "yarn", "bun", "npm"];
    if let Some(name) = known.into_iter().find(|name| declared == Some(name)) {
        return name;
    }
    let locked = |place: &str| LOCK_FILES.iter().find(|(file, _)| files.has(place, file)).map(|(_, name)| *name);
    locked(folder).or_else(|| locked("")).unwrap_or("npm")
}

fn run<'a>(manager: &'a str, script: &'a str, option: Option<&'a str>) -> Vec<&'a str> {
    let mut command = match manager {
        // npm prints a banner and, on failure, a block of its own; only npm wants `--` before the script's options.
        "npm" => vec!["npm", "run", "--silent", script],
        other => vec![other, "run", script],
    };
    if let Some(option) = option {
        if manager == "npm" {
            command.push("--");
        }
        command.push(option);
    }
    command
}

/// Returns the option for a script that is one call of a known runner; options behind a chain of commands would reach
/// only the last of them.
fn naming_option(script: &str) -> Option<&'static str> {
    if script.contains(['&', '|', ';', '>']) || script.contains("--reporter") || script.contains("--watch") {
        return None;
    }
    let words = || script.split_whitespace().filter(|word| !word.contains('='));
    let called = words().find(|word| !matches!(*word, "cross-env" | "npx" | "c8" | "nyc"))?;
    let matching = |name: &str| match name.split_once(' ') {
        Some((program, argument)) => called == program && words().any(|word| word == argument),
        None => called == name,
    };
    NAMING_OPTIONS.iter().find(|(name, _)| matching(name)).map(|(_, option)| *option)
}

/// Finds tests of node's own runner, where no script runs them.
fn without_script(files: &Files<'_>) -> Option<Check> {
    let is_test = |path: &&RepoPath| {
        let name = path.file_name();
        [".test.js", ".test.mjs", ".test.cjs"].iter().any(|end| name.ends_with(end))
    };
    let tests = files.ours.iter().copied().filter(is_test);
    let first =
        tests.take(40).find(|path| files.text("", path.as_str()).is_some_and(|text| text.contains("node:test")))?;
    let command = ["node", "--test", "--test-reporter=tap"];
    Some(check(
        CheckKind::Test,
        "",
        &command,
        (&joined("", first.as_str()), "tests of node's own runner, and no script runs them"),
    ))
}
