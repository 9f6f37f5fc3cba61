//! Applies edits to a tree, all of them or none.

use std::collections::{BTreeMap, BTreeSet};

use crate::repo::{FileTree, RepoPath};

use super::document::{Document, lines_of, with_ends_of};
use super::feedback::{Cause, EditError, Problem};
use super::locate::{Found, Miss, all_places, locate, stands_at, without_numbers};
use super::nearest::nearest;
use super::place::{near_names, resolve};
use super::work::Work;
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
    let mut unmoved: BTreeSet<&str> = BTreeSet::new();
    for (edit, number) in edits.iter().zip(1..) {
        // What was to be done to a file that could not get there is no fault of its own.
        if unmoved.contains(edit.path()) {
            continue;
        }
        let Err(mut problem) = work.step(edit) else { continue };
        if problem.cause == Cause::NotFound
            && let Some(earlier) = failed.get(edit.path())
        {
            problem.summary.push_str(&format!(" (perhaps because edit {earlier} to this file failed)"));
        }
        if problem.cause == Cause::PathTaken && matches!(edit, Edit::Rename { .. } | Edit::Copy { .. }) {
            unmoved.insert(edit.target());
        }
        failed.entry(edit.path()).or_insert(number);
        problems.push(if problem.path.is_some() { problem } else { problem.in_file(edit.path()) }.in_edit(number));
    }
    // An edit that changes nothing does no harm beside others.
    let is_idle = |problem: &Problem| problem.cause == Cause::NoChange;
    let does_no_harm = problems.len() < edits.len() && problems.iter().all(is_idle);
    if !problems.is_empty() && !does_no_harm {
        return Err(EditError { problems });
    }
    let (changed, touched) = work.finish();
    let problems = guard::check(tree, &changed, &touched);
    if problems.is_empty() { Ok(changed) } else { Err(EditError { problems }) }
}

/// Refuses a whole file beside another edit of the same existing file: one of the two is usually a quotation. The same edit twice
/// is none.
fn contradictions(tree: &FileTree, edits: &[Edit]) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (at, edit) in edits.iter().enumerate() {
        let Edit::WholeFile { path, .. } = edit else { continue };
        let existing =
            RepoPath::of_existing(path.strip_prefix("./").unwrap_or(path)).is_ok_and(|path| tree.contains(&path));
        let mut others = edits.iter().zip(1..).enumerate().filter(|(other, _)| *other != at);
        let clash = others.find_map(|(_, (other, number))| match other {
            Edit::WholeFile { path: same, .. } => (same == path && number <= at && other != edit).then_some(number),
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

impl Work {
    fn step(&mut self, edit: &Edit) -> Result<(), Problem> {
        let path = resolve(&self.tree, edit.path())?;
        match edit {
            Edit::Replace { search, replace, line, .. } => self.replace(&path, (search, replace), *line),
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

    fn replace(
        &mut self,
        path: &RepoPath,
        (search, replace): (&str, &str),
        line: Option<usize>,
    ) -> Result<(), Problem> {
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
            locate(document, search, replace, line.map(|line| line.saturating_sub(1)))
        };
        match found {
            Ok(found) => {
                let found = found.tidied(document);
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
        let (old, new) = (borrowed(&old), lines_of(content));
        let new = match (without_numbers(&old), without_numbers(&new)) {
            (None, Some(plain)) if new.len() > 1 => plain,
            _ => new,
        };
        let same_ends = with_ends_of(&old, &new);
        // Where nothing else changes the white space is what was asked for.
        let new = if same_ends == old { new } else { same_ends };
        document.replace(0, &old, &new);
        self.touch(path, path);
        self.whole.insert(path.clone());
        Ok(())
    }

    fn hunks(&mut self, path: &RepoPath, hunks: &[Hunk], removes: bool) -> Result<(), Problem> {
        if let ([hunk], false) = (hunks, self.tree.contains(path))
            && hunk.old.is_empty()
            && !removes
        {
            return self.create(path, &text_of(&hunk.new, hunk.last_newline != Some(false)));
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
                document.rewrite(&text);
                self.touch(path, path);
                Ok(())
            }
            Err(Miss::Many(places)) => Err(Problem::ambiguous(&places)),
            // Whole lines may differ in white space, as those of blocks may.
            Err(Miss::Nowhere) if old.trim().is_empty() => Err(self.not_there(path, old, new)),
            Err(Miss::Nowhere) if all => self.replace_all(path, old, new),
            Err(Miss::Nowhere) => self.replace(path, (old, new), None),
        }
    }

    /// Replaces whole lines wherever they stand, with the indentation of each place.
    fn replace_all(&mut self, path: &RepoPath, old: &str, new: &str) -> Result<(), Problem> {
        let document = self.opened(path)?;
        let found = all_places(document, &lines_of(old), &lines_of(new), false);
        if found.is_empty() {
            return Err(self.not_there(path, old, new));
        }
        // From behind, so that the places before stay where they are; of two that overlap the first counts.
        let mut end = 0;
        let apart = found.into_iter().filter(|found| {
            let is_free = found.at >= end;
            end = if is_free { found.at + found.old.len() } else { end };
            is_free
        });
        for found in apart.collect::<Vec<_>>().iter().rev() {
            document.replace(found.at, &borrowed(&found.old), &borrowed(&found.new));
        }
        self.touch(path, path);
        Ok(())
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
        let (lines, behind) = (document.len(), document.moves().now(line));
        if behind > lines {
            let summary = format!("there is no line {line} to insert behind; the file has {lines}");
            return Err(Problem::new(Cause::NotFound, summary));
        }
        let lines = lines_of(text);
        // No text is an empty line: nothing is what nobody asks to insert.
        document.replace(behind, &[], if text.is_empty() { &[""] } else { &lines });
        self.touch(path, path);
        Ok(())
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
