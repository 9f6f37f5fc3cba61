//! What a person is told when something went wrong: the error, what to do about it, and the exit code.

use std::process::ExitCode;

use crate::bundle::BundleError;
use crate::config::ConfigError;
use crate::context::ContextError;
use crate::llm::LlmError;
use crate::pipeline::PipelineError;
use crate::propose::ProposeError;
use crate::publish::PublishError;
use crate::repo::RepoError;
use crate::respond::RespondError;
use crate::sandbox::SandboxError;
use crate::task::{OrderError, TaskError};
use crate::verify::VerifyError;

/// The exit codes; a documented interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Exit {
    /// Done, or nothing to do.
    Done = 0,
    /// No acceptable change.
    NotAcceptable = 1,
    /// Usage or configuration.
    Usage = 2,
    /// An outside service failed.
    Service = 3,
    /// A limit was reached.
    Limit = 4,
    /// A bug.
    Bug = 70,
    /// Interrupted.
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// An error for a person.
#[derive(Debug)]
pub(super) struct Failure {
    /// What went wrong.
    pub message: String,
    /// What to do about it, a line each.
    pub hints: Vec<String>,
    /// How the program ends.
    pub exit: Exit,
}

impl Failure {
    /// Makes an error without hints.
    #[allow(clippy::needless_pass_by_value, reason = "errors are passed as they come")]
    pub(super) fn new(exit: Exit, message: impl ToString) -> Self {
        Self { message: message.to_string(), hints: Vec::new(), exit }
    }

    /// Adds a hint.
    #[must_use]
    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }
}

/// The ways to get a model, for those who have none.
pub(super) const WAYS_TO_A_MODEL: [&str; 5] = [
    "start a local server: Ollama, llama.cpp, LM Studio and vLLM are found on their usual ports",
    "or set OPENAI_API_KEY and name a model with --model",
    "or set PRENTICE_BASE_URL, PRENTICE_MODEL and PRENTICE_API_KEY for any OpenAI-compatible endpoint",
    "or fetch a small model that runs inside this program: prentice model fetch qwen2.5-coder-1.5b",
    "or try `prentice demo`, which needs none",
];

impl From<OrderError> for Failure {
    fn from(error: OrderError) -> Self {
        Self::new(Exit::Usage, error).hint("an order is the file that `prentice respond` writes")
    }
}

impl From<TaskError> for Failure {
    fn from(error: TaskError) -> Self {
        Self::new(Exit::Usage, error)
            .hint("`prentice schema task` prints every key; `prentice run --help` shows an example")
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::new(Exit::Usage, error).hint("`prentice schema config` prints every key")
    }
}

impl From<RepoError> for Failure {
    fn from(error: RepoError) -> Self {
        let failure = Self::new(Exit::Usage, &error);
        match error {
            RepoError::NotARepository(_) => failure.hint("run `git init` and commit, or point --repo at a repository"),
            RepoError::NoCommit => failure.hint("commit something first: the change is made on top of a commit"),
            RepoError::ForeignCommit { .. } => {
                failure.hint("merge or rename that branch, then run again: nobody's commits are overwritten")
            }
            RepoError::BranchCheckedOut(_) => failure.hint("switch to another branch, then run again"),
            RepoError::InTheWay(_) => failure.hint("move it away, or let the answer name another path"),
            RepoError::Busy(_) => failure.hint("wait until it is done, then run again"),
            RepoError::UnknownRevision(_)
            | RepoError::Path(_)
            | RepoError::NotADirectory
            | RepoError::TooLarge { .. } => failure,
            RepoError::Git(_) | RepoError::Io { .. } | RepoError::HalfStored { .. } => {
                Self { exit: Exit::Service, ..failure }
            }
        }
    }
}

