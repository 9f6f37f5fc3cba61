//! Answers that could be taken for another place, another file or a part of what they say: each is applied as it is meant,
//! or refused.

use super::dialects::{check, refused};
use crate::edit::Cause;

#[test]
fn the_line_of_a_diff_goes_before_what_stands_behind_its_heading() {
    let block = "    a()\n    b()\n    t = 1\n    c()\n    d()\n";
    let file = format!("def run():\n{block}    mid()\n{block}");
    let changed = format!("def run():\n{block}    mid()\n{}", block.replace("t = 1", "t = 2"));
    let diff = |line: usize| {
        let hunk = "     a()\n     b()\n-    t = 1\n+    t = 2\n     c()\n     d()\n";
        format!("--- a/x.py\n+++ b/x.py\n@@ -{line},5 +{line},5 @@ def run():\n{hunk}")
    };
    check(&[("x.py", &file)], &diff(8), &[("x.py", &changed)]);
    refused(&[("x.py", &file)], &diff(5), Cause::Ambiguous);
}

#[test]
fn an_anchor_means_the_only_place_in_what_it_opens() {
    let class = |name: &str, first: &str, second: &str| {
        format!("class {name}:\n    def f(self):\n        return {first}\n    def g(self):\n        return {second}\n")
    };
    let patch =
        "*** Begin Patch\n*** Update File: x.py\n@@ class B:\n-        return 1\n+        return 2\n*** End Patch\n";
    let file = |second: &str| format!("{}\n{}", class("A", "1", "0"), class("B", "1", second));
    let changed = format!("{}\n{}", class("A", "1", "0"), class("B", "2", "0"));
    check(&[("x.py", &file("0"))], patch, &[("x.py", &changed)]);
    refused(&[("x.py", &file("1"))], patch, Cause::Ambiguous);
}

#[test]
fn hunks_that_name_their_line_may_stand_in_any_order_and_in_two_diffs() {
    let file = "log()\na\nlog()\nb\nc\n";
    let (end, log) = ("@@ -4,2 +4,2 @@\n b\n-c\n+d\n", "@@ -1 +0,0 @@\n-log()\n");
    let expected = [("x", "a\nlog()\nb\nd\n")];
    check(&[("x", file)], &format!("--- a/x\n+++ b/x\n{end}{log}"), &expected);
    let adds = "--- a/x\n+++ b/x\n@@ -1,1 +1,2 @@\n-log()\n+first()\n+log()\n";
    let second = "--- a/x\n+++ b/x\n@@ -3 +4 @@\n-log()\n+last()\n";
    check(&[("x", file)], &format!("{adds}{second}"), &[("x", "first()\nlog()\na\nlast()\nb\nc\n")]);
}

#[test]
fn lines_are_inserted_by_the_numbers_of_the_file_as_it_was() {
    let answer = r#"{"edits": [{"command": "insert", "path": "x", "insert_line": 0, "new_str": "1\n2\n"},
        {"command": "insert", "path": "x", "insert_line": 2, "new_str": "3\n"}]}"#;
    check(&[("x", "a\nb\nc\n")], answer, &[("x", "1\n2\na\nb\n3\nc\n")]);
}

#[test]
fn a_line_that_has_lost_its_sign_does_not_cut_a_hunk_in_two() {
    let file = "x = 1\ny = 5\ndef foo():\n    return x\n";
    let hunk = "-x = 1\n+x = 2\n y = 5\ndef foo():\n-    return x\n+    return y\n";
    let names = "--- a/a.py\n+++ b/a.py\n";
    let expected = [("a.py", "x = 2\ny = 5\ndef foo():\n    return y\n")];
    for heading in ["@@ -1,4 +1,4 @@\n", "@@\n", ""] {
        check(&[("a.py", file)], &format!("{names}{heading}{hunk}"), &expected);
        check(&[("a.py", file)], &format!("```diff\n{names}{heading}{hunk}```\n\n- foo\n"), &expected);
        refused(&[("a.py", file)], &format!("{names}{heading}{}", hunk.replace("def foo", "...")), Cause::NotFound);
    }
    let mail = "--- a/a.py\n+++ b/a.py\n@@ -1,2 +1,2 @@\n-x = 1\n+x = 2\n y = 5\n-- \n2.47.1\n";
    check(&[("a.py", file)], mail, &[("a.py", &file.replace("x = 1", "x = 2"))]);
}

