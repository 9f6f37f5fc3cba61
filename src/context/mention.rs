//! Files and lines that a text names: paths, stack traces, compiler messages, links to a line.

/// A text that may be the path or the name of a file, whether or not the repository has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mention {
    /// The path with forward slashes, as it is written: absolute, relative or a bare name.
    pub path: String,
    /// The lines named with it, from 1, in byte order.
    pub lines: Vec<usize>,
    /// Whether its folders are those of a package, which need not be those of the file.
    pub in_package: bool,
}

/// Most files of a text that are looked up; those with a line come before others.
const MAX_MENTIONS: usize = 100;
/// Most that are told apart.
const MAX_COLLECTED: usize = 1000;
/// What comes between a path and the number of a line: C#, compilers and most languages, Python, PHP, links to GitHub, JavaScript.
const BEFORE_A_LINE: [&str; 8] = [":line ", ":", "\", line ", "', line ", ", line ", " on line ", "#L", "("];

/// Finds what may be a path in `text`, each once, in the order of appearance as long as they are few.
pub(super) fn find(text: &str) -> Vec<Mention> {
    let mut found: Vec<Mention> = Vec::new();
    let mut at = 0;
    while let Some(start) = text[at..].find(is_path_character).map(|start| at + start) {
        let end = start + end_of_path(&text[start..]);
        at = end;
        let token = text[start..end].replace('\\', "/");
        let path = token.trim_start_matches("./").trim_end_matches(['.', '/', '-']);
        if !may_be_a_path(path) {
            continue;
        }
        let line = line_after(&text[end..]);
        let package = line.and_then(|_| package_before(&text[..start], path));
        let in_package = package.is_some();
        let path = package.unwrap_or_default() + path;
        match found.iter().position(|mention| mention.path == path) {
            Some(at) => found[at].lines.extend(line),
            None if found.len() == MAX_COLLECTED => break,
            None => found.push(Mention { path, lines: line.into_iter().collect(), in_package }),
        }
    }
    if found.len() > MAX_MENTIONS {
        found.sort_by_key(|mention| mention.lines.is_empty());
        found.truncate(MAX_MENTIONS);
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

/// Returns where the path ends that `text` begins with; folders in brackets belong to it (`app/[id]/(group)/page.tsx`).
fn end_of_path(text: &str) -> usize {
    let mut end = 0;
    loop {
        let plain = text[end..].find(|c| !is_path_character(c)).map_or(text.len(), |length| end + length);
        let open = text[plain..].chars().next().filter(|_| text[..plain].ends_with('/'));
        let close = match open {
            Some('[') => ']',
            Some('(') => ')',
            _ => return plain,
        };
        let inner = &text[plain + 1..];
        let length = inner.find(|c| !is_path_character(c)).unwrap_or(inner.len());
        match inner[length..].strip_prefix(close) {
            Some(rest) if length > 0 && rest.starts_with(['/', '.']) => end = plain + length + 2,
            _ => return plain,
        }
    }
}

/// Returns the folders of a package that stands before a frame's file, as on the Java virtual machine:
/// `com.acme.net.Utils$1.run(` before `Utils.java`.
fn package_before(before: &str, file: &str) -> Option<String> {
    let call = before.strip_suffix('(')?;
    let stem = file.split_once('.')?.0;
    let is_of_name = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '$' | '<' | '>');
    let start = call.char_indices().rev().find(|(_, c)| !is_of_name(*c)).map_or(0, |(at, c)| at + c.len_utf8());
    let names: Vec<&str> = call[start..].split('.').collect();
    let class = names.iter().position(|name| name.starts_with(stem)).filter(|at| (1..names.len() - 1).contains(at))?;
    Some(names[..class].iter().map(|name| format!("{name}/")).collect())
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
        check("\tat a.b.C.run(C.java:42)", &[("a.b.C.run", &[]), ("a/b/C.java", &[42])]);
        check("in C:\\w\\src\\Order.cs:line 3", &[("/w/src/Order.cs", &[3])]);
        check("in /srv/cart.php on line 7", &[("/srv/cart.php", &[7])]);
        check("C:\\srv\\pkg\\a.go:33 +0x1d", &[("/srv/pkg/a.go", &[33])]);
        check("at a/b.ts:1\napp/[id]/(g)/[...p].tsx:2:3", &[("a/b.ts", &[1]), ("app/[id]/(g)/[...p].tsx", &[2])]);
        check("see src/(or so) and f(a/[x])", &[]);
        check("https://github.com/o/r/blob/main/src/x.ts#L5", &[("//github.com/o/r/blob/main/src/x.ts", &[5])]);
    }

    #[test]
    fn a_frame_tells_the_package_of_its_file() {
        let java = "at com.acme.net.Utils.parse(Utils.java:5)\nat com.acme.db.Utils$1.run(Utils.java:7)\n";
        check(
            java,
            &[
                ("com.acme.net.Utils.parse", &[]),
                ("com/acme/net/Utils.java", &[5]),
                ("com.acme.db.Utils", &[]),
                ("1.run", &[]),
                ("com/acme/db/Utils.java", &[7]),
            ],
        );
        check("at x.HelpersKt.go(Helpers.kt:3)", &[("x.HelpersKt.go", &[]), ("x/Helpers.kt", &[3])]);
        check("f(lib.js:3)", &[("lib.js", &[3])]);
        assert!(find(java)[1].in_package);
    }

    #[test]
    fn a_frame_behind_many_names_is_found() {
        let names: String = (0..500).map(|n| format!("conf/{n}.yml\n")).collect();
        let found = find(&format!("{names}  File \"app/x.py\", line 12"));
        assert_eq!(found.len(), MAX_MENTIONS);
        assert_eq!(
            found.first().map(|mention| (mention.path.as_str(), &*mention.lines)),
            Some(("app/x.py", &[12][..]))
        );
    }

    #[test]
    fn ordinary_words_and_numbers_are_no_paths() {
        check("End. of sentence... 1.2.3 and 3/4 -", &[]);
        check("", &[]);
    }
}
