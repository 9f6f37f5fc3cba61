//! One line in the place of another, after answers that failed: the likeliest are tried until what failed passes.

use std::time::Duration;

use serde_json::json;

use super::converse::{Walk, record};
use super::halfway;
use crate::bundle::Ending;
use crate::llm::LlmError;
use crate::pipeline::PipelineError;
use crate::pipeline::check::{self, Checks};
use crate::propose::{Conversation, OtherLine, ProposeError, Session};
use crate::sandbox::Exit;
use crate::verify::CheckRun;

/// Lines that are tried, at most.
const MOST_TRIED: usize = 48;
/// Lines that are tried however long the checks take.
const LEAST_TRIED: usize = 4;
/// What trying may take, by what the checks took on the base.
const TIME: Duration = Duration::from_secs(120);
/// What the checks may take on one of them, at least; else three times what they took on the base.
const LEAST_WALL: Duration = Duration::from_secs(5);

impl Walk<'_, '_> {
    /// Asks line by line what the model would write otherwise, and tries it; tells whether the attempt is at its end. Where
    /// nothing fails on the base, there is nothing to try them by.
    pub(super) async fn try_other_lines(
        &mut self,
        session: &mut Session<'_>,
        conversation: &mut Conversation,
    ) -> Result<bool, ProposeError> {
        let (job, judging) = (self.job, self.start.judging);
        let red: Vec<&CheckRun> = judging.base_run.checks.iter().filter(|run| run.is_red()).collect();
        let labels: Vec<String> = red.iter().map(|run| run.check.label()).collect();
        let checks = judging.checks.concerned(judging.base_run, &labels).without_lint();
        if checks.list.is_empty() || !conversation.has_lines_to_ask() {
            return Ok(false);
        }
        let others = self.ask_for_lines(session, conversation).await?;
        if others.is_empty() {
            return Ok(false);
        }
        let (wall, most) = bounds(&red, job.config.command_time.value);
        let count = others.len().min(most);
        job.progress.step(&format!("Trying other lines, one at a time ({count})"));
        let mut tried = Vec::new();
        for (place, other) in others.into_iter().take(count).enumerate() {
            job.progress.passing(&format!("line {} of {count}", place + 1));
            tried.push(json!({ "path": other.path, "line": other.line, "text": other.after }));
            let passes = match self.passes(&other, &checks, wall).await {
                Ok(passes) => passes,
                Err(ending) => {
                    self.ending = Some(ending);
                    return Ok(true);
                }
            };
            if !passes {
                continue;
            }
            let OtherLine { tree, path, line, before, after } = other;
            job.progress.note(&format!("{path}:{line}: `{after}` in the place of `{before}` passes what failed"));
            let earlier = if self.stand.is_some() { " after the answers before" } else { "" };
            let remarks = format!("Line {line} of {path} was `{before}`{earlier} and is `{after}`.");
            let Some(candidate) = self.judge(tree, remarks).await? else { return Ok(true) };
            let objection = candidate.objection();
            self.best = Some(candidate);
            let Some(why) = objection else {
                self.ending = Some(Ending::Done);
                record(job, "other_lines", json!({ "tried": tried }))?;
                return Ok(true);
            };
            job.progress.note(&format!("not acceptable: {why}"));
            self.ending = Some(Ending::NoAcceptableChange(why));
        }
        job.progress.note("none of them passes what failed");
        record(job, "other_lines", json!({ "tried": tried }))?;
        Ok(false)
    }

    async fn ask_for_lines(
        &self,
        session: &mut Session<'_>,
        conversation: &mut Conversation,
    ) -> Result<Vec<OtherLine>, ProposeError> {
        let (job, name, call) = (self.job, self.rung.model.name(), session.asked() + 1);
        job.progress.step(&format!("Asking {name} what it would write in the place of each line (call {call})"));
        let failures = self.stand.as_ref().map_or_else(|| self.start.failures.clone(), halfway::failures);
        let others = match conversation.other_lines(session, &failures, job.cancel).await {
            // The next answer needs none of this.
            Err(ProposeError::Model(error @ (LlmError::Malformed { .. } | LlmError::ContextTooLong { .. }))) => {
                job.progress.note(&error.to_string());
                Vec::new()
            }
            others => others?,
        };
        if others.is_empty() {
            job.progress.note("nothing else");
        }
        Ok(others)
    }

    /// Tells whether what failed on the base passes with another line; else how the attempt ends.
    async fn passes(&self, other: &OtherLine, checks: &Checks, wall: Duration) -> Result<bool, Ending> {
        match check::is_green(&self.job.bench(), &other.tree, checks, wall).await {
            Ok(green) => Ok(green),
            Err(PipelineError::Cancelled) => Err(Ending::Cancelled),
            Err(error) => Err(Ending::ServiceFailed(format!("the checks could not be run: {error}"))),
        }
    }
}

/// Returns how long the checks may take with another line, and how many lines are tried, by what they took on the base.
fn bounds(red: &[&CheckRun], longest: Duration) -> (Duration, usize) {
    // How long a check takes that was ended on the base, nobody knows.
    let known = red.iter().filter(|run| matches!(run.exit, Exit::Code(_)));
    let took: Duration = known.map(|run| run.elapsed).sum();
    let wall = (3 * took).max(LEAST_WALL).min(longest);
    let each = took.max(Duration::from_secs(1));
    let most = (TIME.as_secs_f64() / each.as_secs_f64()) as usize;
    (wall, most.clamp(LEAST_TRIED, MOST_TRIED))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verify;

    #[test]
    fn slow_checks_try_few_lines_and_are_given_time() {
        let seconds = Duration::from_secs;
        let check = verify::from_user(&["test".to_owned()]).expect("a command").remove(0);
        let run = |exit, elapsed| CheckRun { exit, elapsed, ..CheckRun::not_run(check.clone(), String::new()) };
        let bounds = |runs: &[CheckRun]| super::bounds(&runs.iter().collect::<Vec<_>>(), seconds(60));
        assert_eq!(bounds(&[run(Exit::Code(1), seconds(1))]), (seconds(5), 48));
        assert_eq!(bounds(&[run(Exit::Code(1), seconds(2)), run(Exit::Code(1), seconds(4))]), (seconds(18), 20));
        assert_eq!(bounds(&[run(Exit::Code(1), seconds(50))]), (seconds(60), 4));
        assert_eq!(bounds(&[run(Exit::TimedOut, seconds(60))]), (seconds(5), 48), "it looped");
        assert_eq!(super::bounds(&[], seconds(3)), (seconds(3), 48), "never longer than any check may take");
    }
}
