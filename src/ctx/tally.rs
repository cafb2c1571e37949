//! The roll-up of what became of the records that rules met.
//!
//! Each hit says what it is counted as, so that counting it again after anything at all changes the tally by the
//! difference and no more. A unit of work gathers the differences and adds them at its end: the rows of the tally are
//! those that many writers share, so they are locked last, in the order of their key, before the head of the log.

use std::collections::BTreeMap;

use chrono::{DateTime, Datelike, NaiveDate, Utc};
use entity::rule_hit::{self, Standing};
use entity::{RecordId, RuleId, TenantId, record, rule_tally};
use sea_orm::sea_query::{CaseStatement, Expr, OnConflict, Query, SimpleExpr};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, DatabaseTransaction, EntityTrait, ExprTrait,
    FromQueryResult, Insert, IntoActiveModel, JoinType, QueryFilter, QuerySelect,
};

use super::read;
use crate::error::Result;

/// Records that one statement names.
const PORTION: usize = 10_000;

/// What a unit of work adds to the tally, by rule, mode and month.
#[derive(Default)]
pub(super) struct Tally(BTreeMap<(RuleId, bool, NaiveDate), Sum>);

#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Sum {
    hits: i32,
    agreed: i32,
    overridden: i32,
}

impl Sum {
    fn of(standing: Standing) -> Self {
        Self {
            hits: (standing != Standing::Uncounted).into(),
            agreed: (standing == Standing::Agreed).into(),
            overridden: (standing == Standing::Overridden).into(),
        }
    }
}

impl Tally {
    /// Counts a hit as `to` that was counted as `from`.
    pub fn count(
        &mut self,
        (rule, shadow, hit_at): (RuleId, bool, DateTime<Utc>),
        from: Standing,
        to: Standing,
    ) {
        let (from, to) = (Sum::of(from), Sum::of(to));
        let sum = self.0.entry((rule, shadow, month(hit_at))).or_default();
        sum.hits += to.hits - from.hits;
        sum.agreed += to.agreed - from.agreed;
        sum.overridden += to.overridden - from.overridden;
    }

    /// Counts the hits of records anew, by the records as they stand in this transaction.
    pub async fn recount(
        &mut self,
        tx: &DatabaseTransaction,
        tenant: TenantId,
        records: &[RecordId],
    ) -> Result<()> {
        for records in records.chunks(PORTION) {
            let of_these = rule_hit::Column::RecordId.is_in(records.iter().copied());
            let stale = stale(tenant).filter(of_these.clone());
            let stale: Vec<Stale> = stale.into_model().all(tx).await?;
            if stale.is_empty() {
                continue;
            }
            for hit in &stale {
                let of = (hit.rule_id, hit.shadow, hit.hit_at);
                self.count(of, hit.standing, hit.judged);
            }
            mark(tx, tenant, of_these).await?;
        }
        Ok(())
    }

    /// Adds what was gathered.
    pub async fn write(self, tx: &DatabaseTransaction, tenant: TenantId) -> Result<()> {
        use rule_tally::{Column, Entity};
        let changed = self.0.into_iter().filter(|(_, sum)| *sum != Sum::default());
        let row = |((rule, shadow, month), sum): ((RuleId, bool, NaiveDate), Sum)| {
            let row = rule_tally::Model {
                tenant_id: tenant,
                rule_id: rule,
                shadow,
                month,
                hits: sum.hits,
                agreed: sum.agreed,
                overridden: sum.overridden,
            };
            row.into_active_model().reset_all()
        };
        let more = |column: Column, excluded: &'static str| {
            let more = Expr::col((Entity, column)).add(Expr::cust(excluded));
            (column, more)
        };
        let key = [
            Column::TenantId,
            Column::RuleId,
            Column::Shadow,
            Column::Month,
        ];
        let again = OnConflict::columns(key)
            .values([
                more(Column::Hits, "excluded.hits"),
                more(Column::Agreed, "excluded.agreed"),
                more(Column::Overridden, "excluded.overridden"),
            ])
            .to_owned();
        let mut rows = changed.map(row).peekable();
        while rows.peek().is_some() {
            Insert::<rule_tally::ActiveModel>::many(rows.by_ref().take(1_000))
                .on_conflict(again.clone())
                .exec_without_returning(tx)
                .await?;
        }
        Ok(())
    }
}

