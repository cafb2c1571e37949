//! Teams as clients see them.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::dataloader::Loader;
use async_graphql::{ComplexObject, Context, ID, InputObject, Object, SimpleObject};
use chrono::{DateTime, Utc};
use entity::{TeamId, team};

use super::identity::User;
use super::loader::{OpLoader, find};
use super::node::{global, local, local_all};
use super::op::Op;
use super::payload::payloads;
use super::projects::Project;
use crate::error::{Error, Result};
use crate::teams::{self, TeamChange};

/// People who work on the same projects. A grant in the scope TEAM holds in the projects of a member's teams.
#[derive(Clone, SimpleObject)]
#[graphql(complex, serial)]
pub struct Team {
    /// Opaque global id.
    pub id: ID,
    /// What people call it.
    pub name: String,
    /// When it was put away.
    pub archived_at: Option<DateTime<Utc>>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
    #[graphql(skip)]
    key: TeamId,
}

#[ComplexObject]
impl Team {
    /// Who is in it, by name.
    async fn members(&self, ctx: &Context<'_>) -> Result<Vec<User>> {
        Ok(find(ctx, MembersOf(self.key)).await?.unwrap_or_default())
    }

    /// What it works on, by key. Needs `projects:read`.
    async fn projects(&self, ctx: &Context<'_>) -> Result<Vec<Project>> {
        Ok(find(ctx, ProjectsOf(self.key)).await?.unwrap_or_default())
    }
}

impl From<team::Model> for Team {
    fn from(row: team::Model) -> Self {
        Self {
            id: global("Team", row.id),
            name: row.name,
            archived_at: row.archived_at,
            created_at: row.created_at,
            updated_at: row.updated_at,
            key: row.id,
        }
    }
}

/// Asks for the people of a team.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct MembersOf(TeamId);

/// Asks for the projects of a team.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct ProjectsOf(TeamId);

impl Loader<TeamId> for OpLoader {
    type Value = Team;
    type Error = Arc<Error>;

    async fn load(&self, ids: &[TeamId]) -> Result<HashMap<TeamId, Team>, Arc<Error>> {
        let found = teams::by_ids(&self.ctx, ids).await.map_err(Arc::new)?;
        Ok(found.into_iter().map(|row| (row.id, row.into())).collect())
    }
}

impl Loader<MembersOf> for OpLoader {
    type Value = Vec<User>;
    type Error = Arc<Error>;

    async fn load(&self, of: &[MembersOf]) -> Result<HashMap<MembersOf, Vec<User>>, Arc<Error>> {
        let ids: Vec<TeamId> = of.iter().map(|team| team.0).collect();
        let found = teams::members_of(&self.ctx, &ids).await.map_err(Arc::new)?;
        let users = |(team, people): (TeamId, Vec<_>)| {
            let users = people.into_iter().map(User::from).collect();
            (MembersOf(team), users)
        };
        Ok(found.into_iter().map(users).collect())
    }
}

impl Loader<ProjectsOf> for OpLoader {
    type Value = Vec<Project>;
    type Error = Arc<Error>;

    async fn load(
        &self,
        of: &[ProjectsOf],
    ) -> Result<HashMap<ProjectsOf, Vec<Project>>, Arc<Error>> {
        let ids: Vec<TeamId> = of.iter().map(|team| team.0).collect();
        let found = teams::projects_of(&self.ctx, &ids)
            .await
            .map_err(Arc::new)?;
        let projects = |(team, rows): (TeamId, Vec<_>)| {
            let projects = rows.into_iter().map(Project::from).collect();
            (ProjectsOf(team), projects)
        };
        Ok(found.into_iter().map(projects).collect())
    }
}

/// A team to be made.
#[derive(InputObject)]
pub struct CreateTeamInput {
    /// What to call it.
    pub name: String,
    /// Who is in it: ids of users, up to 500.
    #[graphql(default)]
    pub user_ids: Vec<ID>,
    /// What it works on: ids of projects, up to 500.
    #[graphql(default)]
    pub project_ids: Vec<ID>,
}

