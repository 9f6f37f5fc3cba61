//! Calls of functions in tags, as models write them into their text where the server does not take them out.
//!
//! ~~~text
//! <function=str_replace>             Qwen3-Coder; a value stands between two line breaks that are not its own
//! <parameter=path>
//! src/a.py
//! </parameter>
//! </function>
//!
//! <invoke name="str_replace">        Claude; a value stands as it is
//! <parameter name="path">src/a.py</parameter>
//! </invoke>
//! ~~~
//!
//! A value ends at the first `</parameter>` behind which another parameter begins or the call ends. Nothing is unescaped.

use std::ops::Range;

use serde_json::{Map, Value};

use super::fence::Fence;
use crate::edit::feedback::{Cause, Problem};

/// How a call is written.
struct Dialect {
    call: &'static str,
    parameter: &'static str,
    /// Behind the names.
    name_end: &'static str,
    end: &'static str,
    /// Whether each value stands between line breaks.
    has_own_lines: bool,
}

const DIALECTS: [Dialect; 2] = [
    Dialect { call: "<function=", parameter: "<parameter=", name_end: ">", end: "</function>", has_own_lines: true },
    Dialect {
        call: "<invoke name=\"",
        parameter: "<parameter name=\"",
        name_end: "\">",
        end: "</invoke>",
        has_own_lines: false,
    },
];
const VALUE_END: &str = "</parameter>";

/// What servers are taught to look for around a call.
const FRAME: &str = "<tool_call>";
const FRAME_END: &str = "</tool_call>";

/// A call in an answer.
pub(super) struct Written {
    pub(super) lines: Range<usize>,
    /// What it says, in JSON where it is written in tags.
    pub(super) text: String,
}

/// Tells whether a call in JSON begins behind line `at`.
fn is_frame(lines: &[&str], at: usize) -> bool {
    lines[at].trim() == FRAME && !lines.get(at + 1).is_some_and(|next| begins_call(next))
}

/// Tells whether such a call begins with `text`.
fn begins_call(text: &str) -> bool {
    DIALECTS.iter().any(|dialect| unframed(text).starts_with(dialect.call))
}

fn unframed(text: &str) -> &str {
    let begun = text.trim_start();
    begun.strip_prefix(FRAME).map_or(begun, str::trim_start)
}

/// Returns the calls that begin with a line outside of fences, also those in JSON between `<tool_call>` and its end; of those in
/// tags the argument with a key is a text where `is_text` says so.
///
/// # Errors
/// A call in tags that does not end.
pub(super) fn written(lines: &[&str], is_text: impl Fn(&str) -> bool) -> Result<Vec<Written>, Problem> {
    let is_text = |_: &str, key: &str| is_text(key);
    let text = lines.join("\n");
    let (mut found, mut at, mut start) = (Vec::new(), 0, 0);
    while at < lines.len() {
        let is_end = |fence: Fence<'_>, line: &usize| fence.closes(lines[*line]);
        let end = match Fence::open(lines[at]).filter(|fence| !fence.is_tag()) {
            Some(fence) => (at + 1..lines.len()).find(|line| is_end(fence, line)).unwrap_or(lines.len() - 1) + 1,
            None if is_frame(lines, at) => {
                let last = (at + 1..lines.len()).find(|line| lines[*line].trim() == FRAME_END).unwrap_or(lines.len());
                let end = lines.len().min(last + 1);
                found.push(Written { lines: at..end, text: lines[at + 1..last].join("\n") });
                end
            }
            None if begins_call(lines[at]) => {
                let (value, length) = call(&text[start..], &is_text).ok_or_else(|| cut(at))?;
                let end = at + text[start..start + length].matches('\n').count() + 1;
                found.push(Written { lines: at..end, text: value.to_string() });
                end
            }
            None => at + 1,
        };
        start += lines[at..end].iter().map(|line| line.len() + 1).sum::<usize>();
        at = end;
    }
    Ok(found)
}

fn cut(at: usize) -> Problem {
    let summary = format!("the call in line {} of the answer does not end; it was perhaps cut off", at + 1);
    Problem::new(Cause::Malformed, summary)
        .with_detail("Each parameter ends with </parameter>, and the call with its tag.")
}

