//! The whole line, task to publication: the only module that knows all the stages.
//!
//! It decides the order, the limits, when to stop, and that every ending is written down. How a stage works is the
//! stage's business.

mod attempt;
mod certify;
mod check;
mod ground;
mod observed;
mod prepare;
mod recheck;
mod similar;
mod state;
mod weigh;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use globset::GlobSet;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::bundle::{self, Bundle, BundleError, Ending};
use crate::clock::Clock;
use crate::config::{Config, Touch};
use crate::context::ContextError;
use crate::forge::Forge;
use crate::journal::{Journal, JournalError};
use crate::llm::{Embedder, LanguageModel, Picture, Profile, Retrying};
use crate::policy::{PROTECTED_BY_DEFAULT, PolicyError, PolicySettings, ProtectedPaths, TouchedKind};
use crate::propose::{self, Account, Meter, Pricing, ProposeError};
use crate::publish::{self, PublishError, Published};
use crate::repo::{CommitId, RepoError, Repository};
use crate::sandbox::{Limits, Sandbox, SandboxError};
use crate::task::{Order, Task, Verb};
use crate::verify::VerifyError;

use attempt::{Attempted, Candidate};
pub use certify::{Certificate, certify, replay};
use ground::Ground;
pub use observed::{ObservedModel, ObservedSandbox};
pub use similar::{Compared, SimilarError, compare};
pub use state::{RunState, earlier_replies, remove_leftovers};

/// Tells a person what is going on.
pub trait Progress: Send + Sync {
    /// A step begins.
    fn step(&self, text: &str);
    /// Something is worth knowing within a step.
    fn note(&self, text: &str);
    /// How far a step is; it comes often, and most of it may be left out.
    fn passing(&self, text: &str);
}

/// What the evidence stages need: checks are run here, with or without a model before.
#[derive(Clone, Copy)]
pub struct Bench<'a> {
    /// The repository.
    pub repository: &'a Repository,
    /// The settings.
    pub config: &'a Config,
    /// Runs the repository's commands.
    pub sandbox: &'a dyn Sandbox,
    /// Where work trees are made.
    pub temporary: &'a Path,
    /// The journal.
    pub journal: &'a Journal,
    /// Tells a person what is going on.
    pub progress: &'a dyn Progress,
    /// Ends everything early.
    pub cancel: &'a CancellationToken,
    /// Files that are tests besides those that conventions know.
    pub tests: Option<&'a GlobSet>,
}

/// A model on the ladder.
pub struct Rung {
    /// The model, already journalled, recorded, resumed as the caller wants it.
    pub model: Box<dyn LanguageModel>,
    /// Why this model answers.
    pub why: String,
    /// Tokens of its window.
    pub window_tokens: u64,
    /// What is known of it.
    pub profile: Profile,
    /// What a call costs.
    pub pricing: Pricing,
}

/// What a run works on and may use.
pub struct Job<'a> {
    /// The repository.
    pub repository: &'a Repository,
    /// The commit that the change is made on.
    pub base: CommitId,
    /// The task.
    pub task: &'a Task,
    /// Where the task came from and what shall be done with it; `None` on a person's own machine, where it is a first
    /// proposal.
    pub order: Option<&'a Order>,
    /// The settings.
    pub config: &'a Config,
    /// The models, from the one that is asked first to the one that is asked last; never empty.
    pub rungs: &'a [Rung],
    /// Compares definitions with the task, where the settings name such a model.
    pub embedder: Option<&'a Retrying<Embedder>>,
    /// The one attempt that is wanted, from 1; `None` for all that the settings say.
    pub only_attempt: Option<u32>,
    /// Pictures of the task.
    pub pictures: &'a [Picture],
    /// Counts and limits what the model uses.
    pub meter: &'a Meter,
    /// Runs the repository's commands.
    pub sandbox: &'a dyn Sandbox,
    /// Takes the pull request; `None` stops before publishing.
    pub forge: Option<&'a dyn Forge>,
    /// Where work trees are made.
    pub temporary: PathBuf,
    /// Where the bundle goes.
    pub bundle_folder: PathBuf,
    /// The journal.
    pub journal: &'a Journal,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Tells a person what is going on.
    pub progress: &'a dyn Progress,
    /// Ends everything early.
    pub cancel: &'a CancellationToken,
}

