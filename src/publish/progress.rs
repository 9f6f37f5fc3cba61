//! The one comment that tells how a task goes on, updated in place, and the memory of what was served.

use std::collections::BTreeSet;

use super::safe::{cell, defuse};
use crate::task::Spoken;

/// The most served commands that are remembered; the oldest are forgotten first.
const REMEMBERED: usize = 200;

/// How a progress comment begins.
const PROGRESS: &str = "<!-- prentice:progress slug=";
/// The most runs of one task that are remembered.
const REMEMBERED_RUNS: usize = 50;

/// How far it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The order is written; the model's job comes next.
    Ordered,
    /// A pull request shows the outcome.
    Published {
        /// Its number.
        pull: u64,
        /// The verdict, as a word.
        verdict: String,
        /// Why this verdict, a sentence or less.
        reason: String,
    },
    /// A pull request was measured.
    Certified {
        /// The commit that it ended with.
        head: String,
        /// What the checks say, in Markdown of ours.
        certificate: String,
        /// What did not work and does not matter to it, each a sentence of ours.
        notes: Vec<String>,
    },
    /// The last commit was taken back.
    Undone {
        /// The pull request's number.
        pull: u64,
        /// The commit that takes it back.
        commit: String,
    },
    /// It ended without a change that could be shown.
    Ended {
        /// Why.
        why: String,
        /// What a person may do now, each a sentence of ours in Markdown.
        next: Vec<String>,
    },
}

/// A run that was asked for, as the comment remembers it; quotas are counted from these.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunEntry {
    /// The forge's number of the run.
    pub id: u64,
    /// When it was asked for, in seconds since 1970.
    pub at: i64,
    /// Who asked; empty for a time table.
    pub actor: String,
    /// What it cost, in millionths of a US dollar; 0 until it is known.
    pub cost_micros: u64,
}

/// What the comment says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The short name of the task; branch and comment are known by it.
    pub slug: String,
    /// What was asked for, such as `fix`.
    pub verb: String,
    /// Who asked.
    pub actor: String,
    /// The page of the run.
    pub run_url: Option<String>,
    /// Where the commands were said that this run serves.
    pub served: BTreeSet<Spoken>,
    /// Those that earlier runs served.
    pub served_before: BTreeSet<Spoken>,
    /// The runs that were asked for; those that a standing comment remembers are kept.
    pub runs: Vec<RunEntry>,
    /// How far it is.
    pub stage: Stage,
}

/// Tells whether a comment is the one of a task.
pub fn is_progress_of(slug: &str, body: &str) -> bool {
    body.starts_with(&format!("{PROGRESS}{slug} "))
}

/// Returns what one of our comments says was served: a progress comment names many, an answer one, any other text none.
pub fn served(body: &str) -> BTreeSet<Spoken> {
    if let Some(rest) = body.strip_prefix("<!-- prentice:answer to=") {
        return rest.split_once(" -->").and_then(|(spoken, _)| spoken.parse().ok()).into_iter().collect();
    }
    let Some(rest) = body.strip_prefix(PROGRESS) else { return BTreeSet::new() };
    listed(rest, "served=").chain(listed(rest, "serving=")).collect()
}

/// Returns what a progress comment says is being served, with the number of the run that does it.
///
/// A run that was killed before it could hand on its order finds its own commands here when it is started again, and
/// serves them after all.
pub fn serving(body: &str) -> Option<(u64, BTreeSet<Spoken>)> {
    let rest = body.strip_prefix(PROGRESS)?;
    let run = runs(body).last()?.id;
    Some((run, listed(rest, "serving=").collect()))
}

fn listed<'a>(rest: &'a str, key: &'a str) -> impl Iterator<Item = Spoken> + 'a {
    let head = rest.split_once("-->").map_or("", |(head, _)| head);
    let ids = head.split_whitespace().find_map(move |word| word.strip_prefix(key));
    ids.into_iter().flat_map(|ids| ids.split(',')).filter_map(|id| id.parse().ok())
}

