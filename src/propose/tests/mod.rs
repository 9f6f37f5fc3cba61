mod anew;
mod comments;
mod in_blocks;
mod other_lines;
mod steps;
mod with_tools;

use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use super::*;
use crate::clock::{FrozenClock, Timestamp};
use crate::context::{Excerpt, Signature};
use crate::llm::{
    BoxFuture, CountedBy, EditForm, Finish, LanguageModel, Profile, Reply, Request, Role, ToolCall, Usage,
};
use crate::repo::{RepoPath, StoredFile};
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
            thought: None,
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
        commits: Vec::new(),
        excerpts: vec![Excerpt {
            path: path(),
            lines: 1..=2,
            whole_file: true,
            text: FILE.to_owned(),
            score: 1.0,
            tokens: 12,
            reason: "names total".to_owned(),
        }],
        outline: Vec::new(),
        map: String::new(),
        instructions: Vec::new(),
        tokens: 12,
        budget_tokens: 100,
        files: 1,
        withheld: Vec::new(),
        withheld_files: 0,
    }
}

fn meter(limits: Limits) -> Meter {
    Meter::new(limits, Arc::new(FrozenClock::at(Timestamp::from_unix_millis(0))))
}

static PRICING: LazyLock<Pricing> =
    LazyLock::new(|| Box::new(|usage: &Usage| Some((usage.input_tokens + usage.output_tokens) as f64 / 1000.0)));

/// Runs nothing.
struct Nothing;

impl Workbench for Nothing {
    fn run<'a>(&'a self, _: &'a FileTree, command: &'a str, _: &'a CancellationToken) -> Running<'a> {
        Box::pin(async move { format!("ran {command}") })
    }
}

fn generous() -> Meter {
    meter(Limits { tokens: 100_000, cost_usd: 100.0, wall_time: Duration::from_secs(60) })
}

/// A conversation with its session.
struct Held<'a> {
    session: Session<'a>,
    conversation: Conversation,
}

impl Held<'_> {
    async fn ask(&mut self) -> Result<Answered, ProposeError> {
        self.conversation.ask(&mut self.session, &Nothing, &CancellationToken::new()).await
    }

    fn report_failures(&mut self, failures: &str) {
        self.conversation.report_failures(&mut self.session, failures).expect("told");
    }
}

static SAFE: LazyLock<Profile> = LazyLock::new(Profile::safe);
static TOOLS: LazyLock<Profile> = LazyLock::new(|| Profile { dialect: Dialect::Tools, ..Profile::safe() });

const SAMPLING: Sampling =
    Sampling { window_tokens: 8_000, max_output_tokens: 100, temperature: 0.0, seed: 1, rounds: 8 };

const TASK: &str = "Add the prices\n\nIt gives the largest one.";

/// An opening without failures, plan, pictures and revision.
fn bare<'a>(task: &'a Task, context: &'a Context) -> Opening<'a> {
    Opening { task, context, failures: "", is_checked: true, plan: "", pictures: &[], revision: None }
}

fn open_with<'a>(model: &'a Scripted, meter: &'a Meter, profile: &'a Profile) -> Held<'a> {
    open_on((TASK, tree()), model, meter, profile)
}

fn open_on<'a>(
    (task, tree): (&str, FileTree),
    model: &'a Scripted,
    meter: &'a Meter,
    profile: &'a Profile,
) -> Held<'a> {
    let task = parse_plain(task, Origin::CommandLine).expect("a task");
    let context = context();
    let opening = Opening { failures: "test_total: 5 != 9", ..bare(&task, &context) };
    let mut session = Session::new(model, (meter, &PRICING), profile, SAMPLING);
    let conversation = Conversation::open(&mut session, &opening, tree).expect("opened");
    Held { session, conversation }
}

fn open<'a>(model: &'a Scripted, meter: &'a Meter) -> Held<'a> {
    open_with(model, meter, &SAFE)
}

fn scripted(replies: Vec<Reply>) -> Scripted {
    Scripted { answers: Mutex::new(replies.into_iter().rev().collect()), asked: Mutex::new(Vec::new()) }
}

fn said(text: &str, finish: Finish, calls: &[(&str, serde_json::Value)]) -> Reply {
    let usage = Usage { input_tokens: 100, cached_input_tokens: 0, output_tokens: 10, counted_by: CountedBy::Server };
    let call = |(at, (name, arguments)): (usize, &(&str, serde_json::Value))| ToolCall {
        id: format!("c{at}"),
        name: (*name).to_owned(),
        arguments: arguments.to_string(),
        extra: None,
    };
    let calls = calls.iter().enumerate().map(call).collect();
    Reply { text: text.to_owned(), calls, thought: None, finish, usage, model: "scripted".to_owned() }
}
