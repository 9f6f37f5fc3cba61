//! HTML to what is shown of it.
//!
//! Elements follow what GitHub's page shows: unknown elements lose their tags and keep their text. Where one reader sees
//! a text and another does not (the `hidden` attribute, an element that browsers do not draw), the text goes.

mod details;
mod hiding;
mod links;
mod names;

use std::collections::HashMap;

use html5gum::{DefaultEmitter, StartTag, State, Token, Tokenizer};

use super::page::{MARK, Page};
use super::removed::{Channel, Tally};
use details::Details;
use hiding::Hiding;
use links::Link;

/// Returns what is shown of `html`; what is not is added to `tally`.
pub(super) fn read(html: &str, tally: &mut Tally) -> (String, Vec<String>) {
    let mut reader = Reader::new(html, tally);
    let mut tokens = Tokenizer::new_with_emitter(html, DefaultEmitter::<usize>::new_with_span());
    let mut end = 0;
    while let Some(Ok(token)) = tokens.next() {
        match token {
            Token::StartTag(tag) => {
                end = tag.span.end;
                if let Some(state) = reader.start(&tag) {
                    tokens.set_state(state);
                }
            }
            Token::EndTag(tag) => {
                end = tag.span.end;
                let rest = html.get(tag.span.start + tag.name.len() + 2..end).unwrap_or_default();
                reader.tally.add(Channel::Attribute, rest.trim_end_matches('>').trim().len());
                reader.end(&String::from_utf8_lossy(&tag.name));
            }
            Token::String(text) => {
                end = end.max(text.span.end);
                reader.text(&String::from_utf8_lossy(&text.value));
            }
            Token::Comment(comment) => {
                end = comment.span.end;
                reader.tally.add(Channel::Comment, comment.value.len());
            }
            Token::Doctype(found) => {
                end = found.span.end;
                reader.tally.add(Channel::Comment, found.name.len());
            }
            Token::Error(_) => {}
        }
    }
    // What is left is a tag without an end.
    reader.tally.add(Channel::Attribute, html.len().saturating_sub(end));
    reader.finish()
}

struct Reader<'a> {
    html: &'a str,
    tally: &'a mut Tally,
    page: Page,
    /// Addresses of the pictures that are shown.
    pictures: Vec<String>,
    hiding: Option<Hiding>,
    link: Option<Link>,
    details: Vec<Details>,
    styles: HashMap<&'static str, usize>,
    /// Where the last end tag of each element stands; made when it is first asked for.
    last_ends: Option<HashMap<String, usize>>,
}

impl<'a> Reader<'a> {
    fn new(html: &'a str, tally: &'a mut Tally) -> Self {
        Self {
            html,
            tally,
            page: Page::default(),
            pictures: Vec::new(),
            hiding: None,
            link: None,
            details: Vec::new(),
            styles: HashMap::new(),
            last_ends: None,
        }
    }

    fn text(&mut self, text: &str) {
        if let Some(hiding) = &mut self.hiding {
            hiding.bytes += text.trim().len();
            return;
        }
        if !text.trim().is_empty() {
            self.tell_details();
        }
        if text.contains(MARK) {
            self.page.text(&text.replace(MARK, ""));
        } else {
            self.page.text(text);
        }
    }

    /// Takes a start tag; returns how the tokenizer shall read on where that is not as HTML.
    fn start(&mut self, tag: &StartTag<usize>) -> Option<State> {
        let name = String::from_utf8_lossy(&tag.name).into_owned();
        if let Some(hiding) = &mut self.hiding {
            // A paragraph ends where the next one begins.
            if hiding.name == name && name != "p" {
                hiding.depth += 1;
            }
            if hiding.name != name || name != "p" {
                return None;
            }
            self.stop_hiding();
        }
        self.count_attributes(tag, &name);
        if names::is_void(&name) {
            if !names::is_concealed(tag) {
                self.void(&name, tag);
            }
            return None;
        }
        if names::is_hiding(&name) || names::is_concealed(tag) {
            return self.hide(name, tag.span.end);
        }
        self.open(&name, tag);
        None
    }

