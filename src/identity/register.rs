//! Making a tenant, with the person who owns it.

use std::sync::Arc;

use entity::membership::{self, Role};
use entity::tenant::{self, SubscriptionTier};
use entity::{UserId, stream_head};
use sea_orm::{EntityTrait, IntoActiveModel};

use super::names;
use super::people::Proven;
use super::sessions::{self, Client, SignedIn};
use crate::ctx::{Ctx, Event, Handles, Tx};
use crate::error::{Error, Result};
use crate::money::Currency;

/// A tenant to be made.
#[derive(Clone)]
pub struct NewTenant {
    /// What the company is called.
    pub tenant_name: String,
    /// What its owner is called; not read if they are known already.
    pub name: String,
    /// The owner's address.
    pub email: String,
    /// The owner's password: a new one, or theirs if they are known already.
    pub password: String,
    /// ISO 4217 code its reports default to.
    pub base_currency: String,
}

/// A tenant that may be made: every input was checked, and the owner is who they say.
pub struct Founder {
    tenant_name: String,
    base_currency: String,
    owner: Proven,
}

impl Founder {
    /// Who will own it.
    pub fn user(&self) -> UserId {
        self.owner.id()
    }
}

/// Checks a new tenant and its owner, before any transaction is open. A known owner needs their password; a wrong one
/// is answered as at sign-in.
pub async fn founder(handles: &Arc<Handles>, new: &NewTenant) -> Result<Founder> {
    let (tenant_name, base_currency) = books(&new.tenant_name, &new.base_currency)?;
    let owner = Proven::prove(handles, &new.email, &new.name, &new.password).await?;
    Ok(Founder {
        tenant_name,
        base_currency,
        owner,
    })
}

/// Checks a new tenant of a person who is signed in.
pub async fn known_founder(ctx: &Ctx, tenant_name: &str, base_currency: &str) -> Result<Founder> {
    let (tenant_name, base_currency) = books(tenant_name, base_currency)?;
    Ok(Founder {
        tenant_name,
        base_currency,
        owner: Proven::signed_in(ctx).await?,
    })
}

/// A name and a currency as they are kept.
pub fn books(tenant_name: &str, base_currency: &str) -> Result<(String, String)> {
    let tenant_name = names::check("tenantName", tenant_name)?;
    let base_currency: Currency = base_currency.parse().map_err(|_| {
        Error::invalid(
            "baseCurrency",
            "is no currency; an ISO 4217 code such as EUR is accepted",
        )
    })?;
    Ok((tenant_name, base_currency.as_str().to_owned()))
}

/// Stores the tenant of the unit of work, its owner and the head of its event log, and signs the owner in.
pub async fn found(tx: &mut Tx<'_>, founder: Founder, demo: bool) -> Result<SignedIn> {
    let (id, now, owner) = (tx.tenant(), tx.ctx().now(), founder.user());
    let row = tenant::Model {
        id,
        name: founder.tenant_name,
        base_currency: founder.base_currency,
        subscription_tier: SubscriptionTier::default(),
        demo,
        created_at: now,
        updated_at: now,
        suspended_at: None,
        suspended_by: None,
        deletion_requested_at: None,
        erase_at: None,
        erase_begun_at: None,
        erase_lease_until: None,
    };
    tenant::Entity::insert(row.into_active_model())
        .exec_without_returning(tx.on())
        .await?;
    founder.owner.store(tx).await?;
    tx.insert(membership::Model {
        tenant_id: id,
        user_id: owner,
        role: Role::Owner,
        role_id: None,
        created_at: now,
        removed_at: None,
    })
    .await?;
    tx.insert(stream_head::Model {
        tenant_id: id,
        sequence: 0,
        hash: vec![0; 32],
        recorded_at: now,
        access_sequence: 0,
    })
    .await?;
    tx.record(Event::TenantCreated { tenant: id, owner });
    sessions::open(tx, owner, Role::Owner, Client::default()).await
}
