//! What the workflows of GitHub Actions run: the commands that the repository's own CI believes in.
//!
//! Only `run:` steps are read, line by line. What a line needs of a shell, of the matrix or of the runner is not guessed:
//! such a line is no command here.

use serde::Deserialize;
use serde_json::Value;

use super::{Check, CheckKind, Files, check};
use crate::repo::RepoPath;
use crate::verify::from_user;

/// The most workflows that are read.
const MAX_WORKFLOWS: usize = 30;
/// Programs whose commands are taken as tests, where nothing else was found; with the word that must be among the
/// arguments.
const RUNNERS: &[(&str, &str)] = &[
    ("make", "test"),
    ("make", "check"),
    ("just", "test"),
    ("task", "test"),
    ("cargo", "test"),
    ("go", "test"),
    ("npm", "test"),
    ("pnpm", "test"),
    ("yarn", "test"),
    ("mvn", "test"),
    ("./gradlew", "test"),
    ("pytest", ""),
    ("python", "pytest"),
    ("python", "unittest"),
    ("python", "test"),
    ("ctest", ""),
    ("meson", "test"),
    ("bundle", "rspec"),
    ("bundle", "test"),
    ("rake", "test"),
    ("composer", "test"),
    ("vendor/bin/phpunit", ""),
    ("./vendor/bin/phpunit", ""),
    ("dotnet", "test"),
    ("mix", "test"),
    ("bazel", "test"),
    ("zig", "test"),
    ("swift", "test"),
    ("deno", "test"),
    ("stack", "test"),
    ("cabal", "test"),
    ("prove", ""),
    ("bats", ""),
    ("sbt", "test"),
    ("lein", "test"),
];

/// A line of a `run:` step.
pub(super) struct Run {
    /// The workflow's file.
    pub(super) file: String,
    /// The line, without white space around it.
    pub(super) line: String,
    /// The folder in which it runs, relative to the top.
    folder: String,
}

/// The lines of all workflows, in the order of their files.
pub(super) struct Workflows {
    runs: Vec<Run>,
}

/// The parts of a workflow that are read.
#[derive(Deserialize)]
struct Document {
    #[serde(default)]
    jobs: std::collections::BTreeMap<String, Job>,
}

#[derive(Deserialize)]
struct Job {
    #[serde(default)]
    steps: Vec<Step>,
    #[serde(default)]
    defaults: Value,
}

#[derive(Deserialize)]
struct Step {
    run: Option<Value>,
    #[serde(rename = "working-directory")]
    folder: Option<Value>,
}

impl Workflows {
    /// Reads the workflows of a tree; one that cannot be read has no lines.
    pub(super) fn of(files: &Files<'_>) -> Self {
        let is_workflow = |path: &&RepoPath| {
            path.folder() == ".github/workflows" && [".yml", ".yaml"].iter().any(|end| path.file_name().ends_with(end))
        };
        let all = files.tree.paths().filter(is_workflow).take(MAX_WORKFLOWS);
        let mut runs = Vec::new();
        for path in all {
            let text = files.text("", path.as_str()).unwrap_or_default();
            match crate::yaml::parse::<Document>(&text, path.as_str()) {
                Ok(document) => runs.extend(document.jobs.into_values().flat_map(|job| lines(path.as_str(), job))),
                Err(error) => tracing::debug!(%error, "a workflow was not read"),
            }
        }
        Self { runs }
    }

    /// Finds the first line that begins with one of these commands.
    pub(super) fn find(&self, commands: &[&str]) -> Option<&Run> {
        let begins = |run: &&Run| {
            commands.iter().any(|command| {
                run.line.strip_prefix(command).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
            })
        };
        self.runs.iter().find(begins)
    }

    /// Returns every line that begins with a command.
    pub(super) fn all<'a>(&'a self, command: &'a str) -> impl Iterator<Item = &'a Run> {
        self.runs.iter().filter(move |run| run.line.starts_with(command))
    }

    /// Returns the commands that run tests, for a repository of which nothing else is known.
    pub(super) fn tests(&self) -> Vec<Check> {
        let mut found: Vec<Check> = Vec::new();
        for run in self.runs.iter().filter(|run| is_test(&run.line)) {
            let Ok(parsed) = from_user(std::slice::from_ref(&run.line)) else { continue };
            let argv: Vec<&str> = parsed[0].argv.iter().map(String::as_str).collect();
            let found_in = format!("{}: a step runs it", run.file);
            let new = Check { found_in, ..check(CheckKind::Test, &run.folder, &argv, ("", "")) };
            if !found.iter().any(|known| known.argv == new.argv && known.folder == new.folder) {
                found.push(new);
            }
        }
        found
    }
}

fn is_test(line: &str) -> bool {
    let mut words = line.split_whitespace();
    let Some(program) = words.next() else { return false };
    let program = if program.starts_with("python") { "python" } else { program };
    let rest: Vec<&str> = words.collect();
    let has = |wanted: &str| wanted.is_empty() || rest.iter().any(|word| word.contains(wanted));
    // A backslash is a path of Windows here.
    !line.contains("${{")
        && !line.contains('\\')
        && RUNNERS.iter().any(|(name, wanted)| *name == program && has(wanted))
}

fn lines(file: &str, job: Job) -> Vec<Run> {
    let default = job.defaults["run"]["working-directory"].as_str().map(str::to_owned);
    let of_step = |step: Step| {
        let text = step.run.as_ref().and_then(Value::as_str).unwrap_or_default().replace("\\\n", " ");
        let own = step.folder.as_ref().and_then(Value::as_str).map(str::to_owned).or_else(|| default.clone());
        let folder = own.unwrap_or_default();
        let folder = folder.trim_start_matches("./").trim_end_matches('/');
        let folder = if folder == "." { String::new() } else { folder.to_owned() };
        let usable = !folder.contains("${{") && !folder.starts_with('/') && !folder.contains("..");
        let each = |line: &str| Run { file: file.to_owned(), line: line.trim().to_owned(), folder: folder.clone() };
        let all: Vec<Run> = text.lines().filter(|line| usable && !line.trim().is_empty()).map(each).collect();
        all
    };
    job.steps.into_iter().flat_map(of_step).collect()
}
