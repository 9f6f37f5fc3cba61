//! What the blocks of each format hold, for eight rows at once: a lane of a register is a row.

use std::arch::x86_64::{__m256, __m256i};

use super::V3;
use super::turn::{FIRST_BYTES, HIGH, LOW, halves, nibbles, sixteens, turned_16, turned_32};

/// So many rows are multiplied at once: the 32-bit lanes of a register.
pub(super) const ROWS: usize = 8;

/// Blocks at the same place of [`ROWS`] rows.
///
/// value = scale * (factor of its 16 * quant) - offset_scale * offset of its 16. In short blocks there are no factors and
/// no offsets.
pub(super) struct Panel {
    /// For each 32 values of a row, four of all rows after four.
    pub(super) quants: [[__m256i; 8]; 8],
    /// For each 16 values, in both halves of a lane.
    pub(super) factors: [__m256i; 16],
    /// For each 32 values, those of the first and of the second 16 in the halves of a lane.
    pub(super) offsets: [__m256i; 8],
    pub(super) scale: __m256,
    pub(super) offset_scale: __m256,
}

impl Panel {
    #[inline(always)]
    pub(super) fn zero(simd: V3) -> Self {
        let (zero, none) = (simd.avx._mm256_setzero_si256(), simd.avx._mm256_setzero_ps());
        Self { quants: [[zero; 8]; 8], factors: [zero; 16], offsets: [zero; 8], scale: none, offset_scale: none }
    }
}

/// A fixed number of bytes, so that their bounds are known to the compiler.
pub(super) trait Bytes: Sized {
    /// Cuts weights into whole blocks.
    fn cut(weights: &[u8]) -> &[Self];
}

impl<const N: usize> Bytes for [u8; N] {
    fn cut(weights: &[u8]) -> &[Self] {
        weights.as_chunks().0
    }
}

/// A block of each row.
pub(super) type Blocks<'a, B> = [&'a B; ROWS];

/// How the blocks of a format are read, and what their products need.
pub(super) trait Layout {
    /// The bytes of one block.
    type Block: Bytes;
    /// So many times 32 values in a block: 8 in those with factors and offsets, 1 in those without.
    const GROUPS: usize;
    /// So many sums of two products with activations of -127 to 127 fit a 16-bit lane together.
    const HELD: usize;
    /// Whether quants are signed bytes.
    const SIGNED: bool = false;
    fn unpack(simd: V3, blocks: &Blocks<'_, Self::Block>, panel: &mut Panel);
}

pub(super) struct Q4K;
pub(super) struct Q5K;
pub(super) struct Q6K;

impl Layout for Q4K {
    type Block = [u8; 144];
    const GROUPS: usize = 8;
    const HELD: usize = 8;

    #[inline(always)]
    fn unpack(simd: V3, blocks: &Blocks<'_, Self::Block>, panel: &mut Panel) {
        let low = simd.avx._mm256_set1_epi8(15);
        for pair in 0..4 {
            let both = turned_32(simd, blocks, 16 + 32 * pair);
            for (step, both) in both.iter().enumerate() {
                let high = simd.avx2._mm256_srli_epi16::<4>(*both);
                panel.quants[2 * pair][step] = simd.avx2._mm256_and_si256(*both, low);
                panel.quants[2 * pair + 1][step] = simd.avx2._mm256_and_si256(high, low);
            }
        }
        minima(simd, blocks, panel);
    }
}

impl Layout for Q5K {
    type Block = [u8; 176];
    const GROUPS: usize = 8;
    const HELD: usize = 4;

    #[inline(always)]
    fn unpack(simd: V3, blocks: &Blocks<'_, Self::Block>, panel: &mut Panel) {
        let (low, one) = (simd.avx._mm256_set1_epi8(15), simd.avx._mm256_set1_epi8(1));
        let mut fifths = turned_32(simd, blocks, 16);
        for pair in 0..4 {
            let both = turned_32(simd, blocks, 48 + 32 * pair);
            for step in 0..8 {
                let nibbles = [both[step], simd.avx2._mm256_srli_epi16::<4>(both[step])];
                for (half, nibbles) in nibbles.iter().enumerate() {
                    let top = simd.avx2._mm256_slli_epi16::<4>(simd.avx2._mm256_and_si256(fifths[step], one));
                    fifths[step] = simd.avx2._mm256_srli_epi16::<1>(fifths[step]);
                    panel.quants[2 * pair + half][step] =
                        simd.avx2._mm256_or_si256(simd.avx2._mm256_and_si256(*nibbles, low), top);
                }
            }
        }
        minima(simd, blocks, panel);
    }
}

impl Layout for Q6K {
    type Block = [u8; 210];
    const GROUPS: usize = 8;
    const HELD: usize = 2;

