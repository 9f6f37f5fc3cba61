//! Every call to the forge fails in every way once; after a second run the forge looks as after one clean run.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use prentice::bundle::{self, Bundle};
use prentice::clock::{Clock, SystemClock, Wait};
use prentice::forge::event::Event;
use prentice::forge::github::{GitHub as Client, Pace, Settings};
use prentice::policy::PolicySettings;
use prentice::publish::github::{Job, publish};
use prentice::respond::{Outcome, Responder, Rules, ThisRun};
use prentice::secret::Secret;
use prentice::task::{Order, Spoken, Thread, Verb};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::common::{Endpoint, GOOD, World, sandbox_or_skip};
use crate::github::{Fault, GitHub, NAME};

/// Waits not at all.
struct NoWait;

impl Wait for NoWait {
    fn wait(&self, _: Duration) -> std::pin::Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(std::future::ready(()))
    }
}

fn client(github: &GitHub, token: &str) -> Client {
    let settings = Settings {
        api_url: github.url.clone(),
        web_url: "https://forge.invalid".to_owned(),
        repository: NAME.parse().expect("a name"),
        token: Some(Secret::new(token)),
        pace: Pace { timeout: Duration::from_millis(250), ..Pace::default() },
        clock: Arc::new(SystemClock::start()),
        cancel: CancellationToken::new(),
    };
    Client::with_wait(settings, NoWait).expect("a client")
}

fn rules() -> Rules {
    Rules {
        label: "prentice".to_owned(),
        bots: Vec::new(),
        max_open_pulls: 5,
        runs_per_day: 50,
        runs_per_user: 50,
        cost_usd_per_day: 50.0,
    }
}

/// One run of `respond`; `None` when it failed or was killed.
async fn respond(github: &GitHub, event: &Value) -> Option<Order> {
    let (client, rules) = (client(github, "respond-token"), rules());
    let run =
        ThisRun { id: 77, url: Some("https://forge.invalid/runs/77".to_owned()), workflow: "prentice".to_owned() };
    let event = Event::read("issue_comment", event.to_string().as_bytes()).expect("an event");
    let work = async {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::start());
        Responder::new(&client, &rules, &run, clock).await?.respond(&event).await
    };
    tokio::select! {
        biased;
        outcome = work => match outcome {
            Ok(Outcome::Order(order)) => Some(*order),
            Ok(Outcome::Nothing(why)) => panic!("the command was swallowed: {why}"),
            Err(_) => None,
        },
        () = github.killed.notified() => None,
    }
}

/// One run of `publish`; tells whether it came to its end.
async fn publish_once(github: &GitHub, bundle: &Bundle) -> bool {
    let client = client(github, "publish-token");
    let policy = PolicySettings::default();
    let job = Job {
        bundle,
        digest: "0123456789abcdef0123456789abcdef",
        github: &client,
        policy: &policy,
        default_branch: "main",
        run_url: Some("https://forge.invalid/runs/77".to_owned()),
        run_id: Some(77),
        label: "prentice",
        reviewers: &[],
        max_open_pulls: 5,
    };
    tokio::select! {
        biased;
        outcome = publish(&job) => outcome.is_ok(),
        () = github.killed.notified() => false,
    }
}

/// What a scenario needs: where the repository is, and a bundle that was made in it.
struct Material {
    _world: World,
    repo: PathBuf,
    bundle: Bundle,
}

async fn material() -> Option<Material> {
    let (world, endpoint) = (World::new(), Endpoint::answering(&[GOOD]).await);
    if !sandbox_or_skip(&world, module_path!()) {
        return None;
    }
    let out = world.temporary().join("bundle");
    let url = endpoint.url();
    let arguments = ["propose", "task.yml", "--out", &out.display().to_string(), "--base-url", &url];
    world.run(&arguments).ends_with(0);
    let bundle = bundle::read(&out).expect("a bundle");
    Some(Material { repo: world.repo(), _world: world, bundle })
}

/// The forge after a command was given, with the event that tells of it.
async fn asked(material: &Material) -> (GitHub, Value) {
    let github = GitHub::start(Some(&material.repo)).await;
    let event = {
        let mut state = github.state();
        let issue = state.open_issue("eve", "Add the prices", "It gives the largest one.");
        let comment = state.comment(issue, "ann", "/prentice fix");
        state.commented(comment)
    };
    (github, event)
}

/// The bundle for an order, as the job in between would have made it.
fn answer(material: &Material, order: Order) -> Bundle {
    Bundle { slug: order.slug(), task: order.task.clone(), order: Some(order), ..material.bundle.clone() }
}

