//! Looks at what a command uses, from a thread of its own: when processes multiply, no new thread can be started.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use tokio::sync::oneshot;

use super::{Exit, Limits};
use crate::clock::{Clock, SystemClock};

/// How often the limits are looked at; the command may overstep them for that long.
const LOOK: Duration = Duration::from_millis(100);

/// The share of time that looking may take, as its reciprocal: where very many processes run one look takes milliseconds.
const LOOK_SHARE: u32 = 20;

/// How often the number of processes of the machine is read, which costs microseconds: when it jumps, a look follows at
/// once. A fork bomb makes a few hundred in this time.
const GLANCE: Duration = Duration::from_millis(10);

/// How much of a file system is kept free for the rest of the machine, in bytes; less where less was free to begin with.
const RESERVED_BYTES: u64 = 128 << 20;

/// A thread that watches a command; it ends when this is dropped.
pub(super) struct Watch {
    root: Sender<i32>,
    exit: oneshot::Receiver<Exit>,
}

impl Watch {
    /// Starts the thread, before the command is started.
    ///
    /// # Errors
    /// The system's reason when it offers no more threads.
    pub(super) fn start(limits: Limits, work_tree: PathBuf) -> io::Result<Self> {
        let (root, roots) = channel();
        let (teller, exit) = oneshot::channel();
        let reserve_bytes = free_bytes(&work_tree).map_or(0, |free| RESERVED_BYTES.min(free / 8));
        let watcher = Watcher { limits, work_tree, reserve_bytes, running: running_now() };
        std::thread::Builder::new().name("limits".to_owned()).spawn(move || watcher.run(&roots, teller))?;
        Ok(Self { root, exit })
    }

    /// Names the process that was started.
    pub(super) fn begin(&self, root: i32) {
        // The thread ends only after it was told or when this is dropped.
        let _ = self.root.send(root);
    }

    /// Waits until a limit is reached.
    pub(super) async fn reached(&mut self) -> Exit {
        match (&mut self.exit).await {
            Ok(exit) => exit,
            Err(_) => std::future::pending().await,
        }
    }
}

struct Watcher {
    limits: Limits,
    work_tree: PathBuf,
    reserve_bytes: u64,
    running: u64,
}

impl Watcher {
    fn run(mut self, roots: &Receiver<i32>, teller: oneshot::Sender<Exit>) {
        let Ok(root) = roots.recv() else { return };
        prefer_this_thread();
        let clock = SystemClock::start();
        let mut next = LOOK;
        while roots.recv_timeout(GLANCE) == Err(RecvTimeoutError::Timeout) {
            let started = clock.elapsed();
            if started < next && !self.has_jumped() {
                continue;
            }
            if let Some(exit) = self.look(root) {
                // Nobody listens when the command has just ended.
                let _ = teller.send(exit);
                if exit == Exit::TooManyProcesses {
                    // Whoever else would have to do it may not get to run before there are many more.
                    end_below(root);
                }
                return;
            }
            let cost = clock.elapsed().saturating_sub(started);
            next = clock.elapsed() + LOOK.max(cost * LOOK_SHARE);
        }
    }

    /// Tells whether the machine runs so many processes more that they may be the command's.
    fn has_jumped(&mut self) -> bool {
        let running = running_now();
        let has_jumped = running > self.running + u64::from(self.limits.processes);
        // Others may have started them; a further look waits for a further jump.
        self.running = if has_jumped { running } else { self.running.min(running) };
        has_jumped
    }

    fn look(&self, root: i32) -> Option<Exit> {
        if free_bytes(&self.work_tree).is_some_and(|free| free < self.reserve_bytes) {
            return Some(Exit::DiskFull);
        }
        exhausted(root, &self.limits)
    }
}

#[allow(clippy::useless_conversion, reason = "the counts have fewer bits on some systems")]
fn free_bytes(folder: &Path) -> Option<u64> {
    let found = nix::sys::statvfs::statvfs(folder).ok()?;
    Some(u64::from(found.blocks_available()).saturating_mul(u64::from(found.fragment_size())))
}

#[cfg(target_os = "linux")]
fn running_now() -> u64 {
    super::linux::processes::running_now().unwrap_or(0)
}

/// Lets the thread go before the many that it may have to count, where that is allowed: as root, whose processes the
/// kernel does not limit in number.
#[cfg(target_os = "linux")]
fn prefer_this_thread() {
    super::linux::processes::prefer_this_thread();
}

#[cfg(not(target_os = "linux"))]
fn prefer_this_thread() {}

#[cfg(target_os = "linux")]
fn end_below(root: i32) {
    super::linux::processes::end_below(root);
}

#[cfg(not(target_os = "linux"))]
fn end_below(_root: i32) {}

#[cfg(target_os = "linux")]
fn exhausted(root: i32, limits: &Limits) -> Option<Exit> {
    use super::linux::processes;

    let below = processes::below(root);
    if below.iter().map(|process| process.cpu).sum::<Duration>() > limits.cpu {
        return Some(Exit::OutOfCpu);
    }
    let threads: u64 = below.iter().map(|process| process.threads).sum();
    if threads > u64::from(limits.processes) {
        return Some(Exit::TooManyProcesses);
    }
    // Resident memory counts what forked workers share once for each of them, but it is cheap: only where it says too
    // much is the proportional share asked for.
    let resident: u64 = below.iter().map(|process| process.resident_bytes).sum();
    let is_too_much = resident > limits.memory_bytes
        && below.iter().map(processes::proportional_bytes).sum::<u64>() > limits.memory_bytes;
    is_too_much.then_some(Exit::OutOfMemory)
}

#[cfg(not(target_os = "linux"))]
fn running_now() -> u64 {
    0
}

#[cfg(not(target_os = "linux"))]
fn exhausted(_root: i32, _limits: &Limits) -> Option<Exit> {
    None
}
