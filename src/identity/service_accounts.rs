//! Service accounts: programs that act in a tenant by themselves, with API keys instead of a password.
//!
//! What they may do is a plain list of permissions. Those that are for people only ([`Permission::is_for_people`])
//! cannot be in it, and nobody puts in what they do not hold themselves.

use std::collections::HashMap;

use entity::{ServiceAccountId, api_key, service_account};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, PaginatorTrait, QueryFilter, QuerySelect, QueryTrait, Select};
use serde_json::json;

use super::names;
use crate::ctx::{Ctx, Event, Read, Tx};
use crate::error::{Error, Result};
use crate::page::{self, Page, Window};
use crate::permission::{Permission, Permissions};

/// A service account to be made.
#[derive(Clone, Debug)]
pub struct NewServiceAccount {
    /// What people call it.
    pub name: String,
    /// What it may do, as `resource:action`.
    pub permissions: Vec<String>,
}

/// What changes in a service account; what is `None` stays.
#[derive(Clone, Debug, Default)]
pub struct ServiceAccountChange {
    /// What people call it.
    pub name: Option<String>,
    /// What it may do, as `resource:action`.
    pub permissions: Option<Vec<String>>,
}

/// Makes a service account. It can do nothing until it has a key.
#[tracing::instrument(skip_all)]
pub async fn create_service_account(
    ctx: &Ctx,
    new: NewServiceAccount,
) -> Result<service_account::Model> {
    ctx.require(Permission::ManageKeys)?;
    let created_by = ctx.person()?;
    let permissions = read_names("permissions", &new.permissions)?;
    refuse_for_people(&permissions)?;
    held(ctx, &permissions)?;
    let row = service_account::Model {
        tenant_id: ctx.tenant(),
        id: ctx.id(),
        name: names::check("name", &new.name)?,
        permissions: write_names(&permissions),
        created_by: Some(created_by),
        archived_at: None,
        created_at: ctx.now(),
        updated_at: ctx.now(),
    };
    let mut tx = ctx.begin().await?;
    tx.insert(row.clone()).await?;
    let service_account = row.id;
    tx.record_diff(
        Event::ServiceAccountCreated { service_account },
        json!({ "permissions": { "from": null, "to": public_names(&permissions) } }),
    );
    tx.commit().await?;
    Ok(row)
}

/// Changes the name of a service account, or what it may do; its keys follow at once. Nothing is filed when nothing
/// changes.
#[tracing::instrument(skip_all, fields(service_account.id = %id))]
pub async fn update_service_account(
    ctx: &Ctx,
    id: ServiceAccountId,
    change: ServiceAccountChange,
) -> Result<service_account::Model> {
    ctx.require(Permission::ManageKeys)?;
    let name = change.name.as_deref();
    let name = name.map(|name| names::check("name", name)).transpose()?;
    let permissions = change.permissions.as_deref();
    let permissions = permissions.map(|names| read_names("permissions", names));
    let permissions = permissions.transpose()?;
    let mut tx = ctx.begin().await?;
    let before = lock(&tx, id).await?;
    let had = stored(&before.permissions)?;
    let has = match permissions {
        Some(permissions) => permissions,
        None => stored(&before.permissions)?,
    };
    refuse_for_people(&has)?;
    // what it has already is not given again
    held(ctx, &has.iter().filter(|p| !had.contains(*p)).collect())?;
    let mut row = before.clone();
    row.name = name.unwrap_or(row.name);
    row.permissions = write_names(&has);
    if row == before {
        tx.rollback().await?;
        return Ok(before);
    }
    row.updated_at = ctx.now();
    tx.update::<service_account::Entity>()
        .col_expr(
            service_account::Column::Name,
            Expr::value(row.name.as_str()),
        )
        .col_expr(
            service_account::Column::Permissions,
            Expr::value(row.permissions.as_str()),
        )
        .col_expr(
            service_account::Column::UpdatedAt,
            Expr::value(row.updated_at),
        )
        .filter(service_account::Column::Id.eq(id))
        .exec(tx.on())
        .await?;
    let mut diff = json!({});
    if had != has {
        diff["permissions"] = json!({ "from": public_names(&had), "to": public_names(&has) });
    }
    if row.name != before.name {
        // a name is free text: the log says that it changed, the row says to what
        diff["changed"] = json!(["name"]);
    }
    let service_account = id;
    tx.record_diff(Event::ServiceAccountChanged { service_account }, diff);
    tx.commit().await?;
    Ok(row)
}

