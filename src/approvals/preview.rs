//! The rule an override could become, tried on the past before it counts.

use entity::{ApprovalId, CategoryId, approval, record};
use sea_orm::{ColumnTrait, QueryFilter};

use crate::ctx::{Ctx, Read};
use crate::error::{Error, Result};
use crate::permission::Permission;
use crate::records;
use crate::rules::condition::{AccountTest, Actions, Condition, TextField, TextOp, TextTest};
use crate::rules::{self, Sampled, validate};

/// How many of the latest records a preview looks at.
const SAMPLE: u64 = 5_000;

/// What a rule would have done.
#[derive(Clone, Debug)]
pub struct RulePreview {
    /// When it would match.
    pub conditions: Condition,
    /// How many records were looked at, latest first.
    pub sampled: usize,
    /// How many of them it matches.
    pub matches: usize,
    /// Of those, the approved ones in the same category.
    pub confirmations: usize,
    /// Of those, the approved ones in another category.
    pub contradictions: usize,
    /// Of those, the ones that still wait for a decision.
    pub waiting: usize,
}

impl RulePreview {
    fn of(
        conditions: Condition,
        sampled: usize,
        matched: &[Sampled],
        category: CategoryId,
    ) -> Self {
        let approved = matched
            .iter()
            .filter(|row| row.status == record::Status::Approved);
        let confirmations = approved
            .clone()
            .filter(|row| row.category_id == Some(category))
            .count();
        let approved = approved.count();
        Self {
            conditions,
            sampled,
            matches: matched.len(),
            confirmations,
            contradictions: approved - confirmations,
            waiting: matched.len() - approved,
        }
    }
}

/// What a rule made from overriding this approval would have matched: with these conditions, or with those that are
/// suggested.
pub async fn rule_preview(
    ctx: &Ctx,
    id: ApprovalId,
    category: CategoryId,
    conditions: Option<Condition>,
) -> Result<RulePreview> {
    ctx.require(Permission::ReadApprovals)?;
    ctx.require(Permission::ReadRules)?;
    let read = ctx.read().await?;
    if let Some(conditions) = &conditions {
        let actions = Actions {
            category: Some(category.0),
            ..Actions::default()
        };
        validate::validate(conditions, &actions)
            .map_err(|wrong| Error::invalid(wrong.path, wrong.message))?;
    }
    let record = record_of(ctx, &read, id).await?;
    match conditions {
        Some(conditions) => tried(ctx, &read, conditions, category).await,
        None => suggestion(ctx, &read, &record, category).await,
    }
}

/// The record an approval is about, if the actor sees it.
pub(super) async fn record_of(ctx: &Ctx, read: &Read, id: ApprovalId) -> Result<record::Model> {
    let approval = read
        .select::<approval::Entity>()
        .filter(approval::Column::Id.eq(id))
        .one(read.on())
        .await?
        .ok_or(Error::NotFound("approval"))?;
    let select = read.select::<record::Entity>();
    records::reached(ctx, Permission::ReadApprovals, select)
        .filter(record::Column::Id.eq(approval.record_id))
        .one(read.on())
        .await?
        .ok_or(Error::NotFound("approval"))
}

/// The merchant alone; the merchant on this account when the merchant alone is contradicted. One confirmation and no
/// contradiction is no proof, so the counts go with it for a person to judge.
pub(super) async fn suggestion(
    ctx: &Ctx,
    read: &Read,
    record: &record::Model,
    category: CategoryId,
) -> Result<RulePreview> {
    let (of, value) = if record.merchant_key.is_empty() {
        (TextField::Description, &record.description)
    } else {
        (TextField::Merchant, &record.merchant_key)
    };
    let merchant = Condition::Text(TextTest {
        of,
        op: TextOp::Equals,
        value: value.chars().take(validate::MAX_TEXT).collect(),
    });
    let alone = tried(ctx, read, merchant.clone(), category).await?;
    let Some(account) = record.account_id.filter(|_| alone.contradictions > 0) else {
        return Ok(alone);
    };
    let on_account = Condition::Account(AccountTest {
        r#in: vec![account.0],
    });
    tried(
        ctx,
        read,
        Condition::All(vec![merchant, on_account]),
        category,
    )
    .await
}

async fn tried(
    ctx: &Ctx,
    read: &Read,
    conditions: Condition,
    category: CategoryId,
) -> Result<RulePreview> {
    let statuses = [record::Status::Processed, record::Status::Approved];
    let (sampled, matched) = rules::sample(ctx, read, &conditions, &statuses, SAMPLE).await?;
    Ok(RulePreview::of(conditions, sampled, &matched, category))
}
