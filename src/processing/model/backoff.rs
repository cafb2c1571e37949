//! How often each category was approved, from the broadest view of a record to the narrowest.
//!
//! All records, then the account, the trade, the first word, that word on the account, the merchant, the whole text, the
//! merchant on the account: each level pulls the distribution of the one before towards what it counted, the harder the
//! more it counted. Taking an approval back takes exactly its counts back.

use super::features::{Facts, key};
use super::weights::Hashed;
use crate::processing::counts::Counts;
use crate::processing::trades::Trade;

/// Views kept at most; what comes later is counted in the broader views only.
const MAX_VIEWS: usize = 1 << 19;
/// How many views a record has.
pub const LEVELS: usize = 8;
/// What the level before weighs against one confirmation, level by level.
const PULL: [f32; LEVELS] = [5.0, 3.0, 2.0, 2.0, 1.5, 1.5, 1.5, 1.0];
/// The merchant, among the levels.
const MERCHANT: usize = 5;

/// How many trades of a record make its view.
const TRADES: usize = 2;

/// The views of one record; it has none by a trade that nobody knows.
#[derive(Debug, Clone, Copy)]
pub struct Views([Option<u64>; LEVELS]);

impl Views {
    /// The views of these facts.
    pub fn of(facts: &Facts<'_>) -> Self {
        let account = &facts.account.to_le_bytes()[..];
        let (word, merchant) = (facts.first_word().as_bytes(), facts.merchant.as_bytes());
        let mut trades: Vec<Trade> = facts.trades.iter().map(|(trade, _)| trade).collect();
        trades.truncate(TRADES);
        trades.sort_unstable();
        Self([
            Some(key(100, &[])),
            Some(key(101, &[account])),
            (!trades.is_empty()).then(|| key(107, &[&trades])),
            Some(key(102, &[word])),
            Some(key(106, &[word, account])),
            Some(key(103, &[merchant])),
            Some(key(104, &[facts.text.as_bytes()])),
            Some(key(105, &[merchant, account])),
        ])
    }

    /// Those it has.
    fn known(self) -> impl Iterator<Item = u64> {
        self.0.into_iter().flatten()
    }
}

/// Counts by view.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Backoff {
    views: Hashed<u64, Counts<u16>>,
}

impl Backoff {
    /// Counts an approval.
    pub fn add(&mut self, views: &Views, class: u16) {
        for view in views.known() {
            if self.views.len() < MAX_VIEWS || self.views.contains_key(&view) {
                self.views.entry(view).or_default().add(class);
            }
        }
    }

    /// Takes an approval back.
    pub fn remove(&mut self, views: &Views, class: u16) {
        for view in views.known() {
            let Some(counts) = self.views.get_mut(&view) else {
                continue;
            };
            counts.remove(class);
            if counts.is_empty() {
                self.views.remove(&view);
            }
        }
    }

    /// How often the merchant was approved: never, once or twice, a few times, often (0 to 3).
    pub fn familiarity(&self, views: &Views) -> u8 {
        let counts = views.0[MERCHANT].and_then(|view| self.views.get(&view));
        often(counts.map_or(0, |counts| counts.iter().map(|(_, n)| n).sum()))
    }

    /// What each view has counted, by its level, the broadest first; views that counted nothing are left out.
    pub fn counted(&self, views: Views) -> impl Iterator<Item = (usize, &Counts<u16>)> {
        let levels = views.0.into_iter().enumerate();
        levels.filter_map(|(level, view)| Some((level, self.views.get(&view?)?)))
    }

    /// The probability of each of `into.len()` classes out of `all` there are; answers that of each of the others.
    pub fn predict(&self, views: &Views, all: usize, into: &mut [f32]) -> f32 {
        let mut other = 1.0 / all.max(1) as f32;
        into.fill(other);
        for (level, counts) in self.counted(*views) {
            let pull = PULL[level];
            let counted: u32 = counts.iter().map(|(_, n)| n).sum();
            let scale = 1.0 / (counted as f32 + pull);
            other *= pull * scale;
            for p in into.iter_mut() {
                *p *= pull * scale;
            }
            for (class, n) in counts.iter() {
                into[usize::from(class)] += n as f32 * scale;
            }
        }
        other
    }

