//! Supposed changes of the rules: the real ones with the changes carried out, and nothing stored.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use entity::{AccountId, CategoryId, RuleId, TenantId, account, category, rule};
use sea_orm::{ColumnTrait, QueryFilter, QuerySelect};
use serde::{Deserialize, Serialize};

use super::hypothesis::beneath;
use crate::ctx::Tx;
use crate::error::{Error, Result};
use crate::rules::condition::{Actions, Condition};
use crate::rules::{self, MAX_RULES, validate};

/// One supposed change.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(
    rename_all = "camelCase",
    tag = "change",
    rename_all_fields = "camelCase"
)]
pub enum RuleChange {
    /// A rule more.
    Add {
        /// What decisions call it.
        id: RuleId,
        /// What to call it.
        name: String,
        /// When it matches.
        conditions: Condition,
        /// What it fills in.
        actions: Actions,
        /// Whether later rules are skipped once it matched.
        stop: bool,
        /// Its place among the rules without a group, from 1; after those when absent.
        position: Option<i32>,
    },
    /// Another content of a rule; what is absent stays.
    Edit {
        /// Which rule.
        rule: RuleId,
        /// Other conditions.
        conditions: Option<Condition>,
        /// Other actions.
        actions: Option<Actions>,
        /// Whether later rules are skipped once it matched.
        stop: Option<bool>,
    },
    /// Another place of a rule.
    Move {
        /// Which rule.
        rule: RuleId,
        /// Its place in its group, or among the rules without one, from 1.
        position: i32,
    },
    /// A rule switched on.
    Enable {
        /// Which rule.
        rule: RuleId,
    },
    /// A rule switched off.
    Disable {
        /// Which rule.
        rule: RuleId,
    },
    /// A rule less.
    Remove {
        /// Which rule.
        rule: RuleId,
    },
}

/// The rules after the changes, in their order, which is that of `rules`: those without a group first. Places are counted
/// as where rules are really made and moved: among the rules without a group, or of the rule's own. The first change that
/// is not possible is refused, with its place.
pub fn applied(
    mut rules: Vec<rule::Model>,
    changes: &[RuleChange],
    tenant: TenantId,
    now: DateTime<Utc>,
) -> Result<Vec<rule::Model>> {
    for (at, change) in changes.iter().enumerate() {
        apply(&mut rules, change, tenant, now)
            .map_err(|error| beneath(&format!("rules[{at}]"), error))?;
    }
    Ok(rules)
}

fn apply(
    rules: &mut Vec<rule::Model>,
    change: &RuleChange,
    tenant: TenantId,
    now: DateTime<Utc>,
) -> Result<()> {
    match change {
        RuleChange::Add {
            id,
            name,
            conditions,
            actions,
            stop,
            position,
        } => {
            if rules.len() >= MAX_RULES {
                return Err(Error::invalid(
                    "add",
                    format!("at most {MAX_RULES} rules are accepted"),
                ));
            }
            rules::checked_name(name).map_err(|error| beneath("add", error))?;
            well_formed(conditions, actions).map_err(|error| beneath("add", error))?;
            // one without a place goes behind the others that have no group, as a real one does
            let last = rules.iter().filter(|rule| rule.group_id.is_none()).count() + 1;
            let at = match position {
                Some(position) => place("add.position", *position, last)?,
                None => last - 1,
            };
            let row = rule::Model {
                tenant_id: tenant,
                id: *id,
                name: name.clone(),
                position: 0,
                conditions: serde_json::to_string(conditions)?,
                actions: serde_json::to_string(actions)?,
                stop: *stop,
                shadow: false,
                group_id: None,
                disabled_at: None,
                approval_id: None,
                created_by: None,
                created_at: now,
                updated_at: now,
                deleted_at: None,
            };
            rules.insert(at, row);
        }
        RuleChange::Edit {
            rule,
            conditions,
            actions,
            stop,
        } => {
            let at = find(rules, *rule, "edit.ruleId")?;
            let row = &mut rules[at];
            if let Some(conditions) = conditions {
                row.conditions = serde_json::to_string(conditions)?;
            }
            if let Some(actions) = actions {
                row.actions = serde_json::to_string(actions)?;
            }
            row.stop = stop.unwrap_or(row.stop);
            let conditions = serde_json::from_str(&row.conditions)?;
            let actions = serde_json::from_str(&row.actions)?;
            well_formed(&conditions, &actions).map_err(|error| beneath("edit", error))?;
        }
        RuleChange::Move { rule, position } => {
            let from = find(rules, *rule, "move.ruleId")?;
            let group = rules[from].group_id;
            let beside = |rule: &&rule::Model| rule.group_id == group;
            let to = place(
                "move.position",
                *position,
                rules.iter().filter(beside).count(),
            )?;
            let first = rules.iter().position(|rule| rule.group_id == group);
            let row = rules.remove(from);
            rules.insert(first.unwrap_or(0) + to, row);
        }
        RuleChange::Enable { rule } => {
            let at = find(rules, *rule, "enable")?;
            rules[at].disabled_at = None;
        }
        RuleChange::Disable { rule } => {
            let at = find(rules, *rule, "disable")?;
            rules[at].disabled_at = Some(now);
        }
        RuleChange::Remove { rule } => {
            let at = find(rules, *rule, "remove")?;
            rules.remove(at);
        }
    }
    Ok(())
}

