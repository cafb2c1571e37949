//! How conditions are written: the JSON of the API and of the database column.
//!
//! One key names each node, so a condition reads like its sentence and an error can point at its place:
//!
//! ```json
//! { "all": [
//!     { "text": { "of": "merchant", "op": "equals", "value": "uber" } },
//!     { "not": { "amount": { "min": 5000000 } } },
//!     { "currency": { "in": ["EUR", "GBP"] } } ] }
//! ```

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::splits::Share;

/// When a rule applies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Condition {
    /// Every one of them holds.
    All(Vec<Condition>),
    /// At least one of them holds.
    Any(Vec<Condition>),
    /// It does not hold.
    Not(Box<Condition>),
    /// Words in the description or the merchant.
    Text(TextTest),
    /// How much money moved.
    Amount(AmountTest),
    /// Which account or card it moved on.
    Account(AccountTest),
    /// Whether money came in or went out.
    Direction(Direction),
    /// In which currency.
    Currency(CurrencyTest),
    /// When it happened.
    Date(DateTest),
    /// On which day of a month it happened.
    DayOfMonth(DayOfMonthTest),
}

/// Looks for words, whatever their case and spacing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TextTest {
    /// Where to look.
    #[serde(default)]
    pub of: TextField,
    /// How to compare.
    pub op: TextOp,
    /// What to look for.
    pub value: String,
}

/// A text of a record.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum TextField {
    /// The bank's description.
    #[default]
    Description,
    /// The normalised merchant.
    Merchant,
}

/// How texts are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum TextOp {
    /// The value occurs anywhere.
    Contains,
    /// The value is the whole text.
    Equals,
    /// The text begins with the value.
    StartsWith,
}

/// A range of amounts, in units of 10^-5, both ends included.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AmountTest {
    /// The least.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<i64>,
    /// The most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<i64>,
    /// Compare with the sign (money out is negative); otherwise only the size counts.
    #[serde(default)]
    pub signed: bool,
}

/// A set of accounts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AccountTest {
    /// Any of these.
    pub r#in: Vec<Uuid>,
}

/// Which way money went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Direction {
    /// Money came in: the amount is positive.
    In,
    /// Money went out: the amount is negative.
    Out,
}

/// A set of currencies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CurrencyTest {
    /// Any of these ISO 4217 codes.
    pub r#in: Vec<String>,
}

/// A range of dates, both ends included.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DateTest {
    /// The first day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<NaiveDate>,
    /// The last day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<NaiveDate>,
}

/// A range of days of the month, both ends included; from 28 to 3 runs over the end of the month.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DayOfMonthTest {
    /// The first day, 1 to 31.
    pub from: u8,
    /// The last day, 1 to 31.
    pub to: u8,
}

/// What a rule fills in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Actions {
    /// The category to propose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<Uuid>,
    /// The project to file it under, by its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// A note to leave on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The lines to split it into, in place of one category.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub split: Option<Vec<SplitLine>>,
    /// Words to find it by, beside those of other rules.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// Why a person is to look at it, whatever passes by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flag: Option<String>,
}

/// A line of a split. Without a percent and an amount it takes what the others leave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SplitLine {
    /// The category.
    pub category: Uuid,
    /// How much of the record, in 10^-5 percent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub percent: Option<i64>,
    /// How much, in 10^-5 units; what goes against the direction of the record, such as a fee held back, is negative.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<i64>,
    /// A project of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// A note on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl SplitLine {
    /// What it takes of a record that moves money in; of one that moves money out amounts turn their sign.
    pub fn share(&self) -> Share {
        match (self.percent, self.amount) {
            (Some(percent), _) => Share::Percent(percent),
            (None, Some(amount)) => Share::Amount(amount),
            (None, None) => Share::Rest,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_stored_condition_reads_back_the_same() {
        let stored = json!({ "all": [
            { "text": { "of": "merchant", "op": "startsWith", "value": "Uber" } },
            { "any": [{ "amount": { "min": 100, "signed": true } }, { "direction": "in" }] },
            { "not": { "currency": { "in": ["EUR"] } } },
            { "account": { "in": ["018f4e5c-0000-7000-8000-000000000001"] } },
            { "date": { "from": "2026-01-01" } },
            { "dayOfMonth": { "from": 28, "to": 3 } }
        ] });
        let condition: Condition = serde_json::from_value(stored.clone()).unwrap();
        assert_eq!(serde_json::to_value(&condition).unwrap(), stored);
    }

    #[test]
    fn a_condition_that_says_more_than_we_understand_is_refused() {
        for wrong in [
            json!({ "text": { "op": "contains", "value": "x", "caseSensitive": true } }),
            json!({ "amount": { "min": 1, "maximum": 2 } }),
            json!({ "colour": "red" }),
            json!({ "all": [], "any": [] }),
            json!({ "direction": "sideways" }),
        ] {
            assert!(
                serde_json::from_value::<Condition>(wrong.clone()).is_err(),
                "{wrong}"
            );
        }
        assert!(serde_json::from_value::<Actions>(json!({ "colour": "red" })).is_err());
    }
}
