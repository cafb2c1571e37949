//! Tenants as the people in them see them.

use async_graphql::SimpleObject;
use chrono::{DateTime, Utc};
use entity::{TenantId, tenant};

use crate::graphql::identity::{Role, Tenant};
use crate::identity::Belonging;

/// A tenant that you belong to.
#[derive(SimpleObject)]
#[graphql(serial)]
pub struct MyTenant {
    /// Which, and whether it is at work.
    pub state: TenantState,
    /// Your role there.
    pub role: Role,
    /// When you joined.
    pub joined_at: DateTime<Utc>,
    /// Whether it is the one you are in now.
    pub is_current: bool,
}

impl MyTenant {
    /// A tenant as somebody sees it who is in `here`.
    pub fn of(belonging: Belonging, here: TenantId) -> Self {
        Self {
            is_current: belonging.tenant.id == here,
            role: belonging.role.into(),
            joined_at: belonging.joined_at,
            state: belonging.tenant.into(),
        }
    }
}

/// A tenant, and whether it is at work.
#[derive(SimpleObject)]
#[graphql(serial)]
pub struct TenantState {
    /// The tenant.
    pub tenant: Tenant,
    /// When it was suspended; absent while it is at work.
    pub suspended_at: Option<DateTime<Utc>>,
    /// When it will be erased, if that was asked for.
    pub erase_at: Option<DateTime<Utc>>,
}

impl From<tenant::Model> for TenantState {
    fn from(row: tenant::Model) -> Self {
        Self {
            suspended_at: row.suspended_at,
            erase_at: row.erase_at,
            tenant: row.into(),
        }
    }
}
