//! `prentice publish`: the far side of the border, alone.

use std::path::{Path, PathBuf};

use clap::{ArgGroup, Args};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::arguments::Place;
use super::ci::Ci;
use super::failure::{Exit, Failure};
use super::forge::{config_of, connect};
use super::output::{print_json, tell};
use super::respond::check_digest;
use super::run::words;
use crate::bundle::{self, Bundle};
use crate::clock::{Clock, SystemClock};
use crate::config::{CONFIG_FILE, ConfigError, Environment, Layer, Layers};
use crate::forge::LocalForge;
use crate::forge::github::GitHub;
use crate::pipeline::{self, PipelineError};
use crate::publish::github::{Job, Shown, carry_out};
use crate::repo::{RepoPath, Repository};
use crate::task::{Order, Verb};

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

/// Checks a bundle and puts it on its branch.
pub(super) async fn publish(
    flags: &Publish,
    environment: &Environment,
    cancel: &CancellationToken,
) -> Result<Exit, Failure> {
    match (&flags.bundle, &flags.order) {
        (Some(folder), _) if flags.github => {
            let digest = flags.digest.as_deref().ok_or_else(|| {
                Failure::new(Exit::Usage, "--github needs --digest: the bundle comes from a job that is not trusted")
                    .hint("`propose` prints it, and gives it as the output `digest`")
            })?;
            let bundle = checked(folder, Some(digest))?;
            to_github(flags, &bundle, digest, environment, cancel).await
        }
        (Some(folder), _) => to_this_clone(flags, &checked(folder, flags.digest.as_deref())?).await,
        (None, Some(file)) => {
            let order = Order::read(file)?;
            check_digest(&order, flags.order_digest.as_deref())?;
            without_bundle(flags, &order, environment, cancel).await
        }
        (None, None) => Err(Failure::new(Exit::Usage, "a bundle or --order is wanted")),
    }
}

/// Reads a bundle, whose digest must be the one that is wanted.
pub(super) fn checked(folder: &Path, wanted: Option<&str>) -> Result<Bundle, Failure> {
    if let Some(wanted) = wanted {
        let found = bundle::digest(folder)?;
        if !found.eq_ignore_ascii_case(wanted) {
            let message = format!("the bundle has the digest {found}, not {wanted}");
            return Err(
                Failure::new(Exit::Usage, message).hint("it was changed after `run` wrote it, or is another one")
            );
        }
    }
    Ok(bundle::read(folder)?)
}

async fn to_this_clone(flags: &Publish, bundle: &Bundle) -> Result<Exit, Failure> {
    let repository = Repository::discover(&flags.place.repo)?;
    let tree = repository.tree(&bundle.base)?;
    let path = RepoPath::parse(CONFIG_FILE).map_err(|error| Failure::new(Exit::Bug, error))?;
    let file = match tree.read_text(&path)? {
        Some(text) => Layer::parse(&text, CONFIG_FILE).map_err(ConfigError::from)?,
        None => Layer::default(),
    };
    let config = Layers { file, ..Layers::default() }.resolve(Some(&bundle.task));
    let settings = pipeline::policy_settings(&config).map_err(PipelineError::from)?;
    let forge = LocalForge::in_folder(repository.state_folder().join("pulls"));
    let now = SystemClock::start().now();
    let published = crate::publish::publish(bundle, &repository, &forge, &settings, now).await?;
    if flags.json {
        print_json(&json!({
            "branch": published.branch,
            "commit": published.commit,
            "moved": published.moved,
            "page": published.placed.page.display().to_string(),
        }));
    } else {
        let state = if published.moved { "" } else { " (unchanged)" };
        tell(&format!("branch  {}{state}\nreview  {}", published.branch, published.placed.page.display()));
    }
    Ok(Exit::Done)
}

