use super::*;
use crate::secret::Secret;

fn asked() -> Asked {
    Asked {
        endpoint: "http://host/v1".to_owned(),
        model: "m".to_owned(),
        redactor: Redactor::new(&[Secret::new("very-secret-key")]),
    }
}

fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
}

#[test]
fn every_shape_of_refusal_is_understood() {
    let check = |status: u16, body: &str| format!("{:?}", asked().refusal(status, &HeaderMap::new(), body));
    let table = [
        (
            400,
            r#"{"error":{"message":"maximum context length is 8,192 tokens. However","type":"invalid_request_error","param":"messages","code":"context_length_exceeded"}}"#,
        ),
        (
            400,
            r#"{"error":{"code":400,"message":"request (9030 tokens) exceeds the available context size (8192 tokens)","type":"exceed_context_size_error","n_prompt_tokens":9030,"n_ctx":8192}}"#,
        ),
        (400, r#"{"object":"error","message":"This model's maximum context length is 4096 tokens.","code":40303}"#),
        (
            400,
            r#"{"error":{"type":"invalid_request_error","message":"prompt is too long: 210000 tokens > 200000 maximum"}}"#,
        ),
        (
            400,
            r#"[{"error":{"code":400,"message":"The input token count (70) exceeds the maximum number of tokens allowed (64)."}}]"#,
        ),
        (400, r#"{"error":{"message":"bad","code":400}}"#),
        (401, r#"{"error":{"message":"Incorrect API key provided: very-secret-key."}}"#),
        (403, "forbidden"),
        (402, r#"{"error":{"message":"Insufficient credits","code":402}}"#),
        (
            429,
            r#"{"error":{"message":"You exceeded your current quota","type":"insufficient_quota","code":"insufficient_quota"}}"#,
        ),
        (429, r#"{"message":"slow down"}"#),
        (404, r#"{"error":{"message":"model \"x\" not found, try pulling it first","type":"api_error"}}"#),
        (404, r#"{"error":{"message":"File Not Found","type":"not_found_error","code":404}}"#),
        (400, r#"{"error":{"message":"nope","code":"model_not_found"}}"#),
        (422, r#"{"detail":[{"msg":"field required"}]}"#),
        (500, r#"{"error":"out of memory"}"#),
        (502, "<!DOCTYPE html><html><head><title>502 Bad\nGateway</title></head><body>x</body></html>"),
        (503, ""),
        (400, r#"[{"error":{"code":400,"message":"API key not valid","status":"INVALID_ARGUMENT"}}]"#),
    ];
    let said: Vec<String> = table.iter().map(|(status, body)| check(*status, body)).collect();
    insta::assert_snapshot!(said.join("\n"), @r#"
    ContextTooLong { message: "maximum context length is 8,192 tokens. However", window_tokens: Some(8192) }
    ContextTooLong { message: "request (9030 tokens) exceeds the available context size (8192 tokens)", window_tokens: Some(8192) }
    ContextTooLong { message: "This model's maximum context length is 4096 tokens.", window_tokens: Some(4096) }
    ContextTooLong { message: "prompt is too long: 210000 tokens > 200000 maximum", window_tokens: Some(200000) }
    ContextTooLong { message: "The input token count (70) exceeds the maximum number of tokens allowed (64).", window_tokens: Some(64) }
    Status { endpoint: "http://host/v1", status: 400, message: "bad", retry_after: None }
    Unauthorized { endpoint: "http://host/v1", status: 401, message: "Incorrect API key provided: [redacted]." }
    Unauthorized { endpoint: "http://host/v1", status: 403, message: "forbidden" }
    OutOfCredit { endpoint: "http://host/v1", status: 402, message: "Insufficient credits" }
    OutOfCredit { endpoint: "http://host/v1", status: 429, message: "You exceeded your current quota" }
    RateLimited { endpoint: "http://host/v1", message: "slow down", retry_after: None }
    UnknownModel { endpoint: "http://host/v1", model: "m", message: "model \"x\" not found, try pulling it first" }
    Status { endpoint: "http://host/v1", status: 404, message: "File Not Found", retry_after: None }
    UnknownModel { endpoint: "http://host/v1", model: "m", message: "nope" }
    Status { endpoint: "http://host/v1", status: 422, message: "[{\"msg\":\"field required\"}]", retry_after: None }
    Status { endpoint: "http://host/v1", status: 500, message: "out of memory", retry_after: None }
    Status { endpoint: "http://host/v1", status: 502, message: "an HTML page, 502 Bad Gateway", retry_after: None }
    Status { endpoint: "http://host/v1", status: 503, message: "no message", retry_after: None }
    Status { endpoint: "http://host/v1", status: 400, message: "API key not valid", retry_after: None }
    "#);
}

#[test]
fn an_error_in_a_success_is_found() {
    let check = |body: &str| {
        let body: Value = serde_json::from_str(body).unwrap();
        format!("{:?}", asked().error_in_success(&body, &HeaderMap::new()))
    };
    let said = [
        check(r#"{"error":{"message":"upstream is overloaded","code":502}}"#),
        check(r#"{"error":{"message":"slow down","code":"429"}}"#),
        check(r#"{"error":"no such thing"}"#),
        check(r#"{"error":null,"choices":[]}"#),
        check(r#"{"error":{"code":502},"choices":[{"message":{"content":"half"},"finish_reason":"error"}]}"#),
    ];
    insta::assert_snapshot!(said.join("\n"), @r#"
    Some(Status { endpoint: "http://host/v1", status: 502, message: "upstream is overloaded", retry_after: None })
    Some(RateLimited { endpoint: "http://host/v1", message: "slow down", retry_after: None })
    Some(Status { endpoint: "http://host/v1", status: 200, message: "no such thing", retry_after: None })
    None
    None
    "#);
}

#[test]
fn how_long_to_wait_is_read_in_all_its_forms() {
    let check = |pairs: &[(&'static str, &str)], expected: Option<f64>| {
        assert_eq!(retry_after(&headers(pairs)).map(|wait| wait.as_secs_f64()), expected, "{pairs:?}");
    };
    check(&[], None);
    check(&[("retry-after", "7")], Some(7.0));
    check(&[("retry-after", "0.5")], Some(0.5));
    check(&[("retry-after-ms", "250"), ("retry-after", "7")], Some(0.25));
    check(&[("retry-after", "-1")], None);
    check(&[("retry-after", "NaN")], None);
    check(&[("retry-after", "soon")], None);
    let date = "Sun, 06 Nov 1994 08:49:37 GMT";
    check(&[("retry-after", "Sun, 06 Nov 1994 08:50:07 GMT"), ("date", date)], Some(30.0));
    check(&[("retry-after", "Sun, 06 Nov 1994 08:00:00 GMT"), ("date", date)], Some(0.0));
    check(&[("retry-after", "Sun, 06 Nov 1994 08:50:07 GMT")], None);
}

#[test]
fn a_servers_words_are_capped_and_cannot_steer_a_terminal() {
    let long = asked().clean(&"é".repeat(900));
    assert_eq!(long.chars().count(), MESSAGE_CHARS + 3);
    assert_eq!(asked().clean("a\u{1b}[31m\r\nb\u{202e}c very-secret-key"), "a [31m b c [redacted]");
    assert_eq!(asked().clean(" \n "), "no message");
}
