//! Applies edits to a tree, all of them or none.

use std::collections::{BTreeMap, BTreeSet};

use crate::repo::{FileMode, FileTree, RepoPath, StoredFile};

use super::contents::editable;
use super::document::{Document, lines_of};
use super::feedback::{Cause, EditError, Problem};
use super::locate::{Found, Miss, locate, stands_at};
use super::nearest::nearest;
use super::place::{near_names, refuse_taken, resolve};
use super::{Edit, Hunk, guard};

/// For how many failed edits the nearest lines are looked up; the feedback has no room for more.
const MAX_LOOKED_UP: usize = 16;

/// Applies `edits` in order, each to the result of those before, and guards the outcome.
///
/// Line endings, a byte order mark, a missing newline at the end and the mode of a file are kept. The time is near
/// linear in the sizes of the files and of the edits.
///
/// # Errors
/// [`EditError`] with every edit that cannot be applied; when all can, with everything that the guard refuses.
pub fn apply(tree: &FileTree, edits: &[Edit]) -> Result<FileTree, EditError> {
    let mut work = Work::on(tree);
    let mut problems = contradictions(tree, edits);
    let mut failed: BTreeMap<&str, usize> = BTreeMap::new();
    for (edit, number) in edits.iter().zip(1..) {
        let Err(mut problem) = work.step(edit) else { continue };
        if problem.cause == Cause::NotFound
            && let Some(earlier) = failed.get(edit.path())
        {
            problem.summary.push_str(&format!(" (perhaps because edit {earlier} to this file failed)"));
        }
        failed.entry(edit.path()).or_insert(number);
        problems.push(if problem.path.is_some() { problem } else { problem.in_file(edit.path()) }.in_edit(number));
    }
    if !problems.is_empty() {
        return Err(EditError { problems });
    }
    let (changed, touched) = work.finish();
    let problems = guard::check(tree, &changed, &touched);
    if problems.is_empty() { Ok(changed) } else { Err(EditError { problems }) }
}

/// Refuses a whole file beside another edit of the same existing file: one of the two is usually a quotation.
fn contradictions(tree: &FileTree, edits: &[Edit]) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (at, edit) in edits.iter().enumerate() {
        let Edit::WholeFile { path, .. } = edit else { continue };
        let existing =
            RepoPath::of_existing(path.strip_prefix("./").unwrap_or(path)).is_ok_and(|path| tree.contains(&path));
        let mut others = edits.iter().zip(1..).enumerate().filter(|(other, _)| *other != at);
        let clash = others.find_map(|(_, (other, number))| match other {
            Edit::WholeFile { path: same, .. } => (same == path && number <= at).then_some(number),
            Edit::Replace { path: same, .. }
            | Edit::Hunks { path: same, .. }
            | Edit::Substitute { path: same, .. }
            | Edit::Insert { path: same, .. } => (same == path && existing).then_some(number),
            _ => None,
        });
        if let Some(number) = clash {
            let summary =
                format!("this gives the whole file, and edit {number} is for the same file; send only one of them");
            problems.push(Problem::new(Cause::Contradiction, summary).in_file(path).in_edit(at + 1));
        }
    }
    problems
}

/// A tree under change, with the files that are open as lines.
struct Work {
    tree: FileTree,
    open: BTreeMap<RepoPath, (Document, FileMode)>,
    /// Changed paths, each with the path that its file had at first.
    touched: BTreeMap<RepoPath, RepoPath>,
    whole: BTreeSet<RepoPath>,
    looked_up: usize,
}

impl Work {
    fn on(tree: &FileTree) -> Self {
        let (open, touched, whole) = (BTreeMap::new(), BTreeMap::new(), BTreeSet::new());
        Self { tree: tree.clone(), open, touched, whole, looked_up: 0 }
    }

    fn step(&mut self, edit: &Edit) -> Result<(), Problem> {
        let path = resolve(&self.tree, edit.path())?;
        match edit {
            Edit::Replace { search, replace, .. } => self.replace(&path, search, replace),
            Edit::WholeFile { content, .. } => self.whole_file(&path, content),
            Edit::Hunks { hunks, removes, .. } => self.hunks(&path, hunks, *removes),
            Edit::Substitute { old, new, all, .. } => self.substitute(&path, (old, new), *all),
            Edit::Insert { line, text, .. } => self.insert(&path, *line, text),
            Edit::Create { content, .. } => self.create(&path, content),
            Edit::Delete { .. } => self.take(&path).map(|_| ()),
            Edit::Rename { to, .. } => self.rename(&path, to),
            Edit::Copy { to, .. } => self.copy(&path, to),
            Edit::Executable { is_program, .. } => self.set_mode(&path, *is_program),
        }
    }

