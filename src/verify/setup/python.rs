//! The dependencies of Python projects, into an environment of their own below the folder of the checks.
//!
//! The project itself is installed in editable form, so that its name, version and programs are known; its files are not,
//! for what is tested are those of the tree under test.

use std::collections::BTreeSet;

use toml::{Table, Value};

use super::{Ecosystem, Files, Setup, Step, folders};
use crate::verify::Check;

/// Names by which projects call what their tests need.
const GROUPS: [&str; 9] =
    ["test", "tests", "testing", "dev", "develop", "development", "unit", "pytest", "test-dependencies"];
/// Files of requirements that tests need, relative to the project.
const REQUIREMENTS: [&str; 17] = [
    "requirements.txt",
    "requirements-test.txt",
    "requirements-tests.txt",
    "requirements-dev.txt",
    "requirements_test.txt",
    "requirements_dev.txt",
    "requirements.dev.txt",
    "test-requirements.txt",
    "test_requirements.txt",
    "tests-requirements.txt",
    "dev-requirements.txt",
    "dev_requirements.txt",
    "tests/requirements.txt",
    "test/requirements.txt",
    "requirements/test.txt",
    "requirements/tests.txt",
    "requirements/dev.txt",
];
/// Makes an environment, anew where an earlier way has left one.
const VENV: [&str; 5] = ["python3", "-m", "venv", "--clear", ".venv"];
const PIP: [&str; 5] = [".venv/bin/python", "-m", "pip", "install", "-q"];
/// Files that make a folder a project that pip can install.
const PROJECT: [&str; 2] = ["pyproject.toml", "setup.py"];

pub(super) fn setup(files: &Files<'_>, checks: &[Check], is_installed: &dyn Fn(&str) -> bool) -> Option<Setup> {
    let (mut with_uv, mut with_uv_of_pip) = (Vec::new(), Vec::new());
    let mut with_pip = Vec::new();
    for folder in folders(checks, &["python", "python3", "pytest", "coverage"]) {
        if is_installed(folder) || is_installed("") {
            continue;
        }
        let wants_pytest =
            checks.iter().any(|check| check.folder == *folder && check.argv.iter().any(|word| word == "pytest"));
        with_pip.extend(by_pip(files, folder, wants_pytest));
        if files.has(folder, "uv.lock") {
            let argv = ["uv", "sync", "--frozen", "--all-extras", "--all-groups"];
            let why = ("uv.lock", "is locked");
            with_uv.push(Step::new(&argv, folder, why));
            with_uv_of_pip.push(Step::new(&VENV, folder, why));
            with_uv_of_pip.push(Step::new(&[&PIP[..], &["uv"]].concat(), folder, why));
            // What is in the environment besides the lock is uv itself.
            let there = [&[".venv/bin/uv"], &argv[1..], &["--inexact", "--python", ".venv/bin/python"]].concat();
            with_uv_of_pip.push(Step::new(&there, folder, why));
        }
    }
    if with_pip.is_empty() {
        return None;
    }
    let ways = if with_uv.is_empty() { vec![with_pip] } else { vec![with_uv, with_uv_of_pip, with_pip] };
    Some(Setup::new(files, Ecosystem::Python, ways))
}

fn by_pip(files: &Files<'_>, folder: &str, wants_pytest: bool) -> Vec<Step> {
    let project = PROJECT.into_iter().find(|name| files.has(folder, name));
    let project = project.filter(|name| *name != "pyproject.toml" || is_installable(files, folder));
    let lists: Vec<&str> = REQUIREMENTS.into_iter().filter(|name| files.has(folder, name)).collect();
    let declared = declared(files, folder);
    let Some(because) = project.or_else(|| lists.first().copied()).or_else(|| {
        let sources = [("pyproject.toml", !declared.is_empty()), ("tox.ini", !declared.is_empty())];
        sources.into_iter().find(|(name, wanted)| *wanted && files.has(folder, name)).map(|(name, _)| name)
    }) else {
        return Vec::new();
    };
    let why = (because, "names dependencies");
    let mut steps = vec![Step::new(&VENV, folder, why)];
    let mut wanted: Vec<&str> = declared.iter().map(String::as_str).collect();
    if wants_pytest && !wanted.iter().any(|name| name.starts_with("pytest")) {
        wanted.push("pytest");
    }
    for list in &lists {
        wanted.extend(["-r", list]);
    }
    if !wanted.is_empty() {
        steps.push(Step::new(&[&PIP[..], &wanted].concat(), folder, why));
    }
    if project.is_some() {
        let extras = extras(files, folder);
        let place = if extras.is_empty() { ".".to_owned() } else { format!(".[{}]", extras.join(",")) };
        let editable = ["--config-settings", "editable_mode=compat", "-e", &place];
        steps.push(Step::optional(&[&PIP[..], &editable].concat(), folder, why));
    }
    steps
}

fn table(files: &Files<'_>, folder: &str) -> Table {
    let text = files.text(folder, "pyproject.toml").unwrap_or_default();
    text.parse().unwrap_or_default()
}

/// A pyproject.toml may only hold settings of tools.
fn is_installable(files: &Files<'_>, folder: &str) -> bool {
    let table = table(files, folder);
    let poetry = || at(&Value::Table(table.clone()), &["tool", "poetry", "name"]).is_some();
    table.contains_key("project") || table.contains_key("build-system") || files.has(folder, "setup.py") || poetry()
}

