//! Roles as clients see them: those every tenant has, those of its own, and what each brings.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use async_graphql::dataloader::Loader;
use async_graphql::{Context, Enum, ID, InputObject, Object, SimpleObject};
use chrono::{DateTime, Utc};
use entity::{RoleId, role};

use super::accounts::currency;
use super::identity::Role;
use super::loader::OpLoader;
use super::node::{global, local};
use super::op::Op;
use super::payload::payloads;
use super::records::RecordStatus;
use super::scalar::{Decimal, Money};
use crate::error::{Error, Result};
use crate::identity;
use crate::money;
use crate::permission::{self, Limit, PRESETS, Permission, Scope};

/// Where a grant holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Enum)]
#[graphql(remote = "Scope")]
pub enum GrantScope {
    /// In the whole tenant.
    #[default]
    Org,
    /// In the projects that it names.
    Project,
    /// In the projects of the teams that the member is in.
    Team,
}

/// A permission, and on what it holds. All its conditions have to be met; of several grants of one permission, one is
/// enough.
#[derive(Clone, SimpleObject)]
#[graphql(serial)]
pub struct Grant {
    /// What it allows, as `resource:action`.
    pub permission: &'static str,
    /// Where it holds.
    pub scope: GrantScope,
    /// The largest amount, whichever way money moved; records in another currency are beyond it.
    pub amount_ceiling: Option<Money>,
    /// Only records of these projects, by their keys.
    pub projects: Option<Vec<String>>,
    /// Only records that the member brought in.
    pub own_records: bool,
    /// Only records in one of these states; in any state when empty.
    pub record_status: Vec<RecordStatus>,
}

impl From<permission::Grant> for Grant {
    fn from(grant: permission::Grant) -> Self {
        let limit = grant.limit;
        let ceiling = limit.amount_ceiling;
        Self {
            permission: grant.permission.as_str(),
            scope: limit.scope.into(),
            amount_ceiling: ceiling.map(|it| Money::of(it.units, it.currency.as_str())),
            projects: limit.projects.map(|keys| keys.into_iter().collect()),
            own_records: limit.own_records,
            record_status: limit.record_status.into_iter().map(Into::into).collect(),
        }
    }
}

/// A role that every tenant has.
#[derive(SimpleObject)]
#[graphql(serial)]
pub struct RolePreset {
    /// Which one.
    pub role: Role,
    /// What it is for.
    pub description: &'static str,
    /// What it brings.
    pub grants: Vec<Grant>,
}

/// A role of the tenant's own.
#[derive(Clone, SimpleObject)]
#[graphql(serial)]
pub struct CustomRole {
    /// Opaque global id.
    pub id: ID,
    /// What people call it.
    pub name: String,
    /// What it brings. In the scope TEAM the projects depend on the member.
    pub grants: Vec<Grant>,
    /// When it was put away.
    pub archived_at: Option<DateTime<Utc>>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}

impl TryFrom<role::Model> for CustomRole {
    type Error = Error;