/// People and projects of a team.
#[derive(InputObject, Default)]
pub struct TeamMembershipInput {
    /// Ids of users, up to 500.
    #[graphql(default)]
    pub user_ids: Vec<ID>,
    /// Ids of projects, up to 500.
    #[graphql(default)]
    pub project_ids: Vec<ID>,
}

/// What changes in a team. What is left out stays.
#[derive(InputObject)]
pub struct UpdateTeamInput {
    /// Which team.
    pub team_id: ID,
    /// What to call it.
    pub name: Option<String>,
    /// Who joins, and what it works on, too.
    pub add: Option<TeamMembershipInput>,
    /// Who leaves, and what it does not work on any more.
    pub remove: Option<TeamMembershipInput>,
}

/// A team to put away.
#[derive(InputObject)]
pub struct ArchiveTeamInput {
    /// Which team.
    pub team_id: ID,
}

payloads! {
    /// A team that was made.
    CreateTeamPayload {
        /// The team.
        team: Team
    },
    /// A team that was changed.
    UpdateTeamPayload {
        /// The team.
        team: Team
    },
    /// A team that was put away.
    ArchiveTeamPayload {
        /// The team.
        team: Team
    },
}

/// Questions about teams.
#[derive(Default)]
pub struct TeamsQuery;

#[Object]
impl TeamsQuery {
    /// The teams by name. Needs `members:read`.
    async fn teams(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "With those that were put away.", default)] archived: bool,
    ) -> Result<Vec<Team>> {
        let found = teams::list(ctx.op()?, archived).await?;
        Ok(found.into_iter().map(Into::into).collect())
    }
}

/// What is done with teams.
#[derive(Default)]
pub struct TeamsMutation;

#[Object]
impl TeamsMutation {
    /// Make a team. Needs `members:manage`, and no conditions on your own permissions.
    async fn create_team(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: CreateTeamInput,
    ) -> Result<CreateTeamPayload> {
        let op = ctx.op()?;
        let made = async {
            let change = TeamChange {
                name: Some(input.name),
                add_members: ids("User", "userIds", &input.user_ids)?,
                add_projects: ids("Project", "projectIds", &input.project_ids)?,
                ..TeamChange::default()
            };
            teams::create(op, change).await
        };
        CreateTeamPayload::of(made.await)
    }

    /// Change a team: its name, who is in it and what it works on. Needs `members:manage`, and no conditions on your own
    /// permissions.
    async fn update_team(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: UpdateTeamInput,
    ) -> Result<UpdateTeamPayload> {
        let op = ctx.op()?;
        let changed = async {
            let id = local("Team", "teamId", &input.team_id)?;
            let add = input.add.unwrap_or_default();
            let remove = input.remove.unwrap_or_default();
            let change = TeamChange {
                name: input.name,
                add_members: ids("User", "add.userIds", &add.user_ids)?,
                remove_members: ids("User", "remove.userIds", &remove.user_ids)?,
                add_projects: ids("Project", "add.projectIds", &add.project_ids)?,
                remove_projects: ids("Project", "remove.projectIds", &remove.project_ids)?,
            };
            teams::update(op, id, change).await
        };
        UpdateTeamPayload::of(changed.await)
    }

    /// Put a team away: nobody holds anything because of it any more. Needs `members:manage`, and no conditions on your
    /// own permissions.
    async fn archive_team(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: ArchiveTeamInput,
    ) -> Result<ArchiveTeamPayload> {
        let op = ctx.op()?;
        let archived = async {
            let id = local("Team", "teamId", &input.team_id)?;
            teams::archive(op, id).await
        };
        ArchiveTeamPayload::of(archived.await)
    }
}

fn ids<T: From<uuid::Uuid> + Ord>(
    kind: &'static str,
    field: &'static str,
    ids: &[ID],
) -> Result<std::collections::BTreeSet<T>> {
    Ok(local_all(kind, field, ids)?.into_iter().collect())
}
