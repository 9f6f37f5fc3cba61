//! The CI job that the program runs in, as GitHub Actions tells of it: outputs, summary, annotations, groups.
//!
//! Outputs are names, numbers and addresses that the program chose itself; text from outside goes into the summary and
//! into annotations only, escaped, so that it can neither set an output nor give the runner a command.

use std::io::Write;
use std::path::Path;

use super::failure::{Exit, Failure};
use super::output;
use crate::config::Environment;
use crate::respond::ThisRun;
use crate::verify::{self, Evidence};

/// The most bytes of a step summary that GitHub takes ("Workflow commands", 1 MiB), less a reserve.
const MAX_SUMMARY_BYTES: usize = 1_000_000;

/// The most annotations of one kind that GitHub shows for a step ("Workflow commands").
const MAX_ANNOTATIONS: usize = 10;

/// The job, or none.
pub(super) struct Ci<'a> {
    environment: &'a Environment,
}

impl<'a> Ci<'a> {
    /// Looks at the environment.
    pub(super) fn of(environment: &'a Environment) -> Self {
        Self { environment }
    }

    /// Tells whether this is a job of GitHub Actions.
    pub(super) fn is_there(&self) -> bool {
        self.environment.get("GITHUB_ACTIONS") == Some("true")
    }

    /// Hands values on to later steps and jobs; does nothing outside of a job.
    pub(super) fn outputs(&self, values: &[(&str, &str)]) -> Result<(), Failure> {
        let Some(file) = self.environment.get("GITHUB_OUTPUT") else { return Ok(()) };
        let mut lines = String::new();
        for (name, value) in values {
            // A line break would begin an output of somebody else's choice.
            if value.chars().any(char::is_control) {
                return Err(Failure::new(Exit::Bug, format!("the output {name} holds a control character")));
            }
            lines += &format!("{name}={value}\n");
        }
        append(Path::new(file), &lines)
    }

    /// Adds Markdown to the page of the job; text from outside in it must be harmless already.
    pub(super) fn summary(&self, markdown: &str) -> Result<(), Failure> {
        let Some(file) = self.environment.get("GITHUB_STEP_SUMMARY") else { return Ok(()) };
        if markdown.len() > MAX_SUMMARY_BYTES {
            return append(
                Path::new(file),
                "The summary is too long for this page; the pull request and the bundle have it.\n",
            );
        }
        append(Path::new(file), &format!("{markdown}\n"))
    }

    /// Writes an annotation: `level` is `notice`, `warning` or `error`.
    pub(super) fn annotate(&self, level: &str, title: &str, text: &str) {
        if self.is_there() {
            output::command(&format!("::{level} title={}::{}", property(title), data(text)));
        }
    }

    /// Writes an annotation at a line of a file, which the pull request and the page of the run show there.
    pub(super) fn annotate_at(&self, (file, line): (&str, u64), title: &str, text: &str) {
        if self.is_there() {
            let (file, title) = (property(file), property(title));
            output::command(&format!("::warning file={file},line={line},title={title}::{}", data(text)));
        }
    }

    /// Annotates what a change broke, and the places that failing checks name.
    pub(super) fn point_out(&self, evidence: &Evidence) {
        for test in evidence.broken.iter().take(MAX_ANNOTATIONS) {
            self.annotate("warning", "Broken by the change", test);
        }
        let is_file = |path: &str| Path::new(path).is_file();
        for run in evidence.patched.checks.iter().filter(|run| run.is_red()) {
            for place in verify::places(&run.excerpt, is_file) {
                self.annotate_at((&place.0, place.1), "Named by a failing check", &run.check.label());
            }
        }
    }

    /// Describes the run.
    pub(super) fn run(&self) -> ThisRun {
        let get = |name: &str| self.environment.get(name);
        let url = match (get("GITHUB_SERVER_URL"), get("GITHUB_REPOSITORY"), get("GITHUB_RUN_ID")) {
            (Some(server), Some(repository), Some(id)) => {
                Some(format!("{}/{repository}/actions/runs/{id}", server.trim_end_matches('/')))
            }
            _ => None,
        };
        ThisRun {
            id: get("GITHUB_RUN_ID").and_then(|id| id.parse().ok()).unwrap_or(0),
            url: url.filter(|url| is_plain_url(url)),
            workflow: get("GITHUB_WORKFLOW").unwrap_or_default().to_owned(),
        }
    }
}

/// Tells whether an address can stand in Markdown, in a commit trailer and in an output as it is.
fn is_plain_url(url: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:/".contains(&byte);
    (url.starts_with("https://") || url.starts_with("http://")) && url.bytes().all(plain)
}

/// Escapes the text of a workflow command (GitHub's toolkit, `escapeData`).
pub(super) fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// Escapes a property of a workflow command (GitHub's toolkit, `escapeProperty`).
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

fn append(file: &Path, text: &str) -> Result<(), Failure> {
    let write = || std::fs::OpenOptions::new().append(true).create(true).open(file)?.write_all(text.as_bytes());
    write().map_err(|error| Failure::new(Exit::Service, format!("{}: {error}", file.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs_are_lines_that_nothing_can_break() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        let path = file.path().display().to_string();
        let environment = Environment::of([("GITHUB_OUTPUT", path.as_str())]);
        let ci = Ci::of(&environment);
        ci.outputs(&[("outcome", "done"), ("digest", "ab")]).expect("written");
        let refused = ci.outputs(&[("branch", "x\ndecision=run")]).expect_err("a line break");
        assert_eq!(refused.exit, Exit::Bug);
        assert_eq!(std::fs::read_to_string(file.path()).expect("text"), "outcome=done\ndigest=ab\n");
    }

    #[test]
    fn text_from_outside_gives_no_command() {
        assert_eq!(data("a\n::set-output name=x::%0A"), "a%0A::set-output name=x::%250A");
        assert_eq!(property("a:b,c\r"), "a%3Ab%2Cc%0D");
    }

    #[test]
    fn the_page_of_the_run_is_told_only_where_it_is_plain() {
        let run = |server: &str| {
            let variables = [("GITHUB_SERVER_URL", server), ("GITHUB_REPOSITORY", "a/b"), ("GITHUB_RUN_ID", "7")];
            Ci::of(&Environment::of(variables)).run().url
        };
        assert_eq!(run("https://github.com/").as_deref(), Some("https://github.com/a/b/actions/runs/7"));
        assert_eq!(run("https://x)[y](z"), None);
    }
}
