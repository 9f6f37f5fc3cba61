use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::*;
use crate::clock::{FrozenClock, Timestamp};
use crate::context::Excerpt;
use crate::llm::{BoxFuture, CountedBy, Reply, Usage};
use crate::repo::StoredFile;
use crate::task::{Origin, parse_plain};

/// Answers from a list and keeps what it was asked.
struct Scripted {
    answers: Mutex<Vec<Reply>>,
    asked: Mutex<Vec<Request>>,
}

impl Scripted {
    fn new(answers: &[(&str, Finish)]) -> Self {
        let reply = |(text, finish): &(&str, Finish)| Reply {
            text: (*text).to_owned(),
            calls: Vec::new(),
            finish: finish.clone(),
            usage: Usage {
                input_tokens: 100,
                cached_input_tokens: 0,
                output_tokens: 10,
                counted_by: CountedBy::Server,
            },
            model: "scripted".to_owned(),
        };
        let answers = answers.iter().rev().map(reply).collect();
        Self { answers: Mutex::new(answers), asked: Mutex::new(Vec::new()) }
    }

    fn last_request(&self) -> Request {
        self.asked.lock().expect("no panic").last().cloned().expect("it was asked")
    }
}

impl LanguageModel for Scripted {
    fn name(&self) -> &str {
        "scripted"
    }

    fn complete<'a>(
        &'a self,
        request: &'a Request,
        _cancel: &'a CancellationToken,
    ) -> BoxFuture<'a, Result<Reply, LlmError>> {
        self.asked.lock().expect("no panic").push(request.clone());
        let answer = self.answers.lock().expect("no panic").pop();
        Box::pin(async move { answer.ok_or(LlmError::NoModel) })
    }
}

const FILE: &str = "def total(prices):\n    return max(prices)\n";
const GOOD: &str = "The sum is wanted.\n\nsrc/price.py\n```\n<<<<<<< SEARCH\n    return max(prices)\n=======\n    \
                    return sum(prices)\n>>>>>>> REPLACE\n```\n";

fn path() -> RepoPath {
    RepoPath::parse("src/price.py").expect("a path")
}

fn tree() -> FileTree {
    FileTree::from_files([(path(), StoredFile::regular(FILE.as_bytes()))])
}

fn context() -> Context {
    Context {
        excerpts: vec![Excerpt {
            path: path(),
            lines: 1..=2,
            whole_file: true,
            text: FILE.to_owned(),
            score: 1.0,
            tokens: 12,
            reason: "names total".to_owned(),
        }],
        map: String::new(),
        instructions: Vec::new(),
        tokens: 12,
        budget_tokens: 100,
        files: 1,
        withheld: Vec::new(),
    }
}

fn meter(limits: Limits) -> Meter {
    let clock = Arc::new(FrozenClock::at(Timestamp::from_unix_millis(0)));
    let price = |usage: &Usage| Some((usage.input_tokens + usage.output_tokens) as f64 / 1000.0);
    Meter::new(limits, Box::new(price), clock)
}

fn generous() -> Meter {
    meter(Limits { tokens: 100_000, cost_usd: 100.0, wall_time: Duration::from_secs(60) })
}

fn open<'a>(model: &'a Scripted, meter: &'a Meter) -> Conversation<'a> {
    let task = parse_plain("Add the prices\n\nIt gives the largest one.", Origin::CommandLine).expect("a task");
    let sampling = Sampling { max_output_tokens: 100, temperature: 0.0, seed: 1, rounds: 3 };
    let context = context();
    let opening = Opening { task: &task, context: &context, failures: "test_total: 5 != 9", revision: None };
    Conversation::open(model, meter, sampling, &opening, tree()).expect("opened")
}

#[tokio::test]
async fn a_good_answer_changes_the_tree_and_costs_what_the_server_says() {
    let (model, meter) = (Scripted::new(&[(GOOD, Finish::Stop)]), generous());
    let mut conversation = open(&model, &meter);
    let answered = conversation.ask(&CancellationToken::new()).await.expect("answered");
    let Answered::Changed { tree, remarks } = answered else { panic!("{answered:?}") };
    assert_eq!(
        tree.read_text(&path()).expect("memory").as_deref(),
        Some("def total(prices):\n    return sum(prices)\n")
    );
    assert_eq!(remarks.trim(), "The sum is wanted.");
    let spent = meter.spent();
    assert_eq!((spent.tokens(), spent.calls, spent.cost_usd), (110, 1, Some(0.11)));
}