/// Puts a service account away and revokes its keys.
#[tracing::instrument(skip_all, fields(service_account.id = %id))]
pub async fn archive_service_account(
    ctx: &Ctx,
    id: ServiceAccountId,
) -> Result<service_account::Model> {
    ctx.require(Permission::ManageKeys)?;
    let mut tx = ctx.begin().await?;
    let mut row = lock(&tx, id).await?;
    row.archived_at = Some(ctx.now());
    row.updated_at = ctx.now();
    tx.update::<service_account::Entity>()
        .col_expr(
            service_account::Column::ArchivedAt,
            Expr::value(row.archived_at),
        )
        .col_expr(
            service_account::Column::UpdatedAt,
            Expr::value(row.updated_at),
        )
        .filter(service_account::Column::Id.eq(id))
        .exec(tx.on())
        .await?;
    tx.update::<api_key::Entity>()
        .col_expr(api_key::Column::RevokedAt, Expr::value(Some(ctx.now())))
        .filter(api_key::Column::ServiceAccountId.eq(id))
        .filter(api_key::Column::RevokedAt.is_null())
        .exec(tx.on())
        .await?;
    let service_account = id;
    tx.record(Event::ServiceAccountArchived { service_account });
    tx.commit().await?;
    Ok(row)
}

/// The service accounts, newest first; those that were put away only when asked for.
pub async fn list_service_accounts(
    ctx: &Ctx,
    archived: bool,
    window: &Window,
) -> Result<Page<service_account::Model>> {
    ctx.require(Permission::ManageKeys)?;
    let read = ctx.read().await?;
    let id = service_account::Column::Id;
    page::page(wanted(&read, archived), &[id], true, window, read.on()).await
}

/// How many there are.
pub async fn count_service_accounts(ctx: &Ctx, archived: bool) -> Result<u64> {
    ctx.require(Permission::ManageKeys)?;
    let read = ctx.read().await?;
    Ok(wanted(&read, archived).count(read.on()).await?)
}

/// What service accounts are called, by their ids. Needs no permission: whoever may read what they did may know.
pub async fn service_account_names(
    read: &Read,
    ids: impl IntoIterator<Item = ServiceAccountId>,
) -> Result<HashMap<ServiceAccountId, String>> {
    let found: Vec<(ServiceAccountId, String)> = read
        .select::<service_account::Entity>()
        .select_only()
        .column(service_account::Column::Id)
        .column(service_account::Column::Name)
        .filter(service_account::Column::Id.is_in(ids))
        .into_tuple()
        .all(read.on())
        .await?;
    Ok(found.into_iter().collect())
}

fn wanted(read: &Read, archived: bool) -> Select<service_account::Entity> {
    let active = (!archived).then_some(());
    read.select().apply_if(active, |select, ()| {
        select.filter(service_account::Column::ArchivedAt.is_null())
    })
}

/// A service account that was not put away, locked until the unit of work ends.
pub(super) async fn lock(tx: &Tx<'_>, id: ServiceAccountId) -> Result<service_account::Model> {
    let row = tx
        .select::<service_account::Entity>()
        .filter(service_account::Column::Id.eq(id))
        .lock_exclusive()
        .one(tx.on())
        .await?
        .ok_or(Error::NotFound("service account"))?;
    match row.archived_at {
        None => Ok(row),
        Some(_) => Err(Error::conflict("the service account is archived")),
    }
}

/// The permissions of these public names.
pub(super) fn read_names(field: &'static str, names: &[String]) -> Result<Permissions> {
    let find = |name: &String| {
        let known = Permission::ALL.iter().copied();
        known
            .into_iter()
            .find(|p| p.as_str() == name)
            .ok_or_else(|| {
                let shown: String = name.chars().take(40).collect();
                Error::invalid(
                    field,
                    format!("'{shown}' is no permission; one such as records:read is accepted"),
                )
            })
    };
    let found: Permissions = names.iter().map(find).collect::<Result<_>>()?;
    if found.iter().next().is_none() {
        return Err(Error::invalid(
            field,
            "is empty; name one permission at least, such as records:read",
        ));
    }
    Ok(found)
}

/// The permissions in a stored list. A name that is no longer one allows nothing.
pub(super) fn stored(list: &str) -> Result<Permissions> {
    let names: Vec<String> = serde_json::from_str(list)?;
    let known = Permission::ALL.iter().copied();
    Ok(known
        .filter(|p| names.iter().any(|name| name == p.as_str()))
        .collect())
}

/// The list as it is stored.
pub(super) fn write_names(permissions: &Permissions) -> String {
    json!(public_names(permissions)).to_string()
}

/// The public names of permissions.
pub(super) fn public_names(permissions: &Permissions) -> Vec<&'static str> {
    permissions.iter().map(Permission::as_str).collect()
}

/// The public names in a stored list, for showing.
pub fn permission_names(list: &str) -> Vec<String> {
    serde_json::from_str(list).unwrap_or_default()
}

/// Refuses to give away what the actor does not hold.
pub(super) fn held(ctx: &Ctx, permissions: &Permissions) -> Result<()> {
    match ctx.permissions().lacks(permissions) {
        None => Ok(()),
        Some(short) if ctx.permissions().contains(short) => Err(Error::OutOfReach(short)),
        Some(missing) => Err(Error::Forbidden(missing)),
    }
}

fn refuse_for_people(permissions: &Permissions) -> Result<()> {
    match permissions.iter().find(|p| p.is_for_people()) {
        None => Ok(()),
        Some(permission) => Err(Error::invalid(
            "permissions",
            format!("{permission} is for people; a service account cannot hold it"),
        )),
    }
}
