//! What came out of running checks on a tree.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Check, CheckKind};
use crate::sandbox::Exit;

/// What became of one test.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It ran and passed.
    Passed,
    /// It ran and failed, or could not be collected.
    Failed,
    /// It did not run, or is marked as expected to fail.
    Skipped,
}

/// One test of one run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TestResult {
    /// Its full name, as the runner prints it, with what tells it from others of the same name.
    pub name: String,
    /// What became of it.
    pub outcome: Outcome,
    /// For a failure: the lines that say why, capped and without times, addresses and thread numbers.
    pub message: Option<String>,
    /// The file that it stands in, relative to the folder of its check, where the runner tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// Wall time, where the runner tells. Kept apart from the rest in a bundle.
    #[serde(skip)]
    pub elapsed: Option<Duration>,
}

impl TestResult {
    /// Makes a result of which nothing else is known.
    pub fn new(name: impl Into<String>, outcome: Outcome) -> Self {
        Self { name: name.into(), outcome, message: None, file: None, elapsed: None }
    }
}

/// How the output of a command was understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
    /// cargo-nextest's human format.
    Nextest,
    /// mocha's `spec` reporter.
    Mocha,
    /// minitest with `-v`.
    Minitest,
    /// ExUnit with `--trace`.
    Exunit,
    /// JUnit's XML, as files.
    Junit,
    /// Visual Studio's test results (`.trx`), as files.
    Trx,
    /// RSpec's JSON, as a file.
    RspecJson,
    /// Not understood: only the exit code counts.
    ExitCode,
}

/// One run of one check on one tree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CheckRun {
    /// The command.
    pub check: Check,
    /// How it ended; code 127, as a shell says it, when it could not be run.
    pub exit: Exit,
    /// Why it was not run at all, for people; the rest then says nothing about the tree.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub could_not_run: Option<String>,
    /// How its output was understood.
    pub format: ReportFormat,
    /// The tests in it, in byte order of their names; empty for [`ReportFormat::ExitCode`].
    pub tests: Vec<TestResult>,
    /// The end of the output and the lines that tell of failures, normalised and capped; for people and the model.
    pub excerpt: String,
    /// Bytes of output that the sandbox's cap cut out; above 0, a test that is not listed may still have run.
    #[serde(default)]
    pub dropped_bytes: u64,
    /// SHA-256 of the whole output, normalised, in hexadecimal; empty when it was not run.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub output_sha256: String,
    /// The names of the variables that it got, in byte order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub variables: Vec<String>,
    /// Wall time. Kept apart from the rest in a bundle.
    #[serde(skip)]
    pub elapsed: Duration,
}

/// The code that a shell gives for a command that was not found (POSIX, "Exit Status for Commands").
const NOT_RUN: Exit = Exit::Code(127);

impl CheckRun {
    /// Records that a check was not run, and why.
    pub fn not_run(check: Check, reason: String) -> Self {
        Self {
            check,
            exit: NOT_RUN,
            could_not_run: Some(reason),
            format: ReportFormat::ExitCode,
            tests: Vec::new(),
            excerpt: String::new(),
            dropped_bytes: 0,
            output_sha256: String::new(),
            variables: Vec::new(),
            elapsed: Duration::ZERO,
        }
    }

    /// Returns a test's name as evidence lists it: behind the folder of its check.
    pub fn full_name(&self, name: &str) -> String {
        if self.check.folder.is_empty() { name.to_owned() } else { format!("{}: {name}", self.check.folder) }
    }

    /// Tells whether the command was started.
    pub fn did_run(&self) -> bool {
        self.could_not_run.is_none()
    }

    /// Tells whether the runner was understood and reported no test at all; some runners call that a failure.
    pub fn found_no_tests(&self) -> bool {
        self.did_run() && self.format != ReportFormat::ExitCode && self.tests.is_empty()
    }

    /// Tells whether it ran and failed.
    pub fn is_red(&self) -> bool {
        self.did_run() && !self.found_no_tests() && (!self.exit.is_success() || self.failed().next().is_some())
    }

    /// Returns the tests that failed.
    pub fn failed(&self) -> impl Iterator<Item = &TestResult> {
        self.tests.iter().filter(|test| test.outcome == Outcome::Failed)
    }

    /// Counts the tests of one outcome.
    pub fn count(&self, outcome: Outcome) -> usize {
        self.tests.iter().filter(|test| test.outcome == outcome).count()
    }

    /// Finds a test by its name.
    pub fn test(&self, name: &str) -> Option<&TestResult> {
        self.tests.binary_search_by(|test| test.name.as_str().cmp(name)).ok().map(|index| &self.tests[index])
    }
}

/// All checks on one tree.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TreeRun {
    /// One run a check, in the order of the checks.
    pub checks: Vec<CheckRun>,
}

impl TreeRun {
    /// Tells whether any check that ran failed, formatters and linters left aside.
    pub fn is_red(&self) -> bool {
        self.deciding().any(CheckRun::is_red)
    }

    /// Tells whether any check was started, formatters and linters left aside.
    pub fn is_checked(&self) -> bool {
        self.deciding().any(CheckRun::did_run)
    }

    /// Returns the checks that decide: all but formatters and linters.
    pub(super) fn deciding(&self) -> impl Iterator<Item = &CheckRun> {
        self.checks.iter().filter(|run| run.check.kind != CheckKind::Lint)
    }

    /// Tells whether any check that ran failed for more than what is flaky.
    pub fn is_red_beside(&self, flaky: &[String]) -> bool {
        self.deciding().filter(|run| run.is_red()).any(|run| {
            let mut failed = run.failed().peekable();
            match failed.peek() {
                None => !flaky.contains(&run.check.label()),
                Some(_) => failed.any(|test| !flaky.contains(&run.full_name(&test.name))),
            }
        })
    }

    /// Returns the run of a check.
    pub fn run_of(&self, check: &Check) -> Option<&CheckRun> {
        self.checks.iter().find(|run| run.check == *check)
    }
}
