//! How many tokens a request has, counted here.

use super::message::{Form, Message, Request, Tool};
use crate::tokens;

/// Tokens of role and separators around each message (OpenAI cookbook, "How to count tokens with tiktoken", rounded up).
const FRAME_TOKENS: u64 = 4;
/// Tokens of a picture, taken for the largest that servers scale it to (OpenAI, "Images and vision": 85 and 170 for each
/// of 8 tiles, rounded up).
const PICTURE_TOKENS: u64 = 1_500;

/// Counts the tokens that a request makes the model read.
pub fn of_request(request: &Request) -> u64 {
    of_conversation(request) + request.form.as_ref().map_or(0, of_form)
}

/// Counts the tokens that stand in the window at once: messages and tools.
pub fn of_conversation(request: &Request) -> u64 {
    let said: u64 = request.messages.iter().map(of_message).sum();
    said + request.tools.iter().map(of_tool).sum::<u64>()
}

/// Each line that alternatives are asked for stands in a question and in its answer.
fn of_form(form: &Form) -> u64 {
    let Form::Alternatives { lines } = form else { return 0 };
    lines.iter().map(|line| FRAME_TOKENS + 2 * tokens::count(line) as u64).sum()
}

/// Counts the tokens of one message.
pub fn of_message(message: &Message) -> u64 {
    let called: usize =
        message.calls.iter().map(|call| tokens::count(&call.name) + tokens::count(&call.arguments)).sum();
    let pictures = message.pictures.len() as u64 * PICTURE_TOKENS;
    let thought = message.thought.as_deref().map_or(0, tokens::count);
    FRAME_TOKENS + (tokens::count(&message.content) + called + thought) as u64 + pictures
}

/// Counts the tokens of a tool that a request offers.
pub fn of_tool(tool: &Tool) -> u64 {
    let parts = [tool.name.as_str(), &tool.description, &tool.parameters.to_string()];
    FRAME_TOKENS + parts.iter().map(|part| tokens::count(part) as u64).sum::<u64>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_are_asked_for_are_read() {
        let request = |lines: &[&str]| {
            let lines = lines.iter().map(|line| (*line).to_owned()).collect();
            of_request(&Request { form: Some(Form::Alternatives { lines }), ..Request::default() })
        };
        let line = "    return max(prices)";
        assert_eq!(request(&[]), 0);
        assert_eq!(request(&[line, line]), 2 * request(&[line]));
        assert!(request(&[line]) > 2 * tokens::count(line) as u64);
    }
}
