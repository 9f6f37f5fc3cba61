//! Changes that stop halfway: some of what they were asked for passes, and what stands beside it still fails.
//!
//! A test that fails for its own reasons may go on failing: nobody asked for it. A case of the same test, or another test of
//! the file that the user's command names, was asked for.

use std::collections::HashSet;

use super::{CheckRun, Evidence, Outcome};

impl Evidence {
    /// Returns the tests that failed before and fail now beside one that passes now: cases of the same test, and tests of a
    /// file that the command names.
    pub fn left_halfway(&self) -> Vec<&str> {
        let fixed: HashSet<&str> = self.fixed.iter().map(String::as_str).collect();
        let still: HashSet<&str> = self.still_failing.iter().map(String::as_str).collect();
        let mut left = Vec::new();
        for run in &self.patched.checks {
            let of_run = |names: &HashSet<&str>, name: &str| names.contains(run.full_name(name).as_str());
            let mended: Vec<&str> =
                run.tests.iter().map(|test| test.name.as_str()).filter(|name| of_run(&fixed, name)).collect();
            for test in run.tests.iter().filter(|test| test.outcome == Outcome::Failed && of_run(&still, &test.name)) {
                let is_beside = |other: &&str| {
                    without_case(other) == without_case(&test.name)
                        || file_named(run, other).is_some_and(|file| file_named(run, &test.name) == Some(file))
                };
                if mended.iter().any(is_beside) {
                    left.extend(self.still_failing.iter().find(|name| **name == run.full_name(&test.name)));
                }
            }
        }
        left.into_iter().map(String::as_str).collect()
    }
}

/// The name of a test without what tells one of its cases from the others: `test_gcd[3-4]`, `adds(int)[1]`.
fn without_case(name: &str) -> &str {
    name.find(['[', '(']).map_or(name, |at| &name[..at])
}

/// The word of the command that is the file of a test, as runners that begin names with it tell.
fn file_named<'r>(run: &'r CheckRun, name: &str) -> Option<&'r str> {
    let is_file_of = |word: &&String| {
        word.contains('.') && name.strip_prefix(word.as_str()).is_some_and(|rest| rest.starts_with("::"))
    };
    run.check.argv.iter().find(is_file_of).map(String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verify::testing::tree;
    use crate::verify::{TreeRun, compare};

    const FIXED: (Outcome, Outcome) = (Outcome::Failed, Outcome::Passed);
    const FAILING: (Outcome, Outcome) = (Outcome::Failed, Outcome::Failed);

    fn left(tests: &[(&str, (Outcome, Outcome))], named: &str) -> Vec<String> {
        let run = |outcome: fn(&(Outcome, Outcome)) -> Outcome| {
            let mut run: TreeRun = tree(&tests.iter().map(|(name, both)| (*name, outcome(both))).collect::<Vec<_>>());
            run.checks[0].check.argv.push(named.to_owned());
            run
        };
        let evidence = compare(run(|both| both.0), run(|both| both.1), None, Vec::new());
        evidence.left_halfway().into_iter().map(str::to_owned).collect()
    }

    #[test]
    fn another_case_of_the_same_test_is_left() {
        let tests = [("t.py::test_lis[a-1]", FIXED), ("t.py::test_lis[b-2]", FAILING), ("t.py::test_other", FAILING)];
        assert_eq!(left(&tests, "-q"), ["t.py::test_lis[b-2]"]);
        assert_eq!(left(&[("adds(int)[1]", FIXED), ("adds(int)[2]", FAILING)], "-q"), ["adds(int)[2]"]);
    }

    #[test]
    fn another_test_of_the_file_that_was_named_is_left() {
        let tests = [("a/t.py::test1", FAILING), ("a/t.py::test2", FIXED), ("a/u.py::test1", FAILING)];
        assert_eq!(left(&tests, "a/t.py"), ["a/t.py::test1"]);
        assert_eq!(left(&tests, "a"), [""; 0], "who names a folder may know of tests that fail");
        assert_eq!(left(&tests, "a/u.py"), [""; 0]);
    }

    #[test]
    fn what_fails_alone_and_what_is_all_mended_leaves_nothing() {
        assert_eq!(left(&[("t.py::test1", FAILING), ("t.py::test2", FAILING)], "t.py"), [""; 0]);
        assert_eq!(left(&[("t.py::test1", FIXED), ("t.py::test2", FIXED)], "t.py"), [""; 0]);
        let passing = (Outcome::Passed, Outcome::Passed);
        assert_eq!(left(&[("t.py::test1", passing), ("t.py::test2", FAILING)], "t.py"), [""; 0]);
    }
}
