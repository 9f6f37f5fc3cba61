//! What a person sees comes through: pages, lines, code, what is folded, long texts and pictures.

use super::super::{Channel, Form, MAX_VISIBLE_BYTES, visible, visible_within};
use super::{CANARY, channels, shows, stays};

#[test]
fn what_is_collapsed_is_kept_and_marked() {
    let shown = |text: &str| visible(text, Form::Markdown).text;
    insta::assert_snapshot!(shown("<details>\n<summary>The <b>log</b></summary>\n\n```\nE1\n```\n\n</details>\n\nafter"), @"
    [collapsed: The **log**]

    ```
    E1
    ```

    [end of collapsed]

    after
    ");
    insta::assert_snapshot!(shown("<details>one <details><summary># <h3>in</h3></summary>two</details></details>three"), @"
    [collapsed: Details]

    one

    [collapsed: # in]

    two

    [end of collapsed]

    [end of collapsed]

    three
    ");
    insta::assert_snapshot!(shown("<details open><summary>S</summary>\n\nseen\n\n</details>"), @"
    S

    seen
    ");
    insta::assert_snapshot!(shown("<details><summary>S\n\nnever closed, [end of collapsed] forged\u{FDD0}"), @"
    [collapsed: S never closed, (end of collapsed] forged]

    [end of collapsed]
    ");
}

#[test]
fn a_page_is_markdown_again() {
    stays(&[
        "# T\n\ntext with `code` and ``a ` b``\n\n- a\n- b\n  - c\n    - d\n\n3. x\n4. y",
        "> q\n>\n> - r\n>\n> > s",
        "- [ ] open\n- [x] done",
        "- one\n\n  two\n\n  ```sh\n  cargo test\n\n  ls\n  ```\n\n- three",
        "````\n```\n````",
        "| a | b |\n| --- | --- |\n| `x` | y\\|z |",
        "> [!WARNING]\n>\n> Hot.",
        "a\nb",
        "Hi @ann, see #12 and :tada:",
        "---",
    ]);
    shows(&[
        ("Title\n=====\n\n* a\n+ b", "# Title\n\n- a\n\n- b"),
        ("<table><tr><th>A<td>b<br>c<tr><td>1<td><ul><li>x</ul></table>", "| A | b c |\n| --- | --- |\n| 1 | - x |"),
        ("<ol start=7><li>a<li>b</ol>", "7. a\n8. b"),
        ("<pre>\n  a &lt; b\n</pre>", "```\n  a < b\n```"),
        ("\\*a\\*  \nb", "*a*\nb"),
        ("<dl><dt>a<dd>b</dl>", "a\n: b"),
    ]);
}

#[test]
fn a_line_shows_what_cannot_be_seen() {
    let check = |text: &str, expected: &str| assert_eq!(visible(text, Form::Line).text, expected);
    check("Fix <b>it</b> <!-- shown -->", "Fix <b>it</b> <!-- shown -->");
    check("safe\u{202E}txt.exe", "safe\\u{202e}txt.exe");
    check("a\nb\tc\u{1b}[2J", "a\\nb\\tc\\u{1b}[2J");
    check("a\u{200b}\u{200c}\u{200b}\u{200c}\u{200b}b", "a[5 invisible characters]b");
    check("a\u{E0041}b", "a[1 invisible characters]b");
    check("می\u{200C}خواهم 👩🏽\u{200D}💻 ", "می\u{200C}خواهم 👩🏽\u{200D}💻");
    assert_eq!(channels("a\u{202E}\u{E0041}b", Form::Line), [Channel::TagCharacter, Channel::Bidi]);
}

#[test]
fn code_stays_as_it_is() {
    let code = "fn a<T>() -> Vec<T> { /* <!-- x --> */ }\n\n\t[//]: # (x)  \n";
    assert_eq!(visible(code, Form::Code).text, code);
    let found = visible("if a\u{202E} {\u{200B}\r\n}", Form::Code);
    assert_eq!((found.text.as_str(), found.hidden_characters()), ("if a {\n}", 2));
}

#[test]
fn a_long_text_is_cut_with_a_notice() {
    let found = visible_within("äöü and more", Form::Markdown, 5);
    assert_eq!((found.text.as_str(), found.truncated_bytes), ("äö\n[11 more bytes are not shown]", 11));
    let million = "word ".repeat(200_000) + CANARY;
    let found = visible(&million, Form::Markdown);
    assert!(found.text.len() < MAX_VISIBLE_BYTES + 50 && !found.text.contains(CANARY));
    assert_eq!(visible_within("a title", Form::Line, 3).text, "a t [4 more bytes]");
}

#[test]
fn the_pictures_that_a_person_sees_are_named() {
    let text = "![a](https://a.example/1.png) <img src='https://a.example/2.png'>\n\n<!-- ![b](https://b.example/3.png) -->\n\n\
                <div hidden><img src='https://b.example/4.png'></div>\n\n`![c](https://c.example/5.png)`\n";
    assert_eq!(visible(text, Form::Markdown).pictures, ["https://a.example/1.png", "https://a.example/2.png"]);
}
