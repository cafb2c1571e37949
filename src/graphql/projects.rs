//! Projects as clients see them.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::dataloader::Loader;
use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use chrono::{DateTime, Utc};
use entity::{ProjectId, project};

use super::loader::OpLoader;
use super::node::{global, local};
use super::op::Op;
use super::page::{Connection, as_of, asks, window};
use super::payload::payloads;
use crate::error::{Error, Result};
use crate::projects;

/// What records are worked on for. Records, rules and grants name it by its key.
#[derive(Clone, SimpleObject)]
#[graphql(serial)]
pub struct Project {
    /// Opaque global id.
    pub id: ID,
    /// How records, rules and grants name it; never changes.
    pub key: String,
    /// What people call it.
    pub name: String,
    /// When it was put away.
    pub archived_at: Option<DateTime<Utc>>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}

impl From<project::Model> for Project {
    fn from(row: project::Model) -> Self {
        Self {
            id: global("Project", row.id),
            key: row.key,
            name: row.name,
            archived_at: row.archived_at,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

impl Loader<ProjectId> for OpLoader {
    type Value = Project;
    type Error = Arc<Error>;

    async fn load(&self, ids: &[ProjectId]) -> Result<HashMap<ProjectId, Project>, Arc<Error>> {
        let found = projects::by_ids(&self.ctx, ids).await.map_err(Arc::new)?;
        Ok(found.into_iter().map(|row| (row.id, row.into())).collect())
    }
}

/// Which projects are wanted.
#[derive(InputObject, Default)]
pub struct ProjectFilter {
    /// Only those put away, or only those not.
    pub archived: Option<bool>,
}

/// A project to be made.
#[derive(InputObject)]
pub struct CreateProjectInput {
    /// What people call it.
    pub name: String,
    /// How records, rules and grants name it; its name when absent. It never changes.
    pub key: Option<String>,
}

/// A project and its new name.
#[derive(InputObject)]
pub struct RenameProjectInput {
    /// Which project.
    pub project_id: ID,
    /// What to call it.
    pub name: String,
}

/// A project to put away.
#[derive(InputObject)]
pub struct ArchiveProjectInput {
    /// Which project.
    pub project_id: ID,
}

/// A project to take out again.
#[derive(InputObject)]
pub struct RestoreProjectInput {
    /// Which project.
    pub project_id: ID,
}

payloads! {
    /// A project that was made.
    CreateProjectPayload {
        /// The project.
        project: Project
    },
    /// A project that was renamed.
    RenameProjectPayload {
        /// The project.
        project: Project
    },
    /// A project that was put away.
    ArchiveProjectPayload {
        /// The project.
        project: Project
    },
    /// A project that was taken out again.
    RestoreProjectPayload {
        /// The project.
        project: Project
    },
}

/// Questions about projects.
#[derive(Default)]
pub struct ProjectsQuery;

#[Object]
impl ProjectsQuery {
    /// One project. Needs `projects:read`.
    async fn project(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Its global id.")] id: ID,
    ) -> Result<Project> {
        let id = local("Project", "id", &id)?;
        Ok(projects::load(ctx.op()?, id).await?.into())
    }

    /// The projects by key. Needs `projects:read`.
    async fn projects(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which projects; all when left out.")] filter: Option<ProjectFilter>,
        #[graphql(desc = "How many from the start, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "The cursor to start after.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "The cursor to end before.")] before: Option<String>,
    ) -> Result<Connection<Project>> {
        let window = window(first, after, last, before)?;
        let filter = projects::ProjectFilter {
            archived: filter.unwrap_or_default().archived,
        };
        let op = ctx.op()?;
        let as_of = as_of(ctx).await?;
        let page = projects::list(op, &filter, &window).await?;
        let mut found = Connection::of(page, Project::from);
        found.as_of = as_of;
        if asks(ctx, "totalCount") {
            found.total_count = Some(projects::count(op, &filter).await? as i64);
        }
        Ok(found)
    }
}

/// What is done with projects.
#[derive(Default)]
pub struct ProjectsMutation;

#[Object]
impl ProjectsMutation {
    /// Make a project. Needs `projects:manage`.
    async fn create_project(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: CreateProjectInput,
    ) -> Result<CreateProjectPayload> {
        let made = projects::create(ctx.op()?, &input.name, input.key.as_deref());
        CreateProjectPayload::of(made.await)
    }

    /// Call a project something else; its key stays. Needs `projects:manage`.
    async fn rename_project(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: RenameProjectInput,
    ) -> Result<RenameProjectPayload> {
        let op = ctx.op()?;
        let renamed = async {
            let id = local("Project", "projectId", &input.project_id)?;
            projects::rename(op, id, &input.name).await
        };
        RenameProjectPayload::of(renamed.await)
    }

    /// Put a project away: nothing new is filed under it, and its records stay. Needs `projects:manage`.
    async fn archive_project(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: ArchiveProjectInput,
    ) -> Result<ArchiveProjectPayload> {
        let op = ctx.op()?;
        let archived = async {
            let id = local("Project", "projectId", &input.project_id)?;
            projects::archive(op, id).await
        };
        ArchiveProjectPayload::of(archived.await)
    }

    /// Take a project out again. Needs `projects:manage`.
    async fn restore_project(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: RestoreProjectInput,
    ) -> Result<RestoreProjectPayload> {
        let op = ctx.op()?;
        let restored = async {
            let id = local("Project", "projectId", &input.project_id)?;
            projects::restore(op, id).await
        };
        RestoreProjectPayload::of(restored.await)
    }
}
