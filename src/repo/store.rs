//! Writes the changes of a tree into the folder that it was listed from: all of them or none.
//!
//! Everything new is written aside first, in a folder of the same file system, so that a full disk or a file that cannot be
//! written is found before anything has changed. Then a journal says what is to be moved where, and the moves are made.
//! When one of them fails the others are taken back; when the process is killed among them the next call finishes them.

use std::io;
use std::path::{Path, PathBuf};

use cap_std::ambient_authority;
use cap_std::fs::{Dir, Permissions};
use serde::{Deserialize, Serialize};

use super::worktree::write_beneath;
use super::{FileChange, FileMode, FileTree, RepoError, RepoPath};

/// The folder aside, in the root of the tree; it is there only while something is written.
pub(super) const ASIDE: &str = ".prentice-apply";
const JOURNAL: &str = ".prentice-apply/journal";
const LOCK: &str = ".prentice-apply/lock";

/// A move from or to the folder aside.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Move {
    #[serde(deserialize_with = "of_existing")]
    path: RepoPath,
    /// Whether a file was there before.
    had: bool,
    /// Whether one shall be there.
    gets: bool,
}

/// Reads the name of a file that may be there already, and refuses what leads into `.git`: the tree itself may have brought
/// the journal.
fn of_existing<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<RepoPath, D::Error> {
    RepoPath::of_existing(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
}

impl FileTree {
    /// Writes what has been changed since [`FileTree::from_directory`] into that directory, and returns it.
    ///
    /// A file that keeps its kind of mode keeps its permissions too. Folders that become empty go. A call that was killed
    /// is finished by the next one in the same directory, see [`finish_storing`].
    ///
    /// # Errors
    /// [`RepoError::NotADirectory`] when the tree comes from elsewhere, [`RepoError::InTheWay`] where something that the tree
    /// does not list lies at the place of a new file, [`RepoError::Busy`] when another process is writing there,
    /// [`RepoError::Io`]. Nothing has changed then.
    pub fn store(&self) -> Result<Vec<FileChange>, RepoError> {
        let Some(root) = self.directory() else { return Err(RepoError::NotADirectory) };
        let changes = self.changes()?;
        if changes.is_empty() {
            return Ok(changes);
        }
        let store = Store::open(root)?;
        store.finish()?;
        let stored = store.stage(&changes).and_then(|moves| store.carry_out(&moves));
        store.close();
        stored.map(|()| changes)
    }
}

/// Finishes what a killed [`FileTree::store`] had begun to move in `root`; tells whether there was something.
///
/// # Errors
/// [`RepoError::Busy`] when that process is still at it, [`RepoError::Io`].
pub fn finish_storing(root: &Path) -> Result<bool, RepoError> {
    if !root.join(ASIDE).is_dir() {
        return Ok(false);
    }
    let store = Store::open(root)?;
    let found = store.finish();
    store.close();
    found
}

/// The directory, with the lock on its folder aside.
struct Store {
    root: PathBuf,
    files: Dir,
    _lock: std::fs::File,
}

impl Store {
    fn open(root: &Path) -> Result<Self, RepoError> {
        let files = Dir::open_ambient_dir(root, ambient_authority()).map_err(RepoError::io(root))?;
        match files.create_dir(ASIDE) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                return Err(RepoError::io(root.join(ASIDE))(error));
            }
            _ => {}
        }
        let lock = files.create(LOCK).map_err(RepoError::io(root.join(LOCK)))?.into_std();
        match lock.try_lock() {
            Ok(()) => Ok(Self { root: root.to_owned(), files, _lock: lock }),
            Err(std::fs::TryLockError::WouldBlock) => Err(RepoError::Busy(root.to_owned())),
            Err(std::fs::TryLockError::Error(error)) => Err(RepoError::io(root.join(LOCK))(error)),
        }
    }

    fn fail(&self, path: &str) -> impl FnOnce(io::Error) -> RepoError {
        RepoError::io(self.root.join(path))
    }

    /// Carries out what a journal says, if there is one.
    fn finish(&self) -> Result<bool, RepoError> {
        let Ok(text) = self.files.read_to_string(JOURNAL) else { return Ok(false) };
        // A journal is complete when it has its name; anything else was not written here.
        let Ok(moves) = serde_json::from_str::<Vec<Move>>(&text) else { return Ok(false) };
        self.carry_out(&moves).map(|()| true)
    }

    /// Writes all that is new into the folder aside.
    fn stage(&self, changes: &[FileChange]) -> Result<Vec<Move>, RepoError> {
        let mut moves = Vec::new();
        for (number, change) in changes.iter().enumerate() {
            let (path, had, gets) = (change.path.clone(), change.before.is_some(), change.after.is_some());
            if let Some(file) = &change.after {
                let place = aside("new", number);
                self.remove(&place)?;
                write_beneath(&self.files, &self.root, &place, file)?;
                let same_kind = change.before.as_ref().is_some_and(|before| before.mode == file.mode);
                if same_kind && file.mode != FileMode::Symlink {
                    self.files.set_permissions(&place, self.permissions(&path)?).map_err(self.fail(&place))?;
                }
            }
            self.remove(&aside("old", number))?;
            moves.push(Move { path, had, gets });
        }
        let text = serde_json::to_string(&moves).unwrap_or_default();
        let draft = format!("{JOURNAL}.new");
        self.files.write(&draft, text).map_err(self.fail(&draft))?;
        self.files.rename(&draft, &self.files, JOURNAL).map_err(self.fail(JOURNAL))?;
        Ok(moves)
    }

    fn permissions(&self, path: &RepoPath) -> Result<Permissions, RepoError> {
        let data = self.files.symlink_metadata(path.as_str()).map_err(self.fail(path.as_str()))?;
        Ok(data.permissions())
    }

    fn carry_out(&self, moves: &[Move]) -> Result<(), RepoError> {
        let made = self.move_all(moves);
        if let Err(error) = &made {
            // The first error is the one to tell; what cannot be taken back stays in the folder aside, with the journal.
            if self.take_back(moves).is_err() {
                return Err(RepoError::HalfStored { root: self.root.join(ASIDE), reason: error.to_string() });
            }
        }
        self.remove(JOURNAL)?;
        made
    }

    /// Makes the moves that are not made yet: first those by which a file goes, so that a name which differs in case only,
    /// or a folder in the place of a file, finds its place free.
    fn move_all(&self, moves: &[Move]) -> Result<(), RepoError> {
        for gets in [false, true] {
            for (number, planned) in moves.iter().enumerate().filter(|(_, planned)| planned.gets == gets) {
                self.move_one(number, planned)?;
            }
        }
        Ok(())
    }

    fn move_one(&self, number: usize, planned: &Move) -> Result<(), RepoError> {
        let (path, old, new) = (planned.path.as_str(), aside("old", number), aside("new", number));
        if planned.gets && self.files.symlink_metadata(&new).is_err() {
            // Moved already, before the kill.
            return Ok(());
        }
        let is_kept = self.files.symlink_metadata(&old).is_ok();
        if planned.had && !is_kept {
            match planned.gets {
                // The name never stands for nothing.
                true => self.keep(path, &old)?,
                false if self.files.symlink_metadata(path).is_ok() => {
                    self.files.rename(path, &self.files, &old).map_err(self.fail(path))?;
                    self.remove_empty(planned.path.folder());
                }
                false => {}
            }
        }
        if !planned.gets {
            return Ok(());
        }
        if !planned.had && self.files.symlink_metadata(path).is_ok() {
            return Err(RepoError::InTheWay(self.root.join(path)));
        }
        if !planned.path.folder().is_empty() {
            self.files.create_dir_all(planned.path.folder()).map_err(self.fail(path))?;
        }
        self.files.rename(&new, &self.files, path).map_err(self.fail(path))
    }

    /// Gives the old file a second name; where the file system has no such thing, a copy.
    fn keep(&self, path: &str, old: &str) -> Result<(), RepoError> {
        if self.files.hard_link(path, &self.files, old).is_ok() {
            return Ok(());
        }
        let data = self.files.symlink_metadata(path).map_err(self.fail(path))?;
        if data.is_symlink() {
            return self.files.rename(path, &self.files, old).map_err(self.fail(path));
        }
        self.files.copy(path, &self.files, old).map(|_| ()).map_err(self.fail(path))
    }

    /// Puts every old file back, and takes away what was not there.
    fn take_back(&self, moves: &[Move]) -> Result<(), RepoError> {
        for gets in [true, false] {
            for (number, planned) in moves.iter().enumerate().filter(|(_, planned)| planned.gets == gets) {
                let (path, old, new) = (planned.path.as_str(), aside("old", number), aside("new", number));
                let was_moved = planned.gets && self.files.symlink_metadata(&new).is_err();
                if was_moved {
                    // Not removed: a kill in here is to find all that it needs to make the moves again.
                    self.files.rename(path, &self.files, &new).map_err(self.fail(path))?;
                    self.remove_empty(planned.path.folder());
                }
                if planned.had && self.files.symlink_metadata(&old).is_ok() {
                    if !planned.path.folder().is_empty() {
                        self.files.create_dir_all(planned.path.folder()).map_err(self.fail(path))?;
                    }
                    self.files.rename(&old, &self.files, path).map_err(self.fail(path))?;
                }
            }
        }
        Ok(())
    }

    /// Removes a file that may be missing.
    fn remove(&self, path: &str) -> Result<(), RepoError> {
        match self.files.remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(self.fail(path)(error)),
            _ => Ok(()),
        }
    }

    /// Removes a folder and those above it, as far as they are empty.
    fn remove_empty(&self, folder: &str) {
        let mut folder = folder;
        while !folder.is_empty() && self.files.remove_dir(folder).is_ok() {
            folder = folder.rsplit_once('/').map_or("", |(above, _)| above);
        }
    }

    /// Removes the folder aside, unless there is a journal that still has to be carried out.
    fn close(self) {
        if self.files.symlink_metadata(JOURNAL).is_err() {
            // A leftover is found and emptied by the next call.
            drop(self.files.remove_dir_all(ASIDE));
        }
    }
}

