//! The commands that a task names itself.

use super::super::{Check, CheckKind, VerifyError};

/// Arguments that make a command a build rather than a test.
const BUILD_WORDS: &[&str] = &["build", "compile", "check", "lint", "clippy", "fmt", "vet", "tsc", "typecheck"];

/// Makes checks of the commands that the user wrote, split into words as a POSIX shell would, and never given to one.
///
/// # Errors
/// [`VerifyError::NeedsShell`] for what only a shell understands outside of quotes, [`VerifyError::BadCommand`] for an
/// empty command or an open quote.
pub fn from_user(commands: &[String]) -> Result<Vec<Check>, VerifyError> {
    commands.iter().enumerate().map(|(index, command)| one(index, command)).collect()
}

fn one(index: usize, command: &str) -> Result<Check, VerifyError> {
    let argv = split(command)?;
    let bad = |reason| VerifyError::BadCommand { command: command.to_owned(), reason };
    let program = argv.first().ok_or_else(|| bad("it is empty"))?;
    if is_assignment(program) {
        let what = "a variable assignment in front of a command";
        return Err(VerifyError::NeedsShell { command: command.to_owned(), what });
    }
    let says_test = argv.iter().any(|word| word.contains("test"));
    let says_build = argv.iter().any(|word| BUILD_WORDS.contains(&word.as_str()));
    let kind = if says_build && !says_test { CheckKind::Build } else { CheckKind::Test };
    Ok(Check {
        kind,
        argv,
        folder: String::new(),
        found_in: format!("the task's check {}: given by the user", index + 1),
        report: None,
    })
}

/// Splits by the rules of POSIX, "Shell Command Language", 2.2 Quoting, without any expansion.
fn split(command: &str) -> Result<Vec<String>, VerifyError> {
    let shell = |what| VerifyError::NeedsShell { command: command.to_owned(), what };
    let open = |reason| VerifyError::BadCommand { command: command.to_owned(), reason };
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut characters = command.chars().peekable();
    while let Some(c) = characters.next() {
        match c {
            '\'' => {
                let text = word.get_or_insert_default();
                loop {
                    match characters.next().ok_or_else(|| open("a quote ' is not closed"))? {
                        '\'' => break,
                        inner => text.push(inner),
                    }
                }
            }
            '"' => {
                let text = word.get_or_insert_default();
                double_quoted(&mut characters, text).map_err(|problem| match problem {
                    Problem::Open => open("a quote \" is not closed"),
                    Problem::Expansion => shell("an expansion"),
                })?;
            }
            '\\' => word.get_or_insert_default().push(characters.next().ok_or_else(|| open("it ends in a backslash"))?),
            '\n' => return Err(shell("several lines")),
            c if c.is_whitespace() => words.extend(word.take()),
            '#' if word.is_none() => return Err(shell("a comment")),
            c => {
                if let Some(what) = shell_syntax(c, characters.peek().copied()) {
                    return Err(shell(what));
                }
                word.get_or_insert_default().push(c);
            }
        }
    }
    words.extend(word);
    Ok(words)
}

/// Why a text in double quotes cannot be taken.
enum Problem {
    Open,
    Expansion,
}

fn double_quoted(characters: &mut std::iter::Peekable<std::str::Chars<'_>>, text: &mut String) -> Result<(), Problem> {
    loop {
        match characters.next().ok_or(Problem::Open)? {
            '"' => return Ok(()),
            '`' => return Err(Problem::Expansion),
            '$' if characters.peek().is_some_and(|next| expands(*next)) => return Err(Problem::Expansion),
            '\\' => match characters.next().ok_or(Problem::Open)? {
                escaped @ ('$' | '`' | '"' | '\\') => text.push(escaped),
                other => text.extend(['\\', other]),
            },
            other => text.push(other),
        }
    }
}

fn shell_syntax(c: char, next: Option<char>) -> Option<&'static str> {
    match c {
        '&' => Some("`&`"),
        '|' => Some("a pipe"),
        ';' => Some("`;`"),
        '<' | '>' => Some("a redirection"),
        '`' => Some("a command substitution"),
        '(' | ')' => Some("a sub-shell"),
        '$' if next.is_some_and(expands) => Some("an expansion"),
        '*' | '?' => Some("a file name pattern"),
        _ => None,
    }
}

fn expands(next: char) -> bool {
    next.is_alphanumeric() || "({_@*#?$!-".contains(next)
}

fn is_assignment(word: &str) -> bool {
    let Some((name, _)) = word.split_once('=') else { return false };
    let mut characters = name.chars();
    characters.next().is_some_and(|c| c.is_alphabetic() || c == '_')
        && characters.all(|c| c.is_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(command: &str, expected: &[&str]) {
        let checks = from_user(&[command.to_owned()]).expect(command);
        assert_eq!(checks[0].argv, expected, "{command}");
    }

    fn refuse(command: &str, expected: &str) {
        let error = from_user(&[command.to_owned()]).expect_err(command).to_string();
        assert!(error.contains(expected), "{command}: {error}");
    }

    #[test]
    fn words_are_split_as_a_shell_splits_them() {
        check("cargo test  --workspace", &["cargo", "test", "--workspace"]);
        check(r#"pytest -k "a or b" 'it''s' a\ b"#, &["pytest", "-k", "a or b", "its", "a b"]);
        check(r#"x "a\"b\n" '' --k=v"#, &["x", "a\"b\\n", "", "--k=v"]);
        check("sh -c 'a && b > c'", &["sh", "-c", "a && b > c"]);
        check("go test ./... 'Test$'", &["go", "test", "./...", "Test$"]);
    }

    #[test]
    fn what_needs_a_shell_is_refused() {
        for (command, what) in [
            ("a && b", "`&`"),
            ("a | b", "pipe"),
            ("a > b", "redirection"),
            ("a; b", "`;`"),
            ("a $(b)", "expansion"),
            ("a `b`", "substitution"),
            ("X=1 a", "assignment"),
            ("a $HOME", "expansion"),
            ("a \"$HOME\"", "expansion"),
            ("a *.py", "pattern"),
            ("a\nb", "lines"),
            ("(a)", "sub-shell"),
            ("a # b", "comment"),
        ] {
            refuse(command, what);
        }
    }

    #[test]
    fn what_is_no_command_is_refused() {
        refuse("", "empty");
        refuse("a 'b", "not closed");
        refuse("a \"b", "not closed");
        refuse("a \\", "backslash");
    }

    #[test]
    fn a_shell_error_tells_what_to_do() {
        let error = from_user(&["make && make test".to_owned()]).expect_err("a shell's");
        insta::assert_snapshot!(error, @r#"the check "make && make test" uses `&`, and checks are not given to a shell; put it into a script of the repository, or write sh -c '...'"#);
    }

    #[test]
    fn builds_are_told_from_tests() {
        let kinds = |command: &str| from_user(&[command.to_owned()]).expect(command)[0].kind;
        assert_eq!(kinds("cargo build"), CheckKind::Build);
        assert_eq!(kinds("make check-all"), CheckKind::Test);
        assert_eq!(kinds("cargo test"), CheckKind::Test);
        assert_eq!(kinds("./run.sh"), CheckKind::Test);
    }
}
