//! Commands in comments: `/prentice fix`, in a paragraph of its own line, as a person sees it.
//!
//! A command stands at the beginning of a line of a paragraph that is in nothing else. Quotations, lists, tables, code,
//! headings and HTML hold no commands. Who may give one is not decided here.

mod lines;
#[cfg(test)]
mod tests;

use strsim::damerau_levenshtein;

/// The name that every command can be called by.
pub const COMMAND_NAME: &str = "/prentice";

/// As many wrong letters still make a suggestion.
const MOST_TYPING_ERRORS: usize = 2;

/// The shortest abbreviation of a commit, in hexadecimal digits (git, `core.abbrev`: 7 is the least that it chooses).
const SHORTEST_SHA: usize = 7;

/// The longest name of a commit, in hexadecimal digits: SHA-256.
const LONGEST_SHA: usize = 64;

/// What a person asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// A proposal for this issue; the text is what the person adds, as Markdown, and may be empty.
    Fix(String),
    /// The proposal that is there, changed as the text says; Markdown, never empty.
    Revise(String),
    /// An answer to every open review thread.
    Address,
    /// Another proposal in the place of the one that is there.
    Retry,
    /// The same change on the newest commit of the base branch.
    Rebase,
    /// The same with less in it.
    Shrink,
    /// Several pull requests in the place of one.
    Split,
    /// The reasons for the change.
    Why,
    /// The checks once more.
    Retest,
    /// The proposal without its newest commit.
    Undo,
    /// A commit of a fork as the ground to build on: 7 to 64 hexadecimal digits in lower case.
    Adopt(String),
    /// What the checks say of the change of this pull request, whoever opened it.
    Certify,
    /// No further work here.
    Stop,
    /// The list of commands.
    Help,
}

/// Where a command is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// An issue.
    Issue,
    /// The conversation of a pull request.
    Pull,
    /// A thread at a line of a pull request.
    Thread,
}

/// What stands in a comment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Parsed {
    /// A command.
    Known(Command),
    /// A word that is none.
    Unknown {
        /// The word as it was written, at most 40 characters of it.
        word: String,
        /// The command that was probably meant.
        suggestion: Option<&'static str>,
        /// The line in the comment, from 1.
        line: usize,
    },
    /// A command that lacks something or has too much.
    Malformed {
        /// The command's word.
        word: &'static str,
        /// What is wrong, as a lowercase fragment.
        reason: String,
        /// The line in the comment, from 1.
        line: usize,
    },
}

/// What may follow the word of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Takes {
    Nothing,
    Text,
    TextAlways,
    Commit,
}

/// A row of the one table of commands.
struct Row {
    word: &'static str,
    takes: Takes,
    needs_model: bool,
    places: &'static [Place],
    help: &'static str,
    make: fn(String) -> Command,
}

const EVERYWHERE: &[Place] = &[Place::Issue, Place::Pull, Place::Thread];
const ON_PULLS: &[Place] = &[Place::Pull, Place::Thread];
const ON_CONVERSATIONS: &[Place] = &[Place::Issue, Place::Pull];

const ROWS: &[Row] = &[
    Row {
        word: "fix",
        takes: Takes::Text,
        needs_model: true,
        places: ON_CONVERSATIONS,
        help: "propose a change for this issue; what you write behind it is added to the task",
        make: Command::Fix,
    },
    Row {
        word: "revise",
        takes: Takes::TextAlways,
        needs_model: true,
        places: EVERYWHERE,
        help: "change the proposal as you say",
        make: Command::Revise,
    },
    Row {
        word: "address",
        takes: Takes::Nothing,
        needs_model: true,
        places: ON_PULLS,
        help: "answer every open review thread, by a change or by a reason",
        make: |_| Command::Address,
    },
    Row {
        word: "retry",
        takes: Takes::Nothing,
        needs_model: true,
        places: ON_CONVERSATIONS,
        help: "start again and replace the proposal",
        make: |_| Command::Retry,
    },
    Row {
        word: "rebase",
        takes: Takes::Nothing,
        needs_model: false,
        places: ON_PULLS,
        help: "put the same change on the newest commit of the base branch",
        make: |_| Command::Rebase,
    },
    Row {
        word: "shrink",
        takes: Takes::Nothing,
        needs_model: true,
        places: ON_PULLS,
        help: "do the same with a smaller change",
        make: |_| Command::Shrink,
    },
    Row {
        word: "split",
        takes: Takes::Nothing,
        needs_model: true,
        places: ON_PULLS,
        help: "keep a first part that stands alone, and say what is left",
        make: |_| Command::Split,
    },
    Row {
        word: "why",
        takes: Takes::Nothing,
        needs_model: false,
        places: ON_PULLS,
        help: "tell what the verdict rests on, and what it cost",
        make: |_| Command::Why,
    },
    Row {
        word: "retest",
        takes: Takes::Nothing,
        needs_model: false,
        places: ON_PULLS,
        help: "run the checks again",
        make: |_| Command::Retest,
    },
    Row {
        word: "undo",
        takes: Takes::Nothing,
        needs_model: false,
        places: ON_PULLS,
        help: "take the newest commit of the proposal back",
        make: |_| Command::Undo,
    },
    Row {
        word: "adopt",
        takes: Takes::Commit,
        needs_model: false,
        places: ON_PULLS,
        help: "take over a commit of a fork that you have read, by its sha",
        make: Command::Adopt,
    },
    Row {
        word: "certify",
        takes: Takes::Nothing,
        needs_model: false,
        places: ON_PULLS,
        help: "measure the change of this pull request, whoever opened it: what its tests say before and after",
        make: |_| Command::Certify,
    },
    Row {
        word: "stop",
        takes: Takes::Nothing,
        needs_model: false,
        places: EVERYWHERE,
        help: "do nothing more here until somebody asks again",
        make: |_| Command::Stop,
    },
    Row {
        word: "help",
        takes: Takes::Nothing,
        needs_model: false,
        places: EVERYWHERE,
        help: "show this list",
        make: |_| Command::Help,
    },
];

