//! Tests that stand in the same file as the code, as Rust's do: taken out of a change, to be put on the base alone.

use std::ops::RangeInclusive;

use crate::repo::{FileChange, StoredFile};

/// Returns the file as it was before, but with the test modules that the change has; `None` where they are the same, or
/// where there are none.
///
/// Modules are found by their shape after rustfmt: `#[cfg(test)]` and `mod NAME {` at the beginning of a line, closed by
/// a brace at the beginning of a line. Where that is wrong, the result does not compile, and nothing is proven by it.
pub(super) fn with_tests_of(change: &FileChange) -> Option<FileChange> {
    if !change.path.as_str().ends_with(".rs") {
        return None;
    }
    let (before, after) = (change.before.as_ref()?, change.after.as_ref()?);
    let (old, new) = (text(before)?, text(after)?);
    let (old, new): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    let (old_modules, new_modules) = (modules(&old), modules(&new));
    let lines_of = |lines: &[&str], found: &[RangeInclusive<usize>]| -> Vec<String> {
        found.iter().flat_map(|range| lines[range.clone()].iter().map(|line| (*line).to_owned())).collect()
    };
    let tests = lines_of(&new, &new_modules);
    if tests.is_empty() || tests == lines_of(&old, &old_modules) {
        return None;
    }
    let is_test = |index: usize| old_modules.iter().any(|range| range.contains(&index));
    let code = old.iter().enumerate().filter(|(index, _)| !is_test(*index)).map(|(_, line)| (*line).to_owned());
    let composed = code.chain(tests).collect::<Vec<_>>().join("\n") + "\n";
    let file = StoredFile { content: composed.into_bytes().into(), mode: before.mode };
    Some(FileChange { after: Some(file), ..change.clone() })
}

fn text(file: &StoredFile) -> Option<&str> {
    std::str::from_utf8(&file.content).ok()
}

/// Finds the lines of each test module.
fn modules(lines: &[&str]) -> Vec<RangeInclusive<usize>> {
    let mut found: Vec<RangeInclusive<usize>> = Vec::new();
    for (index, _) in lines.iter().enumerate().filter(|(_, line)| line.trim_end() == "#[cfg(test)]") {
        let is_inside = found.last().is_some_and(|range| range.contains(&index));
        let head = lines[index..].iter().position(|line| !line.starts_with("#[")).map(|offset| index + offset);
        let opens = |at: &usize| {
            let line = lines[*at].trim_end();
            line.ends_with('{') && ["mod ", "pub mod ", "pub(crate) mod "].iter().any(|word| line.starts_with(word))
        };
        let Some(head) = head.filter(|at| !is_inside && opens(at)) else { continue };
        if let Some(offset) = lines[head..].iter().position(|line| line.trim_end() == "}") {
            found.push(index..=head + offset);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repo::RepoPath;

    fn composed(before: &str, after: &str) -> Option<String> {
        let path = RepoPath::parse("src/lib.rs").expect("a path");
        let file = |text: &str| Some(StoredFile::regular(text.as_bytes().to_vec()));
        let change = FileChange { path, before: file(before), after: file(after) };
        let file = with_tests_of(&change)?.after?;
        Some(String::from_utf8_lossy(&file.content).into_owned())
    }

    #[test]
    fn the_tests_of_a_change_are_put_on_the_code_before() {
        let old = "fn two() -> u8 { 3 }\n\n#[cfg(test)]\nmod tests {\n    #[test]\n    fn old() {}\n}\n";
        let new = "fn two() -> u8 { 2 }\n\n#[cfg(test)]\n#[allow(unused)]\nmod tests {\n    #[test]\n    fn new() {\n    }\n}\n";
        let expected = "fn two() -> u8 { 3 }\n\n#[cfg(test)]\n#[allow(unused)]\nmod tests {\n    #[test]\n    fn new() {\n    }\n}\n";
        assert_eq!(composed(old, new).as_deref(), Some(expected));
        let code_alone = old.replace('3', "2");
        assert_eq!(composed(old, &code_alone), None, "the same tests bring nothing");
        assert_eq!(composed("fn a() {}\n", "fn b() {}\n#[cfg(test)]\nmod tests;\n"), None, "a module in another file");
        let first = composed("fn a() {}\n", "fn b() {}\n#[cfg(test)]\nmod tests {\n}\n");
        assert_eq!(first.as_deref(), Some("fn a() {}\n#[cfg(test)]\nmod tests {\n}\n"));
    }
}
