//! The evidence for any change between two commits, whoever made it: no model, no task, no bundle.

use super::{Bench, PipelineError, check, policy_settings};
use crate::bundle::Bundle;
use crate::policy::{self, Finding};
use crate::publish::PublishError;
use crate::repo::{CommitId, FileChange};
use crate::verify::Evidence;

/// What the checks say of a change.
#[derive(Clone, Debug)]
pub struct Certificate {
    /// The commit that it was compared with: where the change leaves the line of its base.
    pub base: CommitId,
    /// The commit with the change.
    pub head: CommitId,
    /// What differs.
    pub changes: Vec<FileChange>,
    /// What the checks say.
    pub evidence: Evidence,
    /// What policy would say, were it a change of ours.
    pub findings: Vec<Finding>,
}

/// Makes the certificate of what `head` has and the line of `base` has not.
///
/// Commands and settings come from the base, never from the change.
///
/// # Errors
/// [`PipelineError`], also when the two commits have nothing in common.
pub async fn certify(bench: &Bench<'_>, base: &CommitId, head: &CommitId) -> Result<Certificate, PipelineError> {
    let repository = bench.repository;
    let missing = || PipelineError::NothingInCommon(base.short().to_owned(), head.short().to_owned());
    let fork_point = repository.merge_base(base, head)?.ok_or_else(missing)?;
    let base_tree = repository.tree(&fork_point)?;
    let tree = repository.tree(head)?.over(&base_tree)?;
    let changes = tree.changes()?;
    let settings = policy_settings(bench.config)?.for_a_person();
    let touched: Vec<_> = changes.iter().map(|change| change.path.clone()).collect();
    let checks = check::find(bench, &base_tree, &touched).await?;
    let base_run = check::run_base(bench, &base_tree, &checks).await?;
    let evidence = check::judge(bench, &tree, &checks, &base_run).await?;
    let findings = policy::review(&changes, Some(&evidence), &settings);
    Ok(Certificate { base: fork_point, head: head.clone(), changes, evidence, findings })
}

/// Makes the evidence of a bundle again, from its base commit and its files.
///
/// # Errors
/// [`PipelineError`], also when the base commit does not hold what the bundle says.
pub async fn replay(bench: &Bench<'_>, bundle: &Bundle) -> Result<Evidence, PipelineError> {
    let base_tree = bench.repository.tree(&bundle.base)?;
    let mut tree = base_tree.clone();
    for change in &bundle.changes {
        if base_tree.read(&change.path)? != change.before {
            return Err(PublishError::WrongBase(change.path.to_string()).into());
        }
        match &change.after {
            Some(file) => tree.write(change.path.clone(), file.clone()),
            None => tree.remove(&change.path),
        }
    }
    let touched: Vec<_> = bundle.changes.iter().map(|change| change.path.clone()).collect();
    let checks = check::find(bench, &base_tree, &touched).await?;
    let base_run = check::run_base(bench, &base_tree, &checks).await?;
    check::judge(bench, &tree, &checks, &base_run).await
}
