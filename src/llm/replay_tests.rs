use super::*;
use crate::llm::{CountedBy, Finish, Recorder, Resumed, Usage};

/// Answers with the number of the call.
#[derive(Debug, Default)]
struct Counting(Mutex<u64>);

impl LanguageModel for Counting {
    fn name(&self) -> &str {
        "counting"
    }

    fn complete<'a>(&'a self, _: &'a Request, _: &'a CancellationToken) -> BoxFuture<'a, Result<Reply, LlmError>> {
        let mut calls = self.0.lock().unwrap();
        *calls += 1;
        let reply = reply(&format!("answer {calls}"));
        Box::pin(async move { Ok(reply) })
    }
}

fn reply(text: &str) -> Reply {
    let usage = Usage { input_tokens: 9, cached_input_tokens: 1, output_tokens: 2, counted_by: CountedBy::Server };
    Reply {
        text: text.to_owned(),
        calls: Vec::new(),
        thought: None,
        finish: Finish::Other("odd".to_owned()),
        usage,
        model: "counting-1".to_owned(),
    }
}

fn request(user: &str) -> Request {
    let messages = vec![Message::new(Role::System, "Rules.\nMore rules."), Message::new(Role::User, user)];
    Request { messages, max_output_tokens: 10, temperature: Some(0.2), seed: Some(u64::MAX), ..Request::default() }
}

async fn ask(model: &impl LanguageModel, request: &Request) -> Result<String, LlmError> {
    model.complete(request, &CancellationToken::new()).await.map(|reply| reply.text)
}

fn line(user: &str, text: &str) -> String {
    RecordedTurn::new("counting", &request(user), &reply(text)).to_line()
}

fn error_of(text: &str) -> String {
    Replay::from_text("r.jsonl", text).unwrap_err().to_string()
}

#[tokio::test]
async fn what_was_recorded_is_replayed_in_any_order() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("r.jsonl");
    let recorder = Recorder::append(&path, Counting::default()).unwrap();
    for user in ["a", "b", "a"] {
        ask(&recorder, &request(user)).await.unwrap();
    }
    let replay = Replay::open(&path).unwrap();
    assert_eq!((replay.name(), replay.turns().len()), ("counting", 3));
    let mut answers = Vec::new();
    for user in ["b", "a", "a", "b", "a"] {
        answers.push(ask(&replay, &request(user)).await.unwrap());
    }
    assert_eq!(answers, ["answer 2", "answer 1", "answer 3", "answer 2", "answer 1"]);
    let whole = replay.complete(&request("b"), &CancellationToken::new()).await.unwrap();
    assert_eq!(whole, reply("answer 2"));
}

#[tokio::test]
async fn a_line_that_a_killed_run_left_unfinished_is_ended_before_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("r.jsonl");
    std::fs::write(&path, "{\"schema\":1,").unwrap();
    ask(&Recorder::append(&path, Counting::default()).unwrap(), &request("a")).await.unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(text, format!("{{\"schema\":1,\n{}", line("a", "answer 1")));
}

