//! The flags of mounts: what is not to be changed is made read-only, and nowhere is a device or a privileged program.

use std::fs;
use std::path::{Path, PathBuf};

use nix::mount::{MsFlags, mount};

use super::message::{WallError, step};
use super::view::{Access, Entry};

/// A line of `mountinfo`.
#[derive(Debug, PartialEq, Eq)]
struct Mounted {
    place: PathBuf,
    flags: MsFlags,
}

/// Sets the flags of every mount below `root`, those that came along with a bound place included.
///
/// A flag that the machine's own mount has may not be taken away in a user namespace, so that it is repeated.
pub(super) fn protect(mountinfo: &str, root: &str, entries: &[Entry]) -> Result<(), WallError> {
    let text = fs::read_to_string(mountinfo).map_err(step("list mounts"))?;
    for mounted in text.lines().filter_map(parse) {
        let Ok(inside) = mounted.place.strip_prefix(root) else { continue };
        let Some(added) = added_flags(&Path::new("/").join(inside), entries) else { continue };
        let flags = MsFlags::MS_REMOUNT | MsFlags::MS_BIND | mounted.flags | added;
        let none = None::<&str>;
        mount(none, &mounted.place, none, flags, none).map_err(step(format!("protect {}", mounted.place.display())))?;
    }
    Ok(())
}

/// Returns what is added to the mount at `place`; `None` for those that the view made for itself.
fn added_flags(place: &Path, entries: &[Entry]) -> Option<MsFlags> {
    if place == Path::new("/") {
        return Some(MsFlags::MS_RDONLY | MsFlags::MS_NOSUID | MsFlags::MS_NODEV);
    }
    let covering = entries.iter().filter(|entry| place.starts_with(&entry.path));
    let nearest = covering.max_by_key(|entry| entry.path.as_os_str().len())?;
    Some(match nearest.access {
        Access::Read => MsFlags::MS_RDONLY | MsFlags::MS_NOSUID | MsFlags::MS_NODEV,
        Access::Write => MsFlags::MS_NOSUID | MsFlags::MS_NODEV,
        Access::Device => MsFlags::MS_NOSUID,
    })
}

/// Reads a line of /proc/PID/mountinfo (man 5 proc_pid_mountinfo): the fifth field is the place, the sixth the flags.
fn parse(line: &str) -> Option<Mounted> {
    let mut fields = line.split(' ').skip(4);
    let place = PathBuf::from(unescape(fields.next()?));
    let flag = |name| match name {
        "ro" => MsFlags::MS_RDONLY,
        "nosuid" => MsFlags::MS_NOSUID,
        "nodev" => MsFlags::MS_NODEV,
        "noexec" => MsFlags::MS_NOEXEC,
        "noatime" => MsFlags::MS_NOATIME,
        "nodiratime" => MsFlags::MS_NODIRATIME,
        "relatime" => MsFlags::MS_RELATIME,
        _ => MsFlags::empty(),
    };
    Some(Mounted { place, flags: fields.next()?.split(',').map(flag).collect() })
}

/// Undoes the octal escapes of blanks and backslashes.
fn unescape(field: &str) -> String {
    let escapes = [("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")];
    escapes.iter().fold(field.to_owned(), |text, (escape, plain)| text.replace(escape, plain))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_mountinfo_is_read() {
        let line = r"36 35 98:0 /mnt1 /new/a\040b rw,nosuid,noatime master:1 - ext3 /dev/root rw,errors=continue";
        let flags = MsFlags::MS_NOSUID | MsFlags::MS_NOATIME;
        assert_eq!(parse(line), Some(Mounted { place: "/new/a b".into(), flags }));
        assert_eq!(parse("36 35 98:0 /mnt1"), None);
    }

    #[test]
    fn the_nearest_place_decides_what_may_be_done() {
        let entry = |path: &str, access| Entry { path: path.into(), source: path.into(), access };
        let entries =
            [entry("/opt", Access::Read), entry("/opt/w/tree", Access::Write), entry("/dev/null", Access::Device)];
        let read_only = |place: &str| added_flags(Path::new(place), &entries).map(|it| it.contains(MsFlags::MS_RDONLY));
        assert_eq!(read_only("/"), Some(true));
        assert_eq!(read_only("/opt"), Some(true));
        assert_eq!(read_only("/opt/more"), Some(true));
        assert_eq!(read_only("/opt/w/tree"), Some(false));
        assert_eq!(read_only("/opt/w/tree/sub"), Some(false));
        assert_eq!(read_only("/dev/null"), Some(false));
        assert_eq!(read_only("/proc"), None);
    }
}
