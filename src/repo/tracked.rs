//! Files of a checkout that git tracks though its ignore rules hide them.

use std::collections::BTreeMap;
use std::fs::Metadata;
use std::path::Path;

use ignore::gitignore::Gitignore;

use super::{FileMode, RepoPath};

/// Finds those of the tracked files that lie below `root` and that no `.ignore` hides, with their modes.
pub(super) fn hidden<'p>(
    root: &'p Path,
    tracked: impl Iterator<Item = &'p RepoPath>,
) -> impl Iterator<Item = (&'p RepoPath, FileMode)> {
    let mut ignores = Ignores { root, known: BTreeMap::new() };
    tracked.filter(move |path| !ignores.hide(path)).filter_map(move |path| Some((path, mode_beneath(root, path)?)))
}

/// The files called `.ignore` of a directory, by their folders.
struct Ignores<'r> {
    root: &'r Path,
    known: BTreeMap<String, Option<Gitignore>>,
}

impl Ignores<'_> {
    /// Tells whether one of them hides a file; the nearest that says something decides.
    fn hide(&mut self, path: &RepoPath) -> bool {
        let mut folder = path.folder();
        loop {
            let place = self.root.join(folder);
            let rules = self.known.entry(folder.to_owned()).or_insert_with(|| {
                let file = place.join(".ignore");
                file.is_file().then(|| Gitignore::new(file).0)
            });
            let said = rules.as_ref().map(|rules| rules.matched_path_or_any_parents(place_below(path, folder), false));
            match said {
                Some(said) if !said.is_none() => return said.is_ignore(),
                _ if folder.is_empty() => return false,
                _ => folder = folder.rsplit_once('/').map_or("", |(above, _)| above),
            }
        }
    }
}

fn place_below<'p>(path: &'p RepoPath, folder: &str) -> &'p str {
    path.as_str().strip_prefix(folder).map_or(path.as_str(), |rest| rest.trim_start_matches('/'))
}

/// Returns the mode of what lies at `path` below `root`; `None` where that is neither file nor link, and where a folder on the
/// way is a link, which may lead out of the tree.
fn mode_beneath(root: &Path, path: &RepoPath) -> Option<FileMode> {
    let mut place = root.to_owned();
    for part in path.folder().split('/').filter(|part| !part.is_empty()) {
        place.push(part);
        std::fs::symlink_metadata(&place).ok().filter(Metadata::is_dir)?;
    }
    mode_of(&std::fs::symlink_metadata(place.join(path.file_name())).ok()?)
}

/// Returns the mode of a file or a link; `None` for everything else.
pub(super) fn mode_of(metadata: &Metadata) -> Option<FileMode> {
    match metadata {
        link if link.is_symlink() => Some(FileMode::Symlink),
        file if file.is_file() && is_executable(file) => Some(FileMode::Executable),
        file => file.is_file().then_some(FileMode::Regular),
    }
}

#[cfg(unix)]
fn is_executable(metadata: &Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    metadata.permissions().mode() & 0o100 != 0
}

#[cfg(not(unix))]
fn is_executable(_: &Metadata) -> bool {
    false
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use crate::repo::{FileTree, Repository};

    #[test]
    #[allow(clippy::disallowed_methods, reason = "git itself shall write the index")]
    fn tracked_files_belong_to_the_tree_whatever_the_ignore_rules_hide() {
        let (folder, outside) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
        let git = |arguments: &[&str]| {
            let status = std::process::Command::new("git").args(arguments).current_dir(folder.path()).status();
            assert!(status.expect("git").success(), "{arguments:?}");
        };
        let write = |name: &str| {
            let place = folder.path().join(name);
            std::fs::create_dir_all(place.parent().expect("a folder")).expect("made");
            std::fs::write(&place, "x\n").expect("written");
        };
        git(&["init", "-q"]);
        for name in
            ["build/made.c", "build/gone.c", "log/a.log", "log/deep/b.log", "src/a.c", "data/x/big.c", "data/y/big.c"]
        {
            write(name);
        }
        git(&["add", "."]);
        std::fs::write(folder.path().join(".gitignore"), "build/\n*.log\nlog\n").expect("written");
        write("build/other.c");
        // Whoever keeps a tracked file from searches says so in `.ignore`.
        std::fs::write(folder.path().join(".ignore"), "data/*/big.c\n").expect("written");
        std::fs::write(folder.path().join("data/y/.ignore"), "!/big.c\n").expect("written");
        std::fs::remove_file(folder.path().join("build/gone.c")).expect("removed");
        // A folder became a link that leads out.
        std::fs::write(outside.path().join("b.log"), "secret").expect("written");
        std::fs::remove_dir_all(folder.path().join("log/deep")).expect("removed");
        std::os::unix::fs::symlink(outside.path(), folder.path().join("log/deep")).expect("linked");
        let mut tree = FileTree::from_directory(folder.path()).expect("listed");
        tree.know_checkout(&Repository::discover(folder.path()).expect("a repository"));
        let paths: Vec<&str> = tree.paths().map(RepoPath::as_str).collect();
        let ignores = [".gitignore", ".ignore", "data/y/.ignore"];
        let paths: Vec<&str> = paths.into_iter().filter(|path| !ignores.contains(path)).collect();
        assert_eq!(paths, ["build/made.c", "data/y/big.c", "log/a.log", "src/a.c"]);
        let made = tree.read_text(&RepoPath::parse("build/made.c").expect("a path")).expect("read");
        assert_eq!(made.as_deref(), Some("x\n"));
    }
}
