//! Setups: dependencies are fetched once, on the base commit's files and with the network, and kept for all trees.
//!
//! What a setup leaves lies below the state folder by the digest of what it depends on. It counts once its file `done` is
//! there, which is written last: a setup that was killed is made anew.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Bench, PipelineError, command_limits};
use crate::config::SetupMode;
use crate::repo::{FileTree, RepoError, write_files};
use crate::sandbox::Network;
use crate::verify::{self, Check, CheckRun, Ecosystem, Linked, Runner, Setup, Step, Supplies, TreeRun};

/// The folder of the setups, below the state folder.
const FOLDER: &str = "setup";
/// The most setups that are kept; the oldest go first.
const KEPT: usize = 12;
/// How long between two looks at a setup that another run is making.
const WAIT: Duration = Duration::from_millis(200);

/// What a setup that is done says of itself.
#[derive(Serialize, Deserialize)]
struct Done {
    /// The commands that made it.
    commands: Vec<String>,
    /// Folders of Python sources that were installed in editable form, relative to the top.
    sources: Vec<String>,
    /// What did not work and was not needed, each a sentence.
    remarks: Vec<String>,
}

/// Gathers what the trees under test are given beside their files: folders of the checkout, and what setups leave.
pub(super) async fn supplies(bench: &Bench<'_>, tree: &FileTree, checks: &[Check]) -> Result<Supplies, PipelineError> {
    let linked = match bench.repository.checkout() {
        Some(checkout) => verify::installed_dependencies(checkout, tree, checks),
        None => Vec::new(),
    };
    let mut supplies = Supplies { notes: linked.iter().map(|link| link.note.clone()).collect(), ..Supplies::default() };
    let setups = match (bench.config.setup.value, bench.config.setup_commands.value.as_slice()) {
        (SetupMode::Off, _) => Vec::new(),
        (SetupMode::Auto, []) => verify::setups(tree, checks, &linked),
        (SetupMode::Auto, commands) => vec![verify::own_setup(tree, verify::from_user(commands)?)],
    };
    supplies.linked = linked;
    for setup in setups {
        match prepared(bench, tree, &setup).await? {
            Ok((folder, done)) => {
                let root = folder.join("tree");
                let found = verify::installed_dependencies(&root, tree, checks);
                let is_new = |link: &Linked| !supplies.linked.iter().any(|known| known.name == link.name);
                let found: Vec<Linked> = found.into_iter().filter(is_new).collect();
                let note = format!(
                    "dependencies ({}) were installed before, with the network and the base commit's files: {}",
                    setup.ecosystem.name(),
                    done.commands.join("; ")
                );
                supplies.take_up(&setup, &folder, found, note);
                supplies.sources.extend(done.sources);
                supplies.notes.extend(done.remarks);
            }
            Err(reason) => {
                bench.progress.note(&format!("dependencies ({}): {reason}", setup.ecosystem.name()));
                supplies
                    .notes
                    .push(format!("dependencies ({}) could not be installed: {reason}", setup.ecosystem.name()));
            }
        }
    }
    Ok(supplies)
}

/// Returns the folder of a setup, which is made unless it is there; or why it could not be made.
async fn prepared(
    bench: &Bench<'_>,
    tree: &FileTree,
    setup: &Setup,
) -> Result<Result<(PathBuf, Done), String>, PipelineError> {
    let parent = bench.repository.state_folder().join(FOLDER);
    let folder = parent.join(setup.name());
    let io = |path: &Path| {
        let path = path.to_owned();
        move |source| PipelineError::Repo(RepoError::Io { path, source })
    };
    std::fs::create_dir_all(&parent).map_err(io(&parent))?;
    let place = parent.join(format!("{}.lock", setup.name()));
    let lock = std::fs::File::create(&place).map_err(io(&place))?;
    let mut told = false;
    while lock.try_lock().is_err() {
        if bench.cancel.is_cancelled() {
            return Err(PipelineError::Cancelled);
        }
        if !told {
            bench.progress.step("Waiting for another run that installs the same dependencies");
            told = true;
        }
        tokio::time::sleep(WAIT).await;
    }
    let marker = folder.join("done");
    let made = std::fs::read(&marker).ok().and_then(|text| Some((serde_json::from_slice(&text).ok()?, text)));
    if let Some((done, text)) = made {
        // Written once more, it counts as new.
        std::fs::write(&marker, text).map_err(io(&marker))?;
        return Ok(Ok((folder, done)));
    }
    if folder.exists() {
        std::fs::remove_dir_all(&folder).map_err(io(&folder))?;
    }
    let (root, scratch) = (folder.join("tree"), folder.join("scratch"));
    for path in [&root, &scratch] {
        std::fs::create_dir_all(path).map_err(io(path))?;
    }
    write_files(&tree.without_changes(), &root)?;
    bench.progress.step(&format!("Installing dependencies ({})", setup.ecosystem.name()));
    let done = match make(bench, setup, (&root, &scratch)).await? {
        Ok(done) => done,
        Err(reason) => {
            std::fs::remove_dir_all(&folder).map_err(io(&folder))?;
            return Ok(Err(reason));
        }
    };
    let done = Done { sources: settle(setup, tree, &root).map_err(io(&root))?, ..done };
    let text = serde_json::to_vec_pretty(&done).map_err(|error| io(&marker)(std::io::Error::other(error)))?;
    std::fs::write(&marker, text).map_err(io(&marker))?;
    forget_old(&parent);
    Ok(Ok((folder, done)))
}

