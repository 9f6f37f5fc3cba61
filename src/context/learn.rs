//! Finding out everything about a tree before the first question: what `prentice index` does.

use std::sync::mpsc::sync_channel;
use std::time::Duration;

use rayon::prelude::*;

use super::memory;
use super::withhold::{self, Reason};
use crate::index::{Findings, Index, IndexError, Names, Reader, Words};
use crate::repo::{BlobId, FileMode, FileTree, RepoPath};
use crate::syntax::Language;

/// Files that are read before what they hold is kept: what a kill costs, and memory.
const BATCH_FILES: usize = 1024;
/// How long other processes that write are waited for.
const PATIENCE: Duration = Duration::from_secs(60);

/// What was found out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Learned {
    /// Files that the tree lists.
    pub files: usize,
    /// Those whose content was known.
    pub known: usize,
    /// Those that were read.
    pub read: usize,
    /// Those that are never read for a question: secrets, lock files, copies, binary by their names.
    pub passed_over: usize,
    /// Files that the caller's word or the index's limit left out.
    pub left: usize,
    /// Whether the index's limit was reached by this tree alone.
    pub is_full: bool,
}

/// Reads, counts and parses every file of `tree` that the index does not know, on all cores, and keeps it.
///
/// `go_on` is told after every batch how many files are done, and says whether to go on; what is done is kept.
///
/// # Errors
/// [`IndexError`] when something cannot be kept.
pub fn learn(tree: &FileTree, index: &Index, mut go_on: impl FnMut(usize) -> bool) -> Result<Learned, IndexError> {
    let paths: Vec<&RepoPath> = tree.paths().collect();
    let is_read = |path: &&RepoPath| tree.mode(path) != Some(FileMode::Symlink) && withhold::by_path(path).is_none();
    let wanted: Vec<&RepoPath> = paths.iter().copied().filter(is_read).collect();
    let mut learned = Learned { files: paths.len(), passed_over: paths.len() - wanted.len(), ..Learned::default() };
    let (known, unknown) = sort_out(tree, index, &wanted);
    learned.known = known.len();
    let turn = index.touch(&known, PATIENCE)?;
    let mut done = paths.len() - unknown.len();
    if !go_on(done) {
        learned.left = unknown.len();
        return Ok(learned);
    }
    std::thread::scope(|scope| {
        // One batch is kept while the next one is read.
        let (send, receive) = sync_channel::<Findings>(1);
        let keeper = scope.spawn(move || -> Result<bool, IndexError> {
            for findings in receive {
                let kept = index.keep(&findings, PATIENCE)?;
                if kept.newest_dropped.is_some_and(|dropped| dropped >= turn) {
                    return Ok(true);
                }
            }
            Ok(false)
        });
        for batch in unknown.chunks(BATCH_FILES) {
            let findings = examine(tree, batch);
            if send.send(findings).is_err() {
                break;
            }
            learned.read += batch.len();
            done += batch.len();
            if !go_on(done) {
                break;
            }
        }
        drop(send);
        learned.left = unknown.len() - learned.read;
        learned.is_full = keeper.join().unwrap_or(Ok(false))?;
        Ok(learned)
    })
}

/// Parts the files whose contents are known from the others.
fn sort_out<'a>(tree: &FileTree, index: &Index, paths: &[&'a RepoPath]) -> (Vec<BlobId>, Vec<&'a RepoPath>) {
    let look = |reader: &mut Option<Reader>, path: &&'a RepoPath| {
        let content = tree.content(path)?;
        let reader = reader.as_ref()?;
        // A content of another length was filtered on its way to the disk.
        let searched = memory::words(reader, &content, |kept| kept.refusal == 0)?;
        let is_known = !searched || Language::of(path).is_none_or(|language| reader.knows_names(&content.id, language));
        is_known.then_some(content.id)
    };
    let looked: Vec<Option<BlobId>> = paths.par_iter().map_init(|| index.reader().ok(), look).collect();
    let known = looked.iter().flatten().copied().collect();
    let unknown = paths.iter().zip(&looked).filter(|(_, id)| id.is_none()).map(|(path, _)| *path).collect();
    (known, unknown)
}

/// Reads files; what cannot be read is no finding.
fn examine(tree: &FileTree, paths: &[&RepoPath]) -> Findings {
    let examined: Vec<Option<Examined>> =
        paths.par_iter().map_init(Vec::new, |buffer, path| examine_one(tree, path, buffer)).collect();
    let mut findings = Findings::default();
    for (id, words, names) in examined.into_iter().flatten() {
        findings.words.push((id, words));
        findings.names.extend(names.map(|(language, names)| (id, language, names)));
    }
    findings
}

type Examined = (BlobId, Words, Option<(Language, Names)>);

fn examine_one(tree: &FileTree, path: &RepoPath, buffer: &mut Vec<u8>) -> Option<Examined> {
    let refusal = withhold::read(tree, path, buffer).ok()?;
    let is_whole = refusal != Some(Reason::TooLarge);
    // The id of a longer file is only known where it need not be computed.
    let id = match tree.content(path) {
        Some(content) if content.size_bytes.is_none() || !is_whole => content.id,
        _ if is_whole => BlobId::of(buffer)?,
        _ => return None,
    };
    let names = || {
        let language = Language::of(path)?;
        // What is no UTF-8 has no names, and that is known as well.
        let text = std::str::from_utf8(buffer).ok();
        Some((language, text.map_or_else(Names::default, |text| memory::parse(language, text))))
    };
    Some((id, memory::words_of(buffer, refusal), if refusal.is_none() { names() } else { None }))
}
