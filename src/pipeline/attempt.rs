//! Attempts and rounds: ask, apply, judge, tell the model what failed, until the evidence says yes or a limit no.

use serde_json::json;

use super::check::{self, Checks};
use super::{Job, PipelineError};
use crate::bundle::Ending;
use crate::config::DEFAULT_CONTEXT_TOKENS;
use crate::context::{self, Context, Query, Settings};
use crate::llm::LlmError;
use crate::policy::{self, Finding, PolicySettings, Severity};
use crate::propose::{Answered, Conversation, Opening, PromptHashes, ProposeError, Revision, Sampling};
use crate::repo::FileTree;
use crate::task::Verb;
use crate::verify::{self, Evidence, TreeRun};

/// Tokens of the prompt's own words, of separators and of a task of ordinary length.
const PROMPT_TOKENS: u64 = 1_400;
/// Tokens kept free for the output of failing checks in a later round.
const FAILURE_TOKENS: u64 = 1_200;
/// The longest failure text that the first call carries, in bytes.
const FIRST_FAILURES_BYTES: usize = 3_000;
/// The longest failure text that a later call carries, in bytes.
const LATER_FAILURES_BYTES: usize = 4_000;
/// The smallest context worth asking with, in tokens.
const LEAST_CONTEXT_TOKENS: u64 = 256;

/// A change that was judged.
#[derive(Clone)]
pub(super) struct Candidate {
    pub(super) tree: FileTree,
    pub(super) evidence: Evidence,
    pub(super) findings: Vec<Finding>,
    pub(super) remarks: String,
}

impl Candidate {
    fn refusals(&self) -> Vec<&str> {
        let refused = self.findings.iter().filter(|finding| finding.severity == Severity::Refuse);
        refused.map(|finding| finding.text.as_str()).collect()
    }

    fn is_acceptable(&self) -> bool {
        self.evidence.is_acceptable() && self.refusals().is_empty()
    }

    /// Tells why it is not acceptable; `None` when it is.
    pub(super) fn objection(&self) -> Option<String> {
        match self.refusals().join("; ") {
            _ if self.is_acceptable() => None,
            refusals if refusals.is_empty() => Some(self.evidence.reason.clone()),
            refusals => Some(refusals),
        }
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
        Ok(Candidate { tree, evidence, findings, remarks })
    }
}

/// What all attempts together came to.
pub(super) struct Attempted {
    /// The change that was accepted, else the last one that was judged.
    pub(super) candidate: Option<Candidate>,
    pub(super) ending: Ending,
    pub(super) answers: u32,
    /// The attempt that the candidate comes from, from 1.
    pub(super) attempt: u32,
    pub(super) prompts: PromptHashes,
}

impl Attempted {
    /// Nothing has been tried; this is how it ends when that stays so.
    pub(super) fn ended(ending: Ending) -> Self {
        Self { candidate: None, ending, answers: 0, attempt: 0, prompts: PromptHashes::new() }
    }
}

/// Makes attempts until one is accepted or there are none left.
pub(super) async fn all(job: &Job<'_>, tree: &FileTree, judging: &Judging<'_>) -> Result<Attempted, PipelineError> {
    let mut result =
        Attempted::ended(Ending::NoAcceptableChange("the model gave no answer that could be applied".to_owned()));
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
    for number in 1..=u32::try_from(job.config.attempts.value).unwrap_or(u32::MAX) {
        let mut budget = context_budget(job);
        // A server whose window is smaller than believed says so at the first call: ask again with less.
        loop {
            let shown = gather(job, tree, &failures, budget)?;
            let sampling = sampling(job, number);
            let opening = Opening { task: job.task, context: &shown, failures: &failures, revision: revision.as_ref() };
            let opened = Conversation::open(job.model, job.meter, sampling, &opening, tree.clone());
            let mut conversation = opened.map_err(PipelineError::Propose)?;
            let ended = converse(job, &mut conversation, (judging, before.as_ref()), &mut result).await;
            result.answers += conversation.asked();
            result.attempt = number;
            result.prompts.extend(conversation.prompts().clone());
            match ended {
                Err(ProposeError::Model(LlmError::ContextTooLong { message, .. }))
                    if conversation.asked() == 0 && budget > LEAST_CONTEXT_TOKENS =>
                {
                    budget = (budget / 2).max(LEAST_CONTEXT_TOKENS);
                    job.progress.note(&format!("{message}; asking again with {budget} tokens of context"));
                }
                Err(error) => {
                    result.ending = ending_of(error)?;
                    return Ok(result);
                }
                Ok(Some(ending)) => {
                    result.ending = ending;
                    if matches!(result.ending, Ending::Done | Ending::Cancelled) {
                        return Ok(result);
                    }
                    break;
                }
                Ok(None) => break,
            }
        }
    }
    Ok(result)
}

