//! The tables that are read before a tenant is known, in one place. They hold ids, hashes and routing only, and carry
//! no row policy on PostgreSQL; each names the rooms that may reach it without a tenant.

use sea_orm::DatabaseTransaction;

use super::Db;
use crate::error::Result;

/// The list, with who reaches each. A test compares it with the catalogue of PostgreSQL.
pub const EXEMPT: &[(&str, &str)] = &[
    ("user", "identity: signing in"),
    ("tenant", "identity: signing in; reports: the base currency"),
    ("membership", "identity: which tenants a person belongs to"),
    ("session", "identity: refreshing"),
    ("signing_key", "identity: access tokens"),
    ("invitation", "identity: following a link"),
    (
        "one_time_token",
        "identity: following a link, and the second factor",
    ),
    ("second_factor", "identity: the second factor"),
    ("recovery_code", "identity: the second factor"),
    ("sign_in_attempt", "identity: the history of a person"),
    ("passkey", "identity: signing in"),
    ("passkey_challenge", "identity: signing in"),
    ("linked_identity", "identity: signing in"),
    ("oauth_state", "identity: signing in at a provider"),
    ("oauth_grant", "grants: tokens of providers"),
    ("tombstone", "tenants: what remains of an erased tenant"),
    ("profile", "identity: what a person set for themselves"),
    ("connection_key", "integrations: the webhook door"),
    ("api_key", "identity: whose key a request shows"),
    ("job", "queue: claiming"),
    ("cron", "queue: periodic work"),
    (
        "stream_head",
        "events: the head of a log, and which tenants have one",
    ),
    (
        "idempotency_key",
        "ctx, idempotency: hashes, and sealed answers that a rotation of keys must reach",
    ),
];

impl Db {
    /// Opens a transaction across tenants, which sees rows of the exempt tables only. The reason is logged.
    pub async fn across_tenants(&self, reason: &'static str) -> Result<DatabaseTransaction> {
        tracing::trace!(reason, "Reading across tenants");
        self.begin(None).await
    }

    /// Like [`across_tenants`](Self::across_tenants), for reading only.
    pub async fn read_across_tenants(&self, reason: &'static str) -> Result<DatabaseTransaction> {
        tracing::trace!(reason, "Reading across tenants");
        self.begin_read(None).await
    }
}
