//! Tells from what a command printed that a tool which the machine has to bring is not here, so that the command's end says
//! nothing about the tree.
//!
//! Only tools of the machine count. A program of the tree that is missing, or a name that nobody knows, is the tree's own
//! fault, and a change may mend it.

use super::Check;
use crate::sandbox::Exit;

/// Lines with which version managers and launchers say that they start nothing: the words that a line begins with, and words
/// that follow in it.
///
/// As these print them: rustup; pyenv and those made after it; asdf; mise; the go command; the start scripts of Gradle and
/// Maven; the .NET host; Bundler.
const REFUSALS: [(&str, &str); 22] = [
    ("error: rustup could not choose a version of ", ""),
    ("error: toolchain '", "' is not installed"),
    ("error: the '", "' component, is not applicable to the '"),
    ("error: could not download file from '", "/channel-rust-"),
    ("pyenv: ", "is not installed"),
    ("pyenv: ", ": command not found"),
    ("rbenv: ", "is not installed"),
    ("rbenv: ", ": command not found"),
    ("nodenv: ", "is not installed"),
    ("nodenv: ", ": command not found"),
    ("jenv: ", "is not installed"),
    ("goenv: ", "is not installed"),
    ("asdf: No version is set for command ", ""),
    ("No version is set for command ", ""),
    ("No preset version installed for command ", ""),
    ("mise ERROR No version is set for shim", ""),
    ("go: download go1.", " for "),
    ("go: ", "; GOTOOLCHAIN=local)"),
    ("ERROR: JAVA_HOME is ", ""),
    ("The JAVA_HOME environment variable is not defined correctly", ""),
    ("A compatible .NET SDK was not found", ""),
    ("bundler: command not found: ", ""),
];

/// The most of such a line that is shown.
const LONGEST_LINE_BYTES: usize = 240;

/// Programs that a machine or a setup brings, and that scripts of a repository call by name.
const KNOWN: [&str; 46] = [
    "ant", "bazel", "bun", "bundle", "cargo", "clang", "cmake", "composer", "ctest", "deno", "dotnet", "gcc", "g++",
    "go", "gradle", "java", "javac", "jest", "make", "meson", "mix", "mocha", "mvn", "ninja", "node", "nox", "npm",
    "npx", "nyc", "phpunit", "php", "pip", "pnpm", "poetry", "pytest", "python", "python3", "rake", "rspec", "ruby",
    "rustc", "sbt", "swift", "tox", "uv", "vitest",
];

/// Names what is missing of what a check is about, where that is why it failed: the module of `python -m`, the package of
/// `npx`, the subcommand of cargo, a toolchain behind a version manager, a tool that a script calls.
///
/// `output` is what it printed, fit to be shown.
pub(super) fn missing_tool(check: &Check, exit: Exit, output: &str) -> Option<String> {
    if exit.is_success() {
        return None;
    }
    let called =
        || called(exit, output).map(|program| format!("the program {program}, which it calls, is not installed here"));
    of_launcher(check, output)
        .map(|what| format!("{what} is not installed here"))
        .or_else(|| refusal(output).map(|line| format!("its tool did not start here: {line}")))
        .or_else(called)
}

fn of_launcher(check: &Check, output: &str) -> Option<String> {
    let last = output.trim_end().lines().last().unwrap_or_default();
    let words: Vec<&str> = check.argv.iter().map(String::as_str).collect();
    match words.as_slice() {
        [python, "-m", module, ..] if python.contains("python") => {
            last.ends_with(&format!(": No module named {module}")).then(|| format!("the Python module {module}"))
        }
        ["npx", "--no-install", ..] => {
            let missing = output.contains("npx canceled due to missing packages");
            missing.then(|| "a package that the command needs".to_owned())
        }
        ["cargo", subcommand @ ("fmt" | "clippy"), ..] => {
            let missing = ["no such command", "is not installed for the toolchain"];
            missing.iter().any(|text| output.contains(text)).then(|| format!("cargo {subcommand}"))
        }
        _ => None,
    }
}

/// Returns the line with which a version manager or a launcher says that it starts nothing.
fn refusal(output: &str) -> Option<&str> {
    let refuses = |line: &&str| {
        REFUSALS.iter().any(|(begin, then)| line.strip_prefix(begin).is_some_and(|rest| rest.contains(then)))
    };
    let line = output.lines().map(str::trim).find(refuses)?;
    Some(&line[..line.floor_char_boundary(LONGEST_LINE_BYTES)])
}

