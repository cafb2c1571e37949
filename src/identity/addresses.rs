//! The address of a person: proved by a mailed link, and changed only to one that was proved.

use std::sync::Arc;

use chrono::TimeDelta;
use entity::one_time_token::{self, Purpose};
use entity::user;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use super::one_time::{self, Wanted};
use super::{emails, logs, notices, people};
use crate::ctx::{Actor, Ctx, Event, Handles, Tx};
use crate::error::{Error, Result};
use crate::mail;

const LIFE: TimeDelta = TimeDelta::hours(24);

/// Mails the person who asks a link that proves their address.
#[tracing::instrument(skip_all)]
pub async fn request_email_verification(ctx: &Ctx) -> Result<()> {
    mail::require(ctx.config())?;
    let person = people::asking(ctx).await?;
    if person.email_verified_at.is_some() {
        return Err(Error::conflict("your address is verified already"));
    }
    let mut tx = ctx.begin().await?;
    let wanted = Wanted {
        purpose: Purpose::VerifyEmail,
        user: person.id,
        tenant: None,
        email: Some(person.email_key),
        life: LIFE,
    };
    if let Some(token) = one_time::issue_for_mail(&tx, wanted).await? {
        let link = notices::verification_link(ctx.config(), &person.email, &token);
        mail::enqueue(&mut tx, link)?;
    }
    tx.commit().await
}

/// Mails a link to another address, which becomes the person's once it is followed. Nobody learns here whether it is
/// somebody else's: whoever has the mailbox learns it there.
#[tracing::instrument(skip_all)]
pub async fn change_email(ctx: &Ctx, email: &str, password: &str) -> Result<()> {
    mail::require(ctx.config())?;
    let key = emails::check_new(email)?;
    let person = people::prove_again(ctx, "password", password).await?;
    if key == person.email_key {
        return Err(Error::invalid("email", "is your address already"));
    }
    let email = email.trim().to_owned();
    let mut tx = ctx.begin().await?;
    let wanted = Wanted {
        purpose: Purpose::ChangeEmail,
        user: person.id,
        tenant: None,
        email: Some(email.clone()),
        life: LIFE,
    };
    if let Some(token) = one_time::issue_for_mail(&tx, wanted).await? {
        let link = notices::verification_link(ctx.config(), &email, &token);
        mail::enqueue(&mut tx, link)?;
    }
    tx.commit().await
}

/// Follows a mailed link: the address it was sent to is its person's, who had it before or takes it now.
#[tracing::instrument(skip_all)]
pub async fn verify_email(handles: &Arc<Handles>, token: &str) -> Result<()> {
    let read = handles
        .db
        .read_across_tenants("verifying an address")
        .await?;
    let purposes = [Purpose::VerifyEmail, Purpose::ChangeEmail];
    let found = one_time::find(&read, token, &purposes, handles.clock.now()).await?;
    let token = found.ok_or_else(gone)?;
    let person = user::Entity::find()
        .filter(user::Column::Id.eq(token.user_id))
        .one(&read)
        .await?
        .ok_or_else(gone)?;
    read.rollback().await?;

    let tenants = logs::of(handles, person.id).await?;
    let actor = Actor::User(person.id);
    let ctx = logs::first(handles, actor, &tenants);
    let mut tx = ctx.begin().await?;
    if !one_time::redeem(tx.on(), &token, ctx.now()).await? {
        return Err(gone());
    }
    let event = match token.purpose {
        Purpose::ChangeEmail => take(&mut tx, &person, &token).await?,
        _ => confirm(&tx, &person, &token).await?,
    };
    if !tenants.is_empty() {
        tx.record(event.clone());
    }
    tx.commit().await?;
    logs::tell(handles, actor, &tenants, ctx.tenant(), &event).await
}

async fn confirm(
    tx: &Tx<'_>,
    person: &user::Model,
    token: &one_time_token::Model,
) -> Result<Event> {
    // a link to an address they had before proves nothing about the one they have
    let confirmed = user::Entity::update_many()
        .col_expr(user::Column::EmailVerifiedAt, Expr::value(tx.ctx().now()))
        .filter(user::Column::Id.eq(person.id))
        .filter(user::Column::EmailKey.eq(token.email.clone().unwrap_or_default()))
        .exec(tx.on())
        .await?;
    match confirmed.rows_affected {
        0 => Err(gone()),
        _ => Ok(Event::EmailVerified { user: person.id }),
    }
}

async fn take(
    tx: &mut Tx<'_>,
    person: &user::Model,
    token: &one_time_token::Model,
) -> Result<Event> {
    let email = token.email.clone().ok_or_else(gone)?;
    let key = emails::fold(&email)?;
    if people::find(tx.on(), &key).await?.is_some() {
        return Err(Error::conflict("this address belongs to another account"));
    }
    let now = tx.ctx().now();
    let taken = user::Entity::update_many()
        .col_expr(user::Column::Email, Expr::value(email))
        .col_expr(user::Column::EmailKey, Expr::value(key))
        .col_expr(user::Column::EmailVerifiedAt, Expr::value(now))
        .col_expr(user::Column::UpdatedAt, Expr::value(now))
        .filter(user::Column::Id.eq(person.id))
        .filter(user::Column::EmailKey.eq(&person.email_key))
        .exec(tx.on())
        .await?;
    if taken.rows_affected == 0 {
        return Err(gone());
    }
    // links that lie in the mailbox before lead nowhere now
    one_time::forget(tx.on(), person.id).await?;
    notices::tell(tx, notices::email_changed(&person.email))?;
    Ok(Event::EmailChanged { user: person.id })
}

fn gone() -> Error {
    Error::invalid(
        "token",
        "is no longer good: it was used, replaced, or is over a day old; ask for another one",
    )
}