    #[inline(always)]
    fn unpack(simd: V3, blocks: &Blocks<'_, Self::Block>, panel: &mut Panel) {
        let (low, top) = (simd.avx._mm256_set1_epi8(15), simd.avx._mm256_set1_epi8(0x30));
        for part in 0..2 {
            let first = turned_32(simd, blocks, 64 * part);
            let second = turned_32(simd, blocks, 64 * part + 32);
            let high = turned_32(simd, blocks, 128 + 32 * part);
            for step in 0..8 {
                let nibbles = [
                    first[step],
                    second[step],
                    simd.avx2._mm256_srli_epi16::<4>(first[step]),
                    simd.avx2._mm256_srli_epi16::<4>(second[step]),
                ];
                let tops = [
                    simd.avx2._mm256_slli_epi16::<4>(high[step]),
                    simd.avx2._mm256_slli_epi16::<2>(high[step]),
                    high[step],
                    simd.avx2._mm256_srli_epi16::<2>(high[step]),
                ];
                for quarter in 0..4 {
                    panel.quants[4 * part + quarter][step] = simd.avx2._mm256_or_si256(
                        simd.avx2._mm256_and_si256(nibbles[quarter], low),
                        simd.avx2._mm256_and_si256(tops[quarter], top),
                    );
                }
            }
        }
        let scales = turned_16(simd, blocks, 192);
        for group in 0..8 {
            let spread = |bytes: [[u8; 4]; 8]| simd.avx2._mm256_shuffle_epi8(scales[group / 2], pulp::cast(bytes));
            let (first, second) = (2 * group % 4, 2 * group % 4 + 1);
            panel.factors[2 * group] = simd.avx2._mm256_srai_epi16::<8>(spread(HIGH[first][first]));
            panel.factors[2 * group + 1] = simd.avx2._mm256_srai_epi16::<8>(spread(HIGH[second][second]));
            // The quants lie 32 above their values: 8 bits less 3 are 5.
            panel.offsets[group] = simd.avx2._mm256_srai_epi16::<3>(spread(HIGH[first][second]));
        }
        panel.scale = halves(simd, sixteens(blocks, 208));
        panel.offset_scale = panel.scale;
    }
}

/// The scales and minima of Q4_K and Q5_K, each for 32 values: six bits each, as `quant::scales_k` reads them.
#[inline(always)]
fn minima<const N: usize>(simd: V3, blocks: &Blocks<'_, [u8; N]>, panel: &mut Panel) {
    let and = |lanes: __m256i, bits: i32| simd.avx2._mm256_and_si256(lanes, simd.avx._mm256_set1_epi32(bits));
    let [both, low, mid, high] = turned_16(simd, blocks, 0);
    let above = |lanes: __m256i| and(simd.avx2._mm256_srli_epi32::<2>(lanes), 0x3030_3030);
    let below = simd.avx2._mm256_srli_epi32::<4>(high);
    let scales = [and(low, 0x3f3f_3f3f), simd.avx2._mm256_or_si256(and(high, 0x0f0f_0f0f), above(low))];
    let minima = [and(mid, 0x3f3f_3f3f), simd.avx2._mm256_or_si256(and(below, 0x0f0f_0f0f), above(mid))];
    for group in 0..8 {
        let spread = pulp::cast(LOW[group % 4]);
        let factor = simd.avx2._mm256_shuffle_epi8(scales[group / 4], spread);
        (panel.factors[2 * group], panel.factors[2 * group + 1]) = (factor, factor);
        panel.offsets[group] = simd.avx2._mm256_shuffle_epi8(minima[group / 4], spread);
    }
    panel.scale = halves(simd, both);
    panel.offset_scale = halves(simd, simd.avx2._mm256_srli_epi32::<16>(both));
}

pub(super) struct Q4_0;
pub(super) struct Q5_0;
pub(super) struct Q8_0;

impl Layout for Q4_0 {
    type Block = [u8; 18];
    const GROUPS: usize = 1;
    const HELD: usize = 8;
    const SIGNED: bool = true;

    #[inline(always)]
    fn unpack(simd: V3, blocks: &Blocks<'_, Self::Block>, panel: &mut Panel) {
        let eight = simd.avx._mm256_set1_epi8(8);
        panel.quants[0] = nibbles(simd, blocks, 2);
        for quants in &mut panel.quants[0] {
            *quants = simd.avx2._mm256_sub_epi8(*quants, eight);
        }
        panel.scale = halves(simd, sixteens(blocks, 0));
    }
}

impl Layout for Q5_0 {
    type Block = [u8; 22];
    const GROUPS: usize = 1;
    const HELD: usize = 8;
    const SIGNED: bool = true;

    #[inline(always)]
    fn unpack(simd: V3, blocks: &Blocks<'_, Self::Block>, panel: &mut Panel) {
        let mut fifths = [0_i32; ROWS];
        for row in 0..ROWS {
            let block = blocks[row];
            fifths[row] = i32::from_le_bytes([block[2], block[3], block[4], block[5]]);
        }
        let mut fifths: __m256i = pulp::cast(fifths);
        let (places, own) = (pulp::cast(FIRST_BYTES), simd.avx._mm256_set1_epi32(0x0804_0201));
        let sixteen = simd.avx._mm256_set1_epi8(16);
        panel.quants[0] = nibbles(simd, blocks, 6);
        for quants in &mut panel.quants[0] {
            let bits = simd.avx2._mm256_and_si256(simd.avx2._mm256_shuffle_epi8(fifths, places), own);
            let set = simd.avx2._mm256_cmpeq_epi8(bits, own);
            *quants = simd.avx2._mm256_sub_epi8(*quants, simd.avx2._mm256_andnot_si256(set, sixteen));
            fifths = simd.avx2._mm256_srli_epi32::<4>(fifths);
        }
        panel.scale = halves(simd, sixteens(blocks, 0));
    }
}

impl Layout for Q8_0 {
    type Block = [u8; 34];
    const GROUPS: usize = 1;
    const HELD: usize = 1;
    const SIGNED: bool = true;

    #[inline(always)]
    fn unpack(simd: V3, blocks: &Blocks<'_, Self::Block>, panel: &mut Panel) {
        panel.quants[0] = turned_32(simd, blocks, 2);
        panel.scale = halves(simd, sixteens(blocks, 0));
    }
}
