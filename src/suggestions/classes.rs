//! How well keys hold, by class: what kind they are, whether they were ever contradicted, and how often in a row they were
//! confirmed.
//!
//! One key is approved too seldom to prove anything, so the keys of a class answer for each other. A class rests on its
//! own outcomes and on those of longer rows, for a longer row is no worse; and by itself it must not be worse than the
//! target either.

use std::collections::{BTreeMap, VecDeque};

use entity::rule_suggestion::Kind;
use sea_orm::ActiveEnum;
use serde::{Deserialize, Serialize};

use crate::automation::bar::{ENOUGH, lower_bound};

/// Where classes begin: so many confirmations in a row.
const STEPS: [u32; 4] = [3, 5, 10, 20];
/// The latest outcomes of a class that are remembered: books drift.
const REMEMBERED: usize = 1_000;
/// Outcomes from which a class is judged by itself.
const FEW: u32 = 10;
/// Outcomes from which a class that does not hold is not suggested any more.
const SUGGESTED: u32 = 40;
/// What is suggested should hold this often.
const WORTH: f64 = 0.95;

/// Keys that answer for each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Class {
    /// What they go by.
    pub kind: Kind,
    /// Whether nothing contradicted them.
    pub clean: bool,
    /// Confirmations in a row, at least.
    pub at_least: u32,
}

/// The outcomes of a tenant's keys.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Classes(BTreeMap<Class, VecDeque<bool>>);

/// What the outcomes of a class come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Outcomes of the class, and of those with longer rows.
    pub outcomes: u32,
    /// How many of them held.
    pub right: u32,
    /// Outcomes of the class alone.
    pub own: u32,
    /// How many of them held.
    pub own_right: u32,
}

/// The tallies of a tenant, by the names of the classes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tallies(BTreeMap<String, Tally>);

impl Class {
    /// The class of a key; none while it was confirmed too seldom.
    pub fn of(kind: Kind, clean: bool, in_a_row: u32) -> Option<Self> {
        let at_least = STEPS.into_iter().rev().find(|step| in_a_row >= *step)?;
        Some(Self {
            kind,
            clean,
            at_least,
        })
    }

    /// Its name, such as `MERCHANT_ACCOUNT_10`: ten in a row or more, and never contradicted.
    pub fn name(&self) -> String {
        let contradicted = if self.clean { "" } else { "_CONTRADICTED" };
        format!("{}_{}{contradicted}", self.kind.to_value(), self.at_least)
    }
}

impl Classes {
    /// What a key of the class stood for was approved, or something else.
    pub fn add(&mut self, class: Class, right: bool) {
        let outcomes = self.0.entry(class).or_default();
        if outcomes.len() == REMEMBERED {
            outcomes.pop_front();
        }
        outcomes.push_back(right);
    }

    /// What the outcomes of a class come to.
    pub fn tally(&self, class: Class) -> Tally {
        let mut tally = Tally::default();
        for (other, outcomes) in &self.0 {
            if (other.kind, other.clean) != (class.kind, class.clean) {
                continue;
            }
            let (all, right) = counted(outcomes);
            if other.at_least >= class.at_least {
                tally.outcomes += all;
                tally.right += right;
            }
            if *other == class {
                (tally.own, tally.own_right) = (all, right);
            }
        }
        tally
    }

    /// Whether such keys hold often enough to be shown to people, as far as is known.
    pub fn is_worth_suggesting(&self, class: Class) -> bool {
        let (all, right) = self.0.get(&class).map_or((0, 0), counted);
        all < SUGGESTED || f64::from(right) >= WORTH * f64::from(all)
    }

    /// Every tally, to be stored.
    pub fn tallies(&self) -> Tallies {
        let tally = |class: &Class| (class.name(), self.tally(*class));
        Tallies(self.0.keys().map(tally).collect())
    }
}

impl Tallies {
    /// The tally of a class.
    pub fn of(&self, class: Class) -> Tally {
        self.0.get(&class.name()).copied().unwrap_or_default()
    }
}

impl Tally {
    /// What the share that held is at least, with one-sided certainty of 90 %.
    pub fn lower_bound(&self) -> f64 {
        lower_bound(self.right, self.outcomes)
    }

    /// Whether keys of the class may approve by themselves, when so much is to be right.
    pub fn holds(&self, target: f64) -> bool {
        let own = self.own < FEW || f64::from(self.own_right) >= target * f64::from(self.own);
        self.outcomes >= ENOUGH && self.lower_bound() >= target && own
    }
}

fn counted(outcomes: &VecDeque<bool>) -> (u32, u32) {
    let right = outcomes.iter().filter(|right| **right).count();
    (outcomes.len() as u32, right as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(in_a_row: u32) -> Class {
        Class::of(Kind::MerchantAccount, true, in_a_row).unwrap()
    }

    fn said(classes: &mut Classes, in_a_row: u32, right: usize, wrong: usize) {
        (0..right).for_each(|_| classes.add(class(in_a_row), true));
        (0..wrong).for_each(|_| classes.add(class(in_a_row), false));
    }

    #[test]
    fn rows_fall_into_classes_and_short_ones_into_none() {
        assert_eq!(Class::of(Kind::Merchant, true, 2), None);
        assert_eq!(class(9).name(), "MERCHANT_ACCOUNT_5");
        assert_eq!(class(400).name(), "MERCHANT_ACCOUNT_20");
        let contradicted = Class::of(Kind::Merchant, false, 4).unwrap();
        assert_eq!(contradicted.name(), "MERCHANT_3_CONTRADICTED");
    }

    #[test]
    fn longer_rows_speak_for_shorter_ones_and_not_the_other_way() {
        let mut classes = Classes::default();
        said(&mut classes, 20, 90, 0);
        said(&mut classes, 3, 50, 0);
        assert!(classes.tally(class(5)).holds(0.98), "by longer rows");
        assert_eq!(classes.tally(class(20)).outcomes, 90);
        assert_eq!(classes.tallies().of(class(3)).outcomes, 140);

        let mut short = Classes::default();
        said(&mut short, 3, 500, 0);
        assert!(!short.tally(class(20)).holds(0.98));
    }

    #[test]
    fn eighty_are_needed_and_its_own_must_hold_too() {
        let mut classes = Classes::default();
        said(&mut classes, 10, 79, 0);
        assert!(!classes.tally(class(10)).holds(0.9));
        said(&mut classes, 10, 600, 0);
        assert!(classes.tally(class(10)).holds(0.98));
        said(&mut classes, 5, 9, 1);
        let five = classes.tally(class(5));
        assert!(
            five.lower_bound() >= 0.98 && !five.holds(0.98),
            "nine of ten"
        );
    }

    #[test]
    fn what_does_not_hold_is_not_suggested_any_more() {
        let mut classes = Classes::default();
        said(&mut classes, 3, 20, 10);
        assert!(classes.is_worth_suggesting(class(3)), "thirty say little");
        said(&mut classes, 3, 10, 5);
        assert!(!classes.is_worth_suggesting(class(3)));
        assert!(classes.is_worth_suggesting(class(5)));
    }
}
