//! What the blocks of each format hold, in registers.

use std::arch::x86_64::{__m128i, __m256i};

use super::V3;
use crate::inference::quant::{half, scales_k};

/// For each group of 32 values the bytes of its two scales, moved to the upper halves of 16-bit lanes.
const SPREAD: [[u8; 32]; 8] = spread();

const fn spread() -> [[u8; 32]; 8] {
    let mut all = [[0x80; 32]; 8];
    let mut group = 0;
    while group < 8 {
        let mut byte = 1;
        while byte < 32 {
            all[group][byte] = (2 * group + byte / 16) as u8;
            byte += 2;
        }
        group += 1;
    }
    all
}

/// A block of 256 values: value = scale * factor of its 16 * quant - offset_scale * offset of its 16.
#[derive(Clone, Copy)]
pub(super) struct Long {
    pub(super) quants: [__m256i; 8],
    pub(super) factors: [__m256i; 8],
    pub(super) offsets: __m256i,
    pub(super) scale: f32,
    pub(super) offset_scale: f32,
}

impl Long {
    #[inline(always)]
    pub(super) fn zero(simd: V3) -> Self {
        let zero = simd.avx._mm256_setzero_si256();
        Self { quants: [zero; 8], factors: [zero; 8], offsets: zero, scale: 0.0, offset_scale: 0.0 }
    }
}

/// A format whose blocks hold 256 values.
pub(super) trait LongFormat {
    const BYTES: usize;
    fn unpack(simd: V3, block: &[u8]) -> Long;
}

pub(super) struct Q4K;
pub(super) struct Q5K;
pub(super) struct Q6K;

impl LongFormat for Q4K {
    const BYTES: usize = 144;

    #[inline(always)]
    fn unpack(simd: V3, block: &[u8]) -> Long {
        let low = simd.avx._mm256_set1_epi8(15);
        let mut quants = [simd.avx._mm256_setzero_si256(); 8];
        for pair in 0..4 {
            let bytes = load(&block[16 + 32 * pair..]);
            quants[2 * pair] = simd.avx2._mm256_and_si256(bytes, low);
            quants[2 * pair + 1] = simd.avx2._mm256_and_si256(simd.avx2._mm256_srli_epi16::<4>(bytes), low);
        }
        with_minima(simd, block, quants)
    }
}

impl LongFormat for Q5K {
    const BYTES: usize = 176;

    #[inline(always)]
    fn unpack(simd: V3, block: &[u8]) -> Long {
        let (low, one) = (simd.avx._mm256_set1_epi8(15), simd.avx._mm256_set1_epi8(1));
        let mut fifth = load(&block[16..]);
        let mut quants = [simd.avx._mm256_setzero_si256(); 8];
        for (group, quants) in quants.iter_mut().enumerate() {
            let bytes = load(&block[48 + 32 * (group / 2)..]);
            let nibbles = if group % 2 == 0 { bytes } else { simd.avx2._mm256_srli_epi16::<4>(bytes) };
            let top = simd.avx2._mm256_slli_epi16::<4>(simd.avx2._mm256_and_si256(fifth, one));
            *quants = simd.avx2._mm256_or_si256(simd.avx2._mm256_and_si256(nibbles, low), top);
            fifth = simd.avx2._mm256_srli_epi16::<1>(fifth);
        }
        with_minima(simd, block, quants)
    }
}

impl LongFormat for Q6K {
    const BYTES: usize = 210;

    #[inline(always)]
    fn unpack(simd: V3, block: &[u8]) -> Long {
        let (low, top) = (simd.avx._mm256_set1_epi8(15), simd.avx._mm256_set1_epi8(0x30));
        let mut quants = [simd.avx._mm256_setzero_si256(); 8];
        for part in 0..2 {
            let (first, second) = (load(&block[64 * part..]), load(&block[64 * part + 32..]));
            let high = load(&block[128 + 32 * part..]);
            let nibbles =
                [first, second, simd.avx2._mm256_srli_epi16::<4>(first), simd.avx2._mm256_srli_epi16::<4>(second)];
            let tops = [
                simd.avx2._mm256_slli_epi16::<4>(high),
                simd.avx2._mm256_slli_epi16::<2>(high),
                high,
                simd.avx2._mm256_srli_epi16::<2>(high),
            ];
            for quarter in 0..4 {
                quants[4 * part + quarter] = simd.avx2._mm256_or_si256(
                    simd.avx2._mm256_and_si256(nibbles[quarter], low),
                    simd.avx2._mm256_and_si256(tops[quarter], top),
                );
            }
        }
        let mut scales = [0_u8; 16];
        scales.copy_from_slice(&block[192..208]);
        // The quants lie 32 above their values.
        let offsets = simd.avx2._mm256_slli_epi16::<5>(simd.avx2._mm256_cvtepi8_epi16(pulp::cast(scales)));
        let scale = half(block, 208);
        Long { quants, factors: factors(simd, scales), offsets, scale, offset_scale: scale }
    }
}

