//! Running rules over a record, and saying why one did not match.
//!
//! Compiling folds every needle once; facts fold the record once. An index names the few rules that a
//! record could match at all, so that a thousand rules cost hardly more than the ones that are looked at.

use std::borrow::Cow;

use chrono::{Datelike, NaiveDate};
use uuid::Uuid;

use super::condition::{
    Actions, AmountTest, Condition, DateTest, DayOfMonthTest, Direction, TextField, TextOp,
};
use super::index::Index;
pub use super::outcome::{Field, Filled, Outcome, Shadow};
use crate::text::fold;

/// Identifies a rule.
pub type RuleId = Uuid;

/// A rule as it is stored.
#[derive(Debug, Clone)]
pub struct RuleDef {
    /// Whose outcome it is.
    pub id: RuleId,
    /// When it applies.
    pub conditions: Condition,
    /// What it fills in.
    pub actions: Actions,
    /// Whether later rules are not tried once it applied.
    pub stop: bool,
    /// Whether it only watches: it fills in nothing and stops nothing.
    pub shadow: bool,
}

/// What rules may look at in a record.
#[derive(Debug, Clone)]
pub struct Facts<'a> {
    description: Cow<'a, str>,
    merchant: Cow<'a, str>,
    amount_units: i64,
    currency: &'a str,
    account: Uuid,
    occurred_on: NaiveDate,
}

impl<'a> Facts<'a> {
    /// Facts of a record; money out is negative, in units of 10^-5.
    pub fn new(
        description: &'a str,
        merchant_key: &'a str,
        amount_units: i64,
        currency: &'a str,
        account: Uuid,
        occurred_on: NaiveDate,
    ) -> Self {
        let (description, merchant) = (fold(description), fold(merchant_key));
        Self {
            description,
            merchant,
            amount_units,
            currency,
            account,
            occurred_on,
        }
    }

    pub(super) fn description(&self) -> &str {
        &self.description
    }

    pub(super) fn merchant(&self) -> &str {
        &self.merchant
    }

    pub(super) fn account(&self) -> Uuid {
        self.account
    }
}

/// A tenant's rules in their order, ready to run.
#[derive(Debug, Clone, Default)]
pub struct RuleSet {
    rules: Vec<Rule>,
    index: Index,
}

#[derive(Debug, Clone)]
struct Rule {
    id: RuleId,
    test: Test,
    actions: Actions,
    stop: bool,
    shadow: bool,
}

/// A condition with its needles folded.
#[derive(Debug, Clone)]
pub(super) enum Test {
    All(Vec<Test>),
    Any(Vec<Test>),
    Not(Box<Test>),
    Text(TextField, TextOp, Box<str>),
    Amount(AmountTest),
    Account(Vec<Uuid>),
    Direction(Direction),
    Currency(Vec<String>),
    Date(DateTest),
    DayOfMonth(DayOfMonthTest),
}

impl RuleSet {
    /// Makes rules ready to run, in the order given.
    pub fn compile(rules: Vec<RuleDef>) -> Self {
        let rule = |def: RuleDef| Rule {
            id: def.id,
            test: def.conditions.into(),
            actions: def.actions,
            stop: def.stop,
            shadow: def.shadow,
        };
        let rules: Vec<Rule> = rules.into_iter().map(rule).collect();
        Self {
            index: Index::of(rules.iter().map(|rule| &rule.test)),
            rules,
        }
    }

    /// Tries the rules in order. Each fills in what is still open; one that stops ends it.
    pub fn evaluate(&self, facts: &Facts<'_>, trace: bool) -> Outcome {
        if trace {
            return Self::run(self.rules.iter(), facts, true);
        }
        let candidates = self.index.candidates(facts);
        Self::run(candidates.map(|at| &self.rules[at]), facts, false)
    }

    /// Like [`evaluate`](Self::evaluate) without the index: what it has to equal, and is measured against.
    pub fn evaluate_each(&self, facts: &Facts<'_>) -> Outcome {
        Self::run(self.rules.iter(), facts, false)
    }

