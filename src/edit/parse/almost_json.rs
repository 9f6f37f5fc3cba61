//! Text that is almost JSON and has one meaning all the same.

/// Returns `text` with the line breaks and tabs inside of its strings escaped, and without commas before a closing bracket.
///
/// What else is wrong, such as quotes within a string, stays wrong.
pub(super) fn mended(text: &str) -> String {
    let mut mended = String::with_capacity(text.len());
    let (mut in_string, mut is_escaped) = (false, false);
    for (at, sign) in text.char_indices() {
        match sign {
            '\n' if in_string && !is_escaped => mended.push_str("\\n"),
            '\r' if in_string && !is_escaped => mended.push_str("\\r"),
            '\t' if in_string && !is_escaped => mended.push_str("\\t"),
            ',' if !in_string && text[at + 1..].trim_start().starts_with([']', '}']) => {}
            _ => mended.push(sign),
        }
        in_string ^= sign == '"' && !is_escaped;
        is_escaped = in_string && sign == '\\' && !is_escaped;
    }
    mended
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_has_one_meaning_is_mended() {
        let check = |text: &str, expected: &str| assert_eq!(mended(text), expected, "{text}");
        check("{\"a\": \"x\n\ty\r\n\",\n}", "{\"a\": \"x\\n\\ty\\r\\n\"\n}");
        check("[1, 2,]", "[1, 2]");
        check(r#"{"a": "x\",\n]"}"#, r#"{"a": "x\",\n]"}"#);
        check(r#"{"a\\": ",}", "b": 1}"#, r#"{"a\\": ",}", "b": 1}"#);
        check("{'a': 1}", "{'a': 1}");
    }
}
