//! Weighs the tests that a change brings or changes by what they say without it: put on the base alone, they must fail.
//!
//! A test that fails on the base and passes with the change, with the same bytes in both, is proof. One that passes on
//! the base as well proves nothing. One that cannot even run there, because it names what the change brings, stays added.

use std::sync::LazyLock;

use regex::Regex;

use super::reason::{added_reason, red_first_reason};
use super::{CheckRun, Evidence, Outcome, TreeRun, Verdict};

/// The most names that a note lists.
const NAMES_IN_NOTE: usize = 10;

/// Words by which runtimes say that something could not even be loaded.
static NOT_LOADED: LazyLock<Regex> = LazyLock::new(|| {
    let words = r"ImportError|ModuleNotFoundError|Cannot find module|ERR_MODULE_NOT_FOUND|does not provide an export|undefined: |cannot find (?:function|value|type|module|symbol)|unresolved import|NoSuchMethodError|NoClassDefFoundError|ClassNotFoundException|cannot load such file";
    Regex::new(words).expect("the pattern is a constant, compiled by a test")
});
/// Words by which runtimes say that a name does not exist, with the name: those of CPython, V8, Ruby, PHP and Elixir.
static NAME_MISSING: LazyLock<Regex> = LazyLock::new(|| {
    let words = r"NameError: name '(\w+)'|has no attribute '(\w+)'|unexpected keyword argument '(\w+)'|\b(\w+) is not defined|\b(\w+) is not a (?:function|constructor)|undefined (?:local variable or )?method [`'](\w+[?!]?)'|uninitialized constant (?:\w+::)*(\w+)|undefined (?:function|method) (?:[\w\\]+(?:::|\\))?(\w+)\(|Class .(?:[\w\\]*\\)?(\w+). not found|function [\w.]*?(\w+)/\d+ is undefined";
    Regex::new(words).expect("the pattern is a constant, compiled by a test")
});

/// Adds to the evidence what the change's tests say on the base alone.
///
/// `is_brought` tells names that the change's code brings and the base does not have: a test that fails because such a
/// name is missing says nothing about behaviour. One that fails because any other name is missing found a defect.
/// `is_trusted` is false where the change also touches what decides about all tests (settings, commands, build scripts,
/// stored expectations): then a difference may come from that, and nothing is called proof.
pub fn red_first(
    mut evidence: Evidence,
    alone: TreeRun,
    is_trusted: bool,
    is_brought: &dyn Fn(&str) -> bool,
) -> Evidence {
    let (mut red, mut idle) = (Vec::new(), Vec::new());
    for run in &evidence.patched.checks {
        let Some(before) = alone.run_of(&run.check) else { continue };
        for test in run.tests.iter().filter(|test| test.outcome == Outcome::Passed) {
            let name = run.full_name(&test.name);
            match before.test(&test.name) {
                Some(found) if found.outcome == Outcome::Failed => {
                    let message = found.message.as_deref().unwrap_or_default();
                    if !NOT_LOADED.is_match(message) && !names_missing(message).any(is_brought) {
                        red.push(name);
                    }
                }
                Some(found) if found.outcome == Outcome::Passed && evidence.added.contains(&name) => idle.push(name),
                _ => {}
            }
        }
    }
    // What turns green by the change's tests alone was not turned by its code.
    let by_tests = turned_by_tests(&evidence.fixed, &alone);
    if !by_tests.is_empty() {
        evidence.fixed.retain(|name| !by_tests.contains(name));
        evidence.not_checked.push(format!(
            "these turn green without the change of the code as well and prove nothing: {}",
            few(&by_tests)
        ));
        evidence.without_proof("the tests that turned green do so without the change of the code as well".to_owned());
    }
    evidence.tests_on_base = Some(alone);
    let settled = |name: &String| idle.contains(name) || (is_trusted && red.contains(name));
    evidence.added.retain(|name| !settled(name));
    if !idle.is_empty() {
        let count = idle.len();
        evidence.not_checked.push(format!(
            "{count} of the new tests pass without the change as well and prove nothing: {}",
            few(&idle)
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

/// Weighs a change that is nothing but tests: they pass without any change of the code, and prove nothing.
pub fn only_tests(mut evidence: Evidence) -> Evidence {
    const WHY: &str = "the change is tests only, and they pass without any other";
    let fixed = std::mem::take(&mut evidence.fixed);
    if !fixed.is_empty() {
        evidence
            .not_checked
            .push(format!("these turned green by a change of tests alone and prove nothing: {}", few(&fixed)));
    }
    if evidence.verdict == Verdict::Added {
        evidence.verdict = Verdict::Green;
        evidence.reason = format!("everything that passed before passes now; {WHY}");
    }
    evidence.added.clear();
    evidence.without_proof(WHY.to_owned());
    evidence
}

/// Names those of `fixed` that pass, or commands that are green, with the change's tests on the base alone.
fn turned_by_tests(fixed: &[String], alone: &TreeRun) -> Vec<String> {
    let passes = |run: &CheckRun, name: &str| {
        let passed = run.tests.iter().filter(|test| test.outcome == Outcome::Passed);
        passed.map(|test| run.full_name(&test.name)).any(|full| full == name)
    };
    let is_green =
        |name: &str| alone.checks.iter().any(|run| passes(run, name) || (run.check.label() == name && !run.is_red()));
    fixed.iter().filter(|name| is_green(name)).cloned().collect()
}

/// Lists the first names.
fn few(names: &[String]) -> String {
    let shown: Vec<&str> = names.iter().take(NAMES_IN_NOTE).map(String::as_str).collect();
    format!("{}{}", shown.join(", "), if names.len() > shown.len() { " and more" } else { "" })
}

fn names_missing(message: &str) -> impl Iterator<Item = &str> {
    NAME_MISSING
        .captures_iter(message)
        .filter_map(|found| found.iter().skip(1).flatten().next())
        .map(|name| name.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verify::{Check, ReportFormat, TestResult, compare, from_user};

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
            let weighed = red_first(evidence, run(alone), trusted, &|name| name == "total");
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
        let named = |message: &'static str| [old, ("b", Failed, message), idle];
        for message in [
            "NameError: name 'total' is not defined",
            "AttributeError: 'Cart' object has no attribute 'total'",
            "TypeError: sum() got an unexpected keyword argument 'total'",
            "TypeError: cart.total is not a function",
            "undefined method `total' for #<Cart>",
            "Error: Call to undefined method Shop\\Cart::total()",
            "Error: Class \"Shop\\total\" not found",
            "** (UndefinedFunctionError) function Shop.total/1 is undefined or private",
        ] {
            check(&named(message), true, Verdict::Added, "b passes now");
        }
        check(&named("AttributeError: 'NoneType' object has no attribute 'price'"), true, Verdict::Proven, "b is new");
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
        let weighed = red_first(evidence, run(&[("a", Passed, ""), ("b", Failed, "assert")]), true, &|_| false);
        assert_eq!(weighed.verdict, Verdict::Refused);
    }
}
