//! Looking suggestions up.

use chrono::{DateTime, Utc};
use entity::rule_suggestion::{self, Column, Status};
use entity::{CategoryId, RuleId, RuleSuggestionId};
use sea_orm::{ColumnTrait, Condition, PaginatorTrait, QueryFilter, Select};

use crate::ctx::{Ctx, Read, Tx};
use crate::error::{Error, Result};
use crate::page::{self, Page, Window};
use crate::permission::Permission;

/// Which suggestions are wanted; an empty field asks for nothing.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// In one of these states.
    pub status: Vec<Status>,
    /// Which file under this category.
    pub category: Option<CategoryId>,
    /// Behind this rule.
    pub rule: Option<RuleId>,
}

impl Filter {
    fn select(&self, read: &Read, now: DateTime<Utc>) -> Select<rule_suggestion::Entity> {
        let states = self.status.iter().map(|status| is(*status, now));
        let states = states.fold(Condition::any(), Condition::add);
        let wanted = Condition::all()
            .add_option((!self.status.is_empty()).then_some(states))
            .add_option(self.category.map(|id| Column::CategoryId.eq(id)))
            .add_option(self.rule.map(|id| Column::RuleId.eq(id)));
        read.select::<rule_suggestion::Entity>().filter(wanted)
    }
}

/// What became of a suggestion, at this moment: one that was put off waits again when its time has come.
pub fn status(row: &rule_suggestion::Model, now: DateTime<Utc>) -> Status {
    match row.status {
        Status::Snoozed if row.snoozed_until.is_none_or(|until| until <= now) => Status::Open,
        status => status,
    }
}

/// The same as a condition.
pub(super) fn is(status: Status, now: DateTime<Utc>) -> Condition {
    let own = Condition::all().add(Column::Status.eq(status));
    match status {
        Status::Snoozed => own.add(Column::SnoozedUntil.gt(now)),
        Status::Open => {
            let over = Condition::all()
                .add(Column::Status.eq(Status::Snoozed))
                .add(Column::SnoozedUntil.lte(now));
            Condition::any().add(own).add(over)
        }
        _ => own,
    }
}

/// A page of suggestions, newest first.
pub async fn list(
    ctx: &Ctx,
    filter: &Filter,
    window: &Window,
) -> Result<Page<rule_suggestion::Model>> {
    ctx.require(Permission::ReadRules)?;
    let read = ctx.read().await?;
    let select = filter.select(&read, ctx.now());
    page::page(select, &[Column::Id], true, window, read.on()).await
}

/// How many there are.
pub async fn count(ctx: &Ctx, filter: &Filter) -> Result<u64> {
    ctx.require(Permission::ReadRules)?;
    let read = ctx.read().await?;
    Ok(filter.select(&read, ctx.now()).count(read.on()).await?)
}

/// Several suggestions at once, in no order.
pub async fn find_all(ctx: &Ctx, ids: &[RuleSuggestionId]) -> Result<Vec<rule_suggestion::Model>> {
    ctx.require(Permission::ReadRules)?;
    let read = ctx.read().await?;
    Ok(read
        .select::<rule_suggestion::Entity>()
        .filter(Column::Id.is_in(ids.iter().copied()))
        .all(read.on())
        .await?)
}

/// A suggestion that must be there.
pub async fn load(ctx: &Ctx, id: RuleSuggestionId) -> Result<rule_suggestion::Model> {
    let found = find_all(ctx, &[id]).await?.pop();
    found.ok_or(Error::NotFound("suggestion"))
}

/// The accepted suggestions behind several rules, oldest first.
pub async fn of_rules(ctx: &Ctx, rules: &[RuleId]) -> Result<Vec<rule_suggestion::Model>> {
    ctx.require(Permission::ReadRules)?;
    let read = ctx.read().await?;
    let mut rows = read
        .select::<rule_suggestion::Entity>()
        .filter(Column::RuleId.is_in(rules.iter().copied()))
        .filter(Column::Status.eq(Status::Accepted))
        .all(read.on())
        .await?;
    rows.sort_unstable_by_key(|row| row.id);
    Ok(rows)
}

/// The suggestion a change is about.
pub(super) async fn found(tx: &Tx<'_>, id: RuleSuggestionId) -> Result<rule_suggestion::Model> {
    tx.select::<rule_suggestion::Entity>()
        .filter(Column::Id.eq(id))
        .one(tx.on())
        .await?
        .ok_or(Error::NotFound("suggestion"))
}

/// Why a suggestion could not be changed from the state it was thought to be in.
pub(super) fn why_not(row: &rule_suggestion::Model) -> Error {
    Error::conflict(match row.status {
        Status::Open => "it waits already",
        Status::Snoozed => "it was put off meanwhile; look at it again",
        Status::Accepted => "it was accepted already; change or disable its rule",
        Status::Dismissed => "it was dismissed; restore it first",
        Status::Retired => "what was approved since speaks against it; restore it first",
    })
}
