//! What a conversation begins with, put into the words of prompts.

use crate::context::{Context, tell_outline};
use crate::llm::{EditForm, Profile};
use crate::prompt::{self, Prompt, fence};
use crate::repo::{FileTree, RepoError, RepoPath, unified};
use crate::task::Task;

use super::Opening;

/// A file that is shown whole to a model that shall write it whole has at most so many lines.
const SMALL_FILE_LINES: usize = 200;
/// A changed file larger than this is shown by its difference, in bytes.
const WHOLE_FILE_BYTES: usize = 12_000;

/// Returns the form of the edits to ask for: whole files only where what is shown is whole and small.
pub(super) fn form_for(profile: &Profile, context: &Context) -> EditForm {
    let is_small = |excerpt: &crate::context::Excerpt| {
        excerpt.whole_file && excerpt.lines.end().saturating_sub(*excerpt.lines.start()) < SMALL_FILE_LINES
    };
    match profile.edits {
        EditForm::WholeFile if !context.excerpts.first().is_some_and(is_small) => EditForm::SearchReplace,
        EditForm::Json if !profile.forms => EditForm::SearchReplace,
        form => form,
    }
}

/// Returns the prompt that tells of the form.
pub(super) fn format(form: EditForm) -> Prompt {
    match form {
        EditForm::SearchReplace => prompt::FORMAT_SEARCH_REPLACE,
        EditForm::WholeFile => prompt::FORMAT_WHOLE_FILE,
        EditForm::Json => prompt::FORMAT_JSON,
    }
}

/// Says what to write now; small models go by what they read last.
///
/// Asked for the file alone, a small model often copies it; asked for the cause, it often stops behind it. So it is asked for
/// both, and [`file_alone`] follows an answer without a file.
pub(super) fn closing(form: EditForm, context: &Context) -> String {
    match (form, context.excerpts.first()) {
        (EditForm::WholeFile, Some(first)) => format!(
            "First say in one or two sentences what is wrong in the code and what would be right. Then write the corrected \
             file, from its first line to its last, and no file that stays as it is:\nFILE: {}",
            first.path
        ),
        (EditForm::Json, _) => "Write the JSON object now.".to_owned(),
        _ => "Write all the edits now, in full.".to_owned(),
    }
}

/// Returns the file that [`closing`] and [`file_alone`] name last, so that an answer which goes on from there means it.
pub(super) fn file_asked_for(form: EditForm, context: &Context) -> Option<RepoPath> {
    let first = context.excerpts.first().filter(|_| form == EditForm::WholeFile)?;
    Some(first.path.clone())
}

/// Says what to write after an answer that only told the cause.
pub(super) fn file_alone(context: &Context) -> String {
    let path = context.excerpts.first().map_or("path/to/the/file", |first| first.path.as_str());
    format!("Write the corrected file now, from its first line to its last. Begin with this line:\nFILE: {path}")
}

/// The variables that several prompts have in common.
pub(super) fn shared(opening: &Opening<'_>) -> Vec<(&'static str, String)> {
    let context = opening.context;
    vec![
        ("task", fence("TASK", &describe(opening.task))),
        ("instructions", instructions(context)),
        ("map", map(context)),
        ("context", excerpts(context)),
    ]
}

/// Words of a task that has to do with comments.
const ABOUT_COMMENTS: [&str; 10] =
    ["comment", "docstring", "document", "todo", "fixme", "licen", "header", "typo", "lint", "suppress"];

/// Tells whether a task, or a wish about a change, has to do with comments.
pub(super) fn is_about_comments(opening: &Opening<'_>) -> bool {
    let asked = opening.revision.map_or_else(|| describe(opening.task), |revision| revision.request.clone());
    let asked = asked.to_lowercase();
    ABOUT_COMMENTS.iter().any(|word| asked.contains(word))
}

