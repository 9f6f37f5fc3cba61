//! `prentice run`: resolves the request, names the adapters, tells what came of it.

use std::path::PathBuf;
use std::sync::Arc;

use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::arguments::{Line, Propose, Run};
use super::ci::Ci;
use super::failure::{Exit, Failure};
use super::model::{self, Sources};
use super::output::{Steps, print_json, tell};
use super::{pictures, setup};
use crate::bundle::Ending;
use crate::clock::{Clock, SystemClock};
use crate::config::{Config, Environment, Layer, LimitsLayer, SandboxLayer, SandboxMode};
use crate::forge::{Forge, LocalForge};
use crate::journal::Journal;
use crate::llm::Replay;
use crate::pipeline::{self, Finished, Job, ObservedSandbox, Progress, RunState};
use crate::propose::{Limits, Meter};
use crate::sandbox::{Level, Sandbox, line_that_allows_namespaces};
use crate::secret::Redactor;
use crate::task::{Order, Task};

/// Carries out `prentice run`.
pub(super) async fn run(flags: Run, environment: &Environment, cancel: &CancellationToken) -> Result<Exit, Failure> {
    let task = setup::read_task(&flags.task)?;
    let request = Request { publish: !flags.dry_run, ..Request::of(Wanted::Task(Box::new(task)), flags.line)? };
    finish(request, environment, cancel).await
}

/// Carries out `prentice propose`.
pub(super) async fn propose(
    flags: Propose,
    environment: &Environment,
    cancel: &CancellationToken,
) -> Result<Exit, Failure> {
    let wanted = match (&flags.task, &flags.order) {
        (_, Some(file)) => {
            let order = Order::read(file)?;
            super::respond::check_digest(&order, flags.order_digest.as_deref())?;
            Wanted::Order(Box::new(order))
        }
        (Some(task), None) => Wanted::Task(Box::new(setup::read_task(task)?)),
        (None, None) => return Err(Failure::new(Exit::Usage, "a task or --order is wanted")),
    };
    let request = Request { out: flags.out, publish: false, ..Request::of(wanted, flags.line)? };
    finish(request, environment, cancel).await
}

async fn finish(request: Request, environment: &Environment, cancel: &CancellationToken) -> Result<Exit, Failure> {
    let json = request.flags.json;
    let finished = carry_out(request, environment, cancel).await?;
    hand_on(&finished, &Ci::of(environment))?;
    if json {
        print_json(&describe(&finished));
    } else {
        report(&finished);
    }
    Ok(exit_of(&finished.bundle.ending))
}

/// Gives the job what later ones need, and its page what a person wants to see.
fn hand_on(finished: &Finished, ci: &Ci<'_>) -> Result<(), Failure> {
    let bundle = &finished.bundle;
    let (outcome, reason) = words(&bundle.ending);
    let cost = bundle.account.spent.cost_usd.map(|cost| format!("{cost:.6}"));
    ci.outputs(&[("outcome", outcome), ("digest", &finished.digest), ("cost-usd", cost.as_deref().unwrap_or(""))])?;
    if let Some(reason) = reason {
        ci.annotate("warning", "Prentice", &format!("{}: {reason}", outcome.replace('_', " ")));
    }
    if let Some(evidence) = &bundle.evidence {
        ci.point_out(evidence);
    }
    ci.summary(&crate::publish::summary(bundle))
}

/// What is wanted: a task, or an order that holds one.
pub(super) enum Wanted {
    /// A first proposal for a task.
    Task(Box<Task>),
    /// What an order says.
    Order(Box<Order>),
}

/// A run whose task and recording have been read.
pub(super) struct Request {
    /// What is wanted.
    pub(super) wanted: Wanted,
    /// What the command line says besides.
    pub(super) flags: Line,
    /// A recording in the place of a model.
    pub(super) replay: Option<Replay>,
    /// Where the bundle goes; `None` for the state folder.
    pub(super) out: Option<PathBuf>,
    /// Whether to cross the border.
    pub(super) publish: bool,
    /// Whether to go on, saying so, where the kernel offers no walls: only for code that the program carries itself.
    pub(super) may_lack_walls: bool,
}

impl Request {
    fn of(wanted: Wanted, flags: Line) -> Result<Self, Failure> {
        let replay = flags.replay.as_deref().map(Replay::open).transpose()?;
        Ok(Self { wanted, flags, replay, out: None, publish: true, may_lack_walls: false })
    }
}

