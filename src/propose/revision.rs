//! What a reviewer wants of a proposal that is there already.

use crate::prompt::fence;
use crate::repo::{FileTree, RepoError, unified};
use crate::task::{Order, Verb};

/// What `shrink` asks for.
const SHRINK: &str = "Make this change smaller: take out everything that the task does not need, and keep what makes \
                      its tests pass.";

/// What `split` asks for.
const SPLIT: &str = "Make this change smaller in another way: keep only a first part of it that is useful and passes \
                     its tests without the rest, and take the rest out. Before the edits, write one line that begins \
                     with `REST:` and says what is left to do.";

/// A request for another version of a proposal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revision {
    /// What is asked for, each part fenced.
    pub(super) request: String,
    /// The proposal as a difference, fenced.
    pub(super) difference: String,
    /// How many threads are to be answered.
    pub(super) threads: usize,
}

impl Revision {
    /// Puts into words what an order asks of the proposal whose files are `tree`.
    ///
    /// # Errors
    /// [`RepoError`] when a file cannot be read.
    pub fn of(order: &Order, tree: &FileTree) -> Result<Self, RepoError> {
        let mut parts = Vec::new();
        match order.verb {
            Verb::Shrink => parts.push(SHRINK.to_owned()),
            Verb::Split => parts.push(SPLIT.to_owned()),
            _ => {}
        }
        if !order.instruction.is_empty() {
            parts.push(fence("REQUEST", &order.instruction));
        }
        for (index, thread) in order.threads.iter().enumerate() {
            let line = thread.line.map(|line| format!(" line {line}")).unwrap_or_default();
            let text = format!("{}{line}\n{}\n\n{}", thread.path, thread.hunk, thread.said);
            parts.push(format!("Thread {}:\n{}", index + 1, fence("THREAD", &text)));
        }
        let difference = fence("DIFFERENCE", &unified(&tree.changes()?));
        Ok(Self { request: parts.join("\n\n"), difference, threads: order.threads.len() })
    }
}

/// Finds what an answer says to each of `threads` review threads: the text behind `THREAD 2:`, up to the next one.
pub fn replies(remarks: &str, threads: usize) -> Vec<Option<String>> {
    let mut found: Vec<Option<String>> = vec![None; threads];
    let mut current = None;
    for line in remarks.lines() {
        let plain = line.trim().trim_matches('*');
        let head =
            plain.get(..7).filter(|word| word.eq_ignore_ascii_case("thread ")).and_then(|_| plain[7..].split_once(':'));
        let number = head.and_then(|(number, text)| Some((number.trim().parse::<usize>().ok()?.checked_sub(1)?, text)));
        match number {
            Some((index, text)) if index < threads => {
                found[index] = Some(text.trim().trim_matches('*').trim().to_owned());
                current = Some(index);
            }
            Some(_) => current = None,
            None => {
                if let Some(text) = current.and_then(|index| found[index].as_mut()) {
                    if line.trim().is_empty() {
                        current = None;
                    } else {
                        text.push(' ');
                        text.push_str(line.trim());
                    }
                }
            }
        }
    }
    found.into_iter().map(|text| text.filter(|text| !text.is_empty())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_are_found_by_their_number() {
        let check = |remarks: &str, expected: &[Option<&str>]| {
            let found = replies(remarks, expected.len());
            assert_eq!(found.iter().map(Option::as_deref).collect::<Vec<_>>(), expected, "{remarks}");
        };
        check(
            "THREAD 1: done.\nTHREAD 2: it must stay,\nbecause of b.\n\nOther words.",
            &[Some("done."), Some("it must stay, because of b.")],
        );
        check("**Thread 2:** renamed", &[None, Some("renamed")]);
        check("Thread 3: who?\nThread 0: no", &[None, None]);
        check("THREAD one: x\nthread 1:", &[None]);
        check("Thréad 1: x", &[None]);
    }
}
