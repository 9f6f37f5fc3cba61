//! The folder of models: what is in it, and taking something out.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::files::{Files, absent_is_fine, lock_path};
use super::{CatalogueError, Entry, catalogue, is_name};

/// A folder with models in it, and the catalogue that goes with it.
#[derive(Clone, Debug)]
pub struct Store {
    pub(super) folder: PathBuf,
    entries: Vec<Entry>,
}

/// A model that is here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Installed {
    /// Its name.
    pub name: String,
    /// Its file.
    pub path: PathBuf,
    /// The file's size.
    pub bytes: u64,
    /// What the catalogue says of it; `None` for a file of the user's own.
    pub entry: Option<Entry>,
}

impl Installed {
    /// Tells whether the file has the size that it got its name with; one that was cut short since has not.
    pub fn has_its_size(&self) -> bool {
        self.entry.as_ref().is_none_or(|entry| entry.bytes == self.bytes)
    }
}

impl Store {
    /// Opens the store in `folder`, which need not exist, with the built-in catalogue.
    pub fn at(folder: impl Into<PathBuf>) -> Self {
        Self::with(folder, catalogue().to_vec())
    }

    /// Opens the store in `folder`, which need not exist, with a catalogue of the user's own.
    pub fn with(folder: impl Into<PathBuf>, entries: Vec<Entry>) -> Self {
        Self { folder: folder.into(), entries }
    }

    /// Returns the folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Returns what can be fetched.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Returns what the catalogue says of a model.
    ///
    /// # Errors
    /// [`CatalogueError::Unknown`] with the names that there are.
    pub fn entry(&self, name: &str) -> Result<&Entry, CatalogueError> {
        let known = || self.entries.iter().map(|entry| entry.name.clone()).collect();
        let found = self.entries.iter().find(|entry| entry.name == name);
        found.ok_or_else(|| CatalogueError::Unknown { name: name.to_owned(), known: known() })
    }

    /// Returns the models that are here, by name. Only the folder is read, no file of it.
    ///
    /// # Errors
    /// [`CatalogueError::Io`] when the folder is there and cannot be read.
    pub fn installed(&self) -> Result<Vec<Installed>, CatalogueError> {
        let fail = |source| CatalogueError::io(&self.folder, source);
        let folder = match std::fs::read_dir(&self.folder) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            other => other.map_err(fail)?,
        };
        let mut found = Vec::new();
        for file in folder {
            let path = file.map_err(fail)?.path();
            let name = path.file_name().and_then(|name| name.to_str()).and_then(|name| name.strip_suffix(".gguf"));
            if let (Some(name), Ok(data)) = (name.filter(|name| is_name(name)), std::fs::metadata(&path))
                && data.is_file()
            {
                let entry = self.entry(name).ok().cloned();
                found.push(Installed { name: name.to_owned(), bytes: data.len(), entry, path });
            }
        }
        found.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(found)
    }

    /// Returns the models that can be used, in the order of preference: those of the catalogue in its order, then the user's own by
    /// name. What was cut short is none, and fetched again by whoever asks for it.
    ///
    /// # Errors
    /// As [`Store::installed`].
    pub fn usable(&self) -> Result<Vec<Installed>, CatalogueError> {
        let place = |name: &str| self.entries.iter().position(|entry| entry.name == name).unwrap_or(self.entries.len());
        let mut found = self.installed()?;
        found.retain(Installed::has_its_size);
        found.sort_by_key(|model| place(&model.name));
        Ok(found)
    }

    /// Returns the file of a model, if it is here.
    pub fn path_of(&self, name: &str) -> Option<PathBuf> {
        Files::of(&self.folder, name).ok().map(|files| files.whole).filter(|path| path.is_file())
    }

    /// Returns how many bytes of a model are here whose fetching was interrupted.
    pub fn partial_bytes(&self, name: &str) -> u64 {
        Files::of(&self.folder, name).map_or(0, |files| files.part_bytes())
    }

    /// Removes a model, and what an interrupted fetch of it has left.
    ///
    /// A process that has mapped the file keeps what it has mapped.
    ///
    /// # Errors
    /// [`CatalogueError::NotThere`] with the names of those that are here; [`CatalogueError::Busy`] while it is fetched.
    pub fn remove(&self, name: &str) -> Result<(), CatalogueError> {
        let files = Files::of(&self.folder, name)?;
        // A lock would be left of a name that nobody has; one that is there may be held.
        let lock = lock_path(&self.folder, name);
        if ![&files.whole, &files.part, &files.wheels, &lock].into_iter().any(|path| path.exists()) {
            return Err(self.not_there(name)?);
        }
        let _lock = files.lock_now()?;
        let had_parts = files.remove_parts()?;
        let gone = std::fs::remove_file(&files.whole);
        let had_file = gone.is_ok();
        absent_is_fine(&files.whole, gone)?;
        if had_parts || had_file { Ok(()) } else { Err(self.not_there(name)?) }
    }

    /// Says that a model is not here, and which are.
    ///
    /// # Errors
    /// [`CatalogueError::Io`] when the folder cannot be read.
    pub fn not_there(&self, name: &str) -> Result<CatalogueError, CatalogueError> {
        let there = self.usable()?.into_iter().map(|model| model.name).collect();
        Ok(CatalogueError::NotThere { name: name.to_owned(), there })
    }
}
