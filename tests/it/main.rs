//! The whole product through its front door: tests speak GraphQL or HTTP to a real app on a real database of its own.
//!
//! Each test runs in the world that `BALANCE_TEST_WORLD` names: `embedded` (SQLite, in process; the default) or
//! `production` (PostgreSQL as the application role, and Redis). `tools/test.sh` runs the suite in both.

#![allow(
    clippy::unwrap_used,
    reason = "a test fails where something is missing"
)]

mod support;

mod access;
mod api_keys;
mod approvals;
mod attacks;
mod audit;
mod authorization;
mod automation;
mod batching;
mod bulk;
mod cancel;
mod catalogue;
mod categories;
mod change_sets;
mod clients;
mod coalescing;
mod commands;
mod connections;
mod cookies;
mod crash;
mod direction;
mod documents;
mod doors;
mod edge;
mod erasure;
mod evaluate;
mod events;
mod explain;
mod exports;
mod grants;
mod health;
mod idempotency;
mod identity;
mod imports;
mod invitations;
mod layers;
mod leaks;
mod learning;
mod links;
mod llm;
mod lockout;
mod mail;
mod mailed_links;
mod members;
mod oauth;
mod openapi;
mod outage;
mod own_passwords;
mod pages;
mod passkeys;
mod plain;
mod policies;
mod pooler;
mod processing;
mod projects;
mod queues;
mod rate;
mod reach;
mod real_data;
mod reconsider;
mod records;
mod refunds;
mod reports;
mod roles;
mod rule_groups;
mod rule_insight;
mod rule_tally;
mod rules;
mod schema;
mod second_factor;
mod secrets;
mod sessions;
mod simulations;
mod slow;
mod sockets;
mod splits;
mod stranger;
mod streaming;
mod streams;
mod streams_http;
mod streams_multipart;
mod streams_sse;
mod suggestions;
mod suspension;
mod tags;
mod tenants;
mod traces;
mod two_person;
mod validation;
mod vectors;
