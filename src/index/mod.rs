//! What was found out about contents, kept from one call to the next: words, names, earlier commits. One SQLite file.
//!
//! Everything is kept by the git blob id of the content that it was computed from, so an entry is never out of date; names
//! besides by the version of the grammar. The file is a cache: it may be deleted at any time, one that is damaged or of
//! another version is thrown away, and no answer depends on whether it is there. Safe for several processes at once
//! (SQLite's own locks) and under a kill (its write-ahead log). It reads and writes its own folder and nothing else, and
//! does not know how words are counted or texts parsed.

mod encode;
mod file;
mod reader;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, params};

use crate::repo::{BlobId, CommitId, PastCommit};
use crate::syntax::Language;

pub use encode::Names;
pub use reader::{Reader, StoredWords};

/// The most that the file holds where nobody says otherwise, in bytes: GitHub keeps 10 GB of caches for a repository.
pub const DEFAULT_LIMIT_BYTES: u64 = 1 << 30;
/// Lists of earlier commits that are kept, the newest.
const HISTORIES: usize = 8;

/// The tables that take nearly all the room.
const TABLES: [&str; 3] = ["words", "names", "vectors"];

/// Why the index cannot be used. The caller works without it.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// The folder cannot be made or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The folder or file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// Another process uses the file, or makes it anew.
    #[error("{}: another process is using the index", .0.display())]
    Busy(PathBuf),
    /// SQLite refused.
    #[error("the index: {0}")]
    Sqlite(#[from] rusqlite::Error),
}

/// What is known of the words of a content.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Words {
    /// The content's length in bytes.
    pub size_bytes: u32,
    /// How many words it has.
    pub words: u32,
    /// Why it is not searched, as the caller's number; 0 where it is.
    pub refusal: u8,
    /// What the caller needs to know of each word.
    pub bag: Vec<u64>,
}

/// What was found out and is to be kept.
#[derive(Debug, Default)]
pub struct Findings {
    /// Words by content.
    pub words: Vec<(BlobId, Words)>,
    /// Names by content and language.
    pub names: Vec<(BlobId, Language, Names)>,
    /// Vectors of texts.
    pub vectors: Vec<Vector>,
}

/// What an embedding model says of a text.
#[derive(Clone, Debug, PartialEq)]
pub struct Vector {
    /// The text's name; the caller makes it from the text.
    pub id: [u8; 16],
    /// The model's name.
    pub model: String,
    /// Its numbers.
    pub numbers: Vec<f32>,
}

/// What keeping something has led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The newest turn (see [`Index::touch`]) of what was dropped for the limit; `None` when nothing was.
    pub newest_dropped: Option<i64>,
}

/// Deletes the index in `folder`; nothing happens where there is none.
///
/// # Errors
/// [`IndexError::Busy`] while another process uses it, [`IndexError::Io`] when it cannot be deleted.
pub fn forget(folder: &Path) -> Result<(), IndexError> {
    file::forget(folder)
}

/// What the file holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Statistics {
    /// Contents whose words are known.
    pub contents: u64,
    /// Contents that were parsed.
    pub parsed: u64,
    /// Texts whose vectors are known.
    pub vectors: u64,
    /// Bytes that are used.
    pub size_bytes: u64,
}

/// The file, open for reading and writing.
#[derive(Debug)]
pub struct Index {
    file: file::IndexFile,
    limit_bytes: u64,
    is_damaged: Arc<AtomicBool>,
}

impl Index {
    /// Opens the index in `folder`, and makes it where there is none. A file that is no index, is damaged or of another
    /// version is thrown away.
    ///
    /// # Errors
    /// [`IndexError`] where it cannot be made or read, and while another process makes it anew.
    pub fn open(folder: &Path, limit_bytes: u64) -> Result<Self, IndexError> {
        let file = file::IndexFile::open(folder)?;
        Ok(Self { file, limit_bytes, is_damaged: Arc::default() })
    }

    /// Opens the index in `folder` where there is one that can be used.
    pub fn open_existing(folder: &Path) -> Option<Self> {
        folder.join(file::NAME).is_file().then(|| Self::open(folder, DEFAULT_LIMIT_BYTES).ok()).flatten()
    }

