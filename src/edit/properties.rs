//! Properties of applying that hold for any text.

use proptest::prelude::*;

use crate::edit::{Edit, Format, Reading, apply, parse_as};
use crate::repo::{FileMode, FileTree, RepoPath, StoredFile, unified};

const NAME: &str = "x.txt";

fn tree(text: &str) -> FileTree {
    FileTree::from_files([(RepoPath::parse(NAME).expect(NAME), StoredFile::regular(text.as_bytes()))])
}

fn text_of(tree: &FileTree) -> String {
    tree.read_text(&RepoPath::parse(NAME).expect(NAME)).expect("memory").expect("text")
}

fn replace(search: String, replace: String) -> Edit {
    Edit::Replace { path: NAME.to_owned(), search, replace, line: None }
}

/// Lines of few kinds, so that equal places and white space differences are common.
fn line() -> impl Strategy<Value = String> {
    "[ \t]{0,2}[ab\u{e9}]{0,2}[ ]{0,1}"
}

fn joined(lines: &[String], ending: &str, last_ended: bool) -> String {
    let text: String = lines.iter().map(|line| format!("{line}{ending}")).collect();
    let unended = !last_ended && lines.last().is_some_and(|line| !line.is_empty());
    if unended { text[..text.len() - ending.len()].to_owned() } else { text }
}

fn plain(lines: &[String]) -> String {
    joined(lines, "\n", true)
}

/// Writes a line as a model could have copied it.
fn disguised(line: &str, kind: usize) -> String {
    match kind {
        1 => format!("{line} "),
        2 => line.trim_end().to_owned(),
        3 => line.trim_start().to_owned(),
        4 => format!("  {line}"),
        _ => line.to_owned(),
    }
}

/// Tries every place at every level, without hashes; returns the only place and the indentation to add there.
///
/// A search text that is deeper than the file is given the mark `<`, which stands for taking indentation away.
fn slow_search(lines: &[String], search: &[String]) -> Option<(usize, String)> {
    if search.iter().all(|line| line.trim().is_empty()) {
        return None;
    }
    let ended = |line: &str| line.trim_end_matches([' ', '\t']).to_owned();
    let places = |shift_at: &dyn Fn(&[String]) -> Option<String>| -> Vec<(usize, String)> {
        let windows = lines.windows(search.len()).enumerate();
        windows.filter_map(|(at, window)| Some((at, shift_at(window)?))).collect()
    };
    let exact = places(&|window| (window == search).then(String::new));
    let tolerant = places(&|window| window.iter().zip(search).all(|(a, b)| ended(a) == ended(b)).then(String::new));
    let shifted = places(&|window| uniform_shift(window, search));
    let decided = [exact, tolerant, shifted].into_iter().find(|found| !found.is_empty())?;
    <[(usize, String); 1]>::try_from(decided).ok().map(|[only]| only)
}

fn uniform_shift(window: &[String], search: &[String]) -> Option<String> {
    let pairs = || window.iter().zip(search).filter(|(a, b)| !(a.trim().is_empty() && b.trim().is_empty()));
    // Every indentation of up to four signs, the deepest that the two generators make together.
    let signs = |length: u32| {
        (0..2_u32.pow(length))
            .map(move |bits| -> String { (0..length).map(|at| if bits >> at & 1 == 1 { '\t' } else { ' ' }).collect() })
    };
    let candidates: Vec<String> = (0..=4).flat_map(signs).collect();
    let added = candidates.iter().find(|more| pairs().all(|(there, line)| *there == format!("{more}{line}")));
    let taken = || candidates.iter().find(|more| pairs().all(|(there, line)| *line == format!("{more}{there}")));
    added.cloned().or_else(|| taken().map(|_| "<".to_owned()))
}

fn only_blanks(line: &str) -> bool {
    !line.is_empty() && line.trim().is_empty()
}

