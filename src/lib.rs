//! Turns money events into books people trust.

pub mod graphql;
