//! How much memory there is: that of the machine, and that which a container or a limit of the process leaves of it.

use std::fs;

/// Where control groups are (Linux, admin-guide/cgroup-v2.rst; cgroup-v1/memory.rst has a folder for the memory).
const GROUPS: &str = "/sys/fs/cgroup";

/// Returns the bytes that a process may still take without swapping, where the system tells.
pub(super) fn available_bytes() -> Option<u64> {
    let read = |path: &str| fs::read_to_string(path).ok();
    let machine = read("/proc/meminfo").and_then(|text| of_machine(&text));
    let process = read("/proc/self/limits").zip(read("/proc/self/status"));
    let process = process.and_then(|(limits, status)| of_process(&limits, &status));
    let group = |(folder, files): (String, [&str; 2])| {
        let file = |name: &str| read(&format!("{GROUPS}/{folder}/{name}"));
        of_container(&file(files[0])?, &file(files[1])?, &file("memory.stat").unwrap_or_default())
    };
    let groups = groups(&read("/proc/self/cgroup").unwrap_or_default()).into_iter().filter_map(group);
    groups.chain(machine).chain(process).min()
}

/// Names the folders of the groups that the process is in, inner and outer ones, with the files of the limit and of what is taken.
fn groups(own: &str) -> Vec<(String, [&'static str; 2])> {
    let mut found = vec![
        (String::new(), ["memory.max", "memory.current"]),
        ("memory".to_owned(), ["memory.limit_in_bytes", "memory.usage_in_bytes"]),
    ];
    for line in own.lines() {
        let mut parts = line.splitn(3, ':').skip(1);
        let (Some(kinds), Some(path)) = (parts.next(), parts.next()) else { continue };
        let (root, files) = match kinds {
            "" => found[0].clone(),
            kinds if kinds.split(',').any(|kind| kind == "memory") => found[1].clone(),
            _ => continue,
        };
        let mut path = path.trim_matches('/');
        while !path.is_empty() && !path.split('/').any(|part| part == "..") {
            found.push((format!("{root}/{path}"), files));
            path = path.rsplit_once('/').map_or("", |(outer, _)| outer);
        }
    }
    found
}

/// Reads what the limit of the address space leaves (proc_pid_limits(5), proc_pid_status(5)); the mapped model counts there too.
fn of_process(limits: &str, status: &str) -> Option<u64> {
    let limit = limits.lines().find_map(|line| line.strip_prefix("Max address space"))?;
    let limit: u64 = limit.split_whitespace().next()?.parse().ok()?;
    let taken = status.lines().find_map(|line| line.strip_prefix("VmSize:"))?;
    let taken: u64 = taken.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(limit.saturating_sub(taken * 1024))
}

/// Reads `MemAvailable` of /proc/meminfo (proc_meminfo(5)).
fn of_machine(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1024)
}

/// Reads the limit of a control group (Linux, admin-guide/cgroup-v2.rst); files in the cache can be given back.
fn of_container(most: &str, current: &str, stat: &str) -> Option<u64> {
    let most: u64 = most.trim().parse().ok()?;
    let current: u64 = current.trim().parse().ok()?;
    // Of the first version what groups inside have taken stands under a name of its own.
    let cached = ["total_inactive_file ", "inactive_file "];
    let cached = cached.iter().find_map(|name| stat.lines().find_map(|line| line.strip_prefix(name)));
    let cached: u64 = cached.and_then(|bytes| bytes.trim().parse().ok()).unwrap_or(0);
    Some(most.saturating_sub(current.saturating_sub(cached)))
}

#[cfg(test)]
mod tests {
    use super::{groups, of_container, of_machine, of_process};

    #[test]
    fn the_machines_memory_is_that_which_is_available() {
        let text = "MemTotal:       24000000 kB\nMemFree:          100000 kB\nMemAvailable:   20000000 kB\n";
        assert_eq!(of_machine(text), Some(20_000_000 * 1024));
        assert_eq!(of_machine("MemTotal: 1 kB\n"), None);
    }

    #[test]
    fn a_container_has_what_its_limit_leaves() {
        assert_eq!(of_container("2000\n", "1500\n", "anon 1000\ninactive_file 400\n"), Some(900));
        assert_eq!(of_container("2000\n", "2500\n", ""), Some(0));
        assert_eq!(of_container("max\n", "1500\n", ""), None, "no limit");
    }

    #[test]
    fn the_groups_of_a_process_are_looked_at_with_those_around_them() {
        let found = groups("12:cpu,cpuacct:/x\n4:memory:/a/b\n0::/c\n1:name=systemd:/../y\n");
        let folders: Vec<&str> = found.iter().map(|(folder, _)| folder.as_str()).collect();
        assert_eq!(folders, ["", "memory", "memory/a/b", "memory/a", "/c"]);
        assert_eq!(found[2].1, ["memory.limit_in_bytes", "memory.usage_in_bytes"]);
        let stat = "inactive_file 1\ntotal_inactive_file 400\n";
        assert_eq!(of_container("2000\n", "1500\n", stat), Some(900));
    }

    #[test]
    fn a_limit_of_the_address_space_leaves_what_is_not_taken() {
        let limits = "Limit                     Soft Limit           Hard Limit           Units\n\
                      Max address space         4096000              unlimited            bytes\n";
        assert_eq!(of_process(limits, "VmSize:\t    1000 kB\n"), Some(4_096_000 - 1_024_000));
        assert_eq!(of_process(&limits.replace("4096000", "unlimited"), "VmSize: 1000 kB\n"), None);
    }
}
