//! Products of blocks on processors with AVX2: 32 small integers at once.
//!
//! `maddubs` multiplies unsigned with signed bytes and adds neighbours, `madd` multiplies these sums with the scale of
//! their group and adds again; per block one floating-point multiplication remains. The wrappers of `pulp` are safe: its
//! token [`V3`] exists only where the processor has the instructions.

mod blocks;

use std::arch::x86_64::{__m256, __m256i};
use std::marker::PhantomData;

pub(super) use pulp::x86::V3;

use super::matrix::{Matrix, Rounded};
use super::quant::Format;
use blocks::{Long, LongFormat, Q4_0, Q4K, Q5_0, Q5K, Q6K, Q8_0, Short, ShortFormat};

/// So many rows are multiplied with each activation that is read, where there are several tokens.
const ROWS: usize = 4;
/// So many tokens are multiplied with each weight that is unpacked.
const TOKENS: usize = 2;

#[inline(always)]
fn load_signed(bytes: &[i8]) -> __m256i {
    bytes.first_chunk::<32>().map_or(pulp::cast([0_i8; 32]), |bytes| pulp::cast(*bytes))
}

#[inline(always)]
fn add_up(lanes: __m256) -> f32 {
    pulp::cast::<__m256, [f32; 8]>(lanes).iter().sum()
}

/// Multiplies whole rows of `matrix` (their blocks are `weights`) with all tokens; `out` gets row after row.
pub(super) fn multiply(simd: V3, matrix: Matrix<'_>, weights: &[u8], rounded: &Rounded, out: &mut [f32]) {
    let blocks = matrix.columns / matrix.format.block_values();
    let tokens = rounded.scales.len() / blocks;
    let rows = Rows { simd, weights, blocks, rounded, tokens, out };
    match matrix.format {
        Format::Q4K => simd.vectorize(All::<Longs<Q4K>>(rows, PhantomData)),
        Format::Q5K => simd.vectorize(All::<Longs<Q5K>>(rows, PhantomData)),
        Format::Q6K => simd.vectorize(All::<Longs<Q6K>>(rows, PhantomData)),
        Format::Q4_0 => simd.vectorize(All::<Shorts<Q4_0>>(rows, PhantomData)),
        Format::Q5_0 => simd.vectorize(All::<Shorts<Q5_0>>(rows, PhantomData)),
        Format::Q8_0 => simd.vectorize(All::<Shorts<Q8_0>>(rows, PhantomData)),
        Format::F32 | Format::F16 | Format::Bf16 => {}
    }
}

struct Rows<'a> {
    simd: V3,
    weights: &'a [u8],
    /// Blocks in a row.
    blocks: usize,
    rounded: &'a Rounded,
    tokens: usize,
    out: &'a mut [f32],
}

impl Rows<'_> {
    /// Writes down the sums of `count` rows from `first` on.
    #[inline(always)]
    fn put(&mut self, first: usize, count: usize, sums: &[__m256]) {
        let out = &mut self.out[first * self.tokens..(first + count) * self.tokens];
        out.iter_mut().zip(sums).for_each(|(out, sum)| *out = add_up(*sum));
    }
}

/// Formats whose blocks are multiplied alike.
trait Family {
    /// Of one block.
    const BYTES: usize;
    /// Multiplies one row with one token.
    fn one(simd: V3, row: &[u8], rounded: &Rounded) -> f32;
    /// Multiplies `R` rows from `first` on with all tokens; `sums` has room for that.
    fn several<const R: usize>(rows: &mut Rows<'_>, first: usize, sums: &mut [__m256]);
}

struct Longs<F>(PhantomData<F>);
struct Shorts<F>(PhantomData<F>);

impl<F: LongFormat> Family for Longs<F> {
    const BYTES: usize = F::BYTES;

    #[inline(always)]
    fn one(simd: V3, row: &[u8], rounded: &Rounded) -> f32 {
        long_row::<F>(simd, row, rounded)
    }

    #[inline(always)]
    fn several<const R: usize>(rows: &mut Rows<'_>, first: usize, sums: &mut [__m256]) {
        long_rows::<F, R>(rows, first, sums);
    }
}

impl<F: ShortFormat> Family for Shorts<F> {
    const BYTES: usize = F::BYTES;

