//! Lines `DELETE: path` and `RENAME: old -> new`.

use crate::edit::Edit;

use super::file_name::{is_plausible, looks_like_path};

/// Reads a line that removes or moves a file; `None` when it is something else.
///
/// # Errors
/// What is wrong with the line, as a fragment.
pub(super) fn command(line: &str) -> Option<Result<Edit, &'static str>> {
    let item = line.trim().strip_prefix("- ");
    let text = item.unwrap_or(line.trim()).trim_matches('*').trim();
    if let Some(rest) = text.strip_prefix("DELETE:") {
        // Items of a list may tell of something else that is called so, such as a request.
        let name = rest.trim_start_matches('*').trim();
        if item.is_some() && !name.starts_with('`') && !looks_like_path(name) {
            return None;
        }
        return Some(path(rest).map(|path| Edit::Delete { path }).ok_or("behind DELETE: there is no path"));
    }
    let rest = text.strip_prefix("RENAME:")?;
    let pair = rest.split_once("->").or_else(|| rest.split_once('\u{2192}'));
    let edit = pair.and_then(|(from, to)| Some(Edit::Rename { from: path(from)?, to: path(to)? }));
    Some(edit.ok_or("behind RENAME: there are no two paths with -> between them"))
}

fn path(text: &str) -> Option<String> {
    let path = text.trim_matches(|c: char| c.is_whitespace() || matches!(c, '`' | '*'));
    is_plausible(path).then(|| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_read() {
        let delete = || Some(Ok(Edit::Delete { path: "a.py".into() }));
        let rename = || Some(Ok(Edit::Rename { from: "a.py".into(), to: "b/c.py".into() }));
        for (line, expected) in [
            ("DELETE: a.py", delete()),
            ("- **DELETE:** `a.py`", delete()),
            ("RENAME: a.py -> b/c.py", rename()),
            ("RENAME: `a.py` -> `b/c.py`", rename()),
            ("- DELETE: users", None),
            ("- DELETE: remove one", None),
            ("- DELETE: `users`", Some(Ok(Edit::Delete { path: "users".into() }))),
            ("DELETE: users", Some(Ok(Edit::Delete { path: "users".into() }))),
            ("Delete: a.py", None),
            ("We DELETE: a.py", None),
            ("DELETE:", Some(Err("behind DELETE: there is no path"))),
            ("RENAME: a.py", Some(Err("behind RENAME: there are no two paths with -> between them"))),
        ] {
            assert_eq!(command(line), expected, "{line:?}");
        }
    }
}
