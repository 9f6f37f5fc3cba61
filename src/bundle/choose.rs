//! The best of several bundles, each an attempt at the same task.

use std::cmp::Reverse;
use std::path::Path;

use super::{Bundle, BundleError, Ending, digest};
use crate::repo::{FileChange, diff_file};
use crate::verify::{Evidence, Verdict};

/// How good a bundle is; greater is better. The order of the fields is the order in which they count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Merit {
    /// Whether policy and evidence accept the change.
    pub done: bool,
    /// How much the evidence says, from 0 (nothing, or something broke) to 4 (proven).
    pub strength: u8,
    /// Lines added and removed; fewer are better.
    pub lines: Reverse<usize>,
    /// Files changed; fewer are better.
    pub files: Reverse<usize>,
}

/// Judges a bundle.
///
/// Near linear in the size of the change.
pub fn merit(bundle: &Bundle) -> Merit {
    merit_of(bundle.ending == Ending::Done, bundle.evidence.as_ref(), &bundle.changes)
}

/// Weighs a change that is in no bundle yet.
pub fn merit_of(done: bool, evidence: Option<&Evidence>, changes: &[FileChange]) -> Merit {
    let strength = match evidence.map(|evidence| evidence.verdict) {
        Some(Verdict::Proven) => 4,
        Some(Verdict::Added) => 3,
        Some(Verdict::Green) => 2,
        Some(Verdict::Unproven) => 1,
        Some(Verdict::Refused) | None => 0,
    };
    let lines = changes.iter().map(changed_lines).sum();
    Merit { done, strength, lines: Reverse(lines), files: Reverse(changes.len()) }
}

/// Returns the place of the best bundle, the first one among equals; `None` when there is none.
pub fn best(merits: &[Merit]) -> Option<usize> {
    (0..merits.len()).max_by_key(|&place| (merits[place], Reverse(place)))
}

/// Copies a bundle byte for byte, so that its digest stays what it is; a bundle that was at `to` is replaced.
///
/// # Errors
/// [`BundleError::Tampered`] when the copy does not have the digest `wanted`; [`BundleError::Io`] when a file cannot be read
/// or written.
pub fn copy(from: &Path, to: &Path, wanted: &str) -> Result<(), BundleError> {
    let parent = to.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(parent).map_err(BundleError::io(parent))?;
    let fresh = tempfile::Builder::new().prefix(".bundle-").tempdir_in(parent).map_err(BundleError::io(parent))?;
    copy_folder(from, fresh.path())?;
    if digest(fresh.path())? != wanted {
        return Err(BundleError::Tampered { path: from.to_owned(), what: "a file while it was copied".to_owned() });
    }
    if to.exists() {
        std::fs::remove_dir_all(to).map_err(BundleError::io(to))?;
    }
    std::fs::rename(fresh.keep(), to).map_err(BundleError::io(to))
}

fn copy_folder(from: &Path, to: &Path) -> Result<(), BundleError> {
    for entry in std::fs::read_dir(from).map_err(BundleError::io(from))? {
        let entry = entry.map_err(BundleError::io(from))?;
        let target = to.join(entry.file_name());
        let kind = entry.file_type().map_err(BundleError::io(&entry.path()))?;
        if kind.is_dir() {
            std::fs::create_dir(&target).map_err(BundleError::io(&target))?;
            copy_folder(&entry.path(), &target)?;
        } else if kind.is_file() {
            std::fs::copy(entry.path(), &target).map_err(BundleError::io(&target))?;
        } else {
            return Err(BundleError::malformed(&entry.path(), "neither file nor folder"));
        }
    }
    Ok(())
}

/// A file that is no text counts with its bytes, so that it never looks small.
fn changed_lines(change: &FileChange) -> usize {
    let diff = diff_file(change);
    if diff.binary {
        return [&change.before, &change.after].into_iter().flatten().map(|file| file.content.len()).sum();
    }
    diff.added + diff.removed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ending_counts_before_the_evidence_and_that_before_the_size() {
        let merit =
            |done, strength, lines, files| Merit { done, strength, lines: Reverse(lines), files: Reverse(files) };
        let check = |merits: &[Merit], expected| assert_eq!(best(merits), expected, "{merits:?}");
        check(&[], None);
        check(&[merit(false, 4, 1, 1), merit(true, 1, 900, 9)], Some(1));
        check(&[merit(true, 2, 1, 1), merit(true, 4, 90, 1), merit(true, 3, 1, 1)], Some(1));
        check(&[merit(true, 4, 20, 1), merit(true, 4, 10, 3)], Some(1));
        check(&[merit(true, 4, 10, 3), merit(true, 4, 10, 2)], Some(1));
        check(&[merit(true, 4, 10, 2), merit(true, 4, 10, 2)], Some(0));
    }

    #[test]
    fn a_copy_has_the_digest_of_its_bundle_or_is_not_made() {
        let folder = tempfile::tempdir().expect("a folder");
        let (from, to) = (folder.path().join("a"), folder.path().join("b/c"));
        std::fs::create_dir_all(from.join("run")).expect("made");
        std::fs::write(from.join("bundle.json"), "{}").expect("written");
        std::fs::write(from.join("run/journal.jsonl"), "x\n").expect("written");
        let wanted = digest(&from).expect("readable");
        for _ in 0..2 {
            copy(&from, &to, &wanted).expect("copied, and copied again");
        }
        assert_eq!(digest(&to).expect("readable"), wanted);
        std::fs::write(from.join("bundle.json"), "{ }").expect("written");
        assert!(matches!(copy(&from, &to, &wanted), Err(BundleError::Tampered { .. })));
        assert_eq!(digest(&to).expect("readable"), wanted, "what was there stays");
    }
}
