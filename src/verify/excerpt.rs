//! The part of an output that a person or a model needs: how it began, what failed, how it ended.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use regex::Regex;

/// The most lines of an excerpt.
pub(super) const MAX_LINES: usize = 120;
/// The most bytes of an excerpt.
pub(super) const MAX_BYTES: usize = 8 * 1024;
/// Lines kept of the beginning.
const HEAD_LINES: usize = 8;
/// Lines kept of the end.
const TAIL_LINES: usize = 32;
/// Lines kept around a line that tells of a failure: before and behind it.
const AROUND: (usize, usize) = (2, 8);
/// The longest line kept, in bytes; behind it is mostly minified code or data.
const MAX_LINE_BYTES: usize = 400;

static TELLS_OF_FAILURE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"(?i-u)^\s*(?:error\b|fatal\b|fail(?:ed|ure)?\b|not ok\b|panic\b|E  +|\[error\]|✕|✖|×|---- )|\bpanicked at\b|\b\w*(?:Error|Exception)\b:|\bAssertionError\b|: error[: ]|: undefined reference|\bFAILED\b|<<< (?:FAILURE|ERROR)!|^Traceback |^Timeout \(",
    )
    .expect("the pattern is a constant, compiled by a test")
});

static COMPILE_ERROR: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"(?m)^error\[E[0-9]{4}\]|^error: could not compile|COMPILATION ERROR|\[build failed\]|\[setup failed\]|^\s*(?:E\s+)?(?:SyntaxError|IndentationError|TabError): |^CMake Error|: fatal error: |^\S+:[0-9]+:[0-9]+: error: |^\S+\.java:[0-9]+: error: |: error TS[0-9]+: |undefined reference to ",
    )
    .expect("the pattern is a constant, compiled by a test")
});

/// Returns the lines of `text` that matter, at most 120 lines and 8 KiB; says how many lines were left out where.
///
/// `text` is expected to be normalised. The beginning names the command's first steps, the end its summary; between
/// them stand the lines that tell of failures with the lines around them, earliest first.
pub fn excerpt(text: &str) -> String {
    capped(text, MAX_LINES, MAX_BYTES)
}

/// Tells whether the output is that of code which does not compile, so that no test of it ran.
pub(super) fn tells_of_compile_error(text: &str) -> bool {
    COMPILE_ERROR.is_match(text)
}

/// As [`excerpt`], with caps of the caller's.
pub(super) fn capped(text: &str, max_lines: usize, max_bytes: usize) -> String {
    let lines: Vec<&str> = text.trim_end().lines().filter(|line| !is_runners_own(line)).collect();
    let mut kept = BTreeSet::new();
    let mut left = Budget { lines: max_lines, bytes: max_bytes.saturating_sub(max_bytes / 8) };
    let tail = lines.len().saturating_sub(TAIL_LINES.min(max_lines / 2));
    left.take(&lines, &mut kept, 0..HEAD_LINES.min(lines.len()), max_bytes / 8);
    // The end is taken backwards, so that the last line survives a tight budget.
    left.take(&lines, &mut kept, (tail..lines.len()).rev(), max_bytes / 3);
    for (index, _) in lines.iter().enumerate().filter(|(_, line)| TELLS_OF_FAILURE.is_match(line)) {
        let around = index.saturating_sub(AROUND.0)..(index + AROUND.1 + 1).min(lines.len());
        left.take(&lines, &mut kept, around, usize::MAX);
    }
    left.take(&lines, &mut kept, 0..lines.len(), usize::MAX);
    render(&lines, &kept)
}

/// Tells a frame of pytest itself, of which thirty stand around the test that takes too long. Files of the tree are never meant,
/// not even pytest's own.
fn is_runners_own(line: &str) -> bool {
    const FILES: [&str; 4] = ["/_pytest/", "/pluggy/", "/pytest/__main__.py", "<frozen runpy>"];
    let file = line.strip_prefix("  File \"").filter(|file| !file.starts_with("./"));
    file.is_some_and(|file| FILES.iter().any(|part| file.contains(part)))
}

