//! The tables of balance: one file per table, singular, with the row as `Model`.
//!
//! Everything a tenant owns has `tenant_id` as the first part of its key and implements [`Tenanted`], so that the
//! unit of work can add the tenant to every query and refuse rows of another one.

mod ids;
mod partial;
mod tenanted;

pub mod account;
pub mod api_key;
pub mod approval;
pub mod automation;
pub mod category;
pub mod change_set;
pub mod change_set_item;
pub mod connection;
pub mod connection_key;
pub mod cron;
pub mod decision;
pub mod delivery;
pub mod event;
pub mod event_origin;
pub mod export;
pub mod file;
pub mod graphql_client;
pub mod graphql_document;
pub mod graphql_usage;
pub mod idempotency_key;
pub mod import;
pub mod invitation;
pub mod job;
pub mod linked_identity;
pub mod llm_policy;
pub mod llm_spending;
pub mod llm_usage;
pub mod membership;
pub mod model_snapshot;
pub mod oauth_grant;
pub mod oauth_state;
pub mod one_time_token;
pub mod passkey;
pub mod passkey_challenge;
pub mod profile;
pub mod project;
pub mod record;
pub mod record_link;
pub mod record_split;
pub mod recovery_code;
pub mod refused_row;
pub mod report;
pub mod role;
pub mod rule;
pub mod rule_group;
pub mod rule_habit;
pub mod rule_hit;
pub mod rule_suggestion;
pub mod rule_tally;
pub mod second_factor;
pub mod service_account;
pub mod session;
pub mod sign_in_attempt;
pub mod signing_key;
pub mod simulated_change;
pub mod simulation;
pub mod stream_head;
pub mod team;
pub mod team_member;
pub mod team_project;
pub mod tenant;
pub mod tenant_setting;
pub mod text_vector;
pub mod tombstone;
pub mod user;
pub mod vector_set;

pub use ids::*;
pub use partial::Partial;
pub use tenanted::Tenanted;
