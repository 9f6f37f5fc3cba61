//! Commands without walls, for users who explicitly say so.

use std::path::PathBuf;

use tokio_util::sync::CancellationToken;

use super::environment::HostEnvironment;
use super::{BoxFuture, Command, Finished, Level, Sandbox, SandboxError};

/// Runs commands as the user who started Prentice: with the same environment, limits and clean-up as behind walls, but
/// with the user's files and network.
///
/// On Linux the helper cleans up behind the command. Elsewhere only the command's own process group is ended, and memory
/// and processes are not counted.
#[derive(Debug)]
pub struct Unconfined {
    #[cfg(target_os = "linux")]
    inner: super::linux::LinuxSandbox,
    #[cfg(not(target_os = "linux"))]
    host: HostEnvironment,
}

impl Unconfined {
    /// Makes a runner whose commands get their environment from `host`; `helper_program` is Prentice itself.
    #[cfg(target_os = "linux")]
    pub fn new(host: HostEnvironment, helper_program: PathBuf) -> Self {
        Self { inner: super::linux::LinuxSandbox::new(host, helper_program, Level::Off) }
    }

    /// Makes a runner whose commands get their environment from `host`; `helper_program` is Prentice itself.
    #[cfg(not(target_os = "linux"))]
    pub fn new(host: HostEnvironment, _helper_program: PathBuf) -> Self {
        Self { host }
    }
}

impl Sandbox for Unconfined {
    fn level(&self) -> Level {
        Level::Off
    }

    #[cfg(target_os = "linux")]
    fn run<'a>(
        &'a self,
        command: &'a Command,
        cancel: &'a CancellationToken,
    ) -> BoxFuture<'a, Result<Finished, SandboxError>> {
        self.inner.run(command, cancel)
    }

    #[cfg(all(unix, not(target_os = "linux")))]
    fn run<'a>(
        &'a self,
        command: &'a Command,
        cancel: &'a CancellationToken,
    ) -> BoxFuture<'a, Result<Finished, SandboxError>> {
        Box::pin(direct::run(&self.host, command, cancel))
    }

    #[cfg(not(unix))]
    fn run<'a>(
        &'a self,
        _command: &'a Command,
        _cancel: &'a CancellationToken,
    ) -> BoxFuture<'a, Result<Finished, SandboxError>> {
        let reason = format!("commands cannot be supervised on this system; home: {:?}", self.host.home());
        Box::pin(std::future::ready(Err(SandboxError::Unavailable(reason))))
    }
}

/// Runs a command as a direct child.
#[cfg(all(unix, any(test, not(target_os = "linux"))))]
mod direct {
    use std::os::unix::process::ExitStatusExt;

    use tokio_util::sync::CancellationToken;

    use super::super::scratch;
    use super::super::supervise::{Ending, Start, supervise};
    use super::super::{Command, Exit, Finished, HostEnvironment, Network, SandboxError};

    /// Runs `command` to its end; what left its process group is not ended.
    #[allow(clippy::disallowed_methods, reason = "the sandbox starts the repository's commands")]
    pub(super) async fn run(
        host: &HostEnvironment,
        command: &Command,
        cancel: &CancellationToken,
    ) -> Result<Finished, SandboxError> {
        let program = host.find_program(command)?;
        let name = command.argv[0].clone();
        let failed = |error: std::io::Error| SandboxError::Failed { program: name.clone(), reason: error.to_string() };
        if cancel.is_cancelled() {
            return Err(SandboxError::Cancelled);
        }
        scratch::prepare(host, &command.scratch, &command.links, command.network == Network::Own).map_err(failed)?;
        let mut child = tokio::process::Command::new(program);
        child.args(&command.argv[1..]).current_dir(&command.directory).env_clear();
        let environment = host.for_command(command, &command.scratch.join("tmp"));
        let variables = environment.keys().cloned().collect();
        child.envs(environment);
        let start =
            Start { command: child, limits: command.limits, work_tree: command.work_tree.clone(), message: None };
        let ended = supervise(start, cancel).await.map_err(failed)?;
        let exit = match ended.ending {
            Ending::Exited(status) => match (status.code(), status.signal()) {
                (Some(code), _) => Exit::Code(code),
                (None, signal) => Exit::Signal(signal.unwrap_or_default()),
            },
            Ending::Limit(exit) => exit,
            Ending::Cancelled => return Err(SandboxError::Cancelled),
        };
        let (output, dropped_bytes, elapsed) = (ended.output, ended.dropped_bytes, ended.elapsed);
        Ok(Finished { exit, output, dropped_bytes, variables, elapsed })
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use super::super::{Exit, Limits};
    use super::*;

    async fn check(script: &str, wall: Duration, expected: (Exit, &str)) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().to_owned();
        let command = Command {
            argv: ["sh", "-c", script].map(str::to_owned).to_vec(),
            directory: path.clone(),
            work_tree: path.clone(),
            scratch: path.clone(),
            readable: Vec::new(),
            links: Vec::new(),
            network: super::super::Network::Own,
            environment: BTreeMap::new(),
            limits: Limits { wall, ..Limits::default() },
        };
        let host = HostEnvironment::new(BTreeMap::new());
        let finished = direct::run(&host, &command, &CancellationToken::new()).await.unwrap();
        assert_eq!((finished.exit, finished.output.as_str()), expected, "{script}");
    }

    #[tokio::test]
    async fn a_direct_child_is_watched_to_its_end() {
        let long = Duration::from_secs(60);
        check("echo out; echo err >&2; exit 3", long, (Exit::Code(3), "out\nerr\n")).await;
        check("kill -9 $$", long, (Exit::Signal(9), "")).await;
        check("sleep 1000 & echo started", long, (Exit::Code(0), "started\n")).await;
        check("sleep 1000", Duration::from_millis(50), (Exit::TimedOut, "")).await;
    }
}