fn well_formed(conditions: &Condition, actions: &Actions) -> Result<()> {
    validate::validate(conditions, actions)
        .map_err(|wrong| Error::invalid(wrong.path, wrong.message))
}

fn find(rules: &[rule::Model], id: RuleId, field: &'static str) -> Result<usize> {
    let at = rules.iter().position(|rule| rule.id == id);
    at.ok_or_else(|| Error::invalid(field, "there is no such rule, or it was removed"))
}

fn place(field: &'static str, position: i32, last: usize) -> Result<usize> {
    let at = usize::try_from(position).ok();
    match at.filter(|at| (1..=last).contains(at)) {
        Some(at) => Ok(at - 1),
        None => Err(Error::invalid(field, format!("1 to {last} is accepted"))),
    }
}

/// Refuses what names a category or an account that cannot be named, in two statements however many changes there are.
pub async fn check_names(tx: &Tx<'_>, changes: &[RuleChange]) -> Result<()> {
    let parts = |change: &RuleChange| match change {
        RuleChange::Add {
            conditions,
            actions,
            ..
        } => (Some(conditions.clone()), Some(actions.clone()), "add"),
        RuleChange::Edit {
            conditions,
            actions,
            ..
        } => (conditions.clone(), actions.clone(), "edit"),
        _ => (None, None, ""),
    };
    let mut named = Vec::new();
    for (at, change) in changes.iter().enumerate() {
        let (conditions, actions, how) = parts(change);
        let mut accounts = Vec::new();
        if let Some(conditions) = &conditions {
            named_accounts(conditions, &mut accounts);
        }
        let category = actions.and_then(|actions| actions.category).map(CategoryId);
        named.push((format!("rules[{at}].{how}"), category, accounts));
    }
    let categories = open_categories(tx, named.iter().filter_map(|it| it.1)).await?;
    let accounts = known_accounts(tx, named.iter().flat_map(|it| it.2.iter().copied())).await?;
    for (way, category, named) in named {
        if category.is_some_and(|category| !categories.contains(&category)) {
            return Err(Error::invalid(
                format!("{way}.actions.category"),
                "there is no such category, or it is archived; choose one that is open",
            ));
        }
        if !named.iter().all(|account| accounts.contains(account)) {
            return Err(Error::invalid(
                format!("{way}.conditions"),
                "an account is named that does not exist; choose among the accounts of the tenant",
            ));
        }
    }
    Ok(())
}

async fn open_categories(
    tx: &Tx<'_>,
    ids: impl Iterator<Item = CategoryId>,
) -> Result<HashSet<CategoryId>> {
    let ids: HashSet<CategoryId> = ids.collect();
    if ids.is_empty() {
        return Ok(ids);
    }
    let found: Vec<CategoryId> = tx
        .select::<category::Entity>()
        .select_only()
        .column(category::Column::Id)
        .filter(category::Column::Id.is_in(ids))
        .filter(category::Column::ArchivedAt.is_null())
        .into_tuple()
        .all(tx.on())
        .await?;
    Ok(found.into_iter().collect())
}

