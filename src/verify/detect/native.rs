//! Go modules, CMake projects and Makefiles.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use regex::Regex;

use super::{Check, CheckKind, Files, check, is_below};

/// `option(NAME "description" OFF)`, or without a value, which is OFF (CMake, "option", "CMakeDependentOption").
static OPTION: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"(?i)\b(?:cmake_dependent_)?option\s*\(\s*(\w+)\s+"[^"]*"\s*(?:\)|(?:OFF|NO|FALSE|0)\b)"#)
        .expect("the pattern is a constant, compiled by a test")
});

pub(super) fn go(files: &Files<'_>) -> Vec<Check> {
    let module =
        |folder: String| check(CheckKind::Test, &folder, &["go", "test", "-json", "./..."], ("go.mod", "a module"));
    files.folders_with(&["go.mod"]).into_iter().map(module).collect()
}

/// Three steps that depend on each other; the tests only where the project declares some.
pub(super) fn cmake(files: &Files<'_>) -> Vec<Check> {
    let mut found = Vec::new();
    for folder in files.folders_with(&["CMakeLists.txt"]) {
        let lists = files.below(&folder).filter(|path| path.file_name() == "CMakeLists.txt");
        let texts: Vec<String> = lists.filter_map(|path| files.text("", path.as_str())).collect();
        let declares = |word: &str| texts.iter().any(|text| text.to_lowercase().contains(word));
        // A committed folder of that name must not be mixed with the products.
        let taken = files.tree.paths().any(|path| is_below(path.as_str(), &super::joined(&folder, "build")));
        let out = if taken { "build-checks" } else { "build" };
        let step = |kind, command: &[&str], why| check(kind, &folder, command, ("CMakeLists.txt", why));
        // Options further below are those of what is built along, such as a copy of a test library.
        let top = files.text(&folder, "CMakeLists.txt").unwrap_or_default();
        let switches: BTreeSet<String> = test_switches(&top).into_iter().collect();
        let configure: Vec<&str> =
            ["cmake", "-S", ".", "-B", out].into_iter().chain(switches.iter().map(String::as_str)).collect();
        let why = if switches.is_empty() { "a CMake project" } else { "a CMake project, with its options for tests" };
        found.push(step(CheckKind::Build, &configure, why));
        found.push(step(CheckKind::Build, &["cmake", "--build", out], "a CMake project"));
        if ["enable_testing", "add_test", "include(ctest)", "include( ctest"].iter().any(|word| declares(word)) {
            let command = ["ctest", "--test-dir", out, "--output-on-failure"];
            found.push(step(CheckKind::Test, &command, "declares tests"));
        }
    }
    found
}

/// Finds the options that leave the tests out unless they are switched on: `option(NAME_BUILD_TESTS "..." OFF)`.
fn test_switches(text: &str) -> Vec<String> {
    const OTHER: [&str; 8] = ["SANIT", "FUZZ", "COVER", "VALGRIND", "INSTALL", "BENCH", "EXTERN", "DOWNLOAD"];
    let is_tests = |name: &str| {
        let name = name.to_uppercase();
        let says_so =
            ["TESTS", "TESTING", "BUILD_TEST", "ENABLE_TEST", "WITH_TEST"].iter().any(|word| name.contains(word));
        says_so && !OTHER.iter().any(|word| name.contains(word))
    };
    let found = OPTION.captures_iter(text).filter(|found| is_tests(&found[1]));
    found.map(|found| format!("-D{}=ON", &found[1])).collect()
}

/// The target `test`, or else `check` (GNU Coding Standards, "Standard Targets"), of the Makefile at the top.
pub(super) fn make(files: &Files<'_>) -> Option<Check> {
    let name = ["GNUmakefile", "makefile", "Makefile"].into_iter().find(|name| files.has("", name))?;
    let text = files.text("", name)?;
    let defines = |target: &str| {
        let is_rule = |line: &str| {
            line.strip_prefix(target).is_some_and(|rest| {
                let rest = rest.trim_start();
                rest.starts_with(':') && !rest.starts_with(":=") && !rest.starts_with("::=")
            })
        };
        text.lines().any(is_rule)
    };
    let target = ["test", "check"].into_iter().find(|target| defines(target))?;
    Some(check(CheckKind::Test, "", &["make", target], (name, &format!("defines the target {target}"))))
}
