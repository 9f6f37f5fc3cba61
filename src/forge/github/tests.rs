use std::pin::Pin;
use std::sync::Mutex;

use serde_json::json;
use wiremock::matchers::{body_partial_json, header, method, path, query_param};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::*;
use crate::clock::{FrozenClock, Timestamp};

/// Waits not at all, and remembers how long it would have been.
#[derive(Clone, Default)]
struct NoWait(Arc<Mutex<Vec<Duration>>>);

impl Wait for NoWait {
    fn wait(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        self.0.lock().expect("not poisoned").push(duration);
        Box::pin(std::future::ready(()))
    }
}

struct Setting {
    server: MockServer,
    github: GitHub,
    waits: NoWait,
}

impl Setting {
    async fn new() -> Self {
        Self::below("").await
    }

    async fn below(prefix: &str) -> Self {
        let server = MockServer::start().await;
        let waits = NoWait::default();
        let settings = Settings {
            api_url: format!("{}{prefix}", server.uri()),
            web_url: "https://github.example".to_owned(),
            repository: "acme/widgets".parse().expect("a name"),
            token: Some(Secret::new("ghs_forTestsOnly")),
            pace: Pace { timeout: Duration::from_secs(5), ..Pace::default() },
            clock: Arc::new(FrozenClock::at(Timestamp::from_unix_millis(1_000_000))),
            cancel: CancellationToken::new(),
        };
        let github = GitHub::with_wait(settings, waits.clone()).expect("a client");
        Self { server, github, waits }
    }

    /// Answers with these in turn, the last one for ever.
    async fn answers(&self, verb: &str, place: &str, answers: Vec<ResponseTemplate>) {
        let last = answers.len() - 1;
        for (index, answer) in answers.into_iter().enumerate() {
            let mock = Mock::given(method(verb)).and(path(place)).respond_with(answer);
            let mock = if index == last { mock } else { mock.up_to_n_times(1) };
            mock.with_priority(u8::try_from(index + 1).expect("few")).mount(&self.server).await;
        }
    }

    fn waited(&self) -> Vec<u64> {
        self.waits.0.lock().expect("not poisoned").iter().map(Duration::as_secs).collect()
    }
}

fn status(code: u16) -> ResponseTemplate {
    ResponseTemplate::new(code).set_body_json(json!({ "message": "as told" }))
}

fn repository() -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(json!({ "default_branch": "main" }))
}

fn comment(body: &str) -> serde_json::Value {
    json!({ "id": 7, "html_url": "u", "body": body, "user": { "login": "ann", "id": 3, "type": "User" } })
}

const HERE: &str = "/repos/acme/widgets";

#[tokio::test]
async fn a_read_is_sent_again_after_what_may_pass() {
    let check = async |answers: Vec<ResponseTemplate>, expected: &str, calls: u64, waits: &[u64]| {
        let setting = Setting::new().await;
        setting.answers("GET", HERE, answers).await;
        let outcome = match setting.github.repository().await {
            Ok(found) => found.default_branch,
            Err(error) => error.to_string(),
        };
        assert_eq!(outcome, expected);
        assert_eq!((setting.github.calls(), setting.waited().as_slice()), (calls, waits), "{expected}");
    };
    check(vec![repository()], "main", 1, &[]).await;
    check(vec![status(502), status(500), repository()], "main", 3, &[1, 2]).await;
    let gone = "GET /repos/acme/widgets: no answer after 4 tries (status 503: as told)";
    check(vec![status(503)], gone, 4, &[1, 2, 4]).await;
    check(vec![status(429).insert_header("retry-after", "7"), repository()], "main", 2, &[7]).await;
    let used_up = status(403).insert_header("x-ratelimit-remaining", "0").insert_header("x-ratelimit-reset", "1030");
    check(vec![used_up, repository()], "main", 2, &[30]).await;
    let secondary = ResponseTemplate::new(403)
        .set_body_json(json!({ "message": "You have exceeded a secondary rate limit. Please wait." }));
    check(vec![secondary, repository()], "main", 2, &[60]).await;
    let long = status(429).insert_header("retry-after", "301");
    let capped = "GET /repos/acme/widgets: rate limit; the forge asks for 301 s more, which is over the cap of 300 s";
    check(vec![long], capped, 1, &[]).await;
    check(vec![status(404)], "GET /repos/acme/widgets: not found, or the token may not see it", 1, &[]).await;
    let html = ResponseTemplate::new(200).set_body_string("<html>");
    check(vec![html], "GET /repos/acme/widgets: the answer cannot be read: expected value at line 1 column 1", 1, &[])
        .await;
}

#[tokio::test]
async fn waits_are_capped_in_sum() {
    let setting = Setting::new().await;
    setting.answers("GET", HERE, vec![status(429).insert_header("retry-after", "100")]).await;
    let error = setting.github.repository().await.expect_err("limited for ever");
    assert!(matches!(error, ForgeError::Limited { .. }), "{error}");
    assert_eq!(setting.waited(), [100, 100, 100]);
}

