//! `prentice context`: what the model would be shown, and why.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use serde::Serialize;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::arguments::Place;
use super::failure::{Exit, Failure};
use super::inspect::work_tree;
use super::model;
use super::output::{in_a_line, print, print_json, safe, tell};
use super::setup;
use crate::clock::{Clock, SystemClock};
use crate::config::{Environment, Layer};
use crate::context::{self, Excerpt, Found, Query, Ranked, Settings, Signature};
use crate::index::{DEFAULT_LIMIT_BYTES, Index};
use crate::llm::LlmError;
use crate::pipeline::{self, SimilarError};
use crate::repo::{CommitId, FileTree, RepoPath, Repository};
use crate::task::{self, Task};

/// `prentice context`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  prentice context 'smart case is applied to the whole pattern'
  prentice context --file issue.md --tokens 8192 --json
  prentice context --file issue.md --explain src/parser.rs       what speaks for this file, and how much
  prentice context --base v2.0 'panic in the parser'             the files and the history of a commit

No index and no model is needed: every file is read once. What is found out is kept in the repository's git folder and makes
the next question faster (`prentice index` finds out everything at once). Where the folder is the top of a checkout, the
messages of the last 1,000 commits help to find what the task is about; a shallow clone has fewer. The 32 best files are cut
into excerpts; of what these do not show, the outline has the lines in which the definitions begin that fit best. Secrets, and what
no person reads, are listed and not shown.")]
pub(super) struct Context {
    /// The task as plain text.
    #[arg(required_unless_present = "file", conflicts_with = "file")]
    pub text: Option<String>,
    /// A file with the task: YAML or plain text.
    #[arg(long, value_name = "FILE")]
    pub file: Option<PathBuf>,
    #[command(flatten)]
    pub place: Place,
    /// Look at the files of a commit instead of those that lie in the folder.
    #[arg(long, value_name = "REVISION")]
    pub base: Option<String>,
    /// The budget in tokens.
    #[arg(long, value_name = "N", default_value_t = 4096, value_parser = clap::value_parser!(u64).range(64..))]
    pub tokens: u64,
    /// Read every file, and neither use nor keep what is known of the repository (see `prentice index`).
    #[arg(long)]
    pub no_index: bool,
    /// Say why a file stands where it stands in the ranking, instead of showing excerpts.
    #[arg(long, value_name = "PATH", conflicts_with = "json")]
    pub explain: Option<String>,
    /// Print one JSON object: files ranked with what speaks for each, excerpts with their text, timings.
    #[arg(long)]
    pub json: bool,
}

/// Files told of the ranking, in the table and in JSON.
const RANKED_IN_TABLE: usize = 10;
const RANKED_IN_JSON: usize = 100;

/// How long the parts of a search took, in milliseconds.
#[derive(Clone, Copy, Debug, Serialize)]
struct Timings {
    /// Listing the files.
    list: u64,
    /// Reading earlier commits.
    history: u64,
    /// Asking an embedding model, where the settings name one.
    compare: u64,
    /// Reading, ranking and cutting.
    search: u64,
}

/// Prints what the model would be shown.
pub(super) async fn context(
    flags: Context,
    environment: Environment,
    cancel: &CancellationToken,
) -> Result<Exit, Failure> {
    let cancelled = cancel.clone();
    // Reading keeps a thread busy; signals are heard on another.
    let answered = tokio::spawn(async move { answer(&flags, &environment, &cancelled).await });
    tokio::select! {
        biased;
        () = cancel.cancelled() => Ok(Exit::Interrupted),
        done = answered => done.map_err(|error| Failure::new(Exit::Bug, error))?,
    }
}

async fn answer(flags: &Context, environment: &Environment, cancel: &CancellationToken) -> Result<Exit, Failure> {
    let task = task(flags)?;
    let clock = SystemClock::start();
    let place = &flags.place.repo;
    let committed = flags.base.as_ref().map(|base| setup::open(place, base)).transpose()?;
    let (tree, repository, head) = match committed {
        Some((repository, base, tree)) => (tree, Some(repository), Some(base)),
        None => checked_out(place)?,
    };
    // Without an index everything is read: only slower.
    let index = repository.as_ref().filter(|_| !flags.no_index);
    let index = index.and_then(|repository| Index::open(&repository.index_folder(), DEFAULT_LIMIT_BYTES).ok());
    let listed = clock.elapsed();
    let history = repository.zip(head).map(|(repository, head)| context::recall(&repository, &head, index.as_ref()));
    let history = history.unwrap_or_default().into();
    let recalled = clock.elapsed();
    let config = setup::layers(&tree, environment, Layer::default())?.resolve(Some(&task));
    let knowledge = config.knowledge.value.clone();
    let (text, further, files) = (task.story(), task.conditions(), task.files.clone());
    let mut query = Query { text, further, files, history, knowledge, ..Query::default() };
    let say: Arc<dyn Fn(&str) + Send + Sync> = Arc::new(tell);
    if let Some(embedder) = model::embedder(&config, environment, &say)? {
        match pipeline::compare(&tree, &query, index.as_ref(), &embedder, cancel).await {
            Ok(compared) => {
                tell(&compared.told(embedder.model().name()));
                query.similar = compared.similar;
            }
            Err(SimilarError::Model(LlmError::Cancelled)) => return Ok(Exit::Interrupted),
            Err(error) => tell(&error.told()),
        }
    }
    let compared = clock.elapsed();
    let budget_tokens = usize::try_from(flags.tokens).unwrap_or(usize::MAX);
    let settings = Settings { budget_tokens, ..Settings::default() };
    let found = context::search(&tree, &query, &settings, index.as_ref())?;
    let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    let timings = Timings {
        list: millis(listed),
        history: millis(recalled - listed),
        compare: millis(compared - recalled),
        search: millis(clock.elapsed() - compared),
    };
    match &flags.explain {
        Some(path) => print(&explanation(&found, &tree, path)?),
        None if flags.json => print_json(&document(&found, tree.skipped(), timings)),
        None => print(&table(&found, tree.skipped())),
    }
    Ok(Exit::Done)
}

