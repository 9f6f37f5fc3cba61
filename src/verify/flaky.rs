//! Tells flaky tests: the same tree, run twice, two outcomes.

use std::collections::BTreeSet;

use super::{CheckRun, TreeRun};

/// Names what came out differently in two runs of one tree: tests, and the commands themselves where no test explains
/// their end.
///
/// Only checks that are in both runs are looked at, and only tests that both name.
pub fn flaky(first: &TreeRun, again: &TreeRun) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let unexplained = |run: &CheckRun| run.is_red() && run.failed().next().is_none();
    for run in again.checks.iter().filter(|run| run.did_run()) {
        let Some(before) = first.run_of(&run.check).filter(|before| before.did_run()) else { continue };
        if before.is_red() != run.is_red() && (unexplained(before) || unexplained(run)) {
            found.insert(run.check.label());
        }
        let differs = |name: &str, outcome| run.test(name).is_some_and(|other| other.outcome != outcome);
        let other = before.tests.iter().filter(|test| differs(&test.name, test.outcome));
        found.extend(other.map(|test| run.full_name(&test.name)));
    }
    found
}

/// Names those of `names` that did not fail once more: a failure that decides has to be seen twice.
///
/// `names` are full names of tests, or labels of commands whose end no test explains.
pub fn unconfirmed(names: &[String], again: &TreeRun) -> BTreeSet<String> {
    let fails = |name: &String| {
        again.checks.iter().any(|run| {
            run.failed().any(|test| run.full_name(&test.name) == *name) || (run.check.label() == *name && run.is_red())
        })
    };
    names.iter().filter(|name| !fails(name)).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::Exit;
    use crate::verify::testing::tree;
    use crate::verify::{Excused, Outcome, ReportFormat, Verdict, compare, compare_without};

    #[test]
    fn a_flaky_test_is_neither_proof_nor_damage() {
        use Outcome::{Failed, Passed};
        let check = |base: [Outcome; 2], patched: [Outcome; 2], again: [Outcome; 2], verdict: Verdict| {
            let named = |[a, b]: [Outcome; 2]| tree(&[("a", a), ("b", b)]);
            let (base, patched) = (named(base), named(patched));
            let is_red = base.is_red() && !patched.is_red();
            let found = flaky(if is_red { &base } else { &patched }, &named(again));
            assert_eq!(found, BTreeSet::from(["a".to_owned()]));
            let believed = compare(base.clone(), patched.clone(), None, Vec::new());
            let excused = Excused { flaky: found, ..Excused::default() };
            let evidence = compare_without(base, patched, excused, None, Vec::new());
            assert_ne!(believed.verdict, evidence.verdict, "{evidence:?}");
            assert_eq!(evidence.verdict, verdict, "{evidence:?}");
            assert!(!evidence.is_red() && evidence.is_acceptable());
            assert!(evidence.not_checked[0].contains("are not counted (flaky): a"), "{evidence:?}");
        };
        check([Failed, Passed], [Passed, Passed], [Passed, Passed], Verdict::Green);
        check([Passed, Passed], [Failed, Passed], [Passed, Passed], Verdict::Green);
        check([Passed, Failed], [Failed, Passed], [Passed, Passed], Verdict::Proven);
    }

    #[test]
    fn a_command_without_names_is_flaky_as_a_whole() {
        let unnamed = |code: i32| {
            let mut tree = tree(&[]);
            tree.checks[0].format = ReportFormat::ExitCode;
            tree.checks[0].exit = Exit::Code(code);
            tree
        };
        assert_eq!(flaky(&unnamed(1), &unnamed(0)), BTreeSet::from(["pytest".to_owned()]));
        assert!(flaky(&unnamed(1), &unnamed(1)).is_empty());
    }

    #[test]
    fn a_failure_that_is_not_seen_twice_is_unconfirmed() {
        let names = ["a".to_owned(), "b".to_owned(), "pytest".to_owned()];
        let again = tree(&[("a", Outcome::Failed), ("b", Outcome::Passed)]);
        assert_eq!(unconfirmed(&names, &again), BTreeSet::from(["b".to_owned()]));
        assert_eq!(unconfirmed(&names, &TreeRun::default()).len(), 3);
    }
}
