//! What policy makes of evidence: proof that counts for nothing, and changes that it refuses.

use super::tests::path;
use super::*;
use crate::verify::{Check, CheckKind, CheckRun, Exit, Outcome, ReportFormat, TestResult, TreeRun, compare};

fn run(list: &[(&str, Outcome)]) -> TreeRun {
    let check = Check {
        kind: CheckKind::Test,
        argv: vec!["t".to_owned()],
        folder: String::new(),
        found_in: String::new(),
        report: None,
    };
    let result = |(name, outcome): &(&str, Outcome)| TestResult::new(*name, *outcome);
    let mut tests: Vec<TestResult> = list.iter().map(result).collect();
    tests.sort_by(|a, b| a.name.cmp(&b.name));
    let red = tests.iter().any(|test| test.outcome == Outcome::Failed);
    let run = CheckRun {
        exit: Exit::Code(i32::from(red)),
        could_not_run: None,
        format: ReportFormat::Pytest,
        tests,
        ..CheckRun::not_run(check, String::new())
    };
    TreeRun { checks: vec![run] }
}

/// The evidence of these tests turning from red to green, discounted for a change of this file and kind.
fn discounted(fixed: &[&str], file: &str, kind: TouchedKind) -> Evidence {
    let all = |outcome| fixed.iter().map(|name| (*name, outcome)).collect::<Vec<_>>();
    let evidence = compare(run(&all(Outcome::Failed)), run(&all(Outcome::Passed)), None, Vec::new());
    assert_eq!(evidence.verdict, Verdict::Proven);
    discount(evidence, &[Touched { path: path(file), kind }])
}

#[test]
fn a_test_in_a_changed_file_proves_nothing() {
    let changed = TouchedKind::TestsChanged;
    for (test, file, proven) in [
        ("tests/test_a.py::test_x", "tests/test_a.py", false),
        ("tests/test_a.py::test_x", "tests/test_b.py", true),
        ("api (tests/api.rs) halves", "tests/api.rs", false),
        ("api (tests/api.rs) halves", "crates/x/tests/api.rs", false),
        ("calc (src/lib.rs) shop::tests::halves", "src/shop.rs", false),
        ("calc (src/lib.rs) shop::tests::halves", "src/shop/mod.rs", false),
        ("calc (src/lib.rs) shop::tests::halves", "src/cart.rs", true),
        ("calc (src/lib.rs) tests::halves", "src/lib.rs", false),
        ("test_shop.ShopTest.test_x", "test_shop.py", false),
        ("test_shop.ShopTest.test_x", "test_cart.py", true),
        ("shop.ShopTest.halves", "src/test/java/shop/ShopTest.java", false),
        ("shop.ShopTest.halves", "src/test/java/shop/CartTest.java", true),
        ("example.org/shop/math TestHalf", "math/half_test.go", false),
        ("example.org/shop/math TestHalf", "text/a_test.go", true),
        ("adds two numbers", "a.test.js", false),
        ("make test", "tests/api.rs", false),
        ("tests/test_a.py::test_x", "tests/conftest.py", false),
        ("tests/test_a.py::test_x", "tests/data.json", false),
        ("tests/test_a.py::test_x", "tests/factories.py", false),
    ] {
        let found = discounted(&[test], file, changed);
        let expected = if proven { Verdict::Proven } else { Verdict::Green };
        assert_eq!(found.verdict, expected, "{test} and {file}");
        assert_eq!(found.fixed.is_empty(), !proven, "{test} and {file}");
    }
}

#[test]
fn settings_reach_every_test() {
    for kind in
        [TouchedKind::CheckSettings, TouchedKind::TestCommand, TouchedKind::BuildScript, TouchedKind::SnapshotChanged]
    {
        assert_eq!(discounted(&["tests/test_a.py::test_x"], "x.toml", kind).verdict, Verdict::Green, "{kind:?}");
    }
}

