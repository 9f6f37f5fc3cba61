use super::*;

/// Halves by hand: sign, five bits of exponent with the bias 15, ten bits of fraction.
const QUARTER: [u8; 2] = [0x00, 0x34];
const HALF: [u8; 2] = [0x00, 0x38];
const ONE: [u8; 2] = [0x00, 0x3c];
const MINUS_TWO: [u8; 2] = [0x00, 0xc0];

fn decoded(format: Format, block: &[u8]) -> Vec<f32> {
    assert_eq!(block.len() % format.block_bytes(), 0);
    let mut values = vec![f32::NAN; block.len() / format.block_bytes() * format.block_values()];
    format.decode(block, &mut values);
    values
}

#[test]
fn plain_numbers_are_those_of_the_file() {
    assert_eq!(decoded(Format::F32, &[0, 0, 0x80, 0x3f, 0, 0, 0x20, 0xc1]), [1.0, -10.0]);
    assert_eq!(decoded(Format::F16, &[0, 0x3c, 0, 0xc0, 0xff, 0x7b, 1, 0]), [1.0, -2.0, 65504.0, 5.960_464_5e-8]);
    assert_eq!(decoded(Format::Bf16, &[0x80, 0x3f, 0x20, 0xc1]), [1.0, -10.0]);
}

/// ggml-quants.c, `dequantize_row_q4_0`: low nibbles are the first sixteen values, high ones the rest, 8 lies at zero.
#[test]
fn q4_0_by_hand() {
    let mut block = HALF.to_vec();
    block.extend((0..16).map(|place| place | (15 - place) << 4));
    let expected: Vec<f32> = vec![
        -4.0, -3.5, -3.0, -2.5, -2.0, -1.5, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, //
        3.5, 3.0, 2.5, 2.0, 1.5, 1.0, 0.5, 0.0, -0.5, -1.0, -1.5, -2.0, -2.5, -3.0, -3.5, -4.0,
    ];
    assert_eq!(decoded(Format::Q4_0, &block), expected);
}

/// `dequantize_row_q5_0`: bit i of the 32 is the fifth bit of value i, 16 lies at zero.
#[test]
fn q5_0_by_hand() {
    let mut block = MINUS_TWO.to_vec();
    // Values 0, 9, 16 and 31 have their fifth bit.
    block.extend([0b0000_0001, 0b0000_0010, 0b0000_0001, 0b1000_0000]);
    block.extend([0x21; 16]);
    let mut expected = [vec![30.0; 16], vec![28.0; 16]].concat();
    for place in [0, 9] {
        expected[place] = -2.0;
    }
    for place in [16, 31] {
        expected[place] = -4.0;
    }
    assert_eq!(decoded(Format::Q5_0, &block), expected);
}

#[test]
fn q8_0_by_hand() {
    let mut block = QUARTER.to_vec();
    block.extend([0x80, 0xff, 0, 1, 0x7f]);
    block.extend([4; 27]);
    let expected = [vec![-32.0, -0.25, 0.0, 0.25, 31.75], vec![1.0; 27]].concat();
    assert_eq!(decoded(Format::Q8_0, &block), expected);
}

/// The twelve bytes of six-bit scales and minima as ggml packs them (`quantize_row_q4_K_ref`).
fn packed(scales: [u8; 8], minima: [u8; 8]) -> [u8; 12] {
    let mut bytes = [0; 12];
    for group in 0..8 {
        let (scale, minimum) = (scales[group], minima[group]);
        if group < 4 {
            bytes[group] |= scale;
            bytes[group + 4] |= minimum;
        } else {
            bytes[group + 4] = (scale & 15) | (minimum & 15) << 4;
            bytes[group - 4] |= (scale >> 4) << 6;
            bytes[group] |= (minimum >> 4) << 6;
        }
    }
    bytes
}

const SCALES: [u8; 8] = [1, 2, 63, 0, 16, 33, 47, 63];
const MINIMA: [u8; 8] = [0, 63, 1, 5, 48, 31, 2, 17];

#[test]
fn scales_and_minima_of_k_blocks_by_hand() {
    // 63 = 0b11_1111 in group 7: its low four bits in byte 11, its upper two in byte 3.
    let bytes = packed(SCALES, MINIMA);
    assert_eq!(bytes, [0x41, 0x82, 0xbf, 0xc0, 0xc0, 0x7f, 0x01, 0x45, 0x00, 0xf1, 0x2f, 0x1f]);
    let block = [vec![0; 4], bytes.to_vec()].concat();
    assert_eq!(scales_k(&block), (SCALES, MINIMA));
}

/// Draws quants of `bits` bits.
fn quants(bits: u32) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(u64::from(bits));
    (0..256).map(|_| random.u8(0..1 << bits)).collect()
}

fn k_values(quants: &[u8]) -> Vec<f32> {
    let value = |(place, quant): (usize, &u8)| {
        let group = place / 32;
        0.5 * f32::from(SCALES[group]) * f32::from(*quant) - 0.25 * f32::from(MINIMA[group])
    };
    quants.iter().enumerate().map(value).collect()
}

/// `dequantize_row_q4_K`: 64 values lie in 32 bytes, the first 32 in the low nibbles.
#[test]
fn q4_k_by_its_definition() {
    let quants = quants(4);
    let mut block = [HALF.to_vec(), QUARTER.to_vec(), packed(SCALES, MINIMA).to_vec()].concat();
    for part in quants.chunks(64) {
        block.extend((0..32).map(|place| part[place] | part[place + 32] << 4));
    }
    assert_eq!(decoded(Format::Q4K, &block), k_values(&quants));
}

