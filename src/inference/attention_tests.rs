use super::super::shape::Turning;
use super::*;

#[test]
fn exp_is_near_the_true_one() {
    for step in -8700..=8700 {
        for (x, most) in [(step as f32 / 100.0, 5e-6), (step as f32 / 8700.0, 3e-7)] {
            let (is, shall) = (f64::from(exp(x)), f64::from(x).exp());
            assert!((is - shall).abs() <= most * shall, "{x}: {is} instead of {shall}");
        }
    }
    assert_eq!(exp(0.0), 1.0);
}

#[test]
fn exp_has_ends() {
    assert!(exp(-1000.0) < 2e-38 && exp(-1000.0) >= 0.0);
    assert!(exp(f32::NEG_INFINITY) < 2e-38);
    assert!(exp(f32::INFINITY).is_finite() && exp(1000.0) > 1e37);
    let _whatever = exp(f32::NAN);
}

fn shape(heads: usize, key_heads: usize, head_width: usize) -> Shape {
    Shape {
        layers: 2,
        width: heads * head_width,
        heads,
        key_heads,
        head_width,
        feed_forward: 1,
        epsilon: 0.0,
        rope_base: 1.0,
        turning: Turning::Halves,
        window_tokens: 256,
        vocabulary: 1,
    }
}

/// Softmax in double precision, token by token and head by head, over keys and values in half precision.
fn naive(shape: &Shape, position: usize, queries: &[f32], keys: &[f32], values: &[f32]) -> Vec<f64> {
    let (width, all, kept) = (shape.head_width, shape.heads * shape.head_width, shape.key_heads * shape.head_width);
    let half = |value: f32| f64::from(half_bits(to_half(value)));
    let mut out = Vec::new();
    for (token, queries) in queries.chunks(all).enumerate() {
        for (head, query) in queries.chunks(width).enumerate() {
            let at = |other: usize, place: usize| other * kept + head / (shape.heads / shape.key_heads) * width + place;
            let score = |other: usize| -> f64 {
                let products = (0..width).map(|place| f64::from(query[place]) * half(keys[at(other, place)]));
                products.sum::<f64>() / (width as f64).sqrt()
            };
            let scores: Vec<f64> = (0..=position + token).map(score).collect();
            let most = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let weights: Vec<f64> = scores.iter().map(|score| (score - most).exp()).collect();
            let total: f64 = weights.iter().sum();
            for place in 0..width {
                let sum: f64 = weights.iter().enumerate().map(|(other, w)| w * half(values[at(other, place)])).sum();
                out.push(sum / total);
            }
        }
    }
    out
}

fn check(shape: &Shape, position: usize, tokens: usize, loudness: f32) {
    for kernel in [Kernel::detect(), Kernel::Portable] {
        let mut random = fastrand::Rng::with_seed((position * 100 + tokens) as u64);
        let mut drawn =
            |count: usize, size: f32| -> Vec<f32> { (0..count).map(|_| (random.f32() * 2.0 - 1.0) * size).collect() };
        let (all, kept) = (shape.heads * shape.head_width, shape.key_heads * shape.head_width);
        let queries = drawn(tokens * all, loudness);
        let (keys, values) = (drawn((position + tokens) * kept, 1.0), drawn((position + tokens) * kept, 1.0));
        let mut memory = Memory::new(shape, 160).expect("room");
        // What an answer before has left behind the position must not be seen.
        memory.keep(1, position, &vec![9.0; (160 - position) * kept], &vec![9.0; (160 - position) * kept]);
        memory.keep(1, 0, &keys[..position * kept], &values[..position * kept]);
        memory.keep(1, position, &keys[position * kept..], &values[position * kept..]);
        let out = memory.attend(kernel, 1, position, &queries);
        let expected = naive(shape, position, &queries, &keys, &values);
        assert_eq!(out.len(), expected.len());
        for (is, shall) in out.iter().zip(expected) {
            let what = format!("{kernel:?}, {shape:?}, {tokens} tokens at {position}");
            assert!((f64::from(*is) - shall).abs() < 1e-4, "{what}: {is} instead of {shall}");
        }
    }
}

#[test]
fn attention_is_softmax_over_what_is_before() {
    for (heads, key_heads, width) in [(4, 2, 8), (3, 3, 6), (2, 1, 64)] {
        let shape = shape(heads, key_heads, width);
        for (position, tokens) in [(0, 1), (0, 3), (5, 1), (31, 1), (32, 2), (0, 40), (30, 17), (90, 33)] {
            check(&shape, position, tokens, 3.0);
        }
        check(&shape, 70, 20, 100.0);
    }
}

#[test]
fn memory_says_its_room() {
    assert_eq!(Memory::new(&shape(4, 2, 8), 160).expect("room").capacity(), 160);
    assert!(Memory::new(&shape(4, 2, 8), usize::MAX / 64).is_none(), "more than there is");
    assert!(Memory::new(&shape(4, 2, 8), usize::MAX / 2).is_none(), "more than can be counted");
}
