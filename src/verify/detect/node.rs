//! Node packages: the package's own scripts, run by the package manager that its lock file names.
//!
//! A script that is a chain of commands is taken apart, so that a runner of tests inside of it can be told to name every
//! test, and a linter in front of it does not hide them.

use std::sync::LazyLock;

use regex::Regex;
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
const NAMING_OPTIONS: [(&str, &str); 5] = [
    ("jest", "--verbose"),
    ("react-scripts test", "--verbose"),
    ("vitest", "--reporter=tap-flat"),
    ("mocha", "--reporter=tap"),
    ("ava", "--tap"),
];
/// Further runners of tests, which name every test by themselves, or none.
const OTHER_RUNNERS: [&str; 7] = ["tape", "tap", "jasmine", "uvu", "node --test", "karma", "lab"];
/// Programs that run the one named behind them.
const WRAPPERS: [&str; 6] = ["cross-env", "npx", "c8", "nyc", "borp", "env"];
/// Formatters, linters and checkers of types; each is the first word of a command.
const LINTERS: [&str; 17] = [
    "eslint",
    "prettier",
    "standard",
    "xo",
    "tslint",
    "biome",
    "oxlint",
    "jshint",
    "stylelint",
    "tsd",
    "publint",
    "attw",
    "size-limit",
    "ls-lint",
    "dprint",
    "knip",
    "markdownlint",
];
/// Names of scripts by which packages call their formatters and linters, in the form that changes nothing.
const LINT_SCRIPTS: [&str; 6] = ["lint", "lint:check", "format:check", "check:format", "prettier:check", "fmt:check"];
/// How many scripts may call each other.
const MAX_NESTING: usize = 6;

/// The reporter that a command asks for (Mocha, Vitest and Node.js, command line options).
static REPORTER: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?:--reporter|--test-reporter|-R)(?:=|\s+)\S+\s*")
        .expect("the pattern is a constant, compiled by a test")
});

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
    let scripts = Scripts { manifest: &manifest };
    if let Some(steps) = scripts.steps("test", 0).filter(|steps| scripts.gains_by(steps)) {
        let reason = |step: &Step| format!("scripts.{}, a step of scripts.test", step.script);
        // What builds is a step too, where the tests need it.
        found.retain(|check| !steps.iter().any(|step| step.script == "build" && check.kind == CheckKind::Build));
        found.extend(
            steps.iter().map(|step| check(step.kind, folder, &step.argv(manager), ("package.json", &reason(step)))),
        );
    } else if let Some(test) = script("test").filter(|text| !text.contains(PLACEHOLDER)) {
        let reason = format!("scripts.test, run by {manager}");
        found.push(check(
            CheckKind::Test,
            folder,
            &run(manager, "test", naming_option(test)),
            ("package.json", &reason),
        ));
    }
    let is_new = |name: &&&str| !found.iter().any(|check| check.found_in.contains(&format!("scripts.{name},")));
    let lint = LINT_SCRIPTS.iter().filter(|name| script(name).is_some()).filter(is_new);
    let lint: Vec<Check> = lint
        .map(|name| {
            let reason = format!("scripts.{name}, run by {manager}");
            check(CheckKind::Lint, folder, &run(manager, name, None), ("package.json", &reason))
        })
        .collect();
    found.extend(lint);
    found
}

/// One command of a script that is a chain of them.
struct Step {
    kind: CheckKind,
    /// The script in which it stands.
    script: String,
    command: String,
}

impl Step {
    /// A shell of the package manager's finds the package's own programs and expands what the script leaves to it.
    fn argv(&self, manager: &'static str) -> Vec<&str> {
        match manager {
            "bun" => vec!["bun", "exec", &self.command],
            _ => vec!["npx", "--no-install", "-c", &self.command],
        }
    }
}

/// The scripts of a package.
struct Scripts<'a> {
    manifest: &'a Value,
}

