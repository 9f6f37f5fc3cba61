//! ExUnit's format with `--trace` (Elixir, "mix test").

use std::sync::LazyLock;

use regex::Regex;

use super::{Outcome, TestResult, count, message, numbered};

/// `ShopTest [test/shop_test.exs]`
static MODULE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^([A-Z][\w.]*) \[([^\]]+\.exs)\]$").expect("the pattern is a constant, compiled by a test")
});
/// `  * test adds (0.00ms) [L#3]`; the line is first printed without the time.
static LINE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^  \* ((?:test|property|doctest) .*?) \(([\d.]+ ?m?s|skipped|excluded)\) \[L#\d+\]$")
        .expect("the pattern is a constant, compiled by a test")
});
static TOTAL: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?m)^(?:\d+ \w+, )*\d+ tests?, (\d+) failures?")
        .expect("the pattern is a constant, compiled by a test")
});

pub(super) fn read(text: &str) -> Option<Vec<TestResult>> {
    let failures: usize = TOTAL.captures_iter(text).last()?[1].parse().ok()?;
    let lines: Vec<&str> = text.lines().collect();
    let (mut module, mut file) = ("", "");
    let mut tests = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        if let Some(found) = MODULE.captures(line) {
            (module, file) = (found.get(1)?.as_str(), found.get(2)?.as_str());
        }
        let Some(found) = LINE.captures(line) else { continue };
        let heading = format!(") {} ({module})", &found[1]);
        let below =
            lines[index + 1..].iter().copied().take_while(|line| !LINE.is_match(line) && !MODULE.is_match(line));
        let told: Vec<&str> = below.skip_while(|line| !line.ends_with(&heading)).skip(1).collect();
        let outcome = match (&found[2], told.is_empty()) {
            ("skipped" | "excluded", _) => Outcome::Skipped,
            (_, false) => Outcome::Failed,
            (_, true) => Outcome::Passed,
        };
        let name = format!("{module} {}", &found[1]);
        tests.push(TestResult {
            message: message(told),
            file: Some(file.to_owned()),
            ..TestResult::new(name, outcome)
        });
    }
    (count(&tests, Outcome::Failed) == failures).then(|| numbered(tests))
}
