//! Finding records and what was decided about them.

use std::collections::{HashMap, HashSet};

use entity::{DecisionId, ImportId, RecordId, decision, record, record_split};
use sea_orm::{
    ColumnTrait, EntityTrait, FromQueryResult, JoinType, PaginatorTrait, QueryFilter, QuerySelect,
};
use uuid::Uuid;

use super::filter::{RecordFilter, RecordOrder};
use super::precedents::without_precedents;
use super::reach::{about_reached, beside_reached, reached};
use crate::ctx::Ctx;
use crate::error::{Error, Result};
use crate::page::{self, Page, Window};
use crate::permission::Permission;

/// The records a filter lets through; of their columns those that are `wanted`.
pub async fn list(
    ctx: &Ctx,
    filter: &RecordFilter,
    order: RecordOrder,
    window: &Window,
    wanted: &[record::Column],
) -> Result<Page<record::Model>> {
    ctx.require(Permission::ReadRecords)?;
    let read = ctx.read().await?;
    let select = filter.apply(&read);
    let select = reached(ctx, Permission::ReadRecords, select);
    let (columns, descending) = order.columns();
    page::partial_page(select, wanted, columns, descending, window, read.on()).await
}

/// How many a filter lets through.
pub async fn count(ctx: &Ctx, filter: &RecordFilter) -> Result<u64> {
    ctx.require(Permission::ReadRecords)?;
    let read = ctx.read().await?;
    let select = filter.apply(&read);
    let select = reached(ctx, Permission::ReadRecords, select);
    Ok(select.count(read.on()).await?)
}

/// One record, voided or not.
pub async fn load(ctx: &Ctx, id: RecordId) -> Result<record::Model> {
    let found = by_ids(ctx, &[id]).await?;
    found.into_iter().next().ok_or(Error::NotFound("record"))
}

/// The records of these ids, in no order; ids without a record are left out.
pub async fn by_ids(ctx: &Ctx, ids: &[RecordId]) -> Result<Vec<record::Model>> {
    ctx.require(Permission::ReadRecords)?;
    let read = ctx.read().await?;
    let mut found = Vec::with_capacity(ids.len());
    for ids in ids.chunks(1_000) {
        let ids = record::Column::Id.is_in(ids.iter().copied());
        let select = read.select::<record::Entity>().filter(ids);
        let select = reached(ctx, Permission::ReadRecords, select);
        found.extend(select.all(read.on()).await?);
    }
    Ok(found)
}

/// Some columns of the records of these ids, in no order.
pub async fn lines(
    ctx: &Ctx,
    ids: &[RecordId],
    wanted: &[record::Column],
) -> Result<Vec<record::Model>> {
    ctx.require(Permission::ReadRecords)?;
    let read = ctx.read().await?;
    let ids = record::Column::Id.is_in(ids.iter().copied());
    let select = read.select::<record::Entity>().filter(ids);
    let select = reached(ctx, Permission::ReadRecords, select);
    page::read_columns(select, wanted, read.on()).await
}

/// Everything decided about these records, oldest first for each.
pub async fn decisions_of(
    ctx: &Ctx,
    records: &[RecordId],
) -> Result<HashMap<RecordId, Vec<decision::Model>>> {
    ctx.require(Permission::ReadRecords)?;
    let read = ctx.read().await?;
    let mut decisions: HashMap<RecordId, Vec<decision::Model>> = HashMap::new();
    for records in records.chunks(1_000) {
        let select = read
            .select::<decision::Entity>()
            .filter(decision::Column::RecordId.is_in(records.iter().copied()));
        let of = decision::Column::RecordId;
        let select = about_reached(ctx, &read, Permission::ReadRecords, of, select);
        let found = select.all(read.on()).await?;
        for decision in without_precedents(ctx, found) {
            decisions
                .entry(decision.record_id)
                .or_default()
                .push(decision);
        }
    }
    // sorted here: asked for an order, SQLite walks every decision of the tenant in it instead of looking these up
    for decisions in decisions.values_mut() {
        decisions.sort_unstable_by_key(|decision| decision.id);
    }
    Ok(decisions)
}

/// A line of a decision, with the currency of its record.
#[derive(Clone, Debug, FromQueryResult)]
pub struct SplitOfRecord {
    /// The line.
    #[sea_orm(nested)]
    pub line: record_split::Model,
    /// The currency.
    pub currency: String,
}

