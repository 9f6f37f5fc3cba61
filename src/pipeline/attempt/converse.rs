//! One attempt with one model: what it is shown, the steps before the edits, the rounds of edits and checks, the steps after.

use serde_json::json;

use super::asking::{self, LEAST_CONTEXT_TOKENS};
use super::steps::{Shown, with_extracted};
use super::workbench::Runs;
use super::{Candidate, Job, Made, Rung, Start};
use crate::bundle::Ending;
use crate::context::{self, Context, Query, Settings};
use crate::llm::LlmError;
use crate::pipeline::{PipelineError, similar};
use crate::propose::{Answered, Conversation, LimitReached, Opening, ProposeError, Session};
use crate::repo::FileTree;
use crate::task::Task;
use crate::verify;

/// The longest failure text that a later call carries, in bytes.
const LATER_FAILURES_BYTES: usize = 4_000;
/// Answers in a row that cannot be applied, after which the attempt is given up.
const MOST_UNUSABLE: u32 = 5;
/// The same for a model that is asked the first question again: each answer is drawn anew, and small models often write the
/// code once more.
const MOST_UNUSABLE_DRAWN: u32 = 12;

/// Makes one attempt.
pub(super) async fn one(job: &Job<'_>, rung: &Rung, number: u32, start: &Start<'_>) -> Result<Made, PipelineError> {
    let mut budget = asking::context_budget(job, rung);
    // A server whose window is smaller than believed says so at the first call: ask again with less.
    loop {
        let sampling = asking::sampling(job, rung, number);
        let mut session = Session::new(&*rung.model, (job.meter, &rung.pricing), &rung.profile, sampling);
        let mut walk = Walk { job, rung, start, stand: None, next: None, best: None, ending: None, open: Vec::new() };
        let walked = walk.through(&mut session, budget).await;
        walk.end_with_the_furthest();
        let ending = match walked {
            Ok(()) => walk.ending,
            Err(Stop::Pipeline(error)) => return Err(error),
            Err(Stop::Propose(ProposeError::Model(LlmError::ContextTooLong { message, .. })))
                if session.asked() == 0 && budget > LEAST_CONTEXT_TOKENS =>
            {
                budget = (budget / 2).max(LEAST_CONTEXT_TOKENS);
                job.progress.note(&format!("{message}; asking again with {budget} tokens of context"));
                continue;
            }
            Err(Stop::Propose(error)) => ending_of(error, walk.ending)?,
        };
        let (answers, prompts) = (session.asked(), session.prompts().clone());
        return Ok(Made { candidate: walk.best, ending, answers, prompts, open: walk.open });
    }
}

/// Why a walk ends before its end.
pub(super) enum Stop {
    Propose(ProposeError),
    Pipeline(PipelineError),
}

impl From<ProposeError> for Stop {
    fn from(error: ProposeError) -> Self {
        Self::Propose(error)
    }
}

impl From<PipelineError> for Stop {
    fn from(error: PipelineError) -> Self {
        Self::Pipeline(error)
    }
}

/// An attempt under way, and what has come of it.
pub(super) struct Walk<'a, 'j> {
    pub(super) job: &'a Job<'j>,
    pub(super) rung: &'a Rung,
    pub(super) start: &'a Start<'a>,
    /// The change that the questions stand on; `None` for the files as they were.
    pub(super) stand: Option<Candidate>,
    /// The change that the next conversation stands on.
    pub(super) next: Option<Candidate>,
    /// The change that was accepted, else the last one that was judged.
    pub(super) best: Option<Candidate>,
    pub(super) ending: Option<Ending>,
    pub(super) open: Vec<String>,
}

impl Walk<'_, '_> {
    async fn through(&mut self, session: &mut Session<'_>, budget: u64) -> Result<(), Stop> {
        let (job, start) = (self.job, self.start);
        let mut context = self.gather(start.tree, &start.failures, &[], budget).await?;
        if job.meter.spent().calls == 0 {
            job.progress.note(&asking::estimate(job, self.rung, &context));
            if !job.pictures.is_empty() && !self.rung.profile.vision {
                let (count, name) = (job.pictures.len(), self.rung.model.name());
                job.progress.note(&format!("{name} cannot see: the task's pictures ({count}) are left out"));
            }
        }
        let extracted = self.extract(session).await?;
        let task = with_extracted(job.task, extracted.as_ref());
        let plan = self.plan(session, (&task, budget), &mut context).await?;
        let opening = Opening {
            task: &task,
            context: &context,
            failures: &start.failures,
            is_checked: start.judging.base_run.is_checked(),
            plan: &plan,
            pictures: job.pictures,
            revision: start.revision.as_ref(),
        };
        let mut shown = match self.test_first(session, (&opening, extracted.as_ref()), budget).await? {
            Some(shown) => shown,
            None => Shown { tree: start.tree.clone(), failures: start.failures.clone(), context: context.clone() },
        };
        loop {
            let opening = Opening { failures: &shown.failures, context: &shown.context, ..opening };
            self.talk(session, &opening, &shown.tree).await?;
            match self.stand_on_next(budget).await? {
                Some(next) => shown = next,
                None => break,
            }
        }
        self.describe(session, &task).await?;
        Ok(())
    }