#[test]
fn a_hunk_without_names_is_for_the_file_that_is_named_before_it() {
    let files = [("a.py", "x = 1\n"), ("b.py", "x = 1\n")];
    let changed = [("a.py", "x = 1\n"), ("b.py", "x = 2\n")];
    let hunk = "@@ -1 +1 @@\n-x = 1\n+x = 2\n";
    for answer in [
        format!("FILE: b.py\n{hunk}"),
        format!("```diff b.py\n{hunk}```\n"),
        format!("### b.py\n```diff\n{hunk}```\n"),
        format!(
            "1. In `b.py`:\n\n   ```diff\n{}   ```\n",
            hunk.lines().fold(String::new(), |all, line| all + "   " + line + "\n")
        ),
    ] {
        check(&files, &answer, &changed);
        let first = "```diff\n--- a/a.py\n+++ b/a.py\n@@ -1 +1 @@\n-x = 1\n+x = 3\n```\n\n";
        check(&files, &format!("{first}{answer}"), &[("a.py", "x = 3\n"), ("b.py", "x = 2\n")]);
    }
    let moved = "--- a/a.py\n+++ b/c.py\n@@ -1 +1 @@\n-x = 1\n+x = 2\n";
    check(&files, moved, &[("b.py", "x = 1\n"), ("c.py", "x = 2\n")]);
    let patch = "*** Begin Patch\n*** Update File: b.py\n@@ -1,1 +1,1 @@\n-x = 1\n+x = 2\n*** End Patch\n";
    check(&files, patch, &changed);
}

#[test]
fn what_stands_in_a_file_is_no_edit_of_its_own() {
    let patch = "*** Begin Patch\n*** Update File: a.py\n@@\n-x = 1\n+x = 2\n*** End Patch\n";
    let diff = "--- a/a.py\n+++ b/a.py\n@@ -1 +1 @@\n-x = 1\n+x = 2\n";
    let json = "{\"path\": \"a.py\", \"content\": \"hello\"}\n";
    for (path, content) in [
        ("docs/format.md", format!("# Format\n\n```\n{patch}```\n")),
        ("docs/one.md", diff.to_owned()),
        ("test_diff.py", format!("DIFF = \"\"\"\n{diff}\"\"\"\n")),
        ("one.json", json.to_owned()),
        ("two.json", "{\"edits\": []}\n".to_owned()),
        ("x.patch", diff.to_owned()),
        ("a.rb", "@@all = {\n  a: 1,\n}\n".to_owned()),
    ] {
        let answer = format!("FILE: {path}\n````\n{content}````\n");
        let mut expected = vec![("a.py", "x = 1\n"), (path, content.as_str())];
        expected.sort_unstable();
        check(&[("a.py", "x = 1\n")], &answer, &expected);
    }
}

#[test]
fn an_answer_in_two_notations_is_read_whole_or_refused() {
    let files = [("a.py", "x = 1\n"), ("b.py", "y = 1\n")];
    let block = "FILE: b.py\n<<<<<<< SEARCH\ny = 1\n=======\ny = 2\n>>>>>>> REPLACE\n";
    let diff = "```diff\n--- a/a.py\n+++ b/a.py\n@@ -1 +1 @@\n-x = 1\n+x = 2\n```\n";
    let patch = "*** Begin Patch\n*** Update File: a.py\n@@\n-x = 1\n+x = 2\n*** End Patch\n";
    let json = "```json\n{\"path\": \"a.py\", \"old_str\": \"x = 1\", \"new_str\": \"x = 2\"}\n```\n";
    let both = [("a.py", "x = 2\n"), ("b.py", "y = 2\n")];
    for other in [diff, patch] {
        check(&files, &format!("{block}\n{other}"), &both);
        check(&files, &format!("{other}\nNow the other file.\n\n{block}"), &both);
        let whole = "FILE: c.py\n```python\nz = 1\n```\n";
        check(&files, &format!("{other}\n{whole}"), &[("a.py", "x = 2\n"), ("b.py", "y = 1\n"), ("c.py", "z = 1\n")]);
    }
    refused(&files, &format!("{block}\n{json}"), Cause::Contradiction);
    let example = "A request is then:\n```json\n{\"file\": \"a.py\", \"text\": \"hi\"}\n```\n";
    check(&files, &format!("{block}\n{example}"), &[("a.py", "x = 1\n"), ("b.py", "y = 2\n")]);
    let same = diff.replace("a.py", "b.py").replace("x =", "y =");
    check(&files, &format!("This is what it does:\n\n{same}\n{block}"), &[("a.py", "x = 1\n"), ("b.py", "y = 2\n")]);
    refused(&files, &format!("{}\n{block}", same.replace("y = 2", "y = 3")), Cause::Contradiction);
}

