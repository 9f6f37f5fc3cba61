//! What goes over the wire, and what is left out of it once the server has refused it.

use wiremock::matchers::{body_partial_json, method};
use wiremock::{Mock, MockServer};

use super::tests::{adapter, ask, json, one, request};
use super::*;
use crate::llm::{Finish, Picture, ToolCall};

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
