//! minitest's verbose format, as `TESTOPTS=-v rake test` prints it (minitest, "minitest/minitest.rb").

use std::sync::LazyLock;

use regex::Regex;

use super::{Outcome, TestResult, merged, message};

/// `TestShop#test_adds = 0.00 s = .`
static LINE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?m)^(\S+#\S.*?) = [^=\n]*= ([.FES])$").expect("the pattern is a constant, compiled by a test")
});
static TOTAL: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?m)^(\d+) runs?, \d+ assertions?, \d+ failures?, \d+ errors?, \d+ skips?$")
        .expect("the pattern is a constant, compiled by a test")
});

pub(super) fn read(text: &str) -> Option<Vec<TestResult>> {
    // Several programs, each with a total of its own, may have run one after the other.
    let total: usize = TOTAL.captures_iter(text).filter_map(|found| found[1].parse::<usize>().ok()).sum();
    TOTAL.find(text)?;
    let lines: Vec<&str> = text.lines().collect();
    let result = |found: regex::Captures<'_>| {
        let outcome = match &found[2] {
            "." => Outcome::Passed,
            "S" => Outcome::Skipped,
            _ => Outcome::Failed,
        };
        let why = (outcome == Outcome::Failed).then(|| section(&lines, &found[1])).flatten();
        TestResult { message: why, ..TestResult::new(&found[1], outcome) }
    };
    let tests: Vec<TestResult> = LINE.captures_iter(text).map(result).collect();
    (tests.len() == total).then(|| merged(tests))
}

/// Returns what stands below the heading that names a test, up to the next one.
fn section(lines: &[&str], name: &str) -> Option<String> {
    let named =
        |line: &&str| line.strip_prefix(name).is_some_and(|rest| rest.starts_with([':', ' ']) && !rest.contains(" = "));
    let at = lines.iter().position(named)?;
    let next = |line: &&str| line.ends_with(") Failure:") || line.ends_with(") Error:") || line.ends_with(") Skipped:");
    let told = lines[at + 1..].iter().copied().take_while(|line| !next(line) && !TOTAL.is_match(line));
    message(told)
}
