//! The part of `prentice doctor` that looks at the forge: which token, what it may do, whether checks will start.

use tokio_util::sync::CancellationToken;

use super::{Line, State};
use crate::cli::forge::connect;
use crate::config::Environment;
use crate::forge::Account;
use crate::forge::github::Rights;

/// The account of the token that every job of GitHub Actions has, and that of GitHub's documentation.
const JOB_TOKEN: &str = "github-actions[bot]";

/// Looks at the forge where the environment names one; without it there is nothing to look at.
pub(super) async fn examine(environment: &Environment, cancel: &CancellationToken, lines: &mut Vec<Line>) {
    if environment.get("GITHUB_REPOSITORY").is_none() || environment.get("GITHUB_TOKEN").is_none() {
        return;
    }
    let github = match connect(environment, cancel) {
        Ok(github) => github,
        Err(failure) => return lines.push(Line::failed("forge", State::Error, failure)),
    };
    let (repository, viewer) = match (github.repository().await, github.viewer().await) {
        (Ok(repository), Ok(viewer)) => (repository, viewer),
        (Err(error), _) | (_, Err(error)) => return lines.push(Line::failed("forge", State::Error, error.into())),
    };
    let state = if repository.archived { " (archived: nothing can be written)" } else { "" };
    lines.push(Line::ok("forge", format!("{}, branch {}{state}", github.repository_name(), repository.default_branch)));
    lines.push(token_line(&viewer));
    match github.rights(&repository.default_branch).await {
        Ok(rights) => lines.push(rights_line(&rights)),
        Err(error) => lines.push(Line::failed("rights", State::Error, error.into())),
    }
}

fn token_line(viewer: &Account) -> Line {
    if viewer.login == JOB_TOKEN {
        return Line {
            what: "token",
            state: State::Warning,
            text: "the job's own GITHUB_TOKEN: its pull requests and pushes start no workflows, so your checks will not run \
                   on them"
                .to_owned(),
            hint: Some(
                "store the token of a GitHub App (contents, issues, pull requests: write) as the secret PRENTICE_TOKEN; or \
                 start your checks by workflow_dispatch on the branch; or push an empty commit to it yourself"
                    .to_owned(),
            ),
        };
    }
    let kind = if viewer.login.ends_with("[bot]") { "an app's token" } else { "a person's token" };
    let words = format!("{kind} ({}): workflows start on its pull requests", viewer.login);
    if viewer.login.ends_with("[bot]") {
        return Line::ok("token", words);
    }
    Line {
        what: "token",
        state: State::Warning,
        text: format!("{words}, and what the bot writes bears that person's name"),
        hint: Some("a GitHub App has a name of its own, and its tokens end after an hour".to_owned()),
    }
}

fn rights_line(rights: &Rights) -> Line {
    let all = [
        (rights.contents, "contents: write", "publish"),
        (rights.issues, "issues: write", "respond, publish"),
        (rights.pull_requests, "pull-requests: write", "respond, publish"),
    ];
    let has = |there: bool| all.iter().filter(move |(right, ..)| *right == there);
    let missing: Vec<String> = has(false).map(|(_, name, jobs)| format!("`{name}` ({jobs})")).collect();
    let there: Vec<&str> = has(true).map(|(_, name, _)| *name).collect();
    if missing.is_empty() {
        return Line::ok("rights", there.join(", "));
    }
    Line {
        what: "rights",
        state: State::Warning,
        text: format!("missing: {}", missing.join(", ")),
        hint: Some(
            "add them under `permissions:` of the job that needs them; for pull requests also allow Settings > Actions > \
             \"Allow GitHub Actions to create and approve pull requests\""
                .to_owned(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forge::AccountKind;

    #[test]
    fn each_kind_of_token_has_its_consequence() {
        let line = |login: &str| {
            let line = token_line(&Account { login: login.to_owned(), id: 1, kind: AccountKind::Other });
            (line.state, line.text)
        };
        assert!(line(JOB_TOKEN).1.contains("start no workflows") && line(JOB_TOKEN).0 == State::Warning);
        assert!(line("acme-bot[bot]").1.contains("workflows start") && line("acme-bot[bot]").0 == State::Ok);
        assert!(line("ann").1.contains("bears that person's name"));
    }

    #[test]
    fn what_is_missing_is_named_with_the_job_that_needs_it() {
        let line = rights_line(&Rights { contents: false, issues: true, pull_requests: true });
        assert_eq!(line.text, "missing: `contents: write` (publish)");
        assert!(rights_line(&Rights { contents: true, issues: true, pull_requests: true }).state == State::Ok);
    }
}
