//! Which file comes before which, and what its signals say.

use super::testing::{library, past, query, tree};
use super::*;

#[track_caller]
fn check_order(tree: &FileTree, query: &Query, expected: &[&str]) {
    let found = search(tree, query, &Settings::default(), None).expect("hints that are globs");
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
    let broken = gather(&library(), &hinted("src/[a"), &Settings::default(), None).expect_err("no glob");
    assert_eq!(broken.to_string(), "\"src/[a\" is no path and no glob: unclosed character class; missing ']'");
}

#[test]
fn the_scope_of_a_title_speaks_for_a_folder() {
    let tree = tree(&[("core/wire.rs", "fn header() {}\n"), ("dom/wire.rs", "fn header() {}\n")]);
    let has_scope = |title: &str, path: &str| signals(&tree, &query(title), path).contains_key("scope");
    assert!(has_scope("fix(dom): the header is lost", "dom/wire.rs"));
    assert!(!has_scope("fix(dom): the header is lost", "core/wire.rs"));
    assert!(!has_scope("The header of dom is lost", "dom/wire.rs"));
}

#[test]
fn words_in_the_order_of_the_task_come_before_the_same_words_apart() {
    let tree = tree(&[
        ("src/apart.rs", "fn check() {\n    report(\"exceeded\");\n    report(\"bounds\");\n}\n"),
        ("src/order.rs", "fn check() {\n    report(\"bounds exceeded\");\n    report(\"\");\n}\n"),
    ]);
    check_order(&tree, &query("It stops\nThe bounds are exceeded."), &["src/order.rs", "src/apart.rs"]);
}

#[test]
fn frames_of_another_machine_mean_files_at_the_top_and_in_packages() {
    let named = |text: &str, path: &str| {
        let tree = tree(&[
            ("main_app.py", "def go():\n    pass\n"),
            ("decoder.py", "x = 1\n"),
            ("src/com/acme/db/Utils.java", "class Utils {\n}\n"),
            ("src/com/acme/net/Utils.java", "class Utils {\n}\n"),
            ("kt/Helpers.kt", "fun go() {\n}\n"),
            ("src/com/acme/main.scala", "object main {\n}\n"),
        ]);
        signals(&tree, &Query { text: format!("It stops.\n{text}"), ..Query::default() }, path).contains_key("named")
    };
    assert!(named("  File \"/home/u/proj/main_app.py\", line 2, in go", "main_app.py"));
    assert!(named("C:\\proj\\main_app.py:2", "main_app.py"));
    assert!(!named("  File \"/usr/lib/python3.12/json/decoder.py\", line 1, in x", "decoder.py"));
    assert!(!named("see /home/u/proj/main_app.py", "main_app.py"), "no line was met");
    let frame = "at com.acme.net.Utils.parse(Utils.java:2)";
    assert!(named(frame, "src/com/acme/net/Utils.java") && !named(frame, "src/com/acme/db/Utils.java"));
    assert!(named("at deep.inside.HelpersKt.go(Helpers.kt:1)", "kt/Helpers.kt"));
    assert!(!named("at org.runner.main.run(main.scala:1)", "src/com/acme/main.scala"), "somebody else's");
    assert!(named("at com.acme.main.run(main.scala:1)", "src/com/acme/main.scala"));
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

/// The signals of a file, by name.
fn signals(tree: &FileTree, query: &Query, path: &str) -> BTreeMap<&'static str, f64> {
    let found = search(tree, query, &Settings::default(), None).expect("hints that are globs");
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
    let found = search(&tree, &query, &Settings::default(), None).expect("hints that are globs");
    let ranked: Vec<&str> = found.ranking.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(ranked, ["src/c.rs", "src/b.rs"], "a.rs was touched by a commit that says something else");
    let b = signals(&tree, &query, "src/b.rs");
    assert_eq!((b["history"], b["alike"]), (1.0, 1.0));
    let reason = &found.context.excerpts.iter().find(|e| e.path.as_str() == "src/b.rs").expect("it is shown").reason;
    assert_eq!(reason, "an earlier commit like this touched it");
}