impl Scripts<'_> {
    /// Takes a script apart, with what the one before it (`pretest`) has of a chain; `None` when it is more than that. What
    /// comes behind it (`posttest`) says nothing about the tests.
    fn steps(&self, name: &str, depth: usize) -> Option<Vec<Step>> {
        let text = |name: &str| self.manifest["scripts"][name].as_str().filter(|text| !text.trim().is_empty());
        let before = format!("pre{name}");
        let mut steps = text(&before).and_then(|script| self.chain(&before, script, depth)).unwrap_or_default();
        steps.extend(self.chain(name, text(name)?, depth)?);
        Some(steps)
    }

    fn chain(&self, name: &str, script: &str, depth: usize) -> Option<Vec<Step>> {
        let mut steps = Vec::new();
        for command in script.split("&&").map(str::trim) {
            if depth > MAX_NESTING || command.contains(['|', ';', '>', '<', '`', '&']) || command.contains("$(") {
                return None;
            }
            match called_scripts(command) {
                Some(called) => {
                    for name in called {
                        steps.extend(self.steps(name, depth + 1)?);
                    }
                }
                None => steps.push(step(name, command)),
            }
        }
        Some(steps)
    }

    /// Tells whether the steps say more than the script as a whole: a runner of tests among them, behind something else
    /// or able to name its tests only when it is told to.
    fn gains_by(&self, steps: &[Step]) -> bool {
        // An option behind the script cannot take another reporter out, nor stand before node's files.
        let script = self.manifest["scripts"]["test"].as_str().unwrap_or_default();
        let suffices = naming_option(script).is_some() || naming(script) == script;
        let is_whole = steps.len() == 1 && suffices && steps.iter().all(|step| step.script == "test");
        !is_whole && steps.iter().any(|step| step.kind == CheckKind::Test && runner_of(&step.command).is_some())
    }
}

/// Returns the scripts that a command calls: `npm run a`, `yarn a`, `run-s a b`.
fn called_scripts(command: &str) -> Option<Vec<&str>> {
    let words: Vec<&str> = command.split_whitespace().collect();
    let plain = |word: &&str| !word.starts_with('-') && !word.contains(['*', '=', '"', '\'']);
    match words.as_slice() {
        ["npm" | "pnpm" | "yarn" | "bun", "run" | "run-script", rest @ ..] => {
            let named: Vec<&str> = rest.iter().copied().filter(|word| !word.starts_with('-')).collect();
            (named.len() == 1 && !rest.contains(&"--")).then_some(named)
        }
        ["npm" | "pnpm" | "yarn", name @ ("test" | "lint" | "build")] => Some(vec![*name]),
        ["run-s" | "npm-run-all" | "npm-run-all2", rest @ ..] if rest.iter().all(plain) => Some(rest.to_vec()),
        _ => None,
    }
}

fn step(script: &str, command: &str) -> Step {
    let first = first_program(command).unwrap_or_default();
    let kind = if runner_of(command).is_some() {
        CheckKind::Test
    } else if LINTERS.contains(&first) || script.contains("lint") || command.contains("--noEmit") {
        CheckKind::Lint
    } else if script.contains("test") && !script.starts_with("pre") {
        CheckKind::Test
    } else {
        CheckKind::Build
    };
    let command = if kind == CheckKind::Test { naming(command) } else { command.to_owned() };
    Step { kind, script: script.to_owned(), command }
}

/// Makes a command name every test: its runner's reporter is set, one that names none is taken out.
fn naming(command: &str) -> String {
    let Some(runner) = runner_of(command) else { return command.to_owned() };
    let program = runner.split(' ').next().unwrap_or(runner);
    // Wrappers in front of the runner have reporters of their own.
    let at = command.find(program).unwrap_or(0);
    let (before, rest) = command.split_at(at);
    let rest = REPORTER.replace_all(rest, "");
    let rest = rest.trim_end();
    if runner == "node --test" {
        // Options of node itself have to stand before the files.
        return format!("{before}{}", rest.replacen("--test", "--test-reporter=tap --test", 1));
    }
    match NAMING_OPTIONS.iter().find(|(name, _)| *name == runner) {
        Some((_, option)) => format!("{before}{rest} {option}"),
        None => command.to_owned(),
    }
}

/// Returns the program that a command is about, behind assignments and wrappers.
fn first_program(command: &str) -> Option<&str> {
    let words = command.split_whitespace().filter(|word| !word.contains('=') && !word.starts_with('-'));
    words.filter(|word| !WRAPPERS.contains(word)).map(|word| word.rsplit('/').next().unwrap_or(word)).next()
}

/// Names the runner of tests that a command calls.
fn runner_of(command: &str) -> Option<&'static str> {
    let first = first_program(command)?;
    let has = |argument: &str| command.split_whitespace().any(|word| word.starts_with(argument));
    let is = |name: &str| match name.split_once(' ') {
        Some((program, argument)) => first == program && has(argument),
        None => first == name,
    };
    NAMING_OPTIONS.iter().map(|(name, _)| *name).chain(OTHER_RUNNERS).find(|name| is(name))
}

pub(in crate::verify) fn manager(files: &Files<'_>, folder: &str, manifest: &Value) -> &'static str {
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
    let runner = runner_of(script)?;
    NAMING_OPTIONS.iter().find(|(name, _)| *name == runner).map(|(_, option)| *option)
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
