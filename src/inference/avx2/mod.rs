//! Products of blocks on processors with AVX2: eight rows at once.
//!
//! A lane of a register is a row, and holds four of its weights at a time; the four activations that belong to them are
//! repeated in all lanes. `maddubs` multiplies unsigned with signed bytes and adds neighbours, as many of these sums are
//! added as 16 bits hold, and `madd` multiplies them with the factor of their group. So a sum of a row is never spread over
//! lanes that must be added up, and what is done for each block in floating-point numbers is done for eight rows. The
//! wrappers of `pulp` are safe: its token [`V3`] exists only where the processor has the instructions.

mod blocks;
mod turn;

use std::arch::x86_64::{__m256, __m256i, _MM_HINT_T1};
use std::marker::PhantomData;

pub(super) use pulp::x86::V3;

use super::matrix::{Matrix, Rounded};
use super::quant::Format;
use blocks::{Blocks, Bytes, Layout, Panel, Q4_0, Q4K, Q5_0, Q5K, Q6K, Q8_0, ROWS};

/// So many tokens are multiplied with weights that are in registers.
const TOKENS: usize = 4;
/// So many rows ahead are asked for; of 8, 16 and 24 it was the best.
const AHEAD: usize = 2 * ROWS;

/// Multiplies whole rows of `matrix` (their blocks are `weights`) with all tokens; `out` gets, token after token, a value
/// for each of these rows.
pub(super) fn multiply(simd: V3, matrix: Matrix<'_>, weights: &[u8], rounded: &Rounded, out: &mut [f32]) {
    let blocks = matrix.columns / matrix.format.block_values();
    let rows = Rows { simd, weights, blocks, rounded, out };
    match matrix.format {
        Format::Q4K => simd.vectorize(All::<Q4K>(rows, PhantomData)),
        Format::Q5K => simd.vectorize(All::<Q5K>(rows, PhantomData)),
        Format::Q6K => simd.vectorize(All::<Q6K>(rows, PhantomData)),
        Format::Q4_0 => simd.vectorize(All::<Q4_0>(rows, PhantomData)),
        Format::Q5_0 => simd.vectorize(All::<Q5_0>(rows, PhantomData)),
        Format::Q8_0 => simd.vectorize(All::<Q8_0>(rows, PhantomData)),
        Format::F32 | Format::F16 | Format::Bf16 => {}
    }
}

struct Rows<'a> {
    simd: V3,
    weights: &'a [u8],
    /// Blocks in a row.
    blocks: usize,
    rounded: &'a Rounded,
    out: &'a mut [f32],
}

/// All rows of a task.
struct All<'a, F>(Rows<'a>, PhantomData<F>);

impl<F: Layout> pulp::NullaryFnOnce for All<'_, F> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Rows { simd, weights, blocks, rounded, out } = self.0;
        let bytes = weights;
        let weights = F::Block::cut(bytes);
        let tokens = rounded.scales.len() / blocks;
        let count = out.len() / tokens;
        let mut sums = vec![simd.avx._mm256_setzero_ps(); tokens];
        let mut panel = Panel::zero(simd);
        for first in (0..count).step_by(ROWS) {
            sums.fill(simd.avx._mm256_setzero_ps());
            for block in 0..blocks {
                // Behind the last row it is taken again, and what comes of it is not.
                let mut all: Blocks<'_, F::Block> = [&weights[0]; ROWS];
                for (row, one) in all.iter_mut().enumerate() {
                    *one = &weights[(first + row).min(count - 1) * blocks + block];
                }
                F::unpack(simd, &all, &mut panel);
                let ahead = ((first + AHEAD) * blocks + block * ROWS) * size_of::<F::Block>();
                fetch(simd, bytes.get(ahead..).unwrap_or_default(), ROWS * size_of::<F::Block>());
                let whole = tokens / TOKENS * TOKENS;
                for token in (0..whole).step_by(TOKENS) {
                    tile::<F, TOKENS>(simd, &panel, rounded, block * tokens + token, &mut sums[token..]);
                }
                for token in whole..tokens {
                    tile::<F, 1>(simd, &panel, rounded, block * tokens + token, &mut sums[token..]);
                }
            }
            let here = ROWS.min(count - first);
            for (sums, out) in sums.iter().zip(out.chunks_exact_mut(count)) {
                let lanes: [f32; ROWS] = pulp::cast(*sums);
                out[first..first + here].copy_from_slice(&lanes[..here]);
            }
        }
    }
}

