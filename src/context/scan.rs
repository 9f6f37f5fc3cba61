//! The one pass over every file: which words of the task it holds, and how often.

use globset::GlobSet;
use rayon::prelude::*;

use super::kind::{FileKind, stem};
use super::question::Question;
use super::weights;
use super::withhold::{self, Reason};
use super::words::{WordKind, each_word, hash_word};
use crate::repo::{FileMode, FileTree, RepoPath};

/// What the pass found.
#[derive(Debug)]
pub(super) struct Scan<'a> {
    /// The files that may be shown, in the order of their paths.
    pub files: Vec<FileFacts<'a>>,
    /// The others, in the order of their paths.
    pub withheld: Vec<(&'a RepoPath, Reason)>,
    /// Files that the tree lists.
    pub listed: usize,
}

impl Scan<'_> {
    /// Returns the bytes of all files that may be shown.
    pub(super) fn size_bytes(&self) -> usize {
        self.files.iter().map(|file| file.size_bytes).sum()
    }
}

/// What is known of a file without its text.
#[derive(Debug)]
pub(super) struct FileFacts<'a> {
    /// The file.
    pub path: &'a RepoPath,
    /// What it is for.
    pub kind: FileKind,
    /// Whether the user hinted at it.
    pub hinted: bool,
    /// Words in it.
    pub words: u32,
    /// Bytes in it.
    pub size_bytes: usize,
    /// The terms in it and in its path, in the order of the terms.
    pub counts: Vec<TermCount>,
}

/// How often a term stands in a file.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct TermCount {
    /// The index of the term.
    pub term: usize,
    /// Occurrences in the text.
    pub in_text: u32,
    /// What definitions and the path are worth on top, in occurrences.
    pub extra: f64,
}

/// Reads every file of `tree` once, on all cores; memory holds one text a thread at a time.
pub(super) fn scan<'a>(tree: &'a FileTree, question: &Question, hints: &GlobSet) -> Scan<'a> {
    let paths: Vec<&RepoPath> = tree.paths().collect();
    let looked: Vec<Option<Result<FileFacts<'_>, Reason>>> = paths
        .par_iter()
        .map_init(|| Tally::new(question.terms.len()), |tally, path| look(tree, path, question, hints, tally))
        .collect();
    let mut scan = Scan { files: Vec::new(), withheld: Vec::new(), listed: paths.len() };
    for (path, outcome) in paths.into_iter().zip(looked) {
        match outcome {
            Some(Ok(facts)) => scan.files.push(facts),
            Some(Err(reason)) => scan.withheld.push((path, reason)),
            None => {}
        }
    }
    scan
}

/// Returns nothing for a link: what it points at is listed under its own name, or lies outside.
fn look<'a>(
    tree: &FileTree,
    path: &'a RepoPath,
    question: &Question,
    hints: &GlobSet,
    tally: &mut Tally,
) -> Option<Result<FileFacts<'a>, Reason>> {
    if tree.mode(path) == Some(FileMode::Symlink) {
        return None;
    }
    let hinted = hints.is_match(path.as_str());
    let stands = |reason: &Reason| !(hinted && reason.yields_to_hint());
    if let Some(reason) = withhold::by_path(path).filter(stands) {
        return Some(Err(reason));
    }
    let Ok(Some(file)) = tree.read(path) else { return Some(Err(Reason::Unreadable)) };
    if let Some(reason) = withhold::by_content(&file.content).filter(stands) {
        return Some(Err(reason));
    }
    tally.count_text(question, &file.content);
    tally.count_path(question, path);
    let (words, counts) = tally.take();
    Some(Ok(FileFacts { path, kind: FileKind::of(path), hinted, words, size_bytes: file.content.len(), counts }))
}

/// The counts of one file, kept for the next one so that nothing is allocated a file.
struct Tally {
    in_text: Vec<u32>,
    extra: Vec<f64>,
    touched: Vec<usize>,
    words: u32,
    defining: [u64; DEFINING_WORDS.len()],
}

/// Words that stand before the name of what they define, in the languages that have such words.
const DEFINING_WORDS: [&str; 14] = [
    "fn",
    "def",
    "class",
    "func",
    "function",
    "struct",
    "enum",
    "trait",
    "interface",
    "type",
    "impl",
    "mod",
    "module",
    "record",
];

impl Tally {
    fn new(terms: usize) -> Self {
        Self {
            in_text: vec![0; terms],
            extra: vec![0.0; terms],
            touched: Vec::new(),
            words: 0,
            defining: DEFINING_WORDS.map(hash_word),
        }
    }

    fn count_text(&mut self, question: &Question, content: &[u8]) {
        let mut before = 0;
        each_word(content, |word| {
            self.words += u32::from(word.kind != WordKind::Compound);
            if let Some(term) = question.term(word.hash) {
                self.touch(term);
                self.in_text[term] += 1;
                if word.kind != WordKind::Part && self.defining.contains(&before) {
                    self.extra[term] += weights::DEFINED;
                }
            }
            if word.kind != WordKind::Part {
                before = word.hash;
            }
        });
    }

    fn count_path(&mut self, question: &Question, path: &RepoPath) {
        for (text, worth) in [(stem(path), weights::IN_FILE_NAME), (path.folder(), weights::IN_FOLDER)] {
            each_word(text.as_bytes(), |word| {
                if let Some(term) = question.term(word.hash) {
                    self.touch(term);
                    self.extra[term] += worth;
                }
            });
        }
    }

    fn touch(&mut self, term: usize) {
        if self.in_text[term] == 0 && self.extra[term] == 0.0 {
            self.touched.push(term);
        }
    }

    fn take(&mut self) -> (u32, Vec<TermCount>) {
        self.touched.sort_unstable();
        let counts = self
            .touched
            .drain(..)
            .map(|term| TermCount {
                term,
                in_text: std::mem::take(&mut self.in_text[term]),
                extra: std::mem::take(&mut self.extra[term]),
            })
            .collect();
        (std::mem::take(&mut self.words), counts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::testing::tree;

    #[test]
    fn words_are_counted_in_text_path_and_definitions() {
        let tree =
            tree(&[("src/header.rs", "fn parse(header: Header) {}\n"), ("src/b.rs", "let x = 1;\n"), (".env", "A")]);
        let question = Question::new("header parse");
        let scan = scan(&tree, &question, &GlobSet::empty());
        let found: Vec<(&str, u32, &[TermCount])> =
            scan.files.iter().map(|file| (file.path.as_str(), file.words, file.counts.as_slice())).collect();
        let header = [TermCount { term: 0, in_text: 2, extra: 4.0 }, TermCount { term: 1, in_text: 1, extra: 2.0 }];
        assert_eq!(found, [("src/b.rs", 3, &[][..]), ("src/header.rs", 4, &header[..])]);
        assert_eq!(scan.withheld.iter().map(|(path, _)| path.as_str()).collect::<Vec<_>>(), [".env"]);
        assert_eq!(scan.listed, 3);
    }
}
