//! The first stage of the helper: enters the namespaces, starts the second stage, and ends everything below it when that
//! ends or when Prentice is gone. It stays outside of the walls, so that nothing within can touch it.

use std::os::fd::AsFd;
use std::process::Stdio;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::prctl;
use nix::sys::signal::{SigSet, Signal, kill};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{Pid, getpid};

use super::message::{Report, WallError, step};
use super::{INIT_STAGE, namespaces, processes, send};
use crate::sandbox::{HELPER_ARGUMENT, Level, Network};

/// Runs the first stage to its end.
pub(super) fn run(level: Level, network: Network) -> u8 {
    match start(level, network).and_then(|(init, signals)| guard(level, init, &signals)) {
        Ok(()) => 0,
        Err(error) => {
            send(&Report::NoWalls(error.to_string()));
            1
        }
    }
}

/// Returns where the end of a child is told; to be called after the child is started, which would inherit the mask.
///
/// Nothing else is sent as a signal: requests come over the lifeline, and without a terminal no key sends one.
pub(super) fn watch_children() -> Result<SignalFd, WallError> {
    let mut watched = SigSet::empty();
    watched.add(Signal::SIGCHLD);
    watched.thread_block().map_err(step("watch children"))?;
    SignalFd::with_flags(&watched, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC).map_err(step("watch children"))
}

/// What a stage was woken by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// A child may have ended.
    Child,
    /// Prentice sent something.
    Message,
    /// Prentice is gone.
    Orphaned,
}

/// Waits for something to happen; messages only if `with_messages`.
pub(super) fn next_event(signals: &SignalFd, with_messages: bool) -> Result<Event, WallError> {
    let input = std::io::stdin();
    let wanted = if with_messages { PollFlags::POLLIN } else { PollFlags::empty() };
    let mut watched = [PollFd::new(signals.as_fd(), PollFlags::POLLIN), PollFd::new(input.as_fd(), wanted)];
    loop {
        match poll(&mut watched, PollTimeout::NONE) {
            Err(Errno::EINTR) => {}
            Err(error) => return Err(step("wait")(error)),
            Ok(_) => break,
        }
    }
    let lifeline = watched[1].revents().unwrap_or(PollFlags::POLLERR);
    if lifeline.intersects(PollFlags::POLLHUP | PollFlags::POLLERR | PollFlags::POLLNVAL) {
        return Ok(Event::Orphaned);
    }
    if lifeline.contains(PollFlags::POLLIN) {
        return Ok(Event::Message);
    }
    while let Ok(Some(_)) = signals.read_signal() {}
    Ok(Event::Child)
}

/// Waits for every child that has ended, and returns how `child` did if it is among them.
pub(super) fn reap(child: Pid) -> Option<WaitStatus> {
    let mut found = None;
    loop {
        match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::StillAlive) | Err(Errno::ECHILD) => return found,
            Ok(status) if status.pid() == Some(child) => found = Some(status),
            Ok(_) | Err(Errno::EINTR) => {}
            Err(_) => return found,
        }
    }
}

#[allow(clippy::disallowed_methods, reason = "the sandbox starts the repository's commands, by way of its own helper")]
fn start(level: Level, network: Network) -> Result<(Pid, SignalFd), WallError> {
    close_inherited();
    // A shell or a runner may have blocked some; the command would inherit that.
    SigSet::empty().thread_set_mask().map_err(step("unblock signals"))?;
    // A new session has no terminal: a command can neither read from the user's nor type into it.
    nix::unistd::setsid().map_err(step("new session"))?;
    if level == Level::Namespaces {
        namespaces::enter(network)?;
    } else {
        prctl::set_child_subreaper(true).map_err(step("adopt orphans"))?;
        prctl::set_dumpable(false).map_err(step("hide memory"))?;
    }
    let mut init = std::process::Command::new("/proc/self/exe");
    init.args([HELPER_ARGUMENT, INIT_STAGE]).env_clear().stdin(Stdio::inherit());
    let child = init.spawn().map_err(step("start the second stage"))?;
    let id = i32::try_from(child.id()).map_err(step("start the second stage"))?;
    Ok((Pid::from_raw(id), watch_children()?))
}

/// Closes what was left open by whoever started Prentice: through a descriptor a command could reach outside.
fn close_inherited() {
    let open = std::fs::read_dir("/proc/self/fd").into_iter().flatten().flatten();
    let numbers: Vec<i32> = open.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    for number in numbers.into_iter().filter(|number| *number > 2) {
        // One of them was the list itself, which is closed already.
        let _ = nix::unistd::close(number);
    }
}

fn guard(level: Level, init: Pid, signals: &SignalFd) -> Result<(), WallError> {
    loop {
        if reap(init).is_some() {
            break;
        }
        if next_event(signals, false)? == Event::Orphaned {
            // With its first process a pid namespace ends; this returns when nothing in it is left.
            let _ = kill(init, Signal::SIGKILL);
            if level == Level::Namespaces {
                let _ = waitpid(init, None);
            }
            break;
        }
    }
    if level != Level::Namespaces {
        processes::prefer_this_thread();
        processes::end_below(getpid().as_raw());
        let _ = reap(Pid::from_raw(0));
    }
    Ok(())
}