    /// All counts, in the order of their keys.
    pub fn views(&self) -> Vec<(u64, &Counts<u16>)> {
        let mut views: Vec<(u64, &Counts<u16>)> = self
            .views
            .iter()
            .map(|(view, counts)| (*view, counts))
            .collect();
        views.sort_unstable_by_key(|(view, _)| *view);
        views
    }

    /// Puts counts back as they were.
    pub fn restore(&mut self, view: u64, counts: Counts<u16>) {
        self.views.insert(view, counts);
    }

    /// Memory held, about.
    pub fn bytes(&self) -> usize {
        let view = size_of::<(u64, Counts<u16>)>() + 1;
        let counts: usize = self.views.values().map(Counts::bytes).sum();
        self.views.capacity() * view + counts
    }
}

/// So many times in words: never, once or twice, a few times, often (0 to 3).
pub fn often(times: u32) -> u8 {
    match times {
        0 => 0,
        1..3 => 1,
        3..8 => 2,
        _ => 3,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::processing::trades::Trades;

    fn facts(merchant: &str, account: u128) -> Facts<'_> {
        Facts {
            text: merchant,
            merchant,
            trades: Trades::of(merchant, merchant),
            account,
            amount: -100,
        }
    }

    #[test]
    fn narrower_views_outweigh_broader_ones_and_removing_undoes_adding() {
        let mut counts = Backoff::default();
        for _ in 0..20 {
            counts.add(&Views::of(&facts("tesco", 1)), 0);
        }
        let before = counts.clone();
        for _ in 0..5 {
            counts.add(&Views::of(&facts("shell", 1)), 1);
        }
        let mut p = [0.0; 2];
        let other = counts.predict(&Views::of(&facts("shell", 1)), 10, &mut p);
        assert!(p[1] > 0.8 && other < 0.01, "{p:?} {other}");
        assert!((p[0] + p[1] + 8.0 * other - 1.0).abs() < 1e-5);
        let heard = counts.counted(Views::of(&facts("shell", 2)));
        let heard: Vec<(usize, u32)> = heard
            .map(|(level, counts)| (level, counts.iter().map(|(_, n)| n).sum()))
            .collect();
        assert_eq!(heard, [(0, 25), (2, 5), (3, 5), (5, 5), (6, 5)]);
        for _ in 0..5 {
            counts.remove(&Views::of(&facts("shell", 1)), 1);
        }
        assert_eq!(counts, before);
    }

    #[test]
    fn a_first_word_says_more_on_its_account_than_elsewhere() {
        let mut counts = Backoff::default();
        counts.add(&Views::of(&facts("hotel astoria", 1)), 0);
        counts.add(&Views::of(&facts("hotel bristol", 2)), 1);
        for (account, class) in [(1, 0), (2, 1)] {
            let mut p = [0.0; 2];
            counts.predict(&Views::of(&facts("hotel central", account)), 2, &mut p);
            assert!(p[class] > 0.7, "{p:?}");
        }
    }

    #[test]
    fn a_merchant_grows_familiar_and_is_forgotten_again() {
        let mut counts = Backoff::default();
        let tesco = Views::of(&facts("tesco", 1));
        let mut grown = vec![counts.familiarity(&tesco)];
        for _ in 0..8 {
            counts.add(&Views::of(&facts("tesco", 2)), 0);
            grown.push(counts.familiarity(&tesco));
        }
        assert_eq!(grown, [0, 1, 1, 2, 2, 2, 2, 2, 3]);
        for _ in 0..8 {
            counts.remove(&Views::of(&facts("tesco", 2)), 0);
        }
        assert_eq!(counts.familiarity(&tesco), 0);
    }
}
