//! Setting a password anew, by someone who runs the server.

use std::sync::Arc;

use entity::{session, user};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};

use super::{emails, passwords, people, sessions};
use crate::ctx::{Ctx, Event, Handles};
use crate::error::{Error, Result};

/// Sets a person's password anew and ends every session of theirs.
///
/// Each tenant has a log of its own, so the event is filed tenant by tenant; the password changes with the first.
#[tracing::instrument(skip_all)]
pub async fn reset_password(handles: &Arc<Handles>, email: &str, new_password: &str) -> Result<()> {
    let email = emails::fold(email)?;
    passwords::check("password", new_password)?;
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
        replace(handles, &person, &hash, &tx).await?;
        tx.commit().await?;
    }
    for (index, member) in memberships.iter().enumerate() {
        let ctx = Ctx::system(handles.clone(), member.tenant_id);
        let mut tx = ctx.begin().await?;
        if index == 0 {
            replace(handles, &person, &hash, tx.on()).await?;
        }
        tx.record(Event::PasswordReset { user: person.id });
        tx.commit().await?;
    }
    Ok(())
}

async fn replace(
    handles: &Handles,
    person: &user::Model,
    hash: &str,
    on: &impl ConnectionTrait,
) -> Result<()> {
    let now = handles.clock.now();
    user::Entity::update_many()
        .col_expr(user::Column::PasswordHash, Expr::value(hash))
        .col_expr(user::Column::UpdatedAt, Expr::value(now))
        .filter(user::Column::Id.eq(person.id))
        .exec(on)
        .await?;
    let theirs = session::Entity::update_many().filter(session::Column::UserId.eq(person.id));
    sessions::revoke(theirs, now, "password_reset", on).await?;
    Ok(())
}
