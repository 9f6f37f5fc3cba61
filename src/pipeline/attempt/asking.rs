//! How a rung is asked in an attempt: how much it is shown, how long it may answer, how freely, and what that may cost.

use std::ops::RangeInclusive;
use std::sync::Arc;

use crate::config::DEFAULT_CONTEXT_TOKENS;
use crate::context::{Context, Query};
use crate::llm::{CountedBy, Dialect, Message, Role, Usage, message_tokens};
use crate::pipeline::{Job, Rung};
use crate::propose::{self, Sampling};
use crate::repo::PastCommit;
use crate::task::Verb;

/// Tokens of the prompt's own words, of separators and of a task of ordinary length.
const PROMPT_TOKENS: u64 = 1_400;
/// Tokens of such a task; a longer one is counted besides.
const TASK_TOKENS: u64 = 400;
/// Tokens kept free for the output of failing checks in a later round.
const FAILURE_TOKENS: u64 = 1_200;
/// The smallest context worth asking with, in tokens.
pub(super) const LEAST_CONTEXT_TOKENS: u64 = 256;
/// The temperature of later attempts, at least.
const LATER_TEMPERATURE: f64 = 0.6;

/// Returns the numbers of the attempts to make: all, or the one that is wanted.
pub(super) fn attempts(job: &Job<'_>) -> RangeInclusive<u32> {
    let last = u32::try_from(job.config.attempts.value).unwrap_or(u32::MAX);
    job.only_attempt.map_or(1..=last, |number| number..=number)
}

/// What the search goes by: the task, what a reviewer says of it, what fails.
pub(super) fn query(job: &Job<'_>, failures: &str, history: Arc<[PastCommit]>) -> Query {
    let mut further = job.task.conditions();
    let mut files = job.task.files.clone();
    if let Some(order) = job.order {
        further = format!("{further}\n{}", order.instruction);
        for thread in &order.threads {
            further = format!("{further}\n{}", thread.said);
            files.push(thread.path.clone());
        }
    }
    Query {
        text: job.task.story(),
        further: format!("{further}\n{failures}"),
        files,
        history,
        knowledge: job.config.knowledge.value.clone(),
        ..Query::default()
    }
}

/// Returns how many tokens of context leave room for two answers and for what fails.
pub(super) fn context_budget(job: &Job<'_>, rung: &Rung) -> u64 {
    let answer = u64::from(max_output_tokens(job, rung));
    let free = rung.window_tokens.saturating_sub(2 * answer + opening_tokens(job, rung) + FAILURE_TOKENS);
    job.config.context_tokens.value.unwrap_or(DEFAULT_CONTEXT_TOKENS).min(free).max(LEAST_CONTEXT_TOKENS)
}

fn max_output_tokens(job: &Job<'_>, rung: &Rung) -> u32 {
    let of_window = (rung.window_tokens / 6).clamp(512, 8_192);
    let known = rung.profile.max_output_tokens.unwrap_or(of_window).min(rung.window_tokens / 2);
    u32::try_from(job.config.max_output_tokens.value.unwrap_or(known)).unwrap_or(u32::MAX)
}

/// Later attempts and retries vary seed and temperature: the same question would only bring the same answer.
pub(super) fn sampling(job: &Job<'_>, rung: &Rung, attempt: u32) -> Sampling {
    let first = job.config.temperature.value;
    let retry = job.order.filter(|order| order.verb == Verb::Retry);
    let temperature = if attempt == 1 && retry.is_none() { first } else { first.max(LATER_TEMPERATURE) };
    // The comment that asks is another one each time, and the same when a killed run is started again.
    let asked_by = retry.and_then(|order| order.serves.last()).map_or(0, |comment| comment.number() % 1_000_000);
    Sampling {
        window_tokens: rung.window_tokens,
        max_output_tokens: max_output_tokens(job, rung),
        temperature: temperature as f32,
        // Repetitions count seeds up too: attempts keep their distance.
        seed: rung.profile.seed.unwrap_or(job.config.seed.value) + asked_by + 1_000 * (u64::from(attempt) - 1),
        rounds: u32::try_from(job.config.rounds.value).unwrap_or(u32::MAX),
    }
}

/// Returns the tokens of a first request besides its context: prompt, task, functions.
fn opening_tokens(job: &Job<'_>, rung: &Rung) -> u64 {
    let task = message_tokens(&Message::new(Role::User, job.task.full_text()));
    let offered = if rung.profile.dialect == Dialect::Tools { propose::offered_tokens() } else { 0 };
    PROMPT_TOKENS + task.saturating_sub(TASK_TOKENS) + offered
}

/// Says before the first call what it will need and what the run may cost at most.
pub(super) fn estimate(job: &Job<'_>, rung: &Rung, context: &Context) -> String {
    let reads = context.tokens as u64 + opening_tokens(job, rung);
    let writes = u64::from(max_output_tokens(job, rung));
    let usage =
        Usage { input_tokens: reads, cached_input_tokens: 0, output_tokens: writes, counted_by: CountedBy::Prentice };
    let first = match (rung.pricing)(&usage) {
        Some(0.0) => String::new(),
        Some(cost) => format!(", at most {cost:.4} USD"),
        None => ", at an unknown price".to_owned(),
    };
    let limits = format!("{} tokens, {:.2} USD", job.config.tokens.value, job.config.cost_usd.value);
    format!("the first answer reads about {reads} tokens and writes up to {writes}{first}; the run stops at {limits}")
}
