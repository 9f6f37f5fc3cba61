//! What the trees under test are given beside their own files: folders of the checkout, and what setups left.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::others::{copied, handed_on};
use super::{Ecosystem, Setup};
use crate::repo::{RepoError, WorkTree};
use crate::verify::Linked;

/// A folder that commands write into, of which each tree gets a copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copied {
    /// Where it comes to lie: a path that begins with `tree/` or `scratch/`.
    pub name: String,
    /// What is copied.
    pub source: PathBuf,
}

/// What the trees under test are given beside their own files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Supplies {
    /// Folders that are linked into each tree and can be read there.
    pub linked: Vec<Linked>,
    /// Folders of which each tree gets a copy of its own.
    pub copied: Vec<Copied>,
    /// Links in the scratch folder: name and target.
    pub links: Vec<(String, PathBuf)>,
    /// Further places that can be read.
    pub places: Vec<PathBuf>,
    /// Variables that tell the tools where it lies.
    pub environment: BTreeMap<String, String>,
    /// Folders of Python sources, relative to the top, that come first in the search for modules.
    pub sources: Vec<String>,
    /// What a reader of the evidence has to know about it, each a sentence.
    pub notes: Vec<String>,
}

impl Supplies {
    /// Returns every place outside of a tree that its commands must be able to read.
    pub fn readable(&self) -> Vec<PathBuf> {
        let linked = self.linked.iter().map(|linked| linked.target.clone());
        linked.chain(self.links.iter().map(|(_, target)| target.clone())).chain(self.places.iter().cloned()).collect()
    }

    /// Gives a tree what it gets.
    ///
    /// # Errors
    /// [`RepoError::Io`] when a link or a copy cannot be made.
    #[cfg(unix)]
    pub fn give(&self, work_tree: &WorkTree) -> Result<(), RepoError> {
        for linked in &self.linked {
            linked.link_into(work_tree)?;
        }
        self.copied.iter().try_for_each(|copied| work_tree.copy_outside(&copied.name, &copied.source))
    }

    /// Takes up what a setup left in `folder`, which holds `tree` and `scratch`; `linked` was found in the former.
    pub fn take_up(&mut self, setup: &Setup, folder: &Path, linked: Vec<Linked>, note: String) {
        let (variables, links) = handed_on(setup.ecosystem);
        let scratch = folder.join("scratch");
        for name in variables {
            if let Some(value) = setup.environment.get(name) {
                self.environment.insert(name.to_owned(), value.replace("$SCRATCH", &scratch.to_string_lossy()));
            }
        }
        let there = links.into_iter().map(|(name, source)| (name.to_owned(), scratch.join(source)));
        self.links.extend(there.filter(|(_, target)| target.is_dir()));
        let mut folders: Vec<&str> = setup.ways.iter().flatten().map(|step| step.check.folder.as_str()).collect();
        folders.dedup();
        for (name, source) in folders.into_iter().flat_map(|of| copied(setup.ecosystem, of)) {
            let source = folder.join(source);
            if source.is_dir() && !self.copied.iter().any(|known| known.name == name) {
                self.copied.push(Copied { name, source });
            }
        }
        if matches!(setup.ecosystem, Ecosystem::Go | Ecosystem::Bundler | Ecosystem::Nuget | Ecosystem::Own) {
            self.places.push(scratch);
        }
        self.linked.extend(linked);
        self.notes.push(note);
    }
}
