//! How much memory there is: that of the machine, and that which a container may still take.

use std::fs;

/// Returns the bytes that a process may still take without swapping, where the system tells.
pub(super) fn available_bytes() -> Option<u64> {
    let machine = fs::read_to_string("/proc/meminfo").ok().and_then(|text| of_machine(&text));
    let read = |file: &str| fs::read_to_string(format!("/sys/fs/cgroup/{file}")).ok();
    let container = read("memory.max").zip(read("memory.current"));
    let stat = read("memory.stat").unwrap_or_default();
    let container = container.and_then(|(most, current)| of_container(&most, &current, &stat));
    match (machine, container) {
        (Some(machine), Some(container)) => Some(machine.min(container)),
        (one, other) => one.or(other),
    }
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
    let cached = stat.lines().find_map(|line| line.strip_prefix("inactive_file "));
    let cached: u64 = cached.and_then(|bytes| bytes.trim().parse().ok()).unwrap_or(0);
    Some(most.saturating_sub(current.saturating_sub(cached)))
}

#[cfg(test)]
mod tests {
    use super::{of_container, of_machine};

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
}
