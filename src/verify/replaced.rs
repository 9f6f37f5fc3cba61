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

/// Names the tests that a change made weaker: they passed on the base and pass now, and yet their old form fails with the
/// change while their new form passes without it, so that it was the test that gave way.
///
/// `old_tests` is the run of the changed code with the tests of the base. The names are those of [`CheckRun::full_name`].
pub fn weakened(evidence: &Evidence, old_tests: &TreeRun) -> BTreeSet<String> {
    let outcome = |tree: &TreeRun, run: &CheckRun, name: &str| {
        tree.run_of(&run.check).and_then(|run| run.test(name)).map(|test| test.outcome)
    };
    let mut found = BTreeSet::new();
    for run in &evidence.patched.checks {
        for test in run.tests.iter().filter(|test| test.outcome == Outcome::Passed) {
            let name = &test.name;
            let passed_before = outcome(&evidence.base, run, name) == Some(Outcome::Passed);
            let new_form = evidence.tests_on_base.as_ref().and_then(|alone| outcome(alone, run, name));
            let gave_way = outcome(old_tests, run, name) == Some(Outcome::Failed) && new_form != Some(Outcome::Failed);
            if passed_before && gave_way {
                found.insert(run.full_name(name));
            }
        }
    }
    found
}

/// Refuses a change for the tests that it made weaker; an empty list changes nothing.
pub fn refuse_weakened(mut evidence: Evidence, weakened: BTreeSet<String>) -> Evidence {
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
}
