//! Work trees: the files of a [`FileTree`] on disk, written beneath a directory handle so that nothing can be written
//! outside, whatever links the tree holds.

use std::path::{Path, PathBuf};
use std::time::Duration;

use cap_std::ambient_authority;
use cap_std::fs::{Dir, OpenOptions};

use super::{FileMode, FileTree, RepoError, StoredFile};

/// A folder that holds the files of a tree and is removed when it is dropped.
///
/// Every file is written with a fresh modification time, and every tree gets a folder of its own: build tools that go
/// by modification times cannot mistake one tree's products for another's.
#[derive(Debug)]
pub struct WorkTree {
    root: PathBuf,
    files: Dir,
    /// Held locked: a folder whose lock is free belongs to nobody any more.
    _lock: std::fs::File,
    _guard: tempfile::TempDir,
}

/// The prefix of the temporary folders, by which leftovers of killed runs are recognised.
const WORK_TREE_PREFIX: &str = "prentice-tree-";

/// Tells whether a folder was made more than a minute ago, far longer than a lock takes.
fn is_old(entry: &std::fs::DirEntry) -> bool {
    let made = entry.metadata().and_then(|data| data.modified()).ok();
    made.and_then(|made| made.elapsed().ok()).is_some_and(|age| age > Duration::from_secs(60))
}

/// Removes a folder in which a command of a killed run may still be dying: what it writes meanwhile makes a removal fail.
fn is_removed(folder: &Path) -> bool {
    const TRIES: u32 = 20;
    (0..TRIES).any(|number| {
        if number > 0 {
            std::thread::sleep(Duration::from_millis(50));
        }
        std::fs::remove_dir_all(folder).is_ok() || !folder.exists()
    })
}

impl WorkTree {
    /// Writes all files of `tree` into a new folder below `parent`.
    ///
    /// # Errors
    /// [`RepoError::Io`] when a file cannot be written; what was written is removed again.
    pub fn create(tree: &FileTree, parent: &Path) -> Result<Self, RepoError> {
        let guard =
            tempfile::Builder::new().prefix(WORK_TREE_PREFIX).tempdir_in(parent).map_err(RepoError::io(parent))?;
        // Locked before it gets its name: whoever finds a file called `lock` finds it held.
        let (young, place) = (guard.path().join("lock.new"), guard.path().join("lock"));
        let lock = std::fs::File::create(&young).map_err(RepoError::io(&young))?;
        lock.lock().map_err(RepoError::io(&young))?;
        std::fs::rename(&young, &place).map_err(RepoError::io(&place))?;
        let root = guard.path().join("tree");
        std::fs::create_dir(&root).map_err(RepoError::io(&root))?;
        std::fs::create_dir(guard.path().join("scratch")).map_err(RepoError::io(guard.path()))?;
        let files = Dir::open_ambient_dir(&root, ambient_authority()).map_err(RepoError::io(&root))?;
        write_all(tree, &files, &root)?;
        Ok(Self { root, files, _lock: lock, _guard: guard })
    }

    /// Removes the folders that killed runs left in `parent`; returns how many.
    ///
    /// A folder belongs to a living run as long as its lock is held. One without a lock file is younger than its
    /// lock, or not ours: it stays.
    pub fn remove_leftovers(parent: &Path) -> usize {
        let Ok(entries) = std::fs::read_dir(parent) else { return 0 };
        let ours = entries.flatten().filter(|entry| {
            entry.file_name().to_string_lossy().starts_with(WORK_TREE_PREFIX)
                && entry.file_type().is_ok_and(|kind| kind.is_dir())
        });
        let abandoned = ours.filter(|entry| {
            let is_free = match std::fs::File::open(entry.path().join("lock")) {
                Ok(lock) => lock.try_lock().is_ok(),
                // Its maker was killed before the lock was there, unless it is only just being made.
                Err(_) => is_old(entry),
            };
            is_free && is_removed(&entry.path())
        });
        abandoned.count()
    }

    /// Returns the folder of the files.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Returns an empty folder beside the files, for a command's temporary files.
    pub fn scratch(&self) -> PathBuf {
        self.root.with_file_name("scratch")
    }

