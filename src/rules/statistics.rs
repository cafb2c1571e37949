//! What became of the records that a rule met.
//!
//! The pipeline notes each rule that a record met, in the transaction that stores what it decided, with one row for a rule
//! and a record. Each row says what it is counted as in the tally of its rule, and whoever judges the record has it counted
//! anew in the same transaction (`Tx::commit`); so statistics are read from one row for a rule and a month, whatever was
//! met. Who sees some records only is told of those: for them the hits are counted as they are asked for.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, Utc};
use entity::rule_hit::{self, Standing};
use entity::{CategoryId, RecordId, RuleId, record, rule_tally};
use sea_orm::sea_query::{CaseStatement, Expr, Query, SimpleExpr};
use sea_orm::{
    ColumnTrait, Condition, EntityTrait, ExprTrait, FromQueryResult, JoinType, Order, QueryFilter,
    QueryOrder, QuerySelect,
};

use crate::ctx::{Ctx, Tx};
use crate::error::Result;
use crate::permission::Permission;
use crate::records;

/// A rule that a record met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hit {
    /// The rule.
    pub rule: RuleId,
    /// Whether it only watched.
    pub shadow: bool,
    /// The category that it decided, or would have.
    pub category: Option<CategoryId>,
}

/// What became of the records that a rule met, live or in shadow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Records it met.
    pub hits: i64,
    /// When it last met one.
    pub last_hit_at: Option<DateTime<Utc>>,
    /// Records that a person filed as it had decided, or would have.
    pub agreed: i64,
    /// Records that a person filed elsewhere.
    pub overridden: i64,
}

/// What a rule was worth so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// While it was live.
    pub live: Counts,
    /// While it only watched.
    pub shadow: Counts,
}

impl Counts {
    /// The share of what people decided that they agreed with; none before they decided anything.
    pub fn precision(&self) -> Option<f64> {
        let decided = self.agreed + self.overridden;
        (decided > 0).then(|| self.agreed as f64 / decided as f64)
    }
}

/// What a rule was worth in a month, by when it met the records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Month {
    /// The first day.
    pub month: NaiveDate,
    /// While it was live.
    pub live: Counts,
    /// While it only watched.
    pub shadow: Counts,
}

/// Notes the rules that records met, in as few statements as the database takes.
pub async fn note_hits(tx: &mut Tx<'_>, hits: Vec<(RecordId, Hit)>) -> Result<()> {
    let row = |(record, hit): (RecordId, Hit)| rule_hit::Model {
        tenant_id: tx.tenant(),
        record_id: record,
        rule_id: hit.rule,
        shadow: hit.shadow,
        category_id: hit.category,
        hit_at: tx.ctx().now(),
        standing: Standing::Uncounted,
    };
    let mut rows: Vec<_> = hits.into_iter().map(row).collect();
    tx.tally(&rows, Standing::Open);
    for row in &mut rows {
        row.standing = Standing::Open;
    }
    tx.insert_all(rows).await
}

/// Forgets the rules that records met, before they are noted again.
pub async fn forget_hits(tx: &mut Tx<'_>, records: &[RecordId]) -> Result<()> {
    if !records.is_empty() {
        let forgotten = tx
            .delete::<rule_hit::Entity>()
            .filter(rule_hit::Column::RecordId.is_in(records.iter().copied()))
            .exec_with_returning(tx.on())
            .await?;
        tx.tally(&forgotten, Standing::Uncounted);
    }
    Ok(())
}

#[derive(FromQueryResult)]
struct Row {
    rule_id: RuleId,
    shadow: bool,
    hits: i64,
    last_hit_at: Option<DateTime<Utc>>,
    agreed: i64,
    overridden: i64,
}

impl Row {
    fn counts(&self) -> Counts {
        Counts {
            hits: self.hits,
            last_hit_at: self.last_hit_at,
            agreed: self.agreed,
            overridden: self.overridden,
        }
    }
}

/// The statistics of several rules, in one statement, over the records that the actor sees and that were not voided. A
/// rule that met none is left out.
pub async fn statistics(ctx: &Ctx, ids: &[RuleId]) -> Result<HashMap<RuleId, Statistics>> {
    ctx.require(Permission::ReadRules)?;
    ctx.require(Permission::ReadRecords)?;
    let rows = match ctx.reach(Permission::ReadRecords).is_everything() {
        true => tallied(ctx, ids).await?,
        false => counted(ctx, ids).await?,
    };
    let mut found: HashMap<RuleId, Statistics> = HashMap::new();
    for row in rows.iter().filter(|row| row.hits > 0) {
        let of = found.entry(row.rule_id).or_default();
        match row.shadow {
            true => of.shadow = row.counts(),
            false => of.live = row.counts(),
        }
    }
    Ok(found)
}

