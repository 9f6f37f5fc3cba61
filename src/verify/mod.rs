//! Evidence: which commands check this repository, what they say before and after the change, and what that proves.
//!
//! Commands are run through the sandbox seam only. The model's opinion never enters here.

use serde::{Deserialize, Serialize};

use crate::sandbox::{Exit, Level};

/// What a command is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckKind {
    /// It builds; green means that the tree compiles.
    Build,
    /// It runs tests.
    Test,
}

/// A command that checks the repository.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// What it is for.
    pub kind: CheckKind,
    /// The program and its arguments.
    pub argv: Vec<String>,
    /// The folder it starts in, relative to the top; empty for the top itself.
    pub folder: String,
    /// From which file, and why, it was concluded: `Cargo.toml: a package`.
    pub found_in: String,
}

/// What became of one test.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It ran and passed.
    Passed,
    /// It ran and failed, or could not be collected.
    Failed,
    /// It did not run.
    Skipped,
}

/// One test of one run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestResult {
    /// Its full name as the runner prints it.
    pub name: String,
    /// What became of it.
    pub outcome: Outcome,
    /// For a failure: the lines that say why, capped and without times, addresses and thread numbers.
    pub message: Option<String>,
}

/// How the output of a command was understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReportFormat {
    /// `cargo test` (libtest's human format).
    Libtest,
    /// pytest with `-rA`.
    Pytest,
    /// Python's unittest with `-v`.
    Unittest,
    /// `go test -json`.
    GoTestJson,
    /// node's test runner and other TAP producers.
    Tap,
    /// jest's human format with `--verbose`.
    Jest,
    /// Maven Surefire's human format.
    Surefire,
    /// CTest's human format.
    Ctest,
    /// Not understood: only the exit code counts.
    ExitCode,
}

/// One run of one check on one tree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckRun {
    /// The command.
    pub check: Check,
    /// How it ended.
    pub exit: Exit,
    /// How its output was understood.
    pub format: ReportFormat,
    /// The tests in it, in byte order of their names; empty for [`ReportFormat::ExitCode`].
    pub tests: Vec<TestResult>,
    /// The end of the output and the lines that tell of failures, normalised and capped; for people and the model.
    pub excerpt: String,
    /// Wall time. Kept apart from the rest in a bundle.
    #[serde(skip)]
    pub elapsed: std::time::Duration,
}

/// All checks on one tree.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TreeRun {
    /// One run a check, in the order of the checks.
    pub checks: Vec<CheckRun>,
}

/// What the evidence says, mechanically.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// At least one test that ran and failed on the base passes now, and none broke.
    Proven,
    /// New tests pass that did not exist on the base, and none broke.
    Added,
    /// Nothing broke, nothing is proven.
    Green,
    /// There was nothing to check with, or what was red is as red as before.
    Unproven,
    /// Something that was green broke.
    Refused,
}

/// What the commands said before and after, and what follows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// The walls that were in force.
    pub sandbox: Option<Level>,
    /// The base commit's tree.
    pub base: TreeRun,
    /// The changed tree.
    pub patched: TreeRun,
    /// Tests that failed before and pass now.
    pub fixed: Vec<String>,
    /// Tests that passed before and fail, or are gone, now.
    pub broken: Vec<String>,
    /// Tests that did not exist before and pass now.
    pub added: Vec<String>,
    /// Tests that failed before and fail now.
    pub still_failing: Vec<String>,
    /// What follows.
    pub verdict: Verdict,
    /// Why, in one sentence for people.
    pub reason: String,
    /// What was not checked, each a sentence for people.
    pub not_checked: Vec<String>,
}
