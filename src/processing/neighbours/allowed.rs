//! Whose texts may leave for an embedding service: those of tenants that said so. For all others it is as if there were
//! no service.

use entity::{text_vector, vector_set};
use sea_orm::{ColumnTrait, QueryFilter};

use crate::ctx::Ctx;
use crate::error::Result;
use crate::llm;
use crate::vectors::{Asker, HASHED, Space};

/// Who asks the embedding service for the tenant; nobody where none is configured, or where the tenant has not allowed it.
pub(super) async fn asker(ctx: &Ctx) -> Result<Option<&Asker>> {
    let Some(asker) = ctx.handles().vectors.asker() else {
        return Ok(None);
    };
    let allowed = llm::standing(ctx).await?.embeddings;
    Ok(allowed.then_some(asker))
}

/// The spaces that the tenant's vectors are kept in.
pub async fn spaces(ctx: &Ctx) -> Result<Vec<Space>> {
    let embedded = asker(ctx).await?.map(|asker| asker.space().clone());
    Ok(std::iter::once(Space::hashed()).chain(embedded).collect())
}

/// Lets go of every vector that a service made, unless the tenant wants them.
pub(super) async fn forget_unwanted(ctx: &Ctx) -> Result<()> {
    if llm::standing(ctx).await?.embeddings {
        return Ok(());
    }
    let tx = ctx.begin().await?;
    tx.delete::<text_vector::Entity>()
        .filter(text_vector::Column::Model.ne(HASHED))
        .exec(tx.on())
        .await?;
    tx.delete::<vector_set::Entity>()
        .filter(vector_set::Column::Model.ne(HASHED))
        .exec(tx.on())
        .await?;
    tx.commit().await
}
