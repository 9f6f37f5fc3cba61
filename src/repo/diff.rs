//! Differences between two versions of a file, for people and models to read.

use similar::{ChangeTag, TextDiff};

use super::{FileChange, FileMode, StoredFile};

/// Lines of unchanged text around a change (git's default).
const CONTEXT_LINES: usize = 3;

/// What happened to a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiffLineKind {
    /// Unchanged.
    Context,
    /// Only in the new version.
    Added,
    /// Only in the old version.
    Removed,
}

/// A line of a difference, without its line ending.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiffLine {
    /// What happened to it.
    pub kind: DiffLineKind,
    /// Its number in the old version, from 1.
    pub old_number: Option<usize>,
    /// Its number in the new version, from 1.
    pub new_number: Option<usize>,
    /// Its text.
    pub text: String,
    /// Whether the file ends right behind it, without a line ending.
    pub missing_newline: bool,
}

/// A run of changed lines with the lines around it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hunk {
    /// `@@ -a,b +c,d @@`.
    pub header: String,
    /// The lines.
    pub lines: Vec<DiffLine>,
}

/// What differs in one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileDiff {
    /// Lines added.
    pub added: usize,
    /// Lines removed.
    pub removed: usize,
    /// Whether one of the versions is no text, so that there are no hunks.
    pub binary: bool,
    /// The changed places.
    pub hunks: Vec<Hunk>,
}

/// Compares the two versions of a file line by line.
///
/// Near linear for ordinary edits; Myers' algorithm behind it is quadratic in the number of differing lines.
pub fn diff_file(change: &FileChange) -> FileDiff {
    let (Some(old), Some(new)) = (text_of(change.before.as_ref()), text_of(change.after.as_ref())) else {
        return FileDiff { added: 0, removed: 0, binary: true, hunks: Vec::new() };
    };
    let diff = TextDiff::from_lines(old, new);
    let mut result = FileDiff { added: 0, removed: 0, binary: false, hunks: Vec::new() };
    for hunk in diff.unified_diff().context_radius(CONTEXT_LINES).iter_hunks() {
        let lines: Vec<DiffLine> = hunk
            .iter_changes()
            .map(|line| DiffLine {
                kind: match line.tag() {
                    ChangeTag::Equal => DiffLineKind::Context,
                    ChangeTag::Insert => DiffLineKind::Added,
                    ChangeTag::Delete => DiffLineKind::Removed,
                },
                old_number: line.old_index().map(|index| index + 1),
                new_number: line.new_index().map(|index| index + 1),
                text: line.value().trim_end_matches(['\n', '\r']).to_owned(),
                missing_newline: line.missing_newline(),
            })
            .collect();
        result.added += lines.iter().filter(|line| line.kind == DiffLineKind::Added).count();
        result.removed += lines.iter().filter(|line| line.kind == DiffLineKind::Removed).count();
        result.hunks.push(Hunk { header: hunk.header().to_string(), lines });
    }
    result
}

/// Writes changes as a unified diff in git's form (git-diff, "Generating patch text with -p").
pub fn unified(changes: &[FileChange]) -> String {
    changes.iter().map(unified_file).collect()
}

fn unified_file(change: &FileChange) -> String {
    let diff = diff_file(change);
    let path = change.path.as_str();
    let mut text = format!("diff --git a/{path} b/{path}\n");
    match (&change.before, &change.after) {
        (None, Some(new)) => text += &format!("new file mode {:o}\n", new.mode.git_mode()),
        (Some(old), None) => text += &format!("deleted file mode {:o}\n", old.mode.git_mode()),
        (Some(old), Some(new)) if old.mode != new.mode => {
            text += &format!("old mode {:o}\nnew mode {:o}\n", old.mode.git_mode(), new.mode.git_mode());
        }
        _ => {}
    }
    if diff.binary {
        return text + &format!("Binary files a/{path} and b/{path} differ\n");
    }
    if diff.hunks.is_empty() {
        return text;
    }
    let old = if change.before.is_some() { format!("a/{path}") } else { "/dev/null".to_owned() };
    let new = if change.after.is_some() { format!("b/{path}") } else { "/dev/null".to_owned() };
    text += &format!("--- {old}\n+++ {new}\n");
    for hunk in diff.hunks {
        text += &format!("{}\n", hunk.header);
        for line in hunk.lines {
            let sign = match line.kind {
                DiffLineKind::Context => ' ',
                DiffLineKind::Added => '+',
                DiffLineKind::Removed => '-',
            };
            text += &format!("{sign}{}\n", line.text);
            if line.missing_newline {
                text += "\\ No newline at end of file\n";
            }
        }
    }
    text
}

/// Returns the text of a version; nothing counts as empty text, a link or bytes with NUL as no text.
fn text_of(file: Option<&StoredFile>) -> Option<&str> {
    match file {
        None => Some(""),
        Some(file) if file.mode == FileMode::Symlink => std::str::from_utf8(&file.content).ok(),
        Some(file) => std::str::from_utf8(&file.content).ok().filter(|text| !text.contains('\0')),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repo::RepoPath;

    fn change(before: Option<&[u8]>, after: Option<&[u8]>) -> FileChange {
        FileChange {
            path: RepoPath::parse("src/a.rs").expect("a path"),
            before: before.map(StoredFile::regular),
            after: after.map(StoredFile::regular),
        }
    }

    #[test]
    fn an_edit_reads_as_git_writes_it() {
        let text = unified(&[change(Some(b"a\nb\nc\n"), Some(b"a\nB\nc"))]);
        insta::assert_snapshot!(text, @r"
        diff --git a/src/a.rs b/src/a.rs
        --- a/src/a.rs
        +++ b/src/a.rs
        @@ -1,3 +1,3 @@
         a
        -b
        -c
        +B
        +c
        \ No newline at end of file
        ");
    }

    #[test]
    fn creation_deletion_and_bytes_are_named() {
        let text =
            unified(&[change(None, Some(b"x\n")), change(Some(b"x\n"), None), change(Some(b"\0"), Some(b"\0\0"))]);
        insta::assert_snapshot!(text, @r"
        diff --git a/src/a.rs b/src/a.rs
        new file mode 100644
        --- /dev/null
        +++ b/src/a.rs
        @@ -0,0 +1 @@
        +x
        diff --git a/src/a.rs b/src/a.rs
        deleted file mode 100644
        --- a/src/a.rs
        +++ /dev/null
        @@ -1 +0,0 @@
        -x
        diff --git a/src/a.rs b/src/a.rs
        Binary files a/src/a.rs and b/src/a.rs differ
        ");
    }
}