#[tokio::test]
async fn a_write_is_sent_once_unless_it_was_surely_not_done() {
    let check = async |answers: Vec<ResponseTemplate>, expected: &str, calls: u64| {
        let setting = Setting::new().await;
        setting.answers("POST", "/repos/acme/widgets/issues/1/comments", answers).await;
        let outcome = match setting.github.create_comment(1, "x").await {
            Ok(comment) => comment.body,
            Err(error) => error.to_string(),
        };
        assert_eq!((outcome.as_str(), setting.github.calls()), (expected, calls));
    };
    let made = || ResponseTemplate::new(201).set_body_json(comment("x"));
    let call = "POST /repos/acme/widgets/issues/1/comments";
    check(vec![made()], "x", 1).await;
    check(vec![status(502), made()], &format!("{call}: it is unclear whether this was done (status 502: as told)"), 1)
        .await;
    check(vec![status(403).insert_header("retry-after", "2"), made()], "x", 2).await;
    let told = status(403).insert_header("x-accepted-github-permissions", "issues=write; pull_requests=write");
    let needs = "it needs issues=write or pull_requests=write: see `permissions:` of the job";
    check(vec![told], &format!("{call}: the token may not do this (as told); {needs}"), 1).await;
    let invalid = ResponseTemplate::new(422).set_body_json(json!({
        "message": "Validation Failed", "errors": [{ "resource": "Issue", "field": "title", "code": "missing_field" }],
    }));
    check(vec![invalid], &format!("{call}: refused with status 422 (Validation Failed; title missing_field)"), 1).await;
}

#[tokio::test]
async fn a_cut_or_silent_connection_is_unclear_for_a_write() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("bound");
    let server = tokio::spawn(async move {
        // The first connection is cut after the request, the second one is left open without an answer.
        let (first, _) = listener.accept().await.expect("a connection");
        first.readable().await.expect("a request");
        drop(first);
        let second = listener.accept().await.expect("a connection");
        std::future::pending::<()>().await;
        drop(second);
    });
    let settings = Settings {
        api_url: format!("http://{address}"),
        web_url: String::new(),
        repository: "acme/widgets".parse().expect("a name"),
        token: None,
        pace: Pace { timeout: Duration::from_millis(300), ..Pace::default() },
        clock: Arc::new(FrozenClock::at(Timestamp::from_unix_millis(0))),
        cancel: CancellationToken::new(),
    };
    let github = GitHub::with_wait(settings, NoWait::default()).expect("a client");
    for _ in 0..2 {
        let error = github.create_comment(1, "x").await.expect_err("no answer");
        assert!(error.is_unclear(), "{error}");
    }
    assert_eq!(github.calls(), 2);
    server.abort();
}

#[tokio::test]
async fn cancelling_ends_a_request() {
    let setting = Setting::new().await;
    setting.answers("GET", HERE, vec![repository().set_delay(Duration::from_secs(60))]).await;
    let cancel = setting.github.calls.cancel.clone();
    let asking = setting.github.repository();
    let stopping = async {
        tokio::task::yield_now().await;
        cancel.cancel();
    };
    let (outcome, ()) = tokio::join!(asking, stopping);
    assert!(matches!(outcome, Err(ForgeError::Cancelled)));
}

#[tokio::test]
async fn lists_are_read_page_by_page() {
    let setting = Setting::new().await;
    let place = "/repos/acme/widgets/issues/1/comments";
    for (page, link) in
        [("1", "<http://127.0.0.1/?page=2>; rel=\"next\", <x>; rel=\"last\""), ("2", "<x>; rel=\"prev\"")]
    {
        let answer = ResponseTemplate::new(200).set_body_json(json!([comment(page)])).insert_header("link", link);
        let mock = Mock::given(path(place)).and(query_param("page", page)).and(query_param("per_page", "100"));
        mock.respond_with(answer).expect(1).mount(&setting.server).await;
    }
    let bodies: Vec<String> =
        setting.github.comments(1).await.expect("two pages").into_iter().map(|comment| comment.body).collect();
    assert_eq!(bodies, ["1", "2"]);
}

#[tokio::test]
async fn a_comment_is_changed_by_patch_with_the_token_in_the_header() {
    let setting = Setting::below("/api/v3").await;
    Mock::given(method("PATCH"))
        .and(path("/api/v3/repos/acme/widgets/issues/comments/7"))
        .and(header("authorization", "Bearer ghs_forTestsOnly"))
        .and(body_partial_json(json!({ "body": "new" })))
        .respond_with(ResponseTemplate::new(200).set_body_json(comment("new")))
        .expect(1)
        .mount(&setting.server)
        .await;
    assert_eq!(setting.github.update_comment(7, "new").await.expect("changed").body, "new");
}

