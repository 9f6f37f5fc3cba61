//! The conversation with the model: what is asked, what the answer changes, and when to stop asking.
//!
//! Two dialects behind one [`Conversation`]: `blocks`, plain text with edits in it, which any model can write, and `tools`,
//! function calls. A [`Session`] is one model within its limits; the steps around the edits (the task taken apart, a plan, a
//! review, a description) are asked of it too. What the checks say comes in from outside as text, and what a tool runs is run
//! outside: this module never runs a command.

mod applied;
mod blocks;
mod chain;
mod frames;
mod grammar;
mod meter;
mod opening;
mod other_lines;
mod revision;
mod session;
mod tools;
mod window;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use crate::context::Context;
use crate::llm::{Dialect, LlmError, Message, Picture, Role};
use crate::prompt::{self, PromptError, fence};
use crate::repo::{FileTree, RepoError};
use crate::task::Task;

pub use chain::{Described, Extracted, Plan};
pub use meter::{LimitReached, Limits, Meter, Pricing, Spent};
pub use other_lines::OtherLine;
pub use revision::{Revision, replies};
pub use session::Session;
pub use tools::{Running, Workbench, offered_tokens};

/// How answers are asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sampling {
    /// Tokens of the model's window.
    pub window_tokens: u64,
    /// The longest answer, in tokens.
    pub max_output_tokens: u32,
    /// 0.0 to 2.0.
    pub temperature: f32,
    /// Makes servers that support it repeat themselves.
    pub seed: u64,
    /// Calls in one attempt, all steps together.
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
    /// An answer that counts only as a whole is longer than the model may write.
    #[error("the answer was cut off")]
    Unfinished,
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
        /// Lines of comments that the answer only left out, and that were put back.
        put_back: usize,
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
    /// Title and description of the change in the model's words, where it was asked for them. Never evidence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub described: Option<Described>,
    /// What the task leaves open, and what was assumed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub open: Vec<String>,
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
    /// Whether anything could be run that would fail.
    pub is_checked: bool,
    /// What the model planned; may be empty.
    pub plan: &'a str,
    /// Pictures of the task, for models that can see.
    pub pictures: &'a [Picture],
    /// What is wanted of a proposal that is there already; `None` for a first one.
    pub revision: Option<&'a Revision>,
}

/// A conversation about one task that changes files.
pub struct Conversation {
    talk: Talk,
    /// The files as the conversation began with them.
    base: FileTree,
    tree: FileTree,
}

enum Talk {
    Blocks(Box<blocks::Blocks>),
    Tools(Box<tools::Tools>),
}

impl Conversation {
    /// Opens a conversation on `tree`, in the dialect of the model.
    ///
    /// # Errors
    /// [`ProposeError::Prompt`] when a prompt file is wrong.
    pub fn open(session: &mut Session<'_>, opening: &Opening<'_>, tree: FileTree) -> Result<Self, ProposeError> {
        let (prompt, values) = first_prompt(opening);
        let talk = match session.profile().dialect {
            Dialect::Blocks => Talk::Blocks(Box::new(blocks::Blocks::open(session, prompt, values, opening)?)),
            Dialect::Tools => Talk::Tools(Box::new(tools::Tools::open(session, prompt, values, opening)?)),
        };
        Ok(Self { talk, base: tree.clone(), tree })
    }

    /// Opens a conversation in blocks, whatever the model's dialect: for endpoints that take no tools.
    ///
    /// # Errors
    /// As [`Conversation::open`].
    pub fn open_in_blocks(
        session: &mut Session<'_>,
        opening: &Opening<'_>,
        tree: FileTree,
    ) -> Result<Self, ProposeError> {
        let (prompt, values) = first_prompt(opening);
        let talk = Talk::Blocks(Box::new(blocks::Blocks::open(session, prompt, values, opening)?));
        Ok(Self { talk, base: tree.clone(), tree })
    }

    /// Opens a conversation in which only a failing test is asked for.
    ///
    /// # Errors
    /// As [`Conversation::open`].
    pub fn open_for_test(
        session: &mut Session<'_>,
        opening: &Opening<'_>,
        tree: FileTree,
    ) -> Result<Self, ProposeError> {
        let values = opening::shared(opening);
        let talk = Talk::Blocks(Box::new(blocks::Blocks::open(session, prompt::TEST, values, opening)?));
        Ok(Self { talk, base: tree.clone(), tree })
    }

    /// Asks for one change and applies it; in the dialect `tools` that takes several calls.
    ///
    /// An answer that cannot be applied changes nothing and becomes the feedback of the next call.
    ///
    /// # Errors
    /// [`ProposeError`] when the model cannot be asked or a limit forbids it.
    pub async fn ask(
        &mut self,
        session: &mut Session<'_>,
        workbench: &dyn Workbench,
        cancel: &CancellationToken,
    ) -> Result<Answered, ProposeError> {
        let answered = match &mut self.talk {
            Talk::Blocks(blocks) => {
                if blocks.is_at_its_beginning() {
                    self.tree = self.base.clone();
                }
                blocks.ask(session, &self.tree, cancel).await?
            }
            Talk::Tools(tools) => tools.ask(session, &mut self.tree, workbench, cancel).await?,
        };
        if let Answered::Changed { tree, .. } = &answered {
            self.tree = tree.clone();
        }
        Ok(answered)
    }

