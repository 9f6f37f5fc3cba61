//! A stateful model of GitHub on loopback, held to GitHub's own description of its API.
//!
//! Refs and objects are a real bare repository. Every call is recorded; every request and answer is checked against the
//! description; any call can be made to fail. What the model does not know: rate limits by count, branch protection,
//! e-mail, webhooks, and the rendering of Markdown.

pub(crate) mod description;
pub(crate) mod events;
mod fault;
mod git;
mod graphql;
mod rest;
mod server;
mod snapshot;
mod talk;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, SystemTime};

use serde_json::Value;

use description::Description;
pub(crate) use fault::Fault;

/// The one repository.
pub(crate) const NAME: &str = "acme/widgets";
/// The app that GitHub's own job tokens stand for, with its real number.
pub(crate) const BOT: (&str, u64) = ("github-actions[bot]", 41_898_282);

/// Read once for all models of a process: it is long.
static DESCRIPTION: std::sync::OnceLock<Description> = std::sync::OnceLock::new();

/// What a token may do.
#[derive(Clone, Debug)]
pub(crate) struct Token {
    pub(crate) name: &'static str,
    pub(crate) user: String,
    /// `contents:write`, `issues:read` and so on.
    pub(crate) may: Vec<&'static str>,
}

/// A call that was made.
#[derive(Clone, Debug, serde::Serialize)]
pub(crate) struct Call {
    pub(crate) token: String,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) body: Value,
    pub(crate) status: u16,
}

impl Call {
    /// Tells whether it changes something.
    pub(crate) fn writes(&self) -> bool {
        let query =
            self.path.ends_with("/graphql") && !self.body["query"].as_str().unwrap_or("").starts_with("mutation");
        self.method != "GET" && !query
    }
}

#[derive(Clone, Debug)]
pub(crate) struct User {
    pub(crate) id: u64,
    pub(crate) kind: &'static str,
    pub(crate) permission: &'static str,
}

#[derive(Clone, Debug)]
pub(crate) struct Issue {
    pub(crate) number: u64,
    pub(crate) title: String,
    pub(crate) body: String,
    pub(crate) author: String,
    pub(crate) labels: BTreeSet<String>,
    pub(crate) open: bool,
    pub(crate) created: String,
    pub(crate) updated: String,
    pub(crate) edited: Option<String>,
    pub(crate) editor: String,
    pub(crate) renamed: Option<String>,
    pub(crate) pull: Option<Pull>,
}

#[derive(Clone, Debug)]
pub(crate) struct Pull {
    pub(crate) head: String,
    /// The repository of the branch; another one for a fork.
    pub(crate) from: String,
    pub(crate) base: String,
    pub(crate) draft: bool,
    pub(crate) merged: bool,
    pub(crate) reviewers: BTreeSet<String>,
}