#[test]
fn a_recorded_line_has_a_fixed_shape() {
    insta::assert_snapshot!(line("Fix it.", "Done."), @r#"{"schema":1,"digest":"8f113d51a7beb8a00144b369c07d75f70f630ece2657921a6afd8db7615bf877","model":"counting","request":{"messages":[{"role":"system","content":"Rules.\nMore rules."},{"role":"user","content":"Fix it."}],"max_output_tokens":10,"temperature":0.2,"seed":18446744073709551615},"reply":{"text":"Done.","finish":{"other":"odd"},"usage":{"input_tokens":9,"cached_input_tokens":1,"output_tokens":2,"counted_by":"server"},"model":"counting-1"}}"#);
}

#[test]
fn what_is_wrong_with_a_recording_is_said_with_its_line() {
    let good = line("a", "x");
    let mut other = RecordedTurn::new("other", &request("a"), &reply("x"));
    let said = [
        error_of(""),
        error_of("\n\n"),
        error_of(&format!("{good}\n{{\"schema\":1,\"dig")),
        error_of(&good.replace("\"schema\":1", "\"schema\":2")),
        error_of(&good.replace("Rules.", "Roles.")),
        error_of(&format!("{good}{}", other.to_line())),
    ];
    other.schema = 0;
    insta::assert_snapshot!(said.join("\n"), @r#"
    recording r.jsonl, line 0: it holds no turn
    recording r.jsonl, line 0: it holds no turn
    recording r.jsonl, line 3: EOF while parsing a string at line 1 column 16
    recording r.jsonl, line 1: schema 2 is not 1, the one that is understood
    recording r.jsonl, line 1: the digest is not that of the request; was the line edited?
    recording r.jsonl, line 2: it is of the model "other", the first line of "counting"
    "#);
    let missing = Replay::open(Path::new("/nonexistent/r.jsonl")).unwrap_err();
    assert!(matches!(missing, LlmError::Recording { line: 0, .. }), "{missing:?}");
}

#[tokio::test]
async fn a_request_that_is_not_there_is_compared_with_the_nearest_one() {
    let recorded = "task: add two numbers\nfile: src/lib.rs\nend";
    let replay = Replay::from_text("r.jsonl", &(line("something else", "x") + &line(recorded, "y"))).unwrap();
    let mut said = Vec::new();
    let mut check = async |change: &dyn Fn(&mut Request)| {
        let mut wanted = request(recorded);
        change(&mut wanted);
        said.push(ask(&replay, &wanted).await.unwrap_err().to_string());
    };
    check(&|wanted| wanted.messages[1].content = recorded.replace("src/lib.rs", "src/main.rs")).await;
    check(&|wanted| wanted.messages[1].content = recorded.replace("\nend", "")).await;
    check(&|wanted| wanted.messages[1].content.push_str(&format!("\n{}", "long ".repeat(40)))).await;
    check(&|wanted| wanted.messages[0].content = format!("{}changed", "Rules.")).await;
    check(&|wanted| wanted.messages[1].role = Role::Assistant).await;
    check(&|wanted| wanted.messages.push(Message::new(Role::User, "and?"))).await;
    check(&|wanted| wanted.max_output_tokens = 11).await;
    check(&|wanted| wanted.temperature = None).await;
    check(&|wanted| wanted.seed = Some(1)).await;
    insta::assert_snapshot!(said.join("\n"), @r#"
    the recording r.jsonl does not hold this request: message 2, user line 2: recorded "file: src/lib.rs", requested "file: src/main.rs"
    the recording r.jsonl does not hold this request: message 2, user line 3: recorded "end", requested nothing
    the recording r.jsonl does not hold this request: message 2, user line 4: recorded nothing, requested "long long long long long long long long long long long long "...
    the recording r.jsonl does not hold this request: message 1, system line 1: recorded "Rules.", requested "Rules.changed"
    the recording r.jsonl does not hold this request: message 2, recorded as user, requested as assistant
    the recording r.jsonl does not hold this request: recorded with 2 messages, requested with 3, the first 2 equal
    the recording r.jsonl does not hold this request: max_output_tokens: recorded 10, requested 11
    the recording r.jsonl does not hold this request: temperature: recorded Some(0.2), requested None
    the recording r.jsonl does not hold this request: seed: recorded Some(18446744073709551615), requested Some(1)
    "#);
}

#[tokio::test]
async fn a_resumed_run_pays_only_for_what_it_does_not_remember() {
    let digest = request("a").digest("counting");
    let remembered = vec![(digest.clone(), reply("first")), (digest, reply("second"))];
    let model = Resumed::new(Counting::default(), remembered);
    let mut answers = Vec::new();
    for user in ["b", "a", "a", "a"] {
        answers.push(ask(&model, &request(user)).await.unwrap());
    }
    assert_eq!(answers, ["answer 1", "first", "second", "answer 2"]);
    assert_eq!(model.answered_from_memory(), 2);
}

#[tokio::test]
async fn a_cancelled_call_is_not_answered_from_a_file_either() {
    let replay = Replay::from_text("r.jsonl", &line("a", "x")).unwrap();
    let cancel = CancellationToken::new();
    cancel.cancel();
    assert!(matches!(replay.complete(&request("a"), &cancel).await, Err(LlmError::Cancelled)));
}
