//! `prentice index`: what is kept of a repository, so that questions about it are answered faster.

use std::time::Duration;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::arguments::Place;
use super::context::checked_out;
use super::failure::{Exit, Failure};
use super::output::{print, print_json, tell};
use super::setup;
use crate::clock::{Clock, SystemClock};
use crate::context::{self, Learned};
use crate::index::{self, IndexError, Statistics};
use crate::repo::{FileTree, Repository};

/// `prentice index`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  prentice index                       the files as they lie in the folder
  prentice index --base main           the files of a commit
  prentice index --stats               what is kept, and where
  prentice index --forget              delete it

For every file the words, their number, and what it defines and uses are kept by the blob id of its content in one SQLite file
below the git folder (prentice/index). It is a cache: no answer depends on it, it may be deleted at any time, and one that is
damaged or of another version is thrown away. `prentice context` keeps it up to date; `prentice run` and `prentice propose` use
it where it is there. To keep it between CI runs, see docs/index.md.")]
pub(super) struct Index {
    #[command(flatten)]
    pub place: Place,
    /// Look at the files of a commit instead of those that lie in the folder.
    #[arg(long, value_name = "REVISION")]
    pub base: Option<String>,
    /// The most that is kept from this call on, in MiB; what was used longest ago is dropped. Later calls have limits of their own.
    #[arg(long, value_name = "MIB", default_value_t = index::DEFAULT_LIMIT_BYTES >> 20, value_parser = clap::value_parser!(u64).range(1..=1 << 20))]
    pub limit: u64,
    /// Print what is kept, and read nothing.
    #[arg(long, conflicts_with_all = ["base", "limit"])]
    pub stats: bool,
    /// Delete what is kept.
    #[arg(long, conflicts_with_all = ["base", "limit", "stats"])]
    pub forget: bool,
    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
}

/// How long other processes that use the file are waited for where it is to become smaller.
const SHRINKING: Duration = Duration::from_secs(5);

/// Reads what is not known yet, or tells what is.
pub(super) async fn index(flags: Index, cancel: &CancellationToken) -> Result<Exit, Failure> {
    let cancelled = cancel.clone();
    // Signals are heard while this works.
    let done = tokio::task::spawn_blocking(move || act(&flags, &cancelled)).await;
    done.map_err(|error| Failure::new(Exit::Bug, error))?
}

fn act(flags: &Index, cancel: &CancellationToken) -> Result<Exit, Failure> {
    let repository = Repository::discover(&flags.place.repo)?;
    let folder = repository.index_folder();
    if flags.forget {
        return match index::forget(&folder) {
            Ok(()) => Ok(Exit::Done),
            Err(error) => Err(failed(&error)),
        };
    }
    let open = || index::Index::open(&folder, flags.limit << 20).map_err(|error| failed(&error));
    if flags.stats {
        let kept = if folder.is_dir() { Some(open()?.statistics().map_err(|error| failed(&error))?) } else { None };
        let kept = kept.unwrap_or_default();
        match flags.json {
            true => print_json(&json!({ "folder": folder, "kept": kept })),
            false => print(&format!("{}\n{}", folder.display(), told(&kept))),
        }
        return Ok(Exit::Done);
    }
    let tree = match &flags.base {
        Some(base) => setup::open(&flags.place.repo, base)?.2,
        None => checked_out(&flags.place.repo)?.0,
    };
    let index = open()?;
    let clock = SystemClock::start();
    let learned = read_all(&tree, &index, cancel)?;
    if let (None, Ok(head)) = (&flags.base, repository.resolve("HEAD")) {
        context::recall(&repository, &head, Some(&index));
    }
    index.shrink(SHRINKING).map_err(|error| failed(&error))?;
    let kept = index.statistics().map_err(|error| failed(&error))?;
    let took = clock.elapsed();
    match flags.json {
        true => print_json(&json!({ "folder": folder, "learned": learned, "kept": kept, "took_ms": took.as_millis() })),
        false => print(&(summary(&learned, took) + &told(&kept))),
    }
    if learned.is_full {
        tell("The limit is reached by this tree alone: the rest of it is read when it is asked about. See --limit.");
    }
    Ok(if cancel.is_cancelled() { Exit::Interrupted } else { Exit::Done })
}

fn read_all(tree: &FileTree, index: &index::Index, cancel: &CancellationToken) -> Result<Learned, Failure> {
    let bar = ProgressBar::new(tree.paths().count() as u64);
    if let Ok(style) = ProgressStyle::with_template("{wide_bar} {pos}/{len} files {eta}") {
        bar.set_style(style);
    }
    let learned = context::learn(tree, index, |done| {
        bar.set_position(done as u64);
        !cancel.is_cancelled()
    });
    bar.finish_and_clear();
    learned.map_err(|error| failed(&error))
}

fn summary(learned: &Learned, took: Duration) -> String {
    let Learned { files, known, read, passed_over, left, .. } = learned;
    let left = if *left > 0 { format!(", {left} left for the next time") } else { String::new() };
    format!(
        "{files} files: {known} known, {read} read in {:.1} s{left}; {passed_over} are never read (links, secrets, \
         lock files, copies, binary files)\n",
        took.as_secs_f64()
    )
}

fn told(kept: &Statistics) -> String {
    format!(
        "{} contents kept, {} of them parsed, {:.1} MiB\n",
        kept.contents,
        kept.parsed,
        kept.size_bytes as f64 / f64::from(1 << 20)
    )
}

fn failed(error: &IndexError) -> Failure {
    Failure::new(Exit::Service, error).hint("a question is answered without an index as well, only slower")
}
