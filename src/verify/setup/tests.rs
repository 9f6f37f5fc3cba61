//! What would be fetched for small trees.

use super::*;
use crate::repo::{RepoPath, StoredFile};
use crate::verify::detect;

fn tree(files: &[(&str, &str)]) -> FileTree {
    let file = |(path, text): &(&str, &str)| (RepoPath::parse(path).expect(path), StoredFile::regular(text.as_bytes()));
    FileTree::from_files(files.iter().map(file))
}

/// Lists the setups of a tree of these files, one line a command.
fn planned(files: &[(&str, &str)]) -> String {
    let tree = tree(files);
    let mut lines = Vec::new();
    for setup in setups(&tree, &detect(&tree), &[]) {
        for (number, way) in setup.ways.iter().enumerate() {
            let other = if number == 0 { "" } else { "else " };
            lines.push(format!("{other}{}", setup.ecosystem.name()));
            lines.extend(way.iter().map(|step| {
                let may = if step.may_fail { " (may fail)" } else { "" };
                format!("  `{}`{may} {}", step.check.label(), step.check.found_in)
            }));
        }
    }
    lines.join("\n")
}

#[test]
fn python_by_what_its_files_declare() {
    let test = ("tests/test_a.py", "def test_a(): pass");
    let project = "[build-system]\n[project]\nname = 'a'\n[project.optional-dependencies]\ntest = ['pytest']\ndocs = ['sphinx']\n\
                   [dependency-groups]\ndev = ['coverage', {include-group = 'tests'}]\ntests = ['pytest>=8', '-e .']\n";
    insta::assert_snapshot!(planned(&[("pyproject.toml", project), test]), @"
    python
      `python3 -m venv --clear .venv` pyproject.toml: names dependencies
      `.venv/bin/python -m pip install -q coverage 'pytest>=8'` pyproject.toml: names dependencies
      `.venv/bin/python -m pip install -q --config-settings editable_mode=compat -e '.[test]'` (may fail) pyproject.toml: names dependencies
    ");
    insta::assert_snapshot!(planned(&[("pyproject.toml", project), ("uv.lock", ""), test]), @"
    python
      `uv sync --frozen --all-extras --all-groups` uv.lock: is locked
    else python
      `python3 -m venv --clear .venv` uv.lock: is locked
      `.venv/bin/python -m pip install -q uv` uv.lock: is locked
      `.venv/bin/uv sync --frozen --all-extras --all-groups --inexact --python .venv/bin/python` uv.lock: is locked
    else python
      `python3 -m venv --clear .venv` pyproject.toml: names dependencies
      `.venv/bin/python -m pip install -q coverage 'pytest>=8'` pyproject.toml: names dependencies
      `.venv/bin/python -m pip install -q --config-settings editable_mode=compat -e '.[test]'` (may fail) pyproject.toml: names dependencies
    ");
    let poetry = "[tool.poetry]\nname = 'a'\n[tool.poetry.group.test.dependencies]\npytest = '^8.1'\nmock = {version = '*'}\nown = {path = '..'}\n";
    insta::assert_snapshot!(planned(&[("pyproject.toml", poetry), test]), @"
    python
      `python3 -m venv --clear .venv` pyproject.toml: names dependencies
      `.venv/bin/python -m pip install -q mock 'pytest>=8.1'` pyproject.toml: names dependencies
      `.venv/bin/python -m pip install -q --config-settings editable_mode=compat -e .` (may fail) pyproject.toml: names dependencies
    ");
    let tox =
        "[testenv]\ndeps =\n    pytest\n    py38: old\n    -rrequirements.txt\n    responses>=1\ncommands = pytest\n";
    insta::assert_snapshot!(planned(&[("setup.py", ""), ("tox.ini", tox), ("requirements/dev.txt", "x"), test]), @"
    python
      `python3 -m venv --clear .venv` setup.py: names dependencies
      `.venv/bin/python -m pip install -q pytest 'responses>=1' -r requirements/dev.txt` setup.py: names dependencies
      `.venv/bin/python -m pip install -q --config-settings editable_mode=compat -e .` (may fail) setup.py: names dependencies
    ");
    assert_eq!(planned(&[("pyproject.toml", "[tool.black]"), test]), "");
    assert_eq!(planned(&[test]), "");
}

#[test]
fn node_by_its_lock_file_and_manager() {
    let package = r#"{"scripts": {"test": "jest"}, "devDependencies": {"jest": "1"}}"#;
    insta::assert_snapshot!(planned(&[("package.json", package)]), @"
    node
      `npm install --ignore-scripts --no-audit --no-fund --no-package-lock` package.json: names dependencies
      `npm rebuild` (may fail) package.json: scripts of dependencies
    else node
      `npm install --ignore-scripts --no-audit --no-fund --no-package-lock --legacy-peer-deps` package.json: names dependencies
      `npm rebuild` (may fail) package.json: scripts of dependencies
    ");
    insta::assert_snapshot!(planned(&[("package.json", package), ("package-lock.json", "{}")]), @"
    node
      `npm ci --ignore-scripts --no-audit --no-fund` package-lock.json: is locked
      `npm rebuild` (may fail) package.json: scripts of dependencies
    else node
      `npm ci --ignore-scripts --no-audit --no-fund --legacy-peer-deps` package-lock.json: is locked
      `npm rebuild` (may fail) package.json: scripts of dependencies
    ");
    insta::assert_snapshot!(planned(&[("package.json", package), ("pnpm-lock.yaml", "")]), @"
    node
      `pnpm install --frozen-lockfile` pnpm-lock.yaml: is locked
    else node
      `npm install --ignore-scripts --no-audit --no-fund --no-package-lock` package.json: names dependencies
      `npm rebuild` (may fail) package.json: scripts of dependencies
    else node
      `npm install --ignore-scripts --no-audit --no-fund --no-package-lock --legacy-peer-deps` package.json: names dependencies
      `npm rebuild` (may fail) package.json: scripts of dependencies
    ");
    assert_eq!(planned(&[("package.json", r#"{"scripts": {"test": "node --test"}}"#)]), "");
}

#[test]
fn the_others_by_their_own_tools() {
    insta::assert_snapshot!(planned(&[("Cargo.toml", "[package]\nname = 'a'\n[dependencies]\nb = '1'"), ("Cargo.lock", "")]), @"
    cargo
      `cargo fetch --locked` Cargo.toml: names dependencies
      `cargo test --no-run` (may fail) Cargo.toml: names dependencies
    ");
    insta::assert_snapshot!(planned(&[("Cargo.toml", "[workspace]\n[target.x.dev-dependencies]\nb = '1'")]), @"
    cargo
      `cargo fetch` Cargo.toml: names dependencies
      `cargo test --workspace --no-run` (may fail) Cargo.toml: names dependencies
    ");
    assert_eq!(planned(&[("Cargo.toml", "[package]\nname = 'a'\n[dependencies]\nb = {path = 'b'}")]), "");
    insta::assert_snapshot!(planned(&[("go.mod", "module a\nrequire b v1.0.0\n")]), @"
    go
      `go mod download` go.mod: requires modules
    ");
    assert_eq!(planned(&[("go.mod", "module a\n")]), "");
    insta::assert_snapshot!(planned(&[("pom.xml", ""), ("mvnw", "")]), @"
    maven
      `./mvnw -q -B -DskipTests test-compile` pom.xml: names dependencies
      `./mvnw -q -B test -Dtest=NoSuchTest -DfailIfNoTests=false -Dsurefire.failIfNoSpecifiedTests=false` (may fail) pom.xml: names dependencies
    ");
    insta::assert_snapshot!(planned(&[("Gemfile", "gem 'rspec'"), ("spec/a_spec.rb", "")]), @"
    bundler
      `bundle install --quiet` Gemfile: names dependencies
    ");
    insta::assert_snapshot!(planned(&[("composer.json", "{}"), ("phpunit.xml", "")]), @"
    composer
      `composer install --no-interaction --no-progress --no-scripts` composer.json: names dependencies
    ");
}

#[test]
fn a_key_changes_with_what_is_named_and_with_nothing_else() {
    let key = |files: &[(&str, &str)]| {
        let tree = tree(files);
        setups(&tree, &detect(&tree), &[])[0].key.clone()
    };
    let (package, code) = (r#"{"scripts": {"test": "jest"}, "devDependencies": {"jest": "1"}}"#, ("a.js", "1"));
    let first = key(&[("package.json", package), code]);
    assert_eq!(first, key(&[("package.json", package), ("a.js", "2"), ("b.js", "")]));
    assert_ne!(first, key(&[("package.json", &package.replace("\"1\"", "\"2\"")), code]));
    assert_ne!(first, key(&[("package.json", package), ("web/package.json", "{}"), code]));
    assert_eq!(first.len(), 16);
}

#[test]
fn what_the_checkout_has_is_not_fetched_again() {
    let tree = tree(&[("package.json", r#"{"scripts": {"test": "jest"}, "devDependencies": {"jest": "1"}}"#)]);
    let linked = Linked { name: "node_modules".to_owned(), target: "/x".into(), note: String::new() };
    assert!(setups(&tree, &detect(&tree), &[linked]).is_empty());
}
