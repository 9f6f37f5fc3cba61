//! Runs checks on a work tree, one after the other, through the sandbox seam.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use tokio_util::sync::CancellationToken;

use super::absent::missing_tool;
use super::reports::{Left, left_by};
use super::{Check, CheckKind, CheckRun, Supplies, TreeRun, VerifyError, excerpt, normalise, parse};
use crate::sandbox::{Command, Finished, Limits, Network, Sandbox, SandboxError};

/// What makes runners name every test, print no colours and give the same text twice; each variable is the runner's
/// own (pytest, CPython, cargo, minitest under rake) and harmless to the others.
const ENVIRONMENT: &[(&str, &str)] = &[
    ("CI", "true"),
    ("COLUMNS", "200"),
    ("CARGO_TERM_COLOR", "never"),
    ("RUST_BACKTRACE", "0"),
    ("PYTHONHASHSEED", "0"),
    ("PYTHONDONTWRITEBYTECODE", "1"),
    ("TESTOPTS", "-v"),
];

/// What pytest is told besides; the place where a test hangs comes from its `faulthandler_timeout` (pytest 5.0, "How to handle
/// test failures").
const PYTEST: &str = "-rA --continue-on-collection-errors";
/// After this share of the wall time pytest tells where a test is that still goes on: what is stopped says nothing any more.
const HANGS_FROM: f64 = 0.6;

/// What an observer of a run is told.
#[derive(Clone, Copy, Debug)]
pub enum Progress<'a> {
    /// A check starts.
    Started(&'a Check),
    /// A check has ended, or was not run.
    Finished(&'a CheckRun),
}

/// Runs checks.
#[derive(Clone)]
pub struct Runner<'a> {
    /// The walls.
    pub sandbox: &'a dyn Sandbox,
    /// What each check may use.
    pub limits: Limits,
    /// What the tree was given beside its files.
    pub supplies: Supplies,
    /// Which network checks see.
    pub network: Network,
    /// Variables on top of the sandbox's own and of those that make outputs readable and reproducible.
    pub environment: BTreeMap<String, String>,
    /// Is told of every start and end.
    pub observer: &'a (dyn Fn(Progress<'_>) + Sync),
}

impl<'a> Runner<'a> {
    /// Makes a runner without supplies, network, further variables and observer.
    pub fn new(sandbox: &'a dyn Sandbox, limits: Limits) -> Self {
        let supplies = Supplies::default();
        Self { sandbox, limits, supplies, network: Network::Own, environment: BTreeMap::new(), observer: &|_| () }
    }

    /// Runs all checks on the files below `root`, in their order, with `scratch` as their private folder.
    ///
    /// A check whose program is missing, and a check behind a build that failed, is recorded as not run.
    ///
    /// # Errors
    /// [`VerifyError::Sandbox`] when the sandbox itself fails or the run is cancelled.
    pub async fn run_tree(
        &self,
        checks: &[Check],
        (root, scratch): (&Path, &Path),
        cancel: &CancellationToken,
    ) -> Result<TreeRun, VerifyError> {
        let mut done = TreeRun::default();
        for check in checks {
            (self.observer)(Progress::Started(check));
            let run = match failed_build(&done, check) {
                Some(build) => {
                    let reason = format!("the build before it failed: {}", build.check.label());
                    CheckRun::not_run(check.clone(), reason)
                }
                None => self.run_check(check, (root, scratch), cancel).await?,
            };
            (self.observer)(Progress::Finished(&run));
            done.checks.push(run);
        }
        Ok(done)
    }

    async fn run_check(
        &self,
        check: &Check,
        (root, scratch): (&Path, &Path),
        cancel: &CancellationToken,
    ) -> Result<CheckRun, VerifyError> {
        let directory = root.join(&check.folder);
        let argv = match resolved(check, &directory) {
            Ok(argv) => argv,
            Err(reason) => return Ok(CheckRun::not_run(check.clone(), reason)),
        };
        let command = Command {
            argv,
            work_tree: root.to_owned(),
            scratch: scratch.to_owned(),
            readable: self.supplies.readable(),
            links: self.supplies.links.clone(),
            network: self.network,
            environment: self.variables(root, check),
            limits: self.limits,
            directory,
        };
        let left = left_by(check, &command.directory);
        match self.sandbox.run(&command, cancel).await {
            Ok(finished) => Ok(record(check, &finished, &command, left.as_ref())),
            Err(SandboxError::ProgramNotFound { program }) => {
                Ok(CheckRun::not_run(check.clone(), format!("the program {program} is not installed here")))
            }
            Err(error) => Err(error.into()),
        }
    }

