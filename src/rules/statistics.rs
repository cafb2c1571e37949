//! What became of the records that a rule met.
//!
//! The pipeline notes each rule that a record met, in the transaction that stores what it decided, with one row for a rule
//! and a record. How often a rule was right is not counted anywhere: it is asked of the records as they stand, so that an
//! approval that is taken back, an import that is voided and a record that is processed again need nothing put right.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use entity::{CategoryId, RecordId, RuleId, record, rule_hit};
use sea_orm::sea_query::{CaseStatement, Expr, SimpleExpr};
use sea_orm::{
    ColumnTrait, Condition, EntityTrait, ExprTrait, FromQueryResult, JoinType, QueryFilter,
    QuerySelect,
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

/// Notes the rules that records met, in as few statements as the database takes.
pub async fn note_hits(tx: &Tx<'_>, hits: Vec<(RecordId, Hit)>) -> Result<()> {
    let row = |(record, hit): (RecordId, Hit)| rule_hit::Model {
        tenant_id: tx.tenant(),
        record_id: record,
        rule_id: hit.rule,
        shadow: hit.shadow,
        category_id: hit.category,
        hit_at: tx.ctx().now(),
    };
    tx.insert_all(hits.into_iter().map(row).collect()).await
}

/// Forgets the rules that records met, before they are noted again.
pub async fn forget_hits(tx: &Tx<'_>, records: &[RecordId]) -> Result<()> {
    if !records.is_empty() {
        tx.delete::<rule_hit::Entity>()
            .filter(rule_hit::Column::RecordId.is_in(records.iter().copied()))
            .exec(tx.on())
            .await?;
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

/// The statistics of several rules, in one statement, over the records that the actor sees and that were not voided. A
/// rule that met none is left out.
pub async fn statistics(ctx: &Ctx, ids: &[RuleId]) -> Result<HashMap<RuleId, Statistics>> {
    ctx.require(Permission::ReadRules)?;
    ctx.require(Permission::ReadRecords)?;
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
    let rows: Vec<Row> = select
        .group_by(rule_hit::Column::RuleId)
        .group_by(rule_hit::Column::Shadow)
        .into_model()
        .all(read.on())
        .await?;
    let mut found: HashMap<RuleId, Statistics> = HashMap::new();
    for row in rows {
        let of = found.entry(row.rule_id).or_default();
        let counts = match row.shadow {
            true => &mut of.shadow,
            false => &mut of.live,
        };
        *counts = Counts {
            hits: row.hits,
            last_hit_at: row.last_hit_at,
            agreed: row.agreed,
            overridden: row.overridden,
        };
    }
    Ok(found)
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
