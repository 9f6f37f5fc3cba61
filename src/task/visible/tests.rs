//! The hidden-text table: every channel with variants, each beside an honest twin that must stay as it is.

mod page;

use super::{Channel, Form, visible};

/// Stands in every text that is hidden, and nowhere else.
const CANARY: &str = "xyzzy";

fn channels(text: &str, form: Form) -> Vec<Channel> {
    visible(text, form).removed.iter().map(|removed| removed.channel).collect()
}

/// The canary is gone, the words around it stay, and the channel is told.
fn hides(channel: Channel, texts: &[&str]) {
    for text in texts {
        let found = visible(text, Form::Markdown);
        assert!(!found.text.contains(CANARY), "{text:?} shows\n{}", found.text);
        assert!(found.removed.iter().any(|removed| removed.channel == channel), "{text:?}: {:?}", found.removed);
        for word in ["before", "after"].iter().filter(|word| text.contains(**word)) {
            assert!(found.text.contains(word), "{text:?} loses {word:?}:\n{}", found.text);
        }
    }
}

/// The text comes out as `expected`, and nothing is told.
fn shows(pairs: &[(&str, &str)]) {
    for (text, expected) in pairs {
        let found = visible(text, Form::Markdown);
        assert_eq!((found.text.as_str(), found.removed.as_slice()), (*expected, &[][..]), "{text:?}");
    }
}

fn stays(texts: &[&str]) {
    let pairs: Vec<(&str, &str)> = texts.iter().map(|text| (*text, *text)).collect();
    shows(&pairs);
}

#[test]
fn comments() {
    hides(
        Channel::Comment,
        &[
            "before <!-- xyzzy --> after",
            "before\n\n<!-- xyzzy -->\n\nafter",
            "before\n<!--\nxyzzy\n\nxyzzy\n-->\nafter",
            "before\n\n<!-- xyzzy\n\nxyzzy",
            "before <!-- a -- xyzzy --> after",
            "before\n\n<!-- <!-- xyzzy --> after",
            "- before\n- <!-- xyzzy -->\n- after",
            "> before\n> <!-- xyzzy -->\n> after",
            "> before\n> <!-- xyzzy\n\nxyzzy",
            "| before | <!-- xyzzy --> after |\n|---|---|\n| a | b |",
            "before <?xyzzy ?> after",
            "before <!XYZ xyzzy> after",
            "before\n\n<![CDATA[ xyzzy ]]>\n\nafter",
            "<div>before <!--\r\nxyzzy\r\n--> after</div>",
            "# before <!-- xyzzy --> after",
            "before\n\n<div><!-- xyzzy --></div>\n\nafter",
            "```mermaid\ngraph TD\n  %% xyzzy\n  before --> after\n```",
        ],
    );
    stays(&[
        "`<!-- shown -->`",
        "```html\n<!-- shown -->\n```",
        "a < b and b --> c",
        "# A heading\n\n## And one below",
    ]);
    shows(&[
        ("    <!-- shown -->", "```\n<!-- shown -->\n```"),
        ("&lt;!-- shown --&gt;", "<!-- shown -->"),
        ("\\<!-- shown -->", "<!-- shown -->"),
        ("a <!-- shown", "a <!-- shown"),
    ]);
}

#[test]
fn empty_comments_end_at_once() {
    for text in ["before <!--> shown --> after", "before <!---> shown --> after"] {
        assert!(visible(text, Form::Markdown).text.contains("shown"), "{text}");
    }
}

#[test]
fn link_definitions() {
    hides(
        Channel::LinkDefinition,
        &[
            "before\n\n[//]: # (xyzzy)\n\nafter",
            "before\n\n[//]: # (xyzzy)\n[//]: # (xyzzy)\n\nafter",
            "before\n\n[//]: # 'xyzzy'\n\nafter",
            "before\n\n[//]: # \"xyzzy\nxyzzy\"\n\nafter",
            "before\n\n[xyzzy]: <>\n\nafter",
            "before\n\n[xyzzy]: <https://e.invalid/xyzzy> \"xyzzy\"\n\nafter",
            "[comment]: <> (xyzzy)\nafter",
            "- before\n\n  [x]: # (xyzzy)\n- after",
            "> before\n>\n> [x]: # (xyzzy)\n\nafter",
            "before\r\n\r\n[x]: # (xyzzy)\r\n\r\nafter",
        ],
    );
    shows(&[
        ("See [it][1].\n\n[1]: https://e.invalid/a", "See it (https://e.invalid/a)."),
        ("[https://e.invalid/a]\n\n[https://e.invalid/a]: https://e.invalid/a", "https://e.invalid/a"),
    ]);
    stays(&["`[//]: # (shown)`", "a [note]: not a definition"]);
    let two = visible("[//]: # (one)\n[//]: # (two)\n\na", Form::Markdown);
    assert_eq!((two.removed[0].count, two.removed[0].bytes), (2, 27));
}

