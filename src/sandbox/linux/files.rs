//! Landlock: which files may be read, run and written. It holds wherever a path leads to.

use std::path::Path;

use landlock::{
    ABI, Access as _, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible, PathBeneath, PathFd, Ruleset,
    RulesetAttr, RulesetCreated, RulesetCreatedAttr, RulesetStatus, Scope,
};

use super::message::{Place, Policy, WallError, step};
use super::view::DEVICES;
use crate::sandbox::{Level, Network};

/// What the kernel must be able to deny: V3 (Linux 6.2) is the first that denies cutting off a file.
const REQUIRED: ABI = ABI::V3;

/// What is denied as well where the kernel can.
const WANTED: ABI = ABI::V10;

/// Files of /proc that tell nothing about other processes. Without a process namespace /proc as a whole would show the
/// command line of every process of the machine.
const PROC_FILES: &[&str] = &[
    "/proc/cpuinfo",
    "/proc/filesystems",
    "/proc/loadavg",
    "/proc/meminfo",
    "/proc/stat",
    "/proc/sys",
    "/proc/uptime",
    "/proc/version",
    "/proc/vmstat",
];

/// Denies the calling thread and its children every file but those of `policy`; for good.
pub(super) fn restrict(policy: &Policy) -> Result<(), WallError> {
    let fail = || step("Landlock");
    let mut rules = Ruleset::default()
        .set_compatibility(CompatLevel::HardRequirement)
        .handle_access(AccessFs::from_all(REQUIRED))
        .map_err(fail())?
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(WANTED))
        .map_err(fail())?
        .scope(Scope::AbstractUnixSocket | Scope::Signal)
        .map_err(fail())?;
    if policy.level == Level::Landlock && policy.network == Network::Own {
        rules = rules.handle_access(AccessNet::from_all(WANTED)).map_err(fail())?;
    }
    let mut rules = rules.create().map_err(fail())?;
    let read = AccessFs::from_read(WANTED);
    for place in &policy.places {
        rules = allow_place(rules, place, read)?;
    }
    for path in [&policy.work_tree, &policy.scratch] {
        rules = allow(rules, path, writable())?;
    }
    rules = if policy.level == Level::Namespaces { allow_view(rules, read)? } else { allow_host(rules, read)? };
    match rules.restrict_self().map_err(fail())?.ruleset {
        RulesetStatus::NotEnforced => Err(step("Landlock")("the kernel does not enforce it")),
        RulesetStatus::FullyEnforced | RulesetStatus::PartiallyEnforced => Ok(()),
    }
}

/// Everything but making device files.
fn writable() -> BitFlags<AccessFs> {
    AccessFs::from_all(WANTED) & !(AccessFs::MakeChar | AccessFs::MakeBlock)
}

fn device() -> BitFlags<AccessFs> {
    AccessFs::ReadFile | AccessFs::WriteFile | AccessFs::Truncate | AccessFs::IoctlDev
}

/// What the view holds besides the places; it shows nothing of the machine.
fn allow_view(rules: RulesetCreated, read: BitFlags<AccessFs>) -> Result<RulesetCreated, WallError> {
    let rules = allow(rules, Path::new("/"), AccessFs::ReadDir.into())?;
    let rules = allow(rules, Path::new("/proc"), read)?;
    let rules = allow(rules, Path::new("/tmp"), writable())?;
    allow(rules, Path::new("/dev"), writable())
}

fn allow_host(mut rules: RulesetCreated, read: BitFlags<AccessFs>) -> Result<RulesetCreated, WallError> {
    for path in PROC_FILES.iter().map(Path::new).filter(|path| path.exists()) {
        rules = allow(rules, path, read)?;
    }
    for path in DEVICES.iter().map(Path::new).filter(|path| path.exists()) {
        rules = allow(rules, path, device())?;
    }
    for path in ["/dev/ptmx", "/dev/pts"].iter().map(Path::new).filter(|path| path.exists()) {
        rules = allow(rules, path, device() | AccessFs::ReadDir)?;
    }
    // Semaphores and shared memory of POSIX are files in there.
    let shared = Path::new("/dev/shm");
    if shared.exists() { allow(rules, shared, writable() & !AccessFs::Execute) } else { Ok(rules) }
}

fn allow_place(
    mut rules: RulesetCreated,
    place: &Place,
    read: BitFlags<AccessFs>,
) -> Result<RulesetCreated, WallError> {
    if place.hidden.is_empty() {
        return allow(rules, &place.path, read);
    }
    let entries = std::fs::read_dir(&place.path).map_err(step(format!("list {}", place.path.display())))?;
    for entry in entries {
        let entry = entry.map_err(step(format!("list {}", place.path.display())))?;
        let is_hidden = entry.file_name().to_str().is_none_or(|name| place.hidden.iter().any(|hidden| hidden == name));
        // A link leads to where another rule may allow it.
        let is_link = entry.file_type().is_ok_and(|kind| kind.is_symlink());
        if !is_hidden && !is_link {
            rules = allow(rules, &entry.path(), read)?;
        }
    }
    Ok(rules)
}

fn allow(rules: RulesetCreated, path: &Path, access: BitFlags<AccessFs>) -> Result<RulesetCreated, WallError> {
    let name = format!("Landlock: allow {}", path.display());
    let handle = PathFd::new(path).map_err(step(name.clone()))?;
    let access = if path.is_dir() { access } else { access & AccessFs::from_file(WANTED) };
    rules.add_rule(PathBeneath::new(handle, access)).map_err(step(name))
}
