//! The one pass over every file: which words of the task it holds, and how often.

use globset::GlobSet;
use rayon::prelude::*;

use super::bag::{self, Entry};
use super::kind::{FileKind, stem};
use super::memory::{self, Memory};
use super::mention::Mention;
use super::question::Question;
use super::weights;
use super::withhold::{self, Reason};
use super::words::{WordKind, each_word};
use crate::index::{Reader, StoredWords};
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
///
/// What the index knows of a content is not read again.
pub(super) fn scan<'a>(tree: &'a FileTree, question: &Question, hints: &GlobSet, memory: &Memory<'_>) -> Scan<'a> {
    let paths: Vec<&RepoPath> = tree.paths().collect();
    let asked = Asked { tree, question, hints, memory };
    let looked: Vec<Option<Result<FileFacts<'_>, Reason>>> = paths
        .par_iter()
        .map_init(
            || (Tally::new(question.terms.len()), memory.reader()),
            |(tally, reader), path| look(&asked, path, reader.as_ref(), tally),
        )
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

/// What all files are asked.
struct Asked<'a, 'q> {
    tree: &'a FileTree,
    question: &'q Question,
    hints: &'q GlobSet,
    memory: &'q Memory<'q>,
}

/// Returns nothing for a link: what it points at is listed under its own name, or lies outside.
fn look<'a>(
    asked: &Asked<'_, '_>,
    path: &'a RepoPath,
    reader: Option<&Reader>,
    tally: &mut Tally,
) -> Option<Result<FileFacts<'a>, Reason>> {
    let Asked { tree, question, hints, memory } = asked;
    if tree.mode(path) == Some(FileMode::Symlink) {
        return None;
    }
    // Whoever writes the path out means the file, as with a hint.
    let is_path = |mention: &Mention| {
        let named = mention.path.trim_start_matches("./");
        named.contains('/') && (named == path.as_str() || named.ends_with(&format!("/{path}")))
    };
    let hinted = hints.is_match(path.as_str());
    let stands = |reason: &Reason| !(reason.yields_to_hint() && (hinted || question.mentions.iter().any(is_path)));
    if let Some(reason) = withhold::by_path(path).filter(stands) {
        return Some(Err(reason));
    }
    let content = memory.content(tree, path);
    let kept = content.as_ref().zip(reader).and_then(|(content, reader)| {
        memory::words(reader, content, |kept| match Reason::of_code(kept.refusal) {
            None => {
                tally.count_kept(question, kept);
                Ok(kept.size_bytes as usize)
            }
            Some(reason) => Err(reason),
        })
    });
    let looked = match kept {
        // A hint overrules the reason: then the file itself is wanted.
        Some(outcome) if outcome.as_ref().err().is_none_or(stands) => outcome,
        _ => {
            // The buffer is kept from file to file.
            let mut bytes = std::mem::take(&mut tally.content);
            let read = withhold::read(tree, path, &mut bytes);
            let refusal = read.as_ref().ok().copied().flatten();
            if let (Ok(_), Some(content)) = (&read, &content) {
                memory.note_words(content, &bytes, refusal);
            }
            let looked = match (read, refusal.filter(stands)) {
                (Err(_), _) => Err(Reason::Unreadable),
                (Ok(_), Some(reason)) => Err(reason),
                (Ok(_), None) => {
                    tally.count_text(question, &bytes);
                    Ok(bytes.len())
                }
            };
            tally.content = bytes;
            looked
        }
    };
    Some(looked.map(|size_bytes| {
        tally.count_path(question, path);
        let (words, counts) = tally.take();
        FileFacts { path, kind: FileKind::of(path), hinted, words, size_bytes, counts }
    }))
}

/// The counts of one file, kept for the next one so that nothing is allocated a file.
struct Tally {
    counts: Vec<TermCount>,
    touched: Vec<usize>,
    words: u32,
    content: Vec<u8>,
}

impl Tally {
    fn new(terms: usize) -> Self {
        let none = |term| TermCount { term, in_text: 0, defined: 0, in_name: 0, in_folder: 0 };
        Self { counts: (0..terms).map(none).collect(), touched: Vec::new(), words: 0, content: Vec::new() }
    }

    fn count_text(&mut self, question: &Question, content: &[u8]) {
        bag::each_occurrence(content, |occurrence| {
            self.words += u32::from(occurrence.kind != WordKind::Compound);
            if let Some(term) = question.term(occurrence.word) {
                let count = self.touch(term);
                count.in_text += 1;
                count.defined += u32::from(occurrence.is_defined());
            }
        });
    }

    /// Counts what was kept of a text.
    fn count_kept(&mut self, question: &Question, kept: StoredWords<'_>) {
        self.words = kept.words;
        for entry in kept.bag().map(Entry::unpack) {
            if let Some(term) = question.term_of_hash(entry.hash) {
                let count = self.touch(term);
                count.in_text += entry.count;
                count.defined += entry.defined;
            }
        }
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
        let question = Question::new("header parse", "");
        let scan = scan(&tree, &question, &GlobSet::empty(), &Memory::default());
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
