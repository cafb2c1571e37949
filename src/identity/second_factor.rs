//! The second factor: an authenticator app, and recovery codes for the day it is gone.
//!
//! An app counts once a first code proved that it has the seed. From then on a right password, or the word of a
//! provider, yields a challenge instead of a session. A code is taken once, and codes are guessed only so often.

use chrono::{DateTime, Utc};
use entity::sign_in_attempt::Factor;
use entity::{UserId, second_factor, session, user};
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter};

use super::sessions::{self, Client};
use super::{attempts, logs, notices, people, recovery_codes, totp};
use crate::ctx::{Ctx, Event, Tx};
use crate::error::{Error, Result};
use crate::mail;
use crate::secret::stored::TOTP_SEED;

const WRONG_CODE: &str = "is wrong, or was used before";

/// What somebody shows as their second factor.
#[derive(Clone)]
pub enum SecondFactor {
    /// A code of their authenticator app.
    Code(String),
    /// One of their recovery codes.
    RecoveryCode(String),
}

impl SecondFactor {
    pub(super) fn factor(&self) -> Factor {
        match self {
            Self::Code(_) => Factor::Totp,
            Self::RecoveryCode(_) => Factor::RecoveryCode,
        }
    }
}

/// An authenticator app to be set up.
#[derive(Clone)]
pub struct Enrolment {
    /// The seed, to be typed.
    pub secret: String,
    /// The seed, to be scanned.
    pub uri: String,
}

/// Makes the seed of an authenticator app for the person who asks, whose address is verified. It is told once, and
/// counts from [`confirm_totp`] on.
#[tracing::instrument(skip_all)]
pub async fn enrol_totp(ctx: &Ctx, password: &str) -> Result<Enrolment> {
    let person = people::prove_again(ctx, "password", password).await?;
    // an app on somebody else's address would lock them out of it, though they can set a new password
    if person.email_verified_at.is_none() && mail::require(ctx.config()).is_ok() {
        return Err(Error::conflict("verify your address first"));
    }
    let seed: totp::Seed = rand::random();
    let tx = ctx.begin().await?;
    let row = second_factor::Model {
        user_id: person.id,
        seed: ctx.handles().vault.seal(&TOTP_SEED.of(person.id), &seed),
        confirmed_at: None,
        last_step: 0,
        created_at: ctx.now(),
    };
    // one that was confirmed stays: whoever changes it takes it off first
    second_factor::Entity::delete_many()
        .filter(second_factor::Column::UserId.eq(person.id))
        .filter(second_factor::Column::ConfirmedAt.is_null())
        .exec(tx.on())
        .await?;
    let stored = second_factor::Entity::insert(row.into_active_model())
        .on_conflict(OnConflict::new().do_nothing().to_owned())
        .exec_without_returning(tx.on())
        .await?;
    if stored == 0 {
        return Err(Error::conflict(
            "an authenticator app is in use already; take it off first",
        ));
    }
    tx.commit().await?;
    Ok(Enrolment {
        secret: totp::text(&seed),
        uri: totp::uri(&seed, &person.email)?,
    })
}

/// Puts the authenticator app on, by a first code of it, and ends the other sessions of the person; the recovery codes,
/// which are told once.
#[tracing::instrument(skip_all)]
pub async fn confirm_totp(ctx: &Ctx, code: &str) -> Result<Vec<String>> {
    let person = people::asking(ctx).await?;
    attempts::allow_code(ctx.read().await?.on(), person.id, ctx.now()).await?;
    let row = find(ctx.read().await?.on(), person.id).await?;
    let Some(row) = row.filter(|row| row.confirmed_at.is_none()) else {
        return Err(Error::conflict(
            "no authenticator app waits to be confirmed",
        ));
    };
    let seed = seed(ctx, &row)?;
    let Some(step) = totp::step_of(&seed, code, row.last_step, ctx.now()) else {
        return Err(refuse(ctx, person.id, Factor::Totp, "code").await);
    };
    let mut tx = ctx.begin().await?;
    let confirmed = second_factor::Entity::update_many()
        .col_expr(second_factor::Column::ConfirmedAt, Expr::value(ctx.now()))
        .col_expr(second_factor::Column::LastStep, Expr::value(step))
        .filter(second_factor::Column::UserId.eq(person.id))
        .filter(second_factor::Column::Seed.eq(row.seed))
        .filter(second_factor::Column::ConfirmedAt.is_null())
        .exec(tx.on())
        .await?;
    if confirmed.rows_affected == 0 {
        return Err(Error::conflict(
            "the app was set up anew meanwhile; start again",
        ));
    }
    // whoever else is in came with the password alone
    let mut others = session::Entity::update_many().filter(session::Column::UserId.eq(person.id));
    if let Some(this) = ctx.session() {
        others = others.filter(session::Column::Id.ne(this));
    }
    sessions::revoke(others, ctx.now(), "second_factor", tx.on()).await?;
    let codes = recovery_codes::renew(tx.on(), person.id).await?;
    notices::tell(&mut tx, notices::second_factor_on(&person.email))?;
    file(ctx, tx, Event::SecondFactorEnabled { user: person.id }).await?;
    Ok(codes)
}

/// Replaces the recovery codes of the person who asks, who shows a code of their app; the new ones, told once.
#[tracing::instrument(skip_all)]
pub async fn renew_recovery_codes(ctx: &Ctx, code: &str) -> Result<Vec<String>> {
    let person = people::asking(ctx).await?;
    let shown = SecondFactor::Code(code.to_owned());
    let tx = ctx.begin().await?;
    if !take(&tx, person.id, &shown).await? {
        tx.rollback().await?;
        return Err(refuse(ctx, person.id, shown.factor(), "code").await);
    }
    let codes = recovery_codes::renew(tx.on(), person.id).await?;
    file(ctx, tx, Event::RecoveryCodesRenewed { user: person.id }).await?;
    Ok(codes)
}

