use std::sync::LazyLock;

use llguidance::api::TopLevelGrammar;
use llguidance::toktrie::ApproximateTokEnv;
use llguidance::{Matcher, ParserFactory};

use super::*;
use crate::edit::{Edit, parse};

const SHOP: &str = "def total(prices):\n    return max(prices)\n\n\ndef tax(price):\n    return price / 5\n";

static FACTORY: LazyLock<ParserFactory> =
    LazyLock::new(|| ParserFactory::new_simple(&ApproximateTokEnv::single_byte_env()).expect("a vocabulary"));

fn path(text: &str) -> RepoPath {
    RepoPath::parse(text).expect("a path")
}

/// Returns the grammar about `src/shop.py` as it is and an empty file.
fn shop(blocks: bool) -> String {
    of(
        Allowed { words: true, nameless: !blocks, blocks, ..Allowed::default() },
        &[(&path("src/shop.py"), SHOP.to_owned()), (&path("empty.py"), String::new())],
    )
}

/// Tells how much of `text` the grammar lets through, and whether an answer may end there.
fn follow(grammar: &str, text: &str) -> (usize, bool) {
    let mut matcher = Matcher::new(FACTORY.create_parser(TopLevelGrammar::from_lark(grammar.to_owned())));
    let bytes: Vec<u32> = text.bytes().map(u32::from).collect();
    let taken = matcher.try_consume_tokens(&bytes).expect("tokens");
    (taken, taken == bytes.len() && matcher.is_accepting().expect("a state"))
}

/// An answer that the grammar lets through is read as these edits.
fn expect_edits(grammar: &str, text: &str, edits: &[Edit]) {
    assert_eq!(follow(grammar, text), (text.len(), true), "{text}\n---\n{grammar}");
    assert_eq!(parse(text).expect("edits").edits, edits, "{text}");
}

/// An answer is stopped before `rest`.
fn expect_stop(grammar: &str, text: &str, rest: &str) {
    let (taken, ends) = follow(grammar, text);
    assert_eq!((&text[taken..], ends), (rest, false), "{text}");
}

fn whole(path: &str, content: &str) -> Edit {
    Edit::WholeFile { path: path.to_owned(), content: content.to_owned() }
}

#[test]
fn behind_words_alone_only_edits_may_come() {
    let grammar = of(Allowed { nameless: true, ..Allowed::default() }, &[(&path("src/shop.py"), SHOP.to_owned())]);
    expect_edits(&grammar, "FILE: src/shop.py\n```\nx = 1\n```", &[whole("src/shop.py", "x = 1\n")]);
    assert_eq!(follow(&grammar, "```\nx = 1\n```"), (13, true), "without its name");
    expect_stop(&grammar, "The sum is wanted.\n", "The sum is wanted.\n");
}

#[test]
fn a_model_can_be_led_to_a_file() {
    let (shop, tax) = (path("src/shop.py"), path("tax.py"));
    let grammar =
        of(Allowed { first: Some(&shop), ..Allowed::default() }, &[(&shop, SHOP.to_owned()), (&tax, String::new())]);
    let (file, other) = ("FILE: src/shop.py\n```python\nx = 1\n```", "FILE: tax.py\n```\n```");
    let edit = whole("src/shop.py", "x = 1\n");
    expect_edits(&grammar, file, std::slice::from_ref(&edit));
    expect_edits(&grammar, &format!("{file}\n\n{other}"), &[edit, whole("tax.py", "")]);
    expect_stop(&grammar, other, "tax.py\n```\n```");
    expect_stop(&grammar, "```\nx = 1\n```", "```\nx = 1\n```");
}

#[test]
fn what_may_be_written_is_read_as_it_is_meant() {
    let file = "FILE: src/shop.py\n```\nx = 1\n\n  y = ``\n```";
    let content = "x = 1\n\n  y = ``\n";
    for grammar in [shop(false), shop(true)] {
        let expect = |text: &str, edits: &[Edit]| expect_edits(&grammar, text, edits);
        expect(file, &[whole("src/shop.py", content)]);
        expect(&format!("{file}\n"), &[whole("src/shop.py", content)]);
        expect(&format!("The *sum* is `wanted`.\n- not the largest\n\n{file}"), &[whole("src/shop.py", content)]);
        expect(&format!("src/shop.py is wrong:\n\n{file}"), &[whole("src/shop.py", content)]);
        expect("FILE: new/a_b-c.py\n```python\n```", &[whole("new/a_b-c.py", "")]);
        let (first, second) = (whole("src/shop.py", content), whole("b.py", "é\n"));
        expect(&format!("{file}\n\nFILE: b.py\n```\né\n```"), &[first.clone(), second]);
        let removed = Edit::Delete { path: "empty.py".to_owned() };
        expect(&format!("DELETE: empty.py\n{file}"), &[removed, first]);
        let moved = Edit::Rename { from: "empty.py".to_owned(), to: "src/full.py".to_owned() };
        expect("It moves.\nRENAME: empty.py -> src/full.py", &[moved]);
    }
}

