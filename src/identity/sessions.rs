//! Sessions: one per sign-in, with a refresh token that changes at every use.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use entity::membership::Role;
use entity::{TenantId, UserId, session};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, UpdateMany};

use super::lockout;
use super::people;
use super::tokens::{self, Refresh};
use crate::ctx::{Actor, Ctx, Event, Handles, Tx};
use crate::error::{Error, Result};
use crate::permission::Permissions;

/// How long the token before the one in force is taken for a lost answer or a second tab rather than for a theft.
const GRACE: TimeDelta = TimeDelta::seconds(10);

const ENDED: Error = Error::Unauthenticated("the session has ended; sign in again");

/// What a client that is let in receives.
#[derive(Clone)]
pub struct SignedIn {
    /// To send with every request.
    pub access_token: String,
    /// To get the next pair; good once.
    pub refresh_token: String,
    /// When the access token stops being good.
    pub expires_at: DateTime<Utc>,
    /// Who.
    pub user: UserId,
    /// In which tenant.
    pub tenant: TenantId,
    /// As what.
    pub role: Role,
}

/// The client that signs in, as it and its connection say.
#[derive(Clone, Debug, Default)]
pub(super) struct Client {
    pub user_agent: Option<String>,
    pub address: Option<String>,
}

/// Opens a session of a person in the tenant of the unit of work, with its event.
pub(super) async fn open(
    tx: &mut Tx<'_>,
    user: UserId,
    role: Role,
    client: Client,
) -> Result<SignedIn> {
    let ctx = tx.ctx();
    let handles = ctx.handles();
    let now = ctx.now();
    let refresh = Refresh::first(handles, ctx.id());
    tx.insert(session::Model {
        id: refresh.session,
        tenant_id: ctx.tenant(),
        user_id: user,
        refresh_hash: refresh.hash(),
        previous_hash: None,
        rotated_at: now,
        expires_at: now + life(handles),
        revoked_at: None,
        revoked_reason: None,
        user_agent: client.user_agent.map(cut),
        address: client.address.map(cut),
        created_at: now,
    })
    .await?;
    tx.record(Event::SignedIn { user });
    answer(handles, tx.on(), &refresh, user, ctx.tenant(), role).await
}

/// Opens a session of a person without a proof of theirs: the caller vouches. For the demo page in development only.
pub async fn enter(ctx: &Ctx, user: UserId, role: Role) -> Result<SignedIn> {
    let mut tx = ctx.begin().await?;
    let signed_in = open(&mut tx, user, role, Client::default()).await?;
    tx.commit().await?;
    Ok(signed_in)
}

/// Exchanges a refresh token for the next pair.
///
/// A token that was replaced a moment ago yields the pair it was replaced by. Any older one has been in two hands: the
/// session ends, for both of them.
#[tracing::instrument(skip_all)]
pub async fn refresh(handles: &Arc<Handles>, token: &str) -> Result<SignedIn> {
    let shown = Refresh::read(handles, token).ok_or(ENDED)?;
    lockout::check_refresh(handles, shown.session).await?;
    let next = shown.next(handles);
    let now = handles.clock.now();
    let tx = handles.db.across_tenants("refreshing a session").await?;

    // the condition is in the UPDATE: of two requests with one token, one rotates it
    let rotated = in_force(&shown, now)
        .filter(session::Column::RefreshHash.eq(shown.hash()))
        .col_expr(session::Column::RefreshHash, Expr::value(next.hash()))
        .col_expr(session::Column::PreviousHash, Expr::value(shown.hash()))
        .col_expr(session::Column::RotatedAt, Expr::value(now))
        .col_expr(session::Column::ExpiresAt, Expr::value(now + life(handles)))
        .exec_with_returning(&tx)
        .await?
        .pop();
    let session = match rotated {
        Some(session) => session,
        None => {
            let Some(session) = session::Entity::find()
                .filter(session::Column::Id.eq(shown.session))
                .filter(session::Column::RevokedAt.is_null())
                .filter(session::Column::ExpiresAt.gt(now))
                .one(&tx)
                .await?
            else {
                return Err(ENDED);
            };
            let just_replaced = session.refresh_hash == next.hash();
            if !just_replaced || now - session.rotated_at > GRACE {
                tx.rollback().await?;
                end(handles, Actor::System, &session, "reuse").await?;
                tracing::warn!(session.id = %session.id, "Session {} ended: a refresh token was used twice", session.id);
                return Err(ENDED);
            }
            session
        }
    };
    let member = people::membership(&tx, session.tenant_id, session.user_id)
        .await?
        .ok_or(ENDED)?;
    let (user, tenant) = (session.user_id, session.tenant_id);
    let signed_in = answer(handles, &tx, &next, user, tenant, member.role).await?;
    tx.commit().await?;
    Ok(signed_in)
}

