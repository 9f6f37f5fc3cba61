//! The whole way from a tree and a task to a context.

use std::fmt::Write as _;

use proptest::prelude::*;

use super::testing::{PARSER, library, past, query, tree};
use super::*;
use crate::repo::StoredFile;

fn gathered(tree: &FileTree, query: &Query, budget_tokens: usize) -> Context {
    let settings = Settings { budget_tokens, ..Settings::default() };
    let context = gather(tree, query, &settings, None).expect("hints that are globs");
    assert!(context.tokens <= budget_tokens);
    let excerpts: usize = context
        .excerpts
        .iter()
        .map(|e| tokens::count(&e.text) + EXCERPT_OVERHEAD_TOKENS + tokens::count(e.path.as_str()))
        .sum();
    let instructions: usize = context
        .instructions
        .iter()
        .map(|i| tokens::count(&i.text) + EXCERPT_OVERHEAD_TOKENS + tokens::count(i.path.as_str()))
        .sum();
    let commits: usize = context.commits.iter().map(|line| tokens::count(line) + LINE_OVERHEAD_TOKENS).sum();
    let outline = tokens::count(&tell_outline(&context.outline));
    assert_eq!(context.tokens, excerpts + instructions + commits + outline + tokens::count(&context.map));
    for Signature { path, lines, text, .. } in &context.outline {
        let file = tree.read_text(path).expect("readable").expect("listed");
        let there: Vec<&str> = file.lines().skip(lines.start() - 1).take(lines.clone().count()).collect();
        assert_eq!(there.join("\n").trim_end(), text, "{path}:{lines:?}");
        let is_shown = |e: &Excerpt| e.path == *path && e.lines.contains(lines.end());
        assert!(!context.excerpts.iter().any(is_shown), "{path}:{lines:?} twice");
    }
    for excerpt in &context.excerpts {
        let text = tree.read_text(&excerpt.path).expect("readable").expect("listed");
        let lines: String =
            text.split_inclusive('\n').skip(excerpt.lines.start() - 1).take(excerpt.lines.clone().count()).collect();
        assert_eq!(excerpt.text, lines, "{} {:?}", excerpt.path, excerpt.lines);
        assert_eq!(excerpt.whole_file, excerpt.text == text, "{}", excerpt.path);
    }
    context
}

/// The paths of the excerpts, each once.
fn shown(context: &Context) -> Vec<&str> {
    let mut paths: Vec<&str> = context.excerpts.iter().map(|excerpt| excerpt.path.as_str()).collect();
    paths.dedup();
    paths
}

