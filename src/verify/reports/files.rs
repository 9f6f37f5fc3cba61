//! Reports that runners leave as files in the work tree.
//!
//! A report counts only when the command wrote it: what lay there before and is still the same is older than the command
//! and says nothing about it. Only files below the work tree are read, and no link is followed out of it.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use super::{Parsed, numbered, parse_file, sorted};
use crate::repo::is_control_or_invisible;
use crate::verify::check::Report;
use crate::verify::{Check, TestResult, normalise};

/// The largest report, in bytes.
const MAX_BYTES: u64 = 64 << 20;
/// The most reports of one command; Maven and Gradle write one for each class.
const MAX_FILES: usize = 10_000;
/// Folders in which no command leaves its own reports.
const NOT_LOOKED_INTO: &[&str] = &[".git", "node_modules", ".venv", "venv", "vendor"];

/// The reports that lay in a work tree before a command ran.
pub(in crate::verify) struct Left<'a> {
    report: &'a Report,
    folder: PathBuf,
    before: BTreeMap<PathBuf, Stamp>,
}

/// What tells a file that was written anew; a copy of the old file with its old time stays the old one.
#[derive(PartialEq, Eq)]
struct Stamp {
    modified: Option<SystemTime>,
    bytes: u64,
}

/// Looks for the reports that lie there before `check` runs in `folder`; `None` when it leaves none.
pub(in crate::verify) fn left_by<'a>(check: &'a Check, folder: &Path) -> Option<Left<'a>> {
    let report = check.report.as_ref()?;
    Some(Left { report, folder: folder.to_owned(), before: found(report, folder) })
}

impl Left<'_> {
    /// Reads the reports that were written since; `None` when there is none, or one of them cannot be read, for then the
    /// missing part would look broken.
    ///
    /// `places` are folders and what stands for them.
    pub(in crate::verify) fn read(&self, root: &Path, places: &[(&Path, &str)]) -> Option<Parsed> {
        let root_handle = Dir::open_ambient_dir(root, ambient_authority()).ok()?;
        let mut tests = Vec::new();
        let mut any = false;
        for (path, stamp) in found(self.report, &self.folder) {
            if self.before.get(&path) == Some(&stamp) {
                continue;
            }
            let text = text_of(&root_handle, path.strip_prefix(root).ok()?, stamp.bytes)?;
            let Some(read) = parse_file(self.report.format, &text) else {
                tracing::warn!(path = %path.display(), "a report could not be read");
                return None;
            };
            any = true;
            tests.extend(read);
        }
        let clean = |test: TestResult| TestResult {
            name: line(&normalise(&test.name, places)),
            message: test.message.map(|text| normalise(&text, places)),
            file: test.file.map(|file| relative(&normalise(&file, places))),
            ..test
        };
        let tests = sorted(numbered(tests.into_iter().map(clean).collect()));
        any.then_some(Parsed { format: self.report.format, tests, readable: None })
    }
}

/// A name is one line, whatever a runner makes of its parameters.
fn line(text: &str) -> String {
    text.replace(is_control_or_invisible, " ").trim().to_owned()
}

fn relative(file: &str) -> String {
    file.strip_prefix("./").unwrap_or(file).to_owned()
}

fn text_of(root: &Dir, path: &Path, bytes: u64) -> Option<String> {
    if bytes > MAX_BYTES {
        return None;
    }
    let mut content = Vec::new();
    root.open(path).ok()?.take(MAX_BYTES).read_to_end(&mut content).ok()?;
    Some(String::from_utf8_lossy(&content).into_owned())
}

fn found(report: &Report, folder: &Path) -> BTreeMap<PathBuf, Stamp> {
    let (globs, plain): (Vec<&String>, Vec<&String>) = report.places.iter().partition(|place| place.contains('*'));
    let mut all: BTreeMap<PathBuf, Stamp> =
        plain.iter().filter_map(|place| with_stamp(folder.join(place.as_str()))).collect();
    if globs.is_empty() {
        return all;
    }
    let Some(globs) = compiled(&globs) else { return all };
    let mut walk = ignore::WalkBuilder::new(folder);
    walk.standard_filters(false).follow_links(false).sort_by_file_name(std::ffi::OsStr::cmp);
    walk.filter_entry(|entry| entry.depth() == 0 || !NOT_LOOKED_INTO.iter().any(|name| entry.file_name() == *name));
    let entries = walk.build().flatten().filter(|entry| entry.file_type().is_some_and(|kind| kind.is_file()));
    let matching = entries.filter(|entry| entry.path().strip_prefix(folder).is_ok_and(|path| globs.is_match(path)));
    all.extend(matching.take(MAX_FILES).filter_map(|entry| with_stamp(entry.into_path())));
    all
}