/// Ends the session of a refresh token; whichever of its tokens it is, and however often it is asked.
#[tracing::instrument(skip_all)]
pub async fn sign_out(handles: &Arc<Handles>, token: &str) -> Result<()> {
    let Some(shown) = Refresh::read(handles, token) else {
        return Ok(());
    };
    let read = handles.db.read_across_tenants("signing out").await?;
    let session = session::Entity::find()
        .filter(session::Column::Id.eq(shown.session))
        .filter(session::Column::RevokedAt.is_null())
        .filter(session::Column::ExpiresAt.gt(handles.clock.now()))
        .one(&read)
        .await?;
    read.rollback().await?;
    match session {
        Some(session) => {
            end(
                handles,
                Actor::User(session.user_id),
                &session,
                "signed_out",
            )
            .await
        }
        None => Ok(()),
    }
}

/// Ends one session, with its event, unless it has ended already.
pub(super) async fn end(
    handles: &Arc<Handles>,
    actor: Actor,
    session: &session::Model,
    reason: &'static str,
) -> Result<()> {
    let tenant = session.tenant_id;
    let ctx = Ctx::new(Arc::clone(handles), actor, tenant, Permissions::NONE);
    let mut tx = ctx.begin().await?;
    let it = tx
        .update::<session::Entity>()
        .filter(session::Column::Id.eq(session.id));
    if revoke(it, ctx.now(), reason, tx.on()).await? > 0 {
        tx.record(Event::SessionEnded {
            session: session.id,
            user: session.user_id,
            reason,
        });
    }
    tx.commit().await
}

/// Ends the sessions an update selects that have not ended yet; how many these were.
pub(super) async fn revoke(
    sessions: UpdateMany<session::Entity>,
    now: DateTime<Utc>,
    reason: &'static str,
    on: &impl ConnectionTrait,
) -> Result<u64> {
    let revoked = sessions
        .col_expr(session::Column::RevokedAt, Expr::value(now))
        .col_expr(session::Column::RevokedReason, Expr::value(reason))
        .filter(session::Column::RevokedAt.is_null())
        .exec(on)
        .await?;
    Ok(revoked.rows_affected)
}

fn in_force(shown: &Refresh, now: DateTime<Utc>) -> UpdateMany<session::Entity> {
    session::Entity::update_many()
        .filter(session::Column::Id.eq(shown.session))
        .filter(session::Column::RevokedAt.is_null())
        .filter(session::Column::ExpiresAt.gt(now))
}

async fn answer(
    handles: &Handles,
    on: &impl ConnectionTrait,
    refresh: &Refresh,
    user: UserId,
    tenant: TenantId,
    role: Role,
) -> Result<SignedIn> {
    let (access_token, expires_at) =
        tokens::write(handles, on, user, tenant, refresh.session).await?;
    Ok(SignedIn {
        access_token,
        refresh_token: refresh.text(),
        expires_at,
        user,
        tenant,
        role,
    })
}

fn life(handles: &Handles) -> TimeDelta {
    TimeDelta::days(handles.config.refresh_token_days)
}

/// What a client says about itself is kept for people to recognise it by, not in full.
pub(super) fn cut(text: String) -> String {
    text.chars().filter(|c| !c.is_control()).take(400).collect()
}