impl Pull {
    /// A pull request between two branches of the repository.
    pub(crate) fn of(head: &str, base: &str) -> Self {
        let (head, base) = (head.to_owned(), base.to_owned());
        Self { head, from: NAME.to_owned(), base, draft: false, merged: false, reviewers: BTreeSet::new() }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Comment {
    pub(crate) id: u64,
    pub(crate) number: u64,
    pub(crate) body: String,
    pub(crate) author: String,
    pub(crate) created: String,
    pub(crate) updated: String,
    /// For comments at a line: path, line, and the first comment of the thread.
    pub(crate) line: Option<(String, u64, Option<u64>)>,
}

#[derive(Clone, Debug)]
pub(crate) struct Thread {
    pub(crate) id: String,
    pub(crate) number: u64,
    pub(crate) resolved: bool,
    pub(crate) first: u64,
}

#[derive(Clone, Debug)]
pub(crate) struct Review {
    pub(crate) id: u64,
    pub(crate) number: u64,
    pub(crate) author: String,
    pub(crate) body: String,
    pub(crate) at: String,
    pub(crate) edited: Option<String>,
}

#[derive(Clone, Debug)]
pub(crate) struct Run {
    pub(crate) id: u64,
    pub(crate) name: String,
    pub(crate) branch: String,
    pub(crate) sha: String,
    pub(crate) conclusion: String,
    pub(crate) log: String,
}

/// Everything that the forge remembers.
pub(crate) struct State {
    pub(crate) git: git2::Repository,
    folder: tempfile::TempDir,
    started: SystemTime,
    ticks: u64,
    next_id: u64,
    next_number: u64,
    pub(crate) users: BTreeMap<String, User>,
    pub(crate) issues: BTreeMap<u64, Issue>,
    pub(crate) comments: BTreeMap<u64, Comment>,
    pub(crate) threads: Vec<Thread>,
    pub(crate) reviews: Vec<Review>,
    /// What was reacted to, who, with what.
    pub(crate) reactions: BTreeMap<(&'static str, u64, String, String), u64>,
    pub(crate) labels: BTreeSet<String>,
    pub(crate) runs: Vec<Run>,
    pub(crate) dispatches: Vec<Value>,
    pub(crate) check_runs: Vec<Value>,
    pub(crate) tokens: BTreeMap<String, Token>,
    /// Whether pull requests may be drafts.
    pub(crate) drafts: bool,
    pub(crate) calls: Vec<Call>,
    pub(crate) faults: BTreeMap<usize, Fault>,
    /// From this call on nothing works.
    pub(crate) outage: Option<usize>,
    pub(crate) violations: Vec<String>,
}

impl State {
    /// A point in time after all before, in seconds since 1970.
    fn seconds(&self) -> i64 {
        let since = self.started.duration_since(SystemTime::UNIX_EPOCH).expect("after 1970").as_secs();
        i64::try_from(since + self.ticks).expect("not that far")
    }

    fn tick(&mut self) -> String {
        self.ticks += 1;
        humantime::format_rfc3339_seconds(self.started + Duration::from_secs(self.ticks)).to_string()
    }

    fn id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }
}

/// The forge.
#[derive(Clone)]
pub(crate) struct GitHub {
    pub(crate) url: String,
    state: Arc<Mutex<State>>,
    pub(crate) description: &'static Description,
    pub(crate) killed: Arc<tokio::sync::Notify>,
}

impl GitHub {
    /// Starts with an empty repository, or the branch `main` of another one.
    pub(crate) async fn start(from: Option<&Path>) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let git = git::make(folder.path(), from);
        Self::start_with(git, folder).await
    }

    /// Starts with a bare repository, which is used where it is.
    #[allow(dead_code, reason = "the model as a process of its own starts so")]
    pub(crate) async fn start_in(bare: &Path) -> Self {
        let git = git2::Repository::open_bare(bare).expect("a bare repository");
        Self::start_with(git, tempfile::tempdir().expect("a folder")).await
    }

    async fn start_with(git: git2::Repository, folder: tempfile::TempDir) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("bound"));
        let state = State {
            git,
            folder,
            // An hour back, so that what tests add still lies in the past.
            started: SystemTime::now() - Duration::from_secs(3600),
            ticks: 0,
            next_id: 1000,
            next_number: 0,
            users: BTreeMap::new(),
            issues: BTreeMap::new(),
            comments: BTreeMap::new(),
            threads: Vec::new(),
            reviews: Vec::new(),
            reactions: BTreeMap::new(),
            labels: BTreeSet::new(),
            runs: Vec::new(),
            dispatches: Vec::new(),
            check_runs: Vec::new(),
            tokens: BTreeMap::new(),
            drafts: true,
            calls: Vec::new(),
            faults: BTreeMap::new(),
            outage: None,
            violations: Vec::new(),
        };
        let github = Self {
            url,
            state: Arc::new(Mutex::new(state)),
            description: DESCRIPTION.get_or_init(Description::load),
            killed: Arc::new(tokio::sync::Notify::new()),
        };
        {
            let mut state = github.state();
            state.users.insert("acme".to_owned(), User { id: 1, kind: "Organization", permission: "none" });
            state.users.insert(BOT.0.to_owned(), User { id: BOT.1, kind: "Bot", permission: "none" });
            for (login, id, permission) in
                [("ann", 11, "admin"), ("bob", 12, "write"), ("eve", 13, "read"), ("tri", 14, "triage")]
            {
                state.users.insert(login.to_owned(), User { id, kind: "User", permission });
            }
            let respond = ["contents:read", "issues:write", "pull_requests:write", "actions:read"];
            let publish = ["contents:write", "issues:write", "pull_requests:write", "checks:write"];
            for (secret, name, user, may) in [
                ("respond-token", "respond", BOT.0, respond.to_vec()),
                ("propose-token", "propose", BOT.0, vec!["contents:read"]),
                ("publish-token", "publish", BOT.0, publish.to_vec()),
                (
                    "ann-token",
                    "ann",
                    "ann",
                    vec!["contents:write", "issues:write", "pull_requests:write", "actions:write"],
                ),
            ] {
                state.tokens.insert(secret.to_owned(), Token { name, user: user.to_owned(), may });
            }
        }
        server::serve(listener, github.clone());
        github
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("not poisoned")
    }

    /// The calls so far, or those of one token.
    pub(crate) fn calls(&self) -> Vec<Call> {
        self.state().calls.clone()
    }

    pub(crate) fn forget_calls(&self) {
        let mut state = self.state();
        state.calls.clear();
        state.faults.clear();
        state.outage = None;
    }

    /// Makes the call with this number fail, counted from 0 over the calls that are remembered.
    pub(crate) fn fail_at(&self, call: usize, fault: Fault) {
        self.state().faults.insert(call, fault);
    }

    /// Fails when any request or answer broke GitHub's description.
    pub(crate) fn assert_faithful(&self) {
        let violations = self.state().violations.clone();
        assert!(violations.is_empty(), "against GitHub's description:\n{}", violations.join("\n"));
    }
}

