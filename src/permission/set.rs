//! What an actor holds: a set of permissions, and how far each reaches.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use entity::UserId;
use sea_orm::Condition;

use super::{Grant, Limit, Permission, Subject};

/// What an actor holds. Cheap to clone: a number, and a shared list where something is limited.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Permissions {
    held: u64,
    /// The limits of what is held with limits only; any one of a permission's is enough.
    limits: Option<Arc<Vec<Grant>>>,
}

impl Permissions {
    /// None at all.
    pub const NONE: Self = Self {
        held: 0,
        limits: None,
    };

    /// Everything: the system at work for a tenant.
    pub fn all() -> Self {
        Self::from_iter(Permission::ALL.iter().copied())
    }

    /// What grants bring together: a permission that is granted twice reaches what either reaches.
    pub fn granted(grants: impl IntoIterator<Item = Grant>) -> Self {
        let (mut held, mut free, mut limits) = (0, 0, Vec::new());
        for grant in grants {
            held |= bit(grant.permission);
            if grant.limit.is_none() {
                free |= bit(grant.permission);
            } else {
                limits.push(grant);
            }
        }
        limits.retain(|grant| free & bit(grant.permission) == 0);
        Self {
            held,
            limits: (!limits.is_empty()).then(|| Arc::new(limits)),
        }
    }

    /// Whether it holds one at all.
    pub fn contains(&self, permission: Permission) -> bool {
        self.held & bit(permission) != 0
    }

    /// The permissions in it, in the order of their definition.
    pub fn iter(&self) -> impl Iterator<Item = Permission> {
        let held = self.held;
        let all = Permission::ALL.iter().copied();
        all.filter(move |permission| held & bit(*permission) != 0)
    }

    /// Everything in it with how far it reaches, in the order of definition; several for one permission add up.
    pub fn grants(&self) -> Vec<Grant> {
        let grants = |permission| {
            let mut limited: Vec<Grant> = self.limits(permission).cloned().collect();
            if limited.is_empty() {
                limited.push(Grant::of(permission));
            }
            limited
        };
        self.iter().flat_map(grants).collect()
    }

    /// Whether any of it is limited.
    pub fn is_limited(&self) -> bool {
        self.limits.is_some()
    }

    /// The same, of these permissions only: what a key made for less may do.
    #[must_use]
    pub fn narrowed_to(&self, permissions: &Self) -> Self {
        let held = self.held & permissions.held;
        let both = |grants: &Arc<Vec<Grant>>| {
            let kept = grants
                .iter()
                .filter(|grant| held & bit(grant.permission) != 0);
            kept.cloned().collect::<Vec<_>>()
        };
        let limits = self.limits.as_ref().map(both).unwrap_or_default();
        Self {
            held,
            limits: (!limits.is_empty()).then(|| Arc::new(limits)),
        }
    }

    /// The first permission that another set holds and this one does not, or does not hold as far.
    pub fn lacks(&self, other: &Self) -> Option<Permission> {
        other.iter().find(|permission| {
            if !self.contains(*permission) {
                return true;
            }
            let mut mine = self.limits(*permission).peekable();
            if mine.peek().is_none() {
                return false;
            }
            let mine: Vec<&Limit> = mine.map(|grant| &grant.limit).collect();
            let mut theirs = other.limits(*permission).peekable();
            theirs.peek().is_none()
                || theirs.any(|their| !mine.iter().any(|mine| their.limit.within(mine)))
        })
    }

    /// Which records an actor reaches with a permission. Whoever sees some records only does nothing with others.
    pub fn reach(&self, permission: Permission, who: Option<UserId>) -> Reach {
        let mut all_of = Vec::new();
        if self.limits.is_some() {
            let mut asked = vec![Permission::ReadRecords];
            if permission != Permission::ReadRecords {
                asked.push(permission);
            }
            for permission in asked {
                let limits: Vec<Limit> = self.limits(permission).map(|g| g.limit.clone()).collect();
                if !limits.is_empty() {
                    all_of.push(limits);
                }
            }
        }
        Reach { all_of, who }
    }

    fn limits(&self, permission: Permission) -> impl Iterator<Item = &Grant> {
        let grants = self.limits.iter().flat_map(|grants| grants.iter());
        grants.filter(move |grant| grant.permission == permission)
    }
}

impl Hash for Permissions {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // the limits tell equal sets apart no further
        self.held.hash(state);
    }
}

impl FromIterator<Permission> for Permissions {
    fn from_iter<I: IntoIterator<Item = Permission>>(permissions: I) -> Self {
        Self {
            held: permissions.into_iter().fold(0, |set, p| set | bit(p)),
            limits: None,
        }
    }
}

fn bit(permission: Permission) -> u64 {
    1 << permission as u64
}

/// Which records somebody reaches: for each permission that is limited, one of its limits has to be met.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    all_of: Vec<Vec<Limit>>,
    who: Option<UserId>,
}

impl Reach {
    /// Every record, whoever asks.
    pub const EVERYTHING: Self = Self {
        all_of: Vec::new(),
        who: None,
    };

    /// Whether it leaves nothing out.
    pub fn is_everything(&self) -> bool {
        self.all_of.is_empty()
    }

    /// Whether a record is in it.
    pub fn covers(&self, subject: &Subject<'_>) -> bool {
        let met = |limits: &Vec<Limit>| limits.iter().any(|l| l.reaches(subject, self.who));
        self.all_of.iter().all(met)
    }

