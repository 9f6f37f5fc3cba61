//! Small payloads of every kind, and broken ones.

use serde_json::json;

use super::*;
use crate::forge::AccountKind;

fn ann() -> Account {
    Account { login: "ann".to_owned(), id: 7, kind: AccountKind::User }
}

/// Reads a payload with the parts that all payloads have.
fn read(name: &str, mut parts: Value) -> Result<Event, String> {
    parts["repository"] = json!({ "id": 1, "name": "r", "full_name": "o/r", "private": false });
    parts["sender"] = json!({ "login": "ann", "id": 7, "type": "User" });
    Event::read(name, parts.to_string().as_bytes()).map_err(|error| error.to_string())
}

fn kind(name: &str, parts: Value) -> EventKind {
    let event = read(name, parts).expect("a good payload");
    assert_eq!((event.repository.as_str(), &event.sender), ("o/r", &ann()));
    event.kind
}

fn issue_payload() -> Value {
    json!({
        "number": 3, "id": 33, "title": "T", "body": null, "user": { "login": "ann", "id": 7, "type": "User" },
        "labels": [{ "id": 1, "name": "bug" }], "state": "open", "locked": false, "html_url": "https://f.invalid/o/r/issues/3",
        "created_at": "2026-01-02T03:04:05Z", "updated_at": "2026-01-02T03:04:06Z", "author_association": "OWNER",
    })
}

fn issue() -> EventIssue {
    EventIssue {
        number: 3,
        id: 33,
        title: "T".to_owned(),
        body: String::new(),
        author: Some(ann()),
        labels: vec!["bug".to_owned()],
        state: "open".to_owned(),
        is_locked: false,
        is_pull: false,
        url: "https://f.invalid/o/r/issues/3".to_owned(),
        created_at: "2026-01-02T03:04:05Z".to_owned(),
        updated_at: "2026-01-02T03:04:06Z".to_owned(),
    }
}

fn pull_payload(head_repository: &Value) -> Value {
    json!({
        "number": 4, "id": 44, "title": "P", "body": "b", "user": null, "state": "open", "draft": true,
        "head": { "ref": "x", "sha": "aa", "repo": head_repository },
        "base": { "ref": "main", "sha": "bb", "repo": { "full_name": "o/r" } },
    })
}

#[test]
fn issues_and_comments() {
    assert_eq!(
        kind("issues", json!({ "action": "opened", "issue": issue_payload() })),
        EventKind::IssueOpened { issue: issue() }
    );
    assert_eq!(
        kind("issues", json!({ "action": "labeled", "issue": issue_payload(), "label": { "name": "prentice" } })),
        EventKind::IssueLabeled { issue: issue(), label: "prentice".to_owned() }
    );
    let assignee = json!({ "login": "ann", "id": 7, "type": "User" });
    assert_eq!(
        kind("issues", json!({ "action": "assigned", "issue": issue_payload(), "assignee": assignee })),
        EventKind::IssueAssigned { issue: issue(), assignee: ann() }
    );
    let mut on_pull = issue_payload();
    on_pull["pull_request"] = json!({ "url": "https://f.invalid/pulls/3" });
    let comment = json!({ "id": 5, "node_id": "IC_5", "body": "/prentice fix", "created_at": "2026-01-02T03:04:05Z" });
    let found = kind("issue_comment", json!({ "action": "created", "issue": on_pull, "comment": comment }));
    let EventKind::IssueComment { issue: on, comment } = found else { panic!("{found:?}") };
    assert_eq!(on, EventIssue { is_pull: true, ..issue() });
    assert_eq!((comment.id, comment.body.as_str(), comment.author, comment.path), (5, "/prentice fix", None, None));
}

#[test]
fn reviews() {
    let comment =
        json!({ "id": 6, "body": "why?", "path": "a.rs", "line": 9, "in_reply_to_id": 5, "pull_request_review_id": 8 });
    let same = pull_payload(&json!({ "full_name": "o/r" }));
    let found =
        kind("pull_request_review_comment", json!({ "action": "created", "pull_request": same, "comment": comment }));
    let EventKind::ReviewComment { pull, comment } = found else { panic!("{found:?}") };
    assert_eq!((pull.number, pull.is_draft, pull.head.branch.as_str(), pull.is_from_fork()), (4, true, "x", false));
    assert_eq!(
        (comment.path.as_deref(), comment.line, comment.in_reply_to, comment.review),
        (Some("a.rs"), Some(9), Some(5), Some(8))
    );
    for head in [json!({ "full_name": "eve/r" }), Value::Null] {
        let review =
            json!({ "id": 8, "state": "changes_requested", "body": null, "submitted_at": "2026-01-02T03:04:05Z" });
        let parts = json!({ "action": "submitted", "pull_request": pull_payload(&head), "review": review });
        let found = kind("pull_request_review", parts);
        let EventKind::Review { pull, review } = found else { panic!("{found:?}") };
        assert!(pull.is_from_fork());
        assert_eq!((review.state.as_str(), review.body.as_str()), ("changes_requested", ""));
    }
}

