//! The instructions that the repository gives to bots and newcomers.

use super::Instructions;
use super::withhold::Reason;
use crate::repo::{FileTree, RepoPath, is_control_or_invisible};
use crate::secret;
use crate::tokens;

/// The files, the most specific first; agents.md, Claude Code, GitHub Copilot and GitHub's own documentation name them.
const FILES: [&str; 4] = ["AGENTS.md", "CLAUDE.md", ".github/copilot-instructions.md", "CONTRIBUTING.md"];
/// Less than this of a file says nothing.
const LEAST_USEFUL_TOKENS: usize = 32;

/// The instructions that are shown, and the files that hold what looks like a secret.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// What is shown.
    pub shown: Vec<Instructions>,
    /// What is not.
    pub withheld: Vec<(RepoPath, Reason)>,
}

impl Found {
    /// Returns the tokens of all of them, with their paths and what surrounds them.
    pub(super) fn tokens(&self) -> usize {
        self.shown.iter().map(|file| overhead(&file.path) + tokens::count(&file.text)).sum()
    }
}

/// Reads the instructions, all together at most `max_tokens` tokens, without invisible characters: a person who approved
/// the file did not see them.
pub(super) fn read(tree: &FileTree, max_tokens: usize) -> Found {
    let mut found = Found::default();
    let mut left = max_tokens;
    for path in FILES.iter().filter_map(|name| RepoPath::parse(name).ok()) {
        let Ok(Some(text)) = tree.read_text(&path) else { continue };
        if let Some(shape) = secret::find_credential(&text) {
            found.withheld.push((path, Reason::SecretByContent(shape)));
            continue;
        }
        let visible: String =
            text.chars().filter(|c| matches!(c, '\n' | '\t') || !is_control_or_invisible(*c)).collect();
        let is_copy = found.shown.iter().any(|other| visible.starts_with(&other.text));
        let overhead = overhead(&path);
        if visible.trim().is_empty() || is_copy || left < overhead + LEAST_USEFUL_TOKENS {
            continue;
        }
        let shown = tokens::truncate(&visible, left - overhead);
        let cut = shown.len() < visible.len();
        left -= overhead + tokens::count(shown);
        found.shown.push(Instructions { path, text: shown.to_owned(), cut });
    }
    found
}

fn overhead(path: &RepoPath) -> usize {
    super::EXCERPT_OVERHEAD_TOKENS + tokens::count(path.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::testing::tree;

    fn check(files: &[(&str, &str)], max_tokens: usize, expected: &[(&str, &str, bool)]) {
        let found = read(&tree(files), max_tokens);
        let shown: Vec<(&str, &str, bool)> =
            found.shown.iter().map(|file| (file.path.as_str(), file.text.as_str(), file.cut)).collect();
        assert_eq!(shown, expected);
        assert!(found.tokens() <= max_tokens);
    }

    #[test]
    fn they_come_in_order_and_without_what_nobody_sees() {
        let files = [
            ("CONTRIBUTING.md", "Sign off."),
            ("AGENTS.md", "Run\u{200B} make.\r\n\u{E0041}\tDone.\n"),
            ("sub/AGENTS.md", "Not at the top."),
            ("CLAUDE.md", "Run make.\n\tDone.\n"),
        ];
        check(&files, 400, &[("AGENTS.md", "Run make.\n\tDone.\n", false), ("CONTRIBUTING.md", "Sign off.", false)]);
        check(&files, 0, &[]);
    }

    #[test]
    fn the_cap_cuts_behind_a_line() {
        let text = "one two three four\n".repeat(100);
        check(&[("AGENTS.md", &text)], 80, &[("AGENTS.md", &"one two three four\n".repeat(12), true)]);
    }

    #[test]
    fn a_file_with_a_secret_is_left_out() {
        let text = format!("token: ghp_{}\n", "a".repeat(36));
        let found = read(&tree(&[("AGENTS.md", &text)]), 400);
        assert_eq!((found.shown.len(), found.withheld.len()), (0, 1));
    }
}