    fn run<'a>(rules: impl Iterator<Item = &'a Rule>, facts: &Facts<'_>, trace: bool) -> Outcome {
        let mut outcome = Outcome::default();
        for rule in rules {
            if rule.test.holds(facts) {
                if rule.shadow {
                    outcome.shadows.push(rule.would(&outcome));
                    continue;
                }
                rule.actions.fill(&mut outcome, rule.id);
                if rule.stop {
                    break;
                }
            } else if trace {
                outcome
                    .considered
                    .extend(rule.test.why_not(facts).map(|clause| (rule.id, clause)));
            }
        }
        outcome
    }

    /// Whether one rule matches, whatever its place and whoever stops before it.
    pub fn matches(&self, rule: RuleId, facts: &Facts<'_>) -> bool {
        let mut rules = self.rules.iter();
        rules.any(|it| it.id == rule && it.test.holds(facts))
    }

    /// The rules that match when nothing stops them, by their place, with those that only watch.
    pub(super) fn all_matches(&self, facts: &Facts<'_>) -> Vec<usize> {
        let candidates = self.index.candidates(facts);
        let holds = |at: &usize| self.rules[*at].test.holds(facts);
        candidates.filter(holds).collect()
    }

    /// Why a rule does not match: its first failing clause. None when it matches, or is not in the set.
    pub fn explain(&self, rule: RuleId, facts: &Facts<'_>) -> Option<String> {
        self.rules
            .iter()
            .find(|candidate| candidate.id == rule)?
            .test
            .why_not(facts)
    }

    /// The first rules in order that were tried in vain, up to `most`, each with its first failing clause.
    pub fn misses(&self, facts: &Facts<'_>, most: usize) -> Vec<(RuleId, String)> {
        let mut misses = Vec::new();
        for rule in &self.rules {
            match rule.test.why_not(facts) {
                Some(clause) => misses.push((rule.id, clause)),
                None if rule.stop && !rule.shadow => break,
                None => {}
            }
            if misses.len() >= most {
                break;
            }
        }
        misses
    }

    /// How many rules there are.
    pub fn len(&self) -> usize {
        self.rules.len()
    }

    /// Whether there is no rule.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }
}

impl Rule {
    fn would(&self, outcome: &Outcome) -> Shadow {
        let fields = self.actions.open(outcome);
        let decides = fields.contains(&Field::Category);
        Shadow {
            rule: self.id,
            category: self.actions.category.filter(|_| decides),
            fields,
        }
    }
}