/// Names the extras that tests need, of pyproject.toml or setup.cfg.
fn extras(files: &Files<'_>, folder: &str) -> Vec<String> {
    let table = Value::Table(table(files, folder));
    let keys = |path: &[&str]| {
        at(&table, path).and_then(Value::as_table).map(|table| table.keys().cloned().collect::<Vec<_>>())
    };
    let mut found = keys(&["project", "optional-dependencies"]).unwrap_or_default();
    found.extend(keys(&["tool", "poetry", "extras"]).unwrap_or_default());
    let cfg = files.text(folder, "setup.cfg").unwrap_or_default();
    let section = cfg.lines().skip_while(|line| line.trim() != "[options.extras_require]").skip(1);
    let section = section.take_while(|line| !line.starts_with('['));
    found.extend(
        section
            .filter(|line| !line.starts_with([' ', '\t']))
            .filter_map(|line| Some(line.split_once('=')?.0.trim().to_owned())),
    );
    found.retain(|name| GROUPS.contains(&name.as_str()));
    found.sort();
    found.dedup();
    found
}

/// Returns what pip cannot find by itself: dependency groups, poetry's groups, those of tox.
fn declared(files: &Files<'_>, folder: &str) -> Vec<String> {
    let table = Value::Table(table(files, folder));
    let mut found = BTreeSet::new();
    if let Some(groups) = at(&table, &["dependency-groups"]).and_then(Value::as_table) {
        let wanted = groups.keys().filter(|name| GROUPS.contains(&name.as_str()));
        wanted.for_each(|name| of_group(groups, name, 0, &mut found));
    }
    let old = at(&table, &["tool", "poetry", "dev-dependencies"]).into_iter();
    let groups = at(&table, &["tool", "poetry", "group"]).and_then(Value::as_table);
    let groups = groups.into_iter().flatten().filter(|(name, _)| GROUPS.contains(&name.as_str()));
    for dependencies in old.chain(groups.filter_map(|(_, group)| group.get("dependencies"))) {
        found.extend(dependencies.as_table().into_iter().flatten().filter_map(|(name, value)| of_poetry(name, value)));
    }
    let pdm = at(&table, &["tool", "pdm", "dev-dependencies"]).and_then(Value::as_table);
    let pdm = pdm.into_iter().flatten().filter(|(name, _)| GROUPS.contains(&name.as_str()));
    found.extend(pdm.flat_map(|(_, list)| list.as_array().into_iter().flatten()).filter_map(specifier));
    found.extend(of_tox(&files.text(folder, "tox.ini").unwrap_or_default()));
    found.into_iter().collect()
}

/// PEP 735: a list of specifiers and of `{include-group = "NAME"}`.
fn of_group(groups: &Table, name: &str, depth: usize, found: &mut BTreeSet<String>) {
    const MAX_NESTING: usize = 8;
    let list = groups.get(name).and_then(Value::as_array);
    for entry in list.into_iter().flatten().filter(|_| depth < MAX_NESTING) {
        match entry.get("include-group").and_then(Value::as_str) {
            Some(name) => of_group(groups, name, depth + 1, found),
            None => found.extend(specifier(entry)),
        }
    }
}

/// A specifier that pip takes as one argument and not as an option.
fn specifier(value: &Value) -> Option<String> {
    let text = value.as_str()?.trim();
    let is_name = text.starts_with(|c: char| c.is_ascii_alphanumeric());
    is_name.then(|| text.to_owned())
}

/// `^1.2` and `~1.2` become lower bounds, which pip understands.
fn of_poetry(name: &str, value: &Value) -> Option<String> {
    let version = value.as_str().or_else(|| value.get("version").and_then(Value::as_str)).unwrap_or("*");
    if name == "python" || value.get("path").is_some() || value.get("git").is_some() {
        return None;
    }
    let version = version.split([',', '|']).next().unwrap_or_default().trim();
    let bound = match version.trim_start_matches(['^', '~']) {
        "*" | "" => String::new(),
        rest if version.starts_with(['^', '~']) => format!(">={rest}"),
        rest if rest.starts_with(|c: char| c.is_ascii_digit()) && !rest.contains('*') => format!("=={rest}"),
        rest if rest.starts_with(['>', '<', '=', '!']) => rest.to_owned(),
        _ => String::new(),
    };
    Some(format!("{name}{bound}"))
}

/// The `deps` of tox's first environments, those that hold for every factor.
fn of_tox(text: &str) -> Vec<String> {
    let mut inside = false;
    let mut found = Vec::new();
    for line in text.lines() {
        let is_key = !line.starts_with([' ', '\t', '#']) && !line.trim().is_empty();
        let value = match line.split_once('=') {
            Some((key, rest)) if is_key && key.trim() == "deps" => {
                inside = true;
                rest
            }
            _ if is_key => {
                inside = false;
                continue;
            }
            _ => line,
        };
        let value = value.trim();
        let plain = !value.contains(['{', ':']) && value.starts_with(|c: char| c.is_ascii_alphanumeric());
        if inside && plain {
            found.push(value.to_owned());
        }
    }
    found
}

fn at<'a>(value: &'a Value, path: &[&str]) -> Option<&'a Value> {
    path.iter().try_fold(value, |value, key| value.get(key))
}
