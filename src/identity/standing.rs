//! What a bearer is worth right now, and hearing when that changes.
//!
//! A change is an event of the tenant's log, and the head of each log names the last one. So a process that was not
//! woken, because Redis is away or another process wrote to the SQLite file, finds out with one statement for all the
//! tenants it serves, however many sockets are open.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use entity::{TenantId, membership, session, stream_head};
use sea_orm::sea_query::{Expr, Query};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect};
use sha2::{Digest, Sha256};

use super::hold::held;
use super::{api_keys, roles, tokens};
use crate::bus::{self, Wake};
use crate::ctx::{Actor, Handles, Standing};
use crate::error::{Error, Result};

/// How often the heads of the logs are looked at without being woken.
const BELT: Duration = Duration::from_secs(1);
/// Tenants one statement asks about.
const TENANTS: usize = 10_000;

/// What a bearer token is worth: it is good, its session has not ended, and they still belong to the tenant. Remembered
/// for up to a second, under a hash of the token, unless something changes before.
pub async fn standing(handles: &Arc<Handles>, bearer: &str) -> Result<Arc<Standing>> {
    // what is no token is not worth hashing
    tokens::check_length(bearer)?;
    let proof = Sha256::digest(bearer.as_bytes()).into();
    let look_up = look_up(handles, bearer);
    handles
        .standings
        .recall(proof, &handles.clock, look_up)
        .await
}

async fn look_up(handles: &Arc<Handles>, bearer: &str) -> Result<Standing> {
    if api_keys::is_key(bearer) {
        return api_keys::standing(handles, bearer).await;
    }
    const ENDED: Error = Error::Unauthenticated("the session has ended; sign in again");
    let access = tokens::read(handles, bearer).await?;
    let now = handles.clock.now();
    // the token names the tenant: a role of its own is read with its row policies in force
    let read = handles.db.begin_read(Some(access.tenant)).await?;
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
    let permissions = roles::permissions_of(&read, &member).await?;
    let standing = Standing {
        tenant: access.tenant,
        actor: Actor::User(access.user),
        permissions,
        expires_at: Some(access.expires_at),
        session: Some(access.session),
        suspended: false,
    };
    let standing = held(&read, standing).await?;
    read.rollback().await?;
    Ok(standing)
}

/// Tells every process that who may do what has changed in a tenant, once that is committed. Needed only where no event
/// of the tenant says so.
pub fn changed(handles: &Handles, tenant: TenantId) {
    handles.access_changed(tenant);
}

/// Forgets standings as changes are heard of, for as long as it runs. One per process.
pub async fn follow_changes(handles: Arc<Handles>) {
    let mut wakes = handles.bus.listen();
    let mut seen = HashMap::new();
    let mut belt = tokio::time::interval(BELT);
    loop {
        let wake = tokio::select! {
            wake = bus::next(&mut wakes) => wake,
            _ = belt.tick() => Wake::Anything,
        };
        match wake {
            Wake::Access { tenant } => handles.standings.forget(tenant),
            Wake::Anything => {
                if let Err(error) = compare(&handles, &mut seen).await {
                    tracing::warn!(%error, "Changes of access could not be looked up; trying again");
                }
            }
            Wake::Events { .. } | Wake::Jobs { .. } => {}
        }
    }
}

/// Forgets what is remembered of the watched tenants whose logs tell of a change since the last time. Tenants nobody
/// watches need no look: what is remembered of them is over within a second.
async fn compare(handles: &Handles, seen: &mut HashMap<TenantId, i64>) -> Result<()> {
    let watched = handles.standings.watched();
    let wanted: HashSet<TenantId> = watched.iter().copied().collect();
    seen.retain(|tenant, _| wanted.contains(tenant));
    for tenants in watched.chunks(TENANTS) {
        let read = handles.db.read_across_tenants("following access").await?;
        let heads: Vec<(TenantId, i64)> = stream_head::Entity::find()
            .select_only()
            .column(stream_head::Column::TenantId)
            .column(stream_head::Column::AccessSequence)
            .filter(stream_head::Column::TenantId.is_in(tenants.iter().copied()))
            .into_tuple()
            .all(&read)
            .await?;
        read.rollback().await?;
        for (tenant, sequence) in heads {
            // a tenant seen for the first time may have changed between the first socket and this look
            if seen.insert(tenant, sequence) != Some(sequence) {
                handles.standings.forget(tenant);
            }
        }
    }
    Ok(())
}
