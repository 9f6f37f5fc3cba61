//! Every row of the comparison's table, and the verdicts.

use super::*;
use crate::sandbox::{Exit, Level};

fn check(kind: CheckKind, command: &str) -> Check {
    let argv = command.split(' ').map(str::to_owned).collect();
    Check { kind, argv, folder: String::new(), found_in: "Makefile: made up".to_owned(), report: None }
}

/// A run of `cargo test` with tests written as `name+` (passed), `name-` (failed), `name~` (skipped).
fn tests(list: &str) -> CheckRun {
    let test = |word: &str| {
        let (name, mark) = word.split_at(word.len() - 1);
        let outcome = match mark {
            "+" => Outcome::Passed,
            "-" => Outcome::Failed,
            _ => Outcome::Skipped,
        };
        let message = (outcome == Outcome::Failed).then(|| format!("{name} is wrong"));
        TestResult { message, ..TestResult::new(name, outcome) }
    };
    let tests: Vec<TestResult> = list.split_whitespace().map(test).collect();
    let red = tests.iter().any(|test| test.outcome == Outcome::Failed);
    CheckRun { format: ReportFormat::Libtest, tests, ..code("cargo test", if red { 101 } else { 0 }, "") }
}

fn code(command: &str, code: i32, excerpt: &str) -> CheckRun {
    let run = CheckRun::not_run(check(CheckKind::Test, command), String::new());
    CheckRun { exit: Exit::Code(code), could_not_run: None, excerpt: excerpt.to_owned(), ..run }
}

fn build(code_: i32) -> CheckRun {
    CheckRun { check: check(CheckKind::Build, "make"), ..code("make", code_, "") }
}

fn tree(checks: Vec<CheckRun>) -> TreeRun {
    TreeRun { checks }
}

fn evidence(base: Vec<CheckRun>, patched: Vec<CheckRun>) -> Evidence {
    compare(tree(base), tree(patched), Some(Level::Landlock), Vec::new())
}

/// The verdict, the lists and the sentences of a comparison.
fn told(base: Vec<CheckRun>, patched: Vec<CheckRun>) -> String {
    let found = evidence(base, patched);
    let mut text = format!(
        "{:?}, acceptable {}, all green {}\n{}",
        found.verdict,
        found.is_acceptable(),
        found.all_green(),
        found.reason
    );
    for (name, list) in [
        ("fixed", &found.fixed),
        ("broken", &found.broken),
        ("added", &found.added),
        ("still failing", &found.still_failing),
        ("note", &found.not_checked),
    ] {
        text.extend(list.iter().map(|item| format!("\n{name}: {item}")));
    }
    text
}

