//! Records that belong together: the two sides of a transfer between own accounts, and a purchase with its refunds.
//!
//! The pipeline looks for pairs among what it has just processed and suggests those that stand out ([`find_pairs`],
//! [`suggest`]); whatever could be paired in two ways is left to people. Only a person's word counts: [`confirm_transfer`]
//! takes both sides out of profit and loss, [`confirm_refund`] counts a refund where its purchase counts, and [`unlink`]
//! takes either back. Records that are rejected or voided are let go ([`release`]).
//!
//! Whoever links locks both records first, in the order of their ids; so of two links that exclude each other one is
//! made, and a record cannot leave the books unseen meanwhile.

mod confirm;
mod find;
mod pairs;
mod suggest;
mod undo;

pub use confirm::{Which, confirm_refund, confirm_transfer};
pub use find::{by_ids, count, of_records, suggestions};
pub use suggest::{Found, find_pairs, suggest};
pub use undo::{dismiss, release, unlink};

use entity::record_link::{self, Kind, Status};

use crate::ctx::Event;

/// What the log is told of a link.
fn event(link: &record_link::Model) -> Event {
    let (transfer, refund) = (link.id, link.id);
    let (outgoing, incoming) = (link.out_id, link.in_id);
    let (purchase, record) = (link.out_id, link.in_id);
    match (link.kind, link.status) {
        (Kind::Transfer, Status::Suggested) => Event::TransferSuggested {
            transfer,
            outgoing,
            incoming,
        },
        (Kind::Transfer, Status::Confirmed) => Event::TransferConfirmed {
            transfer,
            outgoing,
            incoming,
        },
        (Kind::Transfer, Status::Dismissed) => Event::TransferDismissed {
            transfer,
            outgoing,
            incoming,
        },
        (Kind::Transfer, Status::Unlinked) => Event::TransferUnlinked {
            transfer,
            outgoing,
            incoming,
        },
        (Kind::Refund, Status::Suggested) => Event::RefundSuggested {
            refund,
            purchase,
            record,
        },
        (Kind::Refund, Status::Confirmed) => Event::RefundConfirmed {
            refund,
            purchase,
            record,
        },
        (Kind::Refund, Status::Dismissed) => Event::RefundDismissed {
            refund,
            purchase,
            record,
        },
        (Kind::Refund, Status::Unlinked) => Event::RefundUnlinked {
            refund,
            purchase,
            record,
        },
    }
}

/// What a link of that kind is called.
fn name(kind: Kind) -> &'static str {
    match kind {
        Kind::Transfer => "transfer",
        Kind::Refund => "refund",
    }
}
