//! Tenants as a whole: how a company begins, what it is called, how it is put on hold, taken along and how it ends.

#![allow(
    clippy::disallowed_methods,
    reason = "the room that changes the tenant itself, whose row is read before a tenant is known"
)]

mod change;
mod delete;
mod erase;
pub mod export;
mod open;
mod settings;
mod subscribe;
mod suspend;
mod tombstone;

pub use change::{TenantChange, change};
pub use delete::{cancel_deletion, request_deletion};
pub use erase::erase_due;
pub use export::{
    count_exports, give_up, list_exports, load_export, make, open_download, prune_exports,
    request_export,
};
pub use open::{Opened, create, open, open_demo};
pub use settings::{
    Ceilings, Settings, set_two_person_ceilings, settings, settings_read, settings_within,
};
pub use subscribe::subscribe;
pub use suspend::{resume, suspend};
pub use tombstone::{Erased, erased};
