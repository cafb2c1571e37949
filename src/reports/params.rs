//! What is asked of a report, and the periods it is cut into.

use chrono::{Datelike, Days, Months, NaiveDate};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::money::Currency;

/// The most periods a report has: ten years by month.
const PERIODS: usize = 120;

/// How a span of time is cut.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Interval {
    /// Not at all.
    #[default]
    None,
    /// By calendar month.
    Month,
    /// By calendar quarter.
    Quarter,
    /// By calendar year.
    Year,
}

/// What a profit and loss statement is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Params {
    /// The first day.
    pub from: NaiveDate,
    /// The last day.
    pub to: NaiveDate,
    /// How it is cut.
    pub interval: Interval,
    /// Which currency it is in; the tenant's when absent.
    pub currency: Option<Currency>,
    /// Whether what is proposed and not yet approved counts too.
    pub include_proposed: bool,
}

/// A part of the time of a report: a calendar period as far as the report reaches into it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Period {
    /// Its first day.
    pub from: NaiveDate,
    /// Its last day.
    pub to: NaiveDate,
}

impl Params {
    /// The periods, in order; refused when the days are in the wrong order or the periods too many.
    pub fn periods(&self) -> Result<Vec<Period>> {
        if self.from > self.to {
            return Err(Error::invalid("to", "is before `from`"));
        }
        // what a four-digit year can say, and both databases compare alike
        if self.from.year() < 1900 || self.to.year() > 2999 {
            return Err(Error::invalid("from", "years 1900 to 2999 are accepted"));
        }
        let mut periods = Vec::new();
        let mut from = self.from;
        while from <= self.to {
            if periods.len() == PERIODS {
                return Err(Error::invalid(
                    "interval",
                    format!("makes more than {PERIODS} periods; take a longer one, or fewer days"),
                ));
            }
            let end = self
                .interval
                .end(from)
                .map_or(self.to, |end| end.min(self.to));
            periods.push(Period { from, to: end });
            match end.succ_opt() {
                Some(next) => from = next,
                None => break,
            }
        }
        Ok(periods)
    }
}

impl Interval {
    /// The last day of the calendar period a day is in.
    fn end(self, day: NaiveDate) -> Option<NaiveDate> {
        let months = match self {
            Self::None => return None,
            Self::Month => 1,
            Self::Quarter => 3,
            Self::Year => 12,
        };
        let first = day
            .with_day(1)?
            .with_month0(day.month0() / months * months)?;
        first
            .checked_add_months(Months::new(months))?
            .checked_sub_days(Days::new(1))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn params(from: &str, to: &str, interval: Interval) -> Params {
        Params {
            from: day(from),
            to: day(to),
            interval,
            currency: None,
            include_proposed: false,
        }
    }

    #[test]
    fn the_first_and_the_last_period_are_cut_to_the_days_asked_for() {
        let periods = params("2026-01-15", "2026-03-10", Interval::Month)
            .periods()
            .unwrap();
        let days: Vec<_> = periods
            .iter()
            .map(|p| (p.from.to_string(), p.to.to_string()))
            .collect();
        let expected = [
            ("2026-01-15", "2026-01-31"),
            ("2026-02-01", "2026-02-28"),
            ("2026-03-01", "2026-03-10"),
        ];
        assert_eq!(
            days,
            expected.map(|(from, to)| (from.to_owned(), to.to_owned()))
        );
    }

    #[test]
    fn quarters_and_years_are_those_of_the_calendar() {
        let quarters = params("2025-11-01", "2026-04-01", Interval::Quarter)
            .periods()
            .unwrap();
        let ends: Vec<_> = quarters.iter().map(|p| p.to).collect();
        assert_eq!(ends, ["2025-12-31", "2026-03-31", "2026-04-01"].map(day));
        assert_eq!(
            params("2024-02-29", "2026-01-01", Interval::Year)
                .periods()
                .unwrap()
                .len(),
            3
        );
    }

    #[test]
    fn days_in_the_wrong_order_and_too_many_periods_are_refused() {
        assert!(
            params("2026-02-01", "2026-01-01", Interval::None)
                .periods()
                .is_err()
        );
        assert!(
            params("2000-01-01", "2026-01-01", Interval::Month)
                .periods()
                .is_err()
        );
        assert!(
            params("2000-01-01", "2026-01-01", Interval::Year)
                .periods()
                .is_ok()
        );
    }

    proptest! {
        #[test]
        fn periods_cover_every_day_once(start in 0_u64..20_000, days in 0_u64..3_000, which in 0_usize..4) {
            let from = day("1970-01-01") + Days::new(start);
            let interval = [Interval::None, Interval::Month, Interval::Quarter, Interval::Year][which];
            let params = Params {
                from,
                to: from + Days::new(days),
                interval,
                currency: None,
                include_proposed: false,
            };
            let periods = params.periods().unwrap();
            prop_assert_eq!(periods[0].from, params.from);
            prop_assert_eq!(periods[periods.len() - 1].to, params.to);
            for pair in periods.windows(2) {
                prop_assert!(pair[0].from <= pair[0].to);
                prop_assert_eq!(pair[0].to.succ_opt(), Some(pair[1].from));
            }
        }
    }
}