async fn to_github(
    flags: &Publish,
    bundle: &Bundle,
    digest: &str,
    environment: &Environment,
    cancel: &CancellationToken,
) -> Result<Exit, Failure> {
    match (&bundle.order, &flags.order_digest) {
        (Some(order), wanted) => check_digest(order, wanted.as_deref())?,
        (None, Some(_)) => return Err(Failure::new(Exit::Usage, "the bundle holds no order, and one is wanted")),
        (None, None) => {}
    }
    let (github, ci) = (connect(environment, cancel)?, Ci::of(environment));
    let default_branch = github.repository().await?.default_branch;
    let base_branch = bundle.order.as_ref().map_or(default_branch.as_str(), |order| order.base_branch.as_str());
    let config = config_of(&github, base_branch, Some(&bundle.task)).await?;
    let policy = pipeline::policy_settings(&config).map_err(PipelineError::from)?;
    let run = ci.run();
    let job = Job {
        bundle,
        digest,
        github: &github,
        policy: &policy,
        default_branch: &default_branch,
        run_url: run.url,
        run_id: Some(run.id).filter(|id| *id != 0),
        label: &config.label.value,
        reviewers: &config.reviewers.value,
        max_open_pulls: config.max_open_pulls.value,
    };
    let outcome = words(&bundle.ending).0;
    match crate::publish::github::publish(&job).await {
        Ok(Some(shown)) => {
            ci.summary(&crate::publish::summary(bundle))?;
            let is_certificate = bundle.order.as_ref().is_some_and(|order| order.verb == Verb::Certify);
            tell_shown(flags, &ci, if is_certificate { "certified" } else { "done" }, &shown, &github)
        }
        Ok(None) => {
            ci.outputs(&[("outcome", outcome)])?;
            tell(&format!("Nothing was published: {}.", outcome.replace('_', " ")));
            Ok(Exit::Done)
        }
        Err(error) => {
            ci.outputs(&[("outcome", "refused")])?;
            ci.annotate("error", "Prentice", &error.to_string());
            Err(Failure::from(error)
                .hint("the bundle is kept as an artifact of the run: `prentice publish` takes it again"))
        }
    }
}

async fn without_bundle(
    flags: &Publish,
    order: &Order,
    environment: &Environment,
    cancel: &CancellationToken,
) -> Result<Exit, Failure> {
    let (github, ci) = (connect(environment, cancel)?, Ci::of(environment));
    let run = ci.run();
    match carry_out(&github, order, run.url, Some(run.id).filter(|id| *id != 0)).await {
        Ok(Some(shown)) => tell_shown(flags, &ci, "done", &shown, &github),
        Ok(None) => {
            ci.outputs(&[("outcome", "no_bundle")])?;
            ci.annotate("error", "Prentice", "the job that should have made the change ended without a bundle");
            tell("There is no bundle; that was told where the change was asked for.");
            Ok(Exit::NotAcceptable)
        }
        Err(error) => {
            ci.outputs(&[("outcome", "refused")])?;
            ci.annotate("error", "Prentice", &error.to_string());
            Err(error.into())
        }
    }
}

fn tell_shown(flags: &Publish, ci: &Ci<'_>, outcome: &str, shown: &Shown, github: &GitHub) -> Result<Exit, Failure> {
    let number = shown.pull.to_string();
    ci.outputs(&[
        ("outcome", outcome),
        ("branch", &shown.branch),
        ("pull-request", &number),
        ("pull-request-url", &shown.url),
    ])?;
    for note in &shown.notes {
        ci.annotate("warning", "Prentice", note);
    }
    if flags.json {
        print_json(&json!({
            "outcome": outcome, "branch": shown.branch, "commit": shown.commit, "moved": shown.moved,
            "pull": shown.pull, "url": shown.url, "notes": shown.notes, "calls": github.calls(),
        }));
        return Ok(Exit::Done);
    }
    let state = if shown.moved { "" } else { " (unchanged)" };
    tell(&format!("branch  {}{state}\npull    #{number} {}", shown.branch, shown.url));
    for note in &shown.notes {
        tell(&format!("note    {note}"));
    }
    tell(&format!("calls   {}", github.calls()));
    Ok(Exit::Done)
}
