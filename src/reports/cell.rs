//! The records behind a figure.

use entity::record::Status;
use entity::{CategoryId, category, record};
use sea_orm::{ColumnTrait, QueryFilter};

use super::Period;
use super::sums::OPEN;
use crate::categories::tree::Tree;
use crate::ctx::Ctx;
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
    let records = read.select::<record::Entity>();
    let records = records::reached(ctx, Permission::ReadReports, records)
        .filter(record::Column::OccurredOn.between(cell.period.from, cell.period.to))
        .filter(record::Column::Currency.eq(cell.currency.as_str()));
    let records = match cell.category {
        None => records
            .filter(record::Column::CategoryId.is_null())
            .filter(record::Column::Status.is_in(OPEN)),
        Some(category) => {
            let chart = read.select::<category::Entity>().all(read.on()).await?;
            let tree = Tree::of(&chart);
            if tree.node(category).is_none() {
                return Err(Error::NotFound("category"));
            }
            let mut counted = vec![Status::Approved];
            if cell.include_proposed {
                counted.push(Status::Processed);
            }
            records
                .filter(record::Column::CategoryId.is_in(tree.with_descendants(category)))
                .filter(record::Column::Status.is_in(counted))
        }
    };
    let order = [record::Column::OccurredOn, record::Column::Id];
    page::page(records, &order, true, window, read.on()).await
}
