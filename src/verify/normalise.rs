//! Makes the outputs of two runs of the same command the same text, and outside text harmless to print.

use std::borrow::Cow;
use std::path::Path;
use std::sync::LazyLock;

use regex::Regex;

use crate::repo::is_control_or_invisible;

/// Patterns that differ from run to run, and what stands for them. None of the replacements holds a digit, so that a
/// replaced text does not match again.
const VOLATILE: &[(&str, &str)] = &[
    // Durations at the end of a line: jest, mocha and node write `(12 ms)`, `(1.678653ms)`, vitest ` 7ms`. A message
    // such as `expected 5 s` is left alone.
    (r"(?m)(?:[ \t]+\(\d+(?:\.\d+)? ?m?s\))+$", ""),
    (r"(?m)^([ \t]*[✓✔×✖✕❯].*?)(?:[ \t]+\d+(?:\.\d+)?m?s)+$", "${1}"),
    (r"(?m)^([ \t]*Duration )[^\n]*\d[^\n]*$", "${1}TIME"),
    (r"(?m)(?:, estimated \d+ m?s)+$", ""),
    // CTest's and Surefire's columns, TAP's comments and diagnostics.
    (r"(?m)(?:[ \t]+\d+\.\d+ sec)+$", ""),
    (r"(?m)(?:[ \t]+# time=\d+(?:\.\d+)?m?s)+$", ""),
    (r"(?m)(^|[ \t#ℹ])duration_ms:? \d+(?:\.\d+)?", "${1}duration_ms TIME"),
    (
        r"(?i)\b(time elapsed|total time|total test time \(real\)|time|duration|took)( *[:=]? *)\d+(?:\.\d+)? ?(?:m?s|sec|seconds|min)\b",
        "${1}${2}TIME",
    ),
    (r"\b(in|took) \d+\.\d+ ?m?s\b", "${1} TIME"),
    // Go prints `(0.00s)` behind a name, and `ok <tab>package<tab>0.004s`.
    (r"\(\d+(?:\.\d+)?s\)", "(TIME)"),
    (r"\t\d+\.\d+s\b", "\tTIME"),
    (r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?", "DATE"),
    (r"\b(Start at +)\d\d:\d\d:\d\d\b", "${1}DATE"),
    // Rust's panics since 1.91: `thread 'main' (14750) panicked`.
    (r"(thread '[^'\n]*') \(\d+\)", "${1}"),
    (r"\b(pid[ :=]+)\d+", "${1}PID"),
    (r"\bgoroutine \d+\b", "goroutine N"),
    (r"\b0x[0-9a-fA-F]{5,16}\b", "ADDRESS"),
    // Cargo's file names and rustdoc's temporary folders.
    (r"(/deps/[A-Za-z0-9_]+)-[0-9a-f]{16}\b", "${1}"),
    (r"\brustdoctest[A-Za-z0-9]{6}/", "rustdoctest/"),
    (r"\b(127\.0\.0\.1|localhost|\[::1\]):\d{5}\b", "${1}:PORT"),
];

/// Escape sequences of terminals: CSI, OSC and the two-byte ones (ECMA-48, 5.4 and 8.3.89).
const ESCAPES: &str =
    r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b\n]*(?:\x07|\x1b\\)?|\x1b[@-Z\\-_]?|\u{9b}[0-?]*[ -/]*[@-~]";

static RULES: LazyLock<Vec<(Regex, &'static str)>> = LazyLock::new(|| {
    // Programs print digits of ASCII; those of all scripts take ten times as long to compile.
    let ascii = |pattern: &str| pattern.replace(r"\d", "[0-9]").replace(r"\b", r"(?-u:\b)");
    let compile = |pattern: &str| Regex::new(&ascii(pattern)).expect("the patterns are constants, compiled by a test");
    VOLATILE.iter().map(|(pattern, with)| (compile(pattern), *with)).collect()
});
static ESCAPE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(ESCAPES).expect("the pattern is a constant, compiled by a test"));

/// Returns `text` without what differs between two runs and without what harms a reader's terminal or CI log.
///
/// `places` are folders and what stands for them: the work tree as `.`, its scratch folder as `$TMP`. Line ends become
/// `\n`; escape sequences, control and invisible characters go; times, dates, thread numbers, process numbers, ports
/// and addresses are replaced; `::commands::` of GitHub's log are broken up. Doing it twice changes nothing more.
/// Linear in the text, with a factor for each rule and for each of at most 50 passes.
pub fn normalise(text: &str, places: &[(&Path, &str)]) -> String {
    let mut current = text.to_owned();
    // Every rule takes away digits, markers or bytes and none brings them back, so that this ends by itself; what is made to
    // last longer is cut short.
    for _ in 0..MOST_PASSES {
        let next = once(&current, places);
        if next == current {
            return next;
        }
        current = next;
    }
    current
}

/// Passes of all rules at most; two or three are usual.
const MOST_PASSES: usize = 50;

