//! Rules about how large a change is.

use super::{Finding, PolicySettings, Severity};
use crate::repo::{DiffLineKind, FileChange, diff_file};

pub(super) fn findings(changes: &[FileChange], settings: &PolicySettings) -> Vec<Finding> {
    let mut lines = 0;
    let mut bytes = 0;
    for change in changes {
        let diff = diff_file(change);
        lines += diff.added + diff.removed;
        let added = diff.hunks.iter().flat_map(|hunk| &hunk.lines).filter(|line| line.kind == DiffLineKind::Added);
        bytes += added.map(|line| line.text.len() + 1).sum::<usize>();
        if diff.binary {
            bytes += change.after.as_ref().map_or(0, |file| file.content.len());
        }
    }
    let limits = [
        ("files", changes.len(), settings.max_files),
        ("changed lines", lines, settings.max_changed_lines),
        ("added bytes", bytes, settings.max_added_bytes),
    ];
    let too_large = |(what, count, limit): &(&str, usize, usize)| {
        (count > limit).then(|| Finding {
            severity: Severity::Refuse,
            rule: "size".into(),
            path: None,
            text: format!("the change has {count} {what}, and {limit} are allowed"),
        })
    };
    limits.iter().filter_map(too_large).collect()
}
