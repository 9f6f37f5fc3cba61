//! A bundle on GitHub: branch, draft pull request, answers in review threads, the progress comment.
//!
//! Everything goes over REST and GraphQL, so that the job with the write token needs no checkout. Nothing is remembered
//! between runs: the branch's name and the markers in our own texts are looked for before anything is written, which is
//! what makes it safe to be killed anywhere, to be run again, and to be run by several at once.

mod branch;
mod certificate;
mod order;
mod pull;
mod settle;
mod talk;

use std::collections::BTreeMap;

use super::progress::Stage;
use super::{PublishError, accept_ending, accept_policy};
use crate::bundle::Bundle;
use crate::forge::ForgeError;
use crate::forge::github::GitHub;
use crate::policy::PolicySettings;
use crate::repo::StoredFile;
use crate::task::{Order, Verb, is_slug};

pub use order::carry_out;
pub use pull::task_file;
pub use talk::put_progress;

/// The label that keeps a task from being published; a further command of a person takes it away.
pub const STOPPED: &str = "prentice-stopped";
/// The type of `repository_dispatch` events by which a run asks for the next one.
pub const DISPATCH_TYPE: &str = "prentice";

/// What shall be published, and how.
#[derive(Clone, Debug)]
pub struct Job<'a> {
    /// The bundle, whose digest the caller has checked.
    pub bundle: &'a Bundle,
    /// Its digest; answers in threads are known by it.
    pub digest: &'a str,
    /// The forge.
    pub github: &'a GitHub,
    /// The policy of the base branch.
    pub policy: &'a PolicySettings,
    /// The branch that pull requests go into where the bundle names none.
    pub default_branch: &'a str,
    /// The page of the run that publishes.
    pub run_url: Option<String>,
    /// The forge's number of that run, which the run of `respond` has too.
    pub run_id: Option<u64>,
    /// The label for pull requests of ours.
    pub label: &'a str,
    /// Whom to ask for a review, besides the person who gave the order.
    pub reviewers: &'a [String],
    /// The most open pull requests of ours.
    pub max_open_pulls: u64,
}

/// What is there now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// The branch.
    pub branch: String,
    /// Its last commit.
    pub commit: String,
    /// Whether the branch was moved; `false` when it was right already.
    pub moved: bool,
    /// The pull request's number.
    pub pull: u64,
    /// Its page.
    pub url: String,
    /// What did not work and does not matter to the change, such as a reviewer who cannot be asked.
    pub notes: Vec<String>,
}

impl<'a> Job<'a> {
    fn order(&self) -> Option<&'a Order> {
        self.bundle.order.as_ref()
    }

    fn base_branch(&self) -> &str {
        self.order().map_or(self.default_branch, |order| order.base_branch.as_str())
    }

    /// Tells whether the new commit goes on top of a proposal, and not in its place.
    fn follows_a_head(&self) -> bool {
        self.bundle.parent != self.bundle.base
    }
}

/// Puts a bundle on GitHub and tells in the progress comment what became of it.
///
/// A bundle without an acceptable change is told of as well; the outcome is `None` then.
///
/// # Errors
/// [`PublishError`]; what can be told to the person who gave the order stands in the progress comment too.
pub async fn publish(job: &Job<'_>) -> Result<Option<Shown>, PublishError> {
    if job.order().is_some_and(|order| order.verb == Verb::Certify) {
        return certificate::tell(job).await.map(Some);
    }
    let outcome = match accept_ending(job.bundle) {
        Ok(()) => put(job).await.map(Some),
        Err(PublishError::NotDone(why)) => {
            talk::tell(job, &ended(job.bundle, why)).await?;
            Ok(None)
        }
        Err(error) => Err(error),
    };
    match &outcome {
        Ok(Some(shown)) => {
            let evidence = job.bundle.evidence.as_ref();
            let stage = Stage::Published {
                pull: shown.pull,
                verdict: evidence.map_or("unproven", |evidence| evidence.verdict.word()).to_owned(),
                reason: evidence.map_or("nothing was checked", |evidence| evidence.reason.as_str()).to_owned(),
            };
            talk::tell(job, &stage).await?;
        }
        Ok(None) => {}
        // When the forge itself fails, telling would fail too, and the next run goes on where this one stopped.
        Err(PublishError::Forge(error)) if !error.is_refused() => return outcome,
        Err(error) => talk::tell(job, &ended(job.bundle, error.to_string())).await?,
    }
    if let Some(order) = job.order() {
        talk::wake(job.github, order).await?;
    }
    outcome
}

