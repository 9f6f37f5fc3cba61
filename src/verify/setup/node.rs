//! The dependencies of Node packages, by the package manager that the lock file names.

use serde_json::Value;

use super::{Ecosystem, Files, Setup, Step, folders};
use crate::verify::Check;
use crate::verify::detect::node::manager;

pub(super) fn setup(files: &Files<'_>, checks: &[Check], is_installed: &dyn Fn(&str) -> bool) -> Option<Setup> {
    let wanted = folders(checks, &["npm", "npx", "pnpm", "yarn", "bun", "node"]);
    let mut ways: Vec<Vec<Step>> = vec![Vec::new(), Vec::new(), Vec::new()];
    for folder in wanted.into_iter().filter(|folder| !is_installed(folder)) {
        let text = files.text(folder, "package.json").unwrap_or_default();
        let Ok(manifest) = serde_json::from_str::<Value>(&text) else { continue };
        let names = ["dependencies", "devDependencies", "optionalDependencies", "workspaces"];
        if names.iter().all(|name| manifest[*name].is_null()) {
            continue;
        }
        let by_npm = with_npm(files, folder, &[]);
        // Manifests older than npm 7 often name peers that contradict each other; npm 6 took no notice.
        ways[2].extend(with_npm(files, folder, &["--legacy-peer-deps"]));
        ways[0].extend(with(manager(files, folder, &manifest), files, folder).unwrap_or_else(|| by_npm.clone()));
        ways[1].extend(by_npm);
    }
    ways.dedup();
    (!ways[0].is_empty()).then(|| Setup::new(files, Ecosystem::Node, ways))
}

/// Scripts of the package itself (`prepare`) are left out, since they want a checkout; those of its dependencies run.
fn with_npm(files: &Files<'_>, folder: &str, options: &[&str]) -> Vec<Step> {
    let lock = ["package-lock.json", "npm-shrinkwrap.json"].into_iter().find(|name| files.has(folder, name));
    let (words, reason): (&[&str], _) = match lock {
        Some(name) => (&["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], (name, "is locked")),
        None => (
            &["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--no-package-lock"],
            ("package.json", "names dependencies"),
        ),
    };
    let install = Step::new(&[words, options].concat(), folder, reason);
    let rebuild = Step::optional(&["npm", "rebuild"], folder, ("package.json", "scripts of dependencies"));
    vec![install, rebuild]
}

fn with(manager: &str, files: &Files<'_>, folder: &str) -> Option<Vec<Step>> {
    let locked = |name: &str| files.has(folder, name);
    let step = |argv: &[&str], file: &str| Some(vec![Step::new(argv, folder, (file, "is locked"))]);
    match manager {
        "pnpm" if locked("pnpm-lock.yaml") => step(&["pnpm", "install", "--frozen-lockfile"], "pnpm-lock.yaml"),
        "yarn" if locked(".yarnrc.yml") => step(&["yarn", "install", "--immutable"], "yarn.lock"),
        "yarn" if locked("yarn.lock") => {
            step(&["yarn", "install", "--frozen-lockfile", "--non-interactive"], "yarn.lock")
        }
        "bun" => step(&["bun", "install", "--frozen-lockfile"], "bun.lock"),
        _ => None,
    }
}