/// Takes a blank line out of those that go where it parts what is before from what comes after.
fn going(lines: &[String], from: usize, to: usize, new: &[String]) -> usize {
    let is_blank = |at: usize| lines.get(at).is_none_or(|line| line.trim().is_empty());
    let parts = from > 0 && !is_blank(from - 1) && !is_blank(to);
    let is_tidied = new.is_empty() && to - from > 1 && is_blank(to - 1) && parts;
    to - usize::from(is_tidied)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_edit_made_from_unique_lines_goes_exactly_there(
        lines in prop::collection::vec(line(), 1..12),
        new in prop::collection::vec("[cd]{1,3}", 0..4),
        (from, count) in (0_usize..12, 1_usize..4),
        (crlf, marked, ended) in (any::<bool>(), any::<bool>(), any::<bool>()),
    ) {
        let from = from % lines.len();
        let to = (from + count).min(lines.len());
        let unique = lines.windows(to - from).filter(|window| *window == &lines[from..to]).count() == 1;
        prop_assume!(unique && lines[from..to].iter().any(|line| !line.trim().is_empty()));
        let ending = if crlf { "\r\n" } else { "\n" };
        let mark = if marked { "\u{FEFF}" } else { "" };
        let before = format!("{mark}{}", joined(&lines, ending, ended));
        prop_assume!(!crlf || before.contains(ending));

        let there = replace(plain(&lines[from..to]), plain(&new));
        let changed = apply(&tree(&before), &[there]).expect("unique lines are found");
        let mut expected = lines.clone();
        expected.splice(from..going(&lines, from, to, &new), new.iter().cloned());
        let last_ended = before.ends_with('\n') || (to == lines.len() && new.is_empty());
        prop_assert_eq!(text_of(&changed), format!("{mark}{}", joined(&expected, ending, last_ended)));

        let only_once = expected.windows(new.len().max(1)).filter(|window| *window == new.as_slice()).count() == 1;
        // Where the only line ending went away with the old lines, nothing tells which one it was.
        let kept_ending = !crlf || text_of(&changed).contains(ending);
        if !new.is_empty() && only_once && kept_ending {
            let back = replace(plain(&new), plain(&lines[from..to]));
            // An empty last line cannot be told from a newline at the end.
            if lines.last().is_some_and(|line| !line.is_empty()) && !(from == 0 && only_blanks(&lines[0])) {
                prop_assert_eq!(text_of(&apply(&changed, &[back]).expect("it is found again")), before);
            }
        }
    }

    #[test]
    fn an_edit_goes_where_a_slow_search_finds_its_only_place_or_changes_nothing(
        lines in prop::collection::vec(line(), 1..8),
        new in prop::collection::vec("[cd]{1,3}", 0..3),
        (from, count) in (0_usize..8, 1_usize..4),
        disguise in 0_usize..5,
    ) {
        let from = from % lines.len();
        let there = &lines[from..(from + count).min(lines.len())];
        let search: Vec<String> = there.iter().map(|line| disguised(line, disguise)).collect();
        let expected = slow_search(&lines, &search).and_then(|(at, shift)| {
            let indented = |line: &String| line.trim_start().len() < line.len();
            let first = search.iter().find(|line| !line.trim().is_empty());
            if !shift.is_empty() && !new.is_empty() && first.is_some_and(indented) {
                return None;
            }
            let mut after = lines.clone();
            after.splice(at..going(&lines, at, at + search.len(), &new), new.iter().map(|line| format!("{shift}{line}")));
            Some(plain(&after))
        });
        let changed = apply(&tree(&plain(&lines)), &[replace(plain(&search), plain(&new))]);
        prop_assert_eq!(changed.ok().map(|tree| text_of(&tree)), expected, "{:?} in {:?}", search, lines);
    }

    #[test]
    fn any_answer_is_read_without_a_panic(answer in "([<>=`~+-]{3,8}|[a-z./: ]{0,8}|FILE: a|SEARCH|\n){0,40}") {
        if let Ok(read) = parse_as(&answer, &Reading { target: Some("t"), ..Default::default() }) {
            prop_assert!(!read.edits.is_empty());
            let _ = apply(&tree("a\n"), &read.edits);
        }
    }

    #[test]
    fn any_diff_patch_or_json_is_read_without_a_panic(
        parts in prop::collection::vec(prop::sample::select(PIECES.as_slice()), 0..24),
        format in prop::sample::select(vec![None, Some(Format::Udiff), Some(Format::Patch), Some(Format::Json)]),
    ) {
        let exists = |path: &str| path == NAME;
        let reading = Reading { format, target: Some(NAME), exists: &exists };
        if let Ok(read) = parse_as(&parts.concat(), &reading) {
            prop_assert!(!read.edits.is_empty());
            let _ = apply(&tree("a\nb\n\nb\n"), &read.edits);
        }
    }

    #[test]
    fn the_diff_of_two_trees_makes_one_of_the_other(before in some_files(), after in some_files()) {
        let (old, new) = (tree_of(&before), tree_of(&after));
        let changes = new.over(&old).expect("memory").changes().expect("memory");
        // A file without lines has no hunk, and git says so in a line that only its mode shows.
        prop_assume!(!changes.is_empty() && after.iter().chain(&before).all(|(_, text, _)| !text.is_empty()));
        let exists = |path: &str| RepoPath::parse(path).is_ok_and(|path| old.contains(&path));
        let diff = unified(&changes);
        let read = parse_as(&diff, &Reading { exists: &exists, ..Default::default() }).expect(&diff);
        let made = apply(&old, &read.edits).expect(&diff);
        let listed = |tree: &FileTree| -> Vec<_> {
            tree.paths().map(|path| (path.clone(), tree.read(path).expect("memory"))).collect()
        };
        prop_assert_eq!(listed(&made), listed(&new), "{}", diff);
    }

    #[test]
    fn a_patch_of_whole_files_changes_what_it_names(
        old in prop::collection::vec("[ab]{0,2}", 1..8),
        new in prop::collection::vec("[ab]{0,2}", 1..8),
    ) {
        prop_assume!(old != new && old.last().is_some_and(|line| !line.is_empty()));
        let side = |sign: char, lines: &[String]| -> String { lines.iter().map(|line| format!("{sign}{line}\n")).collect() };
        let body = side('-', &old) + &side('+', &new);
        let answer = format!("*** Begin Patch\n*** Update File: {NAME}\n@@\n{body}*** End Patch\n");
        let read = parse_as(&answer, &Reading::default()).expect("a patch");
        prop_assert_eq!(text_of(&apply(&tree(&plain(&old)), &read.edits).expect(&answer)), plain(&new));
    }

    #[test]
    fn a_json_call_splices_byte_for_byte(
        (head, tail) in ("[ab\n\u{e9}$]{0,6}", "[ab\n\u{e9}$]{0,6}"),
        old in "[ab\n]{0,3}X[ab\n]{0,3}",
        new in "[ab\n$&1{}\u{1F600}]{0,8}",
    ) {
        let before = format!("{head}{old}{tail}");
        prop_assume!(before.matches(&old).count() == 1);
        let call = serde_json::json!({ "path": NAME, "old_str": old, "new_str": new }).to_string();
        let read = parse_as(&call, &Reading::default()).expect(&call);
        prop_assert_eq!(text_of(&apply(&tree(&before), &read.edits).expect(&call)), format!("{head}{new}{tail}"));
    }
}

