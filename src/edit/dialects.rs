//! Diffs, patches and JSON calls against small trees, with the ways in which other appliers corrupt files in silence.

use crate::edit::{Cause, Format, Reading, apply, parse_as};
use crate::repo::{FileMode, FileTree, RepoPath, StoredFile};

fn path(text: &str) -> RepoPath {
    RepoPath::parse(text).expect(text)
}

fn tree(files: &[(&str, &str)]) -> FileTree {
    FileTree::from_files(files.iter().map(|(name, text)| (path(name), StoredFile::regular(text.as_bytes()))))
}

fn applied(start: &FileTree, answer: &str, target: Option<&str>) -> Result<FileTree, super::EditError> {
    let exists = |path: &str| RepoPath::of_existing(path).is_ok_and(|path| start.contains(&path));
    let read = parse_as(answer, &Reading { format: None, target, exists: &exists })?;
    apply(start, &read.edits)
}

pub(super) fn check(files: &[(&str, &str)], answer: &str, expected: &[(&str, &str)]) {
    let changed = applied(&tree(files), answer, None).unwrap_or_else(|error| panic!("{answer}\n{error}"));
    let read = |name: &RepoPath| changed.read_text(name).expect("memory").expect("text");
    let found: Vec<(String, String)> = changed.paths().map(|name| (name.to_string(), read(name))).collect();
    let expected: Vec<_> = expected.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
    assert_eq!(found, expected, "{answer}");
}

pub(super) fn refused(files: &[(&str, &str)], answer: &str, cause: Cause) {
    let error = applied(&tree(files), answer, None).expect_err(answer);
    assert_eq!(error.problems[0].cause, cause, "{answer}\n{error}");
}

const FILE: [(&str, &str); 1] =
    [("src/x.py", "def f():\n    a = 1\n    return a\n\n\ndef g():\n    a = 1\n    return a\n")];
const CHANGED: [(&str, &str); 1] =
    [("src/x.py", "def f():\n    a = 1\n    return a\n\n\ndef g():\n    a = 2\n    return a\n")];

#[test]
fn a_diff_is_read_however_its_head_is_written() {
    let hunk = " def g():\n-    a = 1\n+    a = 2\n     return a\n";
    for head in [
        "diff --git a/src/x.py b/src/x.py\nindex 1..2 100644\n--- a/src/x.py\n+++ b/src/x.py\n@@ -6,3 +6,3 @@\n",
        "--- a/src/x.py\n+++ b/src/x.py\n@@ -6,3 +6,3 @@ def f():\n",
        "--- src/x.py\n+++ src/x.py\n@@ -6,99 +6,1 @@\n",
        "--- src/x.py\t2026-01-01 00:00:00\n+++ src/x.py\t2026-01-01 00:00:01\n@@ -1 +1 @@\n",
        "--- old/src/x.py\n+++ new/src/x.py\n@@ ... @@\n",
        "--- ./src/x.py\n+++ ./src/x.py\n@@\n",
        "Here is the change:\n\n```diff\n--- a/src/x.py\n+++ b/src/x.py\n@@ @@\n",
    ] {
        check(&FILE, &format!("{head}{hunk}"), &CHANGED);
        check(&FILE, &format!("{head}{hunk}```\n\nThat is all.\n"), &CHANGED);
    }
    let only_hunk = format!("@@ -6,3 +6,3 @@\n{hunk}");
    assert!(applied(&tree(&FILE), &only_hunk, Some("src/x.py")).is_ok());
    refused(&FILE, &only_hunk, Cause::WhichFile);
}

#[test]
fn of_equal_places_the_line_or_the_anchor_decides_and_else_none() {
    let change = "-    a = 1\n+    a = 2\n";
    let names = "--- a/src/x.py\n+++ b/src/x.py\n";
    check(&FILE, &format!("{names}@@ -7 +7 @@\n{change}"), &CHANGED);
    check(&FILE, &format!("{names}@@ def g():\n{change}"), &CHANGED);
    refused(&FILE, &format!("{names}@@ -5 +5 @@\n{change}"), Cause::Ambiguous);
    refused(&FILE, &format!("{names}@@\n{change}"), Cause::Ambiguous);
    let patch =
        |anchor: &str| format!("*** Begin Patch\n*** Update File: src/x.py\n@@{anchor}\n{change}*** End Patch\n");
    check(&FILE, &patch(" def g():"), &CHANGED);
    refused(&FILE, &patch(""), Cause::Ambiguous);
    refused(&FILE, &patch(" def h():"), Cause::NotFound);
}

