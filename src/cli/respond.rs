//! `prentice respond`: what an event of the forge asks for.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use serde_json::json;
use sha2::{Digest, Sha256};
use tokio_util::sync::CancellationToken;

use super::ci::Ci;
use super::failure::{Exit, Failure};
use super::forge::{config_of, connect, rules_of};
use super::output::{print_json, tell};
use crate::clock::SystemClock;
use crate::config::Environment;
use crate::forge::event::Event;
use crate::respond::{Outcome, Responder};
use crate::task::{Order, Verb};

/// The largest payload that GitHub sends, in bytes ("Webhook events and payloads": 25 MB).
const MAX_EVENT_BYTES: u64 = 25 << 20;

/// `prentice respond`.
#[derive(Debug, Args)]
#[command(after_help = "In a job of GitHub Actions nothing else is needed. Elsewhere, set GITHUB_EVENT_NAME, \
GITHUB_EVENT_PATH,\nGITHUB_REPOSITORY and GITHUB_TOKEN.

What it does: asks the forge who may command; answers `help`, `why` and `stop` itself; writes the order for
everything else; keeps one progress comment. It runs no model and no code of the repository.

Outputs (GITHUB_OUTPUT): decision (run, certify, publish or nothing), order-digest, adopt.")]
pub(super) struct Respond {
    /// Where to put `order.json`.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// The event's file [default: GITHUB_EVENT_PATH].
    #[arg(long, value_name = "FILE")]
    pub event: Option<PathBuf>,
    /// Print one JSON object on standard output.
    #[arg(long)]
    pub json: bool,
}

/// Carries out `prentice respond`.
pub(super) async fn respond(
    flags: &Respond,
    environment: &Environment,
    cancel: &CancellationToken,
) -> Result<Exit, Failure> {
    let event = read_event(flags, environment)?;
    let github = connect(environment, cancel)?;
    let ci = Ci::of(environment);
    let branch = github.repository().await?.default_branch;
    let rules = rules_of(&config_of(&github, &branch, None).await?);
    let run = ci.run();
    let clock = Arc::new(SystemClock::start());
    let outcome = Responder::new(&github, &rules, &run, clock).await?.respond(&event).await?;
    let calls = github.calls();
    match outcome {
        Outcome::Order(order) => {
            let digest = write(&flags.out, &order)?;
            let decision = match order.verb {
                Verb::Certify => "certify",
                verb if verb.needs_bundle() => "run",
                _ => "publish",
            };
            let fetched = matches!(order.verb, Verb::Adopt | Verb::Certify);
            let adopted = order.pull.as_ref().filter(|_| fetched).map(|pull| pull.number.to_string());
            let adopted = adopted.as_deref().unwrap_or("");
            ci.outputs(&[("decision", decision), ("order-digest", &digest), ("adopt", adopted)])?;
            let verb = order.verb.name();
            if flags.json {
                print_json(&json!({ "decision": decision, "verb": verb, "order-digest": digest, "calls": calls }));
            } else {
                tell(&format!("{verb}: {}", order.task.title));
                tell(&format!(
                    "  order   {}\n  digest  {digest}\n  calls   {calls}",
                    flags.out.join("order.json").display()
                ));
            }
        }
        Outcome::Nothing(why) => {
            ci.outputs(&[("decision", "nothing")])?;
            if flags.json {
                print_json(&json!({ "decision": "nothing", "reason": why, "calls": calls }));
            } else {
                tell(&format!("Nothing to do: {why}."));
            }
        }
    }
    Ok(Exit::Done)
}

fn read_event(flags: &Respond, environment: &Environment) -> Result<Event, Failure> {
    let missing = |name: &str| {
        Failure::new(Exit::Usage, format!("{name} is not set: there is no event to respond to"))
            .hint("a job of GitHub Actions has it; elsewhere, set it or give --event")
    };
    let name = environment.get("GITHUB_EVENT_NAME").ok_or_else(|| missing("GITHUB_EVENT_NAME"))?;
    let path = match &flags.event {
        Some(path) => path.clone(),
        None => environment.get("GITHUB_EVENT_PATH").ok_or_else(|| missing("GITHUB_EVENT_PATH"))?.into(),
    };
    let fail = |error: std::io::Error| Failure::new(Exit::Usage, format!("event {}: {error}", path.display()));
    let size = std::fs::metadata(&path).map_err(fail)?.len();
    if size > MAX_EVENT_BYTES {
        let message = format!("event {}: {size} bytes are more than an event has ({MAX_EVENT_BYTES})", path.display());
        return Err(Failure::new(Exit::Usage, message));
    }
    let payload = std::fs::read(&path).map_err(fail)?;
    Event::read(name, &payload).map_err(|error| Failure::new(Exit::Usage, format!("{}: {error}", path.display())))
}

/// Writes the order, whole or not at all, and returns its SHA-256.
fn write(folder: &std::path::Path, order: &Order) -> Result<String, Failure> {
    let text = order.to_json();
    let place = folder.join("order.json");
    let put = || {
        std::fs::create_dir_all(folder)?;
        let fresh = tempfile::NamedTempFile::new_in(folder)?;
        std::fs::write(fresh.path(), &text)?;
        fresh.persist(&place).map_err(|error| error.error)
    };
    put().map_err(|error| Failure::new(Exit::Service, format!("{}: {error}", place.display())))?;
    Ok(digest_of(order))
}

/// Returns the SHA-256 of an order as it is written, in hexadecimal digits.
pub(super) fn digest_of(order: &Order) -> String {
    hex::encode(Sha256::digest(order.to_json()))
}

/// Refuses an order that is not the one that was meant.
pub(super) fn check_digest(order: &Order, wanted: Option<&str>) -> Result<(), Failure> {
    let Some(wanted) = wanted else { return Ok(()) };
    let found = digest_of(order);
    if found.eq_ignore_ascii_case(wanted) {
        return Ok(());
    }
    Err(Failure::new(Exit::Usage, format!("the order has the digest {found}, not {wanted}"))
        .hint("it was changed after `respond` wrote it, or is another one"))
}