/// Tells what speaks for one file.
fn explanation(found: &Found, tree: &FileTree, path: &str) -> Result<String, Failure> {
    let named = RepoPath::of_existing(path.trim_start_matches("./"))
        .map_err(|error| Failure::new(Exit::Usage, format!("--explain: {error}")))?;
    let Some(rank) = found.ranking.iter().position(|file| file.path == named) else {
        if !tree.contains(&named) {
            let end = format!("/{named}");
            let near: Vec<&str> =
                tree.paths().map(RepoPath::as_str).filter(|path| path.ends_with(&end)).take(3).collect();
            let failure = Failure::new(Exit::Usage, format!("--explain: there is no file {}", safe(path)));
            return Err(match near.as_slice() {
                [] => failure,
                near => failure.hint(format!("{} is one: paths are those from the top", in_a_line(&near.join(", ")))),
            });
        }
        let why = match context::why_withheld(tree, &named) {
            Some(reason) => format!("it is never shown: {reason}"),
            None => "nothing in the task points at it".to_owned(),
        };
        return Ok(format!("{} is not among the {} ranked files: {why}\n", safe(path), found.ranking.len()));
    };
    let file = &found.ranking[rank];
    let mut text = format!("{}: rank {} of {}", safe(path), rank + 1, found.ranking.len());
    text += if file.hinted { ", hinted at by a person\n" } else { "\n" };
    text += &format!("\n{:<14} {:>6} {:>7}\n", "signal", "share", "points");
    let mut signals: Vec<_> = file.signals.iter().collect();
    signals.sort_by(|a, b| b.1.points.total_cmp(&a.1.points));
    for (name, says) in signals {
        text += &format!("{name:<14} {:>6.2} {:>7.2}\n", says.share, says.points);
    }
    if file.kind_factor < 1.0 {
        text += &format!("{:<21} x{:>6.2}   tests, documents and data count less\n", "kind of file", file.kind_factor);
    }
    text += &format!("{:<21} {:>7.2}\n", "score", file.score);
    let shown: Vec<String> = found
        .context
        .excerpts
        .iter()
        .filter(|excerpt| excerpt.path == named)
        .map(|excerpt| format!("{}-{}", excerpt.lines.start(), excerpt.lines.end()))
        .collect();
    let outlined = found.context.outline.iter().filter(|signature| signature.path == named).count();
    text += &match (shown.is_empty(), context::why_withheld(tree, &named)) {
        (false, _) => format!("\nShown: lines {}\n", shown.join(", ")),
        (true, Some(reason)) => format!("\nIt is not shown: {reason}\n"),
        (true, None) if outlined > 0 => "\nNo piece of it fits the budget beside better files.\n".to_owned(),
        (true, None) => "\nNo line of it fits the budget beside better files.\n".to_owned(),
    };
    if outlined > 0 {
        text += &format!("In the outline: {}, each by the line in which it begins\n", definitions(outlined));
    }
    Ok(text)
}

fn definitions(number: usize) -> String {
    format!("{number} definition{}", if number == 1 { "" } else { "s" })
}

/// Takes a file for YAML only when its name says so or it can be read as such: issues may begin with `---` or `title:`.
fn task(flags: &Context) -> Result<Task, Failure> {
    match (&flags.text, &flags.file) {
        (_, Some(file)) => {
            let is_yaml = file.extension().is_some_and(|extension| extension == "yml" || extension == "yaml");
            let plain = || task::parse_plain(&std::fs::read_to_string(file).ok()?, task::Origin::CommandLine).ok();
            setup::read_task_file(file).or_else(|failure| plain().filter(|_| !is_yaml).ok_or(failure))
        }
        (Some(text), None) => Ok(task::parse_plain(text, task::Origin::CommandLine)?),
        (None, None) => Err(Failure::new(Exit::Usage, "a text or --file is wanted")),
    }
}

type CheckedOut = (FileTree, Option<Repository>, Option<CommitId>);

