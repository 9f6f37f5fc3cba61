//! The file itself: where it lies, how it is opened, when it is thrown away.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::IndexError;

/// The file's name in the index's folder.
pub(super) const NAME: &str = "index.sqlite";
/// The files that SQLite puts beside it (SQLite, "Temporary Files Used By SQLite"), in the order of their removal: a log
/// must never be found beside a younger file.
const COMPANIONS: [&str; 2] = ["index.sqlite-wal", "index.sqlite-shm"];
/// Held shared by everyone who uses the file, and alone by whoever throws it away.
const LOCK: &str = "lock";
/// Held alone by whoever makes the file.
const MAKING: &str = "making";
/// Marks the file as ours (SQLite, "PRAGMA application_id"): "Pren" in ASCII.
const APPLICATION: i32 = 0x5072_656e;
/// Changes whenever an entry would be read otherwise than it was written: with the tables, their encoding, and the rules
/// by which the context cuts and counts words.
const FORMAT: i32 = 2;
/// The usual entry has two or three kilobytes: several on a page waste little.
const PAGE_BYTES: u32 = 16 * 1024;
/// How long a reader waits for a writer that moves its log into the file.
const PATIENCE: Duration = Duration::from_millis(250);

const TABLES: &str = "
    CREATE TABLE clock (turn INTEGER NOT NULL);
    INSERT INTO clock VALUES (0);
    CREATE TABLE words (
        id BLOB NOT NULL UNIQUE, turn INTEGER NOT NULL DEFAULT 0, size INTEGER NOT NULL, words INTEGER NOT NULL,
        refusal INTEGER NOT NULL, sum INTEGER NOT NULL, bag BLOB NOT NULL);
    CREATE TABLE names (
        id BLOB NOT NULL, language INTEGER NOT NULL, version INTEGER NOT NULL, turn INTEGER NOT NULL DEFAULT 0,
        sum INTEGER NOT NULL, names BLOB NOT NULL, UNIQUE (id, language));
    CREATE TABLE vectors (
        id BLOB NOT NULL, model TEXT NOT NULL, turn INTEGER NOT NULL DEFAULT 0, sum INTEGER NOT NULL,
        vector BLOB NOT NULL, UNIQUE (id, model));
    CREATE TABLE histories (
        head TEXT NOT NULL UNIQUE, most INTEGER NOT NULL, sum INTEGER NOT NULL, commits BLOB NOT NULL);
";

/// The file, with the lock that keeps others from throwing it away.
#[derive(Debug)]
pub(super) struct IndexFile {
    folder: PathBuf,
    lock: File,
}

impl IndexFile {
    pub(super) fn open(folder: &Path) -> Result<Self, IndexError> {
        let fail = |source| IndexError::Io { path: folder.to_owned(), source };
        std::fs::create_dir_all(folder).map_err(fail)?;
        let lock = File::options().create(true).truncate(false).write(true).open(folder.join(LOCK)).map_err(fail)?;
        let busy = || IndexError::Busy(folder.to_owned());
        lock.try_lock_shared().map_err(|_| busy())?;
        let file = Self { folder: folder.to_owned(), lock };
        match file.prepare() {
            Err(error) if shows_damage(&error) => {
                file.throw_away();
                file.lock.try_lock_shared().map_err(|_| busy())?;
                file.prepare()?;
            }
            other => other?,
        }
        Ok(file)
    }

    /// Makes the tables where there are none.
    fn prepare(&self) -> Result<(), IndexError> {
        let mut connection = self.connect()?;
        connection.busy_timeout(Duration::from_secs(5))?;
        if is_ours(&connection)? {
            return Ok(());
        }
        // SQLite does not wait for another process that turns the log on at the same moment: one makes the file at a time.
        let fail = |source| IndexError::Io { path: self.folder.join(MAKING), source };
        let making = File::options().create(true).truncate(false).write(true).open(self.folder.join(MAKING));
        let making = making.map_err(fail)?;
        making.lock().map_err(fail)?;
        if is_ours(&connection)? {
            return Ok(());
        }
        connection.pragma_update(None, "page_size", PAGE_BYTES)?;
        connection.pragma_update(None, "journal_mode", "wal")?;
        let write = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        write.execute_batch(TABLES)?;
        write.pragma_update(None, "application_id", APPLICATION)?;
        write.pragma_update(None, "user_version", FORMAT)?;
        Ok(write.commit()?)
    }

    /// Opens a connection; whoever loses power loses a cache, so nothing waits for the disk.
    pub(super) fn connect(&self) -> Result<Connection, IndexError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(self.folder.join(NAME), flags)?;
        connection.busy_timeout(PATIENCE)?;
        connection.pragma_update(None, "synchronous", "off")?;
        Ok(connection)
    }

    /// Removes the file unless another process uses it: that is left to the next call. The lock is given up.
    pub(super) fn throw_away(&self) {
        drop(self.lock.unlock());
        drop(remove(&self.folder, &self.lock));
    }
}

/// Removes the file in `folder` for good.
pub(super) fn forget(folder: &Path) -> Result<(), IndexError> {
    if !folder.join(LOCK).exists() {
        return Ok(());
    }
    let lock = File::options().write(true).open(folder.join(LOCK));
    remove(folder, &lock.map_err(|source| IndexError::Io { path: folder.to_owned(), source })?)
}

/// Takes the lock alone, removes the file, and gives the lock up.
fn remove(folder: &Path, lock: &File) -> Result<(), IndexError> {
    lock.try_lock().map_err(|_| IndexError::Busy(folder.to_owned()))?;
    let mut outcome = Ok(());
    for name in COMPANIONS.iter().chain(&[NAME]) {
        let path = folder.join(name);
        match std::fs::remove_file(&path) {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                outcome = Err(IndexError::Io { path, source });
            }
            _ => {}
        }
    }
    drop(lock.unlock());
    outcome
}

/// Tells whether the tables are there, and made by this version.
fn is_ours(connection: &Connection) -> Result<bool, IndexError> {
    let number = |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, i32>(0));
    match (number("application_id")?, number("user_version")?) {
        (APPLICATION, FORMAT) => Ok(true),
        (0, 0) if number("schema_version")? == 0 => Ok(false),
        _ => Err(rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_NOTADB), None).into()),
    }
}

/// Tells whether an error means that the file is no index of ours.
pub(super) fn shows_damage(error: &IndexError) -> bool {
    let IndexError::Sqlite(error) = error else { return false };
    let by_code = matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase));
    // A field or a table that is not what it was made as.
    let by_shape = matches!(
        error,
        rusqlite::Error::InvalidColumnType(..)
            | rusqlite::Error::IntegralValueOutOfRange(..)
            | rusqlite::Error::FromSqlConversionFailure(..)
            | rusqlite::Error::SqlInputError { .. }
            | rusqlite::Error::QueryReturnedNoRows
    );
    by_code || by_shape || error.sqlite_error_code() == Some(ErrorCode::Unknown)
}
