//! What earlier commits say of the task: those that use its words point at the files that they touched.

use std::collections::{BTreeMap, BTreeSet};

use super::kind::stem;
use super::links::COMMON_STEMS;
use super::question::Question;
use super::scan::FileFacts;
use super::weights;
use super::words::{WordKind, each_word};
use super::{Excerpt, HISTORY_COMMITS, LINE_OVERHEAD_TOKENS};
use crate::index::Index;
use crate::repo::{CommitId, FileTree, PastCommit, RepoPath, Repository, is_control_or_invisible};
use crate::secret::find_credential;
use crate::tokens;

/// Commits that are told, at most.
const MAX_TOLD: usize = 8;
/// Files of one name among which a file that moved is looked for, at most: the work grows with their number.
const MAX_NAMESAKES: usize = 1000;

/// An earlier commit with the paths of today.
pub(super) struct Earlier<'h> {
    message: &'h str,
    /// Each once, in the order of the paths.
    files: Vec<&'h RepoPath>,
}

/// What the history says of one file.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Past {
    /// How well all commits that touched it fit the task, together.
    pub history: f64,
    /// How well the best one fits.
    pub alike: f64,
}

/// Reads the earlier commits that help to find what a task is about, newest first, for [`super::Query::history`].
///
/// They are kept in the index for the next time. A history that cannot be read only says less.
pub fn recall(repository: &Repository, head: &CommitId, index: Option<&Index>) -> Vec<PastCommit> {
    if let Some(known) = index.and_then(|index| index.history(head, HISTORY_COMMITS)) {
        return known;
    }
    let Ok(commits) = repository.history(head, HISTORY_COMMITS) else { return Vec::new() };
    // A shallow copy knows less of this commit's past than others may.
    if let Some(index) = index.filter(|_| !repository.is_shallow()) {
        drop(index.keep_history(head, HISTORY_COMMITS, &commits));
    }
    commits
}

/// Puts the paths of today in the place of those that are gone: what was said of a file before it was moved is said of it.
///
/// Where it went is told by its name: the file that is now called so and shares the longest end of the path. Commits that move
/// whole folders touch too many files to be read, so that following them would be no surer.
pub(super) fn as_now<'h>(commits: &'h [PastCommit], tree: &FileTree, files: &[FileFacts<'h>]) -> Vec<Earlier<'h>> {
    let touched: BTreeSet<&RepoPath> = commits.iter().flat_map(|commit| &commit.files).collect();
    let gone: Vec<&RepoPath> = touched.into_iter().filter(|path| !tree.contains(path)).collect();
    let mut by_name: BTreeMap<&str, Vec<&'h RepoPath>> =
        gone.iter().map(|path| (path.file_name(), Vec::new())).collect();
    for file in files {
        if let Some(namesakes) = by_name.get_mut(file.path.file_name()) {
            namesakes.push(file.path);
        }
    }
    let moved = |path: &&'h RepoPath| Some((*path, where_to(path, by_name.get(path.file_name())?)?));
    let moved: BTreeMap<&RepoPath, &RepoPath> = gone.iter().filter_map(moved).collect();
    let earlier = |commit: &'h PastCommit| {
        let now = commit.files.iter().map(|path| moved.get(path).copied().unwrap_or(path));
        Earlier { message: &commit.message, files: now.collect::<BTreeSet<_>>().into_iter().collect() }
    };
    commits.iter().map(earlier).collect()
}

/// Returns the one of `namesakes` that shares the longest end with a path that is gone, if it is one; a name that many files
/// have says nothing without its folder.
fn where_to<'h>(gone: &RepoPath, namesakes: &[&'h RepoPath]) -> Option<&'h RepoPath> {
    let shared = |path: &RepoPath| {
        let both = gone.as_str().rsplit('/').zip(path.as_str().rsplit('/'));
        both.take_while(|(old, new)| old == new).count()
    };
    let namesakes = (namesakes.len() <= MAX_NAMESAKES).then_some(namesakes)?;
    let longest = namesakes.iter().map(|path| shared(path)).max()?;
    let mut there = namesakes.iter().filter(|path| shared(path) == longest);
    let (first, second) = (there.next()?, there.next());
    let says_enough = longest > 1 || !COMMON_STEMS.contains(&stem(gone));
    (second.is_none() && says_enough).then_some(*first)
}

