//! Maven Surefire's console (Apache Maven, "Surefire Plugin", reportFormat), versions 2 and 3.
//!
//! With `reportFormat=plain` every test is printed. Otherwise passes are only counted, class by class: then the classes
//! are the tests, and failing methods are listed beside them.

use std::sync::LazyLock;

use regex::Regex;

use super::{Outcome, TestResult, merged, message};

static CLASS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^(?:\[[A-Z]+\] )?Tests run: (\d+), Failures: (\d+), Errors: (\d+), Skipped: (\d+), Time elapsed: .*? -?- in (\S+)")
        .expect("the pattern is a constant, compiled by a test")
});
/// `halves(shop.ShopTest)  Time elapsed: TIME <<< FAILURE!` (version 2), `shop.ShopTest.halves -- Time elapsed: ..` (3).
static METHOD: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^(?:\[[A-Z]+\] )?(?:(?P<name>\S.*?)\((?P<class>[\w.$]+)\)|(?P<full>[\w.$]+\.\S.*?) --)\s+(?:(?P<skipped>skipped)|Time elapsed: \S+(?: s)?\s*(?:<<< (?P<failed>FAILURE|ERROR)!)?)\s*$")
        .expect("the pattern is a constant, compiled by a test")
});

pub(super) fn read(text: &str) -> Option<Vec<TestResult>> {
    let lines: Vec<&str> = text.lines().collect();
    let classes: Vec<regex::Captures<'_>> = lines.iter().filter_map(|line| CLASS.captures(line)).collect();
    if classes.is_empty() {
        return None;
    }
    let number = |found: &regex::Captures<'_>, group: usize| found[group].parse::<usize>().unwrap_or(0);
    let methods: Vec<TestResult> =
        lines.iter().enumerate().filter_map(|(index, line)| method(line, &lines[index + 1..])).collect();
    let all: usize = classes.iter().map(|found| number(found, 1)).sum();
    if methods.len() >= all {
        return Some(merged(methods));
    }
    let mut tests: Vec<TestResult> = methods.into_iter().filter(|test| test.outcome == Outcome::Failed).collect();
    for found in &classes {
        let outcome = match (number(found, 2) + number(found, 3), number(found, 1) == number(found, 4)) {
            (0, true) => Outcome::Skipped,
            (0, false) => Outcome::Passed,
            _ => Outcome::Failed,
        };
        tests.push(TestResult::new(format!("{} (class)", &found[5]), outcome));
    }
    Some(merged(tests))
}

fn method(line: &str, below: &[&str]) -> Option<TestResult> {
    let found = METHOD.captures(line)?;
    let name = match (found.name("class"), found.name("full")) {
        (Some(class), _) => format!("{}.{}", class.as_str(), &found["name"]),
        (None, Some(full)) => full.as_str().to_owned(),
        (None, None) => return None,
    };
    if found.name("skipped").is_some() {
        return Some(TestResult::new(name, Outcome::Skipped));
    }
    if found.name("failed").is_none() {
        return Some(TestResult::new(name, Outcome::Passed));
    }
    let told = below.iter().copied().take_while(|line| !line.is_empty() && !line.starts_with('['));
    Some(TestResult { message: message(told), ..TestResult::new(name, Outcome::Failed) })
}
