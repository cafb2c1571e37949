//! What is in an export, table by table, and what is kept back. A test compares both lists with the catalogue: a table
//! that is added is in one of them or fails the build.

use super::archive::Archive;
use super::rows::{self, Portion};
use crate::ctx::Ctx;
use crate::error::Result;

/// What hears how many rows were written.
pub(super) trait Progress {
    /// `rows` more are written.
    async fn wrote(&mut self, rows: i64) -> Result<()>;
}

macro_rules! tables {
    ($($module:ident => $file:literal without [$($column:literal),*]),* $(,)?) => {
        /// Every table that is exported, with the name of its file.
        pub const TABLES: &[(&str, &str)] = &[$((stringify!($module), concat!($file, ".ndjson"))),*];

        /// How many rows there are to write.
        pub(super) async fn count(ctx: &Ctx) -> Result<u64> {
            let mut rows = 0;
            $(rows += rows::count::<entity::$module::Entity>(ctx).await?;)*
            Ok(rows)
        }

        /// Writes every table; the rows of each, by the name of its file.
        pub(super) async fn write(
            ctx: &Ctx,
            archive: &mut Archive,
            progress: &mut impl Progress,
        ) -> Result<serde_json::Map<String, serde_json::Value>> {
            let mut written = serde_json::Map::new();
            $(
                let name = concat!($file, ".ndjson");
                archive.file(name).await?;
                let (mut rows, mut after) = (0, None);
                loop {
                    let portion: Portion =
                        rows::portion::<entity::$module::Entity>(ctx, after, &[$($column),*]).await?;
                    rows += portion.rows;
                    archive.bytes(portion.text).await?;
                    progress.wrote(portion.rows).await?;
                    after = portion.after;
                    if after.is_none() {
                        break;
                    }
                }
                written.insert(name.to_owned(), rows.into());
            )*
            Ok(written)
        }
    };
}

tables! {
    account => "accounts" without [],
    approval => "approvals" without [],
    automation => "automation" without [],
    category => "categories" without [],
    change_set => "change_sets" without [],
    change_set_item => "change_set_items" without [],
    connection => "connections" without [],
    decision => "decisions" without [],
    delivery => "deliveries" without [],
    event => "events" without [],
    event_origin => "event_origins" without [],
    file => "files" without [],
    graphql_client => "graphql_clients" without [],
    graphql_document => "graphql_documents" without [],
    import => "imports" without [],
    invitation => "invitations" without ["token_hash"],
    llm_policy => "language_model" without [],
    llm_usage => "language_model_usage" without [],
    membership => "memberships" without [],
    project => "projects" without [],
    record => "records" without [],
    record_link => "record_links" without [],
    record_split => "record_splits" without [],
    refused_row => "refused_rows" without [],
    report => "reports" without [],
    role => "roles" without [],
    rule => "rules" without [],
    rule_group => "rule_groups" without [],
    rule_hit => "rule_hits" without [],
    rule_suggestion => "rule_suggestions" without [],
    service_account => "service_accounts" without [],
    simulated_change => "simulated_changes" without [],
    simulation => "simulations" without [],
    team => "teams" without [],
    team_member => "team_members" without [],
    team_project => "team_projects" without [],
    tenant_setting => "settings" without [],
}

/// Tables of a tenant that are not exported, and why.
pub const KEPT_BACK: &[(&str, &str)] = &[
    ("api_key", "hashes of keys, worth nothing elsewhere"),
    ("connection_key", "secrets"),
    ("export", "the exports themselves"),
    ("graphql_usage", "counts of requests"),
    (
        "idempotency_key",
        "answers kept for a day, for whoever asks again",
    ),
    ("job", "work, not books"),
    (
        "llm_spending",
        "the running sum of what the usage tells by day",
    ),
    ("model_snapshot", "made of the approvals again"),
    ("rule_habit", "made of the approvals again"),
    ("rule_tally", "sums of the rule hits"),
    ("session", "sign-ins of people, who see their own"),
    ("stream_head", "the manifest tells it"),
    ("text_vector", "made of the records again"),
    ("vector_set", "how far making vectors is"),
];
