//! What has to be run once more before a comparison is believed: failures that matter, and the change's tests on the base.

use std::collections::BTreeSet;

use super::check::{Checks, run};
use super::{Bench, PipelineError};
use crate::policy;
use crate::repo::{FileChange, FileTree, StoredFile};
use crate::verify::{self, Evidence, Excused, Rerun, RerunOf, TreeRun, Verdict};

/// Compares the two trees, and runs again, on fresh copies, the checks whose failures decide: those on the base that the
/// change is said to have fixed, and those on the changed tree that it is said to have broken.
pub(super) async fn steady(
    bench: &Bench<'_>,
    tree: &FileTree,
    checks: &Checks,
    (base, patched): (&TreeRun, TreeRun),
) -> Result<Evidence, PipelineError> {
    let level = (!checks.list.is_empty()).then(|| bench.sandbox.level());
    let mut notes = checks.notes();
    if tree.skipped() > 0 {
        notes.push(format!("{} entries of the base commit (submodules, odd names) were left out.", tree.skipped()));
    }
    let first = verify::compare(base.clone(), patched, level, notes.clone());
    let mut reruns = Vec::new();
    let mut excused = Excused::default();
    let gone = verify::gone(&first);
    let broken: Vec<String> = first.broken.iter().filter(|name| !gone.contains(*name)).cloned().collect();
    let questions = [
        (RerunOf::Base, &first.fixed, &first.base, "Running again what failed on the base commit"),
        (RerunOf::Patched, &broken, &first.patched, "Running again what failed on the changed tree"),
    ];
    for (which, names, earlier, step) in questions {
        let concerned = checks.concerned(earlier, names);
        if concerned.list.is_empty() {
            continue;
        }
        bench.progress.step(step);
        let files = if which == RerunOf::Base { tree.without_changes() } else { tree.clone() };
        let again = run(bench, &files, &concerned).await?;
        excused.flaky.extend(verify::flaky(earlier, &again));
        if which == RerunOf::Base {
            excused.flaky.extend(verify::unconfirmed(names, &again));
        }
        reruns.push(Rerun { tree: which, run: again });
    }
    if let Some(old_tests) = with_old_tests(tree)?.filter(|_| !gone.is_empty()) {
        let run = run_old(bench, &old_tests, checks).await?;
        excused.replaced = verify::replaced(&gone, &run);
        reruns.push(Rerun { tree: RerunOf::OldTests, run });
    }
    if excused == Excused::default() {
        return Ok(Evidence { reruns, ..first });
    }
    Ok(Evidence { reruns, ..verify::compare_without(first.base, first.patched, excused, level, notes) })
}

/// Looks whether a proof stands beside tests that gave way: where the change alters tests that were there, their old form is
/// run with it as well.
pub(super) async fn tests_that_gave_way(
    bench: &Bench<'_>,
    tree: &FileTree,
    checks: &Checks,
    mut evidence: Evidence,
) -> Result<Evidence, PipelineError> {
    let decides = matches!(evidence.verdict, Verdict::Proven | Verdict::Added);
    let Some(old_tests) = with_old_tests(tree)?.filter(|_| decides) else { return Ok(evidence) };
    // Where tests are gone, they were run so already.
    let made = evidence.reruns.iter().find(|rerun| rerun.tree == RerunOf::OldTests).map(|rerun| rerun.run.clone());
    let first = match made {
        Some(run) => run,
        None => {
            let run = run_old(bench, &old_tests, checks).await?;
            evidence.reruns.push(Rerun { tree: RerunOf::OldTests, run: run.clone() });
            run
        }
    };
    let suspects: Vec<String> = verify::gave_way(&evidence, &first).into_iter().collect();
    let concerned = checks.concerned(&first, &suspects);
    if concerned.list.is_empty() {
        return Ok(evidence);
    }
    bench.progress.step("Running again what failed there");
    let again = run(bench, &old_tests, &concerned).await?;
    let unclear = verify::unconfirmed(&suspects, &again);
    evidence.reruns.push(Rerun { tree: RerunOf::OldTests, run: again });
    let gave_way = suspects.into_iter().filter(|name| !unclear.contains(name)).collect();
    Ok(verify::weigh_those_that_gave_way(evidence, gave_way))
}

async fn run_old(bench: &Bench<'_>, old_tests: &FileTree, checks: &Checks) -> Result<TreeRun, PipelineError> {
    bench.progress.step("Running the tests that were changed or are gone, in their old form, with the change");
    run(bench, old_tests, &checks.without_lint()).await
}

