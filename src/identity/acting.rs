//! Acting as somebody who asked for something earlier: a worker that carries it out may do what they may do now, and
//! nothing else.

use std::sync::Arc;

use entity::{TenantId, membership, service_account};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use super::{roles, service_accounts};
use crate::ctx::{Actor, Ctx, Handles};
use crate::error::Result;
use crate::permission::Permissions;

/// An operation of a person or a program with what they may do at this moment: nothing once they are gone.
pub async fn acting(handles: &Arc<Handles>, tenant: TenantId, actor: Actor) -> Result<Ctx> {
    let read = handles.db.begin_read(Some(tenant)).await?;
    let permissions = match actor {
        Actor::User(user) => {
            let member = membership::Entity::find()
                .filter(membership::Column::TenantId.eq(tenant))
                .filter(membership::Column::UserId.eq(user))
                .filter(membership::Column::RemovedAt.is_null())
                .one(&read)
                .await?;
            match member {
                Some(member) => roles::permissions_of(&read, &member).await?,
                None => Permissions::NONE,
            }
        }
        Actor::Service(account) => {
            let found = service_account::Entity::find()
                .filter(service_account::Column::TenantId.eq(tenant))
                .filter(service_account::Column::Id.eq(account))
                .filter(service_account::Column::ArchivedAt.is_null())
                .one(&read)
                .await?;
            match found {
                Some(account) => service_accounts::stored(&account.permissions)?,
                None => Permissions::NONE,
            }
        }
        Actor::System | Actor::Connection(_) => Permissions::NONE,
    };
    read.rollback().await?;
    Ok(Ctx::new(Arc::clone(handles), actor, tenant, permissions))
}
