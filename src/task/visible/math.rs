//! Formulas and diagrams: what their own languages keep out of the picture.

use super::removed::{Channel, Tally};

/// Commands of TeX whose arguments are not shown, with the number of arguments (MathJax, "Supported TeX/LaTeX commands").
const UNSEEN: &[(&str, usize)] = &[
    ("phantom", 1),
    ("hphantom", 1),
    ("vphantom", 1),
    ("label", 1),
    ("newcommand", 2),
    ("renewcommand", 2),
    ("DeclareMathOperator", 2),
    ("def", 2),
];

/// Returns a formula without its comments and without the commands that show nothing.
pub(super) fn formula(tex: &str, tally: &mut Tally) -> String {
    let mut shown = String::with_capacity(tex.len());
    let mut rest = tex;
    while let Some(at) = rest.find(['\\', '%']) {
        shown.push_str(&rest[..at]);
        rest = &rest[at..];
        let hidden = match rest.strip_prefix('\\') {
            None => rest.find('\n').unwrap_or(rest.len()),
            Some(command) => unseen_command(command),
        };
        if hidden > 0 {
            tally.add(Channel::Math, hidden);
            rest = &rest[hidden..];
        } else {
            // A backslash takes the next character with it, so that `\%` and `\\` are no beginnings.
            let taken = 1 + rest[1..].chars().next().map_or(0, char::len_utf8);
            shown.push_str(&rest[..taken]);
            rest = &rest[taken..];
        }
    }
    shown + rest
}

/// Returns a diagram without the lines that are comments or directives (Mermaid, "Diagram syntax": lines from `%%`).
pub(super) fn diagram(source: &str, tally: &mut Tally) -> String {
    let mut shown = String::with_capacity(source.len());
    for line in source.split_inclusive('\n') {
        if line.trim_start().starts_with("%%") {
            tally.add(Channel::Comment, line.len());
        } else {
            shown.push_str(line);
        }
    }
    shown
}

/// Returns the length of a command that shows nothing, backslash and arguments with it; 0 when it shows something.
fn unseen_command(command: &str) -> usize {
    let end = command.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(command.len());
    let Some((_, arguments)) = UNSEEN.iter().find(|(name, _)| *name == &command[..end]) else { return 0 };
    let mut rest = command[end..].trim_start_matches('*');
    for _ in 0..*arguments {
        rest = rest.trim_start();
        let length = match rest.strip_prefix('\\') {
            Some(name) => 1 + name.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(name.len()),
            None => group(rest),
        };
        rest = &rest[length..];
    }
    1 + command.len() - rest.len()
}

/// Returns the length of the group in braces that a text starts with; all of it when the group has no end.
fn group(text: &str) -> usize {
    let mut depth = 0_usize;
    for (at, c) in text.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return if c == '}' { at + 1 } else { 0 };
        }
    }
    text.len()
}
