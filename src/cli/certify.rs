//! `prentice certify`: what the checks say of any change, whoever made it.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use globset::{Glob, GlobSet, GlobSetBuilder};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::arguments::Place;
use super::bench::{Parts, on_bench};
use super::ci::Ci;
use super::failure::{Exit, Failure};
use super::output::{print, print_json};
use super::setup;
use crate::config::{Environment, Layer, LimitsLayer, SandboxLayer, SandboxMode};
use crate::pipeline::{self, Certificate};
use crate::policy::Finding;
use crate::repo::{CommitId, Repository};
use crate::verify::{CheckRun, Evidence, TreeRun, Verdict};

/// `prentice certify`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  prentice certify                     the checked-out commit against the default branch
  prentice certify main..topic --json
  prentice certify HEAD~1..HEAD --tests 'checks/**'

The checks run on the base, on the base with nothing but the change's tests, and with the whole change. Commands and
settings come from the base. No model is asked, nothing is written to branches or to the checkout.

Exit codes: 0 proven, added or green; 1 unproven or refused.")]
pub(super) struct Certify {
    /// BASE..HEAD; BASE is by default the default branch, HEAD the checked-out commit.
    pub range: Option<String>,
    #[command(flatten)]
    pub place: Place,
    /// Files that are tests besides those that the conventions of their languages know; may be given several times.
    #[arg(long, value_name = "GLOB")]
    pub tests: Vec<String>,
    /// A command that decides, in the place of the detected ones; may be given several times.
    #[arg(long = "check", value_name = "COMMAND")]
    pub checks: Vec<String>,
    /// Wall time of one command, such as `20m`.
    #[arg(long, value_name = "TIME", value_parser = super::arguments::parse_time)]
    pub command_time: Option<Duration>,
    /// Fetch no dependencies before the checks; what the checkout has is used all the same.
    #[arg(long)]
    pub no_setup: bool,
    /// Run the repository's commands without walls, as you, with the network and all your files.
    #[arg(long)]
    pub no_sandbox: bool,
    /// Write the certificate in Markdown to FILE as well.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Print one JSON object on standard output.
    #[arg(long)]
    pub json: bool,
}

/// Carries out `prentice certify`.
pub(super) async fn certify(
    flags: &Certify,
    environment: &Environment,
    cancel: &CancellationToken,
) -> Result<Exit, Failure> {
    let repository = Repository::discover(&flags.place.repo)?;
    let (base, head) = ends(&repository, flags.range.as_deref())?;
    let tests = globs(&flags.tests)?;
    let fork_point = repository.merge_base(&base, &head)?.unwrap_or_else(|| base.clone());
    let layers = setup::layers(&repository.tree(&fork_point)?, environment, layer_of(flags))?;
    let config = layers.resolve(None);
    let parts = Parts { repository: &repository, config: &config, tests: tests.as_ref(), environment, cancel };
    let made = on_bench(&parts, async |bench| pipeline::certify(bench, &base, &head).await).await?;
    tell(flags, &made, &Ci::of(environment))
}

fn tell(flags: &Certify, made: &Certificate, ci: &Ci<'_>) -> Result<Exit, Failure> {
    let text = crate::publish::certificate(&made.evidence, &made.findings);
    if let Some(place) = &flags.out {
        let fail = |error: std::io::Error| Failure::new(Exit::Service, format!("{}: {error}", place.display()));
        std::fs::write(place, &text).map_err(fail)?;
    }
    ci.summary(&text)?;
    ci.outputs(&[("verdict", made.evidence.verdict.word())])?;
    ci.point_out(&made.evidence);
    if flags.json {
        print_json(&json!(document(made)));
    } else {
        print(&text);
    }
    Ok(match made.evidence.verdict {
        Verdict::Proven | Verdict::Added | Verdict::Green => Exit::Done,
        Verdict::Unproven | Verdict::Refused => Exit::NotAcceptable,
    })
}