/// Goes the ways in their order, up to the first that leads there; why one did not is told.
async fn make(bench: &Bench<'_>, setup: &Setup, places: (&Path, &Path)) -> Result<Result<Done, String>, PipelineError> {
    let mut reasons = Vec::new();
    for way in &setup.ways {
        let mut done = Done { commands: Vec::new(), sources: Vec::new(), remarks: Vec::new() };
        let mut failed = None;
        for step in way {
            let run = run_step(bench, setup, step, places).await?;
            let label = step.check.label();
            match trouble(&run) {
                None => done.commands.push(format!("`{label}`")),
                Some(trouble) if step.may_fail => done.remarks.push(format!("`{label}` {trouble}")),
                Some(trouble) => {
                    failed = Some(format!("`{label}` {trouble}"));
                    break;
                }
            }
        }
        match failed {
            None => {
                done.remarks.splice(0..0, reasons);
                return Ok(Ok(done));
            }
            Some(reason) => reasons.push(reason),
        }
    }
    // The last way is the one that asks for least.
    Ok(Err(reasons.pop().unwrap_or_else(|| "it has no commands".to_owned())))
}

/// Says what went wrong with a step, in a few words.
fn trouble(run: &CheckRun) -> Option<String> {
    if let Some(reason) = &run.could_not_run {
        return Some(format!("was not run: {reason}"));
    }
    let lines = || run.excerpt.lines().map(str::trim).filter(|line| !line.is_empty());
    // Package managers end with where their log is, and say before what was wrong.
    let telling = |line: &&str| {
        let says = ["fatal:", "error:", "ERROR:", "ERR!", "npm error"].iter().any(|word| line.contains(word));
        says && !line.contains("npm error code")
    };
    let line = lines().find(telling).or_else(|| lines().next_back()).unwrap_or("it said nothing");
    (!run.exit.is_success()).then(|| format!("failed: {line}"))
}

async fn run_step(
    bench: &Bench<'_>,
    setup: &Setup,
    step: &Step,
    (root, scratch): (&Path, &Path),
) -> Result<CheckRun, PipelineError> {
    let place = scratch.to_string_lossy();
    let variables = setup.environment.iter().map(|(name, value)| (name.clone(), value.replace("$SCRATCH", &place)));
    let runner = Runner {
        network: Network::Machine,
        environment: variables.collect(),
        ..Runner::new(bench.sandbox, command_limits(bench.config))
    };
    let one = std::slice::from_ref(&step.check);
    let run: TreeRun = match runner.run_tree(one, (root, scratch), bench.cancel).await {
        Ok(run) => run,
        Err(_) if bench.cancel.is_cancelled() => return Err(PipelineError::Cancelled),
        Err(error) => return Err(error.into()),
    };
    bench.journal.record("setup_step", json!({ "setup": setup.name(), "run": run }))?;
    let mut runs = run.checks;
    let run = runs.pop().unwrap_or_else(|| CheckRun::not_run(step.check.clone(), "nothing was run".to_owned()));
    bench.progress.note(&super::check::describe(&run));
    Ok(run)
}

/// Makes what was installed independent of the files that it was installed from; returns the folders of Python sources.
fn settle(setup: &Setup, tree: &FileTree, root: &Path) -> std::io::Result<Vec<String>> {
    let folders = setup.ways.iter().flatten().map(|step| step.check.folder.as_str());
    let folders: std::collections::BTreeSet<&str> = folders.collect();
    let mut sources = Vec::new();
    for folder in folders {
        let place = root.join(folder);
        match setup.ecosystem {
            Ecosystem::Python | Ecosystem::Own => sources.extend(verify::detach_sources(&place.join(".venv"), root)?),
            Ecosystem::Cargo => forget_members(tree, &place.join("target"))?,
            _ => {}
        }
    }
    Ok(sources)
}

/// Takes out what cargo compiled of the repository's own packages, so that every tree compiles its own: cargo goes by
/// modification times, and none of these may ever pass for those of other files.
fn forget_members(tree: &FileTree, target: &Path) -> std::io::Result<()> {
    let mut members = Vec::new();
    for path in tree.paths().filter(|path| path.file_name() == "Cargo.toml") {
        let text = tree.read_text(path).ok().flatten().unwrap_or_default();
        members.extend(verify::cargo_package(&text));
    }
    for profile in ["debug", "release"] {
        for part in [".fingerprint", "build", "incremental"] {
            let folder = target.join(profile).join(part);
            for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
                let name = entry.file_name().to_string_lossy().into_owned();
                let of_member = |member: &String| {
                    let plain = member.replace('-', "_");
                    [member, &plain]
                        .iter()
                        .any(|member| name.strip_prefix(member.as_str()).is_some_and(|rest| rest.starts_with('-')))
                };
                if part == "incremental" || members.iter().any(of_member) {
                    std::fs::remove_dir_all(entry.path())?;
                }
            }
        }
    }
    Ok(())
}

/// Removes the oldest setups beyond those that are kept; what is used again counts as new.
fn forget_old(parent: &Path) {
    let done = |entry: std::fs::DirEntry| {
        let modified = entry.path().join("done").metadata().and_then(|data| data.modified()).ok()?;
        Some((modified, entry.path()))
    };
    let mut all: Vec<_> = std::fs::read_dir(parent).into_iter().flatten().flatten().filter_map(done).collect();
    all.sort();
    let surplus = all.len().saturating_sub(KEPT);
    for (_, path) in all.into_iter().take(surplus) {
        if let Err(error) = std::fs::remove_dir_all(&path) {
            tracing::warn!(path = %path.display(), %error, "an old setup could not be removed");
        }
    }
}
