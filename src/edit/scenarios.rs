//! Whole answers against small trees: what is changed, what is refused, and what the model is told.

use crate::edit::{Cause, Edit, Reading, apply, parse, parse_as};
use crate::repo::{FileMode, FileTree, RepoPath, StoredFile};

fn path(text: &str) -> RepoPath {
    RepoPath::parse(text).expect(text)
}

fn tree(files: &[(&str, &str)]) -> FileTree {
    FileTree::from_files(files.iter().map(|(name, text)| (path(name), StoredFile::regular(text.as_bytes()))))
}

fn contents(tree: &FileTree) -> Vec<(String, String)> {
    let read = |name: &RepoPath| tree.read_text(name).expect("memory").expect("text");
    tree.paths().map(|name| (name.to_string(), read(name))).collect()
}

pub(super) fn applied(files: &[(&str, &str)], answer: &str) -> Result<FileTree, super::EditError> {
    parse(answer).and_then(|answer| apply(&tree(files), &answer.edits))
}

fn check(files: &[(&str, &str)], answer: &str, expected: &[(&str, &str)]) {
    let changed = applied(files, answer).unwrap_or_else(|error| panic!("{answer}\n{error}"));
    assert_eq!(contents(&changed), contents(&tree(expected)), "{answer}");
}

fn refused(files: &[(&str, &str)], answer: &str, expected: &[Cause]) {
    let error = applied(files, answer).expect_err(answer);
    let causes: Vec<Cause> = error.problems.iter().map(|problem| problem.cause).collect();
    assert_eq!(causes, expected, "{answer}\n{error}");
}

/// A search block without a path.
pub(super) fn block(search: &str, replace: &str) -> String {
    format!("<<<<<<< SEARCH\n{search}=======\n{replace}>>>>>>> REPLACE\n")
}

#[test]
fn the_path_of_a_search_block_is_found_wherever_it_is_written() {
    let block = block("a\n", "b\n");
    for answer in [
        format!("FILE: d/x.txt\n{block}"),
        format!("d/x.txt\n{block}"),
        format!("`d/x.txt`\n\n```\n{block}```\n"),
        format!("**d/x.txt**:\n```text\n{block}```"),
        format!("### d/x.txt\n````\n{block}````\n"),
        format!("```\nd/x.txt\n{block}```\n"),
        format!("```text d/x.txt\n{block}```\n"),
        format!("```d/x.txt\n{block}```\n"),
        format!("~~~\n# d/x.txt\n{block}~~~\n"),
        format!("<source>\nd/x.txt\n{block}</source>\n"),
        format!("d/x.txt\n<source>text\n{block}</source>\n"),
        format!("```\nd/x.txt\n```\n```\n{block}```\n"),
        format!("Now in `d/x.txt` we change this:\n\n{block}"),
        format!("````markdown\nd/x.txt\n```\n{block}```\n````\n"),
        format!("FILE: d/x.txt\r\n{}", block.replace('\n', "\r\n")),
        format!("1. d/x.txt\n   ```\n   {}\n   ```\n", block.trim_end().replace('\n', "\n   ")),
    ] {
        check(&[("d/x.txt", "a\n")], &answer, &[("d/x.txt", "b\n")]);
    }
}

#[test]
fn blocks_without_a_path_are_for_the_file_of_the_block_before() {
    let files = [("x.txt", "a\nb\nc\n"), ("y.txt", "a\n")];
    let answer = format!(
        "x.txt\n{}\nand\n\n```\n{}```\n\ny.txt\n{}",
        block("a\n", "1\n"),
        block("b\n", ""),
        block("a\n", "2\n")
    );
    check(&files, &answer, &[("x.txt", "1\nc\n"), ("y.txt", "2\n")]);
    refused(&files, &block("a\n", "b\n"), &[Cause::WhichFile]);
    let found = parse_as(&block("a\n", "b\n"), &Reading { target: Some("y.txt"), ..Default::default() })
        .expect("a target is given");
    assert_eq!(found.edits[0].path(), "y.txt");
}

