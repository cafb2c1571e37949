//! Giving up one's account: out of every tenant, and forgotten.

use entity::membership::{self, Role};
use entity::{TenantId, linked_identity, tenant, user};
use sea_orm::sea_query::{Expr, Query};
use sea_orm::{ColumnTrait, DatabaseTransaction, EntityTrait, ExprTrait, QueryFilter};

use super::forget::forget;
use super::leave;
use super::{emails, oauth, people, traces};
use crate::ctx::Ctx;
use crate::db::catalogue;
use crate::error::{Error, Result};
use crate::grants;

/// Takes the person who asks out of every tenant and erases what is kept about them. They type their address, and their
/// password if they have one: a token that was lost must not be enough. The last owner of a tenant hands it over first.
///
/// Tokens of providers are revoked there, as far as they answer. Each tenant has a log of its own, so they leave one after the other; asked again, it goes on where it stopped.
#[tracing::instrument(skip_all)]
pub async fn delete_my_account(ctx: &Ctx, email: &str, password: Option<&str>) -> Result<()> {
    let id = ctx.person()?;
    let read = ctx.read().await?;
    let who = user::Entity::find()
        .filter(user::Column::Id.eq(id))
        .one(read.on())
        .await?
        .ok_or(Error::NotFound("user"))?;
    let memberships = membership::Entity::find()
        .filter(membership::Column::UserId.eq(id))
        .filter(membership::Column::RemovedAt.is_null())
        .all(read.on())
        .await?;
    let alone = owned_alone(&memberships, read.on()).await?;
    drop(read);
    // no transaction is open while a password is hashed
    ctx.refresh().await;

    if emails::fold(email).ok().as_ref() != Some(&who.email_key) {
        return Err(Error::invalid(
            "email",
            "is not the address of this account; type it to confirm",
        ));
    }
    if let Some(hash) = &who.password_hash
        && !people::verify_again(ctx, &who, hash, password.unwrap_or_default()).await?
    {
        return Err(Error::invalid("password", "is wrong"));
    }
    if !alone.is_empty() {
        return Err(Error::conflict(format!(
            "you are the last owner of {}; hand it over or delete it first",
            alone.join(", ")
        )));
    }
    for member in memberships {
        let there = people::as_member(ctx.handles(), &member);
        let mut tx = there.begin().await?;
        leave::part(&mut tx, id, "deleted").await?;
        tx.commit().await?;
    }
    traces::erase(ctx.handles(), &[id]).await?;
    let tx = ctx.handles().db.across_tenants("erasing a person").await?;
    let issuers = linked_identity::Entity::find()
        .filter(linked_identity::Column::UserId.eq(id))
        .all(&tx)
        .await?;
    let given = grants::take_of(&tx, ctx.handles(), id).await?;
    let tables = catalogue::tables(&tx).await?;
    if forget(&tx, &tables, &[id]).await?.is_empty() {
        return Err(Error::conflict(
            "you joined a tenant at the same time; look again",
        ));
    }
    tx.commit().await?;
    let revoking = given.iter().filter_map(|(grant, tokens)| {
        let linked = issuers.iter().find(|linked| linked.id.0 == *grant)?;
        Some(oauth::revoke(ctx.handles(), &linked.issuer, tokens))
    });
    futures::future::join_all(revoking).await;
    Ok(())
}

/// The names of the tenants that would be without an owner.
async fn owned_alone(
    memberships: &[membership::Model],
    on: &DatabaseTransaction,
) -> Result<Vec<String>> {
    let owned = memberships.iter().filter(|m| m.role == Role::Owner);
    let owned: Vec<TenantId> = owned.map(|member| member.tenant_id).collect();
    let owners = Query::select()
        .column(membership::Column::TenantId)
        .from(membership::Entity)
        .and_where(membership::Column::TenantId.is_in(owned))
        .and_where(membership::Column::Role.eq(Role::Owner))
        .and_where(membership::Column::RemovedAt.is_null())
        .group_by_col(membership::Column::TenantId)
        .and_having(Expr::col(membership::Column::UserId).count().eq(1))
        .to_owned();
    let alone = tenant::Entity::find()
        .filter(tenant::Column::Id.in_subquery(owners))
        .all(on)
        .await?;
    Ok(alone.into_iter().map(|tenant| tenant.name).collect())
}
