//! The command line as it is written, as far as commands have it in common; no I/O, no defaults that depend on the machine.

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgGroup, Args, Parser, Subcommand};

/// An AI coding bot for CI pipelines: its word counts for nothing, its evidence for everything.
///
/// A person writes a task and reviews the result. In between, Prentice reads the repository, asks a language model for
/// a change, runs the build and the tests before and after it in a sandbox, and puts the change on a branch of its own
/// with a page that proves what it can prove. It never merges, never pushes and never touches your checkout.
#[derive(Debug, Parser)]
#[command(name = "prentice", version, max_term_width = 100, disable_help_subcommand = true, after_help = EXIT_CODES)]
pub(super) struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const EXIT_CODES: &str = "Exit codes: 0 done or nothing to do, 1 no acceptable change, 2 usage or configuration, \
3 outside service, 4 limit reached, 70 bug, 130 interrupted, 143 terminated.\n\nStart with `prentice demo`: it needs no key and no network.";

/// The commands.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Carry a task through the whole line: context, model, edits, checks, branch and review page.
    Run(Box<Run>),
    /// Carry a task up to the bundle: everything before the border, no token of the forge needed.
    Propose(Box<Propose>),
    /// Put a bundle that `propose` made on its branch, with its review page or pull request. Runs no model and no code.
    Publish(Box<super::publish::Publish>),
    /// Read the event that started a CI job and do what it asks, up to an order for `propose`. Runs no model and no code.
    Respond(super::respond::Respond),
    /// Print what the model would be shown for a task, with scores, tokens and reasons.
    Context(super::context::Context),
    /// Read and parse the whole repository once, so that later questions are answered faster.
    Index(super::index::Index),
    /// Fetch, list and remove the files of language models that run inside of Prentice, without a server or a key.
    Model(super::models::Models),
    /// Print the build and test commands that were found, and the files that say so.
    Checks(super::inspect::Checks),
    /// Apply a model's answer to the files of a folder, all of it or nothing. No model is asked.
    Apply(super::apply::Apply),
    /// Print what a person sees of a text, and tell what was hidden in it.
    Visible(super::visible::Visible),
    /// Prove that git, the sandbox, the configuration and the model will work here.
    Doctor(super::doctor::Doctor),
    /// See the whole line at work on a small sample, with a recorded model: no key, no network.
    Demo(super::demo::Demo),
    /// Write the workflow and the configuration for GitHub into this repository, after showing them.
    Init(super::init::Init),
    /// Prove what can be proven of any change between two commits, whoever made it. No model is asked.
    Certify(super::certify::Certify),
    /// Make the evidence of a bundle again and compare. No model is asked.
    Verify(super::verify::Verify),
    /// Take the best of several bundles that attempts at one task made.
    Choose(super::choose::Choose),
    /// Print the JSON Schema of a task file, of the configuration or of a certificate, for editors and programs.
    Schema(super::inspect::Schema),
}

/// Where the repository is.
#[derive(Debug, Args)]
pub(super) struct Place {
    /// A folder in the git repository.
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub repo: PathBuf,
}

/// Which model answers.
#[derive(Debug, Args)]
pub(super) struct ModelFlags {
    /// The model's name as its endpoint knows it; several, with commas or each with `--model`, are a ladder from small to
    /// strong: the next is asked when the evidence says no to the one before [env: PRENTICE_MODEL].
    #[arg(long, value_name = "NAME")]
    pub model: Vec<String>,
    /// An OpenAI-compatible endpoint, up to and including `/v1` [env: PRENTICE_BASE_URL; the key: PRENTICE_API_KEY].
    #[arg(long, value_name = "URL")]
    pub base_url: Option<String>,
}

/// `prentice run`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  prentice run task.yml
  prentice run \"Fix the off-by-one in the pager\" --check \"cargo test -p pager\"
  echo \"Fix the failing test\" | prentice run -
  prentice run task.yml --dry-run --json

