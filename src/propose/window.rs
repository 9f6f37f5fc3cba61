//! The window of the model: what fits, what is shortened first, how a cut answer is gone on with.

use crate::llm::{Message, Role, message_tokens};

/// A result of a tool longer than this many characters is shortened when the window is full.
const SHORT_CHARS: usize = 600;
/// When the window is full, it is emptied to this part of it, in hundredths: shortening breaks the server's cache of what it
/// has read, and must not happen at every call.
const EMPTIED_TO: u64 = 60;
/// The longest overlap of two parts of an answer that is looked for, in characters.
const LONGEST_OVERLAP: usize = 2_000;
/// The shortest overlap that is no accident, in characters.
const SHORTEST_OVERLAP: usize = 16;

/// Tells whether the messages have at most `room` tokens.
pub(super) fn holds(messages: &[Message], room: u64) -> bool {
    messages.iter().map(message_tokens).sum::<u64>() <= room
}

/// Shortens what tools gave, oldest first, until the messages have `room` again; then leaves it out but for its first line.
///
/// The first `kept` messages and the last two stay as they are. Tells whether it was enough.
pub(super) fn fit(messages: &mut [Message], kept: usize, room: u64) -> bool {
    if holds(messages, room) {
        return true;
    }
    let wanted = room * EMPTIED_TO / 100;
    let last = messages.len().saturating_sub(2);
    for shorten in [shortened, first_line] {
        for at in kept..last {
            if holds(messages, wanted) {
                return true;
            }
            let message = &mut messages[at];
            match message.role {
                Role::Tool => message.content = shorten(&message.content),
                Role::Assistant => {
                    message.content = shorten(&message.content);
                    for call in &mut message.calls {
                        call.arguments = shortened_arguments(&call.arguments);
                    }
                }
                Role::System | Role::User => {}
            }
        }
    }
    holds(messages, room)
}

/// Keeps the beginning and the end of a text.
pub(super) fn shortened(text: &str) -> String {
    let count = text.chars().count();
    if count <= SHORT_CHARS {
        return text.to_owned();
    }
    let head: String = text.chars().take(SHORT_CHARS / 2).collect();
    let tail: String = text.chars().skip(count - SHORT_CHARS / 4).collect();
    format!("{head}\n[{} characters left out]\n{tail}", count - SHORT_CHARS / 2 - SHORT_CHARS / 4)
}

fn first_line(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    let short: String = line.chars().take(120).collect();
    if text.len() <= short.len() + 40 { text.to_owned() } else { format!("{short}\n[the rest was left out]") }
}

/// Shortens the texts in the arguments of a call, which must stay JSON.
fn shortened_arguments(arguments: &str) -> String {
    let Ok(serde_json::Value::Object(mut map)) = serde_json::from_str(arguments) else { return "{}".to_owned() };
    for value in map.values_mut() {
        if let Some(text) = value.as_str().filter(|text| text.chars().count() > SHORT_CHARS) {
            *value = serde_json::Value::String(shortened(text));
        }
    }
    serde_json::Value::Object(map).to_string()
}

/// Puts the two parts of an answer together; what the second repeats of the first is taken once.
pub(super) fn joined(first: &str, second: &str) -> String {
    let chars: Vec<(usize, char)> = first.char_indices().collect();
    let longest = chars.len().min(LONGEST_OVERLAP);
    for length in (SHORTEST_OVERLAP..=longest).rev() {
        let tail = &first[chars[chars.len() - length].0..];
        if let Some(rest) = second.strip_prefix(tail) {
            return format!("{first}{rest}");
        }
    }
    // A model that opens its fence anew does not mean another one.
    let fences = first.lines().filter(|line| line.trim_start().starts_with("```")).count();
    let rest = match second.trim_start().split_once('\n') {
        Some((line, rest)) if fences % 2 == 1 && line.starts_with("```") && !first.ends_with('\n') => rest,
        _ => second,
    };
    format!("{first}{rest}")
}

/// Tells whether the end of a text only repeats itself.
pub(super) fn runs_in_circles(text: &str) -> bool {
    let tail: Vec<char> = text.chars().rev().take(600).collect();
    (1..=100).any(|period| {
        let repeated = tail.iter().zip(tail.iter().skip(period)).take_while(|(a, b)| a == b).count();
        repeated >= (period * 4).max(120)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::llm::ToolCall;

    #[test]
    fn the_parts_of_an_answer_are_put_together() {
        for (first, second, whole) in [
            ("def f():\n    retu", "rn 1\n", "def f():\n    return 1\n"),
            ("x\ndef function_one():\n", "def function_one():\n    pass\n", "x\ndef function_one():\n    pass\n"),
            ("```\na = ", "```\n1\n```", "```\na = 1\n```"),
            ("a", "", "a"),
        ] {
            assert_eq!(joined(first, second), whole, "{first:?} {second:?}");
        }
    }

    #[test]
    fn an_answer_without_end_is_known() {
        assert!(runs_in_circles(&format!("Sure.\n{}", "    pass\n".repeat(40))));
        assert!(runs_in_circles(&"a".repeat(300)));
        assert!(!runs_in_circles(&(0..200).map(|n| format!("line {n}\n")).collect::<String>()));
        assert!(!runs_in_circles("short"));
    }

    #[test]
    fn old_results_are_shortened_first_and_the_first_messages_stay() {
        let long = |word: &str| format!("{word}\n{}", "some words of a file\n".repeat(300));
        let call = ToolCall {
            id: "1".to_owned(),
            name: "edit".to_owned(),
            arguments: serde_json::json!({ "path": "a", "new_str": long("new") }).to_string(),
            extra: None,
        };
        let mut messages = vec![
            Message::new(Role::System, long("system")),
            Message::new(Role::User, long("task")),
            Message { calls: vec![call], ..Message::new(Role::Assistant, "") },
            Message::of_tool("1", long("first")),
            Message::new(Role::Assistant, ""),
            Message::of_tool("2", long("second")),
            Message::new(Role::Assistant, ""),
            Message::of_tool("3", long("third")),
        ];
        let before = messages.clone();
        let all: u64 = messages.iter().map(message_tokens).sum();
        assert!(fit(&mut messages, 2, all) && messages == before, "nothing is shortened where there is room");
        assert!(fit(&mut messages, 2, all * 9 / 10));
        assert_eq!(messages[..2], before[..2]);
        assert_eq!(messages[7], before[7]);
        assert!(messages[3].content.contains("left out"));
        let arguments: serde_json::Value = serde_json::from_str(&messages[2].calls[0].arguments).expect("still JSON");
        assert!(arguments["path"] == "a" && arguments["new_str"].as_str().expect("text").contains("left out"));
        assert!(!fit(&mut messages, 2, 10), "what must stay is too much");
    }
}
