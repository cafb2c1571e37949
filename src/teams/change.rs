//! Making teams, and changing who is in them and what they work on.

use std::collections::BTreeSet;

use entity::{ProjectId, TeamId, UserId, membership, project, team, team_member, team_project};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, PaginatorTrait, QueryFilter, QuerySelect};
use serde_json::json;

use crate::ctx::{Ctx, Event, Tx};
use crate::error::{Error, Result};
use crate::permission::Permission;

/// How many characters a name may have.
const MAX_NAME: usize = 100;
/// How many people and projects one call may add or take away, each.
const MAX_AT_ONCE: usize = 500;

/// What changes in a team.
#[derive(Clone, Debug, Default)]
pub struct TeamChange {
    /// What to call it; stays when absent.
    pub name: Option<String>,
    /// Who joins; somebody who is in it already stays.
    pub add_members: BTreeSet<UserId>,
    /// Who leaves.
    pub remove_members: BTreeSet<UserId>,
    /// What it works on, too.
    pub add_projects: BTreeSet<ProjectId>,
    /// What it does not work on any more.
    pub remove_projects: BTreeSet<ProjectId>,
}

/// Makes a team with the members and projects that are added.
#[tracing::instrument(skip_all)]
pub async fn create(ctx: &Ctx, change: TeamChange) -> Result<team::Model> {
    may(ctx)?;
    let row = team::Model {
        tenant_id: ctx.tenant(),
        id: ctx.id(),
        name: checked_name(change.name.as_deref().unwrap_or_default())?,
        archived_at: None,
        created_at: ctx.now(),
        updated_at: ctx.now(),
    };
    let mut tx = ctx.begin().await?;
    tx.insert(row.clone()).await?;
    move_in(&tx, row.id, &change).await?;
    tx.record_diff(Event::TeamCreated { team: row.id }, moved(&change));
    tx.commit().await?;
    Ok(row)
}

/// Changes a team. What its members may do in the scope TEAM follows at once.
#[tracing::instrument(skip_all, fields(team.id = %id))]
pub async fn update(ctx: &Ctx, id: TeamId, change: TeamChange) -> Result<team::Model> {
    may(ctx)?;
    let name = change.name.as_deref().map(checked_name).transpose()?;
    let mut tx = ctx.begin().await?;
    let mut update = tx
        .update::<team::Entity>()
        .col_expr(team::Column::UpdatedAt, Expr::value(ctx.now()))
        .filter(team::Column::Id.eq(id))
        .filter(team::Column::ArchivedAt.is_null());
    if let Some(name) = name {
        update = update.col_expr(team::Column::Name, Expr::value(name));
    }
    let row = update.exec_with_returning(tx.on()).await?.pop();
    let Some(row) = row else {
        return Err(gone(&tx, id).await?);
    };
    move_in(&tx, id, &change).await?;
    move_out(&tx, id, &change).await?;
    tx.record_diff(Event::TeamChanged { team: id }, moved(&change));
    tx.commit().await?;
    Ok(row)
}

/// Puts a team away: nobody holds anything because of it any more.
#[tracing::instrument(skip_all, fields(team.id = %id))]
pub async fn archive(ctx: &Ctx, id: TeamId) -> Result<team::Model> {
    may(ctx)?;
    let mut tx = ctx.begin().await?;
    let row = tx
        .update::<team::Entity>()
        .col_expr(team::Column::ArchivedAt, Expr::value(Some(ctx.now())))
        .col_expr(team::Column::UpdatedAt, Expr::value(ctx.now()))
        .filter(team::Column::Id.eq(id))
        .filter(team::Column::ArchivedAt.is_null())
        .exec_with_returning(tx.on())
        .await?
        .pop();
    let Some(row) = row else {
        return Err(gone(&tx, id).await?);
    };
    tx.record(Event::TeamArchived { team: id });
    tx.commit().await?;
    Ok(row)
}

/// Being in a team gives permissions; whoever has conditions on theirs could lift them this way.
fn may(ctx: &Ctx) -> Result<()> {
    ctx.require(Permission::ManageMembers)?;
    match ctx.permissions().is_limited() {
        false => Ok(()),
        true => Err(Error::OutOfReach(Permission::ManageMembers)),
    }
}

async fn gone(tx: &Tx<'_>, id: TeamId) -> Result<Error> {
    let there = tx
        .select::<team::Entity>()
        .filter(team::Column::Id.eq(id))
        .count(tx.on())
        .await?;
    Ok(match there {
        0 => Error::NotFound("team"),
        _ => Error::conflict("the team is archived already"),
    })
}

async fn move_in(tx: &Tx<'_>, id: TeamId, change: &TeamChange) -> Result<()> {
    for (field, size) in [
        ("userIds", change.add_members.len()),
        ("userIds", change.remove_members.len()),
        ("projectIds", change.add_projects.len()),
        ("projectIds", change.remove_projects.len()),
    ] {
        if size > MAX_AT_ONCE {
            return Err(Error::invalid(
                field,
                format!("at most {MAX_AT_ONCE} at once are accepted"),
            ));
        }
    }
    let members = tx
        .select::<membership::Entity>()
        .filter(membership::Column::UserId.is_in(change.add_members.iter().copied()))
        .filter(membership::Column::RemovedAt.is_null())
        .count(tx.on())
        .await?;
    if members != change.add_members.len() as u64 {
        return Err(Error::invalid(
            "userIds",
            "somebody is named who is no member; `members` lists those there are",
        ));
    }
    let projects = tx
        .select::<project::Entity>()
        .filter(project::Column::Id.is_in(change.add_projects.iter().copied()))
        .filter(project::Column::ArchivedAt.is_null())
        .lock_shared()
        .all(tx.on())
        .await?;
    if projects.len() != change.add_projects.len() {
        return Err(Error::invalid(
            "projectIds",
            "a project is named that does not exist or is archived; `projects` lists those there are",
        ));
    }
    let member = |user: &UserId| team_member::Model {
        tenant_id: tx.tenant(),
        team_id: id,
        user_id: *user,
    };
    tx.insert_new(change.add_members.iter().map(member).collect())
        .await?;
    let project = |project: &ProjectId| team_project::Model {
        tenant_id: tx.tenant(),
        team_id: id,
        project_id: *project,
    };
    tx.insert_new(change.add_projects.iter().map(project).collect())
        .await?;
    Ok(())
}

async fn move_out(tx: &Tx<'_>, id: TeamId, change: &TeamChange) -> Result<()> {
    tx.delete::<team_member::Entity>()
        .filter(team_member::Column::TeamId.eq(id))
        .filter(team_member::Column::UserId.is_in(change.remove_members.iter().copied()))
        .exec(tx.on())
        .await?;
    tx.delete::<team_project::Entity>()
        .filter(team_project::Column::TeamId.eq(id))
        .filter(team_project::Column::ProjectId.is_in(change.remove_projects.iter().copied()))
        .exec(tx.on())
        .await?;
    Ok(())
}

/// Who and what came and went.
fn moved(change: &TeamChange) -> serde_json::Value {
    json!({
        "user": { "from": change.remove_members, "to": change.add_members },
        "project": { "from": change.remove_projects, "to": change.add_projects },
    })
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
