//! Scalars and money, as clients see them.

use async_graphql::registry::{MetaType, Registry};
use async_graphql::{InputValueError, InputValueResult, Scalar, ScalarType, SimpleObject, Value};
use chrono::NaiveDate;

use super::plain::plain;
use crate::money;

/// A local date, such as `2026-11-21`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Date(pub NaiveDate);

/// A calendar date without time zone, `YYYY-MM-DD`.
#[Scalar(specified_by_url = "https://scalars.graphql.org/andimarek/local-date")]
impl ScalarType for Date {
    fn parse(value: Value) -> InputValueResult<Self> {
        match &value {
            Value::String(text) => NaiveDate::parse_from_str(text, "%Y-%m-%d")
                .map(Self)
                .map_err(|_| InputValueError::custom("is no date; write YYYY-MM-DD")),
            _ => Err(InputValueError::expected_type(value)),
        }
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_string())
    }
}

/// An exact decimal number, as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decimal(pub String);

/// An exact decimal number as a string, such as `-12.50`; never a float.
#[Scalar(specified_by_url = "https://scalars.graphql.org/chillicream/decimal")]
impl ScalarType for Decimal {
    fn parse(value: Value) -> InputValueResult<Self> {
        match value {
            Value::String(text) => Ok(Self(text)),
            Value::Number(_) => Err(InputValueError::custom(
                "is a number, which may be rounded; send a string such as \"12.50\"",
            )),
            other => Err(InputValueError::expected_type(other)),
        }
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.clone())
    }
}

impl Decimal {
    /// Millionths of a unit, which are never negative.
    pub fn micros(micros: i64) -> Self {
        let (whole, fraction) = (micros / 1_000_000, micros % 1_000_000);
        Self(format!("{whole}.{fraction:06}"))
    }
}

/// Says where JSON is specified, as every scalar does. The library brings that one, and cannot be told otherwise.
pub(super) fn specify_json(registry: &mut Registry) {
    if let Some(MetaType::Scalar {
        specified_by_url, ..
    }) = registry.types.get_mut("JSON")
    {
        *specified_by_url = Some("https://datatracker.ietf.org/doc/html/rfc8259".to_owned());
    }
}

/// An amount of money. Signed from the books' view: money in is positive, money out negative.
#[derive(Clone, Debug, PartialEq, Eq, SimpleObject)]
#[graphql(serial)]
pub struct Money {
    /// The exact amount, with at least the minor digits of the currency.
    pub amount: Decimal,
    /// ISO 4217 code.
    pub currency: String,
}

plain!(Money; "amount" amount, "currency" currency);

impl Money {
    /// The amount in a row: units of 10^-5 and a code.
    pub fn of(units: i64, currency: &str) -> Self {
        Self::sum(i128::from(units), currency)
    }

    /// A sum of such amounts.
    pub fn sum(units: i128, currency: &str) -> Self {
        // a code that left the standard still shows its exact amount
        let amount = match currency.parse() {
            Ok(code) => money::units_to_decimal(units, code),
            Err(_) => format!("{units}e-5"),
        };
        Self {
            amount: Decimal(amount),
            currency: currency.to_owned(),
        }
    }
}
