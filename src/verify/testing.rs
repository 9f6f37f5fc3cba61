//! What several tests need.

use super::{CheckRun, Outcome, ReportFormat, TestResult, TreeRun, from_user};
use crate::sandbox::Exit;

/// A run of pytest with these tests.
pub(super) fn tree(tests: &[(&str, Outcome)]) -> TreeRun {
    let mut run = CheckRun::not_run(from_user(&["pytest".to_owned()]).expect("a command").remove(0), String::new());
    run.could_not_run = None;
    run.exit = Exit::Code(i32::from(tests.iter().any(|(_, outcome)| *outcome == Outcome::Failed)));
    run.format = ReportFormat::Pytest;
    run.tests = tests.iter().map(|(name, outcome)| TestResult::new(*name, *outcome)).collect();
    TreeRun { checks: vec![run] }
}
