//! Where the events of one transaction came from. It is about people, so it lies beside the log, which nobody edits,
//! and can be erased.

use sea_orm::entity::prelude::*;

use crate::TenantId;
use crate::tenanted::tenanted;

/// The origin of a run of events.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "event_origin")]
pub struct Model {
    /// Whose row it is.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: TenantId,
    /// The first event of the transaction.
    #[sea_orm(primary_key, auto_increment = false)]
    pub sequence: i64,
    /// The last one.
    pub last_sequence: i64,
    /// The address of the client.
    pub address: Option<String>,
    /// The client as it named itself.
    pub user_agent: Option<String>,
}

/// No relations: queries name their joins, so that each carries the tenant.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

tenanted!();
