//! Words to a person on standard error, data on standard output.

use std::io::{IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use super::failure::Failure;
use crate::clock::{Clock, SystemClock};
use crate::pipeline::Progress;

/// Writes data to standard output; a reader that went away is no error.
pub(super) fn print(text: &str) {
    let mut out = std::io::stdout().lock();
    // Whoever closed the pipe does not want the rest.
    drop(out.write_all(text.as_bytes()).and_then(|()| out.flush()));
}

/// Writes a JSON value and a line end to standard output.
pub(super) fn print_json(value: &serde_json::Value) {
    print(&format!("{value:#}\n"));
}

/// Writes a line to standard error, made safe for terminals and for CI systems that read commands from logs.
pub(super) fn tell(text: &str) {
    let mut err = std::io::stderr().lock();
    drop(writeln!(err, "{}", safe(text)));
}

/// Writes a command of ours to the runner, which reads both streams; text from outside in it is escaped before.
pub(super) fn command(line: &str) {
    drop(writeln!(std::io::stderr().lock(), "{line}"));
}

/// Tells of an error and what to do about it.
pub(super) fn tell_failure(failure: &Failure) {
    tell(&format!("error: {}", failure.message));
    for hint in &failure.hints {
        tell(&format!("  hint: {hint}"));
    }
}

/// Takes control characters out, and the sign by which a line becomes a workflow command
/// (GitHub, "Workflow commands": `::name::` at the start of a line).
pub(super) fn safe(text: &str) -> String {
    let clean: String = text.chars().filter(|&c| c == '\n' || c == '\t' || !c.is_control()).collect();
    let mut lines = Vec::new();
    for line in clean.lines() {
        let dangerous = line.trim_start().starts_with("::") || line.trim_start().starts_with("##[");
        lines.push(if dangerous { format!("| {line}") } else { line.to_owned() });
    }
    lines.join("\n")
}

/// The same for what stands in one line, such as the name of a file.
pub(super) fn in_a_line(text: &str) -> String {
    safe(&text.replace(['\n', '\t'], "\u{FFFD}"))
}

/// Steps on standard error: a moving line on a terminal, groups that fold in a CI job, plain lines elsewhere.
pub(super) struct Steps {
    bar: Option<Mutex<ProgressBar>>,
    /// Whether a group is open; `None` where there are none.
    group: Option<AtomicBool>,
    clock: SystemClock,
    /// When, by the clock, a step began or it was last told how far it is.
    told: Mutex<Duration>,
}

/// Where nothing moves it is told so often how far a step is: a log is read by people and kept for long.
const BETWEEN_PASSING: Duration = Duration::from_secs(20);

impl Steps {
    /// Makes the fitting kind; `in_ci` tells whether the log folds groups.
    pub(super) fn new(in_ci: bool) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new_spinner();
            if let Ok(style) = ProgressStyle::with_template("{spinner} {prefix} {wide_msg} {elapsed}") {
                bar.set_style(style);
            }
            Mutex::new(bar)
        });
        Self { bar, group: in_ci.then(AtomicBool::default), clock: SystemClock::start(), told: Mutex::default() }
    }

    /// Takes the moving line away.
    pub(super) fn finish(&self) {
        self.end_group();
        self.with_bar(ProgressBar::finish_and_clear);
    }

    fn end_group(&self) {
        if self.group.as_ref().is_some_and(|open| open.swap(false, Ordering::Relaxed)) {
            command("::endgroup::");
        }
    }

    fn with_bar(&self, act: impl FnOnce(&ProgressBar)) -> bool {
        match &self.bar {
            Some(bar) => {
                act(&bar.lock().unwrap_or_else(PoisonError::into_inner));
                true
            }
            None => false,
        }
    }

    fn line(&self, text: &str) {
        let text = safe(text);
        if !self.with_bar(|bar| bar.suspend(|| tell(&text))) {
            tell(&text);
        }
    }
}

impl Progress for Steps {
    fn step(&self, text: &str) {
        *self.told.lock().unwrap_or_else(PoisonError::into_inner) = self.clock.elapsed();
        if let Some(open) = &self.group {
            self.end_group();
            open.store(true, Ordering::Relaxed);
            return command(&format!("::group::{}", super::ci::data(&safe(text))));
        }
        self.line(&format!("* {text}"));
        self.with_bar(|bar| {
            bar.set_prefix(safe(text));
            bar.set_message("");
            bar.reset_elapsed();
            bar.enable_steady_tick(Duration::from_millis(120));
        });
    }

    fn note(&self, text: &str) {
        self.line(&format!("    {text}"));
    }

    fn passing(&self, text: &str) {
        if self.with_bar(|bar| bar.set_message(safe(text))) {
            return;
        }
        if is_due(&mut self.told.lock().unwrap_or_else(PoisonError::into_inner), self.clock.elapsed()) {
            self.note(text);
        }
    }
}

/// Tells whether it is time for another line, and notes that it is told.
fn is_due(told: &mut Duration, now: Duration) -> bool {
    let due = now.saturating_sub(*told) >= BETWEEN_PASSING;
    if due {
        *told = now;
    }
    due
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_is_told_now_and_then_how_far_a_step_is() {
        let mut told = Duration::ZERO;
        let due: Vec<u64> = (0..70).filter(|at| is_due(&mut told, Duration::from_secs(*at))).collect();
        assert_eq!(due, [20, 40, 60]);
    }

    #[test]
    fn outside_text_cannot_command_the_terminal_or_the_pipeline() {
        assert_eq!(safe("a\u{1b}[2Jb\r\n::add-mask::x\n ##[error]y"), "a[2Jb\n| ::add-mask::x\n|  ##[error]y");
    }
}
