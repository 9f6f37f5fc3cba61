//! What failed, told to the model that has to repair it.

use std::borrow::Cow;
use std::collections::HashMap;

use super::excerpt::{capped, tells_of_compile_error};
use super::{CheckKind, CheckRun, Outcome, ReportFormat, TestResult, TreeRun};
use crate::sandbox::Exit;

/// Said of a test that the model did not break.
const BEFORE_TOO: &str = " (failed before your change too)";
/// The most lines that are looked for once more behind them: a frame of pytest with three lines of code takes five.
const LONGEST_REPEATED: usize = 8;
/// Fewer lines are not worth saying that they are left out.
const LEAST_LEFT_OUT: usize = 2;

/// Tells what failed in a run, at most `max_bytes` long; empty when nothing did.
///
/// Code that does not compile comes first and whole, since nothing else means anything before it does. Then come tests
/// that failed by the change, then those that failed on the base as well. Of tests
/// that fail in the same way the first is told in full, and the others below it. The same runs give the same text.
pub fn failures_for_model(run: &TreeRun, base: Option<&TreeRun>, max_bytes: usize) -> String {
    let is_old_lint = |run: &CheckRun| {
        let content_before = base.and_then(|base| base.run_of(&run.check)).is_some_and(|before| !before.is_red());
        run.check.kind == CheckKind::Lint && !content_before
    };
    let mut red: Vec<&CheckRun> = run.checks.iter().filter(|run| run.is_red() && !is_old_lint(run)).collect();
    red.sort_by_key(|run| !tells_of_compile_error(&run.excerpt));
    let mut text = String::new();
    for run in red {
        let left = max_bytes.saturating_sub(text.len());
        if left < 200 {
            break;
        }
        let before = base.and_then(|base| base.run_of(&run.check)).filter(|before| before.did_run());
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(&one_check(run, before, left));
    }
    for run in run.checks.iter().filter(|run| !run.did_run() && run.check.kind != CheckKind::Lint) {
        let line =
            format!("`{}` was not run: {}\n", run.check.label(), run.could_not_run.as_deref().unwrap_or_default());
        if !text.is_empty() && text.len() + line.len() <= max_bytes {
            text.push_str(&line);
        }
    }
    text.truncate(text.floor_char_boundary(max_bytes));
    text
}

fn one_check(run: &CheckRun, before: Option<&CheckRun>, max_bytes: usize) -> String {
    let mut text = heading(run, before);
    let failed_before =
        |name: &str| before.and_then(|before| before.test(name)).is_some_and(|test| test.outcome == Outcome::Failed);
    let (old, new): (Vec<_>, Vec<_>) = run.failed().partition(|test| failed_before(&test.name));
    let compiles = !tells_of_compile_error(&run.excerpt);
    if !compiles || run.tests.is_empty() {
        text.push_str(&capped(&run.excerpt, usize::MAX, max_bytes.saturating_sub(text.len())));
    }
    let mut left_out = 0;
    let marked = new.into_iter().map(|test| (test, "")).chain(old.into_iter().map(|test| (test, BEFORE_TOO)));
    for alike in alike(marked) {
        let parts = alike.iter().enumerate().map(|(place, (test, mark))| match place {
            0 => one_test(test, mark),
            _ => in_short(test, mark),
        });
        // Others mean nothing without the first of them.
        let kept = parts.take_while(|part| {
            let fits = text.len() + part.len() + 60 <= max_bytes;
            if fits {
                text.push_str(part);
            }
            fits
        });
        left_out += alike.len() - kept.count();
    }
    if left_out > 0 {
        text.push_str(&format!("\n[{left_out} more failed tests left out]\n"));
    }
    let unexplained = run.failed().next().is_none() && !run.tests.is_empty() && compiles;
    if unexplained {
        text.push_str("All tests that ran passed, and yet the command failed:\n");
        text.push_str(&capped(&run.excerpt, usize::MAX, max_bytes.saturating_sub(text.len())));
    }
    text
}

