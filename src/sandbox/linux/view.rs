//! The file system as a command in namespaces sees it: a new root that holds the allowed places and nothing else.
//!
//! What is not in it cannot be named, so that a socket of a daemon or of an agent cannot be connected to either.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};

use cap_std::ambient_authority;
use cap_std::fs::{Dir, OpenOptions};
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::unistd::pivot_root;

use super::message::{Policy, WallError, step};
use super::{mounts, privileges};

/// Where the machine's own files are while the view is built.
const OLD: &str = "/old";
/// Where the view is built.
const NEW: &str = "/new";

/// What may be done below a place of the view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    /// Nothing can be changed, not even a mode or a time.
    Read,
    /// Everything but device files and privileged programs.
    Write,
    /// The files are devices.
    Device,
}

/// A place of the view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// Where it is in the view.
    pub(super) path: PathBuf,
    /// What is there.
    pub(super) source: PathBuf,
    /// What may be done with it.
    pub(super) access: Access,
}

/// The device files of the view; the first is also where a command's input comes from.
pub(super) const DEVICES: &[&str] = &["/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty"];

/// Links of the view: (where, to what).
const LINKS: &[(&str, &str)] = &[
    ("dev/fd", "/proc/self/fd"),
    ("dev/stdin", "/proc/self/fd/0"),
    ("dev/stdout", "/proc/self/fd/1"),
    ("dev/stderr", "/proc/self/fd/2"),
    ("dev/ptmx", "pts/ptmx"),
    ("var/tmp", "/tmp"),
    ("var/run", "/run"),
];

/// Replaces the root of the calling process by the view. It has to be the first of its process namespace.
pub(super) fn enter(policy: &Policy) -> Result<(), WallError> {
    let none = None::<&str>;
    let private = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
    mount(none, "/", none, private, none).map_err(step("make mounts private"))?;
    leave_old_root(&policy.scratch)?;
    mount_tmpfs(NEW, "mode=0755,size=4m")?;
    let root = Dir::open_ambient_dir(NEW, ambient_authority()).map_err(step("open the new root"))?;
    let entries = plan(policy);
    make_links(&root)?;
    make_special(&root)?;
    bound_processes(policy)?;
    for entry in &entries {
        bind(&root, entry).map_err(step(format!("bind {}", entry.path.display())))?;
    }
    mounts::protect(&format!("{OLD}/proc/self/mountinfo"), NEW, &entries)?;
    drop(root);
    std::env::set_current_dir(NEW).map_err(step("enter the view"))?;
    pivot_root(".", ".").map_err(step("change the root"))?;
    umount2(".", MntFlags::MNT_DETACH).map_err(step("let go of the old root"))?;
    std::env::set_current_dir("/").map_err(step("enter the view"))
}

/// Moves to an almost empty root, with the old one below [`OLD`], so that no place of it is covered by what is built.
fn leave_old_root(place: &Path) -> Result<(), WallError> {
    let place = place.to_str().ok_or_else(|| step("mount a root")("the path of the scratch folder is not UTF-8"))?;
    mount_tmpfs(place, "mode=0755,size=1m")?;
    std::env::set_current_dir(place).map_err(step("enter a root"))?;
    fs::create_dir("old").and_then(|()| fs::create_dir("new")).map_err(step("make a root"))?;
    pivot_root(".", "old").map_err(step("leave the old root"))?;
    std::env::set_current_dir("/").map_err(step("enter a root"))
}

fn mount_tmpfs(place: &str, options: &str) -> Result<(), WallError> {
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
    mount(Some("tmpfs"), place, Some("tmpfs"), flags, Some(options)).map_err(step(format!("mount tmpfs on {place}")))
}

fn make_links(root: &Dir) -> Result<(), WallError> {
    for folder in ["dev", "proc", "run", "sys", "tmp", "var"] {
        root.create_dir(folder).map_err(step(format!("make /{folder}")))?;
    }
    for (place, target) in LINKS.iter().filter(|(place, _)| !place.starts_with("dev/")) {
        root.symlink_contents(target, place).map_err(step(format!("link /{place}")))?;
    }
    Ok(())
}