A task file:
  title: Fix the off-by-one in the pager
  description: |
    `pages(10, 10)` gives 2, it must give 1.
  acceptance: [a test shows it]
  files: ['src/pager*.rs']")]
pub(super) struct Run {
    /// A YAML file (`.yml`, `.yaml`), `-` for standard input, or the task as plain text.
    pub task: String,
    /// Stop before publishing; the bundle says what would be published.
    #[arg(long)]
    pub dry_run: bool,
    #[command(flatten)]
    pub line: Line,
}

/// `prentice propose`.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("wanted").required(true).args(["task", "order"])))]
#[command(after_help = "Examples:
  prentice propose task.yml --out bundle
  prentice propose --order order.json --out bundle --json     (in CI: what `respond` wrote)
  prentice publish bundle --digest DIGEST                     (afterwards, where the write token is)")]
pub(super) struct Propose {
    /// A YAML file (`.yml`, `.yaml`), `-` for standard input, or the task as plain text.
    pub task: Option<String>,
    /// What `respond` wrote: a task of the forge, with what shall be done with it.
    #[arg(long, value_name = "FILE")]
    pub order: Option<PathBuf>,
    /// The digest that the order must have, as `respond` gave it.
    #[arg(long, value_name = "SHA256", requires = "order")]
    pub order_digest: Option<String>,
    /// Where to put the bundle; what is there is replaced [default: below the git folder].
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    #[command(flatten)]
    pub line: Line,
}

/// What `run` and `propose` have in common.
#[derive(Debug, Args)]
pub(super) struct Line {
    #[command(flatten)]
    pub place: Place,
    #[command(flatten)]
    pub model: ModelFlags,
    /// The commit to start from.
    #[arg(long, value_name = "REVISION", default_value = "HEAD")]
    pub base: String,
    /// A command that decides, in the place of the detected ones; may be given several times.
    #[arg(long = "check", value_name = "COMMAND")]
    pub checks: Vec<String>,
    /// Independent proposals, each a new conversation (1 to 10).
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=10))]
    pub attempts: Option<u64>,
    /// Make only this one of them, from 1: each can run on a machine of its own, `choose` takes the best.
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u32).range(1..=10))]
    pub attempt: Option<u32>,
    /// Calls of the model in one attempt, all steps together (1 to 300) [default: 30].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=300))]
    pub rounds: Option<u64>,
    /// Tokens read and written, all calls together.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub max_tokens: Option<u64>,
    /// US dollars, all calls together.
    #[arg(long, value_name = "USD", value_parser = parse_dollars)]
    pub max_cost: Option<f64>,
    /// Wall time of the whole run, such as `20m`.
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    pub max_time: Option<Duration>,
    /// Fetch no dependencies before the checks; what the checkout has is used all the same.
    #[arg(long)]
    pub no_setup: bool,
    /// Run the repository's commands without walls, as you, with the network and all your files.
    #[arg(long)]
    pub no_sandbox: bool,
    /// Ask the model again even where an earlier run of this task has the answer.
    #[arg(long)]
    pub fresh: bool,
    /// Record the conversation with the model in FILE.
    #[arg(long, value_name = "FILE", conflicts_with = "replay")]
    pub record: Option<PathBuf>,
    /// Answer from a recording instead of a model.
    #[arg(long, value_name = "FILE")]
    pub replay: Option<PathBuf>,
    /// Print one JSON object on standard output.
    #[arg(long)]
    pub json: bool,
}

pub(super) fn parse_time(text: &str) -> Result<Duration, String> {
    match humantime::parse_duration(text) {
        Ok(time) if time > Duration::ZERO => Ok(time),
        _ => Err("write `90s`, `20m` or `1h 30m`".to_owned()),
    }
}

fn parse_dollars(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|amount: &f64| amount.is_finite() && *amount >= 0.0)
        .ok_or("a number from 0 is wanted".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_definition_is_sound() {
        Arguments::command().debug_assert();
    }
}
