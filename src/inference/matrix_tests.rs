use super::super::testing::blocks;
use super::*;

const FORMATS: [Format; 9] = [
    Format::F32,
    Format::F16,
    Format::Bf16,
    Format::Q4_0,
    Format::Q5_0,
    Format::Q8_0,
    Format::Q4K,
    Format::Q5K,
    Format::Q6K,
];

/// What this machine has, and what every machine has: without AVX2 the portable way is tested twice.
fn kernels() -> [Kernel; 2] {
    [Kernel::detect(), Kernel::Portable]
}

fn drawn(random: &mut fastrand::Rng, count: usize) -> Vec<f32> {
    (0..count).map(|_| random.f32() * 2.0 - 1.0).collect()
}

/// What a kernel sees of the activations: for the formats that it multiplies in small integers, rounded ones.
fn seen(kernel: Kernel, format: Format, values: &[f32], width: usize) -> Vec<f64> {
    let input = Input::new(values, width);
    let Some(rounded) = rounded(kernel, format, &input) else {
        return values.iter().copied().map(f64::from).collect();
    };
    let block = rounded.quants.len() / rounded.scales.len();
    let tokens = values.len() / width;
    let mut seen = vec![0.0; values.len()];
    for (at, quant) in rounded.quants.iter().enumerate() {
        let (slab, token, place) = (at / (block * tokens), at / block % tokens, at % block);
        let value = f64::from(*quant) * f64::from(rounded.scales[at / block]);
        seen[token * width + slab * block + place] = value;
    }
    seen
}

/// Multiplies in double precision; returns for each token and row the product and the length of the row times the token's.
fn products(matrix: Matrix<'_>, values: &[f64]) -> Vec<(f64, f64)> {
    let mut weights = vec![0.0; matrix.rows * matrix.columns];
    matrix.format.decode(matrix.bytes, &mut weights);
    let mut all = Vec::new();
    for token in values.chunks(matrix.columns) {
        for row in weights.chunks(matrix.columns) {
            let pairs = || row.iter().map(|weight| f64::from(*weight)).zip(token);
            let (rows, tokens): (f64, f64) = pairs().fold((0.0, 0.0), |sum, (w, v)| (sum.0 + w * w, sum.1 + v * v));
            all.push((pairs().map(|(weight, value)| weight * value).sum(), (rows * tokens).sqrt()));
        }
    }
    all
}

fn check(kernel: Kernel, format: Format, rows: usize, columns: usize, tokens: usize) {
    let mut random = fastrand::Rng::with_seed((rows * 1000 + tokens) as u64);
    let bytes = blocks(&mut random, format, rows * columns / format.block_values(), 0.1);
    let matrix = Matrix { format, rows, columns, bytes: &bytes };
    let values = drawn(&mut random, tokens * columns);
    // What was there before must not matter.
    let mut out = vec![f32::NAN; 3];
    multiply(kernel, &Input::new(&values, columns), &mut [(matrix, &mut out)]);
    let what = format!("{kernel:?} {format:?} {rows} x {columns}, {tokens} tokens");
    let expected = products(matrix, &seen(kernel, format, &values, columns));
    assert_eq!(out.len(), expected.len(), "{what}");
    for (out, (product, length)) in out.iter().zip(&expected) {
        assert!((f64::from(*out) - product).abs() <= 2e-6 * length, "{what}: {out} instead of {product} ({length})");
    }
    let mut written = vec![0.0; rows * tokens];
    written_out(matrix, &bytes, &values, tokens, &mut written);
    // Eight bits are off by half a step of largest / 127, evenly spread: its root mean square is a step / sqrt(12), and the
    // root mean square of the values that are drawn is 1 / sqrt(3).
    let step = 1.0 / 127.0 / 12_f64.sqrt() * 3_f64.sqrt();
    for ((out, written), (_, length)) in out.iter().zip(written).zip(&expected) {
        let off = f64::from((out - written).abs()) / length;
        assert!(off <= 6.0 * step / (columns as f64).sqrt(), "{what}: {out} instead of {written}, off by {off}");
    }
}

#[test]
fn every_kernel_multiplies_every_format() {
    for kernel in kernels() {
        for format in FORMATS {
            for (rows, tokens) in [(1, 1), (1, 2), (7, 1), (18, 2), (19, 3), (21, 5), (5, 64), (67, 1)] {
                check(kernel, format, rows, 512, tokens);
            }
            check(kernel, format, 6, 256, 7);
        }
        check(kernel, Format::Q8_0, 9, 96, 5);
        check(kernel, Format::F32, 9, 33, 5);
    }
}

/// Otherwise what a model writes would depend on how its tokens are read.
#[test]
fn the_product_of_a_token_does_not_depend_on_its_neighbours() {
    for kernel in kernels() {
        for format in FORMATS {
            let mut random = fastrand::Rng::with_seed(3);
            let bytes = blocks(&mut random, format, 9 * 512 / format.block_values(), 0.1);
            let matrix = Matrix { format, rows: 9, columns: 512, bytes: &bytes };
            let values = drawn(&mut random, 17 * 512);
            let product = |from: usize, to: usize| {
                let mut out = Vec::new();
                multiply(kernel, &Input::new(&values[from * 512..to * 512], 512), &mut [(matrix, &mut out)]);
                out
            };
            let together = product(0, 17);
            for (from, to) in [(0, 1), (16, 17), (1, 3), (2, 5), (3, 7), (4, 12), (0, 7), (0, 9)] {
                assert!(product(from, to) == together[from * 9..to * 9], "{kernel:?} {format:?} {from} to {to}");
            }
        }
    }
}

