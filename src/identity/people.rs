//! Finding people, and letting the right ones in.

use std::collections::HashMap;
use std::sync::Arc;

use entity::membership::Role;
use entity::{TenantId, UserId, membership, tenant, user};
use sea_orm::sea_query::{Query, SelectStatement};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder,
    QuerySelect,
};

use super::lockout;
use super::passwords::{self, Verdict};
use crate::ctx::{Actor, Ctx, Handles, Origin, Read, Tx};
use crate::error::{Error, Result};
use crate::permission::Permissions;

/// The one answer to a wrong password and to an unknown email.
pub(super) const WRONG: Error = Error::Unauthenticated("the email or the password is wrong");

/// The person an address belongs to.
pub(super) async fn find(
    on: &impl ConnectionTrait,
    email_key: &str,
) -> Result<Option<user::Model>> {
    Ok(user::Entity::find()
        .filter(user::Column::EmailKey.eq(email_key))
        .one(on)
        .await?)
}

/// The person an address belongs to, in a transaction of its own.
pub(super) async fn look_up(handles: &Handles, email_key: &str) -> Result<Option<user::Model>> {
    let read = handles.db.read_across_tenants("who has this email").await?;
    let found = find(&read, email_key).await?;
    read.rollback().await?;
    Ok(found)
}

/// The person an address belongs to with their memberships in force, oldest first. Both statements run whether or not
/// there is such a person.
pub(super) async fn with_memberships(
    on: &impl ConnectionTrait,
    email_key: &str,
) -> Result<(Option<user::Model>, Vec<membership::Model>)> {
    let person = find(on, email_key).await?;
    let memberships = membership::Entity::find()
        .filter(
            membership::Column::UserId.in_subquery(
                Query::select()
                    .column(user::Column::Id)
                    .from(user::Entity)
                    .and_where(user::Column::EmailKey.eq(email_key))
                    .to_owned(),
            ),
        )
        .filter(membership::Column::RemovedAt.is_null())
        // whoever names no tenant should not land in one that is on hold
        .order_by_asc(membership::Column::TenantId.in_subquery(on_hold()))
        .order_by_asc(membership::Column::CreatedAt)
        .order_by_asc(membership::Column::TenantId)
        .all(on)
        .await?;
    Ok((person, memberships))
}

fn on_hold() -> SelectStatement {
    Query::select()
        .column(tenant::Column::Id)
        .from(tenant::Entity)
        .and_where(tenant::Column::SuspendedAt.is_not_null())
        .to_owned()
}

/// The membership of a person in a tenant, if it is in force.
pub(super) async fn membership(
    on: &impl ConnectionTrait,
    tenant: TenantId,
    person: UserId,
) -> Result<Option<membership::Model>> {
    Ok(membership::Entity::find()
        .filter(membership::Column::TenantId.eq(tenant))
        .filter(membership::Column::UserId.eq(person))
        .filter(membership::Column::RemovedAt.is_null())
        .one(on)
        .await?)
}

/// Who asks, if it is a person.
pub(super) fn asker(ctx: &Ctx) -> Result<UserId> {
    ctx.person()
}

/// The person who asks.
pub(super) async fn asking(ctx: &Ctx) -> Result<user::Model> {
    let id = asker(ctx)?;
    let read = ctx.read().await?;
    user::Entity::find()
        .filter(user::Column::Id.eq(id))
        .one(read.on())
        .await?
        .ok_or(Error::NotFound("user"))
}

/// The person who asks, once they showed their password again: what follows is not for whoever found their phone. No
/// transaction is open while it is hashed.
pub(super) async fn prove_again(
    ctx: &Ctx,
    field: &'static str,
    password: &str,
) -> Result<user::Model> {
    let person = asking(ctx).await?;
    ctx.refresh().await;
    let Some(hash) = &person.password_hash else {
        return Err(Error::conflict(
            "you have no password yet; ask for a link to set one",
        ));
    };
    if verify_again(ctx, &person, hash, password).await? {
        Ok(person)
    } else {
        Err(Error::invalid(field, "is wrong"))
    }
}

/// Whether somebody who is signed in knows their password. Whoever found an open session does not guess it either:
/// failures make the next try wait, apart from those of sign-ins, so that the owner still comes in.
pub(super) async fn verify_again(
    ctx: &Ctx,
    person: &user::Model,
    hash: &str,
    password: &str,
) -> Result<bool> {
    let account = format!("password again:{}", person.id);
    let address = ctx.origin().and_then(|origin| origin.address.as_deref());
    lockout::check(ctx.handles(), &account, address).await?;
    let verdict = passwords::verify(password, Some(hash)).await?;
    if verdict.is_right() {
        lockout::cleared(ctx.handles(), &account, address).await;
    } else {
        lockout::failed(ctx.handles(), &account, address).await;
    }
    Ok(verdict.is_right())
}

/// The operation of a person who comes in, and what they are there: in the tenant they ask for, or the one they have
/// belonged to for longest.
pub(super) async fn entering(
    handles: &Arc<Handles>,
    person: UserId,
    tenant: Option<TenantId>,
) -> Result<(Ctx, Role)> {
    let read = handles.db.read_across_tenants("signing in").await?;
    let mut memberships = membership::Entity::find()
        .filter(membership::Column::UserId.eq(person))
        .filter(membership::Column::RemovedAt.is_null())
        .order_by_asc(membership::Column::CreatedAt)
        .order_by_asc(membership::Column::TenantId);
    if let Some(tenant) = tenant {
        memberships = memberships.filter(membership::Column::TenantId.eq(tenant));
    }
    let member = memberships
        .one(&read)
        .await?
        .ok_or(Error::Unauthenticated("you are not a member there"))?;
    read.rollback().await?;
    Ok((as_member(handles, &member), member.role))
}

