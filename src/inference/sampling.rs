//! Which token follows: the likeliest, or one drawn by its odds.

use super::attention::exp;

/// How tokens are chosen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sampling {
    /// 0.0: always the likeliest token; above, odds are evened out.
    pub temperature: f32,
    /// Only the likeliest tokens that have this share of the probability together are drawn from, 0.0 to 1.0 (Holtzman et
    /// al. 2020, "nucleus sampling").
    pub top_p: f32,
    /// The same seed draws the same tokens.
    pub seed: u64,
}

/// Draws tokens.
pub(super) struct Sampler {
    sampling: Sampling,
    random: fastrand::Rng,
}

impl Sampler {
    pub(super) fn new(sampling: Sampling) -> Self {
        Self { sampling, random: fastrand::Rng::with_seed(sampling.seed) }
    }

    /// Chooses one of the tokens by their odds (logits); a token of minus infinity is never chosen.
    pub(super) fn choose(&mut self, odds: &[f32]) -> Option<u32> {
        let likeliest = |best: Option<(u32, f32)>, (token, odds): (u32, &f32)| match best {
            Some((_, most)) if *odds <= most => best,
            _ if *odds == f32::NEG_INFINITY || odds.is_nan() => best,
            _ => Some((token, *odds)),
        };
        let (best, most) = (0..).zip(odds).fold(None, likeliest)?;
        if self.sampling.temperature <= 0.0 {
            return Some(best);
        }
        // What is e^-20 times less likely than the best is not worth sorting.
        let scaled = |odds: f32| (odds - most) / self.sampling.temperature;
        let mut weights: Vec<(u32, f32)> = (0..)
            .zip(odds)
            .map(|(token, odds)| (token, scaled(*odds)))
            .filter(|(_, odds)| *odds > -20.0)
            .map(|(token, odds)| (token, exp(odds)))
            .collect();
        weights.sort_by(|left, right| right.1.total_cmp(&left.1).then(left.0.cmp(&right.0)));
        let total: f32 = weights.iter().map(|(_, weight)| weight).sum();
        let (mut kept, mut count) = (0.0, 0);
        while count < weights.len() && (count == 0 || kept < self.sampling.top_p * total) {
            kept += weights[count].1;
            count += 1;
        }
        let mut left = self.random.f32() * kept;
        for (token, weight) in &weights[..count] {
            left -= weight;
            if left < 0.0 {
                return Some(*token);
            }
        }
        Some(best)
    }
}

#[cfg(test)]
#[path = "sampling_tests.rs"]
mod tests;
