//! Background work: the one queue. Claimed before a tenant is known.

use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;

use crate::tenanted::tenanted;
use crate::{JobId, TenantId};

/// How far a job is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum State {
    /// Waiting, or waiting for its time.
    #[sea_orm(string_value = "READY")]
    Ready,
    /// Claimed.
    #[sea_orm(string_value = "RUNNING")]
    Running,
    /// Finished.
    #[sea_orm(string_value = "DONE")]
    Done,
    /// Given up after its last attempt; can be driven again.
    #[sea_orm(string_value = "DEAD")]
    Dead,
}

/// A job.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "job")]
pub struct Model {
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: JobId,
    /// Whose row it is.
    pub tenant_id: TenantId,
    /// Its queue, such as `records:process`.
    pub queue: String,
    /// What to do, JSON of ids and values.
    #[sea_orm(column_type = "Text")]
    pub payload: String,
    /// Idempotency key: the same key is enqueued once.
    pub key: Option<String>,
    /// How far it is.
    pub state: State,
    /// Attempts begun, counted at claim.
    pub attempt: i32,
    /// After how many it is dead.
    pub max_attempts: i32,
    /// Not before this.
    pub run_at: DateTime<Utc>,
    /// The claim that holds it; a worker that lost it can commit nothing.
    pub claim: Option<Uuid>,
    /// Who claimed it.
    pub worker: Option<String>,
    /// Until when the claim holds.
    pub lease_until: Option<DateTime<Utc>>,
    /// Why the last attempt failed, for the operator.
    #[sea_orm(column_type = "Text")]
    pub last_error: Option<String>,
    /// Why it failed, as its tenant may read it.
    #[sea_orm(column_type = "Text")]
    pub reason: Option<String>,
    /// When its last attempt began.
    pub started_at: Option<DateTime<Utc>>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was done or dead.
    pub finished_at: Option<DateTime<Utc>>,
}

/// No relations: queries name their joins, so that each carries the tenant.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

tenanted!();
