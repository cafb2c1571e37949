//! Changing a password, by the person it belongs to.

use super::{logs, notices, passwords, people, reset};
use crate::ctx::{Ctx, Event};
use crate::error::{Error, Result};

/// Replaces the password of the person who asks and shows the one before. Their other sessions, in every tenant, and
/// every mailed link end.
#[tracing::instrument(skip_all)]
pub async fn change_password(ctx: &Ctx, current: &str, new: &str) -> Result<()> {
    passwords::check("newPassword", new)?;
    let person = people::prove_again(ctx, "currentPassword", current).await?;
    passwords::check_for("newPassword", new, &person.email_key)?;
    let hash = passwords::hash(new).await?;
    let mut tx = ctx.begin().await?;
    let replaced = reset::replace(&person, &hash, ctx.session(), ctx.now(), tx.on()).await?;
    if !replaced {
        return Err(Error::conflict(
            "the password was changed at the same time; sign in again",
        ));
    }
    notices::tell(&mut tx, notices::password_changed(&person.email))?;
    let event = Event::PasswordChanged { user: person.id };
    tx.record(event.clone());
    tx.commit().await?;
    logs::tell_others(ctx, &event).await
}
