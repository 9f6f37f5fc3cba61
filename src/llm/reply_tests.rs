use super::*;
use crate::llm::{Message, Role};

fn request() -> Request {
    let messages = vec![Message::new(Role::System, "You fix bugs."), Message::new(Role::User, "Fix it.")];
    Request { messages, max_output_tokens: 100, temperature: None, seed: None, ..Request::default() }
}

/// Writes a reply on one line; `server` or `own` is who counted.
fn show(body: &str) -> String {
    let body: Value = serde_json::from_str(body).unwrap();
    match read(&body, "asked", &request()) {
        Ok(Reply { text, finish, usage, model, .. }) => {
            let by = if usage.counted_by == CountedBy::Server { "server" } else { "own" };
            let (input, cached, output) = (usage.input_tokens, usage.cached_input_tokens, usage.output_tokens);
            format!("{text:?} {finish:?} {input}/{cached}/{output} {by} {model}")
        }
        Err(reason) => format!("error: {reason}"),
    }
}

#[test]
fn a_text_at_which_an_answer_ends_does_not_belong_to_it() {
    let body = serde_json::json!({ "choices": [{ "message": { "content": "one END two User:" }, "finish_reason": "length" }] });
    let read = |stop: &[&str]| {
        let stop = stop.iter().map(|text| (*text).to_owned()).collect();
        let reply = read(&body, "asked", &Request { stop, ..request() }).unwrap();
        (reply.text, reply.finish)
    };
    assert_eq!(read(&["User:", "END"]), ("one ".to_owned(), Finish::Stop));
    assert_eq!(read(&["three"]), ("one END two User:".to_owned(), Finish::Length));
}

#[test]
fn every_shape_of_reply_is_read() {
    let bodies = [
        // The whole of OpenAI's object.
        r#"{"id":"x","object":"chat.completion","created":1,"model":"m-1","choices":[{"index":0,"message":{"role":"assistant","content":"hi"},"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":20,"completion_tokens":3,"total_tokens":23,"prompt_tokens_details":{"cached_tokens":5}},"service_tier":"default"}"#,
        // No id, object, created, model, index, role or usage.
        r#"{"choices":[{"message":{"content":"hi"},"finish_reason":"stop"}]}"#,
        // Fields of other types.
        r#"{"id":7,"object":null,"created":1.5,"model":null,"service_tier":"on_demand","choices":[{"index":"0","message":{"role":"bot","content":"hi"},"finish_reason":"stop"}]}"#,
        // Finish reasons.
        r#"{"choices":[{"message":{"content":"hi"},"finish_reason":"length"}]}"#,
        r#"{"choices":[{"message":{"content":"hi"},"finish_reason":"end_turn"}]}"#,
        r#"{"choices":[{"message":{"content":"hi"},"finish_reason":"content_filter"}]}"#,
        r#"{"choices":[{"message":{"content":"hi"},"finish_reason":"insufficient_system_resource"}]}"#,
        r#"{"choices":[{"message":{"content":"hi"},"finish_reason":null}]}"#,
        r#"{"choices":[{"message":{"content":"hi"}}]}"#,
        r#"{"choices":[{"message":{"content":"hi"},"finish_reason":7}]}"#,
        // Contents.
        r#"{"choices":[{"message":{"content":[{"type":"text","text":"a"},{"type":"text","text":{"value":"b"}},"c",7]},"finish_reason":"stop"}]}"#,
        r#"{"choices":[{"message":{"content":null},"finish_reason":"stop"}]}"#,
        r#"{"choices":[{"message":{"content":null,"refusal":"I will not"},"finish_reason":"stop"}]}"#,
        r#"{"choices":[{"message":{"content":"","reasoning_content":"hm"},"finish_reason":"length"}]}"#,
        r#"{"choices":[{"message":{"role":"assistant","tool_calls":[{"function":{"name":"f","arguments":{"a":1}}}]},"finish_reason":"tool_calls"}]}"#,
        r#"{"choices":[{"text":"old style","finish_reason":"stop"}]}"#,
        // Usages.
        r#"{"choices":[{"message":{"content":"hi"}}],"usage":{"prompt_tokens":20,"completion_tokens":3}}"#,
        r#"{"choices":[{"message":{"content":"hi"}}],"usage":{"prompt_tokens":20.0,"completion_tokens":3.0}}"#,
        r#"{"choices":[{"message":{"content":"hi"}}],"usage":{"input_tokens":20,"output_tokens":3,"cache_read_input_tokens":99}}"#,
        r#"{"choices":[{"message":{"content":"hi"}}],"usage":{"prompt_tokens":20,"completion_tokens":3,"prompt_cache_hit_tokens":8}}"#,
        r#"{"choices":[{"message":{"content":"hi"}}],"usage":{"prompt_tokens":20,"completion_tokens":0}}"#,
        r#"{"choices":[{"message":{"content":"hi"}}],"usage":{"prompt_tokens":0,"completion_tokens":3}}"#,
        r#"{"choices":[{"message":{"content":"hi"}}],"usage":{"prompt_tokens":-1,"completion_tokens":3}}"#,
        r#"{"choices":[{"message":{"content":"hi"}}],"usage":{"prompt_tokens":18446744073709551615,"completion_tokens":3}}"#,
        r#"{"choices":[{"message":{"content":"hi"}}],"usage":"many"}"#,
        r#"{"choices":[{"message":{"content":""}}],"usage":{"prompt_tokens":20,"completion_tokens":0}}"#,
        // No reply at all.
        r#"{"choices":[]}"#,
        r#"{"choices":null}"#,
        r#"{"choices":[{}]}"#,
        r#"{}"#,
        r#"[]"#,
    ];
    let shown: Vec<String> = bodies.iter().map(|body| show(body)).collect();
    insta::assert_snapshot!(shown.join("\n"), @r#"
    "hi" Stop 20/5/3 server m-1
    "hi" Stop 15/0/1 own asked
    "hi" Stop 15/0/1 own asked
    "hi" Length 15/0/1 own asked
    "hi" Stop 15/0/1 own asked
    "hi" ContentFilter 15/0/1 own asked
    "hi" Other("insufficient_system_resource") 15/0/1 own asked
    "hi" Other("") 15/0/1 own asked
    "hi" Other("") 15/0/1 own asked
    "hi" Other("") 15/0/1 own asked
    "abc" Stop 15/0/1 own asked
    "" Stop 15/0/0 own asked
    "I will not" ContentFilter 15/0/3 own asked
    "" Length 15/0/0 own asked
    "" Stop 15/0/9 own asked
    "old style" Stop 15/0/2 own asked
    "hi" Other("") 20/0/3 server asked
    "hi" Other("") 20/0/3 server asked
    "hi" Other("") 20/20/3 server asked
    "hi" Other("") 20/8/3 server asked
    "hi" Other("") 15/0/1 own asked
    "hi" Other("") 15/0/1 own asked
    "hi" Other("") 15/0/1 own asked
    "hi" Other("") 15/0/1 own asked
    "hi" Other("") 15/0/1 own asked
    "" Other("") 20/0/0 server asked
    error: its list of choices is empty
    error: it has no list of choices
    error: its first choice has neither message nor text
    error: it has no list of choices
    error: it has no list of choices
    "#);
}

#[test]
fn our_own_count_covers_every_message_and_its_frame() {
    let own = counted_here(&request(), "done", &[]);
    let texts: usize = request().messages.iter().map(|message| tokens::count(&message.content)).sum();
    assert_eq!((own.input_tokens, own.output_tokens), (texts as u64 + 8, tokens::count("done") as u64));
}
