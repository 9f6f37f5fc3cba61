//! Paths: what the model meant, where a file can be created, and which names come near a missing one.

use crate::repo::{FileTree, RepoPath};

use super::feedback::{Cause, Problem};

/// How many names are offered in the place of a missing one.
const MAX_NAMES: usize = 5;

/// Makes a path of what the model wrote; files that exist may have names that could not be created.
pub(super) fn resolve(tree: &FileTree, text: &str) -> Result<RepoPath, Problem> {
    RepoPath::parse(text).or_else(|error| {
        let existing = RepoPath::of_existing(text).ok().filter(|path| tree.contains(path));
        existing.ok_or_else(|| Problem::bad_path(&error))
    })
}

/// Refuses a new file where a file or folder is, also on file systems that ignore case; `moved` is the file that
/// leaves its place for it.
pub(super) fn refuse_taken(tree: &FileTree, path: &RepoPath, moved: Option<&RepoPath>) -> Result<(), Problem> {
    let taken = |summary: String| Err(Problem::new(Cause::PathTaken, summary));
    let folded = path.as_str().to_lowercase();
    for other in tree.paths().filter(|other| Some(*other) != moved) {
        let (there, there_folded) = (other.as_str(), other.as_str().to_lowercase());
        if there == path.as_str() {
            return taken("a file is there already".to_owned());
        }
        if there_folded == folded {
            return taken(format!("the file {there} differs only in upper and lower case"));
        }
        if is_above(&there_folded, &folded) {
            return taken(format!("{there} is a file, not a folder"));
        }
        if is_above(&folded, &there_folded) {
            return taken(format!("this is a folder, with {there} in it"));
        }
    }
    refuse_folder_spelled_otherwise(tree, path)
}

fn is_above(folder: &str, path: &str) -> bool {
    path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
}

/// Refuses `Src/new.rs` where `src/` is a folder: where case is ignored both are one folder, elsewhere two.
fn refuse_folder_spelled_otherwise(tree: &FileTree, path: &RepoPath) -> Result<(), Problem> {
    let mut folder = path.folder();
    while !folder.is_empty() {
        let folded = folder.to_lowercase();
        let mut other_spelling = None;
        for other in tree.paths() {
            let Some((end, _)) = other.as_str().match_indices('/').nth(folder.matches('/').count()) else { continue };
            let above = &other.as_str()[..end];
            if above == folder {
                // What stands above a folder that exists is spelled as it exists.
                return Ok(());
            }
            if above.to_lowercase() == folded {
                other_spelling = Some(above);
            }
        }
        if let Some(other) = other_spelling {
            let summary = format!("the folder {other} differs from {folder} only in upper and lower case");
            return Err(Problem::new(Cause::PathTaken, summary));
        }
        folder = folder.rsplit_once('/').map_or("", |(above, _)| above);
    }
    Ok(())
}

/// Returns up to five paths of the tree that have the file name of `wanted`, or nearly so.
pub(super) fn near_names(tree: &FileTree, wanted: &str) -> Vec<String> {
    let name = wanted.rsplit(['/', '\\']).next().unwrap_or(wanted).to_lowercase();
    let allowed = (name.chars().count() / 4).max(2);
    let mut near: Vec<(usize, &str)> = tree
        .paths()
        .filter_map(|path| {
            let other = path.file_name().to_lowercase();
            if other.len().abs_diff(name.len()) > allowed {
                return None;
            }
            let distance = edit_distance(&name, &other);
            (distance <= allowed).then_some((distance, path.as_str()))
        })
        .collect();
    near.sort_unstable();
    near.into_iter().take(MAX_NAMES).map(|(_, path)| path.to_owned()).collect()
}

/// Counts the letters to add, drop or exchange (Levenshtein).
fn edit_distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = i;
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let exchanged = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = exchanged.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repo::StoredFile;

    fn tree() -> FileTree {
        FileTree::from_files(
            ["src/parser.rs", "src/parse.rs", "README.md", "tests/parser.rs"]
                .map(|name| (RepoPath::parse(name).expect(name), StoredFile::regular(*b"x\n"))),
        )
    }

    #[test]
    fn a_new_file_needs_a_free_place() {
        let check = |path: &str, expected: Option<&str>| {
            let refused = refuse_taken(&tree(), &RepoPath::parse(path).expect(path), None);
            assert_eq!(refused.err().map(|problem| problem.summary), expected.map(str::to_owned), "{path}");
        };
        check("src/new.rs", None);
        check("new/deep/file.rs", None);
        check("src/parse.rs", Some("a file is there already"));
        check("src/Parse.rs", Some("the file src/parse.rs differs only in upper and lower case"));
        check("README.md/part", Some("README.md is a file, not a folder"));
        check("readme.md/part", Some("README.md is a file, not a folder"));
        check("src", Some("this is a folder, with src/parse.rs in it"));
        check("Src/new.rs", Some("the folder src differs from Src only in upper and lower case"));
    }

    #[test]
    fn a_missing_name_brings_up_the_same_and_near_ones() {
        assert_eq!(near_names(&tree(), "lib/parser.rs"), ["src/parser.rs", "tests/parser.rs", "src/parse.rs"]);
        assert_eq!(near_names(&tree(), "READMEE.md"), ["README.md"]);
        assert_eq!(near_names(&tree(), "src/unlike.txt"), [""; 0]);
    }
}
