//! The grammars, and the patterns of names, read once a language and only for languages that are met.

use std::ops::ControlFlow;
use std::sync::OnceLock;

use sha2::{Digest, Sha256};
use tree_sitter::{Node, ParseOptions, Parser, Tree};

use super::search::Paths;
use super::{Language, MAX_PARSED_BYTES};

/// Steps of the parser (a hundred operations each) that every text may take, and bytes for one further step.
///
/// Of 4,500 files in eight languages the most demanding took a step for 30 bytes, of 15 microseconds; crafted text takes
/// more steps, and up to 600 microseconds for each.
const FREE_STEPS: usize = 500;
const BYTES_A_STEP: usize = 20;
/// Longer texts are not parsed in [`FRAGILE`] languages, in bytes: crafted ones take time with the square of the length there
/// (recovery from errors, open tags, open brackets), some five seconds for this.
const MAX_FRAGILE_BYTES: usize = 64 * 1024;
/// The languages for which that was seen.
const FRAGILE: [Language; 4] = [Language::Bash, Language::Html, Language::Scala, Language::Swift];
/// The most that lines of comments in a row may cost in Python, in bytes read: its scanner looks through all that follow
/// at the end of each, without counting a step.
const MAX_COMMENT_BYTES_READ: usize = 50_000_000;
/// Parses `text`; `None` when it is longer than [`MAX_PARSED_BYTES`] or costs far more than ordinary code.
pub(super) fn parse(language: Language, text: &str) -> Option<Tree> {
    let is_costly = match language {
        Language::Python => comment_bytes_read(text) > MAX_COMMENT_BYTES_READ,
        _ => FRAGILE.contains(&language) && text.len() > MAX_FRAGILE_BYTES,
    };
    if text.len() > MAX_PARSED_BYTES || is_costly {
        return None;
    }
    let mut parser = Parser::new();
    parser.set_language(&grammar(language)).ok()?;
    let bytes = text.as_bytes();
    let mut steps_left = FREE_STEPS + bytes.len() / BYTES_A_STEP;
    let mut count = |_: &tree_sitter::ParseState| {
        steps_left = steps_left.saturating_sub(1);
        if steps_left == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let options = ParseOptions::new().progress_callback(&mut count);
    parser.parse_with_options(&mut |at, _| bytes.get(at..).unwrap_or_default(), None, Some(options))
}

/// Calls `visit` for every node that is or holds an error, in the order of the text, until it returns false.
pub(super) fn each_faulty(tree: &Tree, mut visit: impl FnMut(Node<'_>) -> bool) {
    let mut cursor = tree.walk();
    loop {
        let node = cursor.node();
        if (node.has_error() || node.is_missing()) && !visit(node) {
            return;
        }
        if node.has_error() && cursor.goto_first_child() {
            continue;
        }
        while !cursor.goto_next_sibling() {
            if !cursor.goto_parent() {
                return;
            }
        }
    }
}

/// Sums, over the stretches of lines that are comments or blank, the bytes that are read when every line looks at all
/// lines behind it.
fn comment_bytes_read(text: &str) -> usize {
    let (mut sum, mut lines, mut bytes) = (0_usize, 0_usize, 0_usize);
    for line in text.lines() {
        let rest = line.trim_start();
        if rest.is_empty() || rest.starts_with('#') {
            lines += 1;
            bytes += line.len() + 1;
        } else {
            sum = sum.saturating_add(lines.saturating_mul(bytes) / 2);
            (lines, bytes) = (0, 0);
        }
    }
    sum.saturating_add(lines.saturating_mul(bytes) / 2)
}

/// Changes whenever the code in this module finds other names with the same grammar and patterns.
const RULES: u64 = 3;

impl Language {
    /// Returns a number that changes whenever other names may be found in a text: with the grammar, the patterns, and the
    /// rules of this module.
    pub fn version(self) -> u64 {
        static VERSIONS: [OnceLock<u64>; Language::ALL.len()] = [const { OnceLock::new() }; Language::ALL.len()];
        *VERSIONS[self as usize].get_or_init(|| {
            let grammar = grammar(self);
            let shape =
                [grammar.abi_version(), grammar.node_kind_count(), grammar.parse_state_count(), grammar.field_count()];
            let mut hash = Sha256::new_with_prefix(RULES.to_le_bytes());
            shape.iter().for_each(|number| hash.update(number.to_le_bytes()));
            if let Some(release) = grammar.metadata() {
                hash.update([release.major_version, release.minor_version, release.patch_version]);
            }
            let (definitions, references) = sources(self);
            hash.update(definitions);
            hash.update(references);
            hash.finalize().iter().take(8).fold(0, |number, byte| (number << 8) | u64::from(*byte))
        })
    }
}

/// Returns the paths to the names of a language, definitions and uses in one: whoever searches twice pays twice.
///
/// A definition has one capture `name`, and one for the whole, named for the kind; a use has one, `reference`. Captures that
/// begin with `_` only serve conditions. Patterns that cannot be read (a test prevents it) cost one language its names and
/// nothing else.
pub(super) fn paths(language: Language) -> Option<&'static Paths> {
    static READ: [OnceLock<Option<Paths>>; Language::ALL.len()] = [const { OnceLock::new() }; Language::ALL.len()];
    let read = || Paths::read(&grammar(language), &patterns(language)).ok();
    READ[language as usize].get_or_init(read).as_ref()
}

/// Returns the patterns of a language, those for definitions first.
pub(super) fn patterns(language: Language) -> String {
    let (definitions, references) = sources(language);
    format!("{definitions}\n{references}")
}

pub(super) fn grammar(language: Language) -> tree_sitter::Language {
    match language {
        Language::Rust => tree_sitter_rust::LANGUAGE,
        Language::Python => tree_sitter_python::LANGUAGE,
        Language::JavaScript => tree_sitter_javascript::LANGUAGE,
        Language::TypeScript => tree_sitter_typescript::LANGUAGE_TYPESCRIPT,
        Language::Tsx => tree_sitter_typescript::LANGUAGE_TSX,
        Language::Go => tree_sitter_go::LANGUAGE,
        Language::Java => tree_sitter_java::LANGUAGE,
        Language::C => tree_sitter_c::LANGUAGE,
        Language::Cpp => tree_sitter_cpp::LANGUAGE,
        Language::Ruby => tree_sitter_ruby::LANGUAGE,
        Language::CSharp => tree_sitter_c_sharp::LANGUAGE,
        Language::Php => tree_sitter_php::LANGUAGE_PHP,
        Language::Bash => tree_sitter_bash::LANGUAGE,
        Language::Kotlin => tree_sitter_kotlin_ng::LANGUAGE,
        Language::Swift => tree_sitter_swift::LANGUAGE,
        Language::Scala => tree_sitter_scala::LANGUAGE,
        Language::Html => tree_sitter_html::LANGUAGE,
        Language::Css => tree_sitter_css::LANGUAGE,
        Language::Json => tree_sitter_json::LANGUAGE,
        Language::Yaml => tree_sitter_yaml::LANGUAGE,
        Language::Toml => tree_sitter_toml_ng::LANGUAGE,
        Language::Markdown => tree_sitter_md::LANGUAGE,
    }
    .into()
}

/// The patterns for definitions and for references.
fn sources(language: Language) -> (&'static str, &'static str) {
    macro_rules! pair {
        ($name:literal) => {
            (
                include_str!(concat!("queries/", $name, ".scm")),
                include_str!(concat!("queries/", $name, "-references.scm")),
            )
        };
    }
    match language {
        Language::Rust => pair!("rust"),
        Language::Python => pair!("python"),
        Language::JavaScript => pair!("javascript"),
        Language::TypeScript | Language::Tsx => pair!("typescript"),
        Language::Go => pair!("go"),
        Language::Java => pair!("java"),
        Language::C => pair!("c"),
        Language::Cpp => pair!("cpp"),
        Language::Ruby => pair!("ruby"),
        Language::CSharp => pair!("csharp"),
        Language::Php => pair!("php"),
        Language::Bash => pair!("bash"),
        Language::Kotlin => pair!("kotlin"),
        Language::Swift => pair!("swift"),
        Language::Scala => pair!("scala"),
        Language::Html => pair!("html"),
        Language::Css => pair!("css"),
        Language::Json => pair!("json"),
        Language::Yaml => pair!("yaml"),
        Language::Toml => pair!("toml"),
        Language::Markdown => pair!("markdown"),
    }
}
