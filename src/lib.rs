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
//! error permission money page clock secret
//! ```

pub mod bus;
pub mod clock;
pub mod config;
pub mod ctx;
pub mod db;
pub mod error;
pub mod graphql;
pub mod http;
pub mod page;
pub mod permission;
pub mod queue;
pub mod secret;
pub mod telemetry;
