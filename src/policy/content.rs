//! Rules about what a change adds: secrets, characters that deceive, bytes and lines that nobody can read.

use std::collections::BTreeMap;

use super::{Finding, PolicySettings, Severity, finding};
use crate::repo::{DiffLine, DiffLineKind, FileChange, diff_file, is_control_or_invisible};
use crate::secret::find_credential;

/// Longer lines are minified code or data, in bytes.
const LONGEST_LINE_BYTES: usize = 5_000;

pub(super) fn findings(change: &FileChange, settings: &PolicySettings) -> Vec<Finding> {
    let diff = diff_file(change);
    if diff.binary {
        return binary(change, settings).into_iter().collect();
    }
    let lines: Vec<&DiffLine> = diff.hunks.iter().flat_map(|hunk| &hunk.lines).collect();
    let mut found = Vec::new();
    found.extend(secret(change, &lines));
    found.extend(invisible(change, &lines));
    if let Some(line) = added(&lines).find(|line| line.text.len() > LONGEST_LINE_BYTES) {
        let text =
            format!("{}: line {} has {} bytes and cannot be reviewed", change.path, number(line), line.text.len());
        found.push(finding(Severity::Flag, "unreadable-line", &change.path, text));
    }
    found
}

fn added<'a>(lines: &'a [&'a DiffLine]) -> impl Iterator<Item = &'a DiffLine> {
    lines.iter().copied().filter(|line| line.kind == DiffLineKind::Added)
}

fn number(line: &DiffLine) -> usize {
    line.new_number.unwrap_or_default()
}

fn binary(change: &FileChange, settings: &PolicySettings) -> Option<Finding> {
    let size = change.after.as_ref()?.content.len();
    let severity = if size > settings.max_binary_bytes { Severity::Refuse } else { Severity::Flag };
    let text = format!("{} holds {size} bytes that are no text and cannot be reviewed", change.path);
    Some(finding(severity, "binary", &change.path, text))
}

/// Names the shape of the first credential that was added, and never the credential.
fn secret(change: &FileChange, lines: &[&DiffLine]) -> Option<Finding> {
    let (line, shape) = added(lines).find_map(|line| Some((line, find_credential(&line.text)?)))?;
    let text = format!("{}: line {} adds what looks like a {shape}", change.path, number(line));
    Some(finding(Severity::Refuse, "secret", &change.path, text))
}

/// Finds characters that show nothing or turn the reading direction ("Trojan Source", CVE-2021-42574), when the change
/// adds more of them than it removes.
fn invisible(change: &FileChange, lines: &[&DiffLine]) -> Option<Finding> {
    let mut balance: BTreeMap<char, i64> = BTreeMap::new();
    for line in lines {
        let step = match line.kind {
            DiffLineKind::Added => 1,
            DiffLineKind::Removed => -1,
            DiffLineKind::Context => 0,
        };
        for c in hidden_in(&line.text) {
            *balance.entry(c).or_default() += step;
        }
    }
    let (character, _) = balance.into_iter().find(|(_, count)| *count > 0)?;
    let line = added(lines).find(|line| line.text.contains(character))?;
    let text =
        format!("{}: line {} adds the invisible character U+{:04X}", change.path, number(line), u32::from(character));
    Some(finding(Severity::Refuse, "invisible-character", &change.path, text))
}

/// Returns the hidden characters of a line, without those that are part of an emoji.
fn hidden_in(text: &str) -> impl Iterator<Item = char> {
    let mut previous = ' ';
    text.chars().filter(move |&c| {
        let joins_emoji = matches!(c, '\u{FE0F}' | '\u{200D}') && is_pictorial(previous);
        previous = c;
        c != '\t' && is_control_or_invisible(c) && !joins_emoji
    })
}

/// Tells symbols and emoji, and the selector that may stand between an emoji and a joiner (Unicode blocks from Arrows
/// to Miscellaneous Symbols and Arrows, and the supplementary symbol blocks).
fn is_pictorial(c: char) -> bool {
    matches!(c, '\u{2190}'..='\u{2BFF}' | '\u{1F000}'..='\u{1FAFF}' | '\u{FE0F}')
}