    /// Opens a reader of its own for a thread.
    ///
    /// # Errors
    /// [`IndexError::Sqlite`].
    pub fn reader(&self) -> Result<Reader, IndexError> {
        let connection = self.file.connect()?;
        // One look at the file for all that this reader is asked.
        self.watch(|| Ok(connection.execute_batch("BEGIN")?))?;
        Ok(Reader { connection, is_damaged: Arc::clone(&self.is_damaged) })
    }

    /// Keeps `found`, all of it or nothing, and drops what was kept longest ago where that is more than the limit.
    /// Waits at most `patience` for other processes that write.
    ///
    /// # Errors
    /// [`IndexError::Sqlite`].
    pub fn keep(&self, found: &Findings, patience: Duration) -> Result<Kept, IndexError> {
        self.watch(|| {
            let mut connection = self.file.connect()?;
            connection.busy_timeout(patience)?;
            let write = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
            let turn = next_turn(&write)?;
            {
                let mut add = write.prepare_cached(
                    "INSERT OR REPLACE INTO words (turn, id, size, words, refusal, bag, sum) \
                     VALUES (?, ?, ?, ?, ?, ?, ?)",
                )?;
                for (id, words) in &found.words {
                    let bag: Vec<u8> = words.bag.iter().flat_map(|word| word.to_le_bytes()).collect();
                    let sum = encode::sum(&[words.size_bytes.into(), words.words.into(), words.refusal.into()], &bag);
                    add.execute(params![turn, id.as_bytes(), words.size_bytes, words.words, words.refusal, bag, sum])?;
                }
                let mut add = write.prepare_cached(
                    "INSERT OR REPLACE INTO names (turn, id, language, version, names, sum) \
                     VALUES (?, ?, ?, ?, ?, ?)",
                )?;
                for (id, language, names) in &found.names {
                    let (names, version) = (encode::names(names), language.version().cast_signed());
                    let sum = encode::sum(&[], &names);
                    add.execute(params![turn, id.as_bytes(), *language as u8, version, names, sum])?;
                }
            }
            {
                let mut add = write.prepare_cached(
                    "INSERT OR REPLACE INTO vectors (turn, id, model, vector, sum) VALUES (?, ?, ?, ?, ?)",
                )?;
                for vector in &found.vectors {
                    let bytes: Vec<u8> = vector.numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
                    let sum = encode::sum(&[], &bytes);
                    add.execute(params![turn, vector.id, vector.model, bytes, sum])?;
                }
            }
            let newest_dropped = make_room(&write, self.limit_bytes)?;
            write.commit()?;
            Ok(Kept { newest_dropped })
        })
    }

