//! Making a rule.

use entity::{AccountId, ApprovalId, CategoryId, RuleGroupId, account, category, rule};
use sea_orm::{ColumnTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect};

use super::condition::{Actions, Condition};
use super::{MAX_RULES, groups, order, validate};
use crate::ctx::{Ctx, Event, Tx};
use crate::error::{Error, Result};
use crate::permission::Permission;
use crate::projects;
use crate::splits;
use crate::tag;

/// How many characters a name may have.
const MAX_NAME: usize = 100;

/// A rule to be made.
#[derive(Clone, Debug)]
pub struct NewRule {
    /// What to call it.
    pub name: String,
    /// When it matches.
    pub conditions: Condition,
    /// What it fills in.
    pub actions: Actions,
    /// Whether later rules are skipped once it matched.
    pub stop: bool,
    /// Whether it only watches.
    pub shadow: bool,
    /// Where it goes in the order.
    pub place: Place,
}

/// Where a new rule goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Before all others.
    First,
    /// After all others.
    Last,
    /// At a position, from 1.
    At(i32),
    /// In a group, at a position from 1 or at its end. The other places are among the rules without a group, which are
    /// tried before any group.
    In(RuleGroupId, Option<i32>),
}

/// Makes a rule.
#[tracing::instrument(skip_all)]
pub async fn create(ctx: &Ctx, new: NewRule) -> Result<rule::Model> {
    let mut tx = ctx.begin().await?;
    let row = create_within(&mut tx, new, None).await?;
    tx.commit().await?;
    Ok(row)
}

/// Makes a rule as part of a larger change, such as the override it was made from.
pub async fn create_within(
    tx: &mut Tx<'_>,
    new: NewRule,
    approval: Option<ApprovalId>,
) -> Result<rule::Model> {
    let ctx = tx.ctx();
    ctx.require(Permission::WriteRules)?;
    let name = checked_name(&new.name)?;
    check(tx, &new.conditions, &new.actions).await?;
    let actions = resolved(tx, new.actions).await?;
    // locked as when rules are moved: two people who order at once follow each other
    let groups: Vec<Option<RuleGroupId>> = tx
        .select::<rule::Entity>()
        .select_only()
        .column(rule::Column::GroupId)
        .filter(rule::Column::DeletedAt.is_null())
        .order_by_asc(rule::Column::Id)
        .lock_exclusive()
        .into_tuple()
        .all(tx.on())
        .await?;
    if groups.len() >= MAX_RULES {
        return Err(Error::invalid(
            "name",
            format!("at most {MAX_RULES} rules are accepted; remove one first"),
        ));
    }
    let group = match new.place {
        Place::In(group, _) => Some(group),
        _ => None,
    };
    groups::check(tx, group).await?;
    let there = groups.iter().filter(|it| **it == group).count();
    let last = i32::try_from(there).unwrap_or(i32::MAX - 1) + 1;
    let position = match new.place {
        Place::First => 1,
        Place::Last | Place::In(_, None) => last,
        Place::At(position) | Place::In(_, Some(position)) => order::checked(position, last)?,
    };
    order::shift(tx, group, 1, rule::Column::Position.gte(position)).await?;
    let row = rule::Model {
        tenant_id: tx.tenant(),
        id: ctx.id(),
        name,
        group_id: group,
        position,
        conditions: serde_json::to_string(&new.conditions)?,
        actions: serde_json::to_string(&actions)?,
        stop: new.stop,
        shadow: new.shadow,
        disabled_at: None,
        approval_id: approval,
        created_by: ctx.user(),
        created_at: ctx.now(),
        updated_at: ctx.now(),
        deleted_at: None,
    };
    tx.insert(row.clone()).await?;
    tx.record(Event::RuleCreated {
        rule: row.id,
        approval,
    });
    Ok(row)
}

/// A name without the blanks around it.
pub fn checked_name(name: &str) -> Result<String> {
    let name = name.trim();
    if (1..=MAX_NAME).contains(&name.chars().count()) {
        Ok(name.to_owned())
    } else {
        Err(Error::invalid(
            "name",
            format!("1 to {MAX_NAME} characters are accepted"),
        ))
    }
}

/// The actions with the project they name as it is written, one that is new may be made, and with tags as they are kept:
/// in lower case, each once.
pub(super) async fn resolved(tx: &mut Tx<'_>, mut actions: Actions) -> Result<Actions> {
    actions.tags = kept_tags(&actions.tags);
    if let Some(project) = &actions.project {
        let key = projects::resolve(tx, "actions.project", project).await?;
        actions.project = Some(key);
    }
    for line in actions.split.iter_mut().flatten() {
        if let Some(project) = &line.project {
            let key = projects::resolve(tx, "actions.split", project).await?;
            line.project = Some(key);
        }
    }
    Ok(actions)
}

/// Tags as they are kept.
pub(super) fn kept_tags(tags: &[String]) -> Vec<String> {
    let kept = tags.iter().filter_map(|tag| tag::kept(tag)).collect();
    tag::joined(Vec::new(), kept)
}

/// Refuses a rule that is not well formed, or that names what the tenant does not have.
pub(super) async fn check(tx: &Tx<'_>, conditions: &Condition, actions: &Actions) -> Result<()> {
    validate::validate(conditions, actions)
        .map_err(|wrong| Error::invalid(wrong.path, wrong.message))?;
    if let Some(id) = actions.category {
        let open = tx
            .select::<category::Entity>()
            .filter(category::Column::Id.eq(CategoryId(id)))
            .filter(category::Column::ArchivedAt.is_null())
            .one(tx.on())
            .await?;
        if open.is_none() {
            return Err(Error::invalid(
                "actions.category",
                "there is no such category, or it is archived; choose one that is open",
            ));
        }
    }
    if let Some(split) = &actions.split {
        let named = split.iter().map(|line| CategoryId(line.category));
        splits::require_leaves(tx, "actions.split", named).await?;
    }
    let mut accounts = Vec::new();
    named_accounts(conditions, &mut accounts);
    accounts.sort_unstable();
    accounts.dedup();
    if accounts.is_empty() {
        return Ok(());
    }
    let known = tx
        .select::<account::Entity>()
        .filter(account::Column::Id.is_in(accounts.iter().copied()))
        .count(tx.on())
        .await?;
    if known == accounts.len() as u64 {
        Ok(())
    } else {
        Err(Error::invalid(
            "conditions",
            "an account is named that does not exist; choose among the accounts of the tenant",
        ))
    }
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
