//! Roles of a tenant's own: made, changed, and put away once nobody has them.

use std::collections::HashSet;

use entity::{RoleId, invitation, membership, role, user};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect};

use super::roles::held;
use crate::ctx::{Ctx, Event, Tx};
use crate::error::{Error, Result};
use crate::permission::{Grant, Limit, Permission, Permissions, Scope};

/// How many roles of its own a tenant may have.
pub const MAX_ROLES: u64 = 100;
/// How many grants a role may have.
const MAX_GRANTS: usize = 100;
/// How many projects a grant may name.
const MAX_PROJECTS: usize = 100;
/// How many characters a name may have.
const MAX_NAME: usize = 100;
/// How many people are named who have a role.
const NAMED: u64 = 5;

/// The roles of the tenant's own, by name; those put away only when asked for.
pub async fn list_roles(ctx: &Ctx, archived: bool) -> Result<Vec<role::Model>> {
    ctx.require(Permission::ReadMembers)?;
    let read = ctx.read().await?;
    let mut select = read.select::<role::Entity>();
    if !archived {
        select = select.filter(role::Column::ArchivedAt.is_null());
    }
    let order = select
        .order_by_asc(role::Column::Name)
        .order_by_asc(role::Column::Id);
    Ok(order.all(read.on()).await?)
}

/// The roles of these ids, in no order; ids without a role are left out.
pub async fn roles_by_ids(ctx: &Ctx, ids: &[RoleId]) -> Result<Vec<role::Model>> {
    ctx.require(Permission::ReadMembers)?;
    let read = ctx.read().await?;
    let roles = read
        .select::<role::Entity>()
        .filter(role::Column::Id.is_in(ids.iter().copied()));
    Ok(roles.all(read.on()).await?)
}

/// What a role brings.
pub fn grants_of(role: &role::Model) -> Result<Vec<Grant>> {
    Ok(serde_json::from_str(&role.grants)?)
}

/// Makes a role. It brings nothing the actor does not hold.
#[tracing::instrument(skip_all)]
pub async fn create_role(ctx: &Ctx, name: &str, grants: Vec<Grant>) -> Result<role::Model> {
    ctx.require(Permission::ManageRoles)?;
    let (name, grants) = (checked_name(name)?, checked(grants)?);
    let mut tx = ctx.begin().await?;
    held(&tx, &Permissions::granted(grants.clone()))?;
    refuse_taken(&tx, &name, None).await?;
    let there = tx
        .select::<role::Entity>()
        .filter(role::Column::ArchivedAt.is_null())
        .count(tx.on())
        .await?;
    if there >= MAX_ROLES {
        return Err(Error::invalid(
            "name",
            format!("at most {MAX_ROLES} roles are accepted; archive one first"),
        ));
    }
    let row = role::Model {
        tenant_id: ctx.tenant(),
        id: ctx.id(),
        name,
        grants: serde_json::to_string(&grants)?,
        archived_at: None,
        created_at: ctx.now(),
        updated_at: ctx.now(),
    };
    tx.insert(row.clone()).await?;
    tx.record(Event::RoleCreated { role: row.id });
    tx.commit().await?;
    Ok(row)
}

