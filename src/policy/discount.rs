//! Takes back what a change proves by tests that it touched itself.

use std::sync::LazyLock;

use regex::Regex;

use super::paths::folded;
use super::{Touched, TouchedKind};
use crate::verify::{Evidence, ReportFormat, Verdict};

/// Names that stand for their folder rather than for themselves.
const FOLDER_NAMES: &[&str] = &["mod", "index", "__init__"];

/// A path of a source file inside of a test's name.
static FILE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"[\w@./-]+\.(?:py|rs|[cm]?[jt]sx?|go|rb|php|cs|java|kt)\b")
        .expect("the pattern is a constant, compiled by a test")
});
/// Dotted names of Python and Java, and Go's package before its test: both tell where the test stands.
static DOTTED: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^(?:\S+: )?(?:(?:\w+\.)+\S+|\S+/\S+ test\S*)$").expect("the pattern is a constant, compiled by a test")
});

/// Downgrades a proof that rests on tests whose files the change touched.
///
/// A test that turned green in a changed file proves nothing: the change may have made it so. Where a test's name does
/// not tell its file, or what was touched can move every test (settings, commands, build scripts, snapshots), no test is
/// believed. What is left decides: still proven, or only added or green, or unproven where checks are red. The tests
/// that do not count any more leave `fixed` and are named in `not_checked`.
pub fn discount(mut evidence: Evidence, touched: &[Touched]) -> Evidence {
    if evidence.fixed.is_empty() || touched.is_empty() {
        return evidence;
    }
    let everywhere = touched.iter().find(|touched| reaches_all(touched));
    let (doubtful, kept): (Vec<String>, Vec<String>) =
        std::mem::take(&mut evidence.fixed).into_iter().partition(|name| {
            // In its new form it fails on the base: what turned it green is the code.
            let is_red_first = evidence.red_first.contains(name);
            let titled = is_titled(&evidence, name);
            let may_be_moved = |touched| may_stand_in(name, touched, titled);
            !is_red_first && (everywhere.is_some() || touched.iter().any(may_be_moved))
        });
    evidence.fixed = kept;
    if doubtful.is_empty() {
        return evidence;
    }
    let cause = everywhere.unwrap_or(&touched[0]);
    let why = format!("{}: {}", cause.path, cause.kind.describe());
    evidence.not_checked.push(format!("these turned green and prove nothing, because {why}: {}", doubtful.join(", ")));
    evidence.without_proof(format!("the tests that turned green do not count as proof, because {why}"));
    evidence
}

/// Takes a proof back where the change skips tests: what they would say is not known. Those that it deletes are run in their old
/// form.
pub fn without_silence(mut evidence: Evidence, touched: &[Touched]) -> Evidence {
    let silent = |kind| kind == TouchedKind::SkipAdded;
    let Some(found) = touched.iter().find(|touched| silent(touched.kind)) else { return evidence };
    if matches!(evidence.verdict, Verdict::Proven | Verdict::Added) {
        evidence.verdict = if evidence.is_red() { Verdict::Unproven } else { Verdict::Green };
        evidence.reason = format!(
            "tests pass that did not, but others may have been silenced: {}: {}",
            found.path,
            found.kind.describe()
        );
    }
    evidence
}

/// Tells tests that runners name by a free text, which may look like a place and is none.
fn is_titled(evidence: &Evidence, name: &str) -> bool {
    let found =
        evidence.patched.checks.iter().find(|run| run.tests.iter().any(|test| run.full_name(&test.name) == *name));
    found.is_some_and(|run| matches!(run.format, ReportFormat::Tap | ReportFormat::Mocha | ReportFormat::Exunit))
}

fn reaches_all(touched: &Touched) -> bool {
    touched.kind.decides_about_all() || is_shared(touched)
}

/// Tells files below a folder of tests that hold no test by their name: what they hold is used by the others.
fn is_shared(touched: &Touched) -> bool {
    let path = folded(touched.path.as_str());
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", &path));
    let parts = || folder.split('/');
    let data = parts().any(|part| matches!(part, "fixtures" | "testdata" | "common" | "support" | "helpers" | "utils"));
    let helper = ["helper", "util", "common", "support", "setup", "__init__", "conftest"];
    let named_as_test = name.starts_with("test_") || name.contains("_test.") || name == "tests.py";
    let is_code = FILE.is_match(name);
    data || !is_code || helper.iter().any(|word| name.contains(word)) || (name.ends_with(".py") && !named_as_test)
}

/// Tells whether the test may stand in the touched file: its name says so, or does not say where it stands.
fn may_stand_in(name: &str, touched: &Touched, titled: bool) -> bool {
    let name = name.to_lowercase();
    let path = folded(touched.path.as_str());
    let (folder, file) = path.rsplit_once('/').unwrap_or(("", &path));
    let stem = file.split('.').next().unwrap_or(file);
    let stem = if FOLDER_NAMES.contains(&stem) { folder.rsplit('/').next().unwrap_or(stem) } else { stem };
    let names_file =
        FILE.find_iter(&name).any(|found| is_end_of(found.as_str(), &path) || is_end_of(&path, found.as_str()));
    let names_stem = name.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == stem);
    let names_package =
        file.ends_with("_test.go") && name.split(' ').next().is_some_and(|package| is_end_of(folder, package));
    let tells = FILE.is_match(&name) || DOTTED.is_match(&name);
    names_file || names_stem || names_package || titled || !tells
}

/// Tells whether `end` is `path` or its last components.
fn is_end_of(end: &str, path: &str) -> bool {
    let end = end.trim_start_matches("./");
    path.strip_suffix(end).is_some_and(|before| before.is_empty() || before.ends_with('/'))
}