#[test]
fn what_stands_elsewhere_still_proves() {
    let found = discounted(&["tests/test_a.py::x", "tests/test_b.py::y"], "tests/test_a.py", TouchedKind::TestsChanged);
    assert_eq!((found.verdict, found.fixed), (Verdict::Proven, vec!["tests/test_b.py::y".to_owned()]));
    insta::assert_snapshot!(found.not_checked.join("\n"), @"these turned green and prove nothing, because tests/test_a.py: existing tests were changed: tests/test_a.py::x");
}

#[test]
fn a_discounted_proof_falls_to_what_is_left() {
    use Outcome::{Failed, Passed};
    let touched = [Touched { path: path("test_a.py"), kind: TouchedKind::TestsChanged }];
    let added = compare(
        run(&[("test_a.py::x", Failed)]),
        run(&[("test_a.py::x", Passed), ("test_n.py::n", Passed)]),
        None,
        Vec::new(),
    );
    assert_eq!(discount(added, &touched).verdict, Verdict::Added);
    let red = [("test_a.py::x", Failed), ("test_b.py::y", Failed)];
    let red = discount(compare(run(&red), run(&[("test_a.py::x", Passed), red[1]]), None, Vec::new()), &touched);
    assert_eq!((red.verdict, red.is_acceptable()), (Verdict::Unproven, false));
    insta::assert_snapshot!(red.reason, @"the tests that turned green do not count as proof, because test_a.py: existing tests were changed");
}

#[test]
fn evidence_that_is_not_acceptable_is_refused() {
    use Outcome::{Failed, Passed};
    let settings = PolicySettings::default();
    let severity = |evidence: &Evidence| review(&[], Some(evidence), &settings).first().map(|finding| finding.severity);
    let broken = compare(run(&[("a", Passed)]), run(&[("a", Failed)]), None, Vec::new());
    assert_eq!(severity(&broken), Some(Severity::Refuse));
    let nothing = compare(TreeRun::default(), TreeRun::default(), None, Vec::new());
    assert_eq!(severity(&nothing), Some(Severity::Flag));
    let green = compare(run(&[("a", Passed)]), run(&[("a", Passed)]), None, Vec::new());
    assert_eq!(severity(&green), None);
}

#[test]
fn a_test_that_was_turned_round_is_refused_but_in_a_change_of_a_person() {
    use Outcome::Passed;
    let mut evidence = compare(run(&[("a", Passed)]), run(&[("a", Passed)]), None, Vec::new());
    evidence.turned = vec!["a".to_owned()];
    for (settings, severity) in [
        (PolicySettings::default(), Severity::Refuse),
        (PolicySettings::default().for_a_person(), Severity::Flag),
        (PolicySettings { refused: Vec::new(), ..PolicySettings::default() }, Severity::Flag),
    ] {
        let found = review(&[], Some(&evidence), &settings);
        let told: Vec<_> = found.iter().map(|finding| (finding.severity, finding.text.as_str())).collect();
        let text = "verification was touched: tests that passed were made to expect something else, and fail in their old \
                    form with this change: a";
        assert_eq!(told, [(severity, text)]);
    }
}

#[test]
fn a_change_that_stops_halfway_is_refused_but_that_of_a_person() {
    use Outcome::{Failed, Passed};
    let cases = |second| run(&[("t[a]", Passed), ("t[b]", second)]);
    let found = |evidence: &Evidence, settings: PolicySettings| -> Vec<_> {
        review(&[], Some(evidence), &settings).into_iter().map(|found| (found.severity, found.text)).collect()
    };
    let before = run(&[("t[a]", Failed), ("t[b]", Failed)]);
    let half = compare(before.clone(), cases(Failed), None, Vec::new());
    let text = || "it stops halfway: t[b] failed before and still fails (1 in all)".to_owned();
    assert_eq!(found(&half, PolicySettings::default()), [(Severity::Refuse, text())]);
    assert_eq!(found(&half, PolicySettings::default().for_a_person()), [(Severity::Flag, text())]);
    assert_eq!(found(&compare(before, cases(Passed), None, Vec::new()), PolicySettings::default()), []);
}