/// Holds one conversation; returns its ending, or `None` when the earlier one stands.
async fn converse(
    job: &Job<'_>,
    conversation: &mut Conversation<'_>,
    (judging, before): (&Judging<'_>, Option<&Candidate>),
    result: &mut Attempted,
) -> Result<Option<Ending>, ProposeError> {
    let mut ending = None;
    while conversation.has_rounds_left() {
        let round = conversation.asked() + 1;
        job.progress.step(&format!(
            "Asking {} (answer {round} of at most {})",
            job.model.name(),
            job.config.rounds.value
        ));
        let (tree, remarks) = match conversation.ask(job.cancel).await? {
            Answered::Changed { tree, remarks } => (tree, remarks),
            Answered::Explained { remarks } => {
                job.progress.note("no edits: every thread is answered with a reason");
                result.candidate = before.map(|before| Candidate { remarks, ..before.clone() });
                return Ok(Some(Ending::Done));
            }
            Answered::Unusable { problems } => {
                let first = problems.lines().next().unwrap_or_default();
                job.progress.note(&format!("the edits cannot be applied: {first}"));
                record(job, "answer_unusable", json!({ "problems": problems }))?;
                continue;
            }
        };
        let changes = tree.changes()?;
        let names: Vec<&str> = changes.iter().map(|change| change.path.as_str()).collect();
        job.progress.note(&format!("with the edits, these files differ from the base: {}", names.join(", ")));
        let candidate = match judging.weigh(job, tree, remarks).await {
            Ok(candidate) => candidate,
            Err(PipelineError::Cancelled) => return Ok(Some(Ending::Cancelled)),
            Err(error) => return Ok(Some(Ending::ServiceFailed(format!("the checks could not be run: {error}")))),
        };
        let Some(why) = candidate.objection() else {
            result.candidate = Some(candidate);
            return Ok(Some(Ending::Done));
        };
        job.progress.note(&format!("not acceptable: {why}"));
        let refusals = candidate.refusals().join("; ");
        let mut failures =
            verify::failures_for_model(&candidate.evidence.patched, Some(judging.base_run), LATER_FAILURES_BYTES);
        if !refusals.is_empty() {
            failures = format!("Policy refuses this change: {refusals}\n\n{failures}");
        }
        result.candidate = Some(candidate);
        ending = Some(Ending::NoAcceptableChange(why));
        conversation.report_failures(&failures)?;
    }
    Ok(ending)
}

fn gather(job: &Job<'_>, tree: &FileTree, failures: &str, budget: u64) -> Result<Context, PipelineError> {
    job.progress.step("Reading the repository");
    let query = query(job, failures);
    let budget_tokens = usize::try_from(budget).unwrap_or(usize::MAX);
    let context = context::gather(tree, &query, &Settings { budget_tokens, ..Settings::default() })?;
    let excerpts: Vec<_> = context
        .excerpts
        .iter()
        .map(|excerpt| json!({ "path": excerpt.path, "lines": excerpt.lines, "reason": excerpt.reason }))
        .collect();
    job.journal.record("context", json!({ "tokens": context.tokens, "files": context.files, "excerpts": excerpts }))?;
    job.progress.note(&format!(
        "{} files read, {} excerpts with {} tokens chosen",
        context.files,
        context.excerpts.len(),
        context.tokens
    ));
    Ok(context)
}

/// What the search goes by: the task, what a reviewer says of it, what fails.
fn query(job: &Job<'_>, failures: &str) -> Query {
    let mut text = job.task.full_text();
    let mut files = job.task.files.clone();
    if let Some(order) = job.order {
        text = format!("{text}\n{}", order.instruction);
        for thread in &order.threads {
            text = format!("{text}\n{}", thread.said);
            files.push(thread.path.clone());
        }
    }
    Query { text: format!("{text}\n{failures}"), files }
}

/// Returns how many tokens of context leave room for two answers and for what fails.
fn context_budget(job: &Job<'_>) -> u64 {
    let answer = u64::from(max_output_tokens(job));
    let free = job.window_tokens.saturating_sub(2 * answer + PROMPT_TOKENS + FAILURE_TOKENS);
    job.config.context_tokens.value.unwrap_or(DEFAULT_CONTEXT_TOKENS).min(free).max(LEAST_CONTEXT_TOKENS)
}

fn max_output_tokens(job: &Job<'_>) -> u32 {
    let wanted = job.config.max_output_tokens.value.unwrap_or((job.window_tokens / 6).clamp(512, 8_192));
    u32::try_from(wanted).unwrap_or(u32::MAX)
}

/// Later attempts and retries vary seed and temperature: the same question would only bring the same answer.
fn sampling(job: &Job<'_>, attempt: u32) -> Sampling {
    const LATER_TEMPERATURE: f64 = 0.6;
    let first = job.config.temperature.value;
    let retry = job.order.filter(|order| order.verb == Verb::Retry);
    let temperature = if attempt == 1 && retry.is_none() { first } else { first.max(LATER_TEMPERATURE) };
    // The comment that asks is another one each time, and the same when a killed run is started again.
    let asked_by = retry.and_then(|order| order.serves.last()).map_or(0, |comment| comment.number() % 1_000_000);
    Sampling {
        max_output_tokens: max_output_tokens(job),
        temperature: temperature as f32,
        seed: job.config.seed.value + asked_by + u64::from(attempt) - 1,
        rounds: u32::try_from(job.config.rounds.value).unwrap_or(u32::MAX),
    }
}

fn ending_of(error: ProposeError) -> Result<Ending, PipelineError> {
    match error {
        ProposeError::Model(LlmError::Cancelled) => Ok(Ending::Cancelled),
        ProposeError::Limit(limit) => Ok(Ending::LimitReached(limit.to_string())),
        ProposeError::Model(LlmError::Settings(_) | LlmError::NoModel | LlmError::Recording { .. }) => {
            Err(PipelineError::Propose(error))
        }
        ProposeError::Model(error) => Ok(Ending::ServiceFailed(error.to_string())),
        ProposeError::Prompt(_) | ProposeError::Repo(_) => Err(PipelineError::Propose(error)),
    }
}

/// A journal that cannot be written ends the conversation like an unreadable file.
fn record(job: &Job<'_>, event: &str, data: serde_json::Value) -> Result<(), ProposeError> {
    job.journal.record(event, data).map_err(|error| {
        let source = std::io::Error::other(error.to_string());
        ProposeError::Repo(crate::repo::RepoError::Io { path: job.journal.path().to_owned(), source })
    })
}
