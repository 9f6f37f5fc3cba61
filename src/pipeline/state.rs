//! What lies on disk between runs: one folder a task under the git folder, and work trees in the temporary folder.

use std::fs::File;
use std::path::{Path, PathBuf};

use super::PipelineError;
use crate::journal;
use crate::llm::Reply;
use crate::repo::{RepoError, WorkTree};

/// The state of one task, locked for this run.
#[derive(Debug)]
pub struct RunState {
    folder: PathBuf,
    /// Held open: the lock is given back when the process ends, however it ends.
    _lock: File,
}

impl RunState {
    /// Opens the state of the task called `slug` below `root` and locks it.
    ///
    /// # Errors
    /// [`PipelineError::Busy`] when another process works on the same task.
    pub fn open(root: &Path, slug: &str) -> Result<Self, PipelineError> {
        let folder = root.join("runs").join(slug);
        std::fs::create_dir_all(&folder).map_err(RepoError::io(&folder))?;
        let place = folder.join("lock");
        let lock = File::options().create(true).append(true).open(&place).map_err(RepoError::io(&place))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { folder, _lock: lock }),
            Err(std::fs::TryLockError::WouldBlock) => Err(PipelineError::Busy(place)),
            Err(std::fs::TryLockError::Error(source)) => Err(RepoError::Io { path: place, source }.into()),
        }
    }

    /// Returns where the journal lies.
    pub fn journal(&self) -> PathBuf {
        self.folder.join("journal.jsonl")
    }

    /// Returns where the bundle lies.
    pub fn bundle_folder(&self) -> PathBuf {
        self.folder.join("bundle")
    }
}

/// Returns the answers that earlier runs of this task were given, by the digest of their request.
///
/// A request that is asked again, because the run before was killed or because the user starts it once more, is
/// answered from here and paid for once.
///
/// # Errors
/// [`PipelineError::Journal`] when the journal is there and cannot be read.
pub fn earlier_replies(journal: &Path) -> Result<Vec<(String, Reply)>, PipelineError> {
    let replies = journal::read(journal)?.into_iter().filter(|entry| entry.event == "reply").filter_map(|mut entry| {
        let digest = entry.data.get("digest")?.as_str()?.to_owned();
        let reply = serde_json::from_value(entry.data.get_mut("reply")?.take()).ok()?;
        Some((digest, reply))
    });
    Ok(replies.collect())
}

/// Removes work trees that killed runs left in `temporary`; returns how many.
pub fn remove_leftovers(temporary: &Path) -> usize {
    WorkTree::remove_leftovers(temporary)
}
