//! "Verification was touched": which changed files decide what the checks say.

use regex::Regex;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::conventions::{self, ASSERTIONS, SKIPS, is_prose, is_snapshot, is_test_file, tables};
use super::paths::folded;
use super::{Finding, Severity, finding};
use crate::repo::{DiffLine, DiffLineKind, FileChange, RepoPath, StoredFile, diff_file};
use crate::verify::Check;

/// How a change touches verification.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TouchedKind {
    /// A file of tests was deleted.
    TestsDeleted,
    /// Tests are skipped, ignored or expected to fail that were not before.
    SkipAdded,
    /// A file of tests holds fewer assertions.
    AssertionsRemoved,
    /// A file of tests was changed in another way.
    TestsChanged,
    /// Tests that passed expect something else now: their old form fails with the change.
    TestsTurned,
    /// A stored expectation was changed.
    SnapshotChanged,
    /// The command that runs the tests was changed.
    TestCommand,
    /// Settings of CI, test runner, linter or coverage were changed.
    CheckSettings,
    /// A script that builds, or is run by the build, was changed.
    BuildScript,
}

/// How a change of ours may not touch verification unless the settings say otherwise: tests must not disappear, nor be made to
/// agree with the code.
pub const REFUSED_BY_DEFAULT: &[TouchedKind] =
    &[TouchedKind::TestsDeleted, TouchedKind::SkipAdded, TouchedKind::TestsTurned];

impl TouchedKind {
    /// Says it for people, behind the path.
    pub fn describe(self) -> &'static str {
        match self {
            Self::TestsDeleted => "tests were deleted",
            Self::SkipAdded => "tests are skipped, ignored or expected to fail that were not before",
            Self::AssertionsRemoved => "assertions were removed",
            Self::TestsChanged => "existing tests were changed",
            Self::TestsTurned => "tests that passed were made to expect something else",
            Self::SnapshotChanged => "a stored expectation was changed",
            Self::TestCommand => "the command that runs the tests was changed",
            Self::CheckSettings => "settings of the checks were changed",
            Self::BuildScript => "a build script was changed",
        }
    }
}

/// A changed file that decides what the checks say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Touched {
    /// The file.
    pub path: RepoPath,
    /// How it was touched.
    pub kind: TouchedKind,
}

impl Touched {
    pub(super) fn finding(&self, refused: &[TouchedKind]) -> Finding {
        let text = format!("verification was touched: {}: {}", self.path, self.kind.describe());
        let severity = if refused.contains(&self.kind) { Severity::Refuse } else { Severity::Flag };
        finding(severity, "verification-touched", &self.path, text)
    }
}

/// Finds the changed files that decide what the checks say, gravest kind first, one entry a file and kind.
///
/// New files of tests are not among them: what turns green by them alone is found by running them on the base.
/// `checks` are the commands that judge: a file that one of them names, or that stands where its tools are installed, is a
/// command itself.
pub fn verification_touched(changes: &[FileChange], checks: &[&Check]) -> Vec<Touched> {
    let mut all: Vec<Touched> = changes
        .iter()
        .flat_map(|change| kinds(change).into_iter().map(|kind| Touched { path: change.path.clone(), kind }))
        .collect();
    let commands = changes.iter().filter(|change| is_command(&change.path, checks));
    all.extend(commands.map(|change| Touched { path: change.path.clone(), kind: TouchedKind::TestCommand }));
    all.sort_by(|a, b| (a.kind, &a.path).cmp(&(b.kind, &b.path)));
    all.dedup();
    all
}

/// Programs that run the script which follows their options.
const LAUNCHERS: &[&str] = &[
    "sh", "bash", "dash", "zsh", "env", "timeout", "nice", "python", "python3", "node", "deno", "bun", "ruby", "perl",
    "php", "npx", "pwsh",
];

/// Tells files that a check starts: the script that it names, and whatever lies in folders of installed tools. What a
/// program is given to look at is no command.
fn is_command(path: &RepoPath, checks: &[&Check]) -> bool {
    let is_tool = path.components().any(|part| matches!(part, "node_modules" | ".venv" | "venv"));
    let starts = |check: &&Check| {
        let words = check.argv.iter().flat_map(|word| word.split_whitespace());
        let is_before = |word: &&str| {
            let is_setting = word.contains('=') || word.bytes().all(|byte| byte.is_ascii_digit());
            word.starts_with('-') || is_setting || LAUNCHERS.contains(word)
        };
        let script = words.map(|word| word.trim_matches(['\'', '"'])).find(|word| !is_before(word));
        let script = script.map(|word| word.strip_prefix("./").unwrap_or(word));
        script.is_some_and(|word| match check.folder.as_str() {
            "" => path.as_str() == word,
            folder => path.as_str().strip_prefix(folder).and_then(|rest| rest.strip_prefix('/')) == Some(word),
        })
    };
    is_tool || (!is_of_tests(path) && checks.iter().any(starts))
}

/// Returns what a change brings of tests and of what tests compare with. Of a file with code and tests, the code stays as
/// it was before.
pub fn tests_of(changes: &[FileChange]) -> Vec<FileChange> {
    let is_test = |change: &&FileChange| change.after.is_some() && is_of_tests(&change.path);
    let whole = changes.iter().filter(is_test).cloned();
    let inside = changes.iter().filter(|change| !is_test(change)).filter_map(super::inline::with_tests_of);
    whole.chain(inside).collect()
}

