//! Rules in words: what a test says, and why a record did not pass it.

use std::fmt;

use super::{
    condition::{Direction, TextField, TextOp},
    matching::{Facts, Test},
};

impl Test {
    /// The first clause that fails; none when the test holds.
    pub(super) fn why_not(&self, facts: &Facts<'_>) -> Option<String> {
        if self.holds(facts) {
            return None;
        }
        Some(match self {
            Self::All(tests) => return tests.iter().find_map(|test| test.why_not(facts)),
            Self::Any(tests) => {
                let reasons: Vec<String> = tests
                    .iter()
                    .filter_map(|test| test.why_not(facts))
                    .collect();
                match reasons.len() {
                    0..=3 => reasons.join(" and "),
                    more => format!("{} and {} more", reasons[..2].join(" and "), more - 2),
                }
            }
            Self::Not(test) => format!("excluded because {test}"),
            test => format!("it is not so that {test}"),
        })
    }
}

impl fmt::Display for Test {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All(tests) => listed(f, tests, " and "),
            Self::Any(tests) => listed(f, tests, " or "),
            Self::Not(test) => write!(f, "not ({test})"),
            Self::Text(field, op, needle) => {
                let field = match field {
                    TextField::Description => "the description",
                    TextField::Merchant => "the merchant",
                };
                let verb = match op {
                    TextOp::Contains => "contains",
                    TextOp::Equals => "is",
                    TextOp::StartsWith => "starts with",
                };
                write!(f, "{field} {verb} \"{needle}\"")
            }
            Self::Amount(test) => {
                let name = if test.signed {
                    "the amount"
                } else {
                    "the size of the amount"
                };
                range(f, name, test.min.map(decimal), test.max.map(decimal))
            }
            Self::Account(accounts) if accounts.len() == 1 => {
                write!(f, "the account is the chosen one")
            }
            Self::Account(accounts) => write!(f, "the account is one of {}", accounts.len()),
            Self::Direction(Direction::In) => write!(f, "money came in"),
            Self::Direction(Direction::Out) => write!(f, "money went out"),
            Self::Currency(codes) => write!(f, "the currency is {}", codes.join(" or ")),
            Self::Date(test) => range(f, "the date", test.from, test.to),
            Self::DayOfMonth(test) => {
                range(f, "the day of the month", Some(test.from), Some(test.to))
            }
        }
    }
}

fn listed(f: &mut fmt::Formatter<'_>, tests: &[Test], between: &str) -> fmt::Result {
    for (at, test) in tests.iter().enumerate() {
        write!(f, "{}{test}", if at == 0 { "" } else { between })?;
    }
    Ok(())
}

fn range<T: fmt::Display>(
    f: &mut fmt::Formatter<'_>,
    name: &str,
    from: Option<T>,
    to: Option<T>,
) -> fmt::Result {
    match (from, to) {
        (Some(from), Some(to)) => write!(f, "{name} is from {from} to {to}"),
        (Some(from), None) => write!(f, "{name} is {from} or more"),
        (None, Some(to)) => write!(f, "{name} is {to} or less"),
        (None, None) => write!(f, "{name} is anything"),
    }
}

/// Units of 10^-5 as people write them: at least two decimals, no more than are needed.
pub fn decimal(units: i64) -> String {
    let sign = if units < 0 { "-" } else { "" };
    let size = units.unsigned_abs();
    let fraction = format!("{:05}", size % 100_000);
    let needed = fraction.trim_end_matches('0').len().max(2);
    format!("{sign}{}.{}", size / 100_000, &fraction[..needed])
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;
    use serde_json::{Value, json};
    use uuid::Uuid;

    use super::*;
    use crate::rules::condition::Condition;

    const EUR: i64 = 100_000;

    fn why_not(conditions: Value) -> Option<String> {
        let day = NaiveDate::from_ymd_opt(2026, 3, 30).unwrap();
        let facts = Facts::new(
            "UBER   *Trip",
            "uber trip",
            -25 * EUR,
            "EUR",
            Uuid::nil(),
            day,
        );
        let conditions: Condition = serde_json::from_value(conditions).unwrap();
        Test::from(conditions).why_not(&facts)
    }

    fn text(op: &str, value: &str) -> Value {
        json!({ "text": { "op": op, "value": value } })
    }

    #[test]
    fn a_failing_clause_is_named_in_words() {
        for (condition, reason) in [
            (
                text("contains", "Bolt"),
                "it is not so that the description contains \"bolt\"",
            ),
            (
                json!({ "amount": { "min": 50 * EUR } }),
                "it is not so that the size of the amount is 50.00 or more",
            ),
            (
                json!({ "amount": { "min": 1, "signed": true } }),
                "it is not so that the amount is 0.00001 or more",
            ),
            (
                json!({ "dayOfMonth": { "from": 1, "to": 5 } }),
                "it is not so that the day of the month is from 1 to 5",
            ),
            (
                json!({ "not": text("startsWith", "uber") }),
                "excluded because the description starts with \"uber\"",
            ),
            (
                json!({ "all": [{ "direction": "out" }, { "currency": { "in": ["GBP", "USD"] } }, { "direction": "in" }] }),
                "it is not so that the currency is GBP or USD",
            ),
            (
                json!({ "any": [{ "direction": "in" }, { "date": { "to": "2026-01-31" } }] }),
                "it is not so that money came in and it is not so that the date is 2026-01-31 or less",
            ),
        ] {
            assert_eq!(why_not(condition).as_deref(), Some(reason));
        }
    }

    #[test]
    fn amounts_are_written_as_people_write_them() {
        for (units, text) in [
            (0, "0.00"),
            (1, "0.00001"),
            (-1_250_000, "-12.50"),
            (i64::MIN, "-92233720368547.75808"),
        ] {
            assert_eq!(decimal(units), text);
        }
    }
}
