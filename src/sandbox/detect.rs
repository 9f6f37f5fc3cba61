//! Which walls this machine offers: believed only after they have been tried.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{HostEnvironment, Level, Sandbox, SandboxError};

/// What was found out about one level.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probe {
    /// The walls that were tried.
    pub level: Level,
    /// What holds, each a statement for people.
    pub passed: Vec<String>,
    /// What does not hold, or why nothing could be tried; empty when the level can be used.
    pub failed: Vec<String>,
}

impl Probe {
    /// Tells whether every wall holds.
    pub fn holds(&self) -> bool {
        self.failed.is_empty() && !self.passed.is_empty()
    }
}

/// The strongest walls of this machine.
pub struct Detected {
    /// What runs commands within them.
    pub sandbox: Arc<dyn Sandbox>,
    /// What was tried, strongest first; the last one holds.
    pub probes: Vec<Probe>,
}

/// Tries the levels, strongest first, and returns the first that holds.
///
/// `helper_program` is the `prentice` program, which calls [`helper_main`](super::helper_main). Costs one run of a
/// command for each level that is tried, some milliseconds.
///
/// # Errors
/// [`SandboxError::Unavailable`] when none holds, with what failed and how the machine could be made to allow it.
pub async fn detect(host: &HostEnvironment, helper_program: &Path) -> Result<Detected, SandboxError> {
    let mut probes = Vec::new();
    for level in [Level::Namespaces, Level::Landlock] {
        let found = probe(host, helper_program, level).await;
        let holds = found.holds();
        probes.push(found);
        if holds {
            return Ok(Detected { sandbox: sandbox(host, helper_program, level), probes });
        }
    }
    let failures = probes.iter().map(|probe| format!("{:?}: {}", probe.level, probe.failed.join(", ")));
    let all = failures.collect::<Vec<_>>().join("; ").to_lowercase();
    Err(SandboxError::Unavailable(format!("{all}; {}", way_out())))
}

#[cfg(target_os = "linux")]
fn sandbox(host: &HostEnvironment, helper_program: &Path, level: Level) -> Arc<dyn Sandbox> {
    Arc::new(super::LinuxSandbox::new(host.clone(), helper_program.to_owned(), level))
}

#[cfg(not(target_os = "linux"))]
fn sandbox(host: &HostEnvironment, helper_program: &Path, _level: Level) -> Arc<dyn Sandbox> {
    Arc::new(super::Unconfined::new(host.clone(), helper_program.to_owned()))
}

/// Tries the walls of one level: real writes, reads and connections from within.
///
/// A level that cannot be tried is a probe that failed.
pub async fn probe(host: &HostEnvironment, helper_program: &Path, level: Level) -> Probe {
    match attempt(host, helper_program, level).await {
        Ok(probe) => probe,
        Err(reason) => Probe { level, passed: Vec::new(), failed: vec![reason] },
    }
}

#[cfg(not(target_os = "linux"))]
async fn attempt(_host: &HostEnvironment, _helper_program: &Path, _level: Level) -> Result<Probe, String> {
    Err("this system is not Linux".to_owned())
}

#[cfg(target_os = "linux")]
async fn attempt(host: &HostEnvironment, helper_program: &Path, level: Level) -> Result<Probe, String> {
    let stage = Stage::build(host, level).map_err(|error| format!("the probe could not be prepared: {error}"))?;
    let order = serde_json::to_string(&stage.order).map_err(|error| error.to_string())?;
    let command = super::Command {
        argv: vec![
            helper_program.to_string_lossy().into_owned(),
            super::HELPER_ARGUMENT.to_owned(),
            super::linux::SELFTEST.to_owned(),
            order,
        ],
        directory: stage.order.inside.clone(),
        work_tree: stage.order.inside.clone(),
        scratch: stage.scratch.clone(),
        readable: Vec::new(),
        links: Vec::new(),
        network: super::Network::Own,
        environment: std::collections::BTreeMap::new(),
        limits: super::Limits { wall: PROBE_TIME, ..super::Limits::default() },
    };
    let never = tokio_util::sync::CancellationToken::new();
    let finished = sandbox(host, helper_program, level).run(&command, &never).await.map_err(|it| it.to_string())?;
    let results: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&finished.output)
        .map_err(|_| format!("the probe ended with {:?}: {}", finished.exit, finished.output.trim()))?;
    let (passed, failed): (Vec<_>, Vec<_>) = results.into_iter().partition(|(_, holds)| *holds == true);
    let names = |checks: Vec<(String, _)>| checks.into_iter().map(|(name, _)| name).collect::<Vec<_>>();
    let failed = names(failed).into_iter().map(|name| format!("does not hold: {name}")).collect();
    Ok(Probe { level, passed: names(passed), failed })
}

