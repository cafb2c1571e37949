//! The approval queue, and looking approvals up.

use entity::decision::Source;
use entity::{AccountId, ApprovalId, CategoryId, DecisionId, RecordId, approval, decision, record};
use sea_orm::sea_query::{Expr, ExprTrait, Func, LikeExpr};
use sea_orm::{
    ColumnTrait, Condition, PaginatorTrait, QueryFilter, QuerySelect, QueryTrait, Select,
};

use crate::ctx::{Ctx, Read};
use crate::error::{Error, Result};
use crate::page::{self, Page, Window};
use crate::permission::Permission;
use crate::records::{self, about_reached};

/// Which approvals are wanted; an empty field asks for nothing.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// In one of these states.
    pub status: Vec<approval::Status>,
    /// Proposed by one of these.
    pub source: Vec<Source>,
    /// Decided as this category, or proposed as it and not decided.
    pub category: Option<CategoryId>,
    /// Only those that wait for a second person, or only those that do not.
    pub second_person_needed: Option<bool>,
    /// Only those that entered the books without a person, or only the others.
    pub automatic: Option<bool>,
    /// Only those that were sure enough and are shown to a person all the same, or only the others.
    pub audit: Option<bool>,
    /// Only those that a rule flags, or only the others.
    pub flagged: Option<bool>,
    /// On this account.
    pub account: Option<AccountId>,
    /// At least this sure.
    pub min_confidence: Option<f64>,
    /// At most this sure.
    pub max_confidence: Option<f64>,
    /// At least this amount, in 10^-5 units with its sign.
    pub min_amount: Option<i64>,
    /// At most this amount, in 10^-5 units with its sign.
    pub max_amount: Option<i64>,
    /// These letters in the description or the merchant, whatever their case.
    pub text: Option<String>,
}

impl Filter {
    fn select(&self, ctx: &Ctx, read: &Read) -> Select<approval::Entity> {
        use approval::Column as Approval;
        let mut wanted = Condition::all();
        if !self.status.is_empty() {
            wanted = wanted.add(Approval::Status.is_in(self.status.iter().copied()));
        }
        if !self.source.is_empty() {
            wanted = wanted.add(Approval::Source.is_in(self.source.iter().copied()));
        }
        if let Some(category) = self.category {
            let proposed = Condition::all()
                .add(Approval::CategoryId.is_null())
                .add(Approval::ProposedCategoryId.eq(category));
            let decided = Approval::CategoryId.eq(category);
            wanted = wanted.add(Condition::any().add(decided).add(proposed));
        }
        if let Some(needed) = self.second_person_needed {
            let waits = Condition::all()
                .add(Approval::ProposedBy.is_not_null())
                .add(Approval::Status.eq(approval::Status::Pending));
            wanted = wanted.add(if needed { waits } else { waits.not() });
        }
        wanted = wanted
            .add_option(self.automatic.map(|it| Approval::Automatic.eq(it)))
            .add_option(self.audit.map(|it| Approval::Audit.eq(it)))
            .add_option(self.flagged.map(|it| match it {
                true => Approval::Flag.is_not_null(),
                false => Approval::Flag.is_null(),
            }))
            .add_option(self.min_confidence.map(|min| Approval::Confidence.gte(min)))
            .add_option(self.max_confidence.map(|max| Approval::Confidence.lte(max)));
        if let Some(record) = self.record() {
            let records = read
                .select::<record::Entity>()
                .select_only()
                .column(record::Column::Id)
                .filter(record)
                .into_query();
            wanted = wanted.add(Approval::RecordId.in_subquery(records));
        }
        shown(ctx, read, read.select::<approval::Entity>().filter(wanted))
    }

    /// What is asked of the record, if anything is.
    fn record(&self) -> Option<Condition> {
        use record::Column as Record;
        let wanted = Condition::all()
            .add_option(self.account.map(|account| Record::AccountId.eq(account)))
            .add_option(self.min_amount.map(|min| Record::Amount.gte(min)))
            .add_option(self.max_amount.map(|max| Record::Amount.lte(max)))
            .add_option(self.text.as_deref().and_then(contains));
        (!wanted.is_empty()).then_some(wanted)
    }
}

