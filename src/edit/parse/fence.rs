//! Fenced blocks (CommonMark 0.31, "Fenced code blocks"), and the tags that some models take for fences.

/// The opening line of a fenced block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fence<'t> {
    mark: Mark<'t>,
    indent: usize,
    /// What stands behind the mark: a language, a path, attributes.
    pub(super) info: &'t str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mark<'t> {
    Run { sign: char, length: usize },
    Tag(&'t str),
}

/// Tags used as fences where the file holds backticks itself.
const TAGS: [&str; 6] = ["source", "code", "pre", "codeblock", "sourcecode", "content"];

impl<'t> Fence<'t> {
    /// Reads an opening line, at any indentation (blocks stand in lists).
    pub(super) fn open(line: &'t str) -> Option<Self> {
        let text = line.trim_start();
        let indent = line.len() - text.len();
        if let Some(rest) = text.strip_prefix('<') {
            let (tag, info) = rest.split_once('>')?;
            let fits = TAGS.contains(&tag) && !info.contains(['<', '>']);
            return fits.then_some(Self { mark: Mark::Tag(tag), indent, info: info.trim() });
        }
        let sign = text.chars().next().filter(|sign| matches!(sign, '`' | '~'))?;
        let info = text.trim_start_matches(sign);
        let length = text.len() - info.len();
        let fits = length >= 3 && !(sign == '`' && info.contains('`'));
        fits.then_some(Self { mark: Mark::Run { sign, length }, indent, info: info.trim() })
    }

    /// Tells whether `line` ends this block.
    pub(super) fn closes(&self, line: &str) -> bool {
        let text = line.trim();
        match self.mark {
            Mark::Tag(tag) => text.strip_prefix("</").and_then(|rest| rest.strip_suffix('>')) == Some(tag),
            Mark::Run { sign, length } => {
                let near = line.len() - line.trim_start().len() <= self.indent + 3;
                near && text.len() >= length && text.chars().all(|c| c == sign)
            }
        }
    }

    /// Tells whether `line` opens a block inside this one that would end where this one seems to end.
    pub(super) fn nests(&self, line: &str) -> bool {
        let Some(inner) = Fence::open(line).filter(|inner| !inner.info.is_empty()) else { return false };
        match (self.mark, inner.mark) {
            (Mark::Run { sign, length }, Mark::Run { sign: other, length: inner_length }) => {
                sign == other && inner_length >= length && inner.indent <= self.indent + 3
            }
            _ => false,
        }
    }

    /// Tells whether the block stands inside something, such as an item of a list.
    pub(super) fn is_indented(&self) -> bool {
        self.indent > 0
    }

    /// Tells whether this is a tag, which counts as a fence only when it is closed later.
    pub(super) fn is_tag(&self) -> bool {
        matches!(self.mark, Mark::Tag(_))
    }

    /// Tells whether a line of this block could be taken for the end of `other`.
    pub(super) fn could_end(&self, other: &Fence<'_>) -> bool {
        match (self.mark, other.mark) {
            (Mark::Run { sign, length }, Mark::Run { sign: other, length: needed }) => {
                sign == other && length >= needed
            }
            _ => false,
        }
    }

    /// Takes the indentation of the block from one of its lines.
    pub(super) fn inner<'l>(&self, line: &'l str) -> &'l str {
        let spaces = line.len() - line.trim_start_matches([' ', '\t']).len();
        &line[spaces.min(self.indent)..]
    }

    /// Returns the language, in lower case; empty when none is given.
    pub(super) fn language(&self) -> String {
        let word = self.info.split([' ', ':', ',', '{']).next().unwrap_or_default();
        word.to_lowercase()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fences_open_and_close() {
        let check = |open: &str, close: &str, closes: bool| {
            let fence = Fence::open(open).expect(open);
            assert_eq!(fence.closes(close), closes, "{open:?} {close:?}");
        };
        check("```rust", "```", true);
        check("```rust", "````", true);
        check("````", "```", false);
        check("~~~", "```", false);
        check("```", "``` x", false);
        check("  ```", "     ```", true);
        check("```", "    ```", false);
        check("<source>python", "</source>", true);
        check("<source>python", "</code>", false);
    }

    #[test]
    fn what_is_no_fence() {
        for line in ["``", "text ```", "```a`b", "<div>", "<code>x</code>", ""] {
            assert_eq!(Fence::open(line), None, "{line:?}");
        }
    }

    #[test]
    fn the_language_is_the_first_word() {
        let check = |line: &str, language: &str| assert_eq!(Fence::open(line).expect(line).language(), language);
        check("```Python src/a.py", "python");
        check("```python:src/a.py", "python");
        check("```", "");
    }
}
