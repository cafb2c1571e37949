//! Reads the dates and amounts of a cell, strictly.

use chrono::{
    Datelike, NaiveDate,
    format::{Item, Parsed, StrftimeItems, parse},
};

use super::mapping::DecimalSeparator;
use crate::{
    integrations::quoted,
    money::{Currency, Money},
};

/// A date pattern, read once.
pub(super) struct DateFormat<'p> {
    pattern: &'p str,
    items: Vec<Item<'p>>,
}

impl<'p> DateFormat<'p> {
    /// Reads a strftime pattern, or says what is wrong with it.
    pub fn new(pattern: &'p str) -> Result<Self, String> {
        let items: Vec<_> = StrftimeItems::new(pattern).collect();
        let accepted = "accepted is a strftime pattern such as %d/%m/%Y or %Y-%m-%d %H:%M:%S";
        if items.is_empty() || items.contains(&Item::Error) {
            return Err(format!(
                "{} is not a date pattern: {accepted}",
                quoted(pattern)
            ));
        }
        let format = Self { pattern, items };
        // a day written with the pattern must be found in it again
        let day = NaiveDate::from_ymd_opt(2026, 11, 23).and_then(|day| day.and_hms_opt(12, 34, 56));
        let mut written = String::new();
        let complete = day.is_some_and(|day| {
            use std::fmt::Write;
            let shown = write!(
                written,
                "{}",
                day.and_utc().format_with_items(format.items.iter())
            )
            .is_ok();
            shown && format.date(&written).is_ok_and(|date| date == day.date())
        });
        if complete {
            Ok(format)
        } else {
            Err(format!(
                "{} does not give a whole date: {accepted}",
                quoted(pattern)
            ))
        }
    }

    /// The date a cell holds, as it is written there: a zone does not move it.
    pub fn date(&self, cell: &str) -> Result<NaiveDate, String> {
        let cell = cell.trim();
        if cell.is_empty() {
            return Err("the date is empty".to_owned());
        }
        let mut parsed = Parsed::new();
        let date =
            parse(&mut parsed, cell, self.items.iter()).and_then(|()| parsed.to_naive_date());
        match date {
            // %Y reads "18" as the year 18: a sane range catches a pattern that does not fit
            Ok(date) if (1900..2200).contains(&date.year()) => Ok(date),
            Ok(date) => Err(format!(
                "{} is in the year {}: accepted are 1900 to 2199",
                quoted(cell),
                date.year()
            )),
            Err(_) => Err(format!(
                "{} is not a date of the form {}",
                quoted(cell),
                self.pattern
            )),
        }
    }
}

/// The amount a cell holds.
pub(super) fn amount(
    cell: &str,
    decimal: DecimalSeparator,
    currency: Currency,
) -> Result<Money, String> {
    if cell.trim().is_empty() {
        return Err("the amount is empty".to_owned());
    }
    let Some(plain) = plain_decimal(cell, decimal) else {
        let example = match decimal {
            DecimalSeparator::Point => "1234.56 or 1,234.56",
            DecimalSeparator::Comma => "1234,56 or 1.234,56",
        };
        return Err(format!(
            "{} is not an amount: accepted is {example}, without a currency sign",
            quoted(cell)
        ));
    };
    Money::parse(&plain, currency).map_err(|error| error.to_string())
}

/// The same number with a leading sign and a point only, `None` when the separators do not fit.
///
/// Read besides plain decimals are a minus behind the number, brackets for negative numbers, and
/// thousands separated by the other mark, a blank or an apostrophe: all groups or none.
pub(in crate::integrations) fn plain_decimal(
    cell: &str,
    decimal: DecimalSeparator,
) -> Option<String> {
    let (negative, digits) = split_sign(cell.trim())?;
    let (point, grouping) = match decimal {
        DecimalSeparator::Point => ('.', ','),
        DecimalSeparator::Comma => (',', '.'),
    };
    let (whole, fraction) = match digits.split_once(point) {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (digits, None),
    };
    let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let whole = match whole.find(|letter: char| !letter.is_ascii_digit()) {
        None => whole.to_owned(),
        Some(at) => ungroup(whole, whole[at..].chars().next()?, grouping)?,
    };
    let fraction = fraction.unwrap_or("");
    if !all_digits(fraction) || (whole.is_empty() && fraction.is_empty()) {
        return None;
    }
    let sign = if negative { "-" } else { "" };
    let dot = if fraction.is_empty() { "" } else { "." };
    Some(format!("{sign}{whole}{dot}{fraction}"))
}

