//! A tree of files: a source that is only read, and changes held in memory above it.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::blob::{self, Stamps};
use super::tracked::{self, mode_of};
use super::walk;
use super::{BlobId, Content, FileChange, FileMode, RepoError, RepoPath, Repository, StoredFile};

/// A file of a tree, without its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The mode.
    pub mode: FileMode,
    place: Place,
}

/// Where the bytes of a file lie.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    /// A blob of the git object store.
    Blob(git2::Oid),
    /// A file below the directory that the tree was made from.
    Disk,
    /// Memory.
    Held(Arc<[u8]>),
}

/// Where unchanged bytes are read from.
#[derive(Clone, Debug)]
enum Origin {
    Commit { git_dir: PathBuf },
    Directory { root: PathBuf },
    Memory,
}

/// All files of a commit, a directory or a test, and the changes made to them so far.
///
/// Reading is lazy and safe from several threads; changing is copy-on-write, so that a clone is a cheap way to try
/// something and to drop it again.
#[derive(Clone, Debug)]
pub struct FileTree {
    origin: Origin,
    base: Arc<BTreeMap<RepoPath, Listed>>,
    stamps: Option<Arc<Stamps>>,
    changes: BTreeMap<RepoPath, Option<StoredFile>>,
    skipped: usize,
}

/// Longer files are not read as text.
const MOST_TEXT_BYTES: usize = 16 << 20;

impl FileTree {
    /// Makes a tree of files in memory.
    pub fn from_files(files: impl IntoIterator<Item = (RepoPath, StoredFile)>) -> Self {
        let base = files
            .into_iter()
            .map(|(path, file)| (path, Listed { mode: file.mode, place: Place::Held(file.content) }))
            .collect();
        Self::new(Origin::Memory, base, 0)
    }

    /// Lists the files below `root` that the ignore rules let through (`.gitignore`, `.ignore`, global excludes).
    ///
    /// Symbolic links are listed as links and never followed; `.git` and what is neither file nor link is left out.
    ///
    /// # Errors
    /// [`RepoError::Io`] when `root` cannot be read; unreadable places below it are counted in [`FileTree::skipped`], and so are
    /// folders whose rules of what to ignore are no file, or longer than 1 MiB.
    pub fn from_directory(root: &Path) -> Result<Self, RepoError> {
        let root = root.canonicalize().map_err(RepoError::io(root))?;
        let mut base = BTreeMap::new();
        let mut skipped = 0;
        let (walk, unsound) = walk::walk(&root);
        for entry in walk {
            let Ok(entry) = entry else {
                skipped += 1;
                continue;
            };
            let Some(kind) = entry.file_type() else { continue };
            if kind.is_dir() {
                continue;
            }
            let inside = entry.path().strip_prefix(&root).ok().and_then(Path::to_str);
            let path = inside.map(|text| RepoPath::of_existing(&text.replace('\\', "/")));
            let mode = entry.metadata().ok().and_then(|found| mode_of(&found));
            match (path, mode) {
                (Some(Ok(path)), Some(mode)) => {
                    base.insert(path, Listed { mode, place: Place::Disk });
                }
                _ => skipped += 1,
            }
        }
        skipped += unsound.load(Ordering::Relaxed);
        Ok(Self::new(Origin::Directory { root }, base, skipped))
    }

    /// Lists the files of a commit's tree; submodules are left out and counted in [`FileTree::skipped`].
    ///
    /// # Errors
    /// [`RepoError::Git`] when a tree object cannot be read.
    pub(super) fn from_git_tree(repository: &git2::Repository, tree: &git2::Tree<'_>) -> Result<Self, RepoError> {
        let mut base = BTreeMap::new();
        let mut skipped = 0;
        tree.walk(git2::TreeWalkMode::PreOrder, |folder, entry| {
            if entry.kind() == Some(git2::ObjectType::Tree) {
                return git2::TreeWalkResult::Ok;
            }
            let mode = u32::try_from(entry.filemode()).ok().and_then(FileMode::from_git_mode);
            let path = entry.name().ok().map(|name| RepoPath::of_existing(&format!("{folder}{name}")));
            match (path, mode) {
                (Some(Ok(path)), Some(mode)) => {
                    base.insert(path, Listed { mode, place: Place::Blob(entry.id()) });
                }
                _ => skipped += 1,
            }
            git2::TreeWalkResult::Ok
        })?;
        Ok(Self::new(Origin::Commit { git_dir: repository.path().to_owned() }, base, skipped))
    }

