//! Workflow runs, their jobs and logs, and what is known of the checks of a commit.

use http::Method;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::calls::Call;
use super::{ForgeError, GitHub, encoded};

/// A run of a workflow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// Its number.
    pub id: u64,
    /// The workflow's name.
    pub name: String,
    /// Its page.
    pub url: String,
    /// `success`, `failure`, `cancelled` and so on; `None` while it runs.
    pub conclusion: Option<String>,
    /// The branch; `None` for tags.
    pub head_branch: Option<String>,
    /// The commit.
    pub head_sha: String,
    /// What started it.
    pub event: String,
    /// The repository that the commit comes from, `OWNER/NAME`.
    pub head_repository: Option<String>,
}

/// A job of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// Its number.
    pub id: u64,
    /// Its name.
    pub name: String,
    /// Its page.
    pub url: String,
    /// The steps that failed.
    pub failed_steps: Vec<String>,
}

/// What one check says of a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckState {
    /// Its name.
    pub name: String,
    /// `success`, `failure` and so on; `None` while it runs.
    pub conclusion: Option<String>,
}

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Conclusion {
    /// It is as it should be.
    Success,
    /// It says nothing for and nothing against.
    Neutral,
    /// It is not as it should be.
    Failure,
}

/// A check run that is over (GitHub REST, "Create a check run").
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckRun {
    /// Its name.
    pub name: String,
    /// The commit, 40 hexadecimal digits.
    pub head_sha: String,
    /// What tells it from those of others.
    pub external_id: String,
    /// The page that says more.
    pub details_url: Option<String>,
    /// How it ended.
    pub conclusion: Conclusion,
    /// A heading of a few words.
    pub title: String,
    /// What it says, in Markdown; at most 65,535 characters.
    pub summary: String,
}

impl CheckRun {
    fn body(&self) -> serde_json::Value {
        let mut body = json!({
            "name": self.name, "external_id": self.external_id, "status": "completed", "conclusion": self.conclusion,
            "output": { "title": self.title, "summary": self.summary },
        });
        if let Some(url) = &self.details_url {
            body["details_url"] = json!(url);
        }
        body
    }
}

#[derive(Deserialize)]
struct RawCheckRun {
    id: u64,
    external_id: Option<String>,
}

#[derive(Deserialize)]
struct RawCheckRuns {
    check_runs: Vec<RawCheckRun>,
}

#[derive(Deserialize)]
struct RawRun {
    id: u64,
    name: Option<String>,
    #[serde(default)]
    html_url: String,
    conclusion: Option<String>,
    head_branch: Option<String>,
    head_sha: String,
    #[serde(default)]
    event: String,
    head_repository: Option<RawRepository>,
}

#[derive(Deserialize)]
struct RawRepository {
    full_name: String,
}

#[derive(Deserialize)]
struct RawJobs {
    jobs: Vec<RawJob>,
}

#[derive(Deserialize)]
struct RawJob {
    id: u64,
    name: String,
    html_url: Option<String>,
    conclusion: Option<String>,
    #[serde(default)]
    steps: Vec<RawStep>,
}

#[derive(Deserialize)]
struct RawStep {
    name: String,
    conclusion: Option<String>,
}

#[derive(Deserialize)]
struct RawChecks {
    check_runs: Vec<RawStep>,
}

impl GitHub {
    /// Returns a run of a workflow.
    ///
    /// # Errors
    /// [`ForgeError::NotFound`] when there is none.
    pub async fn workflow_run(&self, id: u64) -> Result<Run, ForgeError> {
        let raw: RawRun = self.read(self.place(&format!("/actions/runs/{id}"))).await?;
        Ok(Run {
            id: raw.id,
            name: raw.name.unwrap_or_default(),
            url: raw.html_url,
            conclusion: raw.conclusion,
            head_branch: raw.head_branch,
            head_sha: raw.head_sha,
            event: raw.event,
            head_repository: raw.head_repository.map(|repository| repository.full_name),
        })
    }

    /// Returns the jobs of a run that failed.
    ///
    /// # Errors
    /// [`ForgeError::NotFound`] when there is no such run.
    pub async fn failed_jobs(&self, run: u64) -> Result<Vec<Job>, ForgeError> {
        let uri = self.place(&format!("/actions/runs/{run}/jobs"));
        let raw = self.read_pages(&uri, |page: RawJobs| page.jobs).await?;
        let failed = |conclusion: &Option<String>| matches!(conclusion.as_deref(), Some("failure" | "timed_out"));
        let job = |raw: RawJob| Job {
            id: raw.id,
            name: raw.name,
            url: raw.html_url.unwrap_or_default(),
            failed_steps: raw.steps.into_iter().filter(|step| failed(&step.conclusion)).map(|step| step.name).collect(),
        };
        Ok(raw.into_iter().filter(|raw| failed(&raw.conclusion)).map(job).collect())
    }

    /// Returns the last bytes of a job's log.
    ///
    /// # Errors
    /// [`ForgeError::NotFound`] when it is no longer kept.
    pub async fn job_log(&self, job: u64, max_bytes: usize) -> Result<String, ForgeError> {
        let call = Call::get(self.place(&format!("/actions/jobs/{job}/logs")));
        Ok(self.calls.perform_keeping(&call, max_bytes).await?.into_text())
    }

    /// Returns what the checks say of a commit.
    ///
    /// # Errors
    /// [`ForgeError`].
    pub async fn check_states(&self, sha: &str) -> Result<Vec<CheckState>, ForgeError> {
        let uri = self.place(&format!("/commits/{}/check-runs", encoded(sha)));
        let raw = self.read_pages(&uri, |page: RawChecks| page.check_runs).await?;
        Ok(raw.into_iter().map(|raw| CheckState { name: raw.name, conclusion: raw.conclusion }).collect())
    }

    /// Returns the check runs of a commit that have a name: number and external id.
    ///
    /// # Errors
    /// [`ForgeError`].
    pub async fn check_runs(&self, sha: &str, name: &str) -> Result<Vec<(u64, String)>, ForgeError> {
        let uri = self.place(&format!("/commits/{}/check-runs?check_name={}", encoded(sha), encoded(name)));
        let raw = self.read_pages(&uri, |page: RawCheckRuns| page.check_runs).await?;
        Ok(raw.into_iter().map(|raw| (raw.id, raw.external_id.unwrap_or_default())).collect())
    }

    /// Makes a check run; returns its number.
    ///
    /// # Errors
    /// [`ForgeError::Forbidden`] without `checks: write`, which only tokens of apps have.
    pub async fn create_check_run(&self, check: &CheckRun) -> Result<u64, ForgeError> {
        let mut body = check.body();
        body["head_sha"] = json!(check.head_sha);
        let raw: RawCheckRun = self.change(Method::POST, self.place("/check-runs"), body).await?;
        Ok(raw.id)
    }

    /// Brings a check run up to date.
    ///
    /// # Errors
    /// [`ForgeError::Forbidden`] without `checks: write`.
    pub async fn update_check_run(&self, id: u64, check: &CheckRun) -> Result<(), ForgeError> {
        self.change_only(Method::PATCH, self.place(&format!("/check-runs/{id}")), check.body()).await
    }

    /// Sends a `repository_dispatch` event, which starts the workflows that listen to its type.
    ///
    /// # Errors
    /// [`ForgeError::Forbidden`] without `contents: write`.
    pub async fn dispatch(&self, event_type: &str, payload: &serde_json::Value) -> Result<(), ForgeError> {
        let body = json!({ "event_type": event_type, "client_payload": payload });
        self.change_only(Method::POST, self.place("/dispatches"), body).await
    }
}