/// The person who asks, at work in another tenant of theirs, and what they are there.
pub(super) async fn elsewhere(ctx: &Ctx, tenant: TenantId) -> Result<(Ctx, Role)> {
    let person = ctx.person()?;
    let read = ctx.read().await?;
    let member = membership(read.on(), tenant, person)
        .await?
        .ok_or(Error::NotFound("tenant"))?;
    drop(read);
    ctx.refresh().await;
    let there = as_member(ctx.handles(), &member);
    Ok((there, member.role))
}

/// The operation of a member in their tenant.
pub(super) fn as_member(handles: &Arc<Handles>, member: &membership::Model) -> Ctx {
    Ctx::new(
        Arc::clone(handles),
        Actor::User(member.user_id),
        member.tenant_id,
        Permissions::of(member.role),
    )
}

/// What people are called, by their ids. Needs no permission: whoever may read what they did may know.
pub async fn user_names(
    read: &Read,
    ids: impl IntoIterator<Item = UserId>,
) -> Result<HashMap<UserId, String>> {
    let found: Vec<(UserId, String)> = user::Entity::find()
        .select_only()
        .column(user::Column::Id)
        .column(user::Column::Name)
        .filter(user::Column::Id.is_in(ids))
        .into_tuple()
        .all(read.on())
        .await?;
    Ok(found.into_iter().collect())
}

/// Someone who proved who they are, or is new here.
pub(super) enum Proven {
    /// A person who is known, with a better hash of their password if theirs was outdated.
    Known(Box<user::Model>, Option<String>),
    /// A person to be stored.
    New(Box<user::Model>),
}

impl Proven {
    /// Lets a known person in with their password, if that is all they owe, and prepares a new one. No transaction is
    /// open meanwhile.
    pub async fn prove(handles: &Handles, email: &str, name: &str, password: &str) -> Result<Self> {
        let key = super::emails::fold(email)?;
        match look_up(handles, &key).await? {
            Some(person) => {
                // this door takes passwords as well, so guesses count here too
                let origin = Origin::current();
                let address = origin.as_ref().and_then(|origin| origin.address.as_deref());
                lockout::check(handles, &key, address).await?;
                let better =
                    match passwords::verify(password, person.password_hash.as_deref()).await? {
                        Verdict::Wrong => {
                            lockout::failed(handles, &key, address).await;
                            return Err(WRONG);
                        }
                        Verdict::Right => None,
                        Verdict::Outdated(hash) => Some(hash),
                    };
                let read = handles.db.read_across_tenants("who owes a factor").await?;
                let owes = super::second_factor::is_on(&read, person.id).await?;
                read.rollback().await?;
                if owes {
                    return Err(Error::conflict(
                        "a second factor protects this account; sign in first, and do it from there",
                    ));
                }
                Ok(Self::Known(Box::new(person), better))
            }
            None => {
                super::emails::check_new(email)?;
                let name = super::names::check("name", name)?;
                passwords::check_for("password", password, &key)?;
                let hash = passwords::hash(password).await?;
                let now = handles.clock.now();
                Ok(Self::New(Box::new(user::Model {
                    id: handles.clock.id(),
                    email: email.trim().to_owned(),
                    email_key: key,
                    name,
                    password_hash: Some(hash),
                    email_verified_at: None,
                    created_at: now,
                    updated_at: now,
                })))
            }
        }
    }

    /// The person who asks, who proved it when they signed in.
    pub async fn signed_in(ctx: &Ctx) -> Result<Self> {
        let id = ctx.person()?;
        let read = ctx.read().await?;
        let person = user::Entity::find()
            .filter(user::Column::Id.eq(id))
            .one(read.on())
            .await?
            .ok_or(Error::NotFound("user"))?;
        Ok(Self::Known(Box::new(person), None))
    }

    /// Who it is.
    pub fn id(&self) -> UserId {
        match self {
            Self::Known(person, _) | Self::New(person) => person.id,
        }
    }

    /// The address they are known by, folded.
    pub fn email_key(&self) -> &str {
        match self {
            Self::Known(person, _) | Self::New(person) => &person.email_key,
        }
    }

    /// Stores what is new about them.
    pub async fn store(self, tx: &Tx<'_>) -> Result<()> {
        match self {
            Self::Known(_, None) => Ok(()),
            Self::Known(person, Some(hash)) => keep_hash(tx, &person, hash).await,
            Self::New(person) => {
                user::Entity::insert(person.into_active_model())
                    .exec_without_returning(tx.on())
                    .await?;
                Ok(())
            }
        }
    }
}

/// Replaces the hash of a password by a better one of the same password, unless the password was changed meanwhile.
pub(super) async fn keep_hash(tx: &Tx<'_>, person: &user::Model, hash: String) -> Result<()> {
    user::Entity::update_many()
        .col_expr(
            user::Column::PasswordHash,
            sea_orm::sea_query::Expr::value(hash),
        )
        .filter(user::Column::Id.eq(person.id))
        .filter(user::Column::PasswordHash.eq(person.password_hash.clone()))
        .exec(tx.on())
        .await?;
    Ok(())
}
