//! What comes back, whole or broken, and what is made of it.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use wiremock::matchers::{header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::*;
use crate::llm::{ListedModel, list_models};

const KEY: &str = "sk-very-secret-key";

pub(super) fn request() -> Request {
    let messages = vec![Message::new(Role::System, "You fix bugs."), Message::new(Role::User, "Fix it.")];
    Request { messages, max_output_tokens: 100, temperature: Some(0.5), seed: Some(7), ..Request::default() }
}

pub(super) fn adapter(base_url: &str, reply_timeout: Duration) -> OpenAi {
    let endpoint = Endpoint { base_url: base_url.to_owned(), key: Some(Secret::new(KEY)), model: "m".to_owned() };
    OpenAi::new(&endpoint, OpenAiSettings { reply_timeout, ..OpenAiSettings::default() }).unwrap()
}

/// Asks `base_url` once and writes what came on one line, with the address replaced.
pub(super) async fn ask(base_url: &str) -> String {
    let model = adapter(base_url, Duration::from_secs(20));
    let said = match model.complete(&request(), &CancellationToken::new()).await {
        Ok(reply) => format!("{:?} {:?} {}", reply.text, reply.finish, reply.model),
        Err(error) => error.to_string(),
    };
    said.replace(base_url, "URL")
}

/// Answers once with `template`, and checks that exactly one request came.
pub(super) async fn one(template: ResponseTemplate) -> String {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .and(path("/v1/chat/completions"))
        .and(header("authorization", format!("Bearer {KEY}").as_str()))
        .respond_with(template)
        .expect(1)
        .mount(&server)
        .await;
    ask(&format!("{}/v1", server.uri())).await
}

pub(super) fn json(status: u16, body: &str) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_raw(body.as_bytes(), "application/json")
}