#[test]
fn titles_and_alternative_texts() {
    hides(
        Channel::Title,
        &[
            "before [text](https://e.invalid 'xyzzy') after",
            "before [text](https://e.invalid \"xyzzy\") after",
            "before [text](https://e.invalid (xyzzy)) after",
            "before [text][r] after\n\n[r]: https://e.invalid 'xyzzy'",
            "before ![](https://e.invalid/a.png \"xyzzy\") after",
            "before <abbr title=\"xyzzy\">W</abbr> after",
        ],
    );
    hides(
        Channel::AltText,
        &[
            "before ![xyzzy](a.png) after",
            "before ![a [b [xyzzy] c] d](a.png) after",
            "before ![a *b **xyzzy***](a.png) after",
            "before ![a ![xyzzy](b.png)](a.png) after",
            "before ![`xyzzy`][r] after\n\n[r]: a.png",
            "before <img src=a.png alt=\"xyzzy\"> after",
            "<div>before <img/alt='xyzzy'/src=a> after</div>",
            "before [![xyzzy](a.png)](https://e.invalid) after",
        ],
    );
    shows(&[("before ![](a.png) after", "before [image] after")]);
}

#[test]
fn attributes() {
    hides(
        Channel::Attribute,
        &[
            "before <span id=\"xyzzy is long enough\">a</span> after",
            "before <q cite=\"xyzzy\">a</q> after",
            "before <a name='xyzzy two words'>a</a> after",
            "before <b data-x=xyzzy>a</b> after",
            "before <b xyzzy>a</b> after",
            "<div>before </b xyzzy> after <b aria-label='xyzzy'>a</b></div>",
            "<div summary=\"xyzzy\">\n\nbefore\n\n</div>\n\nafter",
            "before\n\n<div class=\"xyzzy\n\nxyzzy",
            "before <img src=a.png longdesc='xyzzy'> after",
        ],
    );
    hides(
        Channel::LinkTarget,
        &[
            "before [](https://e.invalid/xyzzy) after",
            "before [\u{200b}](https://e.invalid/xyzzy) after",
            "before [text](javascript:xyzzy) after",
            "before <a href='data:text/plain,xyzzy'>text</a> after",
        ],
    );
    shows(&[
        ("<p align=\"center\"><img src=\"a.png\" width=200></p>", "[image]"),
        ("<https://e.invalid/a>", "https://e.invalid/a"),
        ("[e.invalid](https://e.invalid/)", "e.invalid"),
        ("[a](<https://e.invalid/a b>)", "a (https://e.invalid/a%20b)"),
        ("[a](docs/x.md#part)", "a (docs/x.md#part)"),
        ("<ann@e.invalid>", "ann@e.invalid"),
        ("<picture><source media=\"(prefers-color-scheme: dark)\" srcset=b.png><img src=a.png></picture>", "[image]"),
        ("[**a** `b`](https://e.invalid/?q=1#f)", "**a** `b` (https://e.invalid/?q=1#f)"),
    ]);
}

#[test]
fn elements() {
    hides(
        Channel::HiddenElement,
        &[
            "before <template>xyzzy</template> after",
            "before <template><template>a</template>xyzzy</template> after",
            "before\n\n<script>\nif (a<b) { xyzzy }\n</script>\n\nafter",
            "before <style>/* xyzzy */</style> after",
            "<head><title>xyzzy</title></head>\n\nafter",
            "before <noscript>xyzzy</noscript> after",
            "before <span hidden>xyzzy</span> after",
            "before <div hidden=until-found>xyzzy <div>a</div> xyzzy</div> after",
            "<p hidden>xyzzy<p>after",
            "before <b style=\"Display : none\">xyzzy</b> after",
            "before <b style=\"color:red; visibility:hidden !important\">xyzzy</b> after",
            "before <ruby>a<rp>xyzzy</rp></ruby> after",
            "before <video><p>xyzzy</p></video> after",
            "<div hidden>\n\nxyzzy\n\n- xyzzy\n\n</div>\n\nafter",
            "<SCRIPT>xyzzy</sCript > after",
        ],
    );
    hides(Channel::UnknownElement, &["before <xyzzy>shown</xyzzy> after"]);
    hides(Channel::CodeInfo, &["before\n\n```rust xyzzy\nafter\n```", "~~~ {.xyzzy=\"xyzzy\"}\nafter\n~~~"]);
    hides(Channel::Footnote, &["before\n\n[^1]: xyzzy\n\nafter"]);
    hides(
        Channel::Math,
        &["before $a \\phantom{xyzzy {b}} c$ after", "```math\n% xyzzy\nbefore \\label{xyzzy} after\n```"],
    );
    stays(&["Costs $5, not 50%, and $10", "a[^1]\n\n[^1]: shown", "$a \\% b$"]);
    shows(&[
        ("The <kbd>Ctrl</kbd> key", "The Ctrl key"),
        ("a <b>bold</b> <i>word</i> <s>out</s>", "a **bold** *word* ~~out~~"),
        ("x<sub>2</sub> y", "x2 y"),
        ("a[^ignore-all]\n\n[^ignore-all]: shown", "a[^1]\n\n[^1]: shown"),
    ]);
}

