//! The approvals the model goes over again, and what was approved last on each account.

use std::collections::{BTreeMap, VecDeque};

use super::features::{Facts, NOTHING, Past};
use super::math;
use crate::processing::trades::Trades;

/// Approvals kept for going over again; older ones have been gone over often enough.
const KEPT: usize = 8_192;
/// Half of what is gone over again is about this recent, counted in approvals.
const RECENT: f32 = 200.0;

/// An approval, as it was learnt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lesson {
    /// See [`Facts`].
    pub text: Box<str>,
    /// See [`Facts`].
    pub merchant: Box<str>,
    /// See [`Facts`].
    pub trades: Trades,
    /// See [`Facts`].
    pub account: u128,
    /// See [`Facts`].
    pub amount: i64,
    /// What had been approved before it.
    pub past: Past,
    /// The class it was approved with.
    pub class: u16,
}

impl Lesson {
    /// The facts it was learnt from.
    pub fn facts(&self) -> Facts<'_> {
        Facts {
            text: &self.text,
            merchant: &self.merchant,
            trades: self.trades,
            account: self.account,
            amount: self.amount,
        }
    }
}

/// The latest approvals, oldest first.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Lessons {
    kept: VecDeque<Lesson>,
    before: BTreeMap<u128, [u16; 2]>,
}

impl Lessons {
    /// What was approved last on the account.
    pub fn before(&self, account: u128) -> [u16; 2] {
        self.before.get(&account).copied().unwrap_or([NOTHING; 2])
    }

    /// Adds the newest.
    pub fn add(&mut self, facts: &Facts<'_>, past: Past, class: u16) {
        if self.kept.len() == KEPT {
            self.kept.pop_front();
        }
        self.kept.push_back(Lesson {
            text: facts.text.into(),
            merchant: facts.merchant.into(),
            trades: facts.trades,
            account: facts.account,
            amount: facts.amount,
            past,
            class,
        });
        self.before.insert(facts.account, [class, past.before[0]]);
    }

    /// Takes the newest one like this away.
    pub fn remove(&mut self, facts: &Facts<'_>, class: u16) {
        let same = |lesson: &Lesson| {
            lesson.class == class
                && lesson.account == facts.account
                && lesson.amount == facts.amount
                && *lesson.text == *facts.text
        };
        if let Some(at) = self.kept.iter().rposition(same) {
            self.kept.remove(at);
        }
        let of_account = self
            .kept
            .iter()
            .rev()
            .filter(|lesson| lesson.account == facts.account);
        let mut last = of_account.map(|lesson| lesson.class);
        match last.next() {
            Some(newest) => {
                let second = last.next().unwrap_or(NOTHING);
                self.before.insert(facts.account, [newest, second]);
            }
            None => drop(self.before.remove(&facts.account)),
        }
    }

    /// One to go over again, drawn by `bits`: half the time a recent one, else any.
    pub fn draw(&self, bits: u64) -> Option<&Lesson> {
        let last = self.kept.len().checked_sub(1)?;
        let unit = math::unit(bits);
        let at = if bits & 1 == 0 {
            (unit * self.kept.len() as f32) as usize
        } else {
            last - ((-RECENT * math::ln(1.0 - unit)) as usize).min(last)
        };
        self.kept.get(at.min(last))
    }

    /// All that are kept, oldest first.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Lesson> {
        self.kept.iter()
    }

    /// What was approved last, by account.
    pub fn accounts(&self) -> &BTreeMap<u128, [u16; 2]> {
        &self.before
    }

    /// Puts everything back as it was.
    pub fn restore(kept: VecDeque<Lesson>, before: BTreeMap<u128, [u16; 2]>) -> Self {
        Self { kept, before }
    }

    /// Memory held, about.
    pub fn bytes(&self) -> usize {
        let text: usize = self
            .kept
            .iter()
            .map(|lesson| lesson.text.len() + lesson.merchant.len())
            .sum();
        text + self.kept.capacity() * size_of::<Lesson>() + self.before.len() * 32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(account: u128) -> Facts<'static> {
        Facts {
            text: "a",
            merchant: "a",
            trades: Trades::NONE,
            account,
            amount: 1,
        }
    }

    #[test]
    fn what_was_approved_last_follows_adding_and_removing() {
        let mut lessons = Lessons::default();
        for class in [1, 2, 3] {
            let past = Past {
                before: lessons.before(7),
                ..Past::default()
            };
            lessons.add(&facts(7), past, class);
        }
        assert_eq!(lessons.before(7), [3, 2]);
        lessons.remove(&facts(7), 3);
        assert_eq!(lessons.before(7), [2, 1]);
        lessons.remove(&facts(7), 2);
        lessons.remove(&facts(7), 1);
        assert_eq!(lessons, Lessons::default());
        assert!(lessons.draw(12).is_none());
    }

    #[test]
    fn only_the_latest_are_kept() {
        let mut lessons = Lessons::default();
        for n in 0..KEPT + 10 {
            lessons.add(&facts(n as u128 % 3), Past::default(), 0);
        }
        assert_eq!(lessons.iter().len(), KEPT);
        for n in 0..100 {
            assert!(lessons.draw(math::mix(1, n)).is_some());
        }
    }
}
