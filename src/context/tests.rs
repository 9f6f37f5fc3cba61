//! The whole way from a tree and a task to a context.

use std::fmt::Write as _;

use proptest::prelude::*;

use super::testing::tree;
use super::*;
use crate::repo::StoredFile;

fn query(text: &str) -> Query {
    Query { text: text.to_owned(), ..Query::default() }
}

fn gathered(tree: &FileTree, query: &Query, budget_tokens: usize) -> Context {
    let settings = Settings { budget_tokens, ..Settings::default() };
    let context = gather(tree, query, &settings).expect("hints that are globs");
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
    assert_eq!(context.tokens, excerpts + instructions + commits + tokens::count(&context.map));
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

const PARSER: &str = "/// Reads a header.\npub fn parse_header(line: &str) -> Option<Header> {\n    let (name, value) = line.split_once(':')?;\n    Some(Header { name, value })\n}\n";

fn library() -> FileTree {
    let filler = "pub fn unrelated() -> u32 {\n    42\n}\n".repeat(30);
    tree(&[
        ("README.md", "# Lib\n\nIt parses a header, with a timeout.\n"),
        ("src/parser.rs", PARSER),
        ("src/client.rs", "use crate::parser::parse_header;\n\npub fn get() {\n    parse_header(\"a: b\");\n}\n"),
        (
            "src/timer.rs",
            "pub struct Timer;\n\nimpl Timer {\n    pub fn timeout(&self) -> bool {\n        false\n    }\n}\n",
        ),
        ("src/other.rs", &filler),
        ("tests/parser.rs", "#[test]\nfn header_is_parsed() {\n    assert!(parse_header(\"a: b\").is_some());\n}\n"),
        ("Cargo.toml", "[package]\nname = \"lib\"\n"),
    ])
}

#[track_caller]
fn check_order(tree: &FileTree, query: &Query, expected: &[&str]) {
    let found = search(tree, query, &Settings::default()).expect("hints that are globs");
    let paths: Vec<&str> = found.ranking.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(paths, expected, "{query:?}");
}

#[test]
fn what_defines_comes_before_what_uses_before_tests_before_docs() {
    check_order(
        &library(),
        &query("`parse_header` drops the value\nThe header `a: b` has no value."),
        &["src/parser.rs", "src/client.rs", "tests/parser.rs", "README.md"],
    );
}

#[test]
fn hints_come_first_then_what_the_task_names() {
    let text = "Header is wrong\nSee src/timer.rs, it is wrong.";
    let hinted = |hint: &str| Query { text: text.to_owned(), files: vec![hint.to_owned()], ..Query::default() };
    let rest = ["src/timer.rs", "src/parser.rs", "src/client.rs", "tests/parser.rs", "README.md"];
    check_order(&library(), &query(text), &rest);
    check_order(&library(), &hinted("./src/other.rs"), &[&["src/other.rs"][..], &rest].concat());
    check_order(
        &library(),
        &hinted("tests"),
        &["tests/parser.rs", "src/timer.rs", "src/parser.rs", "src/client.rs", "README.md"],
    );
    let broken = gather(&library(), &hinted("src/[a"), &Settings::default()).expect_err("no glob");
    assert_eq!(broken.to_string(), "\"src/[a\" is no path and no glob: unclosed character class; missing ']'");
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
    app/steps.py:1-113 380 tokens, named in the task; matches: steps
    app/steps.py:601-602 10 tokens, named in the task; the task names line 602; defines `step_200`; matches: step_200, steps
    app/header.py:1-2 (whole) 9 tokens, defines `header`; matches: header
    ");
}

#[test]
fn the_source_of_a_test_that_fits_is_lifted() {
    let tree = tree(&[
        ("pkg/alpha.py", "def run():\n    pass\n"),
        ("pkg/beta.py", "def run():\n    pass\n"),
        ("pkg/test_beta.py", "def test_rounding():\n    rounding()\n"),
    ]);
    check_order(&tree, &query("Rounding is wrong"), &["pkg/test_beta.py", "pkg/beta.py"]);
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
    src/store05.rs:9-9 4 tokens, stands around what matches
    src/store05.rs:93-95 17 tokens, defines `flush_queue`; matches: flush_queue, flush, queue
    ");
    insta::assert_snapshot!(context.map, @r"
    src/store07.rs: parse_header, Store7, put, flush_queue
    src/store00.rs: parse_header, Store0, put, flush_queue
    src/store01.rs: parse_header, Store1, put, flush_queue
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
        let settings = Settings { budget_tokens: budget, max_excerpt_tokens: most, instructions_tokens: budget };
        let first = gather(&tree, &query(&words), &settings).expect("no hints");
        prop_assert!(first.tokens <= budget);
        prop_assert!(first.excerpts.iter().all(|e| !e.text.is_empty() && e.tokens == tokens::count(&e.text)));
        let mut lines: Vec<(&RepoPath, usize)> = first.excerpts.iter().flat_map(|e| e.lines.clone().map(|line| (&e.path, line))).collect();
        let all = lines.len();
        lines.sort_unstable();
        lines.dedup();
        prop_assert_eq!(lines.len(), all, "no line is shown twice");
        prop_assert_eq!(&first, &gather(&tree, &query(&words), &settings).expect("no hints"));
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

fn past(message: &str, files: &[&str]) -> PastCommit {
    PastCommit {
        id: "a".repeat(40).try_into().expect("an id"),
        message: message.to_owned(),
        files: files.iter().map(|path| RepoPath::parse(path).expect(path)).collect(),
    }
}

/// The signals of a file, by name.
fn signals(tree: &FileTree, query: &Query, path: &str) -> BTreeMap<&'static str, f64> {
    let found = search(tree, query, &Settings::default()).expect("hints that are globs");
    let file = found.ranking.into_iter().find(|file| file.path.as_str() == path).expect(path);
    file.signals.into_iter().map(|(name, says)| (name, says.share)).collect()
}

#[test]
fn earlier_commits_that_say_the_same_point_at_what_they_touched() {
    let tree = tree(&[("src/a.rs", "fn run() {}\n"), ("src/b.rs", "fn run() {}\n"), ("src/c.rs", "fn zebra() {}\n")]);
    let history = vec![
        past("Fix the zebra crossing\n\nIt was slow.\n", &["src/b.rs"]),
        past("Crossings are counted", &["src/b.rs", "src/gone.rs"]),
        past("Bump versions", &["src/a.rs"]),
    ];
    let query = Query { text: "Zebra crossing fails".to_owned(), history: history.into(), ..Query::default() };
    let found = search(&tree, &query, &Settings::default()).expect("hints that are globs");
    let ranked: Vec<&str> = found.ranking.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(ranked, ["src/c.rs", "src/b.rs"], "a.rs was touched by a commit that says something else");
    let b = signals(&tree, &query, "src/b.rs");
    assert_eq!((b["history"], b["alike"]), (1.0, 1.0));
    let reason = &found.context.excerpts.iter().find(|e| e.path.as_str() == "src/b.rs").expect("it is shown").reason;
    assert_eq!(reason, "an earlier commit like this touched it");
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
    let context = gather(&tree, &query, &settings).expect("no hints");
    assert_eq!(context.commits, ["Read headers (src/a.rs)"]);
    let without = gathered(&tree, &Query { history: Arc::default(), ..query }, 1000);
    assert_eq!(without.commits, Vec::<String>::new());
}

#[test]
fn files_that_changed_together_with_what_fits_are_lifted() {
    let tree = tree(&[
        ("src/a.rs", "fn header() {}\n"),
        ("src/b.rs", "fn run() { /* header */ }\n"),
        ("src/c.rs", "fn run() { /* header */ }\n"),
    ]);
    let history = vec![past("One", &["src/a.rs", "src/c.rs"]), past("Two", &["src/b.rs"])];
    let query = Query { text: "header".to_owned(), history: history.into(), ..Query::default() };
    check_order(&tree, &query, &["src/a.rs", "src/c.rs", "src/b.rs"]);
    assert!(signals(&tree, &query, "src/c.rs").contains_key("together"));
    assert!(!signals(&tree, &query, "src/b.rs").contains_key("together"));
}

#[test]
fn a_file_that_uses_what_fits_comes_before_one_that_does_not() {
    let tree = tree(&[
        ("src/a.rs", "pub fn parse_header() { header(); header(); }\n"),
        ("src/b.rs", "fn run() { other_thing(); } // header\n"),
        ("src/c.rs", "fn run() { parse_header(); } // header\n"),
    ]);
    let query = query("Wrong header");
    let found = search(&tree, &query, &Settings::default()).expect("hints that are globs");
    let place = |path: &str| found.ranking.iter().position(|file| file.path.as_str() == path);
    assert!(place("src/c.rs") < place("src/b.rs"), "{:?}", found.ranking);
    let c = signals(&tree, &query, "src/c.rs");
    assert!(c["uses"] > 0.99 && !signals(&tree, &query, "src/b.rs").contains_key("uses"), "{c:?}");
}

#[test]
fn the_points_of_the_signals_add_up_to_the_score() {
    let found = search(&library(), &query("`parse_header` drops the value"), &Settings::default()).expect("no hints");
    for file in &found.ranking {
        let sum: f64 = file.signals.values().map(|says| says.points).sum();
        assert!((sum * file.kind_factor - file.score).abs() < 1e-9, "{file:?}");
        assert!(file.signals.values().all(|says| (0.0..=1.0).contains(&says.share)), "{file:?}");
    }
}
