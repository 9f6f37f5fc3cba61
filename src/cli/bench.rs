//! The bench that `certify` and `verify` work on: everything that checks need, and no model.

use std::sync::Arc;

use globset::GlobSet;
use tokio_util::sync::CancellationToken;

use super::ci::Ci;
use super::failure::{Exit, Failure};
use super::output::Steps;
use super::run::walls;
use crate::clock::{Clock, SystemClock};
use crate::config::{Config, Environment};
use crate::journal::Journal;
use crate::pipeline::{self, Bench, ObservedSandbox, PipelineError, RunState};
use crate::repo::Repository;
use crate::secret::Redactor;

/// The name of the state folder: certificates of one clone are made one after the other.
const STATE: &str = "certify";

/// What a bench is made of.
pub(super) struct Parts<'a> {
    /// The repository.
    pub(super) repository: &'a Repository,
    /// The settings.
    pub(super) config: &'a Config,
    /// Further files that are tests.
    pub(super) tests: Option<&'a GlobSet>,
    /// The environment of the process.
    pub(super) environment: &'a Environment,
    /// Ends everything early.
    pub(super) cancel: &'a CancellationToken,
}

/// Builds the bench, lets `work` use it, and clears up.
pub(super) async fn on_bench<T>(
    parts: &Parts<'_>,
    work: impl AsyncFnOnce(&Bench<'_>) -> Result<T, PipelineError>,
) -> Result<T, Failure> {
    let steps = Steps::new(Ci::of(parts.environment).is_there());
    let state = RunState::open(&parts.repository.state_folder(), STATE)?;
    let temporary = std::env::temp_dir();
    pipeline::remove_leftovers(&temporary);
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::start());
    let redactor = Arc::new(Redactor::new(&parts.environment.secrets()));
    let journal = Journal::open(&state.journal(), clock, redactor);
    let journal = Arc::new(journal.map_err(|error| Failure::new(Exit::Service, error))?);
    let sandbox = walls(parts.environment, parts.config, false, &steps).await?;
    let sandbox = ObservedSandbox::new(sandbox, Arc::clone(&journal));
    let bench = Bench {
        repository: parts.repository,
        config: parts.config,
        sandbox: &sandbox,
        temporary: &temporary,
        journal: &journal,
        progress: &steps,
        cancel: parts.cancel,
        tests: parts.tests,
    };
    let made = work(&bench).await;
    steps.finish();
    Ok(made?)
}
