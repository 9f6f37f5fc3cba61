//! What a person sees of a text that was read is what is read of it again.

use super::*;

#[test]
fn what_is_read_is_written_and_read_again() {
    let found = visible("a <!-- x --> b", Form::Markdown);
    let json = serde_json::to_string(&found).expect("plain data");
    assert_eq!(json, r#"{"text":"a b","removed":[{"channel":"comment","bytes":3,"count":1}],"truncated_bytes":0}"#);
    assert_eq!(serde_json::from_str::<super::Visible>(&json).expect("the same"), found);
    assert_eq!(found.removed[0].to_string(), "comments: 1 (3 bytes)");
}

/// Pieces that open, close and hide, to be put together in every order.
const PIECES: &[&str] = &[
    "word ",
    "\n",
    "\n\n",
    "    ",
    "> ",
    "- ",
    "1. ",
    "# ",
    "| a | b |\n|---|---|\n",
    "`",
    "```\n",
    "```mermaid\n%%x\n",
    "~~~ js x\n",
    "*",
    "**",
    "~~",
    "[",
    "]",
    "](",
    ")",
    "(x \"t\")",
    "![",
    "[^1]",
    "[^1]: ",
    "[x]: y 'z'\n",
    "<https://e.invalid>",
    "$",
    "$$",
    "\\phantom{",
    "}",
    "\\",
    "&lt;",
    "&#x202e;",
    "<!--",
    "-->",
    "<!",
    "<?",
    "<b>",
    "</b>",
    "<div>",
    "</div>",
    "<div title=\"",
    "\">",
    "<p hidden>",
    "</p>",
    "<table><tr><td>",
    "</td>",
    "</tr>",
    "</table>",
    "<pre>",
    "</pre>",
    "<code>",
    "</code>",
    "<a href=x>",
    "</a>",
    "<details>",
    "<details open>",
    "<summary>",
    "</summary>",
    "</details>",
    "<script>",
    "</script>",
    "<template>",
    "</template>",
    "<ol start=9>",
    "<li>",
    "</li>",
    "</ol>",
    "<blockquote>",
    "</blockquote>",
    "<br>",
    "<img alt=a>",
    "<x y=z>",
    "\u{202E}",
    "\u{200B}",
    "\u{E0041}",
    "\u{FE0F}",
    "❤",
    "👩\u{200D}",
    "می\u{200C}",
    "\u{FDD0}",
    "\u{FDD1}0\u{FDD1}",
    "\r",
    "\0",
    "\u{1b}",
    "/prentice fix",
];

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig { failure_persistence: None, ..Default::default() })]

    #[test]
    fn nothing_put_together_breaks_the_reader(pieces in proptest::collection::vec(proptest::sample::select(PIECES), 0..60)) {
        let text = pieces.concat();
        for form in [Form::Markdown, Form::Line, Form::Code] {
            let found = visible_within(&text, form, 200);
            assert!(found.text.len() <= 200 + 50, "{} bytes", found.text.len());
            for c in ['\u{202E}', '\u{E0041}', '\u{1b}', '\0', '\r'] {
                assert!(!found.text.contains(c), "{c:?} is left in {:?}", found.text);
            }
            assert!(form != Form::Markdown || !found.text.contains(['\u{FDD0}', '\u{FDD1}']), "{:?}", found.text);
        }
        for parsed in crate::task::command::parse(&text, &[]) {
            assert!(text.contains("/prentice"), "{parsed:?}");
        }
    }

    #[test]
    fn text_without_markup_stays(words in proptest::collection::vec("[a-zäß中م0-9]{1,8}[.,?]?", 1..30)) {
        let text = format!("It {}", words.join(" "));
        for form in [Form::Markdown, Form::Line, Form::Code] {
            let found = visible(&text, form);
            assert_eq!((found.text.as_str(), found.removed.len()), (text.as_str(), 0));
        }
    }
}
