//! Where a person is signed in, and ending that.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use chrono::{DateTime, Utc};

use super::node::{global, local};
use super::op::Op;
use super::page::{Connection, as_of, asks, window};
use super::payload::payloads;
use crate::error::Result;
use crate::identity::{self, Device};

/// A sign-in that is still good.
#[derive(SimpleObject)]
#[graphql(serial)]
pub struct ActiveSession {
    /// Opaque global id.
    pub id: ID,
    /// Opaque global id of the tenant it is for.
    pub tenant_id: ID,
    /// The client as it named itself.
    pub device: Option<String>,
    /// The network address it signed in from.
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

impl From<Device> for ActiveSession {
    fn from(device: Device) -> Self {
        Self {
            id: global("Session", device.session),
            tenant_id: global("Tenant", device.tenant),
            device: device.user_agent,
            address: device.address,
            signed_in_at: device.signed_in_at,
            last_used_at: device.last_used_at,
            expires_at: device.expires_at,
            current: device.current,
        }
    }
}

/// A sign-in to end.
#[derive(InputObject)]
pub struct RevokeSessionInput {
    /// Which one.
    pub session_id: ID,
}

/// What to sign out of.
#[derive(InputObject)]
pub struct SignOutEverywhereInput {
    /// Whether the session that asks goes on.
    #[graphql(default = true)]
    pub except_this: bool,
}

payloads! {
    /// A sign-in that was ended.
    RevokeSessionPayload {
        /// Which one.
        revoked_session_id: ID
    },
    /// Sign-ins that were ended.
    SignOutEverywherePayload {
        /// How many.
        ended_sessions: i64
    },
}

/// Questions about one's own sign-ins.
#[derive(Default)]
pub struct SessionsQuery;

#[Object]
impl SessionsQuery {
    /// Where the person who asks is signed in, in whatever tenant, the one used last first. Needs a sign-in.
    async fn my_sessions(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "The cursor to start after.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "The cursor to end before.")] before: Option<String>,
    ) -> Result<Connection<ActiveSession>> {
        let window = window(first, after, last, before)?;
        let op = ctx.op()?;
        let as_of = as_of(ctx).await?;
        let page = identity::my_sessions(op, &window).await?;
        let mut sessions = Connection::of(page, ActiveSession::from);
        sessions.as_of = as_of;
        if asks(ctx, "totalCount") {
            sessions.total_count = Some(identity::count_my_sessions(op).await? as i64);
        }
        Ok(sessions)
    }
}

/// What people do about their own sign-ins.
#[derive(Default)]
pub struct SessionsMutation;

#[Object]
impl SessionsMutation {
    /// End one sign-in of the person who asks: its tokens stop working, and what it has open is closed. Needs a sign-in.
    async fn revoke_session(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: RevokeSessionInput,
    ) -> Result<RevokeSessionPayload> {
        let op = ctx.op()?;
        let outcome = match local("Session", "sessionId", &input.session_id) {
            Ok(session) => identity::revoke_session(op, session).await,
            Err(error) => Err(error),
        };
        RevokeSessionPayload::of(outcome.map(|()| input.session_id))
    }

    /// End every sign-in of the person who asks, in whatever tenant, but for the one that asks unless told otherwise.
    /// Needs a sign-in.
    async fn sign_out_everywhere(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: SignOutEverywhereInput,
    ) -> Result<SignOutEverywherePayload> {
        let ended = identity::sign_out_everywhere(ctx.op()?, input.except_this).await;
        SignOutEverywherePayload::of(ended.map(|ended| ended as i64))
    }
}
