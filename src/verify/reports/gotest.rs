//! `go test -json` (Go, cmd/test2json).

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Outcome, TestResult, message};

/// One line; build output of newer versions has neither package nor test.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Event {
    action: String,
    package: Option<String>,
    import_path: Option<String>,
    test: Option<String>,
    output: Option<String>,
    failed_build: Option<String>,
}

/// What was said about a test or a package.
#[derive(Default)]
struct Entry {
    outcome: Option<Outcome>,
    output: String,
}

/// Returns the tests and the output as `go test -v` would have shown it.
pub(super) fn read(text: &str) -> Option<(Vec<TestResult>, String)> {
    let mut seen = false;
    let mut readable = String::new();
    let mut tests: BTreeMap<String, Entry> = BTreeMap::new();
    let mut packages: BTreeMap<String, Entry> = BTreeMap::new();
    let mut plain = Vec::new();
    for line in text.lines() {
        let event = line.starts_with("{\"").then(|| serde_json::from_str::<Event>(line).ok()).flatten();
        let Some(event) = event else {
            readable.push_str(line);
            readable.push('\n');
            plain.push(line);
            continue;
        };
        seen = true;
        let output = event.output.as_deref().unwrap_or_default();
        readable.push_str(output);
        let package = event.package.or(event.import_path).unwrap_or_default();
        let entry = match event.test {
            Some(test) => tests.entry(format!("{package} {test}")).or_default(),
            None => packages.entry(package).or_default(),
        };
        entry.output.push_str(output);
        entry.outcome = match event.action.as_str() {
            "pass" => Some(Outcome::Passed),
            "fail" | "build-fail" => Some(Outcome::Failed),
            "skip" => Some(Outcome::Skipped),
            _ => entry.outcome,
        };
        if let Some(build) = event.failed_build {
            entry.output.push_str(&format!("{build} does not build\n"));
        }
    }
    let readable = crate::verify::normalise(&readable, &[]);
    seen.then(|| (results(tests, packages, &plain), readable))
}

/// A package that failed without a failing test (it does not build, or ended early) counts as a failed test itself.
fn results(tests: BTreeMap<String, Entry>, packages: BTreeMap<String, Entry>, plain: &[&str]) -> Vec<TestResult> {
    let mut all: Vec<TestResult> = Vec::new();
    for (name, entry) in tests {
        // A test that began and has no end was cut off by a crash of its package.
        let outcome = entry.outcome.unwrap_or(Outcome::Failed);
        all.push(failed_with(name, outcome, &entry.output));
    }
    for (package, entry) in packages {
        let explained = all.iter().any(|test| test.outcome == Outcome::Failed && belongs(&test.name, &package));
        if entry.outcome == Some(Outcome::Failed) && !explained {
            all.push(failed_with(format!("{package} (package)"), Outcome::Failed, &entry.output));
        }
    }
    for line in plain {
        let failed = line.strip_prefix("FAIL\t").and_then(|rest| rest.split_once(" ["));
        if let Some((package, _)) = failed {
            let name = format!("{package} (package)");
            if all.iter().all(|test| test.name != name) {
                let heading = format!("# {package}");
                let about = plain
                    .iter()
                    .copied()
                    .skip_while(|line| !line.starts_with(&heading))
                    .take_while(|line| !line.starts_with("FAIL\t"));
                all.push(TestResult { message: message(about), ..TestResult::new(name, Outcome::Failed) });
            }
        }
    }
    all
}

fn belongs(test: &str, package: &str) -> bool {
    test.strip_prefix(package).is_some_and(|rest| rest.starts_with(' '))
}

fn failed_with(name: String, outcome: Outcome, output: &str) -> TestResult {
    let output = crate::verify::normalise(output, &[]);
    let told = output.lines().filter(|line| !line.starts_with("=== ") && !line.trim_start().starts_with("--- "));
    let why = (outcome == Outcome::Failed).then(|| message(told)).flatten();
    TestResult { message: why, ..TestResult::new(name, outcome) }
}
