//! Evidence: which commands check this repository, what they say before and after the change, and what that proves.
//!
//! Commands are run through the sandbox seam only. The model's opinion never enters here. Commands and test names are
//! taken from the base commit and from what runners print; a runner that lies to its own output is beyond this module,
//! which is why `policy` flags every change to tests and their settings.

mod absent;
mod check;
mod compare;
mod dependencies;
mod detect;
mod differences;
mod evidence;
mod excerpt;
mod feedback;
mod flaky;
mod halfway;
mod normalise;
mod order;
mod places;
mod reason;
mod record;
mod red_first;
mod replaced;
mod reports;
mod run;
mod setup;

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

pub use check::{Check, CheckKind, Report};
pub use compare::{Excused, compare, compare_without};
pub use dependencies::{Linked, detach_sources, installed_dependencies, use_environments};
pub use detect::{detect, from_user};
pub use differences::differences;
pub use evidence::{Evidence, Rerun, RerunOf, Verdict};
pub use excerpt::excerpt;
pub use feedback::failures_for_model;
pub use flaky::{flaky, unconfirmed};
pub use normalise::normalise;
pub use order::ordered;
pub use places::places;
pub use reason::none_ran;
pub use record::{CheckRun, Outcome, ReportFormat, TestResult, TreeRun};
pub use red_first::{only_tests, red_first};
pub use replaced::{gave_way, gone, replaced, weigh_those_that_gave_way};
pub use reports::{Parsed, parse};
pub use run::{Progress, Runner};
pub use setup::{Copied, Ecosystem, Setup, Step, Supplies, cargo_package, own_setup, setups};

pub use crate::sandbox::Exit;
use crate::sandbox::SandboxError;

/// Why something could not be verified.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// A command of the user that needs a shell.
    #[error(
        "the check {command:?} uses {what}, and checks are not given to a shell; put it into a script of the repository, or write sh -c '...'"
    )]
    NeedsShell {
        /// The command as it was written.
        command: String,
        /// What only a shell understands.
        what: &'static str,
    },
    /// A command of the user whose quotes do not close, or that is empty.
    #[error("the check {command:?} is not a command: {reason}")]
    BadCommand {
        /// The command as it was written.
        command: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The sandbox failed for a reason that is not the command's.
    #[error(transparent)]
    Sandbox(#[from] SandboxError),
}
