//! Compares two trees' runs test by test and says what that proves.
//!
//! The rules, for each test of each check:
//!
//! | before | after | it is |
//! | --- | --- | --- |
//! | failed | passed | fixed |
//! | passed | failed, skipped or not reported | broken |
//! | not reported, or skipped | passed | added |
//! | not reported, or skipped | failed | broken: the check would turn red by this change; still failing where the tests could not run before |
//! | failed | failed | still failing |
//! | failed | skipped or not reported | no proof, and said |
//!
//! A file that failed as a whole, as it could not be loaded, is no test: where its tests are reported after the change, they
//! could not run before.
//!
//! A check whose output is not understood is one test, named by its command line. A build that turns from red to green
//! is no proof, since nothing failed that ran; the tests behind it are added. The same holds for tests whose code did
//! not compile before. Formatters and linters are listed apart where they turn red, and decide nothing.

use std::collections::BTreeSet;

use super::excerpt::tells_of_compile_error;
use super::reason::{added_reason, fixed_reason, flaky_note, listed, tests, untested};
use super::{CheckKind, CheckRun, Evidence, Outcome, ReportFormat, TreeRun, Verdict};
use crate::sandbox::{Exit, Level};

/// Compares the base's run with the changed tree's and draws the verdict.
///
/// `extra_not_checked` are sentences of the caller's about what could not be checked; more are added here.
pub fn compare(base: TreeRun, patched: TreeRun, sandbox: Option<Level>, extra_not_checked: Vec<String>) -> Evidence {
    compare_without(base, patched, Excused::default(), sandbox, extra_not_checked)
}

/// What a comparison leaves out, by full names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Excused {
    /// What gave two outcomes on one tree.
    pub flaky: BTreeSet<String>,
    /// Tests that are gone and pass with the change in the form that they had.
    pub replaced: BTreeSet<String>,
}

/// Compares as [`compare`] does, without what is excused.
pub fn compare_without(
    base: TreeRun,
    patched: TreeRun,
    excused: Excused,
    sandbox: Option<Level>,
    extra_not_checked: Vec<String>,
) -> Evidence {
    let flaky: Vec<String> = excused.flaky.into_iter().collect();
    let mut tally = Tally { notes: extra_not_checked, flaky, replaced: excused.replaced, ..Tally::default() };
    if !tally.flaky.is_empty() {
        tally.notes.push(flaky_note(&tally.flaky));
    }
    if !tally.replaced.is_empty() {
        let names: Vec<&str> = tally.replaced.iter().map(String::as_str).collect();
        tally.notes.push(format!(
            "these are gone with the change; in the form that they had before they pass with it: {}",
            names.join(", ")
        ));
    }
    for after in &patched.checks {
        let before = base.run_of(&after.check);
        if after.did_run() {
            tally.check(before, after);
        } else {
            tally.not_run(before, after, &patched);
        }
    }
    for before in base.checks.iter().filter(|before| patched.run_of(&before.check).is_none()) {
        tally.notes.push(format!("`{}` was run on the base only", before.check.label()));
    }
    let (verdict, reason) = tally.verdict(&patched);
    let Tally { fixed, broken, added, still_failing, notes, flaky, lint, .. } = tally;
    let list = |names: BTreeSet<String>| names.into_iter().collect::<Vec<_>>();
    Evidence {
        sandbox,
        base,
        patched,
        tests_on_base: None,
        fixed: list(fixed),
        red_first: Vec::new(),
        turned: Vec::new(),
        broken: list(broken),
        added: list(added),
        still_failing: list(still_failing),
        flaky,
        lint: list(lint),
        reruns: Vec::new(),
        verdict,
        reason,
        not_checked: notes,
    }
}

/// What a run of a check says about the tests that it does not name.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ground {
    /// It was green, or red by tests that it names: what it does not name does not exist.
    Known,
    /// It ran no tests, or not all: not run, not compiled, ended early. What it does not name may exist.
    Unknown,
    /// It was green and names no tests.
    GreenWithoutNames,
}

#[derive(Default)]
struct Tally {
    fixed: BTreeSet<String>,
    broken: BTreeSet<String>,
    added: BTreeSet<String>,
    still_failing: BTreeSet<String>,
    /// What is said of the first command that was red before and cannot be run with the change.
    unstarted: Option<String>,
    /// Formatters and linters that were content and complain now.
    lint: BTreeSet<String>,
    notes: Vec<String>,
    /// What gave two outcomes on one tree.
    flaky: Vec<String>,
    /// Tests that are gone and pass in their old form.
    replaced: BTreeSet<String>,
    /// Tests that failed before and did not run any more.
    silenced: usize,
    /// Tests that passed before and are missing from an output that was cut.
    unseen: usize,
    /// Whether any check of tests ran some on the changed tree.
    tested: bool,
}

