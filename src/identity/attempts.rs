//! The history of sign-ins: what somebody looks at who wonders whether it was always them.

use chrono::{DateTime, TimeDelta, Utc};
use entity::sign_in_attempt::{self as attempt, Factor, Outcome};
use entity::{UserId, sign_in_attempt};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, ExprTrait, IntoActiveModel, PaginatorTrait,
    QueryFilter, Select,
};

use super::people;
use super::sessions::{Client, cut};
use crate::ctx::{Ctx, Handles};
use crate::error::{Error, Result};
use crate::page::{self, Page, Window};

/// How long it is kept.
const KEEP: TimeDelta = TimeDelta::days(90);
/// How long what was tried with an address that nobody has is kept.
const KEEP_NOBODYS: TimeDelta = TimeDelta::days(1);
/// Codes of a second factor that may be wrong within a while, whichever way they are shown. A code has six digits:
/// without a limit somebody who knows the password would have it in a day.
const WRONG_CODES: u64 = 5;
const WHILE: TimeDelta = TimeDelta::minutes(15);

/// Notes an attempt. It is noted for nobody too: an address that nobody has costs the same statements.
pub(super) async fn note(
    on: &impl ConnectionTrait,
    handles: &Handles,
    user: Option<UserId>,
    (factor, outcome): (Factor, Outcome),
    client: &Client,
) -> Result<()> {
    let row = attempt::Model {
        id: handles.clock.id(),
        user_id: user,
        factor,
        outcome,
        address: client.address.clone().map(cut),
        user_agent: client.user_agent.clone().map(cut),
        at: handles.clock.now(),
    };
    attempt::Entity::insert(row.into_active_model())
        .exec_without_returning(on)
        .await?;
    Ok(())
}

/// Notes an attempt that was refused, in a transaction of its own.
pub(super) async fn note_refused(
    handles: &Handles,
    user: Option<UserId>,
    factor: Factor,
    client: &Client,
) -> Result<()> {
    let tx = handles
        .db
        .across_tenants("noting a refused sign-in")
        .await?;
    note(&tx, handles, user, (factor, Outcome::Refused), client).await?;
    Ok(tx.commit().await?)
}

/// Removes what is over; how many went.
pub(super) async fn prune(on: &impl ConnectionTrait, now: DateTime<Utc>) -> Result<u64> {
    let nobodys = attempt::Column::UserId
        .is_null()
        .and(attempt::Column::At.lt(now - KEEP_NOBODYS));
    let gone = attempt::Entity::delete_many()
        .filter(attempt::Column::At.lt(now - KEEP).or(nobodys))
        .exec(on)
        .await?;
    Ok(gone.rows_affected)
}

/// Refuses another code of somebody who showed too many wrong ones.
pub(super) async fn allow_code(
    on: &impl ConnectionTrait,
    user: UserId,
    now: DateTime<Utc>,
) -> Result<()> {
    let wrong = attempt::Entity::find()
        .filter(attempt::Column::UserId.eq(user))
        .filter(attempt::Column::Outcome.eq(Outcome::Refused))
        .filter(attempt::Column::Factor.is_in([Factor::Totp, Factor::RecoveryCode]))
        .filter(attempt::Column::At.gt(now - WHILE))
        .count(on)
        .await?;
    if wrong < WRONG_CODES {
        Ok(())
    } else {
        Err(Error::conflict(
            "too many codes were wrong; try again in 15 minutes",
        ))
    }
}

/// The attempts to sign in as the person who asks, newest first.
pub async fn list_sign_ins(ctx: &Ctx, window: &Window) -> Result<Page<sign_in_attempt::Model>> {
    let read = ctx.read().await?;
    page::page(
        own(ctx)?,
        &[attempt::Column::At, attempt::Column::Id],
        true,
        window,
        read.on(),
    )
    .await
}

/// How many of them there are.
pub async fn count_sign_ins(ctx: &Ctx) -> Result<u64> {
    let read = ctx.read().await?;
    Ok(own(ctx)?.count(read.on()).await?)
}

fn own(ctx: &Ctx) -> Result<Select<attempt::Entity>> {
    Ok(attempt::Entity::find().filter(attempt::Column::UserId.eq(people::asker(ctx)?)))
}