    #[inline(always)]
    fn one(simd: V3, row: &[u8], rounded: &Rounded) -> f32 {
        short_row::<F>(simd, row, rounded)
    }

    #[inline(always)]
    fn several<const R: usize>(rows: &mut Rows<'_>, first: usize, sums: &mut [__m256]) {
        short_rows::<F, R>(rows, first, sums);
    }
}

/// All rows of a task.
struct All<'a, K>(Rows<'a>, PhantomData<K>);

impl<K: Family> pulp::NullaryFnOnce for All<'_, K> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let mut rows = self.0;
        if rows.tokens == 1 {
            for (row, out) in rows.weights.chunks_exact(rows.blocks * K::BYTES).zip(rows.out) {
                *out = K::one(rows.simd, row, rows.rounded);
            }
            return;
        }
        let count = rows.out.len() / rows.tokens;
        let together = count / ROWS * ROWS;
        let mut sums = vec![rows.simd.avx._mm256_setzero_ps(); ROWS * rows.tokens];
        for first in (0..together).step_by(ROWS) {
            K::several::<ROWS>(&mut rows, first, &mut sums);
        }
        for first in together..count {
            K::several::<1>(&mut rows, first, &mut sums);
        }
    }
}

/// One row with one token: everything stays in registers, so that memory is the limit.
#[inline(always)]
#[allow(clippy::needless_range_loop, reason = "three arrays of eight, which stay in registers")]
fn long_row<F: LongFormat>(simd: V3, row: &[u8], rounded: &Rounded) -> f32 {
    let (quants, _) = rounded.quants.as_chunks::<256>();
    let mut sum = simd.avx._mm256_setzero_ps();
    let mut less = simd.avx._mm256_setzero_ps();
    for (((block, quants), scale), sums) in
        row.chunks_exact(F::BYTES).zip(quants).zip(&rounded.scales).zip(&rounded.sums)
    {
        let long = F::unpack(simd, block);
        let (quants, _) = quants.as_chunks::<32>();
        let mut whole = simd.avx._mm256_setzero_si256();
        for group in 0..8 {
            let pairs = simd.avx2._mm256_maddubs_epi16(long.quants[group], pulp::cast(quants[group]));
            whole = simd.avx2._mm256_add_epi32(whole, simd.avx2._mm256_madd_epi16(long.factors[group], pairs));
        }
        let offsets = simd.avx2._mm256_madd_epi16(long.offsets, pulp::cast(*sums));
        let (plus, minus) =
            (simd.avx._mm256_set1_ps(long.scale * scale), simd.avx._mm256_set1_ps(long.offset_scale * scale));
        sum = simd.fma._mm256_fmadd_ps(simd.avx._mm256_cvtepi32_ps(whole), plus, sum);
        less = simd.fma._mm256_fmadd_ps(simd.avx._mm256_cvtepi32_ps(offsets), minus, less);
    }
    add_up(simd.avx._mm256_sub_ps(sum, less))
}

/// `R` rows from `first` on, with all tokens.
#[inline(always)]
fn long_rows<F: LongFormat, const R: usize>(rows: &mut Rows<'_>, first: usize, sums: &mut [__m256]) {
    let (simd, tokens) = (rows.simd, rows.tokens);
    sums.fill(simd.avx._mm256_setzero_ps());
    for block in 0..rows.blocks {
        let mut unpacked = [Long::zero(simd); R];
        for (row, unpacked) in unpacked.iter_mut().enumerate() {
            let at = ((first + row) * rows.blocks + block) * F::BYTES;
            *unpacked = F::unpack(simd, &rows.weights[at..at + F::BYTES]);
        }
        let place = block * tokens;
        let quants = &rows.rounded.quants[place * 256..(place + tokens) * 256];
        let scales = &rows.rounded.scales[place..place + tokens];
        let group_sums = &rows.rounded.sums[place..place + tokens];
        let together = tokens / TOKENS * TOKENS;
        for (row, long) in unpacked.iter().enumerate() {
            let sums = &mut sums[row * tokens..(row + 1) * tokens];
            for token in (0..together).step_by(TOKENS) {
                long_tokens::<TOKENS>(simd, long, token, quants, scales, group_sums, sums);
            }
            for token in together..tokens {
                long_tokens::<1>(simd, long, token, quants, scales, group_sums, sums);
            }
        }
    }
    rows.put(first, R, sums);
}

