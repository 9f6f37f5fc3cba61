//! What a model thinks before it answers, where the server leaves it in the answer: drafts, and no edits.

use std::borrow::Cow;

use super::fence::Fence;

/// Tags between which models think (Qwen3, DeepSeek-R1 and their like).
const TAGS: [(&str, &str); 2] = [("<think>", "</think>"), ("<thinking>", "</thinking>")];

/// Returns the answer without what was thought before it, with blank lines in its place: numbers of lines stay right.
///
/// Thinking begins the answer, or ends with a lone closing tag where the template of the model has opened it. One that is
/// never closed was cut off, and nothing follows it.
pub fn without_thinking(answer: &str) -> Cow<'_, str> {
    let begin = answer.trim_start();
    let opened = TAGS.iter().find(|(open, _)| begin.starts_with(open));
    let end = match opened {
        Some((_, close)) => Some(answer.find(close).map_or(answer.len(), |at| at + close.len())),
        None => TAGS.iter().find_map(|(open, close)| lone(answer, open, close)),
    };
    match end {
        Some(end) => {
            let (thought, rest) = answer.split_at(end);
            Cow::Owned("\n".repeat(thought.matches('\n').count()) + rest)
        }
        None => Cow::Borrowed(answer),
    }
}

/// Finds the end of a line that is only the closing tag, outside of fences and without an opening one.
fn lone(answer: &str, open: &str, close: &str) -> Option<usize> {
    let (mut at, mut fence): (usize, Option<Fence<'_>>) = (0, None);
    for line in answer.split_inclusive('\n') {
        match fence {
            Some(inner) if inner.closes(line) => fence = None,
            None if line.contains(open) => return None,
            None if line.trim() == close => return Some(at + line.trim_end().len()),
            None => fence = Fence::open(line.trim_end()).filter(|fence| !fence.is_tag()),
            Some(_) => {}
        }
        at += line.len();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_thought_is_no_part_of_the_answer() {
        for (answer, rest) in [
            ("<think>\na\n</think>\n\nb\n", "\n\n\n\nb\n"),
            ("\n<thinking>a</thinking>b", "\nb"),
            ("a\n```\nc\n```\n</think>\nb\n", "\n\n\n\n\nb\n"),
            ("<think>\na", "\n"),
            ("a\n```\n</think>\n```\nb\n", "a\n```\n</think>\n```\nb\n"),
            ("The tags <think> and </think>:\n</think>\n", "The tags <think> and </think>:\n</think>\n"),
            ("b\n", "b\n"),
        ] {
            assert_eq!(without_thinking(answer), rest, "{answer:?}");
        }
    }
}