#[test]
fn several_matrices_share_one_input() {
    for kernel in kernels() {
        let mut random = fastrand::Rng::with_seed(1);
        let values = drawn(&mut random, 3 * 256);
        let parts: Vec<(Format, usize, Vec<u8>)> = [(Format::Q4K, 40), (Format::Q8_0, 7), (Format::Q6K, 1)]
            .map(|(format, rows)| (format, rows, blocks(&mut random, format, rows * 256 / format.block_values(), 0.1)))
            .to_vec();
        let matrices: Vec<Matrix<'_>> = parts
            .iter()
            .map(|(format, rows, bytes)| Matrix { format: *format, rows: *rows, columns: 256, bytes })
            .collect();
        let mut together = vec![Vec::new(); 3];
        let mut jobs: Vec<_> = matrices.iter().copied().zip(&mut together).collect();
        multiply(kernel, &Input::new(&values, 256), &mut jobs);
        for (matrix, together) in matrices.iter().zip(&together) {
            let mut alone = Vec::new();
            multiply(kernel, &Input::new(&values, 256), &mut [(*matrix, &mut alone)]);
            assert_eq!(*together, alone);
        }
    }
}

/// The largest quants and scales that a file can have do not overflow the small integers.
#[test]
fn extreme_blocks_do_not_overflow() {
    let one = [0x00, 0x3c];
    let scale = |mut block: Vec<u8>, places: &[usize]| {
        places.iter().for_each(|at| block[*at..at + 2].copy_from_slice(&one));
        block
    };
    for kernel in kernels() {
        for byte in [0x00, 0x7f, 0x80, 0xff] {
            let cases = [
                (Format::Q4_0, 8, scale(vec![byte; 18], &[0])),
                (Format::Q5_0, 8, scale(vec![byte; 22], &[0])),
                (Format::Q8_0, 8, scale(vec![byte; 34], &[0])),
                (Format::Q4K, 1, scale(vec![byte; 144], &[0, 2])),
                (Format::Q5K, 1, scale(vec![byte; 176], &[0, 2])),
                (Format::Q6K, 1, scale(vec![byte; 210], &[208])),
            ];
            for (format, count, block) in cases {
                let bytes = block.repeat(count);
                let matrix = Matrix { format, rows: 1, columns: 256, bytes: &bytes };
                for value in [1.0, -1.0] {
                    let values = vec![value; 256 * 2];
                    for tokens in [1, 2] {
                        let mut out = Vec::new();
                        multiply(kernel, &Input::new(&values[..256 * tokens], 256), &mut [(matrix, &mut out)]);
                        let (expected, length) = products(matrix, &vec![f64::from(value); 256])[0];
                        let off = (f64::from(out[tokens - 1]) - expected).abs();
                        assert!(off <= 1e-5 * length, "{kernel:?} {format:?} {byte:#x} {value}: {out:?}, {expected}");
                    }
                }
            }
        }
    }
}

#[test]
fn activations_are_rounded_to_the_nearest_step() {
    let mut random = fastrand::Rng::with_seed(2);
    for size in [1e-30, 1e-3, 1.0, 1e30] {
        let values: Vec<f32> = drawn(&mut random, 256).iter().map(|value| value * size).collect();
        let mut quants = vec![0; 256];
        let scale = round_block(&values, &mut quants);
        let largest = values.iter().fold(0.0_f32, |largest, value| largest.max(value.abs()));
        assert_eq!(scale, largest / 127.0);
        for (value, quant) in values.iter().zip(quants) {
            assert!((value / scale - f32::from(quant)).abs() <= 0.5001, "{value} {quant} {scale}");
        }
    }
}

#[test]
fn activations_that_are_no_numbers_do_not_panic() {
    for kernel in kernels() {
        for value in [0.0, f32::NAN, f32::INFINITY, f32::MIN_POSITIVE / 4.0] {
            for format in FORMATS {
                let bytes = vec![0; 256 / format.block_values() * format.block_bytes()];
                let matrix = Matrix { format, rows: 1, columns: 256, bytes: &bytes };
                let mut out = Vec::new();
                multiply(kernel, &Input::new(&[value; 256], 256), &mut [(matrix, &mut out)]);
                assert_eq!(out.len(), 1);
            }
        }
    }
}

#[test]
fn sums_of_products_take_any_length() {
    for length in [0, 1, 31, 32, 33, 100] {
        let values: Vec<f32> = (0..length).map(|n| n as f32).collect();
        let expected: usize = (0..length).map(|n| n * n).sum();
        assert_eq!(dot(&values, &values), expected as f32, "{length}");
    }
}