/// What rules were worth month by month, oldest first, in one statement. Months without a hit are left out.
pub async fn months(ctx: &Ctx, ids: &[RuleId]) -> Result<HashMap<RuleId, Vec<Month>>> {
    ctx.require(Permission::ReadRules)?;
    ctx.require_on_all(Permission::ReadRecords)?;
    let read = ctx.read().await?;
    let rows = read
        .select::<rule_tally::Entity>()
        .filter(rule_tally::Column::RuleId.is_in(ids.iter().copied()))
        .filter(rule_tally::Column::Hits.gt(0))
        .order_by_asc(rule_tally::Column::RuleId)
        .order_by_asc(rule_tally::Column::Month)
        .all(read.on())
        .await?;
    let mut found: HashMap<RuleId, Vec<Month>> = HashMap::new();
    for row in rows {
        let months = found.entry(row.rule_id).or_default();
        if months.last().is_none_or(|last| last.month != row.month) {
            months.push(Month {
                month: row.month,
                live: Counts::default(),
                shadow: Counts::default(),
            });
        }
        let counts = Counts {
            hits: row.hits.into(),
            last_hit_at: None,
            agreed: row.agreed.into(),
            overridden: row.overridden.into(),
        };
        if let Some(last) = months.last_mut() {
            match row.shadow {
                true => last.shadow = counts,
                false => last.live = counts,
            }
        }
    }
    Ok(found)
}

/// The sums of the tallies.
async fn tallied(ctx: &Ctx, ids: &[RuleId]) -> Result<Vec<Row>> {
    use rule_tally::Column;
    let of = |hit: rule_hit::Column, tally: Column| {
        Expr::col((rule_hit::Entity, hit)).equals((rule_tally::Entity, tally))
    };
    let last_hit = Query::select()
        .column((rule_hit::Entity, rule_hit::Column::HitAt))
        .from(rule_hit::Entity)
        .and_where(rule_hit::Column::TenantId.eq(ctx.tenant()))
        .and_where(of(rule_hit::Column::RuleId, Column::RuleId))
        .and_where(of(rule_hit::Column::Shadow, Column::Shadow))
        .and_where(rule_hit::Column::Standing.ne(Standing::Uncounted))
        .order_by((rule_hit::Entity, rule_hit::Column::HitAt), Order::Desc)
        .limit(1)
        .to_owned();
    let read = ctx.read().await?;
    let rows = read
        .select::<rule_tally::Entity>()
        .select_only()
        .columns([Column::RuleId, Column::Shadow])
        .column_as(Column::Hits.sum(), "hits")
        .column_as(
            SimpleExpr::SubQuery(None, Box::new(last_hit.into())),
            "last_hit_at",
        )
        .column_as(Column::Agreed.sum(), "agreed")
        .column_as(Column::Overridden.sum(), "overridden")
        .filter(Column::RuleId.is_in(ids.iter().copied()))
        .group_by(Column::RuleId)
        .group_by(Column::Shadow)
        .into_model()
        .all(read.on())
        .await?;
    Ok(rows)
}

/// The same, counted from the records that the actor reaches.
async fn counted(ctx: &Ctx, ids: &[RuleId]) -> Result<Vec<Row>> {
    let read = ctx.read().await?;
    let records = rule_hit::Entity::belongs_to(record::Entity)
        .from((rule_hit::Column::TenantId, rule_hit::Column::RecordId))
        .to((record::Column::TenantId, record::Column::Id));
    let select = read
        .select::<rule_hit::Entity>()
        .select_only()
        .columns([rule_hit::Column::RuleId, rule_hit::Column::Shadow])
        .column_as(rule_hit::Column::RecordId.count(), "hits")
        .column_as(rule_hit::Column::HitAt.max(), "last_hit_at")
        .column_as(decided(|chosen, rule| chosen.eq(rule)), "agreed")
        .column_as(decided(|chosen, rule| chosen.ne(rule)), "overridden")
        .join(JoinType::InnerJoin, records.into())
        .filter(rule_hit::Column::RuleId.is_in(ids.iter().copied()))
        .filter(record::Column::Status.ne(record::Status::Voided));
    let select = records::beside_reached(ctx, Permission::ReadRecords, select);
    let rows = select
        .group_by(rule_hit::Column::RuleId)
        .group_by(rule_hit::Column::Shadow)
        .into_model()
        .all(read.on())
        .await?;
    Ok(rows)
}

/// How many of the records that a rule chose a category for were filed by a person so that it compares.
fn decided(compare: impl Fn(SimpleExpr, SimpleExpr) -> SimpleExpr) -> SimpleExpr {
    let chosen = Expr::col((record::Entity, record::Column::CategoryId));
    let by_rule = Expr::col((rule_hit::Entity, rule_hit::Column::CategoryId));
    // what passed by itself is no proof
    let by_a_person = Condition::all()
        .add(record::Column::Status.eq(record::Status::Approved))
        .add(record::Column::Automatic.eq(false))
        .add(compare(chosen, by_rule));
    let one: SimpleExpr = CaseStatement::new()
        .case(by_a_person, Expr::val(1))
        .finally(Expr::val(0))
        .into();
    one.sum()
}
