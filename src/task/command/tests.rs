//! Which comments command, and what.

use super::*;

fn one(text: &str) -> Parsed {
    let mut found = parse(text, &["@prentice-bot"]);
    assert_eq!(found.len(), 1, "{text:?}: {found:?}");
    found.remove(0)
}

#[test]
fn every_command_is_read_from_its_row() {
    let check = |text: &str, command: Command| {
        assert_eq!(one(&format!("/prentice {text}")), Parsed::Known(command.clone()), "{text}");
        assert_eq!(command.word(), text.split_whitespace().next().expect("a word"));
    };
    check("fix", Command::Fix(String::new()));
    check("revise use a map", Command::Revise("use a map".to_owned()));
    check("address", Command::Address);
    check("retry", Command::Retry);
    check("rebase", Command::Rebase);
    check("shrink", Command::Shrink);
    check("split", Command::Split);
    check("why", Command::Why);
    check("retest", Command::Retest);
    check("undo", Command::Undo);
    check("adopt 0123abc", Command::Adopt("0123abc".to_owned()));
    check("stop", Command::Stop);
    check("help", Command::Help);
    let words: std::collections::BTreeSet<&str> = ROWS.iter().map(|row| (row.make)(String::new()).word()).collect();
    assert_eq!(words.len(), ROWS.len());
}

#[test]
fn spellings_that_a_person_reads_as_a_command() {
    let check = |text: &str, command: Command| assert_eq!(one(text), Parsed::Known(command), "{text:?}");
    check("/Prentice FIX", Command::Fix(String::new()));
    check("   /prentice   fix  ", Command::Fix(String::new()));
    check("@prentice-bot retest", Command::Retest);
    check("@Prentice-Bot", Command::Help);
    check("/prentice", Command::Help);
    check("Thank you!\n/prentice retry\r\n", Command::Retry);
    check("# Plan\n\n/prentice address.\n\nThanks", Command::Address);
    check("/prentice\u{a0}why", Command::Why);
    check("/pren\u{200b}tice w\u{ad}hy", Command::Why);
    check("/prentice adopt `0123ABCDEF`", Command::Adopt("0123abcdef".to_owned()));
    check("/prentice why  \nnext line", Command::Why);
    check("/prentice why\\\nnext line", Command::Why);
    check("a<br>\n/prentice why", Command::Why);
    check("<details>\n\nlog\n\n</details>\n\n/prentice why", Command::Why);
    check("<details open>\n\n/prentice why\n\n</details>", Command::Why);
    check("<!-- note -->\n\n/prentice why", Command::Why);
}

#[test]
fn what_is_no_command() {
    for text in [
        "> /prentice fix",
        "> a\n/prentice fix",
        "`/prentice fix`",
        "```\n/prentice fix\n```",
        "    /prentice fix",
        "<!-- /prentice fix -->",
        "<!--\n/prentice fix\n-->",
        "<div>\n/prentice fix\n</div>",
        "<details>\n<summary>x</summary>\n/prentice fix\n</details>",
        "say /prentice fix",
        "**/prentice fix**",
        "[/prentice fix](https://e.invalid)",
        "![/prentice fix](a.png)",
        "- /prentice fix",
        "1. /prentice fix",
        "# /prentice fix",
        "/prentice fix\n===",
        "| /prentice fix |\n|---|\n| /prentice fix |",
        "[^1]: /prentice fix",
        "<details>\n\n/prentice fix\n\n</details>",
        "<details><summary>x</summary>\n\n<details open>\n\n</details>\n\n/prentice fix",
        "<div hidden>\n\n/prentice fix\n\n</div>",
        "<div title=\"\n\n/prentice fix\n\n\">",
        "<blockquote>\n\n/prentice fix\n\n</blockquote>",
        "<div><pre>\n\n/prentice fix\n\n</pre></div>",
        "<table><tr><td>\n\n/prentice fix\n\n</td></tr></table>",
        "<ul><li>\n\n/prentice fix\n\n</li></ul>",
        "[x]: # (/prentice fix)",
        "/prеntice fix",
        "/prenticefix",
        "/prentice-fix",
        "//prentice fix",
        "prentice fix",
        "@prentice fix",
        "@prentice-bot2 fix",
        "",
    ] {
        assert_eq!(parse(text, &["@prentice-bot"]), [], "{text:?}");
    }
}

