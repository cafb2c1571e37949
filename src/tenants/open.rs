//! Opening a tenant: its owner, its event log and its chart of accounts, or none of them.

use std::sync::Arc;

use entity::{TenantId, UserId};

use crate::categories;
use crate::ctx::{Actor, Ctx, Handles};
use crate::error::Result;
use crate::identity::{self, Founder, NewTenant, SignedIn};
use crate::permission::Permissions;

/// A tenant that was opened.
#[derive(Clone)]
pub struct Opened {
    /// The tenant.
    pub tenant: TenantId,
    /// Who owns it.
    pub owner: UserId,
    /// The owner's way in.
    pub tokens: SignedIn,
}

/// Opens a tenant with its owner, who is signed in.
#[tracing::instrument(skip_all)]
pub async fn open(handles: &Arc<Handles>, new: NewTenant) -> Result<Opened> {
    open_as(handles, new, false).await
}

/// Opens a tenant that is marked as invented, for a first start in development.
#[tracing::instrument(skip_all)]
pub async fn open_demo(handles: &Arc<Handles>, new: NewTenant) -> Result<Opened> {
    open_as(handles, new, true).await
}

/// Opens another tenant for the person who asks, who is signed in there too; the session they came with goes on.
#[tracing::instrument(skip_all)]
pub async fn create(ctx: &Ctx, name: &str, base_currency: &str) -> Result<Opened> {
    let founder = identity::known_founder(ctx, name, base_currency).await?;
    ctx.refresh().await;
    plant(ctx.handles(), founder, false, Some(ctx)).await
}

async fn open_as(handles: &Arc<Handles>, new: NewTenant, demo: bool) -> Result<Opened> {
    let founder = identity::founder(handles, &new).await?;
    plant(handles, founder, demo, None).await
}

async fn plant(
    handles: &Arc<Handles>,
    founder: Founder,
    demo: bool,
    asked: Option<&Ctx>,
) -> Result<Opened> {
    let owner = founder.user();
    let tenant: TenantId = handles.clock.id();
    let mut ctx = Ctx::new(
        handles.clone(),
        Actor::User(owner),
        tenant,
        Permissions::all(),
    );
    if let Some(asked) = asked {
        ctx = ctx.with_claim_of(asked);
    }
    let mut tx = ctx.begin().await?;
    let tokens = identity::found(&mut tx, founder, demo).await?;
    categories::plant(&mut tx).await?;
    tx.commit().await?;
    Ok(Opened {
        tenant,
        owner,
        tokens,
    })
}