fn contains(text: &str) -> Option<Condition> {
    let text = crate::text::fold(text);
    if text.is_empty() {
        return None;
    }
    let escaped: String = text
        .chars()
        .flat_map(|letter| {
            let special = matches!(letter, '\\' | '%' | '_');
            special.then_some('\\').into_iter().chain([letter])
        })
        .collect();
    let like = || LikeExpr::new(format!("%{escaped}%")).escape('\\');
    let description = Func::lower(Expr::col((record::Entity, record::Column::Description)));
    Some(
        Condition::any()
            .add(Expr::expr(description).like(like()))
            .add(Expr::col((record::Entity, record::Column::MerchantKey)).like(like())),
    )
}

/// The approvals of records the actor sees.
fn shown(ctx: &Ctx, read: &Read, select: Select<approval::Entity>) -> Select<approval::Entity> {
    let of = approval::Column::RecordId;
    about_reached(ctx, read, Permission::ReadApprovals, of, select)
}

/// A page of approvals, oldest first, or newest first for a history.
pub async fn list(
    ctx: &Ctx,
    filter: &Filter,
    newest_first: bool,
    window: &Window,
) -> Result<Page<approval::Model>> {
    ctx.require(Permission::ReadApprovals)?;
    let read = ctx.read().await?;
    let select = filter.select(ctx, &read);
    page::page(
        select,
        &[approval::Column::Id],
        newest_first,
        window,
        read.on(),
    )
    .await
}

/// How many there are.
pub async fn count(ctx: &Ctx, filter: &Filter) -> Result<u64> {
    ctx.require(Permission::ReadApprovals)?;
    let read = ctx.read().await?;
    Ok(filter.select(ctx, &read).count(read.on()).await?)
}

/// An approval.
pub async fn find(ctx: &Ctx, id: ApprovalId) -> Result<Option<approval::Model>> {
    Ok(find_all(ctx, &[id]).await?.pop())
}

/// Several approvals at once, in no order.
pub async fn find_all(ctx: &Ctx, ids: &[ApprovalId]) -> Result<Vec<approval::Model>> {
    ctx.require(Permission::ReadApprovals)?;
    let read = ctx.read().await?;
    let approvals = read
        .select::<approval::Entity>()
        .filter(approval::Column::Id.is_in(ids.iter().copied()));
    Ok(shown(ctx, &read, approvals).all(read.on()).await?)
}

/// The approvals of several records, oldest first.
pub async fn of_records(ctx: &Ctx, records: &[RecordId]) -> Result<Vec<approval::Model>> {
    ctx.require(Permission::ReadApprovals)?;
    let read = ctx.read().await?;
    let approvals = read
        .select::<approval::Entity>()
        .filter(approval::Column::RecordId.is_in(records.iter().copied()));
    let mut approvals = shown(ctx, &read, approvals).all(read.on()).await?;
    // sorted here: asked for an order, SQLite walks every approval of the tenant in it instead of looking these up
    approvals.sort_unstable_by_key(|approval| approval.id);
    Ok(approvals)
}

/// The newest approval of a record.
pub async fn of_record(ctx: &Ctx, record: RecordId) -> Result<ApprovalId> {
    let newest = of_records(ctx, &[record]).await?.pop();
    newest.map(|row| row.id).ok_or(Error::NotFound("approval"))
}

/// An approval that must be there.
pub async fn load(ctx: &Ctx, id: ApprovalId) -> Result<approval::Model> {
    find(ctx, id).await?.ok_or(Error::NotFound("approval"))
}

/// Some columns of decisions by id, in no order; what approvals propose.
pub async fn decisions(
    ctx: &Ctx,
    ids: &[DecisionId],
    wanted: &[decision::Column],
) -> Result<Vec<decision::Model>> {
    ctx.require(Permission::ReadApprovals)?;
    let read = ctx.read().await?;
    let ids = decision::Column::Id.is_in(ids.iter().copied());
    let select = read.select::<decision::Entity>().filter(ids);
    let of = decision::Column::RecordId;
    let select = about_reached(ctx, &read, Permission::ReadApprovals, of, select);
    let found = page::read_columns(select, wanted, read.on()).await?;
    Ok(records::without_precedents(ctx, found))
}
