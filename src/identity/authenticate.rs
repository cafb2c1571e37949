//! From a bearer token to an operation.

use std::sync::Arc;

use entity::{membership, session};
use sea_orm::sea_query::{Expr, Query};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use super::tokens::{self, Access};
use crate::ctx::{Actor, Ctx, Handles};
use crate::error::{Error, Result};
use crate::permission::Permissions;

/// The operation of whoever holds an access token: it is good, its session has not ended, and they still belong to the
/// tenant. What they may do is what their role is now, not what it was when the token was made.
pub async fn authenticate(handles: &Arc<Handles>, bearer: &str) -> Result<Ctx> {
    admit(handles, &tokens::read(handles, bearer)?).await
}

/// Like [`authenticate`], for an access token that was read before: a socket asks again now and then, since a session
/// can end long before the token does.
pub async fn admit(handles: &Arc<Handles>, access: &Access) -> Result<Ctx> {
    const ENDED: Error = Error::Unauthenticated("the session has ended; sign in again");
    let now = handles.clock.now();
    if access.expires_at <= now {
        return Err(ENDED);
    }
    let read = handles.db.read_across_tenants("authenticating").await?;
    let session = Query::select()
        .expr(Expr::value(1))
        .from(session::Entity)
        .and_where(session::Column::Id.eq(access.session))
        .and_where(session::Column::TenantId.eq(access.tenant))
        .and_where(session::Column::UserId.eq(access.user))
        .and_where(session::Column::RevokedAt.is_null())
        .and_where(session::Column::ExpiresAt.gt(now))
        .to_owned();
    let member = membership::Entity::find()
        .filter(membership::Column::TenantId.eq(access.tenant))
        .filter(membership::Column::UserId.eq(access.user))
        .filter(membership::Column::RemovedAt.is_null())
        .filter(Expr::exists(session))
        .one(&read)
        .await?
        .ok_or(ENDED)?;
    read.rollback().await?;
    Ok(Ctx::new(
        handles.clone(),
        Actor::User(access.user),
        access.tenant,
        Permissions::of(member.role),
    )
    .with_expiry(access.expires_at))
}
