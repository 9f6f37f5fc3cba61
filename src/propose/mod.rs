//! The conversation with the model: what is asked, what the answer changes, and when to stop asking.
//!
//! One dialect so far, `blocks`: plain text with edit blocks, which any model can write. What the checks say comes in
//! from outside as text; this module never runs a command.

mod meter;
mod revision;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use crate::context::Context;
use crate::edit;
use crate::llm::{Finish, LanguageModel, LlmError, Message, Request, Role};
use crate::prompt::{self, Prompt, PromptError, fence};
use crate::repo::{FileTree, RepoError, RepoPath};
use crate::task::Task;

pub use meter::{LimitReached, Limits, Meter, Pricing, Spent};
pub use revision::{Revision, replies};

/// How answers are asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sampling {
    /// The longest answer, in tokens.
    pub max_output_tokens: u32,
    /// 0.0 to 2.0.
    pub temperature: f32,
    /// Makes servers that support it repeat themselves.
    pub seed: u64,
    /// Answers asked for in one conversation.
    pub rounds: u32,
}

/// Why the conversation ended without a usable answer.
#[derive(Debug, thiserror::Error)]
pub enum ProposeError {
    /// The model could not be asked.
    #[error(transparent)]
    Model(#[from] LlmError),
    /// A limit was reached before the next call.
    #[error(transparent)]
    Limit(#[from] LimitReached),
    /// A prompt file is wrong.
    #[error(transparent)]
    Prompt(#[from] PromptError),
    /// A file could not be read.
    #[error(transparent)]
    Repo(#[from] RepoError),
}

/// What one answer came to.
#[derive(Clone, Debug)]
pub enum Answered {
    /// Edits that could be applied; the tree holds all changes so far.
    Changed {
        /// The files with the change.
        tree: FileTree,
        /// The model's words outside of the edits.
        remarks: String,
    },
    /// No edits, but a reason for every review thread.
    Explained {
        /// The answer.
        remarks: String,
    },
    /// Edits that could not be applied; the next answer is asked for with this feedback.
    Unusable {
        /// What was wrong, as the model is told.
        problems: String,
    },
}

/// Hashes of the prompts that were used, by name.
pub type PromptHashes = BTreeMap<String, String>;

/// What a model proposes, with what it cost.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Account {
    /// The model's name.
    pub model: String,
    /// Why this model answered.
    pub why: String,
    /// Answers asked for, in all attempts.
    pub answers: u32,
    /// The attempt that the change comes from, from 1.
    pub attempt: u32,
    /// Tokens and money.
    pub spent: Spent,
    /// Hashes of the prompts that were used.
    pub prompts: PromptHashes,
    /// The model's words outside of the edits of its last answer. Never evidence.
    pub remarks: String,
    /// What the model says to each review thread of the order, in their order; `None` where it says nothing.
    pub replies: Vec<Option<String>>,
}

/// What a conversation begins with.
#[derive(Clone, Copy, Debug)]
pub struct Opening<'a> {
    /// The task.
    pub task: &'a Task,
    /// What is shown of the repository.
    pub context: &'a Context,
    /// What fails as the files are; may be empty.
    pub failures: &'a str,
    /// What is wanted of a proposal that is there already; `None` for a first one.
    pub revision: Option<&'a Revision>,
}

/// A conversation about one task.
pub struct Conversation<'a> {
    model: &'a dyn LanguageModel,
    meter: &'a Meter,
    sampling: Sampling,
    opening: Vec<Message>,
    /// The last answer and what was wrong with it; earlier exchanges are dropped, so that the window holds.
    last_exchange: Vec<Message>,
    tree: FileTree,
    /// Review threads that an answer may reply to in the place of edits.
    threads: usize,
    asked: u32,
    prompts: PromptHashes,
}

impl<'a> Conversation<'a> {
    /// Opens a conversation on `tree`.
    ///
    /// # Errors
    /// [`ProposeError::Prompt`] when the prompt file is wrong.
    pub fn open(
        model: &'a dyn LanguageModel,
        meter: &'a Meter,
        sampling: Sampling,
        opening: &Opening<'_>,
        tree: FileTree,
    ) -> Result<Self, ProposeError> {
        let context = opening.context;
        let mut values = BTreeMap::from([
            ("task", fence("TASK", &describe(opening.task))),
            ("failures", describe_failures(opening.failures)),
            ("instructions", describe_instructions(context)),
            ("map", if context.map.is_empty() { String::new() } else { fence("MAP", &context.map) }),
            ("context", describe_excerpts(context)),
        ]);
        let mut prompt = prompt::EDIT;
        if let Some(revision) = opening.revision {
            prompt = prompt::REVISE;
            values.insert("request", revision.request.clone());
            values.insert("difference", revision.difference.clone());
        }
        let threads = opening.revision.map_or(0, |revision| revision.threads);
        let first = prompt.render(&values)?;
        let opening = vec![Message::new(Role::System, first.system), Message::new(Role::User, tidy(&first.user))];
        let prompts = PromptHashes::from([(prompt.name.to_owned(), prompt.hash())]);
        Ok(Self { model, meter, sampling, opening, last_exchange: Vec::new(), tree, threads, asked: 0, prompts })
    }

