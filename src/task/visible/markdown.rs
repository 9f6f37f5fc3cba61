//! Markdown to the HTML that a forge would make of it, for [`super::html`] to read.
//!
//! Footnotes and task marks are written as text. Raw HTML is taken over as it stands, so that an element or a comment
//! that is opened in one place and closed in another hides what it would hide on the page.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Range;

use pulldown_cmark::{BlockQuoteKind, CodeBlockKind, CowStr, Event, LinkType, Options, Parser, Tag, TagEnd};

use super::math;
use super::removed::{Channel, Tally};

/// The longest name of a language that is shown behind a fence, in bytes.
const LONGEST_LANGUAGE: usize = 24;

/// Languages of code blocks that a forge draws as a picture (GitHub, "Creating diagrams").
const DRAWN: &[&str] = &["mermaid", "geojson", "topojson", "stl"];

/// Returns the HTML of `markdown`; what never gets into the HTML is added to `tally`.
pub(super) fn to_html(markdown: &str, tally: &mut Tally) -> String {
    let parser = Parser::new_ext(markdown, options());
    let definitions: Vec<(String, usize)> =
        parser.reference_definitions().iter().map(|(label, found)| (fold(label), found.span.len())).collect();
    let events: Vec<(Event<'_>, Range<usize>)> = parser.into_offset_iter().collect();
    count_definitions(markdown, &events, &definitions, tally);
    let mut writer = Writer {
        tally,
        html: String::with_capacity(markdown.len() + markdown.len() / 4),
        numbers: footnote_numbers(&events),
        notes: BTreeMap::new(),
        outer: Vec::new(),
        alt: None,
        code: None,
        cell: "td",
    };
    for (event, _) in events {
        writer.event(event);
    }
    writer.finish()
}

/// Returns what GitHub's Markdown has beyond CommonMark, as far as it changes what is shown.
pub(in crate::task) fn options() -> Options {
    Options::ENABLE_TABLES
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_MATH
        | Options::ENABLE_GFM
}

/// Counts link definitions that no link uses: they stand between the blocks and make no event.
fn count_definitions(
    text: &str,
    events: &[(Event<'_>, Range<usize>)],
    definitions: &[(String, usize)],
    tally: &mut Tally,
) {
    let used: BTreeSet<String> = events.iter().filter_map(|(event, _)| reference(event)).collect();
    let (mut bytes, mut count) = (0_usize, 0_usize);
    // Where the next block of each open container may begin; `None` inside blocks that hold no blocks.
    let mut open: Vec<Option<usize>> = vec![Some(0)];
    for (event, range) in events {
        match event {
            Event::Start(tag) => {
                if let Some(Some(from)) = open.last() {
                    let found = definitions_in(text.get(*from..range.start).unwrap_or_default());
                    (bytes, count) = (bytes + found.0, count + found.1);
                }
                let holds_blocks = matches!(tag, Tag::BlockQuote(_) | Tag::Item | Tag::List(_));
                open.push(holds_blocks.then_some(range.start));
            }
            Event::End(_) => {
                if let Some(Some(from)) = open.pop() {
                    let found = definitions_in(text.get(from..range.end).unwrap_or_default());
                    (bytes, count) = (bytes + found.0, count + found.1);
                }
                if let Some(Some(from)) = open.last_mut() {
                    *from = range.end;
                }
            }
            _ => {}
        }
    }
    if let Some(Some(from)) = open.last() {
        let found = definitions_in(text.get(*from..).unwrap_or_default());
        (bytes, count) = (bytes + found.0, count + found.1);
    }
    for (_, length) in definitions.iter().filter(|(label, _)| used.contains(label)) {
        (bytes, count) = (bytes.saturating_sub(*length), count.saturating_sub(1));
    }
    if count > 0 {
        tally.add_many(Channel::LinkDefinition, bytes, count);
    }
}

/// Returns bytes and number of the link definitions in what lies between two blocks.
fn definitions_in(gap: &str) -> (usize, usize) {
    let count = gap.matches("]:").count();
    match gap.find('[') {
        Some(start) if count > 0 => (gap[start..].trim_end().len(), count),
        _ => (0, 0),
    }
}

/// Returns the definition that a link or picture refers to.
fn reference(event: &Event<'_>) -> Option<String> {
    let Event::Start(Tag::Link { link_type, id, .. } | Tag::Image { link_type, id, .. }) = event else { return None };
    matches!(link_type, LinkType::Reference | LinkType::Collapsed | LinkType::Shortcut).then(|| fold(id))
}

fn fold(label: &str) -> String {
    label.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

/// Numbers the footnotes in the order in which they are first referred to, as the page does.
fn footnote_numbers<'a>(events: &[(Event<'a>, Range<usize>)]) -> HashMap<CowStr<'a>, usize> {
    let mut numbers = HashMap::new();
    for (event, _) in events {
        if let Event::FootnoteReference(label) = event {
            let next = numbers.len() + 1;
            numbers.entry(label.clone()).or_insert(next);
        }
    }
    numbers
}

