//! The whole state as one value that does not depend on times, nor on numbers that others could have had.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::State;

impl State {
    /// Describes everything that a person could see.
    pub(crate) fn snapshot(&self) -> Value {
        let mut branches = BTreeMap::new();
        for reference in self.git.references().expect("listed").flatten() {
            let name = reference.shorthand().unwrap_or_default().to_owned();
            let commit = reference.peel_to_commit().expect("a commit");
            let mut chain = Vec::new();
            let mut walk = self.git.revwalk().expect("a walk");
            walk.push(commit.id()).expect("there");
            for id in walk.flatten() {
                let one = self.git.find_commit(id).expect("there");
                chain.push(json!({ "tree": one.tree_id().to_string(), "message": one.message().unwrap_or_default() }));
            }
            branches.insert(name, chain);
        }
        let issues: Vec<Value> = self
            .issues
            .values()
            .map(|issue| {
                let pull = issue.pull.as_ref();
                json!({
                    "number": issue.number, "title": issue.title, "body": self.plain(&issue.body), "labels": issue.labels,
                    "open": issue.open, "author": issue.author, "draft": pull.map(|pull| pull.draft),
                    "head": pull.map(|pull| &pull.head), "base": pull.map(|pull| &pull.base),
                    "reviewers": pull.map(|pull| &pull.reviewers),
                })
            })
            .collect();
        let comments: Vec<Value> = self
            .comments
            .values()
            .map(|comment| {
                let to = comment.line.as_ref().and_then(|(.., first)| *first);
                json!({ "on": comment.number, "author": comment.author, "body": self.plain(&comment.body), "to": to })
            })
            .collect();
        let reactions: Vec<String> =
            self.reactions.keys().map(|(kind, id, user, content)| format!("{kind} {id} {user} {content}")).collect();
        let resolved: Vec<bool> = self.threads.iter().map(|thread| thread.resolved).collect();
        // Asked for twice, the second run finds nothing to do.
        let mut dispatches = self.dispatches.clone();
        dispatches.dedup();
        json!({
            "branches": branches, "issues": issues, "comments": comments, "reactions": reactions, "resolved": resolved,
            "labels": self.labels, "dispatches": dispatches,
            "check_runs": self.check_runs.iter().map(|run| json!([run["name"], run["conclusion"], run["external_id"]])).collect::<Vec<_>>(),
        })
    }

    /// Replaces commits' names by their trees', which do not depend on the time, and times by nothing.
    fn plain(&self, text: &str) -> String {
        let mut plain = String::new();
        let mut word = String::new();
        for c in text.chars().chain([' ']) {
            if c.is_ascii_hexdigit() {
                word.push(c);
                continue;
            }
            let commit = if word.len() >= 7 { self.git.revparse_single(&word).ok() } else { None };
            match commit.and_then(|object| object.peel_to_commit().ok()) {
                Some(commit) => plain += &format!("(commit of {})", commit.tree_id()),
                None => plain += &word,
            }
            word.clear();
            plain.push(c);
        }
        let runs = |line: &str| line.starts_with("<!-- prentice:runs ");
        plain.lines().filter(|line| !runs(line)).collect::<Vec<_>>().join("\n").trim_end().to_owned()
    }
}