    fn try_from(row: role::Model) -> Result<Self> {
        let grants = identity::grants_of(&row)?;
        Ok(Self {
            id: global("CustomRole", row.id),
            name: row.name,
            grants: grants.into_iter().map(Into::into).collect(),
            archived_at: row.archived_at,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

impl Loader<RoleId> for OpLoader {
    type Value = CustomRole;
    type Error = Arc<Error>;

    async fn load(&self, ids: &[RoleId]) -> Result<HashMap<RoleId, CustomRole>, Arc<Error>> {
        let found = identity::roles_by_ids(&self.ctx, ids).await;
        let found = found.map_err(Arc::new)?;
        let read = |row: role::Model| Ok((row.id, row.try_into().map_err(Arc::new)?));
        found.into_iter().map(read).collect()
    }
}

/// The roles there are.
#[derive(SimpleObject)]
#[graphql(serial)]
pub struct Roles {
    /// Those every tenant has.
    pub presets: Vec<RolePreset>,
    /// Those of the tenant's own, by name.
    pub custom: Vec<CustomRole>,
}

/// An amount of money to be read.
#[derive(InputObject)]
pub struct MoneyInput {
    /// The exact amount.
    pub amount: Decimal,
    /// ISO 4217 code.
    pub currency: String,
}

impl MoneyInput {
    /// The amount, given as input `field`.
    pub(super) fn read(&self, field: &str) -> Result<money::Money> {
        let code = currency("currency", &self.currency)
            .map_err(|error| Error::invalid(format!("{field}.currency"), reason(error)))?;
        money::Money::parse(&self.amount.0, code)
            .map_err(|error| Error::invalid(format!("{field}.amount"), error.to_string()))
    }
}

fn reason(error: Error) -> String {
    match error {
        Error::Invalid { message, .. } => message,
        other => other.to_string(),
    }
}

/// A permission to be granted. Conditions go with permissions about records: records:read, records:void,
/// approvals:read, approvals:decide and reports:read. What records:read leaves out is left out everywhere.
#[derive(InputObject)]
pub struct GrantInput {
    /// What it allows, as `resource:action`.
    pub permission: String,
    /// Where it holds.
    #[graphql(default)]
    pub scope: GrantScope,
    /// The largest amount, whichever way money moved; records in another currency are beyond it.
    pub amount_ceiling: Option<MoneyInput>,
    /// Only records of these projects, by their keys; with the scope PROJECT.
    pub projects: Option<Vec<String>>,
    /// Only records that the member brought in.
    #[graphql(default)]
    pub own_records: bool,
    /// Only records in one of these states.
    #[graphql(default)]
    pub record_status: Vec<RecordStatus>,
}

impl GrantInput {
    fn read(self, at: usize) -> Result<permission::Grant> {
        let known = self.permission.parse::<Permission>();
        let permission = known.map_err(|unknown| {
            Error::invalid(format!("grants[{at}].permission"), unknown.to_string())
        })?;
        let ceiling = self.amount_ceiling.as_ref();
        let amount_ceiling = ceiling
            .map(|money| money.read(&format!("grants[{at}].amountCeiling")))
            .transpose()?;
        let projects: Option<BTreeSet<String>> =
            self.projects.map(|keys| keys.into_iter().collect());
        Ok(permission::Grant {
            permission,
            limit: Limit {
                scope: self.scope.into(),
                amount_ceiling,
                projects,
                own_records: self.own_records,
                record_status: self.record_status.into_iter().map(Into::into).collect(),
            },
        })
    }
}

fn grants(inputs: Vec<GrantInput>) -> Result<Vec<permission::Grant>> {
    let inputs = inputs.into_iter().enumerate();
    inputs.map(|(at, input)| input.read(at)).collect()
}

/// A role to be made.
#[derive(InputObject)]
pub struct CreateRoleInput {
    /// What to call it.
    pub name: String,
    /// What it brings: nothing that you do not hold yourself.
    pub grants: Vec<GrantInput>,
}

/// What changes in a role, for everybody who has it. What is left out stays.
#[derive(InputObject)]
pub struct UpdateRoleInput {
    /// Which role.
    pub custom_role_id: ID,
    /// What to call it.
    pub name: Option<String>,
    /// What it brings, all of it: nothing that you do not hold yourself.
    pub grants: Option<Vec<GrantInput>>,
}

/// A role to put away.
#[derive(InputObject)]
pub struct ArchiveRoleInput {
    /// Which role.
    pub custom_role_id: ID,
}

payloads! {
    /// A role that was made.
    CreateRolePayload {
        /// The role.
        role: CustomRole
    },
    /// A role that was changed.
    UpdateRolePayload {
        /// The role.
        role: CustomRole
    },
    /// A role that was put away.
    ArchiveRolePayload {
        /// The role.
        role: CustomRole
    },
}

/// Questions about roles.
#[derive(Default)]
pub struct RolesQuery;

#[Object]
impl RolesQuery {
    /// The roles there are, and what each brings. Needs `members:read`.
    async fn roles(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "With those that were put away.", default)] archived: bool,
    ) -> Result<Roles> {
        let custom = identity::list_roles(ctx.op()?, archived).await?;
        let preset = |preset: &permission::Preset| RolePreset {
            role: preset.role.into(),
            description: preset.about,
            grants: told(&preset.permissions()),
        };
        Ok(Roles {
            presets: PRESETS.iter().map(preset).collect(),
            custom: custom
                .into_iter()
                .map(CustomRole::try_from)
                .collect::<Result<_>>()?,
        })
    }

    /// What you may do here, and on what. Needs a sign-in.
    async fn my_permissions(&self, ctx: &Context<'_>) -> Result<Vec<Grant>> {
        Ok(told(ctx.op()?.permissions()))
    }
}

fn told(permissions: &permission::Permissions) -> Vec<Grant> {
    permissions.grants().into_iter().map(Into::into).collect()
}

/// What is done with roles.
#[derive(Default)]
pub struct RolesMutation;

#[Object]
impl RolesMutation {
    /// Make a role of the tenant's own. Needs `roles:manage`; it brings nothing that you do not hold yourself.
    async fn create_role(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: CreateRoleInput,
    ) -> Result<CreateRolePayload> {
        let op = ctx.op()?;
        // who may not make roles is told so before what is wrong with this one
        op.require(Permission::ManageRoles)?;
        let made = async {
            let row = identity::create_role(op, &input.name, grants(input.grants)?).await?;
            CustomRole::try_from(row)
        };
        CreateRolePayload::of(made.await)
    }

    /// Change what a role is called and brings, for everybody who has it. Needs `roles:manage`; neither what it brought
    /// nor what it brings is more than you hold yourself.
    async fn update_role(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: UpdateRoleInput,
    ) -> Result<UpdateRolePayload> {
        let op = ctx.op()?;
        op.require(Permission::ManageRoles)?;
        let changed = async {
            let id = local("CustomRole", "customRoleId", &input.custom_role_id)?;
            let grants = input.grants.map(grants).transpose()?;
            let row = identity::update_role(op, id, input.name.as_deref(), grants).await?;
            CustomRole::try_from(row)
        };
        UpdateRolePayload::of(changed.await)
    }

    /// Put a role away. One that somebody has stays, and the answer says who. Needs `roles:manage`.
    async fn archive_role(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: ArchiveRoleInput,
    ) -> Result<ArchiveRolePayload> {
        let op = ctx.op()?;
        let archived = async {
            let id = local("CustomRole", "customRoleId", &input.custom_role_id)?;
            CustomRole::try_from(identity::archive_role(op, id).await?)
        };
        ArchiveRolePayload::of(archived.await)
    }
}