impl Job<'_> {
    fn bench(&self) -> Bench<'_> {
        Bench {
            repository: self.repository,
            config: self.config,
            sandbox: self.sandbox,
            temporary: &self.temporary,
            journal: self.journal,
            progress: self.progress,
            cancel: self.cancel,
            tests: None,
        }
    }

    /// Returns the short name of the task; branch and state folder are called after it.
    pub(crate) fn slug(&self) -> String {
        self.order.map_or_else(|| self.task.slug(), Order::slug)
    }
}

/// What a run came to.
#[derive(Debug)]
pub struct Finished {
    /// The bundle as it was written.
    pub bundle: Bundle,
    /// Where it lies.
    pub folder: PathBuf,
    /// Its digest.
    pub digest: String,
    /// What was published; `None` when nothing was, for the reason in the bundle's ending or by wish.
    pub published: Option<Published>,
}

/// Why a run could not be carried through to a bundle or a publication.
#[derive(Debug, thiserror::Error)]
pub enum PipelineError {
    /// Git or a file.
    #[error(transparent)]
    Repo(#[from] RepoError),
    /// The context could not be gathered.
    #[error(transparent)]
    Context(#[from] ContextError),
    /// The checks could not be found or run.
    #[error(transparent)]
    Verify(#[from] VerifyError),
    /// The settings of policy make no sense.
    #[error(".prentice.yml: {0}")]
    Policy(#[from] PolicyError),
    /// The sandbox failed.
    #[error(transparent)]
    Sandbox(#[from] SandboxError),
    /// The conversation could not be held, for a reason that is a bug.
    #[error(transparent)]
    Propose(ProposeError),
    /// The journal could not be written.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The bundle could not be written.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// The bundle could not be published.
    #[error(transparent)]
    Publish(#[from] PublishError),
    /// Another run works on the same task.
    #[error("another run of this task is under way ({})", .0.display())]
    Busy(PathBuf),
    /// The user ended it before there was anything to keep.
    #[error("cancelled")]
    Cancelled,
    /// Two commits that shall be compared come from different beginnings.
    #[error("{0} and {1} have no commit in common")]
    NothingInCommon(String, String),
}

/// Carries a task through the whole line.
///
/// Every ending that leaves something (success, no acceptable change, limit, failed service, cancellation) is a
/// [`Finished`] with a bundle; an error means that there was nothing to keep.
///
/// # Errors
/// [`PipelineError`].
pub async fn run(job: &Job<'_>) -> Result<Finished, PipelineError> {
    let is_certificate = job.order.is_some_and(|order| order.verb == Verb::Certify);
    let settings = policy_settings(job.config)?;
    let settings = if is_certificate { settings.for_a_person() } else { settings };
    job.journal.record(
        "run_started",
        json!({ "version": env!("CARGO_PKG_VERSION"), "base": job.base, "slug": job.slug(), "task": job.task,
                "verb": job.order.map(|order| order.verb) }),
    )?;
    let (ground, attempted) = match ground::find(job)? {
        Ok(ground) => {
            let attempted = attempt(job, &ground, &settings).await?;
            (Some(ground), attempted)
        }
        Err(why) => (None, Attempted::ended(Ending::NoAcceptableChange(why))),
    };
    let ending = attempted.ending.clone();
    let bundle = assemble(job, ground.as_ref(), attempted)?;
    job.journal.record("run_ended", json!({ "ending": ending, "spent": job.meter.spent() }))?;
    let folder = job.bundle_folder.clone();
    let digest = bundle::write(&bundle, &folder, Some(job.journal.path()))?;
    let published = match (&ending, job.forge) {
        (Ending::Done, Some(forge)) => {
            job.progress.step("Publishing: branch, commit, review page");
            let published = publish::publish(&bundle, job.repository, forge, &settings, job.clock.now()).await?;
            let line = json!({ "branch": published.branch, "commit": published.commit, "moved": published.moved });
            job.journal.record("published", line)?;
            Some(published)
        }
        _ => None,
    };
    Ok(Finished { bundle, folder, digest, published })
}

async fn attempt(job: &Job<'_>, ground: &Ground, settings: &PolicySettings) -> Result<Attempted, PipelineError> {
    let base = ground.tree.without_changes();
    let touched: Vec<_> = ground.tree.changes()?.into_iter().map(|change| change.path).collect();
    let checks = check::find(&job.bench(), &base, &touched).await?;
    let base_run = check::run_base(&job.bench(), &base, &checks).await?;
    let judging = attempt::Judging { checks: &checks, base_run: &base_run, settings };
    match job.order {
        Some(order) if !order.verb.needs_model() => recheck::all(job, &ground.tree, &judging).await,
        _ => attempt::all(job, &ground.tree, &judging).await,
    }
}

fn assemble(job: &Job<'_>, ground: Option<&Ground>, attempted: Attempted) -> Result<Bundle, PipelineError> {
    let (changes, evidence, findings, remarks, described) = match attempted.candidate {
        Some(Candidate { tree, evidence, findings, remarks, described }) => {
            (tree.changes()?, Some(evidence), findings, remarks, described)
        }
        None => (Vec::new(), None, Vec::new(), String::new(), None),
    };
    let rung = &job.rungs[attempted.rung.min(job.rungs.len() - 1)];
    let threads = job.order.map_or(0, |order| order.threads.len());
    let account = Account {
        replies: propose::replies(&remarks, threads),
        model: rung.model.name().to_owned(),
        why: rung.why.clone(),
        answers: attempted.answers,
        attempt: attempted.attempt,
        spent: job.meter.spent(),
        prompts: attempted.prompts,
        remarks,
        described,
        open: attempted.open,
    };
    Ok(Bundle {
        slug: job.slug(),
        task: job.task.clone(),
        base: ground.map_or(&job.base, |ground| &ground.base).clone(),
        parent: ground.map_or(&job.base, |ground| &ground.parent).clone(),
        order: job.order.cloned(),
        changes,
        account,
        evidence,
        findings,
        ending: attempted.ending,
    })
}

/// Returns what policy goes by.
///
/// # Errors
/// [`PolicyError`] for a protected path that is no pattern.
pub fn policy_settings(config: &Config) -> Result<PolicySettings, PolicyError> {
    let patterns = PROTECTED_BY_DEFAULT.iter().copied().chain(config.protected.value.iter().map(String::as_str));
    Ok(PolicySettings {
        max_files: usize::try_from(config.max_files.value).unwrap_or(usize::MAX),
        max_changed_lines: usize::try_from(config.max_changed_lines.value).unwrap_or(usize::MAX),
        protected: ProtectedPaths::parse(patterns)?,
        refused: config.refuse_touched.value.iter().map(|touch| touched_kind(*touch)).collect(),
        ..PolicySettings::default()
    })
}

/// The settings have words of their own, so that they need not know of policy.
fn touched_kind(touch: Touch) -> TouchedKind {
    match touch {
        Touch::TestsDeleted => TouchedKind::TestsDeleted,
        Touch::SkipAdded => TouchedKind::SkipAdded,
        Touch::AssertionsRemoved => TouchedKind::AssertionsRemoved,
        Touch::TestsChanged => TouchedKind::TestsChanged,
        Touch::TestsTurned => TouchedKind::TestsTurned,
        Touch::SnapshotChanged => TouchedKind::SnapshotChanged,
        Touch::TestCommand => TouchedKind::TestCommand,
        Touch::CheckSettings => TouchedKind::CheckSettings,
        Touch::BuildScript => TouchedKind::BuildScript,
    }
}

/// Returns what one command may use.
pub fn command_limits(config: &Config) -> Limits {
    Limits {
        wall: config.command_time.value,
        cpu: config.cpu_time.value,
        memory_bytes: config.memory_mib.value << 20,
        processes: u32::try_from(config.processes.value).unwrap_or(u32::MAX),
        ..Limits::default()
    }
}
