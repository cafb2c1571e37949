//! A session, as whoever opened it sees it.

use async_graphql::{ComplexObject, Context, SimpleObject};
use chrono::{DateTime, Utc};

use super::Viewer;
use crate::ctx::{Actor, Ctx};
use crate::error::Result;
use crate::graphql::op::Op;
use crate::identity::{self, SignedIn};
use crate::permission::Permissions;

/// A way in: an access token for every request, and a refresh token for the next pair.
#[derive(SimpleObject)]
#[graphql(complex, serial)]
pub struct Session {
    /// Send it as `Authorization: Bearer …`.
    pub access_token: String,
    /// Exchange it for the next session; each one works once.
    pub refresh_token: String,
    /// When the access token stops working.
    pub expires_at: DateTime<Utc>,
    #[graphql(skip)]
    signed_in: SignedIn,
}

#[ComplexObject]
impl Session {
    /// Who is signed in, and where.
    async fn viewer(&self, ctx: &Context<'_>) -> Result<Viewer> {
        let as_them = Ctx::new(
            ctx.handles().clone(),
            Actor::User(self.signed_in.user),
            self.signed_in.tenant,
            Permissions::of(self.signed_in.role),
        );
        Ok(identity::viewer(&as_them).await?.into())
    }
}

impl From<SignedIn> for Session {
    fn from(signed_in: SignedIn) -> Self {
        Self {
            access_token: signed_in.access_token.clone(),
            refresh_token: signed_in.refresh_token.clone(),
            expires_at: signed_in.expires_at,
            signed_in,
        }
    }
}
