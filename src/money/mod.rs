//! Exact money: a whole number of hundred-thousandths and a currency, never a float.
//!
//! The scale is fixed at 10^-5 with at most 18 digits, which is what ISO 20022 allows for an
//! amount, so every amount a bank may write fits a 64-bit integer. Reading refuses what is
//! finer or larger; nothing is ever rounded.
//!
//! # Sums
//!
//! A sum of many amounts may pass 64 bits, where SQLite's `sum` fails and PostgreSQL's turns
//! into `numeric`. Queries therefore sum the whole and the fraction part apart, and
//! [`combine`] puts the two together in 128 bits:
//!
//! ```sql
//! SELECT sum(units / 100000) AS whole, sum(units % 100000) AS fraction FROM record
//! ```
//!
//! Both databases truncate `/` towards zero and give `%` the sign of the amount, so the two
//! parts of a negative amount are both negative and add up. Each part has 13 digits at most:
//! half a million amounts of the largest size fit before either sum could overflow. On
//! PostgreSQL cast the two sums to `bigint`.

mod currency;

pub use currency::{Currency, UnknownCurrency};

use std::{fmt, ops::Neg};

use serde::{Deserialize, Serialize};

/// Units in one whole of a currency.
pub const SCALE: i64 = 100_000;

/// Decimals that are kept.
const DECIMALS: usize = 5;

/// Digits before the decimal point; with the decimals the 18 of ISO 20022.
const WHOLE_DIGITS: usize = 13;

/// An exact amount of one currency.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct Money {
    /// The amount in hundred-thousandths; money in is positive, money out negative.
    pub units: i64,
    /// What it is an amount of.
    pub currency: Currency,
}

/// Why a text is not an amount.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AmountError {
    /// Nothing is written.
    #[error("the amount is empty: accepted is a decimal such as 12.50 or -3")]
    Empty,
    /// Something other than digits, one sign and one decimal point.
    #[error(
        "'{0}' is not an amount: accepted is a decimal such as 12.50 or -3, digits with one point and no currency sign"
    )]
    NotANumber(String),
    /// More decimals than are kept.
    #[error("'{0}' is too fine: at most 5 decimals are accepted, and nothing is rounded")]
    TooFine(String),
    /// More digits than fit.
    #[error("'{0}' is too large: at most 13 digits before the decimal point are accepted")]
    TooLarge(String),
}

impl Money {
    /// An amount from its units, as the database keeps it.
    pub const fn new(units: i64, currency: Currency) -> Self {
        Self { units, currency }
    }

    /// Reads a decimal such as `12.50`, `-3` or `+.5`, exactly or not at all.
    pub fn parse(text: &str, currency: Currency) -> Result<Self, AmountError> {
        Ok(Self {
            units: parse_units(text)?,
            currency,
        })
    }

    /// The amount as a decimal with at least the currency's minor digits.
    pub fn decimal(&self) -> String {
        units_to_decimal(self.units.into(), self.currency)
    }

    /// Whether nothing moved.
    pub const fn is_zero(&self) -> bool {
        self.units == 0
    }
}

impl Neg for Money {
    type Output = Self;

    /// The same amount in the other direction.
    fn neg(self) -> Self {
        // parse keeps amounts within 18 digits, so the one integer without an opposite never arrives
        Self {
            units: self.units.saturating_neg(),
            ..self
        }
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.decimal(), self.currency)
    }
}

