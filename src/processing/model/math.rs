//! Arithmetic that is the same to the last bit on every machine.
//!
//! The standard library's `exp` and `ln` are the platform's, and platforms differ in the last digit; a fold that two
//! workers must agree on cannot use them. These are made of additions, multiplications and divisions only, which
//! IEEE 754 fixes. Good to about six digits, which is what `f32` holds.

/// e to the power of `x`.
pub fn exp(x: f32) -> f32 {
    if x < -87.0 {
        return 0.0;
    }
    let x = x.min(88.0);
    let whole = (x * std::f32::consts::LOG2_E).round_ties_even();
    // ln 2 in two pieces, so that what is left is exact
    let rest = x - whole * 0.693_359_4 - whole * -2.121_944_4e-4;
    let series = 1.0
        + rest
            * (1.0
                + rest
                    * (0.5
                        + rest
                            * (0.166_666_66
                                + rest
                                    * (0.041_666_66
                                        + rest * (0.008_333_33 + rest * 0.001_388_9)))));
    // between -126 and 127 by the bounds above
    series * f32::from_bits(((whole as i32 + 127) as u32) << 23)
}

/// The natural logarithm of a positive `x`.
pub fn ln(x: f32) -> f32 {
    let bits = x.max(f32::MIN_POSITIVE).to_bits();
    let mut exponent = (bits >> 23) as i32 - 127;
    let mut mantissa = f32::from_bits((bits & 0x007f_ffff) | 0x3f80_0000);
    if mantissa > std::f32::consts::SQRT_2 {
        mantissa *= 0.5;
        exponent += 1;
    }
    let ratio = (mantissa - 1.0) / (mantissa + 1.0);
    let square = ratio * ratio;
    let series = 2.0
        * ratio
        * (1.0
            + square
                * (0.333_333_34
                    + square * (0.2 + square * (0.142_857_14 + square * 0.111_111_11))));
    exponent as f32 * std::f32::consts::LN_2 + series
}

/// Turns scores into probabilities in place.
pub fn softmax(scores: &mut [f32]) {
    let most = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let mut sum = 0.0;
    for score in scores.iter_mut() {
        *score = exp(*score - most);
        sum += *score;
    }
    for score in scores.iter_mut() {
        *score /= sum;
    }
}

/// A well mixed number made of two others (splitmix64): a die that falls the same way everywhere.
pub fn mix(seed: u64, n: u64) -> u64 {
    let mut z = seed
        .wrapping_add(n.wrapping_mul(0x9e37_79b9_7f4a_7c15))
        .wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A number from 0 to below 1, of the high bits of `bits`.
pub fn unit(bits: u64) -> f32 {
    (bits >> 40) as f32 / (1_u32 << 24) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_functions_are_what_they_are_called() {
        for step in -800..800 {
            let x = step as f32 / 10.0;
            let expected = f64::from(x).exp();
            assert!((f64::from(exp(x)) / expected - 1.0).abs() < 2e-6, "exp {x}");
            let positive = exp(x);
            assert!(
                (ln(positive) - x).abs() < 2e-5 * x.abs().max(1.0),
                "ln e^{x}"
            );
        }
        assert_eq!((exp(-1_000.0), exp(0.0), ln(1.0)), (0.0, 1.0, 0.0));
        assert!(exp(1_000.0).is_finite() && ln(0.0).is_finite());
    }

    #[test]
    fn the_result_is_the_same_everywhere() {
        assert_eq!(exp(1.25).to_bits(), 0x405f_61c7);
        assert_eq!(mix(7, 1), 0x044c_3cd7_f43c_661c);
    }
}
