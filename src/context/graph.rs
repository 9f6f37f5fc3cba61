//! Who uses what among the files that fit: names that one file defines and another one uses.

use std::collections::BTreeMap;

use super::candidate::Candidate;
use super::weights;

/// Returns how much each candidate uses the others, weighed by how well these fit.
///
/// The other direction, how much it is used by them, added nothing in the measurement.
pub(super) fn uses(candidates: &[Candidate<'_>]) -> Vec<f64> {
    // What several files define says little of any one of them.
    let defining = defining(candidates, |_| true, weights::MOST_DEFINING);
    let mut uses = vec![0.0; candidates.len()];
    for (user, candidate) in candidates.iter().enumerate() {
        let mut links = BTreeMap::<usize, f64>::new();
        for name in &candidate.references {
            let places = defining.get(name.as_str()).map_or(&[][..], Vec::as_slice);
            for place in places.iter().filter(|place| **place != user) {
                *links.entry(*place).or_default() += 1.0 / places.len() as f64;
            }
        }
        for (defined, strength) in links {
            uses[user] += f64::ln_1p(strength) * candidates[defined].file.score.max(0.0);
        }
    }
    uses
}

/// From a name to the candidates that have it, by their places.
pub(super) type Places<'c> = BTreeMap<&'c str, Vec<usize>>;

/// Finds which candidates define the names that are wanted; a name that more than `most` define is left out.
pub(super) fn defining<'c>(
    candidates: &'c [Candidate<'_>],
    is_wanted: impl Fn(&str) -> bool,
    most: usize,
) -> Places<'c> {
    let mut places = Places::new();
    for (at, candidate) in candidates.iter().enumerate() {
        let names = candidate.definitions.iter().map(|definition| definition.name.as_str());
        for name in names.filter(|name| name.len() >= weights::LEAST_NAME_BYTES && is_wanted(name)) {
            let places = places.entry(name).or_default();
            if places.last() != Some(&at) {
                places.push(at);
            }
        }
    }
    places.retain(|_, places| places.len() <= most);
    places
}