    fn new(origin: Origin, base: BTreeMap<RepoPath, Listed>, skipped: usize) -> Self {
        Self { origin, base: Arc::new(base), stamps: None, changes: BTreeMap::new(), skipped }
    }

    /// Returns the directory that the tree was listed from.
    pub(super) fn directory(&self) -> Option<&Path> {
        match &self.origin {
            Origin::Directory { root } => Some(root),
            _ => None,
        }
    }

    /// Returns how many entries could not be listed: unreadable, submodules, names that are no text.
    pub fn skipped(&self) -> usize {
        self.skipped
    }

    /// Returns every path in byte order, changes included.
    pub fn paths(&self) -> impl Iterator<Item = &RepoPath> {
        let kept = self.base.keys().filter(|path| !self.changes.contains_key(*path));
        let changed = self.changes.iter().filter(|(_, file)| file.is_some()).map(|(path, _)| path);
        let mut all: Vec<&RepoPath> = kept.chain(changed).collect();
        all.sort_unstable();
        all.into_iter()
    }

    /// Tells whether there is a file at `path`.
    pub fn contains(&self, path: &RepoPath) -> bool {
        match self.changes.get(path) {
            Some(change) => change.is_some(),
            None => self.base.contains_key(path),
        }
    }

    /// Returns the mode of the file at `path`.
    pub fn mode(&self, path: &RepoPath) -> Option<FileMode> {
        match self.changes.get(path) {
            Some(change) => change.as_ref().map(|file| file.mode),
            None => self.base.get(path).map(|listed| listed.mode),
        }
    }

    /// Reads the file at `path`; `None` when there is none.
    ///
    /// # Errors
    /// [`RepoError`] when the file is listed and its bytes cannot be read.
    pub fn read(&self, path: &RepoPath) -> Result<Option<StoredFile>, RepoError> {
        if let Some(change) = self.changes.get(path) {
            return Ok(change.clone());
        }
        let Some(listed) = self.base.get(path) else { return Ok(None) };
        let content = self.read_base(path, listed)?;
        Ok(Some(StoredFile { content, mode: listed.mode }))
    }

    /// Reads the file at `path` into `buffer`, in the place of what it holds, if it has at most `most` bytes, and tells whether;
    /// of a longer one nothing need be in the buffer.
    ///
    /// For reading many files: the buffer is used again, and a huge file is not read.
    ///
    /// # Errors
    /// [`RepoError`] when there is no such file or its bytes cannot be read.
    pub fn read_within(&self, path: &RepoPath, most: usize, buffer: &mut Vec<u8>) -> Result<bool, RepoError> {
        buffer.clear();
        if let Origin::Directory { root } = &self.origin
            && !self.changes.contains_key(path)
            && self.base.get(path).is_some_and(|listed| listed.mode != FileMode::Symlink)
        {
            let place = root.join(path.as_str());
            let file = std::fs::File::open(&place).map_err(RepoError::io(&place))?;
            file.take(most as u64 + 1).read_to_end(buffer).map_err(RepoError::io(&place))?;
            return Ok(buffer.len() <= most);
        }
        let blob = self.base.get(path).filter(|_| !self.changes.contains_key(path)).map(|listed| &listed.place);
        if let (Some(Place::Blob(id)), Origin::Commit { git_dir }) = (blob, &self.origin)
            && blob::size_bytes(git_dir, *id)? > most
        {
            return Ok(false);
        }
        let file = self.read(path)?.ok_or_else(|| RepoError::UnknownRevision(path.to_string()))?;
        let fits = file.content.len() <= most;
        if fits {
            buffer.extend_from_slice(&file.content);
        }
        Ok(fits)
    }

    /// Reads the file at `path` as text; `None` when there is none, or it is not UTF-8, or it is a link.
    ///
    /// # Errors
    /// As [`FileTree::read`]; [`RepoError::TooLarge`] beyond 16 MiB, which nobody wrote by hand, unless it is held in memory already.
    pub fn read_text(&self, path: &RepoPath) -> Result<Option<String>, RepoError> {
        if self.mode(path).is_none_or(|mode| mode == FileMode::Symlink) {
            return Ok(None);
        }
        if let Some(Some(changed)) = self.changes.get(path) {
            return Ok(std::str::from_utf8(&changed.content).ok().map(str::to_owned));
        }
        let mut content = Vec::new();
        if !self.read_within(path, MOST_TEXT_BYTES, &mut content)? {
            return Err(RepoError::TooLarge { path: path.to_string(), most_bytes: MOST_TEXT_BYTES });
        }
        Ok(String::from_utf8(content).ok())
    }

