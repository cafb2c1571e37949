//! The ways in that a person has: a password, passkeys, and accounts at the providers that are configured. One stays.

use entity::{UserId, linked_identity, passkey, user};
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QuerySelect};

use crate::ctx::Tx;
use crate::error::{Error, Result};

/// Makes whoever takes away another way in of this person wait: of two who each leave the other's, one would leave none.
pub(super) async fn hold(tx: &Tx<'_>, person: UserId) -> Result<()> {
    user::Entity::find()
        .filter(user::Column::Id.eq(person))
        .lock_exclusive()
        .one(tx.on())
        .await?
        .ok_or(Error::NotFound("user"))?;
    Ok(())
}

/// Refuses what was done in this unit of work if it left the person no way in.
pub(super) async fn keep_one(tx: &Tx<'_>, person: UserId) -> Result<()> {
    let passwords = user::Entity::find()
        .filter(user::Column::Id.eq(person))
        .filter(user::Column::PasswordHash.is_not_null())
        .count(tx.on())
        .await?;
    let passkeys = passkey::Entity::find()
        .filter(passkey::Column::UserId.eq(person))
        .filter(passkey::Column::SuspectedAt.is_null())
        .count(tx.on())
        .await?;
    let issuers = tx.ctx().config().providers()?.into_iter().map(|p| p.issuer);
    let linked = linked_identity::Entity::find()
        .filter(linked_identity::Column::UserId.eq(person))
        .filter(linked_identity::Column::Issuer.is_in(issuers))
        .count(tx.on())
        .await?;
    if passwords + passkeys + linked > 0 {
        Ok(())
    } else {
        Err(Error::conflict(
            "this is the only way in that you have; add another one first",
        ))
    }
}
