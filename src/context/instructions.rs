//! The instructions that the repository gives to bots and newcomers.

use std::collections::BTreeSet;

use globset::GlobSet;

use super::Instructions;
use super::withhold::{self, Reason};
use crate::repo::{FileMode, FileTree, RepoPath, is_control_or_invisible};
use crate::secret;
use crate::tokens;

/// The files, the most specific first; agents.md, Claude Code, GitHub Copilot and GitHub's own documentation name them.
const FILES: [&str; 4] = ["AGENTS.md", "CLAUDE.md", ".github/copilot-instructions.md", "CONTRIBUTING.md"];
/// The same in the folders of a repository, for what lies below them.
const NESTED: [&str; 2] = ["AGENTS.md", "CLAUDE.md"];
/// The best files whose folders are looked at.
const NESTED_FOR: usize = 5;
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
///
/// Those at the top come first, then those in the folders of the `best` files, which speak of these, then `knowledge`.
pub(super) fn read(tree: &FileTree, best: &[&RepoPath], knowledge: &GlobSet, max_tokens: usize) -> Found {
    let mut found = Found::default();
    let mut left = max_tokens;
    for path in places(tree, best, knowledge) {
        let mut content = Vec::new();
        match tree.read_within(&path, withhold::MAX_FILE_BYTES, &mut content) {
            Ok(true) if tree.mode(&path) != Some(FileMode::Symlink) => {}
            Ok(false) => {
                found.withheld.push((path, Reason::TooLarge));
                continue;
            }
            _ => continue,
        }
        let Ok(text) = String::from_utf8(content) else { continue };
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

/// Lists where instructions may be, each place once.
fn places(tree: &FileTree, best: &[&RepoPath], knowledge: &GlobSet) -> Vec<RepoPath> {
    let mut places: Vec<RepoPath> = FILES.iter().filter_map(|name| RepoPath::parse(name).ok()).collect();
    let last = places.pop();
    for path in best.iter().take(NESTED_FOR) {
        let mut folder = path.folder();
        while !folder.is_empty() {
            places.extend(NESTED.iter().filter_map(|name| RepoPath::parse(&format!("{folder}/{name}")).ok()));
            folder = folder.rsplit_once('/').map_or("", |(outer, _)| outer);
        }
    }
    if !knowledge.is_empty() {
        // What a name says to be secret stays so, however wide the pattern is.
        let is_open = |path: &&RepoPath| withhold::by_path(path) != Some(Reason::SecretByName);
        places.extend(tree.paths().filter(|path| knowledge.is_match(path.as_str())).filter(is_open).cloned());
    }
    // What is written for people comes last.
    places.extend(last);
    let mut seen = BTreeSet::new();
    places.retain(|path| tree.contains(path) && seen.insert(path.clone()));
    places
}

fn overhead(path: &RepoPath) -> usize {
    super::EXCERPT_OVERHEAD_TOKENS + tokens::count(path.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::testing::tree;

    fn check(files: &[(&str, &str)], max_tokens: usize, expected: &[(&str, &str, bool)]) {
        let found = read(&tree(files), &[], &GlobSet::empty(), max_tokens);
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
    fn those_of_the_best_files_folders_and_what_the_user_names_come_between() {
        let tree = tree(&[
            ("AGENTS.md", "Top."),
            ("CONTRIBUTING.md", "For people."),
            ("docs/adr/1.md", "Decided."),
            ("web/AGENTS.md", "Web."),
            ("web/api/CLAUDE.md", "Api."),
            ("cli/AGENTS.md", "Not here."),
        ]);
        let best = RepoPath::parse("web/api/a.ts").expect("a path");
        let mut globs = globset::GlobSetBuilder::new();
        globs.add(globset::Glob::new("docs/adr/*.md").expect("a glob"));
        let found = read(&tree, &[&best], &globs.build().expect("a set"), 400);
        let shown: Vec<&str> = found.shown.iter().map(|file| file.path.as_str()).collect();
        assert_eq!(shown, ["AGENTS.md", "web/api/CLAUDE.md", "web/AGENTS.md", "docs/adr/1.md", "CONTRIBUTING.md"]);
    }

    #[test]
    fn knowledge_never_holds_what_is_secret_by_its_name() {
        let files =
            [("config/.env", "KEY=value\n"), ("config/credentials.json", "{}\n"), ("config/use.md", "Use it.\n")];
        let mut globs = globset::GlobSetBuilder::new();
        globs.add(globset::Glob::new("config/**").expect("a glob"));
        let found = read(&tree(&files), &[], &globs.build().expect("a set"), 400);
        let shown: Vec<&str> = found.shown.iter().map(|file| file.path.as_str()).collect();
        assert_eq!(shown, ["config/use.md"]);
    }

    #[test]
    fn the_cap_cuts_behind_a_line() {
        let text = "one two three four\n".repeat(100);
        check(&[("AGENTS.md", &text)], 80, &[("AGENTS.md", &"one two three four\n".repeat(12), true)]);
    }

    #[test]
    fn a_file_that_nobody_reads_is_not_read_either() {
        let text = "line\n".repeat(withhold::MAX_FILE_BYTES);
        let found = read(&tree(&[("AGENTS.md", &text), ("CLAUDE.md", "Short.")]), &[], &GlobSet::empty(), 400);
        assert_eq!(found.shown.iter().map(|file| file.text.as_str()).collect::<Vec<_>>(), ["Short."]);
        assert_eq!(found.withheld.iter().map(|(_, reason)| *reason).collect::<Vec<_>>(), [Reason::TooLarge]);
    }

    #[test]
    fn a_file_with_a_secret_is_left_out() {
        let text = format!("token: ghp_{}\n", "a".repeat(36));
        let found = read(&tree(&[("AGENTS.md", &text)]), &[], &GlobSet::empty(), 400);
        assert_eq!((found.shown.len(), found.withheld.len()), (0, 1));
    }
}