/// The lines of those decisions that split their record, or did once, in their order.
pub async fn splits(
    ctx: &Ctx,
    decisions: &[DecisionId],
) -> Result<HashMap<DecisionId, Vec<SplitOfRecord>>> {
    ctx.require(Permission::ReadRecords)?;
    let read = ctx.read().await?;
    let records = record_split::Entity::belongs_to(record::Entity)
        .from((
            record_split::Column::TenantId,
            record_split::Column::RecordId,
        ))
        .to((record::Column::TenantId, record::Column::Id));
    let select = read
        .select::<record_split::Entity>()
        .column(record::Column::Currency)
        .join(JoinType::InnerJoin, records.into());
    let select = beside_reached(ctx, Permission::ReadRecords, select);
    let mut found: HashMap<DecisionId, Vec<SplitOfRecord>> = HashMap::new();
    for decisions in decisions.chunks(1_000) {
        let rows: Vec<SplitOfRecord> = select
            .clone()
            .filter(record_split::Column::DecisionId.is_in(decisions.iter().copied()))
            .into_model()
            .all(read.on())
            .await?;
        for row in rows {
            found.entry(row.line.decision_id).or_default().push(row);
        }
    }
    for lines in found.values_mut() {
        lines.sort_unstable_by_key(|row| row.line.line);
    }
    Ok(found)
}

/// Some columns of the decisions of these ids, in no order.
pub async fn decision_lines(
    ctx: &Ctx,
    ids: &[DecisionId],
    wanted: &[decision::Column],
) -> Result<Vec<decision::Model>> {
    ctx.require(Permission::ReadRecords)?;
    let read = ctx.read().await?;
    let ids = decision::Column::Id.is_in(ids.iter().copied());
    let select = read.select::<decision::Entity>().filter(ids);
    let of = decision::Column::RecordId;
    let select = about_reached(ctx, &read, Permission::ReadRecords, of, select);
    let found = page::read_columns(select, wanted, read.on()).await?;
    Ok(without_precedents(ctx, found))
}

/// Whether the actor sees a record with a permission; asks the database only when they see some records only.
pub async fn sees(ctx: &Ctx, permission: Permission, id: RecordId) -> Result<bool> {
    if ctx.reach(permission).is_everything() {
        return Ok(true);
    }
    let read = ctx.read().await?;
    let one = read
        .select::<record::Entity>()
        .filter(record::Column::Id.eq(id));
    let seen = reached(ctx, permission, one).count(read.on()).await?;
    Ok(seen == 1)
}

/// Which of these external ids a source has records of.
pub async fn known(ctx: &Ctx, source: Uuid, external_ids: &[&str]) -> Result<HashSet<String>> {
    ctx.require(Permission::ReadRecords)?;
    let read = ctx.read().await?;
    let mut known = HashSet::new();
    for ids in external_ids.chunks(1_000) {
        let found: Vec<String> = read
            .select::<record::Entity>()
            .select_only()
            .column(record::Column::ExternalId)
            .filter(record::Column::SourceId.eq(source))
            .filter(record::Column::ExternalId.is_in(ids.iter().copied()))
            .into_tuple()
            .all(read.on())
            .await?;
        known.extend(found);
    }
    Ok(known)
}

/// How many records of these imports are how far.
pub async fn status_counts(
    ctx: &Ctx,
    imports: &[ImportId],
) -> Result<HashMap<ImportId, HashMap<record::Status, u64>>> {
    ctx.require(Permission::ReadRecords)?;
    let read = ctx.read().await?;
    let rows: Vec<(ImportId, record::Status, i64)> = read
        .select::<record::Entity>()
        .select_only()
        .column(record::Column::ImportId)
        .column(record::Column::Status)
        .column_as(record::Column::Id.count(), "records")
        .filter(record::Column::ImportId.is_in(imports.iter().copied()))
        .group_by(record::Column::ImportId)
        .group_by(record::Column::Status)
        .into_tuple()
        .all(read.on())
        .await?;
    let mut counts: HashMap<ImportId, HashMap<record::Status, u64>> = HashMap::new();
    for (import, status, count) in rows {
        let count = u64::try_from(count).map_err(Error::internal)?;
        counts.entry(import).or_default().insert(status, count);
    }
    Ok(counts)
}
