//! Every row of the comparison's table, the verdicts, and what the model is told.

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
    NOTHING WAS CHECKED: none of the commands that were found ran any test here
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
    assert_eq!(evidence(vec![tests("a+")], vec![gone]).broken, ["cargo test"]);
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

#[test]
fn the_model_is_told_what_it_broke_first() {
    let base = tree(vec![tests("a+ b- c+")]);
    let now = tree(vec![tests("a- b- c+")]);
    insta::assert_snapshot!(failures_for_model(&now, Some(&base), 4000), @"
    `cargo test` failed with exit code 101: 2 of 3 tests failed

    FAILED a
        a is wrong

    FAILED b (failed before your change too)
        b is wrong
    ");
}

#[test]
fn the_model_is_told_of_code_that_does_not_compile_first() {
    let run = tree(vec![tests("a-"), code("make all-tests", 2, "x.c:1:1: error: expected ;\nmake: *** [x.o] Error 1")]);
    insta::assert_snapshot!(failures_for_model(&run, None, 4000), @"
    `make all-tests` failed with exit code 2
    x.c:1:1: error: expected ;
    make: *** [x.o] Error 1

    `cargo test` failed with exit code 101: 1 of 1 tests failed

    FAILED a
        a is wrong
    ");
}

#[test]
fn the_model_is_told_how_a_command_ended() {
    let slow = CheckRun { exit: Exit::TimedOut, ..code("make test", 0, "waiting for nobody") };
    let coverage = CheckRun { exit: Exit::Code(1), excerpt: "coverage 80 % is below 90 %".to_owned(), ..tests("a+") };
    insta::assert_snapshot!(failures_for_model(&tree(vec![slow, coverage]), None, 4000), @"
    `make test` ran too long and was stopped
    waiting for nobody

    `cargo test` failed with exit code 1: 0 of 1 tests failed
    All tests that ran passed, and yet the command failed:
    coverage 80 % is below 90 %
    ");
    assert_eq!(failures_for_model(&tree(vec![tests("a+")]), None, 4000), "");
}

/// A run whose failed tests are these, each with its message.
fn failing(failed: &[(&str, &str)]) -> CheckRun {
    let test = |(name, message): &(&str, &str)| TestResult {
        message: Some((*message).to_owned()),
        ..TestResult::new(*name, Outcome::Failed)
    };
    CheckRun { tests: failed.iter().map(test).collect(), ..tests("x-") }
}

#[test]
fn tests_that_fail_in_the_same_way_stand_below_the_first_of_them() {
    let run = tree(vec![failing(&[
        ("t.py::gcd[a0]", "a = 1\n>   assert gcd(a)\nE   Wrong: 17"),
        ("t.py::lcm", "E   Wrong: 1"),
        ("t.py::gcd[a1]", "a = 2\n>   assert gcd(a)\nE   Wrong: 18"),
        ("t.py::gcd[a2]", ">   assert gcd(a)\nE   Wrong: 19"),
        ("t.py::gcd[a3]", "E   Other"),
    ])]);
    insta::assert_snapshot!(failures_for_model(&run, None, 4000), @"
    `cargo test` failed with exit code 101: 5 of 5 tests failed

    FAILED t.py::gcd[a2]
        >   assert gcd(a)
        E   Wrong: 19
        in the same way, with a = 1: Wrong: 17
        in the same way, with a = 2: Wrong: 18

    FAILED t.py::lcm
        E   Wrong: 1

    FAILED t.py::gcd[a3]
        E   Other
    ");
}

#[test]
fn the_others_are_left_out_with_the_first_of_them() {
    let long: String = (0..60).map(|line| format!("line {line}\n")).collect();
    let long = long + "E   Wrong";
    let run = tree(vec![failing(&[("t[0]", &long), ("t[1]", &long), ("u", "E   Bad")])]);
    insta::assert_snapshot!(failures_for_model(&run, None, 400), @"
    `cargo test` failed with exit code 101: 3 of 3 tests failed

    FAILED u
        E   Bad

    [2 more failed tests left out]
    ");
}

#[test]
fn where_pytest_says_the_place_it_makes_failures_the_same() {
    let message = |n: usize, place: &str| format!("n = {n}\n>   assert f(n)\nE   assert {n} == 'x{n}'\n\nt.py:{place}");
    let case = |n: usize, place: &str| (format!("t.py::f[{n}]"), message(n, place));
    let mut cases: Vec<(String, String)> = (10..17).map(|n| case(n, "21: AssertionError")).collect();
    cases.push(case(17, "21: ValueError"));
    cases.push(case(18, "22: AssertionError"));
    let cases: Vec<(&str, &str)> = cases.iter().map(|(name, message)| (name.as_str(), message.as_str())).collect();
    let run = tree(vec![failing(&cases)]);
    let told = failures_for_model(&run, None, 4000);
    let lines: Vec<&str> = told.lines().filter(|line| line.contains("FAILED") || line.contains("same way")).collect();
    insta::assert_snapshot!(lines.join("\n"), @"
    FAILED t.py::f[10]
        in the same way, with n = 11: assert 11 == 'x11'
        in the same way, with n = 12: assert 12 == 'x12'
        in the same way, with n = 13: assert 13 == 'x13'
        in the same way, with n = 14: assert 14 == 'x14'
        in the same way: 2 more
    FAILED t.py::f[17]
    FAILED t.py::f[18]
    ");
}

#[test]
fn the_frames_of_a_recursion_are_told_once() {
    let frame = "gcd.py:5: in gcd\n    return gcd(a % b, b)\n           ^^^^^^^^^^^^^\n";
    let message = format!("t.py:15: in test\n{}{}E   RecursionError\nend\nend", frame.repeat(3), "deep\n".repeat(5));
    let run = tree(vec![failing(&[("t", &message)])]);
    insta::assert_snapshot!(failures_for_model(&run, None, 4000), @"
    `cargo test` failed with exit code 101: 1 of 1 tests failed

    FAILED t
        t.py:15: in test
        gcd.py:5: in gcd
            return gcd(a % b, b)
                   ^^^^^^^^^^^^^
        [these 3 lines 2 more times]
        deep
        [this line 4 more times]
        E   RecursionError
        end
        end
    ");
}

#[test]
fn the_cap_holds_and_says_what_is_missing() {
    let many: String = (0..200).map(|n| format!("test_{n:03}- ")).collect();
    let text = failures_for_model(&tree(vec![tests(&many)]), None, 900);
    assert!(text.len() <= 900, "{}", text.len());
    assert!(text.ends_with("more failed tests left out]\n"), "{text}");
}
