//! How the tables came to be: one file per change, applied in order, on SQLite and PostgreSQL alike.
//!
//! Each file holds its DDL once, in the notation of `dialect`, which writes types and schemas the way the database
//! at hand wants them. A file that has landed is never edited.

mod dialect;
mod m20261121_000001_create_identity;
mod m20261121_000002_create_records;
mod m20261121_000003_create_decisions;
mod m20261121_000004_create_events;
mod m20261121_000005_create_jobs;
mod m20261121_000006_create_reports;
mod m20261121_000007_follow_access;
mod m20261121_000008_create_factors;
mod m20261121_000009_create_passkeys;
mod m20261121_000010_create_roles_and_projects;
mod m20261121_000011_tenant_life;
mod m20261121_000012_create_keys_and_origins;
mod m20261121_000013_create_model_snapshots;
mod m20261121_000014_create_vectors;
mod m20261121_000015_create_oauth_grants;
mod m20261121_000016_create_graphql_clients;
mod m20261121_000017_create_idempotency_keys;
mod m20261121_000018_create_automation;
mod m20261121_000019_add_subscription_tier;
mod m20261121_000020_create_splits_and_links;
mod m20261121_000021_extend_rules;
mod m20261121_000022_create_rule_suggestions;
mod m20261121_000023_create_language_model;
mod m20261121_000024_create_simulations;
mod m20261121_000025_create_change_sets;
mod m20261121_000026_allow_embeddings;
mod m20261121_000027_count_rule_hits;
mod m20261121_000028_tell_of_jobs;
mod m20261121_000029_propose_anew;

pub use dialect::TENANT_TABLES_EXEMPT_FROM_POLICIES;
pub use m20261121_000027_count_rule_hits::backfill as count_rule_hits;
pub use sea_orm_migration::MigratorTrait;
use sea_orm_migration::prelude::*;

/// Applies and lists the migrations.
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m20261121_000001_create_identity::Migration),
            Box::new(m20261121_000002_create_records::Migration),
            Box::new(m20261121_000003_create_decisions::Migration),
            Box::new(m20261121_000004_create_events::Migration),
            Box::new(m20261121_000005_create_jobs::Migration),
            Box::new(m20261121_000006_create_reports::Migration),
            Box::new(m20261121_000007_follow_access::Migration),
            Box::new(m20261121_000008_create_factors::Migration),
            Box::new(m20261121_000009_create_passkeys::Migration),
            Box::new(m20261121_000013_create_model_snapshots::Migration),
            Box::new(m20261121_000010_create_roles_and_projects::Migration),
            Box::new(m20261121_000011_tenant_life::Migration),
            Box::new(m20261121_000014_create_vectors::Migration),
            Box::new(m20261121_000012_create_keys_and_origins::Migration),
            Box::new(m20261121_000015_create_oauth_grants::Migration),
            Box::new(m20261121_000016_create_graphql_clients::Migration),
            Box::new(m20261121_000017_create_idempotency_keys::Migration),
            Box::new(m20261121_000018_create_automation::Migration),
            Box::new(m20261121_000019_add_subscription_tier::Migration),
            Box::new(m20261121_000020_create_splits_and_links::Migration),
            Box::new(m20261121_000021_extend_rules::Migration),
            Box::new(m20261121_000022_create_rule_suggestions::Migration),
            Box::new(m20261121_000023_create_language_model::Migration),
            Box::new(m20261121_000024_create_simulations::Migration),
            Box::new(m20261121_000025_create_change_sets::Migration),
            Box::new(m20261121_000026_allow_embeddings::Migration),
            Box::new(m20261121_000027_count_rule_hits::Migration),
            Box::new(m20261121_000028_tell_of_jobs::Migration),
            Box::new(m20261121_000029_propose_anew::Migration),
        ]
    }
}
