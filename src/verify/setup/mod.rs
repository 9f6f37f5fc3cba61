//! What has to be fetched before the checks can run: the dependencies that the base commit names.
//!
//! Here is only said what would be done, from the files of the base commit. A setup is run once, on the base commit's
//! files, with the network and without any secret; what it leaves is kept by the digest of the files that name the
//! dependencies, and given to every tree that is tested afterwards, where there is no network.

mod manifests;
mod node;
mod others;
mod python;
mod supplies;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use super::detect::Files;
use super::{Check, CheckKind, Linked};
use crate::repo::FileTree;

pub use supplies::{Copied, Supplies};

/// Changes when setups of earlier versions must not be used any more.
const FORMAT: &str = "setup 1";

/// The tool whose dependencies a setup fetches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ecosystem {
    /// pip and its relatives.
    Python,
    /// npm and its relatives.
    Node,
    /// cargo.
    Cargo,
    /// Go modules.
    Go,
    /// Maven.
    Maven,
    /// Gradle.
    Gradle,
    /// Bundler.
    Bundler,
    /// Composer.
    Composer,
    /// NuGet.
    Nuget,
    /// Commands of the user's.
    Own,
}

impl Ecosystem {
    /// Returns the name that people know it by.
    pub fn name(self) -> &'static str {
        match self {
            Self::Python => "python",
            Self::Node => "node",
            Self::Cargo => "cargo",
            Self::Go => "go",
            Self::Maven => "maven",
            Self::Gradle => "gradle",
            Self::Bundler => "bundler",
            Self::Composer => "composer",
            Self::Nuget => "nuget",
            Self::Own => "own",
        }
    }
}

/// A setup that would be run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setup {
    /// Whose dependencies it fetches.
    pub ecosystem: Ecosystem,
    /// Ways to do it, best first: the next is taken where the one before does not lead there.
    pub ways: Vec<Vec<Step>>,
    /// Variables on top of the sandbox's; `$SCRATCH` in a value is the folder that is kept.
    pub environment: BTreeMap<String, String>,
    /// The digest of what it depends on, 16 hexadecimal digits.
    pub key: String,
}

/// One command of a setup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The command; its kind is [`CheckKind::Setup`].
    pub check: Check,
    /// Whether the rest is worth something when it fails.
    pub may_fail: bool,
}

impl Step {
    fn new(argv: &[&str], folder: &str, why: (&str, &str)) -> Self {
        Self { check: super::detect::check(CheckKind::Setup, folder, argv, why), may_fail: false }
    }

    fn optional(argv: &[&str], folder: &str, why: (&str, &str)) -> Self {
        Self { may_fail: true, ..Self::new(argv, folder, why) }
    }
}

/// Settings of package managers in folders that hold no package.
const HIDDEN_SETTINGS: &[&str] =
    &[".cargo/config.toml", ".cargo/config", ".mvn/maven.config", ".mvn/extensions.xml", ".mvn/jvm.config"];

impl Setup {
    fn new(files: &Files<'_>, ecosystem: Ecosystem, ways: Vec<Vec<Step>>) -> Self {
        let mut all = Sha256::new();
        let mut add = |bytes: &[u8]| {
            all.update((bytes.len() as u64).to_le_bytes());
            all.update(bytes);
        };
        add(FORMAT.as_bytes());
        ways.iter().flatten().for_each(|step| add(step.check.label().as_bytes()));
        let ours = files.below("").filter(|path| manifests::names(ecosystem, path.file_name()));
        let hidden = files.tree.paths().filter(|path| HIDDEN_SETTINGS.contains(&path.as_str()));
        for path in ours.chain(hidden) {
            add(path.as_str().as_bytes());
            add(files.tree.read(path).ok().flatten().as_ref().map_or(&[], |file| &*file.content));
        }
        let key = hex::encode(&all.finalize()[..8]);
        Self { ecosystem, ways, environment: others::environment(ecosystem), key }
    }

    /// Returns a name for it that tells what it is of and changes with what it depends on.
    pub fn name(&self) -> String {
        format!("{}-{}", self.ecosystem.name(), self.key)
    }
}

/// Returns the setups that the checks of a tree need, beside what `linked` already has of the checkout.
pub fn setups(tree: &FileTree, checks: &[Check], linked: &[Linked]) -> Vec<Setup> {
    let files = Files::of(tree);
    let has = |folder: &str, names: &[&str]| {
        let at = |name: &str| linked.iter().any(|link| link.name == super::detect::joined(folder, name));
        names.iter().any(|name| at(name))
    };
    let mut found = Vec::new();
    found.extend(python::setup(&files, checks, &|folder| has(folder, &[".venv", "venv"])));
    found.extend(node::setup(&files, checks, &|folder| has(folder, &["node_modules"])));
    found.extend(others::setups(&files, checks, &|folder| has(folder, &["vendor", "vendor/bundle"])));
    found
}

/// Returns the name of the package that a `Cargo.toml` describes; `None` for a workspace without one.
pub fn cargo_package(manifest: &str) -> Option<String> {
    let table: toml::Table = manifest.parse().ok()?;
    Some(table.get("package")?.get("name")?.as_str()?.to_owned())
}

/// Makes a setup of commands that the user wrote.
pub fn own_setup(tree: &FileTree, commands: Vec<Check>) -> Setup {
    let step = |check: Check| Step { check: Check { kind: CheckKind::Setup, ..check }, may_fail: false };
    Setup::new(&Files::of(tree), Ecosystem::Own, vec![commands.into_iter().map(step).collect()])
}

/// Returns the folders of the checks that call one of these programs.
fn folders<'a>(checks: &'a [Check], programs: &[&str]) -> Vec<&'a str> {
    let program = |check: &Check| {
        let first = check.argv.first().map_or("", String::as_str);
        first.rsplit('/').next().unwrap_or(first).to_owned()
    };
    let mut found: Vec<&str> = checks
        .iter()
        .filter(|check| programs.contains(&program(check).as_str()))
        .map(|check| check.folder.as_str())
        .collect();
    found.sort_unstable();
    found.dedup();
    found
}
