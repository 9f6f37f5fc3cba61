//! Makes outside text harmless where people and forges read it: no mention, no reference, no link, no image, no HTML.

/// Stands between the sign and the name of a mention, and shows nothing: forges look at the rendered text piece by piece.
const GAP: &str = "<!-- -->";

/// Puts outside text into a code block, in which everything is dead.
pub(super) fn quoted(text: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat((longest + 1).max(3));
    format!("{fence}text\n{}\n{fence}", text.trim_end())
}

/// Makes outside text harmless inside a table's code span.
pub(super) fn cell(text: &str) -> String {
    text.replace(['`', '\n', '\r'], " ").replace('|', "\\|")
}

/// Makes outside text harmless inside a line of Markdown.
pub(super) fn defuse(text: &str) -> String {
    let mut safe = String::new();
    for c in text.chars() {
        match c {
            '\n' | '\r' => safe.push(' '),
            '<' => safe.push_str("&lt;"),
            '&' => safe.push_str("&amp;"),
            // A backslash does not stop a mention or a reference on GitHub; an empty comment behind the sign does.
            '@' | '#' => {
                safe.push(c);
                safe.push_str(GAP);
            }
            '[' | ']' | '!' | '*' | '_' | '|' | '`' | '~' | '\\' => {
                safe.push('\\');
                safe.push(c);
            }
            _ => safe.push(c),
        }
    }
    let safe = safe.replace("://", &format!(":{GAP}//")).replace("GH-", &format!("GH{GAP}-"));
    ["www.", "WWW.", "mailto:", "xmpp:"].iter().fold(safe, |safe, word| {
        let (head, end) = word.split_at(word.len() - 1);
        safe.replace(word, &format!("{head}{GAP}{end}"))
    })
}

/// Makes outside text harmless as the title of a commit or a pull request, where there is no Markdown and a squash
/// merge turns the title into a message that closes what it names.
pub(super) fn subject(text: &str) -> String {
    let mut safe = String::new();
    for word in text.split_whitespace() {
        if !safe.is_empty() {
            safe.push(' ');
        }
        safe.push_str(&word.replace('@', "@ ").replace('#', "# ").replace("GH-", "GH ").replace("://", ": //"));
    }
    safe.trim_end().to_owned()
}

/// Makes outside text harmless, without its full stop, so that it can be part of a sentence.
pub(super) fn sentence(text: &str) -> String {
    defuse(text.trim_end_matches('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_line_is_alive() {
        let check = |text: &str, expected: &str| assert_eq!(defuse(text), expected);
        check("@team look", "@<!-- -->team look");
        check("Fixes #9, closes a/b#1 and GH-3", "Fixes #<!-- -->9, closes a/b#<!-- -->1 and GH<!-- -->-3");
        check("![x](https://e.invalid/?q=1)", "\\!\\[x\\](https:<!-- -->//e.invalid/?q=1)");
        check("www.e.invalid", "www<!-- -->.e.invalid");
        check("<img src=x> &lt; `a` | b", "&lt;img src=x> &amp;lt; \\`a\\` \\| b");
        check("one\ntwo", "one two");
    }

    #[test]
    fn a_subject_names_nobody_and_closes_nothing() {
        let check = |text: &str, expected: &str| assert_eq!(subject(text), expected);
        check("Fix #9 for @ann", "Fix # 9 for @ ann");
        check("closes https://f.invalid/a/b/issues/1", "closes https: //f.invalid/a/b/issues/1");
        check("fixes GH-4\n\nCloses: a", "fixes GH 4 Closes: a");
        check("Prices add up", "Prices add up");
    }

    #[test]
    fn a_quotation_cannot_be_closed_from_inside() {
        assert_eq!(quoted("a\n````\n@all"), "`````text\na\n````\n@all\n`````");
    }
}
