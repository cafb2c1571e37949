//! The roles that every tenant has, and what each brings.

use std::sync::LazyLock;

use entity::membership::Role;

use super::{Grant, Limit, Permission as P, Permissions};

/// A role that every tenant has.
pub struct Preset {
    /// Which one.
    pub role: Role,
    /// What it is for, in a sentence.
    pub about: &'static str,
    /// What it brings.
    brings: Brings,
}

enum Brings {
    Everything,
    AllBut(&'static [P]),
    These(&'static [P]),
    /// These, of records that the member brought in.
    Own(&'static [P]),
}

/// The roles that every tenant has, the mightiest first.
pub const PRESETS: &[Preset] = &[
    Preset {
        role: Role::Owner,
        about: "Everything, and the tenant itself.",
        brings: Brings::Everything,
    },
    Preset {
        role: Role::Admin,
        about: "Everything but ownership.",
        brings: Brings::AllBut(&[P::ManageTenant]),
    },
    Preset {
        role: Role::Manager,
        about: "Runs the books: everything about money, nothing about people.",
        brings: Brings::These(&[
            P::ReadRecords,
            P::ImportRecords,
            P::VoidRecords,
            P::ReadApprovals,
            P::DecideApprovals,
            P::ReadRules,
            P::WriteRules,
            P::ReadAccounts,
            P::WriteAccounts,
            P::ReadConnections,
            P::ManageConnections,
            P::ReadReports,
            P::CreateReports,
            P::ReadEvents,
            P::ReadMembers,
            P::ReadProjects,
            P::ManageProjects,
        ]),
    },
    Preset {
        role: Role::Reviewer,
        about: "Works the approval queue, the rules and the imports.",
        brings: Brings::These(&[
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
            P::ReadProjects,
        ]),
    },
    Preset {
        role: Role::User,
        about: "Brings records in, follows what becomes of them, and asks for reports.",
        brings: Brings::These(&[
            P::ReadRecords,
            P::ImportRecords,
            P::ReadApprovals,
            P::ReadRules,
            P::ReadAccounts,
            P::ReadReports,
            P::CreateReports,
            P::ReadEvents,
            P::ReadMembers,
            P::ReadProjects,
        ]),
    },
    Preset {
        role: Role::Viewer,
        about: "Reads.",
        brings: Brings::These(&[
            P::ReadRecords,
            P::ReadApprovals,
            P::ReadRules,
            P::ReadAccounts,
            P::ReadReports,
            P::ReadEvents,
            P::ReadMembers,
            P::ReadProjects,
        ]),
    },
    Preset {
        role: Role::Buyer,
        about: "Buys on a marketplace: sees the records that they brought in.",
        brings: Brings::Own(&[P::ReadRecords]),
    },
    Preset {
        role: Role::Seller,
        about: "Sells on a marketplace: brings records in, and sees those.",
        brings: Brings::Own(&[P::ReadRecords, P::ImportRecords, P::ReadAccounts]),
    },
    Preset {
        role: Role::Resolver,
        about: "Resolves disputes: sees records and decides what waits, and nothing else.",
        brings: Brings::These(&[
            P::ReadRecords,
            P::ReadApprovals,
            P::DecideApprovals,
            P::ReadAccounts,
        ]),
    },
    Preset {
        role: Role::Guard,
        about: "Watches: sees records, the approval queue and the log, and changes nothing.",
        brings: Brings::These(&[P::ReadRecords, P::ReadApprovals, P::ReadEvents]),
    },
];

impl Preset {
    /// What it brings.
    pub fn permissions(&self) -> Permissions {
        let all = P::ALL.iter().copied();
        match self.brings {
            Brings::Everything => Permissions::all(),
            Brings::AllBut(but) => all.filter(|p| !but.contains(p)).collect(),
            Brings::These(these) => these.iter().copied().collect(),
            Brings::Own(these) => Permissions::granted(these.iter().map(|&permission| Grant {
                permission,
                limit: Limit {
                    own_records: permission.is_about_records(),
                    ..Limit::default()
                },
            })),
        }
    }
}

static OF_ROLES: LazyLock<Vec<(Role, Permissions)>> = LazyLock::new(|| {
    let presets = PRESETS.iter();
    presets.map(|it| (it.role, it.permissions())).collect()
});

impl Permissions {
    /// What a preset brings; nothing for a role of a tenant's own, which has to be looked up.
    pub fn of(role: Role) -> Self {
        let preset = OF_ROLES.iter().find(|(preset, _)| *preset == role);
        preset.map_or(Self::NONE, |(_, permissions)| permissions.clone())
    }
}

#[cfg(test)]
mod tests {
    use sea_orm::Iterable;

    use super::*;

    #[test]
    fn every_role_but_a_custom_one_is_a_preset() {
        for role in Role::iter() {
            let preset = PRESETS.iter().filter(|preset| preset.role == role).count();
            assert_eq!(preset, usize::from(role != Role::Custom), "{role:?}");
        }
        assert_eq!(Permissions::of(Role::Custom), Permissions::NONE);
    }

    #[test]
    fn those_who_watch_change_nothing() {
        for role in [Role::Viewer, Role::Guard, Role::Buyer] {
            let held = Permissions::of(role);
            assert!(
                held.iter().all(|p| p.as_str().ends_with(":read")),
                "{role:?}"
            );
        }
    }

    #[test]
    fn only_an_owner_manages_the_tenant() {
        for preset in PRESETS {
            let manages = preset.permissions().contains(P::ManageTenant);
            assert_eq!(manages, preset.role == Role::Owner, "{:?}", preset.role);
        }
    }

    #[test]
    fn nobody_but_owner_and_admin_gives_permissions_away() {
        for preset in PRESETS {
            let held = preset.permissions();
            let gives = held.contains(P::ManageMembers) || held.contains(P::ManageRoles);
            assert_eq!(gives, matches!(preset.role, Role::Owner | Role::Admin));
        }
    }
}
