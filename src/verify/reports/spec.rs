//! The `spec` reporter of node's test runner, its default from version 20 on terminals and from 23 on everywhere
//! (Node.js, "Test reporters").

use std::sync::LazyLock;

use regex::Regex;

use super::{Outcome, TestResult, count, indent, message, numbered};

static TOTAL: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?m)^ℹ (tests|pass|fail) (\d+)$").expect("the pattern is a constant, compiled by a test")
});

static DIRECTIVE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^(.*) \([\d.]+m?s\) # (SKIP|TODO|).*$").expect("the pattern is a constant, compiled by a test")
});

/// The heading above the failures, which are listed a second time below it.
const FAILURES: &str = "✖ failing tests:";

pub(super) fn read(text: &str) -> Option<Vec<TestResult>> {
    let total =
        |word: &str| TOTAL.captures_iter(text).filter(|found| &found[1] == word).last()?[2].parse::<usize>().ok();
    let (all, passed, failed) = (total("tests")?, total("pass")?, total("fail")?);
    let lines: Vec<&str> = text.lines().take_while(|line| *line != FAILURES && !line.starts_with("ℹ tests ")).collect();
    let mut suites: Vec<(usize, String)> = Vec::new();
    let mut tests: Vec<TestResult> = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let depth = indent(line);
        let body = line.trim_start();
        if let Some(name) = body.strip_prefix("▶ ") {
            // A suite stands above its tests, and in older versions again below them.
            suites.retain(|(at, _)| *at < depth);
            suites.push((depth, name.to_owned()));
        } else if let Some((name, outcome)) = point(body) {
            if suites.iter().any(|(at, suite)| *at == depth && *suite == name) {
                continue;
            }
            suites.retain(|(at, _)| *at < depth);
            let mut full: Vec<&str> = suites.iter().map(|(_, suite)| suite.as_str()).collect();
            full.push(&name);
            let told =
                lines[index + 1..].iter().copied().take_while(|line| line.trim().is_empty() || indent(line) > depth);
            let why = (outcome == Outcome::Failed)
                .then(|| message(told.filter(|line| !line.contains("(node:internal/"))))
                .flatten();
            tests.push(TestResult { message: why, ..TestResult::new(full.join(" > "), outcome) });
        }
    }
    // A test with subtests is counted there and is no test here.
    let parents = lines.iter().filter(|line| line.trim_start().starts_with("▶ ")).count();
    let listed = tests.len() <= all && tests.len() + parents >= all && count(&tests, Outcome::Passed) <= passed;
    (listed && count(&tests, Outcome::Failed) == failed).then(|| numbered(tests))
}

fn point(body: &str) -> Option<(String, Outcome)> {
    let (mark, rest) = body.split_once(' ')?;
    // With a directive behind it, the duration is not at the end of the line and was not taken away.
    let directive = DIRECTIVE.captures(rest);
    let (name, kind) = directive.as_ref().map_or((rest, ""), |found| {
        (found.get(1).map_or(rest, |name| name.as_str()), found.get(2).map_or("", |kind| kind.as_str()))
    });
    let outcome = match (mark, kind) {
        ("﹣", _) | ("✔", "SKIP") | ("✖" | "⚠", "TODO") => Outcome::Skipped,
        ("✔", _) => Outcome::Passed,
        ("✖", _) => Outcome::Failed,
        _ => return None,
    };
    Some((name.to_owned(), outcome))
}
