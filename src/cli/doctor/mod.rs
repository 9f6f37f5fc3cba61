//! `prentice doctor`: proves what a run will need, a line each.

mod forge;
#[cfg(feature = "embedded")]
mod inside;
mod online;

use clap::Args;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::arguments::{self, ModelFlags};
use super::failure::{Exit, Failure};
use super::output::{print, print_json, safe};
use super::{model, setup};
use crate::config::{Environment, Layer, SandboxMode};
#[cfg(feature = "embedded")]
use crate::llm::Place;
use crate::sandbox::{Level, line_that_allows_namespaces};
use crate::verify;

/// `prentice doctor`.
#[derive(Debug, Args)]
pub(super) struct Doctor {
    #[command(flatten)]
    pub place: arguments::Place,
    #[command(flatten)]
    pub model: ModelFlags,
    /// Send a few short requests to each model, and try what its endpoint supports; it may cost a cent.
    #[arg(long)]
    pub online: bool,
    /// Print one JSON array.
    #[arg(long)]
    pub json: bool,
}

/// How a line came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Ok,
    Warning,
    Error,
}

struct Line {
    what: &'static str,
    state: State,
    text: String,
    hint: Option<String>,
}

impl Line {
    fn ok(what: &'static str, text: impl Into<String>) -> Self {
        Self { what, state: State::Ok, text: text.into(), hint: None }
    }

    fn failed(what: &'static str, state: State, failure: Failure) -> Self {
        let hint = (!failure.hints.is_empty()).then(|| failure.hints.join("; "));
        Self { what, state, text: failure.message, hint }
    }

    fn word(&self) -> &'static str {
        match self.state {
            State::Ok => "ok",
            State::Warning => "warning",
            State::Error => "error",
        }
    }
}

/// Examines everything and prints a line each; ends with 0 when nothing is an error.
pub(super) async fn doctor(
    flags: &Doctor,
    environment: &Environment,
    cancel: &CancellationToken,
) -> Result<Exit, Failure> {
    let mut lines = Vec::new();
    let layer = examine_repository(flags, environment, &mut lines);
    lines.push(examine_sandbox(environment, &layer).await);
    forge::examine(environment, cancel, &mut lines).await;
    examine_model(flags, environment, &layer, cancel, &mut lines).await;
    if flags.json {
        let all = lines
            .iter()
            .map(|line| json!({ "what": line.what, "state": line.word(), "text": line.text, "hint": line.hint }));
        print_json(&all.collect());
    } else {
        for line in &lines {
            print(&format!("{:<8} {:<8} {}\n", line.word(), line.what, safe(&line.text)));
            if let Some(hint) = &line.hint {
                print(&format!("{:<18}hint: {}\n", "", safe(hint)));
            }
        }
    }
    let bad = lines.iter().any(|line| line.state == State::Error);
    Ok(if bad { Exit::Usage } else { Exit::Done })
}

fn examine_repository(flags: &Doctor, environment: &Environment, lines: &mut Vec<Line>) -> Layer {
    let (repository, base, tree) = match setup::open(&flags.place.repo, "HEAD") {
        Ok(found) => found,
        Err(failure) => {
            lines.push(Line::failed("git", State::Error, failure));
            return Layer::default();
        }
    };
    let place = repository.checkout().unwrap_or(&flags.place.repo).display().to_string();
    lines.push(Line::ok("git", format!("{place}, base commit {}, {} files", base.short(), tree.paths().count())));
    let layers = match setup::layers(&tree, environment, Layer::default()) {
        Ok(layers) => layers,
        Err(failure) => {
            lines.push(Line::failed("config", State::Error, failure));
            return Layer::default();
        }
    };
    let config = layers.resolve(None);
    lines.push(Line::ok(
        "config",
        format!(
            "{} attempts ({}), {} rounds ({}), {} tokens ({}), {} USD ({}), {} ({})",
            config.attempts.value,
            config.attempts.source,
            config.rounds.value,
            config.rounds.source,
            config.tokens.value,
            config.tokens.source,
            config.cost_usd.value,
            config.cost_usd.source,
            humantime::format_duration(config.wall_time.value),
            config.wall_time.source,
        ),
    ));
    let found = if config.checks.value.is_empty() {
        Ok(verify::detect(&tree))
    } else {
        verify::from_user(&config.checks.value)
    };
    lines.push(match found {
        Ok(found) if found.is_empty() => Line {
            what: "checks",
            state: State::Warning,
            text: "no build or test command was found: nothing can be proven".to_owned(),
            hint: Some("name some under `checks:` in .prentice.yml".to_owned()),
        },
        Ok(found) => {
            let all: Vec<String> =
                found.iter().map(|check| format!("`{}` ({})", check.label(), check.found_in)).collect();
            Line::ok("checks", all.join(", "))
        }
        Err(error) => Line::failed("checks", State::Error, error.into()),
    });
    layers.file
}

async fn examine_sandbox(environment: &Environment, layer: &Layer) -> Line {
    let off = layer.sandbox.mode == Some(SandboxMode::Off);
    match setup::walls(environment, off).await {
        Ok(_) if off => Line {
            what: "sandbox",
            state: State::Warning,
            text: "off, as .prentice.yml says: commands run as you, with the network and all your files".to_owned(),
            hint: Some("take `sandbox: {mode: off}` out".to_owned()),
        },
        Ok(sandbox) => match sandbox.level() {
            Level::Landlock => Line {
                what: "sandbox",
                state: State::Warning,
                text: "Landlock and seccomp hold, but this kernel forbids namespaces: tests have no loopback network"
                    .to_owned(),
                hint: line_that_allows_namespaces().map(|line| format!("an administrator allows them with `{line}`")),
            },
            _ => Line::ok(
                "sandbox",
                "namespaces, Landlock and seccomp; a write outside, a connection and a look at the parent were tried and denied",
            ),
        },
        Err(error) => Line::failed("sandbox", State::Error, error.into()),
    }
}

async fn examine_model(
    flags: &Doctor,
    environment: &Environment,
    layer: &Layer,
    cancel: &CancellationToken,
    lines: &mut Vec<Line>,
) {
    let choices = match model::find(&flags.model, None, layer, environment).await {
        Ok(choices) => choices,
        Err(error) => {
            lines.push(Line::failed("model", State::Error, error.into()));
            return;
        }
    };
    let own = layer.model.profiles.clone().unwrap_or_default();
    for choice in &choices {
        let part = own.get(choice.place.model()).cloned().unwrap_or_default();
        let known = model::known(choice, layer.model.window_tokens, &part);
        lines.push(Line::ok("model", format!("{}; {}", choice.why, online::profile(&known))));
        #[cfg(feature = "embedded")]
        if let Place::Inside(file) = &choice.place {
            lines.push(inside::measure(file, known.1, cancel).await);
        }
        if flags.online {
            online::examine(choice, &known, cancel, lines).await;
        }
    }
}
