//! A path inside a repository, checked once and safe ever after.

use std::fmt;

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;

/// A relative path with forward slashes that names a file inside the repository and nothing else.
///
/// It cannot climb out, be absolute, name a drive, reach into `.git` under any spelling that a case-folding or
/// normalising file system would take for `.git`, or carry control or invisible characters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RepoPath(String);

/// Why a text is not a [`RepoPath`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path:?} is not a path inside the repository: {reason}")]
pub struct PathError {
    /// The text that was given.
    pub path: String,
    /// What is wrong with it.
    pub reason: &'static str,
}

/// The longest path taken, in bytes (Linux PATH_MAX).
const MAX_PATH_BYTES: usize = 4096;
/// The longest file name taken, in bytes (Linux NAME_MAX).
const MAX_NAME_BYTES: usize = 255;
/// Device names that Windows takes for devices in any folder and with any extension
/// ("Naming Files, Paths, and Namespaces", Microsoft).
const WINDOWS_DEVICES: [&str; 4] = ["con", "prn", "aux", "nul"];

impl RepoPath {
    /// Checks `text` and makes it a path; a leading `./` is taken away.
    ///
    /// # Errors
    /// [`PathError`] with the first reason found.
    pub fn parse(text: &str) -> Result<Self, PathError> {
        let text = text.strip_prefix("./").unwrap_or(text);
        match refuse_path(text) {
            Some(reason) => Err(PathError { path: text.to_owned(), reason }),
            None => Ok(Self(text.to_owned())),
        }
    }

    /// Takes the name of a file that the repository already holds, however odd, unless it leads out of the tree.
    ///
    /// Commits may hold names that [`RepoPath::parse`] refuses to create (`aux.c`, a trailing dot): they are read and
    /// written as they are.
    ///
    /// # Errors
    /// [`PathError`] for what no git client would check out: absolute, `..`, `.git`, NUL.
    pub fn of_existing(text: &str) -> Result<Self, PathError> {
        let bad = text.is_empty()
            || text.contains('\0')
            || text.split('/').any(|name| matches!(name, "" | "." | "..") || name.eq_ignore_ascii_case(".git"));
        if bad {
            return Err(PathError { path: text.to_owned(), reason: "git itself refuses such a name" });
        }
        Ok(Self(text.to_owned()))
    }

    /// Returns the path as text, with forward slashes.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the last component.
    pub fn file_name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or(&self.0)
    }

    /// Returns what stands behind the last dot of the file name, if a dot stands inside the name.
    pub fn extension(&self) -> Option<&str> {
        match self.file_name().rsplit_once('.') {
            Some((stem, extension)) if !stem.is_empty() => Some(extension),
            _ => None,
        }
    }

    /// Returns the folder, or an empty text for a file at the top.
    pub fn folder(&self) -> &str {
        self.0.rsplit_once('/').map_or("", |(folder, _)| folder)
    }

    /// Returns the components from the top down.
    pub fn components(&self) -> impl Iterator<Item = &str> {
        self.0.split('/')
    }
}

impl fmt::Display for RepoPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for RepoPath {
    type Error = PathError;
    fn try_from(text: String) -> Result<Self, PathError> {
        Self::parse(&text)
    }
}

impl From<RepoPath> for String {
    fn from(path: RepoPath) -> String {
        path.0
    }
}

fn refuse_path(text: &str) -> Option<&'static str> {
    if text.is_empty() {
        return Some("it is empty");
    }
    if text.len() > MAX_PATH_BYTES {
        return Some("it is longer than 4096 bytes");
    }
    if text.starts_with('/') {
        return Some("it is absolute");
    }
    if text.contains('\\') {
        return Some("it contains a backslash; use forward slashes");
    }
    if text.chars().any(is_control_or_invisible) {
        return Some("it contains a control or invisible character");
    }
    text.split('/').find_map(refuse_component)
}

fn refuse_component(name: &str) -> Option<&'static str> {
    if name.is_empty() {
        return Some("it has an empty component");
    }
    if name == "." || name == ".." {
        return Some("it has a component `.` or `..`");
    }
    if name.len() > MAX_NAME_BYTES {
        return Some("a component is longer than 255 bytes");
    }
    if name.contains(':') {
        return Some("it contains a colon, which names drives and streams on Windows");
    }
    if name.ends_with(['.', ' ']) || name.starts_with(' ') {
        return Some("a component ends in a dot or has outer spaces");
    }
    let folded: String = name.nfkc().flat_map(char::to_lowercase).collect();
    if folded == ".git" || folded.starts_with("git~") {
        return Some("it reaches into .git");
    }
    let stem = folded.split('.').next().unwrap_or(&folded);
    let numbered = stem.len() == 4
        && (stem.starts_with("com") || stem.starts_with("lpt"))
        && stem.ends_with(|c: char| c.is_ascii_digit());
    if WINDOWS_DEVICES.contains(&stem) || numbered {
        return Some("a component is a reserved device name on Windows");
    }
    None
}

/// Tells control characters, and the format characters that show nothing or turn the reading direction
/// (Unicode general category Cf, and the fillers and selectors that render empty).
pub fn is_control_or_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{00AD}' | '\u{034F}' | '\u{061C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}'
            | '\u{180B}'..='\u{180F}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}' | '\u{3164}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFA0}'
            | '\u{FFF0}'..='\u{FFFB}' | '\u{1BCA0}'..='\u{1BCA3}' | '\u{1D173}'..='\u{1D17A}'
            | '\u{E0000}'..='\u{E0FFF}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Result<&str, &str>) {
        let found = RepoPath::parse(text);
        match expected {
            Ok(path) => assert_eq!(found.map(|p| p.0), Ok(path.to_owned()), "{text:?}"),
            Err(part) => {
                let reason = found.expect_err(text).reason;
                assert!(reason.contains(part), "{text:?}: {reason} does not say {part}");
            }
        }
    }

    #[test]
    fn ordinary_paths_are_taken() {
        for path in
            ["a", "src/main.rs", ".github/workflows/ci.yml", ".gitignore", "naïve/файл.py", "a b/c", "console.rs"]
        {
            check(path, Ok(path));
        }
        check("./src/lib.rs", Ok("src/lib.rs"));
    }

    #[test]
    fn paths_that_leave_the_repository_are_refused() {
        check("", Err("empty"));
        check("/etc/passwd", Err("absolute"));
        check("../x", Err("`..`"));
        check("a/../../x", Err("`..`"));
        check("a//b", Err("empty component"));
        check("a\\b", Err("backslash"));
        check("C:/x", Err("colon"));
        check("a\nb", Err("control"));
        check("a\0", Err("control"));
        check("a/trailing.", Err("dot"));
        check("aux.c", Err("device"));
        check("lib/COM1", Err("device"));
    }

    #[test]
    fn every_spelling_of_the_git_folder_is_refused() {
        check(".git/config", Err(".git"));
        check("sub/.GIT/hooks/x", Err(".git"));
        check("git~1/config", Err(".git"));
        check("\u{FF0E}git/config", Err(".git"));
        check(".g\u{200C}it/config", Err("invisible"));
    }

    #[test]
    fn parts_of_a_path_are_found() {
        let path = RepoPath::parse("src/a.b/mod.rs").expect("an ordinary path");
        assert_eq!((path.file_name(), path.extension(), path.folder()), ("mod.rs", Some("rs"), "src/a.b"));
        let top = RepoPath::parse(".gitignore").expect("an ordinary path");
        assert_eq!((top.file_name(), top.extension(), top.folder()), (".gitignore", None, ""));
    }
}
