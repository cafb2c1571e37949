//! What every table of a tenant has in common.

use sea_orm::{EntityTrait, IntoActiveModel};

/// A table whose rows belong to one tenant. Implemented by `tenanted!` beside each table.
pub trait Tenanted:
    EntityTrait<Model: IntoActiveModel<<Self as EntityTrait>::ActiveModel>>
{
    /// The column that holds the tenant.
    const TENANT: Self::Column;
}

/// Marks the table of the current module as owned by a tenant.
macro_rules! tenanted {
    () => {
        impl $crate::Tenanted for Entity {
            const TENANT: Column = Column::TenantId;
        }
    };
}
pub(crate) use tenanted;