impl From<LlmError> for Failure {
    fn from(error: LlmError) -> Self {
        let text = error.to_string();
        match error {
            LlmError::NoModel => {
                WAYS_TO_A_MODEL.iter().fold(Self::new(Exit::Usage, text), |failure, way| failure.hint(*way))
            }
            LlmError::NoModelFile { .. } => Self::new(Exit::Usage, text)
                .hint("`prentice model list` shows which are known, `prentice model fetch NAME` fetches one"),
            LlmError::Settings(_) => Self::new(Exit::Usage, text),
            LlmError::Cancelled => Self::new(Exit::Interrupted, text),
            LlmError::ReplayMismatch { .. } => Self::new(Exit::Usage, text)
                .hint("the recording was made for another task, commit or version; record it again"),
            LlmError::Recording { .. } => Self::new(Exit::Usage, text),
            LlmError::Unauthorized { .. } => Self::new(Exit::Usage, text).hint("check the key in the environment"),
            LlmError::UnknownModel { .. } => Self::new(Exit::Usage, text).hint("name one that the endpoint lists"),
            LlmError::ContextTooLong { .. } => Self::new(Exit::Service, text)
                .hint("set `context.tokens` lower, or `model.window_tokens` to what the server has"),
            _ => Self::new(Exit::Service, text),
        }
    }
}

impl From<SandboxError> for Failure {
    fn from(error: SandboxError) -> Self {
        let failure = Self::new(Exit::Usage, &error);
        match error {
            SandboxError::Unavailable(_) => failure
                .hint("`prentice doctor` shows what was tried")
                .hint("--no-sandbox runs the commands without walls: only for code and models that you trust"),
            SandboxError::Cancelled => Self { exit: Exit::Interrupted, ..failure },
            _ => Self { exit: Exit::Service, ..failure },
        }
    }
}

impl From<VerifyError> for Failure {
    fn from(error: VerifyError) -> Self {
        Self::new(Exit::Usage, error).hint("`prentice checks` prints the commands that are found without yours")
    }
}

impl From<ContextError> for Failure {
    fn from(error: ContextError) -> Self {
        Self::new(Exit::Usage, error)
    }
}

impl From<BundleError> for Failure {
    fn from(error: BundleError) -> Self {
        Self::new(Exit::Usage, error).hint("`prentice run` prints the folder of the bundle that it wrote")
    }
}

impl From<RespondError> for Failure {
    fn from(error: RespondError) -> Self {
        match error {
            RespondError::Forge(error) => error.into(),
            RespondError::Task(error) => Self::new(Exit::Usage, error),
            RespondError::OtherRepository { .. } => Self::new(Exit::Usage, error),
        }
    }
}

impl From<PublishError> for Failure {
    fn from(error: PublishError) -> Self {
        match error {
            PublishError::Repo(error) => error.into(),
            PublishError::NotDone(_) | PublishError::Policy(_) | PublishError::Empty => {
                Self::new(Exit::NotAcceptable, error)
            }
            PublishError::WrongBase(_) | PublishError::WrongName(_) | PublishError::BaseNotOnBranch { .. } => {
                Self::new(Exit::Usage, error)
            }
            PublishError::BranchMoved { .. }
            | PublishError::BranchGone(_)
            | PublishError::Closed { .. }
            | PublishError::Stopped(_)
            | PublishError::NothingToUndo(_) => Self::new(Exit::NotAcceptable, error),
            PublishError::TooManyOpen { .. } => Self::new(Exit::Limit, error),
            PublishError::Forge(error) => error.into(),
            PublishError::Page(_) => Self::new(Exit::Bug, error),
        }
    }
}

impl From<PipelineError> for Failure {
    fn from(error: PipelineError) -> Self {
        match error {
            PipelineError::Repo(error) => error.into(),
            PipelineError::Context(error) => error.into(),
            PipelineError::Verify(error) => error.into(),
            PipelineError::Sandbox(error) => error.into(),
            PipelineError::Bundle(error) => error.into(),
            PipelineError::Publish(error) => error.into(),
            PipelineError::Propose(ProposeError::Model(error)) => error.into(),
            PipelineError::Propose(ProposeError::Repo(error)) => error.into(),
            PipelineError::Propose(error) => Self::new(Exit::Bug, error),
            PipelineError::Journal(error) => Self::new(Exit::Service, error),
            PipelineError::Policy(_) => Self::new(Exit::Usage, &error).hint("mend `policy.protected`"),
            PipelineError::NothingInCommon(..) => {
                Self::new(Exit::Usage, &error).hint("name another base: `prentice certify BASE..HEAD`")
            }
            PipelineError::Busy(_) => Self::new(Exit::Usage, &error).hint("wait for it, or end it"),
            PipelineError::Cancelled => {
                Self::new(Exit::Interrupted, &error).hint("run the same command again to go on")
            }
        }
    }
}
