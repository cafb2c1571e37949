//! What an actor may do, as `resource:action`, how far each of it reaches, and which role brings what.
//!
//! A small pure module: a decision is a look at values, and the same conditions are written as SQL where a list has to be
//! narrowed. `docs/decisions/0011` says why there is no policy engine.

mod limit;
mod preset;
mod set;

pub use limit::{Limit, Scope, Subject};
pub use preset::{PRESETS, Preset};
use serde::{Deserialize, Serialize};
pub use set::{Permissions, Reach};

macro_rules! permissions {
    ($($(#[doc = $doc:literal])* $name:ident = $text:literal),* $(,)?) => {
        /// One thing an actor may do.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub enum Permission {
            $($(#[doc = $doc])* $name,)*
        }

        impl Permission {
            /// Every permission there is.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// Its public name.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }

            /// What it allows, in a sentence.
            pub fn about(self) -> &'static str {
                match self {
                    $(Self::$name => concat!($($doc),*).trim_ascii(),)*
                }
            }
        }
    };
}

permissions! {
    /// See records and their decisions.
    ReadRecords = "records:read",
    /// Import files and rows.
    ImportRecords = "records:import",
    /// Take an import back, and drive failed records again.
    VoidRecords = "records:void",
    /// See the approval queue.
    ReadApprovals = "approvals:read",
    /// Approve, override, reject and reopen.
    DecideApprovals = "approvals:decide",
    /// See the rules.
    ReadRules = "rules:read",
    /// Make, change and order rules.
    WriteRules = "rules:write",
    /// See the chart of accounts and the bank accounts.
    ReadAccounts = "accounts:read",
    /// Change the chart of accounts and the bank accounts.
    WriteAccounts = "accounts:write",
    /// See connections.
    ReadConnections = "connections:read",
    /// Make, rotate and disable connections.
    ManageConnections = "connections:manage",
    /// See reports.
    ReadReports = "reports:read",
    /// File reports and take exports.
    CreateReports = "reports:create",
    /// Read the event log.
    ReadEvents = "events:read",
    /// See who belongs to the tenant.
    ReadMembers = "members:read",
    /// Invite and remove members, and make up teams.
    ManageMembers = "members:manage",
    /// Make and change roles of the tenant's own.
    ManageRoles = "roles:manage",
    /// See projects.
    ReadProjects = "projects:read",
    /// Make, rename and put away projects.
    ManageProjects = "projects:manage",
    /// Make service accounts, and make, rotate and revoke their API keys.
    ManageKeys = "keys:manage",
    /// See apps that speak GraphQL, their documents and how these are used.
    ReadClients = "clients:read",
    /// Make and change apps that speak GraphQL, and say what each may send.
    ManageClients = "clients:manage",
    /// Register and remove the documents of apps.
    RegisterDocuments = "documents:register",
    /// Read the audit log: who did what, and from where.
    ReadAudit = "audit:read",
    /// See and drive background work.
    ManageJobs = "jobs:manage",
    /// Change the tenant itself.
    ManageTenant = "tenant:manage",
}

impl Permission {
    /// Whether only people hold it: who belongs to the tenant, who holds a key to it and what becomes of it is not for a
    /// program to decide.
    pub fn is_for_people(self) -> bool {
        matches!(
            self,
            Self::ManageMembers
                | Self::ManageKeys
                | Self::ManageRoles
                | Self::ManageClients
                | Self::ManageTenant
        )
    }
}

impl std::fmt::Display for Permission {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for Permission {
    type Err = UnknownPermission;

    fn from_str(name: &str) -> Result<Self, UnknownPermission> {
        let all = Self::ALL.iter().copied();
        all.into_iter()
            .find(|permission| permission.as_str() == name)
            .ok_or(UnknownPermission)
    }
}

impl TryFrom<String> for Permission {
    type Error = UnknownPermission;

    fn try_from(name: String) -> Result<Self, UnknownPermission> {
        name.parse()
    }
}

impl From<Permission> for String {
    fn from(permission: Permission) -> Self {
        permission.as_str().to_owned()
    }
}

/// A name that no permission has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is no permission; `roles` tells which there are, such as approvals:decide")]
pub struct UnknownPermission;

impl Permission {
    /// Whether it is about single records, so that a grant of it can have conditions.
    pub fn is_about_records(self) -> bool {
        matches!(
            self,
            Self::ReadRecords
                | Self::VoidRecords
                | Self::ReadApprovals
                | Self::DecideApprovals
                | Self::ReadReports
        )
    }
}

/// A permission with how far it reaches.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// What it allows.
    pub permission: Permission,
    /// On what.
    #[serde(flatten)]
    pub limit: Limit,
}

impl Grant {
    /// A permission without any condition.
    pub fn of(permission: Permission) -> Self {
        Self {
            permission,
            limit: Limit::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_permission_is_known_by_its_public_name() {
        for permission in Permission::ALL {
            assert_eq!(permission.as_str().parse(), Ok(*permission));
            assert!(permission.about().ends_with('.'), "{permission}");
        }
        assert_eq!(
            "records:write".parse::<Permission>(),
            Err(UnknownPermission)
        );
        assert!(Permission::ALL.len() <= 64, "a set is one number");
    }

    #[test]
    fn a_grant_is_written_flat() {
        let text = r#"{"permission":"approvals:decide","scope":"PROJECT","projects":["fair"]}"#;
        let grant: Grant = serde_json::from_str(text).unwrap();
        assert_eq!(grant.permission, Permission::DecideApprovals);
        assert_eq!(serde_json::to_string(&grant).unwrap(), text);
    }
}