/// What may still be kept.
struct Budget {
    lines: usize,
    bytes: usize,
}

impl Budget {
    /// Keeps the wanted lines in their order until this budget, or `share` bytes of it, is used up.
    fn take(
        &mut self,
        lines: &[&str],
        kept: &mut BTreeSet<usize>,
        wanted: impl Iterator<Item = usize>,
        mut share: usize,
    ) {
        for index in wanted {
            if kept.contains(&index) {
                continue;
            }
            let cost = lines[index].len().min(MAX_LINE_BYTES) + 1;
            if self.lines == 0 || cost > self.bytes || cost > share {
                return;
            }
            kept.insert(index);
            self.lines -= 1;
            self.bytes -= cost;
            share -= cost;
        }
    }
}

fn render(lines: &[&str], kept: &BTreeSet<usize>) -> String {
    let mut text = String::new();
    let mut next = 0;
    let gap = |text: &mut String, count: usize| {
        if count > 0 {
            text.push_str(&format!("[{count} lines left out]\n"));
        }
    };
    for &index in kept {
        gap(&mut text, index - next);
        text.push_str(&shortened(lines[index]));
        text.push('\n');
        next = index + 1;
    }
    gap(&mut text, lines.len() - next);
    text
}

fn shortened(line: &str) -> String {
    if line.len() <= MAX_LINE_BYTES {
        return line.to_owned();
    }
    let end = line.floor_char_boundary(MAX_LINE_BYTES - 40);
    format!("{} [{} bytes left out]", &line[..end], line.len() - end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_output_is_kept_whole() {
        assert_eq!(excerpt("a\nb\n"), "a\nb\n");
        assert_eq!(excerpt(""), "");
    }

    #[test]
    fn head_failures_and_tail_are_kept_and_the_gaps_are_counted() {
        let mut lines: Vec<String> = (1..=40).map(|n| format!("line {n}")).collect();
        lines[19] = "error: it broke".to_owned();
        let text = capped(&lines.join("\n"), 24, 600);
        insta::assert_snapshot!(text, @"
        line 1
        line 2
        line 3
        line 4
        line 5
        line 6
        line 7
        line 8
        [9 lines left out]
        line 18
        line 19
        error: it broke
        line 21
        [7 lines left out]
        line 29
        line 30
        line 31
        line 32
        line 33
        line 34
        line 35
        line 36
        line 37
        line 38
        line 39
        line 40
        ");
    }

    #[test]
    fn of_a_test_that_takes_too_long_its_own_frames_are_kept() {
        let runner = "  File \"/usr/lib/python3/site-packages/_pytest/runner.py\", line 187 in call\n".repeat(30);
        let own = "  File \"./src/_pytest/lib.py\", line 3 in go\n  File \"./test_lib.py\", line 3 in test_hangs\n";
        let told = excerpt(&format!(".Timeout (0:00:18)!\n{own}{runner}  File \"<frozen runpy>\", line 88 in _run\n"));
        assert_eq!(told, format!(".Timeout (0:00:18)!\n{own}"));
    }

    #[test]
    fn the_caps_hold() {
        let text = "error: again\n".repeat(5000) + &"x".repeat(100_000);
        let short = excerpt(&text);
        assert!(short.len() <= MAX_BYTES, "{}", short.len());
        assert!(short.lines().filter(|line| !line.starts_with('[')).count() <= MAX_LINES);
        assert!(short.ends_with("bytes left out]\n"), "{short}");
    }

    #[test]
    fn code_that_does_not_compile_is_told_from_tests_that_fail() {
        for (name, expected) in [
            ("libtest_compile_error", true),
            ("surefire_compile_error", true),
            ("go_build_failure", true),
            ("libtest_mixed", false),
            ("pytest_q_mixed", false),
            ("unittest_mixed", false),
        ] {
            let path = format!("{}/src/verify/reports/fixtures/{name}.txt", env!("CARGO_MANIFEST_DIR"));
            let text = std::fs::read_to_string(path).expect("a fixture");
            assert_eq!(tells_of_compile_error(&text), expected, "{name}");
        }
    }
}
