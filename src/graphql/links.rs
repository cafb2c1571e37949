//! Transfers and refunds, as clients see them.

mod input;

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::dataloader::Loader;
use async_graphql::{ComplexObject, Context, Enum, ID, Object, SimpleObject};
use chrono::{DateTime, Utc};
use entity::record_link::{self, Kind};
use entity::{LinkId, RecordId};
pub use input::{
    ConfirmRefundInput, ConfirmTransferInput, DismissRefundInput, DismissTransferInput,
    UnlinkRefundInput, UnlinkTransferInput,
};

use super::loader::{OpLoader, load};
use super::node::{global, local};
use super::op::Op;
use super::page::{Connection, as_of, asks, window};
use super::payload::payloads;
use super::plain::Plain;
use super::records::Record;
use crate::error::{Error, Result};
use crate::links;
use crate::permission::Permission;

/// What became of a transfer or a refund.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "record_link::Status")]
pub enum LinkStatus {
    /// It was found, and waits for a person.
    Suggested,
    /// A person says so; it counts.
    Confirmed,
    /// A person says it is not so.
    Dismissed,
    /// It counted and was taken back, or one of its records left the books.
    Unlinked,
}

macro_rules! links {
    ($($(#[$doc:meta])* $name:ident = $kind:expr, $word:literal {
        $(#[$out_doc:meta])* $out:ident, $(#[$in_doc:meta])* $in:ident $(,)?
    }),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, SimpleObject)]
        #[graphql(complex, serial)]
        pub struct $name {
            /// Opaque global id.
            pub id: ID,
            /// What became of it.
            pub status: LinkStatus,
            /// Why it was suggested, or that a person chose it.
            pub reason: String,
            /// The user who said last what became of it.
            pub decided_by_id: Option<ID>,
            /// When they said so.
            pub decided_at: Option<DateTime<Utc>>,
            /// When it was made.
            pub created_at: DateTime<Utc>,
            #[graphql(skip)]
            out_id: RecordId,
            #[graphql(skip)]
            in_id: RecordId,
        }

        #[ComplexObject]
        impl $name {
            $(#[$out_doc])*
            async fn $out(&self, ctx: &Context<'_>) -> Result<Record> {
                load(ctx, self.out_id, "record").await
            }

            $(#[$in_doc])*
            async fn $in(&self, ctx: &Context<'_>) -> Result<Record> {
                load(ctx, self.in_id, "record").await
            }
        }

        impl From<record_link::Model> for $name {
            fn from(row: record_link::Model) -> Self {
                Self {
                    id: global($word, row.id),
                    status: row.status.into(),
                    reason: row.reason,
                    decided_by_id: row.decided_by.map(|id| global("User", id)),
                    decided_at: row.decided_at,
                    created_at: row.created_at,
                    out_id: row.out_id,
                    in_id: row.in_id,
                }
            }
        }

        impl Plain for $name {}

        impl $name {
            /// That of an id, if there is one of its kind.
            pub(super) fn of(row: record_link::Model) -> Option<Self> {
                (row.kind == $kind).then(|| row.into())
            }
        }
    )*};
}

links! {
    /// Money that moved from one own account to another: once confirmed, neither record counts in profit and loss.
    Transfer = Kind::Transfer, "Transfer" {
        /// The record that moved money out.
        outgoing,
        /// The record that brought it in.
        incoming,
    },
    /// Money that came back for a purchase: once confirmed, it counts where the purchase does and lessens the expense.
    Refund = Kind::Refund, "Refund" {
        /// What was bought.
        purchase,
        /// What came back.
        record,
    },
}

/// Asks for the confirmed links of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LinksOf(pub RecordId);

impl Loader<LinksOf> for OpLoader {
    type Value = Vec<record_link::Model>;
    type Error = Arc<Error>;

    async fn load(&self, keys: &[LinksOf]) -> Result<HashMap<LinksOf, Self::Value>, Arc<Error>> {
        let ids: Vec<RecordId> = keys.iter().map(|key| key.0).collect();
        let found = links::of_records(&self.ctx, &ids).await.map_err(Arc::new)?;
        let found = found.into_iter().map(|(id, rows)| (LinksOf(id), rows));
        Ok(found.collect())
    }
}

impl Loader<LinkId> for OpLoader {
    type Value = record_link::Model;
    type Error = Arc<Error>;

    async fn load(&self, ids: &[LinkId]) -> Result<HashMap<LinkId, Self::Value>, Arc<Error>> {
        let rows = links::by_ids(&self.ctx, ids).await.map_err(Arc::new)?;
        Ok(rows.into_iter().map(|row| (row.id, row)).collect())
    }
}

payloads! {
    /// A transfer that was confirmed.
    ConfirmTransferPayload {
        /// The transfer.
        transfer: Transfer
    },
    /// A suggested transfer that was dismissed.
    DismissTransferPayload {
        /// The transfer.
        transfer: Transfer
    },
    /// A transfer that was taken back.
    UnlinkTransferPayload {
        /// The transfer.
        transfer: Transfer
    },
    /// A refund that was confirmed.
    ConfirmRefundPayload {
        /// The refund.
        refund: Refund
    },
    /// A suggested refund that was dismissed.
    DismissRefundPayload {
        /// The refund.
        refund: Refund
    },
    /// A refund that was taken back.
    UnlinkRefundPayload {
        /// The refund.
        refund: Refund
    },
}