/// What the checks say of a change between two commits, as `prentice certify --json` prints it.
#[derive(Serialize, JsonSchema)]
#[schemars(title = "Prentice certificate")]
pub(super) struct Document {
    /// What follows, in one word.
    verdict: Verdict,
    /// Why, in one sentence for people.
    reason: String,
    /// The commit that it was compared with, in hexadecimal.
    base: String,
    /// The commit with the change, in hexadecimal.
    head: String,
    /// The files that differ.
    files: Vec<String>,
    /// Every command on every tree, every test, and what differs.
    evidence: Evidence,
    /// What policy says of the change, were it one of Prentice's own.
    findings: Vec<Finding>,
    /// Wall times, which are no part of the evidence.
    timing: Vec<Timing>,
}

/// The wall time of one command.
#[derive(Serialize, JsonSchema)]
struct Timing {
    /// The tree: `base`, `patched`, `tests_on_base`, `old_tests`, or the second run of one.
    tree: String,
    /// The command.
    command: String,
    /// The time.
    seconds: f64,
}

fn document(made: &Certificate) -> Document {
    let of_tree = |(tree, run): (&'static str, &TreeRun)| {
        let seconds = |run: &CheckRun| (run.elapsed.as_secs_f64() * 1000.0).round() / 1000.0;
        let of_check =
            |run: &CheckRun| Timing { tree: tree.to_owned(), command: run.check.label(), seconds: seconds(run) };
        run.checks.iter().map(of_check).collect::<Vec<_>>()
    };
    Document {
        verdict: made.evidence.verdict,
        reason: made.evidence.reason.clone(),
        base: made.base.to_string(),
        head: made.head.to_string(),
        files: made.changes.iter().map(|change| change.path.to_string()).collect(),
        evidence: made.evidence.clone(),
        findings: made.findings.clone(),
        timing: made.evidence.trees().into_iter().flat_map(of_tree).collect(),
    }
}

/// Finds the two commits that a range names.
fn ends(repository: &Repository, range: Option<&str>) -> Result<(CommitId, CommitId), Failure> {
    let (base, head) = match range.map(|range| range.split_once("...").or_else(|| range.split_once(".."))) {
        Some(Some((base, head))) => (base, head),
        Some(None) => (range.unwrap_or_default(), ""),
        None => ("", ""),
    };
    let head = repository.resolve(if head.is_empty() { "HEAD" } else { head })?;
    if !base.is_empty() {
        return Ok((repository.resolve(base)?, head));
    }
    let names =
        ["refs/remotes/origin/HEAD", "main", "master", "refs/remotes/origin/main", "refs/remotes/origin/master"];
    let found = names.iter().find_map(|name| repository.resolve(name).ok());
    let base = found.ok_or_else(|| {
        Failure::new(Exit::Usage, "the default branch is not known here")
            .hint("name the base: `prentice certify BASE..HEAD`")
    })?;
    Ok((base, head))
}

fn globs(patterns: &[String]) -> Result<Option<GlobSet>, Failure> {
    if patterns.is_empty() {
        return Ok(None);
    }
    let wrong = |error: globset::Error| Failure::new(Exit::Usage, format!("--tests: {error}"));
    let mut set = GlobSetBuilder::new();
    for pattern in patterns {
        set.add(Glob::new(pattern).map_err(wrong)?);
    }
    set.build().map(Some).map_err(wrong)
}

fn layer_of(flags: &Certify) -> Layer {
    Layer {
        limits: LimitsLayer::default(),
        checks: Some(flags.checks.clone()).filter(|checks| !checks.is_empty()),
        setup: setup::no_setup(flags.no_setup),
        sandbox: SandboxLayer {
            mode: flags.no_sandbox.then_some(SandboxMode::Off),
            command_time: flags.command_time,
            ..SandboxLayer::default()
        },
        ..Layer::default()
    }
}
