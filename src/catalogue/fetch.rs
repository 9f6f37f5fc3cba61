//! Fetching a model: the sources in turn, and the digest before the file gets its name.

use std::path::PathBuf;

use tokio_util::sync::CancellationToken;

use super::files::Files;
use super::{CatalogueError, Entry, Origin, Store, check, http, wheels};
use crate::clock::Wait;

/// Is told what happens while a model is fetched.
pub trait Watch: Send + Sync {
    /// Something happened that a person wants to know.
    fn note(&self, text: &str);
    /// So many bytes of so many are here.
    fn progress(&self, done_bytes: u64, all_bytes: u64);
}

/// How the user's Python is started, whose pip fetches packages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Python {
    /// The program, such as `python3`.
    pub program: PathBuf,
    /// The whole environment that it gets; see [`Python::needs`].
    pub environment: Vec<(String, String)>,
}

impl Python {
    /// Tells whether pip needs a variable: where programs, settings, proxies and certificates are. Keys and tokens of
    /// other programs are not among them.
    pub fn needs(variable: &str) -> bool {
        const NAMES: [&str; 12] = [
            "PATH",
            "HOME",
            "USER",
            "LANG",
            "LC_ALL",
            "VIRTUAL_ENV",
            "XDG_CONFIG_HOME",
            "PYENV_ROOT",
            "PYENV_VERSION",
            "LD_LIBRARY_PATH",
            "REQUESTS_CA_BUNDLE",
            "CURL_CA_BUNDLE",
        ];
        let upper = variable.to_ascii_uppercase();
        NAMES.contains(&variable)
            || variable.starts_with("PIP_")
            || variable.starts_with("SSL_CERT_")
            || matches!(upper.as_str(), "HTTP_PROXY" | "HTTPS_PROXY" | "ALL_PROXY" | "NO_PROXY")
    }
}

/// What fetching works with.
pub struct Means<'a> {
    /// A folder on a server that is asked first, for `NAME.gguf`.
    pub mirror: Option<String>,
    /// Python, for packages.
    pub python: Python,
    /// Is told what happens.
    pub watch: &'a dyn Watch,
    /// Waits between two tries.
    pub wait: &'a dyn Wait,
    /// Ends it; what is here is kept.
    pub cancel: &'a CancellationToken,
}

/// A model that is here now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// Its file.
    pub path: PathBuf,
    /// Which source gave it; `None` when it was here already.
    pub from: Option<String>,
}

/// Why one source did not give the file.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The next source may.
    Source(String),
    /// No other source would help.
    Fatal(CatalogueError),
}

impl From<CatalogueError> for Trouble {
    fn from(error: CatalogueError) -> Self {
        Self::Fatal(error)
    }
}

impl Store {
    /// Fetches a model unless it is here; goes on where an earlier call was interrupted.
    ///
    /// Of two processes that fetch the same model one waits for the other, and finds the file there.
    ///
    /// # Errors
    /// [`CatalogueError::Sources`] with the reason of each source; [`CatalogueError::NoRoom`] before and
    /// [`CatalogueError::DiskFull`] while it is written; [`CatalogueError::Cancelled`]. None of them leaves a file under the
    /// model's name.
    pub async fn fetch(&self, entry: &Entry, means: &Means<'_>) -> Result<Fetched, CatalogueError> {
        let files = Files::of(&self.folder, &entry.name)?;
        let bytes_here = || std::fs::metadata(&files.whole).map(|data| data.len());
        // A folder that nobody may write to, as in an image, needs no lock for a file that is whole.
        if bytes_here().is_ok_and(|bytes| bytes == entry.bytes) {
            return Ok(Fetched { path: files.whole, from: None });
        }
        if files.whole.is_dir() {
            let by = format!("{} is a folder", files.whole.display());
            return Err(CatalogueError::Taken { name: entry.name.clone(), by });
        }
        let _lock = files.lock(means).await?;
        match bytes_here() {
            Ok(bytes) if bytes == entry.bytes => return Ok(Fetched { path: files.whole, from: None }),
            Ok(bytes) => {
                means
                    .watch
                    .note(&format!("The file that is here has {bytes} bytes, not {}: fetching it anew.", entry.bytes));
            }
            Err(_) => {}
        }
        let mut failures = Vec::new();
        for source in sources(entry, means.mirror.as_deref()) {
            means.watch.note(&format!("Fetching {} from {}", entry.name, source.shown()));
            match one(&source, entry, &files, means).await {
                Ok(()) => return Ok(Fetched { path: files.whole, from: Some(source.shown()) }),
                Err(Trouble::Fatal(error)) => return Err(error),
                Err(Trouble::Source(why)) => {
                    means.watch.note(&format!("That source failed: {why}"));
                    failures.push((source.shown(), why));
                }
            }
        }
        Err(CatalogueError::Sources { name: entry.name.clone(), failures })
    }
}

/// Returns the sources in the order in which they are tried.
fn sources(entry: &Entry, mirror: Option<&str>) -> Vec<Origin> {
    let mirror = mirror.filter(|mirror| !mirror.trim().is_empty());
    let in_mirror = |mirror| Origin::Url { url: http::below(mirror, &format!("{}.gguf", entry.name)) };
    mirror.map(in_mirror).into_iter().chain(entry.sources.iter().cloned()).collect()
}

impl Entry {
    /// Names the sources for people, in the order in which they are tried.
    pub fn sources_shown(&self, mirror: Option<&str>) -> Vec<String> {
        sources(self, mirror).iter().map(Origin::shown).collect()
    }
}

/// Fetches from one source. A file whose digest is wrong is fetched once more where a part of it was older.
async fn one(source: &Origin, entry: &Entry, files: &Files, means: &Means<'_>) -> Result<(), Trouble> {
    loop {
        let found = files.part_bytes();
        check::has_room(&files.folder, entry.bytes.saturating_sub(found).saturating_add(source.extra_bytes(entry)))?;
        means.watch.progress(found.min(entry.bytes), entry.bytes);
        match source {
            Origin::Url { url } => http::download(url, entry, files, means).await?,
            Origin::Python(parts) => wheels::download(parts, entry, files, means).await?,
        }
        let Some(sha256) = check::sha256(&files.part, means.cancel).await? else {
            return Err(files.cancelled().into());
        };
        if sha256 == entry.sha256 {
            files.seal()?;
            // What is left now is only in the way.
            drop(files.remove_parts());
            return Ok(());
        }
        files.remove_parts()?;
        if found == 0 {
            return Err(Trouble::Source(format!("the file's SHA-256 is {sha256}, it must be {}", entry.sha256)));
        }
        means.watch.note("The file's SHA-256 is wrong; a part of it was here before: fetching all of it anew.");
    }
}

impl Origin {
    /// Returns the room that is needed beside the file itself, about.
    fn extra_bytes(&self, entry: &Entry) -> u64 {
        match self {
            Self::Url { .. } => 0,
            // pip copies what it has fetched.
            Self::Python(parts) => 2 * wheels::AT_A_TIME * (entry.bytes / u64::from(parts.parts)),
        }
    }
}
