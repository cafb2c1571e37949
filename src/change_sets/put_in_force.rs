//! Making supposed changes of the rules real, by the verbs that people use.

use std::slice;

use entity::change_set_item::Kind;
use entity::{RuleId, rule};

use super::item::{Item, RuleBefore};
use super::place::{ahead, stands};
use crate::ctx::Tx;
use crate::error::{Error, Result};
use crate::rules::{self, Changes, Destination, NewRule, Place};
use crate::simulations::{RuleChange, applied, beneath};

/// Changes the rules as supposed, one after the other, and refuses the whole when one cannot be made or when they would
/// not stand as they were simulated; what was done about each.
pub(super) async fn put_in_force(
    tx: &mut Tx<'_>,
    rules: Vec<rule::Model>,
    changes: &[RuleChange],
) -> Result<Vec<Item>> {
    let mut now = rules;
    let mut items = Vec::with_capacity(changes.len());
    for (at, change) in changes.iter().enumerate() {
        let way = |how: &str, error| beneath(&format!("rules[{at}]{how}"), error);
        let change = make(tx, change)
            .await
            .map_err(|error| way(name(change), error))?;
        items.push(item(&now, &change)?);
        let tenant = tx.tenant();
        now = applied(now, slice::from_ref(&change), tenant, tx.ctx().now())?;
    }
    let real = rules::arranged_within(tx).await?.rules;
    let told = |rules: &[rule::Model]| -> Vec<(RuleId, bool)> {
        let told = |rule: &rule::Model| (rule.id, rule.disabled_at.is_some());
        rules.iter().map(told).collect()
    };
    if told(&real) != told(&now) {
        return Err(Error::conflict(
            "the rules would not stand as they were simulated; simulate again",
        ));
    }
    for item in &mut items {
        let after = item.rule.map(|rule| stands(&real, rule));
        item.after = Some(serde_json::to_string(&after.unwrap_or_default())?);
    }
    Ok(items)
}

/// Makes one change real; the change as it was made, which names a rule that is new.
async fn make(tx: &mut Tx<'_>, change: &RuleChange) -> Result<RuleChange> {
    let mut made = change.clone();
    match change {
        RuleChange::Add {
            name,
            conditions,
            actions,
            stop,
            position,
            ..
        } => {
            let new = NewRule {
                name: name.clone(),
                conditions: conditions.clone(),
                actions: actions.clone(),
                stop: *stop,
                shadow: false,
                place: position.map_or(Place::Last, Place::At),
            };
            let row = rules::create_within(tx, new, None).await?;
            if let RuleChange::Add { id, .. } = &mut made {
                *id = row.id;
            }
        }
        RuleChange::Edit {
            rule,
            conditions,
            actions,
            stop,
        } => {
            let changes = Changes {
                conditions: conditions.clone(),
                actions: actions.clone(),
                stop: *stop,
                ..Changes::default()
            };
            rules::edit_within(tx, *rule, changes).await?;
        }
        RuleChange::Move { rule, position } => {
            let to = Destination {
                group: None,
                position: Some(*position),
            };
            rules::move_within(tx, *rule, to).await?;
        }
        RuleChange::Enable { rule } => {
            rules::switch_within(tx, *rule, true).await?;
        }
        RuleChange::Disable { rule } => {
            rules::switch_within(tx, *rule, false).await?;
        }
        RuleChange::Remove { rule } => {
            rules::delete_within(tx, *rule).await?;
        }
    }
    Ok(made)
}

/// Where the fields of a change are, in the simulation.
fn name(change: &RuleChange) -> &'static str {
    match change {
        RuleChange::Add { .. } => ".add",
        RuleChange::Edit { .. } => ".edit",
        RuleChange::Move { .. } => ".move",
        RuleChange::Enable { .. } => ".enable",
        RuleChange::Disable { .. } => ".disable",
        RuleChange::Remove { .. } => ".remove",
    }
}

/// The item of a change, with the rule as it was before.
fn item(rules: &[rule::Model], change: &RuleChange) -> Result<Item> {
    let (kind, id) = match change {
        RuleChange::Add { id, .. } => (Kind::RuleAdded, *id),
        RuleChange::Edit { rule, .. } => (Kind::RuleEdited, *rule),
        RuleChange::Move { rule, .. } => (Kind::RuleMoved, *rule),
        RuleChange::Enable { rule } => (Kind::RuleEnabled, *rule),
        RuleChange::Disable { rule } => (Kind::RuleDisabled, *rule),
        RuleChange::Remove { rule } => (Kind::RuleRemoved, *rule),
    };
    let mut item = Item::applied(kind, Some(id));
    let Some(row) = rules.iter().find(|row| row.id == id) else {
        return Ok(item);
    };
    let before = RuleBefore {
        conditions: serde_json::from_str(&row.conditions)?,
        actions: serde_json::from_str(&row.actions)?,
        stop: row.stop,
        group: row.group_id,
        ahead: ahead(rules, id),
    };
    item.before = Some(serde_json::to_string(&before)?);
    Ok(item)
}
