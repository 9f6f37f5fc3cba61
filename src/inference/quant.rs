//! How weights are written: ggml's block formats, and what they mean.
//!
//! A row is a sequence of blocks; a block holds a fixed number of values with a scale of their own (ggml, ggml-common.h and
//! ggml-quants.c). This file says what the numbers are; `matrix` multiplies with them.

/// A way to write numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    F32,
    F16,
    Bf16,
    Q4_0,
    Q5_0,
    Q8_0,
    Q4K,
    Q5K,
    Q6K,
}

/// Every format with ggml's number and name, the values of a block, and its bytes.
const FORMATS: [(Format, u32, &str, usize, usize); 9] = [
    (Format::F32, 0, "F32", 1, 4),
    (Format::F16, 1, "F16", 1, 2),
    (Format::Q4_0, 2, "Q4_0", 32, 18),
    (Format::Q5_0, 6, "Q5_0", 32, 22),
    (Format::Q8_0, 8, "Q8_0", 32, 34),
    (Format::Q4K, 12, "Q4_K", 256, 144),
    (Format::Q5K, 13, "Q5_K", 256, 176),
    (Format::Q6K, 14, "Q6_K", 256, 210),
    (Format::Bf16, 30, "BF16", 1, 2),
];

impl Format {
    /// Returns the format with ggml's number `kind`.
    pub(super) fn of(kind: u32) -> Option<Self> {
        FORMATS.iter().find(|entry| entry.1 == kind).map(|entry| entry.0)
    }

    /// Names all formats, for messages.
    pub(super) fn known() -> String {
        FORMATS.map(|entry| entry.2).join(", ")
    }

    /// Returns how many values one block holds.
    pub(super) fn block_values(self) -> usize {
        self.entry().3
    }

    /// Returns how many bytes one block takes.
    pub(super) fn block_bytes(self) -> usize {
        self.entry().4
    }

    fn entry(self) -> &'static (Self, u32, &'static str, usize, usize) {
        FORMATS.iter().find(|entry| entry.0 == self).unwrap_or(&FORMATS[0])
    }

    /// Writes out the values of whole blocks.
    pub(super) fn decode(self, blocks: &[u8], values: &mut [f32]) {
        let pairs = blocks.chunks_exact(self.block_bytes()).zip(values.chunks_exact_mut(self.block_values()));
        for (block, out) in pairs {
            match self {
                Self::F32 => out[0] = f32::from_le_bytes([block[0], block[1], block[2], block[3]]),
                Self::F16 => out[0] = half(block, 0),
                Self::Bf16 => out[0] = f32::from_bits(u32::from(u16::from_le_bytes([block[0], block[1]])) << 16),
                Self::Q4_0 => decode_q4_0(block, out),
                Self::Q5_0 => decode_q5_0(block, out),
                Self::Q8_0 => {
                    let scale = half(block, 0);
                    out.iter_mut().zip(&block[2..]).for_each(|(value, byte)| *value = scale * f32::from(*byte as i8));
                }
                Self::Q4K => decode_k(block, &block[16..144], None, out),
                Self::Q5K => decode_k(block, &block[48..176], Some(&block[16..48]), out),
                Self::Q6K => decode_q6k(block, out),
            }
        }
    }
}

/// Reads the half-precision number (IEEE 754 binary16) at `at`; infinities become large numbers, which no weight is.
pub(super) fn half(bytes: &[u8], at: usize) -> f32 {
    half_bits(u16::from_le_bytes([bytes[at], bytes[at + 1]]))
}

/// 2 to the power of 127 - 15, the difference of the biases of single and half precision.
pub(super) const REBIAS: f32 = f32::from_bits((127 + 112) << 23);

/// Widens a half-precision number: its exponent is moved by multiplying, so that subnormal numbers come out right.
#[inline(always)]
pub(super) fn half_bits(bits: u16) -> f32 {
    let magnitude = f32::from_bits(u32::from(bits & 0x7fff) << 13) * REBIAS;
    f32::from_bits(magnitude.to_bits() | (u32::from(bits & 0x8000) << 16))
}

