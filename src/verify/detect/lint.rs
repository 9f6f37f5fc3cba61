//! Formatters and linters that a repository configures, each by the file that its own tools look for.
//!
//! They are run in the form that changes nothing. Which of them a repository obeys is not known: one that complains
//! before a change says nothing about it.

use super::workflows::Workflows;
use super::{Check, CheckKind, Files, check};

/// A linter: the files that configure it, or a file with the text that does, and its command.
struct Linter {
    /// File names in the folder of the project.
    files: &'static [&'static str],
    /// Files that configure many tools, and the text that is about this one.
    tables: &'static [(&'static str, &'static str)],
    command: &'static [&'static str],
}

/// By each tool's own manual.
const LINTERS: &[Linter] = &[
    Linter {
        files: &["ruff.toml", ".ruff.toml"],
        tables: &[("pyproject.toml", "[tool.ruff")],
        command: &["python3", "-m", "ruff", "check", "--no-cache", "."],
    },
    Linter {
        files: &[],
        tables: &[("pyproject.toml", "[tool.ruff.format]")],
        command: &["python3", "-m", "ruff", "format", "--no-cache", "--check", "."],
    },
    Linter {
        files: &[],
        tables: &[("pyproject.toml", "[tool.black]")],
        command: &["python3", "-m", "black", "--check", "."],
    },
    Linter {
        files: &[".isort.cfg"],
        tables: &[("pyproject.toml", "[tool.isort]"), ("setup.cfg", "[isort]")],
        command: &["python3", "-m", "isort", "--check-only", "."],
    },
    Linter {
        files: &[".flake8"],
        tables: &[("setup.cfg", "[flake8]"), ("tox.ini", "[flake8]")],
        command: &["python3", "-m", "flake8"],
    },
    Linter {
        files: &[".golangci.yml", ".golangci.yaml", ".golangci.toml"],
        tables: &[],
        command: &["golangci-lint", "run"],
    },
    Linter { files: &[".rubocop.yml"], tables: &[], command: &["bundle", "exec", "rubocop", "--no-color"] },
    Linter {
        files: &["phpcs.xml", "phpcs.xml.dist", ".phpcs.xml", ".phpcs.xml.dist"],
        tables: &[],
        command: &["php", "vendor/bin/phpcs", "--no-colors"],
    },
    Linter {
        files: &["phpstan.neon", "phpstan.neon.dist"],
        tables: &[],
        command: &["php", "vendor/bin/phpstan", "analyse", "--no-progress", "--no-ansi"],
    },
    Linter {
        files: &[".php-cs-fixer.php", ".php-cs-fixer.dist.php"],
        tables: &[],
        command: &["php", "vendor/bin/php-cs-fixer", "fix", "--dry-run", "--no-ansi"],
    },
    Linter { files: &[".formatter.exs"], tables: &[], command: &["mix", "format", "--check-formatted"] },
];

pub(super) fn checks(files: &Files<'_>, workflows: &Workflows) -> Vec<Check> {
    let mut found = rust(files, workflows);
    for linter in LINTERS {
        let named = linter.files.iter().find(|name| files.has("", name)).map(|name| (*name, "its settings"));
        let in_table = || {
            let holds =
                |(file, text): &&(&str, &str)| files.text("", file).is_some_and(|content| content.contains(text));
            linter.tables.iter().find(holds).map(|(file, _)| (*file, "has a table for it"))
        };
        if let Some(reason) = named.or_else(in_table) {
            found.push(check(CheckKind::Lint, "", linter.command, reason));
        }
    }
    found
}

/// rustfmt and clippy come with every toolchain; they are run where a file or a workflow says that they are heeded.
fn rust(files: &Files<'_>, workflows: &Workflows) -> Vec<Check> {
    let mut found = Vec::new();
    if !files.has("", "Cargo.toml") {
        return found;
    }
    let format: Option<(String, &str)> = ["rustfmt.toml", ".rustfmt.toml"]
        .into_iter()
        .find(|name| files.has("", name))
        .map(|name| (name.to_owned(), "settings of rustfmt"))
        .or_else(|| Some((workflows.find(&["cargo fmt", "cargo-fmt"])?.file.clone(), "runs cargo fmt")));
    if let Some((file, why)) = format {
        found.push(check(CheckKind::Lint, "", &["cargo", "fmt", "--all", "--check"], (&file, why)));
    }
    let denies = |line: &&str| line.contains("-D warnings") || line.contains("-Dwarnings");
    if let Some(run) = workflows.find(&["cargo clippy"]).filter(|run| denies(&run.line.as_str())) {
        let command = ["cargo", "clippy", "--workspace", "--all-targets", "--", "-D", "warnings"];
        found.push(check(CheckKind::Lint, "", &command, (&run.file, "runs cargo clippy and denies warnings")));
    }
    found
}
