//! Reads what test runners print.
//!
//! A format is recognised by its content, not by the command: `npm test` and `make test` may run anything. A parser
//! that finds other numbers than the runner's own summary gives up, and then only the exit code counts: half a list of
//! tests would make the missing half look broken. Where one output holds several runners, the first one recognised is
//! read and the exit code speaks for the rest.

mod ctest;
mod exunit;
mod files;
mod gotest;
mod jest;
mod libtest;
mod minitest;
mod mocha;
mod nextest;
mod pytest;
mod rspec;
mod spec;
mod surefire;
mod tap;
mod unittest;
mod xml;

#[cfg(test)]
mod file_tests;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

pub(super) use files::{Left, left_by};

use super::{Outcome, ReportFormat, TestResult};

/// The most lines of a test's message.
const MESSAGE_LINES: usize = 40;
/// The most bytes of a test's message.
const MESSAGE_BYTES: usize = 3 * 1024;

/// An output, understood as far as possible.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parsed {
    /// How it was understood.
    pub format: ReportFormat,
    /// The tests, in byte order of their names, each name once.
    pub tests: Vec<TestResult>,
    /// The output as people read it, where the output itself is made for machines.
    pub readable: Option<String>,
}

/// Reads the tests out of an output that was normalised; linear in its length.
pub fn parse(text: &str) -> Parsed {
    type Reader = fn(&str) -> Option<Vec<TestResult>>;
    if let Some((tests, readable)) = gotest::read(text) {
        return Parsed { format: ReportFormat::GoTestJson, tests: sorted(tests), readable: Some(readable) };
    }
    let readers: [(ReportFormat, Reader); 12] = [
        // nextest shows what libtest printed for each failure.
        (ReportFormat::Nextest, nextest::read),
        (ReportFormat::Libtest, libtest::read),
        (ReportFormat::Tap, tap::read),
        (ReportFormat::Tap, spec::read),
        (ReportFormat::Jest, jest::read),
        (ReportFormat::Mocha, mocha::read),
        (ReportFormat::Pytest, pytest::read),
        (ReportFormat::Unittest, unittest::read),
        (ReportFormat::Surefire, surefire::read),
        (ReportFormat::Ctest, ctest::read),
        (ReportFormat::Minitest, minitest::read),
        (ReportFormat::Exunit, exunit::read),
    ];
    for (format, read) in readers {
        if let Some(tests) = read(text) {
            return Parsed { format, tests: sorted(tests), readable: None };
        }
    }
    Parsed { format: ReportFormat::ExitCode, tests: Vec::new(), readable: None }
}

/// Reads one report that a runner left as a file; `None` when it is none of this format.
fn parse_file(format: ReportFormat, text: &str) -> Option<Vec<TestResult>> {
    match format {
        ReportFormat::Junit => xml::junit(text),
        ReportFormat::Trx => xml::trx(text),
        ReportFormat::RspecJson => rspec::read(text),
        _ => None,
    }
}

fn sorted(mut tests: Vec<TestResult>) -> Vec<TestResult> {
    tests.sort_by(|a, b| a.name.cmp(&b.name));
    tests
}

/// Returns lines as a test's message; `None` when they say nothing.
fn message<'a>(lines: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let all: Vec<&str> = lines.into_iter().collect();
    let text = all.join("\n");
    let text = text.trim_matches('\n').trim_end();
    (!text.trim().is_empty()).then(|| super::excerpt::capped(text, MESSAGE_LINES, MESSAGE_BYTES).trim_end().to_owned())
}

/// Gives the second and later tests of one name a number: two files may hold tests of the same name, and runners that
/// do not print the file keep their order from run to run.
fn numbered(tests: Vec<TestResult>) -> Vec<TestResult> {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    tests
        .into_iter()
        .map(|mut test| {
            let count = seen.entry(test.name.clone()).or_default();
            *count += 1;
            if *count > 1 {
                test.name = format!("{} ({count})", test.name);
            }
            test
        })
        .collect()
}

/// Makes one of several results that a runner gives for the same test: a failure outweighs all.
fn merged(tests: Vec<TestResult>) -> Vec<TestResult> {
    let weight = |outcome| match outcome {
        Outcome::Failed => 2,
        Outcome::Passed => 1,
        Outcome::Skipped => 0,
    };
    let mut all: BTreeMap<String, TestResult> = BTreeMap::new();
    for test in tests {
        match all.get_mut(&test.name) {
            None => {
                all.insert(test.name.clone(), test);
            }
            Some(kept) => {
                if weight(test.outcome) > weight(kept.outcome) {
                    kept.outcome = test.outcome;
                }
                kept.message = kept.message.take().or(test.message);
            }
        }
    }
    all.into_values().collect()
}

fn count(tests: &[TestResult], outcome: Outcome) -> usize {
    tests.iter().filter(|test| test.outcome == outcome).count()
}

/// Returns the width of the white space that a line begins with.
fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

/// Returns the number that stands right before ` word` in a summary such as `2 failed, 3 passed`; 0 when it is absent.
fn number_before(summary: &str, word: &str) -> usize {
    let mut words = summary.split([' ', ',', ';', '|']).filter(|word| !word.is_empty());
    let mut previous = "";
    words
        .find_map(|next| {
            let number = (next == word).then(|| previous.parse().ok()).flatten();
            previous = next;
            number
        })
        .unwrap_or(0)
}
