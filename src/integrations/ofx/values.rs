//! Reads the dates, amounts and codes of OFX.

use chrono::{Datelike, NaiveDate};

use crate::{
    integrations::{AccountKind, csv, quoted},
    money::{Currency, Money},
};

/// The day a date-time is written with, `YYYYMMDD[HHMM[SS[.XXX]]][[offset:zone]]`.
///
/// The zone is read over: the statement's own day is the day of the books.
pub(super) fn date(text: &str) -> Result<NaiveDate, String> {
    let refused = || {
        format!(
            "{} is not a date: accepted is YYYYMMDD, a time and a zone may follow",
            quoted(text)
        )
    };
    let stamp = match text.split_once('[') {
        Some((stamp, zone)) if zone.trim_end().ends_with(']') => stamp,
        Some(_) => return Err(refused()),
        None => text,
    };
    let (digits, fraction) = stamp.trim().split_once('.').unwrap_or((stamp.trim(), ""));
    let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if !all_digits(digits) || !all_digits(fraction) || !matches!(digits.len(), 8 | 10 | 12 | 14) {
        return Err(refused());
    }
    let number = |from: usize, to: usize| digits[from..to].parse::<u32>().map_err(|_| refused());
    let year = i32::try_from(number(0, 4)?).map_err(|_| refused())?;
    NaiveDate::from_ymd_opt(year, number(4, 6)?, number(6, 8)?)
        .filter(|date| (1900..2200).contains(&date.year()))
        .ok_or_else(refused)
}

/// An amount, whose decimals follow a point or a comma.
pub(super) fn amount(text: &str, currency: Currency) -> Result<Money, String> {
    let refused = || {
        format!(
            "{} is not an amount: accepted is a decimal such as -12.50, without a currency sign",
            quoted(text)
        )
    };
    let plain = match (text.rfind('.'), text.rfind(',')) {
        (_, None) => text.to_owned(),
        (Some(point), Some(comma)) => {
            let decimal = if point > comma {
                csv::DecimalSeparator::Point
            } else {
                csv::DecimalSeparator::Comma
            };
            csv::plain_decimal(text, decimal).ok_or_else(refused)?
        }
        // by the standard a decimal comma, by the habit of some banks a thousands mark
        (None, Some(comma)) if text.len() - comma == 4 && currency.minor_digits() != 3 => {
            return Err(format!(
                "{} could be thousands or decimals: accepted is a decimal such as -1234.50",
                quoted(text)
            ));
        }
        (None, Some(_)) => text.replacen(',', ".", 1),
    };
    if text.trim().is_empty() {
        return Err("the amount is missing: accepted is a decimal such as -12.50".to_owned());
    }
    match Money::parse(&plain, currency) {
        Ok(money) => Ok(money),
        Err(crate::money::AmountError::NotANumber(_)) => Err(refused()),
        Err(error) => Err(error.to_string()),
    }
}

/// The currency of an amount: its own, its statement's, or that of the account.
pub(super) fn currency(
    symbol: &str,
    of_statement: Option<Currency>,
    unknown: Option<&str>,
    default: Option<Currency>,
) -> Result<Currency, String> {
    if !symbol.is_empty() {
        return symbol.parse().map_err(|error| format!("{error}"));
    }
    match (of_statement, unknown, default) {
        (Some(currency), _, _) => Ok(currency),
        (None, Some(unknown), _) if !unknown.is_empty() => Err(format!(
            "CURDEF {} is not a currency: accepted is an ISO 4217 code such as EUR",
            quoted(unknown)
        )),
        (None, _, Some(currency)) => Ok(currency),
        (None, _, None) => {
            Err("the statement has no CURDEF: accepted is an ISO 4217 code such as EUR".to_owned())
        }
    }
}

/// The kind an `ACCTTYPE` names; a type of its own counts as a current account.
pub(super) fn account_kind(text: &str) -> AccountKind {
    match text.to_ascii_uppercase().as_str() {
        "SAVINGS" | "MONEYMRKT" | "CD" => AccountKind::Savings,
        "CREDITLINE" => AccountKind::CreditLine,
        "CREDITCARD" => AccountKind::CreditCard,
        _ => AccountKind::Checking,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_day_is_the_one_the_bank_wrote() {
        for text in [
            "20090401",
            "20090401122017",
            "200904012359",
            "20090401235959.000[-5:EST]",
            "20090401[0:GMT]",
            "20090401000000[-:EST]",
        ] {
            assert_eq!(date(text).unwrap().to_string(), "2009-04-01", "{text}");
        }
        for text in [
            "",
            "201120000000",
            "2009040",
            "20090230",
            "2009-04-01",
            "00000101",
            "20090401[-5",
            "é0090401",
        ] {
            assert!(date(text).is_err(), "{text}");
        }
    }

    #[test]
    fn amounts_take_a_point_or_a_comma() {
        let read = |text: &str| amount(text, Currency::EUR).map(|money| money.decimal());
        assert_eq!(read("-12,50").as_deref(), Ok("-12.50"));
        assert_eq!(read("+00000000000115.8331").as_deref(), Ok("115.8331"));
        assert_eq!(read("1,234.56").as_deref(), Ok("1234.56"));
        assert_eq!(read("1.234,56").as_deref(), Ok("1234.56"));
        assert!(read("1,234").unwrap_err().contains("thousands"));
        assert!(read("$120").unwrap_err().contains("currency sign"));
        assert!(read("").unwrap_err().contains("missing"));
    }
}
