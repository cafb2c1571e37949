//! Removing a passkey.

use entity::{PasskeyId, passkey};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use crate::ctx::{Ctx, Event};
use crate::error::{Error, Result};
use crate::identity::ways_in;

/// Removes a passkey of the person who asks, unless it is their only way in. Sessions it opened go on.
#[tracing::instrument(skip_all, fields(passkey.id = %id))]
pub async fn remove(ctx: &Ctx, id: PasskeyId) -> Result<()> {
    let person = ctx.person()?;
    let mut tx = ctx.begin().await?;
    ways_in::hold(&tx, person).await?;
    let removed = passkey::Entity::delete_many()
        .filter(passkey::Column::Id.eq(id))
        .filter(passkey::Column::UserId.eq(person))
        .exec(tx.on())
        .await?;
    if removed.rows_affected == 0 {
        return Err(Error::NotFound("passkey"));
    }
    ways_in::keep_one(&tx, person).await?;
    tx.record(Event::PasskeyRemoved {
        user: person,
        passkey: id,
    });
    tx.commit().await
}
