//! The demo statement: some five hundred rows over the last months, the same for the same seed and day.
//!
//! What comes every month comes every month; the rest is filled up with what a studio buys in between. A few
//! purchases are taken back, card bills are settled from the account, and every row knows the category an
//! accountant would choose, so that a demonstration can approve honestly.

use chrono::{Datelike, Days, Months, NaiveDate, Weekday};

use super::{
    payees::{Cadence, EUR_ACCOUNT, GBP_ACCOUNT, PAYEES, Payee, TEAM_CARD, TRAVEL_CARD},
    random::SplitMix64,
};

/// How many rows a statement has, about; more only when what recurs alone is more.
pub const ROWS: usize = 500;

const CITIES: &[&str] = &["AMSTERDAM", "UTRECHT", "ROTTERDAM", "HAARLEM", "DEN HAAG"];
const MONTHS: [&str; 12] = [
    "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC",
];
/// Out of a hundred purchases made now and then, those taken back later.
const REFUNDS: i64 = 3;

/// A bank account or card of the demo studio.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DemoAccount {
    /// Its number; what [`DemoRow::account`] names.
    pub number: &'static str,
    /// What people call it.
    pub name: &'static str,
    /// The currency it is kept in; rows of a card may be in others.
    pub currency: &'static str,
    /// Whether it is a card.
    pub card: bool,
}

/// A line of a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DemoRow {
    /// Number of the account or card.
    pub account: &'static str,
    /// ISO 4217.
    pub currency: &'static str,
    /// The day it happened.
    pub occurred_on: NaiveDate,
    /// Decimal text; money in is positive.
    pub amount: String,
    /// The bank's text.
    pub description: String,
    /// The bank's own reference; cards have none.
    pub external_id: Option<String>,
    /// Name of the right category in the default chart of accounts.
    pub category: &'static str,
}

/// All rows of all accounts, oldest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// The rows.
    pub rows: Vec<DemoRow>,
}

/// The accounts and cards that statements are for.
pub fn accounts() -> &'static [DemoAccount] {
    &[
        DemoAccount {
            number: EUR_ACCOUNT,
            name: "Business account",
            currency: "EUR",
            card: false,
        },
        DemoAccount {
            number: GBP_ACCOUNT,
            name: "Sterling account",
            currency: "GBP",
            card: false,
        },
        DemoAccount {
            number: TEAM_CARD,
            name: "Team card",
            currency: "EUR",
            card: true,
        },
        DemoAccount {
            number: TRAVEL_CARD,
            name: "Travel card",
            currency: "EUR",
            card: true,
        },
    ]
}

impl Statement {
    /// The statement of the months (at least one) that end before the day.
    pub fn generate(seed: u64, before: NaiveDate, months: u32) -> Self {
        let start = before
            .checked_sub_months(Months::new(months.max(1)))
            .unwrap_or(NaiveDate::MIN);
        let mut writer = Writer {
            random: SplitMix64::new(seed),
            start,
            before,
            rows: Vec::with_capacity(ROWS + 64),
        };
        for payee in PAYEES {
            writer.recurring(payee);
        }
        writer.card_settlements();
        writer.now_and_then();
        Self {
            rows: writer.finish(),
        }
    }

    /// One account's rows as the CSV file its bank would offer.
    pub fn to_csv(&self, account: &str) -> String {
        let mut csv = csv::Writer::from_writer(Vec::new());
        let rows = self.rows.iter().filter(|row| row.account == account);
        let cells = rows.map(|row| {
            let reference = row.external_id.clone().unwrap_or_default();
            [
                row.occurred_on.to_string(),
                row.description.clone(),
                row.amount.clone(),
                row.currency.to_owned(),
                reference,
            ]
        });
        let header = ["Date", "Description", "Amount", "Currency", "Reference"].map(str::to_owned);
        for record in std::iter::once(header).chain(cells) {
            csv.write_record(record)
                .expect("writing to memory does not fail");
        }
        let bytes = csv.into_inner().expect("flushing to memory does not fail");
        String::from_utf8(bytes).expect("every cell was text")
    }
}

/// A statement being written.
struct Writer {
    random: SplitMix64,
    start: NaiveDate,
    before: NaiveDate,
    rows: Vec<DemoRow>,
}

impl Writer {
    fn recurring(&mut self, payee: &Payee) {
        match payee.cadence {
            Cadence::Monthly(day) => self.monthly(payee, day, 1),
            Cadence::Quarterly(day) => self.monthly(payee, day, 3),
            Cadence::Weekly(offset) => {
                let first = self.start.week(Weekday::Mon).first_day() + Days::new(offset.into());
                let before = self.before;
                for day in first.iter_weeks().take_while(|day| *day < before) {
                    self.pay(payee, day);
                }
            }
            Cadence::Often(_) => {}
        }
    }

