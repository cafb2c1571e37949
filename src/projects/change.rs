//! Making and changing projects.

use chrono::{DateTime, Utc};
use entity::{ProjectId, project};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, PaginatorTrait, QueryFilter};

use super::resolve;
use crate::ctx::{Ctx, Event, Tx};
use crate::error::{Error, Result};
use crate::permission::Permission;

/// How many characters a key or a name may have.
pub(super) const MAX: usize = 200;

/// Makes a project. Without a key of its own, its name is the key.
#[tracing::instrument(skip_all)]
pub async fn create(ctx: &Ctx, name: &str, key: Option<&str>) -> Result<project::Model> {
    ctx.require(Permission::ManageProjects)?;
    let name = checked("name", name)?;
    let key = match key {
        Some(key) => checked("key", key)?,
        None => name.clone(),
    };
    let mut tx = ctx.begin().await?;
    if let Some(same) = resolve::alike(&tx, &key).await? {
        return Err(Error::invalid(
            "key",
            format!("there is a project {} already", same.key),
        ));
    }
    let row = add(&mut tx, key, name).await?;
    tx.commit().await?;
    Ok(row)
}

/// Calls a project something else; its key stays.
pub async fn rename(ctx: &Ctx, id: ProjectId, name: &str) -> Result<project::Model> {
    ctx.require(Permission::ManageProjects)?;
    let name = checked("name", name)?;
    let mut tx = ctx.begin().await?;
    let row = tx
        .update::<project::Entity>()
        .col_expr(project::Column::Name, Expr::value(name))
        .col_expr(project::Column::UpdatedAt, Expr::value(ctx.now()))
        .filter(project::Column::Id.eq(id))
        .exec_with_returning(tx.on())
        .await?
        .pop();
    let row = row.ok_or(Error::NotFound("project"))?;
    tx.record(Event::ProjectRenamed { project: id });
    tx.commit().await?;
    Ok(row)
}

/// Puts a project away: nothing new is filed under it, and its records stay.
pub async fn archive(ctx: &Ctx, id: ProjectId) -> Result<project::Model> {
    put_away(ctx, id, true).await
}

/// Takes a project out again.
pub async fn restore(ctx: &Ctx, id: ProjectId) -> Result<project::Model> {
    put_away(ctx, id, false).await
}

async fn put_away(ctx: &Ctx, id: ProjectId, away: bool) -> Result<project::Model> {
    ctx.require(Permission::ManageProjects)?;
    let mut tx = ctx.begin().await?;
    let archived_at: Option<DateTime<Utc>> = away.then(|| ctx.now());
    let leaves = project::Column::ArchivedAt;
    let row = tx
        .update::<project::Entity>()
        .col_expr(project::Column::ArchivedAt, Expr::value(archived_at))
        .col_expr(project::Column::UpdatedAt, Expr::value(ctx.now()))
        .filter(project::Column::Id.eq(id))
        .filter(if away {
            leaves.is_null()
        } else {
            leaves.is_not_null()
        })
        .exec_with_returning(tx.on())
        .await?
        .pop();
    let Some(row) = row else {
        let there = tx
            .select::<project::Entity>()
            .filter(project::Column::Id.eq(id))
            .count(tx.on())
            .await?;
        return Err(match (there, away) {
            (0, _) => Error::NotFound("project"),
            (_, true) => Error::conflict("the project is archived already"),
            (_, false) => Error::conflict("the project is not archived"),
        });
    };
    tx.record(if away {
        Event::ProjectArchived { project: id }
    } else {
        Event::ProjectRestored { project: id }
    });
    tx.commit().await?;
    Ok(row)
}

pub(super) async fn add(tx: &mut Tx<'_>, key: String, name: String) -> Result<project::Model> {
    let now = tx.ctx().now();
    let row = project::Model {
        tenant_id: tx.tenant(),
        id: tx.ctx().id(),
        key,
        name,
        archived_at: None,
        created_at: now,
        updated_at: now,
    };
    tx.insert(row.clone()).await?;
    tx.record(Event::ProjectCreated { project: row.id });
    Ok(row)
}

fn checked(field: &'static str, text: &str) -> Result<String> {
    let text = text.trim();
    if (1..=MAX).contains(&text.chars().count()) {
        Ok(text.to_owned())
    } else {
        Err(Error::invalid(
            field,
            format!("1 to {MAX} characters are accepted"),
        ))
    }
}
