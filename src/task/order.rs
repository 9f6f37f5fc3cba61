//! The order: a task with the place that it came from, as one file that crosses from the job that reads the forge to the
//! job that runs the model.
//!
//! It holds everything that the model's side needs to know of the forge, so that this side needs no token at all. All
//! outside text in it is what a person sees, as it stood at the event.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::Task;

/// The version of the format that this program writes and reads.
pub const ORDER_SCHEMA: u32 = 1;

/// The folder of the branches that are ours.
pub const BRANCH_PREFIX: &str = "prentice/";

/// The largest order that is read, in bytes: 200 threads of 64 KiB would not fit, and nobody reviews so.
const MAX_ORDER_BYTES: u64 = 4 << 20;

/// What shall be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verb {
    /// A proposal for a task that has none yet, or the same again when it has.
    Fix,
    /// Another proposal in the place of the one that is there.
    Retry,
    /// The proposal that is there, changed as a person says.
    Revise,
    /// The proposal that is there, changed as the open review threads say.
    Address,
    /// The proposal that is there, with less in it.
    Shrink,
    /// The same change on the newest commit of the base branch; no model.
    Rebase,
    /// The checks of the proposal that is there, once more; no model.
    Retest,
    /// The proposal that is there, cut down to a first part that stands alone; the rest is told.
    Split,
    /// The last commit of the proposal taken back; no model, no checks.
    Undo,
    /// Somebody else's pull request, as it is, on a branch of ours with evidence; no model.
    Adopt,
    /// What the checks say of a pull request, whoever opened it; no model, no branch.
    Certify,
}

impl Verb {
    /// Tells whether a model is asked.
    pub fn needs_model(self) -> bool {
        !matches!(self, Self::Rebase | Self::Retest | Self::Undo | Self::Adopt | Self::Certify)
    }

    /// Tells whether a bundle must be made; the others are done where the write token is.
    pub fn needs_bundle(self) -> bool {
        self != Self::Undo
    }

    /// Returns the word that people write.
    pub fn name(self) -> &'static str {
        match self {
            Self::Fix => "fix",
            Self::Retry => "retry",
            Self::Revise => "revise",
            Self::Address => "address",
            Self::Shrink => "shrink",
            Self::Rebase => "rebase",
            Self::Retest => "retest",
            Self::Split => "split",
            Self::Undo => "undo",
            Self::Adopt => "adopt",
            Self::Certify => "certify",
        }
    }

    /// Tells whether the proposal that is there is the ground to build on.
    pub fn continues(self) -> bool {
        !matches!(self, Self::Fix | Self::Retry)
    }
}

/// Where a command was said; written as a letter and the forge's number: `c31`, `l31`, `r31`, `b7`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Spoken {
    /// A comment on an issue or a pull request.
    Comment(u64),
    /// A comment on a line of a pull request.
    LineComment(u64),
    /// The text of a review.
    Review(u64),
    /// The first text of an issue, by the issue's number.
    Body(u64),
}

impl Spoken {
    /// Returns the forge's number of it, which is its own only among its kind.
    pub fn number(self) -> u64 {
        match self {
            Self::Comment(number) | Self::LineComment(number) | Self::Review(number) | Self::Body(number) => number,
        }
    }
}

impl fmt::Display for Spoken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let letter = match self {
            Self::Comment(_) => 'c',
            Self::LineComment(_) => 'l',
            Self::Review(_) => 'r',
            Self::Body(_) => 'b',
        };
        write!(f, "{letter}{}", self.number())
    }
}

impl From<Spoken> for String {
    fn from(spoken: Spoken) -> Self {
        spoken.to_string()
    }
}

impl FromStr for Spoken {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is no comment: `c`, `l`, `r` or `b` and a number are");
        let kind: fn(u64) -> Self = match text.chars().next() {
            Some('c') => Self::Comment,
            Some('l') => Self::LineComment,
            Some('r') => Self::Review,
            Some('b') => Self::Body,
            _ => return Err(wrong()),
        };
        text[1..].parse().map(kind).map_err(|_| wrong())
    }
}

impl TryFrom<String> for Spoken {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

/// The pull request that an order is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PullTarget {
    /// Its number.
    pub number: u64,
    /// The commit that it ended with at the event, 40 hexadecimal digits.
    pub head: String,
    /// Its branch; one of ours gives the task its short name.
    pub branch: String,
}

/// A review thread that shall be answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Thread {
    /// The forge's id of the thread.
    pub id: String,
    /// The forge's id of its first comment, which replies go to.
    pub comment: u64,
    /// The file that it is about.
    pub path: String,
    /// The line of the new text, from 1; `None` when it is about the file or is outdated.
    pub line: Option<u64>,
    /// The difference around the line, as the forge shows it.
    pub hunk: String,
    /// What was said, each with its author, as a person sees it.
    pub said: String,
}

/// A task with the place that it came from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Order {
    /// [`ORDER_SCHEMA`].
    pub schema: u32,
    /// What shall be done.
    pub verb: Verb,
    /// The task.
    pub task: Task,
    /// The commit of the base branch at the event, 40 hexadecimal digits.
    pub base: String,
    /// The branch that the change shall go into.
    pub base_branch: String,
    /// The issue that the task stands in.
    pub issue: Option<u64>,
    /// The pull request that it is about.
    pub pull: Option<PullTarget>,
    /// What the person says besides (`revise`), as a person sees it; may be empty.
    pub instruction: String,
    /// The open review threads (`address`).
    pub threads: Vec<Thread>,
    /// The account that asked.
    pub actor: String,
    /// Where the commands were said that this order serves.
    pub serves: Vec<Spoken>,
    /// Whether something else waits there to be served afterwards.
    #[serde(default)]
    pub more: bool,
}

