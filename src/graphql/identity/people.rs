//! The people of a tenant: who asks, who belongs to it, and who was invited.

use async_graphql::{ComplexObject, Context, Enum, ID, SimpleObject};
use chrono::{DateTime, Utc};
use entity::{RoleId, membership, tenant};

use crate::approvals::{self, About};
use crate::error::{Error, Result};
use crate::graphql::loader::find;
use crate::graphql::node::{global, split};
use crate::graphql::op::Op;
use crate::graphql::roles::CustomRole;
use crate::identity;
use crate::permission::Permission;

/// What a member may do, as a named preset of permissions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "membership::Role")]
pub enum Role {
    /// Everything, and the tenant itself.
    Owner,
    /// Everything but ownership.
    Admin,
    /// Runs the books: everything about money, nothing about people.
    Manager,
    /// Works the approval queue, the rules and the imports.
    Reviewer,
    /// Brings records in, follows what becomes of them, and asks for reports.
    User,
    /// What a role of the tenant's own brings.
    Custom,
    /// Buys on a marketplace: sees the records that they brought in.
    Buyer,
    /// Sells on a marketplace: brings records in, and sees those.
    Seller,
    /// Resolves disputes: sees records and decides what waits, and nothing else.
    Resolver,
    /// Watches: sees records, the approval queue and the log, and changes nothing.
    Guard,
    /// Reads.
    Viewer,
}

/// A person.
#[derive(Clone, SimpleObject)]
#[graphql(serial)]
pub struct User {
    /// Opaque global id.
    pub id: ID,
    /// What to call them.
    pub name: String,
    /// Their address.
    pub email: String,
}

impl From<identity::Person> for User {
    fn from(person: identity::Person) -> Self {
        Self {
            id: global("User", person.id),
            name: person.name,
            email: person.email,
        }
    }
}

/// A company whose books are kept.
#[derive(Clone, SimpleObject)]
#[graphql(serial)]
pub struct Tenant {
    /// Opaque global id.
    pub id: ID,
    /// Its name.
    pub name: String,
    /// ISO 4217 code of the currency its reports default to.
    pub base_currency: String,
    /// What it has subscribed to.
    pub subscription_tier: SubscriptionTier,
}

/// What a tenant has subscribed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "tenant::SubscriptionTier")]
pub enum SubscriptionTier {
    /// Nothing.
    Free,
    /// The books of one company.
    Standard,
    /// Everything there is.
    Premium,
}

impl From<tenant::Model> for Tenant {
    fn from(row: tenant::Model) -> Self {
        Self {
            id: global("Tenant", row.id),
            name: row.name,
            base_currency: row.base_currency,
            subscription_tier: row.subscription_tier.into(),
        }
    }
}

/// The person who asks, in the tenant they ask for.
#[derive(SimpleObject)]
#[graphql(complex, serial)]
pub struct Viewer {
    /// Who is signed in.
    pub user: User,
    /// For which tenant.
    pub tenant: Tenant,
    /// Their role there.
    pub role: Role,
    /// What that role allows, as `resource:action`; `myPermissions` tells on what.
    pub permissions: Vec<&'static str>,
    #[graphql(skip)]
    custom: Option<RoleId>,
}

#[ComplexObject]
impl Viewer {
    /// Whether they may do something, such as approvals:decide; to one record or approval, if one is named. False for
    /// what they do not see.
    async fn can(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What, as `resource:action`.")] action: String,
        #[graphql(desc = "To which record or approval.")] subject_id: Option<ID>,
    ) -> Result<bool> {
        let known = action.parse::<Permission>();
        let permission = known.map_err(|unknown| Error::invalid("action", unknown.to_string()))?;
        let about = match subject_id.as_ref().map(|id| (split(id), id)) {
            None => None,
            Some((Some((kind, id)), _)) if kind == "Record" => Some(About::Record(id.into())),
            Some((Some((kind, id)), _)) if kind == "Approval" => Some(About::Approval(id.into())),
            Some(_) => {
                return Err(Error::invalid(
                    "subjectId",
                    "is neither the id of a Record nor of an Approval",
                ));
            }
        };
        approvals::can(ctx.op()?, permission, about).await
    }

    /// The role of the tenant's own, when theirs is CUSTOM. Needs `members:read`.
    async fn custom_role(&self, ctx: &Context<'_>) -> Result<Option<CustomRole>> {
        match self.custom {
            Some(role) => find(ctx, role).await,
            None => Ok(None),
        }
    }
}

impl From<identity::Viewer> for Viewer {
    fn from(viewer: identity::Viewer) -> Self {
        Self {
            user: viewer.user.into(),
            tenant: viewer.tenant.into(),
            role: viewer.role.into(),
            permissions: viewer.permissions.iter().map(Permission::as_str).collect(),
            custom: viewer.custom_role,
        }
    }
}

/// A person in the tenant.
#[derive(SimpleObject)]
#[graphql(complex, serial)]
pub struct Member {
    /// Who.
    pub user: User,
    /// What they may do.
    pub role: Role,
    /// When they joined.
    pub joined_at: DateTime<Utc>,
    #[graphql(skip)]
    custom: Option<RoleId>,
}

#[ComplexObject]
impl Member {
    /// The role of the tenant's own, when theirs is CUSTOM.
    async fn custom_role(&self, ctx: &Context<'_>) -> Result<Option<CustomRole>> {
        match self.custom {
            Some(role) => find(ctx, role).await,
            None => Ok(None),
        }
    }
}

impl From<identity::Member> for Member {
    fn from(member: identity::Member) -> Self {
        Self {
            user: member.person.into(),
            role: member.role.into(),
            custom: member.custom_role,
            joined_at: member.joined_at,
        }
    }
}

/// An invitation that waits for its answer.
#[derive(SimpleObject)]
#[graphql(complex, serial)]
pub struct Invitation {
    /// Opaque global id.
    pub id: ID,
    /// Whom it is for.
    pub email: String,
    /// What they become.
    pub role: Role,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When its link stops working.
    pub expires_at: DateTime<Utc>,
    #[graphql(skip)]
    custom: Option<RoleId>,
}

#[ComplexObject]
impl Invitation {
    /// The role of the tenant's own, when what they become is CUSTOM. Needs `members:read`.
    async fn custom_role(&self, ctx: &Context<'_>) -> Result<Option<CustomRole>> {
        match self.custom {
            Some(role) => find(ctx, role).await,
            None => Ok(None),
        }
    }
}

impl From<identity::Invitation> for Invitation {
    fn from(invitation: identity::Invitation) -> Self {
        Self {
            id: global("Invitation", invitation.id),
            email: invitation.email,
            role: invitation.role.into(),
            custom: invitation.custom_role,
            created_at: invitation.created_at,
            expires_at: invitation.expires_at,
        }
    }
}