    fn variables(&self, root: &Path, check: &Check) -> BTreeMap<String, String> {
        let directory = root.join(&check.folder);
        let mut variables: BTreeMap<String, String> =
            ENVIRONMENT.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let hangs_from = self.limits.wall.mul_f64(HANGS_FROM).as_secs_f64();
        variables.insert("PYTEST_ADDOPTS".to_owned(), format!("{PYTEST} -o faulthandler_timeout={hangs_from:.1}"));
        // A package that is installed into a linked environment in editable form would be imported from the checkout;
        // the work tree's own source must come first.
        let mut sources: Vec<PathBuf> = self.supplies.sources.iter().map(|source| root.join(source)).collect();
        sources.extend(Some(directory.join("src")).filter(|source| source.is_dir() && !sources.contains(source)));
        if let Some(sources) = std::env::join_paths(&sources).ok().filter(|_| !sources.is_empty()) {
            variables.insert("PYTHONPATH".to_owned(), sources.to_string_lossy().into_owned());
        }
        let environments = [directory.join(".venv"), directory.join("venv"), root.join(".venv"), root.join("venv")];
        let linked = |place: &&PathBuf| self.supplies.linked.iter().any(|linked| root.join(&linked.name) == **place);
        if let Some(place) = environments.iter().find(linked) {
            variables.insert("VIRTUAL_ENV".to_owned(), place.to_string_lossy().into_owned());
        }
        variables.extend(self.supplies.environment.clone());
        variables.extend(self.environment.clone());
        variables
    }
}

fn failed_build<'a>(done: &'a TreeRun, check: &Check) -> Option<&'a CheckRun> {
    let in_the_way = |run: &&CheckRun| {
        run.check.kind == CheckKind::Build && check.is_chained_to(&run.check) && (run.is_red() || !run.did_run())
    };
    done.checks.iter().find(in_the_way)
}

/// Makes the program of a check absolute when it names a place, and says why it cannot be run otherwise.
fn resolved(check: &Check, directory: &Path) -> Result<Vec<String>, String> {
    if !directory.is_dir() {
        return Err(format!("the folder {} does not exist in this tree", check.folder));
    }
    let mut argv = check.argv.clone();
    let Some(program) = argv.first_mut() else { return Err("it has no program".to_owned()) };
    if !program.contains('/') || program.starts_with('/') {
        return Ok(argv);
    }
    let place = directory.join(program.strip_prefix("./").unwrap_or(program));
    if !place.is_file() {
        return Err(format!("the program {program} does not exist in this tree"));
    }
    if !is_executable(&place) {
        return Err(format!("the file {program} is not executable"));
    }
    let text = place.to_str().ok_or_else(|| format!("the path of {program} is no text"))?;
    *program = text.to_owned();
    Ok(argv)
}

