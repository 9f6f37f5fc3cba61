//! mocha's `spec` reporter, its default (Mocha, "Reporters").

use std::sync::LazyLock;

use regex::Regex;

use super::{Outcome, TestResult, count, indent, message, numbered};

static TOTAL: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?m)^ +(\d+) (passing|pending|failing)\b").expect("the pattern is a constant, compiled by a test")
});
/// `1) bad` in the list of tests.
static FAILED: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^(\d+)\) (.*)$").expect("the pattern is a constant, compiled by a test"));

pub(super) fn read(text: &str) -> Option<Vec<TestResult>> {
    let total = |word: &str| {
        let found = TOTAL.captures_iter(text).find(|found| &found[2] == word)?;
        found[1].parse::<usize>().ok()
    };
    let passing = total("passing")?;
    let lines: Vec<&str> = text.lines().collect();
    let end = lines.iter().position(|line| TOTAL.is_match(line))?;
    let mut suites: Vec<(usize, &str)> = Vec::new();
    let mut tests = Vec::new();
    for line in &lines[..end] {
        let (depth, body) = (indent(line), line.trim());
        if body.is_empty() || depth == 0 {
            continue;
        }
        let Some((number, name, outcome)) = point(body) else {
            suites.retain(|(at, _)| *at < depth);
            suites.push((depth, body));
            continue;
        };
        let around = suites.iter().filter(|(at, _)| *at < depth).map(|(_, suite)| *suite);
        let full: Vec<&str> = around.chain([name]).collect();
        let why = number.and_then(|number| section(&lines[end..], number));
        tests.push(TestResult { message: why, ..TestResult::new(full.join(" > "), outcome) });
    }
    // A hook that fails is counted as failing and listed like a test.
    let agrees =
        count(&tests, Outcome::Passed) == passing && count(&tests, Outcome::Failed) == total("failing").unwrap_or(0);
    agrees.then(|| numbered(tests))
}

/// Returns the number of a failure, the name and the outcome.
fn point(body: &str) -> Option<(Option<usize>, &str, Outcome)> {
    if let Some(found) = FAILED.captures(body) {
        return Some((found[1].parse().ok(), found.get(2)?.as_str(), Outcome::Failed));
    }
    match body.split_once(' ')? {
        ("✔" | "✓" | "√", name) => Some((None, name, Outcome::Passed)),
        ("-", name) => Some((None, name, Outcome::Skipped)),
        _ => None,
    }
}

/// Returns what stands below `  1) suite` behind the totals.
fn section(lines: &[&str], number: usize) -> Option<String> {
    let heading = |line: &&str| indent(line) == 2 && FAILED.captures(line.trim()).is_some();
    let start = format!("  {number}) ");
    let at = lines.iter().position(|line| line.starts_with(&start))?;
    message(lines[at + 1..].iter().copied().take_while(|line| !heading(line)))
}
