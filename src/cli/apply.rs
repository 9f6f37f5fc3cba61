//! `prentice apply`: an answer of a model becomes a change of files, or words to the model.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use serde_json::json;

use super::failure::{Exit, Failure};
use super::inspect::work_tree;
use super::output::{print, print_json, safe, tell};
use super::visible::read_text;
use crate::edit::{self, EditError, Format, Reading};
use crate::repo::{self, FileChange, RepoPath};

/// `prentice apply`.
#[derive(Debug, Args)]
#[command(after_help = "The notation is recognised:
  search_replace  blocks of <<<<<<< SEARCH, =======, >>>>>>> REPLACE, and whole files between ```
  whole_file      the same, or one JSON call that creates a file
  udiff           unified diffs, also with wrong counts, without `diff --git` or with a bare @@
  v4a             *** Begin Patch
  str_replace     JSON: {\"path\", \"old_str\", \"new_str\"}, insert, create, write, delete, rename;
                  also as calls in tags, <function=..> and <invoke name=..>

Either every edit is applied, or nothing is changed, the exit code is 1 and standard output says what to tell the model.
A text that stands at two places is at none: similarity serves the feedback, never the applying.

Examples:
  prentice apply answer.md
  prentice apply answer.md --check            only tell whether it can be applied, and show the change
  llm < prompt | prentice apply - --tree ../other --json
  git diff main~1 main | prentice apply -     a diff is an answer too")]
pub(super) struct Apply {
    /// A file with the answer, or `-` for standard input.
    pub answer: String,
    /// The folder with the files; it need not be a git repository.
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub tree: PathBuf,
    /// The notation, where it shall not be recognised.
    #[arg(long, value_enum)]
    pub format: Option<Notation>,
    /// The file that edits without a path mean.
    #[arg(long, value_name = "PATH")]
    pub target: Option<String>,
    /// Change nothing; show what would be changed as a diff.
    #[arg(long)]
    pub check: bool,
    /// Print one JSON object: `applied`, `changes`, `diff`, `problems`, `feedback`.
    #[arg(long)]
    pub json: bool,
}

/// The notations by the names that are usual for them.
#[derive(Clone, Copy, Debug, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(super) enum Notation {
    SearchReplace,
    WholeFile,
    Udiff,
    #[value(alias = "patch")]
    V4a,
    #[value(alias = "json")]
    StrReplace,
}

fn format_of(notation: Notation, answer: &str) -> Format {
    match notation {
        Notation::WholeFile if answer.trim_start().starts_with('{') => Format::Json,
        Notation::SearchReplace | Notation::WholeFile => Format::Blocks,
        Notation::Udiff => Format::Udiff,
        Notation::V4a => Format::Patch,
        Notation::StrReplace => Format::Json,
    }
}

/// Applies the answer to the files in the folder.
pub(super) fn apply(flags: &Apply) -> Result<Exit, Failure> {
    let answer = read_text(&flags.answer)?;
    if repo::finish_storing(&flags.tree)? {
        tell("finished what an earlier call had begun and was killed in");
    }
    let tree = work_tree(&flags.tree)?;
    let exists = |path: &str| RepoPath::of_existing(path).is_ok_and(|path| tree.contains(&path));
    let format = flags.format.map(|notation| format_of(notation, &answer));
    let reading = Reading { format, target: flags.target.as_deref(), exists: &exists };
    let changed = edit::parse_as(&answer, &reading).and_then(|answer| edit::apply(&tree, &answer.edits));
    let changed = match changed {
        Ok(changed) => changed,
        Err(error) => {
            refuse(&error, flags.json);
            return Ok(Exit::NotAcceptable);
        }
    };
    let changes = changed.changes()?;
    let problems: Vec<_> = ignored(&flags.tree, &changes).map(|change| EditError::taken(&change.path)).collect();
    if !problems.is_empty() {
        refuse(&EditError { problems }, flags.json);
        return Ok(Exit::NotAcceptable);
    }
    if !flags.check {
        changed.store()?;
    }
    if flags.json {
        let listed: Vec<_> = changes.iter().map(described).collect();
        let applied = !flags.check;
        print_json(&json!({ "applied": applied, "changes": listed, "diff": repo::unified(&changes), "problems": [] }));
        return Ok(Exit::Done);
    }
    if flags.check {
        print(&(safe(&repo::unified(&changes)) + "\n"));
    }
    for change in &changes {
        let diff = repo::diff_file(change);
        let line = format!("{} {} (+{} -{})", kind(change), change.path, diff.added, diff.removed);
        if flags.check { tell(&format!("would be {line}")) } else { print(&(safe(&line) + "\n")) }
    }
    Ok(Exit::Done)
}

/// Returns the new files where one lies that is no part of the tree, and still nobody's to overwrite.
fn ignored<'c>(root: &'c Path, changes: &'c [FileChange]) -> impl Iterator<Item = &'c FileChange> {
    // What makes room: a folder that goes, or the same name in other letters.
    let gives_way = |path: &RepoPath, other: &FileChange| {
        let (path, other_path) = (path.as_str().to_lowercase(), other.path.as_str().to_lowercase());
        other.after.is_none() && (other_path == path || other_path.starts_with(&format!("{path}/")))
    };
    changes.iter().filter(move |change| {
        change.before.is_none()
            && root.join(change.path.as_str()).symlink_metadata().is_ok()
            && !changes.iter().any(|other| gives_way(&change.path, other))
    })
}

fn refuse(error: &EditError, as_json: bool) {
    if as_json {
        print_json(&json!({
            "applied": false, "changes": [], "diff": "", "problems": error.problems, "feedback": error.to_string(),
        }));
    } else {
        print(&(safe(&error.to_string()) + "\n"));
    }
}

fn described(change: &FileChange) -> serde_json::Value {
    let diff = repo::diff_file(change);
    json!({ "path": change.path, "kind": kind(change), "added": diff.added, "removed": diff.removed })
}

fn kind(change: &FileChange) -> &'static str {
    match (&change.before, &change.after) {
        (None, _) => "created",
        (_, None) => "removed",
        _ => "changed",
    }
}