/// Mounts what is made by the kernel: /proc of the own processes only, and the devices.
fn make_special(root: &Dir) -> Result<(), WallError> {
    let none = None::<&str>;
    let plain = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
    let place = |name: &str| format!("{NEW}/{name}");
    mount(Some("proc"), place("proc").as_str(), Some("proc"), plain, none).map_err(step("mount /proc"))?;
    mount_tmpfs(&place("dev"), "mode=0755,size=64k")?;
    for (name, target) in LINKS.iter().filter(|(name, _)| name.starts_with("dev/")) {
        root.symlink_contents(target, name).map_err(step(format!("link /{name}")))?;
    }
    for folder in ["dev/shm", "dev/pts"] {
        root.create_dir(folder).map_err(step(format!("make /{folder}")))?;
    }
    mount_tmpfs(&place("dev/shm"), "mode=1777,size=512m")?;
    let terminals = MsFlags::MS_NOSUID | MsFlags::MS_NOEXEC;
    let options = Some("newinstance,ptmxmode=0666,mode=0620");
    mount(Some("devpts"), place("dev/pts").as_str(), Some("devpts"), terminals, options).map_err(step("mount /dev/pts"))
}

/// Sets the highest process id of the namespace, which bounds root too.
///
/// Only since Linux 6.14 does each process namespace have its own; before, this would change the whole machine's. On
/// those the one who counts has to be fast.
fn bound_processes(policy: &Policy) -> Result<(), WallError> {
    let release = fs::read_to_string(format!("{NEW}/proc/sys/kernel/osrelease")).map_err(step("read the release"))?;
    if !is_since_6_14(&release) {
        return Ok(());
    }
    let most = privileges::most_processes(policy.level, &policy.limits).max(LEAST_PROCESS_BOUND);
    let place = format!("{NEW}/proc/sys/kernel/pid_max");
    fs::write(place, most.to_string()).map_err(step("bound the processes"))
}

fn is_since_6_14(release: &str) -> bool {
    let mut numbers = release.split(['.', '-', '+']).map(str::parse::<u32>);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(major)), Some(Ok(minor))) => (major, minor) >= (6, 14),
        _ => false,
    }
}

/// The kernel accepts no lower one (kernel/pid.c).
const LEAST_PROCESS_BOUND: u64 = 301;

/// Lists what is bound into the view, parents before children.
fn plan(policy: &Policy) -> Vec<Entry> {
    let writable = [&policy.work_tree, &policy.scratch];
    let mut entries = vec![Entry { path: "/tmp".into(), source: policy.scratch.join("tmp"), access: Access::Write }];
    entries.extend(DEVICES.iter().map(|device| Entry {
        path: device.into(),
        source: device.into(),
        access: Access::Device,
    }));
    let write = |path: &PathBuf| Entry { path: path.clone(), source: path.clone(), access: Access::Write };
    entries.extend(writable.map(write));
    let pairs = policy.places.iter().flat_map(|place| [(&place.path, &place.source), (&place.source, &place.source)]);
    let mut covered: BTreeSet<&Path> = writable.iter().map(|path| path.as_path()).collect();
    for (path, source) in pairs.collect::<BTreeSet<_>>() {
        // What lies in a place that is bound anyway needs no mount of its own.
        if !path.ancestors().any(|above| covered.contains(above)) {
            covered.insert(path);
            entries.push(Entry { path: path.clone(), source: source.clone(), access: Access::Read });
        }
    }
    entries.sort_by(|a, b| a.path.cmp(&b.path));
    entries.dedup_by(|a, b| a.path == b.path);
    entries
}

