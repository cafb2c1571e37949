//! What a record resembles: the approved texts closest to its own, and how they were filed.
//!
//! Each approved text has a vector, stored once under the key of the folded text, in every space that is configured:
//! hashed n-grams always, an embedding model where there is one and the tenant allows it. On PostgreSQL with pgvector the database finds the
//! closest ([`nearest`]); elsewhere an index in this process does, filled from the same table. How a text was filed is
//! counted from the approved records themselves (`filed`), so there is no second truth to keep.
//!
//! Vectors are written by jobs, after the approval that made a text evidence: no person and no batch waits for them.

mod allowed;
mod evidence;
mod filed;
mod held;
mod nearest;
mod rebuild;
mod similar;
mod store;
mod table;

pub use allowed::spaces;
pub use evidence::consult;
pub use nearest::{Asked, Near, nearest};
pub use rebuild::{Progress, begin_at_start, progress, rebuild, rebuild_job};
pub use similar::{Similar, similar_records};
pub use store::{give_up, store_vectors};

use entity::record;
use sea_orm::{ColumnTrait, Condition};

/// The records that are evidence: in the books because a person agreed. What passed by itself proves nothing.
fn agreed_to() -> Condition {
    Condition::all()
        .add(record::Column::Status.eq(record::Status::Approved))
        .add(record::Column::Automatic.eq(false))
}
