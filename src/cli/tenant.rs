//! Naming a tenant on the command line.

use std::sync::Arc;

use entity::{TenantId, tenant};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use crate::ctx::Handles;
use crate::error::{Error, Result};
use crate::graphql::node;

/// The tenant that `text` names: its id as the API shows it, its UUID, or its name when only one is called so.
#[expect(
    clippy::disallowed_methods,
    reason = "a command names its tenant before there is a Ctx"
)]
pub(super) async fn find(handles: &Arc<Handles>, text: &str) -> Result<TenantId> {
    if let Ok(id) = node::local("Tenant", "--tenant", &text.into()) {
        return Ok(id);
    }
    let tx = handles
        .db
        .read_across_tenants("a command names its tenant")
        .await?;
    let named = match text.parse() {
        Ok(id) => tenant::Column::Id.eq(TenantId(id)),
        Err(_) => tenant::Column::Name.eq(text),
    };
    let found = tenant::Entity::find().filter(named).all(&tx).await?;
    match found.as_slice() {
        [one] => Ok(one.id),
        [] => Err(Error::invalid(
            "--tenant",
            format!("no tenant is called {text:?}; give its name or id"),
        )),
        _ => Err(Error::invalid(
            "--tenant",
            format!("several tenants are called {text:?}; give the id of one"),
        )),
    }
}

/// Every tenant.
#[expect(clippy::disallowed_methods, reason = "a command for all tenants")]
pub(super) async fn all(handles: &Arc<Handles>) -> Result<Vec<tenant::Model>> {
    let tx = handles
        .db
        .read_across_tenants("a command for all tenants")
        .await?;
    Ok(tenant::Entity::find().all(&tx).await?)
}
