//! Comments that stand for code which a model left out.

/// How surely a comment stands for left-out code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Strength {
    /// It could be an honest comment: refused only where the file shrinks as well.
    Weak,
    /// It says so and nothing else: refused where the file gets shorter as well.
    Bare,
    /// It could hardly be anything else.
    Strong,
}

/// Words for the part that is not written out.
const PART: [&str; 9] =
    ["rest", "existing", "remaining", "other", "others", "previous", "original", "everything", "code"];
/// Words that say that it stays, or is not shown.
const STAYING: [&str; 14] = [
    "unchanged",
    "unmodified",
    "remain",
    "remains",
    "stay",
    "stays",
    "same",
    "omitted",
    "elided",
    "truncated",
    "brevity",
    "snip",
    "continues",
    "here",
];
/// Words that such comments are otherwise made of.
const FILLING: [&str; 52] = [
    "of",
    "the",
    "this",
    "that",
    "your",
    "our",
    "all",
    "any",
    "and",
    "or",
    "as",
    "is",
    "are",
    "be",
    "for",
    "from",
    "in",
    "it",
    "its",
    "to",
    "goes",
    "go",
    "with",
    "no",
    "not",
    "changes",
    "change",
    "file",
    "class",
    "function",
    "functions",
    "method",
    "methods",
    "implementation",
    "imports",
    "tests",
    "test",
    "content",
    "contents",
    "body",
    "logic",
    "module",
    "definitions",
    "fields",
    "lines",
    "above",
    "below",
    "before",
    "after",
    "else",
    "shown",
    "keep",
];
const OPENINGS: [&str; 9] = ["<!--", "{/*", "/*", "//", "--", "#", ";", "%", "*"];
const CLOSINGS: [&str; 3] = ["-->", "*/}", "*/"];
/// The longest comment looked at, in words: who leaves code out is brief.
const MAX_WORDS: usize = 14;
/// Words of their own (names, mostly) that a comment with dots may hold.
const MAX_UNUSUAL: usize = 3;

/// Tells whether `line` is nothing but a comment that stands for left-out code.
pub(super) fn elision(line: &str) -> Option<Strength> {
    let comment = comment_text(line)?.replace('\u{2026}', "...").to_lowercase();
    let dotted = comment.starts_with("..") || comment.ends_with("...") || comment.ends_with("...)");
    let words: Vec<&str> =
        comment.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|w| !w.is_empty()).collect();
    if words.is_empty() {
        return comment.contains("...").then_some(Strength::Bare);
    }
    if words.len() > MAX_WORDS {
        return None;
    }
    let any_of = |known: &[&str]| words.iter().any(|word| known.contains(word));
    let (part, staying) = (any_of(&PART), any_of(&STAYING));
    let unusual = words.iter().filter(|word| ![&PART[..], &STAYING, &FILLING].iter().any(|known| known.contains(word)));
    let unusual = unusual.count();
    if dotted && (part || staying) && unusual <= MAX_UNUSUAL || part && staying && unusual == 0 && words.len() >= 3 {
        return Some(Strength::Strong);
    }
    if (part || staying) && unusual == 0 && words.len() >= 2 {
        return Some(Strength::Bare);
    }
    (dotted || part || staying).then_some(Strength::Weak)
}

fn comment_text(line: &str) -> Option<&str> {
    let line = line.trim();
    let opening = OPENINGS.iter().find(|opening| line.starts_with(**opening))?;
    let mut text = line[opening.len()..].trim_start_matches(['#', '/', '*', '-', ';', '!']).trim();
    for closing in CLOSINGS {
        text = text.strip_suffix(closing).unwrap_or(text).trim_end();
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expected: Option<Strength>) {
        assert_eq!(elision(line), expected, "{line:?}");
    }

    #[test]
    fn comments_that_stand_for_code_are_recognised() {
        for line in [
            "# ... existing code ...",
            "    // ... rest of the code unchanged ...",
            "// rest of the file remains the same",
            "/* ... rest of implementation ... */",
            "<!-- ... existing content ... -->",
            "{/* ... existing code ... */}",
            "-- ... unchanged",
            "# \u{2026} remaining methods of Parser \u{2026}",
            "// ... (unchanged) ...",
            "// existing code here",
            "# Rest of the class stays the same...",
            "# (rest of the tests unchanged...)",
        ] {
            check(line, Some(Strength::Strong));
        }
    }

    #[test]
    fn honest_comments_are_let_through() {
        for line in [
            "let a = 1; // ... existing code ...",
            "// Retries the request until the rest arrives.",
            "# Wait for the workers to finish",
            "fn rest() {}",
            "// unchanged",
            "// Keep the original file as it is",
            "// The rest of the file is the body.",
            "# The remaining lines",
            "# The remaining budget is shared among those after it, so that none is left out in the end",
            "// ...",
        ] {
            assert_ne!(elision(line), Some(Strength::Strong), "{line:?}");
        }
        for bare in ["// ...", "# rest of the code", "# same as before", "# existing code", "# (rest of the code)"] {
            check(bare, Some(Strength::Bare));
        }
        check("// unchanged", Some(Strength::Weak));
        check("# Keep the same order", Some(Strength::Weak));
        check("# Wait for the workers to finish", None);
    }
}
