//! The steps around the edits: the task taken apart, a plan whose names exist, a review, words for the pull request.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use super::opening::{describe, failing, shared};
use super::session::Session;
use super::{Opening, ProposeError};
use crate::context;
use crate::llm::{Message, Role};
use crate::prompt::{self, fence};
use crate::repo::{FileChange, FileTree, RepoPath, unified};
use crate::task::Task;
use crate::tokens;

/// A shorter description has nothing to take apart, in bytes.
const SHORTEST_TO_EXTRACT: usize = 400;
/// Files that are searched for a symbol which does not stand where the plan says, at most.
const MOST_SEARCHED: usize = 5_000;
/// Lines of the extracted kinds, each at most.
const MOST_LINES: usize = 12;

/// The task taken apart.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extracted {
    /// What is wanted, in one sentence.
    pub goal: String,
    /// `defect`, `feature` and the like, as the model sees it.
    pub kind: String,
    /// What can be checked afterwards.
    pub acceptance: Vec<String>,
    /// What must not happen.
    pub constraints: Vec<String>,
    /// What the text leaves open, with what is assumed.
    pub open: Vec<String>,
}

/// What the model wants to do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Its words.
    pub text: String,
    /// Files that exist and will be changed or read.
    pub files: Vec<String>,
}

/// Title and description of a pull request in the model's words; never evidence.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Described {
    /// One line.
    pub title: String,
    /// A few sentences.
    pub text: String,
}

impl Session<'_> {
    /// Takes a task apart; `None` where its author has done that, or where there is nothing to take apart.
    ///
    /// # Errors
    /// [`ProposeError`] when the model cannot be asked.
    pub async fn extract(
        &mut self,
        task: &Task,
        cancel: &CancellationToken,
    ) -> Result<Option<Extracted>, ProposeError> {
        let is_told = !task.acceptance.is_empty() || !task.constraints.is_empty();
        if is_told || task.description.len() < SHORTEST_TO_EXTRACT {
            return Ok(None);
        }
        let answer = self.consult(prompt::EXTRACT, &[("task", fence("TASK", &describe(task)))], cancel).await?;
        let lines = |word: &str| behind(&answer, word).into_iter().take(MOST_LINES).collect::<Vec<_>>();
        let one = |word: &str| lines(word).into_iter().next().unwrap_or_default();
        Ok(Some(Extracted {
            goal: one("GOAL"),
            kind: one("KIND").to_lowercase(),
            acceptance: lines("ACCEPTANCE"),
            constraints: lines("CONSTRAINT"),
            open: lines("OPEN"),
        }))
    }

    /// Asks for a plan; names that do not exist are sent back once, and left out where they come again.
    ///
    /// # Errors
    /// [`ProposeError`] when the model cannot be asked.
    pub async fn plan(
        &mut self,
        opening: &Opening<'_>,
        tree: &FileTree,
        cancel: &CancellationToken,
    ) -> Result<Plan, ProposeError> {
        let mut values = shared(opening);
        values.push(("failures", failing(opening)));
        let rendered = self.render(prompt::PLAN, &values)?;
        let mut messages = vec![Message::new(Role::System, rendered.system), Message::new(Role::User, rendered.user)];
        let mut answer = self.ask_to_the_end(messages.clone(), cancel).await?;
        let unknown = unknown_names(&answer, tree);
        if !unknown.is_empty() && self.rounds_left() > 1 {
            messages.push(Message::new(Role::Assistant, answer));
            messages.push(Message::new(
                Role::User,
                format!("{}\n\nWrite the plan again, in full, with names that exist.", unknown.join("\n")),
            ));
            answer = self.ask_to_the_end(messages.clone(), cancel).await?;
        }
        // Names that are still unknown are no part of the plan.
        let is_known = |line: &&str| unknown_names(line, tree).is_empty();
        let answer = answer.lines().filter(is_known).collect::<Vec<_>>().join("\n");
        let files = behind(&answer, "FILE").iter().filter_map(|name| existing(name, tree)).collect::<BTreeSet<_>>();
        let there = files.iter().map(ToString::to_string).collect();
        Ok(Plan { text: answer.trim().to_owned(), files: there })
    }

    /// Asks what is wrong with a change; empty when nothing is.
    ///
    /// # Errors
    /// [`ProposeError`] when the model cannot be asked.
    pub async fn review(
        &mut self,
        task: &Task,
        (changes, evidence): (&[FileChange], &str),
        cancel: &CancellationToken,
    ) -> Result<Vec<String>, ProposeError> {
        let values = self.of_change(task, changes, evidence);
        Ok(behind(&self.consult(prompt::REVIEW, &values, cancel).await?, "PROBLEM"))
    }

    /// Asks for title and description of the pull request; `None` when the answer holds none.
    ///
    /// # Errors
    /// [`ProposeError`] when the model cannot be asked.
    pub async fn describe(
        &mut self,
        task: &Task,
        (changes, evidence): (&[FileChange], &str),
        cancel: &CancellationToken,
    ) -> Result<Option<Described>, ProposeError> {
        let values = self.of_change(task, changes, evidence);
        let answer = self.consult(prompt::DESCRIBE, &values, cancel).await?;
        let Some(title) = behind(&answer, "TITLE").into_iter().next() else { return Ok(None) };
        let is_title = |line: &&str| plain(line).to_ascii_uppercase().starts_with("TITLE:");
        let rest: Vec<&str> = answer.lines().skip_while(|line| !is_title(line)).skip(1).collect();
        let title: String = title.trim_end_matches('.').chars().take(100).collect();
        Ok(Some(Described { title, text: rest.join("\n").trim().to_owned() }))
    }

    /// What the steps that look at a finished change are shown: of a long difference as much as half of the window takes.
    fn of_change(&self, task: &Task, changes: &[FileChange], evidence: &str) -> [(&'static str, String); 3] {
        let difference = unified(changes);
        let shown = tokens::truncate(&difference, usize::try_from(self.room() / 2).unwrap_or(usize::MAX));
        let left = difference.len() - shown.len();
        let rest =
            if left > 0 { format!("\n[{left} more bytes of the difference are left out]") } else { String::new() };
        [
            ("task", fence("TASK", &describe(task))),
            ("difference", fence("DIFFERENCE", &format!("{shown}{rest}"))),
            ("evidence", evidence.to_owned()),
        ]
    }
}

