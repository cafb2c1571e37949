//! The conditions of rules, as clients write them: amounts are decimals, accounts are global ids.
//!
//! What a rule holds is shown as JSON of the very form that is accepted, so a client can send it back changed.

use async_graphql::{Enum, ID, InputObject, InputType, Json, OneofObject};
use entity::AccountId;
use serde_json::Value;

use super::node::{global, local};
use super::records::MoneyDirection;
use super::scalar::{Date, Decimal};
use crate::error::{Error, Result};
use crate::money::{Currency, Money};
use crate::rules::condition as stored;
use crate::rules::decimal;

/// When a rule matches: exactly one field. At most 8 levels and 64 tests.
#[derive(OneofObject)]
pub enum RuleConditionInput {
    /// Every one of these holds.
    All(Vec<RuleConditionInput>),
    /// At least one of these holds.
    Any(Vec<RuleConditionInput>),
    /// This does not hold.
    Not(Box<RuleConditionInput>),
    /// Words in the description or the merchant, whatever their case and spacing.
    Text(RuleTextInput),
    /// How much money moved.
    Amount(RuleAmountInput),
    /// It moved on one of these accounts, at most 100.
    AccountIn(Vec<ID>),
    /// Whether money came in or went out.
    Direction(MoneyDirection),
    /// It was in one of these currencies, ISO 4217.
    CurrencyIn(Vec<String>),
    /// When it happened.
    Date(RuleDateInput),
    /// On which day of the month it happened.
    DayOfMonth(RuleDayOfMonthInput),
}

/// Looks for words.
#[derive(InputObject)]
pub struct RuleTextInput {
    /// Where to look.
    #[graphql(default_with = "RuleTextField::Description")]
    pub of: RuleTextField,
    /// How to compare.
    pub op: RuleTextOp,
    /// What to look for: 1 to 200 characters.
    pub value: String,
}

/// A text of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "stored::TextField")]
pub enum RuleTextField {
    /// The bank's description.
    Description,
    /// The normalised merchant.
    Merchant,
}

/// How texts are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "stored::TextOp")]
pub enum RuleTextOp {
    /// The value occurs anywhere.
    Contains,
    /// The value is the whole text.
    Equals,
    /// The text begins with the value.
    StartsWith,
}

/// A range of amounts, both ends included; at least one end is needed.
#[derive(InputObject)]
pub struct RuleAmountInput {
    /// The least.
    pub min: Option<Decimal>,
    /// The most.
    pub max: Option<Decimal>,
    /// Compare with the sign (money out is negative); otherwise only the size counts.
    #[graphql(default)]
    pub signed: bool,
}

/// A range of dates, both ends included; at least one end is needed.
#[derive(InputObject)]
pub struct RuleDateInput {
    /// The first day.
    pub from: Option<Date>,
    /// The last day.
    pub to: Option<Date>,
}

/// A range of days of the month, both ends included; from 28 to 3 runs over the end of the month.
#[derive(InputObject)]
pub struct RuleDayOfMonthInput {
    /// The first day, 1 to 31.
    pub from: u8,
    /// The last day, 1 to 31.
    pub to: u8,
}

/// Reads an exact decimal into units of 10^-5.
pub fn units(field: &'static str, amount: &Decimal) -> Result<i64> {
    let any: Currency = "EUR".parse().expect("a code of the standard");
    Money::parse(&amount.0, any)
        .map(|money| money.units)
        .map_err(|wrong| Error::invalid(field, wrong.to_string()))
}

