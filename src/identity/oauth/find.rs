//! The accounts at providers that somebody has linked.

use chrono::{DateTime, Utc};
use entity::{LinkedIdentityId, linked_identity};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};

use crate::config::Provider;
use crate::ctx::Ctx;
use crate::error::{Error, Result};
use crate::grants::{self, Standing};

/// A linked account, as its owner sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkedIdentity {
    /// Its id.
    pub id: LinkedIdentityId,
    /// What people call the provider; its address, if it is configured no longer.
    pub provider: String,
    /// Whether it can sign in: its provider is configured.
    pub active: bool,
    /// What its provider can be asked.
    pub status: Status,
    /// When its provider was last asked.
    pub last_checked_at: Option<DateTime<Utc>>,
    /// When it was linked.
    pub created_at: DateTime<Utc>,
    /// When it last signed somebody in.
    pub last_used_at: Option<DateTime<Utc>>,
}

/// What the provider of a linked account can be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Nothing but who signs in: no tokens are kept.
    SignInOnly,
    /// About the account, at any time: tokens are kept, and honoured as far as is known.
    Connected,
    /// Nothing until somebody signs in there again: it no longer honours the tokens that are kept.
    NeedsSignIn,
}

impl LinkedIdentity {
    fn of(row: linked_identity::Model, providers: &[Provider], grant: Option<&Standing>) -> Self {
        let provider = providers.iter().find(|p| p.issuer == row.issuer);
        Self {
            id: row.id,
            active: provider.is_some(),
            provider: provider.map_or(row.issuer, |p| p.label.clone()),
            status: match grant {
                None => Status::SignInOnly,
                Some(grant) if grant.ended => Status::NeedsSignIn,
                Some(_) => Status::Connected,
            },
            last_checked_at: grant.and_then(|grant| grant.checked_at),
            created_at: row.created_at,
            last_used_at: row.last_used_at,
        }
    }
}

/// The linked accounts of the person who asks, oldest first.
pub async fn list(ctx: &Ctx) -> Result<Vec<LinkedIdentity>> {
    find(ctx, None).await
}

/// One of them.
pub(super) async fn load(ctx: &Ctx, id: LinkedIdentityId) -> Result<LinkedIdentity> {
    let found = find(ctx, Some(id)).await?.pop();
    found.ok_or(Error::NotFound("linked identity"))
}

async fn find(ctx: &Ctx, only: Option<LinkedIdentityId>) -> Result<Vec<LinkedIdentity>> {
    let person = ctx.person()?;
    let providers = ctx.config().providers()?;
    let read = ctx.read().await?;
    let mut theirs = linked_identity::Entity::find()
        .filter(linked_identity::Column::UserId.eq(person))
        .order_by_asc(linked_identity::Column::Id);
    if let Some(id) = only {
        theirs = theirs.filter(linked_identity::Column::Id.eq(id));
    }
    let rows = theirs.all(read.on()).await?;
    let ids = rows.iter().map(|row| row.id.0);
    let standings = grants::standings(read.on(), ids).await?;
    let seen = |row: linked_identity::Model| {
        let grant = standings.get(&row.id.0);
        LinkedIdentity::of(row, &providers, grant)
    };
    Ok(rows.into_iter().map(seen).collect())
}
