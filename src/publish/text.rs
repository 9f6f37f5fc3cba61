//! Every text that a reviewer reads as text: commit message and the pull request's body.

use crate::bundle::Bundle;
use crate::policy::{Finding, Severity};
use crate::sandbox::{Exit, Level};
use crate::verify::{CheckRun, Evidence, Outcome, ReportFormat};

use super::TASK_TRAILER;
use super::safe::{cell, defuse, quoted, sentence, subject};

/// Git's recommendation for a subject line (git-commit, "DISCUSSION": about 50; common tools cut at 72).
const SUBJECT_CHARACTERS: usize = 72;
/// The most names of tests listed one by one.
const LISTED_TESTS: usize = 20;

/// Writes the commit message: subject, what proves it, trailers.
pub(super) fn commit_message(bundle: &Bundle) -> String {
    let title = title(bundle);
    let subject: String = match title.char_indices().nth(SUBJECT_CHARACTERS) {
        None => title.clone(),
        Some(_) => title.chars().take(SUBJECT_CHARACTERS - 1).collect::<String>() + "…",
    };
    let verdict = bundle.evidence.as_ref().map_or_else(
        || "Nothing was checked.".to_owned(),
        |evidence| format!("Verdict: {}. {}.", evidence.verdict.word(), sentence(&evidence.reason)),
    );
    let model = defuse(&bundle.account.model);
    format!("{subject}\n\n{verdict}\n\n{TASK_TRAILER}{}\nPrentice-Model: {model}\n", bundle.slug)
}

/// Returns the title of the commit and the pull request: what the model says that the change does, else the task's title.
pub(super) fn title(bundle: &Bundle) -> String {
    let described = bundle.account.described.as_ref().map(|described| subject(&described.title));
    described.filter(|title| !title.is_empty()).unwrap_or_else(|| subject(&bundle.task.title))
}

/// Where a body is read.
#[derive(Clone, Copy, Debug)]
pub(super) enum Place<'a> {
    /// A page on this machine.
    Local {
        /// The branch.
        branch: &'a str,
    },
    /// A pull request on a forge.
    Forge {
        /// The page of the run that made it.
        run_url: Option<&'a str>,
        /// What the reviewer must know of the base branch and the like, each a sentence of ours.
        notes: &'a [String],
    },
}

/// Writes the body of the pull request: verdict and evidence first, the model's own words last.
pub(super) fn body(bundle: &Bundle, place: Place<'_>) -> String {
    let mut parts = vec![verdict_part(bundle)];
    if let Place::Forge { notes, .. } = place {
        parts.extend((!notes.is_empty()).then(|| format!("{}\n", notes.join("\n"))));
    }
    parts.extend(touched_part(&bundle.findings));
    if let Some(evidence) = &bundle.evidence {
        parts.push(checks_part(evidence));
        parts.extend(tests_part(evidence));
        parts.push(not_checked_part(evidence));
    }
    parts.push(account_part(bundle, place));
    match (place, &bundle.order) {
        (Place::Forge { .. }, Some(order)) if order.issue.is_some() => parts.extend(hidden_part(bundle)),
        _ => parts.push(task_part(bundle)),
    }
    parts.extend(open_part(&bundle.account.open));
    parts.extend(words_part(bundle));
    let text = parts.join("\n");
    match place {
        Place::Local { branch } => format!(
            "{text}\n---\nTo take it: `git merge {branch}`. To change it: run the task again with a clearer text, or \
             commit on the branch; Prentice never writes over a commit that is not its own.\n"
        ),
        Place::Forge { run_url, .. } => format!("{}{}", cut(&text), forge_end(bundle, run_url)),
    }
}

/// Writes what the checks say of a change, for any change: verdict first, nothing of a model.
pub(super) fn certificate(evidence: &Evidence, findings: &[Finding]) -> String {
    let verdict = format!("**{}**: {}.\n", evidence.verdict.word().to_uppercase(), sentence(&evidence.reason));
    let mut parts = vec![verdict];
    parts.extend(touched_part(findings));
    parts.push(checks_part(evidence));
    parts.extend(tests_part(evidence));
    parts.push(not_checked_part(evidence));
    cut(&parts.join("\n"))
}