#[test]
fn a_block_is_for_the_file_that_the_words_before_it_lead_over_to() {
    let files = [("a.py", "x = 1\ny = 1\n"), ("b.py", "x = 1\ny = 1\n")];
    let block = |search: &str, more: &str| {
        format!("<<<<<<< SEARCH{more}\n{search} = 1\n=======\n{search} = 2\n>>>>>>> REPLACE\n")
    };
    let (first, changed) =
        (format!("FILE: a.py\n{}", block("x", "")), [("a.py", "x = 2\ny = 1\n"), ("b.py", "x = 1\ny = 2\n")]);
    for words in ["Now in b.py, change it too:", "## Step 2: b.py", "Then in **b.py**:", "Then in `b.py`:"] {
        check(&files, &format!("{first}\n{words}\n\n{}", block("y", "")), &changed);
        check(&files, &format!("{first}\n{words}\n```python\n{}```\n", block("y", "")), &changed);
    }
    check(&files, &format!("{first}\n{}", block("y", " b.py")), &changed);
    check(&files, &format!("{first}\nAnd then:\n{}", block("y", "")), &[("a.py", "x = 2\ny = 2\n"), files[1]]);
    let sentence = format!("FILE: a.py\nThis is the change:\n\n{}", block("x", ""));
    check(&files, &sentence, &[("a.py", "x = 2\ny = 1\n"), files[1]]);
    let idle = "FILE: b.py\n<<<<<<< SEARCH\ny = 1\n=======\ny = 1\n>>>>>>> REPLACE\n";
    check(&files, &format!("{idle}{first}"), &[("a.py", "x = 2\ny = 1\n"), files[1]]);
    refused(&files, idle, Cause::NoChange);
}

#[test]
fn files_of_any_name_are_led_over_to() {
    for name in ["go.mod", ".gitignore", "src/dark-sites.config", "testdata/label.txtar"] {
        let block = |old: &str| format!("```\n<<<<<<< SEARCH\n{old}\n=======\n{old}2\n>>>>>>> REPLACE\n```\n");
        let answer = format!("Now in `a.py`:\n\n{}\nThen in `{name}`:\n\n{}", block("x"), block("y"));
        let mut files = vec![("a.py", "x\ny\n"), (name, "y\n")];
        let mut expected = vec![("a.py", "x2\ny\n"), (name, "y2\n")];
        files.sort_unstable();
        expected.sort_unstable();
        check(&files, &answer, &expected);
    }
}

#[test]
fn a_text_with_fences_in_it_is_not_cut_at_the_first() {
    for path in ["README.md", "README", "prompts/s.j2"] {
        let answer = format!("FILE: {path}\n```\n# Use\n\n```\nrequests\nrequirements.txt\n```\nInstall them.\n```\n");
        refused(&[], &answer, Cause::Malformed);
    }
}

#[test]
fn code_that_a_comment_stands_for_is_not_taken_away() {
    let file: String = (0..12).map(|n| format!("x{n} = {n}\n")).collect();
    let block = |comment: &str| {
        format!("a.py\n<<<<<<< SEARCH\nx3 = 3\nx4 = 4\nx5 = 5\n=======\nx3 = 33\n{comment}\n>>>>>>> REPLACE\n")
    };
    for comment in ["# ...", "# rest of the code", "# [rest of code]", "# same as before", "# remaining code"] {
        refused(&[("a.py", &file)], &block(comment), Cause::Elision);
    }
    let changed = file.replace("x3 = 3\nx4 = 4\nx5 = 5\n", "x3 = 33\n# Keep the same order\n");
    check(&[("a.py", &file)], &block("# Keep the same order"), &[("a.py", &changed)]);
}

