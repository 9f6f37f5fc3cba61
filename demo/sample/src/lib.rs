//! Splits a list of items into pages.

/// How many pages are needed to show `items` items, `per_page` on each.
///
/// No items need no page.
pub fn page_count(items: usize, per_page: usize) -> usize {
    assert!(per_page > 0, "a page holds at least one item");
    items / per_page + 1
}

/// The items on page `number`, counted from 1, as a range of indices.
pub fn page_range(number: usize, items: usize, per_page: usize) -> std::ops::Range<usize> {
    let start = (number - 1) * per_page;
    start.min(items)..(start + per_page).min(items)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_last_page_that_is_not_full_counts() {
        assert_eq!(page_count(11, 10), 2);
    }

    #[test]
    fn full_pages_need_no_empty_one_behind_them() {
        assert_eq!(page_count(20, 10), 2);
        assert_eq!(page_count(0, 10), 0);
    }

    #[test]
    fn the_last_page_ends_with_the_items() {
        assert_eq!(page_range(2, 11, 10), 10..11);
    }
}
