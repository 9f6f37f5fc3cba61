//! Events of every kind, and the states of a forge in which a careless bot would do harm.

use serde_json::{Value, json};

use crate::common::GOOD;
use crate::flow::Flow;
use crate::github::{Run, User};

/// Reads the reason out of what `respond` said.
fn reason(jobs: &crate::flow::Jobs) -> String {
    assert_eq!(jobs.respond.output("decision"), "nothing");
    jobs.respond.ran.err.clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_official_example_ends_as_documented() {
    let Some(flow) = Flow::new(&[], module_path!()).await else { return };
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/github/events");
    let mut seen = 0;
    let mut table = Vec::new();
    for entry in std::fs::read_dir(folder).expect("readable") {
        let path = entry.expect("an entry").path();
        let file = path.file_name().expect("a name").to_string_lossy().into_owned();
        let name = file.split('.').next().expect("a name").to_owned();
        let mut event: Value = serde_json::from_slice(&std::fs::read(&path).expect("readable")).expect("JSON");
        event["repository"]["full_name"] = json!("acme/widgets");
        flow.state(|state| {
            // What the examples speak of: an issue 1, and a pull request 2 of somebody's own branch.
            if state.issues.is_empty() {
                state.open_issue("ann", "Spelling error in the README file", "It looks like you spelled it.");
                state.open_issue("ann", "Update the README", "");
                let pull = crate::github::Pull::of("changes", "main");
                state.issues.get_mut(&2).expect("there").pull = Some(pull);
            }
        });
        let jobs = flow.event(1, &name, &event);
        table.push(format!("{file}: {}", reason(&jobs).trim()));
        seen += 1;
    }
    table.sort();
    assert_eq!(seen, 41);
    let unknown: Vec<&String> = table.iter().filter(|line| !line.contains("Nothing to do: ")).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
    let mut reasons: Vec<&str> =
        table.iter().filter_map(|line| line.split_once("Nothing to do: ")).map(|(_, why)| why).collect();
    reasons.sort_unstable();
    reasons.dedup();
    insta::assert_snapshot!(reasons.join("\n"), @r"
    `on-demand-test` is not `prentice`.
    nothing is done on `check_run` (completed).
    nothing is done on `pull_request` (closed).
    nothing is done on `pull_request` (opened).
    nothing is done on `pull_request` (synchronize).
    nothing is done on `push`.
    the dispatch has no input `task`: an issue's number, a task file, or the task as text.
    the label `bug` is not `prentice`.
    the run did not fail.
    there is no command that was not served yet.
    ");
    flow.github.assert_faithful();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_pull_request_stays_closed_until_its_branch_is_gone() {
    let Some((flow, pull)) = Flow::with_pull(&[GOOD, GOOD], module_path!()).await else { return };
    flow.state(|state| state.issues.get_mut(&pull).expect("there").open = false);
    flow.say(2, 1, "ann", "/prentice fix");
    let told = flow.state(|state| state.bot_comments(1)).join("\n");
    assert!(
        told.contains("was closed and stays so") && told.contains("delete the branch `prentice/issue-1`"),
        "{told}"
    );
    flow.say(3, pull, "ann", "/prentice revise more");
    assert!(flow.state(|state| state.bot_comments(pull)).join("\n").contains("The pull request is closed"));
    assert_eq!(flow.answers().await, 1, "neither asked the model");
    flow.state(|state| {
        state.git.find_reference("refs/heads/prentice/issue-1").expect("there").delete().expect("deleted");
    });
    let jobs = flow.say(4, 1, "ann", "/prentice fix");
    assert_eq!(jobs.published().output("pull-request"), "3");
    assert!(!flow.state(|state| state.issues[&pull].open), "the old one stays closed");
    flow.github.assert_faithful();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repository_without_drafts_gets_an_ordinary_pull_request() {
    let Some((flow, issue)) = Flow::with_issue(&[GOOD], module_path!()).await else { return };
    flow.state(|state| state.drafts = false);
    flow.say(1, issue, "ann", "/prentice fix").published();
    assert!(!flow.state(|state| state.issues[&2].pull.clone()).expect("a pull request").draft);
    flow.github.assert_faithful();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_swapped_on_the_way_is_refused_before_anything_is_written() {
    let Some((flow, issue)) = Flow::with_issue(&[GOOD], module_path!()).await else { return };
    let event = flow.state(|state| state.labeled(issue, "prentice", "ann"));
    flow.event(1, "issues", &event).published();
    flow.github.forget_calls();
    let bundle = flow.world.temporary().join("run-1/bundle").display().to_string();
    let wrong = "0".repeat(64);
    let ran = flow.job("publish-token", 2, &["publish", &bundle, "--digest", &wrong, "--github"], None);
    assert!(ran.ran.code == Some(2) && ran.ran.err.contains("the bundle has the digest"), "{}", ran.ran.err);
    let digest = flow.world.run(&["publish", &bundle, "--digest", &wrong]).err;
    let digest = digest.split("the digest ").nth(1).and_then(|rest| rest.split(',').next()).expect("told").to_owned();
    let arguments = ["publish", &bundle, "--digest", &digest, "--order-digest", &wrong, "--github"];
    let ran = flow.job("publish-token", 2, &arguments, None);
    assert!(ran.ran.code == Some(2) && ran.ran.err.contains("the order has the digest"), "{}", ran.ran.err);
    let ran = flow.job("publish-token", 2, &["publish", &bundle, "--github"], None);
    assert!(ran.ran.code == Some(2) && ran.ran.err.contains("--github needs --digest"), "{}", ran.ran.err);
    assert_eq!(flow.github.calls().len(), 0);
    // With a token that may not write, the forge's own words and the permission that lacks are told.
    let ran = flow.job("propose-token", 2, &["publish", &bundle, "--digest", &digest, "--github"], None);
    assert_eq!(ran.ran.code, Some(2));
    assert!(ran.ran.err.contains("Resource not accessible"), "{}", ran.ran.err);
    assert!(!ran.ran.err.contains("propose-token"));
    flow.github.assert_faithful();
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_that_wait_are_served_one_after_the_other() {
    let Some((flow, pull)) = Flow::with_pull(&[GOOD], module_path!()).await else { return };
    let event = flow.state(|state| {
        state.comment(pull, "ann", "/prentice retest");
        state.comment(pull, "bob", "/prentice retest");
        let last = state.comment(pull, "ann", "/prentice rebase");
        state.commented(last)
    });
    // The forge has dropped the runs of the first two: the third finds all of them.
    flow.event(2, "issue_comment", &event).published();
    let dispatches = flow.state(|state| state.dispatches.clone());
    assert_eq!(dispatches, [json!({ "event_type": "prentice", "client_payload": { "number": pull } })]);
    let event = json!({
        "action": "prentice", "client_payload": { "number": pull }, "repository": { "full_name": "acme/widgets" },
        "sender": { "login": "github-actions[bot]", "id": 41_898_282, "type": "Bot" },
    });
    let jobs = flow.event(3, "repository_dispatch", &event);
    jobs.published();
    assert!(jobs.respond.ran.err.contains("rebase: "), "{}", jobs.respond.ran.err);
    assert!(reason(&flow.event(4, "repository_dispatch", &event)).contains("no command that was not served"));
    flow.github.assert_faithful();
}

#[tokio::test(flavor = "multi_thread")]
async fn one_comment_is_one_command_and_the_rest_is_told() {
    let Some((flow, issue)) = Flow::with_issue(&[GOOD], module_path!()).await else { return };
    flow.say(1, issue, "ann", "/prentice fix\n\n/prentice retry").published();
    let told = flow.state(|state| state.bot_comments(issue));
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told.iter().any(|text| text.contains("One comment is one command")), "{told:?}");
    assert_eq!(flow.answers().await, 1);
    flow.github.assert_faithful();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_branch_of_the_same_name_in_a_fork_is_not_ours() {
    let Some((flow, pull)) = Flow::with_pull(&[GOOD], module_path!()).await else { return };
    let (other, head) = flow.state(|state| {
        let other = state.open_issue("eve", "Add the prices", "Mine is better.");
        let mut sides = crate::github::Pull::of("prentice/issue-1", "main");
        sides.from = "eve/widgets".to_owned();
        state.issues.get_mut(&other).expect("there").pull = Some(sides);
        (other, state.head("prentice/issue-1"))
    });
    for (run, command) in [(2, "/prentice retry"), (3, "/prentice undo"), (4, "/prentice revise more")] {
        assert!(reason(&flow.say(run, other, "ann", command)).contains("never push to anybody else's"));
    }
    assert_eq!(flow.state(|state| state.head("prentice/issue-1")), head);
    assert!(flow.state(|state| state.issues[&pull].open));
    assert_eq!(flow.answers().await, 1);
    flow.github.assert_faithful();
}

#[tokio::test(flavor = "multi_thread")]
async fn stopped_is_stopped_until_somebody_asks_again() {
    let Some((flow, issue)) = Flow::with_issue(&[GOOD, GOOD], module_path!()).await else { return };
    let event = flow.state(|state| state.labeled(issue, "prentice", "ann"));
    let order = flow.world.temporary().join("order").display().to_string();
    flow.job("respond-token", 1, &["respond", "--out", &order], Some(("issues", &event))).ran.ends_with(0);
    // While the model's job runs, somebody stops it.
    assert!(reason(&flow.say(2, issue, "bob", "/prentice stop")).contains("answered at once: `stop`"));
    let jobs = flow.event(1, "issues", &event);
    assert_eq!(jobs.respond.output("decision"), "run", "a label is somebody's wish too, and takes the stop away");
    flow.say(3, issue, "bob", "/prentice stop");
    let bundle = flow.world.temporary().join("run-1/bundle").display().to_string();
    let digest = jobs.propose.as_ref().expect("it ran").output("digest").to_owned();
    flow.state(|state| {
        state.issues.remove(&2);
        state.git.find_reference("refs/heads/prentice/issue-1").expect("there").delete().expect("deleted");
    });
    let ran = flow.job("publish-token", 1, &["publish", &bundle, "--digest", &digest, "--github"], None);
    assert!(ran.ran.code == Some(1) && ran.ran.err.contains("has the label `prentice-stopped`"), "{}", ran.ran.err);
    assert!(flow.state(|state| state.head("prentice/issue-1")).is_none());
    flow.github.assert_faithful();
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_of_the_repository_hold_before_anything_is_spent() {
    let Some((flow, issue)) = Flow::with_issue(&[GOOD], module_path!()).await else { return };
    let limit = |text: &str| {
        flow.state(|state| state.commit_as("ann", "main", &[(".prentice.yml", Some(text))], "limits"));
    };
    limit("checks: [sh check.sh]\nforge: {max_open_pulls: 1, runs_per_user: 2}\n");
    flow.say(1, issue, "ann", "/prentice fix").published();
    let other = flow.state(|state| state.open_issue("ann", "Another one", "More."));
    flow.say(2, other, "ann", "/prentice fix");
    let told = flow.state(|state| state.bot_comments(other)).join("\n");
    assert!(told.contains("1 pull requests of mine are open, and `forge.max_open_pulls` is 1"), "{told}");
    limit("checks: [sh check.sh]\nforge: {runs_per_user: 1}\n");
    flow.say(3, other, "ann", "/prentice fix");
    let told = flow.state(|state| state.bot_comments(other)).join("\n");
    assert!(told.contains("1 runs in 24 hours are the most that `forge.runs_per_user` allows"), "{told}");
    assert_eq!(flow.answers().await, 1);
    // A bot that is listed by its number may command; its own quota counts.
    limit("checks: [sh check.sh]\nforge: {runs_per_user: 1, bots: [99]}\n");
    flow.state(|state| state.users.insert("helper[bot]".to_owned(), User { id: 99, kind: "Bot", permission: "none" }));
    assert_eq!(flow.say(4, other, "helper[bot]", "/prentice fix").respond.output("decision"), "run");
    flow.github.assert_faithful();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_run_of_the_default_branch_becomes_a_task_and_a_fork_s_does_not() {
    let Some(flow) = Flow::new(&[GOOD], module_path!()).await else { return };
    let event = flow.state(|state| {
        let sha =
            state.commit_as("ann", "main", &[(".prentice.yml", Some("checks: [sh check.sh]\n"))], "configuration");
        let log = "2026-11-24T10:00:00.0000000Z not ok 1 - total adds\n2026-11-24T10:00:01.0000000Z ##[error]exit 1\n";
        let (name, branch) = ("CI".to_owned(), "main".to_owned());
        state.runs.push(Run { id: 40, name, branch, sha, conclusion: "failure".to_owned(), log: log.to_owned() });
        state.run_completed(40)
    });
    let jobs = flow.event(1, "workflow_run", &event);
    assert!(jobs.published().output("branch").starts_with("prentice/ci-ci-"));
    let asked = flow.endpoint.server.received_requests().await.expect("recorded");
    let last = String::from_utf8_lossy(&asked.last().expect("asked").body).into_owned();
    assert!(last.contains("not ok 1 - total adds") && !last.contains("2026-11-24T10:00"), "{last}");
    assert!(reason(&flow.event(2, "workflow_run", &event)).contains("pull request #1 is open for it"));
    flow.state(|state| state.commit_as("ann", "main", &[("x", Some("x"))], "on"));
    assert!(reason(&flow.event(3, "workflow_run", &event)).contains("main has moved on"));
    flow.state(|state| state.runs[0].branch = "prentice/issue-1".to_owned());
    assert!(reason(&flow.event(4, "workflow_run", &event)).contains("only failures of main itself"));
    assert_eq!(flow.answers().await, 1);
    flow.github.assert_faithful();
}

#[tokio::test(flavor = "multi_thread")]
async fn task_files_are_worked_through_and_can_be_named_by_hand() {
    let Some(flow) = Flow::new(&[GOOD, GOOD], module_path!()).await else { return };
    let task = "title: Add the prices\ndescription: It gives the largest one.\nchecks: [sh check.sh]\n";
    flow.state(|state| {
        let files = [(".prentice/tasks/1-prices.yml", Some(task)), (".prentice/tasks/readme.md", Some("x"))];
        state.commit_as("ann", "main", &files, "tasks");
    });
    let jobs = flow.event(1, "schedule", &json!({ "schedule": "17 3 * * 1-5" }));
    assert!(jobs.published().output("branch").starts_with("prentice/add-the-prices-"));
    assert!(reason(&flow.event(2, "schedule", &json!({}))).contains("1-prices.yml: pull request #1 is open for it"));
    // A pull request without an issue: its own text is the task, and our changes of it are nobody's.
    let event = flow.state(|state| {
        state.comment(1, "ann", "/prentice retest");
        let last = state.comment(1, "ann", "/prentice rebase");
        state.commented(last)
    });
    assert_eq!(flow.event(6, "issue_comment", &event).published().output("outcome"), "done");
    flow.state(|state| state.issues.get_mut(&1).expect("there").body += "\n");
    let next = flow.event(7, "issue_comment", &event);
    assert!(next.respond.ran.err.contains("rebase: Add the prices"), "{}", next.respond.ran.err);
    let by_hand = |task: &str, who: &str| flow.state(|state| state.dispatched(task, who));
    assert!(
        reason(&flow.event(3, "workflow_dispatch", &by_hand("absent.yml", "ann")))
            .contains("absent.yml is not on main")
    );
    assert!(reason(&flow.event(4, "workflow_dispatch", &by_hand("Fix it", "eve"))).contains("may not write"));
    let issue = flow.state(|state| state.open_issue("eve", "Prices again", "They must be added. checks: sh check.sh"));
    flow.state(|state| state.commit_as("ann", "main", &[(".prentice.yml", Some("checks: [sh check.sh]\n"))], "c"));
    let jobs = flow.event(5, "workflow_dispatch", &by_hand(&format!("#{issue}"), "ann"));
    assert_eq!(jobs.published().output("branch"), format!("prentice/issue-{issue}"));
    flow.github.assert_faithful();
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_tells_what_the_token_may_do_and_writes_nothing() {
    let Some(flow) = Flow::new(&[GOOD], module_path!()).await else { return };
    let before = flow.state(|state| state.snapshot());
    let doctor = |token: &str| {
        let url = flow.endpoint.url();
        flow.job(token, 1, &["doctor", "--base-url", &url, "--model", "scripted"], None).ran.out
    };
    let all = doctor("publish-token");
    assert!(all.contains("ok       rights   contents: write, issues: write, pull-requests: write"), "{all}");
    assert!(all.contains("start no workflows") && all.contains("PRENTICE_TOKEN"), "{all}");
    let some = doctor("respond-token");
    assert!(some.contains("missing: `contents: write` (publish)"), "{some}");
    assert!(doctor("ann-token").contains("a person's token (ann)"));
    assert!(doctor("wrong").contains("does not accept the token"));
    assert_eq!(flow.state(|state| state.snapshot()), before);
    flow.github.assert_faithful();
}
