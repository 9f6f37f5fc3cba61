//! Commands that only look: `context`, `checks`, `schema`.

use std::path::Path;

use serde_json::json;

use super::arguments::{Checks, Context, SchemaKind};
use super::failure::{Exit, Failure};
use super::output::{print, print_json, safe};
use super::setup;
use crate::config::{self, Environment, Layer};
use crate::context::{self, Query, Settings};
use crate::repo::FileTree;
use crate::task;
use crate::verify;

/// Prints what the model would be shown.
pub(super) fn context(flags: &Context) -> Result<Exit, Failure> {
    let task = match (&flags.text, &flags.file) {
        (_, Some(file)) => setup::read_task_file(file)?,
        (Some(text), None) => task::parse_plain(text, task::Origin::CommandLine)?,
        (None, None) => return Err(Failure::new(Exit::Usage, "a text or --file is wanted")),
    };
    let tree = work_tree(&flags.place.repo)?;
    let query = Query { text: task.full_text(), files: task.files.clone() };
    let budget_tokens = usize::try_from(flags.tokens).unwrap_or(usize::MAX);
    let found = context::gather(&tree, &query, &Settings { budget_tokens, ..Settings::default() })?;
    if flags.json {
        print_json(&json!(found));
        return Ok(Exit::Done);
    }
    let mut text = format!(
        "{} files read, {} of {} tokens used\n\n{:>4} {:>8} {:>6}  place and reason\n",
        found.files, found.tokens, found.budget_tokens, "rank", "score", "tokens"
    );
    for (rank, excerpt) in found.excerpts.iter().enumerate() {
        let (rank, lines) = (rank + 1, format!("{}-{}", excerpt.lines.start(), excerpt.lines.end()));
        let line = format!("{rank:>4} {:>8.2} {:>6}  {}:{lines}", excerpt.score, excerpt.tokens, excerpt.path);
        text += &format!("{}\n{:>20}  {}\n", safe(&line), "", safe(&excerpt.reason));
    }
    for file in &found.instructions {
        text += &format!("instructions: {}{}\n", safe(file.path.as_str()), if file.cut { " (cut)" } else { "" });
    }
    if !found.withheld.is_empty() {
        text += "\nnot shown:\n";
        for file in &found.withheld {
            text += &format!("  {}: {}\n", safe(file.path.as_str()), safe(&file.reason));
        }
    }
    print(&text);
    Ok(Exit::Done)
}

/// Prints the checks and where they were found.
pub(super) fn checks(flags: &Checks, environment: &Environment) -> Result<Exit, Failure> {
    let (_, _, tree) = setup::open(&flags.place.repo, "HEAD")?;
    let config = setup::layers(&tree, environment, Layer::default())?.resolve(None);
    let found =
        if config.checks.value.is_empty() { verify::detect(&tree) } else { verify::from_user(&config.checks.value)? };
    if flags.json {
        print_json(&json!(found));
        return Ok(Exit::Done);
    }
    if found.is_empty() {
        print("No build or test command was found.\nName some under `checks:` in the task or in .prentice.yml.\n");
    }
    for check in &found {
        let folder = if check.folder.is_empty() { String::new() } else { format!("  in {}", check.folder) };
        let line = format!("{:?}: {}{folder}", check.kind, check.label());
        print(&format!("{}\n    {}\n", safe(&line), safe(&check.found_in)));
    }
    Ok(Exit::Done)
}

/// Prints a JSON Schema.
pub(super) fn schema(what: SchemaKind) -> Exit {
    print_json(&match what {
        SchemaKind::Task => task::schema(),
        SchemaKind::Config => config::schema(),
    });
    Exit::Done
}

/// Lists the files as they lie on disk, which needs no commit and no git.
fn work_tree(place: &Path) -> Result<FileTree, Failure> {
    Ok(FileTree::from_directory(place)?)
}