/// Changes what a role is called and brings, for everybody who has it. Neither what it brought nor what it brings now
/// is more than the actor holds.
#[tracing::instrument(skip_all, fields(role.id = %id))]
pub async fn update_role(
    ctx: &Ctx,
    id: RoleId,
    name: Option<&str>,
    grants: Option<Vec<Grant>>,
) -> Result<role::Model> {
    ctx.require(Permission::ManageRoles)?;
    let name = name.map(checked_name).transpose()?;
    let grants = grants.map(checked).transpose()?;
    let mut tx = ctx.begin().await?;
    let before = lock(&tx, id).await?;
    held(&tx, &Permissions::granted(grants_of(&before)?))?;
    let mut update = tx
        .update::<role::Entity>()
        .col_expr(role::Column::UpdatedAt, Expr::value(ctx.now()))
        .filter(role::Column::Id.eq(id))
        .filter(role::Column::ArchivedAt.is_null());
    if let Some(name) = name {
        refuse_taken(&tx, &name, Some(id)).await?;
        update = update.col_expr(role::Column::Name, Expr::value(name));
    }
    let mut diff = serde_json::Map::new();
    if let Some(grants) = grants {
        held(&tx, &Permissions::granted(grants.clone()))?;
        let names = |grants: &[Grant]| -> Vec<&'static str> {
            grants
                .iter()
                .map(|grant| grant.permission.as_str())
                .collect()
        };
        let change =
            serde_json::json!({ "from": names(&grants_of(&before)?), "to": names(&grants) });
        diff.insert("grants".to_owned(), change);
        update = update.col_expr(
            role::Column::Grants,
            Expr::value(serde_json::to_string(&grants)?),
        );
    }
    let row = update.exec_with_returning(tx.on()).await?.pop();
    let row = row.ok_or(Error::NotFound("role"))?;
    tx.record_diff(Event::RoleChanged { role: id }, diff.into());
    tx.commit().await?;
    Ok(row)
}

/// Puts a role away. One that somebody has, or is invited into, stays; the answer says who.
#[tracing::instrument(skip_all, fields(role.id = %id))]
pub async fn archive_role(ctx: &Ctx, id: RoleId) -> Result<role::Model> {
    ctx.require(Permission::ManageRoles)?;
    let mut tx = ctx.begin().await?;
    let before = lock(&tx, id).await?;
    held(&tx, &Permissions::granted(grants_of(&before)?))?;
    refuse_used(&tx, id).await?;
    let row = tx
        .update::<role::Entity>()
        .col_expr(role::Column::ArchivedAt, Expr::value(Some(ctx.now())))
        .col_expr(role::Column::UpdatedAt, Expr::value(ctx.now()))
        .filter(role::Column::Id.eq(id))
        .filter(role::Column::ArchivedAt.is_null())
        .exec_with_returning(tx.on())
        .await?
        .pop();
    let row = row.ok_or_else(|| Error::conflict("the role is archived already"))?;
    tx.record(Event::RoleArchived { role: id });
    tx.commit().await?;
    Ok(row)
}

/// Locks a role that is in use, against being given and put away at once.
async fn lock(tx: &Tx<'_>, id: RoleId) -> Result<role::Model> {
    let row = tx
        .select::<role::Entity>()
        .filter(role::Column::Id.eq(id))
        .lock_exclusive()
        .one(tx.on())
        .await?
        .ok_or(Error::NotFound("role"))?;
    match row.archived_at {
        None => Ok(row),
        Some(_) => Err(Error::conflict("the role is archived already")),
    }
}

async fn refuse_used(tx: &Tx<'_>, id: RoleId) -> Result<()> {
    let holders = tx
        .select::<membership::Entity>()
        .filter(membership::Column::RoleId.eq(id))
        .filter(membership::Column::RemovedAt.is_null());
    let count = holders.clone().count(tx.on()).await?;
    if count > 0 {
        let ids = holders.order_by_asc(membership::Column::CreatedAt);
        let ids = ids.limit(NAMED).all(tx.on()).await?;
        let names: Vec<String> = user::Entity::find()
            .filter(user::Column::Id.is_in(ids.iter().map(|member| member.user_id)))
            .order_by_asc(user::Column::Name)
            .all(tx.on())
            .await?
            .into_iter()
            .map(|person| person.name)
            .collect();
        let more = match count.saturating_sub(names.len() as u64) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let names = names.join(", ");
        return Err(Error::conflict(format!(
            "{names}{more} have this role; give them another one first"
        )));
    }
    let invited = tx
        .select::<invitation::Entity>()
        .filter(invitation::Column::RoleId.eq(id))
        .filter(invitation::Column::AcceptedAt.is_null())
        .filter(invitation::Column::ExpiresAt.gt(tx.ctx().now()))
        .count(tx.on())
        .await?;
    match invited {
        0 => Ok(()),
        1 => Err(Error::conflict(
            "one person is invited into this role; cancel the invitation first",
        )),
        more => Err(Error::conflict(format!(
            "{more} people are invited into this role; cancel the invitations first"
        ))),
    }
}

