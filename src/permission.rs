//! What an actor may do, as `resource:action`, and which role brings what.

use entity::membership::Role;

macro_rules! permissions {
    ($($(#[$doc:meta])* $name:ident = $text:literal),* $(,)?) => {
        /// One thing an actor may do.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Permission {
            $($(#[$doc])* $name,)*
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
    /// Invite and remove members.
    ManageMembers = "members:manage",
    /// See and drive background work.
    ManageJobs = "jobs:manage",
    /// Change the tenant itself.
    ManageTenant = "tenant:manage",
}

impl std::fmt::Display for Permission {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A set of permissions, as small as it gets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Permissions(u64);

impl Permissions {
    /// None at all.
    pub const NONE: Self = Self(0);

    /// What a role brings.
    pub fn of(role: Role) -> Self {
        use Permission as P;
        match role {
            Role::Owner => Self::from_iter(P::ALL.iter().copied()),
            Role::Admin => {
                Self::from_iter(P::ALL.iter().copied().filter(|p| *p != P::ManageTenant))
            }
            Role::Reviewer => Self::from_iter([
                P::ReadRecords,
                P::ImportRecords,
                P::ReadApprovals,
                P::DecideApprovals,
                P::ReadRules,
                P::WriteRules,
                P::ReadAccounts,
                P::ReadConnections,
                P::ReadReports,
                P::CreateReports,
                P::ReadEvents,
                P::ReadMembers,
            ]),
            Role::Viewer => Self::from_iter([
                P::ReadRecords,
                P::ReadApprovals,
                P::ReadRules,
                P::ReadAccounts,
                P::ReadReports,
                P::ReadEvents,
                P::ReadMembers,
            ]),
        }
    }

    /// Everything: the system at work for a tenant.
    pub fn all() -> Self {
        Self::from_iter(Permission::ALL.iter().copied())
    }

    /// Whether it holds one.
    pub fn contains(self, permission: Permission) -> bool {
        self.0 & (1 << permission as u64) != 0
    }

    /// The permissions in it, in the order of their definition.
    pub fn iter(self) -> impl Iterator<Item = Permission> {
        Permission::ALL
            .iter()
            .copied()
            .filter(move |p| self.contains(*p))
    }
}

impl FromIterator<Permission> for Permissions {
    fn from_iter<I: IntoIterator<Item = Permission>>(permissions: I) -> Self {
        Self(
            permissions
                .into_iter()
                .fold(0, |set, p| set | 1 << p as u64),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_viewer_changes_nothing() {
        let viewer = Permissions::of(Role::Viewer);
        assert!(viewer.iter().all(|p| p.as_str().ends_with(":read")));
    }

    #[test]
    fn only_an_owner_manages_the_tenant() {
        assert!(Permissions::of(Role::Owner).contains(Permission::ManageTenant));
        assert!(!Permissions::of(Role::Admin).contains(Permission::ManageTenant));
    }
}
