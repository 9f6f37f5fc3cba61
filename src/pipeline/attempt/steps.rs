//! The steps around the edits: the task taken apart, a plan, a review, a description.

use serde_json::json;

use super::converse::{Stop, Walk, record};
use super::workbench::Runs;
use super::{Candidate, test_first};
use crate::bundle::Ending;
use crate::context::Context;
use crate::llm::{LlmError, Step};
use crate::pipeline::PipelineError;
use crate::propose::{Extracted, Opening, ProposeError, Session};
use crate::repo::FileTree;
use crate::task::Task;

/// What the edits begin with: the files, what fails in them, and what is shown of them.
pub(super) struct Shown {
    pub(super) tree: FileTree,
    pub(super) failures: String,
    pub(super) context: Context,
}

impl Walk<'_, '_> {
    pub(super) async fn extract(&mut self, session: &mut Session<'_>) -> Result<Option<Extracted>, Stop> {
        let job = self.job;
        if !self.begins_with(session, Step::Extract) {
            return Ok(None);
        }
        let extracted =
            self.unless_limited("the task is not taken apart", session.extract(job.task, job.cancel).await)?;
        let extracted = extracted.flatten();
        if let Some(extracted) = &extracted {
            self.open.clone_from(&extracted.open);
            record(job, "extracted", json!(extracted))?;
        }
        Ok(extracted)
    }

    /// Asks for a plan, and shows the files that it names.
    pub(super) async fn plan(
        &mut self,
        session: &mut Session<'_>,
        (task, budget): (&Task, u64),
        context: &mut Context,
    ) -> Result<String, Stop> {
        let (job, start) = (self.job, self.start);
        if !self.begins_with(session, Step::Plan) {
            return Ok(String::new());
        }
        job.progress.step(&format!("Asking {} for a plan", self.rung.model.name()));
        let opening = Opening {
            task,
            context,
            failures: &start.failures,
            is_checked: start.judging.base_run.is_checked(),
            plan: "",
            pictures: job.pictures,
            revision: start.revision.as_ref(),
        };
        let plan = session.plan(&opening, start.tree, job.cancel).await;
        let Some(plan) = self.unless_limited("no plan", plan)? else { return Ok(String::new()) };
        record(job, "planned", json!(plan))?;
        let is_shown = |file: &String| context.excerpts.iter().any(|excerpt| excerpt.path.as_str() == file);
        if !plan.files.iter().all(is_shown) {
            *context = self.gather(start.tree, &start.failures, &plan.files, budget).await?;
        }
        Ok(plan.text)
    }

    /// Asks for a failing test where the task describes a defect; the fix is asked for by a model that sees the test.
    pub(super) async fn test_first(
        &self,
        session: &mut Session<'_>,
        (opening, extracted): (&Opening<'_>, Option<&Extracted>),
        budget: u64,
    ) -> Result<Option<Shown>, Stop> {
        if !self.wants_test(session, opening.task, extracted) {
            return Ok(None);
        }
        let (job, start) = (self.job, self.start);
        let workbench = Runs { bench: job.bench(), checks: start.judging.checks };
        let asked = test_first::ask(job, session, (opening, start.judging), (start.tree, &workbench)).await;
        let Some((tree, failures)) = self.unless_limited("no test", asked)?.flatten() else { return Ok(None) };
        let changes = tree.over(start.tree).and_then(|tree| tree.changes()).map_err(PipelineError::from)?;
        let mut files: Vec<String> = changes.iter().map(|change| change.path.to_string()).collect();
        files.extend(opening.context.excerpts.first().map(|excerpt| excerpt.path.to_string()));
        let context = self.gather(&tree, &failures, &files, budget).await?;
        Ok(Some(Shown { tree, failures, context }))
    }

    fn wants_test(&self, session: &Session<'_>, task: &Task, extracted: Option<&Extracted>) -> bool {
        let is_first = self.start.before.is_none();
        let shows_already = !self.start.failures.trim().is_empty();
        let can_fail = self.start.judging.base_run.is_checked();
        self.begins_with(session, Step::Test)
            && is_first
            && can_fail
            && !shows_already
            && test_first::is_defect(task, extracted)
    }

    /// Tells whether a step before the edits is taken: they are about the task as a whole, not about what a reviewer wants,
    /// and leave a round for the edits.
    fn begins_with(&self, session: &Session<'_>, step: Step) -> bool {
        session.takes(step) && self.start.revision.is_none() && session.rounds_left() > 1
    }

    /// A step that a limit forbids is left out; the edits meet the same limit, or are smaller.
    fn unless_limited<T>(&self, without: &str, made: Result<T, ProposeError>) -> Result<Option<T>, ProposeError> {
        match made {
            Ok(made) => Ok(Some(made)),
            Err(error @ (ProposeError::Limit(_) | ProposeError::Unfinished)) => {
                self.job.progress.note(&format!("{without}: {error}"));
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Lets the model read its own change; a limit that is reached here is no harm.
    pub(super) async fn review(
        &self,
        session: &mut Session<'_>,
        task: &Task,
        candidate: &Candidate,
    ) -> Result<Vec<String>, ProposeError> {
        let job = self.job;
        if !session.takes(Step::Review) || self.start.revision.is_some() || !session.has_rounds_left() {
            return Ok(Vec::new());
        }
        job.progress.step("Reviewing the change");
        let changes = candidate.tree.changes()?;
        let said = told(candidate);
        let problems = match session.review(task, (&changes, &said), job.cancel).await {
            Ok(problems) => problems,
            Err(error @ (ProposeError::Limit(_) | ProposeError::Unfinished)) => {
                job.progress.note(&format!("no review: {error}"));
                Vec::new()
            }
            Err(error) => return Err(error),
        };
        record(job, "reviewed", json!({ "problems": problems }))?;
        for problem in &problems {
            job.progress.note(&format!("review: {problem}"));
        }
        Ok(problems)
    }

    /// Lets the model put the accepted change into words; without them the task's own title stands.
    pub(super) async fn describe(&mut self, session: &mut Session<'_>, task: &Task) -> Result<(), Stop> {
        let job = self.job;
        let is_done = self.ending == Some(Ending::Done);
        let Some(candidate) = self.best.as_mut().filter(|_| is_done && session.takes(Step::Describe)) else {
            return Ok(());
        };
        if !session.has_rounds_left() {
            return Ok(());
        }
        job.progress.step("Describing the change");
        let changes = candidate.tree.changes().map_err(PipelineError::from)?;
        let said = told(candidate);
        match session.describe(task, (&changes, &said), job.cancel).await {
            Ok(described) => candidate.described = described,
            Err(ProposeError::Model(LlmError::Cancelled)) => {
                return Err(ProposeError::Model(LlmError::Cancelled).into());
            }
            Err(error) => job.progress.note(&format!("no description: {error}")),
        }
        Ok(())
    }
}

/// Says what the checks found, for a model that judges or describes.
fn told(candidate: &Candidate) -> String {
    format!("The checks say: {}: {}", candidate.evidence.verdict.word(), candidate.evidence.reason)
}

/// Returns the task with what was taken out of its text.
pub(super) fn with_extracted(task: &Task, extracted: Option<&Extracted>) -> Task {
    let mut task = task.clone();
    if let Some(extracted) = extracted {
        task.acceptance.extend(extracted.acceptance.iter().cloned());
        task.constraints.extend(extracted.constraints.iter().cloned());
    }
    task
}
