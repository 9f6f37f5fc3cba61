//! A repository, a scripted endpoint and a clean environment for one test.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

/// A repository whose one check is a script that prints TAP: it fails until price.py adds.
pub(crate) struct World {
    folder: tempfile::TempDir,
}

const CHECK: &str = include_str!("check.sh");

pub(crate) const PRICE: &str =
    "def total(prices):\n    return max(prices)\n\n\ndef first(prices):\n    return prices[0]\n";

pub(crate) const TASK: &str = "title: Add the prices\ndescription: It gives the largest one.\nchecks: [sh check.sh]\n";

/// The answer that solves the task.
pub(crate) const GOOD: &str = "The sum is wanted.\n\nsrc/price.py\n```\n<<<<<<< SEARCH\n    return max(prices)\n=======\n    \
                               return sum(prices)\n>>>>>>> REPLACE\n```\n";

/// An answer that breaks what worked.
pub(crate) const BREAKS: &str = "FILE: src/price.py\n```\ndef total(prices):\n    return sum(prices)\n```\n";

impl World {
    pub(crate) fn new() -> Self {
        Self::with(&[("check.sh", CHECK), ("src/price.py", PRICE), ("task.yml", TASK)])
    }

    pub(crate) fn with(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        for name in ["repo", "home", "tmp"] {
            std::fs::create_dir(folder.path().join(name)).expect("made");
        }
        let world = Self { folder };
        for (name, text) in files {
            world.write(name, text);
        }
        world.git(&["init", "-q", "-b", "main"]);
        world.commit("first");
        world
    }

    pub(crate) fn repo(&self) -> PathBuf {
        self.folder.path().join("repo")
    }

    pub(crate) fn temporary(&self) -> PathBuf {
        self.folder.path().join("tmp")
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        let place = self.repo().join(name);
        std::fs::create_dir_all(place.parent().expect("a folder")).expect("made");
        std::fs::write(place, text).expect("written");
    }

    pub(crate) fn commit(&self, message: &str) {
        self.git(&["add", "-A"]);
        self.git(&["-c", "user.name=T", "-c", "user.email=t@t.invalid", "commit", "-q", "-m", message]);
    }