impl Tally {
    fn not_run(&mut self, before: Option<&CheckRun>, after: &CheckRun, patched: &TreeRun) {
        let label = after.check.label();
        let reason = after.could_not_run.as_deref().unwrap_or_default();
        if after.check.kind == CheckKind::Lint {
            self.notes.push(format!("`{label}` was not run: {reason}"));
            return;
        }
        self.notes.push(format!("`{label}` was not run on the changed tree: {reason}"));
        // A build that failed is counted itself.
        let behind_build = patched
            .checks
            .iter()
            .any(|run| run.check.kind == CheckKind::Build && run.is_red() && after.check.is_chained_to(&run.check));
        let Some(before) = before.filter(|before| before.did_run() && !behind_build) else { return };
        if !before.is_red() || before.count(Outcome::Passed) > 0 {
            self.broken.insert(label);
        } else {
            self.unstarted.get_or_insert_with(|| format!("`{label}` ran before and does not any more: {reason}"));
        }
    }

    fn check(&mut self, before: Option<&CheckRun>, after: &CheckRun) {
        let before = before.filter(|before| before.did_run());
        let label = after.check.label();
        if after.check.kind == CheckKind::Lint {
            if after.is_red() && before.is_some_and(|before| !before.is_red()) {
                self.lint.insert(label);
            }
            return;
        }
        if before.is_none() {
            self.notes.push(format!("`{label}` could not be run on the base, so there is nothing to compare with"));
        }
        self.command(before, after);
        if matches!(after.check.kind, CheckKind::Build | CheckKind::Setup) {
            return;
        }
        self.tested |= !after.found_no_tests();
        if after.found_no_tests() {
            self.notes.push(format!("`{label}` found no tests"));
        } else if after.format == ReportFormat::ExitCode {
            self.notes.push(format!("`{label}` names no tests that could be read, so only its exit code counts"));
        }
        if before.is_some_and(|before| before.dropped_bytes > 0) || after.dropped_bytes > 0 {
            self.notes.push(format!(
                "the output of `{label}` was too long to be kept whole, so tests may be missing from it"
            ));
        }
        self.tests(before, after);
    }

    /// Compares the ends of the command itself, as far as no test explains them.
    fn command(&mut self, before: Option<&CheckRun>, after: &CheckRun) {
        let label = after.check.label();
        if self.flaky.contains(&label) {
            return;
        }
        // Tests that a build names are not compared one by one.
        let is_build = matches!(after.check.kind, CheckKind::Build | CheckKind::Setup);
        let unexplained = |run: &CheckRun| run.is_red() && (is_build || run.failed().next().is_none());
        match (before, unexplained(after)) {
            (None, true) => {
                self.still_failing.insert(label);
            }
            (Some(before), true) if unexplained(before) => {
                self.still_failing.insert(label);
            }
            (Some(_), true) => {
                self.broken.insert(label);
            }
            (Some(before), false) if unexplained(before) && !after.is_red() => self.turned_green(before, after, label),
            _ => {}
        }
    }

    fn turned_green(&mut self, before: &CheckRun, after: &CheckRun, label: String) {
        if after.check.kind == CheckKind::Build {
            self.notes.push(format!("`{label}` failed before and succeeds now; a build alone proves no behaviour"));
        } else if after.format != ReportFormat::ExitCode {
            self.notes.push(format!("the tests of `{label}` could not run on the base, so none of them is a proof"));
        } else if tells_of_compile_error(&before.excerpt) || !matches!(before.exit, Exit::Code(_)) {
            self.notes
                .push(format!("`{label}` did not get to its tests on the base, so that it passes now is no proof"));
            self.added.insert(label);
        } else {
            self.fixed.insert(label);
        }
    }

