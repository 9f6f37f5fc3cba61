//! Contents by git's blob ids: reading them, and which files of a checkout still hold which blob.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{RepoError, RepoPath, Repository};

/// Git's id of a content: SHA-1 of `blob LENGTH`, a NUL and the bytes (git, "git-hash-object").
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlobId([u8; 20]);

impl BlobId {
    /// Returns the id of `content`; `None` where the library cannot hash.
    pub fn of(content: &[u8]) -> Option<Self> {
        git2::Oid::hash_object(git2::ObjectType::Blob, content).ok().map(Self::from_git)
    }

    pub(super) fn from_git(id: git2::Oid) -> Self {
        let mut bytes = [0; 20];
        bytes.copy_from_slice(&id.as_bytes()[..20]);
        Self(bytes)
    }

    /// Returns the twenty bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl std::fmt::Display for BlobId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// What a file of a tree holds, as far as it is known without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Content {
    /// The blob.
    pub id: BlobId,
    /// The length of the file on disk, in bytes; filters (line ends, large file storage) may make it another than the
    /// blob's. `None` where the blob itself is read.
    pub size_bytes: Option<u64>,
}

thread_local! {
    /// libgit2's handle may not cross threads, so every thread that reads blobs opens its own, once.
    static OPENED: RefCell<Option<(PathBuf, git2::Repository)>> = const { RefCell::new(None) };
}

/// Reads a blob of the object store in `git_dir`.
pub(super) fn read(git_dir: &Path, id: git2::Oid) -> Result<Arc<[u8]>, RepoError> {
    in_store(git_dir, |repository| Ok(repository.find_blob(id)?.content().into()))
}

/// Returns the size of a blob, from its head alone.
pub(super) fn size_bytes(git_dir: &Path, id: git2::Oid) -> Result<usize, RepoError> {
    in_store(git_dir, |repository| Ok(repository.odb()?.read_header(id)?.0))
}

fn in_store<T>(git_dir: &Path, read: impl FnOnce(&git2::Repository) -> Result<T, RepoError>) -> Result<T, RepoError> {
    OPENED.with_borrow_mut(|opened| {
        if opened.as_ref().is_none_or(|(dir, _)| dir != git_dir) {
            *opened = Some((git_dir.to_owned(), git2::Repository::open(git_dir)?));
        }
        let Some((_, repository)) = opened else { return Err(RepoError::NotARepository(git_dir.to_owned())) };
        read(repository)
    })
}

/// What git's index knows of the files of a checkout: their blobs, and how the files looked when it was written.
#[derive(Debug)]
pub(super) struct Stamps {
    /// By path, in byte order.
    entries: Vec<(RepoPath, Stamp)>,
    /// When the index was written, in seconds and nanoseconds; a file that is not older may have been changed since
    /// ("racy git").
    written: (i64, i64),
}

#[derive(Clone, Copy, Debug)]
struct Stamp {
    id: BlobId,
    modified: (i64, i64),
    changed_seconds: i64,
    inode: u32,
    size_bytes: u32,
}

impl Stamps {
    /// Reads the index of `repository` for the files below `root`, which lies in its checkout.
    ///
    /// Nothing for a bare repository, a folder elsewhere and an index that cannot be read.
    pub(super) fn read(repository: &Repository, root: &Path) -> Option<Self> {
        let checkout = repository.checkout()?.canonicalize().ok()?;
        let folder = root.strip_prefix(&checkout).ok()?.to_str()?.replace('\\', "/");
        let prefix = if folder.is_empty() { folder } else { folder + "/" };
        let written = modified(&std::fs::metadata(repository.inner.path().join("index")).ok()?)?;
        let index = repository.inner.index().ok()?;
        let entry = |entry: git2::IndexEntry| {
            // Bits 12 and 13 are the stage: only merged entries are files.
            let path =
                std::str::from_utf8(&entry.path).ok()?.strip_prefix(&prefix).filter(|_| entry.flags & 0x3000 == 0);
            let stamp = Stamp {
                id: BlobId::from_git(entry.id),
                modified: (entry.mtime.seconds().into(), entry.mtime.nanoseconds().into()),
                changed_seconds: entry.ctime.seconds().into(),
                inode: entry.ino,
                size_bytes: entry.file_size,
            };
            Some((RepoPath::of_existing(path?).ok()?, stamp))
        };
        let mut entries: Vec<(RepoPath, Stamp)> = index.iter().filter_map(entry).collect();
        entries.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        Some(Self { entries, written })
    }