/// Reads the messages of `commits`, newest first, and returns what they say of the files that they touched.
pub(super) fn weigh<'h>(question: &Question, commits: &[Earlier<'h>]) -> BTreeMap<&'h RepoPath, Past> {
    let read: Vec<(Vec<usize>, u32)> = commits.iter().map(|commit| read(question, commit.message)).collect();
    let mut holding = vec![0_u32; question.terms.len()];
    read.iter().flat_map(|(terms, _)| terms).for_each(|term| holding[*term] += 1);
    let all = commits.len() as f64;
    let worth: Vec<f64> = holding
        .iter()
        .zip(&question.terms)
        .map(|(holding, term)| {
            let holding = f64::from(*holding);
            term.weight * (1.0 + (all - holding + 0.5) / (holding + 0.5)).ln()
        })
        .collect();
    let average = (read.iter().map(|(_, words)| f64::from(*words)).sum::<f64>() / all.max(1.0)).max(1.0);
    let mut files = BTreeMap::<&'h RepoPath, Past>::new();
    for (commit, (terms, words)) in commits.iter().zip(&read) {
        let length = 1.0 - weights::LENGTH + weights::LENGTH * f64::from(*words) / average;
        let part = |term: &usize| worth[*term] * (weights::SATURATION + 1.0) / (1.0 + weights::SATURATION * length);
        let fits = terms.iter().map(part).sum::<f64>();
        let share = 1.0 / (commit.files.len().max(1) as f64).sqrt();
        for path in commit.files.iter().copied() {
            let past = files.entry(path).or_default();
            past.history += fits * share;
            past.alike = past.alike.max(fits * share);
        }
    }
    files
}

/// Tells the newest commits that touched what is shown, a line each, without what nobody sees, in at most `max_tokens`.
pub(super) fn tell(commits: &[Earlier<'_>], excerpts: &[Excerpt], max_tokens: usize) -> Vec<String> {
    let shown: BTreeSet<&RepoPath> = excerpts.iter().map(|excerpt| &excerpt.path).collect();
    let (mut lines, mut left) = (Vec::new(), max_tokens);
    for commit in commits {
        let files = commit.files.iter().filter(|path| shown.contains(**path));
        let files: Vec<&str> = files.map(|path| path.as_str()).collect();
        if files.is_empty() {
            continue;
        }
        let subject = commit.message.lines().next().unwrap_or_default();
        let subject: String = subject.chars().filter(|c| !is_control_or_invisible(*c)).collect();
        let line = format!("{} ({})", subject.trim(), files.join(", "));
        let tokens = tokens::count(&line) + LINE_OVERHEAD_TOKENS;
        if lines.len() == MAX_TOLD || tokens > left {
            break;
        }
        if find_credential(&line).is_none() && !subject.trim().is_empty() {
            left -= tokens;
            lines.push(line);
        }
    }
    lines
}

/// Returns the terms of a message, each once, and the number of its words.
fn read(question: &Question, message: &str) -> (Vec<usize>, u32) {
    let (mut terms, mut words) = (Vec::new(), 0);
    each_word(message.as_bytes(), |word| {
        words += u32::from(word.kind != WordKind::Compound);
        terms.extend(question.term(&message.as_bytes()[word.start..word.end]));
    });
    terms.sort_unstable();
    terms.dedup();
    (terms, words)
}

/// Returns for each of `paths` how much the files in `fitting`, with their scores, were changed together with it.
pub(super) fn changed_together(
    commits: &[Earlier<'_>],
    paths: &[&RepoPath],
    fitting: &BTreeMap<&RepoPath, f64>,
) -> Vec<f64> {
    let mut sums = BTreeMap::<&RepoPath, f64>::new();
    for commit in commits.iter().filter(|commit| commit.files.len() > 1) {
        let worth: f64 = commit.files.iter().filter_map(|path| fitting.get(*path)).sum();
        for path in commit.files.iter().copied() {
            let own = fitting.get(path).copied().unwrap_or_default();
            *sums.entry(path).or_default() += (worth - own) / (commit.files.len() - 1) as f64;
        }
    }
    paths.iter().map(|path| sums.get(path).copied().unwrap_or_default()).collect()
}
