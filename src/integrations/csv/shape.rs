//! What a column looks like: dates, numbers, words, codes. Decides where names are silent.

use chrono::NaiveDate;
use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

use super::{
    mapping::DecimalSeparator,
    names::{says_in, says_out},
    split::Record,
    values::{DateFormat, plain_decimal},
};
use crate::{money::Currency, tag};

/// Date patterns that are tried, day before month where both would fit.
const DATE_FORMATS: &[&str] = &[
    "%Y-%m-%d",
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%d.%m.%Y",
    "%d-%m-%Y",
    "%m-%d-%Y",
    "%Y/%m/%d",
    "%Y.%m.%d",
    "%Y%m%d",
    "%d.%m.%y",
    "%d/%m/%y",
    "%m/%d/%y",
    "%d-%m-%y",
    "%d %b %Y",
    "%d-%b-%Y",
    "%d %b %y",
    "%d-%b-%y",
    "%d %B %Y",
    "%b %d, %Y",
    "%B %d, %Y",
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%d %H:%M:%S%.f",
    "%Y-%m-%d %H:%M:%S %z",
    "%Y-%m-%d %H:%M:%S%.f UTC",
    "%Y-%m-%d %H:%M",
    "%Y-%m-%dT%H:%M:%S%.f",
    "%Y-%m-%dT%H:%M:%S%.fZ",
    "%Y-%m-%dT%H:%M:%S%.f%z",
    "%d/%m/%Y %H:%M:%S",
    "%m/%d/%Y %H:%M:%S",
    "%d/%m/%Y %H:%M",
    "%m/%d/%Y %H:%M",
    "%d.%m.%Y %H:%M:%S",
    "%d.%m.%Y %H:%M",
    "%d-%m-%Y %H:%M:%S",
    "%d-%m-%Y %H:%M",
];

/// A column's cells that hold something.
pub(super) struct Cells<'r> {
    cells: Vec<&'r str>,
}

