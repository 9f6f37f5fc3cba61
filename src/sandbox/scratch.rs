//! The private folder of a command.

use std::io;
use std::path::Path;

use cap_std::ambient_authority;
use cap_std::fs::Dir;

use super::environment::HostEnvironment;

/// Makes the folders that every command expects in its scratch folder: a home, a temporary folder, and a folder for
/// cargo that has its own locks and no credentials but the user's downloads.
///
/// An earlier command may have left links in there, so nothing is followed out of the folder.
///
/// # Errors
/// The system's reason when a folder or a link cannot be made.
pub(super) fn prepare(host: &HostEnvironment, scratch: &Path) -> io::Result<()> {
    let folder = Dir::open_ambient_dir(scratch, ambient_authority())?;
    for name in ["home", "tmp", "cargo"] {
        folder.create_dir_all(name)?;
    }
    let Some(cargo_home) = host.cargo_home() else { return Ok(()) };
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
        assert!(prepare(&host, &scratch).is_err());
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
        prepare(&host, &scratch).unwrap();
        prepare(&host, &scratch).unwrap();
        let names = std::fs::read_dir(scratch.join("cargo")).unwrap().map(|entry| entry.unwrap().file_name());
        assert_eq!(names.collect::<Vec<_>>(), ["registry"]);
    }
}
