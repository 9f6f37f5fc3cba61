//! A command that checks the repository.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ReportFormat;

/// Where a command leaves a report of its tests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    /// How it is written.
    pub format: ReportFormat,
    /// Its places, relative to the folder of the check: paths, or globs in which `**` stands for any folders.
    pub places: Vec<String>,
}

/// What a command is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CheckKind {
    /// It builds; green means that the tree compiles.
    Build,
    /// It runs tests.
    Test,
    /// It fetches what the others need; only before them, with the network.
    Setup,
    /// It looks at how the code is written, as formatters and linters do; it proves and breaks nothing.
    Lint,
}

/// A command that checks the repository.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Check {
    /// What it is for.
    pub kind: CheckKind,
    /// The program and its arguments; a program with a slash in it is relative to `folder`.
    pub argv: Vec<String>,
    /// The folder it starts in, relative to the top; empty for the top itself.
    pub folder: String,
    /// From which file, and why, it was concluded: `Cargo.toml: a package`.
    pub found_in: String,
    /// The report that it leaves as a file; without one, or where none is left, what it prints is read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report: Option<Report>,
}

impl Check {
    /// Returns the command as a person would type it, with quotes where a shell needs them.
    pub fn command_line(&self) -> String {
        self.argv.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ")
    }

    /// Returns the command line and, when it is not the top, the folder.
    pub fn label(&self) -> String {
        match self.folder.as_str() {
            "" => self.command_line(),
            folder => format!("{} (in {folder})", self.command_line()),
        }
    }

    /// Tells whether the two belong to one chain of steps: found in the same file, so that the later one is pointless
    /// when the earlier one fails. The scripts of a Node package are no such chain: its tests rarely need its build.
    pub fn is_chained_to(&self, earlier: &Self) -> bool {
        let file = |check: &Self| check.found_in.split_once(':').map(|(file, _)| file.to_owned());
        let is_package = |file: &String| file.ends_with("package.json");
        self.folder == earlier.folder && file(self).filter(|file| !is_package(file)) == file(earlier)
    }
}

fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./=:,@%+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_line_can_be_typed_into_a_shell() {
        let argv = ["pytest", "-k", "a or b", "it's"].map(str::to_owned).to_vec();
        let check =
            Check { kind: CheckKind::Test, argv, folder: "api".to_owned(), found_in: String::new(), report: None };
        assert_eq!(check.label(), r"pytest -k 'a or b' 'it'\''s' (in api)");
    }
}