    pub(crate) fn git(&self, arguments: &[&str]) -> String {
        let mut command = self.clean("git");
        let output = command.current_dir(self.repo()).args(arguments).output().expect("git runs");
        assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// A command in a clean environment with a home and a temporary folder of its own.
    #[allow(clippy::disallowed_methods, reason = "tests start programs and hand on where the toolchain is")]
    fn clean(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.env_clear().env("HOME", self.folder.path().join("home")).env("TMPDIR", self.temporary());
        let home = std::env::var("HOME").unwrap_or_default();
        for (name, default) in [("PATH", ""), ("CARGO_HOME", "/.cargo"), ("RUSTUP_HOME", "/.rustup")] {
            let own = std::env::var(name).unwrap_or_else(|_| format!("{home}{default}"));
            command.env(name, own);
        }
        command
    }

    pub(crate) fn prentice(&self, arguments: &[&str]) -> Command {
        let mut command = self.clean(env!("CARGO_BIN_EXE_prentice"));
        command.current_dir(self.repo()).args(arguments).stdin(Stdio::null());
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        Ran::of(&self.prentice(arguments).output().expect("prentice runs"))
    }

    pub(crate) fn start(&self, arguments: &[&str]) -> Child {
        let mut command = self.prentice(arguments);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("prentice starts")
    }

    /// Waits until `condition` holds; tests wait for what they need, not for a time.
    pub(crate) fn wait_until(&self, what: &str, condition: impl Fn(&Self) -> bool) {
        // Machines that build beside the tests are slow.
        for _ in 0..2400 {
            if condition(self) {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("2 minutes over without: {what}");
    }

    pub(crate) fn work_trees(&self) -> usize {
        let entries = std::fs::read_dir(self.temporary()).expect("readable").flatten();
        entries.filter(|entry| entry.file_name().to_string_lossy().starts_with("prentice-tree-")).count()
    }

    /// Counts the work trees whose lock is there already.
    pub(crate) fn locked_trees(&self) -> usize {
        let entries = std::fs::read_dir(self.temporary()).expect("readable").flatten();
        entries.filter(|entry| entry.path().join("lock").exists()).count()
    }

    /// Reads the one journal there is.
    pub(crate) fn journal(&self) -> String {
        let runs = self.repo().join(".git/prentice/runs");
        let Ok(mut entries) = std::fs::read_dir(runs) else { return String::new() };
        let Some(Ok(entry)) = entries.next() else { return String::new() };
        std::fs::read_to_string(entry.path().join("journal.jsonl")).unwrap_or_default()
    }
}

/// What a run printed and how it ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    pub(crate) fn of(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) }
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    #[track_caller]
    pub(crate) fn ends_with(&self, code: i32) -> &Self {
        assert_eq!(self.code, Some(code), "{}\n{}", self.out, self.err);
        self
    }
}

/// An endpoint that gives the same answer to every request.
pub(crate) struct Endpoint {
    pub(crate) server: MockServer,
}

impl Endpoint {
    pub(crate) async fn answering(answers: &[&str]) -> Self {
        let replies: Vec<ResponseTemplate> = answers.iter().map(|text| reply(text)).collect();
        Self::with(replies).await
    }

    /// Gives the replies in turn, and the last one for ever.
    pub(crate) async fn with(replies: Vec<ResponseTemplate>) -> Self {
        let server = MockServer::start().await;
        let next = std::sync::atomic::AtomicUsize::new(0);
        let respond = move |_: &Request| {
            let index = next.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            replies[index.min(replies.len() - 1)].clone()
        };
        Mock::given(method("POST")).and(path("/v1/chat/completions")).respond_with(respond).mount(&server).await;
        let list = json!({ "object": "list", "data": [{ "id": "scripted", "object": "model" }] });
        Mock::given(method("GET"))
            .and(path("/v1/models"))
            .respond_with(ResponseTemplate::new(200).set_body_json(list))
            .mount(&server)
            .await;
        Self { server }
    }

    pub(crate) fn url(&self) -> String {
        format!("{}/v1", self.server.uri())
    }

    pub(crate) async fn asked(&self) -> usize {
        let all = self.server.received_requests().await.expect("recorded");
        all.iter().filter(|request| request.method.as_str() == "POST").count()
    }
}

pub(crate) fn reply(text: &str) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(json!({
        "id": "1", "object": "chat.completion", "model": "scripted",
        "choices": [{ "index": 0, "finish_reason": "stop", "message": { "role": "assistant", "content": text } }],
        "usage": { "prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120 },
    }))
}

/// Tells whether the sandbox can be used here; a test that needs it says so in plain sight when not.
pub(crate) fn sandbox_or_skip(world: &World, test: &str) -> bool {
    let lines = world.run(&["doctor", "--json"]).json();
    let all = lines.as_array().expect("an array");
    let works = all.iter().any(|line| line["what"] == "sandbox" && line["state"] != "error");
    if !works {
        eprintln!("skipped: {test}: this kernel offers no sandbox");
    }
    works
}

/// Returns a file's text.
pub(crate) fn read(place: impl AsRef<Path>) -> String {
    std::fs::read_to_string(place.as_ref()).unwrap_or_else(|error| panic!("{}: {error}", place.as_ref().display()))
}

/// What the endpoint was asked, in order.
pub(crate) async fn bodies(endpoint: &Endpoint) -> Vec<Value> {
    let all = endpoint.server.received_requests().await.expect("recorded");
    let posts = all.iter().filter(|request| request.method.as_str() == "POST");
    posts.map(|request| serde_json::from_slice(&request.body).expect("JSON")).collect()
}

/// The last message of a request.
pub(crate) fn last_words(body: &Value) -> String {
    let messages = body["messages"].as_array().expect("messages");
    messages.last().expect("one")["content"].as_str().unwrap_or_default().to_owned()
}
