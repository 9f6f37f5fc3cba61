//! pytest's short test summary as `-rA` writes it, and its list of `-v` (pytest, "How to manage pytest's output").

use std::sync::LazyLock;

use regex::Regex;

use super::{Outcome, TestResult, count, merged, message, number_before, numbered};

/// The last line: `2 failed, 3 passed in TIME`, in a frame of `=` unless `-q` is given.
static TOTALS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?m)^=*[ ]?((?:\d+ (?:subtests? )?(?:failed|passed|skipped|deselected|xfailed|xpassed|warnings?|errors?|rerun)(?:, )?)+|no tests (?:ran|collected)[^\n]*) in [^\n]*$")
        .expect("the pattern is a constant, compiled by a test")
});

pub(super) fn read(text: &str) -> Option<Vec<TestResult>> {
    let totals = TOTALS.captures_iter(text).last()?.get(1)?.as_str();
    if totals.starts_with("no tests") {
        return Some(Vec::new());
    }
    let lines: Vec<&str> = text.lines().collect();
    let summary = lines.iter().rposition(|line| line.contains(" short test summary info "));
    let from_summary = summary.map(|at| from_summary(&lines[at + 1..])).filter(|tests| agrees(tests, totals));
    let mut tests = from_summary.or_else(|| Some(from_list(&lines)).filter(|tests| agrees(tests, totals)))?;
    for test in tests.iter_mut().filter(|test| test.outcome == Outcome::Failed) {
        test.message = section_of(&lines, &test.name).or(test.message.take());
    }
    let (skipped, named): (Vec<_>, Vec<_>) = tests.into_iter().partition(|test| test.outcome == Outcome::Skipped);
    Some(merged(named).into_iter().chain(numbered(skipped)).collect())
}

/// Compares with pytest's own numbers. A test that fails in its body and again in its teardown is counted twice there
/// and listed twice here.
fn agrees(tests: &[TestResult], totals: &str) -> bool {
    let sum = |words: &[&str]| words.iter().map(|word| number_before(totals, word)).sum::<usize>();
    count(tests, Outcome::Passed) == sum(&["passed", "xpassed"])
        && count(tests, Outcome::Failed) == sum(&["failed", "error", "errors"])
}

fn from_summary(lines: &[&str]) -> Vec<TestResult> {
    let mut tests = Vec::new();
    for line in lines {
        let Some((word, rest)) = line.split_once(' ') else { continue };
        if word == "SKIPPED" {
            tests.extend(skipped(rest));
        } else if let Some(outcome) = outcome_of(word) {
            let (name, why) = split_message(rest);
            tests.push(TestResult { message: why.map(str::to_owned), ..TestResult::new(name, outcome) });
        }
    }
    tests
}

fn outcome_of(word: &str) -> Option<Outcome> {
    match word {
        "PASSED" | "XPASS" => Some(Outcome::Passed),
        "FAILED" | "ERROR" => Some(Outcome::Failed),
        "XFAIL" | "SKIPPED" => Some(Outcome::Skipped),
        _ => None,
    }
}

/// Reads `[2] tests/test_a.py:16: no cart yet`. It names no test, and its line moves with any edit.
fn skipped(rest: &str) -> Vec<TestResult> {
    let Some((number, place)) = rest.strip_prefix('[').and_then(|rest| rest.split_once("] ")) else {
        return Vec::new();
    };
    let (file, why) = place.split_once(": ").unwrap_or((place, ""));
    let file = file.rsplit_once(':').map_or(file, |(file, _)| file);
    // The tests themselves may print such a line.
    const MOST_SKIPPED: usize = 10_000;
    let times = number.parse().unwrap_or(1).min(MOST_SKIPPED);
    (0..times).map(|_| TestResult::new(format!("{file} (skipped: {why})"), Outcome::Skipped)).collect()
}

/// Splits `NODE-ID - message`. The id of a parametrised test may hold ` - ` itself, but only inside its brackets.
fn split_message(rest: &str) -> (&str, Option<&str>) {
    const DASH: &str = " - ";
    let splits = || rest.match_indices(DASH).map(|(at, _)| at);
    let balanced = |name: &str| name.matches('[').count() == name.matches(']').count();
    let whole = |at: &usize| {
        let name = &rest[..*at];
        if name.contains('[') { name.ends_with(']') && balanced(name) } else { true }
    };
    match splits().find(whole).or_else(|| splits().find(|at| rest[..*at].ends_with(']'))) {
        Some(at) if !rest.ends_with(']') || balanced(&rest[..at]) => (&rest[..at], Some(&rest[at + DASH.len()..])),
        _ => (rest, None),
    }
}

/// Reads the lines of `-v`: `tests/test_a.py::test_b PASSED   [ 12%]`.
fn from_list(lines: &[&str]) -> Vec<TestResult> {
    let mut tests = Vec::new();
    for line in lines.iter().take_while(|line| !line.contains("= short test summary info =")) {
        let line = line.trim_end();
        let body = match line.rsplit_once(" [") {
            Some((body, percent)) if percent.ends_with("%]") => body.trim_end(),
            _ => line,
        };
        let body = body.rsplit_once(" (").filter(|(_, why)| why.ends_with(')')).map_or(body, |(body, _)| body);
        let Some((name, word)) = body.rsplit_once(' ') else { continue };
        if let Some(outcome) = outcome_of(word).filter(|_| name.contains("::")) {
            tests.push(TestResult::new(name, outcome));
        }
    }
    tests
}

/// Finds the section about a failure: its heading names the test without its file, or the file that was collected.
fn section_of(lines: &[&str], name: &str) -> Option<String> {
    let short = name.split_once("::").map_or(name, |(_, test)| test).replace("::", ".");
    let headings = [
        short.clone(),
        format!("ERROR at setup of {short}"),
        format!("ERROR at teardown of {short}"),
        format!("ERROR collecting {name}"),
    ];
    let title = |line: &str| {
        let inner = line.trim_matches('_').trim();
        (line.starts_with("__") && line.ends_with("__")).then(|| inner.to_owned())
    };
    let at = lines.iter().position(|line| title(line).is_some_and(|title| headings.contains(&title)))?;
    let body = lines[at + 1..].iter().copied().take_while(|line| title(line).is_none() && !line.starts_with("====="));
    message(body)
}
