//! The review page: one HTML file without scripts and without anything from outside.

use minijinja::value::{Serde, Value};
use minijinja::{AutoEscape, Environment, UndefinedBehavior};
use serde::Serialize;
use serde_json::json;

use super::text;
use crate::bundle::Bundle;
use crate::policy::Severity;
use crate::repo::{CommitId, DiffLineKind, FileChange, diff_file};
use crate::verify::{CheckRun, Evidence, Outcome};

const TEMPLATE: &str = include_str!("page.html");

#[derive(Serialize)]
struct File {
    path: String,
    what: &'static str,
    added: usize,
    removed: usize,
    binary: bool,
    hunks: Vec<Hunk>,
}

#[derive(Serialize)]
struct Hunk {
    header: String,
    lines: Vec<Line>,
}

#[derive(Serialize)]
struct Line {
    kind: &'static str,
    sign: char,
    old: Option<usize>,
    new: Option<usize>,
    text: String,
}

#[derive(Serialize)]
struct Run {
    exit: String,
    tests: String,
    seconds: String,
}

#[derive(Serialize)]
struct Check {
    command: String,
    found_in: String,
    before: Option<Run>,
    after: Run,
    excerpt: String,
}

/// Makes the page.
pub(super) fn page(bundle: &Bundle, branch: &str, commit: &CommitId) -> Result<String, minijinja::Error> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.add_template("page.html", TEMPLATE)?;
    let evidence = bundle.evidence.as_ref();
    let refused = |severity| if severity == Severity::Refuse { "refused" } else { "look at this" };
    let findings: Vec<_> = bundle
        .findings
        .iter()
        .map(|finding| json!({ "severity": refused(finding.severity), "text": finding.text }))
        .collect();
    let values = json!({
        "title": bundle.task.title,
        "description": bundle.task.description,
        "acceptance": bundle.task.acceptance,
        "constraints": bundle.task.constraints,
        "hidden": bundle.task.hidden_characters,
        "branch": branch,
        "commit": commit.short(),
        "base": bundle.base.short(),
        "verdict": evidence.map_or("unproven", |evidence| evidence.verdict.word()),
        "reason": evidence.map_or("nothing was checked", |evidence| evidence.reason.as_str()),
        "findings": findings,
        "checks": evidence.map(checks).unwrap_or_default(),
        "walls": text::level_words(evidence.and_then(|evidence| evidence.sandbox)),
        "groups": evidence.map(groups).unwrap_or_default(),
        "not_checked": evidence.map(|evidence| evidence.not_checked.clone()).unwrap_or_default(),
        "files": bundle.changes.iter().map(file).collect::<Vec<_>>(),
        "account": bundle.account,
        "open": bundle.account.open,
        "words": text::words(bundle),
        "cost": text::cost_words(bundle.account.spent.cost_usd),
    });
    environment.get_template("page.html")?.render(Value::from(Serde(values)))
}

fn checks(evidence: &Evidence) -> Vec<Check> {
    let run = |run: &CheckRun| Run {
        exit: text::run_words(run),
        tests: text::count_words(run),
        seconds: format!("{:.1}", run.elapsed.as_secs_f64()),
    };
    let of = |after: &CheckRun| Check {
        command: after.check.label(),
        found_in: after.check.found_in.clone(),
        before: evidence.base.run_of(&after.check).map(run),
        after: run(after),
        excerpt: after.excerpt.clone(),
    };
    evidence.patched.checks.iter().map(of).collect()
}

fn groups(evidence: &Evidence) -> Vec<(&'static str, Vec<String>)> {
    let message = |name: &String| {
        let failed = evidence.patched.checks.iter().flat_map(|run| &run.tests);
        let found = failed.filter(|test| test.outcome == Outcome::Failed).find(|test| name.ends_with(&test.name));
        match found.and_then(|test| test.message.as_ref()) {
            Some(message) => format!("{name}: {message}"),
            None => name.clone(),
        }
    };
    let all = [
        ("failed before, pass now", evidence.fixed.clone()),
        ("new, fail without the change, pass with it", evidence.red_first.clone()),
        ("passed before, expect something else now", evidence.turned.clone()),
        ("new, and pass; without the change they cannot run", evidence.added.clone()),
        ("passed before, fail now", evidence.broken.iter().map(message).collect()),
        ("failed before and still fail", evidence.still_failing.iter().map(message).collect()),
        ("formatters and linters that were content before and complain now", evidence.lint.clone()),
    ];
    all.into_iter().filter(|(_, names)| !names.is_empty()).collect()
}

fn file(change: &FileChange) -> File {
    let diff = diff_file(change);
    let what = match (&change.before, &change.after) {
        (None, _) => "new",
        (_, None) => "removed",
        (Some(before), Some(after)) if before.mode != after.mode => "mode changed",
        _ => "changed",
    };
    let line = |line: crate::repo::DiffLine| {
        let (kind, sign) = match line.kind {
            DiffLineKind::Context => ("same", ' '),
            DiffLineKind::Added => ("added", '+'),
            DiffLineKind::Removed => ("removed", '-'),
        };
        let end = if line.missing_newline { " (no newline at the end)" } else { "" };
        Line { kind, sign, old: line.old_number, new: line.new_number, text: show(&line.text) + end }
    };
    let hunks = diff
        .hunks
        .into_iter()
        .map(|hunk| Hunk { header: hunk.header, lines: hunk.lines.into_iter().map(line).collect() })
        .collect();
    let path = show(change.path.as_str());
    File { path, what, added: diff.added, removed: diff.removed, binary: diff.binary, hunks }
}

/// Writes characters that show nothing, or turn the reading direction, as their code.
fn show(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if c != '\t' && crate::repo::is_control_or_invisible(c) {
            shown += &format!("\\u{{{:04X}}}", u32::from(c));
        } else {
            shown.push(c);
        }
    }
    shown
}
