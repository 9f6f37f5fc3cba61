//! Which parts of an issue speak of no code: the form that it was written in, and what it says of the machine.

use std::borrow::Cow;
use std::ops::Range;

use super::weights;

/// Words of a heading below which an issue tells what it was seen on.
const OF_THE_MACHINE: [&str; 9] = [
    "version",
    "environment",
    "platform",
    "operating system",
    "install",
    "information",
    "system info",
    "configuration",
    "checklist",
];

/// The parts of a text, in bytes and in their order, that are headings, or stand below one that asks for the machine.
#[derive(Debug)]
pub(super) struct Asides(Vec<Range<usize>>);

impl Asides {
    /// Finds them. The first line is the title and no heading, and code between fences has none.
    pub(super) fn of(text: &str) -> Self {
        let mut asides = Vec::<Range<usize>>::new();
        let (mut at, mut is_code, mut of_machine) = (0, false, false);
        for (number, line) in text.split_inclusive('\n').enumerate() {
            let here = at..at + line.len();
            at = here.end;
            if line.trim_start().starts_with("```") {
                is_code = !is_code;
            }
            let heading = heading(line).filter(|_| !is_code && number > 0);
            if let Some(words) = heading {
                let words = words.to_lowercase();
                of_machine = OF_THE_MACHINE.iter().any(|word| words.contains(word));
            }
            match asides.last_mut() {
                _ if heading.is_none() && !of_machine => {}
                Some(last) if last.end == here.start => last.end = here.end,
                _ => asides.push(here),
            }
        }
        Self(asides)
    }

    /// Returns how much a word counts that begins at a byte of the text.
    pub(super) fn factor(&self, at: usize) -> f64 {
        let next = self.0.get(self.0.partition_point(|aside| aside.end <= at));
        if next.is_some_and(|aside| aside.contains(&at)) { weights::ASIDE } else { 1.0 }
    }
}

/// Blanks out what stands in HTML comments: the forms that issues are filled into speak there, and no reader sees it. In code
/// a comment is shown, and is none; one that is never closed hides the rest.
pub(super) fn without_comments(text: &str) -> Cow<'_, str> {
    let mut kept = String::new();
    let mut rest = text;
    while let Some(start) = comment(rest) {
        kept.push_str(&rest[..start]);
        rest = rest[start..].find("-->").map_or("", |length| &rest[start + length + 3..]);
    }
    match kept.is_empty() && rest.len() == text.len() {
        true => Cow::Borrowed(text),
        false => Cow::Owned(kept + rest),
    }
}

/// Finds the first comment that does not stand in code between backticks on its line.
fn comment(text: &str) -> Option<usize> {
    text.match_indices("<!--").map(|(at, _)| at).find(|at| {
        let line = text[..*at].rfind('\n').map_or(0, |end| end + 1);
        let before = text[line..*at].matches('`').count();
        let is_quoted = before % 2 == 1 && text[*at..].lines().next().is_some_and(|rest| rest.contains('`'));
        !is_quoted
    })
}

/// Returns the words of a heading of Markdown, or of a line in bold letters, as forms have them.
fn heading(line: &str) -> Option<&str> {
    let line = line.trim();
    if let Some(words) = line.strip_prefix('#') {
        return words.trim_start_matches('#').strip_prefix(' ');
    }
    let words = line.strip_prefix("**")?.trim_end_matches(':').strip_suffix("**")?;
    (!words.contains("**")).then_some(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_and_the_machine_are_beside_the_matter() {
        let text = "# Title\nwords\n### Version\n\n1.2 on Linux\n**What happens?**\nIt fails\n```sh\n# zebra\n```\n\
                    **Environment**:\n- Linux\n## Steps\nrun **this** and **that**\n";
        let told: Vec<&str> = Asides::of(text).0.into_iter().map(|aside| &text[aside]).collect();
        let wanted = ["### Version\n\n1.2 on Linux\n**What happens?**\n", "**Environment**:\n- Linux\n## Steps\n"];
        assert_eq!(told, wanted);
    }

    #[test]
    fn asides_count_less() {
        let text = "Title\n## Version\nzebra\n## Bug\nhorse";
        let asides = Asides::of(text);
        let factor = |word: &str| asides.factor(text.find(word).expect(word));
        assert_eq!(["Title", "Version", "zebra", "Bug", "horse"].map(factor), [1.0, 0.3, 0.3, 0.3, 1.0]);
        assert_eq!(Asides::of("").factor(0), 1.0);
    }
}