/// How long a probe may take.
#[cfg(target_os = "linux")]
const PROBE_TIME: std::time::Duration = std::time::Duration::from_secs(10);

/// What a probe is run against: files, listeners and a parent that it must not reach.
#[cfg(target_os = "linux")]
struct Stage {
    order: super::linux::SelftestOrder,
    scratch: PathBuf,
    _folder: tempfile::TempDir,
    _tcp: std::net::TcpListener,
    _unix: [std::os::unix::net::UnixListener; 2],
}

#[cfg(target_os = "linux")]
impl Stage {
    fn build(host: &HostEnvironment, level: Level) -> std::io::Result<Self> {
        use std::os::linux::net::SocketAddrExt;
        use std::os::unix::net::{SocketAddr, UnixListener};

        let folder = tempfile::Builder::new().prefix("prentice-probe-").tempdir_in(host.temporary_folder())?;
        let place = folder.path().canonicalize()?;
        let (outside, inside, scratch) = (place.join("outside"), place.join("inside"), place.join("scratch"));
        for each in [&outside, &inside, &scratch] {
            std::fs::create_dir(each)?;
        }
        std::fs::write(outside.join("canary"), "canary")?;
        let tcp = std::net::TcpListener::bind("127.0.0.1:0")?;
        let abstract_name = place.display().to_string();
        let named = UnixListener::bind(outside.join("socket"))?;
        let unnamed = UnixListener::bind_addr(&SocketAddr::from_abstract_name(&abstract_name)?)?;
        let arguments = std::fs::read("/proc/self/cmdline")?;
        let order = super::linux::SelftestOrder {
            level,
            outside,
            inside,
            port: tcp.local_addr()?.port(),
            abstract_name,
            parent: std::process::id(),
            parent_arguments: String::from_utf8_lossy(&arguments).into_owned(),
        };
        Ok(Self { order, scratch, _folder: folder, _tcp: tcp, _unix: [named, unnamed] })
    }
}

/// Settings of the kernel that forbid namespaces to ordinary users: (file, value that forbids, line that allows).
const SWITCHES: &[(&str, &str, &str)] = &[
    (
        "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
        "1",
        "sysctl kernel.apparmor_restrict_unprivileged_userns=0",
    ),
    ("/proc/sys/kernel/unprivileged_userns_clone", "0", "sysctl kernel.unprivileged_userns_clone=1"),
    ("/proc/sys/user/max_user_namespaces", "0", "sysctl user.max_user_namespaces=10000"),
];

/// Returns the line by which an administrator allows namespaces here, where a setting of the kernel forbids them.
pub fn line_that_allows_namespaces() -> Option<&'static str> {
    let forbids =
        |(file, value, _): &&(&str, &str, &str)| std::fs::read_to_string(file).is_ok_and(|text| text.trim() == *value);
    SWITCHES.iter().find(forbids).map(|(_, _, line)| *line)
}

/// Says what would make a sandbox possible here.
fn way_out() -> String {
    match line_that_allows_namespaces() {
        Some(line) => format!("an administrator can allow it with `{line}`"),
        None => "a container needs `--security-opt seccomp=unconfined --security-opt systempaths=unconfined` \
                 or a kernel with Landlock"
            .to_owned(),
    }
}
