//! Which rules a record could match at all, found in one pass over its texts.
//!
//! Most conditions cannot hold without some word or account being there. Compiling picks for each rule the rarest thing
//! that it cannot do without; looking a record up finds the things that are there, whatever the number of rules: every
//! needle that is contained in one walk over the text (Aho and Corasick 1975), texts and accounts that are equal by
//! their hash. Only rules with a thing that is there are tried, and those that can do without any. The index may name a
//! rule too many and never one too few, so what it leaves out changes nothing.

use std::collections::HashMap;

use aho_corasick::AhoCorasick;
use uuid::Uuid;

use super::condition::{TextField, TextOp};
use super::matching::{Facts, Test};

/// Fewer rules than this are tried one by one.
const FEW: usize = 8;

/// Where to look rules up by what a record has.
#[derive(Debug, Clone, Default)]
pub(super) struct Index {
    description: Texts,
    merchant: Texts,
    accounts: HashMap<Uuid, Vec<usize>>,
    /// Rules that can do without anything that is looked up.
    always: Places,
}

/// Rules by what one of the texts must have.
#[derive(Debug, Clone, Default)]
struct Texts {
    walk: Option<AhoCorasick>,
    /// For each needle of the walk.
    needles: Vec<Wanting>,
    equal: HashMap<Box<str>, Vec<usize>>,
}

/// The rules that want a needle.
#[derive(Debug, Clone, Default)]
struct Wanting {
    anywhere: Vec<usize>,
    at_the_start: Vec<usize>,
}

/// Something a test cannot do without.
#[derive(Debug, Clone, Copy)]
enum Need<'a> {
    Text(TextField, TextOp, &'a str),
    Account(Uuid),
}

impl Index {
    /// An index of tests, by their place.
    pub(super) fn of<'a>(tests: impl ExactSizeIterator<Item = &'a Test>) -> Self {
        let count = tests.len();
        let mut index = Self {
            always: Places::none(count),
            ..Self::default()
        };
        let mut walks = [Walk::default(), Walk::default()];
        for (at, test) in tests.enumerate() {
            match needs(test).filter(|_| count >= FEW) {
                Some(needs) => index.add(&mut walks, at, &needs),
                None => index.always.add(at),
            }
        }
        let [description, merchant] = walks;
        for (texts, walk) in [
            (&mut index.description, description),
            (&mut index.merchant, merchant),
        ] {
            // so many or so long needles that no automaton can be made of them
            if let Err(wanting) = walk.build(texts) {
                wanting.into_iter().for_each(|at| index.always.add(at));
            }
        }
        index
    }

    fn add<'a>(&mut self, walks: &mut [Walk<'a>; 2], at: usize, needs: &[Need<'a>]) {
        for need in needs {
            match *need {
                Need::Account(account) => self.accounts.entry(account).or_default().push(at),
                Need::Text(field, TextOp::Equals, text) => {
                    let texts = match field {
                        TextField::Description => &mut self.description,
                        TextField::Merchant => &mut self.merchant,
                    };
                    texts.equal.entry(text.into()).or_default().push(at);
                }
                Need::Text(field, op, text) => {
                    let wanting = match field {
                        TextField::Description => walks[0].needle(text),
                        TextField::Merchant => walks[1].needle(text),
                    };
                    match op {
                        TextOp::StartsWith => wanting.at_the_start.push(at),
                        _ => wanting.anywhere.push(at),
                    }
                }
            }
        }
    }

    /// The places of the tests that could hold, in order.
    pub(super) fn candidates(&self, facts: &Facts<'_>) -> impl Iterator<Item = usize> {
        let mut found = self.always.clone();
        self.description.look_up(facts.description(), &mut found);
        self.merchant.look_up(facts.merchant(), &mut found);
        if let Some(rules) = self.accounts.get(&facts.account()) {
            rules.iter().for_each(|at| found.add(*at));
        }
        found.into_iter()
    }
}

impl Texts {
    fn look_up(&self, text: &str, found: &mut Places) {
        if let Some(rules) = self.equal.get(text) {
            rules.iter().for_each(|at| found.add(*at));
        }
        let Some(walk) = &self.walk else {
            return;
        };
        for hit in walk.find_overlapping_iter(text) {
            let wanting = &self.needles[hit.pattern().as_usize()];
            wanting.anywhere.iter().for_each(|at| found.add(*at));
            if hit.start() == 0 {
                wanting.at_the_start.iter().for_each(|at| found.add(*at));
            }
        }
    }
}

/// Needles to look for at once.
#[derive(Default)]
struct Walk<'a> {
    needles: Vec<&'a str>,
    wanting: Vec<Wanting>,
    known: HashMap<&'a str, usize>,
}

impl<'a> Walk<'a> {
    fn needle(&mut self, text: &'a str) -> &mut Wanting {
        let at = *self.known.entry(text).or_insert_with(|| {
            self.needles.push(text);
            self.wanting.push(Wanting::default());
            self.needles.len() - 1
        });
        &mut self.wanting[at]
    }

    fn build(self, texts: &mut Texts) -> Result<(), Vec<usize>> {
        if self.needles.is_empty() {
            return Ok(());
        }
        match AhoCorasick::new(&self.needles) {
            Ok(walk) => {
                (texts.walk, texts.needles) = (Some(walk), self.wanting);
                Ok(())
            }
            Err(_) => {
                let wanting = self.wanting.into_iter();
                Err(wanting
                    .flat_map(|it| it.anywhere.into_iter().chain(it.at_the_start))
                    .collect())
            }
        }
    }
}

