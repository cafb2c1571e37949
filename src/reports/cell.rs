//! The records behind a figure.

use entity::{CategoryId, category, record};
use sea_orm::{ColumnTrait, Condition, PaginatorTrait, QueryFilter, Select};

use super::Period;
use super::postings;
use super::sums::OPEN;
use crate::categories::tree::Tree;
use crate::ctx::{Ctx, Read};
use crate::error::{Error, Result};
use crate::money::Currency;
use crate::page::{self, Page, Window};
use crate::permission::Permission;
use crate::records;

/// Which figure.
#[derive(Clone, Copy, Debug)]
pub struct Cell {
    /// The category, with everything below it; `None` is what has no category.
    pub category: Option<CategoryId>,
    /// The days.
    pub period: Period,
    /// The currency.
    pub currency: Currency,
    /// Whether what is proposed and not yet approved counts too.
    pub include_proposed: bool,
}

/// Lists the records behind a figure, the latest first.
pub async fn cell(ctx: &Ctx, cell: Cell, window: &Window) -> Result<Page<record::Model>> {
    ctx.require(Permission::ReadReports)?;
    ctx.require(Permission::ReadRecords)?;
    let read = ctx.read().await?;
    let records = behind(ctx, &read, &cell).await?;
    let order = [record::Column::OccurredOn, record::Column::Id];
    page::page(records, &order, true, window, read.on()).await
}

/// How many there are.
pub async fn count_cell(ctx: &Ctx, cell: Cell) -> Result<u64> {
    ctx.require(Permission::ReadReports)?;
    ctx.require(Permission::ReadRecords)?;
    let read = ctx.read().await?;
    let records = behind(ctx, &read, &cell).await?;
    Ok(records.count(read.on()).await?)
}

async fn behind(ctx: &Ctx, read: &Read, cell: &Cell) -> Result<Select<record::Entity>> {
    let records = read.select::<record::Entity>();
    let records = records::reached(ctx, Permission::ReadReports, records)
        .filter(record::Column::OccurredOn.between(cell.period.from, cell.period.to))
        .filter(record::Column::Currency.eq(cell.currency.as_str()))
        .filter(record::Column::Id.not_in_subquery(postings::transfers(read)));
    let counted = postings::counted(cell.include_proposed);
    Ok(match cell.category {
        None => records
            .filter(record::Column::CategoryId.is_null())
            .filter(record::Column::Status.is_in(OPEN))
            .filter(record::Column::Id.not_in_subquery(postings::refunds(read, &counted, None))),
        Some(category) => {
            let chart = read.select::<category::Entity>().all(read.on()).await?;
            let tree = Tree::of(&chart);
            if tree.node(category).is_none() {
                return Err(Error::NotFound("category"));
            }
            let under = tree.with_descendants(category);
            let own = Condition::all()
                .add(postings::filed_under(read, &under))
                .add(record::Column::Id.not_in_subquery(postings::refunds(read, &counted, None)));
            let refunds = postings::refunds(read, &counted, Some(&under));
            let here = Condition::any()
                .add(own)
                .add(record::Column::Id.in_subquery(refunds));
            records
                .filter(here)
                .filter(record::Column::Status.is_in(counted))
        }
    })
}