/// Returns the changed tree with those tests as they were that the change altered or took away, in files of their own or beside
/// the code; `None` where there are none.
fn with_old_tests(tree: &FileTree) -> Result<Option<FileTree>, PipelineError> {
    let changes = tree.changes()?;
    let mut old = tree.clone();
    let mut any = false;
    for change in changes.iter().filter(|change| policy::is_of_tests(&change.path)) {
        if let Some(before) = &change.before {
            old.write(change.path.clone(), before.clone());
            any = true;
        }
    }
    // Tests that stand beside the code: the code of the change with the tests as they were.
    let turned: Vec<FileChange> = changes
        .iter()
        .filter(|change| !policy::is_of_tests(&change.path))
        .map(|change| FileChange { before: change.after.clone(), after: change.before.clone(), ..change.clone() })
        .collect();
    for composed in policy::tests_of(&turned) {
        if let Some(file) = composed.after {
            old.write(composed.path, file);
            any = true;
        }
    }
    Ok(any.then_some(old))
}

/// Puts the change's tests on the base alone, where the change is more than tests; `is_trusted` is false where it also
/// moves what decides about all tests.
pub(super) async fn red_first(
    bench: &Bench<'_>,
    tree: &FileTree,
    checks: &Checks,
    (evidence, is_trusted): (Evidence, bool),
) -> Result<Evidence, PipelineError> {
    let changes = tree.changes()?;
    let brought = brought_tests(bench, &changes);
    let files = with(&tree.without_changes(), &brought);
    if brought.is_empty() || !evidence.broken.is_empty() || checks.list.is_empty() {
        return Ok(evidence);
    }
    if files.changes()? == changes {
        return Ok(verify::only_tests(evidence));
    }
    bench.progress.step("Running the change's tests on the base alone");
    let mut alone = run(bench, &files, &checks.without_lint()).await?;
    let words = brought_words(&changes, &brought);
    let is_brought = |name: &str| words.contains(name);
    let weighed = verify::red_first(evidence.clone(), alone.clone(), is_trusted, &is_brought);
    let concerned = checks.concerned(&alone, &weighed.red_first);
    if concerned.list.is_empty() {
        return Ok(weighed);
    }
    bench.progress.step("Running again what failed there");
    let again = run(bench, &files, &concerned).await?;
    let mut flaky = verify::flaky(&alone, &again);
    flaky.extend(verify::unconfirmed(&weighed.red_first, &again));
    let rerun = Rerun { tree: RerunOf::TestsOnBase, run: again };
    let mut weighed = if flaky.is_empty() {
        weighed
    } else {
        for one in &mut alone.checks {
            let kept = |name: &str| !flaky.contains(&one.check.label()) && !flaky.contains(name);
            let keep: Vec<bool> = one.tests.iter().map(|test| kept(&one.full_name(&test.name))).collect();
            let mut keep = keep.into_iter();
            one.tests.retain(|_| keep.next().unwrap_or(true));
        }
        let mut weighed = verify::red_first(evidence, alone, is_trusted, &is_brought);
        weighed.not_checked.push(format!(
            "these gave different outcomes on the base alone and are no proof (flaky): {}",
            flaky.iter().cloned().collect::<Vec<_>>().join(", ")
        ));
        weighed.flaky.extend(flaky);
        weighed
    };
    weighed.reruns.push(rerun);
    Ok(weighed)
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

/// Returns the words that the code of a change has and the files before it had not.
fn brought_words(changes: &[FileChange], tests: &[FileChange]) -> BTreeSet<String> {
    let code: Vec<&FileChange> =
        changes.iter().filter(|change| !tests.iter().any(|test| test.path == change.path)).collect();
    let words = |file: fn(&FileChange) -> Option<&StoredFile>| -> BTreeSet<String> {
        let files = code.iter().filter_map(|change| file(change));
        let texts: Vec<String> = files.map(|file| String::from_utf8_lossy(&file.content).into_owned()).collect();
        let all = texts.iter().flat_map(|text| text.split(|c: char| !c.is_alphanumeric() && !"_?!".contains(c)));
        all.filter(|word| !word.is_empty()).map(str::to_owned).collect()
    };
    let before = words(|change| change.before.as_ref());
    let after = words(|change| change.after.as_ref());
    after.difference(&before).cloned().collect()
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
