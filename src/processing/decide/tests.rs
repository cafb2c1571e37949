//! What deciding promises.

use std::collections::HashMap;

use chrono::DateTime;
use entity::{AccountId, RuleId};
use serde_json::{Value, json};
use uuid::Uuid;

use super::*;
use crate::merchant::merchant_key;
use crate::processing::knowledge::Known;
use crate::processing::learned::{Lesson, Taught};
use crate::rules::Compiled;
use crate::rules::matching::{RuleDef, RuleSet};

const TRAVEL: CategoryId = CategoryId(Uuid::from_u128(1));
const MEALS: CategoryId = CategoryId(Uuid::from_u128(2));
const GONE: CategoryId = CategoryId(Uuid::from_u128(3));

fn record(description: &str) -> record::Model {
    let at = DateTime::UNIX_EPOCH;
    record::Model {
        tenant_id: Uuid::nil().into(),
        id: Uuid::nil().into(),
        source_id: Uuid::nil(),
        external_id: String::new(),
        account_id: Some(AccountId(Uuid::nil())),
        connection_id: None,
        import_id: None,
        occurred_on: at.date_naive(),
        amount: -100_000,
        currency: "EUR".to_owned(),
        description: description.to_owned(),
        merchant_key: merchant_key(description),
        text_key: None,
        raw: String::new(),
        status: record::Status::Received,
        category_id: None,
        project: None,
        note: None,
        tags: None,
        decision_id: None,
        error: None,
        metadata: None,
        created_by: None,
        created_at: at,
        updated_at: at,
        automatic: false,
        deleted_at: None,
    }
}

fn knowledge(approved: &[(&str, CategoryId)], rules: &[(&str, Value)]) -> Knowledge {
    let lesson = |(description, category): &(&str, CategoryId)| Lesson {
        record: Taught {
            description: (*description).to_owned(),
            merchant_key: merchant_key(description),
            account: Some(AccountId(Uuid::nil())),
            amount: -100_000,
        },
        category: *category,
        learn: true,
    };
    let lessons: Vec<Lesson> = approved.iter().map(lesson).collect();
    let define = |(at, (text, actions)): (usize, &(&str, Value))| RuleDef {
        id: Uuid::from_u128(at as u128),
        conditions: serde_json::from_value(json!({ "text": { "op": "contains", "value": text } }))
            .unwrap(),
        actions: serde_json::from_value(actions.clone()).unwrap(),
        stop: false,
        shadow: false,
    };
    let names = (0..rules.len())
        .map(|at| (RuleId(Uuid::from_u128(at as u128)), format!("rule {at}")))
        .collect();
    let set = RuleSet::compile(rules.iter().enumerate().map(define).collect());
    let kind = entity::category::Kind::Expense;
    let categories = HashMap::from([
        (TRAVEL, Known::open("1", "Travel", kind)),
        (MEALS, Known::open("2", "Meals", kind)),
    ]);
    Knowledge::of(&lessons, Compiled::new(set, names), categories)
}

fn decide(description: &str, knowledge: &Knowledge) -> Decision {
    look(&record(description), knowledge).settle()
}

fn tiers(decision: &Decision) -> Vec<(Tier, Verdict)> {
    let seen = decision.considered.iter();
    seen.map(|view| (view.tier, view.verdict)).collect()
}

#[test]
fn a_rule_comes_first_and_names_itself() {
    let known = knowledge(
        &[],
        &[("uber", json!({ "category": TRAVEL, "note": "ride" }))],
    );
    let decision = decide("Uber *Trip", &known);
    assert_eq!(
        (decision.source, decision.category),
        (Source::Rule, Some(TRAVEL))
    );
    assert_eq!(decision.note.as_deref(), Some("ride"));
    assert_eq!(
        decision.rationale,
        "The rule \"rule 0\" files it under Travel."
    );
    assert_eq!(tiers(&decision), [(Tier::Rule, Verdict::Decided)]);
}

#[test]
fn a_rule_is_followed_but_less_sure_when_approvals_say_otherwise() {
    let rules = [("uber", json!({ "category": TRAVEL }))];
    let known = knowledge(&[("Uber *Trip", MEALS); 20], &rules);
    let decision = decide("Uber *Trip", &known);
    assert_eq!(
        (decision.source, decision.category),
        (Source::Rule, Some(TRAVEL))
    );
    assert_eq!(decision.confidence, CONTRADICTED_RULE);
    assert_eq!(
        tiers(&decision),
        [
            (Tier::Exact, Verdict::Considered),
            (Tier::Rule, Verdict::Decided)
        ]
    );
}

#[test]
fn a_rule_without_a_category_fills_its_fields_and_the_next_tier_decides() {
    let known = knowledge(
        &[("Uber *Trip", TRAVEL)],
        &[("uber", json!({ "project": "Fair" }))],
    );
    let decision = decide("Uber *Trip", &known);
    assert_eq!(
        (decision.source, decision.category),
        (Source::Exact, Some(TRAVEL))
    );
    assert_eq!(decision.project.as_deref(), Some("Fair"));
    assert_eq!(
        decision.rationale,
        "\"uber trip\" was filed under Travel once on this account, never elsewhere."
    );
}

#[test]
fn an_unsure_tier_is_considered_and_the_best_proposal_stands() {
    let split = [("Coffee Corner", MEALS), ("Coffee Corner", TRAVEL)];
    let decision = decide("Coffee Corner", &knowledge(&split, &[]));
    assert!(decision.category.is_some() && decision.confidence < SURE);
    assert_eq!(decision.considered.len(), 3);
}

#[test]
fn the_language_model_is_heard_last_and_can_win() {
    let mut look = look(&record("Brand New Shop"), &knowledge(&[], &[]));
    assert!(!look.is_sure());
    look.hear(View::proposal(Tier::Llm, MEALS, 0.6, "It chose Meals."));
    let decision = look.settle();
    assert_eq!((decision.source, decision.confidence), (Source::Llm, 0.6));
    assert_eq!(
        tiers(&decision),
        [
            (Tier::Exact, Verdict::Silent),
            (Tier::Model, Verdict::Silent),
            (Tier::Similar, Verdict::Silent),
            (Tier::Llm, Verdict::Decided)
        ]
    );
}

#[test]
fn nothing_known_means_nobody_decides() {
    let decision = decide("Brand New Shop", &knowledge(&[], &[]));
    assert_eq!((decision.source, decision.category), (Source::None, None));
    assert_eq!(decision.confidence, 0.0);
}

#[test]
fn an_archived_category_is_never_proposed() {
    let known = knowledge(
        &[("Uber", GONE); 9],
        &[("uber", json!({ "category": GONE }))],
    );
    let decision = decide("Uber", &known);
    assert_eq!((decision.source, decision.category), (Source::None, None));
    assert!(
        decision
            .considered
            .iter()
            .all(|view| view.verdict == Verdict::Silent)
    );
}