#[test]
fn a_frame_of_the_failing_test_brings_its_file_and_its_line() {
    let mut long = String::new();
    for number in 0..300 {
        writeln!(long, "def step_{number}():\n    return {number}\n").expect("a string");
    }
    let tree = tree(&[("app/steps.py", &long), ("app/header.py", "def header():\n    raise ValueError('header')\n")]);
    let context = gathered(&tree, &query("header fails\n  File \"/ci/app/steps.py\", line 602, in step_200"), 600);
    insta::assert_snapshot!(tell_excerpts(&context), @"
    app/steps.py:1-104 350 tokens, named in the task; matches: steps
    app/steps.py:601-602 10 tokens, named in the task; the task names line 602; defines `step_200`; matches: step_200, steps
    app/header.py:1-2 (whole) 9 tokens, defines `header`; matches: header
    ");
}

#[test]
fn a_small_repository_is_shown_whole() {
    let context = gathered(&library(), &query("`parse_header` drops the value"), 4000);
    insta::assert_snapshot!(tell_excerpts(&context), @"
    src/parser.rs:1-5 (whole) 44 tokens, defines `parse_header`; matches: value, parse_header, header, parse; a test that fits is about it
    src/client.rs:1-5 (whole) 22 tokens, matches: parse_header, parse, header
    tests/parser.rs:1-4 (whole) 23 tokens, matches: parse_header, parse, header
    README.md:1-3 (whole) 12 tokens, matches: parse, header
    src/other.rs:1-90 (whole) 390 tokens, everything fits
    src/timer.rs:1-7 (whole) 23 tokens, everything fits
    Cargo.toml:1-2 (whole) 8 tokens, everything fits
    ");
    assert_eq!(context.files, 7);
}

#[test]
fn of_a_large_repository_the_best_pieces_are_shown_and_the_rest_is_on_the_map() {
    let mut files = Vec::new();
    for number in 0..60 {
        let body = "    let x = compute(1);\n    store(x);\n".repeat(40);
        let text = format!(
            "{PARSER}\npub struct Store{number};\n\nimpl Store{number} {{\n    pub fn put(&self) {{\n{body}    }}\n\n    pub fn flush_queue(&self) {{\n        drain_all({number});\n    }}\n}}\n"
        );
        files.push((format!("src/store{number:02}.rs"), text));
    }
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let context = gathered(&tree(&files), &query("flush_queue of Store7 loses entries"), 500);
    insta::assert_snapshot!(tell_excerpts(&context), @"
    src/store07.rs:6-9 10 tokens, defines `Store7`; matches: Store7
    src/store07.rs:93-95 17 tokens, defines `flush_queue`; matches: flush_queue, flush, queue
    src/store00.rs:9-9 4 tokens, stands around what matches
    src/store00.rs:93-95 17 tokens, defines `flush_queue`; matches: flush_queue, flush, queue
    src/store01.rs:9-9 4 tokens, stands around what matches
    src/store01.rs:93-95 17 tokens, defines `flush_queue`; matches: flush_queue, flush, queue
    src/store02.rs:9-9 4 tokens, stands around what matches
    src/store02.rs:93-95 17 tokens, defines `flush_queue`; matches: flush_queue, flush, queue
    src/store03.rs:9-9 4 tokens, stands around what matches
    src/store03.rs:93-95 17 tokens, defines `flush_queue`; matches: flush_queue, flush, queue
    src/store04.rs:9-9 4 tokens, stands around what matches
    src/store04.rs:93-95 17 tokens, defines `flush_queue`; matches: flush_queue, flush, queue
    src/store05.rs:93-95 17 tokens, defines `flush_queue`; matches: flush_queue, flush, queue
    ");
    insta::assert_snapshot!(tell_outline(&context.outline), @"
    src/store06.rs
    93:     pub fn flush_queue(&self) {
    src/store08.rs
    93:     pub fn flush_queue(&self) {
    src/store09.rs
    93:     pub fn flush_queue(&self) {
    ");
    insta::assert_snapshot!(context.map, @"src/store07.rs: parse_header, Store7, put, flush_queue");
}

#[test]
fn what_is_not_shown_is_outlined_by_the_lines_in_which_definitions_begin() {
    let body = "    let x = compute(1);\n    store(x);\n".repeat(40);
    let function = |name: &str| format!("pub fn {name}(queue: &Queue) {{\n{body}}}\n\n");
    let names = ["flush_queue", "fill_queue", "drain", "queue_entries", "other", "last"];
    let text: String = names.into_iter().map(function).collect();
    let token = format!("pub fn queue_token() {{\n    \"ghp_{}\"\n}}\n{}", "a".repeat(36), function("queue_too"));
    let hidden = text.replace("fill_queue(", "fill_queue(\u{200b}");
    let files = [("src/queue.rs", text), ("src/token.rs", token), ("src/hidden.rs", hidden)];
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (*path, text.as_str())).collect();
    let context = gathered(&tree(&files), &query("flush_queue loses entries of the queue"), 400);
    // Neither what holds a credential, nor what a person does not see.
    insta::assert_snapshot!(tell_outline(&context.outline), @"
    src/queue.rs
    167: pub fn drain(queue: &Queue) {
    333: pub fn other(queue: &Queue) {
    416: pub fn last(queue: &Queue) {
    ");
}

#[test]
fn annotations_belong_to_the_line_in_which_a_definition_begins() {
    let body = "        int x = compute(1);\n        store(x);\n".repeat(60);
    let method = |name: &str| {
        format!("    /** Of a queue. */\n    @Deprecated\n    @Override\n    public void {name}() {{\n{body}    }}\n\n")
    };
    let text = format!(
        "class Queue {{\n{}}}\n",
        ["flush", "fill", "drain", "put", "take", "peek"].into_iter().map(method).collect::<String>()
    );
    let context = gathered(&tree(&[("src/Queue.java", &text)]), &query("flush of the queue"), 300);
    insta::assert_snapshot!(tell_outline(&context.outline), @"
    src/Queue.java
    507:     @Deprecated
    508:     @Override
    509:     public void take() {
    ");
}

/// Each excerpt in a line as a person sees it in a list.
fn tell_excerpts(context: &Context) -> String {
    context.excerpts.iter().fold(String::new(), |mut told, e| {
        let whole = if e.whole_file { " (whole)" } else { "" };
        writeln!(told, "{}:{}-{}{whole} {} tokens, {}", e.path, e.lines.start(), e.lines.end(), e.tokens, e.reason)
            .expect("a string");
        told
    })
}

#[test]
fn secrets_are_withheld_by_name_and_by_content() {
    let token = format!("ghp_{}", "a".repeat(36));
    let tree = tree(&[
        (".env", "HEADER=1\n"),
        ("config.yml", &format!("header: {token}\n")),
        ("src/header.py", &format!("def header():\n    return 1\n\n\ndef token():\n    return '{token}'\n")),
        ("key.py", &["HEADER = '''-----BEGIN RSA PRIVATE", " KEY-----\nMIIE'''\n"].concat()),
    ]);
    let context = gathered(&tree, &query("header"), 4000);
    let told: Vec<String> = context.withheld.iter().map(|w| format!("{}: {}", w.path, w.reason)).collect();
    assert_eq!(
        told,
        [
            ".env: its name says that it holds a secret",
            "config.yml: it holds what looks like a secret (github token)",
            "src/header.py: it holds what looks like a secret (github token)",
            "key.py: it holds what looks like a secret (private key)",
        ]
    );
    let whole = serde_json::to_string(&context).expect("plain values");
    assert!(!whole.contains(&token) && !whole.contains("MIIE") && !whole.contains("HEADER=1"));
    assert_eq!(shown(&context), ["src/header.py"], "what stands beside the secret in a source is shown");
}

#[test]
fn a_hint_shows_generated_and_vendored_files_but_no_secret() {
    let tree =
        tree(&[("vendor/a.go", "// Code generated by x.\npackage a\n"), ("id_rsa", "k"), ("b.go", "package b\n")]);
    let hinted = Query { files: vec!["vendor".to_owned(), "id_rsa".to_owned()], ..Query::default() };
    assert_eq!(shown(&gathered(&tree, &hinted, 1000)), ["vendor/a.go", "b.go"]);
    for (text, files) in
        [("package in a.go:2", &["b.go"][..]), ("package in /srv/vendor/a.go:2", &["vendor/a.go", "b.go"])]
    {
        let named = Query { text: text.to_owned(), ..Query::default() };
        assert_eq!(shown(&gathered(&tree, &named, 1000)), files, "{text}");
    }
}

#[test]
fn nothing_to_read_and_nothing_to_ask_are_no_errors() {
    let empty = gathered(&tree(&[]), &query(""), 1000);
    assert_eq!((empty.excerpts.len(), empty.map.as_str(), empty.files, empty.tokens), (0, "", 0, 0));
    assert_eq!(gathered(&tree(&[]), &query("parse"), 0).tokens, 0);
    assert_eq!(shown(&gathered(&library(), &query(""), 4000)).len(), 7);
    let unmatched = gathered(&library(), &query("zebra"), 300);
    assert_eq!((unmatched.excerpts.len(), unmatched.map.lines().next()), (0, Some("src/client.rs")));
}

#[test]
fn what_is_no_text_neither_panics_nor_is_shown() {
    let files = [
        ("latin.py", &b"# header caf\xe9\ndef header(): pass\n"[..]),
        ("cut.py", b"header \xf0\x9f"),
        ("zero.py", b"header\0header"),
        ("crlf.py", b"def header():\r\n    pass\r\n"),
        ("no_end.py", b"header = 1"),
        ("empty.py", b""),
    ];
    let tree = FileTree::from_files(
        files.map(|(path, bytes)| (RepoPath::parse(path).expect(path), StoredFile::regular(bytes))),
    );
    let context = gathered(&tree, &query("header é"), 1000);
    assert_eq!(shown(&context), ["crlf.py", "no_end.py"]);
    let withheld: Vec<&str> = context.withheld.iter().map(|w| w.path.as_str()).collect();
    assert_eq!(withheld, ["cut.py", "latin.py", "zero.py"]);
}

#[test]
fn a_long_definition_is_shown_by_its_beginning_and_what_matches() {
    let lines = "    filler_line(0)\n".repeat(200);
    let text = format!("def long_one():\n    \"\"\"Says.\"\"\"\n{lines}    set_header(1)\n{lines}");
    let context = gathered(&tree(&[("a.py", &text), ("b.py", &lines)]), &query("set_header"), 600);
    let found: Vec<RangeInclusive<usize>> = context.excerpts.iter().map(|excerpt| excerpt.lines.clone()).collect();
    assert_eq!(found, [1..=6, 200..=206]);
}

#[test]
fn a_long_text_without_definitions_is_cut_by_lines() {
    let text = format!("{}the header\n{}", "filler\n".repeat(400), "filler\n".repeat(1600));
    let context = gathered(&tree(&[("notes.txt", &text)]), &query("header"), 600);
    assert_eq!(context.excerpts.iter().map(|excerpt| excerpt.lines.clone()).collect::<Vec<_>>(), [361..=420]);
}

#[test]
fn threads_do_not_change_the_result() {
    let on_threads = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
        pool.install(|| gathered(&library(), &query("header timeout"), 300))
    };
    assert_eq!(on_threads(1), on_threads(4));
}

/// Paths and lines that meet each other, so that the rules for merging and cutting are exercised.
fn files() -> impl Strategy<Value = Vec<(String, String)>> {
    let name = "(src/|tests/|)(a|b|header|test_a)\\.(rs|py|md|toml|go)";
    let line = prop_oneof![
        Just("fn parse_header() {\n"),
        Just("}\n"),
        Just("def header(x):\n"),
        Just("    return timeout\n"),
        Just("class A:\n"),
        Just("impl A {\n"),
        Just("// 🦀 header\n"),
        Just("\n"),
        Just("mod tests {\n"),
        Just("    x = header()\n"),
        Just("text"),
    ];
    let text = prop::collection::vec(line, 0..150).prop_map(|lines| lines.concat());
    prop::collection::vec((name, text), 0..12)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn the_budget_is_never_exceeded(files in files(), budget in 0_usize..2500, most in 0_usize..600, words in "(header|timeout|src/a.rs:3|parse_header| |\n){0,6}") {
        let mut named: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
        named.push(("AGENTS.md", "Be good.\nAlways.\n"));
        let tree = tree(&named);
        let settings = Settings { budget_tokens: budget, max_excerpt_tokens: most, instructions_tokens: budget, max_files: None };
        let first = gather(&tree, &query(&words), &settings, None).expect("no hints");
        prop_assert!(first.tokens <= budget);
        prop_assert!(first.excerpts.iter().all(|e| !e.text.is_empty() && e.tokens == tokens::count(&e.text)));
        let mut lines: Vec<(&RepoPath, usize)> = first.excerpts.iter().flat_map(|e| e.lines.clone().map(|line| (&e.path, line))).collect();
        let all = lines.len();
        lines.sort_unstable();
        lines.dedup();
        prop_assert_eq!(lines.len(), all, "no line is shown twice");
        prop_assert_eq!(&first, &gather(&tree, &query(&words), &settings, None).expect("no hints"));
    }
}

#[test]
fn what_a_program_prints_of_credentials_is_not_told() {
    let key = format!("AKIA{}", "IOSFODNN7EXAMPLE");
    let text = format!("start\nkey {key}\n-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----\nend\n");
    let shown = super::without_credentials(&text);
    assert!(!shown.contains(&key) && !shown.contains("MIIE"), "{shown}");
    assert!(shown.starts_with("start\n") && shown.ends_with("end\n"), "{shown}");
    assert_eq!(super::without_credentials("plain\n"), "plain\n");
}

#[test]
fn the_newest_commits_of_what_is_shown_are_told_without_secrets_and_what_nobody_sees() {
    let tree = tree(&[("src/a.rs", "fn header() {}\n"), ("src/b.rs", "fn other() {}\n")]);
    let token = format!("ghp_{}", "a".repeat(36));
    let history = vec![
        past("Read \u{200B}headers\n\nBody", &["src/a.rs", "src/gone.rs"]),
        past(&format!("Use {token}"), &["src/a.rs"]),
        past("Not here", &["src/gone.rs"]),
    ];
    let query = Query { text: "header".to_owned(), history: history.into(), ..Query::default() };
    let settings = Settings { budget_tokens: 1000, ..Settings::default() };
    let context = gather(&tree, &query, &settings, None).expect("no hints");
    assert_eq!(context.commits, ["Read headers (src/a.rs)"]);
    let without = gathered(&tree, &Query { history: Arc::default(), ..query }, 1000);
    assert_eq!(without.commits, Vec::<String>::new());
}
