//! The evidence stages of a run: which checks there are, what they say on the base, what they say with the change.

use serde_json::json;

use super::{Bench, PipelineError, command_limits};
use crate::policy;
use crate::repo::{FileChange, FileTree, WorkTree};
use crate::verify::{self, Check, CheckRun, Evidence, Linked, Outcome, Runner, TreeRun};

/// The checks of a repository and the dependencies that its checkout already has.
pub(super) struct Checks {
    pub(super) list: Vec<Check>,
    linked: Vec<Linked>,
}

/// Finds the commands that decide; the user's own win.
pub(super) fn find(bench: &Bench<'_>, tree: &FileTree) -> Result<Checks, PipelineError> {
    let own = &bench.config.checks;
    let list = if own.value.is_empty() { verify::detect(tree) } else { verify::from_user(&own.value)? };
    bench.journal.record("checks_found", &list)?;
    let linked = match bench.repository.checkout() {
        Some(checkout) => verify::installed_dependencies(checkout, tree, &list),
        None => Vec::new(),
    };
    let list = verify::use_environments(&list, &linked);
    match list.as_slice() {
        [] => bench.progress.note("No build or test command was found: nothing can be proven. Name some in `checks:`."),
        list => {
            for check in list {
                bench.progress.note(&format!("check `{}` ({})", check.label(), check.found_in));
            }
        }
    }
    Ok(Checks { list, linked })
}

/// Runs the checks on the base commit.
pub(super) async fn run_base(bench: &Bench<'_>, tree: &FileTree, checks: &Checks) -> Result<TreeRun, PipelineError> {
    bench.progress.step("Running the checks on the base commit");
    run(bench, tree, checks).await
}

/// Runs the checks on the changed tree and compares.
pub(super) async fn judge(
    bench: &Bench<'_>,
    tree: &FileTree,
    checks: &Checks,
    base_run: &TreeRun,
) -> Result<Evidence, PipelineError> {
    bench.progress.step("Running the checks on the changed tree");
    let patched = run(bench, tree, checks).await?;
    let level = (!checks.list.is_empty()).then(|| bench.sandbox.level());
    let mut notes: Vec<String> = checks.linked.iter().map(|linked| linked.note.clone()).collect();
    if tree.skipped() > 0 {
        notes.push(format!("{} entries of the base commit (submodules, odd names) were left out.", tree.skipped()));
    }
    let changes = tree.changes()?;
    let touched = policy::verification_touched(&changes);
    let evidence = verify::compare(base_run.clone(), patched, level, notes);
    let mut evidence = policy::discount(evidence, &touched);
    let brought = brought_tests(bench, &changes);
    if !evidence.added.is_empty() && !brought.is_empty() && brought.len() < changes.len() {
        bench.progress.step("Running the change's tests on the base alone");
        let alone = run(bench, &with(&tree.without_changes(), &brought), checks).await?;
        let is_trusted = !touched.iter().any(|touched| touched.kind.decides_about_all());
        evidence = verify::red_first(evidence, alone, is_trusted);
    }
    bench.journal.record(
        "verdict",
        json!({ "verdict": evidence.verdict, "reason": evidence.reason, "fixed": evidence.fixed,
                "broken": evidence.broken, "added": evidence.added, "red_first": evidence.red_first, "still_failing": evidence.still_failing }),
    )?;
    bench.progress.note(&format!("{}: {}", evidence.verdict.word(), evidence.reason));
    Ok(evidence)
}

/// Returns the files of tests that a change brings: those that conventions know, and those that the caller named.
fn brought_tests(bench: &Bench<'_>, changes: &[FileChange]) -> Vec<FileChange> {
    let mut brought = policy::tests_of(changes);
    let named = |change: &&FileChange| {
        change.after.is_some() && bench.tests.is_some_and(|globs| globs.is_match(change.path.as_str()))
    };
    for change in changes.iter().filter(named) {
        if !brought.contains(change) {
            brought.push(change.clone());
        }
    }
    brought
}

/// Puts files on a tree.
fn with(base: &FileTree, changes: &[FileChange]) -> FileTree {
    let mut tree = base.clone();
    for change in changes {
        if let Some(file) = &change.after {
            tree.write(change.path.clone(), file.clone());
        }
    }
    tree
}

async fn run(bench: &Bench<'_>, tree: &FileTree, checks: &Checks) -> Result<TreeRun, PipelineError> {
    if checks.list.is_empty() {
        return Ok(TreeRun::default());
    }
    let work_tree = WorkTree::create(tree, bench.temporary)?;
    for linked in &checks.linked {
        linked.link_into(&work_tree)?;
    }
    let tell = |progress: verify::Progress<'_>| {
        if let verify::Progress::Finished(run) = progress {
            bench.progress.note(&describe(run));
        }
    };
    let runner = Runner {
        readable: checks.linked.iter().map(|linked| linked.target.clone()).collect(),
        observer: &tell,
        ..Runner::new(bench.sandbox, command_limits(bench.config))
    };
    let result = runner.run_tree(&checks.list, &work_tree, bench.cancel).await;
    match result {
        Ok(run) => Ok(run),
        Err(_) if bench.cancel.is_cancelled() => Err(PipelineError::Cancelled),
        Err(error) => Err(error.into()),
    }
}

/// Says in a line how a check ended.
fn describe(run: &CheckRun) -> String {
    let label = run.check.label();
    if let Some(reason) = &run.could_not_run {
        return format!("`{label}` was not run: {reason}");
    }
    let (passed, failed) = (run.count(Outcome::Passed), run.count(Outcome::Failed));
    let word = if run.is_red() { "red" } else { "green" };
    let tests = if run.tests.is_empty() { String::new() } else { format!(", {passed} passed, {failed} failed") };
    format!("`{label}`: {word}{tests} ({:.1} s)", run.elapsed.as_secs_f64())
}
