//! What is found in small trees, and what is said about it.

use super::*;
use crate::repo::StoredFile;

/// Lists what is found in a tree of these files, one line a check.
fn found(files: &[(&str, &str)]) -> String {
    let file = |(path, text): &(&str, &str)| (RepoPath::parse(path).expect(path), StoredFile::regular(text.as_bytes()));
    let tree = FileTree::from_files(files.iter().map(file));
    let line = |check: &Check| format!("{:?} `{}` {}", check.kind, check.label(), check.found_in);
    detect(&tree).iter().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn cargo_packages_and_workspaces() {
    insta::assert_snapshot!(found(&[("Cargo.toml", "[package]\nname = 'a'"), ("sub/Cargo.toml", "[package]")]), @"Test `cargo test --no-fail-fast` Cargo.toml: a package");
    insta::assert_snapshot!(found(&[("Cargo.toml", "[workspace]\nmembers = ['a']"), ("a/Cargo.toml", "[package]")]), @"Test `cargo test --no-fail-fast --workspace` Cargo.toml: a workspace");
    insta::assert_snapshot!(found(&[("a/Cargo.toml", "[package]"), ("x/b/Cargo.toml", "[package]"), ("a/c/Cargo.toml", "[package]")]), @"
    Test `cargo test --no-fail-fast (in a)` a/Cargo.toml: a package
    Test `cargo test --no-fail-fast (in x/b)` x/b/Cargo.toml: a package
    ");
}

#[test]
fn python_with_pytest() {
    insta::assert_snapshot!(found(&[("pyproject.toml", "[tool.pytest.ini_options]"), ("tests/test_a.py", "")]), @"Test `python3 -m pytest -rA -q` pyproject.toml: names pytest");
    insta::assert_snapshot!(found(&[("requirements-dev.txt", "pytest>=8"), ("tests/test_a.py", "")]), @"Test `python3 -m pytest -rA -q` requirements-dev.txt: requires pytest");
    insta::assert_snapshot!(found(&[("tests/conftest.py", ""), ("tests/test_a.py", "")]), @"Test `python3 -m pytest -rA -q` tests/conftest.py: a file of pytest's");
    insta::assert_snapshot!(found(&[("a.py", ""), ("test_a.py", "def test_a():\n    assert 1")]), @"Test `python3 -m pytest -rA -q` test_a.py: tests are bare functions, which only pytest runs");
    insta::assert_snapshot!(found(&[("api/setup.py", ""), ("api/tests/test_a.py", "import pytest"), ("README", "")]), @"Test `python3 -m pytest -rA -q (in api)` api/tests/test_a.py: tests are bare functions, which only pytest runs");
}

#[test]
fn python_with_unittest() {
    let case = "import unittest\nclass A(unittest.TestCase):\n    def test_a(self): pass";
    insta::assert_snapshot!(found(&[("test_a.py", case)]), @"Test `python3 -m unittest discover -v` test_a.py: a TestCase of unittest, and nothing names pytest");
    insta::assert_snapshot!(found(&[("pyproject.toml", "[project]"), ("tests/test_a.py", case)]), @"Test `python3 -m unittest discover -v -s tests` tests/test_a.py: a TestCase of unittest, and nothing names pytest");
    insta::assert_snapshot!(found(&[("tests/__init__.py", ""), ("tests/a_test.py", case)]), @"Test `python3 -m unittest discover -v -p '*_test.py'` tests/a_test.py: a TestCase of unittest, and nothing names pytest");
}

#[test]
fn python_without_tests_is_not_checked() {
    assert_eq!(found(&[("pyproject.toml", "[tool.pytest]"), ("a.py", "x = 1")]), "");
}

#[test]
fn node_scripts_by_their_package_manager() {
    insta::assert_snapshot!(found(&[("package.json", r#"{"scripts": {"test": "jest", "build": "tsc"}}"#)]), @"
    Build `npm run --silent build` package.json: scripts.build, run by npm
    Test `npm run --silent test -- --verbose` package.json: scripts.test, run by npm
    ");
    insta::assert_snapshot!(found(&[("package.json", r#"{"scripts": {"test": "vitest run"}}"#), ("pnpm-lock.yaml", "")]), @"Test `pnpm run test --reporter=tap-flat` package.json: scripts.test, run by pnpm");
    insta::assert_snapshot!(found(&[("package.json", r#"{"packageManager": "yarn@4.1.0", "scripts": {"test": "mocha test && eslint ."}}"#)]), @"Test `yarn run test` package.json: scripts.test, run by yarn");
    insta::assert_snapshot!(found(&[("web/package.json", r#"{"scripts": {"test": "NODE_ENV=test npx mocha"}}"#), ("yarn.lock", "")]), @"Test `yarn run test --reporter=tap (in web)` web/package.json: scripts.test, run by yarn");
}

#[test]
fn nodes_own_runner_and_placeholders() {
    let placeholder = r#"{"scripts": {"test": "echo \"Error: no test specified\" && exit 1"}}"#;
    assert_eq!(found(&[("package.json", placeholder)]), "");
    insta::assert_snapshot!(found(&[("package.json", placeholder), ("a.test.js", "require('node:test')")]), @"Test `node --test --test-reporter=tap` a.test.js: tests of node's own runner, and no script runs them");
    assert_eq!(found(&[("a.test.js", "describe()")]), "");
    assert_eq!(found(&[("package.json", "{broken")]), "");
}

#[test]
fn go_maven_and_gradle() {
    insta::assert_snapshot!(found(&[("go.mod", "module a"), ("a.go", "")]), @"Test `go test -json ./...` go.mod: a module");
    insta::assert_snapshot!(found(&[("pom.xml", ""), ("mvnw", "")]), @"Test `./mvnw -o -B -fae -Dsurefire.reportFormat=plain -Dsurefire.useFile=false test` pom.xml: a Maven project with its wrapper");
    insta::assert_snapshot!(found(&[("settings.gradle.kts", ""), ("app/build.gradle.kts", ""), ("gradlew", "")]), @"Test `./gradlew --offline --no-daemon --console=plain --continue test` settings.gradle.kts: a Gradle project with its wrapper");
}

#[test]
fn cmake_takes_three_steps() {
    insta::assert_snapshot!(found(&[("CMakeLists.txt", "project(a)"), ("t/CMakeLists.txt", "add_test(NAME a COMMAND a)")]), @"
    Build `cmake -S . -B build` CMakeLists.txt: a CMake project
    Build `cmake --build build` CMakeLists.txt: a CMake project
    Test `ctest --test-dir build --output-on-failure` CMakeLists.txt: declares tests
    ");
    insta::assert_snapshot!(found(&[("CMakeLists.txt", "project(a)"), ("build/notes.txt", "")]), @"
    Build `cmake -S . -B build-checks` CMakeLists.txt: a CMake project
    Build `cmake --build build-checks` CMakeLists.txt: a CMake project
    ");
}

#[test]
fn a_makefile_counts_where_nothing_else_tests() {
    insta::assert_snapshot!(found(&[("Makefile", "CFLAGS := -O2\ntest: all\n\t./run\n")]), @"Test `make test` Makefile: defines the target test");
    insta::assert_snapshot!(found(&[("Makefile", "check :\n\t./run\ntesting:\n")]), @"Test `make check` Makefile: defines the target check");
    assert_eq!(found(&[("Makefile", "test := yes\nall:\n")]), "");
    insta::assert_snapshot!(found(&[("Makefile", "test:\n"), ("go.mod", "")]), @"Test `go test -json ./...` go.mod: a module");
}

#[test]
fn several_kinds_give_several_checks_and_foreign_folders_none() {
    insta::assert_snapshot!(found(&[
        ("api/go.mod", ""), ("web/package.json", r#"{"scripts": {"test": "jest"}}"#),
        ("web/node_modules/x/package.json", r#"{"scripts": {"test": "x"}}"#), ("tests/fixtures/Cargo.toml", "[package]"),
        ("vendor/a/go.mod", ""), ("a/b/c/d/pom.xml", ""), (".hidden/pom.xml", ""),
    ]), @"
    Test `npm run --silent test -- --verbose (in web)` web/package.json: scripts.test, run by npm
    Test `go test -json ./... (in api)` api/go.mod: a module
    ");
}
