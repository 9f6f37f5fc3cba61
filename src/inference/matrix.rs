//! Multiplies the weights of one or several matrices with some columns of activations.
//!
//! Weights stay as the file has them. Activations are rounded to eight bits with a scale of their own for each 256 or 32
//! values, as the blocks of weights are long, so that the products are sums of small integers. Where the processor has
//! no instructions for that, the weights of a row are written out instead.

use std::cell::OnceCell;

use rayon::prelude::*;

use super::quant::Format;
#[cfg(target_arch = "x86_64")]
use super::{avx2, avx2::V3};

/// One task has at least so many rows, and a whole number of the rows that a kernel takes at once.
const LEAST_ROWS: usize = 16;
/// So many tasks for each thread, so that a thread which is held up does not hold up all.
const TASKS_EACH: usize = 4;

/// A matrix of weights within the file's bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Matrix<'a> {
    pub(super) format: Format,
    pub(super) rows: usize,
    pub(super) columns: usize,
    pub(super) bytes: &'a [u8],
}

impl<'a> Matrix<'a> {
    /// Returns the bytes of `count` rows from `first` on.
    pub(super) fn rows(&self, first: usize, count: usize) -> &'a [u8] {
        let row = self.columns / self.format.block_values() * self.format.block_bytes();
        &self.bytes[first * row..(first + count) * row]
    }
}

/// Activations of several tokens, and their rounded forms as they are asked for.
pub(super) struct Input<'a> {
    /// Token after token.
    values: &'a [f32],
    width: usize,
    long: OnceCell<Rounded>,
    short: OnceCell<Rounded>,
}

/// Activations in eight bits.
pub(super) struct Rounded {
    /// Block after block; in a block, token after token.
    pub(super) quants: Vec<i8>,
    /// For each block and token.
    pub(super) scales: Vec<f32>,
    /// For each block and token the sums of sixteen values each; only of long blocks.
    pub(super) sums: Vec<[i16; 16]>,
}

impl<'a> Input<'a> {
    /// Takes the activations of `values.len() / width` tokens.
    pub(super) fn new(values: &'a [f32], width: usize) -> Self {
        Self { values, width, long: OnceCell::new(), short: OnceCell::new() }
    }

    /// Returns how many tokens there are.
    pub(super) fn tokens(&self) -> usize {
        self.values.len() / self.width
    }

    fn long(&self, kernel: Kernel) -> &Rounded {
        self.long.get_or_init(|| round::<256>(kernel, self.values, self.width))
    }

    fn short(&self, kernel: Kernel) -> &Rounded {
        self.short.get_or_init(|| round::<32>(kernel, self.values, self.width))
    }
}

/// What is written for one block of all tokens: quants, scales and sums.
type Slab<'a> = ((&'a mut [i8], &'a mut [f32]), &'a mut [[i16; 16]]);

fn round<const BLOCK: usize>(kernel: Kernel, values: &[f32], width: usize) -> Rounded {
    let (tokens, blocks) = (values.len() / width, width / BLOCK);
    let mut quants = vec![0; values.len()];
    let mut scales = vec![0.0; tokens * blocks];
    let mut sums = vec![[0; 16]; tokens * blocks];
    let slabs =
        quants.par_chunks_mut(BLOCK * tokens).zip(scales.par_chunks_mut(tokens)).zip(sums.par_chunks_mut(tokens));
    let work = |(block, ((quants, scales), sums)): (usize, Slab<'_>)| {
        kernel.run(
            #[inline(always)]
            || {
                for (token, (quants, scale)) in quants.chunks_exact_mut(BLOCK).zip(scales).enumerate() {
                    let from = &values[token * width + block * BLOCK..][..BLOCK];
                    *scale = round_block(from, quants);
                    if BLOCK == 256 {
                        for (sum, group) in sums[token].iter_mut().zip(quants.chunks_exact(16)) {
                            *sum = group.iter().map(|quant| i16::from(*quant)).sum();
                        }
                    }
                }
            },
        );
    };
    if tokens == 1 {
        slabs.enumerate().with_min_len(blocks).for_each(work);
    } else {
        slabs.enumerate().for_each(work);
    }
    Rounded { quants, scales, sums }
}

/// Rounds one block to -127 to 127, and returns its scale.
#[inline(always)]
fn round_block(values: &[f32], quants: &mut [i8]) -> f32 {
    /// Added to a small number, this leaves it rounded, ties to even, in the lowest bits: 1.5 times 2 to the power of 23.
    const TO_INTEGER: f32 = 12_582_912.0;
    let largest =
        values.iter().fold(0.0_f32, |largest, value| if value.abs() > largest { value.abs() } else { largest });
    let scale = largest / 127.0;
    let inverse = if scale > 0.0 { 1.0 / scale } else { 0.0 };
    for (quant, value) in quants.iter_mut().zip(values) {
        *quant = (value * inverse + TO_INTEGER).to_bits() as i8;
    }
    scale
}

/// How products are made on this machine.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kernel {
    /// Instructions of x86-64-v3: AVX2 and FMA.
    #[cfg(target_arch = "x86_64")]
    Avx2(V3),
    /// Nothing but what every processor has.
    Portable,
}

