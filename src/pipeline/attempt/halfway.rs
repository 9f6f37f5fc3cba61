//! A change that stops halfway, as the ground that the next question stands on.
//!
//! A small model that is told what failed goes on about that; asked a first question, it does its best. So what is left is asked
//! for in a first question again, about the files with the change that came furthest. What it mends must be most of what failed: beside
//! a change that is mostly wrong, half of the answers to an exercise were that change again.

use super::Candidate;
use super::converse::{Stop, Walk};
use super::steps::Shown;
use crate::bundle::Ending;
use crate::policy::{self, Finding};
use crate::propose::{ProposeError, Session};
use crate::verify;

/// The longest failure text beside a change that is stood on, in bytes: one or two failures, which is what a small model mends at
/// a time.
const FAILURES_BYTES: usize = 1_500;

impl Walk<'_, '_> {
    /// Keeps a change to stand on: of those that policy allows and that mend most of what failed, the one that leaves the fewest
    /// tests failing. A model that goes on from its last change has no need of it.
    pub(super) fn note_halfway(&mut self, session: &Session<'_>, candidate: &Candidate) -> Result<(), ProposeError> {
        let best = self.next.as_ref().or(self.stand.as_ref());
        let is_step = session.profile().resample
            && self.start.revision.is_none()
            && candidate.refusals().all(Finding::is_of_checks)
            && failing(candidate) < mended(candidate)?
            && best.is_none_or(|best| failing(candidate) < failing(best));
        if is_step {
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

    /// Where no change was accepted, the one that came furthest is the outcome, not the last.
    pub(super) fn end_with_the_furthest(&mut self) {
        let is_done = self.ending == Some(Ending::Done);
        let Some(furthest) = self.next.take().or(self.stand.take()).filter(|_| !is_done) else { return };
        if let (Some(Ending::NoAcceptableChange(why)), Some(objection)) = (&mut self.ending, furthest.objection()) {
            *why = objection;
        }
        self.best = Some(furthest);
    }
}

/// Says what fails with a change that is stood on, which is no change for who is asked now.
pub(super) fn failures(stand: &Candidate) -> String {
    verify::failures_for_model(&stand.evidence.patched, None, FAILURES_BYTES)
}

/// Returns how many tests fail with a change.
fn failing(candidate: &Candidate) -> usize {
    candidate.evidence.still_failing.len() + candidate.evidence.broken.len()
}

/// Returns how many tests pass with a change that did not before. What could not run before is one of them, unless the change may
/// have brought it.
fn mended(candidate: &Candidate) -> Result<usize, ProposeError> {
    let brings_tests = candidate.tree.changes()?.iter().any(|change| policy::is_of_tests(&change.path));
    let added = if brings_tests { 0 } else { candidate.evidence.added.len() };
    Ok(candidate.evidence.fixed.len() + added)
}
