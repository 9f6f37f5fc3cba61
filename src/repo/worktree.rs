//! Work trees: the files of a [`FileTree`] on disk, written beneath a directory handle so that nothing can be written
//! outside, whatever links the tree holds.

use std::path::{Path, PathBuf};

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
    _guard: tempfile::TempDir,
}

/// The prefix of the temporary folders, by which leftovers of killed runs are recognised.
const WORK_TREE_PREFIX: &str = "prentice-tree-";

impl WorkTree {
    /// Writes all files of `tree` into a new folder below `parent`.
    ///
    /// # Errors
    /// [`RepoError::Io`] when a file cannot be written; what was written is removed again.
    pub fn create(tree: &FileTree, parent: &Path) -> Result<Self, RepoError> {
        let guard =
            tempfile::Builder::new().prefix(WORK_TREE_PREFIX).tempdir_in(parent).map_err(RepoError::io(parent))?;
        let root = guard.path().join("tree");
        std::fs::create_dir(&root).map_err(RepoError::io(&root))?;
        std::fs::create_dir(guard.path().join("scratch")).map_err(RepoError::io(guard.path()))?;
        let files = Dir::open_ambient_dir(&root, ambient_authority()).map_err(RepoError::io(&root))?;
        for path in tree.paths() {
            if let Some(file) = tree.read(path)? {
                write_beneath(&files, &root, path.as_str(), &file)?;
            }
        }
        Ok(Self { root, files, _guard: guard })
    }

    /// Returns the folder of the files.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Returns an empty folder beside the files, for a command's temporary files.
    pub fn scratch(&self) -> PathBuf {
        self.root.with_file_name("scratch")
    }

    /// Links `name` below the root to `target` outside, unless something is there already.
    ///
    /// # Errors
    /// [`RepoError::Io`] when the link cannot be made.
    #[cfg(unix)]
    pub fn link_outside(&self, name: &str, target: &Path) -> Result<(), RepoError> {
        let place = self.root.join(name);
        if place.symlink_metadata().is_ok() {
            return Ok(());
        }
        self.files.symlink_contents(target, name).map_err(RepoError::io(place))
    }
}

fn write_beneath(files: &Dir, root: &Path, path: &str, file: &StoredFile) -> Result<(), RepoError> {
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
