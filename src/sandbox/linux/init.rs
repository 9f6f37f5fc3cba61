//! The second stage of the helper: raises the walls around itself, starts the command within them and reports how it
//! ended. In a process namespace it is the first process: when it ends, the kernel ends all others.

use std::io::{self, Read};
use std::os::unix::process::CommandExt;
use std::process::Stdio;

use nix::sys::prctl;
use nix::sys::signal::{Signal, killpg};
use nix::sys::wait::WaitStatus;
use nix::unistd::{Pid, getpid, getppid};

use super::message::{Policy, Report, WallError, step};
use super::warden::{Event, next_event, reap, watch_children};
use super::{calls, files, privileges, send, view};
use crate::sandbox::Level;
use crate::sandbox::supervise::END_REQUEST;

/// Runs the second stage to its end.
pub(super) fn run() -> u8 {
    let report = match run_command() {
        Ok(Some(report)) => report,
        // Nobody is left who could be told.
        Ok(None) => return 1,
        Err(error) => Report::NoWalls(error.to_string()),
    };
    send(&report);
    0
}

fn run_command() -> Result<Option<Report>, WallError> {
    // The first stage ends the command too; this is for the case that something ends the first stage.
    prctl::set_pdeathsig(Signal::SIGKILL).map_err(step("end with the first stage"))?;
    let helpers = [getppid().as_raw(), getpid().as_raw()];
    let (policy, is_ended) = receive()?;
    raise_walls(&policy, helpers)?;
    if is_ended {
        return Ok(None);
    }
    let child = match start(&policy) {
        Ok(child) => child,
        Err(error) => return Ok(Some(Report::NotStarted(error.to_string()))),
    };
    let signals = watch_children()?;
    loop {
        match reap(child) {
            Some(WaitStatus::Exited(_, code)) => return Ok(Some(Report::Exited(code))),
            Some(WaitStatus::Signaled(_, signal, _)) => return Ok(Some(Report::Signaled(signal as i32))),
            _ => {}
        }
        match next_event(&signals, true)? {
            Event::Child => {}
            Event::Orphaned => return Ok(None),
            Event::Message => obey(child)?,
        }
    }
}

/// Reads the policy, and whether a request to end the command came with it.
fn receive() -> Result<(Policy, bool), WallError> {
    let mut input = io::stdin().lock();
    let mut line = Vec::new();
    let mut buffer = [0; 1 << 14];
    let end = loop {
        let count = input.read(&mut buffer).map_err(step("read the policy"))?;
        if count == 0 {
            return Err(step("read the policy")("it is cut off"));
        }
        let from = line.len();
        line.extend_from_slice(&buffer[..count]);
        if let Some(position) = line[from..].iter().position(|byte| *byte == b'\n') {
            break from + position;
        }
    };
    let policy = serde_json::from_slice(&line[..end]).map_err(step("read the policy"))?;
    Ok((policy, line[end..].contains(&END_REQUEST)))
}

/// Asks the command to end. It leads a process group of its own, in which the helper is not.
fn obey(child: Pid) -> Result<(), WallError> {
    let mut request = [0; 16];
    let count = nix::unistd::read(io::stdin(), &mut request).map_err(step("read a request"))?;
    if request[..count].contains(&END_REQUEST) {
        // The group is empty when the command has just ended.
        let _ = killpg(child, Signal::SIGTERM);
    }
    Ok(())
}

fn raise_walls(policy: &Policy, helpers: [i32; 2]) -> Result<(), WallError> {
    if policy.level == Level::Namespaces {
        view::enter(policy)?;
    }
    privileges::set_limits(policy.level, &policy.limits)?;
    // The command can see this process; what it remembers is nobody's business.
    prctl::set_dumpable(false).map_err(step("hide memory"))?;
    if policy.level != Level::Off {
        privileges::drop_all()?;
        files::restrict(policy)?;
        calls::restrict((policy.level, policy.network), helpers)?;
    }
    Ok(())
}

#[allow(clippy::disallowed_methods, reason = "the sandbox starts the repository's commands")]
fn start(policy: &Policy) -> io::Result<Pid> {
    let mut command = std::process::Command::new(&policy.program);
    command.args(&policy.arguments).current_dir(&policy.directory);
    command.env_clear().envs(&policy.environment).stdin(Stdio::null()).process_group(0);
    let child = command.spawn()?;
    i32::try_from(child.id()).map(Pid::from_raw).map_err(io::Error::other)
}