struct Writer<'a, 't> {
    tally: &'t mut Tally,
    html: String,
    numbers: HashMap<CowStr<'a>, usize>,
    /// Footnotes by number; they are shown below everything else.
    notes: BTreeMap<usize, String>,
    /// What is being written around an open footnote, with the footnote's number.
    outer: Vec<(String, Option<usize>)>,
    /// The text that would stand in the place of a picture, while one is open, with the number of open pictures.
    alt: Option<(String, usize)>,
    /// The language and text of an open code block.
    code: Option<(String, String)>,
    cell: &'static str,
}

impl<'a> Writer<'a, '_> {
    fn event(&mut self, event: Event<'a>) {
        if self.alt.is_some() {
            return self.inside_picture(event);
        }
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(end) => self.end(end),
            Event::Text(text) => match &mut self.code {
                Some((_, code)) => code.push_str(&text),
                None => escape(&text, &mut self.html),
            },
            Event::Code(text) => self.wrapped("code", &text),
            Event::InlineMath(tex) => self.formula(&tex, "$"),
            Event::DisplayMath(tex) => self.formula(&tex, "$$"),
            Event::Html(html) | Event::InlineHtml(html) => self.html.push_str(&html),
            Event::FootnoteReference(label) => {
                let number = self.numbers.get(&label).copied().unwrap_or_default();
                self.html.push_str(&format!("[^{number}]"));
            }
            Event::SoftBreak | Event::HardBreak => self.html.push_str("<br>"),
            Event::Rule => self.html.push_str("<hr>"),
            Event::TaskListMarker(done) => self.html.push_str(if done { "[x] " } else { "[ ] " }),
        }
    }

    fn start(&mut self, tag: Tag<'a>) {
        match tag {
            Tag::Heading { level, .. } => self.html.push_str(&format!("<{level}>")),
            Tag::BlockQuote(kind) => {
                self.html.push_str("<blockquote>");
                if let Some(kind) = kind {
                    self.html.push_str(&format!("<p>[!{}]</p>", alert(kind)));
                }
            }
            Tag::CodeBlock(kind) => self.code = Some((self.language(&kind), String::new())),
            Tag::List(Some(first)) => self.html.push_str(&format!("<ol start=\"{first}\">")),
            Tag::FootnoteDefinition(label) => {
                let number = self.numbers.get(&label).copied();
                self.outer.push((std::mem::take(&mut self.html), number));
            }
            Tag::TableHead => {
                self.cell = "th";
                self.html.push_str("<tr>");
            }
            Tag::Link { dest_url, title, link_type, .. } => {
                let mail = if link_type == LinkType::Email { "mailto:" } else { "" };
                self.html.push_str(&format!("<a href=\"{mail}"));
                escape(&dest_url, &mut self.html);
                self.html.push_str("\" title=\"");
                escape(&title, &mut self.html);
                self.html.push_str("\">");
            }
            Tag::Image { title, dest_url, .. } => {
                self.html.push_str("<img src=\"");
                escape(&dest_url, &mut self.html);
                self.html.push_str("\" title=\"");
                escape(&title, &mut self.html);
                self.alt = Some((String::new(), 1));
            }
            Tag::HtmlBlock => {}
            other => self.tag("<", other.to_end()),
        }
    }

    fn end(&mut self, end: TagEnd) {
        match end {
            TagEnd::CodeBlock => self.code_block(),
            TagEnd::FootnoteDefinition => self.close_footnote(),
            TagEnd::TableHead => {
                self.cell = "td";
                self.html.push_str("</tr>");
            }
            TagEnd::HtmlBlock => {}
            end => self.tag("</", end),
        }
    }

    fn tag(&mut self, open: &str, end: TagEnd) {
        let name = match end {
            TagEnd::Paragraph => "p",
            TagEnd::Heading(level) => return self.html.push_str(&format!("{open}{level}>")),
            TagEnd::BlockQuote(_) => "blockquote",
            TagEnd::List(ordered) => {
                if ordered {
                    "ol"
                } else {
                    "ul"
                }
            }
            TagEnd::Item => "li",
            TagEnd::Table => "table",
            TagEnd::TableRow => "tr",
            TagEnd::TableCell => self.cell,
            TagEnd::Emphasis => "em",
            TagEnd::Strong => "strong",
            TagEnd::Strikethrough => "del",
            TagEnd::Link => "a",
            _ => return,
        };
        self.html.push_str(&format!("{open}{name}>"));
    }

    /// Inside a picture everything becomes the text that stands in its place.
    fn inside_picture(&mut self, event: Event<'a>) {
        let Some((alt, depth)) = &mut self.alt else { return };
        match event {
            Event::Text(text) | Event::Code(text) | Event::InlineMath(text) | Event::DisplayMath(text) => {
                alt.push_str(&text);
            }
            Event::SoftBreak | Event::HardBreak => alt.push(' '),
            Event::InlineHtml(html) => self.tally.add(Channel::AltText, html.len()),
            Event::Start(Tag::Image { title, .. }) => {
                alt.push_str(&title);
                *depth += 1;
            }
            Event::End(TagEnd::Image) => *depth -= 1,
            _ => {}
        }
        if let Some((alt, _)) = self.alt.take_if(|(_, depth)| *depth == 0) {
            self.html.push_str("\" alt=\"");
            escape(&alt, &mut self.html);
            self.html.push_str("\">");
        }
    }

    fn language(&mut self, kind: &CodeBlockKind<'a>) -> String {
        let CodeBlockKind::Fenced(info) = kind else { return String::new() };
        let first = info.split_whitespace().next().unwrap_or_default();
        let named = first.len() <= LONGEST_LANGUAGE
            && first.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '#' | '-' | '_' | '.'));
        let shown = if named { first } else { "" };
        self.tally.add(Channel::CodeInfo, info.trim().len() - shown.len());
        shown.to_owned()
    }

    fn code_block(&mut self) {
        let Some((language, mut code)) = self.code.take() else { return };
        match language.as_str() {
            "math" => code = math::formula(&code, self.tally),
            "mermaid" => code = math::diagram(&code, self.tally),
            _ => {}
        }
        if DRAWN.contains(&language.as_str()) {
            self.html.push_str("<p>[drawn as a picture from this source:]</p>");
        }
        // HTML drops one line end behind `<pre>`; without one here it would be the code's own.
        self.html.push_str(&format!("<pre>\n<code class=\"language-{language}\">"));
        escape(&code, &mut self.html);
        self.html.push_str("</code></pre>");
    }

    fn formula(&mut self, tex: &str, sign: &str) {
        let shown = math::formula(tex, self.tally);
        self.html.push_str(sign);
        escape(&shown, &mut self.html);
        self.html.push_str(sign);
    }

    fn wrapped(&mut self, name: &str, text: &str) {
        self.html.push_str(&format!("<{name}>"));
        escape(text, &mut self.html);
        self.html.push_str(&format!("</{name}>"));
    }

    fn close_footnote(&mut self) {
        let Some((outer, number)) = self.outer.pop() else { return };
        let note = std::mem::replace(&mut self.html, outer);
        match number {
            Some(number) => {
                self.notes.entry(number).or_insert(note);
            }
            None => self.tally.add(Channel::Footnote, note.len()),
        }
    }

    fn finish(mut self) -> String {
        for (number, note) in &self.notes {
            let body = note.strip_prefix("<p>");
            let (open, body) = body.map_or(("</p>", note.as_str()), |body| ("", body));
            self.html.push_str(&format!("<p>[^{number}]: {open}{body}"));
        }
        self.html
    }
}

fn alert(kind: BlockQuoteKind) -> &'static str {
    match kind {
        BlockQuoteKind::Note => "NOTE",
        BlockQuoteKind::Tip => "TIP",
        BlockQuoteKind::Important => "IMPORTANT",
        BlockQuoteKind::Warning => "WARNING",
        BlockQuoteKind::Caution => "CAUTION",
    }
}

fn escape(text: &str, html: &mut String) {
    for c in text.chars() {
        match c {
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '&' => html.push_str("&amp;"),
            '"' => html.push_str("&quot;"),
            _ => html.push(c),
        }
    }
}
