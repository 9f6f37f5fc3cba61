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
    insta::assert_snapshot!(found(&[("package.json", r#"{"packageManager": "yarn@4.1.0", "scripts": {"test": "mocha test && eslint ."}}"#)]), @"
    Test `npx --no-install -c 'mocha test --reporter=tap'` package.json: scripts.test, a step of scripts.test
    Lint `npx --no-install -c 'eslint .'` package.json: scripts.test, a step of scripts.test
    ");
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

#[test]
fn a_chain_of_node_scripts_is_taken_apart() {
    let scripts = |text: &str| format!(r#"{{"scripts": {text}}}"#);
    let chain = scripts(
        r#"{"test": "npm run lint && npm run tests-only", "lint": "eslint .", "tests-only": "nyc tape 'test/**/*.js'"}"#,
    );
    insta::assert_snapshot!(found(&[("package.json", &chain)]), @r"
    Lint `npx --no-install -c 'eslint .'` package.json: scripts.lint, a step of scripts.test
    Test `npx --no-install -c 'nyc tape '\''test/**/*.js'\'''` package.json: scripts.tests-only, a step of scripts.test
    ");
    let wrapped = scripts(
        r#"{"pretest": "npm run build", "build": "rollup -c", "posttest": "npx npm@'>=10' audit", "test": "xo && c8 ava && tsd"}"#,
    );
    insta::assert_snapshot!(found(&[("package.json", &wrapped)]), @"
    Build `npx --no-install -c 'rollup -c'` package.json: scripts.build, a step of scripts.test
    Lint `npx --no-install -c xo` package.json: scripts.test, a step of scripts.test
    Test `npx --no-install -c 'c8 ava --tap'` package.json: scripts.test, a step of scripts.test
    Lint `npx --no-install -c tsd` package.json: scripts.test, a step of scripts.test
    ");
    let shell = scripts(r#"{"test": "mocha | tee log && eslint ."}"#);
    insta::assert_snapshot!(found(&[("package.json", &shell)]), @"Test `npm run --silent test` package.json: scripts.test, run by npm");
    let own = scripts(r#"{"test": "eslint . && node --test test/", "format:check": "prettier --check ."}"#);
    insta::assert_snapshot!(found(&[("package.json", &own)]), @"
    Lint `npx --no-install -c 'eslint .'` package.json: scripts.test, a step of scripts.test
    Test `npx --no-install -c 'node --test-reporter=tap --test test/'` package.json: scripts.test, a step of scripts.test
    Lint `npm run --silent format:check` package.json: scripts.format:check, run by npm
    ");
    let dots = scripts(r#"{"test": "nyc --reporter=text mocha -R dot --recursive"}"#);
    insta::assert_snapshot!(found(&[("package.json", &dots)]), @"Test `npx --no-install -c 'nyc --reporter=text mocha --recursive --reporter=tap'` package.json: scripts.test, a step of scripts.test");
    let round = scripts(r#"{"test": "npm run a && jest", "a": "npm run a"}"#);
    insta::assert_snapshot!(found(&[("package.json", &round)]), @"Test `npm run --silent test` package.json: scripts.test, run by npm");
}

#[test]
fn workflows_tell_features_linters_and_tests_of_what_is_unknown() {
    let ci = "on: push\njobs:\n  a:\n    steps:\n      - uses: x\n      - run: |\n          cargo fmt --check\n          cargo clippy -- -D warnings\n      - run: cargo test --features \"full tls\" ${{ matrix.x }}\n      - run: cargo test --features=full,tls --workspace\n";
    insta::assert_snapshot!(found(&[("Cargo.toml", "[package]"), (".github/workflows/ci.yml", ci)]), @"
    Test `cargo test --no-fail-fast --features full,tls` Cargo.toml: a package; the features are those of .github/workflows/ci.yml
    Lint `cargo fmt --all --check` .github/workflows/ci.yml: runs cargo fmt
    Lint `cargo clippy --workspace --all-targets -- -D warnings` .github/workflows/ci.yml: runs cargo clippy and denies warnings
    ");
    let unknown = "jobs:\n  b:\n    defaults: {run: {working-directory: ./lib}}\n    steps:\n      - run: zig build test\n      - run: bazel test //... && echo\n      - run: bazel test //...\n        working-directory: .\n      - {run: 'make ${{ x }} test'}\n";
    insta::assert_snapshot!(found(&[("a.zig", ""), (".github/workflows/ci.yaml", unknown)]), @"
    Test `zig build test (in lib)` .github/workflows/ci.yaml: a step runs it
    Test `bazel test //...` .github/workflows/ci.yaml: a step runs it
    ");
    assert_eq!(found(&[("a.zig", ""), (".github/workflows/ci.yml", "jobs: [broken")]), "");
}

#[test]
fn python_as_tox_and_workflows_run_it() {
    let case = "import unittest\nclass A(unittest.TestCase):\n    def test_a(self): pass";
    let tox = "[testenv]\ncommands =\n    coverage run --branch -m unittest discover -s checks {posargs}\n";
    insta::assert_snapshot!(found(&[("setup.py", ""), ("tox.ini", tox), ("tests/test_a.py", case)]), @"Test `python3 -m unittest discover -s checks -v` tox.ini: runs it");
    let ci = "jobs:\n  a:\n    steps:\n      - run: python tests/run_tests.py --all\n";
    insta::assert_snapshot!(found(&[("setup.py", ""), (".github/workflows/ci.yml", ci), ("tests/test_a.py", case)]), @"Test `python3 tests/run_tests.py --all` .github/workflows/ci.yml: runs it");
    insta::assert_snapshot!(found(&[("noxfile.py", "session.run('pytest')"), ("tests/test_a.py", case)]), @"Test `python3 -m pytest -rA -q` noxfile.py: names pytest");
}

#[test]
fn linters_by_the_files_that_configure_them() {
    insta::assert_snapshot!(found(&[
        ("pyproject.toml", "[tool.ruff.format]\n[tool.black]\n"), ("tox.ini", "[flake8]"), (".golangci.yml", ""),
        (".rubocop.yml", ""), ("phpcs.xml", ""), ("Cargo.toml", "[package]"), ("rustfmt.toml", ""),
    ]), @"
    Test `cargo test --no-fail-fast` Cargo.toml: a package
    Lint `cargo fmt --all --check` rustfmt.toml: settings of rustfmt
    Lint `python3 -m ruff check --no-cache .` pyproject.toml: has a table for it
    Lint `python3 -m ruff format --no-cache --check .` pyproject.toml: has a table for it
    Lint `python3 -m black --check .` pyproject.toml: has a table for it
    Lint `python3 -m flake8` tox.ini: has a table for it
    Lint `golangci-lint run` .golangci.yml: its settings
    Lint `bundle exec rubocop --no-color` .rubocop.yml: its settings
    Lint `php vendor/bin/phpcs --no-colors` phpcs.xml: its settings
    ");
}

#[test]
fn cmake_options_for_tests_are_switched_on() {
    let lists = "project(a)\noption(A_BUILD_TESTS \"Build them\" OFF)\noption(A_TEST_SANITIZER \"x\" OFF)\noption(A_TESTING \"on\" ON)\ninclude(CTest)\n";
    insta::assert_snapshot!(found(&[("CMakeLists.txt", lists)]), @"
    Build `cmake -S . -B build -DA_BUILD_TESTS=ON` CMakeLists.txt: a CMake project, with its options for tests
    Build `cmake --build build` CMakeLists.txt: a CMake project
    Test `ctest --test-dir build --output-on-failure` CMakeLists.txt: declares tests
    ");
}

#[test]
fn of_two_build_systems_the_one_that_runs_the_tests_counts() {
    let (lists, with_tests) = ("project(a)", "project(a)\ninclude(CTest)");
    insta::assert_snapshot!(found(&[("CMakeLists.txt", with_tests), ("meson.build", "test('a', b)")]), @"
    Build `cmake -S . -B build` CMakeLists.txt: a CMake project
    Build `cmake --build build` CMakeLists.txt: a CMake project
    Test `ctest --test-dir build --output-on-failure` CMakeLists.txt: declares tests
    ");
    insta::assert_snapshot!(found(&[("CMakeLists.txt", lists), ("meson.build", "test('a', b)")]), @"
    Build `meson setup build-checks` meson.build: a Meson project
    Build `meson compile -C build-checks` meson.build: a Meson project
    Test `meson test -C build-checks --print-errorlogs` meson.build: declares tests
    ");
    insta::assert_snapshot!(found(&[("pom.xml", ""), ("build.gradle", ""), ("gradlew", "")]), @"Test `mvn -o -B -fae -Dsurefire.reportFormat=plain -Dsurefire.useFile=false test` pom.xml: a Maven project");
}
