//! How far a grant reaches: the conditions on it, and the records that meet them.

use std::collections::BTreeSet;

use entity::{UserId, record};
use sea_orm::sea_query::Expr;
use sea_orm::{ActiveEnum, ColumnTrait, Condition};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::money::Money;

/// Where a grant holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Scope {
    /// In the whole tenant.
    #[default]
    Org,
    /// In the projects that it names.
    Project,
    /// In the projects of the teams that the member is in.
    Team,
}

/// The conditions on a grant. All of them have to be met; a default one asks for nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Limit {
    /// Where it holds.
    pub scope: Scope,
    /// The largest amount, whichever way money moved; records in another currency are beyond it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amount_ceiling: Option<Money>,
    /// The projects, by their keys.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub projects: Option<BTreeSet<String>>,
    /// Only records that the actor brought in.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub own_records: bool,
    /// Only records in one of these states; any state when empty.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[serde(serialize_with = "names", deserialize_with = "statuses")]
    pub record_status: Vec<record::Status>,
}

/// What a decision about permission needs to know of a record.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'r> {
    /// In 10^-5 units, money in positive.
    pub amount: i64,
    /// ISO 4217 code.
    pub currency: &'r str,
    /// The key of its project.
    pub project: Option<&'r str>,
    /// How far it is.
    pub status: record::Status,
    /// Who brought it in.
    pub created_by: Option<UserId>,
}

impl<'r> From<&'r record::Model> for Subject<'r> {
    fn from(row: &'r record::Model) -> Self {
        Self {
            amount: row.amount,
            currency: &row.currency,
            project: row.project.as_deref(),
            status: row.status,
            created_by: row.created_by,
        }
    }
}

impl Limit {
    /// Whether it asks for nothing.
    pub fn is_none(&self) -> bool {
        self.amount_ceiling.is_none()
            && self.projects.is_none()
            && !self.own_records
            && self.record_status.is_empty()
            && self.scope != Scope::Team
    }

    /// The same for a member of teams that work on these projects.
    #[must_use]
    pub fn in_teams_of(mut self, projects: &BTreeSet<String>) -> Self {
        if self.scope == Scope::Team {
            self.projects = Some(projects.clone());
        }
        self
    }

    /// Whether a record meets it.
    pub fn reaches(&self, subject: &Subject<'_>, who: Option<UserId>) -> bool {
        let below = |ceiling: &Money| {
            ceiling.currency.as_str() == subject.currency
                && subject.amount.unsigned_abs() <= ceiling.units.unsigned_abs()
        };
        self.amount_ceiling.as_ref().is_none_or(below)
            && self
                .projects
                .as_ref()
                .is_none_or(|keys| subject.project.is_some_and(|key| keys.contains(key)))
            && (!self.own_records || (who.is_some() && subject.created_by == who))
            && (self.record_status.is_empty() || self.record_status.contains(&subject.status))
    }

    /// Whether everything it reaches is reached by another one, too.
    pub fn within(&self, other: &Self) -> bool {
        let ceiling = match (&self.amount_ceiling, &other.amount_ceiling) {
            (_, None) => true,
            (None, Some(_)) => false,
            (Some(mine), Some(theirs)) => {
                mine.currency == theirs.currency && mine.units <= theirs.units
            }
        };
        let projects = match (&self.projects, &other.projects) {
            (_, None) => true,
            (None, Some(_)) => false,
            (Some(mine), Some(theirs)) => mine.is_subset(theirs),
        };
        let status = other.record_status.is_empty()
            || (!self.record_status.is_empty()
                && self
                    .record_status
                    .iter()
                    .all(|status| other.record_status.contains(status)));
        ceiling && projects && status && (self.own_records || !other.own_records)
    }

    /// The same as [`reaches`](Self::reaches), in the words of the database: on the columns of `record`.
    pub fn condition(&self, who: Option<UserId>) -> Condition {
        use record::Column as C;
        let mut all = Condition::all();
        if let Some(ceiling) = &self.amount_ceiling {
            all = all
                .add(C::Currency.eq(ceiling.currency.as_str()))
                .add(C::Amount.between(-ceiling.units, ceiling.units));
        }
        if let Some(keys) = &self.projects {
            all = all.add(C::Project.is_in(keys.iter().map(String::as_str)));
        }
        if self.own_records {
            all = match who {
                Some(user) => all.add(C::CreatedBy.eq(user)),
                None => all.add(Expr::cust("1 = 0")),
            };
        }
        if !self.record_status.is_empty() {
            all = all.add(C::Status.is_in(self.record_status.iter().copied()));
        }
        all
    }
}