/// Returns the runs that a progress comment remembers, oldest first.
pub fn runs(body: &str) -> Vec<RunEntry> {
    let line = body.lines().take(2).find_map(|line| line.strip_prefix("<!-- prentice:runs "));
    let entry = |word: &str| {
        let mut parts = word.split(':');
        let mut next = || parts.next();
        Some(RunEntry {
            id: next()?.parse().ok()?,
            at: next()?.parse().ok()?,
            actor: next()?.to_owned(),
            cost_micros: next()?.parse().ok()?,
        })
    };
    line.into_iter().flat_map(str::split_whitespace).filter_map(entry).collect()
}

impl Progress {
    /// Takes over what a standing comment remembers.
    pub fn remember(&mut self, standing: &str) {
        self.served_before.extend(served(standing));
        let mut runs = runs(standing);
        for new in self.runs.drain(..) {
            match runs.iter_mut().find(|old| old.id == new.id) {
                // The job that publishes knows the cost, the one that ordered knows when.
                Some(old) => old.cost_micros = old.cost_micros.max(new.cost_micros),
                None => runs.push(new),
            }
        }
        let surplus = runs.len().saturating_sub(REMEMBERED_RUNS);
        self.runs = runs.split_off(surplus);
    }

    /// Writes the comment.
    pub fn body(&self) -> String {
        let list = |spoken: &BTreeSet<Spoken>| {
            spoken.iter().rev().take(REMEMBERED).map(Spoken::to_string).collect::<Vec<_>>().join(",")
        };
        let (before, now) = (&self.served_before, &self.served);
        let ids = if self.stage == Stage::Ordered {
            format!("served={} serving={}", list(&(before - now)), list(now))
        } else {
            format!("served={}", list(&(before | now)))
        };
        let mut text = format!("{PROGRESS}{} {ids} -->\n", self.slug);
        let entry = |run: &RunEntry| {
            // Names of accounts hold none of the signs that part the entries, but for `[bot]`, which is harmless.
            let actor: String =
                run.actor.chars().filter(|c| c.is_ascii_alphanumeric() || "-[]_".contains(*c)).collect();
            format!("{}:{}:{actor}:{}", run.id, run.at, run.cost_micros)
        };
        if !self.runs.is_empty() {
            text += &format!("<!-- prentice:runs {} -->\n", self.runs.iter().map(entry).collect::<Vec<_>>().join(" "));
        }
        // A name in a code span calls nobody.
        text += &format!("**Prentice** `{}`, asked for by `{}`\n\n", cell(&self.verb), cell(&self.actor));
        let step = |done: bool, words: &str| format!("- [{}] {words}\n", if done { "x" } else { " " });
        text += &step(true, "received");
        match &self.stage {
            Stage::Ordered if self.verb == "certify" => {
                text += &step(false, "checks before and after the change, without any secret");
            }
            Stage::Ordered => {
                text += &step(false, "change and checks, without any token that can write");
                text += &step(false, "pull request, without model and without the repository's code");
            }
            Stage::Published { pull, verdict, reason } => {
                text += &step(true, &format!("change and checks: **{}**: {}", verdict.to_uppercase(), defuse(reason)));
                text += &step(true, &format!("pull request #{pull}"));
            }
            Stage::Certified { head, certificate, notes } => {
                text += &step(true, &format!("checks on commit {head}, without any secret"));
                text += &format!("\n{certificate}");
                text.extend(notes.iter().map(|note| format!("\n{}\n", defuse(note))));
            }
            Stage::Undone { pull, commit } => {
                text += &step(true, &format!("the last commit of #{pull} was taken back by {commit}"));
            }
            Stage::Ended { why, next } => {
                text += &step(true, "change and checks");
                text += &step(false, "pull request");
                text += &format!("\nIt ended without a change to show: {}.\n", defuse(why.trim_end_matches('.')));
                text.extend(next.iter().map(|line| format!("- {line}\n")));
            }
        }
        if let Some(url) = &self.run_url {
            text += &format!("\n[The run]({url})\n");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn progress(stage: Stage) -> Progress {
        Progress {
            slug: "issue-7".to_owned(),
            verb: "fix".to_owned(),
            actor: "ann".to_owned(),
            run_url: Some("https://forge.invalid/acme/widgets/actions/runs/5".to_owned()),
            served: [Spoken::Comment(31), Spoken::Comment(7)].into(),
            served_before: BTreeSet::new(),
            runs: vec![RunEntry { id: 5, at: 1_764_000_000, actor: "ann".to_owned(), cost_micros: 1200 }],
            stage,
        }
    }

    #[test]
    fn the_comment_says_how_far_it_is() {
        insta::assert_snapshot!(progress(Stage::Ordered).body(), @"
        <!-- prentice:progress slug=issue-7 served= serving=c31,c7 -->
        <!-- prentice:runs 5:1764000000:ann:1200 -->
        **Prentice** `fix`, asked for by `ann`

        - [x] received
        - [ ] change and checks, without any token that can write
        - [ ] pull request, without model and without the repository's code

        [The run](https://forge.invalid/acme/widgets/actions/runs/5)
        ");
        let published = Stage::Published { pull: 9, verdict: "proven".to_owned(), reason: "1 test, @ann".to_owned() };
        insta::assert_snapshot!(progress(published).body(), @"
        <!-- prentice:progress slug=issue-7 served=c31,c7 -->
        <!-- prentice:runs 5:1764000000:ann:1200 -->
        **Prentice** `fix`, asked for by `ann`

        - [x] received
        - [x] change and checks: **PROVEN**: 1 test, @<!-- -->ann
        - [x] pull request #9

        [The run](https://forge.invalid/acme/widgets/actions/runs/5)
        ");
        let ended =
            Stage::Ended { why: "no answer proved itself.".to_owned(), next: vec!["`/prentice retry`".to_owned()] };
        insta::assert_snapshot!(progress(ended).body(), @"
        <!-- prentice:progress slug=issue-7 served=c31,c7 -->
        <!-- prentice:runs 5:1764000000:ann:1200 -->
        **Prentice** `fix`, asked for by `ann`

        - [x] received
        - [x] change and checks
        - [ ] pull request

        It ended without a change to show: no answer proved itself.
        - `/prentice retry`

        [The run](https://forge.invalid/acme/widgets/actions/runs/5)
        ");
    }

    #[test]
    fn runs_are_remembered_and_get_their_cost_later() {
        let mut first = progress(Stage::Ordered);
        first.runs[0].cost_micros = 0;
        let mut later = progress(Stage::Ordered);
        later.runs[0].at = 0;
        later.runs.push(RunEntry { id: 6, at: 2, actor: String::new(), cost_micros: 0 });
        later.remember(&first.body());
        let known = RunEntry { id: 5, at: 1_764_000_000, actor: "ann".to_owned(), cost_micros: 1200 };
        assert_eq!(later.runs, [known, RunEntry { id: 6, at: 2, actor: String::new(), cost_micros: 0 }]);
        assert_eq!(runs(&later.body()), later.runs);
        assert_eq!(runs("text\n<!-- prentice:runs 1:2:x:3 -->")[0].id, 1, "the second line counts");
        assert_eq!(runs("a\nb\n<!-- prentice:runs 1:2:x:3 -->"), []);
    }

    #[test]
    fn what_was_served_is_remembered_and_nothing_else_is_believed() {
        let body = progress(Stage::Ordered).body();
        assert_eq!(served(&body), [Spoken::Comment(7), Spoken::Comment(31)].into());
        assert_eq!(serving(&body), Some((5, served(&body))));
        let mut next = progress(Stage::Ordered);
        next.served = [Spoken::Review(1)].into();
        next.remember(&body);
        assert_eq!(serving(&next.body()), Some((5, [Spoken::Review(1)].into())));
        assert_eq!(served(&next.body()).len(), 3);
        next.stage = Stage::Ended { why: "x".to_owned(), next: Vec::new() };
        assert_eq!((served(&next.body()).len(), serving(&next.body())), (3, Some((5, BTreeSet::new()))));
        assert!(is_progress_of("issue-7", &body) && !is_progress_of("issue-70", &body));
        assert_eq!(served(&format!("> {body}")), BTreeSet::new());
        assert_eq!(served("<!-- prentice:answer to=l4 -->\nx"), [Spoken::LineComment(4)].into());
        let mut many = progress(Stage::Ordered);
        many.served = (0..1000).map(Spoken::Comment).collect();
        assert_eq!(served(&many.body()), (800..1000).map(Spoken::Comment).collect());
    }
}