fn with_stamp(path: PathBuf) -> Option<(PathBuf, Stamp)> {
    let data = path.symlink_metadata().ok().filter(std::fs::Metadata::is_file)?;
    let stamp = Stamp { modified: data.modified().ok(), bytes: data.len() };
    Some((path, stamp))
}

fn compiled(globs: &[&String]) -> Option<GlobSet> {
    let mut set = GlobSetBuilder::new();
    for glob in globs {
        set.add(GlobBuilder::new(glob).literal_separator(true).build().ok()?);
    }
    set.build().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verify::{CheckKind, Outcome, ReportFormat};

    const GREEN: &str = "<testsuite><testcase classname=\"A\" name=\"b\" time=\"0.5\"/></testsuite>";
    const RED: &str = "<testsuite><testcase classname=\"A\" name=\"b\"><failure>no</failure></testcase></testsuite>";

    fn check() -> Check {
        let report =
            Report { format: ReportFormat::Junit, places: vec!["**/out/*.xml".to_owned(), "one.xml".to_owned()] };
        let argv = vec!["x".to_owned()];
        let found_in = String::new();
        Check { kind: CheckKind::Test, argv, folder: String::new(), found_in, report: Some(report) }
    }

    /// Writes the files before and after, and returns the outcomes that are read.
    fn read(before: &[(&str, &str)], after: &[(&str, &str)]) -> Option<Vec<(String, Outcome)>> {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path().canonicalize().expect("it exists");
        let write = |files: &[(&str, &str)]| {
            for (name, text) in files {
                let place = root.join(name);
                std::fs::create_dir_all(place.parent().expect("below the top")).expect("mkdir");
                std::fs::write(place, text).expect("written");
            }
        };
        write(before);
        let check = check();
        let left = left_by(&check, &root).expect("it leaves a report");
        write(after);
        let parsed = left.read(&root, &[(&root, ".")])?;
        Some(parsed.tests.into_iter().map(|test| (test.name, test.outcome)).collect())
    }

    #[test]
    fn only_what_the_command_wrote_counts() {
        let passed = |name: &str| (name.to_owned(), Outcome::Passed);
        assert_eq!(read(&[], &[("a/out/1.xml", GREEN)]), Some(vec![passed("A.b")]));
        assert_eq!(
            read(&[], &[("one.xml", GREEN), ("out/1.xml", GREEN)]),
            Some(vec![passed("A.b"), passed("A.b (2)")])
        );
        assert_eq!(read(&[("out/1.xml", GREEN)], &[]), None, "older than the command");
        let red = vec![("A.b".to_owned(), Outcome::Failed)];
        assert_eq!(read(&[("out/1.xml", GREEN)], &[("out/2.xml", RED)]), Some(red), "the old one is left out");
        assert_eq!(read(&[], &[("out/1.xml", GREEN), ("out/2.xml", "<testsuite><testca")]), None, "cut off");
        assert_eq!(read(&[], &[("node_modules/x/out/1.xml", GREEN), ("other.xml", GREEN)]), None);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_that_leads_out_is_not_followed() {
        let (folder, outside) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
        std::fs::write(outside.path().join("1.xml"), GREEN).expect("written");
        let root = folder.path().canonicalize().expect("it exists");
        let check = check();
        let left = left_by(&check, &root).expect("it leaves a report");
        std::os::unix::fs::symlink(outside.path(), root.join("out")).expect("link");
        std::os::unix::fs::symlink(outside.path().join("1.xml"), root.join("one.xml")).expect("link");
        assert!(left.read(&root, &[]).is_none());
    }
}
