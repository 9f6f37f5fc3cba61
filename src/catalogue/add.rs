//! Taking in a file that the user has.

use std::fs::{File, TryLockError};
use std::path::Path;
use std::time::Duration;

use tempfile::NamedTempFile;
use tokio_util::sync::CancellationToken;

use super::files::{Files, open_lock};
use super::{CatalogueError, Installed, Store, check};

/// How files begin that are copied and have no name yet.
const COPYING: &str = ".add-";
/// The lock of whoever copies; no model can have this name.
const ADDING: &str = "ADDING";
/// How often a process that waits for another one looks whether it is done.
const LOOK: Duration = Duration::from_millis(200);

impl Store {
    /// Copies a file into the store; a link would change with the original. About as long as the disk takes.
    ///
    /// A file that the catalogue knows by its SHA-256 gets the catalogue's name; another one the name `wanted`, or that of
    /// the file. Only its first bytes are looked at: whether the model can be used shows when it is loaded.
    ///
    /// # Errors
    /// [`CatalogueError::NotGguf`], [`CatalogueError::BadName`], [`CatalogueError::Taken`] for a name that another file has,
    /// [`CatalogueError::NoRoom`]; [`CatalogueError::Cancelled`] leaves nothing behind.
    pub fn add(
        &self,
        from: &Path,
        wanted: Option<&str>,
        cancel: &CancellationToken,
    ) -> Result<Installed, CatalogueError> {
        let fail = |source| CatalogueError::io(from, source);
        // To open a pipe would wait for somebody who writes into it.
        let data = from.metadata().map_err(fail)?;
        if !data.is_file() {
            return Err(CatalogueError::NotGguf { path: from.to_owned(), why: "it is no file".to_owned() });
        }
        let mut file = File::open(from).map_err(fail)?;
        check::is_gguf(from, &mut file)?;
        let stem = || from.file_stem().map(|stem| stem.to_string_lossy().to_lowercase()).unwrap_or_default();
        // A file of the catalogue's gets its own name whatever it is called, so that only a name that was given is wrong at once.
        let may_be_known = wanted.is_none() && self.entries().iter().any(|entry| entry.bytes == data.len());
        let wanted = wanted.map_or_else(stem, str::to_owned);
        if !may_be_known {
            Files::of(&self.folder, &wanted)?;
        }
        let here = |source| CatalogueError::io(&self.folder, source);
        // One at a time: what is left of an `add` that was killed can then be told from one that is at work.
        let adding = open_lock(&self.folder, ADDING)?;
        while let Err(refused) = adding.try_lock() {
            match refused {
                TryLockError::Error(source) => return Err(here(source)),
                TryLockError::WouldBlock if cancel.is_cancelled() => return Err(cancelled(wanted)),
                TryLockError::WouldBlock => std::thread::sleep(LOOK),
            }
        }
        self.sweep();
        check::has_room(&self.folder, data.len())?;

        let mut copy = temporary(&self.folder).map_err(here)?;
        let mut start = File::open(from).map_err(fail)?;
        let Some((bytes, sha256)) = check::digest(&mut start, copy.as_file_mut(), cancel).map_err(here)? else {
            return Err(cancelled(wanted));
        };
        copy.as_file().sync_all().map_err(here)?;

        let entry = self.entries().iter().find(|entry| entry.sha256 == sha256).cloned();
        let name = entry.as_ref().map_or(wanted, |entry| entry.name.clone());
        let files = Files::of(&self.folder, &name)?;
        if entry.is_none() && self.entry(&name).is_ok() {
            let by = format!("the catalogue's file of this name has another SHA-256 than {}, {sha256}", from.display());
            return Err(CatalogueError::Taken { name, by });
        }
        let _lock = files.lock_now()?;
        let installed = Installed { name: name.clone(), path: files.whole.clone(), bytes, entry };
        // A file of the catalogue's is the same one, whole or damaged since.
        if installed.entry.is_none() && files.whole.exists() {
            let by = format!("{} is there already", files.whole.display());
            return Err(CatalogueError::Taken { name, by });
        }
        copy.persist(&files.whole).map_err(|error| here(error.error))?;
        File::open(&self.folder).and_then(|folder| folder.sync_all()).map_err(here)?;
        files.remove_parts()?;
        Ok(installed)
    }

    /// Removes what copies left that were killed.
    fn sweep(&self) {
        for file in std::fs::read_dir(&self.folder).into_iter().flatten().flatten() {
            if file.file_name().to_string_lossy().starts_with(COPYING) {
                // One that cannot be removed is tried again the next time.
                drop(std::fs::remove_file(file.path()));
            }
        }
    }
}

/// Makes a file that others may read as far as the user's files may be; temporary files are the user's alone else.
fn temporary(folder: &Path) -> std::io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(COPYING);
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.tempfile_in(folder)
}

fn cancelled(name: String) -> CatalogueError {
    CatalogueError::Cancelled { name, kept_bytes: 0 }
}
