//! A tree under change: which files are open as lines, which paths were touched, and what is done to whole files.

use std::collections::{BTreeMap, BTreeSet};

use crate::repo::{FileMode, FileTree, RepoPath, StoredFile};

use super::contents::editable;
use super::document::Document;
use super::feedback::{Cause, Problem};
use super::guard;
use super::place::{near_names, refuse_taken, resolve};

/// A tree under change, with the files that are open as lines.
pub(super) struct Work {
    pub(super) tree: FileTree,
    pub(super) open: BTreeMap<RepoPath, (Document, FileMode)>,
    /// Changed paths, each with the path that its file had at first.
    touched: BTreeMap<RepoPath, RepoPath>,
    pub(super) whole: BTreeSet<RepoPath>,
    /// For how many failed edits the nearest lines were looked up.
    pub(super) looked_up: usize,
}

impl Work {
    pub(super) fn on(tree: &FileTree) -> Self {
        let (open, touched, whole) = (BTreeMap::new(), BTreeMap::new(), BTreeSet::new());
        Self { tree: tree.clone(), open, touched, whole, looked_up: 0 }
    }

    /// Opens a file that must be there.
    pub(super) fn opened(&mut self, path: &RepoPath) -> Result<&mut Document, Problem> {
        if !self.tree.contains(path) {
            return Err(Problem::missing(&near_names(&self.tree, path.as_str())));
        }
        self.open(path)?;
        self.open.get_mut(path).map(|(document, _)| document).ok_or_else(|| Problem::missing(&[]))
    }

    pub(super) fn copy(&mut self, from: &RepoPath, to: &str) -> Result<(), Problem> {
        let to = resolve(&self.tree, to).map_err(|problem| problem.in_file(to))?;
        refuse_taken(&self.tree, &to, None).map_err(|problem| problem.in_file(to.as_str()))?;
        self.close(from);
        let file = self.tree.read(from).map_err(|error| Problem::unreadable(&error))?;
        let file = file.ok_or_else(|| Problem::missing(&near_names(&self.tree, from.as_str())))?;
        self.tree.write(to.clone(), file);
        self.touch(&to, from);
        Ok(())
    }

    pub(super) fn set_mode(&mut self, path: &RepoPath, is_program: bool) -> Result<(), Problem> {
        self.close(path);
        let file = self.tree.read(path).map_err(|error| Problem::unreadable(&error))?;
        let file = file.ok_or_else(|| Problem::missing(&near_names(&self.tree, path.as_str())))?;
        if file.mode == FileMode::Symlink {
            return Err(Problem::new(Cause::NotText, "this is a symbolic link, which has no mode of its own"));
        }
        let mode = if is_program { FileMode::Executable } else { FileMode::Regular };
        self.tree.write(path.clone(), StoredFile { mode, ..file });
        self.touch(path, path);
        Ok(())
    }

    pub(super) fn create(&mut self, path: &RepoPath, content: &str) -> Result<(), Problem> {
        refuse_taken(&self.tree, path, None)?;
        self.tree.write(path.clone(), StoredFile::regular(content.as_bytes()));
        self.touch(path, path);
        Ok(())
    }

    /// Removes the file from the tree and returns it.
    pub(super) fn take(&mut self, path: &RepoPath) -> Result<StoredFile, Problem> {
        self.close(path);
        let file = self.tree.read(path).map_err(|error| Problem::unreadable(&error))?;
        let file = file.ok_or_else(|| Problem::missing(&near_names(&self.tree, path.as_str())))?;
        self.tree.remove(path);
        self.touch(path, path);
        Ok(file)
    }

    pub(super) fn rename(&mut self, from: &RepoPath, to: &str) -> Result<(), Problem> {
        let to = resolve(&self.tree, to).map_err(|problem| problem.in_file(to))?;
        if *from == to {
            return Err(Problem::new(Cause::NoChange, "both names are the same"));
        }
        refuse_taken(&self.tree, &to, Some(from)).map_err(|problem| problem.in_file(to.as_str()))?;
        let file = self.take(from)?;
        self.tree.write(to.clone(), file);
        let first = self.touched.get(from).cloned().unwrap_or_else(|| from.clone());
        self.touched.insert(to, first);
        Ok(())
    }

    pub(super) fn touch(&mut self, path: &RepoPath, first: &RepoPath) {
        self.touched.entry(path.clone()).or_insert_with(|| first.clone());
    }

    pub(super) fn open(&mut self, path: &RepoPath) -> Result<(), Problem> {
        if !self.open.contains_key(path)
            && let Some((text, mode)) = editable(&self.tree, path)?
        {
            self.open.insert(path.clone(), (Document::of(&text), mode));
        }
        Ok(())
    }

    fn close(&mut self, path: &RepoPath) {
        if let Some((document, mode)) = self.open.remove(path) {
            let content = document.to_text().into_bytes().into();
            self.tree.write(path.clone(), StoredFile { content, mode });
        }
    }

    pub(super) fn finish(mut self) -> (FileTree, Vec<guard::Touched>) {
        let open: Vec<RepoPath> = self.open.keys().cloned().collect();
        for path in open {
            self.close(&path);
        }
        let touched = self.touched.into_iter().map(|(path, before)| {
            let whole = self.whole.contains(&path);
            guard::Touched { path, before, whole }
        });
        (self.tree, touched.collect())
    }
}
