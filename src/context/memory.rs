//! What earlier calls found out about the contents of this tree, and what this call finds out for later ones.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::bag;
use super::withhold::Reason;
use crate::index::{Findings, Index, Names, Reader, StoredWords, Words};
use crate::repo::{BlobId, Content, FileTree, RepoPath};
use crate::syntax::{self, Language};

/// Bytes of texts whose words are counted for later calls, at most: the rest is left to `prentice index`, or the next call.
const MOST_COUNTED_BYTES: usize = 16 << 20;
/// How long a question waits for other processes to finish writing before it keeps nothing.
const PATIENCE: Duration = Duration::from_millis(250);

/// The index, if there is one, and what is to be kept in it.
#[derive(Debug, Default)]
pub(super) struct Memory<'i> {
    index: Option<&'i Index>,
    found: Mutex<Findings>,
    counted_bytes: AtomicUsize,
}

impl<'i> Memory<'i> {
    pub(super) fn new(index: Option<&'i Index>) -> Self {
        Self { index, ..Self::default() }
    }

    /// Opens a reader for a thread; none where there is no index, or it cannot be read.
    pub(super) fn reader(&self) -> Option<Reader> {
        self.index?.reader().ok()
    }

    /// Returns what a file holds as far as it is known; nothing where no one asks.
    pub(super) fn content(&self, tree: &FileTree, path: &RepoPath) -> Option<Content> {
        self.index.and_then(|_| tree.content(path))
    }

    /// Notes the words of a file as it was read.
    pub(super) fn note_words(&self, content: &Content, bytes: &[u8], refusal: Option<Reason>) {
        let before = self.counted_bytes.fetch_add(bytes.len(), Ordering::Relaxed);
        // What lies on disk may be another text than the blob (line ends, large file storage), or was changed just now.
        let is_blob = || content.size_bytes.is_none() || BlobId::of(bytes) == Some(content.id);
        if before + bytes.len() <= MOST_COUNTED_BYTES && is_blob() {
            let words = words_of(bytes, refusal);
            self.found.lock().unwrap_or_else(PoisonError::into_inner).words.push((content.id, words));
        }
    }

    /// Returns the names in a text: those that are known, or else by parsing it.
    pub(super) fn names(
        &self,
        reader: Option<&Reader>,
        language: Language,
        (content, text): (Option<Content>, &str),
    ) -> Names {
        // The same length on disk may still be another text than the blob.
        let known = content.filter(|content| content.size_bytes.is_none()).map(|content| content.id);
        let id = self.index.and_then(|_| known.or_else(|| BlobId::of(text.as_bytes())));
        if let Some(names) = id.as_ref().zip(reader).and_then(|(id, reader)| reader.names(id, language)) {
            return names;
        }
        let names = parse(language, text);
        if let Some(id) = id {
            let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
            found.names.push((id, language, names.clone()));
        }
        names
    }

    /// Keeps what was found out. An index that cannot be written to costs the next call time, and this one nothing.
    pub(super) fn keep(self) {
        let found = self.found.into_inner().unwrap_or_else(PoisonError::into_inner);
        if let Some(index) = self.index.filter(|_| !found.words.is_empty() || !found.names.is_empty()) {
            drop(index.keep(&found, PATIENCE));
        }
    }
}

/// Returns what is known of a content's words, unless the file on disk has another length than that content.
pub(super) fn words<T>(reader: &Reader, content: &Content, take: impl FnOnce(StoredWords<'_>) -> T) -> Option<T> {
    let fits = |kept: &StoredWords<'_>| content.size_bytes.is_none_or(|size| size == u64::from(kept.size_bytes));
    reader.words(&content.id, |kept| fits(&kept).then(|| take(kept))).flatten()
}

/// Counts what a later question may ask of a text.
pub(super) fn words_of(bytes: &[u8], refusal: Option<Reason>) -> Words {
    let (bag, words) = match refusal {
        Some(_) => (Vec::new(), 0),
        None => bag::count(bytes),
    };
    let size_bytes = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    Words { size_bytes, words, refusal: Reason::code(refusal), bag }
}

/// Parses a text.
pub(super) fn parse(language: Language, text: &str) -> Names {
    let (definitions, references) = syntax::names(language, text);
    Names { definitions, references }
}