    /// Copies a folder with its times, modes and links to `name`, which begins with `tree/` or `scratch/`, unless something
    /// is there already.
    ///
    /// # Errors
    /// [`RepoError::Io`] when something cannot be read or written.
    #[cfg(unix)]
    pub fn copy_outside(&self, name: &str, source: &Path) -> Result<(), RepoError> {
        let folder = self._guard.path();
        let place = folder.join(name);
        let handle = Dir::open_ambient_dir(folder, ambient_authority()).map_err(RepoError::io(folder))?;
        if handle.symlink_metadata(name).is_ok() {
            return Ok(());
        }
        handle.create_dir_all(name).map_err(RepoError::io(&place))?;
        let into = handle.open_dir(name).map_err(RepoError::io(&place))?;
        copy::folder(source, &into).map_err(RepoError::io(&place))
    }

    /// Makes a folder `name` below the root whose entries are links to those of `target`; relative links are made again as
    /// they are, so that they lead to the tree's own files. Entries named in `without` are left out.
    ///
    /// # Errors
    /// [`RepoError::Io`] when a link cannot be made.
    #[cfg(unix)]
    pub fn link_entries(&self, name: &str, target: &Path, without: &[&str]) -> Result<(), RepoError> {
        let place = self.root.join(name);
        if place.symlink_metadata().is_ok() {
            return Ok(());
        }
        let fail = || RepoError::io(&place);
        self.files.create_dir_all(name).map_err(fail())?;
        for entry in std::fs::read_dir(target).map_err(RepoError::io(target))? {
            let entry = entry.map_err(RepoError::io(target))?;
            let own = entry.file_name().to_string_lossy().into_owned();
            let below = format!("{name}/{own}");
            let is_link = entry.file_type().map_err(RepoError::io(target))?.is_symlink();
            let leads = std::fs::read_link(entry.path()).ok().filter(|to| is_link && to.is_relative());
            match leads {
                _ if without.contains(&own.as_str()) => {}
                // A scope of packages holds links to packages of its own.
                None if own.starts_with('@') && !is_link => self.link_entries(&below, &entry.path(), without)?,
                Some(to) => write_link(&self.files, &below, &to.to_string_lossy()).map_err(fail())?,
                None => write_link(&self.files, &below, &entry.path().to_string_lossy()).map_err(fail())?,
            }
        }
        Ok(())
    }

    /// Links `name` below the root to `target` outside, unless something is there already.
    ///
    /// # Errors
    /// [`RepoError::Io`] when the link cannot be made.
    pub fn link_outside(&self, name: &str, target: &Path) -> Result<(), RepoError> {
        let place = self.root.join(name);
        if place.symlink_metadata().is_ok() {
            return Ok(());
        }
        write_link(&self.files, name, &target.to_string_lossy()).map_err(RepoError::io(place))
    }
}

/// Writes all files of `tree` into a folder that exists and is empty.
///
/// # Errors
/// [`RepoError::Io`] when a file cannot be written.
pub fn write_files(tree: &FileTree, folder: &Path) -> Result<(), RepoError> {
    let files = Dir::open_ambient_dir(folder, ambient_authority()).map_err(RepoError::io(folder))?;
    write_all(tree, &files, folder)
}

fn write_all(tree: &FileTree, files: &Dir, root: &Path) -> Result<(), RepoError> {
    for path in tree.paths() {
        if let Some(file) = tree.read(path)? {
            write_beneath(files, root, path.as_str(), &file)?;
        }
    }
    Ok(())
}

/// Copies folders whole, as build tools need them: with the order of their times.
#[cfg(unix)]
mod copy {
    use std::fs::FileTimes;
    use std::io;
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;

    use cap_std::fs::{Dir, OpenOptions};

    pub(super) fn folder(source: &Path, into: &Dir) -> io::Result<()> {
        for entry in std::fs::read_dir(source)? {
            let entry = entry?;
            let (name, kind) = (entry.file_name(), entry.file_type()?);
            if kind.is_symlink() {
                into.symlink_contents(std::fs::read_link(entry.path())?, &name)?;
            } else if kind.is_dir() {
                into.create_dir(&name)?;
                folder(&entry.path(), &into.open_dir(&name)?)?;
            } else if kind.is_file() {
                file(&entry.path(), into, Path::new(&name))?;
            }
        }
        Ok(())
    }

    fn file(source: &Path, into: &Dir, name: &Path) -> io::Result<()> {
        let mut from = std::fs::File::open(source)?;
        let data = from.metadata()?;
        let mut to = into.open_with(name, OpenOptions::new().write(true).create_new(true))?.into_std();
        // The kernel copies, and shares the blocks where the file system can.
        io::copy(&mut from, &mut to)?;
        to.set_permissions(std::fs::Permissions::from_mode(data.permissions().mode()))?;
        to.set_times(FileTimes::new().set_modified(data.modified()?))
    }
}

