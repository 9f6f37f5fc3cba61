//! The workflow, from its template and the options.

use minijinja::syntax::SyntaxConfig;
use minijinja::{Environment, UndefinedBehavior, context};
use sha2::{Digest, Sha256};

use super::{InitError, LABEL, Options, Trigger};

const TEMPLATE: &str = include_str!("../../templates/workflow.yml");

/// The actions of others that the workflow uses, each at the commit of a release.
const CHECKOUT: &str = "actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1";
const UPLOAD: &str = "actions/upload-artifact@bbbca2ddaa5d8feaa63e36b76fdaad77386f024f # v7.0.0";
const DOWNLOAD: &str = "actions/download-artifact@3e5f45b2cfb9172054b4087a40e8e0b5a5461e7c # v8.0.1";
const CACHE: &str = "actions/cache@27d5ce7f107fe9357f9df03efb73ab90386fccae # v5.0.5";

/// What the second line starts with; the digest of everything below follows.
const FINGERPRINT: &str = "# prentice-init: ";

/// Writes the workflow.
///
/// # Errors
/// [`InitError::NothingToWatch`] when a failure shall start a run and no workflow is named; [`InitError::Template`] for a
/// bug.
pub fn workflow(options: &Options) -> Result<String, InitError> {
    if options.triggers.contains(&Trigger::FailedCi) && options.watch.is_empty() {
        return Err(InitError::NothingToWatch);
    }
    let failed = |error: minijinja::Error| InitError::Template(error.to_string());
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    // The usual delimiters are those of the forge's own expressions.
    let syntax = SyntaxConfig::builder()
        .block_delimiters("<%", "%>")
        .variable_delimiters("<<", ">>")
        .comment_delimiters("<#", "#>")
        .trim_blocks(true)
        .lstrip_blocks(true)
        .keep_trailing_newline(true)
        .build()
        .map_err(failed)?;
    environment.set_syntax(syntax);
    // A JSON string is a YAML string too.
    let watch: Vec<String> =
        options.watch.iter().map(|name| serde_json::Value::from(name.as_str()).to_string()).collect();
    let attempts: Vec<u32> = if options.attempts > 1 { (1..=options.attempts).collect() } else { Vec::new() };
    let body = environment
        .render_str(
            TEMPLATE,
            context! {
                triggers => options.triggers.iter().map(|trigger| trigger.name()).collect::<Vec<_>>(),
                fork_safe => options.fork_safe,
                relevant => relevant(options),
                attempts,
                watch => watch.join(", "),
                action => options.action.text.as_str(),
                checkout => CHECKOUT,
                upload => UPLOAD,
                download => DOWNLOAD,
                cache => CACHE,
                inside => options.inside.as_deref(),
            },
        )
        .map_err(failed)?;
    Ok(format!(
        "# Written by `prentice init`; run it again to bring it up to date.\n{FINGERPRINT}{}\n{body}",
        digest(&body)
    ))
}

/// Tells whether a workflow is as `prentice init` wrote it, then or now.
pub(super) fn is_untouched(text: &str) -> bool {
    let mut parts = text.splitn(3, '\n').skip(1);
    let (Some(line), Some(body)) = (parts.next(), parts.next()) else { return false };
    line.strip_prefix(FINGERPRINT).is_some_and(|found| found == digest(body))
}

/// Returns the conditions, one of which an event must meet to be for Prentice; the same ones decide about the queue.
fn relevant(options: &Options) -> Vec<String> {
    let mut all = Vec::new();
    // What a run that left a command waiting sends, or a program of the repository's own.
    let dispatched = [Trigger::Label, Trigger::Comments, Trigger::Dispatch];
    if dispatched.iter().any(|trigger| options.triggers.contains(trigger)) {
        all.push("github.event_name == 'repository_dispatch'".to_owned());
    }
    for trigger in &options.triggers {
        match trigger {
            Trigger::Label => all.push(format!("github.event.label.name == '{LABEL}'")),
            Trigger::Comments => {
                // Events of a fork's pull request get neither secrets nor a token that can write.
                let own =
                    " && (github.event.pull_request.head.repo.full_name || github.repository) == github.repository";
                let own = if options.fork_safe { "" } else { own };
                all.push(format!("contains(github.event.comment.body, '/prentice'){own}"));
                all.push(
                    "github.event.action == 'opened' && contains(github.event.issue.body, '/prentice')".to_owned(),
                );
                if !options.fork_safe {
                    all.push(format!("contains(github.event.review.body, '/prentice'){own}"));
                }
            }
            Trigger::Schedule => all.push("github.event_name == 'schedule'".to_owned()),
            Trigger::Dispatch => all.push("github.event_name == 'workflow_dispatch'".to_owned()),
            Trigger::FailedCi => all.push(
                "github.event.workflow_run.conclusion == 'failure' && github.event.workflow_run.event == 'push' \
                 && github.event.workflow_run.head_branch == github.event.repository.default_branch \
                 && github.event.workflow_run.head_repository.full_name == github.repository"
                    .to_owned(),
            ),
        }
    }
    all
}

fn digest(body: &str) -> String {
    hex::encode(Sha256::digest(body))
}