/// Whether a number is negative, and its digits: one sign at most, wherever it stands.
fn split_sign(text: &str) -> Option<(bool, &str)> {
    let minus = ['-', '\u{2212}'];
    if let Some(inner) = text.strip_prefix('(') {
        return Some((true, inner.strip_suffix(')')?.trim()));
    }
    if let Some(rest) = text.strip_prefix(minus) {
        return Some((true, rest.trim_start()));
    }
    if let Some(rest) = text.strip_suffix(minus) {
        return Some((true, rest.trim_end()));
    }
    let plus = text.strip_prefix('+').or_else(|| text.strip_suffix('+'));
    Some((false, plus.unwrap_or(text).trim()))
}

/// Takes out thousands separators: one to three digits, then groups of exactly three.
fn ungroup(whole: &str, separator: char, grouping: char) -> Option<String> {
    let known =
        separator == grouping || [' ', '\u{a0}', '\u{202f}', '\'', '\u{2019}'].contains(&separator);
    let mut groups = whole.split(separator);
    let first = groups.next()?;
    let digits = |group: &str| group.bytes().all(|byte| byte.is_ascii_digit());
    let fits = known
        && (1..=3).contains(&first.len())
        && digits(first)
        && groups.all(|group| group.len() == 3 && digits(group));
    fits.then(|| whole.replace(separator, ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_whole_groups_or_refused() {
        let point = |text: &str| plain_decimal(text, DecimalSeparator::Point);
        let comma = |text: &str| plain_decimal(text, DecimalSeparator::Comma);
        assert_eq!(point("1,234.56").as_deref(), Some("1234.56"));
        assert_eq!(point("12,345,678").as_deref(), Some("12345678"));
        assert_eq!(comma("-1.234,56").as_deref(), Some("-1234.56"));
        assert_eq!(comma("1 234 567,8").as_deref(), Some("1234567.8"));
        assert_eq!(point("1'234.5").as_deref(), Some("1234.5"));
        for text in [
            "1,23,4",
            "1,2345",
            ",123",
            "1,,234",
            "1 234,567",
            "1.2.3",
            "1.234,5",
            "$120",
            "",
            "-",
            "--1",
        ] {
            assert_eq!(point(text), None, "{text}");
        }
        for text in ["12,34.56", "1.23", "1.234.56,00"] {
            assert_eq!(comma(text), None, "{text}");
        }
    }

    #[test]
    fn a_negative_number_is_read_in_every_way_it_is_written() {
        for text in ["-12.50", "12.50-", "(12.50)", "\u{2212}12.50", "- 12.50"] {
            assert_eq!(
                plain_decimal(text, DecimalSeparator::Point).as_deref(),
                Some("-12.50"),
                "{text}"
            );
        }
        assert_eq!(
            plain_decimal("+5", DecimalSeparator::Point).as_deref(),
            Some("5")
        );
        assert_eq!(plain_decimal("(5", DecimalSeparator::Point), None);
        assert_eq!(plain_decimal("-5-", DecimalSeparator::Point), None);
    }

    #[test]
    fn a_date_is_the_one_that_is_written() {
        let date = |pattern: &str, cell: &str| {
            DateFormat::new(pattern)
                .unwrap()
                .date(cell)
                .map(|date| date.to_string())
        };
        assert_eq!(date("%d/%m/%Y", "3/04/2018").as_deref(), Ok("2018-04-03"));
        assert_eq!(date("%d.%m.%y", "22.02.18").as_deref(), Ok("2018-02-22"));
        assert_eq!(
            date("%Y-%m-%d %H:%M:%S %z", "2018-02-25 23:59:59 -0800").as_deref(),
            Ok("2018-02-25")
        );
        assert_eq!(
            date("%Y-%m-%dT%H:%M:%S%.fZ", "2018-02-25T23:59:59.123Z").as_deref(),
            Ok("2018-02-25")
        );
        assert!(
            date("%d/%m/%Y", "03/04/18")
                .unwrap_err()
                .contains("year 18")
        );
        assert!(date("%d/%m/%Y", "30/02/2018").is_err());
        assert!(date("%d/%m/%Y", "01/02/2018 x").is_err());
    }

    #[test]
    fn a_pattern_without_a_whole_date_is_refused() {
        for pattern in ["", "%Q", "%d/%m", "%H:%M", "words"] {
            assert!(DateFormat::new(pattern).is_err(), "{pattern}");
        }
    }
}