impl fmt::Debug for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Reads the units of a decimal.
fn parse_units(text: &str) -> Result<i64, AmountError> {
    let shown = || text.chars().take(40).collect::<String>();
    let trimmed = text.trim();
    if trimmed.is_empty() {
        return Err(AmountError::Empty);
    }
    let (negative, digits) = match trimmed.as_bytes()[0] {
        b'-' => (true, &trimmed[1..]),
        b'+' => (false, &trimmed[1..]),
        _ => (false, trimmed),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if !all_digits(whole) || !all_digits(fraction) || (whole.is_empty() && fraction.is_empty()) {
        return Err(AmountError::NotANumber(shown()));
    }

    // zeros at either end add no digit: banks pad to fixed widths
    let whole = whole.trim_start_matches('0');
    let fraction = fraction.trim_end_matches('0');
    if fraction.len() > DECIMALS {
        return Err(AmountError::TooFine(shown()));
    }
    if whole.len() > WHOLE_DIGITS {
        return Err(AmountError::TooLarge(shown()));
    }
    let units = format!("0{whole}{fraction:0<DECIMALS$}")
        .parse::<i64>()
        .expect("18 digits fit 64 bits");
    Ok(if negative { -units } else { units })
}

/// Writes units as a decimal with at least the currency's minor digits, zeros beyond them left out.
pub fn units_to_decimal(units: i128, currency: Currency) -> String {
    let scale = u128::from(SCALE.unsigned_abs());
    let size = units.unsigned_abs();
    let sign = if units < 0 { "-" } else { "" };
    let fraction = format!("{:0DECIMALS$}", size % scale);
    let minor = currency.minor_digits() as usize;
    let kept = fraction.trim_end_matches('0').len().max(minor);
    let point = if kept == 0 { "" } else { "." };
    format!("{sign}{}{point}{}", size / scale, &fraction[..kept])
}

/// The units of a sum whose whole and fraction parts were summed apart, see the module's header.
pub const fn combine(whole: i128, fraction: i128) -> i128 {
    whole * SCALE as i128 + fraction
}

/// How money looks in JSON.
#[derive(Serialize, Deserialize)]
struct Written {
    amount: String,
    currency: Currency,
}

impl From<Money> for Written {
    fn from(money: Money) -> Self {
        Self {
            amount: money.decimal(),
            currency: money.currency,
        }
    }
}

impl TryFrom<Written> for Money {
    type Error = AmountError;

    fn try_from(written: Written) -> Result<Self, AmountError> {
        Self::parse(&written.amount, written.currency)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn eur(text: &str) -> Result<Money, AmountError> {
        Money::parse(text, Currency::EUR)
    }

    #[test]
    fn a_decimal_is_read_exactly() {
        for (text, units) in [
            ("12.50", 1_250_000),
            ("-3", -300_000),
            ("+0.00001", 1),
            (".5", 50_000),
            ("7.", 700_000),
            ("-0", 0),
            ("-00000000001500.0000", -150_000_000),
            ("9999999999999.99999", 999_999_999_999_999_999),
            ("1.5000000000", 150_000),
        ] {
            assert_eq!(eur(text), Ok(Money::new(units, Currency::EUR)), "{text}");
        }
    }

    #[test]
    fn what_is_no_amount_is_refused_with_what_is_accepted() {
        for text in [
            "$120", "1,50", "1.2.3", "--1", "+", ".", "1e3", "٣", "1 000", "NaN", "-$1",
        ] {
            assert!(
                matches!(eur(text), Err(AmountError::NotANumber(_))),
                "{text}"
            );
        }
        assert_eq!(eur("  "), Err(AmountError::Empty));
        assert_eq!(
            eur("0.000001").unwrap_err().to_string(),
            "'0.000001' is too fine: at most 5 decimals are accepted, and nothing is rounded"
        );
        assert_eq!(
            eur("10000000000000").unwrap_err().to_string(),
            "'10000000000000' is too large: at most 13 digits before the decimal point are accepted"
        );
    }

    #[test]
    fn a_decimal_is_written_with_the_currencys_digits_at_least() {
        let written =
            |text: &str, code: &str| Money::parse(text, code.parse().unwrap()).unwrap().decimal();
        assert_eq!(written("12.5", "EUR"), "12.50");
        assert_eq!(written("0.12345", "EUR"), "0.12345");
        assert_eq!(written("-3", "EUR"), "-3.00");
        assert_eq!(written("-0.05", "EUR"), "-0.05");
        assert_eq!(written("100", "JPY"), "100");
        assert_eq!(written("100.5", "JPY"), "100.5");
        assert_eq!(written("1", "KWD"), "1.000");
        assert_eq!(
            units_to_decimal(i128::MAX, Currency::JPY),
            "1701411834604692317316873037158841.05727"
        );
    }

    #[test]
    fn parts_summed_apart_combine_to_the_sum() {
        let amounts = [
            999_999_999_999_999_999_i64,
            -1,
            -150_001,
            7,
            i64::MAX,
            i64::MAX,
        ];
        let whole = amounts.iter().map(|units| i128::from(units / SCALE)).sum();
        let fraction = amounts.iter().map(|units| i128::from(units % SCALE)).sum();
        assert_eq!(
            combine(whole, fraction),
            amounts.iter().map(|&units| i128::from(units)).sum()
        );
    }

    #[test]
    fn json_holds_the_amount_as_text() {
        let json = serde_json::to_string(&eur("-1.5").unwrap()).unwrap();
        assert_eq!(json, r#"{"amount":"-1.50","currency":"EUR"}"#);
        assert_eq!(
            serde_json::from_str::<Money>(&json).unwrap(),
            eur("-1.5").unwrap()
        );
        assert!(serde_json::from_str::<Money>(r#"{"amount":1.5,"currency":"EUR"}"#).is_err());
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(units in -999_999_999_999_999_999_i64..=999_999_999_999_999_999) {
            for code in ["JPY", "EUR", "KWD", "CLF"] {
                let money = Money::new(units, code.parse().unwrap());
                prop_assert_eq!(Money::parse(&money.decimal(), money.currency), Ok(money));
            }
        }

        #[test]
        fn no_text_makes_it_panic(text in ".*") {
            let _ = Money::parse(&text, Currency::EUR);
            let _ = text.parse::<Currency>();
        }
    }
}
