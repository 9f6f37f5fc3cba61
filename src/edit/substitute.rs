//! One text in the place of another, at exactly one place or at all of them, byte for byte.

use super::document::Document;
use super::locate::Miss;

/// Returns the file's text with `new` in the place of `old`.
///
/// The text is spliced, so that no sign in `new` means anything. Where line endings are all that differs, those of the file
/// count: new lines get them too.
pub(super) fn substitute(document: &Document, old: &str, new: &str, all: bool) -> Result<String, Miss> {
    let text = document.to_text();
    match spliced(&text, old, &with_endings_of(&text, new), all) {
        Err(Miss::Nowhere) => {}
        decided => return decided,
    }
    let plain = |text: &str| text.replace("\r\n", "\n");
    let is_uniform = text.matches('\n').count() == text.matches("\r\n").count();
    if !text.contains("\r\n") {
        return spliced(&text, &plain(old), &plain(new), all);
    }
    if !is_uniform {
        return Err(Miss::Nowhere);
    }
    spliced(&plain(&text), &plain(old), &plain(new), all).map(|text| text.replace('\n', "\r\n"))
}

/// Gives new lines the endings of a file whose lines all end alike.
fn with_endings_of(text: &str, new: &str) -> String {
    let lines = text.matches('\n').count();
    match text.matches("\r\n").count() {
        0 if lines > 0 => new.replace("\r\n", "\n"),
        ended if lines > 0 && ended == lines => new.replace("\r\n", "\n").replace('\n', "\r\n"),
        _ => new.to_owned(),
    }
}

fn spliced(text: &str, old: &str, new: &str, all: bool) -> Result<String, Miss> {
    let places: Vec<usize> =
        if all { text.match_indices(old).map(|(at, _)| at).collect() } else { overlapping(text, old) };
    match (places.as_slice(), all) {
        ([], _) => Err(Miss::Nowhere),
        ([_, _, ..], false) => {
            let line = |at: &usize| text[..*at].matches('\n').count();
            Err(Miss::Many(places.iter().map(line).collect()))
        }
        _ => {
            let mut changed = String::with_capacity(text.len() + new.len());
            let mut from = 0;
            for at in places {
                changed.push_str(&text[from..at]);
                changed.push_str(new);
                from = at + old.len();
            }
            changed.push_str(&text[from..]);
            Ok(changed)
        }
    }
}

/// Finds every place, also those that overlap: of two such places none is the only one.
fn overlapping(text: &str, old: &str) -> Vec<usize> {
    let mut places = Vec::new();
    let mut from = 0;
    while let Some(found) = text.get(from..).and_then(|rest| rest.find(old)) {
        let at = from + found;
        places.push(at);
        from = at + text[at..].chars().next().map_or(1, char::len_utf8);
        if places.len() > 64 {
            break;
        }
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, old: &str, new: &str, all: bool, expected: Result<&str, Miss>) {
        let found = substitute(&Document::of(text), old, new, all);
        assert_eq!(found, expected.map(str::to_owned), "{text:?}: {old:?} -> {new:?}");
    }

    #[test]
    fn texts_are_spliced_byte_for_byte() {
        check("a b c\n", "b", "$& \\1 x", false, Ok("a $& \\1 x c\n"));
        check("a\nb\n", "a\n", "", false, Ok("b\n"));
        check("a\nb", "b", "c\n", false, Ok("a\nc\n"));
        check("aXaXa", "X", "-", true, Ok("a-a-a"));
        check("a a", "a", "b", false, Err(Miss::Many(vec![0, 0])));
        check("aaa", "aa", "b", false, Err(Miss::Many(vec![0, 0])));
        check("x\na\na\n", "a\n", "b", false, Err(Miss::Many(vec![1, 2])));
        check("a", "b", "c", false, Err(Miss::Nowhere));
    }

    #[test]
    fn line_endings_are_those_of_the_file() {
        check("a\r\nb\r\n", "a\nb", "x\ny\nz", false, Ok("x\r\ny\r\nz\r\n"));
        check("a\nb\n", "a\r\nb", "x\r\ny", false, Ok("x\ny\n"));
        check("a\r\nb\r\n", "a", "x\ny", false, Ok("x\r\ny\r\nb\r\n"));
        check("a\nb\n", "a", "x\r\ny", false, Ok("x\ny\nb\n"));
        check("a\r\nb\nc", "a\nb", "x", false, Err(Miss::Nowhere));
        check("\u{FEFF}a\n", "a", "b", false, Ok("\u{FEFF}b\n"));
    }
}
