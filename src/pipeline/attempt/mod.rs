//! Attempts up a ladder of models: ask, apply, judge, tell the model what failed, until the evidence says yes or a limit no.

mod asking;
mod converse;
mod halfway;
mod other_lines;
mod steps;
mod test_first;
mod workbench;

use std::sync::Arc;

use serde_json::json;

use super::check::{self, Checks};
use super::{Job, PipelineError, Rung};
use crate::bundle::{self, Ending, Merit};
use crate::context;
use crate::index::{DEFAULT_LIMIT_BYTES, Index};
use crate::policy::{self, Finding, PolicySettings, Severity};
use crate::propose::{Described, PromptHashes, Revision};
use crate::repo::{FileTree, PastCommit};
use crate::verify::{self, Evidence, TreeRun};

/// The longest failure text that the first call carries, in bytes.
const FIRST_FAILURES_BYTES: usize = 3_000;

/// A change that was judged.
#[derive(Clone)]
pub(super) struct Candidate {
    pub(super) tree: FileTree,
    pub(super) evidence: Evidence,
    pub(super) findings: Vec<Finding>,
    pub(super) remarks: String,
    /// Title and text in the model's words, where it was asked.
    pub(super) described: Option<Described>,
}

impl Candidate {
    fn refusals(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| finding.severity == Severity::Refuse)
    }

    /// Tells why it is not acceptable; `None` when it is.
    pub(super) fn objection(&self) -> Option<String> {
        let why: Vec<&str> = self.refusals().map(|finding| finding.text.as_str()).collect();
        (!why.is_empty()).then(|| why.join("; "))
    }

    fn merit(&self) -> Result<Merit, PipelineError> {
        Ok(bundle::merit_of(self.objection().is_none(), Some(&self.evidence), &self.tree.changes()?))
    }
}

/// What changes are judged by.
pub(super) struct Judging<'a> {
    pub(super) checks: &'a Checks,
    pub(super) base_run: &'a TreeRun,
    pub(super) settings: &'a PolicySettings,
}

impl Judging<'_> {
    /// Runs the checks on a changed tree, and policy over the change.
    pub(super) async fn weigh(
        &self,
        job: &Job<'_>,
        tree: FileTree,
        remarks: String,
    ) -> Result<Candidate, PipelineError> {
        let evidence = check::judge(&job.bench(), &tree, self.checks, self.base_run).await?;
        let findings = policy::review(&tree.changes()?, Some(&evidence), self.settings);
        job.journal.record("findings", &findings)?;
        Ok(Candidate { tree, evidence, findings, remarks, described: None })
    }
}

/// What every attempt starts from.
struct Start<'a> {
    judging: &'a Judging<'a>,
    /// The files, with the proposal that is there already.
    tree: &'a FileTree,
    /// That proposal, judged; `None` for a first one.
    before: Option<Candidate>,
    /// What fails as the files are.
    failures: String,
    /// Earlier commits, for the search; read once for all attempts.
    history: Arc<[PastCommit]>,
    /// What is known of the files from earlier runs, where somebody made an index.
    index: Option<Index>,
    revision: Option<Revision>,
}

/// What all attempts together came to.
pub(super) struct Attempted {
    /// The best change that was accepted, else the last one that was judged.
    pub(super) candidate: Option<Candidate>,
    pub(super) ending: Ending,
    pub(super) answers: u32,
    /// The attempt that the candidate comes from, from 1.
    pub(super) attempt: u32,
    /// The rung of the ladder that it comes from, from 0.
    pub(super) rung: usize,
    pub(super) prompts: PromptHashes,
    /// What the task leaves open, and what was assumed.
    pub(super) open: Vec<String>,
}

/// What one attempt came to.
struct Made {
    candidate: Option<Candidate>,
    /// `None` when nothing that could be judged came of it.
    ending: Option<Ending>,
    answers: u32,
    prompts: PromptHashes,
    open: Vec<String>,
}

impl Attempted {
    /// Nothing has been tried; this is how it ends when that stays so.
    pub(super) fn ended(ending: Ending) -> Self {
        let (prompts, open) = (PromptHashes::new(), Vec::new());
        Self { candidate: None, ending, answers: 0, attempt: 0, rung: 0, prompts, open }
    }