/// Puts a task into words.
pub(super) fn describe(task: &Task) -> String {
    let mut text = task.title.clone();
    if !task.description.is_empty() {
        text += &format!("\n\n{}", task.description);
    }
    for (heading, lines) in [("Done when", &task.acceptance), ("Must not happen", &task.constraints)] {
        if !lines.is_empty() {
            text += &format!("\n\n{heading}:\n- {}", lines.join("\n- "));
        }
    }
    text
}

/// Says what fails as things are.
pub(super) fn failing(opening: &Opening<'_>) -> String {
    match opening.failures.trim() {
        "" if !opening.is_checked => "No check could be run before your edits.".to_owned(),
        "" => "The checks pass before your edits; they must still pass after them.".to_owned(),
        failures => format!("This fails before your edits:\n{}", fence("OUTPUT", failures)),
    }
}

fn map(context: &Context) -> String {
    let mut parts = Vec::new();
    if !context.map.is_empty() {
        parts.push(fence("MAP", &context.map));
    }
    if !context.outline.is_empty() {
        let outline = fence("OUTLINE", &tell_outline(&context.outline));
        parts.push(format!("Further definitions, each by the line in which it begins:\n{outline}"));
    }
    if !context.commits.is_empty() {
        let lines: Vec<String> = context.commits.iter().map(|line| format!("- {line}")).collect();
        parts.push(format!("Earlier commits touched these files:\n{}", fence("COMMITS", &lines.join("\n"))));
    }
    parts.join("\n")
}

fn instructions(context: &Context) -> String {
    let shown = context.instructions.iter().map(|file| fence(&format!("INSTRUCTIONS {}", file.path), &file.text));
    shown.collect::<Vec<_>>().join("\n")
}

fn excerpts(context: &Context) -> String {
    let mut shown = Vec::new();
    for excerpt in &context.excerpts {
        let place = match excerpt.whole_file {
            true => format!("{} (whole file)", excerpt.path),
            false => format!("{} (lines {} to {})", excerpt.path, excerpt.lines.start(), excerpt.lines.end()),
        };
        shown.push(format!("{place}\n{}", fenced_code(&excerpt.text)));
    }
    if shown.is_empty() { "No file of the repository matches the task.".to_owned() } else { shown.join("\n\n") }
}

/// Shows the files that differ from the base as they are in `tree`; long ones by what differs.
pub(super) fn changed_files(tree: &FileTree) -> Result<String, RepoError> {
    let mut files = Vec::new();
    for change in tree.changes()? {
        files.push(match tree.read_text(&change.path)? {
            Some(text) if text.len() <= WHOLE_FILE_BYTES => {
                format!("{} (whole file, as it is now)\n{}", change.path, fenced_code(&text))
            }
            Some(_) => format!(
                "{} is long; this is what your edits changed in it\n{}",
                change.path,
                fenced_code(&unified(std::slice::from_ref(&change)))
            ),
            None => format!("{} is removed or no text.", change.path),
        });
    }
    Ok(files.join("\n\n"))
}

/// Tells whether [`changed_files`] shows a file whole.
pub(super) fn shows_whole(tree: &FileTree, changed: &[RepoPath], path: &RepoPath) -> bool {
    changed.contains(path) && tree.read_text(path).ok().flatten().is_some_and(|text| text.len() <= WHOLE_FILE_BYTES)
}

/// Returns a Markdown fence that is longer than any in `text`.
pub(super) fn code_fence(text: &str) -> String {
    let ticks = |line: &str| line.len() - line.trim_start_matches('`').len();
    let longest = text.lines().map(str::trim_start).map(ticks).max().unwrap_or(0);
    "`".repeat((longest + 1).max(3))
}

/// Puts code into a Markdown fence that is longer than any in it.
pub(super) fn fenced_code(text: &str) -> String {
    let ticks = code_fence(text);
    let end = if text.ends_with('\n') || text.is_empty() { "" } else { "\n" };
    format!("{ticks}\n{text}{end}{ticks}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_fence_is_longer_than_any_inside() {
        assert_eq!(fenced_code("a\n````\nb"), "`````\na\n````\nb\n`````");
        assert_eq!(fenced_code("x\n"), "```\nx\n```");
    }
}
