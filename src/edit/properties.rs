//! Properties of applying that hold for any text.

use proptest::prelude::*;

use crate::edit::{Edit, apply};
use crate::repo::{FileTree, RepoPath, StoredFile};

const NAME: &str = "x.txt";

fn tree(text: &str) -> FileTree {
    FileTree::from_files([(RepoPath::parse(NAME).expect(NAME), StoredFile::regular(text.as_bytes()))])
}

fn text_of(tree: &FileTree) -> String {
    tree.read_text(&RepoPath::parse(NAME).expect(NAME)).expect("memory").expect("text")
}

fn replace(search: String, replace: String) -> Edit {
    Edit::Replace { path: NAME.to_owned(), search, replace }
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
        expected.splice(from..to, new.iter().cloned());
        let last_ended = before.ends_with('\n') || (to == lines.len() && new.is_empty());
        prop_assert_eq!(text_of(&changed), format!("{mark}{}", joined(&expected, ending, last_ended)));

        let only_once = expected.windows(new.len().max(1)).filter(|window| *window == new.as_slice()).count() == 1;
        // Where the only line ending went away with the old lines, nothing tells which one it was.
        let kept_ending = !crlf || text_of(&changed).contains(ending);
        if !new.is_empty() && only_once && kept_ending {
            let back = replace(plain(&new), plain(&lines[from..to]));
            // An empty last line cannot be told from a newline at the end.
            if lines.last().is_some_and(|line| !line.is_empty()) {
                prop_assert_eq!(text_of(&apply(&changed, &[back]).expect("it is found again")), before);
            }
        }
    }

    #[test]
    fn an_edit_changes_what_it_says_at_its_only_place_or_nothing(
        lines in prop::collection::vec(line(), 0..12),
        search in prop::collection::vec(line(), 0..3),
        new in prop::collection::vec("[cd]{1,3}", 0..3),
    ) {
        prop_assume!(search.len() <= lines.len());
        let before = plain(&lines);
        let Ok(changed) = apply(&tree(&before), &[replace(plain(&search), plain(&new))]) else { return Ok(()) };
        let after = text_of(&changed);
        let after: Vec<&str> = after.lines().collect();
        let places = (0..=lines.len() - search.len()).filter(|at| {
            let same = |(there, wanted): (&String, &String)| there.trim() == wanted.trim();
            let (head, tail) = (&lines[..*at], &lines[at + search.len()..]);
            let put = &after[(*at).min(after.len())..after.len().saturating_sub(tail.len()).max(*at)];
            lines[*at..].iter().zip(&search).all(same)
                && after.len() == head.len() + new.len() + tail.len()
                && after.starts_with(&head.iter().map(String::as_str).collect::<Vec<_>>())
                && after.ends_with(&tail.iter().map(String::as_str).collect::<Vec<_>>())
                && put.iter().map(|line| line.trim_start()).eq(new.iter().map(String::as_str))
        });
        prop_assert!(places.count() >= 1, "{:?} -> {:?}", before, after);
    }

    #[test]
    fn any_answer_is_read_without_a_panic(answer in "([<>=`~+-]{3,8}|[a-z./: ]{0,8}|FILE: a|SEARCH|\n){0,40}") {
        if let Ok(read) = crate::edit::parse_for(&answer, Some("t")) {
            prop_assert!(!read.edits.is_empty());
            let _ = apply(&tree("a\n"), &read.edits);
        }
    }
}
