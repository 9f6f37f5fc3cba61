//! The one pass over every file: which words of the task it holds, and how often.

use globset::GlobSet;
use rayon::prelude::*;

use super::kind::{FileKind, stem};
use super::question::Question;
use super::weights;
use super::withhold::{self, Reason};
use super::words::{WordKind, each_word};
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
    /// Occurrences behind a word that defines (`fn`, `class`, `def`).
    pub defined: u32,
    /// Occurrences in the file's own name.
    pub in_name: u32,
    /// Occurrences in the names of its folders.
    pub in_folder: u32,
}

impl TermCount {
    /// Returns what definitions and the path are worth on top of the text, in occurrences.
    pub(super) fn extra(&self) -> f64 {
        f64::from(self.defined) * weights::DEFINED
            + f64::from(self.in_name) * weights::IN_FILE_NAME
            + f64::from(self.in_folder) * weights::IN_FOLDER
    }
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
    // The buffer is kept from file to file.
    let mut content = std::mem::take(&mut tally.content);
    let looked = match tree.read_start(path, withhold::MAX_FILE_BYTES + 1, &mut content) {
        Ok(()) => withhold::by_content(&content).filter(stands).map_or(Ok(()), Err),
        Err(_) => Err(Reason::Unreadable),
    };
    let facts = looked.map(|()| {
        tally.count_text(question, &content);
        tally.count_path(question, path);
        let (words, counts) = tally.take();
        FileFacts { path, kind: FileKind::of(path), hinted, words, size_bytes: content.len(), counts }
    });
    tally.content = content;
    Some(facts)
}

/// The counts of one file, kept for the next one so that nothing is allocated a file.
struct Tally {
    counts: Vec<TermCount>,
    touched: Vec<usize>,
    words: u32,
    content: Vec<u8>,
}

/// Words that stand before the name of what they define, in the languages that have such words.
const DEFINING_WORDS: [&[u8]; 14] = [
    b"fn",
    b"def",
    b"class",
    b"func",
    b"function",
    b"struct",
    b"enum",
    b"trait",
    b"interface",
    b"type",
    b"impl",
    b"mod",
    b"module",
    b"record",
];

impl Tally {
    fn new(terms: usize) -> Self {
        let none = |term| TermCount { term, in_text: 0, defined: 0, in_name: 0, in_folder: 0 };
        Self { counts: (0..terms).map(none).collect(), touched: Vec::new(), words: 0, content: Vec::new() }
    }

    fn count_text(&mut self, question: &Question, content: &[u8]) {
        let mut before = 0..0;
        each_word(content, |word| {
            self.words += u32::from(word.kind != WordKind::Compound);
            if let Some(term) = question.term(&content[word.start..word.end]) {
                let defines = word.kind != WordKind::Part && DEFINING_WORDS.contains(&&content[before.clone()]);
                let count = self.touch(term);
                count.in_text += 1;
                count.defined += u32::from(defines);
            }
            if word.kind != WordKind::Part {
                before = word.start..word.end;
            }
        });
    }

    fn count_path(&mut self, question: &Question, path: &RepoPath) {
        let (name, folder) = (stem(path).as_bytes(), path.folder().as_bytes());
        each_word(name, |word| {
            if let Some(term) = question.term(&name[word.start..word.end]) {
                self.touch(term).in_name += 1;
            }
        });
        each_word(folder, |word| {
            if let Some(term) = question.term(&folder[word.start..word.end]) {
                self.touch(term).in_folder += 1;
            }
        });
    }

    fn touch(&mut self, term: usize) -> &mut TermCount {
        let count = &mut self.counts[term];
        if count.in_text == 0 && count.in_name == 0 && count.in_folder == 0 {
            self.touched.push(term);
        }
        count
    }

    fn take(&mut self) -> (u32, Vec<TermCount>) {
        self.touched.sort_unstable();
        let counts = &mut self.counts;
        let taken = self.touched.drain(..).map(|term| {
            let none = TermCount { term, in_text: 0, defined: 0, in_name: 0, in_folder: 0 };
            std::mem::replace(&mut counts[term], none)
        });
        let taken = taken.collect();
        (std::mem::take(&mut self.words), taken)
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
        let header = [
            TermCount { term: 0, in_text: 2, defined: 0, in_name: 1, in_folder: 0 },
            TermCount { term: 2, in_text: 1, defined: 1, in_name: 0, in_folder: 0 },
        ];
        assert_eq!(found, [("src/b.rs", 3, &[][..]), ("src/header.rs", 4, &header[..])]);
        assert_eq!(scan.withheld.iter().map(|(path, _)| path.as_str()).collect::<Vec<_>>(), [".env"]);
        assert_eq!(scan.listed, 3);
    }
}