#[test]
fn text_goes_to_the_next_command() {
    let text = "/prentice revise use `map`\nand **no** loop\n\n- one\n- two\n\n> quoted\n\n/prentice retest\nthanks\n/prentice fix";
    let expected = [
        Command::Revise("use `map`\nand **no** loop\n\n- one\n- two\n\n> quoted".to_owned()),
        Command::Retest,
        Command::Fix(String::new()),
    ];
    assert_eq!(parse(text, &[]), expected.map(Parsed::Known));
    assert_eq!(
        one("/prentice fix\n\nIt fails since Monday."),
        Parsed::Known(Command::Fix("It fails since Monday.".into()))
    );
    assert_eq!(
        parse("/prentice fix <!-- not seen -->", &[]),
        [Parsed::Known(Command::Fix("<!-- not seen -->".into()))]
    );
}

#[test]
fn mistakes_are_told_with_a_remedy() {
    let unknown = |text: &str, word: &str, suggestion: Option<&'static str>, line: usize| {
        assert_eq!(one(text), Parsed::Unknown { word: word.to_owned(), suggestion, line }, "{text:?}");
    };
    unknown("/prentice fxi", "fxi", Some("fix"), 1);
    unknown("Hello\n\n/prentice Adress", "Adress", Some("address"), 3);
    unknown("/prentice rebsae it", "rebsae", Some("rebase"), 1);
    unknown("/prentice merge", "merge", None, 1);
    unknown("/prentice foo", "foo", None, 1);
    unknown(&format!("/prentice {}", "x".repeat(90)), &"x".repeat(40), None, 1);
    let malformed = |text: &str, word: &'static str, reason: &str, line: usize| {
        assert_eq!(one(text), Parsed::Malformed { word, reason: reason.to_owned(), line }, "{text:?}");
    };
    malformed("/prentice revise", "revise", "say behind it what to change", 1);
    malformed("a\n/prentice retry harder", "retry", "nothing may follow it on its line", 2);
    let sha = "it wants the sha of one commit, 7 to 64 hexadecimal digits";
    malformed("/prentice adopt", "adopt", sha, 1);
    malformed("/prentice adopt main", "adopt", sha, 1);
    malformed("/prentice adopt 0123ab", "adopt", sha, 1);
    malformed("/prentice adopt 0123abc 0123abd", "adopt", sha, 1);
    malformed("/prentice adopt\n0123abc", "adopt", sha, 1);
}

#[test]
fn the_help_names_all() {
    insta::assert_snapshot!(help_text(), @"
    Write one of these at the beginning of a line of a comment:

    - `/prentice fix [more words]`: propose a change for this issue; what you write behind it is added to the task (not in a review thread)
    - `/prentice revise what to change`: change the proposal as you say
    - `/prentice address`: answer every open review thread, by a change or by a reason (on a pull request)
    - `/prentice retry`: start again and replace the proposal (not in a review thread)
    - `/prentice rebase`: put the same change on the newest commit of the base branch (on a pull request)
    - `/prentice shrink`: do the same with a smaller change (on a pull request)
    - `/prentice split`: keep a first part that stands alone, and say what is left (on a pull request)
    - `/prentice why`: tell what the verdict rests on, and what it cost (on a pull request)
    - `/prentice retest`: run the checks again (on a pull request)
    - `/prentice undo`: take the newest commit of the proposal back (on a pull request)
    - `/prentice adopt SHA`: take over a commit of a fork that you have read, by its sha (on a pull request)
    - `/prentice certify`: measure the change of this pull request, whoever opened it: what its tests say before and after (on a pull request)
    - `/prentice stop`: do nothing more here until somebody asks again
    - `/prentice help`: show this list
    ");
}

#[test]
fn the_page_for_users_has_the_same_list() {
    let page = include_str!("../../../docs/github.md");
    assert!(page.contains(help_text().trim_end()), "docs/github.md lists other commands");
}

#[test]
fn places_and_models() {
    let allowed = |place: Place| -> Vec<&str> {
        ROWS.iter().filter(|row| (row.make)(String::new()).is_allowed_in(place)).map(|row| row.word).collect()
    };
    assert_eq!(allowed(Place::Issue), ["fix", "revise", "retry", "stop", "help"]);
    assert_eq!(allowed(Place::Pull).len(), ROWS.len());
    assert_eq!(
        allowed(Place::Thread),
        ["revise", "address", "rebase", "shrink", "split", "why", "retest", "undo", "adopt", "certify", "stop", "help"]
    );
    let model: Vec<&str> =
        ROWS.iter().filter(|row| (row.make)(String::new()).needs_model()).map(|row| row.word).collect();
    assert_eq!(model, ["fix", "revise", "address", "retry", "shrink", "split"]);
}