#[test]
fn a_failed_test_that_passes_is_proof() {
    insta::assert_snapshot!(told(vec![tests("a+ b- c-")], vec![tests("a+ b+ c-")]), @"
    Proven, acceptable true, all green false
    b failed before and passes now
    fixed: b
    still failing: c
    ");
}

#[test]
fn a_passed_test_must_pass_again() {
    for after in ["a-", "a~ b+", "b+"] {
        let found = evidence(vec![tests("a+ z-")], vec![tests(&format!("{after} z+"))]);
        assert_eq!((found.verdict, found.broken), (Verdict::Refused, vec!["a".to_owned()]), "{after}");
    }
    insta::assert_snapshot!(told(vec![tests("a+ b+ c+ d+")], vec![tests("")]), @"
    Refused, acceptable false, all green false
    what was green before is not any more: cargo test (reports none of the 4 tests that passed before) fails or is gone
    broken: cargo test (reports none of the 4 tests that passed before)
    note: `cargo test` found no tests
    ");
}

#[test]
fn new_tests_are_added_or_break_the_check() {
    insta::assert_snapshot!(told(vec![tests("a+ s~")], vec![tests("a+ b+ s+")]), @"
    Added, acceptable true, all green true
    b, s pass now that did not run before; nothing broke
    added: b
    added: s
    ");
    insta::assert_snapshot!(told(vec![tests("a+")], vec![tests("a+ b-")]), @"
    Refused, acceptable false, all green false
    what was green before is not any more: b fails or is gone
    broken: b
    ");
}

#[test]
fn the_tests_of_a_file_that_could_not_be_loaded_could_not_run_before() {
    let before = || vec![tests("a.py::a+ t.py-")];
    insta::assert_snapshot!(told(before(), vec![tests("a.py::a+ t.py::x+ t.py::y-")]), @"
    Unproven, acceptable false, all green false
    the checks were red before and are as red now: t.py::y fails
    added: t.py::x
    still failing: t.py::y
    ");
    insta::assert_snapshot!(told(before(), vec![tests("a.py::a+ t.py::x+ t.py::y+")]), @"
    Added, acceptable true, all green true
    t.py::x, t.py::y pass now that did not run before; nothing broke
    added: t.py::x
    added: t.py::y
    ");
    insta::assert_snapshot!(told(before(), vec![tests("a.py::a+ u.py::x-")]), @"
    Refused, acceptable false, all green false
    what was green before is not any more: u.py::x fails or is gone
    broken: u.py::x
    note: 1 test of `cargo test` that failed before did not run any more, which proves nothing
    ");
    insta::assert_snapshot!(told(vec![tests("a+ t-")], vec![tests("a+ t::x+")]), @"
    Added, acceptable true, all green true
    t::x passes now that did not run before; nothing broke
    added: t::x
    note: 1 test of `cargo test` that failed before did not run any more, which proves nothing
    ");
}

#[test]
fn nothing_new_is_green() {
    insta::assert_snapshot!(told(vec![tests("a+ s~")], vec![tests("a+ s~")]), @"
    Green, acceptable true, all green true
    everything that passed before passes now; no test tells the change from the base
    ");
}

#[test]
fn as_red_as_before_is_unproven() {
    insta::assert_snapshot!(told(vec![tests("a+ b-")], vec![tests("a+ b- c+")]), @"
    Unproven, acceptable false, all green false
    the checks were red before and are as red now: b fails
    added: c
    still failing: b
    ");
}

#[test]
fn a_failed_test_that_is_gone_proves_nothing() {
    insta::assert_snapshot!(told(vec![tests("a+ b-")], vec![tests("a+ b~")]), @"
    Green, acceptable true, all green true
    everything that passed before passes now; 1 test that failed before did not run any more, which proves nothing
    note: 1 test of `cargo test` that failed before did not run any more, which proves nothing
    ");
}

#[test]
fn without_tests_it_is_loudly_unproven() {
    insta::assert_snapshot!(told(vec![], vec![]), @"
    Unproven, acceptable true, all green true
    NOTHING WAS CHECKED: no build or test command was found in this repository
    ");
    insta::assert_snapshot!(told(vec![build(0)], vec![build(0)]), @"
    Unproven, acceptable true, all green true
    NO TEST WAS RUN: the tree builds, which says nothing about what it does
    ");
    let missing =
        || CheckRun::not_run(check(CheckKind::Test, "mvn test"), "the program mvn is not installed here".to_owned());
    insta::assert_snapshot!(told(vec![missing()], vec![missing()]), @"
    Unproven, acceptable true, all green true
    NOTHING WAS CHECKED: none of the commands that were found can be run here (`mvn test`: the program mvn is not installed here)
    note: `mvn test` was not run on the changed tree: the program mvn is not installed here
    ");
    insta::assert_snapshot!(told(vec![tests("")], vec![tests("")]), @"
    Unproven, acceptable true, all green true
    NOTHING WAS CHECKED: none of the commands that were found ran any test here
    note: `cargo test` found no tests
    ");
}

#[test]
fn exit_codes_count_where_names_are_missing() {
    insta::assert_snapshot!(told(vec![code("make test", 2, "wrong sum")], vec![code("make test", 0, "")]), @"
    Proven, acceptable true, all green true
    make test failed before and passes now
    fixed: make test
    note: `make test` names no tests that could be read, so only its exit code counts
    ");
    insta::assert_snapshot!(told(vec![code("make test", 0, "")], vec![code("make test", 2, "")]), @"
    Refused, acceptable false, all green false
    what was green before is not any more: make test fails or is gone
    broken: make test
    note: `make test` names no tests that could be read, so only its exit code counts
    ");
}

#[test]
fn what_did_not_compile_before_is_no_proof() {
    let broken = || code("cargo test", 101, "error[E0308]: mismatched types");
    insta::assert_snapshot!(told(vec![broken()], vec![tests("a+ b+")]), @"
    Added, acceptable true, all green true
    a, b pass now that did not run before; nothing broke
    added: a
    added: b
    note: the tests of `cargo test` could not run on the base, so none of them is a proof
    ");
    insta::assert_snapshot!(told(vec![broken()], vec![tests("a+ b-")]), @"
    Unproven, acceptable false, all green false
    the checks were red before and are as red now: b fails
    added: a
    still failing: b
    ");
    insta::assert_snapshot!(told(vec![code("make test", 2, "a.c:1:1: error: no")], vec![code("make test", 0, "")]), @"
    Added, acceptable true, all green true
    make test passes now that did not run before; nothing broke
    added: make test
    note: `make test` did not get to its tests on the base, so that it passes now is no proof
    note: `make test` names no tests that could be read, so only its exit code counts
    ");
}

#[test]
fn what_does_not_compile_now_is_one_breakage() {
    insta::assert_snapshot!(told(vec![tests("a+ b+")], vec![code("cargo test", 101, "error[E0308]: mismatched types")]), @"
    Refused, acceptable false, all green false
    what was green before is not any more: cargo test fails or is gone
    broken: cargo test
    note: `cargo test` names no tests that could be read, so only its exit code counts
    ");
}

#[test]
fn a_silenced_runner_is_broken_and_no_green() {
    insta::assert_snapshot!(told(vec![tests("a+ b+")], vec![code("cargo test", 0, "")]), @"
    Refused, acceptable false, all green false
    what was green before is not any more: cargo test (reports none of the 2 tests that passed before) fails or is gone
    broken: cargo test (reports none of the 2 tests that passed before)
    note: `cargo test` names no tests that could be read, so only its exit code counts
    ");
}

#[test]
fn a_command_that_fails_without_a_failed_test_is_broken() {
    let coverage = CheckRun { exit: Exit::Code(1), ..tests("a+") };
    insta::assert_snapshot!(told(vec![tests("a+")], vec![coverage.clone()]), @"
    Refused, acceptable false, all green false
    what was green before is not any more: cargo test fails or is gone
    broken: cargo test
    ");
    assert_eq!(evidence(vec![coverage.clone()], vec![coverage]).verdict, Verdict::Unproven);
}

#[test]
fn a_cut_output_does_not_make_tests_disappear() {
    let cut = CheckRun { dropped_bytes: 9, ..tests("a+ c+") };
    insta::assert_snapshot!(told(vec![tests("a+ b+")], vec![cut]), @"
    Unproven, acceptable true, all green true
    1 test that passed before cannot be seen in an output that was cut
    note: the output of `cargo test` was too long to be kept whole, so tests may be missing from it
    ");
}

#[test]
fn builds_break_and_do_not_prove() {
    assert_eq!(evidence(vec![build(0), tests("a+")], vec![build(1), tests("a+")]).broken, ["make"]);
    let behind = || CheckRun::not_run(tests("").check, "the build before it failed: make".to_owned());
    insta::assert_snapshot!(told(vec![build(1), behind()], vec![build(0), tests("a+")]), @"
    Added, acceptable true, all green true
    a passes now that did not run before; nothing broke
    added: a
    note: `make` failed before and succeeds now; a build alone proves no behaviour
    note: `cargo test` could not be run on the base, so there is nothing to compare with
    ");
    insta::assert_snapshot!(told(vec![build(0), tests("a+")], vec![build(1), behind()]), @"
    Refused, acceptable false, all green false
    what was green before is not any more: make fails or is gone
    broken: make
    note: `cargo test` was not run on the changed tree: the build before it failed: make
    ");
}

#[test]
fn a_check_that_can_no_longer_be_started_is_broken() {
    let gone = CheckRun::not_run(tests("").check, "the program ./mvnw does not exist in this tree".to_owned());
    assert_eq!(evidence(vec![tests("a+")], vec![gone.clone()]).broken, ["cargo test"]);
    insta::assert_snapshot!(told(vec![tests("a-")], vec![gone]), @"
    Refused, acceptable false, all green true
    `cargo test` ran before and does not any more: the program ./mvnw does not exist in this tree
    note: `cargo test` was not run on the changed tree: the program ./mvnw does not exist in this tree
    ");
}

#[test]
fn folders_keep_tests_of_the_same_name_apart() {
    let inside = |folder: &str, list: &str| {
        let mut run = tests(list);
        run.check.folder = folder.to_owned();
        run
    };
    let found = evidence(vec![inside("a", "t-"), inside("b", "t+")], vec![inside("a", "t+"), inside("b", "t-")]);
    assert_eq!((found.fixed, found.broken), (vec!["a: t".to_owned()], vec!["b: t".to_owned()]));
}

#[path = "feedback_tests.rs"]
mod feedback;
