//! Files and lines that a text names: paths, stack traces, compiler messages, links to a line.

/// A text that may be the path or the name of a file, whether or not the repository has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mention {
    /// The path with forward slashes, as it is written: absolute, relative or a bare name.
    pub path: String,
    /// The lines named with it, from 1, in byte order.
    pub lines: Vec<usize>,
}

/// Most files of a text that are looked up.
const MAX_MENTIONS: usize = 100;
/// What comes between a path and the number of a line: C#, compilers and most languages, Python, PHP, links to GitHub, JavaScript.
const BEFORE_A_LINE: [&str; 8] = [":line ", ":", "\", line ", "', line ", ", line ", " on line ", "#L", "("];

/// Finds what may be a path in `text`, each once, in the order of appearance.
pub(super) fn find(text: &str) -> Vec<Mention> {
    let mut found: Vec<Mention> = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find(is_path_character) {
        let token = &rest[start..];
        let end = token.find(|c| !is_path_character(c)).unwrap_or(token.len());
        let (token, after) = token.split_at(end);
        rest = after;
        let path = token.replace('\\', "/");
        let path = path.trim_start_matches("./").trim_end_matches(['.', '/', '-']);
        if !may_be_a_path(path) {
            continue;
        }
        let line = line_after(after);
        match found.iter().position(|mention| mention.path == path) {
            Some(at) => found[at].lines.extend(line),
            None if found.len() == MAX_MENTIONS => break,
            None => found.push(Mention { path: path.to_owned(), lines: line.into_iter().collect() }),
        }
    }
    for mention in &mut found {
        mention.lines.sort_unstable();
        mention.lines.dedup();
    }
    found
}

fn is_path_character(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '.' | '_' | '/' | '\\' | '-' | '+' | '@')
}

/// A path has a folder or an extension, and a name with a letter in it.
fn may_be_a_path(text: &str) -> bool {
    let name = text.rsplit('/').next().unwrap_or(text);
    let has_extension = name.rsplit_once('.').is_some_and(|(stem, extension)| {
        !stem.is_empty() && extension.len() <= 8 && extension.starts_with(|c: char| c.is_ascii_alphabetic())
    });
    text.len() <= 300 && name.chars().any(char::is_alphabetic) && (has_extension || text.contains('/'))
}

fn line_after(after: &str) -> Option<usize> {
    let number = BEFORE_A_LINE.iter().find_map(|start| after.strip_prefix(start))?;
    let digits = number.find(|c: char| !c.is_ascii_digit()).unwrap_or(number.len());
    number[..digits].parse().ok().filter(|line| *line > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[(&str, &[usize])]) {
        let found = find(text);
        let found: Vec<(&str, &[usize])> = found.iter().map(|m| (m.path.as_str(), m.lines.as_slice())).collect();
        assert_eq!(found, expected, "{text:?}");
    }

    #[test]
    fn paths_are_found_with_their_lines() {
        check("see src/main.rs and `lib.rs`.", &[("src/main.rs", &[]), ("lib.rs", &[])]);
        check("  --> src/a.rs:10:5\nsrc/a.rs:3", &[("src/a.rs", &[3, 10])]);
        check("  File \"app/x.py\", line 12, in f", &[("app/x.py", &[12])]);
        check("    at f (/srv/app/lib/x.js:7:3)", &[("/srv/app/lib/x.js", &[7])]);
        check("\tat a.b.C.run(C.java:42)", &[("a.b.C.run", &[]), ("C.java", &[42])]);
        check("in C:\\w\\src\\Order.cs:line 3", &[("/w/src/Order.cs", &[3])]);
        check("in /srv/cart.php on line 7", &[("/srv/cart.php", &[7])]);
        check("C:\\work\\pkg\\a.go:33 +0x1d", &[("/work/pkg/a.go", &[33])]);
        check("https://github.com/o/r/blob/main/src/x.ts#L5", &[("//github.com/o/r/blob/main/src/x.ts", &[5])]);
    }

    #[test]
    fn ordinary_words_and_numbers_are_no_paths() {
        check("End. of sentence... 1.2.3 and 3/4 -", &[]);
        check("", &[]);
    }
}
