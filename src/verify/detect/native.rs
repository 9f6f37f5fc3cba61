//! Go modules, CMake projects and Makefiles.

use super::{Check, CheckKind, Files, check, is_below};

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
        found.push(step(CheckKind::Build, &["cmake", "-S", ".", "-B", out], "a CMake project"));
        found.push(step(CheckKind::Build, &["cmake", "--build", out], "a CMake project"));
        if ["enable_testing", "add_test", "include(ctest)"].iter().any(|word| declares(word)) {
            let command = ["ctest", "--test-dir", out, "--output-on-failure"];
            found.push(step(CheckKind::Test, &command, "declares tests"));
        }
    }
    found
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
