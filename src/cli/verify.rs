//! `prentice verify`: the evidence of a bundle, made again and compared.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::arguments::Place;
use super::bench::{Parts, on_bench};
use super::ci::Ci;
use super::failure::{Exit, Failure};
use super::output::{print_json, tell};
use super::setup;
use crate::bundle;
use crate::config::{Environment, Layer, SandboxLayer, SandboxMode};
use crate::pipeline;
use crate::repo::Repository;

/// `prentice verify`.
#[derive(Debug, Args)]
#[command(
    after_help = "The repository must hold the bundle's base commit. The same commands are run again, on the base \
and with the change,\nand every outcome is compared with what the bundle says. No model is asked, nothing is published.

Exit codes: 0 the same, 1 something else came out."
)]
pub(super) struct Verify {
    /// The bundle's folder.
    pub bundle: PathBuf,
    #[command(flatten)]
    pub place: Place,
    /// The digest that the bundle must have.
    #[arg(long, value_name = "SHA256")]
    pub digest: Option<String>,
    /// Fetch no dependencies before the checks; what the checkout has is used all the same.
    #[arg(long)]
    pub no_setup: bool,
    /// Run the repository's commands without walls, as you, with the network and all your files.
    #[arg(long)]
    pub no_sandbox: bool,
    /// Print one JSON object on standard output.
    #[arg(long)]
    pub json: bool,
}

/// Carries out `prentice verify`.
pub(super) async fn verify(
    flags: &Verify,
    environment: &Environment,
    cancel: &CancellationToken,
) -> Result<Exit, Failure> {
    let bundle = super::publish::checked(&flags.bundle, flags.digest.as_deref())?;
    let Some(told) = &bundle.evidence else {
        return Err(Failure::new(Exit::Usage, "the bundle holds no evidence: its run ended before the checks"));
    };
    let repository = Repository::discover(&flags.place.repo)?;
    let mode = flags.no_sandbox.then_some(SandboxMode::Off);
    let sandbox = SandboxLayer { mode, ..SandboxLayer::default() };
    let own = Layer { sandbox, setup: setup::no_setup(flags.no_setup), ..Layer::default() };
    let config = setup::layers(&repository.tree(&bundle.base)?, environment, own)?.resolve(Some(&bundle.task));
    let parts = Parts { repository: &repository, config: &config, tests: None, environment, cancel };
    let seen = on_bench(&parts, async |bench| pipeline::replay(bench, &bundle).await).await?;
    let lines = crate::verify::differences(told, &seen);
    let outcome = if lines.is_empty() { "same" } else { "different" };
    Ci::of(environment).outputs(&[("outcome", outcome)])?;
    if flags.json {
        let digest = bundle::digest(&flags.bundle)?;
        print_json(&json!({ "outcome": outcome, "digest": digest, "verdict": seen.verdict, "differences": lines }));
    } else if lines.is_empty() {
        tell(&format!("The same: {}, {}", seen.verdict.word(), seen.reason));
    } else {
        tell("Something else came out than the bundle says:");
        lines.iter().for_each(|line| tell(&format!("  {line}")));
    }
    Ok(if lines.is_empty() { Exit::Done } else { Exit::NotAcceptable })
}
