//! Which places of a text everybody sees at the beginning of a line.

use super::page::{MARK, PLACE};
use super::removed::Tally;
use super::{html, markdown};

/// Tells for each of the ascending `places`, byte positions in plain paragraphs, whether it is seen at the beginning of
/// a line: hidden by nothing, collapsed by nothing, in no quotation, list, table or code.
pub(in crate::task) fn begin_seen_lines(text: &str, places: &[usize]) -> Vec<bool> {
    let mut marked = String::with_capacity(text.len() + 8 * places.len());
    let mut from = 0;
    for (number, &place) in places.iter().enumerate() {
        marked.push_str(&text[from..place].replace(PLACE, ""));
        marked.push_str(&format!("{PLACE}{number}{PLACE}"));
        from = place;
    }
    marked.push_str(&text[from..].replace(PLACE, ""));
    let mut tally = Tally::default();
    let (page, _) = html::read(&markdown::to_html(&marked, &mut tally), &mut tally);
    let mut seen = vec![false; places.len()];
    let mut collapsed = 0_usize;
    for line in page.lines() {
        match line.strip_prefix(MARK) {
            Some(mark) if mark.starts_with("collapsed:") => collapsed += 1,
            Some(mark) if mark.starts_with("end of collapsed]") => collapsed = collapsed.saturating_sub(1),
            _ => {}
        }
        let number = line.strip_prefix(PLACE).and_then(|rest| rest.split_once(PLACE)).map(|(number, _)| number);
        let place = number.and_then(|number| number.parse().ok()).and_then(|number: usize| seen.get_mut(number));
        if let Some(place) = place.filter(|_| collapsed == 0) {
            *place = true;
        }
    }
    seen
}
