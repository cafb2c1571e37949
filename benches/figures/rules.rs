//! What a tenant's rules cost over a record: found by the index, and tried one by one as the floor.
//!
//! Rules and records come from a seed and are left in a file, so that another engine can be measured on the very same ones
//! (`benches/peers/rules`).

use std::hint::black_box;
use std::path::PathBuf;
use std::time::Instant;

use balance::rules::condition::{Actions, Condition};
use balance::rules::matching::{Facts, RuleDef, RuleSet};
use chrono::NaiveDate;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::place::{number, variable};
use crate::sample::median;

const RECORDS: usize = 2_000;
const MERCHANTS: usize = 1_500;
const EUR: i64 = 100_000;
const SYLLABLES: &[&str] = &[
    "al", "ber", "co", "dan", "el", "fra", "gro", "hal", "in", "jo", "ka", "lo", "mer", "no", "or",
    "pe", "qui", "ro", "sta", "tra", "ul", "ver", "wes", "xen", "ya", "zo",
];

/// Measures 100 and 1,000 rules, and leaves what was measured for others.
pub fn measure() {
    let rounds = number("BENCH_ROUNDS", 3).max(1);
    let mut seed = Seed(20_261_121);
    let merchants: Vec<String> = (0..MERCHANTS).map(|_| merchant(&mut seed)).collect();
    let records: Vec<Value> = (0..RECORDS)
        .map(|_| record(&mut seed, &merchants))
        .collect();
    let rules: Vec<Value> = (0..1_000)
        .map(|at| rule(&mut seed, &merchants, at))
        .collect();
    println!("\n## rules: {RECORDS} records, median of {rounds} rounds\n");
    println!(
        "| rules | us a record | one by one | matches a record | compiling, ms |\n|---|---|---|---|---|"
    );
    let mut figures = Vec::new();
    for count in [100, 1_000] {
        let started = Instant::now();
        let set = RuleSet::compile(rules[..count].iter().map(definition).collect());
        let compiled_ms = started.elapsed().as_secs_f64() * 1_000.0;
        let indexed = time(&records, rounds, |facts| {
            set.evaluate(facts, false).matched.len()
        });
        let each = time(&records, rounds, |facts| {
            set.evaluate_each(facts).matched.len()
        });
        assert_eq!(indexed.1, each.1, "both find the same");
        let matches = indexed.1 as f64 / RECORDS as f64;
        println!(
            "| {count} | {:.2} | {:.2} | {matches:.2} | {compiled_ms:.1} |",
            indexed.0, each.0
        );
        figures.push(json!({ "rules": count, "us": indexed.0, "matches": indexed.1 }));
    }
    let left = json!({ "rules": rules, "records": records, "figures": figures });
    let file = variable("BENCH_RULES_FILE").map_or_else(place, PathBuf::from);
    std::fs::write(&file, left.to_string()).expect("the file can be written");
    println!("\nRules and records are in {}.", file.display());
}

fn place() -> PathBuf {
    std::env::temp_dir().join("balance-rules.json")
}

/// Microseconds a record, the facts folded each time as the pipeline does; and what was found in all.
fn time(records: &[Value], rounds: usize, run: impl Fn(&Facts<'_>) -> usize) -> (f64, usize) {
    let records: Vec<Read> = records.iter().map(Read::of).collect();
    let (mut took, mut found) = (Vec::new(), 0);
    for round in 0..=rounds {
        let started = Instant::now();
        found = records.iter().map(|it| black_box(run(&it.facts()))).sum();
        if round > 0 {
            took.push(started.elapsed().as_secs_f64() * 1e6 / records.len() as f64);
        }
    }
    (median(&took), found)
}

struct Read {
    description: String,
    merchant: String,
    amount: i64,
    currency: String,
    account: Uuid,
    day: NaiveDate,
}

impl Read {
    fn of(record: &Value) -> Self {
        let text = |name: &str| record[name].as_str().expect("it is a text").to_owned();
        Self {
            description: text("description"),
            merchant: text("merchant"),
            amount: record["amount"].as_i64().expect("it is a number"),
            currency: text("currency"),
            account: text("account").parse().expect("it is an id"),
            day: text("occurredOn").parse().expect("it is a date"),
        }
    }

    fn facts(&self) -> Facts<'_> {
        let (description, merchant) = (&self.description, &self.merchant);
        Facts::new(
            description,
            merchant,
            self.amount,
            &self.currency,
            self.account,
            self.day,
        )
    }
}