#[test]
fn hunks_follow_each_other_and_a_shifted_line_number_is_moved_with_them() {
    let files = [("x", "a\nb\nc\nb\n")];
    let names = "--- a/x\n+++ b/x\n";
    check(
        &files,
        &format!("{names}@@ -1 +1,3 @@\n-a\n+1\n+2\n+3\n@@ -4 +6 @@\n-b\n+B\n"),
        &[("x", "1\n2\n3\nb\nc\nB\n")],
    );
    check(&files, &format!("{names}@@\n-c\n+C\n@@\n-b\n+B\n"), &[("x", "a\nb\nC\nB\n")]);
    refused(&files, &format!("{names}@@\n-c\n+C\n@@\n-a\n+A\n"), Cause::NotFound);
}

#[test]
fn a_hunk_that_only_adds_goes_where_it_says() {
    let files = [("x", "a\nb\n")];
    let names = "--- a/x\n+++ b/x\n";
    check(&files, &format!("{names}@@ -1,0 +2 @@\n+n\n"), &[("x", "a\nn\nb\n")]);
    check(&files, &format!("{names}@@ -0,0 +1 @@\n+n\n"), &[("x", "n\na\nb\n")]);
    refused(&files, &format!("{names}@@ -9,0 +10 @@\n+n\n"), Cause::NotFound);
    refused(&files, &format!("{names}@@\n+n\n"), Cause::Ambiguous);
    let patch = |body: &str| format!("*** Begin Patch\n*** Update File: x\n{body}*** End Patch\n");
    check(&files, &patch("@@ a\n+n\n"), &[("x", "a\nn\nb\n")]);
    check(&files, &patch("@@\n+n\n"), &[("x", "a\nb\nn\n")]);
    check(&files, &patch("+n\n"), &[("x", "a\nb\nn\n")]);
}