/// Writes a file below `files`; `root` is only for the error.
pub(super) fn write_beneath(files: &Dir, root: &Path, path: &str, file: &StoredFile) -> Result<(), RepoError> {
    let fail = || RepoError::io(root.join(path));
    if let Some((folder, _)) = path.rsplit_once('/') {
        files.create_dir_all(folder).map_err(fail())?;
    }
    if file.mode == FileMode::Symlink {
        let target = String::from_utf8_lossy(&file.content).into_owned();
        return write_link(files, path, &target).map_err(fail());
    }
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    set_mode(&mut options, file.mode);
    let mut handle = files.open_with(path, &options).map_err(fail())?;
    std::io::Write::write_all(&mut handle, &file.content).map_err(fail())
}

#[cfg(unix)]
fn set_mode(options: &mut OpenOptions, mode: FileMode) {
    use cap_std::fs::OpenOptionsExt;
    options.mode(if mode == FileMode::Executable { 0o755 } else { 0o644 });
}

#[cfg(not(unix))]
fn set_mode(_options: &mut OpenOptions, _mode: FileMode) {}

#[cfg(unix)]
fn write_link(files: &Dir, path: &str, target: &str) -> std::io::Result<()> {
    files.symlink_contents(target, path)
}

#[cfg(not(unix))]
fn write_link(files: &Dir, path: &str, target: &str) -> std::io::Result<()> {
    files.write(path, target)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repo::RepoPath;

    fn tree() -> FileTree {
        let file = |text: &str, mode| StoredFile { content: text.as_bytes().into(), mode };
        let path = |text| RepoPath::parse(text).expect(text);
        FileTree::from_files([
            (path("bin/run"), file("#!/bin/sh\n", FileMode::Executable)),
            (path("a/b/c.txt"), file("text", FileMode::Regular)),
        ])
    }

    #[test]
    fn a_tree_is_written_with_modes_and_removed_when_dropped() {
        let parent = tempfile::tempdir().expect("a folder");
        let work_tree = WorkTree::create(&tree(), parent.path()).expect("written");
        assert_eq!(std::fs::read_to_string(work_tree.root().join("a/b/c.txt")).expect("readable"), "text");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = std::fs::metadata(work_tree.root().join("bin/run")).expect("there").permissions().mode();
            assert_eq!(mode & 0o777, 0o755);
        }
        drop(work_tree);
        assert_eq!(std::fs::read_dir(parent.path()).expect("readable").count(), 0);
    }

    #[test]
    #[cfg(unix)]
    fn nothing_is_written_through_a_link_that_leads_out() {
        let outside = tempfile::tempdir().expect("a folder");
        let parent = tempfile::tempdir().expect("a folder");
        let path = |text| RepoPath::parse(text).expect(text);
        let link = StoredFile { content: outside.path().to_string_lossy().as_bytes().into(), mode: FileMode::Symlink };
        let hostile = FileTree::from_files([(path("a"), link), (path("a/b"), StoredFile::regular(*b"out"))]);
        assert!(WorkTree::create(&hostile, parent.path()).is_err());
        assert_eq!(std::fs::read_dir(outside.path()).expect("readable").count(), 0);
        assert_eq!(std::fs::read_dir(parent.path()).expect("readable").count(), 0, "nothing half-written stays");
    }

    #[test]
    fn leftovers_of_the_dead_are_removed_and_living_trees_stay() {
        let parent = tempfile::tempdir().expect("a folder");
        let living = WorkTree::create(&tree(), parent.path()).expect("written");
        let dead = parent.path().join(format!("{WORK_TREE_PREFIX}dead"));
        std::fs::create_dir(&dead).expect("made");
        std::fs::write(dead.join("lock"), "").expect("written");
        // Killed before the lock was there: an old one goes, one that is being made stays.
        let (old, young) = ["old", "young"].map(|name| parent.path().join(format!("{WORK_TREE_PREFIX}{name}"))).into();
        for folder in [&old, &young] {
            std::fs::create_dir(folder).expect("made");
        }
        let handle = std::fs::File::open(&old).expect("opened");
        handle.set_modified(std::time::UNIX_EPOCH).expect("aged");
        assert_eq!(WorkTree::remove_leftovers(parent.path()), 2);
        assert!(living.root().exists() && !dead.exists() && !old.exists() && young.exists());
    }
}
