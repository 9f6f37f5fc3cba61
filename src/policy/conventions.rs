//! The conventions of languages and tools: which file holds tests, settings of checks, build scripts, expectations.
//!
//! Paths and names are given folded to lower case.

use std::sync::LazyLock;

use regex::Regex;

use crate::repo::StoredFile;

/// Tells files that set how checks run.
pub(super) fn is_check_setting(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    matches_any(name, SETTINGS) || is_pipeline(path) || name == "conftest.py"
}

/// Tells files that build, or are run by the build.
pub(super) fn is_build_script(name: &str) -> bool {
    matches_any(name, BUILD_SCRIPTS) || name.ends_with(".mk") || name.ends_with(".cmake")
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
    ".npmrc",
    ".yarnrc*",
    ".pytest.ini",
    "pytest.toml",
    ".pytest.toml",
    "phpunit.dist.xml",
    ".taprc",
    "ava.config.*",
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

/// Marks that keep a test, or a line, from being checked.
pub(super) static SKIPS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r#"(?-u)#\[ignore\b|#\[cfg\(any\(\)\)\]|\bmark\.(?:skip|skipif|xfail)\b|\bpytest\.(?:skip|xfail|importorskip)\(|\bunittest\.(?:skip\w*|expectedFailure|SkipTest)\b|@(?:skip\w*|expectedFailure)\b|\.skipTest\(|\b(?:it|test|describe|suite|context)\.(?:skip|todo|failing|only)\b|\b(?:xit|xtest|xdescribe|fit|fdescribe)\(|\b[tb]\.(?:Skip|SkipNow|Skipf)\(|@(?:Disabled|Ignore)\b|\bskip: *(?:true|['"])|\bGTEST_SKIP\b|\bDISABLED_\w|\bpragma: no cover\b|\bprocess\.exit\(0\)|\b(?:sys|os)\._?exit\(0\)"#,
    )
    .expect("the pattern is a constant, compiled by a test")
});
/// Lines that assert something, over all languages and their common libraries.
pub(super) static ASSERTIONS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?-u)\bassert\w*\b|\bexpect\w*[(!.]|\bshould\b|\brequire\.\w+\(|\bt\.(?:Error|Fatal|Fail)\w*\(|\b(?:EXPECT|ASSERT|REQUIRE|CHECK)(?:_\w+)?\(|\bpytest\.raises\b|\bverify\(|\bprop_assert\w*!")
        .expect("the pattern is a constant, compiled by a test")
});

fn matches_any(name: &str, patterns: &[&str]) -> bool {
    patterns.iter().any(|pattern| match pattern.strip_suffix('*') {
        Some(start) => name.starts_with(start),
        None => name == *pattern,
    })
}

/// Tells texts for people, in which a word such as `skip` means nothing.
pub(super) fn is_prose(name: &str) -> bool {
    [".md", ".rst", ".txt", ".adoc"].iter().any(|end| name.ends_with(end))
}

/// Tells the files of pipelines; the path is lower-case.
fn is_pipeline(path: &str) -> bool {
    [".github/workflows/", ".github/actions/", ".circleci/", ".buildkite/"].iter().any(|start| path.starts_with(start))
        || matches!(
            path,
            ".gitlab-ci.yml"
                | "jenkinsfile"
                | "azure-pipelines.yml"
                | ".travis.yml"
                | ".cargo/config.toml"
                | ".cargo/config"
                | ".mvn/maven.config"
                | ".mvn/jvm.config"
        )
}

/// Tells stored expectations; the path is lower-case.
pub(super) fn is_snapshot(path: &str) -> bool {
    let ends = [".snap", ".snap.new", ".golden", ".approved.txt", ".ambr"];
    ends.iter().any(|end| path.ends_with(end))
        || path.split('/').any(|name| matches!(name, "__snapshots__" | "snapshots" | "golden" | "goldens"))
}

/// Ends of files with programs, among which tests are known by their names.
const PROGRAMS: &[&str] = &[
    ".py", ".rs", ".js", ".mjs", ".cjs", ".jsx", ".ts", ".mts", ".cts", ".tsx", ".go", ".rb", ".php", ".ex", ".exs",
    ".c", ".cc", ".cpp", ".cxx", ".java", ".kt", ".cs", ".swift", ".scala", ".sh", ".lua", ".pl", ".t",
];

/// Tells files of tests by the conventions of their languages; the path is lower-case.
pub(super) fn is_test_file(path: &str) -> bool {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let stem = name.split('.').next().unwrap_or(name);
    let in_folder = folder.split('/').any(|part| {
        matches!(part, "test" | "tests" | "__tests__" | "spec" | "specs" | "testing" | "e2e" | "testdata" | "fixtures")
    });
    let marks = |word: &str| {
        stem == word
            || ["_", "-"].iter().any(|sign| {
                stem.strip_prefix(word).is_some_and(|rest| rest.starts_with(sign))
                    || stem.strip_suffix(word).is_some_and(|rest| rest.ends_with(sign))
            })
    };
    let is_program = PROGRAMS.iter().any(|end| name.ends_with(end));
    let by_name = (is_program && ["test", "tests", "spec", "specs"].into_iter().any(marks))
        || name.contains(".test.")
        || name.contains(".spec.")
        || matches!(name, "conftest.py" | "tests.py" | "tests.rs" | "test.rs");
    let of_class = ["java", "kt", "kts", "cs", "scala", "groovy", "php", "swift"]
        .iter()
        .any(|end| name.ends_with(&format!(".{end}")))
        && ["test", "tests", "testcase", "spec", "it"].iter().any(|end| stem.len() > end.len() && stem.ends_with(end));
    !is_prose(name) && (in_folder || by_name || of_class)
}

/// Returns the lines of those tables of a TOML file that set how checks run.
pub(super) fn tables(file: &Option<StoredFile>) -> Vec<String> {
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
