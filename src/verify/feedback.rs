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
/// Tests that are told in a line each, of those that fail as another one did.
const MOST_IN_SHORT: usize = 4;
/// The longest such line.
const LONGEST_IN_SHORT_BYTES: usize = 240;

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
        // Where nothing else failed, it is told only of what the change keeps from running.
        let ran_before = base.and_then(|base| base.run_of(&run.check)).is_some_and(CheckRun::did_run);
        if (ran_before || !text.is_empty()) && text.len() + line.len() <= max_bytes {
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
        // Others mean nothing without the first of them.
        let kept = parts_of(&alike).take_while(|(part, _)| {
            let fits = text.len() + part.len() + 60 <= max_bytes;
            if fits {
                text.push_str(part);
            }
            fits
        });
        left_out += alike.len() - kept.map(|(_, tests)| tests).sum::<usize>();
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

/// A failed test, and what is said behind its name.
type Marked<'t> = (&'t TestResult, &'t str);

/// Puts tests together that fail for the same cause, each group where its first one stood; in a group those first that the
/// change broke, then those with the shortest message, as the simplest cases have.
fn alike<'t>(tests: impl Iterator<Item = Marked<'t>>) -> Vec<Vec<Marked<'t>>> {
    let mut groups: Vec<Vec<Marked<'t>>> = Vec::new();
    let mut places = HashMap::new();
    for (test, mark) in tests {
        let place = *places.entry(cause(test)).or_insert(groups.len());
        if place == groups.len() {
            groups.push(Vec::new());
        }
        groups[place].push((test, mark));
    }
    let length = |test: &TestResult| message_of(test).len();
    groups.iter_mut().for_each(|group| group.sort_by_key(|(test, mark)| (!mark.is_empty(), length(test))));
    groups
}

/// Tells tests that are alike: the first in full, some in a line each, and how many more; each with how many tests it tells.
fn parts_of<'t>(alike: &'t [Marked<'t>]) -> impl Iterator<Item = (String, usize)> + 't {
    let told = alike.len().min(1 + MOST_IN_SHORT);
    let more = alike.len() - told;
    let one = |(place, (test, mark)): (usize, &Marked<'t>)| match place {
        0 => (one_test(test, mark), 1),
        _ => (in_short(test, mark, alike[0].0), 1),
    };
    let rest = (more > 0).then(|| (format!("    in the same way: {more} more\n"), more));
    alike[..told].iter().enumerate().map(one).chain(rest)
}

fn one_test(test: &TestResult, mark: &str) -> String {
    let mut text = format!("\nFAILED {}{mark}\n", test.name);
    let lines: Vec<&str> = message_of(test).lines().filter(|line| !is_rule(line)).collect();
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
            let often = if again == 1 { "once more".to_owned() } else { format!("{again} more times") };
            kept.push(Cow::Owned(format!("[{what} {often}]")));
        }
        rest = &rest[size * (again + 1)..];
    }
    kept
}

/// A test that fails as `first` did, which was told before it: its parameters as the runner shows them, else as they stand in
/// its name; and its error, where that is another one.
fn in_short(test: &TestResult, mark: &str, first: &TestResult) -> String {
    let shown = message_of(test).lines().next().filter(|line| line.contains(" = ")).map(str::trim);
    let with = shown.unwrap_or_else(|| test.name.find('[').map_or(test.name.as_str(), |at| &test.name[at..]));
    let error = error(test).filter(|own| error(first).is_none_or(|told| told != *own));
    let error = error.map(|line| format!(": {}", line.trim_start_matches("E ").trim())).unwrap_or_default();
    let mut line = format!("    in the same way{mark}, with {with}{error}");
    line.truncate(line.floor_char_boundary(LONGEST_IN_SHORT_BYTES));
    line + "\n"
}

/// What makes two failures the same: the test without its parameters, and the place and kind of the error, else its text.
fn cause(test: &TestResult) -> (&str, String) {
    let name = test.name.split('[').next().unwrap_or_default();
    let lines = || message_of(test).lines().map(str::trim).filter(|line| !line.is_empty());
    let text = || error(test).or_else(|| lines().next_back()).unwrap_or_default();
    let cause = lines().rfind(|line| is_place_of_error(line)).map(str::to_owned);
    (name, cause.unwrap_or_else(|| text().chars().filter(|c| !c.is_ascii_digit()).collect()))
}

fn message_of(test: &TestResult) -> &str {
    test.message.as_deref().unwrap_or_default()
}

/// Returns the first line with which pytest tells the error.
fn error(test: &TestResult) -> Option<&str> {
    message_of(test).lines().map(str::trim).find(|line| line.starts_with("E  "))
}

/// The line with which pytest ends a failure: `tests/test_a.py:21: AssertionError`.
fn is_place_of_error(line: &str) -> bool {
    let mut parts = line.rsplitn(3, ':');
    let kind = parts.next().is_some_and(|kind| {
        let kind = kind.trim();
        !kind.is_empty() && kind.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '_'))
    });
    let row = parts.next().is_some_and(|row| row.parse::<u32>().is_ok());
    kind && row && parts.next().is_some_and(|path| !path.contains(char::is_whitespace))
}

/// A line with which pytest separates the frames of a traceback: `_ _ _ _`.
fn is_rule(line: &str) -> bool {
    line.trim().len() >= 8 && line.chars().all(|c| matches!(c, '_' | ' '))
}