    /// Holds a conversation about `tree`.
    async fn talk(
        &mut self,
        session: &mut Session<'_>,
        opening: &Opening<'_>,
        tree: &FileTree,
    ) -> Result<(), ProposeError> {
        let job = self.job;
        let workbench = Runs { bench: job.bench(), checks: self.start.judging.checks };
        let mut conversation = Conversation::open(session, opening, tree.clone())?;
        match self.converse(session, &mut conversation, (opening.task, &workbench)).await {
            Err(ProposeError::Model(LlmError::NoTools { message, .. })) => {
                job.progress.note(&format!("{message}; asking for edits as plain text"));
                conversation = Conversation::open_in_blocks(session, opening, tree.clone())?;
                self.converse(session, &mut conversation, (opening.task, &workbench)).await
            }
            other => other,
        }
    }

    /// Asks the embedding model, where there is one; a search without its answer is a search all the same.
    async fn compare(&self, tree: &FileTree, query: &mut Query) -> Result<(), PipelineError> {
        let job = self.job;
        let Some(embedder) = job.embedder else { return Ok(()) };
        match similar::compare(tree, query, self.start.index.as_ref(), embedder, job.cancel).await {
            Ok(compared) => {
                job.progress.note(&compared.told(embedder.model().name()));
                let line = json!({ "model": embedder.model().name(), "passages": compared.passages,
                                   "asked": compared.asked, "tokens": compared.tokens });
                job.journal.record("compared", line)?;
                query.similar = compared.similar;
            }
            Err(error) => job.progress.note(&error.told()),
        }
        Ok(())
    }

    pub(super) async fn gather(
        &self,
        tree: &FileTree,
        failures: &str,
        files: &[String],
        budget: u64,
    ) -> Result<Context, PipelineError> {
        let job = self.job;
        job.progress.step("Reading the repository");
        let mut query = asking::query(job, failures, self.start.history.clone());
        query.files.extend_from_slice(files);
        self.compare(tree, &mut query).await?;
        let budget_tokens = usize::try_from(budget).unwrap_or(usize::MAX);
        let max_files = self.rung.profile.max_files;
        let settings = Settings { budget_tokens, max_files, ..Settings::default() };
        let context = context::gather(tree, &query, &settings, self.start.index.as_ref())?;
        let excerpts: Vec<_> = context
            .excerpts
            .iter()
            .map(|excerpt| json!({ "path": excerpt.path, "lines": excerpt.lines, "reason": excerpt.reason }))
            .collect();
        job.journal
            .record("context", json!({ "tokens": context.tokens, "files": context.files, "excerpts": excerpts }))?;
        job.progress.note(&format!(
            "{} files read, {} excerpts with {} tokens chosen",
            context.files,
            context.excerpts.len(),
            context.tokens
        ));
        Ok(context)
    }