/// Binds one place. The mount point is made beneath a handle of the new root: below a writable place an earlier command
/// may have left links.
fn bind(root: &Dir, entry: &Entry) -> io::Result<()> {
    let source = PathBuf::from(format!("{OLD}{}", entry.source.display()));
    let place = entry.path.strip_prefix("/").map_err(io::Error::other)?;
    if place == Path::new("tmp") {
        return bind_temporary(root, &source);
    }
    let handle = if source.is_dir() {
        root.create_dir_all(place)?;
        root.open_dir(place)?.into_std_file()
    } else {
        root.create_dir_all(place.parent().unwrap_or(place))?;
        let mut options = OpenOptions::new();
        root.open_with(place, options.append(true).create(true))?.into_std()
    };
    attach(&source, handle.as_raw_fd())
}

/// Binds the `tmp` of the scratch folder, which an earlier command may have replaced by a link out of it.
fn bind_temporary(root: &Dir, source: &Path) -> io::Result<()> {
    let scratch = Dir::open_ambient_dir(source.parent().unwrap_or(source), ambient_authority())?;
    let folder = scratch.open_dir("tmp")?.into_std_file();
    let place = root.open_dir("tmp")?.into_std_file();
    attach(&handle_path(folder.as_raw_fd()), place.as_raw_fd())
}

fn attach(source: &Path, place: i32) -> io::Result<()> {
    let none = None::<&str>;
    mount(Some(source), &handle_path(place), none, MsFlags::MS_BIND | MsFlags::MS_REC, none).map_err(io::Error::from)
}

fn handle_path(handle: i32) -> PathBuf {
    PathBuf::from(format!("{OLD}/proc/self/fd/{handle}"))
}

#[cfg(test)]
mod tests {
    use super::super::message::Place;
    use super::*;
    use crate::sandbox::{Level, Limits};

    fn entries(work_tree: &str, scratch: &str, places: &[(&str, &str)]) -> Vec<String> {
        let policy = Policy {
            level: Level::Namespaces,
            network: crate::sandbox::Network::Own,
            program: "/bin/true".into(),
            arguments: Vec::new(),
            directory: work_tree.into(),
            environment: Default::default(),
            work_tree: work_tree.into(),
            scratch: scratch.into(),
            places: places
                .iter()
                .map(|(path, source)| Place { path: path.into(), source: source.into(), hidden: Vec::new() })
                .collect(),
            limits: Limits::default(),
        };
        let shown = plan(&policy).into_iter().filter(|entry| entry.access != Access::Device);
        shown.map(|it| format!("{:?} {} <- {}", it.access, it.path.display(), it.source.display())).collect()
    }

    #[test]
    fn an_older_kernel_is_told_by_its_release() {
        let check = |release: &str, expected: bool| assert_eq!(is_since_6_14(release), expected, "{release}");
        check("6.14.0-1012-azure\n", true);
        check("6.18.44", true);
        check("7.0-rc1", true);
        check("6.8.0-45-generic", false);
        check("5.15.0", false);
        check("6", false);
        check("unknown", false);
    }

    #[test]
    fn covered_places_are_bound_once_and_links_at_both_ends() {
        let places =
            [("/usr", "/usr"), ("/usr/lib/go", "/usr/lib/go"), ("/bin", "/usr/bin"), ("/h/.cargo", "/data/cargo")];
        insta::assert_json_snapshot!(entries("/w/tree", "/w/scratch", &places), @r#"
        [
          "Read /bin <- /usr/bin",
          "Read /data/cargo <- /data/cargo",
          "Read /h/.cargo <- /data/cargo",
          "Write /tmp <- /w/scratch/tmp",
          "Read /usr <- /usr",
          "Write /w/scratch <- /w/scratch",
          "Write /w/tree <- /w/tree"
        ]
        "#);
    }

    #[test]
    fn the_work_tree_may_lie_in_the_temporary_folder_or_in_a_readable_place() {
        let places = [("/opt", "/opt"), ("/opt/w/tree/vendor", "/opt/w/tree/vendor")];
        insta::assert_json_snapshot!(entries("/opt/w/tree", "/tmp/s", &places), @r#"
        [
          "Read /opt <- /opt",
          "Write /opt/w/tree <- /opt/w/tree",
          "Write /tmp <- /tmp/s/tmp",
          "Write /tmp/s <- /tmp/s"
        ]
        "#);
    }
}
