//! What a member's role brings, and which roles somebody may give away.

use std::collections::BTreeSet;

use entity::membership::{self, Role};
use entity::{RoleId, project, role, team, team_member, team_project};
use sea_orm::sea_query::{Expr, ExprTrait, Query};
use sea_orm::{ColumnTrait, ConnectionTrait, FromQueryResult, QueryFilter, QuerySelect};

use crate::ctx::Tx;
use crate::error::{Error, Result};
use crate::permission::{Grant, Permission, Permissions};

/// A role that somebody has or is given: a preset, or one of the tenant's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RoleChoice {
    /// The preset; `Custom` for a role of the tenant's own.
    pub role: Role,
    /// The role of the tenant's own.
    pub custom: Option<RoleId>,
}

impl RoleChoice {
    /// The role of a member.
    pub fn of(member: &membership::Model) -> Self {
        Self {
            role: member.role,
            custom: member.role_id,
        }
    }
}

impl From<Role> for RoleChoice {
    fn from(role: Role) -> Self {
        Self { role, custom: None }
    }
}

/// What a member may do now: no statement for a preset, one for a role of the tenant's own. The connection carries the
/// tenant of the membership.
pub async fn permissions_of(
    on: &impl ConnectionTrait,
    member: &membership::Model,
) -> Result<Permissions> {
    let Some(id) = member.role_id.filter(|_| member.role == Role::Custom) else {
        return Ok(Permissions::of(member.role));
    };
    #[derive(FromQueryResult)]
    struct Row {
        grants: String,
        project: Option<String>,
    }
    let own = |tenant: Expr| tenant.eq(member.tenant_id);
    // the projects of the teams that the member is in, beside each other; none of it is another tenant's
    let projects = Query::select()
        .column((project::Entity, project::Column::Key))
        .from(team_member::Entity)
        .inner_join(
            team::Entity,
            Expr::col((team::Entity, team::Column::Id))
                .equals((team_member::Entity, team_member::Column::TeamId))
                .and(own(Expr::col((team::Entity, team::Column::TenantId))))
                .and(Expr::col((team::Entity, team::Column::ArchivedAt)).is_null()),
        )
        .inner_join(
            team_project::Entity,
            Expr::col((team_project::Entity, team_project::Column::TeamId))
                .equals((team_member::Entity, team_member::Column::TeamId))
                .and(own(Expr::col((
                    team_project::Entity,
                    team_project::Column::TenantId,
                )))),
        )
        .inner_join(
            project::Entity,
            Expr::col((project::Entity, project::Column::Id))
                .equals((team_project::Entity, team_project::Column::ProjectId))
                .and(own(Expr::col((project::Entity, project::Column::TenantId)))),
        )
        .and_where(team_member::Column::TenantId.eq(member.tenant_id))
        .and_where(team_member::Column::UserId.eq(member.user_id))
        .distinct()
        .take();
    let query = Query::select()
        .column((role::Entity, role::Column::Grants))
        .expr_as(Expr::col(("of_teams", project::Column::Key)), "project")
        .from(role::Entity)
        .join_subquery(
            sea_orm::JoinType::LeftJoin,
            projects,
            "of_teams",
            Expr::cust("1 = 1"),
        )
        .and_where(role::Column::TenantId.eq(member.tenant_id))
        .and_where(role::Column::Id.eq(id))
        .take();
    let rows = on.query_all(&query).await?;
    let rows: Vec<Row> = rows
        .iter()
        .map(|row| Row::from_query_result(row, ""))
        .collect::<Result<_, _>>()?;
    let Some(first) = rows.first() else {
        return Ok(Permissions::NONE);
    };
    let teams: BTreeSet<String> = rows.iter().filter_map(|row| row.project.clone()).collect();
    let grants: Vec<Grant> = serde_json::from_str(&first.grants)?;
    let resolved = grants.into_iter().map(|grant| Grant {
        limit: grant.limit.in_teams_of(&teams),
        ..grant
    });
    Ok(Permissions::granted(resolved))
}

/// Refuses a role that brings what the actor does not hold, or that does not exist. Only owners make owners. A role of
/// the tenant's own is locked: it cannot be put away while it is being given.
pub(super) async fn grantable(tx: &Tx<'_>, choice: RoleChoice) -> Result<()> {
    let brings = match (choice.role, choice.custom) {
        (Role::Owner, None) => {
            tx.ctx().require(Permission::ManageTenant)?;
            return Ok(());
        }
        (Role::Custom, Some(id)) => {
            let row = tx
                .select::<role::Entity>()
                .filter(role::Column::Id.eq(id))
                .filter(role::Column::ArchivedAt.is_null())
                .lock_exclusive()
                .one(tx.on())
                .await?;
            let row = row.ok_or_else(|| {
                Error::invalid(
                    "customRoleId",
                    "there is no such role, or it is archived; `roles` lists those there are",
                )
            })?;
            let grants: Vec<Grant> = serde_json::from_str(&row.grants)?;
            Permissions::granted(grants)
        }
        (Role::Custom, None) => {
            return Err(Error::invalid(
                "customRoleId",
                "is needed with the role CUSTOM: the id of a CustomRole",
            ));
        }
        (preset, None) => Permissions::of(preset),
        (_, Some(_)) => {
            return Err(Error::invalid(
                "customRoleId",
                "goes with the role CUSTOM; leave it out for one of the others",
            ));
        }
    };
    held(tx, &brings)
}

/// Refuses to give away what the actor does not hold.
pub(super) fn held(tx: &Tx<'_>, brings: &Permissions) -> Result<()> {
    match tx.ctx().permissions().lacks(brings) {
        None => Ok(()),
        Some(lacking) if tx.ctx().permissions().contains(lacking) => {
            Err(Error::OutOfReach(lacking))
        }
        Some(lacking) => Err(Error::Forbidden(lacking)),
    }
}