/// Names the adapters and carries the task through the line.
pub(super) async fn carry_out(
    request: Request,
    environment: &Environment,
    cancel: &CancellationToken,
) -> Result<Finished, Failure> {
    let Request { wanted, flags, replay, out, publish, may_lack_walls } = request;
    let (task, order) = match wanted {
        Wanted::Task(task) => (*task, None),
        Wanted::Order(order) => (order.task.clone(), Some(*order)),
    };
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::start());
    let (repository, base, tree) =
        setup::open(&flags.place.repo, order.as_ref().map_or(&flags.base, |order| &order.base))?;
    let layers = setup::layers(&tree, environment, layer_of(&flags))?;
    let config = layers.resolve(Some(&task));
    let source = if order.is_some() { pictures::Source::Commit(&tree) } else { pictures::Source::Disk };
    let steps = Arc::new(Steps::new(Ci::of(environment).is_there()));
    steps.step(&format!("Task: {} (base commit {})", task.title, base.short()));
    let web_url = environment.get("GITHUB_SERVER_URL").unwrap_or("https://github.com");
    let pictures = pictures::read(&task, &source, (web_url, &|text| steps.note(text))).await?;

    let state = RunState::open(&repository.state_folder(), &order.as_ref().map_or_else(|| task.slug(), Order::slug))?;
    let temporary = std::env::temp_dir();
    let removed = pipeline::remove_leftovers(&temporary);
    if removed > 0 {
        steps.note(&format!("removed {removed} work trees that an interrupted run had left"));
    }
    let earlier = if flags.fresh { Vec::new() } else { pipeline::earlier_replies(&state.journal())? };
    let redactor = Arc::new(Redactor::new(&environment.secrets()));
    let journal = Arc::new(Journal::open(&state.journal(), Arc::clone(&clock), redactor).map_err(service)?);

    let sandbox = walls(environment, &config, may_lack_walls, &steps).await?;
    let sandbox = ObservedSandbox::new(sandbox, Arc::clone(&journal));
    let asks = order.as_ref().is_none_or(|order| order.verb.needs_model());
    let told = Arc::clone(&steps);
    let tell: Arc<dyn Fn(&str) + Send + Sync> = Arc::new(move |text: &str| told.note(text));
    let embedder = if asks && replay.is_none() { model::embedder(&config, environment, &tell)? } else { None };
    let rungs = if asks {
        let choices = match &replay {
            Some(_) => Err(crate::llm::LlmError::NoModel),
            None => model::find(&flags.model, task.model.as_deref(), &layers.file, environment).await,
        };
        let sources = Sources { replay, record: flags.record.as_deref(), earlier };
        let steps: Arc<dyn Progress> = Arc::clone(&steps) as Arc<dyn Progress>;
        model::prepare(choices, &config, sources, &journal, &steps)?
    } else {
        model::none()
    };
    for rung in &rungs {
        steps.note(&format!("model {}: {}", rung.model.name(), rung.why));
        let known = json!({ "name": rung.model.name(), "why": rung.why, "window_tokens": rung.window_tokens,
                            "profile": rung.profile });
        journal.record("model_chosen", known).map_err(service)?;
    }

    let meter = Meter::new(limits_of(&config), Arc::clone(&clock));
    let forge = LocalForge::in_folder(repository.state_folder().join("pulls"));
    let job = Job {
        repository: &repository,
        base,
        task: &task,
        order: order.as_ref(),
        config: &config,
        rungs: &rungs,
        embedder: embedder.as_ref(),
        only_attempt: flags.attempt,
        pictures: &pictures,
        meter: &meter,
        sandbox: &sandbox,
        forge: publish.then_some(&forge as &dyn Forge),
        temporary,
        bundle_folder: out.unwrap_or_else(|| state.bundle_folder()),
        journal: &journal,
        clock,
        progress: &*steps,
        cancel,
    };
    let result = pipeline::run(&job).await;
    steps.finish();
    Ok(result?)
}

pub(super) async fn walls(
    environment: &Environment,
    config: &Config,
    may_lack_walls: bool,
    steps: &Steps,
) -> Result<Arc<dyn Sandbox>, Failure> {
    let off = config.sandbox.value == SandboxMode::Off;
    let sandbox = match setup::walls(environment, off).await {
        Err(error) if may_lack_walls => {
            steps.note(&format!("{error}; going on without walls, since only code that Prentice carries is run"));
            setup::walls(environment, true).await?
        }
        other => other?,
    };
    match sandbox.level() {
        Level::Namespaces => steps.note("sandbox: namespaces, Landlock and seccomp"),
        Level::Landlock => {
            let way = line_that_allows_namespaces().map_or(String::new(), |line| format!("; `{line}` allows it"));
            steps.note(&format!(
                "sandbox: Landlock and seccomp (this kernel forbids namespaces: no loopback network{way})"
            ));
        }
        Level::Off if off => steps.note(&format!("sandbox: OFF, said by the {}", config.sandbox.source)),
        Level::Off => {}
    }
    Ok(sandbox)
}