/// Those of the accounts that the tenant has.
pub(super) async fn known_accounts(
    tx: &Tx<'_>,
    ids: impl Iterator<Item = AccountId>,
) -> Result<HashSet<AccountId>> {
    let ids: HashSet<AccountId> = ids.collect();
    if ids.is_empty() {
        return Ok(ids);
    }
    let found: Vec<AccountId> = tx
        .select::<account::Entity>()
        .select_only()
        .column(account::Column::Id)
        .filter(account::Column::Id.is_in(ids))
        .into_tuple()
        .all(tx.on())
        .await?;
    Ok(found.into_iter().collect())
}

fn named_accounts(condition: &Condition, into: &mut Vec<AccountId>) {
    match condition {
        Condition::All(list) | Condition::Any(list) => {
            list.iter().for_each(|inner| named_accounts(inner, into));
        }
        Condition::Not(inner) => named_accounts(inner, into),
        Condition::Account(test) => into.extend(test.r#in.iter().copied().map(AccountId)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use entity::RuleGroupId;
    use serde_json::json;
    use uuid::Uuid;

    use super::*;

    fn id(n: u128) -> RuleId {
        RuleId(Uuid::from_u128(n))
    }

    fn add(n: u128, position: Option<i32>) -> RuleChange {
        RuleChange::Add {
            id: id(n),
            name: n.to_string(),
            conditions: serde_json::from_value(json!({ "direction": "in" })).unwrap(),
            actions: serde_json::from_value(json!({ "note": "x" })).unwrap(),
            stop: false,
            position,
        }
    }

    fn order(changes: &[RuleChange]) -> Result<Vec<u128>> {
        let tenant = TenantId(Uuid::nil());
        let first: Vec<RuleChange> = (1..=3).map(|n| add(n, None)).collect();
        let rules = applied(Vec::new(), &first, tenant, DateTime::UNIX_EPOCH)?;
        let rules = applied(rules, changes, tenant, DateTime::UNIX_EPOCH)?;
        Ok(rules.iter().map(|rule| rule.id.0.as_u128()).collect())
    }

    #[test]
    fn changes_build_on_each_other_in_their_order() {
        let changes = [
            add(4, Some(1)),
            RuleChange::Move {
                rule: id(3),
                position: 2,
            },
            RuleChange::Remove { rule: id(1) },
        ];
        assert_eq!(order(&changes).unwrap(), [4, 3, 2]);
    }

    #[test]
    fn places_are_counted_beside_those_of_the_same_group() {
        let tenant = TenantId(Uuid::nil());
        let first: Vec<RuleChange> = (1..=4).map(|n| add(n, None)).collect();
        let mut rules = applied(Vec::new(), &first, tenant, DateTime::UNIX_EPOCH).unwrap();
        for rule in &mut rules[2..] {
            rule.group_id = Some(RuleGroupId(Uuid::from_u128(9)));
        }
        let after = |change| {
            let rules = applied(rules.clone(), &[change], tenant, DateTime::UNIX_EPOCH)?;
            let ids = rules.iter().map(|rule| rule.id.0.as_u128());
            Ok::<Vec<u128>, Error>(ids.collect())
        };
        assert_eq!(after(add(5, None)).unwrap(), [1, 2, 5, 3, 4]);
        let to = |n, position| RuleChange::Move {
            rule: id(n),
            position,
        };
        assert_eq!(after(to(4, 1)).unwrap(), [1, 2, 4, 3]);
        assert_eq!(after(to(1, 2)).unwrap(), [2, 1, 3, 4]);
        let refused = after(to(4, 3)).unwrap_err().to_string();
        assert_eq!(refused, "rules[0].move.position: 1 to 2 is accepted");
    }

    #[test]
    fn what_is_not_possible_is_refused_with_its_place() {
        let refusal = |change| order(&[add(4, None), change]).unwrap_err().to_string();
        assert_eq!(
            refusal(add(5, Some(9))),
            "rules[1].add.position: 1 to 5 is accepted"
        );
        let gone = refusal(RuleChange::Disable { rule: id(8) });
        assert!(
            gone.starts_with("rules[1].disable: there is no such rule"),
            "{gone}"
        );
    }

    #[test]
    fn a_change_reads_back_as_it_was_stored() {
        let stored = serde_json::to_value(add(1, Some(2))).unwrap();
        assert_eq!(stored["change"], "add");
        let read: RuleChange = serde_json::from_value(stored.clone()).unwrap();
        assert_eq!(serde_json::to_value(read).unwrap(), stored);
    }
}