impl From<Condition> for Test {
    fn from(condition: Condition) -> Self {
        let many = |list: Vec<Condition>| list.into_iter().map(Test::from).collect();
        match condition {
            Condition::All(list) => Self::All(many(list)),
            Condition::Any(list) => Self::Any(many(list)),
            Condition::Not(inner) => Self::Not(Box::new(Test::from(*inner))),
            Condition::Text(test) => Self::Text(test.of, test.op, fold(&test.value).into()),
            Condition::Amount(test) => Self::Amount(test),
            Condition::Account(test) => Self::Account(test.r#in),
            Condition::Direction(direction) => Self::Direction(direction),
            Condition::Currency(test) => Self::Currency(test.r#in),
            Condition::Date(test) => Self::Date(test),
            Condition::DayOfMonth(test) => Self::DayOfMonth(test),
        }
    }
}

impl Test {
    /// Whether the record passes.
    pub(super) fn holds(&self, facts: &Facts<'_>) -> bool {
        match self {
            Self::All(tests) => tests.iter().all(|test| test.holds(facts)),
            Self::Any(tests) => tests.iter().any(|test| test.holds(facts)),
            Self::Not(test) => !test.holds(facts),
            Self::Text(field, op, needle) => {
                let text = match field {
                    TextField::Description => &*facts.description,
                    TextField::Merchant => &*facts.merchant,
                };
                match op {
                    TextOp::Contains => text.contains(&**needle),
                    TextOp::Equals => text == &**needle,
                    TextOp::StartsWith => text.starts_with(&**needle),
                }
            }
            Self::Amount(test) => {
                // the size of the least i64 does not fit in an i64
                let signed = i128::from(facts.amount_units);
                let amount = if test.signed { signed } else { signed.abs() };
                test.min.is_none_or(|min| amount >= min.into())
                    && test.max.is_none_or(|max| amount <= max.into())
            }
            Self::Account(accounts) => accounts.contains(&facts.account),
            Self::Direction(Direction::In) => facts.amount_units > 0,
            Self::Direction(Direction::Out) => facts.amount_units < 0,
            Self::Currency(codes) => codes.iter().any(|code| code == facts.currency),
            Self::Date(test) => {
                let day = facts.occurred_on;
                test.from.is_none_or(|from| day >= from) && test.to.is_none_or(|to| day <= to)
            }
            Self::DayOfMonth(DayOfMonthTest { from, to }) => {
                let day = facts.occurred_on.day();
                let (after, before) = (day >= u32::from(*from), day <= u32::from(*to));
                if from <= to {
                    after && before
                } else {
                    after || before
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const EUR: i64 = 100_000;

    fn facts(description: &str, amount_units: i64) -> Facts<'_> {
        let day = NaiveDate::from_ymd_opt(2026, 3, 30).unwrap();
        Facts::new(
            description,
            "uber trip",
            amount_units,
            "EUR",
            Uuid::from_u128(1),
            day,
        )
    }

    fn rule(id: u128, conditions: Value, actions: Value) -> RuleDef {
        RuleDef {
            id: Uuid::from_u128(id),
            conditions: serde_json::from_value(conditions).unwrap(),
            actions: serde_json::from_value(actions).unwrap(),
            stop: false,
            shadow: false,
        }
    }

    fn why_not(conditions: Value) -> Option<String> {
        let rules = RuleSet::compile(vec![rule(9, conditions, json!({}))]);
        rules.explain(
            Uuid::from_u128(9),
            &facts("UBER   *Trip HELP.UBER.COM", -25 * EUR),
        )
    }

    fn id(n: u128) -> Value {
        json!(Uuid::from_u128(n))
    }

    fn text(op: &str, value: &str) -> Value {
        json!({ "text": { "op": op, "value": value } })
    }

    #[test]
    fn every_kind_of_test_holds_when_it_should() {
        for holds in [
            text("contains", "  uber *TRIP"),
            text("startsWith", "Uber"),
            text("equals", "uber *trip help.uber.com"),
            json!({ "text": { "of": "merchant", "op": "equals", "value": "Uber Trip" } }),
            json!({ "amount": { "min": 25 * EUR, "max": 25 * EUR } }),
            json!({ "amount": { "max": -25 * EUR, "signed": true } }),
            json!({ "account": { "in": [id(1), id(2)] } }),
            json!({ "direction": "out" }),
            json!({ "currency": { "in": ["GBP", "EUR"] } }),
            json!({ "date": { "from": "2026-03-30", "to": "2026-03-30" } }),
            json!({ "dayOfMonth": { "from": 28, "to": 3 } }),
            json!({ "any": [{ "direction": "in" }, { "not": { "direction": "in" } }] }),
        ] {
            assert_eq!(why_not(holds.clone()), None, "{holds}");
            assert!(why_not(json!({ "not": holds })).is_some());
        }
    }

    #[test]
    fn the_first_rule_wins_each_field_and_later_ones_fill_what_is_open() {
        let rules = RuleSet::compile(vec![
            rule(1, text("contains", "uber"), json!({ "category": id(71) })),
            rule(2, text("contains", "lyft"), json!({ "category": id(72) })),
            rule(
                3,
                json!({ "direction": "out" }),
                json!({ "category": id(73), "project": "Depot", "note": "taxi" }),
            ),
        ]);
        let outcome = rules.evaluate(&facts("uber", -EUR), true);
        assert_eq!(
            outcome.category,
            Some(Filled {
                value: Uuid::from_u128(71),
                by: Uuid::from_u128(1)
            })
        );
        assert_eq!(
            outcome.project,
            Some(Filled {
                value: "Depot".to_owned(),
                by: Uuid::from_u128(3)
            })
        );
        assert_eq!(outcome.note.map(|note| note.value).as_deref(), Some("taxi"));
        assert_eq!(outcome.matched, [1, 3].map(Uuid::from_u128));
        assert_eq!(outcome.considered.len(), 1);
        assert_eq!(outcome.considered[0].0, Uuid::from_u128(2));
        assert!(
            rules
                .evaluate(&facts("uber", -EUR), false)
                .considered
                .is_empty()
        );
    }

    #[test]
    fn a_rule_that_stops_hides_the_ones_behind_it_only_when_it_matches() {
        let mut first = rule(1, text("contains", "uber"), json!({ "note": "ride" }));
        first.stop = true;
        let rules = RuleSet::compile(vec![
            first,
            rule(
                2,
                json!({ "direction": "out" }),
                json!({ "category": id(7) }),
            ),
        ]);
        assert_eq!(rules.evaluate(&facts("uber", -EUR), false).category, None);
        assert!(
            rules
                .evaluate(&facts("taxi", -EUR), false)
                .category
                .is_some()
        );
    }

    #[test]
    fn a_rule_in_shadow_fills_and_stops_nothing_and_tells_what_it_would_have_done() {
        let actions = json!({ "category": id(71), "note": "ride", "tags": ["trip"] });
        let mut watches = rule(1, text("contains", "uber"), actions);
        (watches.shadow, watches.stop) = (true, true);
        let live = rule(
            2,
            json!({ "direction": "out" }),
            json!({ "category": id(72), "tags": ["trip", "out"], "flag": "look" }),
        );
        let mut late = watches.clone();
        late.id = Uuid::from_u128(3);
        let rules = RuleSet::compile(vec![watches, live, late]);
        let outcome = rules.evaluate(&facts("uber", -EUR), false);
        assert_eq!(outcome.matched, [Uuid::from_u128(2)]);
        assert_eq!(outcome.category.unwrap().value, Uuid::from_u128(72));
        assert_eq!(outcome.tags, ["trip", "out"]);
        assert_eq!(outcome.flag.unwrap().value, "look");
        let would = |at: usize| {
            (
                outcome.shadows[at].category,
                &outcome.shadows[at].fields[..],
            )
        };
        let first = [Field::Category, Field::Note, Field::Tags];
        assert_eq!(would(0), (Some(Uuid::from_u128(71)), &first[..]));
        assert_eq!(
            would(1),
            (None, &[Field::Note][..]),
            "a live rule was before it"
        );
    }

    #[test]
    fn the_extreme_amount_has_a_size() {
        let rules = RuleSet::compile(vec![rule(
            1,
            json!({ "amount": { "min": i64::MAX } }),
            json!({}),
        )]);
        assert_eq!(
            rules.evaluate(&facts("x", i64::MIN), false).matched.len(),
            1
        );
    }
}
