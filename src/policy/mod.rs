//! What a change may not do whatever its evidence says, and what a reviewer must be shown first.
//!
//! It reads the change and the evidence and decides nothing else; it does not know who made the change, and it runs
//! nothing.

mod content;
mod conventions;
mod discount;
mod inline;
mod paths;
mod size;
mod touched;

#[cfg(test)]
mod evidence_tests;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use discount::{discount, without_silence};
pub use paths::{PROTECTED_BY_DEFAULT, ProtectedPaths};
pub use touched::{REFUSED_BY_DEFAULT, Touched, TouchedKind, is_of_tests, tests_of, verification_touched};

use crate::repo::{FileChange, RepoPath};
use crate::verify::{Check, Evidence, Verdict};

/// Why settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// A pattern of protected paths that is not one.
    #[error("the protected path {pattern:?} is not a pattern: {reason}")]
    BadPattern {
        /// The pattern.
        pattern: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// How grave a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The change must not be proposed.
    Refuse,
    /// A reviewer must see it.
    Flag,
}

/// Something that policy has to say about a change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// How grave it is.
    pub severity: Severity,
    /// The rule's stable name: `protected-path`.
    pub rule: Cow<'static, str>,
    /// The file, when it is about one.
    #[schemars(with = "Option<String>")]
    pub path: Option<RepoPath>,
    /// What was found, one sentence for people without a full stop.
    pub text: String,
}

/// Rules that go by what the checks say.
const EVIDENCE: &str = "evidence";
const HALFWAY: &str = "halfway";

impl Finding {
    /// Tells whether it only says what the checks say.
    pub fn is_of_checks(&self) -> bool {
        [EVIDENCE, HALFWAY].contains(&self.rule.as_ref())
    }
}

/// What is allowed.
#[derive(Clone, Debug)]
pub struct PolicySettings {
    /// Paths that no change may touch.
    pub protected: ProtectedPaths,
    /// How verification may not be touched; everything else is only flagged.
    pub refused: Vec<TouchedKind>,
    /// How grave it is that a change mends some of what it was asked for and leaves the rest.
    pub halfway: Severity,
    /// The most files of a change.
    pub max_files: usize,
    /// The most bytes that a change may add, over all its files.
    pub max_added_bytes: usize,
    /// The most lines that a change may add and remove together.
    pub max_changed_lines: usize,
    /// The largest file that is no text, in bytes.
    pub max_binary_bytes: usize,
}

impl Default for PolicySettings {
    fn default() -> Self {
        Self {
            protected: ProtectedPaths::default(),
            refused: REFUSED_BY_DEFAULT.to_vec(),
            halfway: Severity::Refuse,
            max_files: 20,
            max_added_bytes: 400 * 1024,
            max_changed_lines: 1500,
            max_binary_bytes: 64 * 1024,
        }
    }
}

impl PolicySettings {
    /// Returns what is allowed in a change of a person: what they want a test to expect, and how far a change goes, is
    /// theirs to say.
    #[must_use]
    pub fn for_a_person(mut self) -> Self {
        self.refused.retain(|kind| *kind != TouchedKind::TestsTurned);
        self.halfway = Severity::Flag;
        self
    }
}

/// Reviews a change by rules; `evidence` is `None` while nothing has been verified yet.
///
/// What touches verification comes first, then refusals, then the other flags, each in the order of the paths.
pub fn review(changes: &[FileChange], evidence: Option<&Evidence>, settings: &PolicySettings) -> Vec<Finding> {
    let mut others: Vec<Finding> = evidence.and_then(judged).into_iter().collect();
    others.extend(evidence.and_then(|evidence| halfway(evidence, settings)));
    others.extend(evidence.into_iter().flat_map(|evidence| &evidence.lint).map(|label| complains(label)));
    others.extend(size::findings(changes, settings));
    for change in changes {
        others.extend(paths::findings(change, settings));
        others.extend(content::findings(change, settings));
    }
    others.extend(paths::dependency_findings(changes));
    others.sort_by_key(|finding| finding.severity);
    let checks: Vec<&Check> =
        evidence.into_iter().flat_map(|found| &found.patched.checks).map(|run| &run.check).collect();
    let touched = verification_touched(changes, &checks);
    let mut all: Vec<Finding> = touched.iter().map(|touched| touched.finding(&settings.refused)).collect();
    all.extend(evidence.and_then(|evidence| turned(evidence, settings)));
    all.extend(others);
    all
}

/// Tells of tests whose expectation a change turned round; the name of the kind is that of the settings.
fn turned(evidence: &Evidence, settings: &PolicySettings) -> Option<Finding> {
    let kind = TouchedKind::TestsTurned;
    let severity = if settings.refused.contains(&kind) { Severity::Refuse } else { Severity::Flag };
    let text = format!(
        "verification was touched: {}, and fail in their old form with this change: {}",
        kind.describe(),
        evidence.turned.join(", ")
    );
    (!evidence.turned.is_empty()).then(|| Finding { severity, rule: "verification-touched".into(), path: None, text })
}

fn complains(label: &str) -> Finding {
    let text = format!("`{label}` was content before this change and complains now");
    Finding { severity: Severity::Flag, rule: "lint".into(), path: None, text }
}

fn judged(evidence: &Evidence) -> Option<Finding> {
    let severity = match (evidence.is_acceptable(), evidence.verdict) {
        (false, _) => Severity::Refuse,
        (true, Verdict::Unproven) => Severity::Flag,
        (true, _) => return None,
    };
    Some(Finding { severity, rule: EVIDENCE.into(), path: None, text: evidence.reason.clone() })
}

/// Tells of a change that nothing broke and that stops halfway.
fn halfway(evidence: &Evidence, settings: &PolicySettings) -> Option<Finding> {
    let left = evidence.left_halfway();
    let first = left.first().filter(|_| evidence.is_acceptable())?;
    let text = format!("it stops halfway: {first} failed before and still fails ({} in all)", left.len());
    Some(Finding { severity: settings.halfway, rule: HALFWAY.into(), path: None, text })
}

fn finding(severity: Severity, rule: &'static str, path: &RepoPath, text: String) -> Finding {
    Finding { severity, rule: rule.into(), path: Some(path.clone()), text }
}
