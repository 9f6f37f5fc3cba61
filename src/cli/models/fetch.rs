//! Asking and fetching.

use std::io::{BufRead, IsTerminal};
use std::sync::{Mutex, PoisonError};

use indicatif::{ProgressBar, ProgressStyle};
use tokio_util::sync::CancellationToken;

use super::Fetch;
use crate::catalogue::{Entry, Fetched, Means, Python, Store, Watch, megabytes};
use crate::cli::failure::{Exit, Failure};
use crate::cli::model;
use crate::cli::output::{print, tell};
use crate::cli::setup;
use crate::clock::TokioWait;
use crate::config::{Environment, Layer, layer_from_environment};
use crate::llm::inside_name;
use crate::repo::{RepoError, Repository};

/// Fetches the model that is named, or those that the settings ask for.
pub(super) async fn fetch(
    store: &Store,
    flags: &Fetch,
    environment: &Environment,
    cancel: &CancellationToken,
) -> Result<Exit, Failure> {
    let own_mirror = flags.mirror.clone().or(layer_from_environment(environment)?.model.mirror);
    let named = flags.name.as_ref().map(|name| store.entry(name)).transpose()?;
    let file = match flags.configured || own_mirror.is_none() {
        true => settings_around(flags, environment)?,
        false => Layer::default(),
    };
    let entries = match named {
        Some(entry) => vec![entry],
        None => wanted(store, flags, &file, environment)?,
    };
    let mirror = own_mirror.or(file.model.mirror);
    for entry in entries {
        let exit = fetch_one(store, entry, mirror.clone(), (flags, environment), cancel).await?;
        if exit != Exit::Done {
            return Ok(exit);
        }
    }
    Ok(Exit::Done)
}

/// Returns what the settings ask for and what is not here, and tells of what is.
fn wanted<'s>(
    store: &'s Store,
    flags: &Fetch,
    file: &Layer,
    environment: &Environment,
) -> Result<Vec<&'s Entry>, Failure> {
    let asked = model::named(&flags.model, None, file, environment).into_iter().find(|names| !names.is_empty());
    let inside: Vec<_> = asked.iter().flatten().filter_map(|name| inside_name(name)).collect();
    if inside.is_empty() {
        tell(
            "Nothing is to be fetched: --model, .prentice.yml and PRENTICE_MODEL name no model that runs inside of Prentice.",
        );
    }
    let usable = store.usable()?;
    let mut entries = Vec::new();
    for name in inside {
        // Any model that is here will do where none is named.
        if let Some(here) = usable.iter().find(|model| name.is_none_or(|name| name == model.name)) {
            tell(&format!("{} is here already.", here.name));
            print(&format!("{}\n", here.path.display()));
            continue;
        }
        entries.push(match name {
            Some(name) => store.entry(name)?,
            None => store.entries().first().ok_or_else(|| Failure::new(Exit::Usage, "the catalogue is empty"))?,
        });
    }
    Ok(entries)
}

/// Shows what would be fetched, asks, and fetches it.
async fn fetch_one(
    store: &Store,
    entry: &Entry,
    mirror: Option<String>,
    (flags, environment): (&Fetch, &Environment),
    cancel: &CancellationToken,
) -> Result<Exit, Failure> {
    let is_here = store.installed()?.iter().any(|model| model.name == entry.name && model.has_its_size());
    if !is_here {
        tell(&about(entry, store, mirror.as_deref()));
        if !flags.yes && !agreed(cancel).await? {
            tell("Nothing was fetched.");
            return Ok(Exit::NotAcceptable);
        }
    }
    let variables = environment.variables().iter().filter(|(name, _)| Python::needs(name));
    let python = Python {
        program: "python3".into(),
        environment: variables.map(|(name, value)| (name.clone(), value.clone())).collect(),
    };
    let watch = Progress::new();
    let means = Means { mirror, python, watch: &watch, wait: &TokioWait, cancel };
    let fetched = store.fetch(entry, &means).await;
    watch.finish();
    let Fetched { path, from } = fetched?;
    match from {
        Some(from) => tell(&format!("{} is here, with the right SHA-256, from {from}", entry.name)),
        None => tell(&format!("{} is here already.", entry.name)),
    }
    print(&format!("{}\n", path.display()));
    Ok(Exit::Done)
}

