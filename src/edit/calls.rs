//! Calls in JSON and in tags, alone and between prose: each is the edit that it says, or refused.

use super::dialects::{check, refused};
use crate::edit::{Cause, parse};

#[test]
fn a_key_of_json_that_is_not_known_never_makes_another_edit() {
    let files = [("a.py", "x = 1\ny = 1\n"), ("b.py", "x = 1\n")];
    for (call, expected) in [
        (r#"{"path": "a.py", "old_str": "x = 1", "new_content": "x = 2"}"#, "x = 2\ny = 1\n"),
        (r#"{"path": "a.py", "search": "x = 1", "replacement": "x = 2"}"#, "x = 2\ny = 1\n"),
        (r#"{"path": "a.py", "insert_line": 0, "text": "x = 0\n"}"#, "x = 0\nx = 1\ny = 1\n"),
        (r#"{"op": "insert", "path": "a.py", "insert_line": 0, "text": "x = 0\n"}"#, "x = 0\nx = 1\ny = 1\n"),
        (r#"{"path": "a.py", "edits": [{"old_str": "x = 1", "new_str": "x = 2"}]}"#, "x = 2\ny = 1\n"),
        (
            r#"{"type": "tool_use", "name": "str_replace", "input": {"path": "a.py", "old_str": "x = 1", "new_str": "x = 2"}}"#,
            "x = 2\ny = 1\n",
        ),
        (
            r#"{"tool_calls": [{"type": "function", "function": {"name": "str_replace",
            "arguments": "{\"path\": \"a.py\", \"old_str\": \"x = 1\", \"new_str\": \"x = 2\"}"}}]}"#,
            "x = 2\ny = 1\n",
        ),
        (
            "{\"path\": \"a.py\", \"old_str\": \"x = 1\", \"new_str\": \"x = 2\"}\n{\"path\": \"a.py\", \"old_str\": \"y = 1\", \"new_str\": \"y = 2\"}\n",
            "x = 2\ny = 2\n",
        ),
        (
            "I do it.\n<tool_call>\n{\"name\": \"str_replace\", \"arguments\": {\"path\": \"a.py\", \"old_str\": \"x = 1\", \"new_str\": \"x = 2\"}}\n</tool_call>\n",
            "x = 2\ny = 1\n",
        ),
        (r#"{"path": "a.py", "file_text": "```python\nx = 3\n```"}"#, "x = 3\n"),
        ("{\"path\": \"a.py\", \"old_str\": \"x = 1\ny\", \"new_str\": \"x = 2\ny\",}", "x = 2\ny = 1\n"),
        (
            "I do it.\n<tool_call>\n<function=insert>\n<parameter=path>\na.py\n</parameter>\n<parameter=insert_line>\n0\n\
             </parameter>\n<parameter=new_str>\n0\n\n</parameter>\n</function>\n</tool_call>\n",
            "0\nx = 1\ny = 1\n",
        ),
        (
            "<function_calls>\n<invoke name=\"str_replace_editor\">\n<parameter name=\"command\">str_replace</parameter>\n\
             <parameter name=\"path\">a.py</parameter>\n<parameter name=\"old_str\">x = 1</parameter>\n\
             <parameter name=\"new_str\">x = 2</parameter>\n</invoke>\n</function_calls>\n",
            "x = 2\ny = 1\n",
        ),
    ] {
        check(&files, call, &[("a.py", expected), ("b.py", "x = 1\n")]);
    }
    for call in [
        r#"{"path": "a.py", "old_str": "x = 1"}"#,
        r#"{"path": "a.py", "mode": "append", "content": "z = 1\n"}"#,
        r#"{"path": "a.py", "start_line": 1, "end_line": 1, "content": "x = 2\n"}"#,
        r#"{'path': 'a.py', 'old_str': 'x = 1', 'new_str': 'x = 2'}"#,
        "```json\n{\"path\": \"a.py\", \"old_str\": \"print(\"x\")\", \"new_str\": \"x = 2\"}\n```\n",
    ] {
        refused(&files, call, Cause::Malformed);
    }
    let whole = "<function=edit>\n<parameter=path>\na.py\n</parameter>\n<parameter=old_str>\nx = 1\n</parameter>\n\
                 <parameter=new_str>\nx = 2\n</parameter>\n</function>\n";
    check(&files, whole, &[("a.py", "x = 2\ny = 1\n"), ("b.py", "x = 1\n")]);
    for cut in ["</function>", "</parameter>", "x = 2"] {
        let answer = format!("I do it.\n{whole}{}", whole.split_once(cut).expect(cut).0);
        refused(&files, &answer, Cause::Malformed);
    }
    // What a call writes may look like an edit of another notation.
    let inside =
        "# T\n\nFILE: b.py\n```\nx = 9\n```\n*** Begin Patch\n*** Delete File: b.py\n*** End Patch\nDELETE: b.py\n";
    let tags = format!(
        "<invoke name=\"write\">\n<parameter name=\"path\">a.md</parameter>\n<parameter name=\"content\">{inside}</parameter>\n</invoke>\n"
    );
    let raw = format!("{{\"path\": \"a.md\", \"content\": \"{inside}\"}}\n");
    let framed = format!("<tool_call>\n{raw}</tool_call>\n");
    for call in [tags, raw, framed] {
        check(&[("b.py", "x = 1\n")], &call, &[("a.md", inside), ("b.py", "x = 1\n")]);
    }
    let shown = "{\"name\": \"run\", \"arguments\": {}}\n";
    check(&[], &format!("FILE: call.json\n```json\n{shown}```\n"), &[("call.json", shown)]);
}

#[test]
fn paths_in_tags_name_the_file_of_what_follows() {
    let block = "x = 1\n=======\nx = 2\n>>>>>>> REPLACE\n";
    let files = [("a.py", "x = 1\n")];
    let changed = [("a.py", "x = 2\n")];
    for answer in [
        format!("<replace_in_file>\n<path>a.py</path>\n<diff>\n<<<<<<< SEARCH\n{block}</diff>\n</replace_in_file>\n"),
        format!(
            "<apply_diff>\n<args>\n<file>\n<path>a.py</path>\n<diff>\n<content>\n<<<<<<< SEARCH\n:start_line:1\n-------\n\
             {block}</content>\n</diff>\n</file>\n</args>\n</apply_diff>\n"
        ),
        "<write_to_file>\n<path>a.py</path>\n<content>\nx = 2\n</content>\n</write_to_file>\n".to_owned(),
    ] {
        check(&files, &answer, &changed);
    }
    assert!(parse("<read_file>\n<path>a.py</path>\n</read_file>\n").is_err());
}

#[test]
fn json_between_prose_is_read_where_it_says_what_goes() {
    let one = |old: &str, new: &str| format!(r#"{{"path": "a.py", "old_str": "{old}", "new_str": "{new}"}}"#);
    let (file, first) = ("x = 1\ny = 1\n", one("x = 1", "x = 2"));
    check(&[("a.py", file)], &format!("I change it.\n\n{first}\n\nThat is all.\n"), &[("a.py", "x = 2\ny = 1\n")]);
    let list = format!("The change:\n[{first},\n {}]\n", one("y = 1", "y = 2"));
    check(&[("a.py", file)], &list, &[("a.py", "x = 2\ny = 2\n")]);
    check(&[("a.py", file)], &format!("{first}\n\nThat is all.\n"), &[("a.py", "x = 2\ny = 1\n")]);
    let created = format!("{first}\n\nAnd a new file:\n\n{}\n", r#"{"path": "b.py", "content": "z = 1\n"}"#);
    check(&[("a.py", file)], &created, &[("a.py", "x = 2\ny = 1\n"), ("b.py", "z = 1\n")]);
    for example in [
        format!("Such as {first}\n"),
        format!("{first} for example\n"),
        "A file looks like\n{\"path\": \"a.py\", \"content\": \"z\"}\n".to_owned(),
        format!("I run\n```python\n{first}\n```\n"),
    ] {
        assert!(parse(&example).is_err(), "{example}");
    }
}