/// A pull request with two threads, and the bundle that answers them.
async fn reviewed(material: &Material) -> (GitHub, Bundle) {
    let (github, event) = asked(material).await;
    let order = respond(&github, &event).await.expect("an order");
    assert!(publish_once(&github, &answer(material, order.clone())).await);
    let mut bundle = answer(material, order);
    let (head, threads) = {
        let mut state = github.state();
        let said = [1, 2].map(|line| state.line_comment(2, "bob", ("src/price.py", line), "Why?"));
        (state.head("prentice/issue-1").expect("a branch"), said)
    };
    let order = bundle.order.as_mut().expect("an order");
    let thread = |comment: &u64| Thread {
        id: format!("PRRT_{comment}"),
        comment: *comment,
        path: "src/price.py".to_owned(),
        line: Some(2),
        hunk: String::new(),
        said: "bob: Why?".to_owned(),
    };
    order.verb = Verb::Address;
    order.threads = threads.iter().map(thread).collect();
    order.pull =
        Some(prentice::task::PullTarget { number: 2, head: head.clone(), branch: "prentice/issue-1".to_owned() });
    order.serves = vec![Spoken::Review(9)];
    order.more = true;
    bundle.parent = serde_json::from_value(head.into()).expect("a commit");
    bundle.account.replies = vec![Some("because".to_owned()), None];
    let after = bundle.changes[0].after.as_mut().expect("a file");
    after.content = [&after.content, &b"# more\n"[..]].concat().into();
    (github, bundle)
}

/// Fails each call of `run` in each way, runs again, and compares; returns the number of calls.
async fn table<T>(name: &str, prepare: impl AsyncFn() -> (GitHub, T), run: impl AsyncFn(&GitHub, &T) -> bool) -> usize {
    let (github, input) = prepare().await;
    github.forget_calls();
    assert!(run(&github, &input).await, "{name}: a clean run");
    let calls = github.calls();
    let clean = github.state().snapshot();
    assert!(run(&github, &input).await, "{name}: a second clean run");
    assert_eq!(github.state().snapshot(), clean, "{name}: twice is once");
    github.assert_faithful();
    for fault in Fault::ALL {
        let mut second_runs = 0;
        for (index, call) in calls.iter().enumerate() {
            let (github, input) = prepare().await;
            github.forget_calls();
            github.fail_at(index, fault);
            if !run(&github, &input).await {
                second_runs += 1;
                github.forget_calls();
                assert!(run(&github, &input).await, "{name}: {fault:?} at {index}: {} {}", call.method, call.path);
            }
            let after = github.state().snapshot();
            assert_eq!(after, clean, "{name}: {fault:?} at call {index}: {} {}", call.method, call.path);
        }
        eprintln!("{name:8} {fault:?}: {} calls, {second_runs} needed a second run, all alike", calls.len());
    }
    for (index, call) in calls.iter().enumerate() {
        let (github, input) = prepare().await;
        github.forget_calls();
        github.state().outage = Some(index);
        assert!(!run(&github, &input).await, "{name}: an outage that nobody noticed");
        github.forget_calls();
        assert!(run(&github, &input).await, "{name}: after an outage from {index} on: {} {}", call.method, call.path);
        assert_eq!(
            github.state().snapshot(),
            clean,
            "{name}: outage from call {index} on: {} {}",
            call.method,
            call.path
        );
    }
    eprintln!("{name:8} outage from each call on: {} calls, all alike after a second run", calls.len());
    calls.len()
}

#[tokio::test]
async fn a_fault_at_any_call_of_respond_loses_nothing_and_does_nothing_twice() {
    let Some(material) = material().await else { return };
    let run = async |github: &GitHub, event: &Value| respond(github, event).await.is_some();
    let calls = table("respond", async || asked(&material).await, run).await;
    assert!(calls <= 20, "{calls} calls");
}

#[tokio::test]
async fn a_fault_at_any_call_of_publish_loses_nothing_and_does_nothing_twice() {
    let Some(material) = material().await else { return };
    let prepare = async || {
        let (github, event) = asked(&material).await;
        let order = respond(&github, &event).await.expect("an order");
        (github, answer(&material, order))
    };
    let calls = table("publish", prepare, publish_once).await;
    assert!(calls <= 25, "{calls} calls");
}

#[tokio::test]
async fn a_fault_at_any_call_of_a_review_loses_nothing_and_does_nothing_twice() {
    let Some(material) = material().await else { return };
    let calls = table("review", async || reviewed(&material).await, publish_once).await;
    assert!(calls <= 25, "{calls} calls");
}

#[tokio::test]
async fn three_runners_at_once_are_as_good_as_one() {
    let Some(material) = material().await else { return };
    let (github, event) = asked(&material).await;
    let order = respond(&github, &event).await.expect("an order");
    let bundle = answer(&material, order);
    assert!(publish_once(&github, &bundle).await);
    let clean = github.state().snapshot();
    for _ in 0..5 {
        let (github, event) = asked(&material).await;
        let (one, two, three) =
            tokio::join!(respond(&github, &event), respond(&github, &event), respond(&github, &event));
        assert!(one.is_some() && one == two && two == three, "three times the same order");
        let bundle = answer(&material, one.expect("an order"));
        let done = tokio::join!(
            publish_once(&github, &bundle),
            publish_once(&github, &bundle),
            publish_once(&github, &bundle)
        );
        assert_eq!(done, (true, true, true));
        assert_eq!(github.state().snapshot(), clean);
        github.assert_faithful();
    }
}
