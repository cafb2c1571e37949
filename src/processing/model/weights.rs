//! A softmax regression over hashed features, learnt one record at a time (AdaGrad).
//!
//! Weights are sparse: a feature has one only for the categories it noticeably spoke for or against, and for a bounded
//! number of them.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use super::features::Feature;
use super::math;

/// Errors smaller than this change nothing worth the memory.
const NOTABLE: f32 = 0.02;
/// Categories one feature has weights for at most; the weakest makes room.
const MAX_WIDTH: usize = 64;
/// How fast weights move.
const RATE: f32 = 0.4;
/// The square of a gradient, imagined in advance.
const FIRST_SQUARE: f32 = 0.03;

/// A map whose keys are hashes already. Never iterated where order could reach a result.
pub type Hashed<K, V> = HashMap<K, V, BuildHasherDefault<Spread>>;

/// Spreads a number that is a hash already.
#[derive(Debug, Default, Clone)]
pub struct Spread(u64);

impl Hasher for Spread {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(self.0 ^ u64::from(*byte));
        }
    }

    fn write_u32(&mut self, number: u32) {
        self.write_u64(u64::from(number));
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}

/// What a feature says about one class.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Weight {
    /// The class.
    pub class: u16,
    /// For it, or against it when negative.
    pub weight: f32,
    /// The squares of its gradients, added up.
    pub square: f32,
}

/// The weights of all features.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Weights {
    rows: Hashed<u32, Vec<Weight>>,
}

impl Weights {
    /// The probability of each class that was learnt and not forgotten since (`counts` above zero).
    pub fn predict(&self, features: &[Feature], counts: &[u32], into: &mut Vec<f32>) {
        into.clear();
        into.resize(counts.len(), 0.0);
        for feature in features {
            for weight in self.row(feature.at) {
                into[usize::from(weight.class)] += feature.value * weight.weight;
            }
        }
        for (score, count) in into.iter_mut().zip(counts) {
            if *count == 0 {
                *score = f32::NEG_INFINITY;
            }
        }
        math::softmax(into);
    }

    /// One step from what was predicted towards what should be; `error` is the one less the other.
    pub fn step(&mut self, features: &[Feature], error: &[f32], notable: &mut Vec<(u16, f32)>) {
        notable.clear();
        let classes = (0_u16..).zip(error.iter().copied());
        notable.extend(classes.filter(|(_, error)| error.abs() > NOTABLE));
        for feature in features {
            let row = self.rows.entry(feature.at).or_default();
            for (class, error) in notable.iter() {
                let gradient = feature.value * error;
                let weight = slot(row, *class);
                weight.square += gradient * gradient;
                weight.weight -= RATE * gradient / weight.square.sqrt();
            }
        }
    }

    /// What a feature says.
    pub fn row(&self, at: u32) -> &[Weight] {
        self.rows.get(&at).map_or(&[], Vec::as_slice)
    }

    /// All rows, in the order of their places.
    pub fn rows(&self) -> Vec<(u32, &[Weight])> {
        let mut rows: Vec<(u32, &[Weight])> = self
            .rows
            .iter()
            .map(|(at, row)| (*at, row.as_slice()))
            .collect();
        rows.sort_unstable_by_key(|(at, _)| *at);
        rows
    }

    /// Puts a row back as it was.
    pub fn restore(&mut self, at: u32, row: Vec<Weight>) {
        self.rows.insert(at, row);
    }

    /// Memory held, about.
    pub fn bytes(&self) -> usize {
        let row = size_of::<(u32, Vec<Weight>)>() + 1;
        let weights: usize = self.rows.values().map(Vec::capacity).sum();
        self.rows.capacity() * row + weights * size_of::<Weight>()
    }
}

/// The weight of a class in a row that is sorted by class.
fn slot(row: &mut Vec<Weight>, class: u16) -> &mut Weight {
    let found = row.binary_search_by_key(&class, |weight| weight.class);
    let at = found.unwrap_or_else(|_| {
        if row.len() >= MAX_WIDTH {
            let strength = |weight: &Weight| weight.weight.abs();
            let weakest = (0..row.len())
                .min_by(|a, b| strength(&row[*a]).total_cmp(&strength(&row[*b])))
                .expect("a full row is not empty");
            row.remove(weakest);
        }
        let at = row.partition_point(|weight| weight.class < class);
        let new = Weight {
            class,
            weight: 0.0,
            square: FIRST_SQUARE,
        };
        row.insert(at, new);
        at
    });
    &mut row[at]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_sorted_and_never_wider_than_allowed() {
        let mut row = Vec::new();
        for class in (0..200).rev() {
            slot(&mut row, class).weight = f32::from(class);
        }
        assert_eq!(row.len(), MAX_WIDTH);
        assert!(row.is_sorted_by_key(|weight| weight.class));
        assert!(
            row.iter().any(|weight| weight.class == 199),
            "the strong ones stay"
        );
    }

    #[test]
    fn steps_lead_to_what_was_told() {
        let (mut weights, mut p, mut notable) = (Weights::default(), Vec::new(), Vec::new());
        let features = [Feature { at: 3, value: 1.0 }, Feature { at: 9, value: 0.5 }];
        for _ in 0..20 {
            weights.predict(&features, &[1, 1, 0], &mut p);
            p[1] -= 1.0;
            weights.step(&features, &p, &mut notable);
        }
        weights.predict(&features, &[1, 1, 0], &mut p);
        assert!(p[1] > 0.9 && p[2] == 0.0, "{p:?}");
    }
}
