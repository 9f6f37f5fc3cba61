//! The dialect `tools`: the model searches, reads, edits and runs by function calls until it says that it is done.
//!
//! | function | arguments | gives |
//! | --- | --- | --- |
//! | `search` | `pattern` (regular expression), `path` (a folder or file, or null) | places, with their lines |
//! | `read` | `path`, `from`, `to` (lines, or null) | the lines |
//! | `outline` | `path` | the definitions of a file, or what a folder holds |
//! | `edit` | `command`, `path`, `old_str`, `new_str`, `new_path` (null where it means nothing) | what was changed, or why not |
//! | `run` | `command` | what it printed, run in the sandbox on a copy of the files |
//! | `finish` | `summary` | the checks are run, outside of this module |
//!
//! Servers that only pretend to know functions write the calls as text: those are taken too, and so are edits in blocks.

mod look;
mod written;

use std::pin::Pin;

use serde::Deserialize;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::applied::{self, Applied, How};
use super::session::{Session, Wanted};
use super::window::Folded;
use super::{Answered, Opening, ProposeError, replies, window};
use crate::edit::{self, Format};
use crate::llm::{Finish, Message, Reply, Role, Tool, ToolCall, tool_tokens};
use crate::prompt::{self, Prompt};
use crate::repo::{FileTree, diff_file};

/// The longest result of a function, in bytes.
const MOST_RESULT_BYTES: usize = 16_000;
/// Messages that are never shortened: the standing instructions and the task, behind which stands what was folded.
const KEPT: usize = 2;
/// Answers in a row without a call and without a change, after which the conversation counts as ended.
const MOST_IDLE: u32 = 2;

/// A command of a [`Workbench`] under way.
pub type Running<'a> = Pin<Box<dyn Future<Output = String> + 'a>>;

/// Runs what a model asks for, behind walls.
pub trait Workbench {
    /// Runs a shell command on a copy of `tree`; what it changes there is lost. Returns what it printed and how it ended, for
    /// the model.
    fn run<'a>(&'a self, tree: &'a FileTree, command: &'a str, cancel: &'a CancellationToken) -> Running<'a>;
}

/// The messages of a conversation with tools.
pub(super) struct Tools {
    messages: Vec<Message>,
    tools: Vec<Tool>,
    /// What they cost in each request.
    tools_tokens: u64,
    folded: Folded,
    idle: u32,
    /// Review threads that want an answer.
    threads: usize,
    /// Whether a review has sent the change back: it may stay as it is.
    may_stay: bool,
}

/// What the functions of one answer came to.
enum Outcome {
    /// The model goes on.
    Going,
    /// It says that it is done.
    Finished(String),
}