fn definition(rule: &Value) -> RuleDef {
    let conditions: Condition =
        serde_json::from_value(rule["conditions"].clone()).expect("it is a condition");
    RuleDef {
        id: rule["id"]
            .as_str()
            .expect("it is an id")
            .parse()
            .expect("it is an id"),
        conditions,
        actions: Actions {
            category: Some(Uuid::from_u128(1)),
            ..Actions::default()
        },
        stop: false,
        shadow: false,
    }
}

/// Rules as people write them: most name a merchant or words, some on an account or within an amount, a few neither.
fn rule(seed: &mut Seed, merchants: &[String], at: usize) -> Value {
    let contains = |value: &str| json!({ "text": { "op": "contains", "value": value } });
    let name = merchants[seed.below(merchants.len())].clone();
    let account = json!({ "account": { "in": [account(seed.below(6))] } });
    let conditions = match seed.below(20) {
        0..6 => json!({ "text": { "of": "merchant", "op": "equals", "value": name } }),
        6..10 => json!({ "all": [
            { "text": { "of": "merchant", "op": "startsWith", "value": name } }, account ] }),
        10..14 => {
            let other = &merchants[seed.below(merchants.len())];
            json!({ "any": [contains(&name), contains(other), contains(&format!("{name} refund"))] })
        }
        14..18 => {
            let min = seed.below(200) as i64 * EUR;
            json!({ "all": [
                contains(name.split(' ').next().unwrap_or(&name)),
                { "amount": { "min": min, "max": min + 100 * EUR } },
                { "not": { "currency": { "in": ["USD"] } } } ] })
        }
        18 => json!({ "all": [
            { "direction": "in" }, { "amount": { "min": seed.below(400) as i64 * EUR } }, account ] }),
        _ => json!({ "all": [
            { "dayOfMonth": { "from": 1 + seed.below(28), "to": 31 } }, { "currency": { "in": ["GBP"] } } ] }),
    };
    json!({ "id": Uuid::from_u128(at as u128 + 1), "conditions": conditions })
}

/// A payment; a few merchants have many, most have few.
fn record(seed: &mut Seed, merchants: &[String]) -> Value {
    let often = seed.below(merchants.len()).min(seed.below(merchants.len()));
    let merchant = &merchants[often];
    let city = ["Utrecht", "Leeds", "Lyon", "Austin"][seed.below(4)];
    let sign = if seed.below(10) == 0 { 1 } else { -1 };
    let currency = ["EUR", "EUR", "EUR", "GBP", "USD"][seed.below(5)];
    json!({
        "description": format!("POS {} *{:04} {city}", merchant.to_uppercase(), seed.below(10_000)),
        "merchant": merchant,
        "amount": sign * (seed.below(40_000) as i64 + 1) * (EUR / 100),
        "currency": currency,
        "account": account(seed.below(6)),
        "occurredOn": format!("2026-{:02}-{:02}", 1 + seed.below(12), 1 + seed.below(28)),
    })
}

fn merchant(seed: &mut Seed) -> String {
    let mut name = String::new();
    for word in 0..=seed.below(2) {
        if word > 0 {
            name.push(' ');
        }
        for _ in 0..2 + seed.below(2) {
            name.push_str(SYLLABLES[seed.below(SYLLABLES.len())]);
        }
    }
    name
}

fn account(number: usize) -> Uuid {
    Uuid::from_u128(0xacc0 + number as u128)
}

/// Numbers that are the same everywhere (xorshift, Marsaglia 2003).
struct Seed(u64);

impl Seed {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound as u64) as usize
    }
}
