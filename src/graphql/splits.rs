//! Splits, as clients see and write them: of records, and in rules.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::dataloader::Loader;
use async_graphql::{ComplexObject, Context, ID, InputObject, Object, SimpleObject};
use entity::{CategoryId, DecisionId};

use super::approvals::Approval;
use super::categories::Category;
use super::condition::units;
use super::loader::{OpLoader, find};
use super::node::local;
use super::op::Op;
use super::payload::payloads;
use super::scalar::{Decimal, Money};
use crate::approvals::{self, Split};
use crate::error::{Error, Result};
use crate::permission::Permission;
use crate::records::{self, SplitOfRecord};
use crate::rules::{condition as stored, decimal};
use crate::splits::{NewLine, Share};

/// A part of a record under a category of its own.
#[derive(Clone, SimpleObject)]
#[graphql(complex, serial)]
pub struct SplitLine {
    /// Its place, from 1.
    pub line: i32,
    /// The part. The lines add up to the amount of the record.
    pub amount: Money,
    /// The project of this part, where it has one of its own.
    pub project: Option<String>,
    /// A note on this part.
    pub note: Option<String>,
    #[graphql(skip)]
    category_id: CategoryId,
}

#[ComplexObject]
impl SplitLine {
    /// The category of this part.
    async fn category(&self, ctx: &Context<'_>) -> Result<Option<Category>> {
        find(ctx, self.category_id).await
    }
}

impl SplitLine {
    /// The lines of a decision.
    pub(super) async fn of(ctx: &Context<'_>, decision: DecisionId) -> Result<Vec<Self>> {
        let lines = find(ctx, SplitOf(decision)).await?.unwrap_or_default();
        Ok(lines.into_iter().map(Into::into).collect())
    }
}

impl From<SplitOfRecord> for SplitLine {
    fn from(SplitOfRecord { line, currency }: SplitOfRecord) -> Self {
        Self {
            line: line.line,
            amount: Money::of(line.amount, &currency),
            project: line.project,
            note: line.note,
            category_id: line.category_id,
        }
    }
}

/// Asks for the lines of a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SplitOf(pub DecisionId);

impl Loader<SplitOf> for OpLoader {
    type Value = Vec<SplitOfRecord>;
    type Error = Arc<Error>;

    async fn load(&self, keys: &[SplitOf]) -> Result<HashMap<SplitOf, Self::Value>, Arc<Error>> {
        let ids: Vec<DecisionId> = keys.iter().map(|key| key.0).collect();
        let found = records::splits(&self.ctx, &ids).await.map_err(Arc::new)?;
        let found = found.into_iter().map(|(id, rows)| (SplitOf(id), rows));
        Ok(found.collect())
    }
}

/// A line to split a record into: a percent or an amount; with neither it takes what the others leave.
#[derive(InputObject)]
pub struct SplitLineInput {
    /// The category, which has no others below it.
    pub category_id: ID,
    /// How much of the record, such as `12.5`, with up to 5 decimals.
    pub percent: Option<Decimal>,
    /// How much, signed as the record is: money out is negative. A fee held back from a payout goes the other way.
    pub amount: Option<Decimal>,
    /// A project of its own.
    pub project: Option<String>,
    /// A note on it.
    pub note: Option<String>,
}

impl SplitLineInput {
    fn read(self) -> Result<NewLine> {
        let share = match (&self.percent, &self.amount) {
            (Some(percent), None) => Share::Percent(units("lines.percent", percent)?),
            (None, Some(amount)) => Share::Amount(units("lines.amount", amount)?),
            (None, None) => Share::Rest,
            (Some(_), Some(_)) => {
                let message = "a line takes a percent or an amount, not both";
                return Err(Error::invalid("lines", message));
            }
        };
        Ok(NewLine {
            category: local("Category", "lines.categoryId", &self.category_id)?,
            share,
            project: self.project,
            note: self.note,
        })
    }
}

