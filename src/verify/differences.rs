//! What two sets of evidence for the same change disagree about.

use std::collections::BTreeSet;

use super::{CheckRun, Evidence, TreeRun};

/// The most names of tests in one line.
const NAMES_IN_LINE: usize = 5;

/// Tells, a line each, where `seen` is not what `told` says; nothing when both say the same.
///
/// Wall times, excerpts of output and the walls that were in force may differ: they are the machine's, not
/// the change's. What either of the two found flaky may differ too.
pub fn differences(told: &Evidence, seen: &Evidence) -> Vec<String> {
    let mut lines = Vec::new();
    if told.verdict != seen.verdict {
        lines.push(format!(
            "the verdict is told as {} and comes out as {}: {}",
            told.verdict.word(),
            seen.verdict.word(),
            seen.reason
        ));
    }
    let lists = [
        ("failed before and pass now", &told.fixed, &seen.fixed),
        ("are new and fail without the change", &told.red_first, &seen.red_first),
        ("expect something else now", &told.turned, &seen.turned),
        ("are new", &told.added, &seen.added),
        ("broke", &told.broken, &seen.broken),
        ("still fail", &told.still_failing, &seen.still_failing),
    ];
    for (what, told, seen) in lists {
        let (told, seen): (BTreeSet<&String>, BTreeSet<&String>) = (told.iter().collect(), seen.iter().collect());
        let missing: Vec<&str> = told.difference(&seen).map(|name| name.as_str()).collect();
        let further: Vec<&str> = seen.difference(&told).map(|name| name.as_str()).collect();
        lines.extend(
            (!missing.is_empty())
                .then(|| format!("told to be among those that {what}, but not seen: {}", listed(&missing))),
        );
        lines.extend(
            (!further.is_empty()).then(|| format!("seen among those that {what}, but not told: {}", listed(&further))),
        );
    }
    let flaky: Vec<&String> = told.flaky.iter().chain(&seen.flaky).collect();
    trees(("on the base", &flaky), &told.base, &seen.base, &mut lines);
    trees(("with the change", &flaky), &told.patched, &seen.patched, &mut lines);
    match (&told.tests_on_base, &seen.tests_on_base) {
        (Some(told), Some(seen)) => trees(("on the base with the change's tests", &flaky), told, seen, &mut lines),
        (None, None) => {}
        (told, _) => {
            let (was, is) = if told.is_some() { ("told", "not seen") } else { ("not told", "seen") };
            lines.push(format!("a run on the base with the change's tests is {was} and {is}"));
        }
    }
    lines
}

fn trees((place, flaky): (&str, &[&String]), told: &TreeRun, seen: &TreeRun, lines: &mut Vec<String>) {
    for run in &told.checks {
        match seen.run_of(&run.check) {
            Some(other) => runs((place, flaky), run, other, lines),
            None => {
                lines.push(format!("`{}` was told to be run {place} and is not among the commands", run.check.label()));
            }
        }
    }
    for run in seen.checks.iter().filter(|run| told.run_of(&run.check).is_none()) {
        lines.push(format!("`{}` is run {place} and was not told", run.check.label()));
    }
}

fn runs((place, flaky): (&str, &[&String]), told: &CheckRun, seen: &CheckRun, lines: &mut Vec<String>) {
    let label = told.check.label();
    let is_flaky = |name: &str| flaky.iter().any(|known| *known == name);
    let has_flaky = is_flaky(&label) || told.tests.iter().any(|test| is_flaky(&told.full_name(&test.name)));
    if told.did_run() != seen.did_run() || (told.exit != seen.exit && !has_flaky) {
        lines.push(format!("`{label}` {place} is told to end with {:?} and ends with {:?}", told.exit, seen.exit));
    }
    let names: BTreeSet<&str> = told.tests.iter().chain(&seen.tests).map(|test| test.name.as_str()).collect();
    let outcome = |run: &CheckRun, name: &str| run.test(name).map(|test| test.outcome);
    let other: Vec<&str> = names
        .into_iter()
        .filter(|name| outcome(told, name) != outcome(seen, name) && !is_flaky(&told.full_name(name)))
        .collect();
    lines.extend(
        (!other.is_empty()).then(|| format!("`{label}` {place}: other outcomes than told: {}", listed(&other))),
    );
}

fn listed(names: &[&str]) -> String {
    let shown = names.iter().take(NAMES_IN_LINE).copied().collect::<Vec<_>>().join(", ");
    let rest = names.len().saturating_sub(NAMES_IN_LINE);
    if rest == 0 { shown } else { format!("{shown} and {rest} more") }
}