    /// Asks for changes and judges them, until one is accepted, one is to be stood on or there is nothing left to try.
    async fn converse(
        &mut self,
        session: &mut Session<'_>,
        conversation: &mut Conversation,
        (task, workbench): (&Task, &Runs<'_>),
    ) -> Result<(), ProposeError> {
        let job = self.job;
        let asked_before = session.asked();
        let (mut judged, mut unusable, mut reviewed) = (0, 0, false);
        let most_unusable = if session.profile().resample { MOST_UNUSABLE_DRAWN } else { MOST_UNUSABLE };
        while session.has_rounds_left() && judged < session.profile().repairs && unusable < most_unusable {
            let has_failed = session.asked() > asked_before && self.ending != Some(Ending::Done);
            // The first answer failed: before the same is asked again, every line is, once.
            if has_failed && self.try_other_lines(session, conversation).await? || self.next.is_some() {
                return Ok(());
            }
            job.progress.step(&format!("Asking {} (call {})", self.rung.model.name(), session.asked() + 1));
            let (tree, remarks) = match conversation.ask(session, workbench, job.cancel).await? {
                Answered::Changed { tree, remarks, put_back } => {
                    if put_back > 0 {
                        job.progress
                            .note(&format!("lines of comments left out by the answer, and put back: {put_back}"));
                    }
                    (tree, remarks)
                }
                Answered::Explained { remarks } => {
                    job.progress.note("no edits: every thread is answered with a reason");
                    self.best = self.start.before.clone().map(|before| Candidate { remarks, ..before });
                    self.ending = Some(Ending::Done);
                    return Ok(());
                }
                Answered::Unusable { problems } if self.ending == Some(Ending::Done) => {
                    // What the review found is not mended; the change was accepted all the same.
                    return record(job, "answer_unusable", json!({ "problems": problems }));
                }
                Answered::Unusable { problems } => {
                    unusable += 1;
                    tell_unusable(job, &problems)?;
                    continue;
                }
            };
            (judged, unusable) = (judged + 1, 0);
            let Some(candidate) = self.judge(tree, remarks).await? else { return Ok(()) };
            let accepted = self.ending == Some(Ending::Done);
            let Some(why) = candidate.objection() else {
                let is_better = !accepted || self.best.as_ref().is_none_or(|best| is_no_worse(&candidate, best));
                if is_better {
                    self.best = Some(candidate.clone());
                }
                self.ending = Some(Ending::Done);
                let problems = if reviewed { Vec::new() } else { self.review(session, task, &candidate).await? };
                reviewed = true;
                if problems.is_empty() {
                    return Ok(());
                }
                conversation.object(session, &problems)?;
                continue;
            };
            job.progress.note(&format!("not acceptable: {why}"));
            if accepted {
                // What the review led to is worse than what was there.
                return Ok(());
            }
            let failures = self.failures(&candidate);
            if session.profile().resample && conversation.leaves_code_as_it_was()? {
                // The same code, drawn once more, uses up no repair.
                judged -= 1;
            }
            self.note_halfway(session, &candidate)?;
            self.best = Some(candidate);
            self.ending = Some(Ending::NoAcceptableChange(why));
            conversation.report_failures(session, &failures)?;
        }
        Ok(())
    }

    /// Runs the checks on a change; `None` when that ends the attempt.
    pub(super) async fn judge(&mut self, tree: FileTree, remarks: String) -> Result<Option<Candidate>, ProposeError> {
        let job = self.job;
        let changes = tree.changes()?;
        let names: Vec<&str> = changes.iter().map(|change| change.path.as_str()).collect();
        job.progress.note(&format!("with the edits, these files differ from the base: {}", names.join(", ")));
        let ended = match self.start.judging.weigh(job, tree, remarks).await {
            Ok(candidate) => return Ok(Some(candidate)),
            Err(PipelineError::Cancelled) => Ending::Cancelled,
            // A change that was accepted before stays accepted.
            Err(_) if self.ending == Some(Ending::Done) => Ending::Done,
            Err(error) => Ending::ServiceFailed(format!("the checks could not be run: {error}")),
        };
        self.ending = Some(ended);
        Ok(None)
    }

    fn failures(&self, candidate: &Candidate) -> String {
        // What the checks say follows in their own words.
        let of_rules = candidate.refusals().filter(|finding| !finding.is_of_checks());
        let refusals = of_rules.map(|finding| finding.text.as_str()).collect::<Vec<_>>().join("; ");
        let base = Some(self.start.judging.base_run);
        let failures = verify::failures_for_model(&candidate.evidence.patched, base, LATER_FAILURES_BYTES);
        if refusals.is_empty() { failures } else { format!("Policy refuses this change: {refusals}\n\n{failures}") }
    }
}

/// Tells whether a change is at least as good by evidence as another that was accepted.
fn is_no_worse(new: &Candidate, old: &Candidate) -> bool {
    let strength = |candidate: &Candidate| candidate.merit().map(|merit| merit.strength).unwrap_or_default();
    strength(new) >= strength(old)
}

/// Says how an attempt ended that could not go on; a change that was accepted before stays accepted.
fn ending_of(error: ProposeError, so_far: Option<Ending>) -> Result<Option<Ending>, PipelineError> {
    let is_done = so_far == Some(Ending::Done);
    Ok(Some(match error {
        ProposeError::Model(LlmError::Cancelled) => Ending::Cancelled,
        _ if is_done => Ending::Done,
        ProposeError::Limit(LimitReached::Rounds { .. }) => return Ok(so_far),
        ProposeError::Limit(limit) => Ending::LimitReached(limit.to_string()),
        error @ ProposeError::Unfinished => Ending::NoAcceptableChange(error.to_string()),
        // A model with a larger window may go on.
        ProposeError::Model(error @ LlmError::ContextTooLong { .. }) => Ending::NoAcceptableChange(error.to_string()),
        ProposeError::Model(LlmError::Settings(_) | LlmError::NoModel | LlmError::Recording { .. }) => {
            return Err(PipelineError::Propose(error));
        }
        ProposeError::Model(error) => Ending::ServiceFailed(error.to_string()),
        ProposeError::Prompt(_) | ProposeError::Repo(_) => return Err(PipelineError::Propose(error)),
    }))
}

/// Says why the edits of an answer were not applied.
fn tell_unusable(job: &Job<'_>, problems: &str) -> Result<(), ProposeError> {
    let first = problems.lines().find(|line| line.starts_with("Edit") || line.starts_with("The answer"));
    let first = first.or_else(|| problems.lines().next()).unwrap_or_default();
    job.progress.note(&format!("the edits cannot be applied: {first}"));
    record(job, "answer_unusable", json!({ "problems": problems }))
}

/// A journal that cannot be written ends the conversation like an unreadable file.
pub(super) fn record(job: &Job<'_>, event: &str, data: serde_json::Value) -> Result<(), ProposeError> {
    job.journal.record(event, data).map_err(|error| {
        let source = std::io::Error::other(error.to_string());
        ProposeError::Repo(crate::repo::RepoError::Io { path: job.journal.path().to_owned(), source })
    })
}