/// Lists the files of a folder, with the repository around it; and the commit that it is the checkout of, if it is the top
/// of one. Of a folder in a checkout the whole checkout is listed, as a run would.
pub(super) fn checked_out(folder: &Path) -> Result<CheckedOut, Failure> {
    let repository = Repository::discover(folder).ok();
    let top = repository.as_ref().and_then(|repository| repository.top_of(folder));
    let folder = top.as_deref().unwrap_or(folder);
    if top.is_some() {
        tell(&format!("The folder is part of a repository: all of {} is looked at.", folder.display()));
    }
    let mut tree = work_tree(folder)?;
    if let Some(repository) = &repository {
        tree.know_checkout(repository);
    }
    let head = repository.as_ref().and_then(|repository| {
        let is_top = folder.canonicalize().ok()? == repository.checkout()?.canonicalize().ok()?;
        repository.resolve("HEAD").ok().filter(|_| is_top)
    });
    Ok((tree, repository, head))
}

fn document(found: &Found, skipped: usize, timings: Timings) -> serde_json::Value {
    let context = &found.context;
    let excerpt = |excerpt: &Excerpt| {
        json!({
            "path": excerpt.path,
            "start": excerpt.lines.start(),
            "end": excerpt.lines.end(),
            "whole_file": excerpt.whole_file,
            "outline": false,
            "tokens": excerpt.tokens,
            "score": excerpt.score,
            "reason": excerpt.reason,
            "text": excerpt.text,
        })
    };
    let signature = |signature: &Signature| {
        json!({
            "path": signature.path,
            "start": signature.lines.start(),
            "end": signature.lines.end(),
            "whole_file": false,
            "outline": true,
            "tokens": signature.tokens,
            "score": signature.score,
            "reason": "a definition that is not shown begins here",
            "text": signature.text,
        })
    };
    let excerpts = context.excerpts.iter().map(excerpt).chain(context.outline.iter().map(signature));
    json!({
        "ranked": found.ranking.iter().take(RANKED_IN_JSON).collect::<Vec<&Ranked>>(),
        "ranked_files": found.ranking.len(),
        "excerpts": excerpts.collect::<Vec<_>>(),
        "map": context.map,
        "commits": context.commits,
        "instructions": context.instructions,
        "withheld": context.withheld,
        "withheld_files": context.withheld_files,
        "skipped": skipped,
        "tokens": context.tokens,
        "budget_tokens": context.budget_tokens,
        "files": context.files,
        "timings_ms": timings,
    })
}

fn table(found: &Found, skipped: usize) -> String {
    let context = &found.context;
    if context.files == 0 {
        return "There is no file here that the ignore rules (.gitignore, .ignore) let through.\n".to_owned();
    }
    let mut text = format!(
        "{} files read, {} of {} tokens used\n\n{:>4} {:>8} {:>6}  place and reason\n",
        context.files, context.tokens, context.budget_tokens, "rank", "score", "tokens"
    );
    for (rank, excerpt) in context.excerpts.iter().enumerate() {
        let (rank, lines) = (rank + 1, format!("{}-{}", excerpt.lines.start(), excerpt.lines.end()));
        let line = format!("{rank:>4} {:>8.2} {:>6}  {}:{lines}", excerpt.score, excerpt.tokens, excerpt.path);
        text += &format!("{}\n{:>20}  {}\n", in_a_line(&line), "", in_a_line(&excerpt.reason));
    }
    for of_file in context.outline.chunk_by(|a, b| a.path == b.path) {
        let (path, number) = (in_a_line(of_file[0].path.as_str()), of_file.len());
        text += &format!("outline: {path}: {} more, each by the line in which it begins\n", definitions(number));
    }
    for file in &context.instructions {
        text += &format!("instructions: {}{}\n", in_a_line(file.path.as_str()), if file.cut { " (cut)" } else { "" });
    }
    for line in &context.commits {
        text += &format!("earlier commit: {}\n", safe(line));
    }
    if !context.withheld.is_empty() {
        text += "\nnot shown:\n";
        for file in &context.withheld {
            text += &format!("  {}: {}\n", in_a_line(file.path.as_str()), safe(&file.reason));
        }
        match context.withheld_files.saturating_sub(context.withheld.len()) {
            0 => {}
            more => text += &format!("  and {more} more\n"),
        }
    }
    if skipped > 0 {
        text += &format!(
            "\n{skipped} places are left out: submodules of a commit, names that are no text, rules of what to ignore that cannot \
             be read, what may not be opened\n"
        );
    }
    let left_out = |file: &&Ranked| {
        let is_outlined = context.outline.iter().any(|signature| signature.path == file.path);
        !is_outlined && context.excerpts.iter().all(|excerpt| excerpt.path != file.path)
    };
    let next: Vec<String> =
        found.ranking.iter().filter(left_out).take(RANKED_IN_TABLE).map(|file| in_a_line(file.path.as_str())).collect();
    if !next.is_empty() {
        text += &format!("\nnext in rank, not shown:\n  {}\n", next.join("\n  "));
    }
    text
}
