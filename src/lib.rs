//! balance turns money events into books people trust.
//!
//! Rooms depend downwards only; `tests/it/direction.rs` reads this list and every `use crate::…` line against it:
//!
//! ```text
//! cli run worker app
//! http graphql
//! demo
//! change_sets
//! jobs
//! simulations
//! reports processing
//! suggestions
//! automation llm
//! audit approvals
//! rules
//! imports connections tenants
//! links
//! records
//! splits
//! categories accounts projects teams files integrations clients
//! identity events
//! mail grants idempotency
//! ctx
//! queue throttle
//! db bus vectors outbound
//! telemetry config
//! page bulk secret error permission money merchant tag text clock cache
//! ```

// the parts of the root objects nest as deep as there are features
#![recursion_limit = "256"]

pub mod accounts;
pub mod app;
pub mod approvals;
pub mod audit;
pub mod automation;
pub mod bulk;
pub mod bus;
pub mod cache;
pub mod categories;
pub mod change_sets;
pub mod cli;
pub mod clients;
pub mod clock;
pub mod config;
pub mod connections;
pub mod ctx;
pub mod db;
pub mod demo;
pub mod error;
pub mod events;
pub mod files;
pub mod grants;
pub mod graphql;
pub mod http;
pub mod idempotency;
pub mod identity;
pub mod imports;
pub mod integrations;
pub mod jobs;
pub mod links;
pub mod llm;
pub mod mail;
pub mod merchant;
pub mod money;
pub mod outbound;
pub mod page;
pub mod permission;
pub mod processing;
pub mod projects;
pub mod queue;
pub mod records;
pub mod reports;
pub mod rules;
pub mod run;
pub mod secret;
pub mod simulations;
pub mod splits;
pub mod suggestions;
pub mod tag;
pub mod teams;
pub mod telemetry;
pub mod tenants;
pub mod text;
pub mod throttle;
pub mod vectors;
pub mod worker;
