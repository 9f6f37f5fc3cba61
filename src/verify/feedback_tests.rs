//! What the model is told of failures.

use super::*;

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
fn a_check_that_the_change_keeps_from_starting_is_told_and_one_that_never_started_is_not() {
    let gone = || CheckRun::not_run(tests("").check, "its tool did not start here".to_owned());
    let told = |base: TreeRun| failures_for_model(&tree(vec![gone()]), Some(&base), 4000);
    assert_eq!(told(tree(vec![tests("a-")])), "`cargo test` was not run: its tool did not start here\n");
    assert_eq!(told(tree(vec![gone()])), "");
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
