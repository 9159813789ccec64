//! Randomness as a function: the same seed, stream and index give the same value, in any order of asking.

/// A well mixed 64-bit value of three numbers (the finaliser of `SplitMix64`, applied in a chain).
pub fn mix(seed: u64, stream: u64, index: u64) -> u64 {
    finalise(finalise(finalise(seed).wrapping_add(stream)).wrapping_add(index))
}

fn finalise(value: u64) -> u64 {
    let z = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Uniform in `0.0..1.0`.
pub fn unit(seed: u64, stream: u64, index: u64) -> f64 {
    (mix(seed, stream, index) >> 11) as f64 / (1_u64 << 53) as f64
}

/// Uniform in `low..high`.
pub fn between(seed: u64, stream: u64, index: u64, low: f64, high: f64) -> f64 {
    low + (high - low) * unit(seed, stream, index)
}

/// Nearly normal, mean 0, variance 1, never beyond ±3.5 (sum of four uniforms: Irwin and Hall).
pub fn normal(seed: u64, stream: u64, index: u64) -> f64 {
    let bits = mix(seed, stream, index);
    let sum: u64 = (0..4).map(|part| (bits >> (16 * part)) & 0xffff).sum();
    (sum as f64 / 65_536.0 - 2.0) * 3.0_f64.sqrt()
}

/// A smooth curve through normal values `period` seconds apart.
pub fn smooth(seed: u64, stream: u64, second: i64, period: i64) -> f64 {
    let period = period.max(1);
    let step = second.div_euclid(period);
    let x = second.rem_euclid(period) as f64 / period as f64;
    let ease = x * x * (3.0 - 2.0 * x);
    let at = |step: i64| normal(seed, stream, step as u64);
    at(step) * (1.0 - ease) + at(step.wrapping_add(1)) * ease
}

/// A stable number for a text, to give every workload a stream of its own.
pub fn stream(text: &str) -> u64 {
    text.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_reproducible_and_well_spread() {
        assert_eq!(mix(1, 2, 3), mix(1, 2, 3));
        assert_ne!(mix(1, 2, 3), mix(1, 3, 2));
        let n = 20_000_u32;
        let values: Vec<f64> = (0..n).map(|i| normal(7, 1, u64::from(i))).collect();
        let mean = values.iter().sum::<f64>() / f64::from(n);
        let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / f64::from(n);
        assert!(mean.abs() < 0.03, "mean {mean}");
        assert!((variance - 1.0).abs() < 0.05, "variance {variance}");
        assert!((0..1000).all(|i| (0.0..1.0).contains(&unit(7, 2, i))));
    }

    #[test]
    fn smooth_passes_through_its_knots_without_jumps() {
        assert!((smooth(1, 1, -600, 60) - normal(1, 1, (-10_i64) as u64)).abs() < 1e-12);
        for t in -200..200 {
            assert!((smooth(1, 1, t + 1, 60) - smooth(1, 1, t, 60)).abs() < 0.2);
        }
    }
}
