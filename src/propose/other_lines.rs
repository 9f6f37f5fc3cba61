//! One line in the place of another: what a model is asked when its own answers have failed.
//!
//! A small model copies what it was shown, a wrong line as well. Told of a line that it is wrong, it often knows the right
//! one; which line it is, the checks tell. So every line of the file is asked for, and the answers are tried one by one.

use std::collections::HashSet;

use tokio_util::sync::CancellationToken;

use super::session::{Session, Wanted};
use super::{Opening, ProposeError, frames, opening};
use crate::context::{self, Excerpt};
use crate::edit::{self, Edit};
use crate::llm::{Alternative, EditForm, Form, LlmError, Message, Role};
use crate::prompt;
use crate::repo::{FileTree, RepoPath};
use crate::syntax::{self, Language};

/// Lines that are asked for, at most; each takes two to three seconds with 1.5 billion weights on two cores.
const MOST_LINES: usize = 32;
/// Longer lines are not asked for, in bytes.
const LONGEST_LINE: usize = 200;
/// Beginnings of lines that bring names from elsewhere.
const IMPORTS: [&str; 6] = ["import ", "from ", "use ", "#include", "require ", "using "];

/// The files with one line replaced.
#[derive(Clone, Debug)]
pub struct OtherLine {
    /// The files.
    pub tree: FileTree,
    /// The file with the line.
    pub path: RepoPath,
    /// The line, from 1.
    pub line: usize,
    /// What stood there, without indentation.
    pub before: String,
    /// What stands there now, without indentation.
    pub after: String,
}

/// A question that each line of a file is put behind.
pub(super) struct Question {
    messages: Vec<Message>,
    path: RepoPath,
    /// The file as it is shown: what is left out there is not asked for.
    shown: String,
}

