//! Saying that two records belong together.

use entity::record_link::{self, Column, Kind, Status};
use entity::{LinkId, RecordId, record};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, Condition, QueryFilter, QueryOrder, QuerySelect, QueryTrait};

use super::{event, name};
use crate::ctx::{Ctx, Tx};
use crate::error::{Error, Result};
use crate::money::units_to_decimal;
use crate::permission::{Permission, Subject};
use crate::records::reached;

/// Which two records are meant.
#[derive(Clone, Copy, Debug)]
pub enum Which {
    /// Those of a link, such as a suggestion.
    Link(LinkId),
    /// These: the one that moved money out, and the one that brought it in.
    Pair(RecordId, RecordId),
}

/// Says that two records are the sides of a transfer between own accounts: neither counts in profit and loss from then on.
/// The amounts are the same, unless the currencies differ.
#[tracing::instrument(skip_all)]
pub async fn confirm_transfer(ctx: &Ctx, which: Which) -> Result<record_link::Model> {
    confirm(ctx, Kind::Transfer, which).await
}

/// Says that money came back for a purchase: the refund counts where the purchase does from then on. All refunds of a
/// purchase are at most as much as it was.
#[tracing::instrument(skip_all)]
pub async fn confirm_refund(ctx: &Ctx, which: Which) -> Result<record_link::Model> {
    confirm(ctx, Kind::Refund, which).await
}

async fn confirm(ctx: &Ctx, kind: Kind, which: Which) -> Result<record_link::Model> {
    ctx.require(Permission::DecideApprovals)?;
    let mut tx = ctx.begin().await?;
    let (out, into) = match which {
        Which::Pair(out, into) => (out, into),
        Which::Link(id) => {
            let link = load(&tx, kind, id).await?;
            (link.out_id, link.in_id)
        }
    };
    let (out, into) = lock(&tx, out, into).await?;
    linkable(kind, &out, &into)?;
    let links = confirmed(&tx, out.id, into.id).await?;
    free(kind, &links, out.id, into.id)?;
    if kind == Kind::Refund {
        affordable(&tx, &out, &into).await?;
    }
    let link = store(&tx, kind, out.id, into.id).await?;
    for moot in moot(&tx, &link).await? {
        tx.record(event(&moot));
    }
    tx.record(event(&link));
    tx.commit().await?;
    Ok(link)
}

/// A link of that kind.
pub(super) async fn load(tx: &Tx<'_>, kind: Kind, id: LinkId) -> Result<record_link::Model> {
    tx.select::<record_link::Entity>()
        .filter(Column::Id.eq(id))
        .filter(Column::Kind.eq(kind))
        .one(tx.on())
        .await?
        .ok_or(Error::NotFound(name(kind)))
}

/// Locks both records, whichever was named first, and refuses those that the actor does not reach.
pub(super) async fn lock(
    tx: &Tx<'_>,
    out: RecordId,
    into: RecordId,
) -> Result<(record::Model, record::Model)> {
    let ctx = tx.ctx();
    let both = reached(ctx, Permission::ReadRecords, tx.select::<record::Entity>())
        .filter(record::Column::Id.is_in([out, into]))
        .order_by_asc(record::Column::Id)
        .lock_exclusive()
        .all(tx.on())
        .await?;
    let side = |id: RecordId| {
        let found = both.iter().find(|record| record.id == id);
        found.cloned().ok_or(Error::NotFound("record"))
    };
    let (out, into) = (side(out)?, side(into)?);
    for record in [&out, &into] {
        ctx.require_on(Permission::DecideApprovals, &Subject::from(record))?;
    }
    Ok((out, into))
}

/// Refuses two records that can never belong together like that.
fn linkable(kind: Kind, out: &record::Model, into: &record::Model) -> Result<()> {
    let gone = |record: &record::Model| {
        matches!(
            record.status,
            record::Status::Rejected | record::Status::Voided
        )
    };
    if gone(out) || gone(into) {
        return Err(Error::conflict("one of the records is not in the books"));
    }
    let (first, second) = match kind {
        Kind::Transfer => ("outgoingRecordId", "incomingRecordId"),
        Kind::Refund => ("purchaseRecordId", "refundRecordId"),
    };
    if out.amount >= 0 {
        return Err(Error::invalid(first, "moved no money out"));
    }
    if into.amount <= 0 {
        return Err(Error::invalid(second, "brought no money in"));
    }
    let same_currency = out.currency == into.currency;
    match kind {
        Kind::Transfer => {
            if out.account_id.is_none() || out.account_id == into.account_id {
                let message = "is not on another account; a transfer is between two of your own";
                return Err(Error::invalid(second, message));
            }
            if into.account_id.is_none() {
                return Err(Error::invalid(second, "is on no account of yours"));
            }
            if same_currency && out.amount.unsigned_abs() != into.amount.unsigned_abs() {
                let message = "is not the same amount; split off a fee in a record of its own";
                return Err(Error::invalid(second, message));
            }
        }
        Kind::Refund => {
            if !same_currency {
                let message = "is in another currency than the purchase";
                return Err(Error::invalid(second, message));
            }
            if into.occurred_on < out.occurred_on {
                return Err(Error::invalid(second, "is earlier than the purchase"));
            }
        }
    }
    Ok(())
}