impl Kernel {
    /// Looks what this machine has.
    pub(super) fn detect() -> Self {
        #[cfg(target_arch = "x86_64")]
        if let Some(simd) = V3::try_new() {
            return Self::Avx2(simd);
        }
        Self::Portable
    }

    /// Runs `work` with everything that is inlined into it compiled for this machine's instructions.
    #[inline(always)]
    pub(super) fn run<R>(self, work: impl FnOnce() -> R) -> R {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(simd) => simd.vectorize(work),
            Self::Portable => work(),
        }
    }
}

/// Multiplies each matrix with the same input. Each output gets, token after token, one value for each row.
pub(super) fn multiply(kernel: Kernel, input: &Input<'_>, jobs: &mut [(Matrix<'_>, &mut Vec<f32>)]) {
    let tokens = input.tokens();
    let all_rows: usize = jobs.iter().map(|(matrix, _)| matrix.rows).sum();
    let each = all_rows.div_ceil(rayon::current_num_threads() * TASKS_EACH).next_multiple_of(LEAST_ROWS);
    let rounded: Vec<Option<&Rounded>> = jobs.iter().map(|(matrix, _)| rounded(kernel, matrix.format, input)).collect();
    let mut tasks = Vec::new();
    for ((matrix, out), rounded) in jobs.iter_mut().zip(rounded) {
        // Every value is written, so that what was there before need not be cleared.
        out.resize(matrix.rows * tokens, 0.0);
        for (place, out) in out.chunks_mut(each * tokens).enumerate() {
            tasks.push((*matrix, place * each, out, rounded));
        }
    }
    let values = input.values;
    tasks.into_par_iter().with_max_len(1).for_each(|(matrix, first, out, rounded)| {
        let weights = matrix.rows(first, out.len() / tokens);
        match (kernel, rounded) {
            #[cfg(target_arch = "x86_64")]
            (Kernel::Avx2(simd), Some(rounded)) => avx2::multiply(simd, matrix, weights, rounded, out),
            _ => kernel.run(
                #[inline(always)]
                || written_out(matrix, weights, values, tokens, out),
            ),
        }
    });
    if tokens > 1 {
        jobs.par_iter_mut().for_each(|(matrix, out)| **out = joined(out, matrix.rows, tokens, each));
    }
}

/// Returns the rounded input that the kernel of `format` wants, if it has one.
fn rounded<'a>(kernel: Kernel, format: Format, input: &'a Input<'_>) -> Option<&'a Rounded> {
    match (kernel, format) {
        (Kernel::Portable, _) | (_, Format::F32 | Format::F16 | Format::Bf16) => None,
        #[cfg(target_arch = "x86_64")]
        (_, Format::Q4K | Format::Q5K | Format::Q6K) => Some(input.long(kernel)),
        #[cfg(target_arch = "x86_64")]
        (_, Format::Q4_0 | Format::Q5_0 | Format::Q8_0) => Some(input.short(kernel)),
    }
}

/// Writes the weights of each row out and multiplies numbers.
#[inline(always)]
fn written_out(matrix: Matrix<'_>, weights: &[u8], values: &[f32], tokens: usize, out: &mut [f32]) {
    let mut written = vec![0.0; matrix.columns];
    let rows = out.len() / tokens;
    for (row, blocks) in weights.chunks_exact(weights.len() / rows).enumerate() {
        matrix.format.decode(blocks, &mut written);
        for (token, out) in values.chunks_exact(matrix.columns).zip(out.chunks_exact_mut(rows)) {
            out[row] = dot(&written, token);
        }
    }
}

/// Joins what tasks of `each` rows made, each of them token after token.
fn joined(parts: &[f32], rows: usize, tokens: usize, each: usize) -> Vec<f32> {
    let mut joined = Vec::with_capacity(parts.len());
    for token in 0..tokens {
        for first in (0..rows).step_by(each) {
            let here = each.min(rows - first);
            joined.extend_from_slice(&parts[first * tokens + token * here..][..here]);
        }
    }
    joined
}

/// Returns the sum of products; in many lanes, as additions of floating-point numbers may not be reordered otherwise.
#[inline(always)]
pub(super) fn dot(left: &[f32], right: &[f32]) -> f32 {
    const LANES: usize = 32;
    let mut lanes = [0.0_f32; LANES];
    let (left_whole, left_rest) = left.as_chunks::<LANES>();
    let (right_whole, right_rest) = right.as_chunks::<LANES>();
    for (left, right) in left_whole.iter().zip(right_whole) {
        for lane in 0..LANES {
            lanes[lane] += left[lane] * right[lane];
        }
    }
    let rest: f32 = left_rest.iter().zip(right_rest).map(|(left, right)| left * right).sum();
    // Halves are added to halves, many lanes at once.
    let mut half = LANES / 2;
    while half > 0 {
        for lane in 0..half {
            lanes[lane] += lanes[lane + half];
        }
        half /= 2;
    }
    lanes[0] + rest
}

#[cfg(test)]
#[path = "matrix_tests.rs"]
mod tests;