/// Why an order could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum OrderError {
    /// The file could not be read or written.
    #[error("order {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The file is not an order that this program knows.
    #[error("order {}: {reason}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
}

/// Tells whether a text can be the short name of a task: 1 to 100 small letters, digits and `-`.
pub fn is_slug(text: &str) -> bool {
    let plain = text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    plain && (1..=100).contains(&text.len())
}

impl Order {
    /// Returns the short name of the task: that of the proposal's branch where there is one.
    pub fn slug(&self) -> String {
        let branch = self.pull.as_ref().and_then(|pull| pull.branch.strip_prefix(BRANCH_PREFIX));
        match (branch, &self.pull) {
            (Some(slug), _) => slug.to_owned(),
            (None, Some(pull)) if matches!(self.verb, Verb::Adopt | Verb::Certify) => format!("pull-{}", pull.number),
            _ => self.task.slug(),
        }
    }

    /// Reads an order.
    ///
    /// # Errors
    /// [`OrderError`] when the file is missing, larger than 4 MiB, of another schema, or names a commit that is none.
    pub fn read(path: &Path) -> Result<Self, OrderError> {
        let io = |source| OrderError::Io { path: path.to_owned(), source };
        let malformed = |reason: String| OrderError::Malformed { path: path.to_owned(), reason };
        let size = path.metadata().map_err(io)?.len();
        if size > MAX_ORDER_BYTES {
            return Err(malformed(format!("{size} bytes are more than an order has ({MAX_ORDER_BYTES})")));
        }
        let text = std::fs::read(path).map_err(io)?;
        let loose: serde_json::Value = serde_json::from_slice(&text).map_err(|error| malformed(error.to_string()))?;
        if loose.get("schema").and_then(serde_json::Value::as_u64) != Some(u64::from(ORDER_SCHEMA)) {
            return Err(malformed(format!("the schema is not {ORDER_SCHEMA}, which this program reads")));
        }
        let order: Self = serde_json::from_value(loose).map_err(|error| malformed(error.to_string()))?;
        order.check().map_err(malformed)?;
        Ok(order)
    }

    /// Returns the order as it is written to a file: JSON with a final line break.
    pub fn to_json(&self) -> String {
        let text = serde_json::to_string_pretty(self).expect("plain data with string keys always becomes JSON");
        text + "\n"
    }

    fn check(&self) -> Result<(), String> {
        let is_commit = |text: &str| text.len() == 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let commits = std::iter::once(&self.base).chain(self.pull.as_ref().map(|pull| &pull.head));
        for commit in commits {
            if !is_commit(commit) {
                return Err(format!("{commit:?} is no commit: 40 hexadecimal digits are"));
            }
        }
        if let Some(slug) = self.pull.as_ref().and_then(|pull| pull.branch.strip_prefix(BRANCH_PREFIX))
            && !is_slug(slug)
        {
            return Err(format!("{slug:?} is no short name of a task: small letters, digits and `-` are"));
        }
        if self.verb.continues() && self.pull.is_none() {
            return Err(format!("{:?} needs a pull request", self.verb));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order() -> Order {
        Order {
            schema: ORDER_SCHEMA,
            verb: Verb::Fix,
            task: super::super::parse_plain("Fix it", super::super::Origin::CommandLine).expect("a task"),
            base: "a".repeat(40),
            base_branch: "main".to_owned(),
            issue: Some(7),
            pull: None,
            instruction: String::new(),
            threads: Vec::new(),
            actor: "ann".to_owned(),
            serves: vec![Spoken::Comment(3), Spoken::LineComment(4), Spoken::Review(5)],
            more: false,
        }
    }

    fn read_back(text: &str) -> Result<Order, String> {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), text).expect("written");
        Order::read(file.path()).map_err(|error| error.to_string())
    }

    #[test]
    fn what_was_written_is_read_back() {
        assert_eq!(read_back(&order().to_json()), Ok(order()));
    }

    #[test]
    fn what_is_no_order_is_refused() {
        let check = |change: fn(&mut Order), expected: &str| {
            let mut order = order();
            change(&mut order);
            let error = read_back(&order.to_json()).expect_err("not an order");
            assert!(error.contains(expected), "{error}");
        };
        check(|order| order.schema = 2, "the schema is not 1");
        check(|order| order.base = "main".to_owned(), "\"main\" is no commit");
        check(|order| order.verb = Verb::Revise, "Revise needs a pull request");
        check(
            |order| {
                order.pull = Some(PullTarget { number: 1, head: "--upload-pack=x".to_owned(), branch: "b".to_owned() });
            },
            "is no commit",
        );
        assert_eq!(
            "x3".parse::<Spoken>(),
            Err("\"x3\" is no comment: `c`, `l`, `r` or `b` and a number are".to_owned())
        );
        assert!("c".parse::<Spoken>().is_err() && "é3".parse::<Spoken>().is_err() && "".parse::<Spoken>().is_err());
        assert!(read_back("{\"schema\": 1, \"verb\": \"merge\"}").is_err());
        assert!(read_back("nothing").is_err());
    }
}
