//! The window of the model: what fits, what is shortened first, how a cut answer is gone on with.

use crate::llm::{Message, Role, message_tokens};

/// A result of a tool longer than this many characters is shortened when the window is full.
const SHORT_CHARS: usize = 600;
/// When the window is full, it is emptied to this part of it, in hundredths: shortening breaks the server's cache of what it
/// has read, and must not happen at every call.
const EMPTIED_TO: u64 = 60;
/// The lines that are kept of what was folded, the newest, and the longest text in one, in characters: together at most about
/// 2,000 tokens.
const MOST_FOLDED_LINES: usize = 40;
const FOLDED_CHARS: usize = 80;
/// The longest overlap of two parts of an answer that is looked for, in characters.
const LONGEST_OVERLAP: usize = 2_000;
/// The shortest overlap that is no accident, in characters.
const SHORTEST_OVERLAP: usize = 16;

/// Tells whether the messages have at most `room` tokens.
pub(super) fn holds(messages: &[Message], room: u64) -> bool {
    messages.iter().map(message_tokens).sum::<u64>() <= room
}

/// What was folded of a conversation: it stands behind the task, a line for each call.
#[derive(Default)]
pub(super) struct Folded {
    /// The length of the task's message without it, once there is anything.
    task_bytes: Option<usize>,
    lines: Vec<String>,
}

/// Makes the messages have `room` again: shortens what tools gave, oldest first; then leaves it out but for its first line;
/// then folds the oldest exchanges into a line for each call, behind the task; at last shortens what came last.
///
/// The first `kept` messages stay as they are but for those lines. Tells whether it was enough.
pub(super) fn fit(messages: &mut Vec<Message>, (kept, folded): (usize, &mut Folded), room: u64) -> bool {
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
            shorten_message(&mut messages[at], shorten);
        }
    }
    while !holds(messages, wanted) && folded.take_oldest(messages, kept) {}
    let mut at = kept;
    while !holds(messages, room) && at < messages.len() {
        shorten_message(&mut messages[at], shortened);
        at += 1;
    }
    holds(messages, room)
}

fn shorten_message(message: &mut Message, shorten: fn(&str) -> String) {
    if matches!(message.role, Role::Tool | Role::Assistant) {
        message.content = shorten(&message.content);
        for call in &mut message.calls {
            call.arguments = shortened_arguments(&call.arguments);
        }
    }
}

impl Folded {
    /// Takes the oldest exchange out of the conversation, an answer of the model with what came of it; the last one stays.
    fn take_oldest(&mut self, messages: &mut Vec<Message>, kept: usize) -> bool {
        let next = (kept + 1..messages.len()).find(|at| messages[*at].role == Role::Assistant);
        let (Some(next), Some(task)) = (next, kept.checked_sub(1)) else { return false };
        let gone: Vec<Message> = messages.drain(kept..next).collect();
        self.lines.extend(gone.iter().flat_map(|message| told(message, &gone)));
        let surplus = self.lines.len().saturating_sub(MOST_FOLDED_LINES);
        self.lines.drain(..surplus);
        let task = &mut messages[task].content;
        task.truncate(*self.task_bytes.get_or_insert(task.len()));
        *task = format!("{task}\n\n## What was done before\n{}", self.lines.join("\n"));
        true
    }
}