    /// Drops what was used longest ago until the limit is kept, and gives the room back to the disk. Waits at most `patience` for
    /// other processes.
    ///
    /// # Errors
    /// [`IndexError::Sqlite`].
    pub fn shrink(&self, patience: Duration) -> Result<(), IndexError> {
        self.watch(|| {
            let mut connection = self.file.connect()?;
            connection.busy_timeout(patience)?;
            let write = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
            make_room(&write, self.limit_bytes)?;
            write.commit()?;
            let pragma = |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, u64>(0));
            if pragma("page_count")? * pragma("page_size")? > self.limit_bytes {
                connection.execute_batch("VACUUM; PRAGMA wal_checkpoint(TRUNCATE)")?;
            }
            Ok(())
        })
    }

    /// Marks what is known of `ids` as used last, so that it is dropped last. Returns the turn that this was.
    ///
    /// # Errors
    /// [`IndexError::Sqlite`].
    pub fn touch(&self, ids: &[BlobId], patience: Duration) -> Result<i64, IndexError> {
        self.watch(|| {
            let mut connection = self.file.connect()?;
            connection.busy_timeout(patience)?;
            let write = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
            let turn = next_turn(&write)?;
            for table in ["words", "names"] {
                let mut mark = write.prepare(&format!("UPDATE {table} SET turn = ? WHERE id = ?"))?;
                for id in ids {
                    mark.execute(params![turn, id.as_bytes()])?;
                }
            }
            write.commit()?;
            Ok(turn)
        })
    }

    /// Returns the newest `most` commits up to `head` as they were kept.
    pub fn history(&self, head: &CommitId, most: usize) -> Option<Vec<PastCommit>> {
        let read = || -> Result<Option<(Vec<u8>, i64)>, IndexError> {
            let connection = self.file.connect()?;
            let sql = "SELECT commits, sum FROM histories WHERE head = ? AND most = ?";
            Ok(connection
                .query_row(sql, params![head.as_str(), most], |row| Ok((row.get(0)?, row.get(1)?)))
                .optional()?)
        };
        let (bytes, sum) = self.watch(read).ok()??;
        let known = encode::read_commits(&bytes).filter(|_| encode::sum(&[], &bytes) == sum);
        if known.is_none() {
            self.is_damaged.store(true, Ordering::Relaxed);
        }
        known
    }

    /// Keeps the newest `most` commits up to `head`.
    ///
    /// # Errors
    /// [`IndexError::Sqlite`].
    pub fn keep_history(&self, head: &CommitId, most: usize, commits: &[PastCommit]) -> Result<(), IndexError> {
        self.watch(|| {
            let mut connection = self.file.connect()?;
            let write = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
            let bytes = encode::commits(commits);
            let sum = encode::sum(&[], &bytes);
            write.execute(
                "INSERT OR REPLACE INTO histories (head, most, commits, sum) VALUES (?, ?, ?, ?)",
                params![head.as_str(), most, bytes, sum],
            )?;
            write.execute(
                "DELETE FROM histories WHERE rowid NOT IN (SELECT rowid FROM histories ORDER BY rowid DESC LIMIT ?)",
                [HISTORIES],
            )?;
            Ok(write.commit()?)
        })
    }

    /// Counts what the file holds.
    ///
    /// # Errors
    /// [`IndexError::Sqlite`].
    pub fn statistics(&self) -> Result<Statistics, IndexError> {
        self.watch(|| {
            let connection = self.file.connect()?;
            let count = |sql: &str| connection.query_row(sql, [], |row| row.get(0));
            Ok(Statistics {
                contents: count("SELECT count(*) FROM words")?,
                parsed: count("SELECT count(*) FROM names")?,
                vectors: count("SELECT count(*) FROM vectors")?,
                size_bytes: used_bytes(&connection)?,
            })
        })
    }

    /// Does something, and notes where it shows that the file is damaged.
    fn watch<T>(&self, act: impl FnOnce() -> Result<T, IndexError>) -> Result<T, IndexError> {
        act().inspect_err(|error| note_damage(error, &self.is_damaged))
    }
}

impl Drop for Index {
    fn drop(&mut self) {
        if self.is_damaged.load(Ordering::Relaxed) {
            self.file.throw_away();
        }
    }
}

fn note_damage(error: &IndexError, is_damaged: &AtomicBool) {
    if file::shows_damage(error) {
        is_damaged.store(true, Ordering::Relaxed);
    }
}

fn used_bytes(connection: &Connection) -> rusqlite::Result<u64> {
    let pragma = |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, u64>(0));
    Ok((pragma("page_count")? - pragma("freelist_count")?) * pragma("page_size")?)
}

/// Begins a turn: everything that is kept or used in it is younger than all before.
fn next_turn(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("UPDATE clock SET turn = turn + 1 RETURNING turn", [], |row| row.get(0))
}

/// Drops what was used longest ago, a tenth of it at a time, until it fits the limit. Returns the newest turn of it.
fn make_room(connection: &Connection, limit_bytes: u64) -> rusqlite::Result<Option<i64>> {
    let mut newest = None;
    while used_bytes(connection)? > limit_bytes {
        let mut dropped = 0;
        for table in TABLES {
            let oldest =
                format!("SELECT rowid FROM {table} ORDER BY turn, rowid LIMIT (SELECT count(*) / 10 + 1 FROM {table})");
            let mut drop =
                connection.prepare(&format!("DELETE FROM {table} WHERE rowid IN ({oldest}) RETURNING turn"))?;
            for turn in drop.query_map([], |row| row.get::<_, i64>(0))? {
                newest = newest.max(Some(turn?));
                dropped += 1;
            }
        }
        if dropped == 0 {
            break;
        }
    }
    Ok(newest)
}
