//! Cargo, Go, Maven, Gradle, Bundler, Composer and NuGet: each tool fetches by itself, into a place of ours.

use std::collections::BTreeMap;

use toml::{Table, Value};

use super::{Ecosystem, Files, Setup, Step, folders};
use crate::verify::Check;
use crate::verify::detect::joined;

pub(super) fn setups(files: &Files<'_>, checks: &[Check], is_installed: &dyn Fn(&str) -> bool) -> Vec<Setup> {
    let of = |ecosystem, programs: &[&str], steps: &dyn Fn(&str) -> Vec<Step>| {
        let all: Vec<Step> = folders(checks, programs).into_iter().flat_map(steps).collect();
        (!all.is_empty()).then(|| Setup::new(files, ecosystem, vec![all]))
    };
    let has = |folder: &str, name: &str| files.has(folder, name);
    let named = |folder: &str, name: &str, steps: Vec<Step>| if has(folder, name) { steps } else { Vec::new() };
    let found = [
        of(Ecosystem::Cargo, &["cargo"], &|folder| {
            if needs_crates(files, folder) { cargo(files, checks, folder) } else { Vec::new() }
        }),
        of(Ecosystem::Go, &["go"], &|folder| {
            let text = files.text(folder, "go.mod").unwrap_or_default();
            let needs = text.lines().any(|line| line.trim_start().starts_with("require"));
            let step = Step::new(&["go", "mod", "download"], folder, ("go.mod", "requires modules"));
            if needs { vec![step] } else { Vec::new() }
        }),
        of(Ecosystem::Maven, &["mvn", "mvnw"], &|folder| named(folder, "pom.xml", maven(files, folder))),
        of(Ecosystem::Gradle, &["gradle", "gradlew"], &|folder| {
            let program = if has(folder, "gradlew") { "./gradlew" } else { "gradle" };
            let argv = [program, "--no-daemon", "--console=plain", "testClasses"];
            vec![Step::new(&argv, folder, ("build.gradle", "names dependencies"))]
        }),
        of(Ecosystem::Bundler, &["bundle", "rake", "rspec"], &|folder| {
            let step = Step::new(&["bundle", "install", "--quiet"], folder, ("Gemfile", "names dependencies"));
            if is_installed(folder) { Vec::new() } else { named(folder, "Gemfile", vec![step]) }
        }),
        of(Ecosystem::Composer, &["php", "composer"], &|folder| {
            let argv = ["composer", "install", "--no-interaction", "--no-progress", "--no-scripts"];
            let step = Step::new(&argv, folder, ("composer.json", "names dependencies"));
            if is_installed(folder) { Vec::new() } else { named(folder, "composer.json", vec![step]) }
        }),
        of(Ecosystem::Nuget, &["dotnet"], &|folder| {
            vec![Step::new(&["dotnet", "restore", "--nologo"], folder, ("*.csproj", "names dependencies"))]
        }),
    ];
    found.into_iter().flatten().collect()
}

/// Tells whether any manifest names a crate that is not a folder of the repository.
fn needs_crates(files: &Files<'_>, folder: &str) -> bool {
    let manifests = files.below(folder).filter(|path| path.file_name() == "Cargo.toml");
    let tables = manifests.filter_map(|path| files.text("", path.as_str())?.parse::<Table>().ok());
    tables.into_iter().any(|table| names_crate(&Value::Table(table), 0))
}

/// Looks for tables of dependencies at any place: of packages, workspaces and targets.
fn names_crate(value: &Value, depth: usize) -> bool {
    const MAX_NESTING: usize = 4;
    let Some(table) = value.as_table().filter(|_| depth <= MAX_NESTING) else { return false };
    table.iter().any(|(key, value)| {
        let own = |value: &Value| value.get("path").is_some() || value.get("workspace").is_some();
        let is_list = key.ends_with("dependencies");
        let named = is_list && value.as_table().is_some_and(|list| list.values().any(|value| !own(value)));
        named || (!is_list && names_crate(value, depth + 1))
    })
}