fn heading(run: &CheckRun, before: Option<&CheckRun>) -> String {
    let how = match run.exit {
        Exit::Code(code) => format!("failed with exit code {code}"),
        Exit::Signal(signal) => format!("was ended by signal {signal}"),
        Exit::TimedOut => "ran too long and was stopped".to_owned(),
        Exit::OutOfCpu => "used too much processor time and was stopped".to_owned(),
        Exit::OutOfMemory => "used too much memory and was stopped".to_owned(),
        Exit::TooManyProcesses => "started too many processes and was stopped".to_owned(),
        Exit::DiskFull => "filled the disk and was stopped".to_owned(),
    };
    let tests = match run.format {
        ReportFormat::ExitCode => String::new(),
        _ => format!(": {} of {} tests failed", run.count(Outcome::Failed), run.tests.len()),
    };
    let same = before.is_some_and(|before| before.is_red() && before.failed().next().is_none())
        && run.failed().next().is_none();
    format!("`{}` {how}{tests}{}\n", run.check.label(), if same { BEFORE_TOO } else { "" })
}

/// Puts tests together that fail for the same cause, each group where its first one stood.
fn alike<'t>(tests: impl Iterator<Item = (&'t TestResult, &'t str)>) -> Vec<Vec<(&'t TestResult, &'t str)>> {
    let mut groups: Vec<Vec<(&TestResult, &str)>> = Vec::new();
    let mut places = HashMap::new();
    for (test, mark) in tests {
        let place = *places.entry(cause(test)).or_insert(groups.len());
        if place == groups.len() {
            groups.push(Vec::new());
        }
        groups[place].push((test, mark));
    }
    groups
}

fn one_test(test: &TestResult, mark: &str) -> String {
    let mut text = format!("\nFAILED {}{mark}\n", test.name);
    let lines: Vec<&str> = test.message.as_deref().unwrap_or_default().lines().filter(|line| !is_rule(line)).collect();
    for line in without_repetitions(&lines) {
        text.push_str("    ");
        text.push_str(&line);
        text.push('\n');
    }
    text
}

/// Leaves out lines that are those before them once more, as the frames of a recursion are, and says how often.
fn without_repetitions<'t>(lines: &[&'t str]) -> Vec<Cow<'t, str>> {
    let mut kept = Vec::new();
    let mut rest = lines;
    while !rest.is_empty() {
        let repeated = (1..=LONGEST_REPEATED.min(rest.len() / 2)).find_map(|size| {
            let block = &rest[..size];
            let again = rest[size..].chunks(size).take_while(|next| *next == block).count();
            let is_empty = block.iter().all(|line| line.trim().is_empty());
            (again * size >= LEAST_LEFT_OUT && !is_empty).then_some((size, again))
        });
        let (size, again) = repeated.unwrap_or((1, 0));
        kept.extend(rest[..size].iter().map(|line| Cow::Borrowed(*line)));
        if again > 0 {
            let what = if size == 1 { "this line".to_owned() } else { format!("these {size} lines") };
            kept.push(Cow::Owned(format!("[{what} {again} more times]")));
        }
        rest = &rest[size * (again + 1)..];
    }
    kept
}

/// A test that fails as the one told before it: its parameters as the runner shows them, else as they stand in its name.
fn in_short(test: &TestResult, mark: &str) -> String {
    let message = test.message.as_deref().unwrap_or_default();
    let shown = message.lines().next().filter(|line| line.contains(" = ")).map(str::trim);
    let with = shown.unwrap_or_else(|| test.name.find('[').map_or(test.name.as_str(), |at| &test.name[at..]));
    format!("    in the same way{mark}, with {with}\n")
}

/// What makes two failures the same: the test without its parameters, and the error that it ends with.
fn cause(test: &TestResult) -> (String, String) {
    let name = test.name.split('[').next().unwrap_or_default().to_owned();
    let message = test.message.as_deref().unwrap_or_default();
    let lines = || message.lines().map(str::trim).filter(|line| !line.is_empty());
    let error = lines().rfind(|line| line.starts_with("E  ")).or_else(|| lines().next_back()).unwrap_or_default();
    let error: String = error.chars().filter(|c| !c.is_ascii_digit()).collect();
    (name, error)
}

/// A line with which pytest separates the frames of a traceback: `_ _ _ _`.
fn is_rule(line: &str) -> bool {
    line.trim().len() >= 8 && line.chars().all(|c| matches!(c, '_' | ' '))
}