/// Asks for the first `count` bytes, into the second cache. Eight short rows that are read side by side are not what a
/// processor foresees: without this, one token with a matrix from memory takes more than twice as long.
#[inline(always)]
fn fetch(simd: V3, bytes: &[u8], count: usize) {
    for line in bytes[..count.min(bytes.len())].chunks(64) {
        simd.sse._mm_prefetch::<_MM_HINT_T1>(line.as_ptr().cast());
    }
}

/// Adds to `sums` the products of a block of eight rows with `T` tokens, whose rounded blocks begin at `place`. The sums are
/// made in the same order whatever `T` is: what follows a text never depends on how it was read.
#[inline(always)]
fn tile<F: Layout, const T: usize>(simd: V3, panel: &Panel, rounded: &Rounded, place: usize, sums: &mut [__m256]) {
    let width = 32 * F::GROUPS;
    let quants = &rounded.quants[place * width..(place + T) * width];
    let mut whole = [simd.avx._mm256_setzero_si256(); T];
    for group in 0..F::GROUPS {
        for run in 0..8 / F::HELD {
            let mut pairs = [simd.avx._mm256_setzero_si256(); T];
            for step in run * F::HELD..(run + 1) * F::HELD {
                let left = panel.quants[group][step];
                for at in 0..T {
                    let right = repeated(simd, &quants[at * width + group * 32 + step * 4..]);
                    pairs[at] = simd.avx2._mm256_add_epi16(pairs[at], products::<F>(simd, left, right));
                }
            }
            let one = simd.avx._mm256_set1_epi16(1);
            let factor = if F::GROUPS == 1 { one } else { panel.factors[group * 2 + run * F::HELD / 4] };
            for at in 0..T {
                whole[at] = simd.avx2._mm256_add_epi32(whole[at], simd.avx2._mm256_madd_epi16(factor, pairs[at]));
            }
        }
    }
    let sums = &mut sums[..T];
    for at in 0..T {
        let sum = &mut sums[at];
        let scale = simd.avx._mm256_set1_ps(rounded.scales[place + at]);
        let plus = simd.avx._mm256_mul_ps(panel.scale, scale);
        *sum = simd.fma._mm256_fmadd_ps(simd.avx._mm256_cvtepi32_ps(whole[at]), plus, *sum);
        if F::GROUPS > 1 {
            let minus = simd.avx._mm256_mul_ps(panel.offset_scale, scale);
            let less = simd.avx._mm256_cvtepi32_ps(offsets(simd, panel, &rounded.sums[place + at]));
            *sum = simd.fma._mm256_fnmadd_ps(less, minus, *sum);
        }
    }
}

/// Multiplies four weights of each row with four activations; neighbours are added.
#[inline(always)]
fn products<F: Layout>(simd: V3, left: __m256i, right: __m256i) -> __m256i {
    if F::SIGNED {
        let signed = simd.avx2._mm256_sign_epi8(right, left);
        simd.avx2._mm256_maddubs_epi16(simd.avx2._mm256_abs_epi8(left), signed)
    } else {
        simd.avx2._mm256_maddubs_epi16(left, right)
    }
}

/// Multiplies the offsets with the sums of a token's activations.
#[inline(always)]
fn offsets(simd: V3, panel: &Panel, sums: &[i16; 16]) -> __m256i {
    let pairs: [i32; 8] = pulp::cast(*sums);
    let mut whole = simd.avx._mm256_setzero_si256();
    for (offsets, pair) in panel.offsets.iter().zip(&pairs) {
        let products = simd.avx2._mm256_madd_epi16(*offsets, simd.avx._mm256_set1_epi32(*pair));
        whole = simd.avx2._mm256_add_epi32(whole, products);
    }
    whole
}

/// Repeats four activations in all lanes.
#[inline(always)]
fn repeated(simd: V3, quants: &[i8]) -> __m256i {
    let four = quants.first_chunk::<4>().map_or(0, |four| pulp::cast(*four));
    simd.avx._mm256_set1_epi32(four)
}
