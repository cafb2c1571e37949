//! Setting a password anew, by someone who runs the server.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use entity::{SessionId, session, user};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};

use super::{emails, one_time, passwords, people, sessions};
use crate::ctx::{Ctx, Event, Handles};
use crate::error::{Error, Result};

/// Sets a person's password anew and ends every session of theirs.
///
/// Each tenant has a log of its own, so the event is filed tenant by tenant; the password changes with the first.
#[tracing::instrument(skip_all)]
pub async fn reset_password(handles: &Arc<Handles>, email: &str, new_password: &str) -> Result<()> {
    let email = emails::fold(email)?;
    passwords::check_for("password", new_password, &email)?;
    let hash = passwords::hash(new_password).await?;

    let read = handles
        .db
        .read_across_tenants("resetting a password")
        .await?;
    let (person, memberships) = people::with_memberships(&read, &email).await?;
    read.rollback().await?;
    let person = person.ok_or(Error::NotFound("user"))?;

    if memberships.is_empty() {
        let tx = handles.db.across_tenants("resetting a password").await?;
        set(&person, &hash, handles.clock.now(), &tx).await?;
        tx.commit().await?;
    }
    for (index, member) in memberships.iter().enumerate() {
        let ctx = Ctx::system(handles.clone(), member.tenant_id);
        let mut tx = ctx.begin().await?;
        if index == 0 {
            set(&person, &hash, ctx.now(), tx.on()).await?;
        }
        tx.record(Event::PasswordReset { user: person.id });
        tx.commit().await?;
    }
    Ok(())
}

async fn set(
    person: &user::Model,
    hash: &str,
    now: DateTime<Utc>,
    on: &impl ConnectionTrait,
) -> Result<()> {
    if replace(person, hash, None, now, on).await? {
        Ok(())
    } else {
        Err(Error::conflict(
            "the password was changed at the same time; try again",
        ))
    }
}

/// Replaces the password of a person as they were read, ends their sessions but for one that is kept, and makes every
/// mailed link and every sign-in that is halfway useless. False if the password was changed meanwhile.
pub(super) async fn replace(
    person: &user::Model,
    hash: &str,
    kept: Option<SessionId>,
    now: DateTime<Utc>,
    on: &impl ConnectionTrait,
) -> Result<bool> {
    let before = match &person.password_hash {
        Some(hash) => user::Column::PasswordHash.eq(hash),
        None => user::Column::PasswordHash.is_null(),
    };
    let replaced = user::Entity::update_many()
        .col_expr(user::Column::PasswordHash, Expr::value(hash))
        .col_expr(user::Column::UpdatedAt, Expr::value(now))
        .filter(user::Column::Id.eq(person.id))
        .filter(before)
        .exec(on)
        .await?;
    if replaced.rows_affected == 0 {
        return Ok(false);
    }
    let mut theirs = session::Entity::update_many().filter(session::Column::UserId.eq(person.id));
    if let Some(kept) = kept {
        theirs = theirs.filter(session::Column::Id.ne(kept));
    }
    sessions::revoke(theirs, now, "password_reset", on).await?;
    one_time::forget(on, person.id).await?;
    Ok(true)
}