fn names<S: Serializer>(statuses: &[record::Status], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(statuses.iter().map(ActiveEnum::to_value))
}

fn statuses<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<record::Status>, D::Error> {
    let names = Vec::<String>::deserialize(deserializer)?;
    let known = |name: &String| record::Status::try_from_value(name).map_err(de::Error::custom);
    names.iter().map(known).collect()
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::money::{Currency, SCALE};

    const ME: Option<UserId> = Some(UserId(Uuid::from_u128(1)));

    fn subject(amount: i64, project: Option<&'static str>) -> Subject<'static> {
        Subject {
            amount: amount * SCALE,
            currency: "EUR",
            project,
            status: record::Status::Processed,
            created_by: ME,
        }
    }

    fn ceiling(whole: i64) -> Limit {
        Limit {
            amount_ceiling: Some(Money::new(whole * SCALE, Currency::EUR)),
            ..Limit::default()
        }
    }

    fn project(key: &str) -> Limit {
        Limit {
            scope: Scope::Project,
            projects: Some([key.to_owned()].into()),
            ..Limit::default()
        }
    }

    #[test]
    fn a_ceiling_counts_both_ways_and_in_its_currency() {
        assert!(ceiling(100).reaches(&subject(-100, None), ME));
        assert!(ceiling(100).reaches(&subject(100, None), ME));
        assert!(!ceiling(100).reaches(&subject(-101, None), ME));
        let mut dollars = subject(-1, None);
        dollars.currency = "USD";
        assert!(!ceiling(100).reaches(&dollars, ME));
        // the smallest number has no positive of its own
        let mut least = subject(0, None);
        least.amount = i64::MIN;
        assert!(!ceiling(100).reaches(&least, ME));
    }

    #[test]
    fn what_has_no_project_is_in_none() {
        assert!(project("fair").reaches(&subject(1, Some("fair")), ME));
        assert!(!project("fair").reaches(&subject(1, Some("house")), ME));
        assert!(!project("fair").reaches(&subject(1, None), ME));
    }

    #[test]
    fn a_team_without_projects_reaches_nothing() {
        let team = Limit {
            scope: Scope::Team,
            ..Limit::default()
        };
        assert!(!team.is_none());
        let nobody = team.clone().in_teams_of(&BTreeSet::new());
        assert!(!nobody.reaches(&subject(1, Some("fair")), ME));
        let somebody = team.in_teams_of(&["fair".to_owned()].into());
        assert!(somebody.reaches(&subject(1, Some("fair")), ME));
    }

    #[test]
    fn own_records_are_nobodys_when_nobody_asks() {
        let own = Limit {
            own_records: true,
            ..Limit::default()
        };
        assert!(own.reaches(&subject(1, None), ME));
        assert!(!own.reaches(&subject(1, None), None));
        let mut found = subject(1, None);
        found.created_by = None;
        assert!(!own.reaches(&found, None));
    }

    #[test]
    fn a_limit_is_within_a_wider_one_only() {
        assert!(ceiling(50).within(&ceiling(100)));
        assert!(!ceiling(100).within(&ceiling(50)));
        assert!(ceiling(50).within(&Limit::default()));
        assert!(!Limit::default().within(&ceiling(50)));
        assert!(project("a").within(&project("a")));
        assert!(!project("a").within(&project("b")));
        // one condition does not stand in for another
        assert!(!ceiling(50).within(&project("a")));
    }

    #[test]
    fn it_reads_back_what_was_stored() {
        let limit = Limit {
            own_records: true,
            record_status: vec![record::Status::Processed],
            projects: Some(["a".to_owned()].into()),
            ..ceiling(12)
        };
        let stored = serde_json::to_string(&limit).unwrap();
        assert!(stored.contains("PROCESSED"), "{stored}");
        assert_eq!(serde_json::from_str::<Limit>(&stored).unwrap(), limit);
    }
}
