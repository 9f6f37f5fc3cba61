//! The directory of a bundle: layout, digests, writing at one stroke.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Bundle, BundleError, Ending, SCHEMA};
use crate::policy::Finding;
use crate::propose::Account;
use crate::repo::{CommitId, FileChange, FileMode, RepoPath, StoredFile};
use crate::task::{Order, Task};
use crate::verify::{CheckRun, Evidence, TreeRun};

const BUNDLE: &str = "bundle.json";
const EVIDENCE: &str = "evidence.json";
const BLOBS: &str = "blobs";
const RUN: &str = "run";

/// The largest blob read, in bytes; policy refuses changes far below it.
const MAX_BLOB_BYTES: u64 = 64 << 20;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    schema: u32,
    slug: String,
    task: Task,
    base: CommitId,
    parent: CommitId,
    order: Option<Order>,
    changes: Vec<Change>,
    account: Account,
    findings: Vec<Finding>,
    ending: Ending,
    /// SHA-256 of `evidence.json`; `None` when there is none.
    evidence: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    path: RepoPath,
    before: Option<Blob>,
    after: Option<Blob>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Blob {
    mode: FileMode,
    sha256: String,
}

/// Wall times of one command; the only part of the evidence that differs between two runs of the same.
#[derive(Serialize, Deserialize)]
struct Seconds {
    tree: String,
    command: String,
    seconds: f64,
    /// Those of its tests of which the runner tells, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    tests: BTreeMap<String, f64>,
}

/// Writes a bundle into `folder` and returns its [`digest`]; a bundle that was there is replaced.
///
/// It is written beside and moved into its place, so that `folder` is whole at every moment or not there.
///
/// # Errors
/// [`BundleError::Io`] when a file cannot be written; what was there before stays.
pub fn write(bundle: &Bundle, folder: &Path, journal: Option<&Path>) -> Result<String, BundleError> {
    let parent = folder.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(parent).map_err(BundleError::io(parent))?;
    let fresh = tempfile::Builder::new().prefix(".bundle-").tempdir_in(parent).map_err(BundleError::io(parent))?;
    write_files(bundle, fresh.path(), journal)?;
    let digest = digest(fresh.path())?;
    let old = tempfile::Builder::new().prefix(".bundle-").tempdir_in(parent).map_err(BundleError::io(parent))?;
    if folder.exists() {
        std::fs::rename(folder, old.path().join("old")).map_err(BundleError::io(folder))?;
    }
    std::fs::rename(fresh.keep(), folder).map_err(BundleError::io(folder))?;
    Ok(digest)
}

fn write_files(bundle: &Bundle, folder: &Path, journal: Option<&Path>) -> Result<(), BundleError> {
    for name in [BLOBS, RUN] {
        std::fs::create_dir(folder.join(name)).map_err(BundleError::io(folder))?;
    }
    let mut changes = Vec::new();
    for change in &bundle.changes {
        let before = change.before.as_ref().map(|file| write_blob(folder, file)).transpose()?;
        let after = change.after.as_ref().map(|file| write_blob(folder, file)).transpose()?;
        changes.push(Change { path: change.path.clone(), before, after });
    }
    let evidence = match &bundle.evidence {
        Some(evidence) => Some(write_json(&folder.join(EVIDENCE), evidence)?),
        None => None,
    };
    write_json(&folder.join(RUN).join("timing.json"), &timings(bundle.evidence.as_ref()))?;
    if let Some(journal) = journal {
        let place = folder.join(RUN).join("journal.jsonl");
        std::fs::copy(journal, &place).map_err(BundleError::io(&place))?;
    }
    let document = Document {
        schema: SCHEMA,
        slug: bundle.slug.clone(),
        task: bundle.task.clone(),
        base: bundle.base.clone(),
        parent: bundle.parent.clone(),
        order: bundle.order.clone(),
        changes,
        account: bundle.account.clone(),
        findings: bundle.findings.clone(),
        ending: bundle.ending.clone(),
        evidence,
    };
    write_json(&folder.join(BUNDLE), &document).map(|_| ())
}

/// Reads a bundle and checks every digest in it.
///
/// # Errors
/// [`BundleError`] for the first thing that is missing, malformed, of another schema or tampered with.
pub fn read(folder: &Path) -> Result<Bundle, BundleError> {
    let place = folder.join(BUNDLE);
    let text = std::fs::read(&place).map_err(BundleError::io(&place))?;
    let loose: serde_json::Value =
        serde_json::from_slice(&text).map_err(|error| BundleError::malformed(&place, error))?;
    match loose.get("schema").and_then(serde_json::Value::as_u64) {
        Some(schema) if schema == u64::from(SCHEMA) => {}
        found => return Err(BundleError::Schema { path: folder.to_owned(), found: found.unwrap_or(0) }),
    }
    let document: Document = serde_json::from_slice(&text).map_err(|error| BundleError::malformed(&place, error))?;
    let mut changes = Vec::new();
    for change in document.changes {
        let path = RepoPath::parse(change.path.as_str())?;
        let before = change.before.map(|blob| read_blob(folder, &blob)).transpose()?;
        let after = change.after.map(|blob| read_blob(folder, &blob)).transpose()?;
        changes.push(FileChange { path, before, after });
    }
    let mut evidence: Option<Evidence> = match &document.evidence {
        Some(digest) => Some(read_checked(folder, EVIDENCE, digest)?),
        None => None,
    };
    if let Some(evidence) = &mut evidence {
        read_timings(folder, evidence);
    }
    Ok(Bundle {
        slug: document.slug,
        task: document.task,
        base: document.base,
        parent: document.parent,
        order: document.order,
        changes,
        account: document.account,
        evidence,
        findings: document.findings,
        ending: document.ending,
    })
}

