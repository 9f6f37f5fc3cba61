//! Outputs that the runners really printed, for small projects made for this purpose (the work tree's and the tool's
//! own folders are renamed), and what is read from them.

mod python;

use std::path::Path;

use super::*;

fn fixture(name: &str) -> String {
    let path = format!("{}/src/verify/reports/fixtures/{name}.txt", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).expect("a fixture");
    super::super::normalise(&text, &[(Path::new("/tmp/prentice-tree-x1/tree"), ".")])
}

/// One line a test: its outcome, its name and the first line of its message.
fn table(text: &str) -> String {
    let parsed = parse(text);
    let mut lines = vec![format!("{:?}", parsed.format)];
    for test in &parsed.tests {
        let why = test.message.as_deref().map(|text| format!(" | {}", text.replace('\n', " / "))).unwrap_or_default();
        let why: String = why.chars().take(150).collect();
        lines.push(format!("{:?} {}{why}", test.outcome, test.name));
    }
    lines.join("\n")
}

fn read(name: &str) -> String {
    table(&fixture(name))
}

#[test]
fn libtest_names_the_program_and_keeps_the_messages() {
    insta::assert_snapshot!(read("libtest_mixed"), @r#"
    Libtest
    Passed api (tests/api.rs) adds
    Failed api (tests/api.rs) halves | thread 'halves' panicked at tests/api.rs:2:23: / assertion failed: calc::half(5) == 3
    Passed calc (doc) src/lib.rs - add
    Failed calc (doc) src/lib.rs - half | Test executable failed (exit status: 101). /  / stderr: /  / thread 'main' panicked at /tmp/rustdoctest/doctest_bundle_2024.rs:14:1: / assertion `l
    Passed calc (src/lib.rs) tests::adds
    Failed calc (src/lib.rs) tests::does_not_panic | note: test did not panic as expected at src/lib.rs:18:32
    Failed calc (src/lib.rs) tests::halves | looking at half /  / thread 'tests::halves' panicked at src/lib.rs:16:56: / assertion `left == right` failed: half of three /   left: 1 /  right: 2
    Failed calc (src/lib.rs) tests::returns_an_error | Error: "no such number"
    Skipped calc (src/lib.rs) tests::slow
    Passed more (tests/more.rs) adds
    Passed more (tests/more.rs) noisy
    "#);
    insta::assert_snapshot!(read("libtest_green"), @"
    Libtest
    Passed api (tests/api.rs) adds
    Passed api (tests/api.rs) halves
    Passed calc (doc) src/lib.rs - add
    Passed calc (doc) src/lib.rs - half
    Passed calc (src/lib.rs) tests::adds
    Passed calc (src/lib.rs) tests::halves
    Passed calc (src/lib.rs) tests::panics
    Passed calc (src/lib.rs) tests::returns_an_error
    Skipped calc (src/lib.rs) tests::slow
    Passed more (tests/more.rs) adds
    Passed more (tests/more.rs) noisy
    ");
}

#[test]
fn libtest_that_does_not_compile_has_no_tests_and_a_crash_is_a_failure() {
    insta::assert_snapshot!(read("libtest_compile_error"), @"ExitCode");
    insta::assert_snapshot!(read("libtest_abort"), @"
    Libtest
    Failed aborts (tests/aborts.rs) (the test program ended early) | error: test failed, to rerun pass `--test aborts` /  / Caused by: /   process didn't exit successfully: `target/debug/deps/aborts` (signal: 6, SIGA
    Passed aborts (tests/aborts.rs) before
    ");
}

#[test]
fn libtest_lines_that_do_not_add_up_count_as_one_test() {
    let text = "running 2 tests\ntest a ... ok\nnoise\ntest result: ok. 2 passed; 0 failed; 0 ignored\n";
    insta::assert_snapshot!(table(text), @"
    Libtest
    Passed (all tests of it)
    ");
}

#[test]
fn go_reads_subtests_packages_and_builds_that_fail() {
    insta::assert_snapshot!(read("go_mixed"), @"
    GoTestJson
    Passed example.org/shop/math TestAdd
    Failed example.org/shop/math TestHalf
    Passed example.org/shop/math TestHalf/even_number
    Failed example.org/shop/math TestHalf/odd |     m_test.go:6: Half(3) = 1, want 2
    Skipped example.org/shop/math TestLater
    ");
    insta::assert_snapshot!(read("go_build_failure"), @r#"
    GoTestJson
    Failed example.org/shop/bad (package) | # example.org/shop/bad [example.org/shop/bad.test] / bad/b.go:2:23: cannot use "x" (untyped string constant) as int value in return statement
    Passed example.org/shop/math TestAdd
    Failed example.org/shop/math TestHalf
    Passed example.org/shop/math TestHalf/even_number
    Failed example.org/shop/math TestHalf/odd |     m_test.go:6: Half(3) = 1, want 2
    Skipped example.org/shop/math TestLater
    Failed example.org/shop/math TestPanics | panic: assignment to entry in nil map [recovered] / 	panic: assignment to entry in nil map /  / goroutine N [running]: / testing.tRunner.func1.2({A
    "#);
}

#[test]
fn go_output_is_readable() {
    let readable = parse(&fixture("go_mixed")).readable.expect("json is not for people");
    insta::assert_snapshot!(readable, @"
    === RUN   TestAdd
    adding
    --- PASS: TestAdd (TIME)
    === RUN   TestHalf
    === RUN   TestHalf/even_number
    === RUN   TestHalf/odd
        m_test.go:6: Half(3) = 1, want 2
    --- FAIL: TestHalf (TIME)
        --- PASS: TestHalf/even_number (TIME)
        --- FAIL: TestHalf/odd (TIME)
    === RUN   TestLater
        m_test.go:9: later
    --- SKIP: TestLater (TIME)
    FAIL
    FAIL	example.org/shop/math	TIME
    ?   	example.org/shop/none	[no test files]
    ");
}

#[test]
fn tap_joins_suites_and_tests() {
    insta::assert_snapshot!(read("tap_node"), @"
    Tap
    Passed adds
    Passed adds (2)
    Failed cart > holds # items |       location: './shop.test.js:7:8' /       failureType: 'testCodeFailure' /       error: |- /         Expected values to be loosely deep-equal: /
    Passed cart > inner > is empty
    Passed cart > is empty
    Failed fails |   location: './shop.test.js:4:1' /   failureType: 'testCodeFailure' /   error: |- /     sums /      /     2 !== 3 /      /   code: 'ERR_ASSERTION' 
    Skipped later
    Skipped todo one
    Passed with subtests > sub one
    ");
    insta::assert_snapshot!(read("vitest_tap"), @r#"
    Tap
    Failed vt/a.spec.mjs > total > bad |     error: /         name: "AssertionError" /         message: "expected 1 to be 2 // Object.is equality" /     at: "./vt/a.spec.mjs:2:79" /     ac
    Skipped vt/a.spec.mjs > total > later
    Passed vt/a.spec.mjs > total > ok
    "#);
}

#[test]
fn tap_names_a_file_that_cannot_be_loaded() {
    let table = read("tap_node_broken_file");
    assert!(table.contains("\nFailed ./broken.test.js | "), "{table}");
}

#[test]
fn nodes_spec_reporter_gives_the_same_tests_as_tap() {
    let names =
        |name| parse(&fixture(name)).tests.into_iter().map(|test| (test.name, test.outcome)).collect::<Vec<_>>();
    assert_eq!(names("node_spec"), names("tap_node"));
}

#[test]
fn jest_joins_file_suites_and_tests() {
    insta::assert_snapshot!(read("jest_mixed"), @"
    Jest
    Passed __tests__/other.test.js › top level
    Passed __tests__/shop.test.js › top level
    Skipped __tests__/shop.test.js › total › nested › is skipped
    Skipped __tests__/shop.test.js › total › nested › is to do
    Passed __tests__/shop.test.js › total › nested › works
    Passed __tests__/shop.test.js › total › of nothing
    Failed __tests__/shop.test.js › total › of two (both) |     expect(received).toBe(expected) // Object.is equality /  /     Expected: 3 /     Received: 2 /  /       3 | describe('total', () => { /       4
    ");
    insta::assert_snapshot!(read("jest_broken_suite"), @"
    Jest
    Failed __tests__/broken.test.js |     Cannot find module './missing' from '__tests__/broken.test.js' /  /     > 1 | require('./missing'); test('x', () => {}); /         | ^ /       
    Passed __tests__/other.test.js › top level
    Passed __tests__/shop.test.js › top level
    Skipped __tests__/shop.test.js › total › nested › is skipped
    Skipped __tests__/shop.test.js › total › nested › is to do
    Passed __tests__/shop.test.js › total › nested › works
    Passed __tests__/shop.test.js › total › of nothing
    Failed __tests__/shop.test.js › total › of two (both) |     expect(received).toBe(expected) // Object.is equality /  /     Expected: 3 /     Received: 2 /  /       3 | describe('total', () => { /       4
    ");
    insta::assert_snapshot!(read("jest_plain"), @"ExitCode");
}

#[test]
fn surefire_reads_methods_where_they_are_printed_and_classes_otherwise() {
    insta::assert_snapshot!(read("surefire_plain"), @"
    Surefire
    Passed shop.OtherTest.passes
    Passed shop.OtherTest.passesToo
    Failed shop.ShopTest.boom | java.lang.IllegalStateException: boom / 	at shop.ShopTest.boom(ShopTest.java:7)
    Passed shop.ShopTest.even
    Failed shop.ShopTest.halves | java.lang.AssertionError: half of three expected:<2> but was:<1> / 	at shop.ShopTest.halves(ShopTest.java:5)
    Skipped shop.ShopTest.later
    ");
    insta::assert_snapshot!(read("surefire_mixed"), @"
    Surefire
    Passed shop.OtherTest (class)
    Failed shop.ShopTest (class)
    Failed shop.ShopTest.boom | java.lang.IllegalStateException: boom / 	at shop.ShopTest.boom(ShopTest.java:7)
    Failed shop.ShopTest.halves | java.lang.AssertionError: half of three expected:<2> but was:<1> / 	at shop.ShopTest.halves(ShopTest.java:5)
    ");
    insta::assert_snapshot!(read("surefire_compile_error"), @"ExitCode");
}

#[test]
fn surefire_3_is_read_too() {
    let text = "[ERROR] Tests run: 2, Failures: 1, Errors: 0, Skipped: 0, Time elapsed: TIME <<< FAILURE! -- in shop.ShopTest\n[ERROR] shop.ShopTest.halves -- Time elapsed: TIME <<< FAILURE!\norg.opentest4j.AssertionFailedError: expected: <2> but was: <1>\n\n[INFO] shop.ShopTest.even -- Time elapsed: TIME\n";
    insta::assert_snapshot!(table(text), @"
    Surefire
    Passed shop.ShopTest.even
    Failed shop.ShopTest.halves | org.opentest4j.AssertionFailedError: expected: <2> but was: <1>
    ");
}

#[test]
fn ctest_reads_all_endings() {
    insta::assert_snapshot!(read("ctest_mixed"), @"
    Ctest
    Passed adds
    Failed crashes | Subprocess aborted***Exception:
    Failed fails here | Failed / expected 2, got 3
    Skipped off
    Skipped skipped
    Failed slow | Timeout
    ");
}

#[test]
fn what_is_not_understood_is_said() {
    for text in ["", "all good\n", "make: *** [test] Error 1\n", &fixture("vitest")] {
        assert_eq!(parse(text), Parsed { format: ReportFormat::ExitCode, tests: Vec::new(), readable: None }, "{text}");
    }
}

#[test]
fn nextest_lists_each_test_once() {
    insta::assert_snapshot!(read("nextest_mixed"), @"
    Nextest
    Passed calc tests::adds
    Failed calc tests::halves |   stdout ─── /  /     running 1 test /     looking /     test tests::halves ... FAILED /  /     failures: /  /     failures: /         tests::halve
    Failed calc::api aborts |   stdout ─── /  /     running 1 test /  /     (test aborted with signal 6: SIGABRT)
    Passed calc::api adds
    ");
}

#[test]
fn mocha_minitest_and_exunit() {
    insta::assert_snapshot!(read("mocha"), @"
    Mocha
    Failed total > bad |        bad: /  /       AssertionError [ERR_ASSERTION]: 1 == 2 /       + expected - actual /  /       -1 /       +2 /        /       at Context.<ano
    Passed total > inner > works
    Skipped total > later
    Passed total > ok
    ");
    insta::assert_snapshot!(read("minitest_mixed"), @r#"
    Minitest
    Passed TestShop#test_adds
    Failed TestShop#test_halves | Expected: 2 /   Actual: 1
    Skipped TestShop#test_later
    Failed TestShop#test_missing | NameError: undefined local variable or method `total' for #<TestShop:ADDRESS @NAME="test_missing", @failures=[#<Minitest::UnexpectedError: Unexpect
    "#);
    insta::assert_snapshot!(read("exunit_mixed"), @"
    Exunit
    Passed ShopTest test adds
    Failed ShopTest test halves |      test/shop_test.exs:4 /      Assertion with == failed /      code:  assert Shop.half(3) == 2 /      left:  1 /      right: 2 /      stacktrace:
    Passed ShopTest test inner adds
    Skipped ShopTest test later
    ");
}
