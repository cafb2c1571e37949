//! Records: one movement of money each, as received and as understood.
//!
//! Every door meets here. [`receive`] is where a statement, a webhook and a call become rows, and where the same row
//! twice becomes one: a record is unique by tenant, source and external id, the source being the account or the
//! connection and never the file or the door. Deciding about records is for the rooms above.

mod csv_cell;
mod export;
mod filter;
mod find;
mod import_rows;
mod precedents;
mod reach;
mod receive;
mod retry;
mod tags;

pub use csv_cell::push_line;
pub use export::export;
pub use filter::{Direction, RecordFilter, RecordOrder};
pub use find::{
    SplitOfRecord, by_ids, count, decision_lines, decisions_of, known, lines, list, load, sees,
    splits, status_counts,
};
pub use import_rows::{MAX_ROWS, NewRow, RowAnswer, RowsOf, import_records};
pub use precedents::without_precedents;
pub use reach::{about_reached, beside_reached, reached};
pub use receive::{NewRecord, Receipt, external_id, receive, void_prefix};
pub use retry::{MAX_RETRIED, Retried, receive_again, retry_all, retry_failed};
pub use tags::{MAX_TAGGED, TagChange, TagUse, Tagged, hold_tags, tag_many, tags};