#[tokio::test]
async fn each_answer_takes_one_request_and_is_understood() {
    let html = "<html><head><title>Sign in</title></head></html>";
    let answers = [
        json(200, r#"{"choices":[{"message":{"content":"done"},"finish_reason":"stop"}],"model":"m-1"}"#),
        json(
            200,
            r#"{"created":1.5,"choices":[{"message":{"content":[{"text":"do"},{"text":"ne"}]}}],"usage":{"prompt_tokens":3}}"#,
        ),
        json(200, "\n\n  {\"choices\":[{\"message\":{\"content\":\"kept alive\"},\"finish_reason\":\"length\"}]}"),
        json(200, r#"{"error":{"message":"upstream fell over","code":502}}"#),
        json(200, r#"{"error":{"message":"prompt is too long: 9 tokens > 8 maximum"}}"#),
        json(200, r#"{"choices":[]}"#),
        json(200, r#"{"choices":[{"mess"#),
        json(200, "data: {\"choices\":[]}\n\n"),
        ResponseTemplate::new(200).set_body_raw(html, "text/html"),
        ResponseTemplate::new(200),
        json(200, "\"\u{fffd}\""),
        json(
            400,
            r#"{"error":{"code":400,"message":"request (9030 tokens) exceeds the available context size (8192 tokens), try increasing it","type":"exceed_context_size_error","n_prompt_tokens":9030,"n_ctx":8192}}"#,
        ),
        json(401, r#"{"error":{"message":"Incorrect API key provided: sk-very-secret-key","code":"invalid_api_key"}}"#),
        json(404, r#"{"error":{"message":"model \"m\" not found"}}"#),
        json(404, "404 page not found"),
        json(429, r#"{"error":{"message":"slow down"}}"#).insert_header("retry-after", "7"),
        json(429, r#"{"error":{"message":"no money","type":"insufficient_quota"}}"#),
        json(500, r#"{"error":{"message":"boom","code":500}}"#),
        ResponseTemplate::new(502).set_body_raw("<html><title>502 Bad Gateway</title></html>", "text/html"),
        ResponseTemplate::new(503),
        ResponseTemplate::new(307).insert_header("location", "https://elsewhere.example/v1"),
    ];
    let mut said = Vec::new();
    for answer in answers {
        said.push(one(answer).await);
    }
    insta::assert_snapshot!(said.join("\n"), @r#"
    "done" Stop m-1
    "done" Other("") m
    "kept alive" Length m
    URL answers with status 502: upstream fell over
    the request does not fit the model's context window: prompt is too long: 9 tokens > 8 maximum
    URL sent a reply that cannot be read: its list of choices is empty
    URL sent a reply that cannot be read: it is not JSON (EOF while parsing a string at line 1 column 18): it begins with "{\"choices\":[{\"mess"
    URL sent a reply that cannot be read: it is a stream of events, though none was asked for
    URL sent a reply that cannot be read: it is not JSON (expected value at line 1 column 1): it begins with "<html><head><title>Sign in</title></head></html>"
    URL sent a reply that cannot be read: it is not JSON (EOF while parsing a value at line 1 column 0): it begins with ""
    URL sent a reply that cannot be read: it has no list of choices
    the request does not fit the model's context window: request (9030 tokens) exceeds the available context size (8192 tokens), try increasing it
    URL refuses the API key (status 401): Incorrect API key provided: [redacted]
    URL does not know the model "m": model "m" not found
    URL answers with status 404: 404 page not found
    URL limits the rate (status 429): slow down
    URL wants payment (status 429): no money
    URL answers with status 500: boom
    URL answers with status 502: an HTML page, 502 Bad Gateway
    URL answers with status 503: no message
    URL answers with status 307: it redirects to https://elsewhere.example/v1
    "#);
}

/// Listens on a free port of this machine, sends `answer` to the first who connects, and keeps the line open or not.
fn raw_server(answer: &'static str, keep_open: bool) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut read = [0; 4096];
        let mut request = Vec::new();
        // Hanging up before the whole request is read would reset the connection.
        while !request.ends_with(b"}") {
            let count = stream.read(&mut read).unwrap();
            request.extend_from_slice(&read[..count]);
        }
        stream.write_all(answer.as_bytes()).unwrap();
        if keep_open {
            // Ends when the other side hangs up.
            while stream.read(&mut read).is_ok_and(|count| count > 0) {}
        }
    });
    format!("http://{address}/v1")
}

#[tokio::test]
async fn broken_connections_are_told_apart() {
    let refused = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}/v1", listener.local_addr().unwrap())
    };
    let plain_text = MockServer::start().await;
    let cut = raw_server("HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{\"choices\":", false);
    let said = [
        ask(&refused).await,
        ask(&cut).await,
        ask(&raw_server("", false)).await,
        ask(&plain_text.uri().replace("http:", "https:")).await,
        ask(&raw_server("SSH-2.0-OpenSSH_9.6\r\n", false)).await,
    ];
    insta::assert_snapshot!(said.join("\n"), @r"
    URL cannot be reached: Connection refused (os error 111)
    URL cannot be reached: the connection ended within the reply
    URL cannot be reached: connection closed before message completed
    URL cannot be reached: received corrupt message of type InvalidContentType
    URL cannot be reached: invalid HTTP version parsed
    ");
}

#[tokio::test]
async fn a_server_that_does_not_finish_runs_out_of_time() {
    let base_url = raw_server("HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{", true);
    let model = adapter(&base_url, Duration::from_millis(200));
    let error = model.complete(&request(), &CancellationToken::new()).await.unwrap_err();
    assert!(matches!(&error, LlmError::TimedOut { after, .. } if *after == Duration::from_millis(200)), "{error:?}");
}

#[tokio::test]
async fn a_cancelled_call_ends_without_its_answer() {
    let base_url = raw_server("HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{", true);
    let model = adapter(&base_url, Duration::from_secs(600));
    let cancel = CancellationToken::new();
    let request = request();
    let (answer, ()) = tokio::join!(model.complete(&request, &cancel), async { cancel.cancel() });
    assert!(matches!(answer, Err(LlmError::Cancelled)), "{answer:?}");
}

#[test]
fn what_cannot_be_sent_is_refused_without_a_panic() {
    let check = |base_url: &str, key: &str, model: &str| {
        let key = Some(Secret::new(key));
        let endpoint = Endpoint { base_url: base_url.to_owned(), key, model: model.to_owned() };
        OpenAi::new(&endpoint, OpenAiSettings::default())
            .map_or_else(|error| error.to_string(), |_| "accepted".to_owned())
    };
    let said = [
        check("https://example.org/v1", "sk-1234567890", "m"),
        check("https://example.org/v1", "sk-1234567890\n", "m"),
        check("https://example.org/v1", "sk-\u{0}", "m"),
        check("https://example.org/v1", "schlüssel", "m"),
        check("https://example.org/v1", "", "m"),
        check("https://example.org/v1", "sk", " "),
        check("file:///etc/passwd", "sk", "m"),
    ];
    insta::assert_snapshot!(said.join("\n"), @r"
    accepted
    model settings: the API key holds a space, a line break or another character that no key has, often at its end
    model settings: the API key holds a space, a line break or another character that no key has, often at its end
    model settings: the API key holds a space, a line break or another character that no key has, often at its end
    model settings: the API key is empty
    model settings: the model's name is empty
    model settings: the base URL must begin with http:// or https://
    ");
}

#[tokio::test]
async fn the_list_of_models_comes_from_one_request() {
    let server = MockServer::start().await;
    Mock::given(method("GET"))
        .and(path("/v1/models"))
        .and(header("authorization", "Bearer sk-very-secret-key"))
        .respond_with(json(200, r#"{"data":[{"id":"qwen","owned_by":"llamacpp","meta":{"n_ctx":8192}}]}"#))
        .expect(1)
        .mount(&server)
        .await;
    let key = Secret::new(KEY);
    let listed = list_models(&format!("{}/v1/", server.uri()), Some(&key), Duration::from_secs(20)).await.unwrap();
    let expected =
        ListedModel { id: "qwen".to_owned(), context_window_tokens: Some(8192), owned_by: Some("llamacpp".to_owned()) };
    assert_eq!(listed, [expected]);
}
