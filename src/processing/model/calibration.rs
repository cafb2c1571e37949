//! Makes the probability of being right as honest as the past allows.
//!
//! A logistic curve between what the model said and how often that was right, two numbers learnt from every approval
//! before it is learnt from. It bends the scale and keeps the order.

use super::math;

/// How sure the curve is of itself at the beginning; it starts as a straight line.
const FIRST_SQUARE: f32 = 6.0;
/// How fast it bends.
const RATE: f32 = 0.04;
/// Odds beyond these are all alike.
const LIMIT: f32 = 7.0;

/// The curve.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Calibration {
    /// Where it lies and how steep it is.
    pub curve: [f32; 2],
    /// The squares of its gradients, added up.
    pub squares: [f32; 2],
}

impl Default for Calibration {
    fn default() -> Self {
        Self {
            curve: [0.0, 1.0],
            squares: [FIRST_SQUARE; 2],
        }
    }
}

impl Calibration {
    /// How often this was right.
    pub fn honest(&self, said: f32) -> f32 {
        let z = self.curve[0] + self.curve[1] * odds(said);
        1.0 / (1.0 + math::exp(-z))
    }

    /// Learns that what was said was right, or was not.
    pub fn learn(&mut self, said: f32, right: bool) {
        let error = self.honest(said) - f32::from(u8::from(right));
        for (at, by) in [1.0, odds(said)].into_iter().enumerate() {
            let gradient = error * by;
            self.squares[at] += gradient * gradient;
            self.curve[at] -= RATE * gradient / self.squares[at].sqrt();
        }
        self.curve[1] = self.curve[1].clamp(0.5, 2.0);
    }
}

fn odds(p: f32) -> f32 {
    let p = p.clamp(1e-4, 1.0 - 1e-4);
    math::ln(p / (1.0 - p)).clamp(-LIMIT, LIMIT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_much_confidence_is_corrected_and_the_order_kept() {
        let mut calibration = Calibration::default();
        assert!((calibration.honest(0.8) - 0.8).abs() < 1e-4);
        for n in 0..2_000 {
            calibration.learn(0.9, n % 10 < 7);
        }
        assert!((calibration.honest(0.9) - 0.7).abs() < 0.05);
        assert!(calibration.honest(0.95) > calibration.honest(0.9));
    }
}
