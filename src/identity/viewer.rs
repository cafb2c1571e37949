//! Who is asking.

use entity::membership::Role;
use entity::{RoleId, UserId, tenant, user};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use super::people;
use super::roles;
use crate::ctx::Ctx;
use crate::error::{Error, Result};
use crate::permission::Permissions;

/// A person, without what is nobody's business.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// Their id.
    pub id: UserId,
    /// What to call them.
    pub name: String,
    /// Their address.
    pub email: String,
}

impl From<user::Model> for Person {
    fn from(row: user::Model) -> Self {
        Self {
            id: row.id,
            name: row.name,
            email: row.email,
        }
    }
}

/// The person who asks, in the tenant they ask for.
#[derive(Clone, Debug)]
pub struct Viewer {
    /// Who.
    pub user: Person,
    /// For which tenant.
    pub tenant: tenant::Model,
    /// As what.
    pub role: Role,
    /// The role of the tenant's own, when it is a custom one.
    pub custom_role: Option<RoleId>,
    /// What that brings.
    pub permissions: Permissions,
}

/// The person who asks, in the tenant they ask for.
pub async fn viewer(ctx: &Ctx) -> Result<Viewer> {
    const NOBODY: Error = Error::Unauthenticated("nobody is signed in");
    let id = ctx.person()?;
    let read = ctx.read().await?;
    let member = people::membership(read.on(), ctx.tenant(), id)
        .await?
        .ok_or(NOBODY)?;
    let user = user::Entity::find()
        .filter(user::Column::Id.eq(id))
        .one(read.on())
        .await?
        .ok_or(NOBODY)?;
    let tenant = tenant::Entity::find()
        .filter(tenant::Column::Id.eq(ctx.tenant()))
        .one(read.on())
        .await?
        .ok_or(NOBODY)?;
    Ok(Viewer {
        user: user.into(),
        tenant,
        role: member.role,
        custom_role: member.role_id,
        permissions: roles::permissions_of(read.on(), &member).await?,
    })
}
