//! RSpec's JSON formatter (rspec-core, "JSON formatter").

use std::time::Duration;

use serde::Deserialize;

use super::{Outcome, TestResult, message};

#[derive(Deserialize)]
struct Report {
    examples: Vec<Example>,
    summary: Summary,
    #[serde(default)]
    messages: Vec<String>,
}

#[derive(Deserialize)]
struct Summary {
    #[serde(default)]
    errors_outside_of_examples_count: usize,
}

#[derive(Deserialize)]
struct Example {
    full_description: String,
    status: String,
    file_path: Option<String>,
    run_time: Option<f64>,
    exception: Option<Exception>,
}

#[derive(Deserialize)]
struct Exception {
    class: Option<String>,
    message: Option<String>,
    #[serde(default)]
    backtrace: Option<Vec<String>>,
}

/// Frames of a backtrace that are kept.
const FRAMES: usize = 4;

/// Reads the report; `None` when it is none.
pub(super) fn read(text: &str) -> Option<Vec<TestResult>> {
    let report: Report = serde_json::from_str(text).ok()?;
    let mut tests: Vec<TestResult> = report.examples.iter().map(result).collect();
    if report.summary.errors_outside_of_examples_count > 0 {
        let why = message(report.messages.iter().flat_map(|text| text.lines()));
        tests.push(TestResult { message: why, ..TestResult::new("(files that could not be loaded)", Outcome::Failed) });
    }
    Some(tests)
}

fn result(example: &Example) -> TestResult {
    let outcome = match example.status.as_str() {
        "passed" => Outcome::Passed,
        "pending" => Outcome::Skipped,
        _ => Outcome::Failed,
    };
    let file = example.file_path.as_deref().map(|file| file.trim_start_matches("./").to_owned());
    // Two files may describe the same thing.
    let name = match &file {
        Some(file) => format!("{file} {}", example.full_description),
        None => example.full_description.clone(),
    };
    TestResult {
        message: example.exception.as_ref().and_then(told),
        elapsed: example.run_time.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()),
        file,
        ..TestResult::new(name, outcome)
    }
}

fn told(exception: &Exception) -> Option<String> {
    let text = exception.message.as_deref().unwrap_or_default().trim_matches('\n');
    let first = format!("{}: {text}", exception.class.as_deref().unwrap_or("error"));
    let frames = exception.backtrace.iter().flatten().filter(|frame| !frame.contains("/gems/")).take(FRAMES);
    let lines: Vec<&str> = first.lines().chain(frames.map(String::as_str)).collect();
    message(lines)
}