#[test]
fn an_element_without_end_hides_no_task() {
    insta::assert_snapshot!(visible("Put it into <head> or <script> of the page.", Form::Markdown).text,
        @"Put it into [never closed: <head>] or [never closed: <script>] of the page.");
}

#[test]
fn characters() {
    let hides = |channel, texts: &[&str]| {
        for text in texts {
            let found = visible(text, Form::Markdown);
            assert_eq!(found.text, "ab", "{text:?}");
            assert_eq!(found.removed.iter().map(|removed| removed.channel).collect::<Vec<_>>(), [channel], "{text:?}");
        }
    };
    hides(Channel::TagCharacter, &["a\u{E0001}b", "a\u{E0049}\u{E0067}\u{E007F}b"]);
    hides(Channel::VariationSelector, &["a\u{FE0F}b", "a\u{FE00}\u{FE01}b", "a\u{E0110}\u{E0120}b"]);
    hides(Channel::ZeroWidth, &["a\u{200B}b", "a&#x200b;b", "a\u{200D}\u{200C}b", "a\u{2060}b", "a\u{FEFF}b"]);
    hides(Channel::Bidi, &["a\u{202E}b", "a\u{2066}b\u{2069}", "a\u{200F}b", "a\u{061C}b"]);
    hides(Channel::Filler, &["a\u{AD}b", "a&shy;b", "a\u{2063}b", "a\u{034F}b", "a\u{3164}b", "a\u{115F}b"]);
    hides(Channel::Control, &["a\u{1}b", "a\u{7f}b", "a\u{9b}b"]);
    hides(Channel::PrivateUse, &["a\u{E123}b", "a\u{F0000}b", "a\u{10FFFD}b"]);
    assert_eq!(channels("😀\u{E0101}\u{E0102}", Form::Markdown), [Channel::VariationSelector]);
    assert_eq!(channels("👩\u{200D}b", Form::Markdown), [Channel::ZeroWidth]);
    assert_eq!(channels("🏴\u{E0069}\u{E0067}\u{E006E}\u{E007F}", Form::Markdown), [Channel::TagCharacter]);
    stays(&[
        "❤\u{FE0F} 1\u{FE0F}\u{20E3} ☎\u{FE0E}",
        "👨\u{200D}👩\u{200D}👧\u{200D}👦 👩🏽\u{200D}💻 ❤\u{FE0F}\u{200D}🔥",
        "🏴\u{E0067}\u{E0062}\u{E0073}\u{E0063}\u{E0074}\u{E007F} 🇩🇪",
        "می\u{200C}خواهم",
        "क्\u{200D}ष र्\u{200C}क",
        "שלום עולם, مرحبا",
        "שלום!\u{200F}",
        "ភាសា\u{200B}ខ្មែរ",
        "ᠮᠣᠩ\u{180B}ᠭᠣᠯ",
        "各\u{3000}位",
        "аpple is written with a Cyrillic letter",
        "naïve e\u{301} Ω ≠",
    ]);
    shows(&[
        ("\u{FEFF}a", "a"),
        ("a\r\nb\rc", "a\nb\nc"),
        ("葛\u{E0100}城", "葛城"),
        ("a\u{A0}b\u{2009}c", "a b c"),
        ("&copy; &amp;lt; &#x41;", "© &lt; A"),
    ]);
}

#[test]
fn gaps_that_push_text_away() {
    let found = visible(&format!("a{}b", "<br>".repeat(60)), Form::Markdown);
    assert_eq!((found.text.as_str(), found.removed[0].channel), ("a\n\nb", Channel::Spacing));
    let found = visible(&format!("```\na{}b\n{}c\n```", " ".repeat(300), "\n".repeat(80)), Form::Markdown);
    assert_eq!(found.text, "```\na [300 blanks] b\n[80 blank lines]\nc\n```");
    let found = visible(&format!("a{}b", "&nbsp;".repeat(300)), Form::Markdown);
    assert_eq!(found.text, "a [300 blanks] b");
    stays(&["```\na\n\n\n\n        b      // c\n```"]);
}
