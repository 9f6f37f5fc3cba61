//! Where an answer that is to be words and then edits is ended before the model ends it.
//!
//! The smallest models do not find to an end: their words go in circles and come to no edit, or they write the same file
//! again and again. Of the notation of edits this knows what the prompts ask of such models: files between fences, each below
//! `FILE: ` and its path where it has a name.

use std::collections::HashSet;

use super::{runs_in_circles, said_once};

/// Words before the edits that are as long as this are all that there will be, in bytes: of 137 answers of a model of 1.5 billion
/// weights that came to a file, all but one did within 794; of 14 that did not, most went on to their longest.
const LONGEST_WORDS: usize = 1_000;
const FENCE: &str = "```";
const FILE: &str = "FILE: ";
/// What a line begins with where it is no words, but an edit.
const EDIT_STARTS: [&str; 4] = [FILE, "DELETE: ", "RENAME: ", FENCE];

/// Tells whether an answer need not go on as it does.
pub(super) fn is_due(answer: &str) -> bool {
    words_are_enough(answer) || file_again(answer).is_some() || runs_in_circles(answer)
}

/// Tells whether there are words alone, and these have said all that they can be for.
pub(super) fn words_are_enough(answer: &str) -> bool {
    let begins_edit = |line: &str| EDIT_STARTS.iter().any(|start| line.starts_with(start));
    (answer.len() > LONGEST_WORDS || runs_in_circles(answer)) && !answer.lines().any(begins_edit)
}

/// Returns what words have told, said once, as it stands before edits.
pub(super) fn words_once(words: &str) -> String {
    let once = said_once(words).unwrap_or(words).trim_end();
    format!("{once}\n\n")
}

/// Returns where a file begins that the answer holds already.
pub(super) fn file_again(answer: &str) -> Option<usize> {
    let (mut open, mut files, mut at) = (None, HashSet::new(), 0);
    for line in answer.split_inclusive('\n').filter(|line| line.ends_with('\n')) {
        let text = line.trim_end();
        match open {
            Some(fence) if text == fence => open = None,
            Some(_) => (),
            None if text.starts_with(FENCE) => open = Some(&text[..text.len() - text.trim_start_matches('`').len()]),
            None if text.strip_prefix(FILE).is_some_and(|path| !files.insert(path)) => return Some(at),
            None => (),
        }
        at += line.len();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_come_to_no_edit_are_enough_at_last() {
        let words = |count: usize| (0..count).map(|number| format!("Reason {number} is this. ")).collect::<String>();
        let circles = "It adds. ".repeat(30);
        for (text, enough) in [
            (words(40), false),
            (words(60), true),
            (circles.clone(), true),
            (format!("{}\n```\n{}", words(10), words(60)), false),
            (format!("{}\nFILE: a", words(60)), false),
        ] {
            assert_eq!((words_are_enough(&text), is_due(&text)), (enough, enough), "{text}");
        }
        let in_file = format!("FILE: a.py\n```\n{circles}");
        assert_eq!((words_are_enough(&in_file), is_due(&in_file)), (false, true));
        assert_eq!(words_once(&circles), "It adds.\n\n");
        assert_eq!(words_once("It adds\n"), "It adds\n\n");
    }

    #[test]
    fn a_file_that_stands_there_again_is_not_waited_for() {
        let first = "It adds.\n\nFILE: a.py\n```\nx = 1\n```\n\nFILE: b.py\n````python\n```\nFILE: a.py\n```\n````\n\n";
        for (rest, again) in [
            ("", false),
            ("FILE: a.p", false),
            ("FILE: a.py", false),
            ("FILE: c.py\n```\n", false),
            ("FILE: a.py\n", true),
        ] {
            let text = format!("{first}{rest}");
            let expected = again.then_some(first.len());
            assert_eq!(file_again(&text), expected, "{text}");
        }
        let text = format!("{first}FILE: c.py\n```\n```\nFILE: b.py\n```\n");
        assert_eq!(file_again(&text), Some(text.len() - "FILE: b.py\n```\n".len()));
    }
}
