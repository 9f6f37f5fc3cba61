//! Watches one child process to its end: output, time, memory, number of processes, disk space and cancellation.

use std::io;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::net::unix::pipe;
use tokio::process::{Child, Command};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::limits::Watch;
use super::output::Capture;
use super::{Exit, Limits};
use crate::clock::{Clock, SystemClock};

/// How long a command may take to end after it was asked to.
const GRACE: Duration = Duration::from_secs(5);

/// How long the helper may take to end thousands of processes.
const HELPER_GRACE: Duration = Duration::from_secs(60);

/// How long the end of a killed command, and the last of its output, are waited for.
const DRAIN: Duration = Duration::from_secs(2);

/// The byte that asks the helper to end the command; it follows the message.
pub(super) const END_REQUEST: u8 = b'T';

/// A child to start.
pub(super) struct Start {
    /// The program; its streams are set here.
    pub(super) command: Command,
    /// What it may use.
    pub(super) limits: Limits,
    /// The folder whose file system it may fill.
    pub(super) work_tree: PathBuf,
    /// What is written to its standard input, which then stays open as a lifeline; `None` gives it an empty input.
    pub(super) message: Option<Vec<u8>>,
}

/// Why a child ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// By itself.
    Exited(ExitStatus),
    /// It was ended because of a limit.
    Limit(Exit),
    /// It was ended because the caller cancelled.
    Cancelled,
}

/// A child that has ended.
pub(super) struct Ended {
    /// Why.
    pub(super) ending: Ending,
    /// Its output, capped.
    pub(super) output: String,
    /// How much of the output is missing.
    pub(super) dropped_bytes: u64,
    /// Wall time.
    pub(super) elapsed: Duration,
    /// What it wrote to the lifeline.
    pub(super) reply: Vec<u8>,
}

/// Runs a child to its end.
///
/// A child with a message is a helper that ends everything below it when its lifeline closes, even when this future is
/// dropped or the whole program is killed. One without leads its own process group, and that group is ended.
///
/// # Errors
/// The system's reason when the child cannot be started or waited for.
pub(super) async fn supervise(start: Start, cancel: &CancellationToken) -> io::Result<Ended> {
    let clock = SystemClock::start();
    let Start { command, limits, work_tree, message } = start;
    let mut watch = Watch::start(limits, work_tree)?;
    let mut running = Running::spawn(command, message, limits.output_bytes).await?;
    let id = running.child.id().and_then(|id| i32::try_from(id).ok());
    id.into_iter().for_each(|id| watch.begin(id));
    let ending = tokio::select! {
        // In this order: who reaches a limit may be ended before this is woken.
        biased;
        exit = watch.reached() => Ending::Limit(exit),
        status = running.child.wait() => Ending::Exited(status?),
        () = tokio::time::sleep(limits.wall) => Ending::Limit(Exit::TimedOut),
        () = cancel.cancelled() => Ending::Cancelled,
    };
    let reply = match ending {
        Ending::Exited(_) => running.reply().await,
        Ending::Limit(exit) => running.end(exit == Exit::TimedOut, id).await.map(|()| Vec::new())?,
        Ending::Cancelled => running.end(true, id).await.map(|()| Vec::new())?,
    };
    running.end_group(id);
    let (output, dropped_bytes) = running.output().await;
    Ok(Ended { ending, output, dropped_bytes, elapsed: clock.elapsed(), reply })
}

struct Running {
    child: Child,
    lifeline: Option<UnixStream>,
    has_group: bool,
    capture: Arc<Mutex<Option<Capture>>>,
    reader: tokio::task::JoinHandle<()>,
}

impl Running {
    async fn spawn(mut command: Command, message: Option<Vec<u8>>, output_bytes: usize) -> io::Result<Self> {
        let (receiver, sender) = io::pipe()?;
        command.stdout(sender.try_clone()?).stderr(sender);
        let mut lifeline = None;
        if message.is_some() {
            let (ours, theirs) = std::os::unix::net::UnixStream::pair()?;
            ours.set_nonblocking(true)?;
            lifeline = Some(UnixStream::from_std(ours)?);
            command.stdin(std::os::fd::OwnedFd::from(theirs));
        } else {
            command.stdin(Stdio::null()).process_group(0);
        }
        let child = command.spawn()?;
        // It holds our copies of the child's ends; the output would never end.
        drop(command);
        let capture = Arc::new(Mutex::new(Some(Capture::new(output_bytes))));
        let receiver = pipe::Receiver::from_owned_fd(receiver.into())?;
        let reader = tokio::spawn(read_all(receiver, Arc::clone(&capture)));
        if let (Some(lifeline), Some(message)) = (&mut lifeline, message) {
            // A helper that is gone already is found by waiting for it.
            let _ = lifeline.write_all(&message).await;
        }
        let has_group = lifeline.is_none();
        Ok(Self { child, lifeline, has_group, capture, reader })
    }

    /// Reads what a child that has ended left in the lifeline.
    async fn reply(&mut self) -> Vec<u8> {
        let mut reply = Vec::new();
        if let Some(lifeline) = &mut self.lifeline {
            // The end of the stream may never come when a stranger holds the other side; what was read counts.
            let _ = timeout(DRAIN, lifeline.read_to_end(&mut reply)).await;
        }
        reply
    }

    /// Ends the child and everything below it: asks first if it has deserved that, then kills.
    async fn end(&mut self, ask_first: bool, id: Option<i32>) -> io::Result<()> {
        if ask_first {
            match &mut self.lifeline {
                // A helper that is gone already is found by waiting for it.
                Some(lifeline) => drop(lifeline.write_all(&[END_REQUEST]).await),
                None => signal_group(id, Signal::SIGTERM),
            }
            if timeout(GRACE, self.child.wait()).await.is_ok() {
                return Ok(());
            }
        }
        // The helper ends everything else before itself, and gives up by itself.
        if self.lifeline.take().is_some() && timeout(HELPER_GRACE, self.child.wait()).await.is_ok() {
            return Ok(());
        }
        self.end_group(id);
        self.child.kill().await
    }

    /// Kills what is left of the child's own process group.
    fn end_group(&self, id: Option<i32>) {
        if self.has_group {
            signal_group(id, Signal::SIGKILL);
        }
    }

    /// Waits for the last of the output.
    async fn output(mut self) -> (String, u64) {
        // Whoever still holds the pipe open is not waited for.
        let _ = timeout(DRAIN, &mut self.reader).await;
        self.reader.abort();
        let capture = self.capture.lock().unwrap_or_else(PoisonError::into_inner).take();
        capture.map_or_else(Default::default, Capture::finish)
    }
}

fn signal_group(id: Option<i32>, signal: Signal) {
    if let Some(group) = id {
        // The group is empty when everything has ended already.
        let _ = killpg(Pid::from_raw(group), signal);
    }
}

async fn read_all(mut receiver: pipe::Receiver, capture: Arc<Mutex<Option<Capture>>>) {
    let mut buffer = vec![0; 1 << 16];
    while let Ok(count @ 1..) = receiver.read(&mut buffer).await {
        match &mut *capture.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(capture) => capture.push(&buffer[..count]),
            None => return,
        }
    }
}
