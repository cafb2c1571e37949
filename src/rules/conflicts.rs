//! Rules that get into each other's way, by the records they meet.
//!
//! Whether two conditions can hold together is asked of the tenant's latest records and not of logic: a contradiction that
//! no record ever meets troubles nobody, and one that is met has an example to look at.

use std::collections::{BTreeMap, HashMap};

use entity::{RecordId, RuleId, record};

use super::compile::{in_force, readable};
use super::condition::Actions;
use super::list;
use super::matching::{Field, Outcome, RuleDef, RuleSet};
use super::trial::{Sampled, latest};
use crate::ctx::Ctx;
use crate::error::{Error, Result};
use crate::permission::Permission;

/// How many of the latest records are looked at.
const SAMPLE: u64 = 2_000;
/// Records told as examples of one conflict.
const EXAMPLES: usize = 3;

/// How rules get into each other's way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConflictKind {
    /// Both match a record and fill the same field differently.
    Contradiction,
    /// An earlier rule takes every record that it matches, so that it never does anything.
    Unreached,
}

/// Two rules in each other's way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// How.
    pub kind: ConflictKind,
    /// The rule that is tried later.
    pub rule: RuleId,
    /// The rule that is tried first.
    pub earlier: RuleId,
    /// The field they fill differently; none when a rule is unreached.
    pub field: Option<Field>,
    /// On how many of the records looked at.
    pub records: usize,
    /// Some of those, latest first.
    pub examples: Vec<RecordId>,
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Conflicts {
    /// How many records were looked at, latest first.
    pub sampled: usize,
    /// The conflicts, those on most records first.
    pub found: Vec<Conflict>,
}

/// Rules that get into each other's way on the latest records that the actor sees: those in force, and those in shadow as
/// if they were live. Those of one rule only when one is named.
pub async fn conflicts(ctx: &Ctx, of: Option<RuleId>) -> Result<Conflicts> {
    ctx.require(Permission::ReadRules)?;
    ctx.require(Permission::ReadRecords)?;
    if let Some(rule) = of {
        list::load(ctx, rule).await?;
    }
    let read = ctx.read().await?;
    let rules: Vec<RuleDef> = in_force(&read).await?.iter().filter_map(readable).collect();
    let statuses = [
        record::Status::Received,
        record::Status::Processed,
        record::Status::Approved,
    ];
    let records = latest(ctx, &read, &statuses, SAMPLE).await?;
    drop(read);
    // a thousand rules over two thousand records take some milliseconds
    let looking = tokio::task::spawn_blocking(move || look(&rules, &records));
    let mut conflicts = looking.await.map_err(Error::internal)?;
    if let Some(rule) = of {
        let part = |it: &Conflict| [it.rule, it.earlier].contains(&rule);
        conflicts.found.retain(part);
    }
    Ok(conflicts)
}

/// How often something was met, and where.
#[derive(Default)]
struct Met {
    records: usize,
    examples: Vec<RecordId>,
}

impl Met {
    fn add(&mut self, record: RecordId) {
        self.records += 1;
        if self.examples.len() < EXAMPLES {
            self.examples.push(record);
        }
    }
}

/// What a rule came to on the records it matches.
#[derive(Default)]
struct Reached {
    effects: usize,
    /// What it lost to whom, by place.
    lost: BTreeMap<usize, Met>,
}

fn look(rules: &[RuleDef], records: &[Sampled]) -> Conflicts {
    let set = RuleSet::compile(rules.to_vec());
    let mut contradictions: HashMap<(usize, usize, Field), Met> = HashMap::new();
    let mut reached: HashMap<usize, Reached> = HashMap::new();
    for record in records {
        let matches = set.all_matches(&record.facts());
        for (a, b, field) in contradicting(rules, &matches) {
            contradictions
                .entry((a, b, field))
                .or_default()
                .add(record.id);
        }
        for (at, lost_to) in effects(rules, &matches) {
            let of = reached.entry(at).or_default();
            match lost_to {
                Some(earlier) => of.lost.entry(earlier).or_default().add(record.id),
                None => of.effects += 1,
            }
        }
    }
    let id = |at: usize| RuleId(rules[at].id);
    let contradictions = contradictions
        .into_iter()
        .map(|((earlier, later, field), met)| ((later, earlier), Some(field), met));
    let unreached = reached
        .into_iter()
        .filter(|(_, of)| of.effects == 0)
        .filter_map(|(at, of)| {
            let all = of.lost.values().map(|met| met.records).sum();
            let most = of.lost.into_iter().max_by_key(|(_, met)| met.records);
            most.map(|(earlier, met)| {
                (
                    (at, earlier),
                    None,
                    Met {
                        records: all,
                        ..met
                    },
                )
            })
        });
    let mut found: Vec<_> = contradictions.chain(unreached).collect();
    found.sort_by_key(|(places, field, met)| (usize::MAX - met.records, *places, *field));
    let conflict =
        |((later, earlier), field, met): ((usize, usize), Option<Field>, Met)| Conflict {
            kind: match field {
                Some(_) => ConflictKind::Contradiction,
                None => ConflictKind::Unreached,
            },
            rule: id(later),
            earlier: id(earlier),
            field,
            records: met.records,
            examples: met.examples,
        };
    Conflicts {
        sampled: records.len(),
        found: found.into_iter().map(conflict).collect(),
    }
}