    fn monthly(&mut self, payee: &Payee, day: u32, step: u32) {
        for first in self.firsts() {
            if first.month0() % step == 0 {
                let last = u32::from(first.num_days_in_month());
                self.pay(payee, first + Days::new(u64::from(day.min(last)) - 1));
            }
        }
    }

    /// The first of every month the statement touches.
    fn firsts(&self) -> Vec<NaiveDate> {
        let first = self.start.with_day(1).expect("every month has a first");
        let months = (0..).map_while(|n| first.checked_add_months(Months::new(n)));
        months.take_while(|month| *month < self.before).collect()
    }

    /// The bill of each card, paid from the account: out here, in there.
    fn card_settlements(&mut self) {
        for first in self.firsts() {
            let day = business_day(first + Days::new(17));
            for card in [TEAM_CARD, TRAVEL_CARD] {
                let cents = self.random.between(60_000, 190_000);
                let digits = &card[card.len() - 4..];
                let category = "Transfers Between Accounts";
                self.write(
                    EUR_ACCOUNT,
                    "EUR",
                    day,
                    -cents,
                    format!("CARD SETTLEMENT {digits}"),
                    category,
                );
                self.write(
                    card,
                    "EUR",
                    day,
                    cents,
                    "PAYMENT RECEIVED - THANK YOU".to_owned(),
                    category,
                );
            }
        }
    }

    /// Fills up with purchases between the recurring ones, busier payees more often.
    fn now_and_then(&mut self) {
        let mut wheel: Vec<&Payee> = Vec::new();
        for payee in PAYEES {
            if let Cadence::Often(weight) = payee.cadence {
                wheel.extend((0..weight).map(|_| payee));
            }
        }
        let days = (self.before - self.start).num_days();
        while self.rows.len() < ROWS {
            let payee = *self.random.pick(&wheel);
            let day = self.start + Days::new(self.random.between(0, days - 1).unsigned_abs());
            let at = self.rows.len();
            self.pay(payee, day);
            let (Some(bought), true) = (self.rows.get(at).cloned(), self.random.percent(REFUNDS))
            else {
                continue;
            };
            let later = day + Days::new(self.random.between(2, 12).unsigned_abs());
            if let (Some(refunded), true) = (bought.amount.strip_prefix('-'), later < self.before) {
                let description = format!("REFUND {}", bought.description);
                self.rows.push(DemoRow {
                    occurred_on: later,
                    amount: refunded.to_owned(),
                    description,
                    ..bought
                });
            }
        }
    }

    fn pay(&mut self, payee: &Payee, day: NaiveDate) {
        let bank = [EUR_ACCOUNT, GBP_ACCOUNT].contains(&payee.account);
        let day = if bank { business_day(day) } else { day };
        let cents = self.random.between(payee.cents.0, payee.cents.1);
        let description = self.describe(payee, day);
        self.write(
            payee.account,
            payee.currency,
            day,
            cents,
            description,
            payee.category,
        );
    }

    fn write(
        &mut self,
        account: &'static str,
        currency: &'static str,
        occurred_on: NaiveDate,
        cents: i64,
        description: String,
        category: &'static str,
    ) {
        if (self.start..self.before).contains(&occurred_on) {
            let amount = decimal(cents);
            self.rows.push(DemoRow {
                account,
                currency,
                occurred_on,
                amount,
                description,
                external_id: None,
                category,
            });
        }
    }

    /// One of the payee's descriptions with its placeholders filled in.
    fn describe(&mut self, payee: &Payee, day: NaiveDate) -> String {
        let mut rest = *self.random.pick(payee.descriptions);
        let mut text = String::with_capacity(rest.len());
        while let Some((before, after)) = rest.split_once('{') {
            let (name, after) = after.split_once('}').unwrap_or((after, ""));
            text.push_str(before);
            match name {
                "n" => text.push(
                    *self
                        .random
                        .pick(&['0', '1', '2', '3', '4', '5', '6', '7', '8', '9']),
                ),
                "x" => text.push(char::from(
                    *self.random.pick(b"ABCDEFGHJKLMNPQRSTUVWXYZ0123456789"),
                )),
                "city" => text.push_str(self.random.pick::<&str>(CITIES)),
                _ => text.push_str(MONTHS[day.month0() as usize]),
            }
            rest = after;
        }
        text + rest
    }

