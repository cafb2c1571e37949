//! The decisions that would be others, page by page.

use entity::simulated_change::{Column as C, Effect};
use entity::{CategoryId, SimulationId, simulated_change};
use sea_orm::{ColumnTrait, Condition, QueryFilter};

use super::find;
use crate::ctx::Ctx;
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
    page::page(select, &[C::Number, C::Id], false, window, read.on()).await
}