/// Reads what a client wrote.
pub fn read(condition: RuleConditionInput) -> Result<stored::Condition> {
    use stored::Condition as To;
    let many = |list: Vec<RuleConditionInput>| list.into_iter().map(read).collect::<Result<_>>();
    let end = |end: Option<Decimal>| end.map(|end| units("conditions.amount", &end)).transpose();
    Ok(match condition {
        RuleConditionInput::All(list) => To::All(many(list)?),
        RuleConditionInput::Any(list) => To::Any(many(list)?),
        RuleConditionInput::Not(inner) => To::Not(Box::new(read(*inner)?)),
        RuleConditionInput::Text(test) => To::Text(stored::TextTest {
            of: test.of.into(),
            op: test.op.into(),
            value: test.value,
        }),
        RuleConditionInput::Amount(test) => To::Amount(stored::AmountTest {
            min: end(test.min)?,
            max: end(test.max)?,
            signed: test.signed,
        }),
        RuleConditionInput::AccountIn(ids) => {
            let account = |id: &ID| local("Account", "conditions.accountIn", id);
            To::Account(stored::AccountTest {
                r#in: ids.iter().map(account).collect::<Result<_>>()?,
            })
        }
        RuleConditionInput::Direction(direction) => To::Direction(match direction {
            MoneyDirection::In => stored::Direction::In,
            MoneyDirection::Out => stored::Direction::Out,
        }),
        RuleConditionInput::CurrencyIn(codes) => To::Currency(stored::CurrencyTest { r#in: codes }),
        RuleConditionInput::Date(test) => To::Date(stored::DateTest {
            from: test.from.map(|day| day.0),
            to: test.to.map(|day| day.0),
        }),
        RuleConditionInput::DayOfMonth(test) => To::DayOfMonth(stored::DayOfMonthTest {
            from: test.from,
            to: test.to,
        }),
    })
}

/// Shows what is stored in the form that is accepted.
pub fn show(condition: stored::Condition) -> Json<Value> {
    let value = written(condition).to_value();
    Json(value.into_json().expect("inputs are JSON"))
}

fn written(condition: stored::Condition) -> RuleConditionInput {
    use stored::Condition as From;
    let many = |list: Vec<stored::Condition>| list.into_iter().map(written).collect();
    let end = |end: Option<i64>| end.map(|units| Decimal(decimal(units)));
    match condition {
        From::All(list) => RuleConditionInput::All(many(list)),
        From::Any(list) => RuleConditionInput::Any(many(list)),
        From::Not(inner) => RuleConditionInput::Not(Box::new(written(*inner))),
        From::Text(test) => RuleConditionInput::Text(RuleTextInput {
            of: test.of.into(),
            op: test.op.into(),
            value: test.value,
        }),
        From::Amount(test) => RuleConditionInput::Amount(RuleAmountInput {
            min: end(test.min),
            max: end(test.max),
            signed: test.signed,
        }),
        From::Account(test) => {
            let account = |id| global("Account", AccountId(id));
            RuleConditionInput::AccountIn(test.r#in.into_iter().map(account).collect())
        }
        From::Direction(direction) => RuleConditionInput::Direction(match direction {
            stored::Direction::In => MoneyDirection::In,
            stored::Direction::Out => MoneyDirection::Out,
        }),
        From::Currency(test) => RuleConditionInput::CurrencyIn(test.r#in),
        From::Date(test) => RuleConditionInput::Date(RuleDateInput {
            from: test.from.map(Date),
            to: test.to.map(Date),
        }),
        From::DayOfMonth(test) => RuleConditionInput::DayOfMonth(RuleDayOfMonthInput {
            from: test.from,
            to: test.to,
        }),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_shown_can_be_sent_back() {
        let stored: stored::Condition = serde_json::from_value(json!({ "all": [
            { "text": { "of": "merchant", "op": "startsWith", "value": "Uber" } },
            { "any": [{ "amount": { "min": 1_250_000, "signed": true } }, { "direction": "in" }] },
            { "not": { "currency": { "in": ["EUR"] } } },
            { "account": { "in": ["018f4e5c-0000-7000-8000-000000000001"] } },
            { "date": { "from": "2026-01-01" } },
            { "dayOfMonth": { "from": 28, "to": 3 } }
        ] }))
        .unwrap();
        let shown = show(stored.clone()).0;
        assert_eq!(shown["all"][1]["any"][0]["amount"]["min"], "12.50");
        assert_eq!(shown["all"][0]["text"]["op"], "STARTS_WITH");
        let sent = async_graphql::Value::from_json(shown).unwrap();
        let read_back = RuleConditionInput::parse(Some(sent)).ok().unwrap();
        assert_eq!(read(read_back).unwrap(), stored);
    }
}
