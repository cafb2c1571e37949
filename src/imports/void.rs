//! Taking a whole import back.
//!
//! Its records are voided, what was pending about them is cancelled, and every record says so in the log, so that what
//! was learned from it can be forgotten. Up to 5,000 records go in one transaction, which is any ordinary file at once;
//! a larger import goes in steps of that size, the import itself being VOIDED with the last of them. Cut off between
//! two steps it is simply voided again: records that are voided already are left alone. A row that stands in several
//! files belongs to the import that brought it first, and goes with that one.

use std::collections::HashSet;

use entity::{DecisionId, ImportId, RecordId, approval, import, record, record_split};
use sea_orm::sea_query::{BinOper, Expr, SelectStatement, SimpleExpr};
use sea_orm::{
    ColumnTrait, ExprTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait,
};

use super::find::load;
use crate::ctx::{Ctx, Event, Tx};
use crate::error::{Error, Result};
use crate::links;
use crate::permission::Permission;
use crate::records;

/// Records of one transaction.
const STEP: u64 = 5_000;

/// What taking an import back would undo.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VoidPreview {
    /// Records that would be voided.
    pub records: u64,
    /// Those among them that are in the books.
    pub approved: u64,
    /// Those among them that were found not to belong there.
    pub rejected: u64,
    /// Those among them that wait for a decision of a person.
    pub pending: u64,
}

/// What taking an import back would undo.
pub async fn void_preview(ctx: &Ctx, import: ImportId) -> Result<VoidPreview> {
    let import = load(ctx, import).await?;
    let counts = records::status_counts(ctx, &[import.id]).await?;
    let of = counts.get(&import.id);
    let in_status = |status| of.and_then(|of| of.get(&status)).copied().unwrap_or(0);
    let all: u64 = of.map_or(0, |of| of.values().sum());
    Ok(VoidPreview {
        records: all - in_status(record::Status::Voided),
        approved: in_status(record::Status::Approved),
        rejected: in_status(record::Status::Rejected),
        pending: in_status(record::Status::Processed),
    })
}

/// Takes an import back.
pub async fn void_import(ctx: &Ctx, id: ImportId) -> Result<import::Model> {
    ctx.require(Permission::VoidRecords)?;
    load(ctx, id).await?;
    reached(ctx, id).await?;
    loop {
        let mut tx = ctx.begin().await?;
        voidable(&tx, id).await?;
        let more = void_step(&mut tx, id).await?;
        if more {
            tx.disclaim().await?;
            tx.commit().await?;
            continue;
        }
        let row = finish(&mut tx, id).await?;
        tx.commit().await?;
        return Ok(row);
    }
}

/// Refuses to take records back that the actor does not reach.
async fn reached(ctx: &Ctx, id: ImportId) -> Result<()> {
    if ctx.reach(Permission::VoidRecords).is_everything() {
        return Ok(());
    }
    let read = ctx.read().await?;
    let all = read
        .select::<record::Entity>()
        .filter(record::Column::ImportId.eq(id));
    let mine = records::reached(ctx, Permission::VoidRecords, all.clone());
    if mine.count(read.on()).await? == all.count(read.on()).await? {
        Ok(())
    } else {
        Err(Error::OutOfReach(Permission::VoidRecords))
    }
}

/// Locks the import, if it can be taken back.
async fn voidable(tx: &Tx<'_>, id: ImportId) -> Result<()> {
    let import = tx
        .select::<import::Entity>()
        .filter(import::Column::Id.eq(id))
        .lock_exclusive()
        .one(tx.on())
        .await?
        .ok_or(Error::NotFound("import"))?;
    Err(match import.status {
        import::Status::Done | import::Status::Failed => return Ok(()),
        import::Status::Queued | import::Status::Running => {
            Error::conflict("the import is still being read; wait until it is done")
        }
        import::Status::Refused => Error::conflict("the import stored nothing"),
        import::Status::Voided => Error::conflict("the import was taken back already"),
    })
}

/// A record that is not voided: its status, its category, whether it was filed without a person, and the decision in force.
type Open = (
    RecordId,
    record::Status,
    Option<entity::CategoryId>,
    bool,
    Option<DecisionId>,
);