const PIECES: [&str; 34] = [
    "diff --git a/x.txt b/x.txt\n",
    "--- a/x.txt\n",
    "+++ b/x.txt\n",
    "+++ /dev/null\n",
    "--- /dev/null\n",
    "@@ -1,2 +1,2 @@\n",
    "@@ -0,0 +1 @@\n",
    "@@\n",
    "@@ ... @@\n",
    "@@ -9999999999999999999,1 +1 @@ x\n",
    " a\n",
    "-b\n",
    "+c\n",
    "\n",
    " ",
    "-",
    "+",
    "\\ No newline at end of file\n",
    "rename from x.txt\n",
    "rename to y\n",
    "copy from x.txt\n",
    "copy to z\n",
    "new file mode 100755\n",
    "deleted file mode 100644\n",
    "*** Begin Patch\n",
    "*** Update File: x.txt\n",
    "*** Add File: é\n",
    "*** Move to: w\n",
    "*** End of File\n",
    "*** End Patch\n",
    "{\"path\": \"x.txt\", \"old_str\": \"b\", \"new_str\": \"c\"}",
    "```json\n",
    "```\n",
    "[{\"command\": \"insert\", \"insert_line\": 3, \"path\": 1}]",
];

/// A few files of few kinds of lines, some without a newline at the end, some programs.
fn some_files() -> impl Strategy<Value = Vec<(&'static str, String, bool)>> {
    let text = (prop::collection::vec("[ab]{0,2}", 1..10), any::<bool>())
        .prop_map(|(lines, ended)| joined(&lines, "\n", ended));
    let file = move |name| (Just(name), text.clone(), any::<bool>());
    prop::sample::subsequence(vec!["a.txt", "d/b c.txt", "d/e"], 0..=3)
        .prop_flat_map(move |names| names.into_iter().map(file.clone()).collect::<Vec<_>>())
}

fn tree_of(files: &[(&str, String, bool)]) -> FileTree {
    FileTree::from_files(files.iter().map(|(name, text, is_program)| {
        let mode = if *is_program { FileMode::Executable } else { FileMode::Regular };
        (RepoPath::parse(name).expect("a path"), StoredFile { content: text.as_bytes().into(), mode })
    }))
}