/// What a test cannot do without: it can hold only where one of these is. None when it can do without any.
fn needs(test: &Test) -> Option<Vec<Need<'_>>> {
    match test {
        Test::All(tests) => tests.iter().filter_map(needs).min_by_key(|it| weight(it)),
        Test::Any(tests) => {
            let each: Option<Vec<_>> = tests.iter().map(needs).collect();
            Some(each?.concat())
        }
        Test::Text(_, _, needle) if needle.is_empty() => None,
        Test::Text(field, op, needle) => Some(vec![Need::Text(*field, *op, needle)]),
        Test::Account(accounts) => Some(accounts.iter().copied().map(Need::Account).collect()),
        _ => None,
    }
}

/// How often needs are met, roughly: a whole text is rarer than a long part of one, and an account has many records.
fn weight(needs: &[Need<'_>]) -> usize {
    let each = needs.iter().map(|need| match need {
        Need::Text(_, TextOp::Equals, _) => 1,
        Need::Text(_, _, needle) if needle.len() >= 4 => 3,
        Need::Text(..) => 20,
        Need::Account(_) => 1_000,
    });
    each.sum()
}

/// A set of places.
#[derive(Debug, Clone, Default)]
struct Places(Vec<u64>);

impl Places {
    fn none(count: usize) -> Self {
        Self(vec![0; count.div_ceil(64)])
    }

    fn add(&mut self, at: usize) {
        self.0[at / 64] |= 1 << (at % 64);
    }

    fn into_iter(self) -> impl Iterator<Item = usize> {
        self.0.into_iter().enumerate().flat_map(|(word, mut left)| {
            std::iter::from_fn(move || {
                let bit = (left != 0).then(|| left.trailing_zeros() as usize)?;
                left &= left - 1;
                Some(word * 64 + bit)
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;
    use proptest::prelude::*;

    use super::*;
    use crate::rules::condition::{
        AccountTest, Actions, AmountTest, Condition, CurrencyTest, DayOfMonthTest, Direction,
        TextTest,
    };
    use crate::rules::matching::{RuleDef, RuleSet};

    /// Texts that often hold one another, with accents, case and blanks to fold.
    fn text() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            Just("uber"),
            Just("ub"),
            Just("ER "),
            Just("trip"),
            Just(" "),
            Just("Żabka"),
            Just("e\u{301}"),
            Just("é"),
            Just("0"),
        ];
        prop::collection::vec(piece, 0..4).prop_map(|pieces| pieces.concat())
    }

    fn condition() -> impl Strategy<Value = Condition> {
        let of = prop_oneof![Just(TextField::Description), Just(TextField::Merchant)];
        let op = prop_oneof![
            Just(TextOp::Contains),
            Just(TextOp::Equals),
            Just(TextOp::StartsWith),
        ];
        let text = (of, op, text())
            .prop_map(|(of, op, value)| Condition::Text(TextTest { of, op, value }));
        let account = prop::collection::vec(0..4_u128, 0..3).prop_map(|ids| {
            let r#in = ids.into_iter().map(Uuid::from_u128).collect();
            Condition::Account(AccountTest { r#in })
        });
        let amount = (any::<bool>(), -3..3_i64).prop_map(|(signed, min)| {
            let (min, max) = (Some(min), None);
            Condition::Amount(AmountTest { min, max, signed })
        });
        let leaf = prop_oneof![
            4 => text,
            1 => account,
            1 => amount,
            1 => Just(Condition::Direction(Direction::Out)),
            1 => Just(Condition::Currency(CurrencyTest { r#in: vec!["EUR".to_owned()] })),
            1 => Just(Condition::DayOfMonth(DayOfMonthTest { from: 28, to: 3 })),
        ];
        leaf.prop_recursive(3, 16, 4, |inner| {
            let list = || prop::collection::vec(inner.clone(), 0..4);
            prop_oneof![
                list().prop_map(Condition::All),
                list().prop_map(Condition::Any),
                inner
                    .clone()
                    .prop_map(|inner| Condition::Not(Box::new(inner))),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn what_the_index_leaves_out_changes_nothing(
            conditions in prop::collection::vec((condition(), any::<u8>()), 1..80),
            records in prop::collection::vec((text(), text(), -3..3_i64, 0..5_u128, 1..29_u32), 1..10),
        ) {
            let rules = conditions.into_iter().enumerate().map(|(at, (conditions, kind))| RuleDef {
                id: Uuid::from_u128(at as u128),
                conditions,
                actions: Actions {
                    category: kind.is_multiple_of(3).then(|| Uuid::from_u128(kind.into())),
                    note: kind.is_multiple_of(2).then(|| kind.to_string()),
                    ..Actions::default()
                },
                stop: kind > 250,
                shadow: kind.is_multiple_of(7),
            });
            let rules = RuleSet::compile(rules.collect());
            for (description, merchant, amount, account, day) in &records {
                let day = NaiveDate::from_ymd_opt(2026, 2, *day).unwrap();
                let account = Uuid::from_u128(*account);
                let facts = Facts::new(description, merchant, *amount, "EUR", account, day);
                prop_assert_eq!(rules.evaluate(&facts, false), rules.evaluate_each(&facts));
            }
        }
    }

    #[test]
    fn only_rules_that_could_hold_are_tried() {
        let texts = (0..100).map(|at| {
            Test::Text(
                TextField::Description,
                TextOp::Contains,
                format!("shop {at:02}").into(),
            )
        });
        let tests: Vec<Test> = texts.collect();
        let index = Index::of(tests.iter());
        let day = NaiveDate::from_ymd_opt(2026, 2, 1).unwrap();
        let facts = Facts::new("At Shop 42 and shop 07", "", -1, "EUR", Uuid::nil(), day);
        assert_eq!(index.candidates(&facts).collect::<Vec<_>>(), [7, 42]);
    }
}
