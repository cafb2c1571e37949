//! balance turns money events into books people trust.
//!
//! Rooms depend downwards only; `tests/it/direction.rs` reads this list and every `use crate::…` line against it:
//!
//! ```text
//! cli run app worker
//! graphql http
//! demo
//! reports processing
//! approvals
//! rules
//! integrations
//! records
//! categories accounts connections files
//! identity events
//! ctx
//! queue
//! db bus outbound
//! config telemetry
//! error permission money page clock secret text
//! ```

pub mod approvals;
pub mod bus;
pub mod categories;
pub mod clock;
pub mod config;
pub mod ctx;
pub mod db;
pub mod demo;
pub mod error;
pub mod outbound;
pub mod page;
pub mod permission;
pub mod processing;
pub mod queue;
pub mod rules;
pub mod secret;
pub mod telemetry;
pub mod text;
