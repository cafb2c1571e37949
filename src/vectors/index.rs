//! Every vector of a tenant against a query: exact, and quick enough for the tens of thousands that one company has.

use std::cmp::Ordering;
use std::collections::HashMap;

use uuid::Uuid;

/// Lanes of the product: the compiler makes one instruction of them.
const LANES: usize = 16;

/// Vectors of length 1 by the text they stand for.
#[derive(Debug)]
pub struct Index {
    dimension: usize,
    keys: Vec<Uuid>,
    values: Vec<f32>,
    places: HashMap<Uuid, usize>,
}

impl Index {
    /// An empty one for vectors of this dimension.
    pub fn new(dimension: usize) -> Self {
        Self {
            dimension,
            keys: Vec::new(),
            values: Vec::new(),
            places: HashMap::new(),
        }
    }

    /// Puts a vector in, or in the place of the one that stood for the text; false for one of another dimension.
    pub fn put(&mut self, key: Uuid, vector: &[f32]) -> bool {
        if vector.len() != self.dimension {
            return false;
        }
        match self.places.get(&key) {
            Some(at) => {
                let start = at * self.dimension;
                self.values[start..start + self.dimension].copy_from_slice(vector);
            }
            None => {
                self.places.insert(key, self.keys.len());
                self.keys.push(key);
                self.values.extend_from_slice(vector);
            }
        }
        true
    }

    /// Whether a vector stands for the text.
    pub fn contains(&self, key: Uuid) -> bool {
        self.places.contains_key(&key)
    }

    /// The `k` closest, best first, equal ones by key; only those on the same side.
    pub fn nearest(&self, query: &[f32], k: usize) -> Vec<(Uuid, f32)> {
        if query.len() != self.dimension || k == 0 {
            return Vec::new();
        }
        let better = |a: &(Uuid, f32), b: &(Uuid, f32)| -> Ordering {
            b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0))
        };
        let mut best: Vec<(Uuid, f32)> = Vec::with_capacity(k + 1);
        for (key, vector) in self
            .keys
            .iter()
            .zip(self.values.chunks_exact(self.dimension))
        {
            let candidate = (*key, product(query, vector));
            let full = best.len() == k;
            if candidate.1 <= 0.0 || (full && better(&candidate, &best[k - 1]).is_ge()) {
                continue;
            }
            let at = best.partition_point(|other| better(other, &candidate).is_lt());
            best.insert(at, candidate);
            best.truncate(k);
        }
        best
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Memory held, about.
    pub fn bytes(&self) -> usize {
        let entry = size_of::<Uuid>() + size_of::<usize>() + 1;
        self.values.capacity() * size_of::<f32>()
            + self.keys.capacity() * size_of::<Uuid>()
            + self.places.capacity() * entry
    }
}

fn product(a: &[f32], b: &[f32]) -> f32 {
    let mut lanes = [0.0_f32; LANES];
    let (left, right) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
    let rest: f32 = (left.remainder().iter())
        .zip(right.remainder())
        .map(|(x, y)| x * y)
        .sum();
    for (left, right) in left.zip(right) {
        for ((lane, x), y) in lanes.iter_mut().zip(left).zip(right) {
            *lane += x * y;
        }
    }
    lanes.iter().sum::<f32>() + rest
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key(n: usize) -> Uuid {
        Uuid::from_u128(n as u128)
    }

    proptest! {
        #[test]
        fn the_closest_are_those_that_sorting_everything_finds(
            all in proptest::collection::vec(proptest::collection::vec(-1.0_f32..1.0, 19), 0..60),
            query in proptest::collection::vec(-1.0_f32..1.0, 19),
        ) {
            let mut index = Index::new(19);
            for (n, vector) in all.iter().enumerate() {
                prop_assert!(index.put(key(n), vector));
            }
            let mut expected: Vec<f32> = all.iter()
                .map(|vector| vector.iter().zip(&query).map(|(a, b)| a * b).sum())
                .filter(|score| *score > 1e-5)
                .collect();
            expected.sort_by(|a, b| b.total_cmp(a));
            let found = index.nearest(&query, 7);
            prop_assert!(found.len() >= expected.len().min(7));
            for ((_, score), expected) in found.iter().zip(&expected) {
                prop_assert!((score - expected).abs() < 1e-4);
            }
        }
    }

    #[test]
    fn a_vector_takes_the_place_of_the_one_before_and_none_of_another_dimension_gets_in() {
        let mut index = Index::new(2);
        assert!(index.put(key(1), &[1.0, 0.0]) && index.put(key(1), &[0.0, 1.0]));
        assert!(!index.put(key(2), &[1.0]));
        assert_eq!((index.len(), index.nearest(&[1.0, 0.0], 3)), (1, vec![]));
        assert_eq!(index.nearest(&[0.0, 1.0], 3), [(key(1), 1.0)]);
        assert!(index.nearest(&[1.0], 3).is_empty() && index.nearest(&[0.0, 1.0], 0).is_empty());
    }
}
