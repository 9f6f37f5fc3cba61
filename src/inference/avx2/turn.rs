//! Turns what blocks of eight rows hold, so that each lane of a register is a row.

use std::arch::x86_64::{__m128i, __m256, __m256i};

use super::V3;
use super::blocks::{Blocks, ROWS};
use crate::inference::quant::REBIAS;

/// Shuffles count within halves of a register, and what has its highest bit set gives zero.
const NONE: u8 = 0x80;

/// One byte of each lane to both 16-bit halves of it.
pub(super) const LOW: [[[u8; 4]; 8]; 4] = {
    let mut all = [[[NONE; 4]; 8]; 4];
    let mut at = 0;
    while at < 4 * 8 {
        let (byte, lane) = (at / 8, at % 8);
        let from = (lane % 4 * 4 + byte) as u8;
        all[byte][lane] = [from, NONE, from, NONE];
        at += 1;
    }
    all
};

/// Two bytes of each lane to the high bytes of its 16-bit halves.
pub(super) const HIGH: [[[[u8; 4]; 8]; 4]; 4] = {
    let mut all = [[[[NONE; 4]; 8]; 4]; 4];
    let mut at = 0;
    while at < 4 * 4 * 8 {
        let (first, second, lane) = (at / 32, at / 8 % 4, at % 8);
        let own = (lane % 4 * 4) as u8;
        all[first][second][lane] = [NONE, own + first as u8, NONE, own + second as u8];
        at += 1;
    }
    all
};

/// The first byte of each lane for all four of it; shuffles count within halves of a register.
pub(super) const FIRST_BYTES: [[u8; 4]; 8] = [[0; 4], [4; 4], [8; 4], [12; 4], [0; 4], [4; 4], [8; 4], [12; 4]];

/// Sixteen low nibbles, then the sixteen high ones, four of all rows after four.
#[inline(always)]
pub(super) fn nibbles<const N: usize>(simd: V3, blocks: &Blocks<'_, [u8; N]>, at: usize) -> [__m256i; 8] {
    let low = simd.avx._mm256_set1_epi8(15);
    let both = turned_16(simd, blocks, at);
    let mut all = [low; 8];
    for step in 0..4 {
        all[step] = simd.avx2._mm256_and_si256(both[step], low);
        all[step + 4] = simd.avx2._mm256_and_si256(simd.avx2._mm256_srli_epi16::<4>(both[step]), low);
    }
    all
}

/// Turns 32 bytes of each row: four bytes of all rows after four.
#[inline(always)]
pub(super) fn turned_32<const N: usize>(simd: V3, blocks: &Blocks<'_, [u8; N]>, at: usize) -> [__m256i; 8] {
    let ([a, b, c, d], [e, f, g, h]) = (turned_16(simd, blocks, at), turned_16(simd, blocks, at + 16));
    [a, b, c, d, e, f, g, h]
}

/// Turns 16 bytes of each row.
#[inline(always)]
pub(super) fn turned_16<const N: usize>(simd: V3, blocks: &Blocks<'_, [u8; N]>, at: usize) -> [__m256i; 4] {
    let mut rows = [simd.avx._mm256_setzero_si256(); 4];
    for (row, both) in rows.iter_mut().enumerate() {
        *both = simd.avx._mm256_set_m128i(load(&blocks[row + 4][at..]), load(&blocks[row][at..]));
    }
    let first = simd.avx2._mm256_unpacklo_epi32(rows[0], rows[1]);
    let second = simd.avx2._mm256_unpacklo_epi32(rows[2], rows[3]);
    let third = simd.avx2._mm256_unpackhi_epi32(rows[0], rows[1]);
    let fourth = simd.avx2._mm256_unpackhi_epi32(rows[2], rows[3]);
    [
        simd.avx2._mm256_unpacklo_epi64(first, second),
        simd.avx2._mm256_unpackhi_epi64(first, second),
        simd.avx2._mm256_unpacklo_epi64(third, fourth),
        simd.avx2._mm256_unpackhi_epi64(third, fourth),
    ]
}

/// The 16 bits of each row at `at`.
#[inline(always)]
pub(super) fn sixteens<const N: usize>(blocks: &Blocks<'_, [u8; N]>, at: usize) -> __m256i {
    let mut all = [[0_u16; 2]; ROWS];
    for row in 0..ROWS {
        all[row][0] = u16::from_le_bytes([blocks[row][at], blocks[row][at + 1]]);
    }
    pulp::cast(all)
}

/// Widens numbers of half precision in the low bits of the lanes, as `quant::half_bits` does.
#[inline(always)]
pub(super) fn halves(simd: V3, lanes: __m256i) -> __m256 {
    let magnitude = simd.avx2._mm256_and_si256(lanes, simd.avx._mm256_set1_epi32(0x7fff));
    let magnitude: __m256 = pulp::cast(simd.avx2._mm256_slli_epi32::<13>(magnitude));
    let magnitude = simd.avx._mm256_mul_ps(magnitude, simd.avx._mm256_set1_ps(REBIAS));
    let sign = simd.avx2._mm256_and_si256(lanes, simd.avx._mm256_set1_epi32(0x8000));
    let sign: __m256 = pulp::cast(simd.avx2._mm256_slli_epi32::<16>(sign));
    simd.avx._mm256_or_ps(magnitude, sign)
}

#[inline(always)]
fn load(bytes: &[u8]) -> __m128i {
    bytes.first_chunk::<16>().map_or(pulp::cast([0_u8; 16]), |bytes| pulp::cast(*bytes))
}
