//! Making, rotating and revoking keys.

use chrono::{DateTime, TimeDelta, Utc};
use entity::{ApiKeyId, ServiceAccountId, api_key, service_account};
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ColumnTrait, PaginatorTrait, QueryFilter, QueryOrder, UpdateMany};
use serde_json::json;

use super::super::names;
use super::super::service_accounts::{held, lock, public_names, read_names, stored, write_names};
use super::text::Fresh;
use crate::ctx::{Ctx, Event, Tx};
use crate::error::{Error, Result};
use crate::permission::{Permission, Permissions};
use crate::secret;

/// Keys of one service account, those that ended a short time ago included.
const MAX_KEYS: u64 = 100;
/// The longest overlap of a rotation.
const MAX_OVERLAP_HOURS: i32 = 720;

/// A key to be made.
#[derive(Clone, Debug)]
pub struct NewApiKey {
    /// What people call it.
    pub name: String,
    /// What it may do; all that its service account may without this.
    pub scopes: Option<Vec<String>>,
    /// When it stops working by itself, if it does.
    pub expires_at: Option<DateTime<Utc>>,
}

/// A key that was made, with its text, which is not shown again.
pub struct Issued {
    /// The key.
    pub key: api_key::Model,
    /// What to send as bearer.
    pub text: String,
}

/// Makes a key for a service account. Whoever makes it must hold what it may do.
#[tracing::instrument(skip_all, fields(service_account.id = %account))]
pub async fn create_api_key(
    ctx: &Ctx,
    account: ServiceAccountId,
    new: NewApiKey,
) -> Result<Issued> {
    ctx.require(Permission::ManageKeys)?;
    let name = names::check("name", &new.name)?;
    let scopes = new.scopes.map(|names| read_names("scopes", &names));
    let scopes = scopes.transpose()?;
    check_expiry(ctx, new.expires_at)?;
    let mut tx = ctx.begin().await?;
    let account = lock(&tx, account).await?;
    let brings = within(&account, scopes.as_ref())?;
    held(ctx, &brings)?;
    let issued = insert(&tx, &account, name, scopes, new.expires_at).await?;
    tx.record_diff(
        Event::ApiKeyCreated {
            api_key: issued.key.id,
            service_account: account.id,
            expires_at: issued.key.expires_at,
        },
        json!({ "scopes": { "from": null, "to": public_names(&brings) } }),
    );
    tx.commit().await?;
    Ok(issued)
}

/// Makes the next key of a series: same name, same scopes. The one before works for `overlap_hours` more, so that the
/// program can follow; it is replaced once. Without a date of its own the new one lives as long as the old one did.
#[tracing::instrument(skip_all, fields(api_key.id = %id))]
pub async fn rotate_api_key(
    ctx: &Ctx,
    id: ApiKeyId,
    overlap_hours: i32,
    expires_at: Option<DateTime<Utc>>,
) -> Result<(Issued, api_key::Model)> {
    ctx.require(Permission::ManageKeys)?;
    if !(0..=MAX_OVERLAP_HOURS).contains(&overlap_hours) {
        return Err(Error::invalid(
            "overlapHours",
            format!("is {overlap_hours}; 0 to {MAX_OVERLAP_HOURS} are accepted"),
        ));
    }
    check_expiry(ctx, expires_at)?;
    let now = ctx.now();
    let mut tx = ctx.begin().await?;
    let old = find(&tx, id).await?;
    let account = lock(&tx, old.service_account_id).await?;
    let scopes = old.scopes.as_deref().map(stored).transpose()?;
    held(
        ctx,
        &effective(&stored(&account.permissions)?, scopes.as_ref()),
    )?;
    let expires_at = expires_at.or(old.expires_at.map(|end| now + (end - old.created_at)));
    let issued = insert(&tx, &account, old.name, scopes, expires_at).await?;
    let until = now + TimeDelta::hours(overlap_hours.into());
    let until = old
        .expires_at
        .map_or(until, |end| std::cmp::min(end, until));
    // the condition is in the UPDATE: of two rotations, one counts
    let replaced = alive(&tx, id)
        .col_expr(
            api_key::Column::ReplacedBy,
            Expr::value(Some(issued.key.id)),
        )
        .col_expr(api_key::Column::ExpiresAt, Expr::value(Some(until)))
        .filter(api_key::Column::ReplacedBy.is_null())
        .exec_with_returning(tx.on())
        .await?
        .pop()
        .ok_or_else(|| {
            Error::conflict("the API key has ended or was rotated already; make a new one")
        })?;
    tx.record(Event::ApiKeyRotated {
        api_key: id,
        service_account: account.id,
        successor: issued.key.id,
        until,
    });
    tx.commit().await?;
    Ok((issued, replaced))
}