/// Takes the authenticator app off, and the recovery codes with it. The person shows their password, a code or a
/// recovery code.
#[tracing::instrument(skip_all)]
pub async fn disable_totp(ctx: &Ctx, proof: Proof) -> Result<()> {
    let person = match &proof {
        Proof::Password(password) => people::prove_again(ctx, "password", password).await?,
        Proof::SecondFactor(_) => people::asking(ctx).await?,
    };
    let mut tx = ctx.begin().await?;
    if let Proof::SecondFactor(shown) = &proof
        && !take(&tx, person.id, shown).await?
    {
        tx.rollback().await?;
        return Err(refuse(ctx, person.id, shown.factor(), "code").await);
    }
    let removed = second_factor::Entity::delete_many()
        .filter(second_factor::Column::UserId.eq(person.id))
        .exec(tx.on())
        .await?;
    if removed.rows_affected == 0 {
        return Err(Error::conflict("no authenticator app is in use"));
    }
    recovery_codes::forget(tx.on(), person.id).await?;
    notices::tell(&mut tx, notices::second_factor_off(&person.email))?;
    file(ctx, tx, Event::SecondFactorDisabled { user: person.id }).await
}

/// How somebody shows that it is them who takes their second factor off.
#[derive(Clone)]
pub enum Proof {
    /// By their password.
    Password(String),
    /// By the factor itself.
    SecondFactor(SecondFactor),
}

/// What protects an account, as its person sees it.
#[derive(Clone, Debug)]
pub struct Security {
    /// Since when the address is known to be theirs.
    pub email_verified_at: Option<DateTime<Utc>>,
    /// Whether there is a password.
    pub has_password: bool,
    /// Since when a code of an authenticator app is asked for.
    pub totp_since: Option<DateTime<Utc>>,
    /// Recovery codes that were not used yet.
    pub recovery_codes_left: u64,
}

/// What protects the account of the person who asks.
pub async fn security(ctx: &Ctx) -> Result<Security> {
    let person = people::asking(ctx).await?;
    let read = ctx.read().await?;
    let row = find(read.on(), person.id).await?;
    Ok(Security {
        email_verified_at: person.email_verified_at,
        has_password: person.password_hash.is_some(),
        totp_since: row.and_then(|row| row.confirmed_at),
        recovery_codes_left: recovery_codes::left(read.on(), person.id).await?,
    })
}

/// Whether a second factor is owed after the first one.
pub(super) async fn is_on(on: &impl ConnectionTrait, user: UserId) -> Result<bool> {
    let row = find(on, user).await?;
    Ok(row.is_some_and(|row| row.confirmed_at.is_some()))
}

/// Takes a second factor for good, if it is right; nobody can show it again.
pub(super) async fn take(tx: &Tx<'_>, user: UserId, shown: &SecondFactor) -> Result<bool> {
    let (ctx, now) = (tx.ctx(), tx.ctx().now());
    attempts::allow_code(tx.on(), user, now).await?;
    let row = find(tx.on(), user).await?;
    let Some(row) = row.filter(|row| row.confirmed_at.is_some()) else {
        return Ok(false);
    };
    match shown {
        SecondFactor::RecoveryCode(code) => recovery_codes::take(tx.on(), user, code, now).await,
        SecondFactor::Code(code) => {
            let Some(step) = totp::step_of(&seed(ctx, &row)?, code, row.last_step, now) else {
                return Ok(false);
            };
            // the condition is in the UPDATE: of two who show the same code, one is let in
            let taken = second_factor::Entity::update_many()
                .col_expr(second_factor::Column::LastStep, Expr::value(step))
                .filter(second_factor::Column::UserId.eq(user))
                .filter(second_factor::Column::LastStep.lt(step))
                .exec(tx.on())
                .await?;
            Ok(taken.rows_affected == 1)
        }
    }
}

/// Notes a wrong code; what to answer.
async fn refuse(ctx: &Ctx, user: UserId, factor: Factor, field: &'static str) -> Error {
    ctx.refresh().await;
    let nobody = Client::default();
    match attempts::note_refused(ctx.handles(), Some(user), factor, &nobody).await {
        Ok(()) => Error::invalid(field, WRONG_CODE),
        Err(error) => error,
    }
}

/// Commits with an event, and tells the person's other tenants.
async fn file(ctx: &Ctx, mut tx: Tx<'_>, event: Event) -> Result<()> {
    tx.record(event.clone());
    tx.commit().await?;
    logs::tell_others(ctx, &event).await
}

fn seed(ctx: &Ctx, row: &second_factor::Model) -> Result<totp::Seed> {
    let vault = &ctx.handles().vault;
    let seed = vault.open(&TOTP_SEED.of(row.user_id), &row.seed)?;
    seed.try_into()
        .map_err(|_| Error::internal("a TOTP seed has another length"))
}

async fn find(on: &impl ConnectionTrait, user: UserId) -> Result<Option<second_factor::Model>> {
    Ok(second_factor::Entity::find()
        .filter(second_factor::Column::UserId.eq(user))
        .one(on)
        .await?)
}

/// The address of a person, for a notice.
pub(super) async fn email_of(on: &impl ConnectionTrait, user: UserId) -> Result<Option<String>> {
    let person = user::Entity::find()
        .filter(user::Column::Id.eq(user))
        .one(on);
    Ok(person.await?.map(|person| person.email))
}
