//! `prentice init`: shows what it would write, asks, writes.

use std::collections::BTreeSet;
use std::io::{BufRead, IsTerminal};

use clap::{Args, ValueEnum};

use super::arguments::Place;
use super::failure::{Exit, Failure};
use super::output::{print, tell};
use crate::catalogue::catalogue;
use crate::init::{self, ActionPin, InitError, LABEL, Options, State, Trigger};
use crate::llm::EMBEDDED;
use crate::repo::Repository;

/// The action that a released program belongs to, as OWNER/NAME@COMMIT; the release workflow sets it at build time.
const OWN_ACTION: Option<&str> = option_env!("PRENTICE_ACTION");

/// Attempts of `--for attempts`.
const ATTEMPTS: u32 = 3;

/// `prentice init`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  prentice init                              label an issue, or write `/prentice fix` in a comment
  prentice init --for schedule,dispatch      task files instead of issues
  prentice init --for comments,attempts      three proposals side by side, the best one is published
  prentice init --fork-safe                  for a public repository
  prentice init --model embedded             without any key: a small model runs on the runner itself")]
pub(super) struct Init {
    #[command(flatten)]
    pub place: Place,
    /// What starts a run, with commas; `attempts` makes three proposals and publishes the best.
    #[arg(long = "for", value_name = "WHAT", value_enum, value_delimiter = ',', default_value = "label,comments")]
    pub wanted: Vec<Wanted>,
    /// Leave out events that run in the context of a fork: review comments then wait for `/prentice address`.
    #[arg(long)]
    pub fork_safe: bool,
    /// A model that runs inside the program, so that no key is needed: `embedded`, or `embedded:NAME` of `prentice model list`
    /// [default: the repository's variables and secret name an endpoint].
    #[arg(long, value_name = "MODEL")]
    pub model: Option<String>,
    /// The action to use, as OWNER/NAME@COMMIT [default: the one that this program was released with].
    #[arg(long, value_name = "ACTION")]
    pub action: Option<String>,
    /// A workflow whose failure starts a run, with `--for failed-ci` [default: those that run on a push].
    #[arg(long, value_name = "NAME")]
    pub watch: Vec<String>,
    /// Only show what would be written.
    #[arg(long, conflicts_with = "yes")]
    pub dry_run: bool,
    /// Write without asking.
    #[arg(long, short)]
    pub yes: bool,
    /// Write over a workflow that was changed by hand.
    #[arg(long)]
    pub force: bool,
}

/// What starts a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Wanted {
    /// The label `prentice` on an issue.
    Label,
    /// `/prentice ...` in comments and reviews.
    Comments,
    /// A time table over the task files of .prentice/tasks.
    Schedule,
    /// A person or program that names a task.
    Dispatch,
    /// A failed workflow on the default branch.
    FailedCi,
    /// Three proposals, of which the best is published.
    Attempts,
}

/// Carries out `prentice init`.
pub(super) fn init(flags: &Init) -> Result<Exit, Failure> {
    let repository = Repository::discover(&flags.place.repo)?;
    let root = repository.checkout().ok_or_else(|| Failure::new(Exit::Usage, "a bare repository has no work tree"))?;
    let watch = if flags.watch.is_empty() { init::workflows_on_push(root) } else { flags.watch.clone() };
    let (triggers, attempts) = triggers(&flags.wanted);
    let inside = flags.model.as_deref().map(inside).transpose()?;
    let options = Options { triggers, attempts, fork_safe: flags.fork_safe, action: action(flags)?, inside, watch };
    let files = init::plan(root, &options)?;
    let difference = init::difference(&files);
    if difference.is_empty() {
        tell("Nothing to do: workflow and configuration are as they shall be.");
        return Ok(Exit::Done);
    }
    print(&difference);
    if flags.dry_run {
        tell("Nothing was written (--dry-run).");
        return Ok(Exit::Done);
    }
    if let Some(file) = files.iter().find(|file| file.state == State::Edited && !flags.force) {
        return Err(InitError::Edited(file.path).into());
    }
    if !flags.yes && !confirmed()? {
        tell("Nothing was written.");
        return Ok(Exit::Done);
    }
    init::write(root, &files, flags.force)?;
    for file in files.iter().filter(|file| file.state != State::Same) {
        tell(&format!("wrote   {}", file.path));
    }
    tell(&next_steps(&options));
    Ok(Exit::Done)
}