#[test]
fn a_whole_file_keeps_the_width_of_its_indentation() {
    let file = "def f(a):\n  if a:\n    return 1\n  for b in a:\n    g(b)\n  return 2\n";
    let wider =
        file.replace("    ", "\t").replace("  ", "    ").replace('\t', "        ").replace("return 2", "return 3");
    refused(&[("a.py", file)], &format!("FILE: a.py\n```python\n{wider}```\n"), Cause::Whitespace);
    let flat = "def f():\n  return 1\n\n\ndef g():\n  return 2\n";
    let wider = flat.replace("  ", "    ").replace("return 2", "return 3");
    refused(&[("a.py", flat)], &format!("FILE: a.py\n```python\n{wider}```\n"), Cause::Whitespace);
    let deeper = format!("class A:\n{}", file.lines().fold(String::new(), |all, line| all + "  " + line + "\n"));
    check(&[("a.py", file)], &format!("FILE: a.py\n```python\n{deeper}```\n"), &[("a.py", &deeper)]);
    let marked = r#"{"path": "a.py", "old_str": "x = 0", "new_str": "<<<<<<<\nx = 1\n=======\nx = 2\n>>>>>>>"}"#;
    refused(&[("a.py", "x = 0\n")], marked, Cause::Markers);
    let numbered = "FILE: a.cfg\n```\n1 | [a]\n2 | x = 1\n3 |   y = 2\n```\n";
    check(&[("a.cfg", "[a]\nx = 0\n")], numbered, &[("a.cfg", "[a]\nx = 1\n  y = 2\n")]);
    check(&[("a.cfg", "1 | [a]\n2 | y\n")], numbered, &[("a.cfg", "1 | [a]\n2 | x = 1\n3 |   y = 2\n")]);
}

#[test]
fn numbers_of_a_listing_are_no_part_of_a_diff() {
    let (file, changed) = ("def a():\n    return 1\n", "def a():\n    return 3\n    # Three.\n");
    let hunk = " 1 | def a():\n-2 |     return 1\n+2 |     return 3\n+3 |     # Three.\n";
    check(&[("a.py", file)], &format!("--- a/a.py\n+++ b/a.py\n@@ -1,2 +1,3 @@\n{hunk}"), &[("a.py", changed)]);
    let patch = |hunk: &str| format!("*** Begin Patch\n*** Update File: a.py\n@@\n{hunk}*** End Patch\n");
    check(&[("a.py", file)], &patch(hunk), &[("a.py", changed)]);
    let bare = " 1 | def a():\n-2 |     return 1\n+    return 3\n+    # Three.\n";
    check(&[("a.py", file)], &patch(bare), &[("a.py", changed)]);
    let mixed = " 1 | def a():\n-2 |     return 1\n+2 |     return 3\n+    # Three.\n";
    refused(&[("a.py", file)], &patch(mixed), Cause::NotFound);
}

#[test]
fn a_fence_inside_of_a_block_is_no_part_of_the_file() {
    let block = |old: &str, new: &str| format!("FILE: a.py\n<<<<<<< SEARCH\n{old}=======\n{new}>>>>>>> REPLACE\n");
    let fenced = |text: &str| format!("```python\n{text}```\n");
    let (old, new) = ("    return 1\n", "    return 5\n");
    let (file, changed) = ("def a():\n    return 1\n", "def a():\n    return 5\n");
    check(&[("a.py", file)], &block(&fenced(old), &fenced(new)), &[("a.py", changed)]);
    check(&[("a.py", file)], &block(&fenced(old), new), &[("a.py", changed)]);
    let text = format!("Use:\n\n{}", fenced("x\n"));
    let other = text.replace('x', "y");
    let marked = block(&fenced("x\n"), &fenced("y\n")).replace("a.py", "r.md");
    check(&[("r.md", &text)], &marked, &[("r.md", &other)]);
}

#[test]
fn an_inner_anchor_stands_in_what_the_outer_one_opens() {
    let class = |name: &str| format!("class {name}:\n    def f(self):\n        return 1\n\n");
    let file = format!("{}{}{}", class("A"), class("B"), class("A"));
    let patch = |outer: &str| {
        format!(
            "*** Begin Patch\n*** Update File: x.py\n@@ class {outer}:\n@@     def f(self):\n-        return 1\n+        return 2\n*** End Patch\n"
        )
    };
    let changed = format!("{}{}{}", class("A"), class("B").replace('1', "2"), class("A"));
    check(&[("x.py", &file)], &patch("B"), &[("x.py", &changed)]);
    refused(&[("x.py", &file)], &patch("A"), Cause::Ambiguous);
}

#[test]
fn a_draft_that_was_thought_is_not_applied() {
    let block = |value: &str| format!("FILE: a.py\n<<<<<<< SEARCH\nx = 1\n=======\nx = {value}\n>>>>>>> REPLACE\n");
    for thought in
        [format!("<think>\nPerhaps:\n{}No.\n</think>\n", block("9")), format!("{}No.\n</think>\n", block("9"))]
    {
        check(&[("a.py", "x = 1\n")], &format!("{thought}{}", block("2")), &[("a.py", "x = 2\n")]);
    }
}