fn aside(kind: &str, number: usize) -> String {
    format!("{ASIDE}/{kind}-{number}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repo::StoredFile;

    fn path(text: &str) -> RepoPath {
        RepoPath::parse(text).expect(text)
    }

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, text) in files {
            let place = folder.path().join(name);
            std::fs::create_dir_all(place.parent().expect("below")).expect("made");
            std::fs::write(place, text).expect("written");
        }
        folder
    }

    fn contents(folder: &Path) -> Vec<(String, String)> {
        let tree = FileTree::from_directory(folder).expect("listed");
        let read = |path: &RepoPath| tree.read_text(path).expect("readable").unwrap_or_default();
        tree.paths().map(|path| (path.to_string(), read(path))).collect()
    }

    fn pairs(files: &[(&str, &str)]) -> Vec<(String, String)> {
        files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
    }

    /// Changes `a/x`, moves `b/y` to `c/d/y` and makes `e`.
    fn changed(folder: &Path) -> FileTree {
        let mut tree = FileTree::from_directory(folder).expect("listed");
        tree.write(path("a/x"), StoredFile::regular(*b"new x"));
        tree.remove(&path("b/y"));
        tree.write(path("c/d/y"), StoredFile::regular(*b"y"));
        tree.write(path("e"), StoredFile::regular(*b"e"));
        tree
    }

    const BEFORE: [(&str, &str); 2] = [("a/x", "x"), ("b/y", "y")];
    const AFTER: [(&str, &str); 3] = [("a/x", "new x"), ("c/d/y", "y"), ("e", "e")];

    #[test]
    fn changes_are_written_and_nothing_else_is_left() {
        let folder = folder(&BEFORE);
        assert_eq!(changed(folder.path()).store().expect("stored").len(), 4);
        assert_eq!(contents(folder.path()), pairs(&AFTER));
        assert!(!folder.path().join("b").exists() && !folder.path().join(ASIDE).exists());
    }

    #[test]
    fn a_file_may_take_the_place_of_a_folder_and_the_other_way_round() {
        let folder = folder(&[("a", "1"), ("b/c", "2")]);
        let mut tree = FileTree::from_directory(folder.path()).expect("listed");
        for (gone, new) in [("a", "a/x"), ("b/c", "b")] {
            tree.remove(&path(gone));
            tree.write(path(new), StoredFile::regular(*b"3"));
        }
        tree.store().expect("stored");
        assert_eq!(contents(folder.path()), pairs(&[("a/x", "3"), ("b", "3")]));
    }

    #[test]
    #[cfg(unix)]
    fn permissions_stay_and_links_are_links() {
        use std::os::unix::fs::PermissionsExt;
        let folder = folder(&[("secret", "1"), ("run", "2")]);
        let place = |name: &str| folder.path().join(name);
        let mode = |name: &str| std::fs::metadata(place(name)).expect("there").permissions().mode() & 0o777;
        for (name, bits) in [("secret", 0o600), ("run", 0o644)] {
            std::fs::set_permissions(place(name), std::fs::Permissions::from_mode(bits)).expect("set");
        }
        std::os::unix::fs::symlink("secret", place("link")).expect("made");
        let mut tree = FileTree::from_directory(folder.path()).expect("listed");
        tree.write(path("secret"), StoredFile::regular(*b"new"));
        tree.write(path("run"), StoredFile { content: (*b"2").into(), mode: FileMode::Executable });
        tree.write(path("link"), StoredFile { content: (*b"run").into(), mode: FileMode::Symlink });
        tree.store().expect("stored");
        assert_eq!((mode("secret"), mode("run")), (0o600, 0o755));
        assert_eq!(std::fs::read_link(place("link")).expect("a link"), Path::new("run"));
    }

    #[test]
    fn what_the_tree_does_not_list_is_not_overwritten_and_all_is_taken_back() {
        let folder = folder(&[("a/x", "x"), ("b/y", "y"), (".gitignore", "/e\n"), ("e", "mine")]);
        let error = changed(folder.path()).store().expect_err("e is in the way");
        assert!(error.to_string().contains("e"), "{error}");
        assert!(matches!(error, RepoError::InTheWay(_)));
        assert_eq!(contents(folder.path()), pairs(&[(".gitignore", "/e\n"), ("a/x", "x"), ("b/y", "y")]));
        assert_eq!(std::fs::read_to_string(folder.path().join("e")).expect("there"), "mine");
        assert!(!folder.path().join("c").exists() && !folder.path().join(ASIDE).exists());
    }

    #[test]
    #[cfg(unix)]
    fn nothing_is_written_through_a_link_that_leads_out() {
        let (outside, folder) = (folder(&[]), folder(&BEFORE));
        let mut tree = FileTree::from_directory(folder.path()).expect("listed");
        // The link is made after the tree was listed.
        std::os::unix::fs::symlink(outside.path(), folder.path().join("c")).expect("made");
        tree.write(path("a/x"), StoredFile::regular(*b"new"));
        tree.write(path("c/x"), StoredFile::regular(*b"out"));
        tree.store().expect_err("c leads out");
        assert_eq!(std::fs::read_dir(outside.path()).expect("readable").count(), 0);
        assert_eq!(std::fs::read_to_string(folder.path().join("a/x")).expect("there"), "x");
    }

    #[test]
    fn a_kill_at_any_move_is_finished_by_the_next_call() {
        for done in 0..=4 {
            let folder = folder(&BEFORE);
            let changes = changed(folder.path()).changes().expect("readable");
            let store = Store::open(folder.path()).expect("opened");
            let moves = store.stage(&changes).expect("staged");
            // As move_all, up to the kill.
            let in_order = [false, true]
                .into_iter()
                .flat_map(|gets| moves.iter().enumerate().filter(move |(_, planned)| planned.gets == gets));
            in_order.take(done).for_each(|(number, planned)| store.move_one(number, planned).expect("moved"));
            drop(store);
            assert!(finish_storing(folder.path()).expect("finished"), "{done}");
            assert_eq!(contents(folder.path()), pairs(&AFTER), "{done}");
            assert!(!folder.path().join(ASIDE).exists());
        }
    }

    #[test]
    fn a_kill_before_the_journal_leaves_the_tree_as_it_was() {
        let folder = folder(&BEFORE);
        let changes = changed(folder.path()).changes().expect("readable");
        let store = Store::open(folder.path()).expect("opened");
        store.stage(&changes).expect("staged");
        store.remove(JOURNAL).expect("removed");
        drop(store);
        assert!(!finish_storing(folder.path()).expect("nothing to finish"));
        assert_eq!(contents(folder.path()), pairs(&BEFORE));
        assert!(!folder.path().join(ASIDE).exists());
    }

    #[test]
    fn a_journal_that_the_tree_brings_does_not_reach_into_git() {
        let mine = r#"[{"path":".git/hooks/pre-commit","had":false,"gets":true}]"#;
        let folder = folder(&[("a", "1"), (".git/HEAD", "x"), (JOURNAL, mine), (&aside("new", 0), "evil")]);
        assert!(!finish_storing(folder.path()).expect("nothing that is ours"));
        assert!(!folder.path().join(".git/hooks").exists());
    }

    #[test]
    fn two_at_once_are_refused() {
        let folder = folder(&BEFORE);
        let _other = Store::open(folder.path()).expect("opened");
        assert!(matches!(changed(folder.path()).store(), Err(RepoError::Busy(_))));
        assert_eq!(contents(folder.path()), pairs(&BEFORE));
    }
}
