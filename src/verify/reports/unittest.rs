//! The verbose format of Python's unittest (Lib/unittest/runner.py, TextTestResult).

use std::sync::LazyLock;

use regex::Regex;

use super::{Outcome, TestResult, merged, message};

/// `test_adds (test_shop.ShopTest.test_adds)`; before Python 3.11 the method is not repeated. A subtest follows with
/// its parameters, a test whose first line of documentation is printed has its outcome on the next line.
static START: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^\s*(\w+) \(([\w.]+)\)((?: [\[(][^\n]*?[\])])*)(?: \.\.\. ?(.*))?$")
        .expect("the pattern is a constant, compiled by a test")
});
static TOTAL: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(?m)^Ran (\d+) tests? in ").expect("the pattern is a constant, compiled by a test"));

/// The line above a failure's text, and the line below its heading.
const DOUBLE_RULE: &str = "======================================================================";
const RULE: &str = "----------------------------------------------------------------------";

pub(super) fn read(text: &str) -> Option<Vec<TestResult>> {
    let total: usize = TOTAL.captures_iter(text).last()?[1].parse().ok()?;
    let lines: Vec<&str> = text.lines().collect();
    let sections = lines.iter().position(|line| *line == DOUBLE_RULE).unwrap_or(lines.len());
    let mut tests = listed(&lines[..sections]);
    let failures = failures(&lines[sections..]);
    tests.extend(failures);
    let tests = merged(tests);
    // Fixtures of classes and modules (`setUpClass (..)`) are listed and not counted, hence no exact comparison. Without
    // `-v` only failures are listed.
    if tests.len() < total { None } else { Some(tests) }
}

fn listed(lines: &[&str]) -> Vec<TestResult> {
    let mut tests = Vec::new();
    let mut pending: Option<String> = None;
    for line in lines {
        if let Some(start) = START.captures(line) {
            let name = full_name(&start[1], &start[2]);
            match start.get(4).and_then(|rest| outcome_of(rest.as_str())) {
                Some(outcome) => tests.push(TestResult::new(name, outcome)),
                // The outcome is on a line of its own, behind the documentation or what the test printed; a test with
                // failing subtests has none, and its subtests follow.
                None => pending = Some(name),
            }
            continue;
        }
        let end = line.rsplit_once(" ... ").map_or(*line, |(_, end)| end);
        if let Some(outcome) = outcome_of(end) {
            tests.extend(pending.take().map(|name| TestResult::new(name, outcome)));
        }
    }
    tests
}

fn full_name(method: &str, place: &str) -> String {
    if place.rsplit('.').next() == Some(method) { place.to_owned() } else { format!("{place}.{method}") }
}

fn outcome_of(text: &str) -> Option<Outcome> {
    match text.trim_end() {
        "ok" => Some(Outcome::Passed),
        "FAIL" | "ERROR" | "unexpected success" => Some(Outcome::Failed),
        "expected failure" => Some(Outcome::Skipped),
        text if text.starts_with("skipped") => Some(Outcome::Skipped),
        _ => None,
    }
}

/// Reads the sections below the double rules.
fn failures(lines: &[&str]) -> Vec<TestResult> {
    let mut tests = Vec::new();
    for section in lines.split(|line| *line == DOUBLE_RULE) {
        let Some((heading, rest)) = section.split_first() else { continue };
        let body = heading
            .strip_prefix("ERROR: ")
            .or_else(|| heading.strip_prefix("FAIL: "))
            .or_else(|| heading.strip_prefix("UNEXPECTED SUCCESS: "));
        let Some(start) = body.and_then(|body| START.captures(body)) else { continue };
        let mut text: Vec<&str> = rest.iter().copied().skip_while(|line| *line != RULE).skip(1).collect();
        if let Some(end) = text.iter().position(|line| *line == RULE || line.starts_with("Ran ")) {
            text.truncate(end);
        }
        let parameters = start.get(3).map(|found| found.as_str().trim()).filter(|found| !found.is_empty());
        let why = message(parameters.into_iter().chain(text));
        tests.push(TestResult { message: why, ..TestResult::new(full_name(&start[1], &start[2]), Outcome::Failed) });
    }
    tests
}
