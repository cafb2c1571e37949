//! Small counts by label, kept in order so that a fold over the same approvals always ends in the same bytes.

/// How often each label was confirmed; sorted by label, never holding a zero.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counts<L> {
    entries: Vec<(L, u32)>,
}

impl<L> Default for Counts<L> {
    fn default() -> Self {
        Self {
            entries: Vec::new(),
        }
    }
}

impl<L: Copy + Ord> Counts<L> {
    /// Counts as they were stored, in label order.
    pub fn of(entries: Vec<(L, u32)>) -> Self {
        Self { entries }
    }

    /// Counts one more of the label.
    pub fn add(&mut self, label: L) {
        self.add_many(label, 1);
    }

    /// Counts so many more of the label.
    pub fn add_many(&mut self, label: L, count: u32) {
        if count == 0 {
            return;
        }
        match self.entries.binary_search_by_key(&label, |entry| entry.0) {
            Ok(at) => self.entries[at].1 += count,
            Err(at) => self.entries.insert(at, (label, count)),
        }
    }

    /// Takes one of the label away; false when there was none.
    pub fn remove(&mut self, label: L) -> bool {
        let Ok(at) = self.entries.binary_search_by_key(&label, |entry| entry.0) else {
            return false;
        };
        self.entries[at].1 -= 1;
        if self.entries[at].1 == 0 {
            self.entries.remove(at);
        }
        true
    }

    /// Labels and how often each was counted, in label order.
    pub fn iter(&self) -> impl Iterator<Item = (L, u32)> {
        self.entries.iter().copied()
    }

    /// Whether nothing is counted.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Bytes the entries take on the heap, about.
    pub fn bytes(&self) -> usize {
        self.entries.capacity() * size_of::<(L, u32)>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn removing_undoes_adding_and_order_does_not_matter() {
        let mut counts = Counts::default();
        for label in [3, 1, 3, 2] {
            counts.add(label);
        }
        assert_eq!(counts.iter().collect::<Vec<_>>(), [(1, 1), (2, 1), (3, 2)]);
        assert!(counts.remove(3) && counts.remove(1) && !counts.remove(1));
        assert_eq!(counts.iter().collect::<Vec<_>>(), [(2, 1), (3, 1)]);
        assert!(counts.remove(3) && counts.remove(2) && counts.is_empty());
    }
}
