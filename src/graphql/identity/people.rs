//! The people of a tenant: who asks, who belongs to it, and who was invited.

use async_graphql::{Enum, ID, SimpleObject};
use chrono::{DateTime, Utc};
use entity::membership;

use crate::graphql::node::global;
use crate::identity;
use crate::permission::{Permission, Permissions};

/// What a member may do, as a named preset of permissions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "membership::Role")]
pub enum Role {
    /// Everything, and the tenant itself.
    Owner,
    /// Everything but ownership.
    Admin,
    /// Works the approval queue, the rules and the imports.
    Reviewer,
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
}

/// The person who asks, in the tenant they ask for.
#[derive(SimpleObject)]
#[graphql(serial)]
pub struct Viewer {
    /// Who is signed in.
    pub user: User,
    /// For which tenant.
    pub tenant: Tenant,
    /// Their role there.
    pub role: Role,
    /// What that role allows, as `resource:action`.
    pub permissions: Vec<&'static str>,
}

impl From<identity::Viewer> for Viewer {
    fn from(viewer: identity::Viewer) -> Self {
        Self {
            user: viewer.user.into(),
            tenant: Tenant {
                id: global("Tenant", viewer.tenant.id),
                name: viewer.tenant.name,
                base_currency: viewer.tenant.base_currency,
            },
            role: viewer.role.into(),
            permissions: Permissions::of(viewer.role)
                .iter()
                .map(Permission::as_str)
                .collect(),
        }
    }
}

/// A person in the tenant.
#[derive(SimpleObject)]
#[graphql(serial)]
pub struct Member {
    /// Who.
    pub user: User,
    /// What they may do.
    pub role: Role,
    /// When they joined.
    pub joined_at: DateTime<Utc>,
}

impl From<identity::Member> for Member {
    fn from(member: identity::Member) -> Self {
        Self {
            user: member.person.into(),
            role: member.role.into(),
            joined_at: member.joined_at,
        }
    }
}

/// An invitation that waits for its answer.
#[derive(SimpleObject)]
#[graphql(serial)]
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
}

impl From<identity::Invitation> for Invitation {
    fn from(invitation: identity::Invitation) -> Self {
        Self {
            id: global("Invitation", invitation.id),
            email: invitation.email,
            role: invitation.role.into(),
            created_at: invitation.created_at,
            expires_at: invitation.expires_at,
        }
    }
}