/// The filled cells of a column.
pub(super) fn column<'r>(rows: &'r [Record<'_>], index: usize) -> Cells<'r> {
    Cells {
        cells: rows
            .iter()
            .map(|row| row.cell(index))
            .filter(|cell| !cell.is_empty())
            .collect(),
    }
}

impl<'r> Cells<'r> {
    /// How many cells are filled.
    pub fn len(&self) -> usize {
        self.cells.len()
    }

    /// Whether nearly all cells pass, a few odd rows set aside.
    fn mostly(&self, passes: impl Fn(&str) -> bool) -> bool {
        let passing = self.cells.iter().filter(|cell| passes(cell)).count();
        is_most(passing, self.cells.len())
    }

    /// The patterns that fit the most cells; none when the column does not hold dates.
    pub fn date_formats(&self) -> Vec<&'static str> {
        let plausible = |cell: &str| {
            (6..=40).contains(&cell.len()) && cell.bytes().any(|byte| byte.is_ascii_digit())
        };
        if !self.mostly(plausible) {
            return Vec::new();
        }
        let fits = |pattern: &&'static str| {
            let format = DateFormat::new(pattern).ok()?;
            let count = self
                .cells
                .iter()
                .filter(|cell| format.date(cell).is_ok())
                .count();
            Some((count, *pattern))
        };
        let fitting: Vec<_> = DATE_FORMATS.iter().filter_map(fits).collect();
        let best = fitting.iter().map(|(count, _)| *count).max().unwrap_or(0);
        if !is_most(best, self.cells.len()) {
            return Vec::new();
        }
        fitting
            .into_iter()
            .filter(|(count, _)| *count == best)
            .map(|(_, pattern)| pattern)
            .collect()
    }

    /// How many days lie between the first and the last date.
    pub fn span_days(&self, pattern: &str) -> i64 {
        let Ok(format) = DateFormat::new(pattern) else {
            return i64::MAX;
        };
        let dates: Vec<NaiveDate> = self
            .cells
            .iter()
            .filter_map(|cell| format.date(cell).ok())
            .collect();
        match (dates.iter().min(), dates.iter().max()) {
            (Some(first), Some(last)) => (*last - *first).num_days(),
            _ => i64::MAX,
        }
    }

    /// Whether it holds numbers, with either decimal separator.
    pub fn is_numeric(&self) -> bool {
        self.mostly(|cell| {
            plain_decimal(cell, DecimalSeparator::Point).is_some()
                || plain_decimal(cell, DecimalSeparator::Comma).is_some()
        })
    }

    /// Whether it holds currency codes.
    pub fn is_currency(&self) -> bool {
        self.mostly(|cell| cell.parse::<Currency>().is_ok())
    }

    /// Whether it holds direction words.
    pub fn is_direction(&self) -> bool {
        self.mostly(|cell| says_in(&cell.to_lowercase()) || says_out(&cell.to_lowercase()))
    }

    /// Whether every cell holds tags.
    pub fn are_tags(&self) -> bool {
        self.cells.iter().all(|cell| tag::in_cell(cell).is_ok())
    }

    /// Whether every cell is another.
    pub fn is_distinct(&self) -> bool {
        let distinct: std::collections::HashSet<_> = self.cells.iter().collect();
        distinct.len() == self.cells.len()
    }

    /// Whether hardly any cell is a negative number, as when money spent is written without a minus.
    pub fn is_hardly_negative(&self) -> bool {
        let negative = self.cells.iter().filter(|cell| is_negative(cell)).count();
        negative * 10 < self.cells.len()
    }

    /// Whether some cell is a negative number.
    pub fn has_negative(&self) -> bool {
        self.cells.iter().any(|cell| is_negative(cell))
    }

    /// Whether all cells are negative numbers or zero.
    pub fn all_negative(&self) -> bool {
        let zero = |cell: &str| cell.chars().all(|letter| matches!(letter, '0' | '.' | ','));
        self.cells
            .iter()
            .all(|cell| cell.starts_with('-') || zero(cell))
            && self.has_negative()
    }

    /// The mean length of the cells.
    pub fn mean_length(&self) -> usize {
        self.cells
            .iter()
            .map(|cell| cell.chars().count())
            .sum::<usize>()
            / self.cells.len().max(1)
    }

    /// The different cells, in order of appearance.
    pub fn distinct(&self) -> Vec<&'r str> {
        let mut distinct: Vec<&'r str> = Vec::new();
        for cell in &self.cells {
            if !distinct.contains(cell) {
                distinct.push(cell);
            }
        }
        distinct
    }

    /// How often a number can only be meant with the point, only with the comma, or with either.
    pub fn decimal_evidence(&self) -> (usize, usize, usize) {
        let (mut point, mut comma, mut either) = (0, 0, 0);
        for cell in &self.cells {
            if !cell.contains(['.', ',']) {
                continue;
            }
            let as_point = plain_decimal(cell, DecimalSeparator::Point);
            let as_comma = plain_decimal(cell, DecimalSeparator::Comma);
            match (as_point, as_comma) {
                (Some(_), None) => point += 1,
                (None, Some(_)) => comma += 1,
                (Some(_), Some(_)) => either += 1,
                (None, None) => {}
            }
        }
        (point, comma, either)
    }
}

/// Whether a number is written as a negative one.
fn is_negative(cell: &str) -> bool {
    cell.starts_with(['-', '(', '\u{2212}']) || cell.ends_with('-')
}

/// A name as it is compared: no accents, no case, no brackets, one blank between words.
pub(super) fn fold(text: &str) -> String {
    let outside = text.split('(').next().unwrap_or(text);
    let plain: String = outside
        .nfkd()
        .filter(|letter| !is_combining_mark(*letter))
        .collect();
    let spaced = plain
        .to_lowercase()
        .replace(['_', '-', '\'', '’', '.', ':'], " ");
    spaced.split_whitespace().collect::<Vec<_>>().join(" ")
}
/// Whether all but a fifth pass; in a short file one odd row is set aside whatever its share, as long as more pass.
fn is_most(passing: usize, all: usize) -> bool {
    let odd = all - passing;
    passing > odd && odd <= (all / 5).max(1)
}