    fn read_base(&self, path: &RepoPath, listed: &Listed) -> Result<Arc<[u8]>, RepoError> {
        match (&listed.place, &self.origin) {
            (Place::Held(content), _) => Ok(Arc::clone(content)),
            (Place::Blob(id), Origin::Commit { git_dir }) => blob::read(git_dir, *id),
            (_, Origin::Directory { root }) => {
                let place = root.join(path.as_str());
                if listed.mode == FileMode::Symlink {
                    let target = std::fs::read_link(&place).map_err(RepoError::io(&place))?;
                    return Ok(target.to_string_lossy().as_bytes().into());
                }
                Ok(std::fs::read(&place).map_err(RepoError::io(&place))?.into())
            }
            _ => Err(RepoError::UnknownRevision(path.to_string())),
        }
    }

    /// Puts a file at `path`, new or in the place of the old one.
    pub fn write(&mut self, path: RepoPath, file: StoredFile) {
        self.changes.insert(path, Some(file));
    }

    /// Removes the file at `path`; nothing happens when there is none.
    pub fn remove(&mut self, path: &RepoPath) {
        if self.base.contains_key(path) {
            self.changes.insert(path.clone(), None);
        } else {
            self.changes.remove(path);
        }
    }

    /// Returns what differs from the tree that this one was made from, in path order; what was written back to its
    /// old content does not count.
    ///
    /// # Errors
    /// As [`FileTree::read`].
    pub fn changes(&self) -> Result<Vec<FileChange>, RepoError> {
        let mut all = Vec::new();
        for (path, after) in &self.changes {
            let before = match self.base.get(path) {
                Some(listed) => Some(StoredFile { content: self.read_base(path, listed)?, mode: listed.mode }),
                None => None,
            };
            if before != *after {
                all.push(FileChange { path: path.clone(), before, after: after.clone() });
            }
        }
        Ok(all)
    }

    /// Returns the same files as changes over `base`, so that [`FileTree::changes`] tells all that differs from it.
    ///
    /// # Errors
    /// As [`FileTree::read`].
    pub fn over(&self, base: &Self) -> Result<Self, RepoError> {
        let mut result = base.without_changes();
        let gone: Vec<RepoPath> = result.base.keys().filter(|path| !self.contains(path)).cloned().collect();
        for path in &gone {
            result.remove(path);
        }
        for path in self.paths() {
            let same = !self.changes.contains_key(path) && self.base.get(path) == base.base.get(path);
            if let (false, Some(file)) = (same, self.read(path)?) {
                result.write(path.clone(), file);
            }
        }
        Ok(result)
    }

    /// Returns the tree that this one was made from, without the changes.
    pub fn without_changes(&self) -> Self {
        Self { changes: BTreeMap::new(), ..self.clone() }
    }

    /// Reads git's index of the directory: which files hold which blobs, for [`FileTree::content`], and which are tracked
    /// though git's ignore rules hide them; these belong to the tree as well, unless a `.ignore` hides them, which is meant
    /// for whoever searches.
    pub fn know_checkout(&mut self, repository: &Repository) {
        let Origin::Directory { root } = &self.origin else { return };
        let Some(stamps) = Stamps::read(repository, root) else { return };
        let hidden = tracked::hidden(root, stamps.paths().filter(|path| !self.base.contains_key(*path)));
        let hidden: Vec<_> = hidden.map(|(path, mode)| (path.clone(), Listed { mode, place: Place::Disk })).collect();
        if !hidden.is_empty() {
            Arc::make_mut(&mut self.base).extend(hidden);
        }
        self.stamps = Some(Arc::new(stamps));
    }