/// The dependencies are compiled as well, so that no tree that is tested has to do it again.
fn cargo(files: &Files<'_>, checks: &[Check], folder: &str) -> Vec<Step> {
    let why = ("Cargo.toml", "names dependencies");
    let locked: &[&str] = if files.has(folder, "Cargo.lock") { &["--locked"] } else { &[] };
    let fetch = Step::new(&[&["cargo", "fetch"], locked].concat(), folder, why);
    let tests = checks.iter().find(|check| {
        let words: Vec<&str> = check.argv.iter().take(2).map(String::as_str).collect();
        check.folder == folder && words == ["cargo", "test"]
    });
    let build = tests.map(|check| {
        let words = check.argv.iter().map(String::as_str).filter(|word| *word != "--no-fail-fast");
        let argv: Vec<&str> = words.chain(["--no-run"]).collect();
        Step::optional(&argv, folder, why)
    });
    std::iter::once(fetch).chain(build).collect()
}

/// What the tests' own provider needs is only fetched when tests are asked for, hence the last step.
fn maven(files: &Files<'_>, folder: &str) -> Vec<Step> {
    let program = if files.has(folder, "mvnw") { "./mvnw" } else { "mvn" };
    let why = ("pom.xml", "names dependencies");
    let none = ["-Dtest=NoSuchTest", "-DfailIfNoTests=false", "-Dsurefire.failIfNoSpecifiedTests=false"];
    vec![
        Step::new(&[program, "-q", "-B", "-DskipTests", "test-compile"], folder, why),
        Step::optional(&[&[program, "-q", "-B", "test"][..], &none].concat(), folder, why),
    ]
}

/// Where each tool is told to keep what it fetches; `$SCRATCH` is the folder that is kept.
pub(super) fn environment(ecosystem: Ecosystem) -> BTreeMap<String, String> {
    let pairs: &[(&str, &str)] = match ecosystem {
        Ecosystem::Go => &[("GOMODCACHE", "$SCRATCH/gomod"), ("GOFLAGS", "-modcacherw")],
        Ecosystem::Bundler => &[("BUNDLE_PATH", "$SCRATCH/bundle")],
        Ecosystem::Composer => &[("COMPOSER_HOME", "$SCRATCH/composer")],
        Ecosystem::Nuget => &[("NUGET_PACKAGES", "$SCRATCH/nuget"), ("DOTNET_CLI_TELEMETRY_OPTOUT", "1")],
        _ => &[],
    };
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// Returns what the checks are told of the same places, and what is copied into or linked from each tree's own scratch
/// folder: (name there, name in the folder that is kept).
pub(super) fn handed_on(ecosystem: Ecosystem) -> (Vec<&'static str>, Vec<(&'static str, &'static str)>) {
    match ecosystem {
        Ecosystem::Go => (vec!["GOMODCACHE"], Vec::new()),
        Ecosystem::Bundler => (vec!["BUNDLE_PATH"], Vec::new()),
        Ecosystem::Nuget => (vec!["NUGET_PACKAGES", "DOTNET_CLI_TELEMETRY_OPTOUT"], Vec::new()),
        Ecosystem::Cargo => (Vec::new(), vec![("cargo/registry", "cargo/registry"), ("cargo/git", "cargo/git")]),
        _ => (Vec::new(), Vec::new()),
    }
}

/// Returns what has to be writable and is therefore copied: (name in a tree's folder, name in the folder of the setup).
///
/// Names begin with `tree/` or `scratch/`.
pub(super) fn copied(ecosystem: Ecosystem, folder: &str) -> Vec<(String, String)> {
    let same = |name: String| (name.clone(), name);
    match ecosystem {
        Ecosystem::Cargo => vec![same(format!("tree/{}", joined(folder, "target")))],
        Ecosystem::Maven => vec![same("scratch/home/.m2".to_owned())],
        Ecosystem::Gradle => vec![same("scratch/home/.gradle".to_owned())],
        _ => Vec::new(),
    }
}
