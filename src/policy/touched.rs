//! "Verification was touched": which changed files decide what the checks say.

use std::sync::LazyLock;

use regex::Regex;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::paths::folded;
use super::{Finding, Severity, finding};
use crate::repo::{DiffLine, DiffLineKind, FileChange, RepoPath, StoredFile, diff_file};

/// How a change touches verification.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
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
    /// A stored expectation was changed.
    SnapshotChanged,
    /// The command that runs the tests was changed.
    TestCommand,
    /// Settings of CI, test runner, linter or coverage were changed.
    CheckSettings,
    /// A script that builds, or is run by the build, was changed.
    BuildScript,
}

impl TouchedKind {
    /// Says it for people, behind the path.
    pub fn describe(self) -> &'static str {
        match self {
            Self::TestsDeleted => "tests were deleted",
            Self::SkipAdded => "tests are skipped, ignored or expected to fail that were not before",
            Self::AssertionsRemoved => "assertions were removed",
            Self::TestsChanged => "existing tests were changed",
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
    pub(super) fn finding(&self) -> Finding {
        let text = format!("verification was touched: {}: {}", self.path, self.kind.describe());
        finding(Severity::Flag, "verification-touched", &self.path, text)
    }
}

/// Files that set how checks run, by name; a `*` at the end stands for any ending.
const SETTINGS: &[&str] = &[
    ".eslintrc*",
    "eslint.config.*",
    ".flake8",
    "ruff.toml",
    ".ruff.toml",
    "mypy.ini",
    ".pylintrc",
    "tox.ini",
    "pytest.ini",
    "setup.cfg",
    "noxfile.py",
    ".coveragerc",
    "codecov.yml",
    ".codecov.yml",
    "clippy.toml",
    ".clippy.toml",
    "rustfmt.toml",
    "deny.toml",
    "nextest.toml",
    ".golangci.*",
    "jest.config.*",
    "vitest.config.*",
    "vite.config.*",
    ".mocharc*",
    "karma.conf.*",
    "playwright.config.*",
    "cypress.config.*",
    "tsconfig*",
    "biome.json*",
    ".prettierrc*",
    "babel.config.*",
    ".babelrc*",
    "phpunit.xml*",
    ".rspec",
    "checkstyle.xml",
    "detekt.yml",
    ".nycrc*",
    "sonar-project.properties",
    "rust-toolchain*",
    "ctestconfig.cmake",
    ".pre-commit-config.yaml",
];
/// Files that build or are run by the build, by name.
const BUILD_SCRIPTS: &[&str] = &[
    "build.rs",
    "setup.py",
    "makefile",
    "gnumakefile",
    "cmakelists.txt",
    "build.gradle*",
    "settings.gradle*",
    "pom.xml",
    "dockerfile*",
    "justfile",
    "taskfile.y*",
    "rakefile",
    "mvnw*",
    "gradlew*",
    "gulpfile.*",
    "webpack.config.*",
    "rollup.config.*",
    "meson.build",
];
/// Tables of a TOML manifest that set how checks run.
const TOML_TABLES: &[&str] = &[
    "tool.pytest",
    "tool.ruff",
    "tool.mypy",
    "tool.coverage",
    "tool.tox",
    "tool.pylint",
    "tool.black",
    "lints",
    "workspace.lints",
    "test",
    "profile.test",
    "lib",
    "target.",
    "alias",
    "build",
];

static SKIPS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r#"#\[ignore\b|#\[cfg\(any\(\)\)\]|\bmark\.(?:skip|skipif|xfail)\b|\bpytest\.(?:skip|xfail|importorskip)\(|\bunittest\.(?:skip\w*|expectedFailure|SkipTest)\b|@(?:skip\w*|expectedFailure)\b|\.skipTest\(|\b(?:it|test|describe|suite|context)\.(?:skip|todo|failing|only)\b|\b(?:xit|xtest|xdescribe|fit|fdescribe)\(|\b[tb]\.(?:Skip|SkipNow|Skipf)\(|@(?:Disabled|Ignore)\b|\bskip: *(?:true|['"])|\bGTEST_SKIP\b|\bDISABLED_\w|\bpragma: no cover\b|\bprocess\.exit\(0\)|\b(?:sys|os)\._?exit\(0\)"#,
    )
    .expect("the pattern is a constant, compiled by a test")
});
static ASSERTIONS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\bassert\w*\b|\bexpect\w*[(!.]|\bshould\b|\brequire\.\w+\(|\bt\.(?:Error|Fatal|Fail)\w*\(|\b(?:EXPECT|ASSERT|REQUIRE|CHECK)(?:_\w+)?\(|\bpytest\.raises\b|\bverify\(|\bprop_assert\w*!")
        .expect("the pattern is a constant, compiled by a test")
});

/// Finds the changed files that decide what the checks say, gravest kind first, one entry a file and kind.
///
/// New files of tests are not among them: their tests cannot turn from red to green, they count as added.
pub fn verification_touched(changes: &[FileChange]) -> Vec<Touched> {
    let mut all: Vec<Touched> = changes
        .iter()
        .flat_map(|change| kinds(change).into_iter().map(|kind| Touched { path: change.path.clone(), kind }))
        .collect();
    all.sort_by(|a, b| (a.kind, &a.path).cmp(&(b.kind, &b.path)));
    all.dedup();
    all
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
    if matches_any(name, SETTINGS) || is_pipeline(&path) || name == "conftest.py" {
        found.push(TouchedKind::CheckSettings);
    }
    if matches_any(name, BUILD_SCRIPTS) || name.ends_with(".mk") || name.ends_with(".cmake") {
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

fn matches_any(name: &str, patterns: &[&str]) -> bool {
    patterns.iter().any(|pattern| match pattern.strip_suffix('*') {
        Some(start) => name.starts_with(start),
        None => name == *pattern,
    })
}

fn is_prose(name: &str) -> bool {
    [".md", ".rst", ".txt", ".adoc"].iter().any(|end| name.ends_with(end))
}

fn is_pipeline(path: &str) -> bool {
    [".github/workflows/", ".github/actions/", ".circleci/", ".buildkite/"].iter().any(|start| path.starts_with(start))
        || matches!(
            path,
            ".gitlab-ci.yml" | "jenkinsfile" | "azure-pipelines.yml" | ".travis.yml" | ".cargo/config.toml"
        )
}

fn is_snapshot(path: &str) -> bool {
    let ends = [".snap", ".snap.new", ".golden", ".approved.txt", ".ambr"];
    ends.iter().any(|end| path.ends_with(end))
        || path.split('/').any(|name| matches!(name, "__snapshots__" | "snapshots" | "golden" | "goldens"))
}

/// Tells files of tests by the conventions of their languages; the path is lower-case.
pub(super) fn is_test_file(path: &str) -> bool {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let stem = name.split('.').next().unwrap_or(name);
    let in_folder = folder.split('/').any(|part| {
        matches!(part, "test" | "tests" | "__tests__" | "spec" | "specs" | "testing" | "e2e" | "testdata" | "fixtures")
    });
    let by_name = stem.starts_with("test_")
        || stem.ends_with("_test")
        || stem.ends_with("_tests")
        || stem.ends_with("_spec")
        || name.contains(".test.")
        || name.contains(".spec.")
        || matches!(name, "conftest.py" | "tests.py" | "tests.rs" | "test.rs");
    let of_class = ["java", "kt", "kts", "cs", "scala", "groovy", "php", "swift"]
        .iter()
        .any(|end| name.ends_with(&format!(".{end}")))
        && ["test", "tests", "testcase", "spec", "it"].iter().any(|end| stem.len() > end.len() && stem.ends_with(end));
    !is_prose(name) && (in_folder || by_name || of_class)
}

/// Tells whether a change reaches tests that stand beside the code, as Rust's do: anything behind the first
/// `#[cfg(test)]`, which by custom is the end of the file.
fn touches_inline_tests(change: &FileChange, path: &str) -> bool {
    if !path.ends_with(".rs") {
        return false;
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
    diff_file(change).hunks.iter().flat_map(|hunk| &hunk.lines).any(reaches)
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

/// Returns the lines of those tables of a TOML file that set how checks run.
fn tables(file: &Option<StoredFile>) -> Vec<String> {
    let text = file.as_ref().map(|file| String::from_utf8_lossy(&file.content).into_owned()).unwrap_or_default();
    let mut inside = false;
    let mut kept = Vec::new();
    for line in text.lines().map(str::trim) {
        if let Some(heading) = line.strip_prefix('[') {
            let heading = heading.trim_start_matches('[');
            inside = TOML_TABLES.iter().any(|table| heading.starts_with(table));
        }
        if (inside || line.starts_with("autotests") || line.starts_with("test =")) && !line.is_empty() {
            kept.push(line.to_owned());
        }
    }
    kept
}