#[tokio::test]
async fn the_first_request_shows_task_failure_and_code() {
    let (model, meter) = (Scripted::new(&[(GOOD, Finish::Stop)]), generous());
    open(&model, &meter).ask(&CancellationToken::new()).await.expect("answered");
    let request = model.last_request();
    assert_eq!(request.messages.len(), 2);
    insta::assert_snapshot!(request.messages[1].content, @r"
    ## Task
    <<TASK 00af04a030
    Add the prices

    It gives the largest one.
    00af04a030 TASK>>

    ## Goal
    The checks of the repository pass after your edits, and what the task asks for is done.
    This fails before your edits:
    <<OUTPUT 5df8ea307e
    test_total: 5 != 9
    5df8ea307e OUTPUT>>

    ## Context

    src/price.py (whole file)
    ```
    def total(prices):
        return max(prices)
    ```

    Write the edits now.
    ");
}

#[tokio::test]
async fn an_unusable_answer_becomes_feedback_and_changes_nothing() {
    let wrong = GOOD.replace("max", "min");
    let (model, meter) = (Scripted::new(&[(&wrong, Finish::Stop), (GOOD, Finish::Stop)]), generous());
    let mut conversation = open(&model, &meter);
    let first = conversation.ask(&CancellationToken::new()).await.expect("answered");
    let Answered::Unusable { problems } = first else { panic!("{first:?}") };
    assert!(problems.contains("return max(prices)"), "the real line is shown: {problems}");
    let second = conversation.ask(&CancellationToken::new()).await.expect("answered");
    assert!(matches!(second, Answered::Changed { .. }));
    let request = model.last_request();
    assert_eq!(request.messages.len(), 4);
    assert_eq!(request.messages[2].content, wrong);
    assert!(request.messages[3].content.contains(&problems));
}

#[tokio::test]
async fn a_cut_answer_is_never_taken_as_whole() {
    let (model, meter) = (Scripted::new(&[(GOOD, Finish::Length)]), generous());
    let answered = open(&model, &meter).ask(&CancellationToken::new()).await.expect("answered");
    assert!(matches!(answered, Answered::Unusable { problems } if problems.contains("cut off")));
}

#[tokio::test]
async fn failures_come_with_the_files_as_they_are_now() {
    let (model, meter) = (Scripted::new(&[(GOOD, Finish::Stop), ("no edits", Finish::Stop)]), generous());
    let mut conversation = open(&model, &meter);
    conversation.ask(&CancellationToken::new()).await.expect("answered");
    conversation.report_failures("test_total: 5 != 9").expect("told");
    conversation.ask(&CancellationToken::new()).await.expect("answered");
    let request = model.last_request();
    assert_eq!(request.messages.len(), 4);
    let told = &request.messages[3].content;
    assert!(told.contains("return sum(prices)") && told.contains("test_total: 5 != 9"), "{told}");
}

#[tokio::test]
async fn every_limit_is_checked_before_the_call() {
    let limits = |tokens, cost_usd, seconds| Limits { tokens, cost_usd, wall_time: Duration::from_secs(seconds) };
    for (limits, word) in [
        (limits(150, 100.0, 60), "tokens"),
        (limits(100_000, 0.01, 60), "USD"),
        (limits(100_000, 100.0, 0), "are over"),
    ] {
        let (model, meter) = (Scripted::new(&[(GOOD, Finish::Stop)]), meter(limits));
        let error = open(&model, &meter).ask(&CancellationToken::new()).await.expect_err("refused");
        assert!(matches!(error, ProposeError::Limit(_)) && error.to_string().contains(word), "{error}");
        assert!(model.asked.lock().expect("no panic").is_empty(), "the model was not asked");
    }
}

#[test]
fn a_code_fence_is_longer_than_any_inside() {
    assert_eq!(fenced_code("a\n````\nb"), "`````\na\n````\nb\n`````");
    assert_eq!(fenced_code("x\n"), "```\nx\n```");
}
