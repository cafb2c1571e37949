//! What probes are told.

use serde::Serialize;
use utoipa::ToSchema;

/// That it runs, and on which stores.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// Always `ok`.
    #[schema(examples("ok"))]
    pub(super) status: &'static str,
    /// The stores it uses.
    pub(super) stores: Stores,
    /// Whether they must be there at the start.
    pub(super) connect_modes: ConnectModes,
    /// The version of balance.
    #[schema(examples("0.1.0"))]
    pub(super) version: &'static str,
    /// Since its start, in seconds.
    #[schema(examples(86))]
    pub(super) uptime: u64,
}

/// The stores in use.
#[derive(Serialize, ToSchema)]
pub struct Stores {
    /// `sqlite` or `postgres`.
    #[schema(examples("postgres"))]
    pub(super) database: &'static str,
    /// `memory` or `redis`.
    #[schema(examples("redis"))]
    pub(super) bus: &'static str,
    /// `local`.
    #[schema(examples("local"))]
    pub(super) files: &'static str,
    /// How texts are compared.
    #[schema(examples("pgvector"))]
    pub(super) vectors: &'static str,
}

/// `always` or `optional`.
#[derive(Serialize, ToSchema)]
pub struct ConnectModes {
    /// Of the database.
    #[schema(examples("always"))]
    pub(super) database: &'static str,
    /// Of Redis, where there is one.
    #[schema(examples("optional"))]
    pub(super) redis: Option<&'static str>,
}

/// The process runs.
#[derive(Serialize, ToSchema)]
pub struct Alive {
    /// Always `ok`.
    #[schema(examples("ok"))]
    pub(super) status: &'static str,
}

/// How far the start is.
#[derive(Serialize, ToSchema)]
pub struct Started {
    /// `ok` or `starting`.
    #[schema(examples("ok"))]
    pub(super) status: &'static str,
    /// What it needs.
    pub(super) checks: StartedChecks,
}

/// What a start needs.
#[derive(Serialize, ToSchema)]
pub struct StartedChecks {
    /// Always `ok`: wrong settings stop the start.
    #[schema(examples("ok"))]
    pub(super) config: &'static str,
    /// `ok` or `pending`.
    #[schema(examples("ok"))]
    pub(super) migrations: &'static str,
}

/// Whether requests would be answered.
#[derive(Serialize, ToSchema)]
pub struct Readiness {
    /// `ok`, `degraded` (requests are answered, something else is missing) or `down`.
    #[schema(examples("ok"))]
    pub(super) status: &'static str,
    /// Each dependency.
    pub(super) checks: Checks,
    /// The version of balance.
    #[schema(examples("0.1.0"))]
    pub(super) version: &'static str,
    /// Since its start, in seconds.
    #[schema(examples(86))]
    pub(super) uptime: u64,
}

/// Each dependency.
#[derive(Serialize, ToSchema)]
pub struct Checks {
    /// The database.
    pub(super) database: Check,
    /// Redis, or what stands in for it.
    pub(super) redis: Check,
    /// The job table.
    pub(super) queue: QueueCheck,
}

/// A dependency.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Check {
    /// `ok` or `down`.
    #[schema(examples("ok"))]
    pub(super) status: &'static str,
    /// How long it took to answer; null if it did not.
    #[schema(examples(0.41))]
    pub(super) latency_ms: Option<f64>,
    /// Which one it is.
    #[schema(examples("postgres"))]
    pub(super) mode: &'static str,
}

/// The job table.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct QueueCheck {
    /// `ok` or `down`.
    #[schema(examples("ok"))]
    pub(super) status: &'static str,
    /// Jobs that are due or under way; null if nobody knows.
    #[schema(examples(12))]
    pub(super) pending_jobs: Option<u64>,
}