#[inline(always)]
fn with_minima(simd: V3, block: &[u8], quants: [__m256i; 8]) -> Long {
    let (scales, minima) = scales_k(block);
    Long {
        quants,
        factors: factors(simd, pulp::cast(twice(simd, scales))),
        offsets: simd.avx2._mm256_cvtepu8_epi16(twice(simd, minima)),
        scale: half(block, 0),
        offset_scale: half(block, 2),
    }
}

/// Repeats each byte, as a scale of 32 values is that of two times sixteen.
#[inline(always)]
fn twice(simd: V3, bytes: [u8; 8]) -> __m128i {
    let bytes = pulp::cast([bytes, [0; 8]]);
    simd.sse2._mm_unpacklo_epi8(bytes, bytes)
}

/// Spreads sixteen scales, of sixteen values each, over the 16-bit lanes of eight groups.
#[inline(always)]
fn factors(simd: V3, scales: [u8; 16]) -> [__m256i; 8] {
    let both = simd.avx2._mm256_broadcastsi128_si256(pulp::cast(scales));
    let mut all = [simd.avx._mm256_setzero_si256(); 8];
    for (group, factors) in all.iter_mut().enumerate() {
        let spread = simd.avx2._mm256_shuffle_epi8(both, pulp::cast(SPREAD[group]));
        *factors = simd.avx2._mm256_srai_epi16::<8>(spread);
    }
    all
}

/// A block of 32 values: value = scale * quant, with signed quants.
#[derive(Clone, Copy)]
pub(super) struct Short {
    pub(super) quants: __m256i,
    pub(super) magnitudes: __m256i,
    pub(super) scale: f32,
}

impl Short {
    #[inline(always)]
    pub(super) fn new(simd: V3, quants: __m256i, scale: f32) -> Self {
        Self { quants, magnitudes: simd.avx2._mm256_abs_epi8(quants), scale }
    }
}

/// A format whose blocks hold 32 values.
pub(super) trait ShortFormat {
    const BYTES: usize;
    fn unpack(simd: V3, block: &[u8]) -> Short;
}

pub(super) struct Q4_0;
pub(super) struct Q5_0;
pub(super) struct Q8_0;

impl ShortFormat for Q4_0 {
    const BYTES: usize = 18;

    #[inline(always)]
    fn unpack(simd: V3, block: &[u8]) -> Short {
        let quants = simd.avx2._mm256_sub_epi8(nibbles(simd, &block[2..]), simd.avx._mm256_set1_epi8(8));
        Short::new(simd, quants, half(block, 0))
    }
}

impl ShortFormat for Q5_0 {
    const BYTES: usize = 22;

    #[inline(always)]
    fn unpack(simd: V3, block: &[u8]) -> Short {
        // Byte i gets the byte of the 32 bits that holds its bit, then all other bits are set: -1 where the bit was set.
        let bits = simd.avx._mm256_set1_epi32(i32::from_le_bytes([block[2], block[3], block[4], block[5]]));
        let place = [[0_u8; 8], [1; 8], [2; 8], [3; 8]];
        let others = simd.avx._mm256_set1_epi64x(0x7fbf_dfef_f7fb_fdfe);
        let spread = simd.avx2._mm256_or_si256(simd.avx2._mm256_shuffle_epi8(bits, pulp::cast(place)), others);
        let set = simd.avx2._mm256_cmpeq_epi8(spread, simd.avx._mm256_set1_epi8(-1));
        let less = simd.avx2._mm256_andnot_si256(set, simd.avx._mm256_set1_epi8(16));
        Short::new(simd, simd.avx2._mm256_sub_epi8(nibbles(simd, &block[6..]), less), half(block, 0))
    }
}

impl ShortFormat for Q8_0 {
    const BYTES: usize = 34;

    #[inline(always)]
    fn unpack(simd: V3, block: &[u8]) -> Short {
        Short::new(simd, load(&block[2..]), half(block, 0))
    }
}

/// Sixteen low nibbles, then the sixteen high ones.
#[inline(always)]
fn nibbles(simd: V3, bytes: &[u8]) -> __m256i {
    let mut low = [0_u8; 16];
    low.copy_from_slice(&bytes[..16]);
    let low = pulp::cast(low);
    let both = simd.avx._mm256_set_m128i(simd.sse2._mm_srli_epi16::<4>(low), low);
    simd.avx2._mm256_and_si256(both, simd.avx._mm256_set1_epi8(15))
}

#[inline(always)]
fn load(bytes: &[u8]) -> __m256i {
    bytes.first_chunk::<32>().map_or(pulp::cast([0_u8; 32]), |bytes| pulp::cast(*bytes))
}