/// A record to file under several categories.
#[derive(InputObject)]
pub struct SplitRecordInput {
    /// Which approval; this or `recordId`.
    pub approval_id: Option<ID>,
    /// The record whose newest approval is meant.
    pub record_id: Option<ID>,
    /// The lines, 2 to 20: all by percent or all by amount, and one at most that takes the rest. They add up to the
    /// record exactly; percents are rounded to minor units by the largest remainder.
    pub lines: Vec<SplitLineInput>,
    /// The project of the record; what was proposed stays when absent.
    pub project: Option<String>,
    /// A note on the record; what was proposed stays when absent.
    pub note: Option<String>,
}

payloads! {
    /// A record that was split.
    SplitRecordPayload {
        /// The approval.
        approval: Approval
    },
}

/// What is done with splits.
#[derive(Default)]
pub struct SplitsMutation;

#[Object]
impl SplitsMutation {
    /// File a record under several categories instead of the proposal: the lines enter the books in its place, and
    /// `reopenApproval` takes that back. Above the tenant's ceiling the answer is an approval that waits for a second
    /// person. Needs `approvals:decide`.
    async fn split_record(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: SplitRecordInput,
    ) -> Result<SplitRecordPayload> {
        let done = async {
            let op = ctx.op()?;
            // who may not is told so, whatever the input looks like
            op.require(Permission::DecideApprovals)?;
            let id = match (&input.approval_id, &input.record_id) {
                (Some(id), None) => local("Approval", "approvalId", id)?,
                (None, Some(id)) => {
                    approvals::of_record(op, local("Record", "recordId", id)?).await?
                }
                _ => {
                    let message = "say which with approvalId or with recordId, not with both";
                    return Err(Error::invalid("approvalId", message));
                }
            };
            let lines = input.lines.into_iter().map(SplitLineInput::read);
            let split = Split {
                lines: lines.collect::<Result<_>>()?,
                project: input.project,
                note: input.note,
            };
            approvals::split(op, id, split).await
        };
        SplitRecordPayload::of(done.await)
    }
}

/// A line that a rule splits records into. Without a percent and an amount it takes the rest.
#[derive(Clone, SimpleObject)]
#[graphql(complex, serial)]
pub struct RuleSplitLine {
    /// How much of the record, in percent.
    pub percent: Option<Decimal>,
    /// How much, in the currency and the direction of the record; what goes the other way is negative.
    pub amount: Option<Decimal>,
    /// A project of its own.
    pub project: Option<String>,
    /// A note on it.
    pub note: Option<String>,
    #[graphql(skip)]
    category_id: CategoryId,
}

#[ComplexObject]
impl RuleSplitLine {
    /// The category.
    async fn category(&self, ctx: &Context<'_>) -> Result<Option<Category>> {
        find(ctx, self.category_id).await
    }
}

impl From<stored::SplitLine> for RuleSplitLine {
    fn from(line: stored::SplitLine) -> Self {
        let shown = |units: i64| Decimal(decimal(units));
        Self {
            percent: line.percent.map(shown),
            amount: line.amount.map(shown),
            project: line.project,
            note: line.note,
            category_id: CategoryId(line.category),
        }
    }
}

/// A line that a rule splits records into: a percent or an amount; with neither it takes what the others leave.
#[derive(InputObject)]
pub struct RuleSplitLineInput {
    /// The category, which has no others below it.
    pub category_id: ID,
    /// How much of the record, such as `12.5`, with up to 5 decimals.
    pub percent: Option<Decimal>,
    /// How much, in the currency and the direction of the record: positive whether money went out or came in. What goes
    /// the other way, such as a fee held back from a payout, is negative.
    pub amount: Option<Decimal>,
    /// A project of its own.
    pub project: Option<String>,
    /// A note on it.
    pub note: Option<String>,
}

impl RuleSplitLineInput {
    /// The line as it is stored.
    pub(super) fn read(self) -> Result<stored::SplitLine> {
        let read = |field, number: &Option<Decimal>| {
            let number = number.as_ref();
            number.map(|number| units(field, number)).transpose()
        };
        let category: CategoryId =
            local("Category", "actions.split.categoryId", &self.category_id)?;
        Ok(stored::SplitLine {
            category: category.0,
            percent: read("actions.split.percent", &self.percent)?,
            amount: read("actions.split.amount", &self.amount)?,
            project: self.project,
            note: self.note,
        })
    }
}
