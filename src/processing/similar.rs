//! Which approved strings look like this one.
//!
//! The index keeps every distinct string once, with how often each label was confirmed for it. A query walks only
//! the postings of its own dimensions: about a tenth of the work of comparing with every string. Products of whole
//! numbers are summed, so the answer is the same to the last bit whatever the order of arrival.

use std::{cell::RefCell, cmp::Ordering, collections::HashMap, sync::Arc};

use super::{
    counts::Counts,
    ngram::{DIMENSIONS, features, inverse_norm},
};
use crate::text::fold;

/// Strings with their confirmed labels, searchable by likeness.
#[derive(Debug)]
pub struct SimilarIndex<L> {
    slots: Vec<Slot<L>>,
    by_text: HashMap<Arc<str>, u32>,
    /// Beside the slots and not in them: a query reads all of these, and only these.
    scales: Vec<f32>,
    postings: Vec<Vec<Posting>>,
    /// Slots without any label, kept until there are enough of them to rebuild.
    empty: usize,
}

#[derive(Debug)]
struct Slot<L> {
    text: Arc<str>,
    labels: Counts<L>,
}

/// A slot and the feature count there, in one word: at a hundred thousand strings the postings are most of the memory.
#[derive(Debug, Clone, Copy)]
struct Posting(u32);

impl Posting {
    const MAX_SLOTS: usize = 1 << 24;

    fn new(slot: u32, value: i8) -> Self {
        Self(slot << 8 | u32::from(value.cast_unsigned()))
    }

    fn slot(self) -> usize {
        (self.0 >> 8) as usize
    }

    fn value(self) -> i32 {
        i32::from((self.0 as u8).cast_signed())
    }
}

/// A string like the one asked about.
#[derive(Debug, Clone, PartialEq)]
pub struct Neighbour<L> {
    /// The folded string.
    pub text: Arc<str>,
    /// Cosine likeness; 1 is the same string.
    pub score: f32,
    /// How often each label was confirmed for it.
    pub labels: Counts<L>,
}

impl<L> Default for SimilarIndex<L> {
    fn default() -> Self {
        Self {
            slots: Vec::new(),
            by_text: HashMap::new(),
            scales: Vec::new(),
            postings: vec![Vec::new(); DIMENSIONS],
            empty: 0,
        }
    }
}

impl<L: Copy + Ord> SimilarIndex<L> {
    /// Counts a confirmation of the label for the string.
    pub fn add(&mut self, text: &str, label: L) {
        let text = fold(text);
        if text.is_empty() {
            return;
        }
        let slot = match self.by_text.get(&*text) {
            Some(slot) => *slot as usize,
            None => match self.insert(&text) {
                Some(slot) => slot,
                None => return,
            },
        };
        let labels = &mut self.slots[slot].labels;
        if labels.is_empty() {
            self.empty -= 1;
        }
        labels.add(label);
    }

    /// Takes one confirmation back; false when there was none.
    pub fn remove(&mut self, text: &str, label: L) -> bool {
        let Some(slot) = self.by_text.get(&*fold(text)) else {
            return false;
        };
        let labels = &mut self.slots[*slot as usize].labels;
        if !labels.remove(label) {
            return false;
        }
        if labels.is_empty() {
            self.empty += 1;
            if self.empty > 64 && self.empty > self.slots.len() / 2 {
                self.rebuild();
            }
        }
        true
    }

    /// The `k` most alike strings, best first, equal ones by text; only those with any likeness at all.
    pub fn nearest(&self, text: &str, k: usize) -> Vec<Neighbour<L>> {
        thread_local! {
            // a worker asks thousands of times in a row: the sums are the one thing worth keeping
            static SUMS: RefCell<Vec<i32>> = const { RefCell::new(Vec::new()) };
        }
        let query = features(&fold(text));
        let scale = inverse_norm(&query);
        SUMS.with_borrow_mut(|sums| {
            sums.clear();
            sums.resize(self.slots.len(), 0);
            for (dimension, value) in query {
                let value = i32::from(value);
                for posting in &self.postings[dimension as usize] {
                    sums[posting.slot()] += value * posting.value();
                }
            }
            self.best(sums, scale, k)
        })
    }

    /// How many distinct strings have a label.
    pub fn len(&self) -> usize {
        self.slots.len() - self.empty
    }

    /// Whether no string has a label.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Memory held, about.
    pub fn bytes(&self) -> usize {
        let postings: usize = self
            .postings
            .iter()
            .map(|list| list.capacity() * size_of::<Posting>())
            .sum();
        let slots: usize = self
            .slots
            .iter()
            .map(|slot| slot.text.len() + 16 + slot.labels.bytes())
            .sum();
        let fixed = size_of::<Slot<L>>() + size_of::<f32>();
        let map = (size_of::<Arc<str>>() + size_of::<u32>() + 1) * self.by_text.capacity();
        postings + slots + self.slots.capacity() * fixed + map
    }

    fn best(&self, sums: &[i32], scale: f32, k: usize) -> Vec<Neighbour<L>> {
        let better = |a: &(f32, usize), b: &(f32, usize)| -> Ordering {
            b.0.total_cmp(&a.0)
                .then_with(|| self.slots[a.1].text.cmp(&self.slots[b.1].text))
        };
        let mut best: Vec<(f32, usize)> = Vec::with_capacity(k + 1);
        for (slot, (sum, own)) in sums.iter().zip(&self.scales).enumerate() {
            let candidate = ((*sum as f32) * scale * own, slot);
            let last_out = best.len() == k
                && best
                    .last()
                    .is_none_or(|last| better(&candidate, last).is_ge());
            if *sum <= 0 || last_out || self.slots[slot].labels.is_empty() {
                continue;
            }
            let at = best.partition_point(|other| better(other, &candidate).is_lt());
            best.insert(at, candidate);
            best.truncate(k);
        }
        let neighbour = |(score, slot): (f32, usize)| Neighbour {
            text: self.slots[slot].text.clone(),
            score: score.min(1.0),
            labels: self.slots[slot].labels.clone(),
        };
        best.into_iter().map(neighbour).collect()
    }

