//! Giving a passkey another name.

use entity::{PasskeyId, passkey};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use super::Passkey;
use crate::ctx::{Ctx, Event};
use crate::error::{Error, Result};
use crate::identity::names;

/// Gives a passkey of the person who asks another name.
#[tracing::instrument(skip_all, fields(passkey.id = %id))]
pub async fn rename(ctx: &Ctx, id: PasskeyId, name: &str) -> Result<Passkey> {
    let person = ctx.person()?;
    let name = names::check("name", name)?;
    let mut tx = ctx.begin().await?;
    let renamed = passkey::Entity::update_many()
        .col_expr(passkey::Column::Name, Expr::value(name))
        .filter(passkey::Column::Id.eq(id))
        .filter(passkey::Column::UserId.eq(person))
        .exec_with_returning(tx.on())
        .await?
        .pop()
        .ok_or(Error::NotFound("passkey"))?;
    tx.record(Event::PasskeyRenamed {
        user: person,
        passkey: id,
    });
    tx.commit().await?;
    Ok(renamed.into())
}