    fn replace(&mut self, path: &RepoPath, search: &str, replace: &str) -> Result<(), Problem> {
        let blank = search.trim().is_empty();
        if !self.tree.contains(path) {
            if blank {
                return self.create(path, replace);
            }
            return Err(Problem::missing(&near_names(&self.tree, path.as_str())));
        }
        self.open(path)?;
        let Some((document, _)) = self.open.get_mut(path) else { return Err(Problem::missing(&[])) };
        if blank && document.len() > 0 {
            let summary = "SEARCH is empty, but the file exists and is not";
            let help =
                "Put the lines to change into SEARCH, or lines beside which to insert, and repeat those in REPLACE.";
            return Err(Problem::new(Cause::Ambiguous, summary).with_detail(help));
        }
        let (old, new) = (lines_of(search), lines_of(replace));
        if old == new {
            return Err(Problem::new(Cause::NoChange, "REPLACE is the same as SEARCH, so it changes nothing"));
        }
        let found = if blank {
            Ok(Found { at: 0, old: Vec::new(), new: new.iter().map(|line| (*line).to_owned()).collect() })
        } else {
            locate(document, search, replace)
        };
        match found {
            Ok(found) => {
                document.replace(found.at, &borrowed(&found.old), &borrowed(&found.new));
                self.touch(path, path);
                Ok(())
            }
            Err(Miss::Many(places)) => Err(Problem::ambiguous(&places)),
            Err(Miss::Nowhere) => Err(explain_miss(document, &old, &new, &mut self.looked_up)),
        }
    }

    fn whole_file(&mut self, path: &RepoPath, content: &str) -> Result<(), Problem> {
        if !self.tree.contains(path) {
            return self.create(path, content);
        }
        self.open(path)?;
        let Some((document, _)) = self.open.get_mut(path) else { return Err(Problem::missing(&[])) };
        if content.trim().is_empty() && document.len() > 0 {
            let summary = "the block is empty, but the file is not; use DELETE to remove it";
            return Err(Problem::new(Cause::Fragment, summary));
        }
        let old: Vec<String> = document.texts().map(str::to_owned).collect();
        let content = content.strip_prefix('\u{FEFF}').unwrap_or(content);
        document.replace(0, &borrowed(&old), &lines_of(content));
        self.touch(path, path);
        self.whole.insert(path.clone());
        Ok(())
    }

    /// Opens a file that must be there.
    fn opened(&mut self, path: &RepoPath) -> Result<&mut Document, Problem> {
        if !self.tree.contains(path) {
            return Err(Problem::missing(&near_names(&self.tree, path.as_str())));
        }
        self.open(path)?;
        self.open.get_mut(path).map(|(document, _)| document).ok_or_else(|| Problem::missing(&[]))
    }

    fn hunks(&mut self, path: &RepoPath, hunks: &[Hunk], removes: bool) -> Result<(), Problem> {
        if let ([hunk], false) = (hunks, self.tree.contains(path))
            && hunk.old.is_empty()
            && !removes
        {
            return self.create(path, &text_of(&hunk.new, !hunk.new_unended));
        }
        let mut looked_up = self.looked_up;
        let mut document = self.opened(path)?.clone();
        let left = {
            super::hunks::apply(&mut document, hunks, |document, old, new| {
                explain_miss(document, old, new, &mut looked_up)
            })?;
            document.len()
        };
        self.looked_up = looked_up;
        if removes && left > 0 {
            let summary = format!("the diff removes the file, but {left} of its lines would be left");
            return Err(Problem::new(Cause::NotFound, summary));
        }
        *self.opened(path)? = document;
        self.touch(path, path);
        if removes { self.take(path).map(|_| ()) } else { Ok(()) }
    }