/// `dequantize_row_q5_K`: the fifth bits of group g are the bits g of 32 bytes.
#[test]
fn q5_k_by_its_definition() {
    let quants = quants(5);
    let mut block = [HALF.to_vec(), QUARTER.to_vec(), packed(SCALES, MINIMA).to_vec()].concat();
    let mut high = [0; 32];
    for (place, quant) in quants.iter().enumerate() {
        high[place % 32] |= (quant >> 4) << (place / 32);
    }
    block.extend(high);
    for part in quants.chunks(64) {
        block.extend((0..32).map(|place| (part[place] & 15) | (part[place + 32] & 15) << 4));
    }
    assert_eq!(decoded(Format::Q5K, &block), k_values(&quants));
}

/// `dequantize_row_q6_K`: of each 128 values four quarters share 64 bytes of nibbles and 32 of upper bits.
#[test]
fn q6_k_by_its_definition() {
    let quants = quants(6);
    let scales: [i8; 16] = [1, -1, 127, -128, 0, 3, -7, 64, 2, 5, -50, 11, 100, -3, 9, -64];
    let (mut low, mut high) = (Vec::new(), Vec::new());
    for part in quants.chunks(128) {
        low.extend((0..64).map(|place| (part[place] & 15) | (part[place + 64] & 15) << 4));
        let upper = |place: usize| part[place] >> 4;
        high.extend(
            (0..32).map(|lane| upper(lane) | upper(lane + 32) << 2 | upper(lane + 64) << 4 | upper(lane + 96) << 6),
        );
    }
    let block = [low, high, scales.map(|scale| scale as u8).to_vec(), ONE.to_vec()].concat();
    let value = |(place, quant): (usize, &u8)| f32::from(scales[place / 16]) * (f32::from(*quant) - 32.0);
    let expected: Vec<f32> = quants.iter().enumerate().map(value).collect();
    assert_eq!(decoded(Format::Q6K, &block), expected);
}

#[test]
fn every_format_is_found_by_its_number() {
    for (format, kind, name, values, bytes) in FORMATS {
        assert_eq!(Format::of(kind), Some(format));
        assert_eq!((format.block_values(), format.block_bytes()), (values, bytes), "{name}");
        assert!(Format::known().contains(name));
    }
    assert_eq!(Format::of(3), None, "Q4_1 is not known");
    assert_eq!(Format::of(u32::MAX), None);
}

/// What the bits say (IEEE 754-2019, 3.4).
fn half_by_definition(bits: u16) -> f64 {
    let sign = if bits & 0x8000 == 0 { 1.0 } else { -1.0 };
    let (exponent, fraction) = (i32::from((bits >> 10) & 31), f64::from(bits & 0x3ff) / 1024.0);
    if exponent == 0 { sign * fraction * 2_f64.powi(-14) } else { sign * (1.0 + fraction) * 2_f64.powi(exponent - 15) }
}

#[test]
fn every_finite_half_is_widened_and_narrowed_again() {
    for bits in (0..=u16::MAX).filter(|bits| bits & 0x7c00 != 0x7c00) {
        let wide = half_bits(bits);
        assert_eq!(f64::from(wide), half_by_definition(bits), "{bits:#06x}");
        assert_eq!(to_half(wide), bits, "{bits:#06x}");
    }
}

#[test]
fn no_half_is_infinite_or_no_number() {
    for bits in (0..=u16::MAX).filter(|bits| bits & 0x7c00 == 0x7c00) {
        assert!(half_bits(bits).is_finite(), "{bits:#06x}");
    }
    assert_eq!(to_half(f32::INFINITY), 0x7bff);
    assert_eq!(to_half(-1e30), 0xfbff);
    assert_eq!(to_half(f32::NAN) & 0x7fff, 0x7bff);
}

/// The nearest half of a positive number by looking at both neighbours; the even one of two that are as near.
fn nearest(value: f32) -> u16 {
    let value = f64::from(value);
    let (mut low, mut high) = (0_u16, 0x7bff_u16);
    while low < high {
        let middle = low + (high - low).div_ceil(2);
        if half_by_definition(middle) <= value { low = middle } else { high = middle - 1 }
    }
    if low == 0x7bff {
        return low;
    }
    let (below, above) = (value - half_by_definition(low), half_by_definition(low + 1) - value);
    if below < above || (below == above && low % 2 == 0) { low } else { low + 1 }
}

#[test]
fn numbers_are_narrowed_to_the_nearest_half() {
    let mut random = fastrand::Rng::with_seed(3);
    let drawn = std::iter::repeat_with(|| f32::from_bits(random.u32(0x3200_0000..0x4780_0000))).take(20_000);
    // The middle between two halves, and its neighbours.
    let middles = (0..0x7bff_u16).map(|low| ((half_by_definition(low) + half_by_definition(low + 1)) / 2.0) as f32);
    let middles = middles.flat_map(|middle| [middle.next_down(), middle, middle.next_up()]);
    for value in drawn.chain(middles).chain([0.0, f32::MIN_POSITIVE, 1e-45, 1e-8, 65503.9, 65519.0, 1e9]) {
        assert_eq!(to_half(value), nearest(value), "{value:e}");
        assert_eq!(to_half(-value), nearest(value) | 0x8000, "{value:e}");
    }
}
