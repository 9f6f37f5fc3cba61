//! The evidence stages of a run: which checks there are, what they say on the base, what they say with the change.

use std::time::Duration;

use serde_json::json;

use super::{Bench, PipelineError, command_limits, prepare, weigh};
use crate::policy;
use crate::repo::{FileTree, RepoPath, WorkTree};
use crate::sandbox::Limits;
use crate::verify::{self, Check, CheckKind, CheckRun, Evidence, Outcome, Runner, Supplies, TreeRun};

/// The checks of a repository and what the trees under test are given beside their files.
pub(super) struct Checks {
    pub(super) list: Vec<Check>,
    supplies: Supplies,
}

impl Checks {
    /// Returns the checks that a run of one of these names belongs to, with the steps before them.
    pub(super) fn concerned(&self, run: &TreeRun, names: &[String]) -> Self {
        let is_concerned = |run: &&CheckRun| {
            let (label, mut tests) = (run.check.label(), run.failed());
            names.iter().any(|name| name.starts_with(&label))
                || tests.any(|test| names.contains(&run.full_name(&test.name)))
        };
        let concerned: Vec<&Check> = run.checks.iter().filter(is_concerned).map(|run| &run.check).collect();
        let wanted = |check: &&Check| concerned.iter().any(|other| other == check || other.is_chained_to(check));
        Self { list: self.list.iter().filter(wanted).cloned().collect(), supplies: self.supplies.clone() }
    }

    /// Returns other commands with the same supplies.
    pub(super) fn with_list(&self, list: Vec<Check>) -> Self {
        Self { list, supplies: self.supplies.clone() }
    }

    /// Returns the checks without formatters and linters.
    pub(super) fn without_lint(&self) -> Self {
        let list = self.list.iter().filter(|check| check.kind != CheckKind::Lint).cloned().collect();
        Self { list, supplies: self.supplies.clone() }
    }

    /// Returns what a reader has to know about where the dependencies came from.
    pub(super) fn notes(&self) -> Vec<String> {
        self.supplies.notes.clone()
    }
}

/// Finds the commands that decide, and fetches what they need; the user's own win.
///
/// `touched` are the files of the change, where it is known already: their projects come first.
pub(super) async fn find(bench: &Bench<'_>, tree: &FileTree, touched: &[RepoPath]) -> Result<Checks, PipelineError> {
    let own = &bench.config.checks;
    let list = if own.value.is_empty() { verify::detect(tree) } else { verify::from_user(&own.value)? };
    bench.journal.record("checks_found", &list)?;
    match list.as_slice() {
        [] => bench.progress.note("No build or test command was found: nothing can be proven. Name some in `checks:`."),
        list => {
            for check in list {
                bench.progress.note(&format!("check `{}` ({})", check.label(), check.found_in));
            }
        }
    }
    let supplies = prepare::supplies(bench, tree, &list).await?;
    let list = if own.value.is_empty() { verify::ordered(&list, tree, touched) } else { list };
    let list = verify::use_environments(&list, &supplies.linked);
    Ok(Checks { list, supplies })
}

/// Runs the checks on the base commit.
pub(super) async fn run_base(bench: &Bench<'_>, tree: &FileTree, checks: &Checks) -> Result<TreeRun, PipelineError> {
    bench.progress.step("Running the checks on the base commit");
    let run = run(bench, tree, checks).await?;
    if let Some(why) = verify::none_ran(&run) {
        bench.progress.note(&format!(
            "NOTHING CAN BE PROVEN: {why}. Install what they need where the bot runs, or name others in `checks:`."
        ));
    }
    Ok(run)
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
    let evidence = weigh::steady(bench, tree, checks, (base_run, patched)).await?;
    let commands: Vec<&Check> = checks.list.iter().collect();
    let touched = policy::verification_touched(&tree.changes()?, &commands);
    let is_trusted = !touched.iter().any(|touched| touched.kind.decides_about_all());
    let evidence = weigh::red_first(bench, tree, checks, (evidence, is_trusted)).await?;
    let evidence = policy::discount(evidence, &touched);
    let evidence = policy::without_silence(evidence, &touched);
    let mut evidence = weigh::tests_that_gave_way(bench, tree, checks, evidence).await?;
    // What is listed as fixed needs no second entry.
    evidence.red_first.retain(|name| !evidence.fixed.contains(name));
    bench.journal.record(
        "verdict",
        json!({ "verdict": evidence.verdict, "reason": evidence.reason, "fixed": evidence.fixed,
                "broken": evidence.broken, "added": evidence.added, "red_first": evidence.red_first,
                "turned": evidence.turned,
                "still_failing": evidence.still_failing, "flaky": evidence.flaky }),
    )?;
    bench.progress.note(&format!("{}: {}", evidence.verdict.word(), evidence.reason));
    Ok(evidence)
}

pub(super) async fn run(bench: &Bench<'_>, tree: &FileTree, checks: &Checks) -> Result<TreeRun, PipelineError> {
    let tell = |progress: verify::Progress<'_>| {
        if let verify::Progress::Finished(run) = progress {
            bench.progress.note(&describe(run));
        }
    };
    run_within(bench, (tree, checks), command_limits(bench.config), &tell).await
}

/// Tells whether all checks pass on a tree within a wall time each; nothing is said of them. No evidence: a green tree has
/// to be judged.
pub(super) async fn is_green(
    bench: &Bench<'_>,
    tree: &FileTree,
    checks: &Checks,
    wall: Duration,
) -> Result<bool, PipelineError> {
    let limits = Limits { wall, ..command_limits(bench.config) };
    let run = run_within(bench, (tree, checks), limits, &|_| ()).await?;
    Ok(run.checks.iter().all(|run| run.did_run() && !run.is_red()))
}

async fn run_within(
    bench: &Bench<'_>,
    (tree, checks): (&FileTree, &Checks),
    limits: Limits,
    tell: &(dyn Fn(verify::Progress<'_>) + Sync),
) -> Result<TreeRun, PipelineError> {
    if checks.list.is_empty() {
        return Ok(TreeRun::default());
    }
    let work_tree = WorkTree::create(tree, bench.temporary)?;
    checks.supplies.give(&work_tree)?;
    let runner = Runner { supplies: checks.supplies.clone(), observer: tell, ..Runner::new(bench.sandbox, limits) };
    let result = runner.run_tree(&checks.list, (work_tree.root(), &work_tree.scratch()), bench.cancel).await;
    match result {
        Ok(run) => Ok(run),
        Err(_) if bench.cancel.is_cancelled() => Err(PipelineError::Cancelled),
        Err(error) => Err(error.into()),
    }
}

/// Says in a line how a check ended.
pub(super) fn describe(run: &CheckRun) -> String {
    let label = run.check.label();
    if let Some(reason) = &run.could_not_run {
        return format!("`{label}` was not run: {reason}");
    }
    let (passed, failed) = (run.count(Outcome::Passed), run.count(Outcome::Failed));
    let word = if run.is_red() { "red" } else { "green" };
    let tests = if run.tests.is_empty() { String::new() } else { format!(", {passed} passed, {failed} failed") };
    format!("`{label}`: {word}{tests} ({:.1} s)", run.elapsed.as_secs_f64())
}
