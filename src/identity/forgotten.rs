//! A forgotten password: a link is mailed, and whoever has the mailbox sets a new one.
//!
//! Whether somebody has the address is not even looked up while the request waits: a job does it. So the answer and
//! the time it takes are the same for every address.

use std::sync::Arc;

use chrono::TimeDelta;
use entity::one_time_token::Purpose;
use entity::{job, user};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use serde::{Deserialize, Serialize};

use super::one_time::{self, Wanted};
use super::{emails, logs, notices, passwords, people, reset};
use crate::ctx::{Actor, Ctx, Event, Handles, Job};
use crate::error::{Error, Result};
use crate::mail;
use crate::queue::Claim;

const LIFE: TimeDelta = TimeDelta::hours(1);

/// What waits sealed: an address is nobody's business on the way.
#[derive(Serialize, Deserialize)]
struct Asked {
    email_key: String,
}

/// Mails a link to a new password, if somebody has this address.
#[tracing::instrument(skip_all)]
pub async fn request_password_reset(handles: &Arc<Handles>, email: &str) -> Result<()> {
    mail::require(&handles.config)?;
    let Ok(email_key) = emails::fold(email) else {
        return Ok(());
    };
    let ctx = Ctx::system(Arc::clone(handles), logs::NONE);
    let sealed = mail::seal(&handles.vault, &Asked { email_key })?;
    let mut tx = ctx.begin().await?;
    tx.enqueue(Job::MailResetLink { sealed });
    tx.commit().await
}

/// The job behind it: looks whether somebody has the address, and mails them.
#[tracing::instrument(skip_all)]
pub async fn mail_reset_link(
    ctx: &Ctx,
    claim: &Claim,
    job: &job::Model,
    sealed: &str,
) -> Result<()> {
    let asked: Asked = mail::open(&ctx.handles().vault, sealed)?;
    let mut tx = ctx.begin().await?;
    tx.complete(claim, &[job.id]).await?;
    if let Some(person) = people::find(tx.on(), &asked.email_key).await? {
        let wanted = Wanted {
            purpose: Purpose::ResetPassword,
            user: person.id,
            tenant: None,
            email: Some(person.email_key.clone()),
            life: LIFE,
        };
        if let Some(token) = one_time::issue_for_mail(&tx, wanted).await? {
            // to the address that is kept, never to the one that was typed
            let link = notices::reset_link(ctx.config(), &person.email, &token);
            notices::tell(&mut tx, link)?;
        }
    }
    let sealed = String::new();
    mail::wipe(&tx, job, &Job::MailResetLink { sealed }).await?;
    tx.commit().await
}

/// Sets a new password by the token of a mailed link. Every session and every other token of the person ends; the
/// second factor stays.
#[tracing::instrument(skip_all)]
pub async fn reset_password_by_token(
    handles: &Arc<Handles>,
    token: &str,
    password: &str,
) -> Result<()> {
    let read = handles
        .db
        .read_across_tenants("resetting a password")
        .await?;
    let purposes = [Purpose::ResetPassword];
    let found = one_time::find(&read, token, &purposes, handles.clock.now()).await?;
    let token = found.ok_or_else(gone)?;
    let person = user::Entity::find()
        .filter(user::Column::Id.eq(token.user_id))
        .one(&read)
        .await?
        .ok_or_else(gone)?;
    read.rollback().await?;
    passwords::check_for("password", password, &person.email_key)?;
    let hash = passwords::hash(password).await?;

    let tenants = logs::of(handles, person.id).await?;
    let actor = Actor::User(person.id);
    let ctx = logs::first(handles, actor, &tenants);
    let now = ctx.now();
    let mut tx = ctx.begin().await?;
    if !one_time::redeem(tx.on(), &token, now).await? {
        return Err(gone());
    }
    if !reset::replace(&person, &hash, None, now, tx.on()).await? {
        return Err(Error::conflict(
            "the password was changed at the same time; try again",
        ));
    }
    if person.email_verified_at.is_none() && token.email.as_ref() == Some(&person.email_key) {
        // the link was in their mailbox
        user::Entity::update_many()
            .col_expr(user::Column::EmailVerifiedAt, Expr::value(now))
            .filter(user::Column::Id.eq(person.id))
            .filter(user::Column::EmailKey.eq(&person.email_key))
            .exec(tx.on())
            .await?;
    }
    notices::tell(&mut tx, notices::password_changed(&person.email))?;
    let event = Event::PasswordReset { user: person.id };
    if !tenants.is_empty() {
        tx.record(event.clone());
    }
    tx.commit().await?;
    logs::tell(handles, actor, &tenants, ctx.tenant(), &event).await
}

fn gone() -> Error {
    Error::invalid(
        "token",
        "is no longer good: it was used, replaced, or is over an hour old; ask for another one",
    )
}
