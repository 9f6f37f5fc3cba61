use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use wiremock::matchers::{body_partial_json, header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::*;
use crate::llm::{Finish, ListedModel, Picture, ToolCall, list_models};

const KEY: &str = "sk-very-secret-key";

fn request() -> Request {
    let messages = vec![Message::new(Role::System, "You fix bugs."), Message::new(Role::User, "Fix it.")];
    Request { messages, max_output_tokens: 100, temperature: Some(0.5), seed: Some(7), ..Request::default() }
}

fn adapter(base_url: &str, reply_timeout: Duration) -> OpenAi {
    let endpoint = Endpoint { base_url: base_url.to_owned(), key: Some(Secret::new(KEY)), model: "m".to_owned() };
    OpenAi::new(&endpoint, OpenAiSettings { reply_timeout, ..OpenAiSettings::default() }).unwrap()
}

/// Asks `base_url` once and writes what came on one line, with the address replaced.
async fn ask(base_url: &str) -> String {
    let model = adapter(base_url, Duration::from_secs(20));
    let said = match model.complete(&request(), &CancellationToken::new()).await {
        Ok(reply) => format!("{:?} {:?} {}", reply.text, reply.finish, reply.model),
        Err(error) => error.to_string(),
    };
    said.replace(base_url, "URL")
}

/// Answers once with `template`, and checks that exactly one request came.
async fn one(template: ResponseTemplate) -> String {
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

fn json(status: u16, body: &str) -> ResponseTemplate {
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

#[tokio::test]
async fn the_request_holds_what_was_asked_and_nothing_else() {
    let server = MockServer::start().await;
    Mock::given(method("POST")).respond_with(json(200, r#"{"choices":[{"text":""}]}"#)).mount(&server).await;
    ask(&server.uri()).await;
    let sent = server.received_requests().await.unwrap();
    assert_eq!(sent.len(), 1);
    insta::assert_snapshot!(String::from_utf8_lossy(&sent[0].body), @r#"{"model":"m","messages":[{"role":"system","content":"You fix bugs."},{"role":"user","content":"Fix it."}],"max_tokens":100,"temperature":0.5,"seed":7,"stream":false}"#);
    let names: Vec<&str> =
        sent[0].headers.keys().map(http::HeaderName::as_str).filter(|name| *name != "host").collect();
    insta::assert_snapshot!(names.join(" "), @"authorization content-type accept user-agent content-length");
}

#[tokio::test]
async fn without_a_key_no_authorization_is_sent() {
    let server = MockServer::start().await;
    Mock::given(method("POST")).respond_with(json(200, r#"{"choices":[{"text":"ok"}]}"#)).mount(&server).await;
    let endpoint = Endpoint { base_url: server.uri(), key: None, model: "m".to_owned() };
    let model = OpenAi::new(&endpoint, OpenAiSettings::default()).unwrap();
    model.complete(&request(), &CancellationToken::new()).await.unwrap();
    let sent = server.received_requests().await.unwrap();
    assert_eq!(sent.iter().map(|request| request.headers.contains_key("authorization")).collect::<Vec<_>>(), [false]);
}

#[tokio::test]
async fn refused_parameters_are_left_out_from_then_on() {
    let server = MockServer::start().await;
    let refuse = |parameter: &str, words: &str| {
        Mock::given(body_partial_json(serde_json::from_str::<Value>(parameter).unwrap()))
            .respond_with(json(400, &serde_json::json!({"error": {"message": words}}).to_string()))
            .expect(1)
    };
    let words =
        "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.";
    refuse(r#"{"max_tokens":100}"#, words).mount(&server).await;
    let words = "Unsupported value: 'temperature' does not support 0.5 with this model.";
    refuse(r#"{"temperature":0.5}"#, words).mount(&server).await;
    refuse(r#"{"seed":7}"#, "seed: Extra inputs are not permitted").mount(&server).await;
    Mock::given(body_partial_json(serde_json::json!({"max_completion_tokens": 100})))
        .respond_with(json(200, r#"{"choices":[{"text":"ok"}]}"#))
        .expect(2)
        .mount(&server)
        .await;
    let model = adapter(&server.uri(), Duration::from_secs(20));
    for _ in 0..2 {
        assert_eq!(model.complete(&request(), &CancellationToken::new()).await.unwrap().text, "ok");
    }
}

#[tokio::test]
async fn texts_at_which_an_answer_ends_are_sent_and_left_out_where_they_are_refused() {
    let server = MockServer::start().await;
    let words = "Unsupported parameter: 'stop' is not supported with this model.";
    Mock::given(body_partial_json(serde_json::json!({"stop": ["END"]})))
        .respond_with(json(400, &serde_json::json!({"error": {"message": words}}).to_string()))
        .expect(1)
        .mount(&server)
        .await;
    let whole = r#"{"choices":[{"text":"one END two"}]}"#;
    Mock::given(method("POST")).respond_with(json(200, whole)).expect(2).mount(&server).await;
    let model = adapter(&server.uri(), Duration::from_secs(20));
    let request = Request { stop: vec!["END".to_owned()], ..request() };
    for _ in 0..2 {
        assert_eq!(model.complete(&request, &CancellationToken::new()).await.unwrap().text, "one ");
    }
}

#[tokio::test]
async fn a_refusal_that_only_mentions_a_parameter_is_final() {
    let words = "max_tokens is too large: 100. This model supports at most 50 completion tokens";
    let body = serde_json::json!({"error": {"message": words}}).to_string();
    insta::assert_snapshot!(one(json(400, &body)).await, @"URL answers with status 400: max_tokens is too large: 100. This model supports at most 50 completion tokens");
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

#[tokio::test]
async fn tools_calls_pictures_and_forms_go_over_the_wire_as_the_api_wants_them() {
    let server = MockServer::start().await;
    let answer = r#"{"choices":[{"message":{"content":null,"tool_calls":[
        {"id":"c1","type":"function","function":{"name":"read","arguments":"{\"path\":\"a\"}"}},
        {"function":{"name":"finish","arguments":{"summary":"s"}}},
        {"function":{"arguments":"{}"}}]},"finish_reason":"tool_calls"}]}"#;
    Mock::given(method("POST")).respond_with(json(200, answer)).expect(1).mount(&server).await;
    let call = ToolCall { id: "c0".to_owned(), name: "read".to_owned(), arguments: "{}".to_owned(), extra: None };
    let picture = Picture { media_type: "image/png".to_owned(), base64: "AAAA".to_owned() };
    let tool = Tool { name: "read".to_owned(), description: "d".to_owned(), parameters: serde_json::json!({}) };
    let request = Request {
        messages: vec![
            Message { pictures: vec![picture], ..Message::new(Role::User, "see") },
            Message { calls: vec![call], ..Message::new(Role::Assistant, "") },
            Message::of_tool("c0", "text"),
        ],
        tools: vec![tool],
        form: Some(Form::JsonSchema { name: "plan".to_owned(), schema: serde_json::json!({"type": "object"}) }),
        effort: Some(Effort::Low),
        ..request()
    };
    let model = adapter(&format!("{}/v1", server.uri()), Duration::from_secs(20));
    let reply = model.complete(&request, &CancellationToken::new()).await.unwrap();
    let calls: Vec<_> =
        reply.calls.iter().map(|call| (call.id.as_str(), call.name.as_str(), call.arguments.as_str())).collect();
    assert_eq!(calls, [("c1", "read", "{\"path\":\"a\"}"), ("call_1", "finish", "{\"summary\":\"s\"}")]);
    assert_eq!(reply.finish, Finish::Stop);
    let sent: Value = serde_json::from_slice(&server.received_requests().await.unwrap()[0].body).unwrap();
    insta::assert_json_snapshot!(sent, @r#"
    {
      "model": "m",
      "messages": [
        {
          "role": "user",
          "content": [
            {
              "type": "text",
              "text": "see"
            },
            {
              "type": "image_url",
              "image_url": {
                "url": "data:image/png;base64,AAAA"
              }
            }
          ]
        },
        {
          "role": "assistant",
          "content": "",
          "tool_calls": [
            {
              "id": "c0",
              "type": "function",
              "function": {
                "name": "read",
                "arguments": "{}"
              }
            }
          ]
        },
        {
          "role": "tool",
          "content": "text",
          "tool_call_id": "c0"
        }
      ],
      "tools": [
        {
          "type": "function",
          "function": {
            "name": "read",
            "description": "d",
            "parameters": {},
            "strict": true
          }
        }
      ],
      "response_format": {
        "type": "json_schema",
        "json_schema": {
          "name": "plan",
          "schema": {
            "type": "object"
          },
          "strict": true
        }
      },
      "reasoning_effort": "low",
      "max_tokens": 100,
      "temperature": 0.5,
      "seed": 7,
      "stream": false
    }
    "#);
}

#[tokio::test]
async fn a_form_that_the_server_does_not_know_is_left_out_and_tools_that_it_does_not_take_are_an_error() {
    let server = MockServer::start().await;
    let ok = r#"{"choices":[{"message":{"content":"x"},"finish_reason":"stop"}]}"#;
    let refused =
        r#"{"error":{"message":"Unsupported parameter: 'response_format' is not supported with this model."}}"#;
    Mock::given(body_partial_json(serde_json::json!({"response_format": {"type": "json_object"}})))
        .respond_with(json(400, refused))
        .expect(1)
        .with_priority(1)
        .mount(&server)
        .await;
    let no_tools = r#"{"error":{"message":"registry.ollama.ai/library/x does not support tools"}}"#;
    Mock::given(body_partial_json(serde_json::json!({"tools": [{"type": "function"}]})))
        .respond_with(json(400, no_tools))
        .expect(1)
        .with_priority(2)
        .mount(&server)
        .await;
    Mock::given(method("POST")).respond_with(json(200, ok)).mount(&server).await;
    let model = adapter(&format!("{}/v1", server.uri()), Duration::from_secs(20));
    let ask = |request: Request| {
        let model = &model;
        async move { model.complete(&request, &CancellationToken::new()).await }
    };
    for _ in 0..2 {
        assert_eq!(ask(Request { form: Some(Form::JsonObject), ..request() }).await.unwrap().text, "x");
    }
    let tool = Tool { name: "read".to_owned(), description: String::new(), parameters: serde_json::json!({}) };
    let error = ask(Request { tools: vec![tool], ..request() }).await.unwrap_err();
    assert!(matches!(error, LlmError::NoTools { .. }), "{error}");
}