impl Command {
    /// Returns its word: `fix`.
    pub fn word(&self) -> &'static str {
        self.row().word
    }

    /// Tells whether it may be given there.
    pub fn is_allowed_in(&self, place: Place) -> bool {
        self.row().places.contains(&place)
    }

    /// Tells whether a model is asked.
    pub fn needs_model(&self) -> bool {
        self.row().needs_model
    }

    fn row(&self) -> &'static Row {
        let same = |row: &&Row| std::mem::discriminant(&(row.make)(String::new())) == std::mem::discriminant(self);
        ROWS.iter().find(same).expect("a test makes every command from its row")
    }
}

/// Returns the commands of a comment in their order.
///
/// A command begins a line with `/prentice` or one of `names`, such as `@prentice-bot`; letter case does not matter.
/// The text of `fix` and `revise` is the source from there to the next command or the end: Markdown, not yet what a
/// person sees of it. Linear in the length of the comment.
pub fn parse(markdown: &str, names: &[&str]) -> Vec<Parsed> {
    let found = lines::command_lines(markdown, names);
    let ends = found.iter().skip(1).map(|line| line.start).chain([markdown.len()]);
    let read = |(line, end): (&lines::CommandLine, usize)| {
        let after = markdown.get(line.argument..end).unwrap_or_default();
        read_line(&line.word, after, line.number)
    };
    found.iter().zip(ends).map(read).collect()
}

/// Returns all commands as a Markdown list, for somebody who asked for help.
pub fn help_text() -> String {
    let mut text = String::from("Write one of these at the beginning of a line of a comment:\n\n");
    for row in ROWS {
        let argument = match row.takes {
            Takes::Nothing => "",
            Takes::Text => " [more words]",
            Takes::TextAlways => " what to change",
            Takes::Commit => " SHA",
        };
        let places = match row.places {
            ON_PULLS => " (on a pull request)",
            ON_CONVERSATIONS => " (not in a review thread)",
            _ => "",
        };
        text += &format!("- `{COMMAND_NAME} {}{argument}`: {}{places}\n", row.word, row.help);
    }
    text
}

fn read_line(word: &str, after: &str, line: usize) -> Parsed {
    let word = word.trim_end_matches(['.', ',', ':', ';', '!', '\\']);
    let lower = word.to_lowercase();
    let Some(row) = ROWS.iter().find(|row| row.word == lower) else {
        if word.is_empty() {
            return Parsed::Known(Command::Help);
        }
        return Parsed::Unknown { word: word.chars().take(40).collect(), suggestion: suggest(&lower), line };
    };
    let malformed = |reason: &str| Parsed::Malformed { word: row.word, reason: reason.to_owned(), line };
    let text = after.trim();
    match row.takes {
        Takes::Nothing if first_line(text, after).is_empty() => Parsed::Known((row.make)(String::new())),
        Takes::Nothing => malformed("nothing may follow it on its line"),
        Takes::TextAlways if text.is_empty() => malformed("say behind it what to change"),
        Takes::Text | Takes::TextAlways => Parsed::Known((row.make)(text.to_owned())),
        Takes::Commit => match commit(first_line(text, after)) {
            Some(sha) => Parsed::Known((row.make)(sha)),
            None => malformed("it wants the sha of one commit, 7 to 64 hexadecimal digits"),
        },
    }
}

/// Returns what follows on the same line; `text` is `after` without blanks around it.
fn first_line<'a>(text: &'a str, after: &str) -> &'a str {
    let blank = &after[..after.len() - after.trim_start().len()];
    if blank.contains(['\n', '\r']) {
        return "";
    }
    text.lines().next().unwrap_or_default().trim().trim_end_matches(['.', '!', '\\'])
}

fn commit(text: &str) -> Option<String> {
    let digits = text.trim_matches('`').to_ascii_lowercase();
    let fits = (SHORTEST_SHA..=LONGEST_SHA).contains(&digits.len());
    (fits && digits.bytes().all(|byte| byte.is_ascii_hexdigit())).then_some(digits)
}

fn suggest(word: &str) -> Option<&'static str> {
    // Long words are no typing errors, and the comparison is quadratic.
    if word.len() > 20 {
        return None;
    }
    let near = ROWS.iter().map(|row| (damerau_levenshtein(word, row.word), row.word)).min()?;
    // A wrong word of three letters is near to every other word of three letters.
    let most = MOST_TYPING_ERRORS.min(near.1.len() - 2);
    (near.0 <= most).then_some(near.1)
}