#[test]
fn what_was_said_of_a_file_before_it_moved_is_said_of_it() {
    let tree = tree(&[
        ("core/src/args.rs", "fn run() {}\n"),
        ("core/src/mod.rs", "fn run() {}\n"),
        ("core/src/walk/mod.rs", "fn run() {}\n"),
        ("lib/src/walk/mod.rs", "fn run() {}\n"),
        ("one/twice.rs", "fn run() {}\n"),
        ("two/twice.rs", "fn run() {}\n"),
        ("new/main.rs", "fn zebra() {}\n"),
    ]);
    let alike = |old: &str| {
        let history = vec![past("Fix the zebra crossing", &[old])];
        let query = Query { text: "Zebra crossing fails".to_owned(), history: history.into(), ..Query::default() };
        let found = search(&tree, &query, &Settings::default(), None).expect("hints that are globs");
        let told = found.ranking.iter().filter(|file| file.signals.contains_key("alike"));
        told.map(|file| file.path.as_str().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(alike("src/args.rs"), ["core/src/args.rs"], "by its name");
    assert_eq!(alike("core/walk/mod.rs"), [""; 0], "two end alike");
    assert_eq!(alike("old/lib/src/walk/mod.rs"), ["lib/src/walk/mod.rs"], "by the longest end");
    assert_eq!(alike("old/twice.rs"), [""; 0], "two have the name");
    assert_eq!(alike("old/main.rs"), [""; 0], "a name of many files says nothing by itself");
    assert_eq!(alike("one/twice.rs"), ["one/twice.rs"], "what is there did not move");
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
    let found = search(&tree, &query, &Settings::default(), None).expect("hints that are globs");
    let place = |path: &str| found.ranking.iter().position(|file| file.path.as_str() == path);
    assert!(place("src/c.rs") < place("src/b.rs"), "{:?}", found.ranking);
    let c = signals(&tree, &query, "src/c.rs");
    assert!(c["uses"] > 0.99 && !signals(&tree, &query, "src/b.rs").contains_key("uses"), "{c:?}");
}

#[test]
fn the_best_file_leads_to_what_it_imports_and_speaks_of() {
    let tree = tree(&[
        ("src/parse.rs", "use crate::scanner::Scan;\n\npub fn parse_header() { header(); header(); cut_line(); }\n"),
        ("src/lines.rs", "pub fn cut_line() {} // header\n"),
        ("src/scanner.rs", "pub fn begin() {} // header\n"),
        ("src/other.rs", "pub fn nothing() {} // header\n"),
    ]);
    let query = query("Wrong header");
    let led = |path: &str| signals(&tree, &query, path).get("led_to").copied();
    assert_eq!((led("src/lines.rs"), led("src/scanner.rs"), led("src/other.rs")), (Some(1.0), Some(1.0), None));
    assert_eq!(led("src/parse.rs"), Some(1.0), "nothing is put before the one that leads");
    let found = search(&tree, &query, &Settings::default(), None).expect("hints that are globs");
    assert_eq!(found.ranking.last().map(|file| file.path.as_str()), Some("src/other.rs"));
    let named = Query { text: "Wrong header\nSee src/other.rs".to_owned(), ..query };
    assert_eq!(signals(&tree, &named, "src/other.rs")["led_to"], 1.0, "what the task names needs nobody to lead to it");
}

#[test]
fn the_points_of_the_signals_add_up_to_the_score() {
    let found =
        search(&library(), &query("`parse_header` drops the value"), &Settings::default(), None).expect("no hints");
    for file in &found.ranking {
        let sum: f64 = file.signals.values().map(|says| says.points).sum();
        assert!((sum * file.kind_factor - file.score).abs() < 1e-9, "{file:?}");
        assert!(file.signals.values().all(|says| (0.0..=1.0).contains(&says.share)), "{file:?}");
    }
}

#[test]
fn only_the_best_files_are_shown_to_models_that_lose_their_way_in_many() {
    let settings = Settings { max_files: Some(2), ..Settings::default() };
    let found = search(&library(), &query("`parse_header` drops the value"), &settings, None).expect("no hints");
    let shown: std::collections::BTreeSet<&str> = found.context.excerpts.iter().map(|e| e.path.as_str()).collect();
    assert_eq!(shown.into_iter().collect::<Vec<_>>(), ["src/client.rs", "src/parser.rs"]);
    assert_eq!(found.context.map, "");
    assert!(found.ranking.len() > 2, "the others are ranked all the same");
}

/// The files that a model is shown which is shown few.
fn shown_of_few(tree: &FileTree, text: &str) -> Vec<String> {
    let settings = Settings { max_files: Some(4), ..Settings::default() };
    let found = search(tree, &query(text), &settings, None).expect("no hints");
    let mut shown: Vec<String> = found.context.excerpts.iter().map(|e| e.path.to_string()).collect();
    shown.sort();
    shown.dedup();
    shown
}

#[test]
fn few_files_are_those_that_the_text_names_where_it_names_a_source() {
    let tree = tree(&[
        ("lib/gcd.py", "def gcd(a, b):\n    return gcd(a % b, b)\n"),
        ("lib/node.py", "class Node:\n    pass\n"),
        ("tools/report.py", "def report():\n    return sorted(rows)  # by gcd\n"),
        ("tests/test_gcd.py", "from lib.gcd import gcd\n\ndef test_gcd():\n    assert gcd(4, 6) == 2\n"),
    ]);
    assert_eq!(shown_of_few(&tree, "gcd is wrong\nlib/gcd.py loops"), ["lib/gcd.py"]);
    let of_test = shown_of_few(&tree, "gcd is wrong\ntests/test_gcd.py fails");
    assert_eq!(of_test, ["lib/gcd.py", "tests/test_gcd.py", "tools/report.py"]);
    let of_both = shown_of_few(&tree, "gcd is wrong\nlib/gcd.py loops, tests/test_gcd.py fails");
    assert_eq!(of_both, ["lib/gcd.py", "tests/test_gcd.py"]);
}

#[test]
fn a_test_that_the_failure_tells_is_not_shown_again() {
    let test = "import lib\n\n\ndef test_gcd():\n    n = gcd(4, 6)\n    assert n == 2\n    assert n == 3\n";
    let tree = tree(&[("lib/gcd.py", "def gcd(a, b):\n    return a\n"), ("tests/test_gcd.py", test)]);
    let both = ["lib/gcd.py", "tests/test_gcd.py"];
    let told = "gcd is wrong\n    def test_gcd():\n        n = gcd(4, 6)\n>       assert n == 2\ntests/test_gcd.py:6: in test_gcd";
    assert_eq!(shown_of_few(&tree, told), ["lib/gcd.py"]);
    let in_part = "gcd is wrong\n    def test_gcd():\n        n = gcd(4, 6)\ntests/test_gcd.py:6: in test_gcd";
    assert_eq!(shown_of_few(&tree, in_part), both);
    let without_its_beginning =
        "gcd is wrong\n    n = gcd(4, 6)\n>   assert n == 2\n    assert n == 3\ntests/test_gcd.py:6";
    assert_eq!(shown_of_few(&tree, without_its_beginning), both);
    let found = search(&tree, &query(told), &Settings::default(), None).expect("no hints");
    assert_eq!(found.context.excerpts.len(), 2, "who has room is shown both");
}
