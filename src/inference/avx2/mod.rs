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
/// Up to so many tokens, unpacked weights stay in registers for all of them.
const FEW: usize = 8;

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
        put(&mut self.out[first * self.tokens..(first + count) * self.tokens], sums);
    }
}

/// Formats whose blocks are multiplied alike.
trait Family {
    /// Of one block.
    const BYTES: usize;
    /// Multiplies one row with `T` of the tokens, from `first` on; each weight is unpacked once, and used for all of them while
    /// it is in a register. The sums are made in the same order whatever `T` is, and as `several` makes them: what follows a
    /// text never depends on how it was read.
    fn few<const T: usize>(simd: V3, row: &[u8], rounded: &Rounded, first: usize) -> [__m256; T];
    /// Multiplies `R` rows from `first` on with all tokens; `sums` has room for that.
    fn several<const R: usize>(rows: &mut Rows<'_>, first: usize, sums: &mut [__m256]);
}

struct Longs<F>(PhantomData<F>);
struct Shorts<F>(PhantomData<F>);

impl<F: LongFormat> Family for Longs<F> {
    const BYTES: usize = F::BYTES;

    #[inline(always)]
    fn few<const T: usize>(simd: V3, row: &[u8], rounded: &Rounded, first: usize) -> [__m256; T] {
        let tokens = rounded.scales.len() / (row.len() / F::BYTES);
        let mut sums = [simd.avx._mm256_setzero_ps(); T];
        for (place, block) in row.chunks_exact(F::BYTES).enumerate() {
            let long = F::unpack(simd, block);
            let at = place * tokens + first;
            let quants = &rounded.quants[at * 256..(at + T) * 256];
            let (scales, group_sums) = (&rounded.scales[at..at + T], &rounded.sums[at..at + T]);
            long_tokens::<T>(simd, &long, 0, quants, scales, group_sums, &mut sums);
        }
        sums
    }

    #[inline(always)]
    fn several<const R: usize>(rows: &mut Rows<'_>, first: usize, sums: &mut [__m256]) {
        long_rows::<F, R>(rows, first, sums);
    }
}

impl<F: ShortFormat> Family for Shorts<F> {
    const BYTES: usize = F::BYTES;

    #[inline(always)]
    fn few<const T: usize>(simd: V3, row: &[u8], rounded: &Rounded, first: usize) -> [__m256; T] {
        let tokens = rounded.scales.len() / (row.len() / F::BYTES);
        let ones = simd.avx._mm256_set1_epi16(1);
        let mut sums = [simd.avx._mm256_setzero_ps(); T];
        for (place, block) in row.chunks_exact(F::BYTES).enumerate() {
            let short = F::unpack(simd, block);
            let at = place * tokens + first;
            let quants = &rounded.quants[at * 32..(at + T) * 32];
            let scales = &rounded.scales[at..at + T];
            for (token, sum) in sums.iter_mut().enumerate() {
                let signed = simd.avx2._mm256_sign_epi8(load_signed(&quants[token * 32..]), short.quants);
                let pairs = simd.avx2._mm256_maddubs_epi16(short.magnitudes, signed);
                let whole = simd.avx._mm256_cvtepi32_ps(simd.avx2._mm256_madd_epi16(ones, pairs));
                *sum = simd.fma._mm256_fmadd_ps(whole, simd.avx._mm256_set1_ps(short.scale * scales[token]), *sum);
            }
        }
        sums
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
        if rows.tokens <= FEW {
            return few::<K>(&mut rows);
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

/// All rows with a few tokens.
#[inline(always)]
fn few<K: Family>(rows: &mut Rows<'_>) {
    let (simd, tokens) = (rows.simd, rows.tokens);
    for (row, out) in rows.weights.chunks_exact(rows.blocks * K::BYTES).zip(rows.out.chunks_exact_mut(tokens)) {
        let done = some::<K, 8>(simd, row, rows.rounded, out, 0);
        let done = some::<K, 4>(simd, row, rows.rounded, out, done);
        let done = some::<K, 2>(simd, row, rows.rounded, out, done);
        some::<K, 1>(simd, row, rows.rounded, out, done);
    }
}

/// Multiplies with `T` more tokens where so many are left; returns how many are done.
#[inline(always)]
fn some<K: Family, const T: usize>(simd: V3, row: &[u8], rounded: &Rounded, out: &mut [f32], done: usize) -> usize {
    if out.len() - done < T {
        return done;
    }
    put(&mut out[done..], &K::few::<T>(simd, row, rounded, done));
    done + T
}

#[inline(always)]
fn put(out: &mut [f32], sums: &[__m256]) {
    out.iter_mut().zip(sums).for_each(|(out, sum)| *out = add_up(*sum));
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
