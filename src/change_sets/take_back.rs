//! Taking changes of the rules and of the policy back, the last one first. What was changed since is left alone.

use std::collections::HashSet;

use entity::RuleId;
use entity::change_set_item::{Kind, Model, Reason};

use super::item::{RuleAfter, RuleBefore, kept};
use super::place::{behind, stands};
use crate::automation::{self, Change, Policy};
use crate::ctx::Tx;
use crate::error::{Error, Result};
use crate::rules::{self, Changes, Destination};
use crate::simulations::StoredPolicy;

/// Puts what the items are about back; for each, why it was left alone, or nothing.
pub(super) async fn take_back(
    tx: &mut Tx<'_>,
    items: Vec<Model>,
) -> Result<Vec<(Model, Option<Reason>)>> {
    let changed = changed(tx, &items).await?;
    let mut done = Vec::with_capacity(items.len());
    for item in items.into_iter().rev() {
        let left = match item.rule_id {
            Some(rule) if changed.rules.contains(&rule) => Some(Reason::ChangedSince),
            Some(rule) if item.kind == Kind::RuleMoved && changed.places.contains(&rule) => {
                Some(Reason::ChangedSince)
            }
            Some(rule) => put_back(tx, &item, rule).await?,
            None => policy(tx, &item).await?,
        };
        done.push((item, left));
    }
    Ok(done)
}

/// Rules that are not as the change set left them, or do not stand there.
#[derive(Default)]
struct Changed {
    rules: HashSet<RuleId>,
    places: HashSet<RuleId>,
}

async fn changed(tx: &Tx<'_>, items: &[Model]) -> Result<Changed> {
    let now = rules::arranged_within(tx).await?.rules;
    let mut changed = Changed::default();
    for item in items {
        let Some(rule) = item.rule_id else { continue };
        let then: RuleAfter = kept(&item.after)?;
        let stands = stands(&now, rule);
        if stands.print != then.print {
            changed.rules.insert(rule);
        }
        if stands.beside != then.beside {
            changed.places.insert(rule);
        }
    }
    Ok(changed)
}

async fn put_back(tx: &mut Tx<'_>, item: &Model, rule: RuleId) -> Result<Option<Reason>> {
    let done = match item.kind {
        Kind::RuleAdded => rules::delete_within(tx, rule).await,
        Kind::RuleEnabled => rules::switch_within(tx, rule, false).await,
        Kind::RuleDisabled => rules::switch_within(tx, rule, true).await,
        Kind::RuleEdited => {
            let before: RuleBefore = kept(&item.before)?;
            let changes = Changes {
                conditions: Some(serde_json::from_value(before.conditions)?),
                actions: Some(serde_json::from_value(before.actions)?),
                stop: Some(before.stop),
                ..Changes::default()
            };
            rules::edit_within(tx, rule, changes).await
        }
        Kind::RuleMoved | Kind::RuleRemoved => {
            let before: RuleBefore = kept(&item.before)?;
            let now = rules::arranged_within(tx).await?.rules;
            let to = Destination {
                group: Some(before.group),
                position: Some(behind(&now, before.group, &before.ahead, rule)),
            };
            match item.kind {
                Kind::RuleMoved => rules::move_within(tx, rule, to).await,
                _ => rules::restore_within(tx, rule, to).await,
            }
        }
        Kind::Automation | Kind::ProposedAgain | Kind::Refiled => {
            return Err(Error::internal("an item of a rule that is about none"));
        }
    };
    match done {
        Ok(_) => Ok(None),
        // what it names was archived since
        Err(Error::Invalid { .. }) => Ok(Some(Reason::CategoryArchived)),
        Err(Error::NotFound("rule group")) => Ok(Some(Reason::GroupGone)),
        Err(error) => Err(error),
    }
}

async fn policy(tx: &mut Tx<'_>, item: &Model) -> Result<Option<Reason>> {
    let (before, after): (StoredPolicy, StoredPolicy) = (kept(&item.before)?, kept(&item.after)?);
    if automation::policy_in(tx).await? != Policy::from(after) {
        return Ok(Some(Reason::ChangedSince));
    }
    let before = Policy::from(before);
    let change = Change {
        mode: Some(before.mode),
        target: Some(before.target()),
        audit_share: Some(before.audit_share()),
    };
    automation::set_within(tx, change).await?;
    Ok(None)
}