/// The pairs of places that fill a field differently, the earlier first: each rule against the live one that wins the
/// field, since that is the one it loses to, or would take it from.
fn contradicting(rules: &[RuleDef], matches: &[usize]) -> Vec<(usize, usize, Field)> {
    let mut pairs = Vec::new();
    for field in [Field::Category, Field::Project, Field::Note] {
        let filling = || {
            matches
                .iter()
                .filter(|at| differs(&rules[**at].actions, &Actions::default(), field))
        };
        let Some(winner) = filling().find(|at| !rules[**at].shadow) else {
            continue;
        };
        for at in filling() {
            if differs(&rules[*at].actions, &rules[*winner].actions, field) {
                pairs.push((*at.min(winner), *at.max(winner), field));
            }
        }
    }
    pairs
}

fn differs(a: &Actions, b: &Actions, field: Field) -> bool {
    match field {
        Field::Category => (a.category, &a.split) != (b.category, &b.split),
        Field::Project => a.project != b.project,
        Field::Note => a.note != b.note,
        Field::Tags => a.tags != b.tags,
        Field::Flag => a.flag != b.flag,
    }
}

/// For each place that matches, the earlier place that leaves it nothing to do, if any does.
fn effects(rules: &[RuleDef], matches: &[usize]) -> Vec<(usize, Option<usize>)> {
    let mut outcome = Outcome::default();
    let (mut stopped_by, mut before) = (None, None);
    let mut effects = Vec::with_capacity(matches.len());
    for at in matches {
        let RuleDef {
            actions, id, stop, ..
        } = &rules[*at];
        let adds = stopped_by.is_none() && !actions.open(&outcome).is_empty();
        let took = || {
            let fillers = [Field::Category, Field::Project, Field::Note, Field::Flag]
                .into_iter()
                .filter(|field| differs(actions, &Actions::default(), *field))
                .filter_map(|field| outcome.filler(field));
            let first = fillers.into_iter().next();
            let place = first.and_then(|by| matches.iter().copied().find(|it| rules[*it].id == by));
            place.or(before)
        };
        let lost_to = match adds {
            true => None,
            false => stopped_by.or_else(took),
        };
        if adds || lost_to.is_some() {
            effects.push((*at, lost_to));
        }
        if !rules[*at].shadow && stopped_by.is_none() {
            actions.fill(&mut outcome, *id);
            before = Some(*at);
            if *stop {
                stopped_by = Some(*at);
            }
        }
    }
    effects
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use uuid::Uuid;

    use super::*;

    fn rule(id: u128, text: &str, actions: Value) -> RuleDef {
        let conditions = json!({ "text": { "op": "contains", "value": text } });
        RuleDef {
            id: Uuid::from_u128(id),
            conditions: serde_json::from_value(conditions).unwrap(),
            actions: serde_json::from_value(actions).unwrap(),
            stop: false,
            shadow: false,
        }
    }

    fn sampled(n: u128, description: &str) -> Sampled {
        Sampled {
            id: RecordId(Uuid::from_u128(n)),
            description: description.to_owned(),
            merchant_key: String::new(),
            amount: -100_000,
            currency: "EUR".to_owned(),
            account_id: None,
            occurred_on: "2026-03-01".parse().unwrap(),
            status: record::Status::Processed,
            category_id: None,
        }
    }

    fn told(rules: &[RuleDef]) -> Vec<(ConflictKind, u128, u128, Option<Field>, usize)> {
        let records = [
            sampled(1, "uber trip"),
            sampled(2, "uber eats"),
            sampled(3, "bakery"),
        ];
        let number = |id: RuleId| id.0.as_u128();
        look(rules, &records)
            .found
            .into_iter()
            .map(|it| {
                let (rule, earlier) = (number(it.rule), number(it.earlier));
                (it.kind, rule, earlier, it.field, it.records)
            })
            .collect()
    }

    fn category(n: u128) -> Value {
        json!({ "category": Uuid::from_u128(n) })
    }

    #[test]
    fn rules_that_fill_a_field_differently_contradict_where_both_match() {
        let rules = [
            rule(1, "trip", category(71)),
            rule(2, "uber", category(72)),
            rule(3, "bakery", category(73)),
            rule(4, "trip", category(71)),
        ];
        assert_eq!(
            told(&rules),
            [
                (ConflictKind::Contradiction, 2, 1, Some(Field::Category), 1),
                (ConflictKind::Unreached, 4, 1, None, 1),
            ],
        );
    }

    #[test]
    fn a_rule_behind_one_that_stops_is_unreached_only_when_all_its_records_are_taken() {
        let mut first = rule(1, "uber", json!({ "note": "ride" }));
        first.stop = true;
        let never = rule(2, "trip", json!({ "project": "Fair" }));
        let sometimes = rule(3, "e", category(72));
        assert_eq!(
            told(&[first, never, sometimes]),
            [(ConflictKind::Unreached, 2, 1, None, 1)]
        );
    }

    #[test]
    fn a_rule_in_shadow_contradicts_as_if_it_were_live_and_takes_nothing() {
        let mut shadow = rule(1, "uber", category(71));
        (shadow.shadow, shadow.stop) = (true, true);
        let live = rule(2, "uber", category(72));
        assert_eq!(
            told(&[shadow, live]),
            [(ConflictKind::Contradiction, 2, 1, Some(Field::Category), 2)]
        );
    }
}