/// Cuts a body at a line before the forge would refuse it.
fn cut(text: &str) -> String {
    // GitHub takes 65,536 characters; what follows the cut needs less than 2,000.
    const LONGEST: usize = 60_000;
    if text.len() <= LONGEST {
        return text.to_owned();
    }
    let kept: String = text
        .split_inclusive('\n')
        .scan(0, |length, line| {
            *length += line.len();
            (*length <= LONGEST).then_some(line)
        })
        .collect();
    // A fence that the cut left open would swallow what follows.
    let fence = kept.lines().filter(|line| line.starts_with("```")).count() % 2 == 1;
    format!(
        "{kept}{}\nThe rest ({} bytes) is in the bundle.\n",
        if fence { "```\n" } else { "" },
        text.len() - kept.len()
    )
}

/// How to go on, and the link to the task.
fn forge_end(bundle: &Bundle, run_url: Option<&str>) -> String {
    let mut text = "\n---\nA draft for a person to review; Prentice merges nothing. Ask for changes with \
                    `/prentice revise <what>`, answer the review threads with `/prentice address`, try anew with \
                    `/prentice retry`; `/prentice help` lists the rest. A commit of yours on the branch is never \
                    overwritten.\n"
        .to_owned();
    if let Some(url) = run_url {
        text += &format!("\nMade by [this run]({url}).\n");
    }
    if let Some(number) = bundle.order.as_ref().and_then(|order| order.issue) {
        text += &format!("\nCloses #{number}\n");
    }
    text
}

/// Names an exit for people.
fn exit_words(exit: Exit) -> String {
    match exit {
        Exit::Code(code) => format!("{code}"),
        Exit::Signal(signal) => format!("signal {signal}"),
        Exit::TimedOut => "timed out".to_owned(),
        Exit::OutOfCpu => "out of processor time".to_owned(),
        Exit::OutOfMemory => "out of memory".to_owned(),
        Exit::TooManyProcesses => "too many processes".to_owned(),
        Exit::DiskFull => "disk full".to_owned(),
    }
}

/// Counts a run's tests for people: `3 passed, 1 failed`.
pub(super) fn count_words(run: &CheckRun) -> String {
    if !run.did_run() {
        return "not run".to_owned();
    }
    if run.format == ReportFormat::ExitCode {
        return "only the exit code".to_owned();
    }
    let all = [(Outcome::Passed, "passed"), (Outcome::Failed, "failed"), (Outcome::Skipped, "skipped")];
    let counts = all.map(|(outcome, word)| (run.count(outcome), word));
    let words: Vec<String> =
        counts.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}")).collect();
    if words.is_empty() { "no tests".to_owned() } else { words.join(", ") }
}

/// Writes an amount for people.
pub(super) fn cost_words(cost_usd: Option<f64>) -> String {
    cost_usd.map_or_else(|| "price unknown".to_owned(), |cost| format!("{cost:.4} USD"))
}

/// Names the walls for people.
pub(super) fn level_words(level: Option<Level>) -> &'static str {
    match level {
        Some(Level::Namespaces) => "namespaces, Landlock and seccomp: no network, no other files, no other processes",
        Some(Level::Landlock) => "Landlock and seccomp: no network, no other files",
        Some(Level::Off) => "none: the commands ran as the user who started Prentice",
        None => "nothing was run",
    }
}

fn verdict_part(bundle: &Bundle) -> String {
    match &bundle.evidence {
        Some(evidence) => {
            format!("**{}**: {}.\n", evidence.verdict.word().to_uppercase(), sentence(&evidence.reason))
        }
        None => "**UNPROVEN**: nothing was checked.\n".to_owned(),
    }
}

fn touched_part(findings: &[Finding]) -> Option<String> {
    let lines: Vec<String> = findings
        .iter()
        .map(|finding| {
            let sign = if finding.severity == Severity::Refuse { "refused" } else { "look at this" };
            format!("- {sign}: {}", defuse(&finding.text))
        })
        .collect();
    (!lines.is_empty()).then(|| format!("### Look here first\n\n{}\n", lines.join("\n")))
}

fn checks_part(evidence: &Evidence) -> String {
    let mut text =
        "### Checks\n\n| command | found in | exit before | exit after | tests before | tests after | seconds \
                    before | seconds after |\n| --- | --- | --- | --- | --- | --- | --- | --- |\n"
            .to_owned();
    for after in &evidence.patched.checks {
        let before = evidence.base.run_of(&after.check);
        let of = |words: fn(&CheckRun) -> String| before.map_or_else(|| "-".to_owned(), words);
        text += &format!(
            "| `{}` | {} | {} | {} | {} | {} | {} | {} |\n",
            cell(&after.check.label()),
            defuse(&after.check.found_in),
            of(run_words),
            run_words(after),
            of(count_words),
            count_words(after),
            of(seconds),
            seconds(after),
        );
    }
    text + &format!("\nWalls around these commands: {}.\n", level_words(evidence.sandbox))
}

