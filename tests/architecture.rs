//! Holds the modules to the arrows of ARCHITECTURE.md, and files to a size that one can read.

#![allow(clippy::panic, reason = "tests stop at what they do not expect")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// The most production lines of a file: what stands before its `#[cfg(test)]` module.
const MOST_LINES: usize = 400;

/// Who may use whom; the same table as in ARCHITECTURE.md, "Modules".
const ARROWS: &[(&str, &str)] = &[
    ("clock", ""),
    ("secret", ""),
    ("catalogue", "clock"),
    ("yaml", ""),
    ("tokens", ""),
    ("repo", "clock"),
    ("syntax", "repo"),
    ("task", "repo yaml"),
    ("index", "repo syntax"),
    ("context", "index repo secret syntax tokens"),
    ("prompt", "yaml"),
    ("edit", "repo syntax"),
    ("inference", "tokens"),
    ("llm", "clock inference secret tokens"),
    ("propose", "clock context edit llm prompt repo syntax task tokens"),
    ("sandbox", "clock"),
    ("verify", "repo sandbox yaml"),
    ("policy", "repo secret verify"),
    ("bundle", "policy propose repo task verify"),
    ("forge", "clock secret"),
    ("publish", "bundle clock forge policy repo sandbox task verify"),
    ("respond", "clock forge publish task"),
    ("journal", "clock secret"),
    ("config", "llm secret task yaml"),
    ("init", "config repo yaml"),
    ("pipeline", "bundle clock config context forge index journal llm policy propose publish repo sandbox task verify"),
    ("cli", "*"),
];

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a readable folder") {
        let path = entry.expect("a readable entry").path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// Returns every source file with its name below `src` and its production text.
fn production() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    files.sort();
    let read = |path: PathBuf| {
        let text = std::fs::read_to_string(&path).expect("UTF-8");
        let name = path.strip_prefix(&root).expect("below src").to_string_lossy().replace('\\', "/");
        // `mod tests;` among the declarations is followed by production lines, `mod tests {` is not.
        let mut marks = text.match_indices("\n#[cfg(test)]\nmod ");
        let opens = |at: usize| text[at + 1..].lines().nth(1).is_some_and(|line| line.ends_with('{'));
        let end = marks.find(|(at, _)| opens(*at)).map_or(text.len(), |(at, _)| at);
        (name, text[..end].to_owned())
    };
    let is_test = |name: &str| name.ends_with("tests.rs") || name.contains("/tests/") || name.ends_with("testing.rs");
    files.into_iter().map(read).filter(|(name, _)| !is_test(name)).collect()
}

fn module_of(file: &str) -> &str {
    file.split('/').next().unwrap_or(file).trim_end_matches(".rs")
}

/// Returns the modules that a text names with `crate::`.
fn used(text: &str) -> BTreeSet<String> {
    let code: Vec<&str> = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
    let code = code.join("\n");
    code.match_indices("crate::")
        .map(|(at, word)| {
            let rest = &code[at + word.len()..];
            rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>()
        })
        .filter(|name| !name.is_empty())
        .collect()
}

#[test]
fn every_arrow_is_in_the_table() {
    let table: BTreeMap<&str, BTreeSet<&str>> =
        ARROWS.iter().map(|(from, to)| (*from, to.split_whitespace().collect())).collect();
    let mut wrong = Vec::new();
    for (file, text) in production() {
        let module = module_of(&file);
        if matches!(module, "lib" | "main") {
            continue;
        }
        let Some(allowed) = table.get(module) else {
            wrong.push(format!("{file}: the module {module} is not in the table"));
            continue;
        };
        for other in used(&text) {
            let known = table.contains_key(other.as_str());
            if known && other != module && !allowed.contains("*") && !allowed.contains(other.as_str()) {
                wrong.push(format!("{file}: {module} may not use {other}"));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn no_arrow_of_the_table_is_unused() {
    let mut seen: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (file, text) in production() {
        seen.entry(module_of(&file).to_owned()).or_default().extend(used(&text));
    }
    let mut stale = Vec::new();
    for (from, to) in ARROWS.iter().filter(|(_, to)| *to != "*") {
        for other in to.split_whitespace() {
            if !seen.get(*from).is_some_and(|used| used.contains(other)) {
                stale.push(format!("{from} -> {other}"));
            }
        }
    }
    assert_eq!(stale, Vec::<String>::new(), "arrows that nobody walks: take them out of the table");
}

#[test]
fn no_file_is_longer_than_one_can_read() {
    let long: Vec<String> = production()
        .into_iter()
        .map(|(file, text)| (file, text.lines().count()))
        .filter(|(_, lines)| *lines > MOST_LINES)
        .map(|(file, lines)| format!("{file}: {lines} lines"))
        .collect();
    assert_eq!(long, Vec::<String>::new());
}

#[test]
fn the_architecture_page_names_every_module() {
    let page = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("ARCHITECTURE.md")).expect("a page");
    let (_, table) = page.split_once("## Modules").expect("a chapter on modules");
    for (module, to) in ARROWS {
        let row = table.lines().find(|line| line.starts_with('|') && line.contains(&format!("`{module}`")));
        let row = row.unwrap_or_else(|| panic!("ARCHITECTURE.md has no row for `{module}`"));
        let named: BTreeSet<&str> =
            row.rsplit('|').nth(1).unwrap_or_default().split([',', ' ']).filter(|w| !w.is_empty()).collect();
        let wanted: BTreeSet<&str> = match *to {
            "" => BTreeSet::from(["-"]),
            "*" => BTreeSet::from(["everything"]),
            to => to.split_whitespace().collect(),
        };
        assert_eq!(named, wanted, "the row of `{module}` in ARCHITECTURE.md");
    }
}
