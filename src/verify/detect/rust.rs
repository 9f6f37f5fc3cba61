//! Cargo packages and workspaces.

use super::workflows::{Run, Workflows};
use super::{Check, CheckKind, Files, check};

/// `cargo test` builds all that it tests, so that no build of its own is needed.
pub(super) fn checks(files: &Files<'_>, workflows: &Workflows) -> Vec<Check> {
    let mut found = Vec::new();
    let features = features(workflows);
    for folder in files.folders_with(&["Cargo.toml"]) {
        let manifest = files.text(&folder, "Cargo.toml").unwrap_or_default();
        let has_table = |name: &str| manifest.lines().any(|line| line.trim() == name);
        let mut command = vec!["cargo", "test", "--no-fail-fast"];
        let reason = match (has_table("[workspace]"), has_table("[package]")) {
            (true, _) => {
                command.push("--workspace");
                "a workspace"
            }
            (false, true) => "a package",
            // Only dotted workspace keys (`[workspace.package]`), or no manifest of cargo's at all.
            (false, false) if manifest.contains("[workspace.") => {
                command.push("--workspace");
                "a workspace"
            }
            (false, false) => continue,
        };
        let mut reason = reason.to_owned();
        if let Some((flags, file)) = features.as_ref().filter(|_| folder.is_empty()) {
            command.extend(flags.iter().map(String::as_str));
            reason += &format!("; the features are those of {file}");
        }
        found.push(check(CheckKind::Test, &folder, &command, ("Cargo.toml", &reason)));
    }
    found
}

/// Returns the features with which a workflow runs the tests, as flags, and its file: all of them where any step says so,
/// else those of the first step that names some.
fn features(workflows: &Workflows) -> Option<(Vec<String>, String)> {
    let plain = |run: &&Run| !run.line.contains("${{") && !run.line.contains("--no-default-features");
    let runs: Vec<&Run> = workflows.all("cargo test").chain(workflows.all("cargo nextest run")).filter(plain).collect();
    if let Some(run) = runs.iter().find(|run| run.line.contains("--all-features")) {
        return Some((vec!["--all-features".to_owned()], run.file.clone()));
    }
    let named = |run: &&&Run| run.line.contains("--features");
    let run = runs.iter().find(named)?;
    let rest = run.line.split_once("--features")?.1.trim_start_matches(['=', ' ']);
    let list = if let Some(quoted) = rest.strip_prefix(['"', '\'']) {
        quoted.split(['"', '\'']).next()?
    } else {
        rest.split(' ').next()?
    };
    let is_list = !list.is_empty() && list.chars().all(|c| c.is_alphanumeric() || "-_,/ ".contains(c));
    is_list.then(|| (vec!["--features".to_owned(), list.to_owned()], run.file.clone()))
}