/// Puts a message of an exchange into lines; what a tool gave stands with its call.
fn told(message: &Message, exchange: &[Message]) -> Vec<String> {
    let line = |text: &str| -> String {
        let line = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
        line.trim().chars().take(FOLDED_CHARS).collect()
    };
    let said = Some(line(&message.content)).filter(|text| !text.is_empty());
    match message.role {
        Role::Tool => Vec::new(),
        Role::System | Role::User => said.map(|text| format!("- told: {text}")).into_iter().collect(),
        Role::Assistant => {
            let calls = message.calls.iter().map(|call| {
                let gave = exchange.iter().find(|message| message.answers.as_ref() == Some(&call.id));
                let gave = gave.map(|message| line(&message.content)).unwrap_or_default();
                format!("- {}({}): {gave}", call.name, line(&call.arguments))
            });
            said.map(|text| format!("- said: {text}")).into_iter().chain(calls).collect()
        }
    }
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
    let line = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
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
        let mut folded = Folded::default();
        let mut fits = |messages: &mut Vec<Message>, room| fit(messages, (2, &mut folded), room);
        assert!(fits(&mut messages, all) && messages == before, "nothing is shortened where there is room");
        assert!(fits(&mut messages, all * 9 / 10));
        assert_eq!(messages[..2], before[..2]);
        assert_eq!(messages[7], before[7]);
        assert!(messages[3].content.contains("left out"));
        let arguments: serde_json::Value = serde_json::from_str(&messages[2].calls[0].arguments).expect("still JSON");
        assert!(arguments["path"] == "a" && arguments["new_str"].as_str().expect("text").contains("left out"));
        assert!(!fits(&mut messages, 10), "what must stay is too much");
    }

    fn exchange(number: usize) -> [Message; 2] {
        let (id, arguments) = (number.to_string(), format!("{{\"path\": \"src/{number}.rs\"}}"));
        let call = ToolCall { id: id.clone(), name: "read".to_owned(), arguments, extra: None };
        let called =
            Message { calls: vec![call], ..Message::new(Role::Assistant, format!("I read {number}.\nAll of it.")) };
        [called, Message::of_tool(&id, format!("\nfile {number}\n{}", "words of the file\n".repeat(20)))]
    }

    /// Opens a conversation, and goes on with it and with what was folded.
    fn conversation(exchanges: std::ops::Range<usize>) -> Vec<Message> {
        let opening = [Message::new(Role::System, "system"), Message::new(Role::User, "the task")];
        opening.into_iter().chain(exchanges.flat_map(exchange)).collect()
    }

    #[test]
    fn exchanges_are_folded_into_a_line_for_each_call_behind_the_task() {
        let mut messages = conversation(0..4);
        messages.insert(4, Message::new(Role::User, "The checks still fail.\nLook again."));
        let mut folded = Folded::default();
        assert!(fit(&mut messages, (2, &mut folded), 320));
        insta::assert_snapshot!(messages[1].content, @r#"
        the task

        ## What was done before
        - said: I read 0.
        - read({"path":"src/0.rs"}): file 0
        - told: The checks still fail.
        - said: I read 1.
        - read({"path":"src/1.rs"}): file 1
        - said: I read 2.
        - read({"path":"src/2.rs"}): file 2
        "#);
        let pairs = |messages: &[Message]| -> bool {
            messages[2..].chunks(2).all(|pair| pair[1].answers.as_ref() == Some(&pair[0].calls[0].id))
        };
        assert!(pairs(&messages), "a call and its result go together");
        // Later on the lines are gone on with.
        messages.extend((4..90).flat_map(exchange));
        assert!(fit(&mut messages, (2, &mut folded), 2_000) && pairs(&messages));
        let lines: Vec<&str> = messages[1].content.lines().collect();
        assert_eq!((lines[0], lines[2], lines.len()), ("the task", "## What was done before", 3 + MOST_FOLDED_LINES));
        assert!(lines[lines.len() - 1].starts_with("- read("), "{lines:?}");
        assert_eq!(messages[messages.len() - 1].answers.as_deref(), Some("89"), "the last exchange stays");
    }

    #[test]
    fn what_came_last_is_shortened_when_nothing_else_is_left() {
        let mut messages = conversation(0..1);
        messages[3].content = "a line of a file\n".repeat(2_000);
        assert!(fit(&mut messages, (2, &mut Folded::default()), 1_000));
        assert!(messages[3].content.contains("left out") && messages[1].content == "the task");
    }
}
