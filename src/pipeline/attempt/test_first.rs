//! Test first: where the task describes a defect that no check shows yet, a failing test comes before the fix.

use serde_json::json;

use super::converse::record;
use super::{Job, Judging};
use crate::pipeline::PipelineError;
use crate::pipeline::check;
use crate::policy;
use crate::propose::{Answered, Conversation, Extracted, Opening, ProposeError, Session, Workbench};
use crate::repo::FileTree;
use crate::task::Task;
use crate::verify::{self, Outcome, TreeRun};

/// Tests asked for at most.
const MOST_TESTS: u32 = 3;
/// The longest output shown, in bytes.
const OUTPUT_BYTES: usize = 3_000;

/// Tells whether a task describes something that goes wrong.
pub(super) fn is_defect(task: &Task, extracted: Option<&Extracted>) -> bool {
    const WORDS: &[&str] = &[
        "bug",
        "fix",
        "fixes",
        "wrong",
        "error",
        "errors",
        "crash",
        "crashes",
        "fail",
        "fails",
        "incorrect",
        "regression",
        "broken",
        "exception",
        "panic",
        "panics",
        "instead",
        "unexpected",
        "off-by-one",
        "traceback",
        "hangs",
        "leak",
    ];
    if let Some(extracted) = extracted.filter(|extracted| !extracted.kind.is_empty()) {
        return extracted.kind.contains("defect");
    }
    let text = task.full_text().to_lowercase();
    text.split(|c: char| !c.is_alphanumeric() && c != '-').any(|word| WORDS.contains(&word))
}

/// Asks for a test and runs it on the files as they are; one that passes there, or cannot run, is sent back. Returns the files
/// with the test and how it fails; `None` when there is none after a few tries.
pub(super) async fn ask(
    job: &Job<'_>,
    session: &mut Session<'_>,
    (opening, judging): (&Opening<'_>, &Judging<'_>),
    (tree, workbench): (&FileTree, &dyn Workbench),
) -> Result<Option<(FileTree, String)>, ProposeError> {
    let mut conversation = Conversation::open_for_test(session, opening, tree.clone())?;
    for number in 1..=MOST_TESTS {
        if session.rounds_left() <= 1 {
            break;
        }
        job.progress.step(&format!("Asking for a failing test ({number} of at most {MOST_TESTS})"));
        let with_test = match conversation.ask(session, workbench, job.cancel).await? {
            Answered::Changed { tree, .. } => tree,
            Answered::Explained { .. } | Answered::Unusable { .. } => continue,
        };
        let (problem, output) = match weigh(job, judging, tree, &with_test).await {
            Ok(Ok(failures)) => {
                job.progress.note("the test fails as the files are: it shows the defect");
                record(job, "test_first", json!({ "shows": true, "failures": failures }))?;
                return Ok(Some((with_test, failures)));
            }
            Ok(Err(refusal)) => refusal,
            // The checks that judge the change will meet the same, and say so.
            Err(_) => return Ok(None),
        };
        job.progress.note(&problem);
        record(job, "test_first", json!({ "shows": false, "problem": problem, "output": output }))?;
        conversation.refuse_test(session, (&problem, &output), tree)?;
    }
    job.progress.note("no test shows the defect; the fix is asked for without one");
    Ok(None)
}

/// Runs a test on the files as they are; returns how it fails, or why it shows nothing and what was printed.
async fn weigh(
    job: &Job<'_>,
    judging: &Judging<'_>,
    before: &FileTree,
    with_test: &FileTree,
) -> Result<Result<String, (String, String)>, PipelineError> {
    let refuse = |problem: &str, output: String| Ok(Err((problem.to_owned(), output)));
    let new = with_test.over(before)?.changes()?;
    let others: Vec<&str> =
        new.iter().filter(|change| !policy::is_of_tests(&change.path)).map(|change| change.path.as_str()).collect();
    if !others.is_empty() {
        return refuse(
            &format!("Only files of tests may change, and you changed {}.", others.join(", ")),
            String::new(),
        );
    }
    let run = check::run(&job.bench(), with_test, &judging.checks.without_lint()).await?;
    let (newly, collected) = newly_failing(&run, judging.base_run);
    let output = verify::failures_for_model(&run, Some(judging.base_run), OUTPUT_BYTES);
    if newly == 0 {
        return refuse(
            "Your test passes on the code as it is, so that it shows nothing of what is wrong.",
            String::new(),
        );
    }
    if collected == 0 {
        return refuse("Your test cannot run on the code as it is.", output);
    }
    Ok(Ok(output))
}

/// Counts what fails that did not before, and how much of it are tests that ran.
fn newly_failing(run: &TreeRun, base: &TreeRun) -> (usize, usize) {
    let (mut all, mut ran) = (0, 0);
    for check in run.checks.iter().filter(|check| check.is_red()) {
        let before = base.run_of(&check.check);
        let failed_before = |name: &str| {
            before.and_then(|before| before.test(name)).is_some_and(|test| test.outcome == Outcome::Failed)
        };
        let new: Vec<_> = check.failed().filter(|test| !failed_before(&test.name)).collect();
        // A file that cannot be collected is named by its path alone.
        ran += new.iter().filter(|test| !is_file(&test.name)).count();
        all += new.len().max(usize::from(before.is_none_or(|before| !before.is_red())));
    }
    (all, ran)
}

fn is_file(name: &str) -> bool {
    let last = name.rsplit('/').next().unwrap_or(name);
    !name.contains("::") && !name.contains(' ') && last.rsplit_once('.').is_some_and(|(_, end)| end.len() <= 3)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::{Origin, parse_plain};

    #[test]
    fn a_defect_is_known_by_its_words_or_by_what_the_model_says() {
        let task = |text: &str| parse_plain(text, Origin::CommandLine).expect("a task");
        assert!(is_defect(&task("Fix the pager\n\nIt gives 2."), None));
        assert!(is_defect(&task("pages(10, 10) gives 2 instead of 1"), None));
        assert!(!is_defect(&task("Add a flag --json"), None));
        let kind = |kind: &str| Extracted { kind: kind.to_owned(), ..Extracted::default() };
        assert!(!is_defect(&task("Fix the wording"), Some(&kind("documentation"))));
        assert!(is_defect(&task("The pager"), Some(&kind("defect"))));
    }

    #[test]
    fn a_file_that_cannot_be_collected_is_no_test() {
        assert!(is_file("tests/test_basic.py") && is_file("a.js"));
        assert!(!is_file("tests/test_basic.py::test_x") && !is_file("mod::tests::x") && !is_file("a suite works 1.5"));
    }
}
