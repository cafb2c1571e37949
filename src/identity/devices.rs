//! The sign-ins of a person: where they are signed in, and ending that.
//!
//! A session belongs to a tenant, but a person looks for a lost phone, so these verbs are about all sessions of whoever
//! asks, in whatever tenant; each ends in its own tenant, with its event in the log there.

use chrono::{DateTime, Utc};
use entity::{SessionId, TenantId, session};
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QuerySelect, Select};

use super::sessions;
use crate::ctx::{Ctx, Event, Standing};
use crate::error::{Error, Result};
use crate::page::{self, Page, Window};
use crate::permission::Permissions;

/// A sign-in that is still good.
#[derive(Clone, Debug)]
pub struct Device {
    /// Its session.
    pub session: SessionId,
    /// For which tenant.
    pub tenant: TenantId,
    /// The client as it named itself.
    pub user_agent: Option<String>,
    /// Where it signed in from.
    pub address: Option<String>,
    /// When it signed in.
    pub signed_in_at: DateTime<Utc>,
    /// When it last got new tokens, which a client in use does every few minutes.
    pub last_used_at: DateTime<Utc>,
    /// When it ends unless it is used before.
    pub expires_at: DateTime<Utc>,
    /// Whether it is the one that asks.
    pub current: bool,
}

/// The sign-ins of the person who asks, the one used last first.
pub async fn my_sessions(ctx: &Ctx, window: &Window) -> Result<Page<Device>> {
    let mine = mine(ctx)?;
    let read = ctx
        .handles()
        .db
        .read_across_tenants("the sessions of a person")
        .await?;
    let columns = [session::Column::RotatedAt, session::Column::Id];
    let page = page::page(mine, &columns, true, window, &read).await?;
    read.rollback().await?;
    let device = |row: session::Model| Device {
        current: ctx.session() == Some(row.id),
        session: row.id,
        tenant: row.tenant_id,
        user_agent: row.user_agent,
        address: row.address,
        signed_in_at: row.created_at,
        last_used_at: row.rotated_at,
        expires_at: row.expires_at,
    };
    let rows = page.rows.into_iter();
    Ok(Page {
        rows: rows.map(|(cursor, row)| (cursor, device(row))).collect(),
        has_next: page.has_next,
        has_previous: page.has_previous,
    })
}

/// How many sign-ins the person who asks has.
pub async fn count_my_sessions(ctx: &Ctx) -> Result<u64> {
    let mine = mine(ctx)?;
    let read = ctx
        .handles()
        .db
        .read_across_tenants("the sessions of a person")
        .await?;
    let count = mine.count(&read).await?;
    read.rollback().await?;
    Ok(count)
}

/// Ends one sign-in of the person who asks. That of somebody else does not exist.
#[tracing::instrument(skip_all, fields(session.id = %id))]
pub async fn revoke_session(ctx: &Ctx, id: SessionId) -> Result<()> {
    let it = mine(ctx)?.filter(session::Column::Id.eq(id));
    let read = ctx
        .handles()
        .db
        .read_across_tenants("the sessions of a person")
        .await?;
    let session = it.one(&read).await?;
    read.rollback().await?;
    let session = session.ok_or(Error::NotFound("session"))?;
    sessions::end(ctx.handles(), ctx.actor(), &session, "revoked").await
}

/// Ends every sign-in of the person who asks, but for the one that asks when `except_this`; how many ended.
#[tracing::instrument(skip_all)]
pub async fn sign_out_everywhere(ctx: &Ctx, except_this: bool) -> Result<u64> {
    let user = ctx.person()?;
    let kept = ctx.session().filter(|_| except_this);
    let read = ctx
        .handles()
        .db
        .read_across_tenants("the sessions of a person")
        .await?;
    let tenants: Vec<TenantId> = mine(ctx)?
        .select_only()
        .column(session::Column::TenantId)
        .distinct()
        .into_tuple()
        .all(&read)
        .await?;
    read.rollback().await?;
    let mut ended = 0;
    // each tenant has a log of its own
    for tenant in tenants {
        let there = Ctx::of(
            ctx.handles().clone(),
            &Standing {
                tenant,
                actor: ctx.actor(),
                permissions: Permissions::NONE,
                expires_at: None,
                session: ctx.session(),
                suspended: false,
            },
        )
        .with_request_id(ctx.request_id())
        .with_source_agent(ctx.source_agent());
        let mut tx = there.begin().await?;
        let mut theirs = tx
            .update::<session::Entity>()
            .filter(session::Column::UserId.eq(user));
        if let Some(kept) = kept {
            theirs = theirs.filter(session::Column::Id.ne(kept));
        }
        let revoked =
            sessions::revoke(theirs, there.now(), "signed_out_everywhere", tx.on()).await?;
        if revoked > 0 {
            tx.record(Event::SignedOutEverywhere { user, kept });
        }
        tx.commit().await?;
        ended += revoked;
    }
    Ok(ended)
}

fn mine(ctx: &Ctx) -> Result<Select<session::Entity>> {
    let user = ctx.person()?;
    Ok(session::Entity::find()
        .filter(session::Column::UserId.eq(user))
        .filter(session::Column::RevokedAt.is_null())
        .filter(session::Column::ExpiresAt.gt(ctx.now())))
}
