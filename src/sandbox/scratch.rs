//! The private folder of a command.

use std::io;
use std::path::{Path, PathBuf};

use cap_std::ambient_authority;
use cap_std::fs::Dir;

use super::environment::HostEnvironment;

/// Makes the folders that every command expects in its scratch folder: a home, a temporary folder, and a folder for
/// cargo that has its own locks and no credentials; and the links that it was given, or those to the user's downloads of
/// cargo.
///
/// A command that downloads itself needs them to be its own: with `downloads` of `false` they are not linked.
///
/// An earlier command may have left links in there, so nothing is followed out of the folder.
///
/// # Errors
/// The system's reason when a folder or a link cannot be made.
pub(super) fn prepare(
    host: &HostEnvironment,
    scratch: &Path,
    links: &[(String, PathBuf)],
    downloads: bool,
) -> io::Result<()> {
    let folder = Dir::open_ambient_dir(scratch, ambient_authority())?;
    for name in ["home", "tmp", "cargo"] {
        folder.create_dir_all(name)?;
    }
    for (name, target) in links {
        if let Some((parent, _)) = name.rsplit_once('/') {
            folder.create_dir_all(parent)?;
        }
        if folder.symlink_metadata(name).is_err() {
            link(&folder, target, name)?;
        }
    }
    let Some(cargo_home) = host.cargo_home().filter(|_| downloads) else { return Ok(()) };
    let cargo = folder.open_dir("cargo")?;
    for name in ["bin", "git", "registry"] {
        let source = cargo_home.join(name);
        if source.is_dir() && cargo.symlink_metadata(name).is_err() {
            link(&cargo, &source, name)?;
        }
    }
    Ok(())
}

#[cfg(unix)]
fn link(folder: &Dir, target: &Path, name: &str) -> io::Result<()> {
    folder.symlink_contents(target, name)
}

#[cfg(not(unix))]
fn link(_folder: &Dir, _target: &Path, _name: &str) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn a_link_left_by_an_earlier_command_is_not_followed() {
        let place = tempfile::tempdir().unwrap();
        let (scratch, outside) = (place.path().join("scratch"), place.path().join("outside"));
        for folder in [&scratch, &outside, &place.path().join("home/.cargo/registry")] {
            std::fs::create_dir_all(folder).unwrap();
        }
        std::os::unix::fs::symlink(&outside, scratch.join("cargo")).unwrap();
        let home = place.path().join("home").display().to_string();
        let host = HostEnvironment::new(BTreeMap::from([("HOME".to_owned(), home)]));
        assert!(prepare(&host, &scratch, &[], true).is_err());
        assert_eq!(std::fs::read_dir(&outside).unwrap().count(), 0);
    }

    #[test]
    fn cargo_sees_the_users_downloads_but_not_the_credentials() {
        let place = tempfile::tempdir().unwrap();
        let cargo = place.path().join("home/.cargo");
        std::fs::create_dir_all(cargo.join("registry")).unwrap();
        std::fs::write(cargo.join("credentials.toml"), "token").unwrap();
        let scratch = place.path().join("scratch");
        std::fs::create_dir(&scratch).unwrap();
        let home = place.path().join("home").display().to_string();
        let host = HostEnvironment::new(BTreeMap::from([("HOME".to_owned(), home)]));
        let names = || {
            let names = std::fs::read_dir(scratch.join("cargo")).unwrap().map(|entry| entry.unwrap().file_name());
            names.collect::<Vec<_>>()
        };
        prepare(&host, &scratch, &[], false).unwrap();
        assert!(names().is_empty());
        prepare(&host, &scratch, &[], true).unwrap();
        prepare(&host, &scratch, &[("cargo/registry".to_owned(), place.path().join("other"))], true).unwrap();
        assert_eq!(names(), ["registry"]);
        assert_eq!(std::fs::read_link(scratch.join("cargo/registry")).unwrap(), cargo.join("registry"));
    }
}
