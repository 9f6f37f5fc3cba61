//! Linux: a helper, the same program started again, raises walls around itself and runs the command within them.
//!
//! Two stages, because the walls cannot be lowered again: the *warden* stays outside and cleans up, the *init* goes in.
//! All of it is single-threaded and uses no unsafe code, so that every new process is a new start of the program.

mod calls;
mod files;
mod init;
mod message;
mod mounts;
mod namespaces;
mod privileges;
pub(super) mod processes;
mod selftest;
mod view;
mod warden;

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use tokio_util::sync::CancellationToken;

use super::supervise::{Ended, Ending, Start, supervise};
use super::{
    BoxFuture, Command, Exit, Finished, HELPER_ARGUMENT, HostEnvironment, Level, Network, Sandbox, SandboxError,
    places, scratch,
};
use message::{Place, Policy, Report};
pub(super) use selftest::{Order as SelftestOrder, SELFTEST};

/// The argument of the second stage; those of the first are the names of level and network.
const INIT_STAGE: &str = "init";

/// Runs commands within walls on Linux.
#[derive(Debug)]
pub struct LinuxSandbox {
    host: HostEnvironment,
    helper_program: PathBuf,
    level: Level,
    places: Vec<Place>,
}

impl LinuxSandbox {
    /// Makes a sandbox with the walls of `level`, which must have been probed.
    ///
    /// `helper_program` is the `prentice` program, which calls [`helper_main`](super::helper_main). The places that
    /// commands may read are looked up once, here.
    pub fn new(host: HostEnvironment, helper_program: PathBuf, level: Level) -> Self {
        let places = places::readable_places(&host).iter().filter_map(|path| place(path)).collect();
        Self { host, helper_program, level, places }
    }

    fn policy(&self, command: &Command) -> Result<Policy, SandboxError> {
        let program = self.host.find_program(command)?;
        let temporary_folder = match self.level {
            // A short name: the path of a unix socket has at most 108 bytes.
            Level::Namespaces => PathBuf::from("/tmp"),
            Level::Landlock | Level::Off => command.scratch.join("tmp"),
        };
        let mut places = self.places.clone();
        // A program in the work tree may be a link that the repository put there; where it leads is not opened.
        let named = Some(&program).filter(|program| !program.starts_with(&command.work_tree));
        places.extend(command.readable.iter().chain(named).filter_map(|path| place(path)));
        if command.network == Network::Machine {
            places.extend(self.host.network_places().iter().filter_map(|path| place(path)));
        }
        Ok(Policy {
            level: self.level,
            network: command.network,
            program,
            arguments: command.argv[1..].to_vec(),
            directory: command.directory.clone(),
            environment: self.host.for_command(command, &temporary_folder),
            work_tree: command.work_tree.clone(),
            scratch: command.scratch.clone(),
            places,
            limits: command.limits,
        })
    }

