//! Cargo packages and workspaces.

use super::{Check, CheckKind, Files, check};

/// `cargo test` builds all that it tests, so that no build of its own is needed.
pub(super) fn checks(files: &Files<'_>) -> Vec<Check> {
    let mut found = Vec::new();
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
        found.push(check(CheckKind::Test, &folder, &command, ("Cargo.toml", reason)));
    }
    found
}