async fn refuse_taken(tx: &Tx<'_>, name: &str, by_other_than: Option<RoleId>) -> Result<()> {
    let mut taken = tx
        .select::<role::Entity>()
        .filter(role::Column::Name.eq(name))
        .filter(role::Column::ArchivedAt.is_null());
    if let Some(id) = by_other_than {
        taken = taken.filter(role::Column::Id.ne(id));
    }
    match taken.one(tx.on()).await? {
        None => Ok(()),
        Some(_) => Err(Error::invalid("name", "is the name of another role")),
    }
}

fn checked_name(name: &str) -> Result<String> {
    let name = name.trim();
    if (1..=MAX_NAME).contains(&name.chars().count()) {
        Ok(name.to_owned())
    } else {
        Err(Error::invalid(
            "name",
            format!("1 to {MAX_NAME} characters are accepted"),
        ))
    }
}

/// Refuses grants that say something that would mean nothing.
fn checked(grants: Vec<Grant>) -> Result<Vec<Grant>> {
    if !(1..=MAX_GRANTS).contains(&grants.len()) {
        return Err(Error::invalid(
            "grants",
            format!("1 to {MAX_GRANTS} grants are accepted"),
        ));
    }
    let mut seen = HashSet::new();
    for (at, grant) in grants.iter().enumerate() {
        let refuse = |field: &str, message: &str| {
            Err(Error::invalid(format!("grants[{at}].{field}"), message))
        };
        let limited = grant.limit != Limit::default();
        if grant.permission == Permission::ManageTenant {
            return refuse("permission", "comes with ownership only");
        }
        if limited && !grant.permission.is_about_records() {
            return refuse(
                "permission",
                "is not about single records; it has no conditions",
            );
        }
        let projects = grant.limit.projects.as_ref();
        match grant.limit.scope {
            Scope::Project if projects.is_none_or(|keys| keys.is_empty()) => {
                return refuse("projects", "are needed in the scope PROJECT");
            }
            Scope::Org | Scope::Team if projects.is_some() => {
                return refuse("projects", "go with the scope PROJECT");
            }
            _ => {}
        }
        if projects.is_some_and(|keys| keys.len() > MAX_PROJECTS) {
            return refuse("projects", "are too many: at most 100 are accepted");
        }
        if grant
            .limit
            .amount_ceiling
            .is_some_and(|money| money.units < 0)
        {
            return refuse(
                "amountCeiling",
                "is negative; it counts whichever way money moved",
            );
        }
        if !limited && !seen.insert(grant.permission) {
            return refuse("permission", "is granted twice");
        }
    }
    Ok(grants)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(grant: Grant) -> String {
        checked(vec![grant]).unwrap_err().to_string()
    }

    #[test]
    fn grants_that_mean_nothing_are_refused() {
        let team = Limit {
            scope: Scope::Team,
            ..Limit::default()
        };
        let on = |permission, limit: &Limit| Grant {
            permission,
            limit: limit.clone(),
        };
        assert!(checked(vec![on(Permission::ReadRecords, &team)]).is_ok());
        assert!(refused(on(Permission::ReadRules, &team)).contains("no conditions"));
        assert!(refused(Grant::of(Permission::ManageTenant)).contains("ownership"));
        let nowhere = Limit {
            scope: Scope::Project,
            ..Limit::default()
        };
        assert!(refused(on(Permission::ReadRecords, &nowhere)).contains("projects"));
        assert!(checked(Vec::new()).is_err());
        let twice = vec![Grant::of(Permission::ReadRules); 2];
        assert!(checked(twice).is_err());
    }
}
