//! Words that say nothing about where in a program something is.

use std::collections::BTreeSet;
use std::sync::LazyLock;

/// Tells whether a word in lower case is one of them.
pub(super) fn is_one(lower: &str) -> bool {
    static SET: LazyLock<BTreeSet<&str>> = LazyLock::new(|| WORDS.split_whitespace().collect());
    SET.contains(lower)
}

/// English, the headings of the forms that issues are filled into, and what stands in every link and path.
const WORDS: &str = "
    about actual actually after again all already also always and another any anyone are around because been before
    behavior behaviour being below both bug but came can cannot case com could currently describe did does doesn
    doing don done each etc even every example expect expected feature following for from get gets getting github
    give going got had happen happens has have having hello help here how however http https instead into isn issue
    its just know like look looks made make makes many may maybe might more most much must need needs not now off
    one only other our out over please possible problem really reproduce same see seem seems should since some
    something src still such sure than thank thanks that the their them then there these they thing think this those
    though through too try trying two under until use used using very want was way well were what when where whether
    which while who why will with without work working works would www you your
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_names_something_is_searched_for() {
        for (word, expected) in [("the", true), ("src", true), ("expected", true), ("header", false), ("", false)] {
            assert_eq!(is_one(word), expected, "{word}");
        }
    }
}