/// Reads the settings of the repository around, if there is one. Only `--configured` cannot do without.
fn settings_around(flags: &Fetch, environment: &Environment) -> Result<Layer, Failure> {
    let tree = match Repository::discover(&flags.place.repo) {
        Err(RepoError::NotARepository(_)) => return Ok(Layer::default()),
        // A mirror is one source more; the others need no repository.
        Err(error) if !flags.configured => {
            tell(&format!("No mirror is looked for in the repository around: {error}"));
            return Ok(Layer::default());
        }
        found => {
            let repository = found?;
            match repository.resolve("HEAD") {
                Err(RepoError::NoCommit) => return Ok(Layer::default()),
                head => repository.tree(&head?)?,
            }
        }
    };
    Ok(setup::layers(&tree, environment, Layer::default())?.file)
}

fn about(entry: &Entry, store: &Store, mirror: Option<&str>) -> String {
    let Entry { name, title, parameters, quantisation, .. } = entry;
    let mut lines = vec![
        format!("{name}: {title}, {parameters} weights, {quantisation}"),
        format!("  size     {}, {} of memory at work", megabytes(entry.bytes), megabytes(entry.memory_bytes)),
        format!("  licence  {} ({})", entry.licence, entry.licence_source),
    ];
    let sources = entry.sources_shown(mirror);
    lines.extend(sources.iter().enumerate().map(|(at, from)| match at {
        0 => format!("  from     {from}"),
        _ => format!("  else     {from}"),
    }));
    lines.push(format!("  to       {}", store.folder().display()));
    match store.partial_bytes(name) {
        0 => {}
        bytes => lines.push(format!("  here     {} of it, from an earlier try", megabytes(bytes))),
    }
    lines.join("\n")
}

/// Asks at the terminal; nobody is asked elsewhere.
async fn agreed(cancel: &CancellationToken) -> Result<bool, Failure> {
    if !(std::io::stdin().is_terminal() && std::io::stderr().is_terminal()) {
        return Err(
            Failure::new(Exit::Usage, "nobody is here to be asked").hint("give --yes to fetch it without a question")
        );
    }
    tell("Fetch it? [y/N]");
    let answer = tokio::task::spawn_blocking(|| is_yes(&mut std::io::stdin().lock()));
    tokio::select! {
        () = cancel.cancelled() => Err(Failure::new(Exit::Interrupted, "interrupted; nothing was fetched")),
        answer = answer => answer.map_err(|error| Failure::new(Exit::Bug, error)),
    }
}

fn is_yes(from: &mut impl BufRead) -> bool {
    let mut line = String::new();
    from.read_line(&mut line).is_ok() && matches!(line.trim().to_lowercase().as_str(), "y" | "yes")
}

/// A bar on a terminal; elsewhere a line for every tenth.
struct Progress {
    bar: Option<ProgressBar>,
    /// The tenths that were told of.
    tenths: Mutex<Option<u64>>,
}

impl Progress {
    fn new() -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(0);
            let form = "{wide_bar} {decimal_bytes}/{decimal_total_bytes} {decimal_bytes_per_sec} {eta}";
            if let Ok(style) = ProgressStyle::with_template(form) {
                bar.set_style(style);
            }
            bar
        });
        Self { bar, tenths: Mutex::default() }
    }

    fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

impl Watch for Progress {
    fn note(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| tell(text)),
            None => tell(text),
        }
    }

    fn progress(&self, done_bytes: u64, all_bytes: u64) {
        if let Some(bar) = &self.bar {
            bar.set_length(all_bytes);
            return bar.set_position(done_bytes);
        }
        let tenth = done_bytes.saturating_mul(10) / all_bytes.max(1);
        let mut told = self.tenths.lock().unwrap_or_else(PoisonError::into_inner);
        // What an earlier try has left is told of before; what pip has fetched is only about known, and never taken back.
        if told.is_some_and(|told| tenth > told) {
            tell(&format!("  {tenth}0 % of {}", megabytes(all_bytes)));
        }
        *told = told.filter(|_| tenth > 0).max(Some(tenth));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_yes_is_one() {
        for (answer, wanted) in
            [("y\n", true), ("Yes\n", true), ("\n", false), ("n\n", false), ("", false), ("yy\n", false)]
        {
            assert_eq!(is_yes(&mut answer.as_bytes()), wanted, "{answer:?}");
        }
    }
}
