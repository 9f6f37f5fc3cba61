//! A change that stops halfway, as the ground that the next question stands on.
//!
//! A small model that is told what failed goes on about that; asked a first question, it does its best. So what is left is asked
//! for in a first question again, about the files with the change that came furthest.

use super::Candidate;
use super::converse::{Stop, Walk};
use super::steps::Shown;
use crate::policy::{self, Finding};
use crate::propose::{ProposeError, Session};
use crate::verify;

/// The longest failure text beside a change that is stood on, in bytes: one or two failures, which is what a small model mends at
/// a time.
const FAILURES_BYTES: usize = 1_500;

impl Walk<'_, '_> {
    /// Keeps a change to stand on: of those that policy allows, the one that leaves the fewest tests failing, if these are fewer
    /// than fail as it is. A model that goes on from its last change has no need of it.
    pub(super) fn note_halfway(&mut self, session: &Session<'_>, candidate: &Candidate) -> Result<(), ProposeError> {
        if !session.profile().resample || self.start.revision.is_some() {
            return Ok(());
        }
        let before = match self.next.as_ref().or(self.stand.as_ref()) {
            Some(best) => failing(best),
            None => failing_before(candidate)?,
        };
        if failing(candidate) < before && candidate.refusals().all(Finding::is_of_checks) {
            self.next = Some(candidate.clone());
        }
        Ok(())
    }

    /// Stands on the change that was kept, if there is one; tells what is shown then.
    pub(super) async fn stand_on_next(&mut self, budget: u64) -> Result<Option<Shown>, Stop> {
        let Some(stand) = self.next.take() else { return Ok(None) };
        self.job.progress.note(&format!("going on from this change, with which {} tests fail", failing(&stand)));
        let failures = failures(&stand);
        let context = self.gather(&stand.tree, &failures, &[], budget).await?;
        let tree = stand.tree.clone();
        self.stand = Some(stand);
        Ok(Some(Shown { tree, failures, context }))
    }
}

/// Says what fails with a change that is stood on, which is no change for who is asked now.
pub(super) fn failures(stand: &Candidate) -> String {
    verify::failures_for_model(&stand.evidence.patched, None, FAILURES_BYTES)
}

/// Tells whether one line may be all that is wrong with a change that is stood on: most of what failed passes.
pub(super) fn is_past_the_middle(stand: &Candidate) -> bool {
    failing(stand) < stand.evidence.fixed.len() + stand.evidence.added.len()
}

/// Returns how many tests fail with a change.
fn failing(candidate: &Candidate) -> usize {
    candidate.evidence.still_failing.len() + candidate.evidence.broken.len()
}

/// Returns how many of the tests that run with a change failed before it. What passes and could not run before is one of them,
/// unless the change may have brought it.
fn failing_before(candidate: &Candidate) -> Result<usize, ProposeError> {
    let evidence = &candidate.evidence;
    let brings_tests = candidate.tree.changes()?.iter().any(|change| policy::is_of_tests(&change.path));
    let added = if brings_tests { 0 } else { evidence.added.len() };
    Ok(evidence.still_failing.len() + evidence.fixed.len() + added)
}
