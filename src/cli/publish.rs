//! `prentice publish`: the far side of the border, alone.

use serde_json::json;

use super::arguments::Publish;
use super::failure::{Exit, Failure};
use super::output::{print_json, tell};
use crate::bundle;
use crate::clock::{Clock, SystemClock};
use crate::config::{CONFIG_FILE, ConfigError, Layer, Layers};
use crate::forge::LocalForge;
use crate::pipeline::{self, PipelineError};
use crate::repo::{RepoPath, Repository};

/// Checks a bundle and puts it on its branch.
pub(super) async fn publish(flags: &Publish) -> Result<Exit, Failure> {
    let repository = Repository::discover(&flags.place.repo)?;
    if let Some(wanted) = &flags.digest {
        let found = bundle::digest(&flags.bundle)?;
        if !found.eq_ignore_ascii_case(wanted) {
            let message = format!("the bundle has the digest {found}, not {wanted}");
            return Err(
                Failure::new(Exit::Usage, message).hint("it was changed after `run` wrote it, or is another one")
            );
        }
    }
    let bundle = bundle::read(&flags.bundle)?;
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
    let published = crate::publish::publish(&bundle, &repository, &forge, &settings, now).await?;
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