    /// Returns what the file at `path` holds, where that is known without reading it from disk.
    pub fn content(&self, path: &RepoPath) -> Option<Content> {
        if let Some(change) = self.changes.get(path) {
            return blob::of_memory(&change.as_ref()?.content);
        }
        match (&self.base.get(path)?.place, &self.origin, &self.stamps) {
            (Place::Blob(id), _, _) => Some(Content { id: BlobId::from_git(*id), size_bytes: None }),
            (Place::Held(content), _, _) => blob::of_memory(content),
            (Place::Disk, Origin::Directory { root }, Some(stamps)) => stamps.content(path, &root.join(path.as_str())),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> RepoPath {
        RepoPath::parse(text).expect(text)
    }

    #[test]
    fn changes_are_held_above_the_base_and_a_clone_does_not_see_later_ones() {
        let mut tree =
            FileTree::from_files([(path("a"), StoredFile::regular(*b"1")), (path("b"), StoredFile::regular(*b"2"))]);
        let before = tree.clone();
        tree.write(path("c"), StoredFile::regular(*b"3"));
        tree.remove(&path("a"));
        assert_eq!(tree.paths().map(RepoPath::as_str).collect::<Vec<_>>(), ["b", "c"]);
        assert_eq!(before.paths().count(), 2);
        let changes = tree.changes().expect("memory");
        assert_eq!(changes.len(), 2);
        assert_eq!((&changes[0].path, changes[0].after.is_none()), (&path("a"), true));
        assert_eq!((&changes[1].path, changes[1].before.is_none()), (&path("c"), true));
    }

    #[test]
    fn what_is_written_back_is_no_change() {
        let mut tree = FileTree::from_files([(path("a"), StoredFile::regular(*b"1"))]);
        tree.write(path("a"), StoredFile::regular(*b"2"));
        tree.write(path("a"), StoredFile::regular(*b"1"));
        tree.write(path("new"), StoredFile::regular(*b"x"));
        tree.remove(&path("new"));
        assert_eq!(tree.changes().expect("memory"), []);
    }

    #[test]
    fn a_file_is_read_within_a_limit_wherever_it_lies() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let repository = Repository::init(dir.path()).expect("a repository");
        let long = StoredFile::regular(*b"0123456789");
        let mut change = vec![FileChange { path: path("a"), before: None, after: Some(long.clone()) }];
        let details = crate::repo::CommitDetails {
            message: "m\n".to_owned(),
            name: "T".to_owned(),
            email: "t@example.org".to_owned(),
            when: crate::clock::Timestamp::from_unix_millis(0),
            parent: None,
        };
        let commit = repository.commit(None, &change, &details).expect("a commit");
        std::fs::write(dir.path().join("a"), "0123456789").expect("write");
        let held = FileTree::from_files([(path("a"), long)]);
        let mut changed = FileTree::from_files([]);
        let after = change.remove(0).after.expect("given");
        changed.write(path("a"), after);
        let listed = FileTree::from_directory(dir.path()).expect("listed");
        for tree in [repository.tree(&commit).expect("a tree"), listed, held, changed] {
            let mut buffer = b"old".to_vec();
            assert!(tree.read_within(&path("a"), 10, &mut buffer).expect("read"));
            assert_eq!(buffer, b"0123456789");
            assert!(!tree.read_within(&path("a"), 9, &mut buffer).expect("not read"));
            assert!(tree.read_within(&path("b"), 9, &mut buffer).is_err(), "there is none");
        }
        let huge = || StoredFile::regular(vec![b'x'; MOST_TEXT_BYTES + 1]);
        let mut tree = FileTree::from_files([(path("a"), huge())]);
        assert!(matches!(tree.read_text(&path("a")), Err(RepoError::TooLarge { .. })));
        tree.write(path("a"), huge());
        assert!(tree.read_text(&path("a")).expect("held").is_some(), "what was changed is shown as it is");
    }

    #[test]
    fn a_directory_is_listed_by_the_ignore_rules_and_links_are_not_followed() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        std::fs::create_dir_all(dir.path().join("target")).expect("mkdir");
        std::fs::create_dir_all(dir.path().join(".git")).expect("mkdir");
        for (name, text) in [("a.rs", "a"), ("target/x", "x"), (".git/config", "c"), (".gitignore", "/target\n")] {
            std::fs::write(dir.path().join(name), text).expect("write");
        }
        #[cfg(unix)]
        std::os::unix::fs::symlink("/etc/passwd", dir.path().join("link")).expect("symlink");
        let tree = FileTree::from_directory(dir.path()).expect("a readable directory");
        let names: Vec<&str> = tree.paths().map(RepoPath::as_str).collect();
        #[cfg(unix)]
        {
            assert_eq!(names, [".gitignore", "a.rs", "link"]);
            let link = tree.read(&path("link")).expect("readable").expect("listed");
            assert_eq!((&*link.content, link.mode), (&b"/etc/passwd"[..], FileMode::Symlink));
        }
        assert_eq!(tree.read_text(&path("a.rs")).expect("readable").as_deref(), Some("a"));
    }
}