fn ended(bundle: &Bundle, why: String) -> Stage {
    let mut next = vec!["`/prentice retry` tries anew; a clearer text or a failing test in it helps most.".to_owned()];
    if bundle.evidence.is_some() {
        next.push("The bundle of the run holds the last change and what the checks said to it.".to_owned());
    }
    Stage::Ended { why, next }
}

async fn put(job: &Job<'_>) -> Result<Shown, PublishError> {
    let slug = &job.bundle.slug;
    if !is_slug(slug) || job.order().is_some_and(|order| order.slug() != *slug) {
        return Err(PublishError::WrongName(slug.clone()));
    }
    accept_policy(job.bundle, job.policy)?;
    if let Some(number) = job.order().and_then(talk::place_of)
        && job.github.issue(number).await?.labels.iter().any(|label| label == STOPPED)
    {
        return Err(PublishError::Stopped(number));
    }
    let (base_tree, notes) = accept_base(job).await?;
    let standing = pull::standing(job).await?;
    if standing.is_none() {
        let (open, most) = (job.github.open_pulls().await?.len() as u64, job.max_open_pulls);
        if open >= most {
            return Err(PublishError::TooManyOpen { open, most });
        }
    }
    let placed = branch::place(job, &base_tree).await?;
    let (pull, mut remarks) = pull::put(job, standing, &placed, &notes).await?;
    remarks.extend(talk::answer_threads(job, &pull, &placed.commit).await?);
    Ok(Shown {
        branch: placed.branch,
        commit: placed.commit,
        moved: placed.moved,
        pull: pull.number,
        url: pull.url,
        notes: remarks,
    })
}

/// Checks that the base is a commit of the base branch and holds what the bundle says; returns its tree, and what a
/// reviewer must know of the commits that came after it.
async fn accept_base(job: &Job<'_>) -> Result<(String, Vec<String>), PublishError> {
    let (base, branch) = (job.bundle.base.to_string(), job.base_branch());
    let missing = || PublishError::BaseNotOnBranch { base: base.clone(), branch: branch.to_owned() };
    let since = match job.github.compare(&base, branch).await {
        Ok(since) if since.behind == 0 => since,
        Ok(_) | Err(ForgeError::NotFound { .. }) => return Err(missing()),
        Err(error) => return Err(error.into()),
    };
    let tree = job.github.commit(&base).await?.tree;
    let listing = job.github.tree(&tree).await?;
    let mut there: BTreeMap<&str, (&str, &str)> = BTreeMap::new();
    there.extend(listing.entries.iter().map(|entry| (entry.path.as_str(), (entry.mode.as_str(), entry.sha.as_str()))));
    for change in &job.bundle.changes {
        let path = change.path.to_string();
        let same = if listing.truncated {
            let found = job.github.file(&path, &base).await?;
            found.as_deref() == change.before.as_ref().map(|file| &*file.content)
        } else {
            let expected = change.before.as_ref().map(mode_and_id);
            there.get(path.as_str()).copied() == expected.as_ref().map(|(mode, id)| (mode.as_str(), id.as_str()))
        };
        if !same {
            return Err(PublishError::WrongBase(path));
        }
    }
    let both = since.files.iter().map(|file| file.path.as_str());
    let both: Vec<&str> =
        both.filter(|path| job.bundle.changes.iter().any(|change| change.path.as_str() == *path)).collect();
    Ok((tree, base_notes(branch, since.ahead, &both)))
}

fn mode_and_id(file: &StoredFile) -> (String, String) {
    (format!("{:06o}", file.mode.git_mode()), file.blob_id())
}

/// The commit stays on the base that was tested: a merge that nobody tested would stand beside evidence for another tree.
fn base_notes(branch: &str, newer: u64, both: &[&str]) -> Vec<String> {
    if newer == 0 {
        return Vec::new();
    }
    let branch = branch.replace('`', "");
    let mut note = format!(
        "`{branch}` has {newer} newer commit{} than the one that was tested",
        if newer == 1 { "" } else { "s" }
    );
    if both.is_empty() {
        note += ", in other files";
    } else {
        let names: Vec<String> = both.iter().map(|path| format!("`{}`", path.replace('`', ""))).collect();
        note += &format!(", also in {}", names.join(", "));
    }
    vec![format!("{note}: `/prentice rebase` puts the change on the newest commit and tests it there.")]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moved_base_is_told() {
        let check = |newer, both: &[&str], expected: &[&str]| assert_eq!(base_notes("main", newer, both), expected);
        check(0, &[], &[]);
        let end = ": `/prentice rebase` puts the change on the newest commit and tests it there.";
        check(1, &[], &[&format!("`main` has 1 newer commit than the one that was tested, in other files{end}")]);
        let both = format!("`main` has 2 newer commits than the one that was tested, also in `a`, `b`{end}");
        check(2, &["a", "b"], &[&both]);
    }
}