    /// Tells whether another answer may be asked for.
    pub fn has_rounds_left(&self) -> bool {
        self.asked < self.sampling.rounds
    }

    /// Returns how many answers were asked for.
    pub fn asked(&self) -> u32 {
        self.asked
    }

    /// Returns the hashes of the prompts used so far.
    pub fn prompts(&self) -> &PromptHashes {
        &self.prompts
    }

    /// Asks for one answer and applies it.
    ///
    /// An answer that cannot be applied changes nothing and becomes the feedback of the next call.
    ///
    /// # Errors
    /// [`ProposeError`] when the model cannot be asked or a limit forbids it.
    pub async fn ask(&mut self, cancel: &CancellationToken) -> Result<Answered, ProposeError> {
        let request = Request {
            messages: self.opening.iter().chain(&self.last_exchange).cloned().collect(),
            max_output_tokens: self.sampling.max_output_tokens,
            temperature: Some(self.sampling.temperature),
            seed: Some(self.sampling.seed),
            ..Request::default()
        };
        self.meter.allow(&request)?;
        let reply = self.model.complete(&request, cancel).await?;
        self.meter.add(&reply.usage);
        self.asked += 1;
        let answer = match reply.finish {
            Finish::Length => Err("Your answer was cut off at the longest allowed length. Write smaller edits: only \
                                   the lines that change, with two lines around them."
                .to_owned()),
            _ if self.explains(&reply.text) => return Ok(Answered::Explained { remarks: reply.text }),
            _ => self.apply(&reply.text),
        };
        match answer {
            Ok((tree, remarks)) => {
                self.last_exchange = vec![Message::new(Role::Assistant, reply.text)];
                self.tree = tree.clone();
                Ok(Answered::Changed { tree, remarks })
            }
            Err(problems) => {
                let feedback = self.render(prompt::CORRECT, &[("problems", problems.clone())])?;
                self.last_exchange =
                    vec![Message::new(Role::Assistant, reply.text), Message::new(Role::User, feedback)];
                Ok(Answered::Unusable { problems })
            }
        }
    }

    /// Tells the model what failed with its change in place, for the next [`Conversation::ask`].
    ///
    /// # Errors
    /// [`ProposeError`] when a changed file cannot be read or the prompt file is wrong.
    pub fn report_failures(&mut self, failures: &str) -> Result<(), ProposeError> {
        let mut files = String::new();
        for change in self.tree.changes()? {
            match self.tree.read_text(&change.path)? {
                Some(text) => files += &format!("{}\n\n", show_file(&change.path, &text)),
                None => files += &format!("{} is removed or no text.\n\n", change.path),
            }
        }
        let values = [("failures", fence("OUTPUT", failures)), ("files", files.trim_end().to_owned())];
        let feedback = self.render(prompt::REPAIR, &values)?;
        self.last_exchange.truncate(1);
        self.last_exchange.push(Message::new(Role::User, feedback));
        Ok(())
    }