#[test]
fn lines_between_the_first_and_the_last_are_compared_too() {
    let files = [("x", "begin\nother\nend\n")];
    refused(&files, "--- a/x\n+++ b/x\n@@\n-begin\n-old\n-end\n+new\n", Cause::NotFound);
    refused(&files, r#"{"path":"x","old_str":"begin\nold\nend","new_str":"new"}"#, Cause::NotFound);
}

#[test]
fn a_hunk_without_its_indentation_gets_that_of_the_file_but_a_diff_of_a_program_is_meant_as_it_is() {
    let files = [("x", "if a:\n    b\n    c\n")];
    check(&files, "--- a/x\n+++ b/x\n@@\n b\n-c\n+d\n+    e\n", &[("x", "if a:\n    b\n    d\n        e\n")]);
    refused(&files, "diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -2,2 +2,2 @@\n b\n-c\n+d\n", Cause::NotFound);
}

#[test]
fn the_newline_at_the_end_is_what_the_diff_says() {
    let none = "\\ No newline at end of file\n";
    let names = "--- a/x\n+++ b/x\n@@ -1 +1 @@\n";
    check(&[("x", "a")], &format!("{names}-a\n{none}+b\n"), &[("x", "b\n")]);
    check(&[("x", "a")], &format!("{names}-a\n{none}+b\n{none}"), &[("x", "b")]);
    check(&[("x", "a\n")], &format!("{names}-a\n+b\n{none}"), &[("x", "b")]);
    check(&[("x", "a")], &format!("{names}-a\n+b\n"), &[("x", "b")]);
    let patch = |body: &str| format!("*** Begin Patch\n*** Update File: x\n@@\n{body}*** End Patch\n");
    check(&[("x", "a")], &patch("-a\n+b\n"), &[("x", "b\n")]);
    check(&[("x", "a\nb")], &patch("-a\n+c\n b\n"), &[("x", "c\nb")]);
}

#[test]
fn files_are_made_removed_moved_copied_and_made_programs_by_diffs() {
    check(&[], "--- /dev/null\n+++ b/d/new\n@@ -0,0 +1,2 @@\n+a\n+b\n", &[("d/new", "a\nb\n")]);
    check(&[("x", "a\n")], "--- a/x\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\n", &[]);
    // A new file is empty where git says that it is new, else its lines were perhaps left out.
    let (head, next) = ("diff --git a/e b/e\nnew file mode 100644\n", "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n");
    let names = "--- /dev/null\n+++ b/e\n";
    check(&[("x", "a\n")], &format!("{head}{names}{next}"), &[("e", ""), ("x", "b\n")]);
    let error = applied(&tree(&[("x", "a\n")]), &format!("{names}{next}"), None).expect_err("no lines");
    assert_eq!(error.problems.iter().map(|found| found.path.as_deref()).collect::<Vec<_>>(), [Some("e")], "{error}");
    refused(&[("x", "a\nb\n")], "--- a/x\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\n", Cause::NotFound);
    refused(&[("x", "a\n")], "--- /dev/null\n+++ b/x\n@@ -0,0 +1 @@\n+b\n", Cause::PathTaken);
    let moved =
        "diff --git a/x b/y\nsimilarity index 50%\nrename from x\nrename to y\n--- a/x\n+++ b/y\n@@ -1 +1 @@\n-a\n+b\n";
    check(&[("x", "a\n")], moved, &[("y", "b\n")]);
    // A copy is one of the file before the diff.
    let copied = "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\ndiff --git a/x b/z\ncopy from x\ncopy to z\n";
    check(&[("x", "a\n")], copied, &[("x", "b\n"), ("z", "a\n")]);
    let program = "diff --git a/x b/x\nold mode 100644\nnew mode 100755\n";
    let changed = applied(&tree(&[("x", "a\n")]), program, None).expect("a mode");
    assert_eq!(changed.mode(&path("x")), Some(FileMode::Executable));
    refused(&[], "diff --git a/x b/x\nindex 1..2\nGIT binary patch\nliteral 1\n", Cause::NotText);
}

#[test]
fn a_patch_may_come_in_a_shell_or_without_its_first_and_last_line() {
    let body = "*** Update File: x\n@@\n-a\n+b\n";
    let patch = format!("*** Begin Patch\n{body}*** End Patch\n");
    for answer in [
        patch.clone(),
        format!("%%bash\napply_patch <<\"EOF\"\n{patch}EOF\n"),
        format!("I change it:\n```\n{patch}```\n"),
        body.to_owned(),
        format!("```\n{body}```\nDone.\n"),
        patch.replace('\n', "\r\n"),
    ] {
        check(&[("x", "a\n")], &answer, &[("x", "b\n")]);
    }
    refused(&[("x", "a\n")], &format!("*** Begin Patch\n{body}"), Cause::Malformed);
    refused(&[("x", "a\n")], "*** Begin Patch\n*** Update File: x\n@@\na\n*** End Patch\n", Cause::Malformed);
}

#[test]
fn a_patch_makes_removes_and_moves_files_all_of_them_or_none() {
    let files = [("x", "a\n"), ("y", "c\n")];
    let good = "*** Add File: d/n\n+1\n+2\n*** Delete File: y\n*** Update File: x\n*** Move to: z\n@@\n-a\n+b\n";
    check(&files, &format!("*** Begin Patch\n{good}*** End Patch\n"), &[("d/n", "1\n2\n"), ("z", "b\n")]);
    let bad = good.replace("-a", "-no");
    refused(&files, &format!("*** Begin Patch\n{bad}*** End Patch\n"), Cause::NotFound);
    let over = "*** Begin Patch\n*** Update File: x\n*** Move to: y\n@@\n-a\n+b\n*** End Patch\n";
    let error = applied(&tree(&files), over, None).expect_err("y is there");
    assert_eq!(error.problems.len(), 1, "{error}");
    assert_eq!(error.problems[0].cause, Cause::PathTaken);
    refused(&files, "*** Begin Patch\n*** Add File: ../n\n+1\n*** End Patch\n", Cause::BadPath);
}

#[test]
fn json_calls_are_read_under_their_usual_names() {
    for answer in [
        r#"{"path":"x","old_str":"b","new_str":"$& c"}"#.to_owned(),
        r#"{"edits":[{"file_path":"x","old_string":"b","new_string":"$& c"}]}"#.to_owned(),
        r#"[{"name":"str_replace","arguments":"{\"path\":\"x\",\"old_str\":\"b\",\"new_str\":\"$& c\"}"}]"#.to_owned(),
        "I do it:\n```json\n{\"command\":\"str_replace\",\"path\":\"x\",\"old_str\":\"b\",\"new_str\":\"$& c\"}\n```\n"
            .to_owned(),
    ] {
        check(&[("x", "a b\n")], &answer, &[("x", "a $& c\n")]);
    }
    let files = [("x", "a\nb\n")];
    for (call, expected) in [
        (r#"{"command":"insert","path":"x","insert_line":1,"new_str":"n"}"#, "a\nn\nb\n"),
        (r#"{"command":"insert","path":"x","insert_line":0,"new_str":"n\n"}"#, "n\na\nb\n"),
        (r#"{"command":"insert","path":"x","insert_line":1,"new_str":""}"#, "a\n\nb\n"),
        (r#"{"command":"write","path":"x","file_text":"n\n"}"#, "n\n"),
        (r#"{"path":"x","old_str":"\n","new_str":";","replace_all":true}"#, "a;b;"),
    ] {
        check(&files, call, &[("x", expected)]);
    }
    check(&files, r#"{"command":"create","path":"y","file_text":"n"}"#, &[("x", "a\nb\n"), ("y", "n")]);
    check(&files, r#"{"command":"rename","path":"x","new_path":"y"}"#, &[("y", "a\nb\n")]);
    check(&files, r#"{"command":"delete","path":"x"}"#, &[]);
}

#[test]
fn json_calls_that_are_wrong_say_what_is_wrong() {
    let files = [("x", "a\na\n")];
    for (call, cause) in [
        (r#"{"path":"x","old_str":"a","new_str":"b"}"#, Cause::Ambiguous),
        (r#"{"path":"x","old_str":"c","new_str":"b"}"#, Cause::NotFound),
        (r#"{"path":"x","old_str":"a","new_str":"a"}"#, Cause::NoChange),
        (r#"{"path":"x","old_str":"","new_str":"b"}"#, Cause::PathTaken),
        (r#"{"command":"create","path":"x","file_text":"b"}"#, Cause::PathTaken),
        (r#"{"command":"insert","path":"x","insert_line":9,"new_str":"b"}"#, Cause::NotFound),
        (r#"{"command":"insert","path":"x","new_str":"b"}"#, Cause::Malformed),
        (r#"{"command":"dance","path":"x"}"#, Cause::Malformed),
        (r#"{"edits":[{"old_str":"a","new_str":"b"}]}"#, Cause::Malformed),
        (r#"{"path":"x","old_str":7,"new_str":"b"}"#, Cause::Malformed),
        (r#"{"path":"../x","old_str":"a","new_str":"b"}"#, Cause::BadPath),
    ] {
        refused(&files, call, cause);
    }
    let cut = applied(&tree(&files), "```json\n{\"path\":\"x\",\"old_str\":\"a\n```\n", None);
    assert!(cut.is_err());
    let given = Reading { format: Some(Format::Json), ..Reading::default() };
    let error = parse_as("{\"path\": \"x\",", &given).expect_err("cut off");
    assert!(error.to_string().contains("it is not JSON: line 1"), "{error}");
}

#[test]
fn replace_all_takes_every_place_with_its_own_indentation() {
    let call = r#"{"path":"x","old_str":"a\nb","new_str":"c","replace_all":true}"#;
    check(&[("x", "  a\n  b\nx\n    a\n    b\n")], call, &[("x", "  c\nx\n    c\n")]);
    let overlapping = r#"{"path":"x","old_str":"a\na","new_str":"c","replace_all":true}"#;
    check(&[("x", "\ta\n\ta\n\ta\n")], overlapping, &[("x", "\tc\n\ta\n")]);
}

#[test]
fn a_line_that_is_named_beside_a_block_decides_between_equal_places() {
    let block = "x\n<<<<<<< SEARCH\n:start_line:3\n-------\na\n=======\nb\n>>>>>>> REPLACE\n";
    check(&[("x", "a\n\na\n")], block, &[("x", "a\n\nb\n")]);
    refused(&[("x", "a\n\n\na\n")], block, Cause::Ambiguous);
    check(
        &[("x", "\na\n")],
        &block.replace(":start_line:3\n-------\n", ":start_line:3\n:end_line:3\n-------\n"),
        &[("x", "\nb\n")],
    );
}

#[test]
fn lines_that_go_leave_the_blank_line_that_parts_their_neighbours() {
    let block = |search: &str| format!("x\n<<<<<<< SEARCH\n{search}=======\n>>>>>>> REPLACE\n");
    check(&[("x", "a\nb\n\nc\n")], &block("b\n\n"), &[("x", "a\n\nc\n")]);
    check(&[("x", "a\n\nb\n\nc\n")], &block("b\n\n"), &[("x", "a\n\nc\n")]);
}

#[test]
fn several_hunks_may_name_the_class_that_they_stand_in() {
    let class = |name: &str, f: &str, g: &str| {
        format!("class {name}:\n    def f(self):\n        return {f}\n    def g(self):\n        return {g}\n\n")
    };
    let hunk = |old: &str, new: &str| format!("@@ class A:\n-        return {old}\n+        return {new}\n");
    let patch = |hunks: &str| format!("*** Begin Patch\n*** Update File: x.py\n{hunks}*** End Patch\n");
    let file = format!("{}{}", class("A", "1", "2"), class("B", "3", "4"));
    let changed = format!("{}{}", class("A", "5", "6"), class("B", "3", "4"));
    check(&[("x.py", &file)], &patch(&(hunk("1", "5") + &hunk("2", "6"))), &[("x.py", &changed)]);
    // The line of the class itself may be written anew by the hunk before.
    let renamed = "@@\n-class A:\n+class D:\n     def f(self):\n";
    check(
        &[("x.py", &file)],
        &patch(&(renamed.to_owned() + &hunk("2", "6"))),
        &[("x.py", &format!("{}{}", class("D", "1", "6"), class("B", "3", "4")))],
    );
    // A line that was never there is none, and what stands above the hunk before is not meant.
    let other = hunk("2", "6").replace("class A", "class C");
    refused(&[("x.py", &file)], &patch(&(hunk("1", "5") + &other)), Cause::NotFound);
    refused(&[("x.py", &file)], &patch(&(hunk("2", "6") + &hunk("1", "5"))), Cause::NotFound);
    // An anchor of the same words behind the place takes nothing away from the one before it.
    let other = "class A:\n    x = 1\ny = 1\nz = 1\nclass A:\n    pass\n";
    let two = "@@\n-    x = 1\n+    x = 2\n@@ class A:\n-z = 1\n+z = 2\n";
    check(&[("x.py", other)], &patch(two), &[("x.py", &other.replace("x = 1", "x = 2").replace("z = 1", "z = 2"))]);
    // Two classes of one name, both of which hold it: which of them is meant?
    let twins = format!("{}{}", class("A", "1", "2"), class("A", "3", "2"));
    refused(&[("x.py", &twins)], &patch(&(hunk("1", "5") + &hunk("2", "6"))), Cause::Ambiguous);
}

#[test]
fn a_fence_in_the_context_of_a_patch_is_a_line_of_the_file() {
    let file = "# T\n\n```sh\nmake\n```\n\nFor ones linter's\n\n```js\nrun\nstop\n```\nend\n";
    let changed = file.replace("linter's", "linters");
    let hunk = "@@\n make\n ```\n \n-For ones linter's\n+For ones linters\n \n ```js\n run\n";
    let patch = format!("*** Begin Patch\n*** Update File: a.md\n{hunk}*** End Patch\n");
    let diff = format!("--- a/a.md\n+++ b/a.md\n{hunk}");
    for answer in [&patch, &format!("```\n{patch}```\n"), &diff, &format!("````diff\n{diff}````\n")] {
        check(&[("a.md", file)], answer, &[("a.md", &changed)]);
    }
    // The last line of a file's part is a fence, and another file comes behind it.
    let end = "@@\n-stop\n+halt\n ```\n end\n";
    let halted = changed.replace("stop", "halt");
    let two = |head: &str, next: &str| format!("{head}{hunk}{end}{next}@@\n ```\n \n-a\n+b\n");
    for answer in [
        format!("*** Begin Patch\n{}*** End Patch\n", two("*** Update File: a.md\n", "*** Update File: b.md\n")),
        two("--- a/a.md\n+++ b/a.md\n", "--- a/b.md\n+++ b/b.md\n"),
        two("--- a/a.md\n+++ b/a.md\n", "diff --git a/b.md b/b.md\n--- a/b.md\n+++ b/b.md\n"),
    ] {
        check(&[("a.md", file), ("b.md", "```\n\na\n")], &answer, &[("a.md", &halted), ("b.md", "```\n\nb\n")]);
    }
    // In an item of a list the fence and all behind it stand deeper.
    let listed = |text: &str| text.lines().map(|line| format!("   {line}\n")).collect::<String>();
    for text in [&patch, &diff] {
        let answer = format!("1. The words:\n\n   ````\n{}   ````\n", listed(text));
        check(&[("a.md", file)], &answer, &[("a.md", &changed)]);
    }
}