fn triggers(wanted: &[Wanted]) -> (BTreeSet<Trigger>, u32) {
    let trigger = |wanted: &Wanted| match wanted {
        Wanted::Label => Some(Trigger::Label),
        Wanted::Comments => Some(Trigger::Comments),
        Wanted::Schedule => Some(Trigger::Schedule),
        Wanted::Dispatch => Some(Trigger::Dispatch),
        Wanted::FailedCi => Some(Trigger::FailedCi),
        Wanted::Attempts => None,
    };
    let mut triggers: BTreeSet<Trigger> = wanted.iter().filter_map(trigger).collect();
    if triggers.is_empty() {
        triggers.extend([Trigger::Label, Trigger::Comments]);
    }
    (triggers, if wanted.contains(&Wanted::Attempts) { ATTEMPTS } else { 1 })
}

fn action(flags: &Init) -> Result<ActionPin, Failure> {
    match (&flags.action, OWN_ACTION) {
        (Some(given), _) => Ok(ActionPin::parse(given, None)?),
        (None, Some(own)) => Ok(ActionPin::parse(own, Some(env!("CARGO_PKG_VERSION")))?),
        (None, None) => {
            Err(Failure::new(Exit::Usage, "this program was not built by a release, so it knows no action")
                .hint("name one with --action OWNER/NAME@COMMIT, with all 40 digits of the commit"))
        }
    }
}

/// Reads `embedded`, which is the first of the catalogue, or `embedded:NAME`; a runner can fetch no other file.
fn inside(model: &str) -> Result<String, Failure> {
    let name = match model.strip_prefix(EMBEDDED) {
        Some("") => catalogue().first().map_or("", |entry| entry.name.as_str()),
        Some(rest) => rest.strip_prefix(':').unwrap_or_default(),
        None => "",
    };
    if catalogue().iter().any(|entry| entry.name == name) {
        return Ok(name.to_owned());
    }
    let names: Vec<String> = catalogue().iter().map(|entry| format!("{EMBEDDED}:{}", entry.name)).collect();
    let wanted = format!("{EMBEDDED}, {}", names.join(", "));
    Err(Failure::new(Exit::Usage, format!("--model {model}: a runner can fetch {wanted}"))
        .hint("the model of an endpoint is named by the repository's variables PRENTICE_MODEL and PRENTICE_BASE_URL"))
}

/// Asks on the terminal; without one, no answer is not a yes.
fn confirmed() -> Result<bool, Failure> {
    if !std::io::stdin().is_terminal() {
        return Err(Failure::new(Exit::Usage, "nothing was written: nobody is there to ask")
            .hint("--yes writes without asking"));
    }
    tell("Write this? [y/N]");
    let mut answer = String::new();
    let read = std::io::stdin().lock().read_line(&mut answer);
    read.map_err(|error| Failure::new(Exit::Usage, format!("the terminal: {error}")))?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

fn next_steps(options: &Options) -> String {
    let second = match &options.inside {
        None => {
            "Settings > Secrets and variables > Actions: the secret PRENTICE_API_KEY, and the variables\n     PRENTICE_MODEL \
             and PRENTICE_BASE_URL."
                .to_owned()
        }
        Some(name) => {
            format!("No key is needed: the first run fetches {name}, and a cache keeps it. Small models do small tasks.")
        }
    };
    let mut text = format!(
        "\nNext:\n  1. Look through .prentice.yml, commit both files and push them to the default branch.\n  \
                    2. {second}\n  \
                    3. Settings > Actions > General: allow Actions to create pull requests. Pull requests made with the\n     \
                    job's own token start no workflows; a token of a GitHub App or person in the secret PRENTICE_TOKEN does."
    );
    if options.triggers.contains(&Trigger::Label) {
        text += &format!(
            "\n  4. The label `{LABEL}` is made at its first use, or now: gh label create {LABEL} --description \"Prentice \
             shall propose a change\""
        );
    }
    text
}

impl From<InitError> for Failure {
    fn from(error: InitError) -> Self {
        let failure = Self::new(Exit::Usage, &error);
        match error {
            InitError::Edited(_) => {
                failure.hint("--force writes over it; the difference above shows what would be lost")
            }
            InitError::NothingToWatch => failure.hint("name the workflows with --watch NAME"),
            InitError::Template(_) => Self { exit: Exit::Bug, ..failure },
            InitError::Io { .. } => Self { exit: Exit::Service, ..failure },
            InitError::Action(_) | InitError::Link(_) => failure,
        }
    }
}
