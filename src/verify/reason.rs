//! The words of a verdict: why it is what it is, in one sentence.

use std::collections::BTreeSet;

use super::{CheckKind, CheckRun, TreeRun};

/// Names that a reason lists before it only counts.
const NAMES_IN_REASON: usize = 3;

/// Says what tests prove that failed before.
pub(super) fn fixed_reason(names: &BTreeSet<String>) -> String {
    listed(names, "failed before and passes now", "failed before and pass now")
}

/// Says what is flaky, for people.
pub(super) fn flaky_note(names: &[String]) -> String {
    format!("these gave different outcomes on the same tree and are not counted (flaky): {}", names.join(", "))
}

/// Says why nothing was tested.
pub(super) fn untested(patched: &TreeRun) -> String {
    let builds: Vec<&CheckRun> = patched
        .checks
        .iter()
        .filter(|run| run.check.kind != CheckKind::Lint && run.did_run() && !run.found_no_tests())
        .collect();
    if patched.checks.iter().all(|run| run.check.kind == CheckKind::Lint) {
        "NOTHING WAS CHECKED: no build or test command was found in this repository".to_owned()
    } else if let Some(why) = none_ran(patched) {
        format!("NOTHING WAS CHECKED: {why}")
    } else if builds.is_empty() {
        "NOTHING WAS CHECKED: none of the commands that were found ran any test here".to_owned()
    } else if patched.is_red() {
        "NO TEST WAS RUN: the build was red before and is as red now".to_owned()
    } else {
        "NO TEST WAS RUN: the tree builds, which says nothing about what it does".to_owned()
    }
}

/// Says that none of the commands that decide could be run, and why the first one could not; `None` where one was, or none is
/// there.
pub fn none_ran(run: &TreeRun) -> Option<String> {
    let first = run.deciding().next().filter(|_| !run.is_checked())?;
    let (label, why) = (first.check.label(), first.could_not_run.as_deref().unwrap_or_default());
    Some(format!("none of the commands that were found can be run here (`{label}`: {why})"))
}

/// Counts tests in words.
pub(super) fn tests(count: usize) -> String {
    if count == 1 { "1 test".to_owned() } else { format!("{count} tests") }
}

/// Says why new tests are only added.
pub(super) fn added_reason(names: &BTreeSet<String>) -> String {
    let what = listed(names, "passes now that did not run before", "pass now that did not run before");
    format!("{what}; nothing broke")
}

/// Lists the first names before what is said of one, or of many.
pub(super) fn listed(names: &BTreeSet<String>, one: &str, many: &str) -> String {
    let shown: Vec<&str> = names.iter().take(NAMES_IN_REASON).map(String::as_str).collect();
    let rest = names.len() - shown.len();
    let more = if rest > 0 { format!(" and {rest} more") } else { String::new() };
    format!("{}{more} {}", shown.join(", "), if names.len() == 1 { one } else { many })
}
/// Says what tests prove that fail on the base alone.
pub(super) fn red_first_reason(names: &[String]) -> String {
    let all = names.iter().cloned().collect();
    listed(
        &all,
        "is new or changed, fails without the change and passes with it",
        "are new or changed, fail without the change and pass with it",
    )
}
