//! What each token takes from those before it, and the keys and values that are kept for that.

use rayon::prelude::*;

use super::matrix::Kernel;
use super::quant::{half_bits, to_half};
use super::shape::Shape;

/// Keys that are widened at once; with a head of 128 values they stay in the first cache.
const KEYS: usize = 32;
/// Tokens whose heads share the keys that are widened.
const TOKENS: usize = 16;
/// Values whose sums stay in registers.
const LANES: usize = 64;

/// Keys and values of all tokens so far, in half precision; memory is taken as it is filled.
pub(super) struct Memory {
    /// For each layer, head of keys after head. Values are kept token after token; keys in blocks of [`KEYS`] tokens, in each
    /// of them place after place, so that all scores of a block are made together.
    layers: Vec<(Vec<u16>, Vec<u16>)>,
    /// Room for whole blocks.
    room: usize,
    capacity: usize,
    head_width: usize,
    heads: usize,
    key_heads: usize,
}

impl Memory {
    /// Prepares room for `capacity` tokens; `None` where the system gives none.
    pub(super) fn new(shape: &Shape, capacity: usize) -> Option<Self> {
        let room = capacity.checked_next_multiple_of(KEYS)?;
        let size = shape.key_heads.checked_mul(room)?.checked_mul(shape.head_width)?;
        // An allocation that fails ends the program, unless it was asked for before; zeros take no memory before they are written.
        let zeros = || Vec::<u16>::new().try_reserve_exact(size).is_ok().then(|| vec![0; size]);
        let layers = (0..shape.layers).map(|_| zeros().zip(zeros())).collect::<Option<_>>()?;
        let Shape { head_width, heads, key_heads, .. } = *shape;
        Some(Self { layers, room, capacity, head_width, heads, key_heads })
    }

    /// Returns how many tokens there is room for.
    pub(super) fn capacity(&self) -> usize {
        self.capacity
    }

    /// Keeps the keys and values of the tokens from `position` on.
    pub(super) fn keep(&mut self, layer: usize, position: usize, keys: &[f32], values: &[f32]) {
        let (width, all) = (self.head_width, self.key_heads * self.head_width);
        let (kept_keys, kept_values) = &mut self.layers[layer];
        for (token, (keys, values)) in keys.chunks_exact(all).zip(values.chunks_exact(all)).enumerate() {
            let place = position + token;
            for (head, (keys, values)) in keys.chunks_exact(width).zip(values.chunks_exact(width)).enumerate() {
                let at = (head * self.room + place) * width;
                kept_values[at..at + width].iter_mut().zip(values).for_each(|(kept, value)| *kept = to_half(*value));
                let block = (head * self.room + place / KEYS * KEYS) * width;
                let kept = kept_keys[block..block + KEYS * width].iter_mut().skip(place % KEYS).step_by(KEYS);
                kept.zip(keys).for_each(|(kept, key)| *kept = to_half(*key));
            }
        }
    }

    /// Returns, for each token from `position` on, the values of the tokens up to it, weighted by how well its queries fit
    /// their keys (Vaswani et al. 2017, section 3.2.1).
    pub(super) fn attend(&self, kernel: Kernel, layer: usize, position: usize, queries: &[f32]) -> Vec<f32> {
        let all = self.heads * self.head_width;
        let tokens = queries.len() / all;
        let group = self.heads / self.key_heads * self.head_width;
        let blocks = tokens.div_ceil(TOKENS);
        let parts: Vec<Vec<f32>> = (0..self.key_heads * blocks)
            .into_par_iter()
            .with_max_len(1)
            .map(|task| {
                let (key_head, first) = (task / blocks, task % blocks * TOKENS);
                let last = (first + TOKENS).min(tokens);
                let of_token = |token: usize| &queries[token * all + key_head * group..][..group];
                let block: Vec<f32> = (first..last).flat_map(of_token).copied().collect();
                kernel.run(
                    #[inline(always)]
                    || self.attend_group(layer, key_head, position + first, &block),
                )
            })
            .collect();
        let mut out = vec![0.0; queries.len()];
        for (task, part) in parts.iter().enumerate() {
            let (key_head, first) = (task / blocks, task % blocks * TOKENS);
            for (token, values) in part.chunks_exact(group).enumerate() {
                out[(first + token) * all + key_head * group..][..group].copy_from_slice(values);
            }
        }
        out
    }