/// Returns what stands behind `WORD:` at the beginning of lines, however they are listed or emphasised.
fn behind(answer: &str, word: &str) -> Vec<String> {
    let found = answer.lines().filter_map(|line| {
        let (head, rest) = plain(line).split_once(':')?;
        let rest = rest.trim().trim_matches('*').trim();
        let fits = head.trim().trim_matches('*').eq_ignore_ascii_case(word);
        let says_nothing = ["", "none", "n/a", "-"].iter().any(|word| rest.eq_ignore_ascii_case(word));
        (fits && !says_nothing).then(|| rest.to_owned())
    });
    found.collect()
}

fn plain(line: &str) -> &str {
    line.trim().trim_start_matches(['-', '*', '#', '>', ' '])
}

/// Finds the file that a plan names, with or without words behind it.
fn existing(name: &str, tree: &FileTree) -> Option<RepoPath> {
    let clean = |text: &str| {
        let text = text.trim().trim_matches(['`', '"', '\'', '*']);
        RepoPath::of_existing(text.trim_start_matches("./")).ok().filter(|path| tree.contains(path))
    };
    let first = name.split([' ', ',', '(']).next().unwrap_or_default();
    clean(name).or_else(|| clean(first))
}

/// Says which names of a plan are not there, and where they may be.
fn unknown_names(answer: &str, tree: &FileTree) -> Vec<String> {
    let mut problems = Vec::new();
    for name in behind(answer, "FILE") {
        if existing(&name, tree).is_none() {
            let last = name.trim_matches('`').rsplit('/').next().unwrap_or_default().to_owned();
            let near: Vec<&str> =
                tree.paths().filter(|path| path.file_name() == last).map(RepoPath::as_str).take(3).collect();
            let hint =
                if near.is_empty() { String::new() } else { format!(" Files of that name: {}.", near.join(", ")) };
            problems.push(format!("There is no file {name}.{hint}"));
        }
    }
    for line in behind(answer, "SYMBOL") {
        let (name, place) = line.rsplit_once(" in ").unwrap_or((&line, ""));
        let name = bare(name);
        let file = existing(place, tree);
        let is_there = file.as_ref().is_some_and(|path| holds(tree, path, &name));
        let is_of_new_file = behind(answer, "NEW FILE").iter().any(|new| place.contains(new.trim_matches('`')));
        if is_there || name.is_empty() || is_of_new_file {
            continue;
        }
        let near: Vec<&RepoPath> =
            tree.paths().take(MOST_SEARCHED).filter(|path| holds(tree, path, &name)).take(3).collect();
        problems.push(match near.as_slice() {
            [] => format!("There is no {name} in the repository."),
            near => {
                let places: Vec<&str> = near.iter().map(|path| path.as_str()).collect();
                format!("{name} does not stand in {place}, but in {}.", places.join(", "))
            }
        });
    }
    problems
}

/// Returns the last part of a name such as `` `Parser::next()` ``.
fn bare(name: &str) -> String {
    let name = name.trim().trim_matches('`');
    let name = name.split('(').next().unwrap_or(name);
    name.rsplit(['.', ':', '#', ' ']).next().unwrap_or(name).to_owned()
}

fn holds(tree: &FileTree, path: &RepoPath, name: &str) -> bool {
    context::readable(tree, path).is_ok_and(|text| text.contains(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repo::StoredFile;

    #[test]
    fn lines_are_found_however_they_are_marked() {
        let answer = "Thinking: a lot.\n**FILE:** `src/a.rs`\n- FILE: src/b.rs - the parser\nfile: none\nSTEP: x\n";
        assert_eq!(behind(answer, "FILE"), ["`src/a.rs`", "src/b.rs - the parser"]);
        assert_eq!(behind(answer, "step"), ["x"]);
    }

    #[test]
    fn names_that_do_not_exist_are_told_with_where_they_may_be() {
        let path = |text| RepoPath::parse(text).expect("a path");
        let tree = FileTree::from_files([
            (path("src/a.py"), StoredFile::regular(*b"def parse(x):\n    return x\n")),
            (path("lib/b.py"), StoredFile::regular(*b"class Other: pass\n")),
        ]);
        let good = "FILE: `src/a.py` (the parser)\nSYMBOL: parse() in src/a.py\nNEW FILE: tests/t.py\nSYMBOL: test_x in tests/t.py\n";
        assert_eq!(unknown_names(good, &tree), [""; 0]);
        let bad = "FILE: src/b.py\nSYMBOL: `a.Other` in src/a.py\nSYMBOL: nothing in src/a.py\n";
        assert_eq!(
            unknown_names(bad, &tree),
            [
                "There is no file src/b.py. Files of that name: lib/b.py.",
                "Other does not stand in src/a.py, but in lib/b.py.",
                "There is no nothing in the repository.",
            ]
        );
    }
}