/// One block with `T` tokens from `token` on.
#[allow(clippy::too_many_arguments, reason = "a struct of these slices would be made for each block")]
#[inline(always)]
fn long_tokens<const T: usize>(
    simd: V3,
    long: &Long,
    token: usize,
    quants: &[i8],
    scales: &[f32],
    group_sums: &[[i16; 16]],
    sums: &mut [__m256],
) {
    let mut whole = [simd.avx._mm256_setzero_si256(); T];
    let quants = &quants[token * 256..(token + T) * 256];
    for group in 0..8 {
        for (at, whole) in whole.iter_mut().enumerate() {
            let right = load_signed(&quants[at * 256 + group * 32..]);
            let pairs = simd.avx2._mm256_maddubs_epi16(long.quants[group], right);
            let scaled = simd.avx2._mm256_madd_epi16(long.factors[group], pairs);
            *whole = simd.avx2._mm256_add_epi32(*whole, scaled);
        }
    }
    for (at, whole) in whole.into_iter().enumerate() {
        let scale = scales[token + at];
        let offsets = simd.avx2._mm256_madd_epi16(long.offsets, pulp::cast(group_sums[token + at]));
        let sum = &mut sums[token + at];
        let plus = simd.avx._mm256_set1_ps(long.scale * scale);
        let minus = simd.avx._mm256_set1_ps(-long.offset_scale * scale);
        *sum = simd.fma._mm256_fmadd_ps(simd.avx._mm256_cvtepi32_ps(whole), plus, *sum);
        *sum = simd.fma._mm256_fmadd_ps(simd.avx._mm256_cvtepi32_ps(offsets), minus, *sum);
    }
}

/// One row with one token.
#[inline(always)]
fn short_row<F: ShortFormat>(simd: V3, row: &[u8], rounded: &Rounded) -> f32 {
    let (quants, _) = rounded.quants.as_chunks::<32>();
    let ones = simd.avx._mm256_set1_epi16(1);
    let mut sum = simd.avx._mm256_setzero_ps();
    for ((block, quants), scale) in row.chunks_exact(F::BYTES).zip(quants).zip(&rounded.scales) {
        let short = F::unpack(simd, block);
        let signed = simd.avx2._mm256_sign_epi8(pulp::cast(*quants), short.quants);
        let pairs = simd.avx2._mm256_maddubs_epi16(short.magnitudes, signed);
        let whole = simd.avx._mm256_cvtepi32_ps(simd.avx2._mm256_madd_epi16(ones, pairs));
        sum = simd.fma._mm256_fmadd_ps(whole, simd.avx._mm256_set1_ps(short.scale * scale), sum);
    }
    add_up(sum)
}

#[inline(always)]
fn short_rows<F: ShortFormat, const R: usize>(rows: &mut Rows<'_>, first: usize, sums: &mut [__m256]) {
    let (simd, tokens) = (rows.simd, rows.tokens);
    let ones = simd.avx._mm256_set1_epi16(1);
    sums.fill(simd.avx._mm256_setzero_ps());
    for block in 0..rows.blocks {
        let mut unpacked = [Short::new(simd, simd.avx._mm256_setzero_si256(), 0.0); R];
        for (row, unpacked) in unpacked.iter_mut().enumerate() {
            let at = ((first + row) * rows.blocks + block) * F::BYTES;
            *unpacked = F::unpack(simd, &rows.weights[at..at + F::BYTES]);
        }
        let place = block * tokens;
        let quants = &rows.rounded.quants[place * 32..(place + tokens) * 32];
        let scales = &rows.rounded.scales[place..place + tokens];
        for (token, scale) in scales.iter().enumerate() {
            let right = load_signed(&quants[token * 32..]);
            for (row, short) in unpacked.iter().enumerate() {
                let signed = simd.avx2._mm256_sign_epi8(right, short.quants);
                let pairs = simd.avx2._mm256_maddubs_epi16(short.magnitudes, signed);
                let whole = simd.avx._mm256_cvtepi32_ps(simd.avx2._mm256_madd_epi16(ones, pairs));
                let sum = &mut sums[row * tokens + token];
                *sum = simd.fma._mm256_fmadd_ps(whole, simd.avx._mm256_set1_ps(short.scale * scale), *sum);
            }
        }
    }
    rows.put(first, R, sums);
}
