//! What is there, what would be there afterwards, and the step from one to the other.

use std::path::Path;

use serde::Deserialize;

use super::{InitError, Options, WORKFLOW_FILE, render, workflow};
use crate::config::CONFIG_FILE;
use crate::repo::{FileChange, RepoPath, StoredFile, unified};

const CONFIG: &str = include_str!("../../templates/config.yml");

/// What shall become of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It is not there yet.
    New,
    /// It is as it shall be, or is the user's own and stays.
    Same,
    /// It is as an earlier `init` wrote it.
    Outdated,
    /// A person changed it since, or wrote it.
    Edited,
}

/// A file, before and after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedFile {
    /// Its path, relative to the top of the repository.
    pub path: &'static str,
    /// What is there; `None` when nothing is.
    pub before: Option<String>,
    /// What shall be there.
    pub after: String,
    /// What shall become of it.
    pub state: State,
}

/// Compares what is wanted with what is below `root`.
///
/// # Errors
/// [`InitError::Link`] for a link on the way, [`InitError::Io`] for a file that cannot be read, and what [`workflow`] refuses.
pub fn plan(root: &Path, options: &Options) -> Result<Vec<PlannedFile>, InitError> {
    let text = workflow(options)?;
    let before = read(root, WORKFLOW_FILE)?;
    let state = match &before {
        None => State::New,
        Some(before) if *before == text => State::Same,
        Some(before) if render::is_untouched(before) => State::Outdated,
        Some(_) => State::Edited,
    };
    let mut files = vec![PlannedFile { path: WORKFLOW_FILE, before, after: text, state }];
    // Settings are the user's from the first day on.
    let before = read(root, CONFIG_FILE)?;
    let (state, after) = match &before {
        None => (State::New, CONFIG.to_owned()),
        Some(before) => (State::Same, before.clone()),
    };
    files.push(PlannedFile { path: CONFIG_FILE, before, after, state });
    Ok(files)
}

/// Shows what would change, as a unified difference; empty when nothing would.
pub fn difference(files: &[PlannedFile]) -> String {
    let change = |file: &PlannedFile| {
        let stored = |text: &String| StoredFile::regular(text.as_bytes());
        let path = RepoPath::parse(file.path).expect("both paths are constants that a repository can hold");
        FileChange { path, before: file.before.as_ref().map(stored), after: Some(stored(&file.after)) }
    };
    let changed: Vec<FileChange> = files.iter().filter(|file| file.state != State::Same).map(change).collect();
    unified(&changed)
}

/// Writes what differs; a file that a person changed only when `force` says so.
///
/// # Errors
/// [`InitError::Edited`] before anything is written; [`InitError::Link`] and [`InitError::Io`] for a place that cannot be
/// written.
pub fn write(root: &Path, files: &[PlannedFile], force: bool) -> Result<(), InitError> {
    if let Some(file) = files.iter().find(|file| file.state == State::Edited && !force) {
        return Err(InitError::Edited(file.path));
    }
    for file in files.iter().filter(|file| file.state != State::Same) {
        refuse_links(root, file.path)?;
        let place = root.join(file.path);
        let folder = place.parent().unwrap_or(root);
        std::fs::create_dir_all(folder).map_err(io(folder))?;
        std::fs::write(&place, &file.after).map_err(io(&place))?;
    }
    Ok(())
}

/// Returns the names of the other workflows that run on a push, in the order of their files. A file that cannot be read is
/// left out: it is not ours to judge.
pub fn workflows_on_push(root: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(root.join(".github/workflows")) else { return Vec::new() };
    let mut names: Vec<String> =
        entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names.into_iter().filter_map(|name| name_when_on_push(root, &format!(".github/workflows/{name}"))).collect()
}

/// A workflow without a name is called after its path (GitHub, "Workflow syntax", `name`).
fn name_when_on_push(root: &Path, path: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Workflow {
        name: Option<String>,
        on: serde_json::Value,
    }
    if path == WORKFLOW_FILE || !(path.ends_with(".yml") || path.ends_with(".yaml")) {
        return None;
    }
    let text = std::fs::read_to_string(root.join(path)).ok()?;
    let workflow: Workflow = crate::yaml::parse(&text, path).ok()?;
    let on_push = match &workflow.on {
        serde_json::Value::String(event) => event == "push",
        serde_json::Value::Array(events) => events.iter().any(|event| event == "push"),
        on => on.get("push").is_some(),
    };
    on_push.then(|| workflow.name.unwrap_or_else(|| path.to_owned()))
}

fn read(root: &Path, path: &str) -> Result<Option<String>, InitError> {
    refuse_links(root, path)?;
    let place = root.join(path);
    match std::fs::read(&place) {
        Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(io(&place)(error)),
    }
}

fn refuse_links(root: &Path, path: &str) -> Result<(), InitError> {
    let mut place = root.to_owned();
    for part in Path::new(path) {
        place.push(part);
        if place.symlink_metadata().is_ok_and(|metadata| metadata.is_symlink()) {
            return Err(InitError::Link(place));
        }
    }
    Ok(())
}

fn io(path: &Path) -> impl FnOnce(std::io::Error) -> InitError {
    let path = path.to_owned();
    move |source| InitError::Io { path, source }
}
