//! The task: what a person wants, as that person wrote it.
//!
//! A task comes from a YAML file or from plain text. It never holds anything that a reader of it would not see:
//! characters that show nothing are removed and counted.

mod attachment;
mod command;
mod order;
mod spec;
mod visible;

use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use attachment::{MOST_PICTURES, is_attachment};
pub use command::{COMMAND_NAME, Command, Parsed, Place, help_text, parse as parse_commands};
pub use order::{BRANCH_PREFIX, ORDER_SCHEMA, Order, OrderError, PullTarget, Spoken, Thread, Verb, is_slug};
pub use spec::{TaskError, parse_plain, parse_yaml, schema};
pub use visible::{Channel, Form, MAX_VISIBLE_BYTES, Removed, Visible, visible, visible_within};

/// Where a task came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// A file, as it was named.
    File(String),
    /// Standard input.
    StandardInput,
    /// The command line.
    CommandLine,
    /// An issue on the forge.
    Issue {
        /// Its number.
        number: u64,
        /// Its page.
        url: String,
    },
    /// A run of the repository's own CI that failed.
    FailedRun {
        /// The forge's id of the run.
        id: u64,
        /// The workflow's name.
        workflow: String,
        /// The run's page.
        url: String,
    },
}

/// The limits that a task sets; `None` leaves it to the configuration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TaskLimits {
    /// Independent proposals, each a new conversation.
    pub attempts: Option<u32>,
    /// Calls of the model in one attempt, all steps together.
    pub rounds: Option<u32>,
    /// Tokens read and written, all calls together.
    pub tokens: Option<u64>,
    /// US dollars, all calls together.
    pub cost_usd: Option<f64>,
    /// Wall time of the whole run.
    pub wall_time: Option<Duration>,
}

/// What a person wants.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Task {
    /// One line; never empty.
    pub title: String,
    /// The rest, in the person's words; may be empty.
    pub description: String,
    /// What must be true afterwards.
    pub acceptance: Vec<String>,
    /// What must not happen.
    pub constraints: Vec<String>,
    /// Files that it is about, as paths or globs.
    pub files: Vec<String>,
    /// Pictures that belong to it: paths beside the file that it came from, or addresses of files uploaded to its issue.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pictures: Vec<String>,
    /// Commands that decide, in the place of the detected ones.
    pub checks: Vec<String>,
    /// Limits.
    pub limits: TaskLimits,
    /// The model that shall answer.
    pub model: Option<String>,
    /// Where it came from.
    pub origin: Origin,
    /// Characters removed because nobody could see them.
    pub hidden_characters: usize,
}

impl Task {
    /// Returns the short name that branch and state folder are called after: `fix-the-parser-1a2b3c4d`.
    ///
    /// An issue keeps its name when its title changes: `issue-7`. Otherwise the same title gives the same name; the
    /// digits keep titles apart that only differ in signs.
    pub fn slug(&self) -> String {
        use sha2::{Digest, Sha256};
        const LONGEST_WORDS: usize = 40;
        let title = match &self.origin {
            Origin::Issue { number, .. } => return format!("issue-{number}"),
            // The text of a failure differs from run to run; the workflow is what is to be mended.
            Origin::FailedRun { workflow, .. } => format!("ci {workflow}"),
            _ => self.title.clone(),
        };
        let mut words = String::new();
        for c in title.chars().flat_map(char::to_lowercase) {
            if c.is_ascii_alphanumeric() {
                words.push(c);
            } else if !words.is_empty() && !words.ends_with('-') {
                words.push('-');
            }
            if words.len() >= LONGEST_WORDS {
                break;
            }
        }
        let digest = Sha256::digest(title.as_bytes());
        let digits = hex::encode(&digest[..4]);
        match words.trim_matches('-') {
            "" => digits,
            words => format!("{words}-{digits}"),
        }
    }

    /// Returns all the text that a search for fitting places should know.
    pub fn full_text(&self) -> String {
        joined([self.story(), self.conditions()])
    }

    /// Returns title and description, the title in the first line.
    pub fn story(&self) -> String {
        joined([&self.title, &self.description])
    }

    /// Returns the acceptance criteria and the constraints, one after the other.
    pub fn conditions(&self) -> String {
        joined(self.acceptance.iter().chain(&self.constraints))
    }
}

fn joined<T: AsRef<str>>(parts: impl IntoIterator<Item = T>) -> String {
    let mut all = String::new();
    for part in parts {
        let part = part.as_ref();
        if !all.is_empty() && !part.is_empty() {
            all.push('\n');
        }
        all.push_str(part);
    }
    all
}

/// The longest text of a task, in bytes; what is longer was refused before.
const MAX_TASK_BYTES: usize = 1 << 20;

/// Returns what a person sees who reads the text in an editor, and adds to `hidden` what that person does not see.
fn seen_in_editor(text: &str, hidden: &mut usize) -> String {
    let found = visible_within(text, Form::Code, MAX_TASK_BYTES);
    *hidden += found.hidden_characters();
    found.text.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slug(title: &str) -> String {
        let task = parse_plain(title, Origin::CommandLine).expect(title);
        task.slug()
    }

    #[test]
    fn a_slug_is_short_and_safe_for_a_branch() {
        assert_eq!(slug("Fix the parser!"), "fix-the-parser-b54e39f0");
        assert_eq!(slug("Überall $(rm -rf) `x`"), "berall-rm-rf-x-1a4a39c8");
        assert_eq!(slug("修复解析器"), "74e6b2cb");
        assert!(slug(&"long ".repeat(50)).len() <= 50);
    }
}