    /// The heads of one group for some tokens: keys are read once, in blocks, with a running maximum (Milakov and
    /// Gimelshein 2018, "Online normalizer calculation for softmax").
    #[inline(always)]
    fn attend_group(&self, layer: usize, key_head: usize, position: usize, queries: &[f32]) -> Vec<f32> {
        let width = self.head_width;
        let each = self.heads / self.key_heads;
        let count = queries.len() / width;
        let scale = 1.0 / (width as f32).sqrt();
        let (keys, values) = &self.layers[layer];
        let start = key_head * self.room * width;
        let seen = position + count / each;
        let mut out = vec![0.0_f32; queries.len()];
        let (mut largest, mut total) = (vec![f32::NEG_INFINITY; count], vec![0.0_f32; count]);
        let (mut wide_keys, mut wide_values) = (vec![0.0_f32; KEYS * width], vec![0.0_f32; KEYS * width]);
        for first in (0..seen).step_by(KEYS) {
            let at = start + first * width;
            widen(&keys[at..at + KEYS * width], &mut wide_keys);
            widen(&values[at..at + KEYS * width], &mut wide_values);
            for query in 0..count {
                // A token sees itself and what is before it.
                let visible = (position + query / each + 1).saturating_sub(first).min(KEYS);
                if visible == 0 {
                    continue;
                }
                let mut scores = fit(&queries[query * width..][..width], &wide_keys);
                scores.iter_mut().for_each(|score| *score *= scale);
                scores[visible..].fill(f32::NEG_INFINITY);
                let highest = scores.iter().fold(largest[query], |highest, score| highest.max(*score));
                let fade = exp(largest[query] - highest);
                scores.iter_mut().for_each(|score| *score = exp(*score - highest));
                largest[query] = highest;
                total[query] = total[query] * fade + scores[..visible].iter().sum::<f32>();
                scores[visible..].fill(0.0);
                gather(&mut out[query * width..][..width], fade, &scores, &wide_values);
            }
        }
        for (out, total) in out.chunks_exact_mut(width).zip(total) {
            out.iter_mut().for_each(|value| *value /= total);
        }
        out
    }
}

/// Returns how well a query fits each key of a block.
#[inline(always)]
fn fit(query: &[f32], keys: &[f32]) -> [f32; KEYS] {
    let mut scores = [0.0; KEYS];
    for (own, keys) in query.iter().zip(keys.as_chunks::<KEYS>().0) {
        scores.iter_mut().zip(keys).for_each(|(score, key)| *score += own * key);
    }
    scores
}

/// Fades what was gathered, and adds weighted values.
#[inline(always)]
fn gather(out: &mut [f32], fade: f32, weights: &[f32; KEYS], values: &[f32]) {
    let width = out.len();
    let (whole, rest) = out.as_chunks_mut::<LANES>();
    for (part, out) in whole.iter_mut().enumerate() {
        let mut sums = *out;
        sums.iter_mut().for_each(|sum| *sum *= fade);
        for (weight, values) in weights.iter().zip(values.chunks_exact(width)) {
            let values = &values[part * LANES..][..LANES];
            sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += weight * value);
        }
        *out = sums;
    }
    rest.iter_mut().for_each(|sum| *sum *= fade);
    for (weight, values) in weights.iter().zip(values.chunks_exact(width)) {
        let values = &values[width - rest.len()..];
        rest.iter_mut().zip(values).for_each(|(sum, value)| *sum += weight * value);
    }
}

#[inline(always)]
fn widen(halves: &[u16], wide: &mut [f32]) {
    wide.iter_mut().zip(halves).for_each(|(wide, half)| *wide = half_bits(*half));
}

/// The exponential function, without a branch so that many are taken at once: a power of two times the Taylor series of
/// what is left, at most half of ln 2. It is off by at most 3e-7 of itself for -1 to 1 and by 5e-6 far from there, where
/// the multiple of ln 2 is rounded. Below -87 it is about 1e-38 instead of less.
#[inline(always)]
pub(super) fn exp(x: f32) -> f32 {
    let x = if x < -87.0 { -87.0 } else { x };
    let x = if x > 87.0 { 87.0 } else { x };
    // Added and taken away again, this rounds to a whole number: 1.5 times 2 to the power of 23.
    const WHOLE: f32 = 12_582_912.0;
    let power = x * std::f32::consts::LOG2_E + WHOLE - WHOLE;
    let rest = x - power * std::f32::consts::LN_2;
    let series = 1.0 + rest / 6.0;
    let series = 1.0 + rest / 5.0 * series;
    let series = 1.0 + rest / 4.0 * series;
    let series = 1.0 + rest / 3.0 * series;
    let series = 1.0 + rest / 2.0 * series;
    let series = 1.0 + rest * series;
    series * f32::from_bits(((power as i32 + 127) << 23) as u32)
}

#[cfg(test)]
#[path = "attention_tests.rs"]
mod tests;
