//! Adding up, in the database and past 64 bits.

use std::iter::Sum;
use std::ops::{Add, AddAssign};

use entity::record::Status;
use entity::{CategoryId, record};
use sea_orm::sea_query::{Expr, SimpleExpr};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DatabaseBackend, FromQueryResult, QueryFilter,
    QuerySelect,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::{Interval, Params};
use crate::ctx::Read;
use crate::error::Result;
use crate::money;
use crate::permission::Reach;

/// A sum of amounts in 10^-5 units. In JSON it is text: it may be longer than a JSON number is safe.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Units(pub i128);

impl Add for Units {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl AddAssign for Units {
    fn add_assign(&mut self, other: Self) {
        self.0 += other.0;
    }
}

impl Sum for Units {
    fn sum<I: Iterator<Item = Self>>(units: I) -> Self {
        units.fold(Self::default(), Add::add)
    }
}

impl Serialize for Units {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Units {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map(Self)
            .map_err(de::Error::custom)
    }
}

/// What the records of one category, currency, status and month add up to.
#[derive(Debug, FromQueryResult)]
pub(super) struct Group {
    pub category_id: Option<CategoryId>,
    pub currency: String,
    pub status: Status,
    /// `YYYY-MM`; empty when the report is not cut.
    pub month: String,
    pub whole: i64,
    pub fraction: i64,
    pub records: i64,
    /// Where the same records are counted already: the lines before this one, of records that are split.
    #[sea_orm(skip)]
    pub beside: Vec<CategoryId>,
}

impl Group {
    /// A part of one record, of that currency, status and month.
    pub(super) fn of(
        category_id: Option<CategoryId>,
        (currency, status, month): (String, Status, String),
        amount: i64,
        records: i64,
        beside: Vec<CategoryId>,
    ) -> Self {
        Self {
            category_id,
            currency,
            status,
            month,
            whole: amount / money::SCALE,
            fraction: amount % money::SCALE,
            records,
            beside,
        }
    }

    pub(super) fn units(&self) -> Units {
        Units(money::combine(self.whole.into(), self.fraction.into()))
    }
}

/// Statuses of records that are in the books or on the way there.
pub(super) const OPEN: [Status; 4] = [
    Status::Received,
    Status::Processed,
    Status::Approved,
    Status::Failed,
];

/// Adds up the records in reach of the time asked for, in one statement. Whole and fraction parts are summed apart, so that no
/// sum passes 64 bits; years are cut by month, and months put together by the reader.
pub(super) async fn groups(read: &Read, params: &Params, reach: &Reach) -> Result<Vec<Group>> {
    let month = match params.interval {
        Interval::None => None,
        _ => Some(month(read.on().get_database_backend())),
    };
    let mut select = read
        .select::<record::Entity>()
        .select_only()
        .column(record::Column::CategoryId)
        .column(record::Column::Currency)
        .column(record::Column::Status)
        .column_as(
            Expr::cust("cast(sum(\"record\".\"amount\" / 100000) as bigint)"),
            "whole",
        )
        .column_as(
            Expr::cust("cast(sum(\"record\".\"amount\" % 100000) as bigint)"),
            "fraction",
        )
        .column_as(record::Column::Id.count(), "records")
        .column_as(month.clone().unwrap_or_else(|| Expr::cust("''")), "month")
        .filter(record::Column::Status.is_in(OPEN))
        .filter(record::Column::OccurredOn.between(params.from, params.to))
        .filter(reach.condition().unwrap_or_else(Condition::all))
        .group_by(record::Column::CategoryId)
        .group_by(record::Column::Currency)
        .group_by(record::Column::Status);
    if let Some(month) = month {
        select = select.group_by(month);
    }
    Ok(select.into_model::<Group>().all(read.on()).await?)
}

/// The month of a date as `YYYY-MM`, in the words of each database.
fn month(backend: DatabaseBackend) -> SimpleExpr {
    Expr::cust(match backend {
        DatabaseBackend::Postgres => "to_char(\"record\".\"occurred_on\", 'YYYY-MM')",
        _ => "substr(\"record\".\"occurred_on\", 1, 7)",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sum_past_64_bits_survives_json() {
        let sum: Units = std::iter::repeat_n(Units(i64::MAX.into()), 3).sum();
        let json = serde_json::to_string(&sum).unwrap();
        assert_eq!(json, "\"27670116110564327421\"");
        assert_eq!(serde_json::from_str::<Units>(&json).unwrap(), sum);
    }
}