#[test]
fn what_programs_and_clocks_start() {
    let inputs = json!({ "inputs": { "task": "tasks/a.yml", "dry-run": true, "attempts": 3, "none": null } });
    let EventKind::Dispatch { inputs } = kind("workflow_dispatch", inputs) else { panic!("a dispatch") };
    let pairs: Vec<(&str, &str)> = inputs.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    assert_eq!(pairs, [("attempts", "3"), ("dry-run", "true"), ("task", "tasks/a.yml")]);
    assert_eq!(kind("workflow_dispatch", json!({ "inputs": null })), EventKind::Dispatch { inputs: BTreeMap::new() });
    assert_eq!(
        kind("repository_dispatch", json!({ "action": "go", "client_payload": { "task": "x" } })),
        EventKind::RepositoryDispatch { action: "go".to_owned(), payload: json!({ "task": "x" }) }
    );
    let run = json!({
        "id": 9, "name": "ci", "conclusion": "failure", "head_branch": "main", "head_sha": "cc", "event": "push",
        "head_repository": { "full_name": "o/r" }, "html_url": "https://f.invalid/runs/9",
        "actor": { "login": "ann", "id": 7, "type": "User" },
    });
    assert_eq!(
        kind("workflow_run", json!({ "action": "completed", "workflow_run": run })),
        EventKind::WorkflowRun {
            id: 9,
            name: "ci".to_owned(),
            conclusion: "failure".to_owned(),
            head_branch: "main".to_owned(),
            head_sha: "cc".to_owned(),
            event: "push".to_owned(),
            head_repository: Some("o/r".to_owned()),
            url: "https://f.invalid/runs/9".to_owned(),
            actor: Some(ann()),
        }
    );
    let clock = Event::read("schedule", br#"{"schedule": "0 3 * * *"}"#).expect("a schedule");
    assert_eq!((clock.repository.as_str(), clock.kind), ("", EventKind::Schedule));
}

#[test]
fn what_nobody_acts_on() {
    let check = |name: &str, action: Option<&str>, parts: Value| {
        let other = EventKind::Other { name: name.to_owned(), action: action.map(str::to_owned) };
        assert_eq!(kind(name, parts), other, "{name}");
    };
    check("issues", Some("edited"), json!({ "action": "edited", "issue": "anything" }));
    check("issue_comment", Some("edited"), json!({ "action": "edited" }));
    check("pull_request_review", Some("dismissed"), json!({ "action": "dismissed" }));
    check("workflow_run", Some("requested"), json!({ "action": "requested" }));
    check("push", None, json!({ "ref": "refs/heads/main", "action": 3 }));
    check("made_up", Some("x"), json!({ "action": "x" }));
    assert_eq!(Event::read("ping", b"{}").map(|event| event.sender.login), Ok(String::new()));
}

#[test]
fn broken_payloads_are_told() {
    let check = |name: &str, payload: &str, expected: &str| {
        let error = Event::read(name, payload.as_bytes()).expect_err(payload).to_string();
        assert!(error.starts_with(expected), "{error} does not begin with {expected}");
    };
    check("issues", "", "event issues: EOF while parsing");
    check("issues", "[]", "event issues: invalid type");
    check("issues", "\u{1}", "event issues: expected value");
    check("issues", r#"{"action": "opened"}"#, "event issues: `issue` is missing");
    check("issues", r#"{"action": "opened", "issue": {"number": -1}}"#, "event issues: `issue`: invalid value");
    check("workflow_dispatch", "{}", "event workflow_dispatch: `repository` is missing");
    let repository = r#"{"repository": {"full_name": "o"}, "sender": {"login": "a"}}"#;
    check("workflow_dispatch", repository, "event workflow_dispatch: \"o\" is no repository: owner/name is");
    check(
        "workflow_dispatch",
        r#"{"repository": {"full_name": "o/r"}}"#,
        "event workflow_dispatch: `sender` is missing",
    );
}