/// Voids the next records of an import; whether there are more.
async fn void_step(tx: &mut Tx<'_>, import: ImportId) -> Result<bool> {
    let mut next: Vec<Open> = waiting(tx, import)
        .limit(STEP + 1)
        .into_tuple()
        .all(tx.on())
        .await?;
    let more = next.len() as u64 > STEP;
    next.truncate(STEP as usize);
    let (Some(first), Some(last)) = (next.first(), next.last()) else {
        return Ok(false);
    };
    let range = record::Column::ImportId
        .eq(import)
        .and(record::Column::Id.between(first.0, last.0));
    // approvals first, as whoever decides them locks them first; those that came up meanwhile again after the records
    cancel_pending(tx, &range).await?;
    let voided: Vec<Open> = waiting(tx, import)
        .filter(range.clone())
        .lock_exclusive()
        .into_tuple()
        .all(tx.on())
        .await?;
    let key = Expr::value(records::void_prefix(import))
        .binary(BinOper::Custom("||"), Expr::col(record::Column::ExternalId));
    let now = tx.ctx().now();
    tx.update::<record::Entity>()
        .col_expr(record::Column::Status, Expr::value(record::Status::Voided))
        .col_expr(record::Column::ExternalId, key)
        .col_expr(record::Column::DeletedAt, Expr::value(now))
        .col_expr(record::Column::UpdatedAt, Expr::value(now))
        .filter(range.clone())
        .filter(record::Column::Status.ne(record::Status::Voided))
        .exec(tx.on())
        .await?;
    cancel_pending(tx, &range).await?;
    let gone = tx
        .select::<record::Entity>()
        .select_only()
        .column(record::Column::Id)
        .filter(range.clone())
        .into_query();
    links::release(tx, &gone).await?;
    let split: HashSet<DecisionId> = tx
        .select::<record_split::Entity>()
        .select_only()
        .column(record_split::Column::DecisionId)
        .distinct()
        .filter(record_split::Column::RecordId.between(first.0, last.0))
        .into_tuple()
        .all(tx.on())
        .await?
        .into_iter()
        .collect();
    for (record, status, category, automatic, decision) in voided {
        // the category that it taught
        let whole = decision.is_none_or(|decision| !split.contains(&decision));
        let taught = status == record::Status::Approved && !automatic && whole;
        tx.record(Event::RecordVoided {
            record,
            import: Some(import),
            category: category.filter(|_| taught),
        });
    }
    Ok(more)
}

/// The records of an import that are not voided, in the order of their ids.
fn waiting(tx: &Tx<'_>, import: ImportId) -> sea_orm::Select<record::Entity> {
    tx.select::<record::Entity>()
        .select_only()
        .columns([
            record::Column::Id,
            record::Column::Status,
            record::Column::CategoryId,
            record::Column::Automatic,
            record::Column::DecisionId,
        ])
        .filter(record::Column::ImportId.eq(import))
        .filter(record::Column::Status.ne(record::Status::Voided))
        .order_by_asc(record::Column::Id)
}

/// Cancels what waits for a decision about these records.
async fn cancel_pending(tx: &Tx<'_>, records: &SimpleExpr) -> Result<()> {
    let records: SelectStatement = tx
        .select::<record::Entity>()
        .select_only()
        .column(record::Column::Id)
        .filter(records.clone())
        .into_query();
    tx.update::<approval::Entity>()
        .col_expr(
            approval::Column::Status,
            Expr::value(approval::Status::Cancelled),
        )
        .filter(approval::Column::Status.eq(approval::Status::Pending))
        .filter(approval::Column::RecordId.in_subquery(records))
        .exec(tx.on())
        .await?;
    Ok(())
}

async fn finish(tx: &mut Tx<'_>, id: ImportId) -> Result<import::Model> {
    let records = tx
        .select::<record::Entity>()
        .filter(record::Column::ImportId.eq(id))
        .count(tx.on())
        .await?;
    let voided = tx
        .update::<import::Entity>()
        .col_expr(import::Column::Status, Expr::value(import::Status::Voided))
        .col_expr(import::Column::VoidedAt, Expr::value(tx.ctx().now()))
        .filter(import::Column::Id.eq(id))
        .filter(import::Column::Status.is_in([import::Status::Done, import::Status::Failed]))
        .exec_with_returning(tx.on())
        .await?;
    tx.record(Event::ImportVoided {
        import: id,
        records,
    });
    voided
        .into_iter()
        .next()
        .ok_or_else(|| Error::conflict("the import changed meanwhile; look again"))
}