/// Returns the known program that a shell, make, npm or env did not find, where the command ended by that (code 127 of POSIX,
/// "Exit Status for Commands", which make tells of).
fn called(exit: Exit, output: &str) -> Option<&'static str> {
    let ended_so = exit == Exit::Code(127) || output.trim_end().ends_with("Error 127");
    // What is missed before that was done without.
    let last = output.lines().filter(|_| ended_so).filter_map(not_found).next_back()?;
    let name = last.rsplit(": ").next()?.trim_matches(['\'', '‘', '’', '`', '"']);
    KNOWN.into_iter().find(|known| *known == name)
}

/// Returns what stands before the words with which a shell, make or env ends a line about a missing program.
fn not_found(line: &str) -> Option<&str> {
    let ends = ["command not found", "not found", "No such file or directory"];
    ends.iter().find_map(|end| line.trim().strip_suffix(end)?.strip_suffix(": "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verify::from_user;

    fn told(command: &str, code: i32, output: &str) -> Option<String> {
        let check = from_user(&[command.to_owned()]).expect("a command").remove(0);
        missing_tool(&check, Exit::Code(code), output)
    }

    #[test]
    fn a_toolchain_that_does_not_start_is_named_with_its_own_words() {
        let outputs = [
            "error: rustup could not choose a version of cargo to run, because one wasn't specified explicitly, and no default is configured.\nhelp: run 'rustup default stable'\n\nStack backtrace:\n   0: main\n",
            "error: toolchain '1.60.0-x86_64-unknown-linux-gnu' is not installed\nhelp: run `rustup toolchain install` to install it\n",
            "pyenv: version `3.9.1' is not installed (set by shop/.python-version)\n",
            "pyenv: pytest: command not found\n\nThe `pytest' command exists in these Python versions:\n  3.11.7\n",
            "go: downloading go1.23 (linux/amd64)\ngo: download go1.23 for linux/amd64: toolchain not available\n",
            "go: go.mod requires go >= 1.23.0 (running go 1.22.5; GOTOOLCHAIN=local)\n",
            "\nERROR: JAVA_HOME is not set and no 'java' command could be found in your PATH.\n",
            "mise ERROR No version is set for shim: node\n",
        ];
        let lines: Vec<String> = outputs.iter().filter_map(|output| told("x test", 1, output)).collect();
        insta::assert_snapshot!(lines.join("\n"), @"
        its tool did not start here: error: rustup could not choose a version of cargo to run, because one wasn't specified explicitly, and no default is configured.
        its tool did not start here: error: toolchain '1.60.0-x86_64-unknown-linux-gnu' is not installed
        its tool did not start here: pyenv: version `3.9.1' is not installed (set by shop/.python-version)
        its tool did not start here: pyenv: pytest: command not found
        its tool did not start here: go: download go1.23 for linux/amd64: toolchain not available
        its tool did not start here: go: go.mod requires go >= 1.23.0 (running go 1.22.5; GOTOOLCHAIN=local)
        its tool did not start here: ERROR: JAVA_HOME is not set and no 'java' command could be found in your PATH.
        its tool did not start here: mise ERROR No version is set for shim: node
        ");
    }

    #[test]
    fn a_known_tool_that_a_script_calls_in_vain_is_missing() {
        let missing = |output: &str, code| told("make test", code, output).is_some();
        assert!(missing(
            "pytest -q\nmake: pytest: No such file or directory\nmake: *** [Makefile:2: test] Error 127\n",
            2
        ));
        assert!(missing("> test\n> jest --ci\n\nsh: 1: jest: not found\nnpm notice\n", 127));
        assert!(missing("bash: line 1: cargo: command not found\n", 127));
        assert!(missing("/usr/bin/env: ‘python’: No such file or directory\n", 127));
    }

    #[test]
    fn what_the_tree_brings_or_nobody_knows_is_the_trees_own_fault() {
        let missing = |output: &str, code| told("make test", code, output).is_some();
        assert!(!missing("sh: 1: ./run-tests: not found\n", 127), "a script of the tree");
        assert!(!missing("sh: 1: pyhton: not found\n", 127), "a slip of the pen");
        assert!(!missing("sh: 1: node: not found\nsh: 2: ./run-tests: not found\n", 127), "done without");
        assert!(!missing("cat: node: No such file or directory\n1 test failed\n", 1), "not why it ended");
        assert!(!missing("sh: 1: node: not found\n", 0), "it succeeded");
        assert!(!missing("error: expected `;`, found `}`\n", 101), "a compiler's error");
    }
}
