//! Who uses what among the files that fit: names that one file defines and another one uses.

use std::collections::BTreeMap;

use super::candidate::Candidate;
use super::weights;

/// Returns how much each candidate uses the others, weighed by how well these fit.
///
/// The other direction, how much it is used by them, added nothing in the measurement.
pub(super) fn uses(candidates: &[Candidate<'_>]) -> Vec<f64> {
    let mut defining = BTreeMap::<&str, Vec<usize>>::new();
    for (at, candidate) in candidates.iter().enumerate() {
        let mut names: Vec<&str> = candidate.definitions.iter().map(|definition| definition.name.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        for name in names.into_iter().filter(|name| name.len() >= weights::LEAST_NAME_BYTES) {
            defining.entry(name).or_default().push(at);
        }
    }
    let mut uses = vec![0.0; candidates.len()];
    for (user, candidate) in candidates.iter().enumerate() {
        let mut links = BTreeMap::<usize, f64>::new();
        for name in &candidate.references {
            // What several files define says little of any one of them.
            let Some(places) = defining.get(name.as_str()).filter(|places| places.len() <= weights::MOST_DEFINING)
            else {
                continue;
            };
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
