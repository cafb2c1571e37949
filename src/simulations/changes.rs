//! The decisions that would be others, page by page.

use entity::simulated_change::{Column as C, Effect};
use entity::{CategoryId, SimulationId, simulated_change};
use sea_orm::{ColumnTrait, Condition, PaginatorTrait, QueryFilter, Select};

use super::find;
use crate::ctx::{Ctx, Read};
use crate::error::Result;
use crate::page::{self, Page, Window};

/// Which changes are wanted. What is absent matters not.
#[derive(Clone, Debug, Default)]
pub struct ChangeFilter {
    /// Worth one of these.
    pub effects: Option<Vec<Effect>>,
    /// From or to this category.
    pub category: Option<CategoryId>,
}

/// The changes of a simulation that are kept, in the order they were found.
pub async fn changes(
    ctx: &Ctx,
    simulation: SimulationId,
    filter: &ChangeFilter,
    window: &Window,
) -> Result<Page<simulated_change::Model>> {
    find::load(ctx, simulation).await?;
    let read = ctx.read().await?;
    let select = wanted(&read, simulation, filter);
    page::page(select, &[C::Number, C::Id], false, window, read.on()).await
}

/// How many there are.
pub async fn count_changes(
    ctx: &Ctx,
    simulation: SimulationId,
    filter: &ChangeFilter,
) -> Result<u64> {
    find::load(ctx, simulation).await?;
    let read = ctx.read().await?;
    let select = wanted(&read, simulation, filter);
    Ok(select.count(read.on()).await?)
}

fn wanted(
    read: &Read,
    simulation: SimulationId,
    filter: &ChangeFilter,
) -> Select<simulated_change::Entity> {
    let mut select = read
        .select::<simulated_change::Entity>()
        .filter(C::SimulationId.eq(simulation));
    if let Some(effects) = &filter.effects {
        select = select.filter(C::Effect.is_in(effects.iter().copied()));
    }
    if let Some(category) = filter.category {
        let either = Condition::any()
            .add(C::BeforeCategoryId.eq(category))
            .add(C::AfterCategoryId.eq(category));
        select = select.filter(either);
    }
    select
}
