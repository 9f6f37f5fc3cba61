//! Comments that stand for code which a model left out.

/// How surely a comment stands for left-out code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Strength {
    /// It could be an honest comment: refused only where the file shrinks as well.
    Weak,
    /// It could hardly be anything else.
    Strong,
}

/// Words that say that something stays as it is.
const STAYING: [&str; 17] = [
    "rest",
    "existing",
    "unchanged",
    "remain",
    "remains",
    "remaining",
    "omitted",
    "same",
    "previous",
    "original",
    "brevity",
    "continues",
    "elided",
    "truncated",
    "keep",
    "snip",
    "unmodified",
];
/// Words that such comments are otherwise made of.
const FILLING: [&str; 58] = [
    "of",
    "the",
    "this",
    "that",
    "your",
    "our",
    "all",
    "any",
    "other",
    "others",
    "and",
    "or",
    "as",
    "is",
    "are",
    "be",
    "stay",
    "stays",
    "here",
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
    "code",
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
    "everything",
    "else",
    "shown",
];
const OPENINGS: [&str; 9] = ["<!--", "{/*", "/*", "//", "--", "#", ";", "%", "*"];
const CLOSINGS: [&str; 3] = ["-->", "*/}", "*/"];
/// The longest comment looked at, in words: who leaves code out is brief.
const MAX_WORDS: usize = 14;

/// Tells whether `line` is nothing but a comment that stands for left-out code.
pub(super) fn elision(line: &str) -> Option<Strength> {
    let comment = comment_text(line)?.replace('\u{2026}', "...").to_lowercase();
    let dotted = comment.starts_with("..") || comment.ends_with("...") || comment.ends_with("...)");
    let words: Vec<&str> =
        comment.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|w| !w.is_empty()).collect();
    if words.is_empty() {
        return comment.contains("...").then_some(Strength::Weak);
    }
    if words.len() > MAX_WORDS {
        return None;
    }
    let staying = words.iter().any(|word| STAYING.contains(word));
    let nothing_else = words.iter().all(|word| STAYING.contains(word) || FILLING.contains(word));
    match (dotted, staying, nothing_else) {
        (true, true, _) => Some(Strength::Strong),
        (false, true, true) if words.len() >= 3 => Some(Strength::Strong),
        (true, false, _) | (false, true, _) => Some(Strength::Weak),
        (false, false, _) => None,
    }
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
            "# The remaining budget is shared among those after it, so that none is left out in the end",
            "// ...",
        ] {
            assert_ne!(elision(line), Some(Strength::Strong), "{line:?}");
        }
        check("// ...", Some(Strength::Weak));
        check("// unchanged", Some(Strength::Weak));
        check("# Wait for the workers to finish", None);
    }
}
