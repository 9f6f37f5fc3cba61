use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use super::*;
use crate::llm::{CountedBy, Finish, Usage};

/// Fails in the given order, then answers.
struct Scripted(Mutex<VecDeque<LlmError>>);

impl LanguageModel for Scripted {
    fn name(&self) -> &str {
        "scripted"
    }

    fn complete<'a>(&'a self, _: &'a Request, _: &'a CancellationToken) -> BoxFuture<'a, Result<Reply, LlmError>> {
        let next = self.0.lock().unwrap().pop_front();
        Box::pin(async move { next.map_or_else(|| Ok(reply()), Err) })
    }
}

fn reply() -> Reply {
    let usage = Usage { input_tokens: 1, cached_input_tokens: 0, output_tokens: 1, counted_by: CountedBy::Server };
    Reply {
        text: "ok".to_owned(),
        calls: Vec::new(),
        thought: None,
        finish: Finish::Stop,
        usage,
        model: "scripted".to_owned(),
    }
}

struct NoWait;

impl Wait for NoWait {
    fn wait(&self, _: Duration) -> BoxFuture<'_, ()> {
        Box::pin(async {})
    }
}

/// Waits for ever.
struct EndlessWait;

impl Wait for EndlessWait {
    fn wait(&self, _: Duration) -> BoxFuture<'_, ()> {
        Box::pin(std::future::pending())
    }
}

fn status(status: u16) -> LlmError {
    LlmError::Status { endpoint: "URL".to_owned(), status, message: "no".to_owned(), retry_after: None }
}

fn limited(seconds: Option<u64>) -> LlmError {
    let retry_after = seconds.map(Duration::from_secs);
    LlmError::RateLimited { endpoint: "URL".to_owned(), message: "no".to_owned(), retry_after }
}

fn unreachable() -> LlmError {
    LlmError::Unreachable { endpoint: "URL".to_owned(), reason: "refused".to_owned() }
}

fn timed_out() -> LlmError {
    LlmError::TimedOut { endpoint: "URL".to_owned(), after: Duration::from_secs(600) }
}

/// Returns the announcements and the end, one a line.
async fn run(policy: RetryPolicy, errors: Vec<LlmError>) -> String {
    let told = Arc::new(Mutex::new(Vec::new()));
    let tell = Arc::clone(&told);
    let observer = move |notice: &RetryNotice<'_>| tell.lock().unwrap().push(notice.to_string());
    let model = Retrying::new(Scripted(Mutex::new(errors.into())), policy, observer).with_wait(NoWait);
    let request =
        Request { messages: Vec::new(), max_output_tokens: 1, temperature: None, seed: None, ..Request::default() };
    let end = model.complete(&request, &CancellationToken::new()).await;
    let mut lines = told.lock().unwrap().clone();
    lines.push(end.map_or_else(|error| format!("error: {error}"), |reply| reply.text));
    lines.join("\n")
}

#[tokio::test]
async fn what_may_pass_is_tried_again_after_growing_waits() {
    let said = run(RetryPolicy::default(), vec![limited(None), status(500), unreachable()]).await;
    insta::assert_snapshot!(said, @r"
    waiting 1 s before try 2 of 4 (status 429)
    waiting 2 s before try 3 of 4 (status 500)
    waiting 4 s before try 4 of 4 (URL cannot be reached: refused)
    ok
    ");
}

#[tokio::test]
async fn the_last_try_gives_its_own_error() {
    let said = run(RetryPolicy::default(), vec![status(500), status(502), status(503), status(504)]).await;
    insta::assert_snapshot!(said, @r"
    waiting 1 s before try 2 of 4 (status 500)
    waiting 2 s before try 3 of 4 (status 502)
    waiting 4 s before try 4 of 4 (status 503)
    error: URL answers with status 504: no
    ");
}

#[tokio::test]
async fn the_server_says_how_long_to_wait_up_to_the_cap() {
    let said = run(RetryPolicy::default(), vec![limited(Some(0)), limited(Some(60)), limited(Some(61))]).await;
    insta::assert_snapshot!(said, @r"
    waiting 0 s before try 2 of 4 (status 429)
    waiting 60 s before try 3 of 4 (status 429)
    error: URL limits the rate (status 429): no; it asks to wait 61 s, and at most 60 s are waited
    ");
}

#[tokio::test]
async fn a_time_out_is_tried_again_once() {
    let said = run(RetryPolicy::default(), vec![timed_out(), timed_out()]).await;
    insta::assert_snapshot!(said, @r"
    waiting 1 s before try 2 of 4 (URL did not finish its reply within 600 s)
    error: URL did not finish its reply within 600 s
    ");
}

#[tokio::test]
async fn what_stays_is_not_tried_again() {
    let endpoint = || "URL".to_owned();
    let message = || "no".to_owned();
    for error in [
        status(200),
        status(400),
        status(404),
        status(422),
        LlmError::Unauthorized { endpoint: endpoint(), status: 401, message: message() },
        LlmError::UnknownModel { endpoint: endpoint(), model: "m".to_owned(), message: message() },
        LlmError::ContextTooLong { message: message(), window_tokens: None },
        LlmError::OutOfCredit { endpoint: endpoint(), status: 429, message: message() },
        LlmError::Malformed { endpoint: endpoint(), reason: message() },
        LlmError::Cancelled,
    ] {
        let expected = format!("error: {error}");
        assert_eq!(run(RetryPolicy::default(), vec![error]).await, expected);
    }
    for code in [408, 409, 425, 500, 503, 529] {
        assert!(run(RetryPolicy::default(), vec![status(code)]).await.ends_with("ok"), "{code}");
    }
}

#[test]
fn waits_grow_to_the_cap_and_never_overflow() {
    let waits = |policy: RetryPolicy| [1, 2, 3, 7, 40, u32::MAX].map(|tries| policy.own_wait(tries).as_secs());
    assert_eq!(waits(RetryPolicy::default()), [1, 2, 4, 60, 60, 60]);
}

#[tokio::test]
async fn a_single_try_never_waits() {
    let policy = RetryPolicy { max_tries: 1, ..RetryPolicy::default() };
    assert_eq!(run(policy, vec![status(500)]).await, "error: URL answers with status 500: no");
}

#[tokio::test]
async fn a_wait_ends_when_the_caller_cancels() {
    let cancel = CancellationToken::new();
    let stop = cancel.clone();
    let scripted = Scripted(Mutex::new(vec![status(500)].into()));
    let model = Retrying::new(scripted, RetryPolicy::default(), move |_| stop.cancel()).with_wait(EndlessWait);
    let request =
        Request { messages: Vec::new(), max_output_tokens: 1, temperature: None, seed: None, ..Request::default() };
    assert!(matches!(model.complete(&request, &cancel).await, Err(LlmError::Cancelled)));
}
