//! Which processes run below another one, and what they use, read from /proc.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// A process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sandbox) struct Process {
    /// Its id.
    pub(in crate::sandbox) id: i32,
    parent: i32,
    /// Ended, but not waited for.
    pub(in crate::sandbox) is_zombie: bool,
    /// Its threads.
    pub(in crate::sandbox) threads: u64,
    /// Its memory, what it shares with others included.
    pub(in crate::sandbox) resident_bytes: u64,
    /// The processor time of it and of the children that it has waited for.
    pub(in crate::sandbox) cpu: Duration,
}

/// Hundredths of a second: the unit of times in /proc on every machine of today (man 5 proc_pid_stat, `sysconf(_SC_CLK_TCK)`).
const TICK: Duration = Duration::from_millis(10);

/// Returns every process below `root`, without `root` itself.
///
/// Reads one file for each process of the machine, about 5 µs each.
pub(in crate::sandbox) fn below(root: i32) -> Vec<Process> {
    let page_bytes = page_bytes();
    descendants(|parent| parent == root, ids().filter_map(|id| read(id, page_bytes)).collect())
}

fn ids() -> impl Iterator<Item = i32> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// Reads one process; `None` when it ended while the list was read.
fn read(id: i32, page_bytes: u64) -> Option<Process> {
    parse(id, &std::fs::read(format!("/proc/{id}/stat")).ok()?, page_bytes)
}

/// Returns the memory of a process, what it shares with others divided among them, in bytes.
pub(in crate::sandbox) fn proportional_bytes(process: &Process) -> u64 {
    let text = match std::fs::read_to_string(format!("/proc/{}/smaps_rollup", process.id)) {
        Ok(text) => text,
        // Not allowed: what it shares is counted as its own.
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => return process.resident_bytes,
        // Ended meanwhile.
        Err(_) => return 0,
    };
    let line = text.lines().find_map(|line| line.strip_prefix("Pss:"));
    let kibibytes = line.and_then(|rest| rest.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok());
    kibibytes.unwrap_or(0) * 1024
}

/// How often the descendants are looked for before what is left is given up as stuck in the kernel, and how long between
/// two looks.
const SWEEPS: u32 = 5000;
const BETWEEN_SWEEPS: Duration = Duration::from_millis(2);

/// Ends every process below `root`: stops all of them first, so that none can multiply while others are killed.
pub(in crate::sandbox) fn end_below(root: i32) {
    for _ in 0..SWEEPS {
        stop_below(root);
        let left: Vec<Process> = below(root).into_iter().filter(|process| !process.is_zombie).collect();
        if left.is_empty() {
            return;
        }
        for process in left {
            send(process.id, Signal::SIGKILL);
        }
        std::thread::sleep(BETWEEN_SWEEPS);
    }
}

/// Stops every process below `root` until there is none that was not stopped.
///
/// Every process is looked at once: while a fork bomb goes on, this has to be faster than it.
fn stop_below(root: i32) {
    let page_bytes = page_bytes();
    let mut known: HashSet<i32> = HashSet::new();
    let mut stopped: HashSet<i32> = HashSet::from([root]);
    for _ in 0..SWEEPS {
        let fresh = ids().filter(|id| known.insert(*id)).filter_map(|id| read(id, page_bytes));
        let found = descendants(|parent| stopped.contains(&parent), fresh.filter(|it| !it.is_zombie).collect());
        if found.is_empty() {
            return;
        }
        for process in found {
            send(process.id, Signal::SIGSTOP);
            stopped.insert(process.id);
        }
    }
}

fn send(id: i32, signal: Signal) {
    // It may have ended meanwhile.
    let _ = kill(Pid::from_raw(id), signal);
}

/// Lets the calling thread run before others, where that is allowed: as root.
pub(in crate::sandbox) fn prefer_this_thread() {
    let _ = rustix::process::setpriority_process(None, -20);
}

/// Returns the number of threads on the machine (/proc/loadavg, the fourth field).
pub(in crate::sandbox) fn running_now() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/loadavg").ok()?;
    text.split_ascii_whitespace().nth(3)?.split_once('/')?.1.parse().ok()
}

fn page_bytes() -> u64 {
    let found = nix::unistd::sysconf(nix::unistd::SysconfVar::PAGE_SIZE).ok().flatten();
    found.and_then(|bytes| u64::try_from(bytes).ok()).unwrap_or(4096)
}

/// Returns those of `all` that are below a process for which `is_root` holds.
fn descendants(is_root: impl Fn(i32) -> bool, all: Vec<Process>) -> Vec<Process> {
    let mut children: HashMap<i32, Vec<Process>> = HashMap::new();
    let mut found: Vec<Process> = Vec::new();
    for process in all {
        if is_root(process.parent) {
            found.push(process);
        } else {
            children.entry(process.parent).or_default().push(process);
        }
    }
    let mut next = 0;
    while next < found.len() {
        let below = children.remove(&found[next].id).unwrap_or_default();
        found.extend(below);
        next += 1;
    }
    found
}

/// Reads a line of /proc/ID/stat (man 5 proc_pid_stat); the name in it may hold spaces and brackets.
fn parse(id: i32, stat: &[u8], page_bytes: u64) -> Option<Process> {
    let text = String::from_utf8_lossy(stat);
    let fields: Vec<&str> = text[text.rfind(')')? + 1..].split_ascii_whitespace().collect();
    let number = |index: usize| fields.get(index)?.parse::<u64>().ok();
    Some(Process {
        id,
        parent: fields.get(1)?.parse().ok()?,
        is_zombie: matches!(*fields.first()?, "Z" | "X"),
        threads: number(17)?,
        resident_bytes: number(21)? * page_bytes,
        cpu: TICK * u32::try_from((11..=14).filter_map(number).sum::<u64>()).unwrap_or(u32::MAX),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_stat_is_read_whatever_the_name() {
        let rest = "S 7 1 1 0 -1 4 1 2 3 4 5 6 7 8 20 0 3 0 99 1000 25 18446744073709551615";
        for name in ["cat", "a b", "x) R 1 (", "ä\u{1F600}"] {
            let line = format!("42 ({name}) {rest}");
            let cpu = Duration::from_millis(260);
            let process = Process { id: 42, parent: 7, is_zombie: false, threads: 3, resident_bytes: 25 * 4096, cpu };
            assert_eq!(parse(42, line.as_bytes(), 4096), Some(process), "{name}");
        }
        assert_eq!(parse(42, b"42 (cut", 4096), None);
        assert_eq!(parse(42, b"42 (cut) S", 4096), None);
    }

    #[test]
    fn only_what_is_below_the_root_is_found() {
        let process =
            |id, parent| Process { id, parent, is_zombie: false, threads: 1, resident_bytes: 0, cpu: Duration::ZERO };
        let all = vec![process(2, 1), process(3, 2), process(4, 3), process(5, 1), process(6, 3)];
        let ids = |root| {
            descendants(|parent| parent == root, all.clone()).iter().map(|process| process.id).collect::<Vec<_>>()
        };
        assert_eq!(ids(2), [3, 4, 6]);
        assert_eq!(ids(4), Vec::<i32>::new());
    }
}