    #[allow(
        clippy::disallowed_methods,
        reason = "the sandbox starts the repository's commands, by way of its own helper"
    )]
    async fn run_confined(&self, command: &Command, cancel: &CancellationToken) -> Result<Finished, SandboxError> {
        if cancel.is_cancelled() {
            return Err(SandboxError::Cancelled);
        }
        let command = &without_links(command).map_err(|error| failed(command, &error.to_string()))?;
        let policy = self.policy(command)?;
        let lost = |error: &dyn std::fmt::Display| failed(command, &error.to_string());
        let downloads = command.network == Network::Own;
        scratch::prepare(&self.host, &command.scratch, &command.links, downloads).map_err(|error| lost(&error))?;
        let variables = policy.environment.keys().cloned().collect();
        let mut message = serde_json::to_vec(&policy).map_err(|error| lost(&error))?;
        message.push(b'\n');
        let mut helper = tokio::process::Command::new(&self.helper_program);
        helper.args([HELPER_ARGUMENT, level_name(self.level), network_name(command.network)]).env_clear();
        let start = Start {
            command: helper,
            limits: command.limits,
            work_tree: command.work_tree.clone(),
            message: Some(message),
        };
        let ended = supervise(start, cancel).await.map_err(|error| lost(&error))?;
        let exit = self.exit(command, &ended)?;
        let Ended { output, dropped_bytes, elapsed, .. } = ended;
        Ok(Finished { exit, output, dropped_bytes, variables, elapsed })
    }

    fn exit(&self, command: &Command, ended: &Ended) -> Result<Exit, SandboxError> {
        let status = match ended.ending {
            Ending::Exited(status) => status,
            Ending::Limit(exit) => return Ok(exit),
            Ending::Cancelled => return Err(SandboxError::Cancelled),
        };
        match serde_json::from_slice(&ended.reply) {
            Ok(Report::Exited(code)) => Ok(Exit::Code(code)),
            Ok(Report::Signaled(signal)) => Ok(Exit::Signal(signal)),
            Ok(Report::NotStarted(reason)) => Err(failed(command, &reason)),
            Ok(Report::NoWalls(reason)) => Err(SandboxError::Unavailable(reason)),
            Err(_) => Err(failed(command, &format!("the helper of the sandbox ended without a report ({status})"))),
        }
    }
}

impl Sandbox for LinuxSandbox {
    fn level(&self) -> Level {
        self.level
    }

    fn run<'a>(
        &'a self,
        command: &'a Command,
        cancel: &'a CancellationToken,
    ) -> BoxFuture<'a, Result<Finished, SandboxError>> {
        Box::pin(self.run_confined(command, cancel))
    }
}

/// Hides the memory and the environment of the calling process from other processes of the same user.
///
/// Call it early in `main`. It is one more wall for the case that a command gets to see the process at all.
///
/// # Errors
/// The system's reason.
pub fn hide_this_process() -> io::Result<()> {
    nix::sys::prctl::set_dumpable(false).map_err(io::Error::from)
}

/// Runs the stage that `arguments` name.
pub(super) fn helper_main(arguments: &[OsString]) -> u8 {
    let words: Vec<&str> = arguments.iter().filter_map(|argument| argument.to_str()).collect();
    match words.as_slice() {
        [INIT_STAGE] => init::run(),
        [SELFTEST, order] => selftest::run(order),
        [level, network] => {
            let level =
                [Level::Namespaces, Level::Landlock, Level::Off].into_iter().find(|it| level_name(*it) == *level);
            let network = [Network::Own, Network::Machine].into_iter().find(|it| network_name(*it) == *network);
            level.zip(network).map_or(2, |(level, network)| warden::run(level, network))
        }
        _ => 2,
    }
}

fn level_name(level: Level) -> &'static str {
    match level {
        Level::Namespaces => "namespaces",
        Level::Landlock => "landlock",
        Level::Off => "off",
    }
}

fn network_name(network: Network) -> &'static str {
    match network {
        Network::Own => "own",
        Network::Machine => "machine",
    }
}

/// Tells Prentice, over the lifeline, how it went.
fn send(report: &Report) {
    let line = serde_json::to_vec(report).unwrap_or_default();
    // Nobody can be told when Prentice is gone.
    let _ = nix::unistd::write(io::stdin(), &line);
}

/// Returns the command with the real paths of its folders: in the view a link may lead nowhere.
fn without_links(command: &Command) -> io::Result<Command> {
    Ok(Command {
        directory: command.directory.canonicalize()?,
        work_tree: command.work_tree.canonicalize()?,
        scratch: command.scratch.canonicalize()?,
        ..command.clone()
    })
}

fn place(path: &Path) -> Option<Place> {
    let source = path.canonicalize().ok()?;
    Some(Place { path: path.to_owned(), source, hidden: places::hidden_entries(path) })
}

fn failed(command: &Command, reason: &str) -> SandboxError {
    let program = command.argv.first().cloned().unwrap_or_default();
    SandboxError::Failed { program, reason: reason.to_owned() }
}
