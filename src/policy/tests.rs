//! Changes that a hostile or careless model would make, beside their harmless twins.

use proptest::prelude::*;

use super::*;
use crate::repo::{FileMode, StoredFile};
use crate::verify::{Check, CheckKind, CheckRun, Exit, Outcome, ReportFormat, TestResult, TreeRun, compare};

fn path(text: &str) -> RepoPath {
    RepoPath::of_existing(text).expect(text)
}

fn change(name: &str, before: Option<&str>, after: Option<&str>) -> FileChange {
    let file = |text: &str| StoredFile::regular(text.as_bytes());
    FileChange { path: path(name), before: before.map(file), after: after.map(file) }
}

/// One line a finding: severity, rule, text.
fn found(changes: &[FileChange]) -> String {
    let line = |finding: &Finding| format!("{:?} {}: {}", finding.severity, finding.rule, finding.text);
    review(changes, None, &PolicySettings::default()).iter().map(line).collect::<Vec<_>>().join("\n")
}

fn rules(changes: &[FileChange]) -> Vec<&'static str> {
    let rule = |finding: Finding| match finding.rule {
        std::borrow::Cow::Borrowed(rule) => rule,
        std::borrow::Cow::Owned(rule) => rule.leak(),
    };
    review(changes, None, &PolicySettings::default()).into_iter().map(rule).collect()
}

#[test]
fn an_ordinary_change_is_let_through() {
    assert_eq!(
        found(&[
            change("src/shop.py", Some("a = 1\n"), Some("a = 2 # ✔️ naïve\n")),
            change("docs/x.md", None, Some("skip\n"))
        ]),
        ""
    );
}

#[test]
fn protected_paths_are_refused_in_every_spelling() {
    for name in [
        ".github/workflows/ci.yml",
        ".GITHUB/Workflows/deep/CI.yml",
        "sub/action.yaml",
        ".gitmodules",
        "a/.gitattributes",
        "docs/CODEOWNERS",
        "Renovate.json",
        ".husky/pre-commit",
        ".vscode/tasks.json",
        "Jenkinsfile",
        "AGENTS.md",
        "pkg/CLAUDE.md",
        ".prentice.yml",
        "\u{FF0E}gitmodules",
        ".devcontainer/x.json",
    ] {
        let rules = rules(&[change(name, None, Some("x\n"))]);
        assert!(rules.contains(&"protected-path"), "{name}: {rules:?}");
    }
    for name in [
        "src/workflows/ci.yml",
        "src/reaction.yml.rs",
        "src/agents.rs",
        ".github/ISSUE_TEMPLATE.md",
        ".vscode/settings.json",
    ] {
        assert_eq!(rules(&[change(name, None, Some("x\n"))]), [""; 0], "{name}");
    }
}

