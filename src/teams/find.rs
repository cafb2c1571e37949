//! Finding teams, who is in them and what they work on.

use std::collections::HashMap;

use entity::{ProjectId, TeamId, UserId, project, team, team_member, team_project, user};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};

use crate::ctx::Ctx;
use crate::error::Result;
use crate::identity::Person;
use crate::permission::Permission;

/// The teams by name; those put away only when asked for.
pub async fn list(ctx: &Ctx, archived: bool) -> Result<Vec<team::Model>> {
    ctx.require(Permission::ReadMembers)?;
    let read = ctx.read().await?;
    let mut teams = read.select::<team::Entity>();
    if !archived {
        teams = teams.filter(team::Column::ArchivedAt.is_null());
    }
    let order = teams
        .order_by_asc(team::Column::Name)
        .order_by_asc(team::Column::Id);
    Ok(order.all(read.on()).await?)
}

/// The teams of these ids, in no order; ids without a team are left out.
pub async fn by_ids(ctx: &Ctx, ids: &[TeamId]) -> Result<Vec<team::Model>> {
    ctx.require(Permission::ReadMembers)?;
    let read = ctx.read().await?;
    let teams = read
        .select::<team::Entity>()
        .filter(team::Column::Id.is_in(ids.iter().copied()));
    Ok(teams.all(read.on()).await?)
}

/// Who is in these teams.
#[expect(
    clippy::disallowed_methods,
    reason = "people belong to no tenant: those asked for are in a team of this one"
)]
pub async fn members_of(ctx: &Ctx, teams: &[TeamId]) -> Result<HashMap<TeamId, Vec<Person>>> {
    ctx.require(Permission::ReadMembers)?;
    let read = ctx.read().await?;
    let rows = read
        .select::<team_member::Entity>()
        .filter(team_member::Column::TeamId.is_in(teams.iter().copied()))
        .all(read.on())
        .await?;
    let people: HashMap<UserId, user::Model> = user::Entity::find()
        .filter(user::Column::Id.is_in(rows.iter().map(|row| row.user_id)))
        .all(read.on())
        .await?
        .into_iter()
        .map(|person| (person.id, person))
        .collect();
    let mut found: HashMap<TeamId, Vec<Person>> = teams.iter().map(|id| (*id, vec![])).collect();
    for row in rows {
        if let Some(person) = people.get(&row.user_id) {
            let team = found.entry(row.team_id).or_default();
            team.push(person.clone().into());
        }
    }
    for people in found.values_mut() {
        people.sort_unstable_by(|a, b| (&a.name, a.id).cmp(&(&b.name, b.id)));
    }
    Ok(found)
}

/// What these teams work on.
pub async fn projects_of(
    ctx: &Ctx,
    teams: &[TeamId],
) -> Result<HashMap<TeamId, Vec<project::Model>>> {
    ctx.require(Permission::ReadMembers)?;
    ctx.require(Permission::ReadProjects)?;
    let read = ctx.read().await?;
    let rows = read
        .select::<team_project::Entity>()
        .filter(team_project::Column::TeamId.is_in(teams.iter().copied()))
        .all(read.on())
        .await?;
    let projects: HashMap<ProjectId, project::Model> = read
        .select::<project::Entity>()
        .filter(project::Column::Id.is_in(rows.iter().map(|row| row.project_id)))
        .all(read.on())
        .await?
        .into_iter()
        .map(|project| (project.id, project))
        .collect();
    let mut found: HashMap<TeamId, Vec<project::Model>> =
        teams.iter().map(|id| (*id, vec![])).collect();
    for row in rows {
        if let Some(project) = projects.get(&row.project_id) {
            let team = found.entry(row.team_id).or_default();
            team.push(project.clone());
        }
    }
    for projects in found.values_mut() {
        projects.sort_unstable_by(|a, b| a.key.cmp(&b.key));
    }
    Ok(found)
}