impl Question {
    /// Puts the question, where the model can be asked so and is shown the file as a whole. `system` is what stands before a
    /// conversation, `values` what its first prompt was filled with, so that what was read then need not be read again.
    pub(super) fn of(
        session: &mut Session<'_>,
        (system, values): (&str, &[(&'static str, String)]),
        opening: &Opening<'_>,
        form: EditForm,
    ) -> Result<Option<Self>, ProposeError> {
        if !session.profile().alternatives || form != EditForm::WholeFile {
            return Ok(None);
        }
        let Some(Excerpt { path, text, .. }) = file_of(opening).cloned() else { return Ok(None) };
        let closing = session.render(prompt::CLOSING_LINE, &[("path", path.to_string())])?.user;
        let mut values: Vec<_> = values.iter().filter(|(name, _)| *name != "closing").cloned().collect();
        values.push(("closing", closing));
        let user = session.render(prompt::EDIT, &values)?.user;
        let messages = vec![Message::new(Role::System, system), Message::new(Role::User, user)];
        Ok(Some(Self { messages, path, shown: text }))
    }

    /// Asks for the lines, those first that are next to what `failures` names, and returns the files with one of them
    /// replaced, the likeliest first. What changes no code, no longer parses or stands elsewhere in the file is left out.
    pub(super) async fn ask(
        &self,
        session: &mut Session<'_>,
        (base, failures): (&FileTree, &str),
        cancel: &CancellationToken,
    ) -> Result<Vec<OtherLine>, ProposeError> {
        let Some(text) = base.read_text(&self.path)? else { return Ok(Vec::new()) };
        let all: Vec<&str> = text.split('\n').map(str::trim_end).collect();
        let shown: Vec<&str> = self.shown.split('\n').map(str::trim_end).collect();
        let mut rows = rows(&self.path, &text, &frames::rows_named(failures, base, &self.path));
        rows.retain(|row| shown.get(*row) == Some(&all[*row]));
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let lines = rows.iter().map(|row| all[*row].to_owned()).collect();
        let messages = self.messages.clone();
        let wanted = Wanted { messages, form: Some(Form::Alternatives { lines }), steady: true, ..Wanted::default() };
        let reply = session.ask(&wanted, cancel).await?;
        let found = Alternative::all_of(&reply.text).map_err(|error| LlmError::Malformed {
            endpoint: reply.model.clone(),
            reason: format!("the alternatives to lines cannot be read: {error}"),
        })?;
        let there: HashSet<String> = all.iter().map(|line| bare(line)).collect();
        let (mut seen, mut others) = (HashSet::new(), Vec::new());
        for Alternative { line, text: after, .. } in found {
            let Some(row) = rows.get(line).copied() else { continue };
            let is_no_text =
                after.contains(|letter: char| letter.is_control() && letter != '\t' || letter == '\u{fffd}');
            if is_no_text || there.contains(&bare(&after)) || !seen.insert((row, bare(&after))) {
                continue;
            }
            others.extend(self.with_line(base, (&text, &all), row, &after));
        }
        Ok(others)
    }

    fn with_line(&self, base: &FileTree, (text, all): (&str, &[&str]), row: usize, after: &str) -> Option<OtherLine> {
        let mut lines = all.to_vec();
        lines[row] = after;
        let content = lines.join("\n");
        let is_comment = syntax::comments(&self.path, &content).iter().any(|rows| rows.contains(&row));
        if is_comment || edit::is_same_code(&self.path, text, &content) {
            return None;
        }
        // What parsed and does not now is refused there.
        let tree = edit::apply(base, &[Edit::WholeFile { path: self.path.to_string(), content }]).ok()?;
        let (before, after) = (all[row].trim().to_owned(), after.trim().to_owned());
        Some(OtherLine { tree, path: self.path.clone(), line: row + 1, before, after })
    }
}

/// Returns the file whose lines are asked for: a source, as no test is mended so, that the task names, else the best.
fn file_of<'a>(opening: &Opening<'a>) -> Option<&'a Excerpt> {
    let task = opening::describe(opening.task);
    let sources = || {
        let whole = opening.context.excerpts.iter().filter(|part| part.whole_file);
        whole.filter(|part| context::is_source(&part.path))
    };
    sources().find(|part| task.contains(part.path.as_str())).or_else(|| sources().next())
}

/// Returns the rows, from 0, that hold a statement of their own: no comments, imports, heads of definitions and words alone;
/// where they are many, those next to the rows `named`.
fn rows(path: &RepoPath, text: &str, named: &[usize]) -> Vec<usize> {
    let comments: HashSet<usize> = syntax::comments(path, text).into_iter().flatten().collect();
    let definitions = Language::of(path).map_or_else(Vec::new, |language| syntax::definitions(language, text));
    let heads: HashSet<usize> = definitions
        .iter()
        .filter(|definition| definition.lines.end() > definition.lines.start())
        .map(|definition| definition.name_line - 1)
        .collect();
    let says_something = |line: &str| {
        let words = line.trim_matches(|letter: char| letter.is_whitespace() || "{}();:,".contains(letter));
        let is_word = words.chars().all(char::is_alphabetic);
        !is_word && !IMPORTS.iter().any(|start| words.starts_with(start)) && !line.contains("```")
    };
    let mut rows: Vec<usize> = text
        .split('\n')
        .enumerate()
        .filter(|(row, line)| !comments.contains(row) && !heads.contains(row) && line.len() <= LONGEST_LINE)
        .filter(|(_, line)| says_something(line))
        .map(|(row, _)| row)
        .collect();
    if rows.len() > MOST_LINES {
        rows.sort_by_key(|row| named.iter().map(|other| other.abs_diff(*row)).min().unwrap_or(0));
        rows.truncate(MOST_LINES);
        rows.sort_unstable();
    }
    rows
}

/// A line without its spaces.
fn bare(line: &str) -> String {
    line.split_whitespace().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROGRAM: &str = "import math\n\n\n# Adds.\ndef total(prices,\n          start=0):\n    if not prices:\n        \
                           return 0\n    else:\n        pass\n    return sum(\n        prices)\n\n\n\"\"\"\nAdds x + 1.\n\"\"\"\n";

    fn path(text: &str) -> RepoPath {
        RepoPath::parse(text).expect("a path")
    }

    fn asked(path_of: &str, text: &str, named: &[usize]) -> Vec<String> {
        let all: Vec<&str> = text.split('\n').collect();
        rows(&path(path_of), text, named).into_iter().map(|row| all[row].trim().to_owned()).collect()
    }

    #[test]
    fn statements_are_asked_for_and_nothing_else() {
        assert_eq!(
            asked("a.py", PROGRAM, &[]),
            ["start=0):", "if not prices:", "return 0", "return sum("],
            "no import, comment, head, word alone or text that nobody uses"
        );
        let rust = "use std::fs;\n\n/// Adds.\nfn add(a: u8, b: u8) -> u8 {\n    if a > b {\n        a - b\n    } else {\n        \
                    a + b\n    }\n}\n";
        assert_eq!(asked("a.rs", rust, &[]), ["if a > b {", "a - b", "a + b"]);
        assert_eq!(asked("a.txt", "x = ```\ny = 1\n", &[]), ["y = 1"], "fences end where they begin");
        assert_eq!(asked("a.py", &format!("x = {}\ny = 1\n", "1".repeat(300)), &[]), ["y = 1"]);
    }

    #[test]
    fn of_many_lines_those_next_to_what_failed_are_asked_for() {
        let text: String = (0..200).map(|n| format!("x = {n}\n")).collect();
        assert_eq!(asked("a.py", &text, &[]).len(), MOST_LINES);
        let near = asked("a.py", &text, &[100]);
        assert_eq!((near.len(), near[0].as_str(), near[MOST_LINES - 1].as_str()), (MOST_LINES, "x = 84", "x = 115"));
    }
}
