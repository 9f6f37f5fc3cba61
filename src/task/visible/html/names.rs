//! Which elements and attributes of HTML show what (WHATWG HTML, "Rendering", and GitHub's list of allowed elements).

use std::collections::HashMap;

use html5gum::StartTag;

/// Attributes that shape the page; their short values are no text.
const LAYOUT: &[&str] = &[
    "align",
    "border",
    "bgcolor",
    "cellpadding",
    "cellspacing",
    "checked",
    "class",
    "colspan",
    "color",
    "dir",
    "disabled",
    "height",
    "hidden",
    "href",
    "id",
    "lang",
    "loading",
    "media",
    "name",
    "open",
    "rel",
    "rowspan",
    "scope",
    "size",
    "sizes",
    "span",
    "src",
    "srcset",
    "start",
    "style",
    "target",
    "type",
    "valign",
    "value",
    "width",
];

/// The longest value of an attribute of [`LAYOUT`] that is no text, in bytes.
const LONGEST_LAYOUT: usize = 32;

/// Elements whose inside browsers do not draw.
const HIDING: &[&str] = &[
    "audio", "canvas", "datalist", "head", "iframe", "noembed", "noframes", "noscript", "object", "rp", "script",
    "style", "template", "title", "video",
];

const VOID: &[&str] = &[
    "area", "base", "basefont", "bgsound", "br", "col", "embed", "frame", "hr", "img", "input", "keygen", "link",
    "meta", "param", "source", "track", "wbr",
];

const BLOCKS: &[&str] = &[
    "address",
    "article",
    "aside",
    "body",
    "caption",
    "center",
    "dd",
    "dialog",
    "div",
    "dl",
    "dt",
    "fieldset",
    "figcaption",
    "figure",
    "footer",
    "form",
    "header",
    "hgroup",
    "html",
    "legend",
    "main",
    "nav",
    "p",
    "section",
    "tbody",
    "tfoot",
    "thead",
];

const INLINE: &[&str] = &[
    "abbr",
    "acronym",
    "bdi",
    "bdo",
    "big",
    "button",
    "cite",
    "colgroup",
    "data",
    "dfn",
    "font",
    "ins",
    "kbd",
    "label",
    "map",
    "mark",
    "math",
    "meter",
    "nobr",
    "optgroup",
    "option",
    "output",
    "picture",
    "plaintext",
    "progress",
    "ruby",
    "samp",
    "search",
    "select",
    "slot",
    "small",
    "span",
    "sub",
    "sup",
    "svg",
    "textarea",
    "time",
    "tt",
    "u",
    "var",
    "xmp",
];

const WITH_MEANING: &[&str] = &[
    "a",
    "blockquote",
    "code",
    "details",
    "dir",
    "li",
    "menu",
    "ol",
    "pre",
    "q",
    "rt",
    "summary",
    "table",
    "td",
    "th",
    "tr",
    "ul",
];

/// Schemes that GitHub's page links to; a target without a scheme is a place on the same site.
const LINKED: &[&str] = &["http", "https", "mailto", "ftp", "ftps", "irc", "ircs", "xmpp", "tel", "ssh", "git"];

pub(super) fn is_void(name: &str) -> bool {
    VOID.contains(&name)
}

pub(super) fn is_hiding(name: &str) -> bool {
    HIDING.contains(&name)
}

pub(super) fn is_block(name: &str) -> bool {
    BLOCKS.contains(&name) || heading(name).is_some()
}

pub(super) fn is_known(name: &str) -> bool {
    [VOID, HIDING, BLOCKS, INLINE, WITH_MEANING].iter().any(|names| names.contains(&name))
        || heading(name).is_some()
        || style(name).is_some()
}

/// Tells elements that put something on the page by themselves.
pub(super) fn shows_itself(name: &str) -> bool {
    matches!(name, "li" | "table" | "pre" | "q")
}

/// Returns the Markdown sign of a style.
pub(super) fn style(name: &str) -> Option<&'static str> {
    Some(match name {
        "b" | "strong" => "**",
        "i" | "em" => "*",
        "del" | "s" | "strike" => "~~",
        _ => return None,
    })
}

/// Returns the Markdown signs before a heading.
pub(super) fn heading(name: &str) -> Option<&'static str> {
    Some(match name {
        "h1" => "# ",
        "h2" => "## ",
        "h3" => "### ",
        "h4" => "#### ",
        "h5" => "##### ",
        "h6" => "###### ",
        _ => return None,
    })
}

/// Tells an element that its attributes keep from being drawn.
pub(super) fn is_concealed(tag: &StartTag<usize>) -> bool {
    if tag.attributes.contains_key(b"hidden".as_slice()) {
        return true;
    }
    let Some(style) = tag.attributes.get(b"style".as_slice()) else { return false };
    let style: String = String::from_utf8_lossy(&style.value).split_whitespace().collect::<String>().to_lowercase();
    let has = |rule: &str| style.split(';').any(|part| part == rule || part.strip_prefix(rule) == Some("!important"));
    let unseen = ["display:none", "visibility:hidden", "visibility:collapse", "opacity:0", "opacity:0.0"];
    unseen.iter().any(|rule| has(rule))
        || style.contains("font-size:0;")
        || style.ends_with("font-size:0")
        || style.contains("font-size:0p")
}

/// Tells an attribute that shapes the page and says nothing.
pub(super) fn is_layout(name: &str, value: &str) -> bool {
    let is_picture = matches!(name, "src" | "srcset");
    let is_short = value.len() <= LONGEST_LAYOUT && !value.contains(char::is_whitespace);
    let is_rule = matches!(name, "style" | "class" | "media" | "sizes") && value.len() <= 2 * LONGEST_LAYOUT;
    value.is_empty() && LAYOUT.contains(&name) || is_picture || is_rule || (is_short && LAYOUT.contains(&name))
}

/// Tells the short name of a language.
pub(super) fn is_word(name: &str) -> bool {
    name.len() <= 24 && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '#' | '-' | '_' | '.'))
}

/// Tells a target that the page links to.
pub(super) fn is_linked(target: &str) -> bool {
    let target = target.trim();
    let Some((scheme, _)) = target.split_once(':') else { return true };
    scheme.contains(['/', '?', '#']) || LINKED.iter().any(|known| scheme.eq_ignore_ascii_case(known))
}

/// Returns an address as people write it, to compare the text of a link with its target.
pub(super) fn bare(address: &str) -> String {
    let lower = address.trim().to_lowercase();
    let bare =
        ["https://", "http://", "mailto:"].iter().find_map(|scheme| lower.strip_prefix(scheme)).unwrap_or(&lower);
    bare.trim_end_matches('/').to_owned()
}

/// Returns where the last end tag of each element begins.
pub(super) fn last_ends(html: &str) -> HashMap<String, usize> {
    let mut ends = HashMap::new();
    for (at, _) in html.match_indices("</") {
        let rest = &html[at + 2..];
        let end = rest.find(['>', '/', '<', ' ', '\t', '\n', '\r', '\u{c}']).unwrap_or(0);
        ends.insert(rest[..end].to_ascii_lowercase(), at);
    }
    ends
}