fn layer_of(flags: &Line) -> Layer {
    Layer {
        limits: LimitsLayer {
            attempts: flags.attempts,
            rounds: flags.rounds,
            tokens: flags.max_tokens,
            cost_usd: flags.max_cost,
            wall_time: flags.max_time,
        },
        checks: Some(flags.checks.clone()).filter(|checks| !checks.is_empty()),
        setup: setup::no_setup(flags.no_setup),
        sandbox: SandboxLayer { mode: flags.no_sandbox.then_some(SandboxMode::Off), ..SandboxLayer::default() },
        ..Layer::default()
    }
}

fn limits_of(config: &Config) -> Limits {
    Limits { tokens: config.tokens.value, cost_usd: config.cost_usd.value, wall_time: config.wall_time.value }
}

fn service(error: crate::journal::JournalError) -> Failure {
    Failure::new(Exit::Service, error)
}

pub(super) fn exit_of(ending: &Ending) -> Exit {
    match ending {
        Ending::Done => Exit::Done,
        Ending::NoAcceptableChange(_) => Exit::NotAcceptable,
        Ending::LimitReached(_) => Exit::Limit,
        Ending::ServiceFailed(_) => Exit::Service,
        Ending::Cancelled => Exit::Interrupted,
    }
}

/// Describes what came of a run for machines.
fn describe(finished: &Finished) -> serde_json::Value {
    let bundle = &finished.bundle;
    let (outcome, reason) = words(&bundle.ending);
    let published = finished.published.as_ref();
    json!({
        "outcome": outcome,
        "reason": reason,
        "verdict": bundle.evidence.as_ref().map(|evidence| evidence.verdict),
        "base": bundle.base,
        "branch": published.map(|published| &published.branch),
        "commit": published.map(|published| &published.commit),
        "page": published.map(|published| published.placed.page.display().to_string()),
        "files": bundle.changes.iter().map(|change| change.path.as_str()).collect::<Vec<_>>(),
        "findings": bundle.findings,
        "bundle": finished.folder.display().to_string(),
        "digest": finished.digest,
        "model": bundle.account.model,
        "answers": bundle.account.answers,
        "attempt": bundle.account.attempt,
        "spent": bundle.account.spent,
    })
}

pub(super) fn words(ending: &Ending) -> (&'static str, Option<&str>) {
    match ending {
        Ending::Done => ("done", None),
        Ending::NoAcceptableChange(why) => ("no_acceptable_change", Some(why)),
        Ending::LimitReached(why) => ("limit_reached", Some(why)),
        Ending::ServiceFailed(why) => ("service_failed", Some(why)),
        Ending::Cancelled => ("cancelled", None),
    }
}

/// Tells a person what came of a run.
pub(super) fn report(finished: &Finished) {
    let bundle = &finished.bundle;
    let spent = bundle.account.spent;
    match (&bundle.ending, &finished.published) {
        (Ending::Done, Some(published)) => {
            let reason = bundle.evidence.as_ref().map_or("", |evidence| evidence.reason.as_str());
            let verdict = bundle.evidence.as_ref().map_or("", |evidence| evidence.verdict.word());
            tell(&format!("Done: {verdict} ({reason})"));
            let state = if published.moved { "" } else { " (unchanged)" };
            tell(&format!("  branch  {}{state}", published.branch));
            tell(&format!("  review  {}", published.placed.page.display()));
        }
        (Ending::Done, None) => {
            tell("Done; nothing was published.");
            tell(&format!(
                "  publish with: prentice publish {} --digest {}",
                finished.folder.display(),
                finished.digest
            ));
        }
        (Ending::Cancelled, _) => {
            tell("Cancelled. Run the same command again: answers that were paid for are not asked again.");
        }
        (ending, _) => {
            let (outcome, reason) = words(ending);
            tell(&format!("{}: {}", outcome.replace('_', " "), reason.unwrap_or_default()));
        }
    }
    tell(&format!("  bundle  {}", finished.folder.display()));
    let cost = match spent.cost_usd {
        Some(cost) => format!("{cost:.4} USD"),
        None if spent.calls == 0 => "no answer was paid for".to_owned(),
        None => "price unknown".to_owned(),
    };
    tell(&format!("  spent   {} tokens read, {} written, {cost}", spent.input_tokens, spent.output_tokens));
}