    fn is_done(&self) -> bool {
        self.ending == Ending::Done
    }

    /// Takes in what an attempt came to: the better change stays. Tells whether the two are equally good.
    fn take(&mut self, made: Made, (rung, attempt): (usize, u32)) -> Result<bool, PipelineError> {
        self.answers += made.answers;
        self.prompts.extend(made.prompts);
        let merit = |candidate: &Option<Candidate>| candidate.as_ref().map(Candidate::merit).transpose();
        let (old, new) = (merit(&self.candidate)?, merit(&made.candidate)?);
        let was_done = self.is_done();
        let is_better = match made.ending {
            // A change that was accepted is not given up for an attempt that failed or was ended.
            _ if was_done => made.ending == Some(Ending::Done) && new > old,
            None => false,
            Some(_) => true,
        };
        let is_tied = was_done && made.ending == Some(Ending::Done) && new == old;
        if is_better {
            // Of changes that were not accepted the better one stays as well.
            let is_better = made.candidate.is_some() && new > old;
            if is_better || made.ending == Some(Ending::Done) || self.candidate.is_none() {
                self.candidate = made.candidate;
                self.open = made.open;
                (self.rung, self.attempt) = (rung, attempt);
            }
            self.ending = made.ending.unwrap_or(Ending::Done);
        } else if self.attempt == 0 {
            (self.rung, self.attempt) = (rung, attempt);
        }
        Ok(is_tied)
    }
}

/// Goes up the ladder until a change is accepted: on each rung all attempts that are wanted, of which the best counts.
pub(super) async fn all(job: &Job<'_>, tree: &FileTree, judging: &Judging<'_>) -> Result<Attempted, PipelineError> {
    let start = start(job, tree, judging).await?;
    let mut result =
        Attempted::ended(Ending::NoAcceptableChange("the model gave no answer that could be applied".to_owned()));
    for (place, rung) in job.rungs.iter().enumerate() {
        if place > 0 {
            job.progress.step(&format!("The evidence says no: {} is asked ({})", rung.model.name(), rung.why));
        }
        for number in asking::attempts(job) {
            let made = converse::one(job, rung, number, &start).await?;
            let ended = made.ending.clone();
            record_attempt(job, rung, number, &made)?;
            if result.take(made, (place, number))? {
                job.progress.note(&format!(
                    "attempts {} and {number} are equally good by evidence and size; the first is kept",
                    result.attempt
                ));
            }
            let is_fatal =
                matches!(ended, Some(Ending::Cancelled | Ending::LimitReached(_) | Ending::ServiceFailed(_)));
            if is_fatal {
                return Ok(result);
            }
        }
        if result.is_done() {
            break;
        }
    }
    Ok(result)
}

async fn start<'a>(job: &Job<'_>, tree: &'a FileTree, judging: &'a Judging<'a>) -> Result<Start<'a>, PipelineError> {
    let before = match tree.changes()?.is_empty() {
        true => None,
        false => Some(judging.weigh(job, tree.clone(), String::new()).await?),
    };
    let failures = match &before {
        None => verify::failures_for_model(judging.base_run, None, FIRST_FAILURES_BYTES),
        Some(before) => {
            verify::failures_for_model(&before.evidence.patched, Some(judging.base_run), FIRST_FAILURES_BYTES)
        }
    };
    let revision =
        job.order.filter(|order| order.verb.continues()).map(|order| Revision::of(order, tree)).transpose()?;
    let folder = job.repository.index_folder();
    let index = match job.embedder {
        // No text is asked for twice.
        Some(_) => Index::open(&folder, DEFAULT_LIMIT_BYTES).ok(),
        None => Index::open_existing(&folder),
    };
    let history = context::recall(job.repository, &job.base, index.as_ref()).into();
    Ok(Start { judging, tree, before, failures, history, index, revision })
}

fn record_attempt(job: &Job<'_>, rung: &Rung, number: u32, made: &Made) -> Result<(), PipelineError> {
    let verdict = made.candidate.as_ref().map(|candidate| candidate.evidence.verdict);
    let line = json!({ "model": rung.model.name(), "attempt": number, "answers": made.answers, "ending": made.ending,
                       "verdict": verdict });
    Ok(job.journal.record("attempt_ended", line)?)
}
