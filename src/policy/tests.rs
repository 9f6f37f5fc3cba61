//! Changes that a hostile or careless model would make, beside their harmless twins.

use proptest::prelude::*;

use super::*;
use crate::repo::{FileMode, StoredFile};

pub(super) fn path(text: &str) -> RepoPath {
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
