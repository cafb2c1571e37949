//! Leaving a tenant, and handing it over.

use entity::membership::{self, Role};
use entity::{TenantId, UserId, session};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, QueryFilter};

use super::members::{self, Member};
use super::roles::RoleChoice;
use super::{people, sessions};
use crate::ctx::{Ctx, Event, Tx};
use crate::error::{Error, Result};
use crate::permission::Permission;

/// Takes the person who asks out of a tenant of theirs, and ends their sessions there. The last owner stays.
#[tracing::instrument(skip_all, fields(tenant.id = %tenant))]
pub async fn leave_tenant(ctx: &Ctx, tenant: TenantId) -> Result<()> {
    let user = ctx.person()?;
    let (there, _) = people::elsewhere(ctx, tenant).await?;
    let mut tx = there.begin().await?;
    part(&mut tx, user, "left").await?;
    tx.commit().await
}

/// Makes another member an owner, and the owner who asks an admin, in one step.
#[tracing::instrument(skip_all, fields(user.id = %to))]
pub async fn transfer_ownership(ctx: &Ctx, to: UserId) -> Result<Member> {
    ctx.require(Permission::ManageTenant)?;
    let from = ctx.person()?;
    if to == from {
        return Err(Error::invalid(
            "userId",
            "is you; another member is accepted",
        ));
    }
    let mut tx = ctx.begin().await?;
    members::lock_owners(&tx).await?;
    let heir = members::load(&tx, to).await?;
    for (user, before, after) in [
        (to, RoleChoice::of(&heir), Role::Owner.into()),
        (from, Role::Owner.into(), Role::Admin.into()),
    ] {
        members::give_role(&mut tx, user, before, after).await?;
    }
    tx.record(Event::OwnershipTransferred { user: to, from });
    let person = members::person(&tx, to).await?;
    tx.commit().await?;
    Ok(Member {
        person,
        role: Role::Owner,
        custom_role: None,
        joined_at: heir.created_at,
    })
}

/// Ends a membership and the sessions that came of it. The last owner stays.
pub(super) async fn part(tx: &mut Tx<'_>, user: UserId, reason: &'static str) -> Result<()> {
    let now = tx.ctx().now();
    let member = members::load(tx, user).await?;
    if member.role == Role::Owner {
        members::spare_an_owner(tx, user).await?;
    }
    let parted = tx
        .update::<membership::Entity>()
        .col_expr(membership::Column::RemovedAt, Expr::value(now))
        .filter(membership::Column::UserId.eq(user))
        .filter(membership::Column::Role.eq(member.role))
        .filter(membership::Column::RemovedAt.is_null())
        .exec(tx.on())
        .await?;
    if parted.rows_affected == 0 {
        return Err(members::raced());
    }
    let theirs = tx
        .update::<session::Entity>()
        .filter(session::Column::UserId.eq(user));
    sessions::revoke(theirs, now, reason, tx.on()).await?;
    members::leave_teams(tx, user).await?;
    tx.record(Event::MemberRemoved { user });
    Ok(())
}
