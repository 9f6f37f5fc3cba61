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
