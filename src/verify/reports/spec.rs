//! The `spec` reporter of node's test runner, its default from version 20 on terminals and from 23 on everywhere
//! (Node.js, "Test reporters").

use std::sync::LazyLock;

use regex::Regex;

use super::{Outcome, TestResult, count, indent, message, numbered, result};

static TOTAL: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?m)^ℹ (tests|pass|fail) (\d+)$").expect("the pattern is a constant, compiled by a test")
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
            tests.push(TestResult { message: why, ..result(full.join(" > "), outcome) });
        }
    }
    let agrees =
        tests.len() == all && count(&tests, Outcome::Passed) == passed && count(&tests, Outcome::Failed) == failed;
    agrees.then(|| numbered(tests))
}

fn point(body: &str) -> Option<(String, Outcome)> {
    let (mark, rest) = body.split_once(' ')?;
    let (name, directive) = match rest.rsplit_once(" # ") {
        Some((name, word)) if word.starts_with("SKIP") || word.starts_with("TODO") => (name, Some(&word[..4])),
        _ => match rest.strip_suffix(" # TODO").or_else(|| rest.strip_suffix(" # SKIP")) {
            Some(name) => (name, Some("SKIP")),
            None => (rest, None),
        },
    };
    let outcome = match (mark, directive) {
        ("﹣", _) | ("✔" | "✖", Some("SKIP")) | ("✖" | "⚠", Some("TODO")) => Outcome::Skipped,
        ("✔", _) => Outcome::Passed,
        ("✖", None) => Outcome::Failed,
        _ => return None,
    };
    // The duration stands before the directive, where normalising does not see the end of a line.
    let name = name.rsplit_once(" (").filter(|(_, time)| time.ends_with("ms)")).map_or(name, |(name, _)| name);
    Some((name.to_owned(), outcome))
}