/// Revokes a key: within a second it works nowhere. Doing it twice is no error.
#[tracing::instrument(skip_all, fields(api_key.id = %id))]
pub async fn revoke_api_key(ctx: &Ctx, id: ApiKeyId) -> Result<api_key::Model> {
    ctx.require(Permission::ManageKeys)?;
    let mut tx = ctx.begin().await?;
    let revoked = tx
        .update::<api_key::Entity>()
        .col_expr(api_key::Column::RevokedAt, Expr::value(Some(ctx.now())))
        .filter(api_key::Column::Id.eq(id))
        .filter(api_key::Column::RevokedAt.is_null())
        .exec_with_returning(tx.on())
        .await?
        .pop();
    let Some(row) = revoked else {
        return find(&tx, id).await;
    };
    tx.record(Event::ApiKeyRevoked {
        api_key: id,
        service_account: row.service_account_id,
    });
    tx.commit().await?;
    Ok(row)
}

/// The keys of these service accounts, newest first. Those that ended over 30 days ago are forgotten.
pub async fn keys_of(ctx: &Ctx, accounts: &[ServiceAccountId]) -> Result<Vec<api_key::Model>> {
    ctx.require(Permission::ManageKeys)?;
    let read = ctx.read().await?;
    let keys = read
        .select::<api_key::Entity>()
        .filter(api_key::Column::ServiceAccountId.is_in(accounts.iter().copied()))
        .order_by_desc(api_key::Column::Id);
    Ok(keys.all(read.on()).await?)
}

/// What a key may do: what both its service account and its scopes allow.
pub(super) fn effective(account: &Permissions, scopes: Option<&Permissions>) -> Permissions {
    let held = account.iter();
    held.filter(|p| scopes.is_none_or(|scopes| scopes.contains(*p)))
        .collect()
}

fn within(account: &service_account::Model, scopes: Option<&Permissions>) -> Result<Permissions> {
    let may = stored(&account.permissions)?;
    let asked = scopes.map(|scopes| scopes.iter());
    let more = asked.into_iter().flatten().find(|p| !may.contains(*p));
    match more {
        None => Ok(effective(&may, scopes)),
        Some(permission) => Err(Error::invalid(
            "scopes",
            format!(
                "hold {permission}, which the service account does not have; choose among its permissions"
            ),
        )),
    }
}

async fn insert(
    tx: &Tx<'_>,
    account: &service_account::Model,
    name: String,
    scopes: Option<Permissions>,
    expires_at: Option<DateTime<Utc>>,
) -> Result<Issued> {
    // the service account is locked: nobody adds one at the same time
    let there = tx
        .select::<api_key::Entity>()
        .filter(api_key::Column::ServiceAccountId.eq(account.id))
        .count(tx.on())
        .await?;
    if there >= MAX_KEYS {
        return Err(Error::conflict(
            "the service account has 100 keys; revoke some, which are forgotten after 30 days, or make another account",
        ));
    }
    let ctx = tx.ctx();
    let Fresh { text, prefix } = Fresh::make();
    let key = api_key::Model {
        id: ctx.id(),
        tenant_id: ctx.tenant(),
        service_account_id: account.id,
        name,
        prefix,
        key_hash: secret::hash(&text),
        scopes: scopes.as_ref().map(write_names),
        created_by: ctx.user(),
        created_at: ctx.now(),
        expires_at,
        last_used_at: None,
        revoked_at: None,
        replaced_by: None,
    };
    tx.insert(key.clone()).await?;
    Ok(Issued { key, text })
}

fn alive(tx: &Tx<'_>, id: ApiKeyId) -> UpdateMany<api_key::Entity> {
    let expires_at = api_key::Column::ExpiresAt;
    tx.update::<api_key::Entity>()
        .filter(api_key::Column::Id.eq(id))
        .filter(api_key::Column::RevokedAt.is_null())
        .filter(expires_at.is_null().or(expires_at.gt(tx.ctx().now())))
}

async fn find(tx: &Tx<'_>, id: ApiKeyId) -> Result<api_key::Model> {
    tx.select::<api_key::Entity>()
        .filter(api_key::Column::Id.eq(id))
        .one(tx.on())
        .await?
        .ok_or(Error::NotFound("API key"))
}

fn check_expiry(ctx: &Ctx, expires_at: Option<DateTime<Utc>>) -> Result<()> {
    match expires_at {
        Some(end) if end <= ctx.now() => Err(Error::invalid(
            "expiresAt",
            "lies in the past; a later moment is accepted",
        )),
        _ => Ok(()),
    }
}
