//! What several commands need first: task, repository, settings, walls, signals.

use std::io::{IsTerminal, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use tokio_util::sync::CancellationToken;

use super::failure::{Exit, Failure};
use crate::config::{
    CONFIG_FILE, ConfigError, Environment, Layer, Layers, SetupLayer, SetupMode, layer_from_environment,
};
use crate::repo::{CommitId, FileTree, RepoPath, Repository};
use crate::sandbox::{self, HostEnvironment, Sandbox, SandboxError, Unconfined};
use crate::task::{self, Origin, Task};

/// The largest task text taken, in bytes.
const MAX_TASK_BYTES: u64 = 256 * 1024;

/// Reads a task as the command line names it: a YAML file, `-`, or plain text.
pub(super) fn read_task(given: &str) -> Result<Task, Failure> {
    if given == "-" {
        if std::io::stdin().is_terminal() {
            super::output::tell("Reading the task from the terminal; end it with Ctrl-D.");
        }
        let mut text = String::new();
        std::io::stdin()
            .take(MAX_TASK_BYTES + 1)
            .read_to_string(&mut text)
            .map_err(|error| Failure::new(Exit::Usage, format!("standard input: {error}")))?;
        return parse_task(&text, "standard input", Origin::StandardInput);
    }
    let path = Path::new(given);
    let is_yaml = path.extension().is_some_and(|extension| extension == "yml" || extension == "yaml");
    if is_yaml || (path.is_file() && !given.contains('\n')) {
        return read_task_file(path);
    }
    Ok(task::parse_plain(given, Origin::CommandLine)?)
}

/// Reads a task from a file: YAML by its ending or its first key, else plain text.
pub(super) fn read_task_file(path: &Path) -> Result<Task, Failure> {
    let name = path.display().to_string();
    let fail = |error: std::io::Error| Failure::new(Exit::Usage, format!("{name}: {error}"));
    let size = std::fs::metadata(path).map_err(fail)?.len();
    if size > MAX_TASK_BYTES {
        return Err(Failure::new(Exit::Usage, format!("{name} has {size} bytes; a task has at most {MAX_TASK_BYTES}")));
    }
    let bytes = std::fs::read(path).map_err(fail)?;
    let text = String::from_utf8(bytes).map_err(|error| {
        Failure::new(Exit::Usage, format!("{name}: byte {} is no UTF-8", error.utf8_error().valid_up_to()))
    })?;
    if path.extension().is_some_and(|extension| extension == "yml" || extension == "yaml") {
        return Ok(task::parse_yaml(&text, &name, Origin::File(name.clone()))?);
    }
    parse_task(&text, &name, Origin::File(name.clone()))
}

/// Takes text whose first line is a `title:` key for YAML, everything else for plain text.
fn parse_task(text: &str, name: &str, origin: Origin) -> Result<Task, Failure> {
    let first = text.lines().find(|line| !line.trim().is_empty() && !line.starts_with('#')).unwrap_or_default();
    let looks_like_yaml = first == "---" || first.starts_with("title:");
    let task = if looks_like_yaml { task::parse_yaml(text, name, origin) } else { task::parse_plain(text, origin) };
    Ok(task?)
}

/// Opens the repository around `place` and finds the commit to start from.
pub(super) fn open(place: &Path, base: &str) -> Result<(Repository, CommitId, FileTree), Failure> {
    let repository = Repository::discover(place)?;
    let base = repository.resolve(base)?;
    let tree = repository.tree(&base)?;
    Ok((repository, base, tree))
}

/// Reads the layers of settings: the file from the base commit, the environment, the flags.
pub(super) fn layers(tree: &FileTree, environment: &Environment, flags: Layer) -> Result<Layers, Failure> {
    let path = RepoPath::parse(CONFIG_FILE).map_err(|error| Failure::new(Exit::Bug, error))?;
    let file = match tree.read_text(&path)? {
        Some(text) => Layer::parse(&text, CONFIG_FILE).map_err(ConfigError::from)?,
        None => Layer::default(),
    };
    Ok(Layers { file, environment: layer_from_environment(environment)?, flags })
}

/// Returns what the flag `--no-setup` sets.
pub(super) fn no_setup(is_given: bool) -> SetupLayer {
    SetupLayer { mode: is_given.then_some(SetupMode::Off), ..SetupLayer::default() }
}

/// Builds the walls, proving that they hold; `off` is the user's explicit word.
pub(super) async fn walls(environment: &Environment, off: bool) -> Result<Arc<dyn Sandbox>, SandboxError> {
    let host = HostEnvironment::new(environment.variables().clone());
    let helper = own_program().map_err(SandboxError::Unavailable)?;
    if off {
        return Ok(Arc::new(Unconfined::new(host, helper)));
    }
    Ok(sandbox::detect(&host, &helper).await?.sandbox)
}

/// Finds the program file of this process, which the sandbox starts again as its helper.
pub(super) fn own_program() -> Result<PathBuf, String> {
    std::env::current_exe().map_err(|error| format!("the program's own file cannot be found: {error}"))
}

/// Cancels at the first signal, whose exit code goes to `first`; at the second returns the exit code.
pub(super) async fn watch_signals(cancel: CancellationToken, first: &OnceLock<u8>) -> u8 {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut interrupt), Ok(mut terminate)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        return std::future::pending().await;
    };
    let code = tokio::select! {
        _ = interrupt.recv() => 130,
        _ = terminate.recv() => 143,
    };
    first.get_or_init(|| code);
    super::output::tell("Interrupted: ending what runs and keeping what there is. Once more to end at once.");
    cancel.cancel();
    tokio::select! {
        _ = interrupt.recv() => 130,
        _ = terminate.recv() => 143,
    }
}