/// Questions about transfers and refunds.
#[derive(Default)]
pub struct LinksQuery;

#[Object]
impl LinksQuery {
    /// Pairs of records that look like the two sides of a transfer between own accounts, the newest first. What could be
    /// paired in two ways is not among them. Needs `records:read`.
    async fn transfer_suggestions(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "After this cursor.")] after: Option<String>,
        #[graphql(desc = "How many of the last, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
    ) -> Result<Connection<Transfer>> {
        let (op, window) = (ctx.op()?, window(first, after, last, before)?);
        let as_of = as_of(ctx).await?;
        let page = links::suggestions(op, Kind::Transfer, &window).await?;
        let mut found = Connection::of(page, Transfer::from);
        found.as_of = as_of;
        found.total_count = total(ctx, Kind::Transfer).await?;
        Ok(found)
    }

    /// Records that look like the refund of an earlier purchase, the newest first. Needs `records:read`.
    async fn refund_suggestions(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "After this cursor.")] after: Option<String>,
        #[graphql(desc = "How many of the last, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
    ) -> Result<Connection<Refund>> {
        let (op, window) = (ctx.op()?, window(first, after, last, before)?);
        let as_of = as_of(ctx).await?;
        let page = links::suggestions(op, Kind::Refund, &window).await?;
        let mut found = Connection::of(page, Refund::from);
        found.as_of = as_of;
        found.total_count = total(ctx, Kind::Refund).await?;
        Ok(found)
    }
}

async fn total(ctx: &Context<'_>, kind: Kind) -> Result<Option<i64>> {
    if !asks(ctx, "totalCount") {
        return Ok(None);
    }
    let total = links::count(ctx.op()?, kind).await?;
    Ok(Some(i64::try_from(total).unwrap_or(i64::MAX)))
}

/// What is done with transfers and refunds.
#[derive(Default)]
pub struct LinksMutation;

#[Object]
impl LinksMutation {
    /// Say that two records are the sides of a transfer between own accounts: neither counts in profit and loss from then
    /// on, whatever their categories. A suggestion, or any two records of the same amount; of two currencies any amounts.
    /// Needs `approvals:decide`.
    async fn confirm_transfer(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: ConfirmTransferInput,
    ) -> Result<ConfirmTransferPayload> {
        let done = async {
            let op = ctx.op()?;
            op.require(Permission::DecideApprovals)?;
            links::confirm_transfer(op, input.read()?).await
        };
        ConfirmTransferPayload::of(done.await)
    }

    /// Say that a suggested transfer is none; it is not suggested again. Needs `approvals:decide`.
    async fn dismiss_transfer(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: DismissTransferInput,
    ) -> Result<DismissTransferPayload> {
        let done = async {
            let op = ctx.op()?;
            op.require(Permission::DecideApprovals)?;
            let id = local("Transfer", "transferId", &input.transfer_id)?;
            links::dismiss(op, Kind::Transfer, id).await
        };
        DismissTransferPayload::of(done.await)
    }

    /// Take a confirmed transfer back: both records count as they stand again. Needs `approvals:decide`.
    async fn unlink_transfer(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: UnlinkTransferInput,
    ) -> Result<UnlinkTransferPayload> {
        let done = async {
            let op = ctx.op()?;
            op.require(Permission::DecideApprovals)?;
            let id = local("Transfer", "transferId", &input.transfer_id)?;
            links::unlink(op, Kind::Transfer, id).await
        };
        UnlinkTransferPayload::of(done.await)
    }

    /// Say that a record is the refund of an earlier purchase: it counts where the purchase does from then on. A suggestion,
    /// or any two records of one currency; all refunds of a purchase are at most as much as it was. Needs
    /// `approvals:decide`.
    async fn confirm_refund(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: ConfirmRefundInput,
    ) -> Result<ConfirmRefundPayload> {
        let done = async {
            let op = ctx.op()?;
            op.require(Permission::DecideApprovals)?;
            links::confirm_refund(op, input.read()?).await
        };
        ConfirmRefundPayload::of(done.await)
    }

    /// Say that a suggested refund is none; it is not suggested again. Needs `approvals:decide`.
    async fn dismiss_refund(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: DismissRefundInput,
    ) -> Result<DismissRefundPayload> {
        let done = async {
            let op = ctx.op()?;
            op.require(Permission::DecideApprovals)?;
            let id = local("Refund", "refundId", &input.refund_id)?;
            links::dismiss(op, Kind::Refund, id).await
        };
        DismissRefundPayload::of(done.await)
    }

    /// Take a confirmed refund back: it counts as it stands again. Needs `approvals:decide`.
    async fn unlink_refund(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: UnlinkRefundInput,
    ) -> Result<UnlinkRefundPayload> {
        let done = async {
            let op = ctx.op()?;
            op.require(Permission::DecideApprovals)?;
            let id = local("Refund", "refundId", &input.refund_id)?;
            links::unlink(op, Kind::Refund, id).await
        };
        UnlinkRefundPayload::of(done.await)
    }
}
