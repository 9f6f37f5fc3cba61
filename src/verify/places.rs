//! Places in files that a check's output names, for those who want to look there.

use std::sync::LazyLock;

use regex::Regex;

/// The most places of one output.
const MOST_PLACES: usize = 10;

/// `path:12`, `path:12:5`, `path(12,5)` and Python's `File "path", line 12`.
static PLACE: LazyLock<Regex> = LazyLock::new(|| {
    let pattern = r#"(?:File "(?P<python>[^"\n]{1,200})", line (?P<python_line>\d{1,7}))|(?:(?P<path>[A-Za-z0-9_][\w./-]{0,200}\.[A-Za-z][A-Za-z0-9]{0,7})(?::|\()(?P<line>\d{1,7}))"#;
    Regex::new(pattern).expect("the pattern is a constant, compiled by a test")
});

/// Returns the places that `output` names and `is_file` knows, in their order, each once.
pub fn places(output: &str, is_file: impl Fn(&str) -> bool) -> Vec<(String, u64)> {
    let mut found: Vec<(String, u64)> = Vec::new();
    for place in PLACE.captures_iter(output) {
        let path = place.name("python").or(place.name("path")).map_or("", |path| path.as_str());
        let line = place.name("python_line").or(place.name("line")).and_then(|line| line.as_str().parse().ok());
        let path = path.trim_start_matches("./");
        let Some(line) = line.filter(|line| *line > 0 && is_file(path)) else { continue };
        let one = (path.to_owned(), line);
        if !found.contains(&one) {
            found.push(one);
        }
        if found.len() == MOST_PLACES {
            break;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_found_as_tools_write_them() {
        let check = |output: &str, expected: &[(&str, u64)]| {
            let found = places(output, |path| path.starts_with("src/") || path == "test_a.py");
            let found: Vec<(&str, u64)> = found.iter().map(|(path, line)| (path.as_str(), *line)).collect();
            assert_eq!(found, expected, "{output}");
        };
        check("thread 'x' panicked at src/lib.rs:12:5:\nsrc/lib.rs:12:5", &[("src/lib.rs", 12)]);
        check("  File \"test_a.py\", line 3, in test\n    assert 1", &[("test_a.py", 3)]);
        check("./src/a.ts(7,1): error TS1", &[("src/a.ts", 7)]);
        check("/usr/lib/python3/x.py:9 and other.rs:4 and src/b.rs:0", &[]);
        check("12:30:01 src/c.go:44: fatal", &[("src/c.go", 44)]);
    }
}
