//! cargo-nextest's human format (nextest, "Reporting test results").

use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex::Regex;

use super::{Outcome, TestResult, message};

/// `        PASS [   0.016s] (1/4) calc tests::adds`; a retried test is listed once for each try.
static STATUS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^\s*(?:TRY \d+ )?(PASS|LEAK|LEAK-FAIL|FLAKY \d+/\d+|FAIL|TIMEOUT|ABORT|SIG[A-Z0-9]+|XFAIL|SKIP)(?:\s+\[[^\]]*\])?(?:\s+\(\s*\d+/\d+\))?\s+(\S+ \S.*)$")
        .expect("the pattern is a constant, compiled by a test")
});
static SUMMARY: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?m)^\s*Summary \[[^\]]*\]\s+(?:\d+/)?(\d+) tests? run: (.*)$")
        .expect("the pattern is a constant, compiled by a test")
});

pub(super) fn read(text: &str) -> Option<Vec<TestResult>> {
    let summary = SUMMARY.captures_iter(text).last()?;
    let lines: Vec<&str> = text.lines().take_while(|line| !SUMMARY.is_match(line)).collect();
    let mut tests: BTreeMap<&str, TestResult> = BTreeMap::new();
    for (index, line) in lines.iter().enumerate() {
        let Some(found) = STATUS.captures(line) else { continue };
        let name = found.get(2).map_or("", |name| name.as_str()).trim_end();
        let outcome = outcome_of(&found[1]);
        let below = lines[index + 1..].iter().copied().take_while(|line| !STATUS.is_match(line));
        let why = (outcome == Outcome::Failed).then(|| message(below)).flatten();
        // The last try counts.
        tests.insert(name, TestResult { message: why, ..TestResult::new(name, outcome) });
    }
    let ran = tests.values().filter(|test| test.outcome != Outcome::Skipped).count();
    let agrees = summary[1].parse::<usize>().is_ok_and(|total| total == ran);
    agrees.then(|| tests.into_values().collect())
}

fn outcome_of(word: &str) -> Outcome {
    match word {
        "PASS" | "LEAK" => Outcome::Passed,
        "SKIP" | "XFAIL" => Outcome::Skipped,
        word if word.starts_with("FLAKY") => Outcome::Passed,
        _ => Outcome::Failed,
    }
}
