//! The one comment that tells how a task goes on, updated in place, and the memory of what was served.

use std::collections::BTreeSet;

use super::safe::{cell, defuse};
use crate::task::Spoken;

/// The most served commands that are remembered; the oldest are forgotten first.
const REMEMBERED: usize = 200;

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
    /// It ended without a change that could be shown.
    Ended {
        /// Why.
        why: String,
        /// What a person may do now, each a sentence of ours in Markdown.
        next: Vec<String>,
    },
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
    /// The comments whose commands are or were served.
    pub served: BTreeSet<Spoken>,
    /// How far it is.
    pub stage: Stage,
}

/// Tells whether a comment is the one of a task.
pub fn is_progress_of(slug: &str, body: &str) -> bool {
    body.starts_with(&format!("<!-- prentice:progress slug={slug} "))
}

/// Returns the comments that a progress comment says were served; of any other text, none.
pub fn served(body: &str) -> BTreeSet<Spoken> {
    let Some(rest) = body.strip_prefix("<!-- prentice:progress slug=") else { return BTreeSet::new() };
    let head = rest.split_once("-->").map_or("", |(head, _)| head);
    let ids = head.split_whitespace().find_map(|word| word.strip_prefix("served="));
    ids.into_iter().flat_map(|ids| ids.split(',')).filter_map(|id| id.parse().ok()).collect()
}

impl Progress {
    /// Writes the comment.
    pub fn body(&self) -> String {
        let newest: Vec<String> = self.served.iter().rev().take(REMEMBERED).map(Spoken::to_string).collect();
        let mut text = format!("<!-- prentice:progress slug={} served={} -->\n", self.slug, newest.join(","));
        // A name in a code span calls nobody.
        text += &format!("**Prentice** `{}`, asked for by `{}`\n\n", cell(&self.verb), cell(&self.actor));
        let step = |done: bool, words: &str| format!("- [{}] {words}\n", if done { "x" } else { " " });
        text += &step(true, "received");
        match &self.stage {
            Stage::Ordered => {
                text += &step(false, "change and checks, without any token that can write");
                text += &step(false, "pull request, without model and without the repository's code");
            }
            Stage::Published { pull, verdict, reason } => {
                text += &step(true, &format!("change and checks: **{}**: {}", verdict.to_uppercase(), defuse(reason)));
                text += &step(true, &format!("pull request #{pull}"));
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
            stage,
        }
    }

    #[test]
    fn the_comment_says_how_far_it_is() {
        insta::assert_snapshot!(progress(Stage::Ordered).body(), @"
        <!-- prentice:progress slug=issue-7 served=c31,c7 -->
        **Prentice** `fix`, asked for by `ann`

        - [x] received
        - [ ] change and checks, without any token that can write
        - [ ] pull request, without model and without the repository's code

        [The run](https://forge.invalid/acme/widgets/actions/runs/5)
        ");
        let published = Stage::Published { pull: 9, verdict: "proven".to_owned(), reason: "1 test, @ann".to_owned() };
        insta::assert_snapshot!(progress(published).body(), @"
        <!-- prentice:progress slug=issue-7 served=c31,c7 -->
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
    fn what_was_served_is_remembered_and_nothing_else_is_believed() {
        let body = progress(Stage::Ordered).body();
        assert_eq!(served(&body), [Spoken::Comment(7), Spoken::Comment(31)].into());
        assert!(is_progress_of("issue-7", &body) && !is_progress_of("issue-70", &body));
        assert_eq!(served(&format!("> {body}")), BTreeSet::new());
        let mut many = progress(Stage::Ordered);
        many.served = (0..1000).map(Spoken::Comment).collect();
        assert_eq!(served(&many.body()), (800..1000).map(Spoken::Comment).collect());
    }
}