#[test]
fn edits_to_one_file_apply_to_the_result_of_those_before() {
    let answer = format!("FILE: x.txt\n{}{}{}", block("c\n", "d\n"), block("a\n", "b\n"), block("b\nd\n", "e\n"));
    check(&[("x.txt", "a\nc\n")], &answer, &[("x.txt", "e\n")]);
}

#[test]
fn a_replacement_is_taken_letter_by_letter() {
    let answer = format!("FILE: x.txt\n{}", block("a\n", "$& $1 \\1 {} %s \n"));
    check(&[("x.txt", "a\nb  \n")], &answer, &[("x.txt", "$& $1 \\1 {} %s \nb  \n")]);
}

#[test]
fn the_lines_between_the_first_and_the_last_must_be_the_same_too() {
    let answer = format!("FILE: x.txt\n{}", block("begin\nold\nend\n", "begin\nnew\nend\n"));
    refused(&[("x.txt", "begin\nother\nend\n")], &answer, &[Cause::NotFound]);
}

#[test]
fn an_empty_search_creates_a_file_and_nothing_else() {
    let answer = format!("FILE: new/x.txt\n{}", block("", "a\n"));
    check(&[], &answer, &[("new/x.txt", "a\n")]);
    check(&[("new/x.txt", "")], &answer, &[("new/x.txt", "a\n")]);
    refused(&[("new/x.txt", "b\n")], &answer, &[Cause::Ambiguous]);
    refused(&[("new/x.txt", "b\n\nc\n")], &format!("FILE: new/x.txt\n{}", block("\n", "a\n")), &[Cause::Ambiguous]);
}

#[test]
fn a_whole_file_is_taken_with_its_path() {
    for answer in [
        "FILE: x.py\n```python\na = 1\n```\n",
        "`x.py`:\n\n~~~\na = 1\n~~~\n",
        "```python x.py\na = 1\n```",
        "Here is the updated `x.py`:\n```python\na = 1\n```\nRun it:\n```\npython x.py\n```\n",
        "- x.py\n  ```python\n  a = 1\n  ```\n",
        "x.py\n<source>python\na = 1\n</source>\n",
        "````\nFILE: x.py\n```python\na = 1\n```\n````\n",
        "The sign is wrong.\n```python\nFILE: x.py\na = 1\n```\n",
    ] {
        check(&[("x.py", "a = 0\n")], answer, &[("x.py", "a = 1\n")]);
        check(&[], answer, &[("x.py", "a = 1\n")]);
    }
}

#[test]
fn a_path_in_a_fence_of_its_own_is_followed_by_the_file() {
    let (before, after) = ([("x.py", "a = 1\n")], [("x.py", "a = 2\n")]);
    // The closing line of the path's fence was meant to open the file: only the last line of the answer closes it.
    check(&before, "```\nFILE: x.py\n```\na = 2\n```\n", &after);
    check(&before, "Here:\n```\nx.py\n```\na = 2\n```\n\n", &after);
    check(&before, "```\nFILE: x.py\n```\n```python\na = 2\n```\n", &after);
    check(&before, "```\nFILE: x.py\n```\n\n```python\na = 2\n```\nThat is all.\n", &after);
    // Here it cannot be told what belongs to the file.
    assert!(applied(&before, "```\nFILE: x.py\n```\na = 2\n").is_err());
    assert!(applied(&before, "```\nFILE: x.py\n```\na = 2\n```\nThat is all.\n").is_err());
    assert!(applied(&before, "```\nFILE: x.py\n```\n```\n").is_err());
}

