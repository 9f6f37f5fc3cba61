//! What is looked at before a file is believed: its digest, its first bytes, the room on the disk.

use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;

use sha2::{Digest, Sha256};
use tokio_util::sync::CancellationToken;

use super::CatalogueError;

/// Bytes that are read at a time.
const BLOCK: usize = 1 << 20;
/// What must stay free on the disk beside the file.
const SPARE_BYTES: u64 = 16 << 20;
/// The versions of the format that llama.cpp writes and reads (ggml, docs/gguf.md, "Historical State of Affairs"); the first
/// had shorter lengths.
const VERSIONS: [u32; 2] = [2, 3];

/// Copies all of `from` into `into` and returns how many bytes that were and their SHA-256; `None` when cancelled.
pub(super) fn digest(
    from: &mut impl Read,
    into: &mut impl Write,
    cancel: &CancellationToken,
) -> std::io::Result<Option<(u64, String)>> {
    let (mut hash, mut length, mut block) = (Sha256::new(), 0, vec![0; BLOCK]);
    loop {
        if cancel.is_cancelled() {
            return Ok(None);
        }
        match from.read(&mut block) {
            Ok(0) => break,
            Ok(count) => {
                hash.update(&block[..count]);
                into.write_all(&block[..count])?;
                length += count as u64;
            }
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(Some((length, hex::encode(hash.finalize()))))
}

/// Returns the SHA-256 of a file; `None` when cancelled. About a second for a gigabyte.
pub(super) async fn sha256(path: &Path, cancel: &CancellationToken) -> Result<Option<String>, CatalogueError> {
    let (path, cancel) = (path.to_owned(), cancel.clone());
    let read = move || {
        let outcome = File::open(&path).and_then(|mut file| digest(&mut file, &mut std::io::sink(), &cancel));
        outcome.map(|found| found.map(|(_, digits)| digits)).map_err(|source| CatalogueError::io(&path, source))
    };
    let joined = tokio::task::spawn_blocking(read).await;
    joined.unwrap_or_else(|error| Err(CatalogueError::io("a thread", std::io::Error::other(error))))
}

/// Looks whether a file begins as GGUF does, in a version that can be read (ggml, docs/gguf.md, "File Structure").
pub(super) fn is_gguf(path: &Path, file: &mut File) -> Result<(), CatalogueError> {
    let fail = |why: String| Err(CatalogueError::NotGguf { path: path.to_owned(), why });
    let mut head = Vec::new();
    Read::by_ref(file).take(24).read_to_end(&mut head).map_err(|source| CatalogueError::io(path, source))?;
    let (Some(magic), Some(version)) = (head.first_chunk::<4>(), head[4.min(head.len())..].first_chunk::<4>()) else {
        return fail(format!("it has {} bytes", head.len()));
    };
    if magic != b"GGUF" {
        return fail(format!("it begins with {:?}", String::from_utf8_lossy(magic)));
    }
    match u32::from_le_bytes(*version) {
        version if VERSIONS.contains(&version) && head.len() == 24 => Ok(()),
        version if VERSIONS.contains(&version) => fail("it ends inside its head".to_owned()),
        // The bytes of a small number, read in the other order.
        version if version & 0xffff == 0 => fail("its numbers are big-endian".to_owned()),
        version => fail(format!("its version is {version}, 2 and 3 can be read")),
    }
}

/// Looks whether a folder's disk has room for so many bytes more.
#[cfg(unix)]
#[allow(clippy::useless_conversion, reason = "the number of blocks has 32 bits on some systems")]
pub(super) fn has_room(folder: &Path, wanted_bytes: u64) -> Result<(), CatalogueError> {
    // A file system that does not tell is written to until it says no.
    let Ok(disk) = nix::sys::statvfs::statvfs(folder) else { return Ok(()) };
    let free_bytes = u64::from(disk.blocks_available()).saturating_mul(disk.fragment_size());
    match wanted_bytes.saturating_add(SPARE_BYTES) <= free_bytes {
        true => Ok(()),
        false => Err(CatalogueError::NoRoom { folder: folder.to_owned(), wanted_bytes, free_bytes }),
    }
}

/// Does not know how much is free: the file is written until the system says no.
#[cfg(not(unix))]
pub(super) fn has_room(_: &Path, _: u64) -> Result<(), CatalogueError> {
    Ok(())
}