    /// Returns the paths of all files that git tracks, in byte order.
    pub(super) fn paths(&self) -> impl Iterator<Item = &RepoPath> {
        self.entries.iter().map(|(path, _)| path)
    }

    /// Returns the blob of the file that lies at `place`, where nothing tells that it was changed since.
    pub(super) fn content(&self, path: &RepoPath, place: &Path) -> Option<Content> {
        let at = self.entries.binary_search_by(|(known, _)| known.cmp(path)).ok()?;
        let stamp = self.entries[at].1;
        let found = std::fs::symlink_metadata(place).ok().filter(std::fs::Metadata::is_file)?;
        let is_same = modified(&found)? == stamp.modified
            && stamp.modified < self.written
            && is_same_inode(&found, &stamp)
            && found.len() == u64::from(stamp.size_bytes);
        is_same.then_some(Content { id: stamp.id, size_bytes: Some(found.len()) })
    }
}

#[cfg(unix)]
fn modified(metadata: &std::fs::Metadata) -> Option<(i64, i64)> {
    use std::os::unix::fs::MetadataExt;
    Some((metadata.mtime(), metadata.mtime_nsec()))
}

/// The index keeps the low 32 bits of both.
#[cfg(unix)]
fn is_same_inode(metadata: &std::fs::Metadata, stamp: &Stamp) -> bool {
    use std::os::unix::fs::MetadataExt;
    let low = |number: i64| number & 0xffff_ffff;
    stamp.inode == (metadata.ino() & 0xffff_ffff) as u32 && low(stamp.changed_seconds) == low(metadata.ctime())
}

/// Elsewhere nothing is known without reading it.
#[cfg(not(unix))]
fn modified(_: &std::fs::Metadata) -> Option<(i64, i64)> {
    None
}

#[cfg(not(unix))]
fn is_same_inode(_: &std::fs::Metadata, _: &Stamp) -> bool {
    false
}

impl Repository {
    /// Tells whether the history was cut when this copy was made (`git clone --depth`).
    pub fn is_shallow(&self) -> bool {
        self.inner.is_shallow()
    }
}

/// Returns what is known of a content that lies in memory.
pub(super) fn of_memory(content: &[u8]) -> Option<Content> {
    Some(Content { id: BlobId::of(content)?, size_bytes: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_that_of_git() {
        let id = BlobId::of(b"hello\n").expect("hashed");
        assert_eq!(id.to_string(), "ce013625030ba8dba906f756967f9e9ca394464a");
    }

    #[test]
    #[allow(clippy::disallowed_methods, reason = "git itself shall write the index")]
    fn unchanged_files_of_a_checkout_are_known_by_their_blobs() {
        let folder = tempfile::tempdir().expect("a folder");
        let git = |arguments: &[&str]| {
            let status = std::process::Command::new("git").args(arguments).current_dir(folder.path()).status();
            assert!(status.expect("git").success(), "{arguments:?}");
        };
        let write = |name: &str, text: &str| {
            let place = folder.path().join(name);
            std::fs::create_dir_all(place.parent().expect("a folder")).expect("made");
            std::fs::write(&place, text).expect("written");
            place
        };
        git(&["init", "-q"]);
        let old = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_700_000_000);
        for (name, text) in [("a/same", "hello\n"), ("a/changed", "old\n"), ("racy", "x\n")] {
            let place = write(name, text);
            if name != "racy" {
                std::fs::File::options().write(true).open(place).expect("open").set_modified(old).expect("dated");
            }
        }
        git(&["add", "."]);
        write("a/changed", "new\n");
        write("a/other", "hello\n");
        let repository = Repository::discover(folder.path()).expect("a repository");
        let known = |root: &Path| {
            let root = root.canonicalize().expect("there");
            let mut tree = super::super::FileTree::from_directory(&root).expect("listed");
            tree.know_checkout(&repository);
            let told = |path: &RepoPath| Some((path.to_string(), tree.content(path)?.id.to_string()));
            tree.paths().filter_map(told).collect::<Vec<_>>()
        };
        let hello = "ce013625030ba8dba906f756967f9e9ca394464a".to_owned();
        // What was written in the same moment as the index may have been changed right after it.
        let whole: Vec<_> = known(folder.path()).into_iter().filter(|(path, _)| path != "racy").collect();
        assert_eq!(whole, [("a/same".to_owned(), hello.clone())]);
        assert_eq!(known(&folder.path().join("a")), [("same".to_owned(), hello)]);
    }
}
