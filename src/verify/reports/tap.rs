//! TAP 13 and 14 with nested subtests (testanything.org, "TAP 14 specification"), as node's runner writes them.

use std::sync::LazyLock;

use regex::Regex;

use super::{Outcome, TestResult, message, numbered};

static POINT: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^(\s*)(ok|not ok)(?: +(\d+))?(?: +-)?(?: +(.*))?$")
        .expect("the pattern is a constant, compiled by a test")
});
/// A result that waits for the name of the suite around it.
struct Point {
    indent: usize,
    result: TestResult,
}

pub(super) fn read(text: &str) -> Option<Vec<TestResult>> {
    let lines: Vec<&str> = text.lines().collect();
    let is_plan =
        |line: &&str| line.strip_prefix("1..").is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    if !lines.iter().any(|line| line.starts_with("TAP version ") || is_plan(line)) {
        return None;
    }
    let mut points: Vec<Point> = Vec::new();
    let mut index = 0;
    while index < lines.len() {
        let Some(found) = POINT.captures(lines[index]) else {
            index += 1;
            continue;
        };
        let indent = found[1].len();
        let details = details(&lines[index + 1..], indent);
        index += 1 + details.len() + if details.is_empty() { 0 } else { 2 };
        let text = found.get(4).map_or("", |name| name.as_str());
        let (name, outcome) = named(text, &found[2] == "ok");
        let name = if name.is_empty() { format!("test {}", found.get(3).map_or("?", |n| n.as_str())) } else { name };
        close(
            &mut points,
            indent,
            TestResult { message: why(details, outcome), ..TestResult::new(name, outcome) },
            details,
        );
    }
    if points.is_empty() && !lines.iter().any(|line| line.starts_with("1..0") || line.starts_with("# tests 0")) {
        return None;
    }
    Some(numbered(points.into_iter().map(|point| point.result).collect()))
}

/// Returns the lines between `---` and `...` that follow a result, indented deeper than it.
fn details<'a, 'b>(lines: &'b [&'a str], indent: usize) -> &'b [&'a str] {
    let starts = lines.first().is_some_and(|line| line.trim() == "---" && super::indent(line) > indent);
    let marker = lines.first().map_or(0, |line| super::indent(line));
    let end = lines.iter().position(|line| line.trim() == "..." && super::indent(line) == marker);
    match end {
        Some(end) if starts => &lines[1..end],
        _ => &[],
    }
}

/// Splits `name # SKIP why` at the directive; a `#` of the name itself is escaped.
fn named(text: &str, ok: bool) -> (String, Outcome) {
    let directive = text.match_indices('#').find_map(|(at, _)| {
        let word = text[at + 1..].trim_start().get(..4)?.to_ascii_lowercase();
        (!text[..at].ends_with('\\') && (word == "skip" || word == "todo")).then_some((at, word))
    });
    let (name, kind) = directive.as_ref().map_or((text, ""), |(at, word)| (&text[..*at], word.as_str()));
    let outcome = match (ok, kind) {
        (_, "skip") | (false, "todo") => Outcome::Skipped,
        (true, _) => Outcome::Passed,
        (false, _) => Outcome::Failed,
    };
    (name.trim_end().replace("\\#", "#").replace("\\\\", "\\"), outcome)
}

/// Takes what is indented deeper into the suite that ends here. The suite itself is no test, unless it failed for a
/// reason of its own (a hook).
fn close(points: &mut Vec<Point>, indent: usize, suite: TestResult, details: &[&str]) {
    let mut first = points.len();
    while first > 0 && points[first - 1].indent > indent {
        first -= 1;
    }
    let is_suite = first < points.len();
    for point in &mut points[first..] {
        point.indent = indent;
        point.result.name = format!("{} > {}", suite.name, point.result.name);
    }
    let inside_failed = points[first..].iter().any(|point| point.result.outcome == Outcome::Failed);
    let by_children =
        details.iter().any(|line| line.contains("subtestsFailed")) || (details.is_empty() && inside_failed);
    if !is_suite || (suite.outcome == Outcome::Failed && !by_children) {
        points.push(Point { indent, result: suite });
    }
}

fn why(details: &[&str], outcome: Outcome) -> Option<String> {
    let told = details.iter().copied().filter(|line| {
        let line = line.trim_start();
        !line.starts_with("duration_ms") && !line.contains("(node:internal/") && line != "type: 'test'"
    });
    (outcome == Outcome::Failed).then(|| message(told)).flatten()
}