    fn end(&mut self, name: &str) {
        if let Some(hiding) = &mut self.hiding {
            if hiding.name == name {
                hiding.depth -= 1;
                if hiding.depth == 0 {
                    self.stop_hiding();
                }
            }
            return;
        }
        if self.page.in_code_block() && names::is_block(name) {
            return self.page.text("\n");
        }
        match name {
            "summary" => self.end_summary(),
            "details" => self.end_details(),
            "blockquote" => self.page.close_quote(),
            "ul" | "ol" | "menu" | "dir" => self.page.close_list(),
            "li" => self.page.close_item(),
            "table" => self.page.close_table(),
            "tr" => self.page.close_row(),
            "td" | "th" => self.page.close_cell(),
            "a" => self.end_link(),
            "pre" => self.page.end_block(),
            "code" if !self.page.in_code_block() => self.page.close_code(),
            "q" => self.page.mark("\""),
            "rt" => self.page.mark(")"),
            // The parser makes an empty paragraph and a line break of these.
            "p" => self.page.end_block(),
            "br" => self.page.line_break(self.tally),
            _ if names::style(name).is_some() => self.end_style(name),
            _ if names::is_block(name) => self.page.end_block(),
            _ => {}
        }
    }

    fn open(&mut self, name: &str, tag: &StartTag<usize>) {
        if names::shows_itself(name) {
            self.tell_details();
        }
        if self.page.in_code_block() && names::is_block(name) {
            return self.page.text("\n");
        }
        match name {
            "details" => self.open_details(tag),
            "summary" => self.open_summary(),
            "blockquote" => self.page.open_quote(),
            "ul" | "menu" | "dir" => self.page.open_list(None),
            "ol" => {
                let first = attribute(tag, "start").and_then(|text| text.trim().parse().ok());
                self.page.open_list(Some(first.unwrap_or(1)));
            }
            "li" => self.page.open_item(),
            "table" => self.page.open_table(),
            "tr" => self.page.close_row(),
            "td" | "th" => self.page.open_cell(name == "th"),
            "a" => self.open_link(tag),
            "pre" => self.page.open_code(true),
            "code" => {
                let language = attribute(tag, "class").unwrap_or_default();
                match language.strip_prefix("language-").filter(|name| names::is_word(name)) {
                    Some(language) if self.page.in_code_block() => self.page.set_language(language),
                    _ => self.page.open_code(false),
                }
            }
            "q" => self.page.mark("\""),
            "rt" => self.page.mark(" ("),
            "dd" => {
                self.page.end_line();
                self.page.mark(": ");
            }
            _ => match (names::style(name), names::heading(name)) {
                (Some(sign), _) => {
                    *self.styles.entry(sign).or_default() += 1;
                    self.page.style(sign);
                }
                (_, Some(signs)) => {
                    self.page.end_block();
                    if !self.page.is_inline() {
                        self.page.mark(signs);
                    }
                }
                _ if names::is_block(name) => self.page.end_block(),
                _ => {}
            },
        }
    }

    fn void(&mut self, name: &str, tag: &StartTag<usize>) {
        match name {
            "br" => self.page.line_break(self.tally),
            "hr" => {
                self.page.end_block();
                self.page.mark("---");
                self.page.end_block();
            }
            "img" => {
                self.tell_details();
                self.page.mark("[image]");
                self.pictures.extend(attribute(tag, "src"));
            }
            "input" if attribute(tag, "type").is_some_and(|kind| kind.eq_ignore_ascii_case("checkbox")) => {
                self.page.mark(if attribute(tag, "checked").is_some() { "[x] " } else { "[ ] " });
            }
            _ => {}
        }
    }

    fn end_style(&mut self, name: &str) {
        let Some(sign) = names::style(name) else { return };
        if let Some(open) = self.styles.get_mut(sign).filter(|open| **open > 0) {
            *open -= 1;
            self.page.style(sign);
        }
    }

    fn finish(mut self) -> (String, Vec<String>) {
        self.stop_hiding();
        self.end_link();
        while !self.details.is_empty() {
            self.end_details();
        }
        (self.page.into_text(), self.pictures)
    }
}

fn attribute(tag: &StartTag<usize>, name: &str) -> Option<String> {
    tag.attributes.get(name.as_bytes()).map(|value| String::from_utf8_lossy(&value.value).into_owned())
}
