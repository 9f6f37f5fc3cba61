//! Finds the names in a syntax tree by the paths of its language.

use tree_sitter::{Language as Grammar, Node, Tree, TreeCursor};

use super::DefinitionKind;
use super::pattern::{self, Beside, Kinds, Path, Step};

/// The paths of a language, by the kind of node that ends them.
#[derive(Debug)]
pub(super) struct Paths {
    all: Vec<Path>,
    /// For each kind of node the paths that it may end.
    by_kind: Vec<Vec<usize>>,
    /// Those that any named node may end.
    of_any: Vec<usize>,
    /// For each kind of node whether a path asks for the fields of its children.
    asks_below: Vec<bool>,
}

/// A name that was found.
#[derive(Clone, Copy, Debug)]
pub(super) struct FoundName<'t> {
    /// Its node.
    pub(super) name: Node<'t>,
    /// What it is the name of, with the whole definition; `None` for a use.
    pub(super) defines: Option<(DefinitionKind, Node<'t>)>,
    /// The place of the pattern among those of the language.
    pub(super) pattern: usize,
}

/// A node on the way from the top.
struct Above<'t> {
    node: Node<'t>,
    kind: u16,
    field: Option<std::num::NonZeroU16>,
}

impl Paths {
    /// Reads the patterns of a language.
    ///
    /// # Errors
    /// As [`pattern::read`].
    pub(super) fn read(grammar: &Grammar, text: &str) -> Result<Self, String> {
        let all = pattern::read(grammar, text)?;
        let kinds = grammar.node_kind_count();
        let mut paths =
            Self { all, by_kind: vec![Vec::new(); kinds], of_any: Vec::new(), asks_below: vec![false; kinds] };
        for (place, path) in paths.all.iter().enumerate() {
            match &path.steps[0].kinds {
                Kinds::Any => paths.of_any.push(place),
                Kinds::Of(kinds) => kinds.iter().for_each(|kind| paths.by_kind[usize::from(*kind)].push(place)),
            }
            for (_, above) in path.steps.iter().zip(&path.steps[1..]).filter(|(step, _)| step.field.is_some()) {
                match &above.kinds {
                    Kinds::Any => paths.asks_below.fill(true),
                    Kinds::Of(kinds) => kinds.iter().for_each(|kind| paths.asks_below[usize::from(*kind)] = true),
                }
            }
        }
        Ok(paths)
    }

    /// Calls `found` for every name of `tree`, in the order of the text.
    pub(super) fn search<'t>(&self, tree: &'t Tree, text: &[u8], mut found: impl FnMut(FoundName<'t>)) {
        let mut cursor = tree.walk();
        let mut way: Vec<Above<'t>> = Vec::new();
        loop {
            let node = cursor.node();
            let kind = node.kind_id();
            let above = way.last().and_then(|above: &Above<'_>| self.asks_below.get(usize::from(above.kind)));
            way.push(Above { node, kind, field: if above == Some(&true) { cursor.field_id() } else { None } });
            let of_kind = self.by_kind.get(usize::from(kind)).map_or(&[][..], Vec::as_slice);
            for place in of_kind.iter().chain(&self.of_any) {
                if let Some(defines) = fits(&self.all[*place], &way, text) {
                    found(FoundName { name: node, defines, pattern: *place });
                }
            }
            if cursor.goto_first_child() {
                continue;
            }
            way.pop();
            while !cursor.goto_next_sibling() {
                if !cursor.goto_parent() {
                    return;
                }
                way.pop();
            }
        }
    }
}

/// Compares a path with the nodes down to its possible end.
fn fits<'t>(path: &Path, way: &[Above<'t>], text: &[u8]) -> Option<Option<(DefinitionKind, Node<'t>)>> {
    let from = way.len().checked_sub(path.steps.len())?;
    let steps = || path.steps.iter().zip(way[from..].iter().rev());
    // The kinds first: what stands beside a path is looked for where everything else fits.
    let is_of_kind = |(step, above): (&Step, &Above<'_>)| {
        is_one(&step.kinds, above.node, above.kind) && (step.field.is_none() || step.field == above.field)
    };
    let is_in_place = |(at, step): (usize, &Step)| {
        let place = way.len() - 1 - at;
        let above = place.checked_sub(1).map(|above| way[above].node);
        stands(step, way[place].node, above, text)
    };
    if !steps().all(is_of_kind) || !path.steps.iter().enumerate().all(is_in_place) {
        return None;
    }
    Some(path.defines.map(|(kind, above)| (kind, way[way.len() - 1 - above].node)))
}

fn is_one(kinds: &Kinds, node: Node<'_>, kind: u16) -> bool {
    match kinds {
        Kinds::Any => node.is_named(),
        Kinds::Of(kinds) => kinds.contains(&kind),
    }
}

/// Tells whether a node has the place and the children that a step asks for.
fn stands(step: &Step, node: Node<'_>, above: Option<Node<'_>>, text: &[u8]) -> bool {
    let is_child = |place: u32| above.and_then(|above| above.named_child(place)) == Some(node);
    let last = || above.map_or(0, |above| (above.named_child_count() as u32).saturating_sub(1));
    (!step.is_first || is_child(0))
        && (!step.is_last || is_child(last()))
        && (step.beside.is_empty() || has_all(&step.beside, &mut node.walk(), text))
}

fn has_all(beside: &[Beside], cursor: &mut TreeCursor<'_>, text: &[u8]) -> bool {
    let mut missing: Vec<&Beside> = beside.iter().collect();
    let mut is_child = cursor.goto_first_child();
    while is_child && !missing.is_empty() {
        let (node, field) = (cursor.node(), cursor.field_id());
        missing.retain(|one| {
            let is_it = is_one(&one.kinds, node, node.kind_id()) && (one.field.is_none() || one.field == field);
            let said = || node.utf8_text(text).is_ok_and(|said| one.texts.iter().any(|text| text == said));
            !(is_it && (one.texts.is_empty() || said()))
        });
        is_child = cursor.goto_next_sibling();
    }
    missing.is_empty()
}

#[cfg(test)]
#[path = "search_tests.rs"]
pub(super) mod tests;