/// Names how a run ended for people.
pub(super) fn run_words(run: &CheckRun) -> String {
    if run.did_run() { exit_words(run.exit) } else { "not run".to_owned() }
}

fn seconds(run: &CheckRun) -> String {
    format!("{:.1}", run.elapsed.as_secs_f64())
}

fn tests_part(evidence: &Evidence) -> Option<String> {
    let groups = [
        ("failed before, pass now", &evidence.fixed),
        ("new, fail without the change, pass with it", &evidence.red_first),
        ("passed before, expect something else now", &evidence.turned),
        ("new, and pass; without the change they cannot run", &evidence.added),
        ("passed before, fail now", &evidence.broken),
        ("failed before and still fail", &evidence.still_failing),
        ("formatters and linters that were content before and complain now", &evidence.lint),
    ];
    let mut text = String::new();
    for (heading, names) in groups.into_iter().filter(|(_, names)| !names.is_empty()) {
        text += &format!("\n{} {heading}:\n\n", names.len());
        text.extend(names.iter().take(LISTED_TESTS).map(|name| format!("- `{}`\n", cell(name))));
        if names.len() > LISTED_TESTS {
            text += &format!("- and {} more\n", names.len() - LISTED_TESTS);
        }
    }
    (!text.is_empty()).then(|| format!("### Tests\n{text}"))
}

fn not_checked_part(evidence: &Evidence) -> String {
    let mut lines: Vec<String> = evidence.not_checked.iter().map(|line| format!("- {}", defuse(line))).collect();
    lines.push("- Whether the change is what the task means: that is the reviewer's part.".to_owned());
    format!("### Not checked\n\n{}\n", lines.join("\n"))
}

fn account_part(bundle: &Bundle, place: Place<'_>) -> String {
    let account = &bundle.account;
    let cost = cost_words(account.spent.cost_usd);
    // Where the model runs is nobody's business on a public page.
    let why = match place {
        Place::Local { .. } => format!(" ({})", defuse(&account.why)),
        Place::Forge { .. } => String::new(),
    };
    format!(
        "### Account\n\nModel `{}`{why}. {} answers, attempt {}; {} tokens read, {} written; {cost}.\nBase commit `{}`.\n",
        cell(&account.model),
        account.answers,
        account.attempt,
        account.spent.input_tokens,
        account.spent.output_tokens,
        bundle.base.short(),
    )
}

fn task_part(bundle: &Bundle) -> String {
    let task = &bundle.task;
    let mut text = format!("### Task\n\n{}\n", quoted(&task.title));
    if !task.description.is_empty() {
        text += &format!("{}\n", quoted(&task.description));
    }
    for (heading, lines) in [("Done when", &task.acceptance), ("Must not happen", &task.constraints)] {
        if !lines.is_empty() {
            text += &format!("\n{heading}:\n\n{}\n", quoted(&lines.join("\n")));
        }
    }
    text + &hidden_part(bundle).map(|part| format!("\n{part}")).unwrap_or_default()
}

fn hidden_part(bundle: &Bundle) -> Option<String> {
    let count = bundle.task.hidden_characters;
    (count > 0).then(|| format!("{count} characters that nobody can see were removed from the task.\n"))
}

fn open_part(open: &[String]) -> Option<String> {
    (!open.is_empty())
        .then(|| format!("### Left open by the task, and what the model assumed\n\n{}\n", quoted(&open.join("\n"))))
}

/// Returns the description that the model was asked for; without one, what it wrote beside its edits.
pub(super) fn words(bundle: &Bundle) -> &str {
    let account = &bundle.account;
    let described = account.described.as_ref().map(|described| described.text.trim());
    described.filter(|text| !text.is_empty()).unwrap_or(account.remarks.trim())
}

fn words_part(bundle: &Bundle) -> Option<String> {
    let words = words(bundle);
    (!words.is_empty()).then(|| format!("### The model's own words (not evidence)\n\n{}\n", quoted(words)))
}