#[test]
fn a_wrong_pattern_is_an_error() {
    insta::assert_snapshot!(ProtectedPaths::parse(["src/[a"]).expect_err("not closed"), @r#"the protected path "src/[a" is not a pattern: unclosed character class; missing ']'"#);
}

#[test]
fn sizes_are_limited() {
    let many: Vec<FileChange> = (0..21).map(|n| change(&format!("a{n}.py"), None, Some("x\n"))).collect();
    insta::assert_snapshot!(found(&many), @"Refuse size: the change has 21 files, and 20 are allowed");
    insta::assert_snapshot!(found(&[change("a.py", None, Some(&"x = 1\n".repeat(1501)))]), @"Refuse size: the change has 1501 changed lines, and 1500 are allowed");
    insta::assert_snapshot!(found(&[change("a.py", None, Some(&format!("{}\n", "x".repeat(450_000))))]), @"
    Refuse size: the change has 450001 added bytes, and 409600 are allowed
    Flag unreadable-line: a.py: line 1 has 450000 bytes and cannot be reviewed
    ");
}

#[test]
fn a_secret_is_refused_and_not_repeated() {
    let token = format!("ghp_{}", "a1".repeat(18));
    let text = found(&[change("a.py", Some("x = 1\n"), Some(&format!("x = 1\ntoken = '{token}'\n")))]);
    insta::assert_snapshot!(text, @"Refuse secret: a.py: line 2 adds what looks like a github token");
    assert!(!text.contains(&token));
    assert_eq!(rules(&[change("a.py", Some(&format!("t = '{token}'\n")), Some("t = None\n"))]), [""; 0]);
}

#[test]
fn invisible_characters_are_refused_when_they_are_new() {
    insta::assert_snapshot!(found(&[change("a.py", Some("a\n"), Some("a\nif x:\u{202E} y\n"))]), @"Refuse invisible-character: a.py: line 2 adds the invisible character U+202E");
    assert_eq!(rules(&[change("a.py", Some("x\u{200B}y = 1\n"), Some("x\u{200B}y = 2\n"))]), [""; 0]);
    assert_eq!(rules(&[change("a.md", None, Some("👩\u{200D}💻 ✔\u{FE0F}\ta\r\n"))]), [""; 0]);
}

#[test]
fn links_modes_and_bytes() {
    let link = StoredFile { content: b"../../etc/passwd"[..].into(), mode: FileMode::Symlink };
    let script = StoredFile { content: b"x\n"[..].into(), mode: FileMode::Executable };
    let binary = |size: usize| StoredFile::regular(vec![0_u8; size]);
    let new = |name: &str, file: StoredFile| FileChange { path: path(name), before: None, after: Some(file) };
    insta::assert_snapshot!(found(&[
        new("l", link), new("run.sh", script), new("a.png", binary(100)), new("b.png", binary(70_000)),
        change("m.js", None, Some(&"x".repeat(5_001))),
    ]), @"
    Refuse symbolic-link: l becomes a symbolic link to ../../etc/passwd
    Refuse binary: b.png holds 70000 bytes that are no text and cannot be reviewed
    Flag executable: run.sh becomes executable
    Flag binary: a.png holds 100 bytes that are no text and cannot be reviewed
    Flag unreadable-line: m.js: line 1 has 5001 bytes and cannot be reviewed
    ");
}

#[test]
fn dependencies_are_shown_and_lone_lock_files_too() {
    insta::assert_snapshot!(found(&[change("Cargo.toml", Some("a"), Some("b")), change("Cargo.lock", Some("a"), Some("b"))]), @"Flag dependencies: Cargo.toml names dependencies; look at what it adds");
    insta::assert_snapshot!(found(&[change("web/package-lock.json", Some("a"), Some("b")), change("package.json", Some("{}"), Some("{ }"))]), @"
    Flag lock-file: web/package-lock.json changed without its manifest, so it pins something else than was asked for
    Flag dependencies: package.json names dependencies; look at what it adds
    ");
}

#[test]
fn verification_comes_first_and_by_kind() {
    insta::assert_snapshot!(found(&[
        change(".github/workflows/ci.yml", Some("a\n"), Some("b\n")),
        change("build.rs", Some("a\n"), Some("b\n")),
        change("package.json", Some(r#"{"scripts": {"test": "jest", "build": "tsc"}}"#), Some(r#"{"scripts": {"test": "true", "build": "tsc"}}"#)),
        change("src/a.rs", Some("fn a() {}\n#[cfg(test)]\nmod tests {\n  #[test]\n  fn a() { assert!(a()); }\n}\n"), Some("fn a() {}\n#[cfg(test)]\nmod tests {\n  #[test]\n  #[ignore]\n  fn a() { assert!(a()); }\n}\n")),
        change("tests/__snapshots__/a.snap", Some("a\n"), Some("b\n")),
        change("tests/test_a.py", Some("assert a\nassert b\n"), Some("assert a\n")),
        change("tests/test_b.py", Some("assert a\n"), None),
        change("web/a.test.ts", Some("expect(1).toBe(1)\n"), Some("expect(2).toBe(2)\n")),
    ]), @"
    Refuse verification-touched: verification was touched: tests/test_b.py: tests were deleted
    Refuse verification-touched: verification was touched: src/a.rs: tests are skipped, ignored or expected to fail that were not before
    Flag verification-touched: verification was touched: tests/test_a.py: assertions were removed
    Flag verification-touched: verification was touched: web/a.test.ts: existing tests were changed
    Flag verification-touched: verification was touched: tests/__snapshots__/a.snap: a stored expectation was changed
    Flag verification-touched: verification was touched: package.json: the command that runs the tests was changed
    Flag verification-touched: verification was touched: .github/workflows/ci.yml: settings of the checks were changed
    Flag verification-touched: verification was touched: build.rs: a build script was changed
    Refuse protected-path: .github/workflows/ci.yml is protected: a change to it must be made by a person
    Flag dependencies: package.json names dependencies; look at what it adds
    ");
}

#[test]
fn the_code_beside_inline_tests_and_new_tests_are_not_verification() {
    let before = "fn a() {}\n#[cfg(test)]\nmod tests {\n  #[test]\n  fn a() { assert!(a()); }\n}\n";
    let code = change("src/a.rs", Some(before), Some(&before.replace("fn a() {}", "fn a() { 1 }")));
    let new = change("tests/test_new.py", None, Some("@pytest.mark.skip\ndef test_a(): pass\n"));
    let manifest = change(
        "Cargo.toml",
        Some("[dependencies]\na = 1\n[lints]\nx = 1\n"),
        Some("[dependencies]\na = 2\n[lints]\nx = 1\n"),
    );
    assert_eq!(verification_touched(&[code, new, manifest], &[]), []);
    let lints = change("Cargo.toml", Some("[lints]\nx = 1\n"), Some("[lints]\nx = 2\n"));
    assert_eq!(verification_touched(&[lints], &[])[0].kind, TouchedKind::CheckSettings);
}

#[test]
fn every_languages_tests_and_skips_are_known() {
    for name in [
        "a_test.go",
        "src/FooTest.java",
        "spec/a_spec.rb",
        "a.spec.tsx",
        "tests/a.rs",
        "src/__tests__/a.js",
        "conftest.py",
        "FooTests.cs",
    ] {
        let kinds: Vec<TouchedKind> =
            verification_touched(&[change(name, Some("a\n"), Some("b\n"))], &[]).into_iter().map(|t| t.kind).collect();
        assert!(kinds.contains(&TouchedKind::TestsChanged), "{name}: {kinds:?}");
    }
    for marker in [
        "#[ignore]",
        "@pytest.mark.xfail",
        "@unittest.skip('x')",
        "it.skip('x', f)",
        "xit('x', f)",
        "t.Skip(\"x\")",
        "@Disabled",
        "x() # pragma: no cover",
    ] {
        let touched = verification_touched(&[change("src/a.x", Some("a\n"), Some(&format!("a\n{marker}\n")))], &[]);
        assert_eq!(touched.iter().map(|t| t.kind).collect::<Vec<_>>(), [TouchedKind::SkipAdded], "{marker}");
    }
    assert_eq!(verification_touched(&[change("src/latest.py", Some("a\n"), Some("contest = 1\n"))], &[]), []);
}

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

proptest! {
    #[test]
    fn any_change_is_reviewed_without_a_crash(
        name in "[a-zA-Z._]{1,8}(/[a-zA-Z._]{1,8}){0,2}", before in proptest::option::of("\\PC{0,40}"), after in proptest::option::of(".{0,40}"),
    ) {
        if let Ok(path) = RepoPath::of_existing(&name) {
            let file = |text: String| StoredFile::regular(text.into_bytes());
            let change = FileChange { path, before: before.map(file), after: after.map(file) };
            let all = review(std::slice::from_ref(&change), None, &PolicySettings::default());
            prop_assert!(all.iter().filter(|finding| finding.rule != "size").all(|finding| finding.path.is_some()));
        }
    }
}

#[test]
fn tests_are_known_by_their_names_and_words_are_not() {
    for name in [
        "test.js",
        "src/cart-test.js",
        "test-cart.mjs",
        "a/tests.py",
        "spec.rb",
        "x_spec.rb",
        "cart.test.ts",
        "a_test.go",
    ] {
        assert!(is_of_tests(&RepoPath::parse(name).expect(name)), "{name}");
    }
    for name in
        ["src/latest.py", "contest.js", "testimony.rs", "attest-key.go", "spec.md", "src/specific.ts", "test-plan.md"]
    {
        assert!(!is_of_tests(&RepoPath::parse(name).expect(name)), "{name}");
    }
}

#[test]
fn an_example_of_the_documentation_is_a_test() {
    let kinds = |before: &str, after: &str| -> Vec<TouchedKind> {
        let touched = verification_touched(&[change("src/lib.rs", Some(before), Some(after))], &[]);
        touched.into_iter().map(|touched| touched.kind).collect()
    };
    let with = |value: u8| format!("/// ```\n/// assert_eq!(add(1, 1), {value});\n/// ```\npub fn add() {{}}\n");
    assert_eq!(kinds(&with(2), &with(3)), [TouchedKind::TestsChanged]);
    assert_eq!(kinds("/// Adds.\npub fn add() {}\n", &with(2)), []);
    assert_eq!(kinds("/// Adds it.\npub fn add() {}\n", "/// Adds.\npub fn add() {}\n"), []);
}

#[test]
fn the_script_that_a_check_starts_is_a_command_and_what_it_looks_at_is_not() {
    let touches = |command: &str, path: &str| {
        let check = crate::verify::from_user(&[command.to_owned()]).expect("a command").remove(0);
        let touched = verification_touched(&[change(path, Some("a\n"), Some("b\n"))], &[&check]);
        touched.iter().any(|touched| touched.kind == TouchedKind::TestCommand)
    };
    for command in
        ["sh check.sh", "./check.sh --all", "bash -e check.sh", "timeout 30 sh check.sh", "env CI=1 sh check.sh"]
    {
        assert!(touches(command, "check.sh"), "{command}");
    }
    for (command, path) in [
        ("pytest --doctest-modules src/calc.py", "src/calc.py"),
        ("python3 -m pytest src/calc.py", "src/calc.py"),
        ("sh check.sh src/calc.py", "src/calc.py"),
        ("cargo test --manifest-path Cargo.toml", "Cargo.toml"),
    ] {
        assert!(!touches(command, path), "{command}");
    }
    assert!(touches("npm test", "node_modules/.bin/mocha") && touches("pytest", ".venv/bin/python3"));
}
