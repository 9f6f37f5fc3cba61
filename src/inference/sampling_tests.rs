use super::*;

fn sampler(temperature: f32, top_p: f32, seed: u64) -> Sampler {
    Sampler::new(Sampling { temperature, top_p, seed })
}

#[test]
fn without_temperature_the_likeliest_is_chosen() {
    let mut greedy = sampler(0.0, 1.0, 1);
    assert_eq!(greedy.choose(&[1.0, 3.0, 2.0]), Some(1));
    assert_eq!(greedy.choose(&[2.0, 3.0, 3.0]), Some(1), "the first of two");
    assert_eq!(greedy.choose(&[f32::NAN, -5.0, f32::NEG_INFINITY]), Some(1));
    assert_eq!(sampler(-1.0, 1.0, 1).choose(&[1.0, 3.0]), Some(1));
}

#[test]
fn nothing_likely_is_nothing_chosen() {
    for temperature in [0.0, 0.7, f32::NAN] {
        let mut sampler = sampler(temperature, 1.0, 1);
        assert_eq!(sampler.choose(&[]), None);
        assert_eq!(sampler.choose(&[f32::NEG_INFINITY; 4]), None);
        assert_eq!(sampler.choose(&[f32::NAN; 4]), None);
    }
}

#[test]
fn the_same_seed_draws_the_same() {
    let odds: Vec<f32> = (0..50).map(|n| (n as f32 / 7.0).sin()).collect();
    let draws = |seed| -> Vec<Option<u32>> {
        let mut sampler = sampler(1.0, 1.0, seed);
        (0..40).map(|_| sampler.choose(&odds)).collect()
    };
    assert_eq!(draws(5), draws(5));
    assert_ne!(draws(5), draws(6));
}

#[test]
fn a_nucleus_of_nothing_is_greedy() {
    let mut sampler = sampler(2.0, 0.0, 1);
    assert!((0..200).all(|_| sampler.choose(&[0.1, 0.3, 0.2]) == Some(1)));
}

#[test]
fn a_nucleus_leaves_out_the_unlikely() {
    // Shares of about 0.64, 0.24, 0.09 and 0.03.
    let mut sampler = sampler(1.0, 0.8, 1);
    let drawn: std::collections::BTreeSet<_> =
        (0..500).map(|_| sampler.choose(&[3.0, 2.0, 1.0, 0.0]).unwrap()).collect();
    assert_eq!(drawn.into_iter().collect::<Vec<_>>(), [0, 1]);
}

/// Pearson's sum of squares over its expectation, with a bound that chance passes once in a hundred thousand times.
#[test]
fn draws_fit_the_odds() {
    let odds = [0.5, 2.0, f32::NEG_INFINITY, 1.0, -1.0, f32::NAN, 2.0];
    for temperature in [0.5, 1.0, 3.0_f32] {
        let weight = |odds: f32| if odds.is_finite() { f64::from(odds / temperature).exp() } else { 0.0 };
        let total: f64 = odds.iter().map(|odds| weight(*odds)).sum();
        let mut counts = [0_u32; 7];
        let mut sampler = sampler(temperature, 1.0, 11);
        for _ in 0..20_000 {
            counts[sampler.choose(&odds).unwrap() as usize] += 1;
        }
        assert_eq!((counts[2], counts[5]), (0, 0), "what cannot be is never drawn");
        let squares = |(odds, count): (&f32, &u32)| {
            let expected = 20_000.0 * weight(*odds) / total;
            if expected > 0.0 { (f64::from(*count) - expected).powi(2) / expected } else { 0.0 }
        };
        let sum: f64 = odds.iter().zip(&counts).map(squares).sum();
        // Four degrees of freedom.
        assert!(sum < 28.5, "{sum} at {temperature}: {counts:?}");
    }
}

#[test]
fn extremes_do_not_panic() {
    for odds in [[f32::INFINITY, 1.0], [f32::MAX, -f32::MAX], [f32::INFINITY, f32::INFINITY]] {
        for temperature in [0.0, 1e-40, 1e30, f32::NAN, f32::INFINITY] {
            for top_p in [-1.0, 0.0, 1.0, 2.0, f32::NAN] {
                assert!(sampler(temperature, top_p, 1).choose(&odds).is_some());
            }
        }
    }
}
