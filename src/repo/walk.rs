//! The walk over the files of a directory that git does not ignore.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Files by which a folder says what is ignored in it.
const RULES: [&str; 2] = [".gitignore", ".ignore"];
/// Longer files of such rules are not read, in bytes.
const MAX_RULES_BYTES: u64 = 1 << 20;

/// Tells whether rules can be read from `path`: nothing is there, or a file of a sensible size. As git does, no link is followed
/// (gitignore, "symbolic link"): it may lead out of the tree, or to a device that never ends.
fn is_sound(path: &Path) -> bool {
    path.symlink_metadata().map_or(true, |found| found.is_file() && found.len() <= MAX_RULES_BYTES)
}

/// Walks over what lies in `root` and is not ignored, without following a link. The count, right when the walk is over, tells how
/// many folders were left out because their rules are no file or too long; at the top such a file turns off its kind of rules.
pub(super) fn walk(root: &Path) -> (ignore::Walk, Arc<AtomicUsize>) {
    let unsound = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&unsound);
    let walk = ignore::WalkBuilder::new(root)
        .hidden(false)
        .require_git(false)
        .follow_links(false)
        .git_ignore(is_sound(&root.join(".gitignore")))
        .ignore(is_sound(&root.join(".ignore")))
        .filter_entry(move |entry| {
            let is_shown = entry.file_name() != ".git" && entry.file_name() != super::store::ASIDE;
            let is_inner = entry.depth() > 0 && entry.file_type().is_some_and(|kind| kind.is_dir());
            let is_read = !is_inner || RULES.iter().all(|name| is_sound(&entry.path().join(name)));
            if is_shown && !is_read {
                counted.fetch_add(1, Ordering::Relaxed);
            }
            is_shown && is_read
        })
        .build();
    (walk, unsound)
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::symlink;

    use crate::repo::{FileTree, RepoPath};

    #[test]
    fn rules_that_are_a_link_are_neither_followed_nor_endless() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path().join("root");
        std::fs::create_dir_all(root.join("sub")).expect("folders");
        std::fs::create_dir_all(root.join("sound")).expect("folders");
        std::fs::write(folder.path().join("rules"), "*.py\n").expect("written");
        for (path, text) in [("a.py", ""), ("sub/b.py", ""), ("sound/c.py", ""), ("sound/.gitignore", "c.*\n")] {
            std::fs::write(root.join(path), text).expect("written");
        }
        symlink("../rules", root.join(".gitignore")).expect("a link");
        symlink("/dev/zero", root.join(".ignore")).expect("a link");
        symlink("/dev/zero", root.join("sub/.gitignore")).expect("a link");
        let tree = FileTree::from_directory(&root).expect("a tree");
        let found: Vec<&str> = tree.paths().map(RepoPath::as_str).collect();
        assert_eq!(
            (found, tree.skipped()),
            (vec![".gitignore", ".ignore", "a.py", "sound/.gitignore", "sound/c.py"], 1)
        );
    }
}