/// Returns the SHA-256 over names and digests of all files of a bundle, in hexadecimal.
///
/// This is what travels beside the bundle across the border.
///
/// # Errors
/// [`BundleError::Io`] when a file cannot be read.
pub fn digest(folder: &Path) -> Result<String, BundleError> {
    let mut files = BTreeMap::new();
    collect(folder, "", &mut files)?;
    let mut all = Sha256::new();
    for (name, digest) in files {
        all.update(format!("{digest}  {name}\n"));
    }
    Ok(hex::encode(all.finalize()))
}

fn collect(folder: &Path, prefix: &str, files: &mut BTreeMap<String, String>) -> Result<(), BundleError> {
    for entry in std::fs::read_dir(folder).map_err(BundleError::io(folder))? {
        let entry = entry.map_err(BundleError::io(folder))?;
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        let kind = entry.file_type().map_err(BundleError::io(&entry.path()))?;
        if kind.is_dir() {
            collect(&entry.path(), &format!("{name}/"), files)?;
        } else if kind.is_file() {
            let bytes = std::fs::read(entry.path()).map_err(BundleError::io(&entry.path()))?;
            files.insert(name, hex::encode(Sha256::digest(bytes)));
        } else {
            return Err(BundleError::malformed(&entry.path(), "neither file nor folder"));
        }
    }
    Ok(())
}

fn write_blob(folder: &Path, file: &StoredFile) -> Result<Blob, BundleError> {
    let sha256 = hex::encode(Sha256::digest(&file.content));
    let place = folder.join(BLOBS).join(&sha256);
    std::fs::write(&place, &file.content).map_err(BundleError::io(&place))?;
    Ok(Blob { mode: file.mode, sha256 })
}

fn read_blob(folder: &Path, blob: &Blob) -> Result<StoredFile, BundleError> {
    let name = &blob.sha256;
    if name.len() != 64 || !name.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(BundleError::malformed(&folder.join(BUNDLE), format!("{name:?} is no SHA-256")));
    }
    let place = folder.join(BLOBS).join(name);
    let metadata = place.symlink_metadata().map_err(BundleError::io(&place))?;
    if !metadata.is_file() || metadata.len() > MAX_BLOB_BYTES {
        return Err(BundleError::malformed(&place, "not a file of at most 64 MiB"));
    }
    let content = std::fs::read(&place).map_err(BundleError::io(&place))?;
    if hex::encode(Sha256::digest(&content)) != *name {
        return Err(BundleError::Tampered { path: folder.to_owned(), what: format!("{BLOBS}/{name}") });
    }
    Ok(StoredFile { content: content.into(), mode: blob.mode })
}

fn write_json(place: &Path, value: &impl Serialize) -> Result<String, BundleError> {
    let mut text = serde_json::to_vec_pretty(value).map_err(|error| BundleError::malformed(place, error))?;
    text.push(b'\n');
    std::fs::write(place, &text).map_err(BundleError::io(place))?;
    Ok(hex::encode(Sha256::digest(&text)))
}

fn read_checked<T: for<'de> Deserialize<'de>>(folder: &Path, name: &str, digest: &str) -> Result<T, BundleError> {
    let place = folder.join(name);
    let text = std::fs::read(&place).map_err(BundleError::io(&place))?;
    if hex::encode(Sha256::digest(&text)) != digest {
        return Err(BundleError::Tampered { path: folder.to_owned(), what: name.to_owned() });
    }
    serde_json::from_slice(&text).map_err(|error| BundleError::malformed(&place, error))
}

fn timings(evidence: Option<&Evidence>) -> Vec<Seconds> {
    let rounded = |elapsed: Duration| (elapsed.as_secs_f64() * 1000.0).round() / 1000.0;
    let trees = evidence.into_iter().flat_map(Evidence::trees);
    let of_tree = |(tree, run): (&'static str, &TreeRun)| -> Vec<Seconds> {
        let of_check = |run: &CheckRun| Seconds {
            tree: tree.to_owned(),
            command: run.check.label(),
            seconds: rounded(run.elapsed),
            tests: run.tests.iter().filter_map(|test| Some((test.name.clone(), rounded(test.elapsed?)))).collect(),
        };
        run.checks.iter().map(of_check).collect()
    };
    trees.flat_map(of_tree).collect()
}

/// Puts wall times back where they belong; without the file they stay zero.
fn read_timings(folder: &Path, evidence: &mut Evidence) {
    let text = std::fs::read(folder.join(RUN).join("timing.json")).unwrap_or_default();
    let all: Vec<Seconds> = serde_json::from_slice(&text).unwrap_or_default();
    let mut all = all.into_iter();
    for run in evidence.trees_mut().into_iter().flat_map(|tree| &mut tree.checks) {
        let Some(timing) = all.next() else { return };
        run.elapsed = Duration::try_from_secs_f64(timing.seconds).unwrap_or_default();
        for test in &mut run.tests {
            test.elapsed = timing.tests.get(&test.name).and_then(|seconds| Duration::try_from_secs_f64(*seconds).ok());
        }
    }
}
