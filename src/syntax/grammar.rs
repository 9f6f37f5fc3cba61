//! The grammars and queries, compiled once a language and only for languages that are met.

use std::ops::ControlFlow;
use std::sync::OnceLock;

use tree_sitter::{ParseOptions, Parser, Query, Tree};

use super::{Language, MAX_PARSED_BYTES};

/// Steps of the parser (each about a hundred operations) that every text may take, and further ones a byte.
///
/// Ordinary code takes up to a sixth of a step a byte; error recovery in crafted text can take any number.
const STEPS: (usize, usize) = (20_000, 2);

/// Parses `text`; `None` when it is longer than [`MAX_PARSED_BYTES`] or takes more steps than ordinary code.
pub(super) fn parse(language: Language, text: &str) -> Option<Tree> {
    if text.len() > MAX_PARSED_BYTES {
        return None;
    }
    let mut parser = Parser::new();
    parser.set_language(&grammar(language)).ok()?;
    let bytes = text.as_bytes();
    let mut steps_left = STEPS.0 + STEPS.1 * bytes.len();
    let mut count = |_: &tree_sitter::ParseState| {
        steps_left = steps_left.saturating_sub(1);
        if steps_left == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let options = ParseOptions::new().progress_callback(&mut count);
    parser.parse_with_options(&mut |at, _| bytes.get(at..).unwrap_or_default(), None, Some(options))
}

/// Returns the query that finds definitions: one capture `name`, and one for the whole, named for the kind.
pub(super) fn definition_query(language: Language) -> Option<&'static Query> {
    static COMPILED: [OnceLock<Option<Query>>; Language::ALL.len()] = [const { OnceLock::new() }; Language::ALL.len()];
    compile(&COMPILED, language, sources(language).0)
}

/// Returns the query that finds uses: one capture, `reference`.
pub(super) fn reference_query(language: Language) -> Option<&'static Query> {
    static COMPILED: [OnceLock<Option<Query>>; Language::ALL.len()] = [const { OnceLock::new() }; Language::ALL.len()];
    compile(&COMPILED, language, sources(language).1)
}

type Slots = [OnceLock<Option<Query>>; Language::ALL.len()];

/// A query that does not compile (a test prevents it) costs one language its names and nothing else.
fn compile(slots: &'static Slots, language: Language, source: &str) -> Option<&'static Query> {
    slots[language as usize].get_or_init(|| Query::new(&grammar(language), source).ok()).as_ref()
}

fn grammar(language: Language) -> tree_sitter::Language {
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
    }
    .into()
}

/// The queries for definitions and for references.
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
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_query_compiles_and_captures_what_the_code_reads() {
        for language in Language::ALL {
            let (definitions, references) = sources(language);
            let compiled = Query::new(&grammar(language), definitions).unwrap_or_else(|e| panic!("{language:?}: {e}"));
            for capture in compiled.capture_names().iter().filter(|name| **name != "name") {
                assert!(crate::syntax::definitions::kind(capture).is_some(), "{language:?}: @{capture}");
            }
            let compiled = Query::new(&grammar(language), references).unwrap_or_else(|e| panic!("{language:?}: {e}"));
            assert_eq!(compiled.capture_names(), ["reference"], "{language:?}");
        }
    }
}
