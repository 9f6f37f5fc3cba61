//! Tests that a change took away: deleting a test must not hide what it would say.

use std::collections::BTreeSet;

use super::{CheckRun, Evidence, Outcome, TreeRun};

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verify::testing::tree;
    use crate::verify::{Excused, Verdict, compare, compare_without};

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
