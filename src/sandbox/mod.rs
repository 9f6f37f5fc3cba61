//! The seam that runs the repository's commands, and the walls around them.
//!
//! Nothing else in the program starts a command of the repository. It does not decide which commands are run or what
//! their output means.

mod detect;
mod environment;
#[cfg(unix)]
mod limits;
#[cfg(target_os = "linux")]
mod linux;
mod output;
mod places;
mod scratch;
#[cfg(unix)]
mod supervise;
mod unconfined;

use std::collections::BTreeMap;
use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

pub use detect::{Detected, Probe, detect, line_that_allows_namespaces, probe};
pub use environment::HostEnvironment;
#[cfg(target_os = "linux")]
pub use linux::{LinuxSandbox, hide_this_process};
pub use unconfined::Unconfined;

/// The first argument that makes the `prentice` program a helper of the sandbox; users never type it.
pub const HELPER_ARGUMENT: &str = "__sandbox-helper";

/// Runs the program as a helper of the sandbox and returns its exit code.
///
/// `arguments` are those after [`HELPER_ARGUMENT`]. It has to be called before any thread is started: walls are raised
/// around the calling thread only.
#[cfg(target_os = "linux")]
pub fn helper_main(arguments: &[std::ffi::OsString]) -> u8 {
    linux::helper_main(arguments)
}

/// Refuses: this system has no helper.
#[cfg(not(target_os = "linux"))]
pub fn helper_main(_arguments: &[std::ffi::OsString]) -> u8 {
    2
}

/// A command and what it may use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// The program and its arguments; never given to a shell.
    pub argv: Vec<String>,
    /// Where it starts; below `work_tree`.
    pub directory: PathBuf,
    /// The work tree: readable and writable.
    pub work_tree: PathBuf,
    /// A private temporary folder, also its HOME: readable and writable.
    pub scratch: PathBuf,
    /// Further places that it may read (dependencies that the checkout already has).
    pub readable: Vec<PathBuf>,
    /// Links to make in `scratch` before it starts: name below it, and where it leads, which must be readable.
    pub links: Vec<(String, PathBuf)>,
    /// Which network it sees.
    pub network: Network,
    /// Variables on top of the allow-listed environment.
    pub environment: BTreeMap<String, String>,
    /// What it may use.
    pub limits: Limits,
}

/// Which network a command sees.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Network {
    /// Its own: loopback at most, and only within namespaces.
    #[default]
    Own,
    /// The machine's, to fetch dependencies; unix sockets are closed to it then, abstract ones too.
    Machine,
}

/// What a command may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Wall time.
    pub wall: Duration,
    /// Processor time of all its processes together, and of each of them.
    pub cpu: Duration,
    /// Resident memory of all its processes together.
    pub memory_bytes: u64,
    /// Processes and threads at once.
    pub processes: u32,
    /// Output kept, head and tail half each; the rest is counted and dropped.
    pub output_bytes: usize,
    /// The largest file it may write.
    pub file_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            wall: Duration::from_secs(20 * 60),
            cpu: Duration::from_secs(4 * 60 * 60),
            memory_bytes: 8 << 30,
            processes: 1024,
            output_bytes: 1 << 20,
            file_bytes: 4 << 30,
        }
    }
}

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Exit {
    /// It exited with this code.
    Code(i32),
    /// A signal ended it.
    Signal(i32),
    /// It ran longer than [`Limits::wall`].
    TimedOut,
    /// It used more than [`Limits::cpu`].
    OutOfCpu,
    /// It used more than [`Limits::memory_bytes`].
    OutOfMemory,
    /// It had more than [`Limits::processes`].
    TooManyProcesses,
    /// It left almost no space on the disk of the work tree.
    DiskFull,
}

impl Exit {
    /// Tells whether it exited with code 0.
    pub fn is_success(self) -> bool {
        self == Self::Code(0)
    }
}

/// A command that has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finished {
    /// How it ended.
    pub exit: Exit,
    /// Standard output and standard error in the order of arrival; a notice stands where `dropped_bytes` were cut.
    pub output: String,
    /// Bytes of output that were cut out of the middle.
    pub dropped_bytes: u64,
    /// The names of the variables that the command got, in byte order.
    pub variables: Vec<String>,
    /// Wall time.
    pub elapsed: Duration,
}

/// The walls that are in force, strongest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Linux namespaces (user, mount, pid, net, ipc, uts), Landlock and seccomp.
    Namespaces,
    /// Landlock and seccomp, where namespaces are forbidden.
    ///
    /// Weaker and stricter at once: files can be read, written and run only where they are named, but their modes and
    /// times can be changed wherever the user may; /dev/shm is shared; and as loopback cannot be told from the rest of the
    /// network, there is no network at all and no connection to a unix socket, not even to the command's own.
    Landlock,
    /// None: the command runs as the user who started Prentice.
    Off,
}

/// A future that a trait object can return.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Something that runs commands.
pub trait Sandbox: Send + Sync {
    /// Returns the walls that are in force.
    fn level(&self) -> Level;

    /// Runs `command` to its end; nothing that it started is left running.
    fn run<'a>(
        &'a self,
        command: &'a Command,
        cancel: &'a CancellationToken,
    ) -> BoxFuture<'a, Result<Finished, SandboxError>>;
}

/// Why a command could not be run.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The kernel or the system does not offer the walls.
    #[error("this system offers no sandbox: {0}")]
    Unavailable(String),
    /// The program does not exist in any folder of PATH.
    #[error("the program {program:?} was not found in PATH")]
    ProgramNotFound {
        /// Its name.
        program: String,
    },
    /// It could not be started or watched.
    #[error("{program:?} could not be run: {reason}")]
    Failed {
        /// Its name.
        program: String,
        /// The system's reason.
        reason: String,
    },
    /// The caller cancelled; everything that ran is ended.
    #[error("cancelled")]
    Cancelled,
}
