//! The grammar of an answer in blocks, for models that can be kept to one: a few lines of words, then edits, then nothing; and the
//! schema of an answer in JSON.
//!
//! The notation is that of llguidance, a dialect of Lark (its docs/syntax.md); terminals are whole lines, so that there is one
//! way only to cut an answer into them, and hold no counted repetitions, which would cost a state each. What is left out of
//! the notation of [`crate::edit`] is what models get wrong: blocks that are not closed, several without a name, words behind
//! the edits, the removal of files that are not there. What a model would write by itself must stay possible: one that is kept
//! from opening its fence writes something that looks like one.

use serde_json::{Value, json};

use super::opening::code_fence;
use crate::llm::Form;
use crate::repo::RepoPath;

/// Lines of words before the edits, at most, with empty ones; the cause takes one or two.
const MOST_WORDS: u32 = 12;
/// Edits behind the first, at most.
const MOST_EDITS: u32 = 11;
/// The rules that hold for any files; `FENCE` is another. None of the lines of words looks like the beginning of an edit
/// in any notation, or of a text that the question quotes (`<<TASK`: the smallest models copy the question), and no line of a file
/// like its closing fence.
const RULES: &str = r#"
WORDS: "\n" | /[^\n]+\n/ & ~/[ \t*#>`-]*(FILE|DELETE|RENAME):(?s:.*)/ & ~/[ \t]*(``|~~~|<<|---|\+\+\+|\*\*\*|@@|diff |\{|\[)(?s:.*)/
nameless: FENCE_OPEN LINE* FENCE
file: NAME_AND_FENCE LINE* FENCE
FENCE_OPEN: FENCE LANGUAGE? "\n"
NAME_AND_FENCE: "FILE: " NAME "\n" FENCE_OPEN
LINE: /[^\n]*\n/ & ~(/[ \t]*/ FENCE /(?s:.*)/)
LANGUAGE: /[a-z0-9+#_-]+/
PATH: /[A-Za-z0-9_.@+$~\[\]()-]+(\/[A-Za-z0-9_.@+$~\[\]()-]+)*/ & ~/(.*\/)?\.\.?(\/.*)?/
SEARCH: "\n" FENCE "\n<<<<<<< SEARCH\n"
replace: "=======\n" PUT* ">>>>>>> REPLACE\n" FENCE
PUT: /[^\n]*\n/ & ~/(<<<<<|=====|>>>>>)(?s:.*)/
"#;

/// What is allowed besides whole files with their names.
#[derive(Clone, Copy, Default)]
pub(super) struct Allowed<'a> {
    /// Lines of words before the edits.
    pub(super) words: bool,
    /// One file alone, without its name.
    pub(super) nameless: bool,
    /// The file that must be written first, with its name.
    pub(super) first: Option<&'a RepoPath>,
    /// Blocks of search and replace.
    pub(super) blocks: bool,
}

/// Returns the grammar of answers about what is `shown` of files. The text to search for is made of lines as they are shown.
pub(super) fn of(allowed: Allowed<'_>, shown: &[(&RepoPath, String)]) -> String {
    let fence =
        shown.iter().map(|(_, text)| code_fence(text)).max_by_key(String::len).unwrap_or_else(|| code_fence(""));
    let (mut edits, mut rules) = ("file".to_owned(), String::new());
    for (at, (path, text)) in shown.iter().enumerate().filter(|_| allowed.blocks) {
        if let Some(lines) = lines_to_search(text) {
            edits += &format!(" | block{at}");
            rules += &format!("block{at}: PLACE{at} FOUND{at} replace\nPLACE{at}: {} SEARCH\n", json!(path.as_str()));
            rules +=
                &format!("FOUND{at}: LINES{at} & /(?s:.+)/\nLINES{at}: %regex {{ \"substring_chunks\": {lines} }}\n");
        }
    }
    let paths: Vec<String> = shown.iter().map(|(path, _)| json!(path.as_str()).to_string()).collect();
    if paths.is_empty() {
        rules += "NAME: PATH\n";
    } else {
        edits += " | DELETE | RENAME";
        rules += &format!(
            "DELETE: \"DELETE: \" SHOWN\nRENAME: \"RENAME: \" SHOWN \" -> \" PATH\nSHOWN: {}\nNAME: SHOWN | PATH\n",
            paths.join(" | ")
        );
    }
    let nameless = if allowed.nameless { "nameless | " } else { "" };
    let first = if let Some(path) = allowed.first {
        rules += &format!("first: {} FENCE_OPEN LINE* FENCE\n", json!(format!("FILE: {path}\n")));
        "first"
    } else {
        "edit"
    };
    let words = if allowed.words { format!("WORDS{{0,{MOST_WORDS}}} ") } else { String::new() };
    let start = format!("start: {words}({nameless}{first} (/\\n{{1,2}}/ edit){{0,{MOST_EDITS}}}) \"\\n\"?");
    format!("{start}\nedit: {edits}\nFENCE: \"{fence}\"{RULES}{rules}")
}

/// The schema of an answer in JSON; every key is required and none besides, as servers that enforce a schema want it.
pub(super) fn json() -> Form {
    let text = json!({ "type": "string" });
    let edit = json!({
        "type": "object",
        "properties": {
            "command": { "type": "string", "enum": ["str_replace", "create", "delete"] },
            "path": text, "old_str": text, "new_str": text,
        },
        "required": ["command", "path", "old_str", "new_str"],
        "additionalProperties": false,
    });
    let schema = json!({
        "type": "object",
        "properties": { "cause": text, "edits": { "type": "array", "items": edit } },
        "required": ["cause", "edits"],
        "additionalProperties": false,
    });
    Form::JsonSchema { name: "edits".to_owned(), schema }
}

/// The lines of a text that may be searched for; text that holds markers goes between longer ones, which is too much for a
/// model that must be kept to a grammar.
fn lines_to_search(text: &str) -> Option<Value> {
    let is_marker = |line: &str| ["<<<<<", "=====", ">>>>>"].iter().any(|sign| line.starts_with(sign));
    let lines: Vec<String> = text.lines().map(|line| format!("{line}\n")).collect();
    (!lines.is_empty() && !lines.iter().any(|line| is_marker(line))).then(|| json!(lines))
}

#[cfg(all(test, feature = "embedded"))]
#[path = "grammar_tests.rs"]
mod tests;
