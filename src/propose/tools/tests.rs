use super::*;
use crate::repo::{RepoPath, StoredFile};

fn tree() -> FileTree {
    let path = |text| RepoPath::parse(text).expect("a path");
    let code = "\"\"\"Prices.\"\"\"\n\n\ndef total(prices):\n    return max(prices)\n\n\ndef count(prices):\n    return len(prices)\n";
    FileTree::from_files([
        (path("src/price.py"), StoredFile::regular(code.as_bytes())),
        (path("src/deep/a.txt"), StoredFile::regular(*b"a\xE2\x80\x8Bb total\n")),
        (path("logo.png"), StoredFile::regular(*b"\x89PNG\r\n\x1a\n\0\0")),
        (path(".env"), StoredFile::regular(*b"TOKEN=total\n")),
    ])
}

fn looked<T: for<'de> Deserialize<'de>>(arguments: Value, then: impl FnOnce(&FileTree, &T) -> String) -> String {
    let tree = tree();
    with(arguments, |wanted: T| then(&tree, &wanted))
}

#[test]
fn a_search_gives_places_and_never_what_is_withheld() {
    let search = |arguments| looked(arguments, look::search);
    assert_eq!(
        search(json!({ "pattern": "total", "path": null })),
        "src/deep/a.txt:1: ab total\nsrc/price.py:4: def total(prices):\n"
    );
    assert_eq!(
        search(json!({ "pattern": "t.tal\\(", "path": "src/price.py" })),
        "src/price.py:4: def total(prices):\n"
    );
    assert_eq!(search(json!({ "pattern": "total(", "path": "./src" })), "src/price.py:4: def total(prices):\n");
    assert_eq!(search(json!({ "pattern": "zebra", "path": "src" })), "zebra is nowhere in src.");
    assert!(search(json!({ "path": "src" })).contains("do not fit"));
}

#[test]
fn edits_come_as_the_schema_wants_them_and_never_touch_what_is_not_shown() {
    let mut tree = tree();
    let call = |command: &str, path: &str, old: Option<&str>, new: Option<&str>| {
        json!({ "command": command, "path": path, "old_str": old, "new_str": new, "new_path": null }).to_string()
    };
    let mut edited = |arguments: &str| edited(&mut tree, arguments).unwrap_or_else(|problems| problems);
    assert!(edited(&call("create", "tests/a.py", None, Some("assert True\n"))).contains("+1 -0"));
    assert!(edited(&call("str_replace", "src/price.py", Some("max("), Some("sum("))).contains("+1 -1"));
    assert!(edited(&call("delete", "src/deep/a.txt", None, None)).contains("+0 -1"));
    let insert = json!({
        "command": "insert", "path": "tests/a.py", "old_str": null, "new_str": "import a\n", "new_path": null, "insert_line": 0,
    });
    assert!(edited(&insert.to_string()).contains("+2 -0"));
    let nowhere = json!({ "command": "insert", "path": "tests/a.py", "new_str": "x\n", "insert_line": null });
    assert!(edited(&nowhere.to_string()).contains("insert_line is the number of the line"));
    let gone = edited(&call("delete", "logo.png", None, None));
    assert!(gone.starts_with("logo.png now differs"), "what is no text can be taken away: {gone}");
    assert!(edited(&call("delete", ".env", None, None)).contains("is not shown"));
    let secret = edited(&call("str_replace", ".env", Some("TOKEM"), Some("x")));
    assert!(secret.contains(".env is not shown") && !secret.contains("TOKEN"), "{secret}");
}

#[test]
fn folders_are_named_in_any_way_that_means_them() {
    let outline = |path: &str| looked(json!({ "path": path }), look::outline);
    assert_eq!(outline("./src/"), "deep/ (1 files)\nprice.py\n");
    assert_eq!(outline("."), outline(""));
    for odd in ["src/price.py.", ".src", "src/price.py/x", "sr"] {
        assert!(outline(odd).starts_with("There is no file or folder"), "{odd}");
    }
}