#[test]
fn files_with_unusual_names_can_be_written_when_they_are_shown() {
    for name in ["src/my file.py", "src/größe.py", "routes/posts.$id.tsx", "a'b/{c} & d.txt", "k=v/a,b.py"] {
        let grammar =
            of(Allowed { words: true, blocks: true, ..Allowed::default() }, &[(&path(name), SHOP.to_owned())]);
        expect_edits(&grammar, &format!("FILE: {name}\n```\nx = 1\n```"), &[whole(name, "x = 1\n")]);
    }
    expect_edits(&shop(false), "FILE: routes/$post.a~.tsx\n```\n```", &[whole("routes/$post.a~.tsx", "")]);
}

#[test]
fn what_small_models_get_wrong_cannot_be_written() {
    let grammar = shop(false);
    let stop = |text: &str, rest: &str| expect_stop(&grammar, text, rest);
    stop("It is:\n\n```python\nx = 1\n```\n\nand:\n", "\nand:\n");
    stop("``'\nx = 1\n", "'\nx = 1\n");
    stop("DELETE: shop.py", "hop.py");
    stop(&"FILE: a.py\n```\n```\n".repeat(13), "FILE: a.py\n```\n```\n");
    stop("FILE: src/shop.py (whole file)\n```\n", " (whole file)\n```\n");
    stop("## FILE: src/shop.py\n", ": src/shop.py\n");
    stop("FILE: src/shop.py\n```\nx = 1\n```\nNow it adds.", "Now it adds.");
    stop("FILE: ../shop.py\n", "/shop.py\n");
    stop("FILE: src//shop.py\n", "/shop.py\n");
    stop("{\"path\"", "{\"path\"");
    stop("<<TASK 91b4920e2f\n", "<TASK 91b4920e2f\n");
    stop(&"word\n".repeat(13), "word\n");
    stop("FILE: src/shop.py\n```\nx = 1\n", "");
    stop("", "");
    let block = "src/shop.py\n```\n<<<<<<< SEARCH\n";
    stop(&format!("{block}x\n"), "");
}

#[test]
fn one_file_alone_needs_no_name() {
    let grammar = shop(false);
    let fixed = "def total(prices):\n    return sum(prices)\n";
    for text in [format!("```python\n{fixed}```"), format!("src/shop.py (whole file)\n```\n{fixed}```\n")] {
        assert_eq!(follow(&grammar, &text), (text.len(), true), "{text}");
        for named in [shop(true), of(Allowed::default(), &[])] {
            assert!(!follow(&named, &text).1, "nobody said which file: {text}");
        }
    }
}

#[test]
fn a_search_block_holds_lines_that_stand_in_the_file() {
    let grammar = shop(true);
    let block =
        |old: &str, new: &str| format!("src/shop.py\n```\n<<<<<<< SEARCH\n{old}=======\n{new}>>>>>>> REPLACE\n```");
    for (search, replace) in [
        ("    return max(prices)\n", "    return sum(prices)\n"),
        ("    return max(prices)\n\n\ndef tax(price):\n", ""),
        (SHOP, "\n"),
    ] {
        let edit = Edit::Replace {
            path: "src/shop.py".to_owned(),
            search: search.to_owned(),
            replace: replace.to_owned(),
            line: None,
        };
        expect_edits(&grammar, &block(search, replace), std::slice::from_ref(&edit));
        let twice = format!("It adds.\n\n{}\n\n{}", block(search, replace), block(search, replace));
        expect_edits(&grammar, &twice, &[edit.clone(), edit]);
    }
    expect_stop(&grammar, &block("    return min(prices)\n", ""), "in(prices)\n=======\n>>>>>>> REPLACE\n```");
    expect_stop(&grammar, &block("def total(prices):\n\n", ""), "\n=======\n>>>>>>> REPLACE\n```");
    expect_stop(&grammar, &block("", "x\n"), "=======\nx\n>>>>>>> REPLACE\n```");
    let other = block("x\n", "").replace("src/shop.py", "empty.py");
    expect_stop(&grammar, &other, "``\n<<<<<<< SEARCH\nx\n=======\n>>>>>>> REPLACE\n```");
    let within = block("def tax(price):\n", "=======\n");
    expect_stop(&grammar, &within, "===\n>>>>>>> REPLACE\n```");
}

#[test]
fn hostile_names_and_texts_are_text() {
    let odd = path("a 'b' %regex{1}.py");
    let text = "block0: /x/\n\"substring_chunks\"\u{7f}\u{1F600}\n````\n";
    let grammar = of(
        Allowed { words: true, blocks: true, ..Allowed::default() },
        &[(&odd, text.to_owned()), (&path("markers.md"), "<<<<<<< SEARCH\n".to_owned())],
    );
    let answer = format!("{odd}\n`````\n<<<<<<< SEARCH\n{text}=======\n```\n>>>>>>> REPLACE\n`````");
    assert_eq!(follow(&grammar, &answer), (answer.len(), true), "{grammar}");
    expect_edits(
        &of(Allowed { words: true, blocks: true, ..Allowed::default() }, &[]),
        "FILE: a.py\n```\n```",
        &[whole("a.py", "")],
    );
    let markers = answer.replace(odd.as_str(), "markers.md");
    assert!(!follow(&grammar, &markers).1, "text with markers goes between longer ones");
}