#[tokio::test]
async fn graphql_is_found_on_an_enterprise_server_and_its_errors_are_errors() {
    let setting = Setting::below("/api/v3").await;
    let page = |nodes: serde_json::Value, more: bool| {
        let threads = json!({ "nodes": nodes, "pageInfo": { "hasNextPage": more, "endCursor": "c" } });
        ResponseTemplate::new(200)
            .set_body_json(json!({ "data": { "repository": { "pullRequest": { "reviewThreads": threads } } } }))
    };
    let said = json!({
        "databaseId": 5, "body": "why?", "author": null, "createdAt": "t", "lastEditedAt": null, "diffHunk": "@@",
    });
    let thread = json!({
        "id": "T", "isResolved": false, "isOutdated": false, "path": "a.rs", "line": 3, "viewerCanResolve": true,
        "comments": { "nodes": [said] },
    });
    let forbidden = ResponseTemplate::new(200)
        .set_body_json(json!({ "data": null, "errors": [{ "type": "FORBIDDEN", "message": "not by integration" }] }));
    let answers = vec![page(json!([thread]), true), page(json!([]), false), forbidden];
    setting.answers("POST", "/api/graphql", answers).await;
    let threads = setting.github.review_threads(4).await.expect("threads");
    assert_eq!((threads.len(), threads[0].comments[0].id, setting.github.calls()), (1, 5, 2));
    let error = setting.github.resolve_thread("T").await.expect_err("forbidden");
    assert!(error.to_string().ends_with("the token may not do this (not by integration)"), "{error}");
}

#[tokio::test]
async fn permissions_are_read_from_the_role_and_unknown_people_have_none() {
    let check = async |answer: ResponseTemplate, expected: Permission| {
        let setting = Setting::new().await;
        setting.answers("GET", "/repos/acme/widgets/collaborators/bot%5Bbot%5D/permission", vec![answer]).await;
        assert_eq!(setting.github.permission("bot[bot]").await.expect("an answer"), expected);
    };
    let told = |permission: &str, role: &str| {
        ResponseTemplate::new(200).set_body_json(json!({ "permission": permission, "role_name": role }))
    };
    check(told("write", "maintain"), Permission::Maintain).await;
    check(told("read", "triage"), Permission::Triage).await;
    check(told("write", "our-own-role"), Permission::Write).await;
    check(told("read", ""), Permission::Read).await;
    check(told("", ""), Permission::None).await;
    check(status(404), Permission::None).await;
}

#[tokio::test]
async fn only_branches_of_ours_are_written() {
    let setting = Setting::new().await;
    for branch in ["main", "prentice", "prentice/", "prentice/../main", "refs/heads/prentice/x"] {
        let made = setting.github.create_branch(branch, "a").await.expect_err("not ours");
        assert!(matches!(made, ForgeError::Forbade(_)), "{made}");
        let moved = setting.github.move_branch(branch, "a", "b", Force::Yes).await.expect_err("not ours");
        assert!(matches!(moved, ForgeError::Forbade(_)), "{moved}");
    }
    assert_eq!(setting.github.calls(), 0);
}

#[tokio::test]
async fn files_come_from_their_blob_when_they_are_large() {
    let setting = Setting::new().await;
    let blob = |encoding: &str, content: &str| {
        ResponseTemplate::new(200).set_body_json(json!({ "sha": "b", "encoding": encoding, "content": content }))
    };
    setting.answers("GET", "/repos/acme/widgets/contents/a/b%20c.txt", vec![blob("base64", "aGVs\nbG8=\n")]).await;
    setting.answers("GET", "/repos/acme/widgets/contents/large", vec![blob("none", "")]).await;
    setting.answers("GET", "/repos/acme/widgets/git/blobs/b", vec![blob("base64", "/wA=")]).await;
    assert_eq!(setting.github.file("a/b c.txt", "x").await.expect("there"), Some(b"hello".to_vec()));
    assert_eq!(setting.github.file("large", "x").await.expect("there"), Some(vec![255, 0]));
    assert_eq!(setting.github.file("absent", "x").await.expect("an answer"), None);
}

#[tokio::test]
async fn the_end_of_a_log_is_kept() {
    let setting = Setting::new().await;
    let log = format!("{}the end", "line\n".repeat(100_000));
    setting
        .answers(
            "GET",
            "/repos/acme/widgets/actions/jobs/3/logs",
            vec![ResponseTemplate::new(200).set_body_string(log)],
        )
        .await;
    assert_eq!(setting.github.job_log(3, 12).await.expect("a log"), "line\nthe end");
}

#[tokio::test]
async fn settings_that_cannot_be_used_are_told_and_a_token_never_is() {
    let check = |api_url: &str, token: &str, expected: &str| {
        let settings = Settings {
            api_url: api_url.to_owned(),
            web_url: String::new(),
            repository: "acme/widgets".parse().expect("a name"),
            token: Some(Secret::new(token)),
            pace: Pace::default(),
            clock: Arc::new(FrozenClock::at(Timestamp::from_unix_millis(0))),
            cancel: CancellationToken::new(),
        };
        let error = GitHub::new(settings).expect_err("unusable").to_string();
        assert!(error.contains(expected) && !error.contains("ghs_x"), "{error}");
    };
    check("api.github.com", "ghs_x", "like https://api.github.com");
    check("ftp://x", "ghs_x", "it has no host");
    check("https://api.github.com", "ghs_x\n", "token \"***\": it holds a line break");
    for name in ["widgets", "a/b/c", "a/", "../b", "a b/c", ""] {
        assert!(name.parse::<RepositoryName>().is_err(), "{name}");
    }
}