#[test]
fn files_are_read_in_part_and_secrets_not_at_all() {
    let read = |arguments| looked(arguments, look::read);
    insta::assert_snapshot!(read(json!({ "path": "src/price.py", "from": 4, "to": 5 })), @"
    src/price.py (lines 4 to 5 of 9)
    ```
    def total(prices):
        return max(prices)
    ```
    ");
    assert!(read(json!({ "path": "./src/price.py" })).starts_with("src/price.py (lines 1 to 9 of 9)"));
    assert!(read(json!({ "path": "src/price.py", "from": 8, "to": 99 })).contains("(lines 8 to 9 of 9)"));
    assert_eq!(read(json!({ "path": "src/price.py", "from": 50, "to": null })), "src/price.py has 9 lines.");
    assert_eq!(read(json!({ "path": "price.py" })), "There is no file price.py. Files of that name: src/price.py.");
    assert!(read(json!({ "path": ".env" })).contains("holds a secret"));
    assert!(read(json!({ "path": "../x" })).contains("refuses"));
}

#[test]
fn an_outline_is_of_a_file_or_a_folder() {
    let outline = |arguments| looked(arguments, look::outline);
    assert_eq!(
        outline(json!({ "path": "src/price.py" })),
        "src/price.py, 9 lines\n4-5: def total(prices):\n8-9: def count(prices):\n"
    );
    assert_eq!(outline(json!({ "path": "" })), ".env\nlogo.png\nsrc/ (2 files)\n");
    assert_eq!(outline(json!({ "path": "src/" })), "deep/ (1 files)\nprice.py\n");
    assert_eq!(outline(json!({ "path": "nowhere" })), "There is no file or folder nowhere.");
}

#[test]
fn an_edit_changes_the_tree_or_says_why_not() {
    let mut tree = tree();
    let mut edited = |arguments: &str| edited(&mut tree, arguments).unwrap_or_else(|problems| problems);
    let good = json!({ "command": "str_replace", "path": "src/price.py", "old_str": "max(", "new_str": "sum(", "new_path": null });
    assert_eq!(edited(&good.to_string()), "src/price.py now differs from the base by +1 -1 lines.");
    assert!(edited(&good.to_string()).contains("SEARCH text is not in the file"));
    let back = json!({ "command": "str_replace", "path": "src/price.py", "old_str": "sum(", "new_str": "max(" });
    assert_eq!(edited(&back.to_string()), "Done; the file is as it was on the base.");
    let moved =
        json!({ "command": "rename", "path": "src/price.py", "old_str": null, "new_str": null, "new_path": "p.py" });
    assert!(edited(&moved.to_string()).contains("p.py now differs"));
    assert!(edited("{\"path\": 1}").contains("Nothing was changed"));
}

#[test]
fn calls_in_the_text_are_found() {
    let tools = offered();
    let read = |text: &str| -> Vec<(String, String)> {
        written::calls(text, &tools).into_iter().map(|call| (call.name, call.arguments)).collect()
    };
    let wanted = vec![("read".to_owned(), "{\"path\":\"a\"}".to_owned())];
    for text in [
        "I look.\n<tool_call>\n{\"name\": \"read\", \"arguments\": {\"path\": \"a\"}}\n</tool_call>",
        "<tool_call>{\"name\": \"read\", \"arguments\": \"{\\\"path\\\":\\\"a\\\"}\"}",
        "```json\n{\"name\": \"read\", \"parameters\": {\"path\": \"a\"}}\n```\nThen more.",
        "{\"name\": \"read\", \"arguments\": {\"path\": \"a\"}}",
        "[{\"name\": \"read\", \"arguments\": {\"path\": \"a\"}}]",
        "I look.\n<tool_call>\n<function=read>\n<parameter=path>\na\n</parameter>\n</function>\n</tool_call>",
        "<function_calls>\n<invoke name=\"read\">\n<parameter name=\"path\">a</parameter>\n</invoke>\n</function_calls>",
    ] {
        assert_eq!(read(text), wanted, "{text}");
    }
    let lines = "<function=read><parameter=path>\n12\n</parameter><parameter=from>\n3\n</parameter></function>";
    assert_eq!(read(lines), [("read".to_owned(), "{\"path\":\"12\",\"from\":3}".to_owned())]);
    for text in ["{\"name\": \"rm\", \"arguments\": {}}", "prose", "```json\n{\"a\": 1}\n```", "{\"name\": \"read\"}"] {
        assert_eq!(read(text), [], "{text}");
    }
}

#[test]
fn schemas_are_strict() {
    for tool in offered() {
        let properties = tool.parameters["properties"].as_object().expect("an object");
        let required = tool.parameters["required"].as_array().expect("a list");
        assert_eq!(properties.len(), required.len(), "{}", tool.name);
        assert_eq!(tool.parameters["additionalProperties"], false);
    }
}