    fn render(&mut self, prompt: Prompt, values: &[(&'static str, String)]) -> Result<String, ProposeError> {
        let rendered = prompt.render(&values.iter().cloned().collect())?;
        self.prompts.insert(prompt.name.to_owned(), prompt.hash());
        Ok(tidy(&rendered.user))
    }

    /// Tells whether an answer holds no edit, but a reply to every thread.
    fn explains(&self, answer: &str) -> bool {
        let replies = replies(answer, self.threads);
        let complete = !replies.is_empty() && replies.iter().all(Option::is_some);
        complete && edit::parse(answer).is_err_and(|error| error.is_only_prose())
    }

    fn apply(&self, answer: &str) -> Result<(FileTree, String), String> {
        let answer = edit::parse(answer).map_err(|error| error.to_string())?;
        let tree = edit::apply(&self.tree, &answer.edits).map_err(|error| error.to_string())?;
        match tree.changes() {
            Ok(changes) if changes.is_empty() => {
                Err("Together with your earlier edits this changes nothing: the files are as they were at the start."
                    .to_owned())
            }
            _ => Ok((tree, answer.remarks)),
        }
    }
}

fn describe(task: &Task) -> String {
    let mut text = task.title.clone();
    if !task.description.is_empty() {
        text += &format!("\n\n{}", task.description);
    }
    for (heading, lines) in [("Done when", &task.acceptance), ("Must not happen", &task.constraints)] {
        if !lines.is_empty() {
            text += &format!("\n\n{heading}:\n- {}", lines.join("\n- "));
        }
    }
    text
}

fn describe_failures(failures: &str) -> String {
    match failures.trim() {
        "" => "The checks pass before your edits; they must still pass after them.".to_owned(),
        failures => format!("This fails before your edits:\n{}", fence("OUTPUT", failures)),
    }
}

fn describe_instructions(context: &Context) -> String {
    let shown = context.instructions.iter().map(|file| fence(&format!("INSTRUCTIONS {}", file.path), &file.text));
    shown.collect::<Vec<_>>().join("\n")
}

fn describe_excerpts(context: &Context) -> String {
    let mut shown = Vec::new();
    for excerpt in &context.excerpts {
        let place = match excerpt.whole_file {
            true => format!("{} (whole file)", excerpt.path),
            false => format!("{} (lines {} to {})", excerpt.path, excerpt.lines.start(), excerpt.lines.end()),
        };
        shown.push(format!("{place}\n{}", fenced_code(&excerpt.text)));
    }
    if shown.is_empty() { "No file of the repository matches the task.".to_owned() } else { shown.join("\n\n") }
}

fn show_file(path: &RepoPath, text: &str) -> String {
    format!("{path} (whole file, as it is now)\n{}", fenced_code(text))
}

/// Puts code into a Markdown fence that is longer than any in it.
fn fenced_code(text: &str) -> String {
    let longest = text
        .lines()
        .map(str::trim_start)
        .map(|line| line.len() - line.trim_start_matches('`').len())
        .max()
        .unwrap_or(0);
    let ticks = "`".repeat((longest + 1).max(3));
    let end = if text.ends_with('\n') || text.is_empty() { "" } else { "\n" };
    format!("{ticks}\n{text}{end}{ticks}")
}

/// Takes away the empty lines that empty variables leave.
fn tidy(text: &str) -> String {
    let mut result = text.to_owned();
    while result.contains("\n\n\n") {
        result = result.replace("\n\n\n", "\n\n");
    }
    result
}

#[cfg(test)]
mod tests;
