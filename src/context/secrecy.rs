//! What is never shown, told to those who ask for one file by its name.

use super::withhold::{self, Reason};
use crate::repo::{FileMode, FileTree, RepoPath, is_control_or_invisible};
use crate::secret::find_credential;

/// Tells why a file of the tree is not shown, whatever is asked; `None` where it is.
pub fn why_withheld(tree: &FileTree, path: &RepoPath) -> Option<String> {
    if tree.mode(path) == Some(FileMode::Symlink) {
        return Some("it is a link; what it points at stands under its own name, or outside".to_owned());
    }
    let by_content = || {
        let mut content = Vec::new();
        match withhold::read(tree, path, &mut content) {
            Err(_) => Some(Reason::Unreadable),
            Ok(Some(reason)) => Some(reason),
            Ok(None) => match std::str::from_utf8(&content) {
                Ok(text) => find_credential(text).map(Reason::SecretByContent),
                Err(_) => Some(Reason::NotText),
            },
        }
    };
    Some(withhold::by_path(path).or_else(by_content)?.text())
}

/// Reads a file that a model asks for by name, without invisible characters.
///
/// # Errors
/// Why it is not shown, for the model: there is none, it is no text, or it holds a secret by its name or content.
pub fn readable(tree: &FileTree, path: &RepoPath) -> Result<String, String> {
    let refuse = |reason: Reason| Err(format!("{path} is not shown: {}", reason.text()));
    if let Some(reason) = withhold::by_path(path).filter(|reason| !reason.yields_to_hint()) {
        return refuse(reason);
    }
    if !tree.contains(path) {
        return Err(format!("there is no file {path}"));
    }
    let mut content = Vec::new();
    let reason = withhold::read(tree, path, &mut content).map_err(|_| format!("{path} cannot be read"))?;
    if let Some(reason) = reason.filter(|reason| !reason.yields_to_hint()) {
        return refuse(reason);
    }
    let Ok(text) = std::str::from_utf8(&content) else { return refuse(Reason::NotText) };
    if let Some(shape) = find_credential(text) {
        return refuse(Reason::SecretByContent(shape));
    }
    Ok(text.chars().filter(|c| matches!(c, '\n' | '\t') || !is_control_or_invisible(*c)).collect())
}

/// Tells why a file is a secret, by its name or by what stands in it; `None` where it is none, or cannot be read.
pub fn secrecy(tree: &FileTree, path: &RepoPath) -> Option<String> {
    let by_name = withhold::by_path(path).filter(|reason| *reason == Reason::SecretByName);
    let text = || tree.read_text(path).ok().flatten();
    let reason = by_name.or_else(|| find_credential(&text()?).map(Reason::SecretByContent))?;
    Some(format!("{path} is not shown: {}", reason.text()))
}

/// Returns the files of `tree` that hold secrets by their names.
pub fn secret_files(tree: &FileTree) -> Vec<RepoPath> {
    tree.paths().filter(|path| withhold::by_path(path) == Some(Reason::SecretByName)).cloned().collect()
}

/// Takes the lines out of what a program printed that look like credentials, and private keys as a whole.
pub fn without_credentials(text: &str) -> String {
    if find_credential(text).is_none() {
        return text.to_owned();
    }
    let mut in_key = false;
    let mut shown = String::new();
    for line in text.lines() {
        in_key |= line.contains("-----BEGIN");
        if in_key || find_credential(line).is_some() {
            shown.push_str("[a line that looks like a credential is not shown]\n");
        } else {
            shown.push_str(line);
            shown.push('\n');
        }
        in_key &= !line.contains("-----END");
    }
    shown
}
