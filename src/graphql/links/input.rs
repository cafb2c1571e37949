//! What clients say about transfers and refunds.

use async_graphql::{ID, InputObject};

use crate::error::{Error, Result};
use crate::graphql::node::local_opt;
use crate::links::Which;

/// A transfer to confirm: a suggestion, or two records.
#[derive(InputObject)]
pub struct ConfirmTransferInput {
    /// Which suggestion; this or both records.
    pub transfer_id: Option<ID>,
    /// The record that moved money out.
    pub outgoing_record_id: Option<ID>,
    /// The record that brought it in.
    pub incoming_record_id: Option<ID>,
}

impl ConfirmTransferInput {
    pub(super) fn read(self) -> Result<Which> {
        let link = local_opt("Transfer", "transferId", self.transfer_id.as_ref())?;
        let out = local_opt(
            "Record",
            "outgoingRecordId",
            self.outgoing_record_id.as_ref(),
        )?;
        let into = local_opt(
            "Record",
            "incomingRecordId",
            self.incoming_record_id.as_ref(),
        )?;
        match (link, out, into) {
            (Some(id), None, None) => Ok(Which::Link(id)),
            (None, Some(out), Some(into)) => Ok(Which::Pair(out, into)),
            _ => Err(Error::invalid(
                "transferId",
                "say which with transferId, or with outgoingRecordId and incomingRecordId",
            )),
        }
    }
}

/// A suggested transfer that is none.
#[derive(InputObject)]
pub struct DismissTransferInput {
    /// Which.
    pub transfer_id: ID,
}

/// A confirmed transfer to take back.
#[derive(InputObject)]
pub struct UnlinkTransferInput {
    /// Which.
    pub transfer_id: ID,
}

/// A refund to confirm: a suggestion, or two records.
#[derive(InputObject)]
pub struct ConfirmRefundInput {
    /// Which suggestion; this or both records.
    pub refund_id: Option<ID>,
    /// What was bought.
    pub purchase_record_id: Option<ID>,
    /// What came back.
    pub refund_record_id: Option<ID>,
}

impl ConfirmRefundInput {
    pub(super) fn read(self) -> Result<Which> {
        let link = local_opt("Refund", "refundId", self.refund_id.as_ref())?;
        let out = local_opt(
            "Record",
            "purchaseRecordId",
            self.purchase_record_id.as_ref(),
        )?;
        let into = local_opt("Record", "refundRecordId", self.refund_record_id.as_ref())?;
        match (link, out, into) {
            (Some(id), None, None) => Ok(Which::Link(id)),
            (None, Some(out), Some(into)) => Ok(Which::Pair(out, into)),
            _ => Err(Error::invalid(
                "refundId",
                "say which with refundId, or with purchaseRecordId and refundRecordId",
            )),
        }
    }
}

/// A suggested refund that is none.
#[derive(InputObject)]
pub struct DismissRefundInput {
    /// Which.
    pub refund_id: ID,
}

/// A confirmed refund to take back.
#[derive(InputObject)]
pub struct UnlinkRefundInput {
    /// Which.
    pub refund_id: ID,
}