    /// Tells whether [`Conversation::other_lines`] has a question: the model can be asked so, the conversation is about one small
    /// file, and it was not asked yet.
    pub fn has_lines_to_ask(&self) -> bool {
        matches!(&self.talk, Talk::Blocks(blocks) if blocks.has_lines_to_ask())
    }

    /// Asks line by line what the model would write otherwise in the file that the first question was about, as it was then:
    /// the files with one line replaced, the likeliest first. Lines next to what `failures` names come before others where there
    /// are many. Empty where there is nothing to ask.
    ///
    /// # Errors
    /// As [`Conversation::ask`].
    pub async fn other_lines(
        &mut self,
        session: &mut Session<'_>,
        failures: &str,
        cancel: &CancellationToken,
    ) -> Result<Vec<OtherLine>, ProposeError> {
        match &mut self.talk {
            Talk::Blocks(blocks) => match blocks.question_of_lines() {
                Some(question) => question.ask(session, (&self.base, failures), cancel).await,
                None => Ok(Vec::new()),
            },
            Talk::Tools(_) => Ok(Vec::new()),
        }
    }

    /// Returns the files as the conversation has them.
    pub fn tree(&self) -> &FileTree {
        &self.tree
    }

    /// Tells whether the last change is none of the code: only blank lines and comments differ from the files that the
    /// conversation began with.
    ///
    /// # Errors
    /// [`ProposeError::Repo`] when a file cannot be read.
    pub fn leaves_code_as_it_was(&self) -> Result<bool, ProposeError> {
        applied::leaves_code_as_it_was(&self.tree.over(&self.base)?)
    }

    /// Tells the model what failed with its change in place, for the next [`Conversation::ask`].
    ///
    /// # Errors
    /// [`ProposeError`] when a changed file cannot be read or a prompt file is wrong.
    pub fn report_failures(&mut self, session: &mut Session<'_>, failures: &str) -> Result<(), ProposeError> {
        match &mut self.talk {
            Talk::Blocks(blocks) => blocks.report_failures(session, &self.tree, failures),
            Talk::Tools(tools) => {
                tools.tell(format!("The checks still fail with your change:\n{}", fence("OUTPUT", failures)));
                Ok(())
            }
        }
    }

    /// Tells the model what a review found, for the next [`Conversation::ask`].
    ///
    /// # Errors
    /// As [`Conversation::report_failures`].
    pub fn object(&mut self, session: &mut Session<'_>, problems: &[String]) -> Result<(), ProposeError> {
        let problems = problems.join("\n");
        match &mut self.talk {
            Talk::Blocks(blocks) => blocks.object(session, &self.tree, &problems),
            Talk::Tools(tools) => {
                tools.object(format!(
                    "The checks pass with your change. A review found this; mend what of it is right, or finish:\n{}",
                    fence("REVIEW", &problems)
                ));
                Ok(())
            }
        }
    }

    /// Takes a test back that shows nothing, and tells why, with what was printed (may be empty).
    ///
    /// # Errors
    /// As [`Conversation::report_failures`].
    pub fn refuse_test(
        &mut self,
        session: &mut Session<'_>,
        (problem, output): (&str, &str),
        before: &FileTree,
    ) -> Result<(), ProposeError> {
        self.tree = before.clone();
        let problem = match output {
            "" => problem.to_owned(),
            output => format!("{problem}\n{}", fence("OUTPUT", output)),
        };
        match &mut self.talk {
            Talk::Blocks(blocks) => blocks.refuse_test(session, &problem),
            Talk::Tools(tools) => {
                tools.tell(problem);
                Ok(())
            }
        }
    }
}

/// The message that opens a conversation, with the pictures of the task for models that can see.
fn first_message(session: &Session<'_>, opening: &Opening<'_>, text: String) -> Message {
    let pictures = if session.profile().vision { opening.pictures.to_vec() } else { Vec::new() };
    Message { pictures, ..Message::new(Role::User, text) }
}

fn first_prompt(opening: &Opening<'_>) -> (prompt::Prompt, Vec<(&'static str, String)>) {
    let mut values = opening::shared(opening);
    let plan = match opening.plan.trim() {
        "" => String::new(),
        plan => format!("You planned this:\n{}", fence("PLAN", plan)),
    };
    values.extend([("failures", opening::failing(opening)), ("plan", plan)]);
    match opening.revision {
        None => (prompt::EDIT, values),
        Some(revision) => {
            values.push(("request", revision.request.clone()));
            values.push(("difference", revision.difference.clone()));
            (prompt::REVISE, values)
        }
    }
}

#[cfg(test)]
mod tests;
