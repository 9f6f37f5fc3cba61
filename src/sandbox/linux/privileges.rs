//! Capabilities and resource limits of the command.

use nix::sys::resource::{RLIM_INFINITY, Resource, getrlimit, rlim_t, setrlimit};
use rustix::thread::{
    CapabilitiesSecureBits, CapabilitySet, CapabilitySets, capabilities, clear_ambient_capability_set,
    remove_capability_from_bounding_set, set_capabilities, set_capabilities_secure_bits,
};

use super::message::{WallError, step};
use super::processes;
use crate::sandbox::{Level, Limits};

/// Gives up every capability for good: not even a program started as root has one afterwards.
///
/// Root without capabilities is an ordinary user who owns the system's files.
pub(super) fn drop_all() -> Result<(), WallError> {
    nix::sys::prctl::set_no_new_privs().map_err(step("no new privileges"))?;
    let held = capabilities(None).map_err(step("read capabilities"))?;
    if held.permitted.contains(CapabilitySet::SETPCAP) {
        let bits = CapabilitiesSecureBits::NO_ROOT
            | CapabilitiesSecureBits::NO_ROOT_LOCKED
            | CapabilitiesSecureBits::NO_SETUID_FIXUP
            | CapabilitiesSecureBits::NO_SETUID_FIXUP_LOCKED
            | CapabilitiesSecureBits::NO_CAP_AMBIENT_RAISE
            | CapabilitiesSecureBits::NO_CAP_AMBIENT_RAISE_LOCKED;
        set_capabilities_secure_bits(bits).map_err(step("root without privileges"))?;
        for bit in 0..u64::BITS {
            let capability = CapabilitySet::from_bits_retain(1 << bit);
            if held.permitted.contains(capability) {
                remove_capability_from_bounding_set(capability).map_err(step("bound capabilities"))?;
            }
        }
    }
    clear_ambient_capability_set().map_err(step("clear ambient capabilities"))?;
    let none = CapabilitySet::empty();
    set_capabilities(None, CapabilitySets { effective: none, permitted: none, inheritable: none })
        .map_err(step("drop capabilities"))
}

/// The most open files of one process.
const OPEN_FILES: rlim_t = 65_536;

/// Sets the limits that the kernel keeps for each process. Memory is not among them: Java and node reserve far more
/// than they use.
pub(super) fn set_limits(level: Level, limits: &Limits) -> Result<(), WallError> {
    lower(Resource::RLIMIT_CORE, 0)?;
    // The one who counts sees a process overstep it first, and can say so.
    lower(Resource::RLIMIT_CPU, limits.cpu.as_secs().saturating_add(2))?;
    lower(Resource::RLIMIT_FSIZE, limits.file_bytes)?;
    lower(Resource::RLIMIT_NOFILE, OPEN_FILES)?;
    lower(Resource::RLIMIT_NPROC, most_processes(level, limits))?;
    if level != Level::Namespaces && nix::unistd::geteuid().is_root() {
        // Nothing limits the number of root's processes; those who count them have to get to run.
        rustix::process::setpriority_process(None, 19).map_err(step("lower the priority"))?;
    }
    Ok(())
}

/// Clearly more than the limit, so that the one who counts sees it overstepped and can say so.
///
/// The kernel counts the processes of a user in a user namespace, and does not count those of root. Without a namespace
/// whatever else the user runs has to fit in as well.
pub(super) fn most_processes(level: Level, limits: &Limits) -> rlim_t {
    let own = rlim_t::from(limits.processes) * 2 + 256;
    match level {
        Level::Namespaces => own,
        Level::Landlock | Level::Off => own.saturating_add(processes::running_now().unwrap_or(RLIM_INFINITY)),
    }
}

fn lower(resource: Resource, most: rlim_t) -> Result<(), WallError> {
    let name = || step(format!("limit {resource:?}"));
    let (soft, hard) = getrlimit(resource).map_err(name())?;
    setrlimit(resource, soft.min(most), hard.min(most)).map_err(name())
}
