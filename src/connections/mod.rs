//! Connections: senders of signed webhooks, and what they deliver.
//!
//! The door ([`deliver`]) verifies a request, keeps it as it came and answers once that is safe; making records of it is
//! a job ([`ingest`]). A sender that repeats a message gets the same answer, and its rows are records once.

mod change;
mod deliver;
mod find;
mod ingest;
mod secret;

pub use change::{
    ConnectionChange, Created, NewConnection, change, create, disable, enable, rotate,
};
pub use deliver::{Delivered, Envelope, deliver};
pub use find::{
    DeliveryFilter, by_ids, count, count_deliveries, deliveries, deliveries_by_ids, list, load,
    load_delivery,
};
pub use ingest::{give_up, ingest};
pub use secret::ROTATION_HOURS;
