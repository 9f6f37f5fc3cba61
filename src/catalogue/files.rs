//! The names of what lies in the store, and the lock that keeps two processes apart.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::fetch::Means;
use super::{CatalogueError, is_name};

/// How often a process that waits for another one looks whether it is done.
const LOOK: Duration = Duration::from_millis(200);

/// Where the files of one model lie.
#[derive(Clone, Debug)]
pub(super) struct Files {
    pub(super) name: String,
    pub(super) folder: PathBuf,
    /// The whole file, checked.
    pub(super) whole: PathBuf,
    /// What there is of it so far.
    pub(super) part: PathBuf,
    /// How many packages are joined in `part`, and its length then.
    pub(super) joined: PathBuf,
    /// Packages that are fetched and not joined yet.
    pub(super) wheels: PathBuf,
}

impl Files {
    /// Names the files of `name` in `folder`; nothing is looked at.
    pub(super) fn of(folder: &Path, name: &str) -> Result<Self, CatalogueError> {
        if !is_name(name) {
            return Err(CatalogueError::BadName(name.to_owned()));
        }
        let at = |ending: &str| folder.join(format!("{name}{ending}"));
        Ok(Self {
            name: name.to_owned(),
            folder: folder.to_owned(),
            whole: at(".gguf"),
            part: at(".gguf.part"),
            joined: at(".gguf.part.joined"),
            wheels: at(".wheels"),
        })
    }

    /// Returns the length of what there is so far.
    pub(super) fn part_bytes(&self) -> u64 {
        std::fs::metadata(&self.part).map_or(0, |data| data.len())
    }

    /// Removes all that is not the whole file, and tells whether there was anything.
    pub(super) fn remove_parts(&self) -> Result<bool, CatalogueError> {
        let mut any = false;
        for path in [&self.part, &self.joined, &self.wheels] {
            let gone = if path.is_dir() { std::fs::remove_dir_all(path) } else { std::fs::remove_file(path) };
            any |= gone.is_ok();
            absent_is_fine(path, gone)?;
        }
        Ok(any)
    }

    /// Writes what there is to the disk and gives it its name.
    pub(super) fn seal(&self) -> Result<(), CatalogueError> {
        let sealed = File::options()
            .write(true)
            .open(&self.part)
            .and_then(|file| file.sync_all())
            .and_then(|()| std::fs::rename(&self.part, &self.whole))
            .and_then(|()| File::open(&self.folder)?.sync_all());
        sealed.map_err(|source| CatalogueError::io(&self.whole, source))
    }

    /// Takes the lock or says that another process has it.
    pub(super) fn lock_now(&self) -> Result<File, CatalogueError> {
        let lock = open_lock(&self.folder, &self.name)?;
        match lock.try_lock() {
            Ok(()) => Ok(lock),
            Err(TryLockError::WouldBlock) => Err(CatalogueError::Busy(self.name.clone())),
            Err(TryLockError::Error(source)) => Err(CatalogueError::io(&self.folder, source)),
        }
    }

    /// Takes the lock, waiting as long as another process has it.
    pub(super) async fn lock(&self, means: &Means<'_>) -> Result<File, CatalogueError> {
        let mut told = false;
        loop {
            match self.lock_now() {
                Err(CatalogueError::Busy(_)) => {}
                other => return other,
            }
            if !told {
                means.watch.note(&format!("Another process is fetching {}: waiting for it.", self.name));
                told = true;
            }
            tokio::select! {
                () = means.cancel.cancelled() => return Err(self.cancelled()),
                () = means.wait.wait(LOOK) => {}
            }
        }
    }

    pub(super) fn cancelled(&self) -> CatalogueError {
        CatalogueError::Cancelled { name: self.name.clone(), kept_bytes: self.part_bytes() }
    }
}

/// Names the file whose lock keeps others away.
pub(super) fn lock_path(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!(".{name}.lock"))
}

/// Opens the file whose lock keeps others away; it stays, for removing it would let two hold it.
pub(super) fn open_lock(folder: &Path, name: &str) -> Result<File, CatalogueError> {
    let path = lock_path(folder, name);
    let fail = |source| CatalogueError::io(&path, source);
    std::fs::create_dir_all(folder).map_err(fail)?;
    File::options().create(true).truncate(false).write(true).open(&path).map_err(fail)
}

/// Passes on an error unless it says that there was nothing.
pub(super) fn absent_is_fine(path: &Path, outcome: std::io::Result<()>) -> Result<(), CatalogueError> {
    match outcome {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => Err(CatalogueError::io(path, source)),
        _ => Ok(()),
    }
}