/// Tells whether a file holds tests, or what they compare with, by the conventions of its language.
pub fn is_of_tests(path: &RepoPath) -> bool {
    let path = folded(path.as_str());
    is_test_file(&path) || is_snapshot(&path)
}

impl TouchedKind {
    /// Tells whether it can move every test, also those whose files stayed as they were.
    pub fn decides_about_all(self) -> bool {
        matches!(self, Self::SnapshotChanged | Self::TestCommand | Self::CheckSettings | Self::BuildScript)
    }
}

fn kinds(change: &FileChange) -> Vec<TouchedKind> {
    let path = folded(change.path.as_str());
    let name = path.rsplit('/').next().unwrap_or(&path);
    let mut found = Vec::new();
    if is_snapshot(&path) {
        found.extend(change.before.is_some().then_some(TouchedKind::SnapshotChanged));
    } else if is_test_file(&path) || touches_inline_tests(change, &path) {
        found.extend(of_tests(change));
    }
    if !is_prose(name) && !found.contains(&TouchedKind::SkipAdded) && skips_added(change) > 0 {
        found.push(TouchedKind::SkipAdded);
    }
    if conventions::is_check_setting(&path) {
        found.push(TouchedKind::CheckSettings);
    }
    if conventions::is_build_script(name) {
        found.push(TouchedKind::BuildScript);
    }
    match name {
        "package.json" => found.extend(of_package_json(change)),
        "pyproject.toml" | "cargo.toml" | "config.toml" if tables(&change.before) != tables(&change.after) => {
            found.push(TouchedKind::CheckSettings);
        }
        _ => {}
    }
    found
}

fn of_tests(change: &FileChange) -> Vec<TouchedKind> {
    match (&change.before, &change.after) {
        (None, _) => Vec::new(),
        (Some(_), None) => vec![TouchedKind::TestsDeleted],
        (Some(_), Some(_)) => {
            let fewer = count_changed(change, &ASSERTIONS) < 0;
            let skips = skips_added(change) > 0;
            let kinds = [
                (skips, TouchedKind::SkipAdded),
                (fewer, TouchedKind::AssertionsRemoved),
                (!skips && !fewer, TouchedKind::TestsChanged),
            ];
            kinds.into_iter().filter(|(is, _)| *is).map(|(_, kind)| kind).collect()
        }
    }
}

/// A new file that skips its own tests hides nothing that was there.
fn skips_added(change: &FileChange) -> i64 {
    if change.before.is_none() { 0 } else { count_changed(change, &SKIPS) }
}

/// Counts the changed lines that match: added ones less removed ones.
fn count_changed(change: &FileChange, pattern: &Regex) -> i64 {
    let weight = |line: &DiffLine| match line.kind {
        DiffLineKind::Added => 1,
        DiffLineKind::Removed => -1,
        DiffLineKind::Context => 0,
    };
    let diff = diff_file(change);
    diff.hunks.iter().flat_map(|hunk| &hunk.lines).filter(|line| pattern.is_match(&line.text)).map(weight).sum()
}

/// Tells whether a change reaches tests that stand beside the code, as Rust's do: anything behind the first
/// `#[cfg(test)]`, which by custom is the end of the file, and lines of an example in the documentation that was there.
fn touches_inline_tests(change: &FileChange, path: &str) -> bool {
    if !path.ends_with(".rs") {
        return false;
    }
    let lines = || diff_file(change).hunks.into_iter().flat_map(|hunk| hunk.lines);
    let of_example = |line: &DiffLine| {
        let text = line.text.trim();
        let is_doc = text.starts_with("///") || text.starts_with("//!");
        line.kind == DiffLineKind::Removed && is_doc && (text.contains("assert") || text.ends_with(';'))
    };
    if lines().any(|line| of_example(&line)) {
        return true;
    }
    let first = |file: &Option<StoredFile>| {
        let text = file.as_ref().map(|file| String::from_utf8_lossy(&file.content).into_owned())?;
        text.lines().position(|line| matches!(line.trim(), "#[cfg(test)]" | "#[test]")).map(|index| index + 1)
    };
    let (Some(before), after) = (first(&change.before), first(&change.after)) else { return false };
    let reaches = |line: &DiffLine| match line.kind {
        DiffLineKind::Context => false,
        DiffLineKind::Removed => line.old_number.is_some_and(|number| number >= before),
        DiffLineKind::Added => line.new_number.zip(after).is_some_and(|(number, after)| number >= after),
    };
    lines().any(|line| reaches(&line))
}

fn of_package_json(change: &FileChange) -> Vec<TouchedKind> {
    let read = |file: &Option<StoredFile>| {
        file.as_ref().and_then(|file| serde_json::from_slice::<Value>(&file.content).ok()).unwrap_or_default()
    };
    let (before, after) = (read(&change.before), read(&change.after));
    let differs = |key: &str| before[key] != after[key];
    let is_test = |name: &str| name.contains("test");
    let scripts = |value: &Value, tests: bool| -> Vec<(String, Value)> {
        let all = value["scripts"].as_object().cloned().unwrap_or_default();
        all.into_iter().filter(|(name, _)| is_test(name) == tests).collect()
    };
    let mut found = Vec::new();
    if scripts(&before, true) != scripts(&after, true) {
        found.push(TouchedKind::TestCommand);
    }
    if ["jest", "mocha", "ava", "nyc", "c8", "eslintConfig", "vitest"].iter().any(|key| differs(key)) {
        found.push(TouchedKind::CheckSettings);
    }
    if scripts(&before, false) != scripts(&after, false) {
        found.push(TouchedKind::BuildScript);
    }
    found
}
