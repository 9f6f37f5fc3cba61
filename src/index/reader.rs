//! Looking things up, one connection for each thread.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rusqlite::{Connection, params};

use super::{Names, encode, note_damage};
use crate::repo::BlobId;
use crate::syntax::Language;

/// [`Words`](super::Words) as they lie in the file.
#[derive(Clone, Copy, Debug)]
pub struct StoredWords<'r> {
    /// As [`super::Words::size_bytes`].
    pub size_bytes: u32,
    /// As [`super::Words::words`].
    pub words: u32,
    /// As [`super::Words::refusal`].
    pub refusal: u8,
    bag: &'r [u8],
}

impl StoredWords<'_> {
    /// Returns what is known of each word.
    pub fn bag(&self) -> impl Iterator<Item = u64> {
        self.bag.as_chunks().0.iter().copied().map(u64::from_le_bytes)
    }
}

/// Reads the index; one for each thread.
#[derive(Debug)]
pub struct Reader {
    pub(super) connection: Connection,
    pub(super) is_damaged: Arc<AtomicBool>,
}

impl Reader {
    /// Gives what is known of the words of a content to `take`.
    pub fn words<T>(&self, id: &BlobId, take: impl FnOnce(StoredWords<'_>) -> T) -> Option<T> {
        self.watch(|connection| {
            let sql = "SELECT size, words, refusal, bag, sum FROM words WHERE id = ?";
            let mut query = connection.prepare_cached(sql)?;
            let mut rows = query.query([id.as_bytes()])?;
            let Some(row) = rows.next()? else { return Ok(Ok(None)) };
            let bag = row.get_ref(3)?.as_blob().map_err(rusqlite::Error::from)?;
            let stored = StoredWords { size_bytes: row.get(0)?, words: row.get(1)?, refusal: row.get(2)?, bag };
            let sum = encode::sum(&[stored.size_bytes.into(), stored.words.into(), stored.refusal.into()], bag);
            let is_whole = sum == row.get::<_, i64>(4)?;
            Ok(if is_whole { Ok(Some(take(stored))) } else { Err(Damaged) })
        })
    }

    /// Returns what is known of the names in a content, as this version of the grammar reads it.
    pub fn names(&self, id: &BlobId, language: Language) -> Option<Names> {
        self.watch(|connection| {
            let sql = "SELECT names, sum FROM names WHERE id = ? AND language = ? AND version = ?";
            let mut query = connection.prepare_cached(sql)?;
            let version = language.version().cast_signed();
            let mut rows = query.query(params![id.as_bytes(), language as u8, version])?;
            let Some(row) = rows.next()? else { return Ok(Ok(None)) };
            let bytes = row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?;
            let is_whole = encode::sum(&[], bytes) == row.get::<_, i64>(1)?;
            Ok(encode::read_names(bytes).filter(|_| is_whole).map(Some).ok_or(Damaged))
        })
    }

    /// Returns what a model says of the text with this name.
    pub fn vector(&self, id: &[u8; 16], model: &str) -> Option<Vec<f32>> {
        self.watch(|connection| {
            let mut query = connection.prepare_cached("SELECT vector, sum FROM vectors WHERE id = ? AND model = ?")?;
            let mut rows = query.query(params![id, model])?;
            let Some(row) = rows.next()? else { return Ok(Ok(None)) };
            let bytes = row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?;
            if encode::sum(&[], bytes) != row.get::<_, i64>(1)? {
                return Ok(Err(Damaged));
            }
            let (numbers, rest) = bytes.as_chunks::<4>();
            Ok(if rest.is_empty() {
                Ok(Some(numbers.iter().copied().map(f32::from_le_bytes).collect()))
            } else {
                Err(Damaged)
            })
        })
    }

    /// Tells whether [`Reader::names`] would know the names in a content.
    pub fn knows_names(&self, id: &BlobId, language: Language) -> bool {
        let known = self.watch(|connection| {
            let sql = "SELECT 1 FROM names WHERE id = ? AND language = ? AND version = ?";
            let mut query = connection.prepare_cached(sql)?;
            let version = language.version().cast_signed();
            Ok(Ok(query.exists(params![id.as_bytes(), language as u8, version])?.then_some(())))
        });
        known.is_some()
    }

    fn watch<T>(&self, read: impl FnOnce(&Connection) -> rusqlite::Result<Result<Option<T>, Damaged>>) -> Option<T> {
        match read(&self.connection) {
            Ok(Ok(found)) => found,
            Ok(Err(Damaged)) => {
                self.is_damaged.store(true, Ordering::Relaxed);
                None
            }
            Err(error) => {
                note_damage(&error.into(), &self.is_damaged);
                None
            }
        }
    }
}

/// A field that does not have its checksum.
struct Damaged;
