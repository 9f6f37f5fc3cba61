//! The patterns in `queries/`, read into paths that end at a name.
//!
//! They are written in tree-sitter's query language, of which they use little: nodes with fields, alternatives of kinds, anchors
//! at the first and the last place, captures, and conditions on a text (`#eq?`, `#any-of?`). Every pattern is a path down to one
//! captured name, with conditions on the children beside it. The library compiles them anew in every
//! process, those of Python with 130 million instructions; a path is compared upwards from the nodes that may end it, and only there.

use std::num::NonZeroU16;

use tree_sitter::Language as Grammar;

use super::DefinitionKind;
use super::definitions::{Role, role};

/// The kinds that a node may have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kinds {
    /// Any named one.
    Any,
    /// One of these.
    Of(Vec<u16>),
}

/// One node of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) kinds: Kinds,
    /// Its field in the node above it, where that matters.
    pub(super) field: Option<NonZeroU16>,
    /// Whether it must be the first or the last named child.
    pub(super) is_first: bool,
    pub(super) is_last: bool,
    /// Children that must be there beside the path.
    pub(super) beside: Vec<Beside>,
}

/// A child that must be there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Beside {
    pub(super) kinds: Kinds,
    pub(super) field: Option<NonZeroU16>,
    /// The texts that it may have; any when there are none.
    pub(super) texts: Vec<String>,
}

/// A pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Path {
    /// From the name up.
    pub(super) steps: Vec<Step>,
    /// What is defined, and how many steps above the name; `None` for a use.
    pub(super) defines: Option<(DefinitionKind, usize)>,
}

/// Reads all patterns of a text, in their order.
///
/// # Errors
/// What cannot be read, or does not exist in the grammar.
pub(super) fn read(grammar: &Grammar, text: &str) -> Result<Vec<Path>, String> {
    let mut reader = Reader { grammar, words: words(text), at: 0, texts: Vec::new() };
    let mut paths = Vec::new();
    while reader.at < reader.words.len() {
        reader.texts.clear();
        let node = reader.node()?;
        paths.push(path_of(&node, &reader.texts)?);
    }
    Ok(paths)
}

/// Cuts a text into brackets, strings with their first quote, and words.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let end = match first {
            '(' | ')' | '[' | ']' => 1,
            '"' => rest[1..].find('"').map_or(rest.len(), |at| at + 2),
            _ => rest.find(|c: char| c.is_whitespace() || "()[]\"".contains(c)).unwrap_or(rest.len()),
        };
        words.push(rest[..end].trim_end_matches(|c| first == '"' && c == '"').to_owned());
        rest = rest[end..].trim_start();
    }
    words
}

/// A node as it is written.
struct Written {
    kinds: Kinds,
    field: Option<NonZeroU16>,
    is_first: bool,
    is_last: bool,
    children: Vec<Written>,
    captures: Vec<String>,
}

struct Reader<'g> {
    grammar: &'g Grammar,
    words: Vec<String>,
    at: usize,
    /// Captures with the texts that they may have, of the pattern that is read.
    texts: Vec<(String, Vec<String>)>,
}

