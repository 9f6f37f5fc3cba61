//! CTest's console (CMake, ctest(1)).

use std::sync::LazyLock;

use regex::Regex;

use super::{Outcome, TestResult, message, numbered};

/// `2/6 Test #2: fails here .......................***Failed`, the number of seconds is gone.
static LINE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^\s*\d+/\d+ Test\s+#\d+: (.+?) \.{2,}\s*(.*)$").expect("the pattern is a constant, compiled by a test")
});
static TOTAL: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?m)^\d+% tests passed, \d+ tests failed out of \d+$")
        .expect("the pattern is a constant, compiled by a test")
});

pub(super) fn read(text: &str) -> Option<Vec<TestResult>> {
    if text.lines().any(|line| line == "No tests were found!!!") {
        return Some(Vec::new());
    }
    if !TOTAL.is_match(text) {
        return None;
    }
    let lines: Vec<&str> = text.lines().collect();
    let mut tests = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let Some(found) = LINE.captures(line) else { continue };
        let outcome = match found[2].trim() {
            "Passed" => Outcome::Passed,
            end if end.contains("(Disabled)") || end.contains("***Skipped") => Outcome::Skipped,
            _ => Outcome::Failed,
        };
        let ends =
            |line: &&str| !LINE.is_match(line) && !line.trim_start().starts_with("Start ") && !TOTAL.is_match(line);
        let below = lines[index + 1..].iter().copied().take_while(ends);
        let why = (outcome == Outcome::Failed)
            .then(|| message(std::iter::once(found[2].trim_start_matches('*')).chain(below)))
            .flatten();
        tests.push(TestResult { message: why, ..TestResult::new(&found[1], outcome) });
    }
    Some(numbered(tests))
}
