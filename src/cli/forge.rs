//! The forge that the environment names, and the configuration of its base branch.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::failure::{Exit, Failure};
use crate::clock::SystemClock;
use crate::config::{CONFIG_FILE, Config, ConfigError, Environment, Layer, Layers};
use crate::forge::ForgeError;
use crate::forge::github::{GitHub, Pace, Settings};
use crate::respond::Rules;
use crate::secret::Secret;
use crate::task::Task;

/// Makes the client for the repository that the environment names: `GITHUB_REPOSITORY`, `GITHUB_TOKEN`, and for an
/// Enterprise server `GITHUB_API_URL` and `GITHUB_SERVER_URL`.
pub(super) fn connect(environment: &Environment, cancel: &CancellationToken) -> Result<GitHub, Failure> {
    let missing = |name: &str, what: &str| {
        Failure::new(Exit::Usage, format!("{name} is not set: {what}"))
            .hint("a job of GitHub Actions has it; elsewhere, set it")
    };
    let repository = environment.get("GITHUB_REPOSITORY").ok_or_else(|| missing("GITHUB_REPOSITORY", "OWNER/NAME"))?;
    let token = environment.get("GITHUB_TOKEN").ok_or_else(|| {
        missing("GITHUB_TOKEN", "a token for the repository").hint("the action's input `token` sets it")
    })?;
    let settings = Settings {
        api_url: environment.get("GITHUB_API_URL").unwrap_or("https://api.github.com").to_owned(),
        web_url: environment.get("GITHUB_SERVER_URL").unwrap_or("https://github.com").to_owned(),
        repository: repository.parse::<crate::forge::github::RepositoryName>()?,
        token: Some(Secret::new(token)),
        pace: Pace::default(),
        clock: Arc::new(SystemClock::start()),
        cancel: cancel.clone(),
    };
    Ok(GitHub::new(settings)?)
}

/// Reads the configuration that stands on a branch now, without that of the environment: who starts a job can set
/// variables, and these settings say what the job may do.
pub(super) async fn config_of(github: &GitHub, branch: &str, task: Option<&Task>) -> Result<Config, Failure> {
    let file = match github.file(CONFIG_FILE, branch).await? {
        Some(bytes) => {
            let text = String::from_utf8(bytes)
                .map_err(|_| Failure::new(Exit::Usage, format!("{CONFIG_FILE} on {branch} is no UTF-8")))?;
            Layer::parse(&text, CONFIG_FILE).map_err(ConfigError::from)?
        }
        None => Layer::default(),
    };
    Ok(Layers { file, ..Layers::default() }.resolve(task))
}

/// Returns the rules for those who ask, from the configuration.
pub(super) fn rules_of(config: &Config) -> Rules {
    Rules {
        label: config.label.value.clone(),
        bots: config.bots.value.clone(),
        max_open_pulls: config.max_open_pulls.value,
        runs_per_day: config.runs_per_day.value,
        runs_per_user: config.runs_per_user.value,
        cost_usd_per_day: config.cost_usd_per_day.value,
    }
}

impl From<ForgeError> for Failure {
    fn from(error: ForgeError) -> Self {
        let text = error.to_string();
        match error {
            ForgeError::Settings { .. } => Self::new(Exit::Usage, text),
            ForgeError::Unauthorized { .. } | ForgeError::Forbidden { .. } => {
                Self::new(Exit::Usage, text).hint("`prentice doctor` tells which token is used and what it may do")
            }
            ForgeError::Cancelled => Self::new(Exit::Interrupted, text).hint("run the same command again to go on"),
            ForgeError::Forbade(_) => Self::new(Exit::Bug, text),
            _ => Self::new(Exit::Service, text)
                .hint("run the same command again: what is there is found, not made twice"),
        }
    }
}