fn once(text: &str, places: &[(&Path, &str)]) -> String {
    let lines = text.replace("\r\n", "\n").replace('\r', "\n");
    let mut text = ESCAPE.replace_all(&lines, "").into_owned();
    text.retain(|c| c == '\n' || c == '\t' || !is_control_or_invisible(c));
    for (place, name) in places {
        if let Some(place) = place.to_str().filter(|place| place.len() > name.len()) {
            text = text.replace(place, name);
        }
    }
    for (pattern, with) in RULES.iter() {
        if let Cow::Owned(changed) = pattern.replace_all(&text, *with) {
            text = changed;
        }
    }
    defuse_commands(&text)
}

/// Breaks up what GitHub's runner would obey: `::command::` at the start of a line, and the older `##[command]`
/// anywhere (GitHub Docs, "Workflow commands for GitHub Actions").
fn defuse_commands(text: &str) -> String {
    let text = text.replace("##[", "# #[");
    let mut safe = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let body = line.trim_start();
        if let Some(rest) = body.strip_prefix("::") {
            safe.push_str(&line[..line.len() - body.len()]);
            safe.push_str(": :");
            safe.push_str(rest);
        } else {
            safe.push_str(line);
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(text: &str, expected: &str) {
        let places =
            [(Path::new("/tmp/prentice-tree-a1/tree"), "."), (Path::new("/tmp/prentice-tree-a1/scratch"), "$TMP")];
        assert_eq!(normalise(text, &places), expected, "{text:?}");
    }

    #[test]
    fn what_differs_between_runs_is_taken_away() {
        check("/tmp/prentice-tree-a1/tree/src/a.rs:3:4 /tmp/prentice-tree-a1/scratch/x", "./src/a.rs:3:4 $TMP/x");
        check("2 failed in 0.05s", "2 failed in TIME");
        check("test result: ok. 1 passed; finished in 1.23s", "test result: ok. 1 passed; finished in TIME");
        check("  ✓ adds (12 ms)\n✔ b (1.678653ms)", "  ✓ adds\n✔ b");
        check("# duration_ms 183.969065\n  duration_ms: 0.9", "# duration_ms TIME\n  duration_ms TIME");
        check("thread 'a::b' (14716) panicked at src/lib.rs:16:56:", "thread 'a::b' panicked at src/lib.rs:16:56:");
        check("at 0x7ffdeadbeef0, pid 4242", "at ADDRESS, pid PID");
        check("Running tests/x.rs (target/debug/deps/x-14943844c8ca6ed4)", "Running tests/x.rs (target/debug/deps/x)");
        check("Time:        0.334 s, estimated 1 s", "Time:        TIME");
        check(
            "[INFO] Total time:  11.303 s\nFinished at: 2026-11-23T22:22:19Z",
            "[INFO] Total time:  TIME\nFinished at: DATE",
        );
        check("1/6 Test #1: adds ....   Passed    0.00 sec", "1/6 Test #1: adds ....   Passed");
        check("listening on 127.0.0.1:43567", "listening on 127.0.0.1:PORT");
    }

    #[test]
    fn what_says_something_is_kept() {
        for text in [
            "expected 3, got 2",
            "expected 5 s\n but got 7 s",
            "timed out after 5s",
            "src/lib.rs:16:56",
            "assert 0x1f == 31",
            "a\tb\n  c",
            "std::vec::Vec",
        ] {
            check(text, text);
        }
    }

    #[test]
    fn terminals_and_ci_logs_are_not_commanded() {
        check("\u{1b}[31mred\u{1b}[0m \u{1b}]8;;http://x\u{7}link\u{1b}]8;;\u{7} a\u{202e}b\0", "red link ab");
        check("::error file=a::x\r\n  ::add-mask::y\rb", ": :error file=a::x\n  : :add-mask::y\nb");
        check("a ##[error]x", "a # #[error]x");
        check("\u{200b}::error::hidden start", ": :error::hidden start");
    }

    proptest! {
        #[test]
        fn doing_it_twice_changes_nothing(pieces in proptest::collection::vec(
            prop_oneof![
                proptest::sample::select(vec![
                    "\u{1b}[31m", "\u{1b}]0;", "\u{7}", "\u{1b}", ":", "::", "##[", "#", "[", "\n", "\r", " ", "\t", "(12 ms)",
                    " 3ms", "in 0.05s", "0.00 sec", "/w/tree", "/w", "thread 'a' (1)", "pid 3", "0xdeadbeef", "(0.1s)",
                    "2026-01-02T03:04:05Z", "duration_ms: 1.5", "time=3ms", "# time=1ms", "\u{200b}", "took 3 s", "5",
                ]).prop_map(str::to_owned),
                "\\PC{0,6}",
            ], 0..24)
        ) {
            let places = [(Path::new("/w/tree"), "."), (Path::new("/w/scratch"), "$TMP")];
            let once = normalise(&pieces.concat(), &places);
            let escaped = once.contains('\u{1b}');
            prop_assert!(!escaped);
            let obeyed = once.lines().any(|line| line.trim_start().starts_with("::"));
            prop_assert!(!obeyed);
            prop_assert_eq!(normalise(&once, &places), once);
        }
    }

    #[test]
    fn a_line_made_of_times_is_taken_away_at_once() {
        let line = "ok 1 - a".to_owned() + &" # time=1ms".repeat(50_000) + "\n" + &", estimated 1 s".repeat(50_000);
        assert_eq!(normalise(&line, &[]).trim_end(), "ok 1 - a");
    }
}