#[test]
fn fences_inside_a_file_need_a_longer_one_around_it() {
    let check_text = |answer: &str, text: &str| check(&[], answer, &[("x.md", text)]);
    check_text("FILE: x.md\n````markdown\n```\na\n```\n````\n", "```\na\n```\n");
    check_text("FILE: x.md\n```markdown\n```sh\na\n```\nb\n```\n", "```sh\na\n```\nb\n");
    check_text("FILE: x.md\n~~~\n```\na\n```\n~~~\n", "```\na\n```\n");
    let markers = parse("FILE: x.md\n````\n```\n<<<<<<< SEARCH\na\n```\n````\n").expect("a whole file");
    assert_eq!(
        markers.edits,
        [Edit::WholeFile { path: "x.md".into(), content: "```\n<<<<<<< SEARCH\na\n```\n".into() }]
    );
    refused(&[], "FILE: x.md\n```\none\n```\na\n```\nthree\n```\n", &[Cause::Malformed]);
}

#[test]
fn blocks_that_only_show_something_are_prose() {
    let answer = "FILE: x.py\n```\na = 1\n```\nRun `x.py`:\n```bash\npython x.py\n```\n`x.py` prints:\n```\n1\n```\n";
    let found = parse(answer).expect("one edit");
    assert_eq!(found.edits, [Edit::WholeFile { path: "x.py".into(), content: "a = 1\n".into() }]);
    insta::assert_snapshot!(found.remarks, @r"
    Run `x.py`:
    ```bash
    python x.py
    ```
    `x.py` prints:
    ```
    1
    ```
    ");
    let listed = "FILE: x.py\n```\na = 1\n```\nChanged:\n- x.py\n- y.py\n\n```\n2 passed\n```\n";
    check(&[("y.py", "b = 1\n")], listed, &[("x.py", "a = 1\n"), ("y.py", "b = 1\n")]);
    refused(&[], "x.py\n```bash\npython x.py\n```\n", &[Cause::Malformed]);
    refused(&[], "x.py\n```diff\n-a\n+b\n```\n", &[Cause::Malformed]);
    refused(&[], "Run it:\n```bash\nls\n```\n", &[Cause::NoEdit]);
    refused(&[], "```python\na = 1\n```\n", &[Cause::WhichFile]);
    let found = parse_as(
        "Run:\n```sh\nls\n```\n```python\na = 1\n```\n",
        &Reading { target: Some("x.py"), ..Default::default() },
    )
    .expect("a target is given");
    assert_eq!(found.edits, [Edit::WholeFile { path: "x.py".into(), content: "a = 1\n".into() }]);
}

#[test]
fn files_are_removed_and_moved_with_mode_and_bytes() {
    let start = FileTree::from_files([
        (path("run.sh"), StoredFile { content: (*b"\xff\0").into(), mode: FileMode::Executable }),
        (path("old.txt"), StoredFile::regular(*b"x\n")),
    ]);
    let answer = parse("Moves it.\n\nRENAME: run.sh -> bin/run\nDELETE: old.txt\n").expect("two edits");
    let changed = apply(&start, &answer.edits).expect("both exist");
    assert_eq!(changed.paths().map(RepoPath::as_str).collect::<Vec<_>>(), ["bin/run"]);
    assert_eq!(changed.read(&path("bin/run")).expect("memory"), start.read(&path("run.sh")).expect("memory"));
    assert_eq!(answer.remarks, "Moves it.");
}

#[test]
fn an_executable_stays_one_and_a_file_keeps_its_habits() {
    let run = StoredFile { content: (*b"\xEF\xBB\xBFa\r\nb").into(), mode: FileMode::Executable };
    let start = FileTree::from_files([(path("run"), run)]);
    for answer in ["FILE: run\n```\na\nc\n```\n".to_owned(), format!("FILE: run\n{}", block("b\n", "c\n"))] {
        let changed = apply(&start, &parse(&answer).expect("one edit").edits).expect("it fits");
        let expected = StoredFile { content: (*b"\xEF\xBB\xBFa\r\nc").into(), mode: FileMode::Executable };
        assert_eq!(changed.read(&path("run")).expect("memory"), Some(expected), "{answer}");
    }
}

#[test]
fn incomplete_answers_are_refused_as_a_whole() {
    let files = [("x.txt", "a\nb\n")];
    let good = format!("FILE: x.txt\n{}", block("a\n", "c\n"));
    for (rest, cause) in [
        ("<<<<<<< SEARCH\nb\n=======\nd\n", Cause::Malformed),
        ("<<<<<<< SEARCH\nb\n>>>>>>> REPLACE\n", Cause::Malformed),
        (">>>>>>> REPLACE\n", Cause::Malformed),
        ("FILE: y.txt\n```\nb\n", Cause::Malformed),
        ("FILE: y.txt\n", Cause::Malformed),
        ("FILE: y.txt\nprose\n```\nb\n```\n", Cause::Malformed),
        ("RENAME: x.txt\n", Cause::Malformed),
    ] {
        refused(&files, &format!("{good}\n{rest}"), &[cause]);
    }
    // Only the last line of the fence is missing, and the blocks in it are complete.
    check(&files, &format!("```\n{good}"), &[("x.txt", "c\nb\n")]);
}

#[test]
fn nothing_is_changed_where_one_edit_fails() {
    let files = [("x.txt", "a\n"), ("y.txt", "a\n")];
    let answer = format!("FILE: x.txt\n{}FILE: y.txt\n{}", block("a\n", "b\n"), block("c\n", "b\n"));
    refused(&files, &answer, &[Cause::NotFound]);
}

#[test]
fn paths_that_cannot_be_are_refused() {
    let files = [("src/a.txt", "a\n"), ("README.md", "r\n")];
    let file = |path: &str| format!("FILE: {path}\n```\nx\n```\n");
    for (answer, cause) in [
        (file("../x.txt"), Cause::BadPath),
        (file("/etc/passwd"), Cause::BadPath),
        (file(".git/config"), Cause::BadPath),
        (file("src\\a.txt"), Cause::BadPath),
        (file("README.md/x.txt"), Cause::PathTaken),
        (file("readme.md"), Cause::PathTaken),
        (file("SRC/b.txt"), Cause::PathTaken),
        ("RENAME: README.md -> src/a.txt\n".to_owned(), Cause::PathTaken),
        ("RENAME: README.md -> ../x\n".to_owned(), Cause::BadPath),
        ("RENAME: gone.md -> x.md\n".to_owned(), Cause::MissingFile),
        ("DELETE: gone.md\n".to_owned(), Cause::MissingFile),
        (format!("FILE: gone.md\n{}", block("a\n", "b\n")), Cause::MissingFile),
    ] {
        refused(&files, &answer, &[cause]);
    }
    check(&[("README.md", "r\n")], "RENAME: README.md -> readme.md\n", &[("readme.md", "r\n")]);
}

#[test]
fn what_is_no_text_is_not_edited() {
    let link = StoredFile { content: (*b"x").into(), mode: FileMode::Symlink };
    for file in [link, StoredFile::regular(*b"a\0b"), StoredFile::regular(*b"\xff\xfe")] {
        let start = FileTree::from_files([(path("x"), file)]);
        for answer in ["FILE: x\n```\na\n```\n".to_owned(), format!("FILE: x\n{}", block("a\n", "b\n"))] {
            let error = apply(&start, &parse(&answer).expect("one edit").edits).expect_err(&answer);
            assert_eq!(error.problems[0].cause, Cause::NotText);
        }
    }
}

#[test]
fn edits_that_change_nothing_or_exclude_each_other_are_refused() {
    let files = [("x.txt", "a\nb\n")];
    let whole = "FILE: x.txt\n```\na\nc\n```\n";
    refused(&files, &format!("FILE: x.txt\n{}", block("a\n", "a\n")), &[Cause::NoChange]);
    refused(&files, &format!("FILE: x.txt\n{}{}", block("a\n", "c\n"), block("c\n", "a\n")), &[Cause::NoChange]);
    refused(&files, "FILE: x.txt\n```\na\nb\n```\n", &[Cause::NoChange]);
    refused(&files, "FILE: x.txt\n```\n```\n", &[Cause::Fragment]);
    refused(&files, &format!("{whole}FILE: x.txt\n{}", block("a\n", "c\n")), &[Cause::Contradiction]);
    refused(&files, &format!("{whole}{}", whole.replace("c\n", "d\n")), &[Cause::Contradiction]);
    check(&files, &format!("{whole}{whole}"), &[("x.txt", "a\nc\n")]);
}

#[test]
fn the_guard_wants_files_that_still_parse() {
    let python = "def f():\n    return 1\n";
    let answer = format!("FILE: x.py\n{}", block("def f():\n", "def f(:\n"));
    refused(&[("x.py", python)], &answer, &[Cause::Syntax]);
    refused(&[], "FILE: x.py\n```\ndef f(:\n```\n", &[Cause::Syntax]);
    check(
        &[("x.py", "def f(:\n    x\n")],
        &format!("FILE: x.py\n{}", block("    x\n", "    y\n")),
        &[("x.py", "def f(:\n    y\n")],
    );
    check(&[], "FILE: x.unknown\n```\ndef f(:\n```\n", &[("x.unknown", "def f(:\n")]);
}

#[test]
fn the_guard_wants_no_markers_and_no_code_left_out() {
    let files = [("x.txt", "a\n"), ("marked.txt", "<<<<<<< a\nb\n"), ("known.txt", "# ... rest unchanged ...\nb\n")];
    let long = "<<<<<<<<< SEARCH\na\n=========\n<<<<<<< HEAD\nb\n>>>>>>>>> REPLACE\n";
    refused(&files, &format!("FILE: x.txt\n{long}"), &[Cause::Markers]);
    refused(&files, "FILE: x.txt\n```\nb\n# ... rest of the code unchanged ...\n```\n", &[Cause::Elision]);
    refused(&files, &format!("FILE: x.txt\n{}", block("a\n", "// ... existing code ...\n")), &[Cause::Elision]);
    for (name, after) in [("marked.txt", "<<<<<<< a\nc\n"), ("known.txt", "# ... rest unchanged ...\nc\n")] {
        let changed = applied(&files, &format!("FILE: {name}\n{}", block("b\n", "c\n"))).expect(name);
        assert_eq!(changed.read_text(&path(name)).expect("memory").as_deref(), Some(after));
    }
}

#[test]
fn a_whole_file_leaves_the_white_space_of_lines_that_it_does_not_change() {
    let whole = |text: &str| format!("FILE: x.txt\n```\n{text}```\n");
    check(&[("x.txt", "a  \nb\t\nc\n")], &whole("a\nb\nd\n"), &[("x.txt", "a  \nb\t\nd\n")]);
    // Nothing else changes, so that it was asked for.
    check(&[("x.txt", "a  \nb\n")], &whole("a\nb\n"), &[("x.txt", "a\nb\n")]);
    let tabs = "a:\n\tb\n\tc\n\td\n";
    refused(&[("x.txt", tabs)], &whole("a:\n    b\n    c\n    e\n"), &[Cause::Whitespace]);
    refused(&[("x.txt", &tabs.replace('\t', "  "))], &whole("a:\n\tb\n\tc\n\te\n"), &[Cause::Whitespace]);
    check(&[("x.txt", tabs)], &whole("a:\n  b\n  c\n  d\n"), &[("x.txt", "a:\n  b\n  c\n  d\n")]);
}

#[test]
fn a_file_that_shrinks_much_is_refused_only_with_another_sign() {
    let long: String = (0..60).map(|n| format!("line {n}\n")).collect();
    let files = [("x.txt", long.as_str())];
    let whole = |text: &str| format!("FILE: x.txt\n```\n{text}```\n");
    refused(&files, &whole("line 0\n// ...\n"), &[Cause::Elision]);
    refused(&files, &whole("    line 1\n"), &[Cause::Fragment]);
    refused(&files, &whole("line 7\nline 8 and more\n"), &[Cause::Fragment]);
    refused(&files, &whole("line 7\nline 8\n"), &[Cause::Fragment]);
    check(&files, &whole("line 0\nline 2\n"), &[("x.txt", "line 0\nline 2\n")]);
    check(&files, &whole("other\n"), &[("x.txt", "other\n")]);
}