/// The confirmed links of two records that are locked.
async fn confirmed(tx: &Tx<'_>, out: RecordId, into: RecordId) -> Result<Vec<record_link::Model>> {
    let either = Condition::any()
        .add(Column::OutId.eq(out))
        .add(Column::InId.eq(into));
    Ok(tx
        .select::<record_link::Entity>()
        .filter(Column::Status.eq(Status::Confirmed))
        .filter(either)
        .all(tx.on())
        .await?)
}

/// Refuses what is linked already: money that went out is one side of one transfer or a purchase, and money that came in
/// belongs to one thing.
fn free(kind: Kind, links: &[record_link::Model], out: RecordId, into: RecordId) -> Result<()> {
    for link in links {
        let what = name(link.kind);
        if (link.out_id, link.in_id, link.kind) == (out, into, kind) {
            return Err(Error::conflict(format!("the {what} is confirmed already")));
        }
        if link.in_id == into {
            return Err(Error::conflict(format!(
                "the money that came in is part of another {what}; unlink that first"
            )));
        }
        if link.kind == Kind::Transfer || kind == Kind::Transfer {
            return Err(Error::conflict(format!(
                "the money that went out is part of another {what}; unlink that first"
            )));
        }
    }
    Ok(())
}

/// Refuses a refund of more than is left of its purchase.
async fn affordable(tx: &Tx<'_>, purchase: &record::Model, refund: &record::Model) -> Result<()> {
    let earlier = tx
        .select::<record_link::Entity>()
        .select_only()
        .column(Column::InId)
        .filter(Column::Kind.eq(Kind::Refund))
        .filter(Column::Status.eq(Status::Confirmed))
        .filter(Column::OutId.eq(purchase.id))
        .into_query();
    let earlier: Vec<i64> = tx
        .select::<record::Entity>()
        .select_only()
        .column(record::Column::Amount)
        .filter(record::Column::Id.in_subquery(earlier))
        .into_tuple()
        .all(tx.on())
        .await?;
    let back: i128 = earlier.into_iter().map(i128::from).sum();
    let left = -i128::from(purchase.amount) - back;
    if i128::from(refund.amount) <= left {
        return Ok(());
    }
    let left = match purchase.currency.parse() {
        Ok(currency) => units_to_decimal(left, currency),
        Err(_) => format!("{left}e-5"),
    };
    Err(Error::invalid(
        "refundRecordId",
        format!("is more than is left of the purchase: {left}"),
    ))
}

/// The confirmed link of two records: the one there was for them, or a new one.
async fn store(
    tx: &Tx<'_>,
    kind: Kind,
    out: RecordId,
    into: RecordId,
) -> Result<record_link::Model> {
    let ctx = tx.ctx();
    let known = tx
        .update::<record_link::Entity>()
        .col_expr(Column::Status, Expr::value(Status::Confirmed))
        .col_expr(Column::DecidedBy, Expr::value(ctx.user()))
        .col_expr(Column::DecidedAt, Expr::value(Some(ctx.now())))
        .filter(Column::Kind.eq(kind))
        .filter(Column::OutId.eq(out))
        .filter(Column::InId.eq(into))
        .filter(Column::Status.ne(Status::Confirmed))
        .exec_with_returning(tx.on())
        .await?;
    if let Some(link) = known.into_iter().next() {
        return Ok(link);
    }
    let link = record_link::Model {
        tenant_id: tx.tenant(),
        id: ctx.id(),
        kind,
        status: Status::Confirmed,
        out_id: out,
        in_id: into,
        reason: "It was chosen by hand.".to_owned(),
        decided_by: ctx.user(),
        decided_at: Some(ctx.now()),
        created_at: ctx.now(),
    };
    tx.insert(link.clone()).await?;
    Ok(link)
}

/// Dismisses the suggestions that cannot be confirmed any more.
async fn moot(tx: &Tx<'_>, link: &record_link::Model) -> Result<Vec<record_link::Model>> {
    let mut moot = Condition::any().add(Column::InId.eq(link.in_id)).add(
        Condition::all()
            .add(Column::OutId.eq(link.out_id))
            .add(Column::Kind.eq(Kind::Transfer)),
    );
    if link.kind == Kind::Transfer {
        moot = moot.add(Column::OutId.eq(link.out_id));
    }
    Ok(tx
        .update::<record_link::Entity>()
        .col_expr(Column::Status, Expr::value(Status::Dismissed))
        .col_expr(Column::DecidedBy, Expr::value(tx.ctx().user()))
        .col_expr(Column::DecidedAt, Expr::value(Some(tx.ctx().now())))
        .filter(Column::Status.eq(Status::Suggested))
        .filter(moot)
        .exec_with_returning(tx.on())
        .await?)
}