/// A hit that is counted as something it is not any more.
#[derive(FromQueryResult)]
struct Stale {
    rule_id: RuleId,
    shadow: bool,
    hit_at: DateTime<Utc>,
    standing: Standing,
    judged: Standing,
}

/// The hits of a tenant that are not counted as what they are.
fn stale(tenant: TenantId) -> sea_orm::Select<rule_hit::Entity> {
    let records = rule_hit::Entity::belongs_to(record::Entity)
        .from((rule_hit::Column::TenantId, rule_hit::Column::RecordId))
        .to((record::Column::TenantId, record::Column::Id));
    let standing = Expr::col((rule_hit::Entity, rule_hit::Column::Standing));
    read::select::<rule_hit::Entity>(tenant)
        .select_only()
        .columns([
            rule_hit::Column::RuleId,
            rule_hit::Column::Shadow,
            rule_hit::Column::HitAt,
            rule_hit::Column::Standing,
        ])
        .column_as(judged(), "judged")
        .join(JoinType::InnerJoin, records.into())
        .filter(standing.ne(judged()))
}

/// Has hits say what they are counted as from now on.
#[expect(
    clippy::disallowed_methods,
    reason = "the tenant is in the filter: a Tx is not open any more"
)]
async fn mark(tx: &DatabaseTransaction, tenant: TenantId, which: SimpleExpr) -> Result<()> {
    let of_record = Query::select()
        .expr(judged())
        .from(record::Entity)
        .and_where(record::Column::TenantId.eq(tenant))
        .and_where(
            Expr::col((record::Entity, record::Column::Id))
                .equals((rule_hit::Entity, rule_hit::Column::RecordId)),
        )
        .to_owned();
    rule_hit::Entity::update_many()
        .col_expr(
            rule_hit::Column::Standing,
            SimpleExpr::SubQuery(None, Box::new(of_record.into())),
        )
        .filter(rule_hit::Column::TenantId.eq(tenant))
        .filter(which)
        .exec(tx)
        .await?;
    Ok(())
}

/// What a hit counts as, by its record.
fn judged() -> SimpleExpr {
    let by_rule = || Expr::col((rule_hit::Entity, rule_hit::Column::CategoryId));
    let chosen = || Expr::col((record::Entity, record::Column::CategoryId));
    // what passed by itself is no proof
    let by_a_person = |compares: SimpleExpr| {
        Condition::all()
            .add(record::Column::Status.eq(record::Status::Approved))
            .add(record::Column::Automatic.eq(false))
            .add(compares)
    };
    let voided = record::Column::Status.eq(record::Status::Voided);
    CaseStatement::new()
        .case(voided, Expr::value(Standing::Uncounted))
        .case(
            by_a_person(by_rule().eq(chosen())),
            Expr::value(Standing::Agreed),
        )
        .case(
            by_a_person(by_rule().ne(chosen())),
            Expr::value(Standing::Overridden),
        )
        .finally(Expr::value(Standing::Open))
        .into()
}

/// The first day of the month.
fn month(at: DateTime<Utc>) -> NaiveDate {
    let day = at.date_naive();
    day.with_day(1).unwrap_or(day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counting_a_hit_anew_changes_the_sum_by_the_difference() {
        let at = DateTime::UNIX_EPOCH + chrono::TimeDelta::days(40);
        let hit = (RuleId(uuid::Uuid::nil()), false, at);
        let mut tally = Tally::default();
        tally.count(hit, Standing::Uncounted, Standing::Open);
        tally.count(hit, Standing::Open, Standing::Overridden);
        tally.count(hit, Standing::Overridden, Standing::Agreed);
        let february = NaiveDate::from_ymd_opt(1970, 2, 1).unwrap();
        let sum = tally.0[&(hit.0, false, february)];
        assert_eq!((sum.hits, sum.agreed, sum.overridden), (1, 1, 0));
        tally.count(hit, Standing::Agreed, Standing::Uncounted);
        assert!(tally.0.values().all(|sum| *sum == Sum::default()));
    }
}
