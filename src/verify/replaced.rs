//! Tests that a change took away: deleting a test must not hide what it would say.

use std::collections::BTreeSet;

use super::reason::listed;
use super::{CheckRun, Evidence, Outcome, TreeRun, Verdict};

/// Names the tests that passed on the base and do not exist with the change, where at least as many pass as before: they may
/// have been renamed, or got other parameters.
///
/// Tests that are skipped now, and those of a check that lost some, are not among them.
pub fn gone(evidence: &Evidence) -> BTreeSet<String> {
    let pairs = evidence.patched.checks.iter().filter_map(|after| Some((evidence.base.run_of(&after.check)?, after)));
    let kept = pairs.filter(|(before, after)| after.count(Outcome::Passed) >= before.count(Outcome::Passed));
    let of_check = |(before, after): (&CheckRun, &CheckRun)| {
        let is_gone = |name: &str| after.test(name).is_none();
        let passed = before.tests.iter().filter(|test| test.outcome == Outcome::Passed && is_gone(&test.name));
        passed.map(|test| after.full_name(&test.name)).collect::<Vec<_>>()
    };
    kept.flat_map(of_check).filter(|name| evidence.broken.contains(name)).collect()
}

/// Names those of the tests that are gone which pass in their old form: `old_tests` is the run of the changed code with the
/// tests of the base.
pub fn replaced(gone: &BTreeSet<String>, old_tests: &TreeRun) -> BTreeSet<String> {
    let passed = |run: &CheckRun| -> Vec<String> {
        let passed = run.tests.iter().filter(|test| test.outcome == Outcome::Passed);
        passed.map(|test| run.full_name(&test.name)).collect()
    };
    old_tests.checks.iter().flat_map(passed).filter(|name| gone.contains(name)).collect()
}

/// Names the tests that passed on the base and pass now only because the change altered them: their old form fails with it.
///
/// `old_tests` is the run of the changed code with the tests of the base. The names are those of [`CheckRun::full_name`].
pub fn gave_way(evidence: &Evidence, old_tests: &TreeRun) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for run in &evidence.patched.checks {
        for test in run.tests.iter().filter(|test| test.outcome == Outcome::Passed) {
            let passed_before = outcome(&evidence.base, run, &test.name) == Some(Outcome::Passed);
            if passed_before && outcome(old_tests, run, &test.name) == Some(Outcome::Failed) {
                found.insert(run.full_name(&test.name));
            }
        }
    }
    found
}

/// Refuses a change for those of the tests that gave way which it only made weaker: they pass without it too. The others,
/// which expect something else now, are noted.
pub fn weigh_those_that_gave_way(mut evidence: Evidence, gave_way: BTreeSet<String>) -> Evidence {
    let mut fail_on_base = BTreeSet::new();
    for run in evidence.tests_on_base.iter().flat_map(|alone| &alone.checks) {
        let failed = run.tests.iter().filter(|test| test.outcome == Outcome::Failed);
        fail_on_base.extend(failed.map(|test| run.full_name(&test.name)));
    }
    let (turned, weakened) = gave_way.into_iter().partition(|name| fail_on_base.contains(name));
    evidence.turned = BTreeSet::into_iter(turned).collect();
    refuse_weakened(evidence, weakened)
}

fn outcome(tree: &TreeRun, run: &CheckRun, name: &str) -> Option<Outcome> {
    tree.run_of(&run.check).and_then(|run| run.test(name)).map(|test| test.outcome)
}

fn refuse_weakened(mut evidence: Evidence, weakened: BTreeSet<String>) -> Evidence {
    if !weakened.is_empty() {
        let what =
            listed(&weakened, "is green only because it was changed", "are green only because they were changed");
        evidence.verdict = Verdict::Refused;
        evidence.reason = format!("what was green before is not any more: {what}");
        evidence.broken.extend(weakened);
    }
    evidence
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verify::testing::tree;
    use crate::verify::{Excused, compare, compare_without};

    #[test]
    fn a_renamed_test_is_not_broken_and_a_deleted_one_is() {
        use Outcome::{Failed, Passed, Skipped};
        let before = tree(&[("a", Passed), ("b", Passed)]);
        let check = |after: &[(&str, Outcome)], old_form: Outcome, verdict: Verdict| {
            let first = compare(before.clone(), tree(after), None, Vec::new());
            assert_eq!(first.verdict, Verdict::Refused, "{after:?}");
            let gone = gone(&first);
            let replaced = replaced(&gone, &tree(&[("a", old_form), ("b", Passed)]));
            let excused = Excused { replaced, ..Excused::default() };
            let evidence = compare_without(first.base, first.patched, excused, None, Vec::new());
            assert_eq!(evidence.verdict, verdict, "{after:?} {old_form:?}");
        };
        check(&[("b", Passed), ("c", Passed)], Passed, Verdict::Added);
        check(&[("b", Passed), ("c", Passed)], Failed, Verdict::Refused);
        check(&[("b", Passed)], Passed, Verdict::Refused);
        check(&[("a", Skipped), ("b", Passed), ("c", Passed)], Passed, Verdict::Refused);
        check(&[("a", Failed), ("b", Passed)], Passed, Verdict::Refused);
    }

    fn owned(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn a_test_that_gave_way_was_weakened_or_turned_round() {
        use Outcome::{Failed, Passed};
        let (before, after) = (tree(&[("a", Passed), ("b", Failed)]), tree(&[("a", Passed), ("b", Passed)]));
        let check =
            |old_form: Outcome, on_base: Option<Outcome>, turned: &[&str], broken: &[&str], verdict: Verdict| {
                let mut evidence = compare(before.clone(), after.clone(), None, Vec::new());
                evidence.tests_on_base = on_base.map(|outcome| tree(&[("a", outcome)]));
                let found = gave_way(&evidence, &tree(&[("a", old_form), ("b", Passed)]));
                let evidence = weigh_those_that_gave_way(evidence, found);
                let found = (evidence.turned.as_slice(), evidence.broken.as_slice(), evidence.verdict);
                assert_eq!(found, (&owned(turned)[..], &owned(broken)[..], verdict), "{old_form:?} {on_base:?}");
            };
        check(Passed, Some(Failed), &[], &[], Verdict::Proven);
        check(Failed, Some(Failed), &["a"], &[], Verdict::Proven);
        check(Failed, Some(Passed), &[], &["a"], Verdict::Refused);
        check(Failed, None, &[], &["a"], Verdict::Refused);
    }
}
