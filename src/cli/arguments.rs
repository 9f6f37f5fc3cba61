//! The command line as it is written; no I/O, no defaults that depend on the machine.

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgGroup, Args, Parser, Subcommand, ValueEnum};

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
    Publish(Box<Publish>),
    /// Read the event that started a CI job and do what it asks, up to an order for `propose`. Runs no model and no code.
    Respond(super::respond::Respond),
    /// Print what the model would be shown for a task, with scores, tokens and reasons.
    Context(Context),
    /// Read and parse the whole repository once, so that later questions are answered faster.
    Index(super::index::Index),
    /// Fetch, list and remove the files of language models that run inside of Prentice, without a server or a key.
    Model(super::models::Models),
    /// Print the build and test commands that were found, and the files that say so.
    Checks(Checks),
    /// Apply a model's answer to the files of a folder, all of it or nothing. No model is asked.
    Apply(super::apply::Apply),
    /// Print what a person sees of a text, and tell what was hidden in it.
    Visible(Visible),
    /// Prove that git, the sandbox, the configuration and the model will work here.
    Doctor(Doctor),
    /// See the whole line at work on a small sample, with a recorded model: no key, no network.
    Demo(Demo),
    /// Write the workflow and the configuration for GitHub into this repository, after showing them.
    Init(super::init::Init),
    /// Prove what can be proven of any change between two commits, whoever made it. No model is asked.
    Certify(super::certify::Certify),
    /// Make the evidence of a bundle again and compare. No model is asked.
    Verify(super::verify::Verify),
    /// Take the best of several bundles that attempts at one task made.
    Choose(super::choose::Choose),
    /// Print the JSON Schema of a task file, of the configuration or of a certificate, for editors and programs.
    Schema(Schema),
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
    /// The model's name as its endpoint knows it; given several times, a ladder from small to strong: the next is asked when
    /// the evidence says no to the one before [env: PRENTICE_MODEL, with commas].
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

/// `prentice publish`.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("what").required(true).multiple(true).args(["bundle", "order"])))]
#[command(after_help = "Examples:
  prentice publish bundle --digest DIGEST            a branch and a review page in this clone
  prentice publish bundle --digest DIGEST --github   a branch and a draft pull request on GitHub
  prentice publish --order order.json --github       what needs no bundle (undo), or tells that there is none

With --github nothing is checked out: everything goes over GitHub's API, to the repository in GITHUB_REPOSITORY with
the token in GITHUB_TOKEN (contents, issues and pull requests: write). The branch is `prentice/NAME`; a commit of
somebody else on it is never overwritten, and a closed pull request stays closed. Running it again goes on where it
stopped.

Outputs (GITHUB_OUTPUT): outcome, branch, pull-request, pull-request-url.")]
pub(super) struct Publish {
    /// The bundle's folder.
    pub bundle: Option<PathBuf>,
    #[command(flatten)]
    pub place: Place,
    /// The digest that the bundle must have, as `run` and `propose` print it.
    #[arg(long, value_name = "SHA256", requires = "bundle")]
    pub digest: Option<String>,
    /// Publish to GitHub instead of this clone; needs --digest.
    #[arg(long)]
    pub github: bool,
    /// What `respond` wrote; without a bundle it is carried out or told to have failed.
    #[arg(long, value_name = "FILE", requires = "github")]
    pub order: Option<PathBuf>,
    /// The digest that the order must have, the one in the bundle too.
    #[arg(long, value_name = "SHA256", requires = "github")]
    pub order_digest: Option<String>,
    /// Print one JSON object on standard output.
    #[arg(long)]
    pub json: bool,
}

/// `prentice context`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  prentice context 'smart case is applied to the whole pattern'
  prentice context --file issue.md --tokens 8192 --json
  prentice context --file issue.md --explain src/parser.rs       what speaks for this file, and how much
  prentice context --base v2.0 'panic in the parser'             the files and the history of a commit

No index and no model is needed: every file is read once. What is found out is kept in the repository's git folder and makes
the next question faster (`prentice index` finds out everything at once). Where the folder is the top of a checkout, the
messages of the last 1,000 commits help to find what the task is about; a shallow clone has fewer.")]
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

/// `prentice checks`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  prentice checks
  prentice checks --explain            also what would be installed, how reports are read, whether programs are here
  prentice checks --base main~3 --json")]
pub(super) struct Checks {
    #[command(flatten)]
    pub place: Place,
    /// The commit whose files say what is run.
    #[arg(long, value_name = "REVISION", default_value = "HEAD")]
    pub base: String,
    /// Say also what would be installed before, how the tests' report is read and whether the programs are here.
    #[arg(long)]
    pub explain: bool,
    /// Print one JSON array.
    #[arg(long)]
    pub json: bool,
}

/// `prentice visible`.
#[derive(Debug, Args)]
#[command(
    after_help = "What is seen goes to standard output, what was hidden is told on standard error by channel: comments,
unused link definitions, titles, texts in the place of pictures, attributes, elements that are not shown,
characters that show nothing. What is collapsed stays and is marked. This is how the model is shown issues
and comments.

Examples:
  prentice visible issue.md
  gh issue view 7 --json body --jq .body | prentice visible -
  prentice visible --json comment.md | jq .removed
  git log -1 --format=%s | prentice visible --line -"
)]
pub(super) struct Visible {
    /// A file, or `-` for standard input.
    pub file: String,
    /// It is one line without markup, such as a title or a file name: what cannot be seen is written out.
    #[arg(long, conflicts_with = "code")]
    pub line: bool,
    /// It is code or other text without markup: only characters that show nothing go.
    #[arg(long)]
    pub code: bool,
    /// Print one JSON object with `text`, `removed` and `truncated_bytes`.
    #[arg(long)]
    pub json: bool,
}

/// `prentice doctor`.
#[derive(Debug, Args)]
pub(super) struct Doctor {
    #[command(flatten)]
    pub place: Place,
    #[command(flatten)]
    pub model: ModelFlags,
    /// Send a few short requests to each model, and try what its endpoint supports; it may cost a cent.
    #[arg(long)]
    pub online: bool,
    /// Print one JSON array.
    #[arg(long)]
    pub json: bool,
}

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

/// `prentice schema`.
#[derive(Debug, Args)]
pub(super) struct Schema {
    /// Which one.
    #[arg(value_enum)]
    pub what: SchemaKind,
}

/// What a schema can be printed of.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum SchemaKind {
    /// Task files.
    Task,
    /// `.prentice.yml`.
    Config,
    /// What `certify --json` prints.
    Certificate,
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
