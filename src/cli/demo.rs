//! `prentice demo`: the whole line on a sample that the program carries, with a recorded model.

use std::path::{Path, PathBuf};

use clap::Args;
use tokio_util::sync::CancellationToken;

use super::arguments::{Line, ModelFlags, Place};
use super::failure::{Exit, Failure};
use super::output::tell;
use super::run::{self, Request, Wanted};
use crate::bundle::Ending;
use crate::clock::Timestamp;
use crate::config::Environment;
use crate::llm::{EMBEDDED, Replay};
use crate::repo::{CommitDetails, FileChange, RepoPath, Repository, StoredFile};
use crate::task::{self, Origin};

/// `prentice demo`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  prentice demo                                  a recorded conversation; needs nothing but this program, git and cargo
  prentice demo --live                           the model inside: prentice model fetch qwen2.5-coder-1.5b
  prentice demo --live --model qwen3:4b          a model that you have

A live model may fail where the recorded one did not: the sample then ends as a run of yours would, with what it found out.")]
pub(super) struct Demo {
    /// Ask a model instead of replaying a conversation: the one inside this program, unless another is named.
    #[arg(long)]
    pub live: bool,
    /// The model for --live.
    #[arg(long, value_name = "NAME", requires = "live")]
    pub model: Option<String>,
    /// The address of the model for --live, before /chat/completions.
    #[arg(long, value_name = "URL", requires = "live")]
    pub base_url: Option<String>,
    /// Where to make the sample repository; a new folder in the temporary folder by default.
    #[arg(long, value_name = "DIR")]
    pub folder: Option<PathBuf>,
}

const TASK: &str = include_str!("../../demo/sample/task.yml");
/// The conversation, recorded from a real model by `demo/record.sh`.
const SESSION: &str = include_str!("../../demo/session.jsonl");
const FILES: [(&str, &str); 5] = [
    ("Cargo.toml", include_str!("../../demo/sample/Cargo.toml.sample")),
    ("README.md", include_str!("../../demo/sample/README.md")),
    ("src/lib.rs", include_str!("../../demo/sample/src/lib.rs")),
    ("task.yml", TASK),
    (".gitignore", "/target\nCargo.lock\n"),
];
/// The date of the sample's first commit: 2026-01-01T00:00:00Z, so that its id is the same everywhere.
const FIRST_COMMIT: u64 = 1_767_225_600_000;

/// Runs the demonstration.
pub(super) async fn demo(flags: &Demo, environment: &Environment, cancel: &CancellationToken) -> Result<Exit, Failure> {
    let folder = make_folder(flags.folder.as_deref())?;
    make_sample(&folder)?;
    announce(flags, &folder);
    let is_recorded = !flags.live;
    let replay = if flags.live { None } else { Some(Replay::from_text("demo/session.jsonl", SESSION)?) };
    // An address means the server there.
    let inside = flags.base_url.is_none().then(|| EMBEDDED.to_owned());
    let wanted = if flags.live { flags.model.clone().or(inside) } else { None };
    let flags = Line {
        place: Place { repo: folder.clone() },
        model: ModelFlags { model: wanted.into_iter().collect(), base_url: flags.base_url.clone() },
        base: "HEAD".to_owned(),
        checks: Vec::new(),
        attempts: None,
        attempt: None,
        rounds: None,
        max_tokens: None,
        max_cost: None,
        max_time: None,
        no_setup: true,
        no_sandbox: false,
        fresh: true,
        record: None,
        replay: None,
        json: false,
    };
    let request = Request {
        wanted: Wanted::Task(Box::new(task::parse_yaml(TASK, "task.yml", Origin::File("task.yml".to_owned()))?)),
        flags,
        out: None,
        publish: true,
        replay,
        may_lack_walls: true,
    };
    let finished = run::carry_out(request, environment, cancel).await?;
    tell("");
    run::report(&finished);
    let Some(published) = finished.published.filter(|_| finished.bundle.ending == Ending::Done) else {
        if is_recorded {
            tell(
                "\nThe recording fits where the sample's test runs, and that needs cargo: look whether `cargo test` works here.",
            );
        }
        return Ok(run::exit_of(&finished.bundle.ending));
    };
    tell(&format!("\nThe review page: {}\n\nTry next:", published.placed.page.display()));
    tell(&format!("  git -C {} show {}", folder.display(), published.branch));
    tell("  prentice doctor                       # will it work in your repository?");
    tell("  prentice run \"Fix ...\"                # in your repository, with your model");
    Ok(Exit::Done)
}

/// Says what is real in what follows.
fn announce(flags: &Demo, folder: &Path) {
    tell(&format!("A sample repository with a bug and a failing test is in {}", folder.display()));
    if flags.live {
        tell(
            "Everything is real: the model, reading, edits, build and tests before and after, sandbox, commit, review page.",
        );
        if flags.model.is_none() && flags.base_url.is_none() {
            tell("The model inside this program writes a few words a second on two processor cores: a minute or two.");
        }
        tell("");
    } else {
        tell("The model's answers are a recording of a real model (demo/session.jsonl). Everything else is real:");
        tell("reading, edits, build and tests before and after, sandbox, commit, review page.\n");
    }
}

fn make_folder(wanted: Option<&Path>) -> Result<PathBuf, Failure> {
    let fail = |path: &Path, error: std::io::Error| Failure::new(Exit::Usage, format!("{}: {error}", path.display()));
    match wanted {
        None => {
            let made = tempfile::Builder::new().prefix("prentice-demo-").tempdir();
            Ok(made.map_err(|error| fail(&std::env::temp_dir(), error))?.keep())
        }
        Some(folder) => {
            std::fs::create_dir_all(folder).map_err(|error| fail(folder, error))?;
            let mut entries = std::fs::read_dir(folder).map_err(|error| fail(folder, error))?;
            if entries.next().is_some() {
                let message = format!("{} is not empty", folder.display());
                return Err(Failure::new(Exit::Usage, message).hint("name a new folder, or leave --folder out"));
            }
            Ok(folder.to_owned())
        }
    }
}

fn make_sample(folder: &Path) -> Result<(), Failure> {
    let repository = Repository::init(folder)?;
    let mut changes = Vec::new();
    for (name, text) in FILES {
        let path = RepoPath::parse(name).map_err(|error| Failure::new(Exit::Bug, error))?;
        changes.push(FileChange { path, before: None, after: Some(StoredFile::regular(text.as_bytes())) });
    }
    let details = CommitDetails {
        message: "pager: count and cut pages\n".to_owned(),
        name: "Sample".to_owned(),
        email: "sample@prentice.invalid".to_owned(),
        when: Timestamp::from_unix_millis(FIRST_COMMIT),
        parent: None,
    };
    let commit = repository.commit(None, &changes, &details)?;
    Ok(repository.check_out_sample(&commit)?)
}