#[cfg(unix)]
fn is_executable(place: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    place.metadata().is_ok_and(|data| data.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_executable(place: &Path) -> bool {
    place.is_file()
}

fn record(check: &Check, finished: &Finished, command: &Command, left: Option<&Left<'_>>) -> CheckRun {
    let places = [(command.work_tree.as_path(), "."), (command.scratch.as_path(), "$TMP")];
    let text = normalise(&finished.output, &places);
    let parsed = left.and_then(|left| left.read(&command.work_tree, &places)).unwrap_or_else(|| parse(&text));
    // Where tests were reported, the tool did start.
    if let Some(why) = missing_tool(check, finished.exit, &text).filter(|_| parsed.tests.is_empty()) {
        return CheckRun::not_run(check.clone(), why);
    }
    CheckRun {
        check: check.clone(),
        exit: finished.exit,
        could_not_run: None,
        format: parsed.format,
        tests: parsed.tests,
        excerpt: excerpt(parsed.readable.as_deref().unwrap_or(&text)),
        dropped_bytes: finished.dropped_bytes,
        output_sha256: hex::encode(Sha256::digest(&text)),
        variables: finished.variables.clone(),
        elapsed: finished.elapsed,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::sync::Mutex;
    use std::time::Duration;

    use super::*;
    use crate::repo::{FileMode, FileTree, RepoPath, StoredFile, WorkTree};
    use crate::sandbox::{BoxFuture, Exit, Level};
    use crate::verify::{Outcome, ReportFormat};

    /// Gives prepared answers and keeps the commands.
    struct Scripted {
        answers: Mutex<VecDeque<Result<Finished, SandboxError>>>,
        commands: Mutex<Vec<Command>>,
    }

    impl Scripted {
        fn new(answers: impl IntoIterator<Item = Result<Finished, SandboxError>>) -> Self {
            Self { answers: Mutex::new(answers.into_iter().collect()), commands: Mutex::default() }
        }
    }

    impl Sandbox for Scripted {
        fn level(&self) -> Level {
            Level::Off
        }

        fn run<'a>(
            &'a self,
            command: &'a Command,
            cancel: &'a CancellationToken,
        ) -> BoxFuture<'a, Result<Finished, SandboxError>> {
            Box::pin(async move {
                if cancel.is_cancelled() {
                    return Err(SandboxError::Cancelled);
                }
                self.commands.lock().expect("no panic").push(command.clone());
                self.answers.lock().expect("no panic").pop_front().expect("an answer for each command")
            })
        }
    }

    fn ended(code: i32, output: &str) -> Result<Finished, SandboxError> {
        let elapsed = Duration::from_secs(1);
        Ok(Finished {
            exit: Exit::Code(code),
            output: output.to_owned(),
            dropped_bytes: 0,
            variables: Vec::new(),
            elapsed,
        })
    }

    fn check(kind: CheckKind, argv: &[&str], folder: &str) -> Check {
        let argv = argv.iter().map(|word| (*word).to_owned()).collect();
        let found_in = "CMakeLists.txt: test".to_owned();
        Check { kind, argv, folder: folder.to_owned(), found_in, report: None }
    }

    async fn run(sandbox: &Scripted, checks: &[Check]) -> (Result<TreeRun, VerifyError>, WorkTree, Vec<String>) {
        let file = |path: &str, mode| {
            (RepoPath::parse(path).expect(path), StoredFile { content: b"#!/bin/sh\n"[..].into(), mode })
        };
        let tree = FileTree::from_files([
            file("sub/mvnw", FileMode::Executable),
            file("gradlew", FileMode::Regular),
            file("src/a.py", FileMode::Regular),
        ]);
        let parent = std::env::temp_dir();
        let work_tree = WorkTree::create(&tree, &parent).expect("a work tree");
        let events = Mutex::new(Vec::new());
        let observer = |progress: Progress<'_>| {
            events.lock().expect("no panic").push(match progress {
                Progress::Started(check) => format!("start {}", check.label()),
                Progress::Finished(run) => format!("end {} {}", run.check.label(), run.did_run()),
            });
        };
        let runner = Runner { observer: &observer, ..Runner::new(sandbox, Limits::default()) };
        let result = runner.run_tree(checks, (work_tree.root(), &work_tree.scratch()), &CancellationToken::new()).await;
        let events = std::mem::take(&mut *events.lock().expect("no panic"));
        (result, work_tree, events)
    }

    #[tokio::test]
    async fn a_test_run_is_read_and_its_paths_are_normalised() {
        let output = "running 1 test\ntest a ... ok\n\ntest result: ok. 1 passed; 0 failed; finished in 0.01s\n";
        let sandbox = Scripted::new([ended(0, output)]);
        let (result, work_tree, events) = run(&sandbox, &[check(CheckKind::Test, &["cargo", "test"], "")]).await;
        let runs = result.expect("it runs").checks;
        assert_eq!((runs[0].format, runs[0].count(Outcome::Passed)), (ReportFormat::Libtest, 1));
        assert!(runs[0].excerpt.contains("finished in TIME"), "{}", runs[0].excerpt);
        assert_eq!(events, ["start cargo test", "end cargo test true"]);
        let command = &sandbox.commands.lock().expect("no panic")[0];
        assert_eq!(
            (&command.directory, &command.work_tree),
            (&work_tree.root().join(""), &work_tree.root().to_owned())
        );
        assert_eq!(command.scratch, work_tree.scratch());
        let pytest = &command.environment["PYTEST_ADDOPTS"];
        let seconds = pytest.rsplit_once("faulthandler_timeout=").and_then(|(_, text)| text.parse::<f64>().ok());
        assert!(seconds.is_some_and(|at| at < Limits::default().wall.as_secs_f64()), "{pytest}");
        assert_eq!(command.environment["PYTHONPATH"], work_tree.root().join("src").to_str().expect("text"));
    }

    #[tokio::test]
    async fn a_wrapper_is_found_in_the_folder_of_its_check() {
        let sandbox = Scripted::new([ended(0, "")]);
        let (result, work_tree, _) = run(&sandbox, &[check(CheckKind::Test, &["./mvnw", "test"], "sub")]).await;
        assert!(result.expect("it runs").checks[0].did_run());
        let command = &sandbox.commands.lock().expect("no panic")[0];
        assert_eq!(Path::new(&command.argv[0]), work_tree.root().join("sub/mvnw"));
    }

    #[tokio::test]
    async fn what_cannot_be_run_is_said_and_no_crash() {
        let missing = Err(SandboxError::ProgramNotFound { program: "mvn".to_owned() });
        let sandbox = Scripted::new([missing]);
        let test = |argv: &[&str], folder: &str| check(CheckKind::Test, argv, folder);
        let checks = [test(&["mvn"], ""), test(&["./nothing"], ""), test(&["./gradlew"], ""), test(&["make"], "gone")];
        let (result, ..) = run(&sandbox, &checks).await;
        let reasons: Vec<String> =
            result.expect("no crash").checks.into_iter().filter_map(|run| run.could_not_run).collect();
        insta::assert_snapshot!(reasons.join("\n"), @"
        the program mvn is not installed here
        the program ./nothing does not exist in this tree
        the file ./gradlew is not executable
        the folder gone does not exist in this tree
        ");
    }

    #[tokio::test]
    async fn a_launcher_without_its_tool_did_not_run() {
        let sandbox = Scripted::new([
            ended(1, "/usr/bin/python3: No module named pytest\n"),
            ended(1, "E  ModuleNotFoundError: No module named shop\n1 error\n"),
            ended(1, "npm error npx canceled due to missing packages and no YES option: [\"jest@30\"]\n"),
            ended(101, "error: no such command: `clippy`\n"),
        ]);
        let test = |argv: &[&str]| check(CheckKind::Test, argv, "");
        let pytest = ["python3", "-m", "pytest", "-q"];
        let npx = ["npx", "--no-install", "-c", "jest"];
        let checks = [test(&pytest), test(&pytest), test(&npx), test(&["cargo", "clippy"])];
        let (result, ..) = run(&sandbox, &checks).await;
        let told: Vec<Option<String>> =
            result.expect("no crash").checks.into_iter().map(|run| run.could_not_run).collect();
        let expected = [
            Some("the Python module pytest is not installed here"),
            None,
            Some("a package that the command needs is not installed here"),
            Some("cargo clippy is not installed here"),
        ];
        assert_eq!(told, expected.map(|text| text.map(str::to_owned)));
    }

    #[tokio::test]
    async fn tests_behind_a_failed_build_are_not_run() {
        let sandbox = Scripted::new([ended(2, "x.c:1:1: error: no\n"), ended(0, "")]);
        let mut other = check(CheckKind::Test, &["make", "test"], "");
        other.found_in = "Makefile: test".to_owned();
        let checks = [check(CheckKind::Build, &["cmake"], ""), check(CheckKind::Test, &["ctest"], ""), other];
        let (result, _, events) = run(&sandbox, &checks).await;
        let run = result.expect("it runs");
        assert_eq!(run.checks[1].could_not_run.as_deref(), Some("the build before it failed: cmake"));
        assert_eq!(events.last().map(String::as_str), Some("end make test true"));
    }

    #[tokio::test]
    async fn a_sandbox_that_fails_is_an_error() {
        let failed = SandboxError::Failed { program: "x".to_owned(), reason: "no memory".to_owned() };
        let sandbox = Scripted::new([Err(failed)]);
        let (result, ..) = run(&sandbox, &[check(CheckKind::Test, &["x"], "")]).await;
        assert_eq!(result.expect_err("the sandbox failed").to_string(), "\"x\" could not be run: no memory");
    }
}