impl State {
    pub(crate) fn open_issue(&mut self, author: &str, title: &str, body: &str) -> u64 {
        self.open_issue_as(self.next_number + 1, author, title, body)
    }

    pub(crate) fn open_issue_as(&mut self, number: u64, author: &str, title: &str, body: &str) -> u64 {
        self.next_number = number;
        let now = self.tick();
        let issue = Issue {
            number,
            title: title.to_owned(),
            body: body.to_owned(),
            author: author.to_owned(),
            labels: BTreeSet::new(),
            open: true,
            created: now.clone(),
            updated: now,
            edited: None,
            editor: String::new(),
            renamed: None,
            pull: None,
        };
        self.issues.insert(number, issue);
        number
    }

    pub(crate) fn edit_issue(&mut self, number: u64, body: &str) {
        let now = self.tick();
        let issue = self.issues.get_mut(&number).expect("there");
        (issue.body, issue.edited, issue.updated) = (body.to_owned(), Some(now.clone()), now);
        issue.editor = issue.author.clone();
    }

    pub(crate) fn comment(&mut self, number: u64, author: &str, body: &str) -> u64 {
        let (id, now) = (self.id(), self.tick());
        let (body, author) = (body.to_owned(), author.to_owned());
        let comment = Comment { id, number, body, author, created: now.clone(), updated: now, line: None };
        self.comments.insert(id, comment);
        id
    }

    /// Begins a thread at a line of a pull request.
    pub(crate) fn line_comment(&mut self, number: u64, author: &str, at: (&str, u64), body: &str) -> u64 {
        let id = self.comment(number, author, body);
        self.comments.get_mut(&id).expect("there").line = Some((at.0.to_owned(), at.1, None));
        self.threads.push(Thread { id: format!("PRRT_{id}"), number, resolved: false, first: id });
        id
    }

    pub(crate) fn review(&mut self, number: u64, author: &str, body: &str) -> u64 {
        let (id, at) = (self.id(), self.tick());
        self.reviews.push(Review { id, number, author: author.to_owned(), body: body.to_owned(), at, edited: None });
        id
    }

    /// The progress comments, answers and everything else that the bot wrote on an issue.
    pub(crate) fn bot_comments(&self, number: u64) -> Vec<String> {
        let mine = self.comments.values().filter(|comment| comment.number == number && comment.author == BOT.0);
        mine.map(|comment| comment.body.clone()).collect()
    }

    pub(crate) fn bare(&self) -> &Path {
        self.folder.path()
    }
}
