//! Reading within a tenant.

use std::sync::Arc;

use entity::{TenantId, Tenanted};
use sea_orm::{ColumnTrait, DatabaseTransaction, QueryFilter, Select};

/// A transaction that reads one tenant. Clones share it; it ends with the last of them.
#[derive(Clone)]
pub struct Read {
    tx: Arc<DatabaseTransaction>,
    tenant: TenantId,
}

impl Read {
    pub(super) fn new(tx: DatabaseTransaction, tenant: TenantId) -> Self {
        Self {
            tx: Arc::new(tx),
            tenant,
        }
    }

    /// The tenant that is read.
    pub fn tenant(&self) -> TenantId {
        self.tenant
    }

    /// How every query starts: it already holds the tenant.
    pub fn select<E: Tenanted>(&self) -> Select<E> {
        select::<E>(self.tenant)
    }

    /// The connection to run a query on.
    pub fn on(&self) -> &DatabaseTransaction {
        &self.tx
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the place where the tenant is added"
)]
pub(super) fn select<E: Tenanted>(tenant: TenantId) -> Select<E> {
    E::find().filter(E::TENANT.eq(tenant))
}