/// Narrows to half precision, to the nearest, ties to even; what is too large becomes the largest number.
#[inline(always)]
pub(super) fn to_half(value: f32) -> u16 {
    /// The largest half-precision number.
    const LARGEST: f32 = 65504.0;
    /// The least one whose exponent is not the least: 2 to the power of -14.
    const NORMAL: f32 = f32::from_bits((127 - 14) << 23);
    let magnitude = value.abs().min(LARGEST);
    let bits = magnitude.to_bits();
    let normal = (bits + 0x0fff + ((bits >> 13) & 1)).wrapping_sub((127 - 15) << 23) >> 13;
    // From one half to one, numbers of single precision are as far apart as subnormal halves: the sum is rounded to these.
    let subnormal = (magnitude + 0.5).to_bits() - 0.5_f32.to_bits();
    let rounded = if magnitude < NORMAL { subnormal } else { normal };
    (rounded as u16) | ((value.to_bits() >> 16) as u16 & 0x8000)
}

/// Reads the eight scales and eight minima, six bits each, of a Q4_K or Q5_K block: scales first.
#[inline(always)]
pub(super) fn scales_k(block: &[u8]) -> ([u8; 8], [u8; 8]) {
    let word = |at: usize| u32::from_le_bytes([block[at], block[at + 1], block[at + 2], block[at + 3]]);
    let (low, mid, high) = (word(4), word(8), word(12));
    let scales = [low & 0x3f3f_3f3f, (high & 0x0f0f_0f0f) | ((low >> 6) & 0x0303_0303) << 4];
    let minima = [mid & 0x3f3f_3f3f, ((high >> 4) & 0x0f0f_0f0f) | ((mid >> 6) & 0x0303_0303) << 4];
    let bytes = |words: [u32; 2]| (u64::from(words[0]) | u64::from(words[1]) << 32).to_le_bytes();
    (bytes(scales), bytes(minima))
}

fn decode_q4_0(block: &[u8], out: &mut [f32]) {
    let scale = half(block, 0);
    for (place, byte) in block[2..18].iter().enumerate() {
        out[place] = scale * (f32::from(byte & 15) - 8.0);
        out[place + 16] = scale * (f32::from(byte >> 4) - 8.0);
    }
}

fn decode_q5_0(block: &[u8], out: &mut [f32]) {
    let scale = half(block, 0);
    let high = u32::from_le_bytes([block[2], block[3], block[4], block[5]]);
    for (place, byte) in block[6..22].iter().enumerate() {
        let fifth = |bit: usize| ((high >> bit) & 1) as u8 * 16;
        out[place] = scale * (f32::from((byte & 15) + fifth(place)) - 16.0);
        out[place + 16] = scale * (f32::from((byte >> 4) + fifth(place + 16)) - 16.0);
    }
}

/// Q4_K, and Q5_K where `high` holds the fifth bits.
fn decode_k(block: &[u8], low: &[u8], high: Option<&[u8]>, out: &mut [f32]) {
    let (scale, minimum) = (half(block, 0), half(block, 2));
    let (scales, minima) = scales_k(block);
    for (group, out) in out.chunks_exact_mut(32).enumerate() {
        let (factor, offset) = (scale * f32::from(scales[group]), minimum * f32::from(minima[group]));
        for (place, value) in out.iter_mut().enumerate() {
            let byte = low[group / 2 * 32 + place];
            let nibble = if group % 2 == 0 { byte & 15 } else { byte >> 4 };
            let fifth = high.map_or(0, |high| ((high[place] >> group) & 1) * 16);
            *value = factor * f32::from(nibble + fifth) - offset;
        }
    }
}

fn decode_q6k(block: &[u8], out: &mut [f32]) {
    let scale = half(block, 208);
    for (place, value) in out.iter_mut().enumerate() {
        let (part, within) = (place / 128, place % 128);
        let (quarter, lane) = (within / 32, within % 32);
        let byte = block[part * 64 + quarter % 2 * 32 + lane];
        let nibble = if quarter < 2 { byte & 15 } else { byte >> 4 };
        let top = (block[128 + part * 32 + lane] >> (2 * quarter)) & 3;
        let factor = f32::from(block[192 + place / 16] as i8);
        *value = scale * factor * (f32::from(nibble | top << 4) - 32.0);
    }
}

#[cfg(test)]
#[path = "quant_tests.rs"]
mod tests;