    fn substitute(&mut self, path: &RepoPath, (old, new): (&str, &str), all: bool) -> Result<(), Problem> {
        if old == new {
            return Err(Problem::new(
                Cause::NoChange,
                "the new text is the same as the old one, so it changes nothing",
            ));
        }
        let document = self.opened(path)?;
        match super::substitute::substitute(document, old, new, all) {
            Ok(text) => {
                *document = Document::of(&text);
                self.touch(path, path);
                Ok(())
            }
            Err(Miss::Many(places)) => Err(Problem::ambiguous(&places)),
            // Whole lines may differ in white space, as those of blocks may.
            Err(Miss::Nowhere) if all || old.trim().is_empty() => Err(self.not_there(path, old, new)),
            Err(Miss::Nowhere) => self.replace(path, old, new),
        }
    }

    fn not_there(&mut self, path: &RepoPath, old: &str, new: &str) -> Problem {
        let mut looked_up = self.looked_up;
        let problem = match self.opened(path) {
            Ok(document) => explain_miss(document, &lines_of(old), &lines_of(new), &mut looked_up),
            Err(problem) => problem,
        };
        self.looked_up = looked_up;
        problem
    }

    fn insert(&mut self, path: &RepoPath, line: usize, text: &str) -> Result<(), Problem> {
        let document = self.opened(path)?;
        let lines = document.len();
        if line > lines {
            let summary = format!("there is no line {line} to insert behind; the file has {lines}");
            return Err(Problem::new(Cause::NotFound, summary));
        }
        document.replace(line, &[], &lines_of(text));
        self.touch(path, path);
        Ok(())
    }

    fn copy(&mut self, from: &RepoPath, to: &str) -> Result<(), Problem> {
        let to = resolve(&self.tree, to).map_err(|problem| problem.in_file(to))?;
        refuse_taken(&self.tree, &to, None).map_err(|problem| problem.in_file(to.as_str()))?;
        self.close(from);
        let file = self.tree.read(from).map_err(|error| Problem::unreadable(&error))?;
        let file = file.ok_or_else(|| Problem::missing(&near_names(&self.tree, from.as_str())))?;
        self.tree.write(to.clone(), file);
        self.touch(&to, from);
        Ok(())
    }

    fn set_mode(&mut self, path: &RepoPath, is_program: bool) -> Result<(), Problem> {
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

    fn create(&mut self, path: &RepoPath, content: &str) -> Result<(), Problem> {
        refuse_taken(&self.tree, path, None)?;
        self.tree.write(path.clone(), StoredFile::regular(content.as_bytes()));
        self.touch(path, path);
        Ok(())
    }

    /// Removes the file from the tree and returns it.
    fn take(&mut self, path: &RepoPath) -> Result<StoredFile, Problem> {
        self.close(path);
        let file = self.tree.read(path).map_err(|error| Problem::unreadable(&error))?;
        let file = file.ok_or_else(|| Problem::missing(&near_names(&self.tree, path.as_str())))?;
        self.tree.remove(path);
        self.touch(path, path);
        Ok(file)
    }

    fn rename(&mut self, from: &RepoPath, to: &str) -> Result<(), Problem> {
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

    fn touch(&mut self, path: &RepoPath, first: &RepoPath) {
        self.touched.entry(path.clone()).or_insert_with(|| first.clone());
    }

    fn open(&mut self, path: &RepoPath) -> Result<(), Problem> {
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

    fn finish(mut self) -> (FileTree, Vec<guard::Touched>) {
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

fn text_of(lines: &[String], ended: bool) -> String {
    let mut text = lines.join("\n");
    if ended && !lines.is_empty() {
        text.push('\n');
    }
    text
}

fn borrowed(lines: &[String]) -> Vec<&str> {
    lines.iter().map(String::as_str).collect()
}

fn explain_miss(document: &Document, old: &[&str], new: &[&str], looked_up: &mut usize) -> Problem {
    // A replacement of little text (a closing brace) stands somewhere in nearly every file.
    let telling = new.iter().flat_map(|line| line.chars()).filter(|c| c.is_alphanumeric()).count() >= 8;
    if telling && let Some(at) = stands_at(document, new).first() {
        return Problem::already_applied(document, *at, new.len());
    }
    *looked_up += 1;
    if *looked_up > MAX_LOOKED_UP {
        return Problem::new(Cause::NotFound, "the SEARCH text is not in the file");
    }
    Problem::not_found(document, old, nearest(document, old))
}