/// Reads the calls in `text`, each as `{"name": .., "arguments": {..}}`. What is cut off is no call.
///
/// `is_text` tells by the name of a call and the key of an argument whether that is a text; else it is read as JSON where it is
/// JSON.
pub fn calls_in_tags(text: &str, is_text: impl Fn(&str, &str) -> bool) -> Vec<Value> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(at) = DIALECTS.iter().filter_map(|dialect| rest.find(dialect.call)).min() {
        rest = &rest[at..];
        let length = match call(rest, &is_text) {
            Some((value, length)) => {
                found.push(value);
                length
            }
            None => 1,
        };
        rest = &rest[length..];
    }
    found
}

/// Reads the call that begins with `text`, and its length in bytes, what stands before it included.
fn call(text: &str, is_text: &impl Fn(&str, &str) -> bool) -> Option<(Value, usize)> {
    let begun = unframed(text);
    let dialect = DIALECTS.iter().find(|dialect| begun.starts_with(dialect.call))?;
    let (name, mut rest) = begun[dialect.call.len()..].split_once(dialect.name_end)?;
    let mut arguments = Map::new();
    loop {
        rest = rest.trim_start();
        if let Some(behind) = rest.strip_prefix(dialect.end) {
            let value = serde_json::json!({ "name": name.trim(), "arguments": arguments });
            return Some((value, text.len() - behind.len()));
        }
        let (key, behind) = rest.strip_prefix(dialect.parameter)?.split_once(dialect.name_end)?;
        let (value, behind) = dialect.value(behind)?;
        let typed = if is_text(name.trim(), key.trim()) { None } else { serde_json::from_str(value.trim()).ok() };
        arguments.insert(key.trim().to_owned(), typed.unwrap_or_else(|| Value::from(value)));
        rest = behind;
    }
}

impl Dialect {
    /// Splits a value from what stands behind its end.
    fn value<'t>(&self, text: &'t str) -> Option<(&'t str, &'t str)> {
        let ends = text.match_indices(VALUE_END).map(|(at, tag)| (at, &text[at + tag.len()..]));
        let goes_on = |behind: &str| behind.starts_with(self.parameter) || behind.starts_with(self.end);
        let (at, behind) = ends.into_iter().find(|(_, behind)| goes_on(behind.trim_start()))?;
        let mut value = &text[..at];
        if self.has_own_lines {
            value = value.strip_prefix('\n').unwrap_or(value);
            value = value.strip_suffix('\n').unwrap_or(value);
        }
        Some((value, behind))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> String {
        calls_in_tags(text, |_, key| key != "line").iter().map(Value::to_string).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn both_dialects_are_read() {
        let qwen = "I do it.\n<tool_call>\n<function=edit>\n<parameter=path>\na.py\n</parameter>\n<parameter=old_str>\n\n  x\n\n\
                    </parameter>\n</function>\n</tool_call>";
        assert_eq!(read(qwen), r#"{"name":"edit","arguments":{"path":"a.py","old_str":"\n  x\n"}}"#);
        let claude = "<function_calls>\n<invoke name=\"edit\">\n<parameter name=\"path\">a.py</parameter>\n\
                      <parameter name=\"old_str\">  x\n</parameter>\n</invoke>\n<invoke name=\"stop\">\n</invoke>\n</function_calls>";
        let both = "{\"name\":\"edit\",\"arguments\":{\"path\":\"a.py\",\"old_str\":\"  x\\n\"}}\n{\"name\":\"stop\",\"arguments\":{}}";
        assert_eq!(read(claude), both);
    }

    #[test]
    fn what_is_no_text_is_read_as_json() {
        let text = "<function=insert><parameter=line>\n3\n</parameter><parameter=text>\n3\n</parameter></function>";
        assert_eq!(read(text), r#"{"name":"insert","arguments":{"line":3,"text":"3"}}"#);
    }

    #[test]
    fn a_value_may_hold_the_end_of_a_value() {
        let text = "<function=edit><parameter=old_str>\na</parameter>b\n</parameter></function>";
        assert_eq!(read(text), r#"{"name":"edit","arguments":{"old_str":"a</parameter>b"}}"#);
    }

    #[test]
    fn what_is_cut_off_is_no_call() {
        for text in [
            "<function=edit>",
            "<function=edit><parameter=path>\na.py\n</parameter>",
            "<function=edit><parameter=path>\na.py\n</function>",
            "<function=edit>words</function>",
            "<invoke name=\"edit\"><parameter name=\"path\">a.py</parameter>",
            "The tag <function= is ours",
        ] {
            assert_eq!(read(text), "", "{text}");
        }
    }
}