    /// A new slot without labels; none when the index is full, which costs recall and nothing else.
    fn insert(&mut self, text: &str) -> Option<usize> {
        if self.slots.len() == Posting::MAX_SLOTS {
            return None;
        }
        let at = self.slots.len();
        let slot = u32::try_from(at).expect("bounded by MAX_SLOTS");
        let features = features(text);
        self.scales.push(inverse_norm(&features));
        for (dimension, value) in features {
            self.postings[dimension as usize].push(Posting::new(slot, value));
        }
        let text: Arc<str> = text.into();
        self.slots.push(Slot {
            text: text.clone(),
            labels: Counts::default(),
        });
        self.by_text.insert(text, slot);
        self.empty += 1;
        Some(at)
    }

    /// Leaves the empty slots behind.
    fn rebuild(&mut self) {
        let old = std::mem::take(self);
        for slot in old.slots.into_iter().filter(|slot| !slot.labels.is_empty()) {
            let at = self.insert(&slot.text).expect("fewer slots than before");
            self.slots[at].labels = slot.labels;
            self.empty -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::processing::ngram::vector;

    fn texts() -> impl Strategy<Value = Vec<(String, u8)>> {
        proptest::collection::vec(("[a-c]{1,4}( [a-cé]{1,4}){0,3}", 0_u8..4), 0..60)
    }

    /// Every string against the query, in floating point.
    fn brute_force(all: &[(String, u8)], query: &str) -> Vec<(String, f64)> {
        let query: HashMap<u16, f32> = vector(query).into_iter().collect();
        let mut unique: Vec<&String> = all.iter().map(|(text, _)| text).collect();
        unique.sort();
        unique.dedup();
        let score = |text: &str| -> f64 {
            vector(text)
                .iter()
                .map(|(d, v)| f64::from(*v) * f64::from(query.get(d).copied().unwrap_or(0.0)))
                .sum()
        };
        let mut scored: Vec<_> = unique
            .into_iter()
            .map(|text| (text.clone(), score(text)))
            .collect();
        scored.retain(|(_, score)| *score > 1e-6);
        scored.sort_by(|a, b| b.1.total_cmp(&a.1));
        scored
    }

    fn index(all: &[(String, u8)]) -> SimilarIndex<u8> {
        let mut index = SimilarIndex::default();
        all.iter().for_each(|(text, label)| index.add(text, *label));
        index
    }

    proptest! {
        #[test]
        fn the_index_finds_what_comparing_with_everything_finds(all in texts(), query in "[a-c]{1,4}( [a-cé]{1,4}){0,3}") {
            let found = index(&all).nearest(&query, 5);
            let expected = brute_force(&all, &query);
            prop_assert_eq!(found.len(), expected.len().min(5));
            for (neighbour, (_, score)) in found.iter().zip(&expected) {
                prop_assert!((f64::from(neighbour.score) - score).abs() < 1e-4);
                let times = all.iter().filter(|(text, _)| **text == *neighbour.text).count();
                prop_assert_eq!(neighbour.labels.iter().map(|(_, n)| n as usize).sum::<usize>(), times);
            }
        }

        #[test]
        fn removing_undoes_adding(kept in texts(), gone in texts(), query in "[a-c]{1,4}( [a-c]{1,4}){0,3}") {
            let mut index_ = index(&kept);
            gone.iter().for_each(|(text, label)| index_.add(text, *label));
            for (text, label) in &gone {
                prop_assert!(index_.remove(text, *label));
            }
            prop_assert_eq!(index_.nearest(&query, 8), index(&kept).nearest(&query, 8));
            prop_assert_eq!(index_.len(), index(&kept).len());
        }
    }

    #[test]
    fn order_of_arrival_does_not_change_the_answer() {
        let all: Vec<(String, u8)> = (0..200)
            .map(|n| (format!("shop {} street {}", n % 40, n % 7), n as u8 % 3))
            .collect();
        let reversed: Vec<_> = all.iter().rev().cloned().collect();
        assert_eq!(
            index(&all).nearest("shop 4 street", 10),
            index(&reversed).nearest("shop 4 street", 10)
        );
    }

    #[test]
    fn forgotten_strings_give_their_memory_back() {
        let mut index = SimilarIndex::default();
        (0..1000).for_each(|n| index.add(&format!("merchant {n}"), 1));
        let full = index.bytes();
        (1..1000).for_each(|n| assert!(index.remove(&format!("merchant {n}"), 1)));
        assert_eq!(index.len(), 1);
        assert!(index.bytes() < full / 4);
        assert_eq!(&*index.nearest("merchant 7", 3)[0].text, "merchant 0");
    }

    #[test]
    fn blank_text_is_neither_kept_nor_found() {
        let mut index = SimilarIndex::default();
        index.add("  ", 1);
        assert!(index.is_empty() && !index.remove(" ", 1));
        assert!(index.nearest("", 3).is_empty() && index.nearest("x", 0).is_empty());
    }
}