    fn tests(&mut self, before: Option<&CheckRun>, after: &CheckRun) {
        let passed_before = before.map_or(0, |run| run.count(Outcome::Passed));
        let cut = before.is_some_and(|run| run.dropped_bytes > 0) || after.dropped_bytes > 0;
        if after.tests.is_empty() && passed_before > 0 {
            let was_unexplained = before.is_some_and(|run| run.is_red() && run.failed().next().is_none());
            if (!after.is_red() || was_unexplained) && !cut {
                let label = after.check.label();
                self.broken.insert(format!("{label} (reports none of the {passed_before} tests that passed before)"));
            }
            return;
        }
        let ground = ground_of(before);
        let unloaded = unloaded_before(before, after);
        let could_not_run =
            |name: &str| ground == Ground::Unknown || unloaded.iter().any(|file| is_in_file(name, file));
        let names: BTreeSet<&str> =
            before.into_iter().chain([after]).flat_map(|run| &run.tests).map(|test| test.name.as_str()).collect();
        let mut silenced = 0_usize;
        for name in names {
            let was = before.and_then(|run| run.test(name)).map(|test| test.outcome);
            let is = after.test(name).map(|test| test.outcome);
            let full = after.full_name(name);
            if self.flaky.contains(&full) || (is.is_none() && self.replaced.contains(&full)) {
                continue;
            }
            match (was, is) {
                (Some(Outcome::Failed), Some(Outcome::Passed)) => self.fixed.insert(full),
                (Some(Outcome::Failed), Some(Outcome::Failed)) => self.still_failing.insert(full),
                (Some(Outcome::Failed), None) if unloaded.contains(&name) => continue,
                (Some(Outcome::Failed), _) => {
                    silenced += 1;
                    continue;
                }
                (Some(Outcome::Passed), Some(Outcome::Passed)) => continue,
                (Some(Outcome::Passed), None) if cut => {
                    self.unseen += 1;
                    continue;
                }
                (Some(Outcome::Passed), _) => self.broken.insert(full),
                (None, Some(Outcome::Passed)) if ground == Ground::GreenWithoutNames || cut => continue,
                (_, Some(Outcome::Passed)) => self.added.insert(full),
                (None, Some(Outcome::Failed)) if could_not_run(name) => self.still_failing.insert(full),
                (_, Some(Outcome::Failed)) => self.broken.insert(full),
                (_, Some(Outcome::Skipped) | None) => continue,
            };
        }
        if silenced > 0 {
            self.silenced += silenced;
            let label = after.check.label();
            self.notes.push(format!(
                "{} of `{label}` that failed before did not run any more, which proves nothing",
                tests(silenced)
            ));
        }
    }

    fn verdict(&self, patched: &TreeRun) -> (Verdict, String) {
        if !self.broken.is_empty() {
            let what = listed(&self.broken, "fails or is gone", "fail or are gone");
            return (Verdict::Refused, format!("what was green before is not any more: {what}"));
        }
        if let Some(what) = &self.unstarted {
            return (Verdict::Refused, what.clone());
        }
        if !self.tested {
            return (Verdict::Unproven, untested(patched));
        }
        if self.unseen > 0 {
            let what = format!("{} that passed before cannot be seen in an output that was cut", tests(self.unseen));
            return (Verdict::Unproven, what);
        }
        if !self.fixed.is_empty() && self.silenced > 0 {
            let what =
                format!("{} that failed before did not run any more, which proves nothing", tests(self.silenced));
            return (if patched.is_red_beside(&self.flaky) { Verdict::Unproven } else { Verdict::Green }, what);
        }
        if !self.fixed.is_empty() {
            return (Verdict::Proven, fixed_reason(&self.fixed));
        }
        if patched.is_red_beside(&self.flaky) {
            return (
                Verdict::Unproven,
                format!(
                    "the checks were red before and are as red now: {}",
                    listed(&self.still_failing, "fails", "fail")
                ),
            );
        }
        if !self.added.is_empty() {
            return (Verdict::Added, added_reason(&self.added));
        }
        let silenced = match self.silenced {
            0 => "no test tells the change from the base".to_owned(),
            count => format!("{} that failed before did not run any more, which proves nothing", tests(count)),
        };
        (Verdict::Green, format!("everything that passed before passes now; {silenced}"))
    }
}

/// Returns the files of tests that failed as a whole before and whose tests are reported now, by the names that they were given.
fn unloaded_before<'r>(before: Option<&'r CheckRun>, after: &CheckRun) -> Vec<&'r str> {
    let failed = before.into_iter().flat_map(CheckRun::failed).map(|test| test.name.as_str());
    let is_loaded =
        |file: &str| after.test(file).is_none() && after.tests.iter().any(|test| is_in_file(&test.name, file));
    failed.filter(|name| name.contains('.') && is_loaded(name)).collect()
}

/// Tells whether a test is one of a file, by the signs that runners put behind the name of a file.
fn is_in_file(name: &str, file: &str) -> bool {
    let rest = name.strip_prefix(file).unwrap_or_default();
    ["::", " › ", " > "].iter().any(|sign| rest.starts_with(sign))
}

fn ground_of(before: Option<&CheckRun>) -> Ground {
    match before {
        None => Ground::Unknown,
        Some(run) if run.is_red() && run.failed().next().is_none() => Ground::Unknown,
        Some(run) if run.format == ReportFormat::ExitCode => Ground::GreenWithoutNames,
        Some(_) => Ground::Known,
    }
}
