//! What the model's parts say, mixed by weights that are learnt.
//!
//! A sum of opinions never says more than the surest of them. Here what each source says is taken to the power of its
//! weight, and these are multiplied: sources that agree become surer together. The sources are the softmax, the counts
//! that back off, and what each view has counted by itself. It is the logistic mixing of PAQ (Mahoney 2005), for more
//! than two outcomes (Mattern 2012). Each approval moves the weights a step towards what would have made it more
//! probable, once, before anything else learns from it: afterwards every source knows it and all of them look good.
//!
//! The weights are about sources and not about categories, so an approval that is taken back leaves them as they are.

use super::backoff::{self, LEVELS};
use super::math;
use crate::processing::counts::Counts;

/// Sources that say something about every class: the softmax, and the counts that back off.
const OPINIONS: usize = 2;
/// A view has a weight for what it holds: categories that differ, or one, approved once or twice, a few times, often.
const KINDS: usize = 4;
/// All weights there are.
const SOURCES: usize = OPINIONS + LEVELS * KINDS;
/// What the opinions weigh before anything was learnt. Views weigh nothing then, for the counts have heard them.
const FIRST: [f32; OPINIONS] = [0.65, 0.35];
/// How fast weights move.
const RATE: f32 = 0.1;
/// The square of a gradient, imagined in advance.
const FIRST_SQUARE: f32 = 1.0;
/// What an opinion takes for less probable than this counts as this: nobody has a veto.
const LEAST: f32 = 1e-3;
/// Approvals imagined in each view, shared by all classes.
const IMAGINED: f32 = 0.5;

/// What one source says about one class.
#[derive(Debug, Clone, Copy)]
struct Voice {
    source: usize,
    class: u16,
    evidence: f32,
}

/// What all sources say about one record; what none of them mentions has no evidence.
#[derive(Debug, Default)]
pub struct Voices(Vec<Voice>);

impl Voices {
    /// What the softmax and the counts say about each class, and each view about those it has counted.
    pub fn of<'a>(
        softmax: &[f32],
        counted: &[f32],
        views: impl Iterator<Item = (usize, &'a Counts<u16>)>,
    ) -> Self {
        let classes = softmax.len();
        let mut voices = Vec::with_capacity(4 * classes);
        for (source, opinion) in [softmax, counted].into_iter().enumerate() {
            voices.extend((0_u16..).zip(opinion).map(|(class, p)| Voice {
                source,
                class,
                evidence: math::ln(p.max(LEAST)),
            }));
        }
        for (level, counts) in views {
            let source = OPINIONS + level * KINDS + kind(counts);
            voices.extend(counts.iter().map(|(class, n)| Voice {
                source,
                class,
                // against a class that it never counted
                evidence: math::ln(1.0 + n as f32 * classes as f32 / IMAGINED),
            }));
        }
        Self(voices)
    }
}

/// What each source weighs.
#[derive(Debug, Clone, PartialEq)]
pub struct Mixture {
    /// The opinions, then the views by level and by what they hold.
    pub weights: [f32; SOURCES],
    /// The squares of their gradients, added up.
    pub squares: [f32; SOURCES],
}

impl Default for Mixture {
    fn default() -> Self {
        let mut weights = [0.0; SOURCES];
        weights[..OPINIONS].copy_from_slice(&FIRST);
        Self {
            weights,
            squares: [FIRST_SQUARE; SOURCES],
        }
    }
}

impl Mixture {
    /// The probability of each class that was learnt and not forgotten since (`counts` above zero).
    pub fn predict(&self, voices: &Voices, counts: &[u32]) -> Vec<f32> {
        let mut p = vec![0.0; counts.len()];
        for voice in &voices.0 {
            p[usize::from(voice.class)] += self.weights[voice.source] * voice.evidence;
        }
        for (score, count) in p.iter_mut().zip(counts) {
            if *count == 0 {
                *score = f32::NEG_INFINITY;
            }
        }
        math::softmax(&mut p);
        p
    }

    /// One step from what was predicted towards what should be; `error` is the one less the other.
    pub fn step(&mut self, voices: &Voices, error: &[f32]) {
        let mut gradients = [0.0; SOURCES];
        for voice in &voices.0 {
            gradients[voice.source] += error[usize::from(voice.class)] * voice.evidence;
        }
        let weights = self.weights.iter_mut().zip(&mut self.squares);
        for ((weight, square), gradient) in weights.zip(gradients) {
            *square += gradient * gradient;
            *weight -= RATE * gradient / square.sqrt();
        }
    }
}

/// What a view holds: categories that differ (0), or one, and how often that was approved (1 to 3).
fn kind(counts: &Counts<u16>) -> usize {
    let mut times = counts.iter().map(|(_, n)| n);
    match (times.next(), times.next()) {
        (Some(times), None) => usize::from(backoff::often(times)),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIVE: [u32; 3] = [9, 9, 0];

    /// Both opinions are for class 0, the view at level 2 is for `class`.
    fn voices(counts: &Counts<u16>) -> Voices {
        let (softmax, counted) = ([0.6, 0.4, 0.0], [0.5, 0.3, 0.2]);
        Voices::of(&softmax, &counted, [(2, counts)].into_iter())
    }

    fn counts(class: u16, times: u32) -> Counts<u16> {
        Counts::of(vec![(class, times)])
    }

    fn taught(voices: &Voices, class: usize) -> Mixture {
        let mut mixture = Mixture::default();
        for _ in 0..50 {
            let mut error = mixture.predict(voices, &LIVE);
            error[class] -= 1.0;
            mixture.step(voices, &error);
        }
        mixture
    }

    #[test]
    fn a_view_that_is_right_gains_weight_and_one_that_is_wrong_loses_it() {
        let often = counts(1, 20);
        let voices = voices(&often);
        let at = OPINIONS + 2 * KINDS + 3;
        let (right, wrong) = (taught(&voices, 1), taught(&voices, 0));
        assert!(right.weights[at] > 0.2 && wrong.weights[at] < 0.0);
        assert!(right.weights[0] < FIRST[0] && wrong.weights[0] > FIRST[0]);
        assert!(right.predict(&voices, &LIVE)[1] > 0.9);
        let silent = &right.weights[at + 1..];
        assert!(silent.iter().all(|weight| *weight == 0.0));
    }

    #[test]
    fn probabilities_sum_to_one_and_what_was_forgotten_has_none() {
        let twice = counts(1, 2);
        let voices = voices(&twice);
        let p = taught(&voices, 1).predict(&voices, &LIVE);
        assert!((p.iter().sum::<f32>() - 1.0).abs() < 1e-6, "{p:?}");
        assert_eq!(p[2], 0.0);
    }

    #[test]
    fn views_are_trusted_by_what_they_hold() {
        let mixed = Counts::of(vec![(0, 1), (1, 40)]);
        let kinds = [1, 2, 3, 7, 8].map(|times| kind(&counts(0, times)));
        assert_eq!((kind(&mixed), kinds), (0, [1, 1, 2, 2, 3]));
    }
}