impl Reader<'_> {
    fn next(&mut self) -> Result<String, String> {
        let word = self.words.get(self.at).cloned().ok_or("the text ends within a pattern")?;
        self.at += 1;
        Ok(word)
    }

    fn peek(&self) -> &str {
        self.words.get(self.at).map_or("", String::as_str)
    }

    /// Reads `(kind ...)`, `[(kind) ...]` or `"text"`, with the captures behind it.
    fn node(&mut self) -> Result<Written, String> {
        let mut node = Written {
            kinds: Kinds::Any,
            field: None,
            is_first: false,
            is_last: false,
            children: Vec::new(),
            captures: Vec::new(),
        };
        match self.next()?.as_str() {
            "(" if self.peek() == "(" => {
                // A group: a pattern with its conditions.
                node = self.node()?;
                self.children(&mut node)?;
            }
            "(" => {
                let kind = self.next()?;
                if kind != "_" {
                    node.kinds = Kinds::Of(vec![self.kind(&kind, true)?]);
                }
                self.children(&mut node)?;
            }
            "[" => {
                let mut kinds = Vec::new();
                while self.peek() != "]" {
                    let one = self.node()?;
                    match one.kinds {
                        Kinds::Of(more) if one.children.is_empty() && one.captures.is_empty() => kinds.extend(more),
                        _ => return Err("alternatives are kinds alone".to_owned()),
                    }
                }
                self.at += 1;
                node.kinds = Kinds::Of(kinds);
            }
            word => {
                let text = word.strip_prefix('"').ok_or_else(|| format!("{word:?} is no node"))?;
                node.kinds = Kinds::Of(vec![self.kind(text, false)?]);
            }
        }
        while let Some(capture) = self.peek().strip_prefix('@') {
            node.captures.push(capture.to_owned());
            self.at += 1;
        }
        Ok(node)
    }

    /// Reads what stands in a node, up to its closing bracket.
    fn children(&mut self, node: &mut Written) -> Result<(), String> {
        let (mut field, mut is_first) = (None, false);
        loop {
            match self.peek() {
                ")" => {
                    self.at += 1;
                    return Ok(());
                }
                "." => {
                    self.at += 1;
                    match node.children.last_mut() {
                        Some(last) if self.peek() == ")" => last.is_last = true,
                        None => is_first = true,
                        Some(_) => return Err("an anchor stands at the first or the last place".to_owned()),
                    }
                }
                "(" if self.words.get(self.at + 1).is_some_and(|word| word.starts_with('#')) => self.condition()?,
                word => {
                    if let Some(name) = word.strip_suffix(':') {
                        let known = self.grammar.field_id_for_name(name);
                        field = Some(known.ok_or_else(|| format!("there is no field {name}"))?);
                        self.at += 1;
                    }
                    let child = self.node()?;
                    node.children.push(Written {
                        field: field.take(),
                        is_first: std::mem::take(&mut is_first),
                        ..child
                    });
                }
            }
        }
    }

    /// Reads `(#eq? @capture "text")` or `(#any-of? @capture "text" ...)`.
    fn condition(&mut self) -> Result<(), String> {
        self.at += 1;
        let name = self.next()?;
        if !["#eq?", "#any-of?"].contains(&name.as_str()) {
            return Err(format!("the condition {name} is not known"));
        }
        let capture = self.next()?;
        let capture = capture.strip_prefix('@').ok_or("a condition is on a capture")?.to_owned();
        let mut texts = Vec::new();
        while self.peek() != ")" {
            let word = self.next()?;
            let text = word.strip_prefix('"').ok_or("a condition holds a capture against texts")?;
            texts.push(text.to_owned());
        }
        self.at += 1;
        self.texts.push((capture, texts));
        Ok(())
    }

    fn kind(&self, name: &str, is_named: bool) -> Result<u16, String> {
        match self.grammar.id_for_node_kind(name, is_named) {
            0 => Err(format!("there is no node {name}")),
            id => Ok(id),
        }
    }
}

fn path_of(root: &Written, texts: &[(String, Vec<String>)]) -> Result<Path, String> {
    let is_end = |node: &Written| node.captures.iter().any(|name| matches!(role(name), Role::Name | Role::Use));
    let (mut steps, mut whole, mut node) = (Vec::new(), None, root);
    loop {
        if let Some(kind) = node.captures.iter().find_map(|name| match role(name) {
            Role::Whole(kind) => Some(kind),
            _ => None,
        }) {
            whole = Some((kind, steps.len()));
        }
        let next = if is_end(node) { None } else { node.children.iter().position(|child| leads(child, &is_end)) };
        let mut beside = Vec::new();
        for (_, child) in node.children.iter().enumerate().filter(|(place, _)| Some(*place) != next) {
            beside.push(beside_of(child, texts)?);
        }
        let Written { kinds, field, is_first, is_last, .. } = node;
        steps.push(Step { kinds: kinds.clone(), field: *field, is_first: *is_first, is_last: *is_last, beside });
        match next {
            Some(place) => node = &node.children[place],
            None if is_end(node) => break,
            None => return Err("a pattern has one capture name or reference".to_owned()),
        }
    }
    let is_use = node.captures.iter().any(|name| role(name) == Role::Use);
    if is_use == whole.is_some() {
        return Err("a definition has a capture for the whole, a use has none".to_owned());
    }
    let above = steps.len() - 1;
    steps.reverse();
    Ok(Path { steps, defines: whole.map(|(kind, depth)| (kind, above - depth)) })
}

/// Tells whether the path goes through a node.
fn leads(node: &Written, is_end: &dyn Fn(&Written) -> bool) -> bool {
    is_end(node) || node.children.iter().any(|child| leads(child, is_end))
}

fn beside_of(node: &Written, texts: &[(String, Vec<String>)]) -> Result<Beside, String> {
    if !node.children.is_empty() || node.is_first || node.is_last {
        return Err("what stands beside a path is one node".to_owned());
    }
    let texts = texts.iter().filter(|(name, _)| node.captures.contains(name)).flat_map(|(_, texts)| texts.clone());
    Ok(Beside { kinds: node.kinds.clone(), field: node.field, texts: texts.collect() })
}
