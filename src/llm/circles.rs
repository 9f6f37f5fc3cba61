//! Answers that go on and on.

/// Letters of the end of a text that are looked at: several of the longest answers' blocks.
const TAIL_LETTERS: usize = 6_000;
/// Letters that must repeat those before them, at least.
const LEAST_REPEATED: usize = 120;
/// What is repeated and is longer than this is a block of code or so, which few texts hold three times in a row.
const LONG_PERIOD: usize = 100;

/// Tells whether the end of a text only repeats itself: a short piece five times, a longer one three times.
///
/// A small model that writes such a text goes on with it until its longest answer is full.
pub fn runs_in_circles(text: &str) -> bool {
    said_once(text).is_some()
}

/// Returns a text that [`runs_in_circles`] as far as it does not: the piece that is repeated stands in it once.
pub fn said_once(text: &str) -> Option<&str> {
    let tail: Vec<char> = text.chars().rev().take(TAIL_LETTERS).collect();
    let repeated = repeated_at(&tail);
    let period = (1..=tail.len() / 3).find(|period| {
        let times = if *period <= LONG_PERIOD { 4 } else { 2 };
        repeated[*period] >= LEAST_REPEATED.max(times * period)
    })?;
    let again: usize = tail[..repeated[period]].iter().map(|letter| letter.len_utf8()).sum();
    Some(&text[..text.len() - again])
}

/// Returns for each place of `letters` how many letters from there on are those of the beginning (the Z function, Gusfield 1997,
/// section 1.3), in linear time.
fn repeated_at(letters: &[char]) -> Vec<usize> {
    let mut same = vec![0; letters.len()];
    let (mut start, mut end) = (0, 0);
    for at in 1..letters.len() {
        if at < end {
            same[at] = same[at - start].min(end - at);
        }
        while letters.get(at + same[at]).is_some_and(|letter| *letter == letters[same[at]]) {
            same[at] += 1;
        }
        if at + same[at] > end {
            (start, end) = (at, at + same[at]);
        }
    }
    same
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_without_end_is_known() {
        let block = |n: usize| (0..n).map(|line| format!("line {line} of it\n")).collect::<String>();
        for endless in [
            format!("Sure.\n{}", "    pass\n".repeat(40)),
            "a".repeat(300),
            "ä".repeat(300),
            block(20).repeat(3),
            format!("Sure.\n{}{}", block(30).repeat(3), &block(30)[..40]),
            "    pass\n".repeat(2_000),
        ] {
            assert!(runs_in_circles(&endless), "{endless}");
        }
    }

    #[test]
    fn what_is_repeated_is_said_once() {
        let block = |n: usize| (0..n).map(|line| format!("line {line} of it\n")).collect::<String>();
        assert_eq!(said_once(&format!("Sure.\n{}", "    pass\n".repeat(40))), Some("Sure.\n    pass"));
        let more = &block(30)[..40];
        assert_eq!(said_once(&format!("Ä: {}{more}", block(30).repeat(3))), Some(format!("Ä: {}", block(30)).as_str()));
        assert_eq!(said_once(&"ä".repeat(300)), Some("ä"));
        assert_eq!(said_once("once"), None);
    }

    #[test]
    fn what_only_repeats_something_is_no_circle() {
        let block = |n: usize| (0..n).map(|line| format!("line {line} of it\n")).collect::<String>();
        for text in [
            String::new(),
            "short".to_owned(),
            block(200),
            // A block with what it becomes, and the same once more.
            block(20).repeat(2),
            format!("<<<<<<< SEARCH\n{0}=======\n{0}>>>>>>> REPLACE\n", block(20)),
            format!("{}end\n", "    pass\n".repeat(40)),
            "    pass\n".repeat(12),
        ] {
            assert!(!runs_in_circles(&text), "{text}");
        }
    }

    #[test]
    fn repeated_letters_are_counted() {
        let letters: Vec<char> = "aabaabcaab".chars().collect();
        assert_eq!(repeated_at(&letters), [0, 1, 0, 3, 1, 0, 0, 3, 1, 0]);
        assert_eq!(repeated_at(&[]), [0; 0]);
    }
}
