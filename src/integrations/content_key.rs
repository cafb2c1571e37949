//! The key of a row that has no id of the bank's: what lets a file be imported twice.
//!
//! A key is made of what the row says, never of where it stands: the date, the amount, the
//! currency, the folded words, and a running number among rows of that date that are equal in
//! all of these, so that two coffees on one morning stay two. The words are all the texts of the
//! row, whichever columns are mapped, in alphabetical order: a changed mapping of the
//! description, or columns in another order, give the same keys.
//!
//! What a mapping says about the date, the amount and the currency does count: read otherwise
//! they are other facts. And one limit is left: when equal rows of one day are cut apart between
//! two files, each file numbers its own from 0, so the later ones are taken for repetitions.
//! Statements end with a day, so this needs a file that was cut by hand in the middle of one.

use std::collections::HashMap;

use sha2::{Digest, Sha256};
use unicode_normalization::UnicodeNormalization;

use super::StatementRow;

/// The recipe; another recipe must have another name.
const VERSION: &str = "v1";

/// The keys of all rows of one file or delivery, in their order.
pub fn content_keys(rows: &[StatementRow]) -> Vec<String> {
    let mut seen: HashMap<(Option<&str>, String), u32> = HashMap::new();
    rows.iter()
        .map(|row| {
            let facts = facts(row);
            let count = seen
                .entry((row.account.as_deref(), facts.clone()))
                .or_default();
            let key = key(&facts, *count);
            *count += 1;
            key
        })
        .collect()
}

/// What a row says, in one text.
fn facts(row: &StatementRow) -> String {
    let mut words: Vec<String> = row
        .words
        .iter()
        .map(|words| fold(words))
        .filter(|words| !words.is_empty())
        .collect();
    words.sort_unstable();
    // the separators are control characters, which folding takes out of the words
    format!(
        "{}\u{1e}{}\u{1e}{}\u{1e}{}",
        row.occurred_on,
        row.amount.units,
        row.amount.currency,
        words.join("\u{1f}")
    )
}

/// The words as they are compared: compatible forms, lower case, single blanks.
fn fold(words: &str) -> String {
    let lower: String = words.nfkc().flat_map(char::to_lowercase).nfkc().collect();
    lower
        .split(|letter: char| letter.is_whitespace() || letter.is_control())
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

/// The key of some facts and their running number.
fn key(facts: &str, count: u32) -> String {
    let digest = Sha256::digest(format!("{VERSION}\u{1e}{facts}\u{1e}{count}"));
    let hex: String = digest
        .iter()
        .take(16)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("{VERSION}:{hex}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::{Currency, Money};

    fn row(line: u32, day: u32, units: i64, words: &[&str]) -> StatementRow {
        StatementRow {
            tags: Vec::new(),
            line,
            external_id: None,
            account: None,
            occurred_on: chrono::NaiveDate::from_ymd_opt(2026, 3, day).unwrap(),
            amount: Money::new(units, Currency::EUR),
            description: words.join(" "),
            words: words.iter().map(|&word| word.to_owned()).collect(),
            raw: String::new(),
        }
    }

    fn day(day: u32) -> Vec<StatementRow> {
        vec![
            row(1, day, -100, &["Coffee"]),
            row(2, day, -100, &["Coffee"]),
            row(3, day, -900, &["Lunch"]),
        ]
    }

    #[test]
    fn twins_stay_two_and_a_second_reading_adds_none() {
        let keys = content_keys(&day(1));
        assert_ne!(keys[0], keys[1]);
        assert_eq!(keys, content_keys(&day(1)));
        assert_eq!(keys[0].len(), "v1:".len() + 32);
    }

    #[test]
    fn the_recipe_of_v1_does_not_change() {
        assert_eq!(
            key("2026-03-01\u{1e}-100\u{1e}EUR\u{1e}coffee", 0),
            content_keys(&day(1))[0]
        );
        assert_eq!(
            content_keys(&day(1))[0],
            "v1:e7aa7823fdcfcc2bac0dcebf74cbc127"
        );
    }

    #[test]
    fn overlapping_and_cut_files_meet() {
        let whole: Vec<_> = (1..=3).flat_map(day).collect();
        let keys = content_keys(&whole);
        assert_eq!(content_keys(&whole[..6]), keys[..6]);
        assert_eq!(content_keys(&whole[3..]), keys[3..]);
        let mut turned = whole.clone();
        turned.reverse();
        let (mut turned, mut sorted) = (content_keys(&turned), keys);
        turned.sort();
        sorted.sort();
        assert_eq!(turned, sorted);
    }

    #[test]
    fn neither_mapping_nor_place_nor_writing_changes_a_key() {
        let first = row(1, 1, -100, &["Café  Zoë", "Card 7"]);
        let mut second = row(99, 1, -100, &["card 7", " CAFE\u{301} ZOE\u{308} "]);
        second.description = "only the payee".to_owned();
        second.account = Some("NL01".to_owned());
        assert_eq!(content_keys(&[first]), content_keys(&[second]));
    }

    #[test]
    fn whatever_a_row_says_changes_its_key() {
        let base = content_keys(&[row(1, 1, -100, &["a b"])]);
        for other in [
            row(1, 2, -100, &["a b"]),
            row(1, 1, 100, &["a b"]),
            row(1, 1, -100, &["a", "b"]),
            row(1, 1, -100, &[]),
        ] {
            assert_ne!(content_keys(&[other]), base);
        }
    }
}
