//! jest's human format with `--verbose` (Jest, "Jest CLI Options").

use std::sync::LazyLock;

use regex::Regex;

use super::{Outcome, TestResult, count, indent, message, number_before, numbered};

static TOTAL: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(?m)^Tests: +(.*\btotal)$").expect("the pattern is a constant, compiled by a test"));

pub(super) fn read(text: &str) -> Option<Vec<TestResult>> {
    let totals = TOTAL.captures_iter(text).last()?.get(1)?.as_str();
    let mut files: Vec<(&str, Vec<&str>)> = Vec::new();
    for line in text.lines() {
        if line.starts_with("Test Suites: ") || line.starts_with("Summary of all failing tests") {
            break;
        }
        match line.strip_prefix("PASS ").or_else(|| line.strip_prefix("FAIL ")) {
            Some(file) => files.push((file.trim(), Vec::new())),
            None => {
                if let Some((_, lines)) = files.last_mut() {
                    lines.push(line);
                }
            }
        }
    }
    let mut tests = Vec::new();
    let mut unloaded = 0;
    for (file, lines) in &files {
        if lines.iter().any(|line| line.trim() == "● Test suite failed to run") {
            unloaded += 1;
            let told = lines.iter().copied().skip_while(|line| line.trim() != "● Test suite failed to run").skip(1);
            tests.push(TestResult { message: message(told), ..TestResult::new(*file, Outcome::Failed) });
        } else {
            tests.extend(of_file(file, lines));
        }
    }
    let agrees = count(&tests, Outcome::Passed) == number_before(totals, "passed")
        && count(&tests, Outcome::Failed) - unloaded == number_before(totals, "failed");
    agrees.then(|| numbered(tests))
}

fn of_file(file: &str, lines: &[&str]) -> Vec<TestResult> {
    let mut suites: Vec<(usize, &str)> = Vec::new();
    let mut tests = Vec::new();
    for line in lines.iter().take_while(|line| !line.starts_with("  ● ")) {
        let depth = indent(line);
        let body = line.trim();
        if body.is_empty() || depth == 0 {
            continue;
        }
        suites.retain(|(at, _)| *at < depth);
        match point(body) {
            Some((name, outcome)) => {
                let mut full: Vec<&str> = suites.iter().map(|(_, suite)| *suite).collect();
                full.push(name);
                let title = full.join(" › ");
                let why = (outcome == Outcome::Failed).then(|| section(lines, &title)).flatten();
                tests.push(TestResult { message: why, ..TestResult::new(format!("{file} › {title}"), outcome) });
            }
            None => suites.push((depth, body)),
        }
    }
    tests
}

fn point(body: &str) -> Option<(&str, Outcome)> {
    let (mark, name) = body.split_once(' ')?;
    match mark {
        "✓" | "√" => Some((name, Outcome::Passed)),
        "✕" | "×" => Some((name, Outcome::Failed)),
        "○" => Some((name.strip_prefix("skipped ").unwrap_or(name), Outcome::Skipped)),
        "✎" => Some((name.strip_prefix("todo ").unwrap_or(name), Outcome::Skipped)),
        _ => None,
    }
}

/// Returns the text below `● suite › test`.
fn section(lines: &[&str], title: &str) -> Option<String> {
    let at = lines.iter().position(|line| line.strip_prefix("  ● ").is_some_and(|heading| heading.trim() == title))?;
    message(lines[at + 1..].iter().copied().take_while(|line| !line.starts_with("  ● ")))
}