impl Tools {
    pub(super) fn open(
        session: &mut Session<'_>,
        prompt: Prompt,
        mut values: Vec<(&'static str, String)>,
        opening: &Opening<'_>,
    ) -> Result<Self, ProposeError> {
        let system = session.render(prompt::TOOLS, &[])?.system;
        values.push(("closing", "Make the change now, and call finish.".to_owned()));
        let user = session.render(prompt, &values)?.user;
        let user = super::first_message(session, opening, user);
        let threads = opening.revision.map_or(0, |revision| revision.threads);
        let messages = vec![Message::new(Role::System, system), user];
        let tools = offered();
        let tools_tokens = tools.iter().map(tool_tokens).sum();
        Ok(Self { messages, tools, tools_tokens, folded: Folded::default(), idle: 0, threads, may_stay: false })
    }

    /// Says what a review found; the change may stay as it is where nothing of it is right.
    pub(super) fn object(&mut self, text: String) {
        self.may_stay = true;
        self.tell(text);
    }

    /// Says something to the model, for the next [`Tools::ask`].
    pub(super) fn tell(&mut self, text: String) {
        self.messages.push(Message::new(Role::User, text));
    }

    /// Goes on until the model says that it is done, or there are no calls left.
    pub(super) async fn ask(
        &mut self,
        session: &mut Session<'_>,
        tree: &mut FileTree,
        workbench: &dyn Workbench,
        cancel: &CancellationToken,
    ) -> Result<Answered, ProposeError> {
        let before = tree.changes()?;
        // What the model writes beside its calls: answers to threads stand there.
        let mut words: Vec<String> = Vec::new();
        loop {
            let room = session.room().saturating_sub(self.tools_tokens);
            window::fit(&mut self.messages, (KEPT, &mut self.folded), room);
            let wanted = Wanted { messages: self.messages.clone(), tools: self.tools.clone(), ..Wanted::default() };
            let reply = match session.ask(&wanted, cancel).await {
                Err(ProposeError::Limit(_)) if tree.changes()? != before => {
                    // What there is gets judged; there is nothing more to come.
                    return Ok(Answered::Changed { tree: tree.clone(), remarks: words.join("\n"), put_back: 0 });
                }
                reply => reply?,
            };
            let mut calls = reply.calls.clone();
            if calls.is_empty() {
                calls = written::calls(&reply.text, &self.tools);
            }
            let thought = reply.thought.clone();
            let said = Message { calls: calls.clone(), thought, ..Message::new(Role::Assistant, reply.text.clone()) };
            self.messages.push(said);
            words.extend(Some(reply.text.trim().to_owned()).filter(|text| !text.is_empty()));
            if calls.is_empty() {
                if let Some(answered) = self.without_calls(&words, &reply, tree, &before)? {
                    return Ok(answered);
                }
                continue;
            }
            let cut = reply.finish == Finish::Length;
            let Outcome::Finished(summary) = self.carry_out((&calls, cut), tree, workbench, cancel).await else {
                self.idle = 0;
                continue;
            };
            words.extend(Some(summary).filter(|summary| !summary.is_empty()));
            if tree.changes()? != before {
                return Ok(Answered::Changed { tree: tree.clone(), remarks: words.join("\n"), put_back: 0 });
            }
            if let Some(answered) = self.without_change(&words) {
                return Ok(answered);
            }
            self.tell("Nothing has been changed since the checks were run last. Make the change first.".to_owned());
        }
    }

    /// Tells what an answer comes to that says it is done and changes nothing; `None` when the model is asked again.
    fn without_change(&mut self, words: &[String]) -> Option<Answered> {
        let remarks = words.join("\n");
        let replies = replies(&remarks, self.threads);
        if !replies.is_empty() && replies.iter().all(Option::is_some) {
            return Some(Answered::Explained { remarks });
        }
        self.idle += 1;
        if !self.may_stay && self.idle < MOST_IDLE {
            return None;
        }
        self.idle = 0;
        self.tell("Nothing is changed yet. Call edit to change files, and finish when that is done.".to_owned());
        Some(Answered::Unusable { problems: "the model says that it is done and changes nothing".to_owned() })
    }

    /// Takes an answer without a call: edits in blocks, a reason for every thread, or nothing that can be used.
    fn without_calls(
        &mut self,
        words: &[String],
        reply: &Reply,
        tree: &mut FileTree,
        before: &[crate::repo::FileChange],
    ) -> Result<Option<Answered>, ProposeError> {
        let is_cut = reply.finish == Finish::Length;
        if !is_cut && edit::parse(&reply.text).is_ok() {
            match applied::apply(tree, &reply.text, How::default()) {
                Ok(Applied { tree: changed, read, .. }) => {
                    *tree = changed.clone();
                    return Ok(Some(Answered::Changed { tree: changed, remarks: read.remarks, put_back: 0 }));
                }
                Err(unusable) => self.tell(unusable.problems),
            }
            return Ok(None);
        }
        // What was cut off has more to say, but not for ever.
        let goes_on = is_cut && self.idle < MOST_IDLE;
        if tree.changes()? != before && !goes_on {
            return Ok(Some(Answered::Changed { tree: tree.clone(), remarks: words.join("\n"), put_back: 0 }));
        }
        if goes_on {
            self.idle += 1;
        } else if let Some(answered) = self.without_change(words) {
            return Ok(Some(answered));
        }
        let cut = if is_cut { "Your answer was cut off. Make smaller edits. " } else { "" };
        self.tell(format!("{cut}Go on with the functions: edit to change files, finish when that is done."));
        Ok(None)
    }

    /// Carries out the calls of one answer in their order, and answers each.
    async fn carry_out(
        &mut self,
        (calls, is_cut): (&[ToolCall], bool),
        tree: &mut FileTree,
        workbench: &dyn Workbench,
        cancel: &CancellationToken,
    ) -> Outcome {
        let mut outcome = Outcome::Going;
        // What was to be changed by this answer and was not, so that it cannot be done.
        let mut has_failed = is_cut;
        for call in calls {
            let result = match serde_json::from_str::<Value>(&call.arguments) {
                Err(_) if is_cut => {
                    "Your call was cut off at the longest allowed length: make smaller edits.".to_owned()
                }
                Err(error) => format!("The arguments are not JSON: {error}"),
                Ok(arguments) => match call.name.as_str() {
                    "search" => with(arguments, |wanted| look::search(tree, &wanted)),
                    "read" => with(arguments, |wanted| look::read(tree, &wanted)),
                    "outline" => with(arguments, |wanted| look::outline(tree, &wanted)),
                    "edit" => edited(tree, &call.arguments).unwrap_or_else(|problems| {
                        has_failed = true;
                        problems
                    }),
                    "run" => match arguments.get("command").and_then(Value::as_str) {
                        Some(command) => workbench.run(tree, command, cancel).await,
                        None => "The argument command is missing.".to_owned(),
                    },
                    "finish" if has_failed => {
                        "Not finished: an edit of this answer could not be applied. Mend it, then call finish."
                            .to_owned()
                    }
                    "finish" => {
                        let summary = arguments.get("summary").and_then(Value::as_str).unwrap_or_default();
                        outcome = Outcome::Finished(summary.to_owned());
                        "The checks are run now.".to_owned()
                    }
                    other => format!("There is no function {other}; there are {}.", names(&self.tools)),
                },
            };
            self.messages.push(Message::of_tool(&call.id, capped(&result)));
        }
        outcome
    }
}

/// Applies one edit to `tree`, and says what it came to, or else why it could not be applied.
fn edited(tree: &mut FileTree, arguments: &str) -> Result<String, String> {
    let how = How { format: Some(Format::Json), ..How::default() };
    let Applied { tree: changed, read, .. } = match applied::apply(tree, arguments, how) {
        Ok(applied) => applied,
        Err(unusable) => return Err(unusable.problems),
    };
    let touched: Vec<&str> = read.edits.iter().flat_map(|edit| [edit.path(), edit.target()]).collect();
    let changes = changed.changes().unwrap_or_default();
    let told = changes.iter().filter(|change| touched.contains(&change.path.as_str())).map(|change| {
        let diff = diff_file(change);
        format!("{} now differs from the base by +{} -{} lines.", change.path, diff.added, diff.removed)
    });
    let text = told.collect::<Vec<_>>().join("\n");
    *tree = changed;
    Ok(if text.is_empty() { "Done; the file is as it was on the base.".to_owned() } else { text })
}

fn with<T: for<'de> Deserialize<'de>>(arguments: Value, then: impl FnOnce(T) -> String) -> String {
    match serde_json::from_value(arguments) {
        Ok(wanted) => then(wanted),
        Err(error) => format!("The arguments do not fit: {error}"),
    }
}

fn capped(text: &str) -> String {
    if text.len() <= MOST_RESULT_BYTES {
        return text.to_owned();
    }
    let end = text.floor_char_boundary(MOST_RESULT_BYTES);
    format!("{}\n[{} bytes more were cut]", &text[..end], text.len() - end)
}

fn names(tools: &[Tool]) -> String {
    tools.iter().map(|tool| tool.name.as_str()).collect::<Vec<_>>().join(", ")
}

/// Returns the tokens that the functions take in each request of the dialect `tools`.
pub fn offered_tokens() -> u64 {
    offered().iter().map(tool_tokens).sum()
}

/// The functions, with strict schemas: every key is required, null where it means nothing, and none besides.
fn offered() -> Vec<Tool> {
    let text = |what: &str| json!({ "type": "string", "description": what });
    let maybe = |kind: &str, what: &str| json!({ "type": [kind, "null"], "description": what });
    let tool = |name: &str, description: &str, properties: Value| {
        let required: Vec<&String> = properties.as_object().map(|map| map.keys().collect()).unwrap_or_default();
        let parameters = json!({
            "type": "object", "required": required, "additionalProperties": false, "properties": properties,
        });
        Tool { name: name.to_owned(), description: description.to_owned(), parameters }
    };
    let edit = json!({
        "command": { "type": "string", "enum": ["str_replace", "insert", "create", "delete", "rename"] },
        "path": text("the file"),
        "old_str": maybe("string", "str_replace: lines copied from the file, letter by letter, that stand in exactly one place of it"),
        "new_str": maybe("string", "str_replace and insert: lines to put there; create: the complete text"),
        "insert_line": maybe("integer", "insert: the line behind which they go, 0 for the beginning"),
        "new_path": maybe("string", "rename: where the file goes"),
    });
    vec![
        tool(
            "search",
            "Finds a regular expression in the files.",
            json!({ "pattern": text("a regular expression"), "path": maybe("string", "a folder or file to look in") }),
        ),
        tool(
            "read",
            "Shows lines of a file.",
            json!({
                "path": text("the file"),
                "from": maybe("integer", "the first line, from 1"),
                "to": maybe("integer", "the last line"),
            }),
        ),
        tool(
            "outline",
            "Lists the definitions of a file with their lines, or what a folder holds.",
            json!({ "path": text("a file or a folder; empty for the top") }),
        ),
        tool("edit", "Changes, creates, removes or moves one file.", edit),
        tool(
            "run",
            "Runs a shell command in a sandbox without network, on a copy of the files as you have changed them.",
            json!({ "command": text("the command") }),
        ),
        tool(
            "finish",
            "Says that the change is complete. The checks of the repository are run then.",
            json!({ "summary": text("what was wrong or missing and what you changed, in one to three sentences") }),
        ),
    ]
}

#[cfg(test)]
mod tests;