    /// The same in the words of the database, on the columns of `record`; none when it is everything.
    pub fn condition(&self) -> Option<Condition> {
        if self.is_everything() {
            return None;
        }
        let one = |limits: &Vec<Limit>| {
            let each = limits.iter().map(|limit| limit.condition(self.who));
            each.fold(Condition::any(), Condition::add)
        };
        Some(
            self.all_of
                .iter()
                .map(one)
                .fold(Condition::all(), Condition::add),
        )
    }

    /// How it is kept with what was made of it; `None` for everything.
    pub fn stored(&self) -> Option<String> {
        let limits = (!self.is_everything()).then_some(&self.all_of);
        limits.map(|limits| serde_json::to_string(limits).expect("limits are JSON"))
    }

    /// Reads what was kept, for the person it was kept for.
    pub fn restore(stored: Option<&str>, who: Option<UserId>) -> serde_json::Result<Self> {
        let Some(stored) = stored else {
            return Ok(Self::EVERYTHING);
        };
        let all_of = serde_json::from_str(stored)?;
        Ok(Self { all_of, who })
    }
}

#[cfg(test)]
mod tests {
    use entity::record;

    use super::*;
    use crate::money::{Currency, Money, SCALE};
    use crate::permission::Scope;

    fn ceiling(permission: Permission, whole: i64) -> Grant {
        Grant {
            permission,
            limit: Limit {
                amount_ceiling: Some(Money::new(whole * SCALE, Currency::EUR)),
                ..Limit::default()
            },
        }
    }

    fn project(permission: Permission, key: &str) -> Grant {
        Grant {
            permission,
            limit: Limit {
                scope: Scope::Project,
                projects: Some([key.to_owned()].into()),
                ..Limit::default()
            },
        }
    }

    fn subject(whole: i64, project: &'static str) -> Subject<'static> {
        Subject {
            amount: whole * SCALE,
            currency: "EUR",
            project: Some(project),
            status: record::Status::Processed,
            created_by: None,
        }
    }

    const READ: Permission = Permission::ReadRecords;
    const DECIDE: Permission = Permission::DecideApprovals;

    #[test]
    fn grants_of_one_permission_add_up() {
        let held = Permissions::granted([ceiling(DECIDE, 100), project(DECIDE, "fair")]);
        let reach = held.reach(DECIDE, None);
        assert!(reach.covers(&subject(100, "house")));
        assert!(reach.covers(&subject(5_000, "fair")));
        assert!(!reach.covers(&subject(5_000, "house")));
        let free = Permissions::granted([ceiling(DECIDE, 100), Grant::of(DECIDE)]);
        assert!(free.reach(DECIDE, None).is_everything());
        assert!(!free.is_limited());
    }

    #[test]
    fn what_is_not_seen_is_not_decided() {
        let held = Permissions::granted([project(READ, "fair"), Grant::of(DECIDE)]);
        let reach = held.reach(DECIDE, None);
        assert!(reach.covers(&subject(1, "fair")));
        assert!(!reach.covers(&subject(1, "house")));
        let both = Permissions::granted([project(READ, "fair"), ceiling(DECIDE, 10)]);
        assert!(!both.reach(DECIDE, None).covers(&subject(11, "fair")));
        assert!(both.reach(READ, None).covers(&subject(11, "fair")));
    }

    #[test]
    fn nobody_covers_more_than_they_hold() {
        let mine = Permissions::granted([Grant::of(READ), ceiling(DECIDE, 100)]);
        let less = Permissions::granted([ceiling(READ, 1), ceiling(DECIDE, 50)]);
        assert_eq!(mine.lacks(&less), None);
        assert_eq!(less.lacks(&mine), Some(READ));
        assert_eq!(
            mine.lacks(&Permissions::granted([Grant::of(DECIDE)])),
            Some(DECIDE)
        );
        let more = Permissions::granted([ceiling(DECIDE, 50), ceiling(DECIDE, 500)]);
        assert_eq!(
            mine.lacks(&more),
            Some(DECIDE),
            "each of them has to be covered"
        );
        assert_eq!(mine.lacks(&Permissions::all()), Some(Permission::ALL[1]));
        assert_eq!(Permissions::all().lacks(&mine), None);
    }

    #[test]
    fn what_is_narrowed_keeps_its_limits() {
        let mine = Permissions::granted([Grant::of(READ), ceiling(DECIDE, 100)]);
        let key = mine.narrowed_to(&Permissions::from_iter([DECIDE, Permission::ManageTenant]));
        assert_eq!(key.iter().collect::<Vec<_>>(), [DECIDE]);
        assert!(!key.reach(DECIDE, None).covers(&subject(101, "fair")));
        assert!(
            !mine
                .narrowed_to(&Permissions::from_iter([READ]))
                .is_limited()
        );
    }

    #[test]
    fn a_reach_reads_back_what_was_stored() {
        let held = Permissions::granted([project(READ, "fair")]);
        let reach = held.reach(READ, None);
        let stored = reach.stored();
        assert_eq!(Reach::restore(stored.as_deref(), None).unwrap(), reach);
        assert!(Reach::restore(None, None).unwrap().is_everything());
        assert_eq!(Permissions::all().reach(READ, None).stored(), None);
    }
}