    /// Oldest first, with the references a bank numbers each day's rows by.
    fn finish(mut self) -> Vec<DemoRow> {
        self.rows.sort_by_key(|row| row.occurred_on);
        for account in accounts().iter().filter(|account| !account.card) {
            let mut last = (self.start, 0);
            for row in self
                .rows
                .iter_mut()
                .filter(|row| row.account == account.number)
            {
                last = if last.0 == row.occurred_on {
                    (last.0, last.1 + 1)
                } else {
                    (row.occurred_on, 1)
                };
                row.external_id = Some(format!(
                    "{}-{:03}",
                    row.occurred_on.format("%Y%m%d"),
                    last.1
                ));
            }
        }
        self.rows
    }
}

/// The Friday before, on a weekend: banks do not book then.
fn business_day(day: NaiveDate) -> NaiveDate {
    match day.weekday() {
        Weekday::Sat => day - Days::new(1),
        Weekday::Sun => day - Days::new(2),
        _ => day,
    }
}

fn decimal(cents: i64) -> String {
    let sign = if cents < 0 { "-" } else { "" };
    let size = cents.unsigned_abs();
    format!("{sign}{}.{:02}", size / 100, size % 100)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::categories::chart;

    fn day() -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 11, 21).unwrap()
    }

    #[test]
    fn the_same_seed_writes_the_same_statement_and_another_writes_another() {
        assert_eq!(
            Statement::generate(7, day(), 6),
            Statement::generate(7, day(), 6)
        );
        assert_ne!(
            Statement::generate(7, day(), 6),
            Statement::generate(8, day(), 6)
        );
    }

    #[test]
    fn about_five_hundred_rows_lie_within_the_months() {
        for months in [3, 6, 9] {
            let rows = Statement::generate(1, day(), months).rows;
            assert!(
                (ROWS..ROWS + 50).contains(&rows.len()),
                "{months}: {}",
                rows.len()
            );
            let start = day().checked_sub_months(Months::new(months)).unwrap();
            assert!(
                rows.iter()
                    .all(|row| (start..day()).contains(&row.occurred_on))
            );
            assert!(rows.is_sorted_by_key(|row| row.occurred_on));
        }
        assert!(!Statement::generate(1, day(), 0).rows.is_empty());
    }

    #[test]
    fn every_row_has_an_account_a_leaf_and_an_amount_and_every_reference_is_its_own() {
        let rows = Statement::generate(3, day(), 6).rows;
        let mut references = HashSet::new();
        for row in &rows {
            let account = accounts()
                .iter()
                .find(|account| account.number == row.account)
                .unwrap();
            assert!(
                chart::leaves().any(|leaf| leaf.name == row.category),
                "{}",
                row.category
            );
            let (_, minor) = row.amount.split_once('.').unwrap();
            assert!(minor.len() == 2 && row.amount.parse::<f64>().unwrap() != 0.0);
            assert_eq!(row.external_id.is_none(), account.card);
            assert!(
                row.external_id
                    .iter()
                    .all(|id| references.insert((row.account, id.clone())))
            );
            assert!(!row.description.contains(['{', '}']), "{}", row.description);
        }
    }

    #[test]
    fn it_shows_what_real_statements_show() {
        let rows = Statement::generate(42, day(), 6).rows;
        let distinct =
            |of: fn(&DemoRow) -> String| rows.iter().map(of).collect::<HashSet<_>>().len();
        assert_eq!(distinct(|row| row.account.to_owned()), 4);
        assert_eq!(distinct(|row| row.currency.to_owned()), 3);
        assert!(distinct(|row| row.category.to_owned()) >= 25);
        assert!(distinct(|row| row.description.split(' ').take(2).collect()) >= 60);
        assert!(
            rows.iter()
                .any(|row| row.description.starts_with("REFUND ") && !row.amount.starts_with('-'))
        );
        let salaries = rows
            .iter()
            .filter(|row| row.description.ends_with("H. PRICE"))
            .count();
        assert!((5..=7).contains(&salaries), "{salaries}");
    }

    #[test]
    fn a_csv_file_holds_the_rows_of_its_account() {
        let statement = Statement::generate(5, day(), 6);
        let mut lines = 0;
        for account in accounts() {
            let text = statement.to_csv(account.number);
            let mut reader = csv::Reader::from_reader(text.as_bytes());
            assert_eq!(
                reader.headers().unwrap(),
                vec!["Date", "Description", "Amount", "Currency", "Reference"]
            );
            lines += reader.records().map(Result::unwrap).count();
        }
        assert_eq!(lines, statement.rows.len());
        assert_eq!(statement.to_csv("unknown").lines().count(), 1);
    }
}
