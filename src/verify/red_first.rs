//! Weighs the tests that a change brings or changes by what they say without it: put on the base alone, they must fail.
//!
//! A test that fails on the base and passes with the change, with the same bytes in both, is proof. One that passes on
//! the base as well proves nothing. One that cannot even run there, because it names what the change brings, stays added.

use std::sync::LazyLock;

use regex::Regex;

use super::compare::{added_reason, listed};
use super::{Evidence, Outcome, TreeRun, Verdict};

/// The most names that a note lists.
const NAMES_IN_NOTE: usize = 10;

/// Words by which runtimes say that a name does not exist: CPython's exceptions, V8's and Go's and Rust's diagnostics.
static MISSING: LazyLock<Regex> = LazyLock::new(|| {
    let words = r"ImportError|ModuleNotFoundError|NameError: name|AttributeError: (?:module|type object)|is not defined|is not a function|Cannot find module|undefined: |cannot find (?:function|value|type|module)|unresolved import|NoSuchMethodError|ClassNotFoundException|NoMethodError|uninitialized constant";
    Regex::new(words).expect("the pattern is a constant, compiled by a test")
});

/// Adds to the evidence what the change's tests say on the base alone.
///
/// `is_trusted` is false where the change also touches what decides about all tests (settings, commands, build scripts,
/// stored expectations): then a difference may come from that, and nothing is called proof.
pub fn red_first(mut evidence: Evidence, alone: TreeRun, is_trusted: bool) -> Evidence {
    let (mut red, mut idle) = (Vec::new(), Vec::new());
    for run in &evidence.patched.checks {
        let Some(before) = alone.run_of(&run.check) else { continue };
        for test in run.tests.iter().filter(|test| test.outcome == Outcome::Passed) {
            let name = run.full_name(&test.name);
            match before.test(&test.name) {
                Some(found) if found.outcome == Outcome::Failed => {
                    let missing = found.message.as_deref().is_some_and(|message| MISSING.is_match(message));
                    if !missing {
                        red.push(name);
                    }
                }
                Some(found) if found.outcome == Outcome::Passed && evidence.added.contains(&name) => idle.push(name),
                _ => {}
            }
        }
    }
    evidence.tests_on_base = Some(alone);
    let settled = |name: &String| idle.contains(name) || (is_trusted && red.contains(name));
    evidence.added.retain(|name| !settled(name));
    if !idle.is_empty() {
        let count = idle.len();
        let names: Vec<&str> = idle.iter().take(NAMES_IN_NOTE).map(String::as_str).collect();
        evidence.not_checked.push(format!(
            "{count} of the new tests pass without the change as well and prove nothing: {}{}",
            names.join(", "),
            if count > names.len() { " and more" } else { "" }
        ));
    }
    if !is_trusted {
        return evidence;
    }
    evidence.red_first = red;
    if matches!(evidence.verdict, Verdict::Added | Verdict::Green | Verdict::Unproven) && !evidence.red_first.is_empty()
    {
        evidence.verdict = Verdict::Proven;
        evidence.reason = red_first_reason(&evidence.red_first);
    } else if evidence.verdict == Verdict::Added && !evidence.added.is_empty() {
        evidence.reason = added_reason(&evidence.added.iter().cloned().collect());
    } else if evidence.verdict == Verdict::Added {
        evidence.verdict = Verdict::Green;
        evidence.reason =
            "everything that passed before passes now; the new tests pass without the change as well".to_owned();
    }
    evidence
}

/// Says what tests prove that fail on the base alone.
pub fn red_first_reason(names: &[String]) -> String {
    let all = names.iter().cloned().collect();
    listed(
        &all,
        "is new or changed, fails without the change and passes with it",
        "are new or changed, fail without the change and pass with it",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verify::{Check, CheckRun, ReportFormat, TestResult, compare, from_user};

    fn check() -> Check {
        from_user(&["pytest".to_owned()]).expect("a command").remove(0)
    }

    fn run(tests: &[(&str, Outcome, &str)]) -> TreeRun {
        let red = tests.iter().any(|(_, outcome, _)| *outcome == Outcome::Failed);
        let result = |(name, outcome, message): &(&str, Outcome, &str)| TestResult {
            message: (!message.is_empty()).then(|| (*message).to_owned()),
            ..TestResult::new(*name, *outcome)
        };
        let mut run = CheckRun::not_run(check(), String::new());
        run.could_not_run = None;
        run.exit = crate::sandbox::Exit::Code(i32::from(red));
        run.format = ReportFormat::Pytest;
        run.tests = tests.iter().map(result).collect();
        TreeRun { checks: vec![run] }
    }

    #[test]
    fn new_tests_prove_by_failing_without_the_change() {
        use Outcome::{Failed, Passed};
        let old = ("a", Passed, "");
        let check = |alone: &[(&str, Outcome, &str)], trusted: bool, verdict: Verdict, words: &str| {
            let evidence = compare(run(&[old]), run(&[old, ("b", Passed, ""), ("c", Passed, "")]), None, Vec::new());
            assert_eq!(evidence.verdict, Verdict::Added);
            let weighed = red_first(evidence, run(alone), trusted);
            let told = format!("{} / {}", weighed.reason, weighed.not_checked.join(" "));
            assert_eq!(weighed.verdict, verdict, "{told}");
            assert!(told.contains(words), "{told}");
        };
        let (red, idle) = (("b", Failed, "assert 1 == 2"), ("c", Passed, ""));
        check(
            &[old, red, idle],
            true,
            Verdict::Proven,
            "b is new or changed, fails without the change and passes with it",
        );
        check(&[old, red, idle], true, Verdict::Proven, "1 of the new tests pass without the change as well");
        check(&[old, ("b", Passed, ""), idle], true, Verdict::Green, "the new tests pass without the change as well");
        let unborn = ("b", Failed, "ImportError: cannot import name 'total'");
        check(&[old, unborn, idle], true, Verdict::Added, "b passes now");
        check(&[old], true, Verdict::Added, "b, c pass now");
        let changed = ("a", Failed, "assert 3 == 4");
        check(&[changed, idle], true, Verdict::Proven, "a is new or changed, fails without the change");
        check(&[old, red, idle], false, Verdict::Added, "b, c pass now");
    }

    #[test]
    fn a_change_that_broke_something_is_refused_whatever_its_tests_say() {
        use Outcome::{Failed, Passed};
        let evidence =
            compare(run(&[("a", Passed, "")]), run(&[("a", Failed, "x"), ("b", Passed, "")]), None, Vec::new());
        let weighed = red_first(evidence, run(&[("a", Passed, ""), ("b", Failed, "assert")]), true);
        assert_eq!(weighed.verdict, Verdict::Refused);
    }
}
